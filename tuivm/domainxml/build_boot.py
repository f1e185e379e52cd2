"""What a new guest boots from, in which order, and what a restart in its first start does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tuivm.domainxml.build_parts import Making
from tuivm.model.spec import DiskKind, SourceKind


class _Bootable(NamedTuple):
    kind: str
    """"disk" or "nic"."""
    number: int


def boot_number(making: Making, kind: str, number: int) -> int:
    """The place in the boot order of a disk or NIC ("disk", "nic") by its number; 0 for none."""
    order = _order(making) if making.qemu else []
    device = _Bootable(kind, number)
    return order.index(device) + 1 if device in order else 0


def boot_devices(making: Making) -> list[str]:
    """The same order by classes ("hd", "cdrom", "network"), for Xen: its driver reads no other."""
    kinds = [
        "network"
        if device.kind == "nic"
        else "cdrom"
        if making.disks[device.number].disk.kind is DiskKind.CDROM
        else "hd"
        for device in _order(making)
    ]
    return [] if making.qemu else list(dict.fromkeys(kinds))


def ends_at_reboot(making: Making) -> bool:
    """The first start is an installer's that would start again after a restart: it ends then,
    as virt-install has it, and the next start is of what was installed."""
    return making.first and (making.spec.source.kind is SourceKind.TREE or _installer_first(making))


def _order(making: Making) -> list[_Bootable]:
    """The first hard disk, then what the source brings.

    An installer comes after the disk: an empty disk does not boot, so the firmware goes on to the
    installer, and once installed the disk boots without any change to the definition.
    """
    if making.direct_kernel:
        return []
    disks = [_Bootable("disk", number) for number in _hard_disks(making)][:1]
    media = [
        _Bootable("disk", number)
        for number, one in enumerate(making.disks)
        if one.disk.kind is DiskKind.CDROM and one.placed and not one.seed
    ]
    if making.spec.source.kind is SourceKind.PXE:
        media = [_Bootable("nic", number) for number in range(len(making.nics))][:1]
    return media + disks if _installer_first(making) else disks + media


def _installer_first(making: Making) -> bool:
    """Only then would the disk boot at the first start, or stop the firmware from going on:
    s390x's tries one device alone."""
    if not making.first or making.spec.source.kind not in (SourceKind.ISO, SourceKind.PXE):
        return False
    first = next(_hard_disks(making), None)
    if first is None:
        return False
    disk = making.disks[first].disk
    return making.s390x or disk.new is None or disk.overlay


def _hard_disks(making: Making) -> Iterator[int]:
    return (
        number
        for number, one in enumerate(making.disks)
        if one.disk.kind is DiskKind.DISK and one.placed
    )
