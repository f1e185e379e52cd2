"""A real host under test, with everything that it delivered."""

from __future__ import annotations

import threading
from collections.abc import Callable

from tuivm.hypervisor.host import LibvirtHost
from tuivm.model.guests import Guest
from tuivm.model.hosts import HostSpec, HostState
from tuivm.model.ports import CredentialRequest, Sinks, View
from tuivm.model.snapshot import HostSnapshot

TIMEOUT = 60.0


class Watched:
    """Starts a host and waits for what it delivers. Close it."""

    def __init__(
        self,
        uri: str,
        *,
        name: str = "here",
        readonly: bool = False,
        interval: float = 0.2,
        view: View | None = None,
        credentials: Callable[[CredentialRequest], None] | None = None,
    ) -> None:
        self._news = threading.Condition()
        self.snapshots: list[HostSnapshot] = []
        sinks = Sinks(snapshot=self._take)
        if credentials is not None:
            sinks = sinks._replace(credentials=credentials)
        self.host = LibvirtHost(HostSpec(name, uri, readonly, interval), sinks)
        if view is not None:
            self.host.watch(view)
        self.host.start()

    def _take(self, snapshot: HostSnapshot) -> None:
        with self._news:
            self.snapshots.append(snapshot)
            self._news.notify_all()

    def close(self) -> None:
        self.host.close()

    @property
    def last(self) -> HostSnapshot:
        return self.host.last

    def wait(
        self, condition: Callable[[HostSnapshot], object], what: str, *, since: int = 0
    ) -> HostSnapshot:
        """The first snapshot, from number `since` on, for which the condition holds."""
        seen = since
        with self._news:
            while True:
                while seen < len(self.snapshots):
                    snapshot = self.snapshots[seen]
                    seen += 1
                    if condition(snapshot):
                        return snapshot
                if not self._news.wait(TIMEOUT):
                    raise TimeoutError(f"nothing new in {TIMEOUT:.0f} s; waited for {what}")

    def next(self, condition: Callable[[HostSnapshot], object], what: str) -> HostSnapshot:
        """The first snapshot delivered from now on for which the condition holds."""
        return self.wait(condition, what, since=len(self.snapshots))

    def wait_up(self) -> HostSnapshot:
        return self.wait(lambda s: s.state is HostState.UP, "the host to be up")

    def guest(self, uuid: str) -> Guest:
        return self.last.guests[uuid]

    def wait_guest(
        self, uuid: str, condition: Callable[[Guest], object], what: str
    ) -> HostSnapshot:
        return self.wait(lambda s: uuid in s.guests and condition(s.guests[uuid]), what)
