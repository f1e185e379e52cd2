"""Devices of a guest, each in exactly one class."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class DeviceClass(StrEnum):
    """By design and by what it is made of; see docs/device-classes.md."""

    PARAVIRTUAL = "paravirtual"
    EMULATED = "emulated"
    PHYSICAL = "physical"

    @property
    def glyph(self) -> str:
        return {"paravirtual": "◆", "emulated": "▣", "physical": "▲"}[self.value]

    @property
    def letter(self) -> str:
        """The ASCII stand-in for the glyph."""
        return {"paravirtual": "V", "emulated": "E", "physical": "P"}[self.value]

    @property
    def meaning(self) -> str:
        return {
            "paravirtual": "generic design, made of software",
            "emulated": "specific design, made of software",
            "physical": "specific design, made of silicon",
        }[self.value]


class DeviceKind(StrEnum):
    DISK = "disk"
    NIC = "nic"
    HOSTDEV = "hostdev"
    CONTROLLER = "controller"
    VIDEO = "video"
    SOUND = "sound"
    INPUT = "input"
    SERIAL = "serial"
    CONSOLE = "console"
    CHANNEL = "channel"
    PARALLEL = "parallel"
    BALLOON = "balloon"
    RNG = "rng"
    TPM = "tpm"
    WATCHDOG = "watchdog"
    FILESYSTEM = "filesystem"
    VSOCK = "vsock"
    MEMORY = "memory"
    PANIC = "panic"
    SHMEM = "shmem"
    SMARTCARD = "smartcard"
    REDIRDEV = "redirdev"
    HUB = "hub"
    IOMMU = "iommu"
    CRYPTO = "crypto"
    OTHER = "other"


class Backing(NamedTuple):
    """What does a disk's or a NIC's work on the host; "" is: not said, so the default.

    kind: of a disk "file", "block", "network", "volume", … ; of a NIC its `<interface type>` as it
    became ("network", "bridge", "user", "direct", "udp", …). format, cache, io, discard, iothread:
    as in `<driver>` of a disk. throttled: an `<iotune>` or `<bandwidth>` limits it. vhost: "on" or
    "off" for a NIC whose `<driver>` names it or whose kind decides it ("off" for user mode).
    queues: 0 for not said.
    """

    kind: str = ""
    format: str = ""
    cache: str = ""
    io: str = ""
    discard: str = ""
    iothread: str = ""
    throttled: bool = False
    vhost: str = ""
    queues: int = 0


class Device(NamedTuple):
    """One device of a guest.

    model: the device model in the field's words ("virtio-blk", "e1000e", "ide-hd").
    target: what libvirt's statistics call it (`<target dev>`: "vda", "vnet3") or, where there are
        none, its alias or address; unique among the devices of one kind in one guest.
    source: what is behind it on the host (a path, a network, a PCI address), "" if nothing.
    note: what must stand next to the class ("VF, partitioned"), "" if nothing.
    counted: libvirt can count its I/O (block or interface statistics).
    """

    kind: DeviceKind
    cls: DeviceClass
    model: str
    target: str = ""
    bus: str = ""
    source: str = ""
    address: str = ""
    note: str = ""
    counted: bool = False
    removable: bool = False
    """A CD-ROM or floppy drive: its medium comes and goes."""
    mac: str = ""
    backing: Backing | None = None
    """Of disks and NICs that the VMM serves; a passed-through device has none."""


def count_classes(devices: tuple[Device, ...]) -> dict[DeviceClass, int]:
    """How many devices of each class, in the fixed order of the classes."""
    return {cls: sum(1 for device in devices if device.cls is cls) for cls in DeviceClass}
