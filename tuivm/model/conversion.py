"""Changing devices of an existing guest to another model: what is asked, and what it would mean."""

from __future__ import annotations

from typing import NamedTuple

from tuivm.model.devices import Device, DeviceClass, DeviceKind

VIRTIO = "virtio"
VIRTIO_SCSI = "virtio-scsi"
"""A disk behind a virtio-scsi controller; every other name is libvirt's of a bus or a model."""

_ACCESSES = {
    "virtio-blk": "1 notification",
    "virtio-scsi": "1 notification",
    "nvme": "2 register accesses",
    "sata": "7 register accesses",
    "usb-storage": "24 register accesses",
    "ide-hd": "26 register accesses",
    "lsilogic": "4 register accesses",
}
"""What a 4 KiB read takes, by `Device.model`: counted with QEMU 7.2."""
_CHEAP = {
    DeviceKind.DISK: "each batch of requests is one notification to the host",
    DeviceKind.NIC: "packets go over in batches, with offloads and vhost where the host has it",
    DeviceKind.VIDEO: "the guest hands over what changed instead of writing registers",
}
_DEAR = {
    DeviceKind.DISK: "each request is several accesses to registers, each a trap to QEMU",
    DeviceKind.NIC: "packets cost traps to QEMU and interrupts of their own",
    DeviceKind.VIDEO: "works before any driver of the guest does",
}


class Option(NamedTuple):
    """What a device could become. to: for a `Change`. refusal: why not, "" if it can."""

    to: str
    label: str
    cls: DeviceClass
    note: str = ""
    refusal: str = ""


class Convertible(NamedTuple):
    """A device of a definition, with what it could become; the best first."""

    device: Device
    options: tuple[Option, ...]


class Change(NamedTuple):
    """device: as it is read from the same definition; known by its kind and target. to: that of
    one of its options."""

    device: Device
    to: str


class Changed(NamedTuple):
    """A device as it was and as it becomes.

    dropped: settings that its new model does not have, in words. boots: the guest boots from this
    disk. moved: it loses its PCI address.
    """

    before: Device
    after: Device
    dropped: tuple[str, ...] = ()
    boots: bool = False
    moved: bool = True


class Conversion(NamedTuple):
    """A definition with devices changed.

    was: the definition that it was made from, word for word. diff: unified, without its header,
    passwords masked. boot_order: `<boot dev>` had to be written as an order of devices instead.
    command_line: names of disks in the kernel's command line that will be wrong ("/dev/sda").
    """

    xml: str
    was: str
    changed: tuple[Changed, ...]
    diff: tuple[str, ...]
    boot_order: bool = False
    command_line: tuple[str, ...] = ()


class Definition(NamedTuple):
    """What a host knows of a guest before its definition is changed.

    xml: inactive, secrets included. caps_xml: the domain capabilities for its type, architecture
    and machine, "" where the host gives none. snapshots: names; None when that cannot be known.
    """

    xml: str = ""
    caps_xml: str = ""
    snapshots: tuple[str, ...] | None = None
    saved: bool = False


def effect(before: Device, after: Device) -> str:
    """What the change gives or costs, in words."""
    if after.cls is before.cls:
        return "the class stays: neither gives the guest less work"
    words = _CHEAP if after.cls is DeviceClass.PARAVIRTUAL else _DEAR
    text = words.get(before.kind, "")
    old, new = _ACCESSES.get(before.model), _ACCESSES.get(after.model)
    if old and new and not before.removable:
        text += f" (a 4 KiB read: {new}; until now {old})"
    return text
