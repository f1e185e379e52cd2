"""Presets of devices, and what the choice of a device's class costs or gives.

The figures are those that the Lab counts (docs/lab.md): register accesses of one 4 KiB read, and
interrupts of one packet. They are counts, so they hold on every host; times do not.
"""

from __future__ import annotations

from typing import NamedTuple

from tuivm.model.devices import DeviceClass
from tuivm.model.offers import HostOffer
from tuivm.model.spec import (
    Disk,
    DiskKind,
    Nic,
    NicKind,
    Passed,
    PassKind,
    Preset,
    Spec,
)
from tuivm.preflight.choices_disk import bus_class, bus_label
from tuivm.preflight.choices_nic import model_class
from tuivm.preflight.default_disks import file_name
from tuivm.preflight.passing import find_devices

PARAVIRTUAL, EMULATED, PHYSICAL = (
    DeviceClass.PARAVIRTUAL,
    DeviceClass.EMULATED,
    DeviceClass.PHYSICAL,
)
_DISK_WORDS = {
    "virtio": "1 notification a read; needs virtio drivers",
    "scsi": "1 notification a read, hundreds of disks; needs virtio drivers",
    "xen": "a ring shared with the host; needs Xen's drivers",
    "nvme": "2 register accesses a read: a real design that is almost as lean",
    "sata": "7 register accesses a read; drivers in every OS since 2006",
    "ide": "26 register accesses a read; drivers everywhere",
    "usb": "24 register accesses a read; drivers everywhere",
    "lsilogic": "its script processor is emulated as well; drivers in old systems",
}
_NIC_WORDS = {
    "virtio": "an interrupt for 20 to 50 packets; needs virtio drivers",
    "netfront": "a ring shared with the host; needs Xen's drivers",
    "vmxnet3": "VMware's rings; needs its drivers",
    "e1000e": "an interrupt for 3 to 5 packets; drivers since about 2009",
    "e1000": "an interrupt for about 10 packets; drivers since about 2002",
    "rtl8139": "an interrupt a packet; drivers nearly everywhere",
    "pcnet": "an interrupt a packet; for systems of the nineties",
}
_CLASS_WORDS = {
    PARAVIRTUAL: "made for virtual machines: least work for the host, needs its driver in the OS",
    EMULATED: "made after a real device: its drivers are there already, each access to it traps",
    PHYSICAL: "the silicon itself: full speed, but one guest alone, and no migration",
}


class DeviceChoice(NamedTuple):
    """A device of a spec. field: "disk.0", "nic.1", "passthrough.0". cls: None for a model that is
    not known here. words: what the choice costs or gives."""

    field: str
    name: str
    cls: DeviceClass | None
    words: str


def applied(preset: Preset, spec: Spec) -> Spec:
    """The spec with its devices' buses and models left to a preset; what they hold and are plugged
    into stays. It is to be completed again."""
    disks = spec.disks and tuple(disk._replace(bus="", iothread=False) for disk in spec.disks)
    nics = spec.nics and tuple(nic._replace(model="") for nic in spec.nics)
    return spec._replace(preset=preset, disks=disks, nics=nics)


def device_choices(spec: Spec, offer: HostOffer) -> tuple[DeviceChoice, ...]:
    """The devices of a complete spec, each with its class and what that means: for the review."""
    disks = [
        DeviceChoice(f"disk.{number}", _disk_name(disk), bus_class(disk.bus), disk_words(disk))
        for number, disk in enumerate(spec.disks or ())
    ]
    nics = [
        DeviceChoice(
            f"nic.{number}", _nic_name(nic), model_class(nic, offer), nic_words(nic, offer)
        )
        for number, nic in enumerate(spec.nics or ())
        if nic.kind is not NicKind.NONE
    ]
    passed = [
        DeviceChoice(f"passthrough.{number}", _passed_name(one, offer), PHYSICAL, passed_words(one))
        for number, one in enumerate(spec.passed)
    ]
    return (*disks, *nics, *passed)


def class_words(cls: DeviceClass) -> str:
    return _CLASS_WORDS[cls]


def disk_words(disk: Disk) -> str:
    """What the choice of its bus costs or gives."""
    if disk.kind is DiskKind.CDROM:
        return "read while installing: its speed matters little"
    cls = bus_class(disk.bus)
    return _DISK_WORDS.get(disk.bus) or (_CLASS_WORDS[cls] if cls else "")


def nic_words(nic: Nic, offer: HostOffer) -> str:
    """What the choice of its model costs or gives, and what user mode does to it."""
    cls = model_class(nic, offer)
    words = _NIC_WORDS.get(nic.model) or (_CLASS_WORDS[cls] if cls else "")
    if nic.kind is NicKind.USER:
        return f"{words}; user mode is slow whatever the model".removeprefix("; ")
    return words


def passed_words(passed: Passed) -> str:
    if passed.kind in (PassKind.USB, PassKind.USB_PORT):
        return "the real device; each transfer goes through the VMM, which hands it on"
    if passed.kind in (PassKind.VF, PassKind.MDEV):
        return "a part of the silicon: full speed, no migration, all of the memory is pinned"
    return "the silicon itself: full speed, no migration, all of the memory is pinned"


def _disk_name(disk: Disk) -> str:
    what = disk.new.name if disk.new else file_name(disk.file) or "empty"
    kind = "CD-ROM" if disk.kind is DiskKind.CDROM else "disk"
    return f"{kind} {what} on {bus_label(disk.bus) or 'no bus'}"


def _nic_name(nic: Nic) -> str:
    where = f"{nic.kind.value} {nic.source}".strip()
    return f"NIC {nic.model or 'VF'} on {where}"


def _passed_name(passed: Passed, offer: HostOffer) -> str:
    found = find_devices(passed, offer)
    product = found[0].product if len(found) == 1 else ""
    return f"{passed.kind.value.upper()} {passed.device} {product}".strip()
