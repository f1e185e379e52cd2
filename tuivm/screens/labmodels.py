"""What each device model of the Lab is, how one says it to QEMU and to libvirt, and what the names
of its registers mean. Facts are those of docs/device-classes.md and of QEMU's own sources."""

from __future__ import annotations

from typing import NamedTuple


class ModelWords(NamedTuple):
    """text: what it is. device: QEMU's argument. xml: libvirt's, "" where it cannot say it."""

    text: str
    device: str
    xml: str = ""


def _disk(bus: str, target: str, driver: str = "") -> str:
    return (
        f"<disk type='file' device='disk'>\n"
        f"  <driver name='qemu' type='raw' cache='none' io='native'{driver}/>\n"
        f"  <source file='/path/to/disk.raw'/>\n"
        f"  <target dev='{target}' bus='{bus}'/>\n"
        f"</disk>"
    )


def _nic(model: str) -> str:
    return f"<interface type='network'>\n  <model type='{model}'/>\n</interface>"


_VIRTIO_BLK = (
    "A disk made for guests: requests lie in a ring in the guest's memory (a virtqueue), and one "
    "write to a notify register hands all of them over."
)
MODELS = {
    "virtio-blk": ModelWords(
        _VIRTIO_BLK, "-device virtio-blk-pci,drive=disk0", _disk("virtio", "vda")
    ),
    "virtio-blk-iothread": ModelWords(
        f"{_VIRTIO_BLK} Here a thread of its own serves it, not QEMU's main loop.",
        "-object iothread,id=io1 -device virtio-blk-pci,drive=disk0,iothread=io1",
        "<iothreads>1</iothreads>\n" + _disk("virtio", "vda", " iothread='1'"),
    ),
    "virtio-scsi": ModelWords(
        "A SCSI controller made for guests: SCSI commands in virtqueues, many disks behind one "
        "controller. One notification a request, as with virtio-blk.",
        "-device virtio-scsi-pci -device scsi-hd,drive=disk0",
        "<controller type='scsi' model='virtio-scsi'/>\n" + _disk("scsi", "sda"),
    ),
    "nvme": ModelWords(
        "QEMU's model of a real NVMe disk. NVMe was made for speed: queues in memory and two "
        "doorbells, so that it leaves the guest only a little more often than virtio.",
        "-device nvme,serial=lab,drive=disk0",
    ),
    "sata": ModelWords(
        "A disk on an imitated AHCI controller, what most physical PCs had before NVMe. The "
        "driver sets up a command in memory, then reads and writes port registers.",
        "-device ich9-ahci,id=ahci -device ide-hd,bus=ahci.0,drive=disk0",
        _disk("sata", "sda"),
    ),
    "ide": ModelWords(
        "A disk on an imitated IDE channel of 1990s: sector, count and command go one register at "
        "a time, the bus master takes some more.",
        "-device ide-hd,drive=disk0",
        _disk("ide", "hda"),
    ),
    "lsi": ModelWords(
        "An LSI 53C895A SCSI host adapter: a chip with a small processor that runs scripts the "
        "driver puts into its memory. QEMU interprets these scripts.",
        "-device lsi53c895a -device scsi-hd,drive=disk0",
        "<controller type='scsi' model='lsilogic'/>\n" + _disk("scsi", "sda"),
    ),
    "usb": ModelWords(
        "A USB stick on an imitated xHCI controller: each read is three USB transfers (command, "
        "data, status), each with its doorbell and its events.",
        "-device qemu-xhci -device usb-storage,drive=disk0",
        "<controller type='usb' model='qemu-xhci'/>\n" + _disk("usb", "sda"),
    ),
    "virtio-net": ModelWords(
        "A NIC made for guests: frames lie in virtqueues, and while the host is still at work the "
        "guest need not notify it at all.",
        "-device virtio-net-pci,netdev=net0",
        _nic("virtio"),
    ),
    "virtio-net-vhost": ModelWords(
        "virtio-net whose queues the host's kernel serves (vhost), not QEMU: frames never pass "
        "through user space.",
        "-netdev tap,id=net0,vhost=on -device virtio-net-pci,netdev=net0",
        "<interface type='network'>\n  <model type='virtio'/>\n  <driver name='vhost'/>\n"
        "</interface>",
    ),
    "e1000e": ModelWords(
        "QEMU's model of an Intel 82574L, the gigabit NIC of PCI Express: descriptor rings and "
        "MSI-X interrupts.",
        "-device e1000e,netdev=net0",
        _nic("e1000e"),
    ),
    "e1000": ModelWords(
        "QEMU's model of an Intel 82540EM: descriptor rings, one interrupt line, each cause read "
        "from a register.",
        "-device e1000,netdev=net0",
        _nic("e1000"),
    ),
    "rtl8139": ModelWords(
        "A Realtek 8139, a cheap 100 Mbit NIC of the 1990s: four transmit slots, each with its "
        "register, and an interrupt a frame.",
        "-device rtl8139,netdev=net0",
        _nic("rtl8139"),
    ),
    "pcnet": ModelWords(
        "An AMD PCnet (Am79C970A): registers behind an index port, so that one access takes two, "
        "and an interrupt a frame.",
        "-device pcnet,netdev=net0",
        _nic("pcnet"),
    ),
    "vfio-pci": ModelWords(
        "A device of the host that the guest drives itself: its registers are mapped into the "
        "guest, and the IOMMU lets it reach no other memory. QEMU sees none of its I/O.",
        "-device vfio-pci,host=ADDRESS",
        "<hostdev mode='subsystem' type='pci' managed='yes'>\n  <source>\n"
        "    <address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>\n  </source>\n"
        "</hostdev>",
    ),
}
_ALIASES = {
    "ahci": "sata",
    "usb-storage": "usb",
    "lsi53c895a": "lsi",
    "virtio-net-no-vhost": "virtio-net",
    "vhost": "virtio-net-vhost",
    "iothread-off": "virtio-blk",
    "iothread-on": "virtio-blk-iothread",
}

REGISTERS = {
    "ide": "the IDE channel's ports: sector, count, command and status",
    "piix-bmdma": "the IDE bus master: where in memory the data goes, start and stop",
    "bmdma": "the IDE bus master: where in memory the data goes, start and stop",
    "ahci": "the AHCI controller's port registers: command issue, interrupt status",
    "nvme": "the NVMe registers: the doorbells of its queues",
    "lsi-mmio": "the LSI chip's registers: script pointer, interrupt status",
    "lsi-io": "the LSI chip's registers, by I/O ports",
    "lsi-ram": "the memory in which the LSI chip's scripts lie",
    "capabilities": "the xHCI controller's capability registers",
    "operational": "the xHCI controller's operational registers",
    "runtime": "the xHCI interrupters: where its event ring stands",
    "doorbell": "the xHCI doorbells: one for each USB transfer",
    "e1000-mmio": "the e1000's registers: ring tails, interrupt cause and mask",
    "e1000e-mmio": "the e1000e's registers: ring tails, interrupt cause and mask",
    "rtl8139": "the RTL8139's registers: transmit slots, interrupt status",
    "pcnet-io": "the PCnet's index and data ports",
    "pcnet-mmio": "the PCnet's index and data registers",
    "io_exits": "KVM's count of accesses to I/O ports that went out to QEMU",
    "mmio_exits": "KVM's count of accesses to memory-mapped registers that went out to QEMU",
}
"""By QEMU's name of the memory region (or KVM's of its counter): what is there."""


def words_of(subject_id: str, model: str = "") -> ModelWords | None:
    """None for a subject that is no model of ours. model: QEMU's name of the device."""
    if model == "vfio-pci":
        return MODELS[model]
    return MODELS.get(_ALIASES.get(subject_id, subject_id))
