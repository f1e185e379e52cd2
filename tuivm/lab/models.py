"""What there is to compare: every subject, and what QEMU and libvirt must have for it. Pure."""

from __future__ import annotations

from typing import NamedTuple

from tuivm.lab.ports import SpareDevice
from tuivm.model.devices import DeviceClass
from tuivm.model.lab import Experiment, Subject

PARAVIRTUAL, EMULATED, PHYSICAL = (
    DeviceClass.PARAVIRTUAL,
    DeviceClass.EMULATED,
    DeviceClass.PHYSICAL,
)
PASSTHROUGH = "passthrough-"
"""Ids of subjects that are devices of the host begin so; their PCI address follows."""


class Model(NamedTuple):
    """A subject and what it takes.

    needs: QEMU's names of all the device types it is made of. bus: libvirt's name of the disk bus,
    "" for what is no disk. nic: libvirt's name of the NIC model. vhost: served by the host's
    kernel. iothread: served by a thread of its own. machine: libvirt's machine type, for the lesson
    about these. accelerator: for the lesson about these.
    """

    subject: Subject
    needs: frozenset[str] = frozenset()
    bus: str = ""
    nic: str = ""
    vhost: bool = False
    iothread: bool = False
    machine: str = ""
    accelerator: str = ""


def _disk(subject: Subject, bus: str, *more: str, iothread: bool = False) -> Model:
    return Model(subject, frozenset({subject.model, *more}), bus, iothread=iothread)


def _nic(subject: Subject, nic: str, *, vhost: bool = False) -> Model:
    return Model(subject, frozenset({subject.model}), nic=nic, vhost=vhost)


STORAGE = (
    _disk(
        Subject(
            "virtio-blk",
            Experiment.STORAGE,
            "virtio-blk",
            PARAVIRTUAL,
            "virtio-blk-pci",
            "A disk that was designed for guests: a queue in shared memory and one kick a request.",
            baseline=True,
        ),
        "virtio",
    ),
    _disk(
        Subject(
            "virtio-blk-iothread",
            Experiment.STORAGE,
            "virtio-blk, I/O thread",
            PARAVIRTUAL,
            "virtio-blk-pci",
            "The same, served by a thread of its own instead of QEMU's main loop.",
        ),
        "virtio",
        "iothread",
        iothread=True,
    ),
    _disk(
        Subject(
            "virtio-scsi",
            Experiment.STORAGE,
            "virtio-scsi",
            PARAVIRTUAL,
            "scsi-hd",
            "A SCSI disk on a paravirtual controller: virtio queues that carry SCSI commands.",
        ),
        "scsi",
        "virtio-scsi-pci",
    ),
    _disk(
        Subject(
            "nvme",
            Experiment.STORAGE,
            "NVMe",
            EMULATED,
            "nvme",
            "QEMU's model of an NVMe controller: real hardware's queues, two doorbells a request.",
        ),
        "nvme",
    ),
    _disk(
        Subject(
            "ahci",
            Experiment.STORAGE,
            "SATA (AHCI)",
            EMULATED,
            "ide-hd",
            "A SATA disk on Intel's ICH9 AHCI controller.",
        ),
        "sata",
        "ich9-ahci",
    ),
    _disk(
        Subject(
            "ide",
            Experiment.STORAGE,
            "IDE",
            EMULATED,
            "ide-hd",
            "A disk on the PIIX3 controller of 1996: commands are written register by register.",
        ),
        "ide",
        "piix3-ide",
    ),
    _disk(
        Subject(
            "lsi",
            Experiment.STORAGE,
            "LSI 53C895A",
            EMULATED,
            "scsi-hd",
            "A SCSI disk on LSI's 53C895A, a controller that runs little programs of its driver.",
        ),
        "scsi",
        "lsi53c895a",
    ),
    _disk(
        Subject(
            "usb",
            Experiment.STORAGE,
            "USB storage (xHCI)",
            EMULATED,
            "usb-storage",
            "A USB disk: three transfers a request, each with a doorbell and an interrupt.",
        ),
        "usb",
        "qemu-xhci",
    ),
)
NETWORK = (
    _nic(
        Subject(
            "virtio-net",
            Experiment.NETWORK,
            "virtio-net",
            PARAVIRTUAL,
            "virtio-net-pci",
            "A NIC that was designed for guests, served by QEMU.",
            baseline=True,
        ),
        "virtio",
    ),
    _nic(
        Subject(
            "virtio-net-vhost",
            Experiment.NETWORK,
            "virtio-net, vhost",
            PARAVIRTUAL,
            "virtio-net-pci",
            "The same, served by the host's kernel.",
        ),
        "virtio",
        vhost=True,
    ),
    _nic(
        Subject(
            "e1000e",
            Experiment.NETWORK,
            "e1000e",
            EMULATED,
            "e1000e",
            "Intel's 82574L: PCI Express and MSI-X.",
        ),
        "e1000e",
    ),
    _nic(
        Subject(
            "e1000",
            Experiment.NETWORK,
            "e1000",
            EMULATED,
            "e1000",
            "Intel's 82540EM: PCI, one interrupt line.",
        ),
        "e1000",
    ),
    _nic(
        Subject(
            "rtl8139",
            Experiment.NETWORK,
            "RTL8139",
            EMULATED,
            "rtl8139",
            "Realtek's fast Ethernet chip of the nineties.",
        ),
        "rtl8139",
    ),
    _nic(
        Subject(
            "pcnet",
            Experiment.NETWORK,
            "PCnet",
            EMULATED,
            "pcnet",
            "AMD's 79C970A, older still.",
        ),
        "pcnet",
    ),
)
NESTED = (
    Model(
        Subject(
            "kvm",
            Experiment.NESTED,
            "KVM",
            PHYSICAL,
            about="The guest's code runs on the CPU itself.",
            baseline=True,
        ),
        frozenset({"virtio-blk-pci"}),
        accelerator="kvm",
    ),
    Model(
        Subject(
            "tcg",
            Experiment.NESTED,
            "TCG",
            EMULATED,
            about="QEMU translates the guest's code and runs what comes out.",
        ),
        frozenset({"virtio-blk-pci"}),
        accelerator="qemu",
    ),
)


def _machine(id_: str, machine: str, cls: DeviceClass, *, baseline: bool = False) -> Model:
    devices = "virtio-blk and virtio-net" if cls is PARAVIRTUAL else "AHCI and e1000"
    needs = {"virtio-blk-pci", "virtio-net-pci"}
    if cls is EMULATED:
        needs |= {"ich9-ahci", "ide-hd", "e1000"}
    title = "q35" if machine == "q35" else "i440fx"
    subject = Subject(
        id_,
        Experiment.MACHINE,
        f"{title}, {devices}",
        cls,
        machine,
        f"{devices} on the {_CHIPSETS[machine]}.",
        baseline,
    )
    return Model(subject, frozenset(needs), machine=machine)


_CHIPSETS = {
    "q35": "Q35 chipset of 2007, with PCI Express",
    "pc": "i440FX chipset of 1996, with plain PCI",
}
MACHINE = (
    _machine("q35", "q35", PARAVIRTUAL, baseline=True),
    _machine("i440fx", "pc", PARAVIRTUAL),
    _machine("q35-emulated", "q35", EMULATED),
    _machine("i440fx-emulated", "pc", EMULATED),
)
IOTHREAD = tuple(
    Model(
        Subject(
            id_, Experiment.IOTHREAD, title, PARAVIRTUAL, "virtio-blk-pci", about, not iothread
        ),
        frozenset({"virtio-blk-pci", *(("iothread",) if iothread else ())}),
        "virtio",
        iothread=iothread,
    )
    for id_, title, about, iothread in (
        ("iothread-off", "main loop", "virtio-blk served by QEMU's main loop.", False),
        ("iothread-on", "I/O thread", "virtio-blk served by an I/O thread of its own.", True),
    )
)
CATALOGUE = (*STORAGE, *NETWORK, *NESTED, *MACHINE, *IOTHREAD)
BY_ID = {model.subject.id: model for model in CATALOGUE}
"""Ids are unique over all experiments: trials carry nothing else."""


def passthrough(device: SpareDevice) -> Subject:
    """The subject that is this device of the host."""
    # A comma has a meaning in titles: "virtio-blk, I/O thread".
    name = device.name.replace(",", "")
    what = "VF" if device.vf else "disk controller" if device.kind == "disk" else "NIC"
    return Subject(
        PASSTHROUGH + device.address,
        Experiment.STORAGE if device.kind == "disk" else Experiment.NETWORK,
        f"{name or what} ({device.address})",
        PHYSICAL,
        "vfio-pci",
        f"The host's own {what}, passed through: the guest drives the silicon itself.",
    )
