"""From which disk a guest boots, and keeping it so while disks change their bus."""

from __future__ import annotations

from lxml import etree

from tuivm.domainxml.editing import insert_after, remove
from tuivm.domainxml.parse import Element, attr, child_attr, number

_REMOVABLE = ("cdrom", "floppy")


def first_hard_disk(domain: Element) -> Element | None:
    """The disk that `<boot dev='hd'/>` means; None where no such element decides.

    libvirt takes the first one of its own list, in which the disks of one bus stand together in
    the order of their names (virDomainDiskInsert).
    """
    if not _boots_by_kind(domain):
        return None
    return next((disk for disk in _libvirts_order(domain) if not _removable(disk)), None)


def boots_from(domain: Element, disk: Element) -> bool:
    """The firmware tries this disk before every other hard disk."""
    if domain.find("os/kernel") is not None or _removable(disk):
        return False
    if _boots_by_kind(domain):
        return first_hard_disk(domain) is disk
    orders = {
        number(child_attr(one, "boot", "order")): one
        for one in domain.iterfind("devices/disk")
        if one.find("boot") is not None and not _removable(one)
    }
    known = [order for order in orders if order is not None]
    return bool(known) and orders[min(known)] is disk


def keep_first(domain: Element, disk: Element) -> bool:
    """Have the guest go on booting from this disk, if need be by an order of devices.

    Says whether `<boot dev>` had to be replaced by such an order.
    """
    if first_hard_disk(domain) is disk:
        return False
    kinds = [attr(boot, "dev") for boot in domain.iterfind("os/boot")]
    for boot in domain.findall("os/boot"):
        remove(boot)
    order = 0
    for kind in kinds:
        device = disk if kind == "hd" else _first_of(domain, kind)
        if device is not None and device.find("boot") is None:
            order += 1
            # Before the address, where libvirt writes it.
            boot = etree.Element("boot", order=str(order))
            target = device.find("target")
            if target is None:
                target = device.find("model")
            if target is None:
                device.append(boot)
            else:
                insert_after(target, boot)
    return True


def _first_of(domain: Element, kind: str) -> Element | None:
    if kind == "network":
        return domain.find("devices/interface")
    wanted = {"cdrom": "cdrom", "fd": "floppy"}.get(kind)
    return next((d for d in _libvirts_order(domain) if attr(d, "device") == wanted), None)


def _boots_by_kind(domain: Element) -> bool:
    return any(attr(boot, "dev") == "hd" for boot in domain.iterfind("os/boot"))


def _removable(disk: Element) -> bool:
    return attr(disk, "device") in _REMOVABLE


def _libvirts_order(domain: Element) -> list[Element]:
    ordered: list[Element] = []
    for disk in domain.iterfind("devices/disk"):
        bus, place = _bus(disk), len(ordered)
        for index in range(len(ordered) - 1, -1, -1):
            other = ordered[index]
            if _bus(other) != bus:
                continue
            if _name_index(other) > _name_index(disk):
                place = index
            elif place == len(ordered):
                place = index + 1
        ordered.insert(place, disk)
    return ordered


def _bus(disk: Element) -> str:
    return child_attr(disk, "target", "bus")


def _name_index(disk: Element) -> int:
    """ "sda" is 0, "sdz" 25, "sdaa" 26."""
    letters = child_attr(disk, "target", "dev")[2:].rstrip("0123456789")
    index = 0
    for letter in letters:
        index = index * 26 + ord(letter) - ord("a") + 1
    return index - 1
