"""All hosts together: makes them, gathers what their threads deliver, keeps the store.

Knows no user interface. Snapshots arrive on the hosts' threads and wait in a mailbox; `wake` is
called once for any number of them, and whoever owns the store (the event loop) then drains it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from tuivm.model.hosts import HostSpec
from tuivm.model.ports import CredentialRequest, HostMaker, HostPort, Sinks, View
from tuivm.model.snapshot import HostSnapshot
from tuivm.model.store import Change, Store

MAILBOX_LIMIT = 8
"""Snapshots of one host that may wait; more than that and the oldest are dropped."""


class Fleet:
    """Hosts by name, and the store that their snapshots go into.

    wake: called from any thread when the mailbox is no longer empty; must not block.
    ask: called from any thread when libvirt asks for credentials.
    """

    def __init__(
        self,
        maker: HostMaker,
        wake: Callable[[], None],
        ask: Callable[[CredentialRequest], None],
    ) -> None:
        self.maker = maker
        self.store = Store()
        self.sinks = Sinks(snapshot=self._deliver, credentials=ask)
        self._wake = wake
        self._hosts: dict[str, HostPort] = {}
        self._views: dict[str, View] = {}
        self._lock = threading.Lock()
        self._mailbox: dict[str, deque[HostSnapshot]] = {}

    @property
    def hosts(self) -> dict[str, HostPort]:
        return self._hosts

    def add(self, spec: HostSpec) -> HostPort:
        """Begin to connect to a host. Its name must be new."""
        if spec.name in self._hosts:
            raise ValueError(f"there is a host named {spec.name} already")
        host = self.maker.make(spec, self.sinks)
        self.store.add_host(spec)
        self._hosts[spec.name] = host
        host.start()
        return host

    def remove(self, name: str) -> Change:
        """Close a host and forget its guests."""
        host = self._hosts.pop(name, None)
        self._views.pop(name, None)
        if host is not None:
            host.close()
        with self._lock:
            self._mailbox.pop(name, None)
        return self.store.remove_host(name)

    def watch(self, name: str, view: View) -> None:
        """Tell a host what is looked at; the same view twice costs nothing."""
        host = self._hosts.get(name)
        if host is not None and self._views.get(name) != view:
            self._views[name] = view
            host.watch(view)

    def retry(self, name: str) -> None:
        host = self._hosts.get(name)
        if host is not None:
            host.retry()

    def close(self) -> None:
        """Close all hosts, without waiting for any."""
        for host in self._hosts.values():
            host.close()

    def drain(self) -> list[Change]:
        """Apply every waiting snapshot to the store, in the order of arrival a host."""
        with self._lock:
            waiting = list(self._mailbox.values())
            self._mailbox = {}
        return [self.store.apply(snapshot) for queue in waiting for snapshot in queue]

    def _deliver(self, snapshot: HostSnapshot) -> None:
        with self._lock:
            first = not self._mailbox
            queue = self._mailbox.setdefault(snapshot.host, deque(maxlen=MAILBOX_LIMIT))
            queue.append(snapshot)
        if first:
            self._wake()
