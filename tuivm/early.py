"""Hosts that are opened before the user interface is there.

Importing Textual and drawing the first screen take longer than a local libvirt needs to answer: so
the hosts begin first, and what they deliver meanwhile is kept for whoever comes to want it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future

from tuivm.model.hosts import HostSpec
from tuivm.model.ports import CredentialRequest, HostMaker, HostPort, Sinks, Trial
from tuivm.model.snapshot import HostSnapshot

KEPT = 8
"""Snapshots of one host that may wait; more than that and the oldest are dropped."""


class _Kept:
    """The sinks of a host, until the real ones are known."""

    def __init__(self) -> None:
        # Held while something is handed on, so that nothing overtakes what was kept.
        self._lock = threading.Lock()
        self._sinks: Sinks | None = None
        self._snapshots: deque[HostSnapshot] = deque(maxlen=KEPT)
        self._requests: list[CredentialRequest] = []

    def snapshot(self, snapshot: HostSnapshot) -> None:
        with self._lock:
            if self._sinks is None:
                self._snapshots.append(snapshot)
            else:
                self._sinks.snapshot(snapshot)

    def credentials(self, request: CredentialRequest) -> None:
        with self._lock:
            if self._sinks is None:
                self._requests.append(request)
            else:
                self._sinks.credentials(request)

    def hand_to(self, sinks: Sinks) -> None:
        with self._lock:
            self._sinks = sinks
            for snapshot in self._snapshots:
                sinks.snapshot(snapshot)
            for request in self._requests:
                sinks.credentials(request)
            self._snapshots.clear()
            self._requests.clear()


class EarlyHosts:
    """A `HostMaker` that has made and started some of its hosts already."""

    def __init__(self, maker: HostMaker, specs: Iterable[HostSpec]) -> None:
        self._maker = maker
        self._begun: dict[HostSpec, tuple[HostPort, _Kept]] = {}
        for spec in specs:
            kept = _Kept()
            host = maker.make(spec, Sinks(kept.snapshot, kept.credentials))
            self._begun[spec] = host, kept
            host.start()

    def make(self, spec: HostSpec, sinks: Sinks) -> HostPort:
        """The host that was begun with this spec, the first time; else a new one."""
        begun = self._begun.pop(spec, None)
        if begun is None:
            return self._maker.make(spec, sinks)
        host, kept = begun
        kept.hand_to(sinks)
        return host

    def try_out(self, uri: str, *, readonly: bool, sinks: Sinks) -> Future[Trial]:
        return self._maker.try_out(uri, readonly=readonly, sinks=sinks)
