"""Hosts looked at once, by a program that waits for the answer: for the command line.

Built on the same hosts as the user interface, so it shows the same things.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from tuivm.hypervisor.host import LibvirtHost
from tuivm.model.hosts import HostLoad, HostSpec, HostState, Problem
from tuivm.model.ports import Sinks
from tuivm.model.snapshot import HostSnapshot

_TICK = 0.25
"""Seconds between the two readings that a host's CPU load is made of."""
_LOOK_AGAIN = 0.05
"""Seconds; nothing is delivered at the moment when the last guest's XML has been read."""


class _Look:
    """One host, until what is wanted of it is known or it is clear that it will not be."""

    def __init__(self, spec: HostSpec, news: threading.Condition, *, facts: bool) -> None:
        self.spec = spec
        self._facts = facts
        self._news = news
        self._loads: list[HostLoad] = []
        self._last: HostSnapshot | None = None
        quick = spec._replace(interval=min(spec.interval, _TICK))
        self.host = LibvirtHost(quick, Sinks(snapshot=self._take))
        self.host.start()

    def _take(self, snapshot: HostSnapshot) -> None:
        with self._news:
            self._last = snapshot
            # The same object comes again with snapshots between two ticks.
            if snapshot.load is not None and snapshot.load not in self._loads[-1:]:
                self._loads.append(snapshot.load)
            self._news.notify_all()

    @property
    def done(self) -> bool:
        last = self._last
        if last is None:
            return False
        if last.state in (HostState.LOST, HostState.FAILED):
            return True
        if last.state is not HostState.UP:
            return False
        if not self._facts:
            return self.host.listed
        return self.host.settled and self._load_known(last)

    def _load_known(self, last: HostSnapshot) -> bool:
        """The first reading has no CPU load yet; a driver without any never will."""
        load = last.load
        return load is not None and (
            load.cpu_percent is not None or load.memory_total_kib is None or len(self._loads) > 1
        )

    def result(self, timeout: float) -> HostSnapshot:
        """What is known; a host that is not done has a problem that says so."""
        last = (self._last or self.host.last)._replace(interval=self.spec.interval)
        if self.done or last.problem is not None:
            return last
        problem = Problem(
            f"cannot read all of {last.host}", f"it did not answer within {timeout:.0f} s"
        )
        state = HostState.LOST if last.state is HostState.CONNECTING else last.state
        return last._replace(problem=problem, state=state)


def survey(
    specs: Sequence[HostSpec], *, timeout: float, facts: bool = True
) -> list[tuple[HostSpec, HostSnapshot]]:
    """Every host, side by side, with facts, load and all guests with their details.

    facts: wait for facts and load too. A daemon may run each of its emulators to tell its
    capabilities, which takes seconds; who wants the guests alone need not wait for that.

    In the order of the specs. A host that cannot be reached, or that is not done after `timeout`
    seconds, has a problem, and what is known of it all the same. Calls that hang are left to
    daemon threads, so it comes back in time whatever they do.
    """
    news = threading.Condition()
    looks = [_Look(spec, news, facts=facts) for spec in specs]
    until = time.monotonic() + timeout
    with news:
        while not all(look.done for look in looks) and (left := until - time.monotonic()) > 0:
            news.wait(min(left, _LOOK_AGAIN))
        found = [(look.spec, look.result(timeout)) for look in looks]
    for look in looks:
        look.host.close()
    return found
