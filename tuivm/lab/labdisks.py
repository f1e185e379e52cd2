"""The disk of each storage subject, on nothing (null-co) or on a raw file."""

from __future__ import annotations

from collections.abc import Mapping

from tuivm.domainxml.parse import Element
from tuivm.lab.parts import DISK_BYTES, Parts, Where, element

_SERIAL = 20
"""Characters of a serial number that virtio, IDE and NVMe have room for."""
_PREFIXES = {"virtio": "vd", "ide": "hd"}


def null_disk(parts: Parts, subject: str, kind: str, *, iothread: bool = False) -> Where:
    """A disk that answers at once. kind: "virtio-blk", "virtio-scsi", "nvme", "ahci", "ide", "lsi"
    or "usb"."""
    node = f"lab-{subject}"
    # Zeros are written into the guest's memory as data from a disk would be.
    parts.blockdev(driver="null-co", node_name=node, size=DISK_BYTES, read_zeroes=True)
    return _attached(parts, subject, kind, node, iothread=iothread)


def file_disk(parts: Parts, subject: str, kind: str, path: str, *, iothread: bool = False) -> Where:
    """A disk on a raw file, past the host's page cache, with native AIO."""
    if kind == "nvme":
        node = f"lab-{subject}"
        direct = {"direct": True, "no-flush": False}
        file = {"driver": "file", "filename": path, "aio": "native", "cache": direct}
        parts.blockdev(driver="raw", node_name=node, cache=direct, file=file)
        return _attached(parts, subject, kind, node)
    bus, controllers, address = _BUSES[kind]
    parts.devices += [element("controller", **one) for one in controllers]
    driver = {"name": "qemu", "type": "raw", "cache": "none", "io": "native"}
    if iothread:
        driver["iothread"] = str(parts.iothread())
    serial = subject[:_SERIAL]
    disk: Element = element(
        "disk",
        element("driver", **driver),
        element("source", file=path),
        element("target", dev=parts.target(_PREFIXES.get(bus, "sd")), bus=bus),
        element("serial", serial),
        type="file",
        device="disk",
    )
    if address:
        disk.append(element("address", **address))
    parts.devices.append(disk)
    return Where(serial=serial)


def _drive(controller: str) -> Mapping[str, str]:
    return {"type": "drive", "controller": controller, "bus": "0", "target": "0", "unit": "0"}


_BUSES: Mapping[str, tuple[str, tuple[Mapping[str, str], ...], Mapping[str, str]]] = {
    "virtio-blk": ("virtio", (), {}),
    "virtio-scsi": (
        "scsi",
        ({"type": "scsi", "index": "0", "model": "virtio-scsi"},),
        _drive("0"),
    ),
    # libvirt's name of the LSI 53C895A; the same in QEMU is an alias.
    "lsi": ("scsi", ({"type": "scsi", "index": "1", "model": "lsilogic"},), _drive("1")),
    "ahci": ("sata", ({"type": "sata", "index": "0"},), _drive("0")),
    "ide": ("ide", (), _drive("0")),
    "usb": ("usb", ({"type": "usb", "index": "0", "model": "qemu-xhci"},), {}),
}
"""libvirt's bus, its controllers, and the disk's address on it."""


def _attached(parts: Parts, subject: str, kind: str, node: str, *, iothread: bool = False) -> Where:
    serial = subject[:_SERIAL]
    disk: dict[str, str | int] = {"drive": node, "serial": serial}
    if kind == "virtio-blk":
        if iothread:
            disk["iothread"] = f"iothread{parts.iothread()}"
        parts.pci_device("virtio-blk-pci", **disk)
    elif kind == "nvme":
        parts.pci_device("nvme", **disk)
    elif kind == "ide" or (kind == "ahci" and parts.machine == "q35"):
        # The machine has the controller built in.
        parts.device("ide-hd", **disk, bus="ide.0", unit=0)
    else:
        controller, device = _CONTROLLERS[kind]
        parts.pci_device(controller, id=f"lab-{subject}")
        parts.device(device, **disk, bus=f"lab-{subject}.0")
    return Where(serial=serial)


_CONTROLLERS = {
    "virtio-scsi": ("virtio-scsi-pci", "scsi-hd"),
    "ahci": ("ich9-ahci", "ide-hd"),
    "lsi": ("lsi53c895a", "scsi-hd"),
    "usb": ("qemu-xhci", "usb-storage"),
}
"""QEMU's names of the controller, which goes onto the PCI bus, and of the disk on it."""
