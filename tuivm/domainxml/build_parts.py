"""What the parts of a new definition are made from, and the questions that all of them ask."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from lxml import etree

from tuivm.domainxml.parse import Element
from tuivm.model.creation import Placed
from tuivm.model.offers import DomainCaps, HostOffer
from tuivm.model.oses import OsInfo
from tuivm.model.spec import Disk, Graphics, Nic, NicKind, Preset, SourceKind, Spec

_X86 = ("x86_64", "i686")
_ARM = ("aarch64", "armv7l", "armv6l")
_PPC = ("ppc64", "ppc64le", "ppc")
_RISCV = ("riscv64", "riscv32")


def element(tag: str, *content: Element | str | None, **attributes: str | int) -> Element:
    """An element with text or children; None among them is left out, and so is an attribute "".

    Raises ValueError for text that XML cannot hold.
    """
    given = {name: str(value) for name, value in attributes.items() if value != ""}
    made: Element = etree.Element(tag, given)
    for one in content:
        if isinstance(one, str):
            made.text = one
        elif one is not None:
            made.append(one)
    return made


class PlacedDisk(NamedTuple):
    """A disk, and where it lies; None for an empty drive. seed: cloud-init reads it, once."""

    disk: Disk
    placed: Placed | None
    seed: bool = False


class Making(NamedTuple):
    """A definition that is being made: what `build` was given."""

    spec: Spec
    offer: HostOffer
    caps: DomainCaps
    os: OsInfo
    disks: Sequence[PlacedDisk]
    kernel: Placed | None
    initrd: Placed | None
    first: bool

    @property
    def arch(self) -> str:
        return self.spec.machine.arch or self.caps.arch or self.offer.capabilities.arch

    @property
    def machine(self) -> str:
        return self.spec.machine.machine or self.caps.machine

    @property
    def virt_type(self) -> str:
        return self.spec.machine.virt_type or self.caps.virt_type or "qemu"

    @property
    def qemu(self) -> bool:
        """QEMU is the VMM, and libvirt's QEMU driver runs it."""
        return self.virt_type in ("kvm", "qemu", "hvf")

    @property
    def x86(self) -> bool:
        return self.arch in _X86

    @property
    def arm(self) -> bool:
        return self.arch in _ARM

    @property
    def ppc(self) -> bool:
        return self.arch in _PPC

    @property
    def riscv(self) -> bool:
        return self.arch in _RISCV

    @property
    def s390x(self) -> bool:
        return self.arch == "s390x"

    @property
    def q35(self) -> bool:
        return is_q35(self.machine)

    @property
    def pcie(self) -> bool:
        """The machine's root is PCI Express: devices sit in root ports."""
        virt = self.machine == "virt" or self.machine.startswith("virt-")
        return self.q35 or (virt and not self.x86)

    @property
    def windows(self) -> bool:
        return self.os.family.startswith("win")

    @property
    def graphical(self) -> bool:
        return self.spec.graphics in (Graphics.VNC, Graphics.SPICE)

    @property
    def virtio(self) -> bool:
        """The devices that no person asked for by name may be virtio's: the OS has drivers, or can
        be given them (Windows)."""
        none = bool(self.os.devices) and not any(
            name.startswith("virtio") for name in self.os.devices
        )
        emulated = self.spec.preset is Preset.EMULATED
        return self.qemu and not emulated and (self.windows or not none)

    @property
    def direct_kernel(self) -> bool:
        """QEMU starts the kernel itself: always, or for an installer this one time."""
        kind = self.spec.source.kind
        once = kind is SourceKind.TREE and self.first
        return self.kernel is not None and (kind is SourceKind.KERNEL or once)

    @property
    def nics(self) -> tuple[Nic, ...]:
        return tuple(nic for nic in self.spec.nics or () if nic.kind is not NicKind.NONE)

    @property
    def os_type(self) -> str:
        """ "hvm", or "xen" where this machine is only offered for paravirtualized guests."""
        found = [
            guest.os_type
            for guest in self.offer.capabilities.guests
            if guest.arch == self.arch
            and self.virt_type in guest.virt_types
            and any(self.machine in (one.name, one.canonical) for one in guest.machines)
        ]
        return "hvm" if not found or "hvm" in found else found[0]

    def has_driver(self, *names: str) -> bool | None:
        """The OS has a driver for one of osinfo's devices; None where its devices are unknown."""
        return any(name in self.os.devices for name in names) if self.os.devices else None

    def mac(self, mac: str, number: int) -> str:
        """The MAC that was asked for, or one of the guest's own: the same in both its variants."""
        return mac or own_mac(self.spec.uuid, number)


def own_mac(uuid: str, number: int) -> str:
    """A MAC for the NIC with this number of a guest, always the same one; 52:54:00 is the prefix
    of QEMU's and KVM's. "" where the guest has no UUID yet: libvirt then makes a MAC."""
    if not uuid:
        return ""
    digest = hashlib.sha256(f"{uuid}/{number}".encode()).digest()
    return ":".join(f"{byte:02x}" for byte in (0x52, 0x54, 0x00, *digest[:3]))


def cdrom_bus(arch: str, machine: str) -> str:
    """The bus of CD-ROM drives: what the machine brings, virtio-scsi where it brings none."""
    if arch not in _X86:
        return "scsi"
    return "sata" if is_q35(machine) else "ide"


def is_q35(machine: str) -> bool:
    return machine == "q35" or machine.startswith("pc-q35")
