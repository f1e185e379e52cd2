"""Which devices can be compared, ready-made choices of them, and what to begin with. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from tuivm.model.comparison import DeviceRef, Row
from tuivm.model.devices import DeviceClass, DeviceKind
from tuivm.model.guests import GuestKey
from tuivm.model.iomix import LEAST
from tuivm.model.readings import device_of
from tuivm.model.store import GuestView, Store

FIRST = 6
"""Devices that a first choice has at most: more lines are no longer told apart on one chart."""
_KINDS = (DeviceKind.DISK, DeviceKind.NIC, DeviceKind.HOSTDEV)
_PLURALS = {DeviceKind.DISK: "disks", DeviceKind.NIC: "NICs"}


class Candidate(NamedTuple):
    """A device that can be chosen.

    guest, host, model, note: for a person (untrusted text). ios: requests or packets per second
    now, None where not reported. running: its guest is. removable: a CD-ROM or floppy drive.
    """

    ref: DeviceRef
    guest: str
    host: str
    model: str
    cls: DeviceClass
    note: str = ""
    ios: float | None = None
    running: bool = False
    removable: bool = False

    @property
    def busy(self) -> bool:
        return self.running and (self.ios or 0.0) >= LEAST


class Preset(NamedTuple):
    """A ready-made choice of at least two devices. baseline: one of them."""

    title: str
    refs: tuple[DeviceRef, ...]
    baseline: DeviceRef


def candidates(store: Store, text: str = "") -> list[Candidate]:
    """Every disk, NIC and passed-through device, by host, guest and the order of the guest's XML.

    text: words that all have to occur, whatever the case, in host, guest, target, model, kind,
    class or note.
    """
    words = text.casefold().split()
    found = []
    order = {host: place for place, host in enumerate(store.host_names)}
    views = sorted(
        store.guests.values(),
        key=lambda view: (order.get(view.key.host, 0), view.guest.name.casefold(), view.key.uuid),
    )
    for view in views:
        found += _of_guest(view)
    return [one for one in found if not words or _matches(one, words)]


def presets(store: Store, guest: GuestKey | None = None, hosts: Iterable[str] = ()) -> list[Preset]:
    """Choices that make sense now, for the guest that a person is at (if any) and these hosts.

    Of the guest: all its devices of a kind. Of all hosts: those that do I/O now. Of each host:
    those of its running guests, ordered by class. Empty drives are left out.
    """
    everything = [one for one in candidates(store) if one.busy or not one.removable]
    view = store.guest(guest) if guest else None
    found = []
    if view is not None:
        mine = [one for one in everything if one.ref.guest == guest]
        found += [
            (f"all {name} of {view.guest.name}", _of_kind(mine, kind))
            for kind, name in _PLURALS.items()
        ]
    busy = [one for one in everything if one.busy]
    found += [
        (f"every busy {name.removesuffix('s')}", _of_kind(busy, kind))
        for kind, name in _PLURALS.items()
    ]
    running = _by_class(one for one in everything if one.running)
    by_host: dict[str, list[Candidate]] = {}
    for one in running:
        by_host.setdefault(one.host, []).append(one)
    found += [
        (f"all {name} of {host}, by class", _of_kind(by_host.get(host, ()), kind))
        for host in hosts
        for kind, name in _PLURALS.items()
    ]
    return [
        Preset(title, tuple(one.ref for one in chosen), _baseline(chosen).ref)
        for title, chosen in found
        if len(chosen) >= 2
    ]


def first_choice(store: Store) -> tuple[tuple[DeviceRef, ...], DeviceRef | None]:
    """What to show when nothing was chosen, and its baseline: at most FIRST devices.

    Busy disks, the busiest of each class in turn, so that each class is seen; without any, busy
    NICs; then whatever disks or NICs running guests have. () and None when there is none at all.
    """
    running = [one for one in candidates(store) if one.running]
    fixed = [one for one in running if one.busy or not one.removable]
    tests: tuple[Callable[[Candidate], bool], ...] = (lambda one: one.busy, lambda _: True)
    for test in tests:
        for kind in _PLURALS:
            chosen = _in_turn([one for one in fixed if one.ref.kind is kind and test(one)])
            if chosen:
                return tuple(one.ref for one in chosen), _baseline(chosen).ref
    return (), None


def baseline_of(store: Store, refs: Iterable[DeviceRef]) -> DeviceRef | None:
    """The device that ratios are best taken to: the busiest emulated one, else the first."""
    wanted = list(refs)
    known = {one.ref: one for one in candidates(store)}
    found = [known[ref] for ref in wanted if ref in known]
    return _baseline(found).ref if found else next(iter(wanted), None)


def follow(store: Store, rows: Iterable[Row]) -> tuple[DeviceRef, ...]:
    """The devices of an earlier comparison as they are called now, in the same order.

    A NIC is found by its MAC address, because its target (vnet3) is another after each start of
    its guest; what is not there keeps its old ref, and `compare` says so.
    """
    return tuple(_now(store, row) for row in rows)


def _now(store: Store, row: Row) -> DeviceRef:
    view = store.guest(row.ref.guest)
    if view is None or not view.guest.details:
        return row.ref
    device = device_of(store, row.ref)
    if not row.mac or (device is not None and device.mac == row.mac):
        return row.ref
    for one in view.guest.details.devices:
        if one.kind is row.ref.kind and one.mac == row.mac:
            return row.ref._replace(target=one.target)
    return row.ref


def _of_guest(view: GuestView) -> list[Candidate]:
    devices = view.guest.details.devices if view.guest.details else ()
    ios = _ios(view)
    return [
        Candidate(
            DeviceRef(view.key, one.kind, one.target),
            guest=view.guest.name,
            host=view.key.host,
            model=one.model,
            cls=one.cls,
            note=one.note,
            ios=ios.get((one.kind, one.target)) if one.counted else None,
            running=view.guest.state.active,
            removable=one.removable,
        )
        for one in devices
        if one.kind in _KINDS and one.target
    ]


def _ios(view: GuestView) -> dict[tuple[DeviceKind, str], float | None]:
    if view.rates is None:
        return {}
    found: dict[tuple[DeviceKind, str], float | None] = {}
    for disk in view.rates.disks or ():
        found[DeviceKind.DISK, disk.name] = _known_sum(disk.rd_reqs, disk.wr_reqs)
    for nic in view.rates.nics or ():
        found[DeviceKind.NIC, nic.name] = _known_sum(nic.rx_pkts, nic.tx_pkts)
    return found


def _known_sum(*values: float | None) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _matches(one: Candidate, words: Iterable[str]) -> bool:
    text = " ".join(
        (
            one.host,
            one.guest,
            one.ref.target,
            one.model,
            one.ref.kind.value,
            one.cls.value,
            one.note,
        )
    ).casefold()
    return all(word in text for word in words)


def _of_kind(chosen: Iterable[Candidate], kind: DeviceKind) -> list[Candidate]:
    return [one for one in chosen if one.ref.kind is kind]


def _by_class(chosen: Iterable[Candidate]) -> list[Candidate]:
    order = {cls: place for place, cls in enumerate(DeviceClass)}
    return sorted(chosen, key=lambda one: order[one.cls])


def _in_turn(chosen: Sequence[Candidate]) -> list[Candidate]:
    """At most FIRST of them: the busiest of each class, then the next of each, …"""
    ranked = []
    for cls in DeviceClass:
        mine = sorted((one for one in chosen if one.cls is cls), key=lambda one: -(one.ios or 0.0))
        ranked += [(rank, one) for rank, one in enumerate(mine)]
    ranked.sort(key=lambda pair: pair[0])
    return _by_class(one for _, one in ranked[:FIRST])


def _baseline(chosen: Sequence[Candidate]) -> Candidate:
    emulated = [one for one in chosen if one.cls is DeviceClass.EMULATED]
    return max(emulated, key=lambda one: one.ios or 0.0) if emulated else chosen[0]
