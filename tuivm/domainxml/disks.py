"""Disks, the controllers they hang on, and shared file systems: model and class of each."""

from __future__ import annotations

from tuivm.domainxml.backing import disk_backing
from tuivm.domainxml.parse import (
    Element,
    Platform,
    alias,
    attr,
    child_attr,
    device_address,
    number,
    pci_address,
)
from tuivm.model.devices import Device, DeviceClass, DeviceKind

PARAVIRTUAL, EMULATED, PHYSICAL = (
    DeviceClass.PARAVIRTUAL,
    DeviceClass.EMULATED,
    DeviceClass.PHYSICAL,
)

_PARAVIRTUAL_SCSI = {
    "vmpvscsi": "vmpvscsi",
    "ibmvscsi": "spapr-vscsi",
    "virtio-scsi": "virtio-scsi",
}
_VIRTIO_FLAVOURS = ("transitional", "non-transitional")
_BUS_BY_PREFIX = (
    ("xvd", "xen"),
    ("ubd", "uml"),
    ("vd", "virtio"),
    ("sd", "scsi"),
    ("hd", "ide"),
    ("fd", "fdc"),
)
_PARAVIRTUAL_DISKS = {"xen": "xen-blkfront", "uml": "ubd"}
_DISK_MODELS = {
    "ide": ("ide-hd", "ide-cd"),
    "sata": ("sata", "sata-cd"),
    "usb": ("usb-storage", "usb-storage"),
    "fdc": ("floppy", "floppy"),
    "sd": ("sd-card", "sd-card"),
    "nvme": ("nvme", "nvme"),
}


def flavour(model: str) -> str:
    """The note for libvirt's model names of virtio devices: "transitional", or ""."""
    suffix = model.removeprefix("virtio-")
    return suffix if suffix in _VIRTIO_FLAVOURS else ""


def scsi_controller(model: str, platform: Platform) -> tuple[str, DeviceClass]:
    """A SCSI controller's model and class. Without a model, the one that libvirt's QEMU driver
    picks: spapr-vscsi for pseries, virtio-scsi for s390x, LoongArch and RISC-V, else lsilogic."""
    if not model or model == "auto":
        if platform.machine.startswith("pseries"):
            model = "ibmvscsi"
        elif platform.arch.startswith(("s390", "loongarch", "riscv")):
            model = "virtio-scsi"
        else:
            model = "lsilogic"
    if model.startswith("virtio"):
        return "virtio-scsi", PARAVIRTUAL
    if model in _PARAVIRTUAL_SCSI:
        return _PARAVIRTUAL_SCSI[model], PARAVIRTUAL
    return model, EMULATED


def disk(element: Element, platform: Platform) -> Device:
    """One `<disk>`."""
    device = element.get("device", "disk")
    target = child_attr(element, "target", "dev")
    bus = child_attr(element, "target", "bus") or _bus_from(target)
    model, cls, note = _disk_model(element, device, bus, platform)
    vhost_user = attr(element, "type") == "vhostuser"
    if vhost_user:
        note = "vhost-user, bypasses the VMM"
    elif attr(element, "type") == "vhostvdpa":
        note = "vDPA"
    return Device(
        kind=DeviceKind.DISK,
        cls=cls,
        model=model,
        target=target or alias(element),
        bus=bus,
        source=_disk_source(element),
        address=device_address(element),
        note=note,
        counted=bool(target) and not vhost_user,
        removable=device in ("cdrom", "floppy"),
        backing=None if cls is PHYSICAL or platform.container else disk_backing(element),
    )


def _bus_from(target: str) -> str:
    return next((bus for prefix, bus in _BUS_BY_PREFIX if target.startswith(prefix)), "")


def _disk_model(
    element: Element, device: str, bus: str, platform: Platform
) -> tuple[str, DeviceClass, str]:
    own_model = attr(element, "model")
    if bus in ("scsi", "virtio"):
        return _scsi_or_virtio(element, device, bus, platform)
    if bus in _PARAVIRTUAL_DISKS:
        return _PARAVIRTUAL_DISKS[bus], PARAVIRTUAL, ""
    if platform.container:
        return "block device", PARAVIRTUAL, "container: no device model"
    if bus == "usb" and own_model.startswith("usb-"):
        return own_model, EMULATED, ""
    hard, optical = _DISK_MODELS.get(bus, (bus or "disk", bus or "disk"))
    return (optical if device == "cdrom" else hard), EMULATED, ""


def _scsi_or_virtio(
    element: Element, device: str, bus: str, platform: Platform
) -> tuple[str, DeviceClass, str]:
    model, cls, note = "virtio-blk", PARAVIRTUAL, flavour(attr(element, "model"))
    if bus == "scsi":
        index = number(child_attr(element, "address", "controller")) or 0
        model, cls = scsi_controller(platform.scsi.get(index, ""), platform)
        note = ""
    if device == "lun":
        own = "scsi-block" if bus == "scsi" else model
        return own, PHYSICAL, f"SCSI LUN behind {model}"
    return model, cls, note


def _disk_source(element: Element) -> str:
    source = element.find("source")
    kind = attr(element, "type")
    if source is None:
        return ""
    if kind == "volume":
        return f"{attr(source, 'pool')}/{attr(source, 'volume')}"
    if kind == "network":
        host = child_attr(source, "host", "name")
        return f"{attr(source, 'protocol')}://{host}/{attr(source, 'name')}"
    if kind == "nvme":
        namespace = attr(source, "namespace")
        address = pci_address(source.find("address"))
        return f"NVMe {address} namespace {namespace}" if address else ""
    return next((v for n in ("file", "dev", "dir", "path") if (v := attr(source, n))), "")


def controller(element: Element, platform: Platform) -> Device | None:
    """One `<controller>`; None for a USB controller that is there to say that there is none."""
    kind = attr(element, "type")
    if attr(element, "model") == "none":
        return None
    model, cls, note = _controller_model(element, kind, platform)
    return Device(
        kind=DeviceKind.CONTROLLER,
        cls=cls,
        model=model,
        target=alias(element) or f"{kind}{attr(element, 'index')}",
        bus=kind,
        address=device_address(element),
        note=note,
    )


def _controller_model(
    element: Element, kind: str, platform: Platform
) -> tuple[str, DeviceClass, str]:
    model = attr(element, "model")
    if kind == "scsi":
        name, cls = scsi_controller(model, platform)
        return name, cls, flavour(model)
    if kind == "virtio-serial":
        return "virtio-serial", PARAVIRTUAL, flavour(model)
    if kind == "xenbus":
        return "xenbus", PARAVIRTUAL, ""
    if kind == "usb":
        return model or "usb", PARAVIRTUAL if model in ("qusb1", "qusb2") else EMULATED, ""
    named = {"sata": "ahci", "ccid": "usb-ccid"}
    exact = child_attr(element, "model", "name") if kind == "pci" else ""
    return exact or model or named.get(kind, kind or "controller"), EMULATED, ""


def filesystem(element: Element, platform: Platform) -> Device:
    """One `<filesystem>`: a directory of the host that the guest mounts by a tag."""
    driver = child_attr(element, "driver", "type")
    cls, note = PARAVIRTUAL, flavour(attr(element, "model"))
    if platform.container:
        model, note = "mount", "container: no device model"
    elif driver == "virtiofs":
        model = "virtiofs"
    elif driver == "mtp":
        model, cls = "usb-mtp", EMULATED
    else:
        model = "xen-9pfs" if platform.virt_type == "xen" else "virtio-9p"
    source = element.find("source")
    names = ("dir", "file", "dev", "name", "socket", "pool")
    return Device(
        kind=DeviceKind.FILESYSTEM,
        cls=cls,
        model=model,
        target=child_attr(element, "target", "dir") or alias(element),
        source=next((v for n in names if (v := attr(source, n))), ""),
        address=device_address(element),
        note=note,
    )
