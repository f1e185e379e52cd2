"""Whether a subject can take part on a host, and the reason when it cannot. Pure."""

from __future__ import annotations

from typing import NamedTuple

from tuivm.lab.models import Model
from tuivm.lab.ports import HostAbilities, MachineCaps
from tuivm.model.lab import Backing, Experiment

FILE_NVME = (11, 5, 0)
"""libvirt from which a disk may have `bus='nvme'`."""
_TELLS = {
    "virtio-blk-pci": "virtio",
    "virtio-net-pci": "virtio",
    "virtio-scsi-pci": "virtio",
    "scsi-hd": "scsi",
    "ich9-ahci": "sata",
    "piix3-ide": "ide",
    "nvme": "nvme",
    "usb-storage": "usb",
    "qemu-xhci": "usb",
}
"""The disk bus in libvirt's domain capabilities that tells of a device type of QEMU, where QEMU
itself cannot be asked. "scsi" tells of no controller but virtio's, and of NICs nothing tells."""
_SURE = frozenset({"iothread", "ide-hd"})
"""What every QEMU has that has the bus."""


class Choice(NamedTuple):
    """What a host gives a guest under one accelerator."""

    abilities: HostAbilities
    accelerator: str
    machine: str

    @property
    def caps(self) -> MachineCaps | None:
        return self.abilities.caps.get((self.accelerator, self.machine))


def machine(abilities: HostAbilities, experiment: Experiment = Experiment.STORAGE) -> str:
    """The machine type of an experiment's guests; "" where there is none.

    i440fx for disks, as it has IDE. q35 for NICs: i440fx has two interrupt lines for all slots, so
    that the driver of one NIC would have to look at its registers at each interrupt of another.
    """
    order = ("q35", "pc") if experiment is Experiment.NETWORK else ("pc", "q35")
    return next((one for one in order if one in abilities.machines), "")


def why_not(choice: Choice, model: Model, backing: Backing) -> str:
    """Why a subject cannot take part, "" when it can."""
    abilities = choice.abilities
    if model.accelerator and model.accelerator not in abilities.accelerators:
        name = "KVM" if model.accelerator == "kvm" else "TCG"
        return f"The host offers guests no {name}."
    if model.machine and model.machine not in abilities.machines:
        return f"QEMU on this host has no machine type {model.machine}."
    if model.bus == "ide" and choice.machine != "pc":
        return "The machine type pc is not there, and q35 has no IDE."
    return (
        _why_no_model(choice, model)
        or _why_no_disk(choice, model, backing)
        or _why_no_vhost(abilities, model, backing)
    )


def _why_no_model(choice: Choice, model: Model) -> str:
    known = choice.abilities.models
    if known is not None:
        missing = sorted(model.needs - known)
        if not missing:
            return ""
        version = ".".join(map(str, choice.abilities.qemu_version))
        return f"QEMU {version} on this host has no {', '.join(missing)}."
    buses = choice.caps.disk_buses if choice.caps else frozenset()
    if all(_TELLS.get(need) in buses for need in model.needs - _SURE):
        return ""
    return (
        "QEMU could not be asked for its device models, and libvirt's domain capabilities do not "
        "name this one."
    )


def _why_no_disk(choice: Choice, model: Model, backing: Backing) -> str:
    """With a file behind it libvirt has to know the disk; a null one is none of its business."""
    if backing is not Backing.FILE or not model.bus:
        return ""
    abilities = choice.abilities
    if model.bus == "nvme":
        if abilities.session or abilities.libvirt_version >= FILE_NVME:
            return ""
        version = ".".join(map(str, abilities.libvirt_version))
        return (
            f"libvirt {version} knows no NVMe disk (11.5 does), and QEMU of the system's libvirt "
            "may not open a file that libvirt has not given it."
        )
    if choice.caps is not None and model.bus not in choice.caps.disk_buses:
        return f"libvirt says that {choice.machine} has no disk bus {model.bus} here."
    return ""


def _why_no_vhost(abilities: HostAbilities, model: Model, backing: Backing) -> str:
    if not model.vhost:
        return ""
    if backing is not Backing.TAP:
        if abilities.tap:
            return "vhost takes frames from a tap: choose the backing tap."
        return "vhost takes frames from a tap, which needs the system's libvirt."
    if abilities.vhost_net is False:
        return "The host has no /dev/vhost-net (kernel module vhost_net)."
    return ""


def why_not_passed(choice: Choice) -> str:
    if choice.abilities.session:
        return "Devices of the host can be given to guests of the system's libvirt only."
    if choice.caps is not None and not choice.caps.pci_hostdev:
        return "libvirt says that this QEMU takes no PCI devices of the host (no VFIO)."
    return ""
