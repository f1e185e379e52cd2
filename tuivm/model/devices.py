"""Devices of a guest, each in exactly one class."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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


@dataclass(frozen=True, slots=True)
class Device:
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


def count_classes(devices: tuple[Device, ...]) -> dict[DeviceClass, int]:
    """How many devices of each class, in the fixed order of the classes."""
    return {cls: sum(1 for device in devices if device.cls is cls) for cls in DeviceClass}
