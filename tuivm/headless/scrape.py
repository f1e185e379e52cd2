"""`tuivm stats --openmetrics`: every host looked at once, side by side, and printed together."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TextIO

from tuivm.cli import Exit
from tuivm.headless import openmetrics
from tuivm.headless.openmetrics import Scraped
from tuivm.headless.show import problem_lines
from tuivm.model.guests import Guest
from tuivm.model.hosts import HostSpec, HostState, Problem
from tuivm.model.ports import Groups, HostMaker, HostPort, Sinks, View
from tuivm.model.samples import GuestSample
from tuivm.model.snapshot import HostSnapshot

TICK = 0.25
"""Seconds between two samples while something is still missing."""
TRIES = 3
"""A guest's monitor may be busy: after so many samples what is missing counts as not reported."""


@dataclass(slots=True)
class _Looked:
    """One host while it is looked at.

    snapshot: the newest while it was up. heard: monotonic seconds when that came. down: the one
    that says why it is not. samples: the fullest of each guest. tries: how many there were.
    """

    spec: HostSpec
    port: HostPort
    snapshot: HostSnapshot | None = None
    heard: float = 0.0
    down: HostSnapshot | None = None
    active: frozenset[str] = frozenset()
    samples: dict[str, GuestSample] = field(default_factory=dict)
    tries: dict[str, int] = field(default_factory=dict)


class Scrape:
    """groups: what is asked for. timeout: seconds that all hosts together have to answer."""

    def __init__(
        self,
        specs: Sequence[HostSpec],
        maker: HostMaker,
        out: TextIO,
        err: TextIO,
        *,
        groups: Groups,
        timeout: float,
    ) -> None:
        self._out = out
        self._err = err
        self._groups = groups
        self._timeout = timeout
        self._inbox: SimpleQueue[HostSnapshot] = SimpleQueue()
        sinks = Sinks(snapshot=self._inbox.put)
        timed = [spec._replace(interval=TICK) for spec in specs]
        self._hosts = {spec.name: _Looked(spec, maker.make(spec, sinks)) for spec in timed}

    def run(self) -> Exit:
        """Print what is known when all is known, or when the time is up."""
        hosts = self._hosts.values()
        until = time.monotonic() + self._timeout
        for host in hosts:
            self._watch(host, frozenset())
            host.port.start()
        try:
            while not all(map(self._done, hosts)) and (left := until - time.monotonic()) > 0:
                self._wait(left)
        finally:
            for host in hosts:
                host.port.close()
        for host in hosts:
            self._judge(host)
        self._out.write(openmetrics.text([self._scraped(host) for host in hosts]))
        self._out.flush()
        return Exit.UNREACHABLE if any(host.down for host in hosts) else Exit.FINE

    def _wait(self, seconds: float) -> None:
        try:
            snapshot = self._inbox.get(timeout=seconds)
        except Empty:
            return
        host = self._hosts[snapshot.host]
        if snapshot.state in (HostState.LOST, HostState.FAILED):
            host.down = snapshot
        elif snapshot.state is HostState.UP and host.down is None:
            self._take(host, snapshot)

    def _take(self, host: _Looked, snapshot: HostSnapshot) -> None:
        host.snapshot, host.heard = snapshot, time.monotonic()
        active = frozenset(uuid for uuid, guest in snapshot.guests.items() if guest.state.active)
        if active != host.active:
            self._watch(host, active)
        for uuid, sample in snapshot.samples.items():
            host.tries[uuid] = host.tries.get(uuid, 0) + 1
            known = host.samples.get(uuid)
            if known is None or self._lacks(sample) <= self._lacks(known):
                host.samples[uuid] = sample

    def _watch(self, host: _Looked, active: frozenset[str]) -> None:
        host.active = active
        host.port.watch(View(guests=active, groups=self._groups, interval=TICK))

    def _done(self, host: _Looked) -> bool:
        if host.down is not None:
            return True
        snapshot = host.snapshot
        if snapshot is None or snapshot.facts is None:
            return False
        return all(
            self._known(host, guest, local=snapshot.facts.local)
            for guest in snapshot.guests.values()
        )

    def _known(self, host: _Looked, guest: Guest, *, local: bool) -> bool:
        if guest.details is None:
            return False
        if not guest.state.active:
            return True
        uuid = guest.key.uuid
        sample = host.samples.get(uuid)
        if sample is None:
            return False
        if local and Groups.COST in self._groups and sample.cost is None:
            return False
        return not self._missing(sample) or host.tries[uuid] >= TRIES

    def _missing(self, sample: GuestSample) -> int:
        """How many of libvirt's groups of statistics are not in a sample."""
        missing = [sample.cpu_ns, sample.balloon, sample.nics].count(None)
        # libvirt names the disks of a guest even when it could not ask for their counters.
        disks = sample.disks
        missing += disks is None or any(disk.rd_reqs is None for disk in disks)
        return missing + (Groups.VCPU in self._groups and not sample.vcpus)

    def _lacks(self, sample: GuestSample) -> int:
        return self._missing(sample) + (sample.cost is None)

    def _judge(self, host: _Looked) -> None:
        """A host that hangs half way is down, too."""
        silent = time.monotonic() - host.heard
        if host.down is None and not self._done(host) and silent > self._timeout / 2:
            problem = Problem(f"{host.spec.name} did not answer within {self._timeout:g} s")
            host.down = HostSnapshot(
                host.spec.name, time.monotonic(), HostState.STALE, problem=problem
            )
        if host.down is not None:
            lines = problem_lines(host.spec, host.down)
            self._err.writelines(f"{line}\n" for line in lines)
            self._err.flush()

    @staticmethod
    def _scraped(host: _Looked) -> Scraped:
        if host.down is not None:
            return Scraped(host.spec)
        return Scraped(host.spec, host.snapshot, host.samples)
