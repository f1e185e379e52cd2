"""Disks of a definition put on another bus: names, addresses, controllers, what a bus refuses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lxml import etree

from tuivm.domainxml.disks import scsi_controller
from tuivm.domainxml.editing import drop, insert_after, remove
from tuivm.domainxml.parse import Element, attr, child_attr, number, platform_of
from tuivm.model.conversion import VIRTIO, VIRTIO_SCSI

_VIRTIO_DRIVER = (
    *("iothread", "queues", "queue_size", "ioeventfd", "event_idx"),
    *("iommu", "ats", "packed", "page_per_vq"),
)
"""Attributes of `<driver>` that only virtio-blk takes (virtio-scsi has them at its controller)."""
_PREFIX = {VIRTIO: "vd", "ide": "hd"}
_IDE_PLACES = [(0, bus, unit) for bus in (0, 1) for unit in (0, 1)]
_SATA_UNITS = 6
_SCSI_UNITS = 256
"""Logical units that are given out of one virtio-scsi controller; it has more."""


def rebus(
    domain: Element, disks: Sequence[tuple[Element, str]]
) -> Iterator[tuple[Element, tuple[str, ...]]]:
    """Put each disk on the bus that stands beside it; yields it with what was dropped, in words.

    Raises ValueError where a bus has no free place.
    """
    for disk, _ in disks:
        for address in disk.findall("address"):
            remove(address)
    left = {child_attr(disk, "target", "bus") for disk, _ in disks}
    for disk, to in disks:
        target = disk.find("target")
        if target is None:
            raise ValueError("a disk without a target cannot be changed")
        target.set("bus", "scsi" if to == VIRTIO_SCSI else to)
    _remove_unused(domain, left)
    for disk, to in disks:
        dropped = _settle(disk, to)
        _rename(domain, disk, to)
        _place(domain, disk, to)
        yield disk, dropped


def _rename(domain: Element, disk: Element, to: str) -> None:
    prefix = _PREFIX.get(to, "sd")
    taken = {attr(one, "dev") for one in domain.iterfind("devices/disk/target")}
    target = disk.find("target")
    if target is None or attr(target, "dev").startswith(prefix):
        return
    target.set("dev", next(name for name in _names(prefix) if name not in taken))


def _names(prefix: str) -> Iterator[str]:
    letters = "abcdefghijklmnopqrstuvwxyz"
    yield from (prefix + letter for letter in letters)
    for first in letters:
        yield from (prefix + first + letter for letter in letters)
    raise ValueError(f"no name is left for another disk called {prefix}…")


def _place(domain: Element, disk: Element, to: str) -> None:
    """An address on a controller; libvirt finds one itself on PCI and USB."""
    if to == VIRTIO_SCSI:
        index = _virtio_scsi(domain)
        places = [(index, 0, unit) for unit in range(_SCSI_UNITS)]
        taken = _taken(domain, "scsi")
    elif to == "sata":
        places = [(index, 0, u) for index in _sata(domain) for u in range(_SATA_UNITS)]
        taken = _taken(domain, "sata")
    elif to == "ide":
        places, taken = _IDE_PLACES, _taken(domain, "ide")
    else:
        return
    free = next((place for place in places if place not in taken), None)
    if free is None:
        raise ValueError(f"the {to} bus has no free place for {child_attr(disk, 'target', 'dev')}")
    controller, bus, unit = map(str, free)
    address = etree.Element(
        "address", type="drive", controller=controller, bus=bus, target="0", unit=unit
    )
    last = disk[-1]
    insert_after(last, address)


def _taken(domain: Element, bus: str) -> set[tuple[int, int, int]]:
    """Places of target 0 that something has: disks of this bus, SCSI devices of the host."""
    addresses = [
        address
        for disk in domain.iterfind("devices/disk")
        if child_attr(disk, "target", "bus") == bus
        and (address := disk.find("address")) is not None
    ]
    if bus == "scsi":
        addresses += domain.iterfind("devices/hostdev[@type='scsi']/address")
    return {
        (
            number(attr(one, "controller")) or 0,
            number(attr(one, "bus")) or 0,
            number(attr(one, "unit")) or 0,
        )
        for one in addresses
        if attr(one, "target") in ("", "0")
    }


def _controllers(domain: Element, kind: str) -> dict[int, Element]:
    return {
        number(attr(one, "index")) or 0: one
        for one in domain.iterfind(f"devices/controller[@type='{kind}']")
    }


def _virtio_scsi(domain: Element) -> int:
    """Index of a virtio-scsi controller, made if there is none."""
    platform = platform_of(domain)
    controllers = _controllers(domain, "scsi")
    for index in sorted(controllers):
        if scsi_controller(platform.scsi.get(index, ""), platform)[0] == VIRTIO_SCSI:
            return index
    index = next(index for index in range(len(controllers) + 1) if index not in controllers)
    _add_controller(domain, type="scsi", index=str(index), model=VIRTIO_SCSI)
    return index


def _sata(domain: Element) -> list[int]:
    """Indexes of SATA controllers, the one that is always possible last."""
    controllers = _controllers(domain, "sata")
    if not controllers:
        _add_controller(domain, type="sata", index="0")
        return [0]
    return sorted(controllers)


def _add_controller(domain: Element, **attributes: str) -> None:
    new = etree.Element("controller", attributes)
    last = domain.findall("devices/controller") or domain.findall("devices/disk")
    insert_after(last[-1], new)


def _remove_unused(domain: Element, buses: set[str]) -> None:
    """Take out SCSI and SATA controllers that the disks have left, if libvirt made them.

    It makes one with a model of its own choice, no settings and no name, and makes those with
    lower indexes again. The one of q35's chipset is part of the board.
    """
    machine = attr(domain.find("os/type"), "machine")
    platform = platform_of(domain)
    for kind in sorted(buses & {"scsi", "sata"}):
        controllers = _controllers(domain, kind)
        used = {
            number(child_attr(one, "address", "controller")) or 0
            for one in (*domain.iterfind("devices/disk"), *domain.iterfind("devices/hostdev"))
            if child_attr(one, "target", "bus") == kind or attr(one, "type") == kind
            if one.find("address") is not None
        }
        for index, controller in controllers.items():
            of_board = kind == "sata" and index == 0 and "q35" in machine
            chosen = platform.scsi.get(index, "") not in ("", scsi_controller("", platform)[0])
            bare = {str(child.tag) for child in controller} <= {"address"}
            needless = index > max(used, default=-1)
            if needless and bare and not of_board and not (kind == "scsi" and chosen):
                remove(controller)


def _settle(disk: Element, to: str) -> tuple[str, ...]:
    """Drop what the new bus does not take; in words."""
    dropped = ["the model of the old bus"] if drop(disk, ["model"]) else []
    driver = disk.find("driver")
    if driver is not None and to != VIRTIO:
        lost = drop(driver, _VIRTIO_DRIVER)
        for part in driver.findall("iothreads"):
            lost.append(str(part.tag))
            remove(part)
        if lost:
            dropped.append(f"driver: {', '.join(lost)}")
    refused = [name for name, buses in _TARGET.items() if to not in buses]
    dropped += drop(disk.find("target"), refused)
    for tag, buses in _CHILDREN.items():
        element = disk.find(tag)
        if element is not None and to not in buses:
            dropped.append(tag)
            remove(element)
    if to != "ide" and drop(disk.find("geometry"), ["trans"]):
        dropped.append("geometry's translation")
    return tuple(dropped)


_TARGET = {
    "removable": ("usb",),
    "rotation_rate": ("ide", "sata", VIRTIO_SCSI),
}
"""Attributes of `<target>`, with the buses that take them."""
_CHILDREN = {
    "vendor": (VIRTIO_SCSI,),
    "product": (VIRTIO_SCSI,),
    "wwn": ("ide", "sata", VIRTIO_SCSI),
}
"""Elements of `<disk>`, with the buses that take them."""
