"""A host's devices as the rows of a tree: what is under what, what is folded, what is shown. Pure.

A row is known by its device, so that it stays itself whatever comes and goes around it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import NamedTuple

from tuivm.model.offers import HostDevice, HostOffer, MdevType

FOLDED_FROM = 9
"""VFs from which on a PF is shown folded until a person unfolds it."""

Key = tuple[str, str]
"""(kind, address) of a device, or ("group", number), ("bus", number), ("type", parent and type)."""


class Way(Enum):
    GROUP = "by IOMMU group"
    BUS = "by bus"


class Node(NamedTuple):
    """One row. device: None for a heading and for a type of mediated devices. heading: its words.
    below: how many rows are under it, shown or not; folded: they are not shown."""

    key: Key
    depth: int = 0
    device: HostDevice | None = None
    heading: str = ""
    below: int = 0
    folded: bool = False
    type: MdevType | None = None


class Shape(NamedTuple):
    """What a person chose. turned: rows whose fold is not the one that they have by themselves.
    matches: which devices the filter lets through; None: all."""

    way: Way = Way.GROUP
    turned: frozenset[Key] = frozenset()
    matches: Callable[[HostDevice], bool] | None = None


def key_of(device: HostDevice) -> Key:
    return device.kind, device.address


def short_address(address: str) -> str:
    """A PCI address as lspci writes it: without the domain where that is 0000."""
    return address.removeprefix("0000:")


def is_bridge(device: HostDevice) -> bool:
    """A PCI bridge or root port, which VFIO lets the host keep."""
    return device.kind == "pci" and device.class_.startswith("0604")


def pci_rows(devices: Iterable[HostDevice], shape: Shape) -> list[Node]:
    """VFs are under their PF, wherever that is."""
    mine = sorted((one for one in devices if one.kind == "pci"), key=lambda one: one.address)
    by_address = {one.address: one for one in mine}
    functions: dict[str, list[HostDevice]] = {}
    top: list[HostDevice] = []
    for one in mine:
        if one.physical_function in by_address:
            functions.setdefault(one.physical_function, []).append(one)
        else:
            top.append(one)
    if shape.way is Way.BUS:
        return _by_bus(top, functions, shape)
    return _by_group(mine, top, functions, shape)


def _by_group(
    mine: Sequence[HostDevice],
    top: Sequence[HostDevice],
    functions: dict[str, list[HostDevice]],
    shape: Shape,
) -> list[Node]:
    sizes: dict[int, int] = {}
    going: dict[int, int] = {}
    for one in mine:
        if one.iommu_group is not None:
            sizes[one.iommu_group] = sizes.get(one.iommu_group, 0) + 1
            going[one.iommu_group] = going.get(one.iommu_group, 0) + (not is_bridge(one))
    groups: dict[int | None, list[HostDevice]] = {}
    for one in top:
        groups.setdefault(one.iommu_group, []).append(one)
    rows: list[Node] = []
    for group in sorted(groups, key=lambda number: (number is None, number or 0)):
        number = len(groups[group]) if group is None else sizes[group]
        headed = group is None or number > 1
        nodes = [
            node
            for one in groups[group]
            for node in _with_below(one, functions, {}, shape, 1 if headed else 0)
        ]
        if headed and nodes:
            words = _group_words(group, number, 0 if group is None else going[group])
            rows.append(Node(("group", str(group)), heading=words))
        rows += nodes
    return rows


def _group_words(group: int | None, number: int, going: int) -> str:
    if group is None:
        devices = "1 device" if number == 1 else f"{number} devices"
        return f"in no IOMMU group: {devices}, none can be passed through"
    bridges = number - going
    words = f"group {group}: {number} devices"
    if bridges == number:
        return f"{words}, all bridges of the host's"
    if going == 1:
        return f"{words}; 1 goes alone, bridges stay"
    stay = "" if not bridges else ", its bridge stays" if bridges == 1 else ", its bridges stay"
    return f"{words}; goes as a whole{stay}"


def _by_bus(
    top: Sequence[HostDevice], functions: dict[str, list[HostDevice]], shape: Shape
) -> list[Node]:
    """What libvirt calls the parent is the bridge that it hangs on."""
    by_name = {one.nodedev: one for one in top if one.nodedev}
    under: dict[str, list[HostDevice]] = {}
    roots: dict[str, list[HostDevice]] = {}
    for one in top:
        parent = by_name.get(one.parent)
        if parent is None or parent is one:
            roots.setdefault(one.address.rpartition(":")[0], []).append(one)
        else:
            under.setdefault(parent.address, []).append(one)
    rows: list[Node] = []
    for bus, ones in roots.items():
        nodes = [node for one in ones for node in _with_below(one, functions, under, shape, 0)]
        if nodes:
            rows.append(Node(("bus", bus), heading=f"bus {short_address(bus)}"))
            rows += nodes
    return rows


def _with_below(
    device: HostDevice,
    functions: dict[str, list[HostDevice]],
    under: dict[str, list[HostDevice]],
    shape: Shape,
    depth: int,
) -> list[Node]:
    """A device with what hangs on it; nothing where the filter has none of it."""
    mine = functions.get(device.address, [])
    below = [Node(key_of(one), depth + 1, one) for one in mine if _shown(one, shape)]
    for one in under.get(device.address, ()):
        below += _with_below(one, functions, under, shape, depth + 1)
    if not below and not _shown(device, shape):
        return []
    key = key_of(device)
    folded = (len(mine) >= FOLDED_FROM) != (key in shape.turned)
    # What a filter found is not hidden in a fold.
    folded = folded and bool(below) and shape.matches is None
    number = sum(1 + (one.below if one.folded else 0) for one in below)
    node = Node(key, depth, device, below=number, folded=folded)
    return [node] if folded else [node, *below]


def _shown(device: HostDevice, shape: Shape) -> bool:
    return shape.matches is None or shape.matches(device)


def _ports(address: str) -> tuple[int, ...]:
    """ "1-1.4" -> (1, 1, 4), for the order."""
    parts = address.replace("-", ".").split(".")
    return tuple(int(part) if part.isdecimal() else 0 for part in parts)


def usb_rows(devices: Iterable[HostDevice], shape: Shape) -> list[Node]:
    """By bus and port path; what is on a hub is under it."""
    mine = [one for one in devices if one.kind == "usb"]
    mine.sort(key=lambda one: (_ports(one.address), one.address))
    there = {one.address for one in mine}
    rows: list[Node] = []
    heading = ""
    for one in mine:
        if not _shown(one, shape):
            continue
        bus = f"bus {one.address.partition('-')[0]}" if "-" in one.address else "no port is told"
        if bus != heading:
            heading = bus
            rows.append(Node(("bus", bus), heading=bus))
        hubs, path = 0, one.address
        while "." in path:
            path = path.rpartition(".")[0]
            hubs += path in there
        rows.append(Node(key_of(one), hubs, one))
    return rows


def alike(device: HostDevice, devices: Iterable[HostDevice]) -> tuple[str, ...]:
    """Addresses of the USB devices that have its ids, itself among them; () for no other."""
    if device.kind != "usb" or not device.ids:
        return ()
    found = [one.address for one in devices if one.kind == "usb" and one.ids == device.ids]
    return tuple(sorted(found, key=_ports)) if len(found) > 1 else ()


def mdev_rows(devices: Iterable[HostDevice], shape: Shape) -> list[Node]:
    """Parents with the types that they can make, and under each type what there is of it."""
    known = tuple(devices)
    parents = sorted((one for one in known if one.mdev_types), key=lambda one: one.address)
    mdevs = sorted((one for one in known if one.kind == "mdev"), key=lambda one: one.address)
    names = {one.nodedev: {type_.id for type_ in one.mdev_types} for one in parents}
    rows: list[Node] = []
    for parent in parents:
        mine = [one for one in mdevs if one.parent == parent.nodedev]
        below: list[Node] = []
        for type_ in parent.mdev_types:
            made = [one for one in mine if one.product == type_.id and _shown(one, shape)]
            key = ("type", f"{parent.address} {type_.id}")
            if made or _shown(parent, shape):
                below.append(Node(key, 1, parent, type=type_, below=len(made)))
                below += [Node(key_of(one), 2, one) for one in made]
        other = [one for one in mine if one.product not in names[parent.nodedev]]
        below += [Node(key_of(one), 1, one) for one in other if _shown(one, shape)]
        if below:
            rows += [Node(key_of(parent), 0, parent, below=len(below)), *below]
    strays = [one for one in mdevs if one.parent not in names and _shown(one, shape)]
    if strays:
        rows.append(Node(("group", "strays"), heading="of parents that are not told"))
        rows += [Node(key_of(one), 1, one) for one in strays]
    return rows


def flat_rows(devices: Iterable[HostDevice], kind: str, shape: Shape) -> list[Node]:
    """One kind in the order of its addresses."""
    mine = [one for one in devices if one.kind == kind and _shown(one, shape)]
    return [Node(key_of(one), 0, one) for one in sorted(mine, key=_natural)]


def _natural(device: HostDevice) -> tuple[tuple[int, int | str], ...]:
    """Numbers in order of their value: "eth10" after "eth2", "2:0:10:0" after "2:0:9:0"."""
    parts: list[tuple[int, int | str]] = []
    for word in device.address.split(":"):
        letters = word.rstrip("0123456789")
        digits = word[len(letters) :]
        parts += [(1, letters), (0, int(digits) if digits else -1)]
    return tuple(parts)


def group_of(device: HostDevice, offer: HostOffer) -> tuple[HostDevice, ...]:
    """All PCI devices of its IOMMU group, itself and bridges among them; () for no group."""
    if device.kind != "pci" or device.iommu_group is None:
        return ()
    return tuple(
        sorted(
            (
                one
                for one in offer.devices
                if one.kind == "pci" and one.iommu_group == device.iommu_group
            ),
            key=lambda one: one.address,
        )
    )


def matcher(
    text: str, has: Callable[[HostDevice, str], bool]
) -> Callable[[HostDevice], bool] | None:
    """All words, and none of those after a "-"; None for no words. has: is this word, in lower
    case, in what is searched of a device?"""
    words = text.lower().split()
    wanted = [word for word in words if not word.startswith("-")]
    without = [word[1:] for word in words if word.startswith("-") and word[1:]]
    if not wanted and not without:
        return None

    def matches(device: HostDevice) -> bool:
        return all(has(device, word) for word in wanted) and not any(
            has(device, word) for word in without
        )

    return matches
