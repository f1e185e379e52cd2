"""What libvirt reports by itself, gathered until the session comes to look at it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import libvirt

from tuivm.hypervisor.connect import Link
from tuivm.model.snapshot import Revisions

_LIST_EVENTS = (libvirt.VIR_DOMAIN_EVENT_ID_REBOOT,)
_DETAIL_EVENTS = (
    libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_ADDED,
    libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED,
    libvirt.VIR_DOMAIN_EVENT_ID_METADATA_CHANGE,
    libvirt.VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE,
    libvirt.VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE,
    libvirt.VIR_DOMAIN_EVENT_ID_DISK_CHANGE,
    libvirt.VIR_DOMAIN_EVENT_ID_TRAY_CHANGE,
)
_TAKING = (
    libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_ADDED,
    libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED,
    libvirt.VIR_DOMAIN_EVENT_ID_DISK_CHANGE,
    libvirt.VIR_DOMAIN_EVENT_ID_TRAY_CHANGE,
)
"""By these, what a guest uses of its host is another."""
_DEVICE_EVENTS = (
    libvirt.VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE,
    libvirt.VIR_NODE_DEVICE_EVENT_ID_UPDATE,
)
_POOL_EVENTS = (
    libvirt.VIR_STORAGE_POOL_EVENT_ID_LIFECYCLE,
    libvirt.VIR_STORAGE_POOL_EVENT_ID_REFRESH,
)
_GUESTS_OWN = ("net_vnet", "net_macvtap", "net_macvlan")
"""How libvirt names the node devices that are the host's ends of guests' NICs."""


class News:
    """What happened since the last look.

    relist: the list of guests, or a state, changed. details: UUIDs whose XML is to be read again.
    started: wall clock of a start that was seen, by UUID. results: what other threads found out.
    revised: fields of `Revisions` that changed.
    """

    def __init__(self) -> None:
        self.relist = False
        self.details: set[str] = set()
        self.started: dict[str, float] = {}
        self.results: list[Callable[[], None]] = []
        self.revised: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self.relist or self.details or self.started or self.results or self.revised)


class Inbox:
    """Filled on libvirt's event thread and on lanes, emptied by the session; calls no libvirt."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._lock = threading.Lock()
        self._news = News()

    def take(self) -> News:
        with self._lock:
            news, self._news = self._news, News()
        return news

    def relist(self) -> None:
        with self._lock:
            self._news.relist = True
        self._wake()

    def post(self, result: Callable[[], None]) -> None:
        """Have something done on the session's thread."""
        with self._lock:
            self._news.results.append(result)
        self._wake()

    def subscribe(self, link: Link) -> bool:
        """Register for all that a driver offers; False when not even lifecycle is among it."""
        lifecycle = link.subscribe(libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, self._lifecycle, None)
        for event in _LIST_EVENTS:
            link.subscribe(event, self._changed, None)
        for event in _DETAIL_EVENTS:
            link.subscribe(event, self._details_changed, event)
        return lifecycle

    def subscribe_host(self, link: Link) -> None:
        """Register for what a driver tells of the host's devices, pools and networks."""
        for event in _DEVICE_EVENTS:
            link.subscribe_devices(event, self._device_changed)
        for event in _POOL_EVENTS:
            link.subscribe_pools(event, self._storage_changed)
        link.subscribe_networks(libvirt.VIR_NETWORK_EVENT_ID_LIFECYCLE, self._networks_changed)

    def _device_changed(
        self, _conn: libvirt.virConnect, device: libvirt.virNodeDevice, *_rest: object
    ) -> None:
        if not device.name().startswith(_GUESTS_OWN):
            self._revise("devices")

    def _storage_changed(self, _conn: libvirt.virConnect, *_rest: object) -> None:
        self._revise("storage")

    def _networks_changed(self, _conn: libvirt.virConnect, *_rest: object) -> None:
        self._revise("networks")

    def _revise(self, field: str) -> None:
        with self._lock:
            self._news.revised.add(field)
        self._wake()

    def _lifecycle(
        self, _conn: libvirt.virConnect, dom: libvirt.virDomain, event: int, *_rest: object
    ) -> None:
        uuid = dom.UUIDString()
        with self._lock:
            self._news.relist = True
            self._news.details.add(uuid)
            self._news.revised.update(Revisions._fields)
            if event == libvirt.VIR_DOMAIN_EVENT_STARTED:
                self._news.started[uuid] = time.time()
        self._wake()

    def _changed(self, _conn: libvirt.virConnect, _dom: libvirt.virDomain, *_rest: object) -> None:
        self.relist()

    def _details_changed(
        self, _conn: libvirt.virConnect, dom: libvirt.virDomain, *rest: object
    ) -> None:
        # What was given at the registration comes last.
        event = rest[-1]
        with self._lock:
            self._news.details.add(dom.UUIDString())
            if event in _TAKING:
                self._news.revised.update(Revisions._fields)
        self._wake()
