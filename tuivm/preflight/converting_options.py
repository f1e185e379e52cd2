"""What the devices of an existing guest could become, by its machine and what its host offers."""

from __future__ import annotations

from collections.abc import Sequence

from tuivm.domainxml.convert import convertible
from tuivm.domainxml.domcaps import read_domain_caps
from tuivm.domainxml.parse import parse_domain, platform_of
from tuivm.model.conversion import VIRTIO, VIRTIO_SCSI, Convertible, Definition, Option
from tuivm.model.devices import Device, DeviceClass, DeviceKind
from tuivm.model.offers import DomainCaps

PARAVIRTUAL, EMULATED = DeviceClass.PARAVIRTUAL, DeviceClass.EMULATED

_X86 = ("x86_64", "i686")
_DISKS = (
    Option(VIRTIO, "virtio-blk", PARAVIRTUAL, "least work for the host; /dev/vdX in the guest"),
    Option(VIRTIO_SCSI, "virtio-scsi", PARAVIRTUAL, "as light; the guest goes on saying /dev/sdX"),
    Option("sata", "SATA (AHCI)", EMULATED, "drivers in every OS since 2006"),
    Option("ide", "IDE (PIIX)", EMULATED, "drivers everywhere; slow, four drives at most"),
    Option("usb", "USB storage", EMULATED, "slow; for what has to be removable"),
)
_NICS = (
    Option(VIRTIO, "virtio-net", PARAVIRTUAL, "least work for the host"),
    Option("e1000e", "e1000e (Intel 82574L)", EMULATED, "PCI Express; drivers since about 2009"),
    Option("e1000", "e1000 (Intel 82540EM)", EMULATED, "PCI; drivers since about 2002"),
    Option("rtl8139", "rtl8139 (Realtek)", EMULATED, "100 Mbit/s; drivers nearly everywhere"),
)
_VIDEOS = (
    Option(VIRTIO, "virtio-gpu", PARAVIRTUAL, "for systems with its driver; firmware shows it too"),
    Option("qxl", "QXL", PARAVIRTUAL, "SPICE's own; drivers age"),
    Option("vga", "VGA", EMULATED, "works before any driver does"),
    Option("bochs", "bochs-display", EMULATED, "VGA without its past: for UEFI"),
    Option("cirrus", "Cirrus", EMULATED, "for systems of the nineties"),
)


def convertibles(definition: Definition) -> tuple[Convertible, ...]:
    """The devices that can be changed, each with what it could become; the present one is none of
    them. Raises ValueError for what is no definition."""
    caps = _caps(definition)
    platform = platform_of(parse_domain(definition.xml))
    found = []
    for device in convertible(definition.xml):
        picks = _disks(device, platform.machine, caps)
        if device.kind is DeviceKind.NIC:
            picks = [_nic(pick, platform.arch, platform.machine) for pick in _NICS]
        elif device.kind is DeviceKind.VIDEO:
            picks = [_offered(pick, caps.videos) for pick in _VIDEOS]
        options = tuple(pick for pick in picks if not _same(device, pick))
        found.append(Convertible(device, options))
    return tuple(found)


def suggested(one: Convertible) -> Option | None:
    """What an emulated device should become; None where it is none or nothing is offered."""
    if one.device.cls is not DeviceClass.EMULATED:
        return None
    able = [pick for pick in one.options if not pick.refusal]
    return next((pick for pick in able if pick.cls is DeviceClass.PARAVIRTUAL), None)


def _caps(definition: Definition) -> DomainCaps:
    return read_domain_caps(definition.caps_xml) if definition.caps_xml else DomainCaps()


def _same(device: Device, pick: Option) -> bool:
    if device.kind is DeviceKind.DISK:
        return device.model == pick.label or (
            device.bus == pick.to and device.model not in (VIRTIO_SCSI,)
        )
    return device.model in (pick.to, pick.label)


def _disks(device: Device, machine: str, caps: DomainCaps) -> list[Option]:
    picks = []
    for pick in _DISKS:
        bus = "scsi" if pick.to == VIRTIO_SCSI else pick.to
        offered = _offered(pick, caps.disk_buses, bus)
        if pick.to == VIRTIO and device.removable:
            offered = pick._replace(refusal="virtio-blk has no drives whose medium changes")
        elif pick.to == "ide" and not _has_ide(machine):
            offered = pick._replace(refusal=f"machine type {machine} has no IDE")
        picks.append(offered)
    return picks


def _has_ide(machine: str) -> bool:
    return "i440fx" in machine or (machine.startswith("pc") and "q35" not in machine)


def _offered(pick: Option, offered: Sequence[str], name: str = "") -> Option:
    """With a refusal where the host lists what it has, and this is not in it."""
    if offered and (name or pick.to) not in offered:
        return pick._replace(refusal="the host's QEMU does not offer it for this machine")
    return pick


def _nic(pick: Option, arch: str, machine: str) -> Option:
    if pick.to == VIRTIO:
        return pick
    if arch == "s390x":
        return pick._replace(refusal="s390x has virtio alone")
    if arch in _X86 and pick.to == "e1000e" and _has_ide(machine):
        return pick._replace(refusal=f"PCI Express: machine type {machine} has PCI only")
    return pick
