"""Network interfaces and devices assigned from the host: model and class of each."""

from __future__ import annotations

from tuivm.domainxml.backing import nic_backing
from tuivm.domainxml.disks import EMULATED, PARAVIRTUAL, PHYSICAL, flavour
from tuivm.domainxml.parse import (
    Element,
    Platform,
    alias,
    attr,
    child_attr,
    device_address,
    number,
    pci_address,
    text,
)
from tuivm.model.devices import Device, DeviceClass, DeviceKind

_PARAVIRTUAL_NICS = {
    "netfront": "xen-netfront",
    "vmxnet": "vmxnet",
    "vmxnet2": "vmxnet2",
    "vmxnet3": "vmxnet3",
    "spapr-vlan": "spapr-vlan",
}
_COUNTED_TYPES = frozenset({"bridge", "network", "ethernet", "direct"})
"""libvirt counts at the host's end of the wire, so there has to be one with a name. A user-mode,
UDP, multicast, vDPA or assigned NIC has none."""
_VF_NOTE = "VF, partitioned"


def interface(element: Element, platform: Platform) -> Device:
    """One `<interface>`. A NIC drawn from a network is what `<actual>` or, in live XML, its own
    type says that it became."""
    actual = element.find("actual")
    kind = attr(actual, "type") or attr(element, "type")
    target = child_attr(element, "target", "dev")
    mac = child_attr(element, "mac", "address")
    if kind == "hostdev":
        return Device(
            kind=DeviceKind.NIC,
            cls=PHYSICAL,
            model=_assigned_model(element, platform),
            target=alias(element) or device_address(element) or mac,
            bus="pci",
            source=_assigned_nic(element, actual),
            address=device_address(element),
            note=_VF_NOTE,
            mac=mac,
        )
    model, cls, note = _nic_model(element, platform)
    if kind == "vdpa":
        note = "vDPA"
    elif kind == "vhostuser":
        note = "vhost-user, bypasses the VMM"
    counted = kind in _COUNTED_TYPES or (kind == "vhostuser" and bool(target))
    return Device(
        kind=DeviceKind.NIC,
        cls=cls,
        model=model,
        target=target or alias(element) or device_address(element) or mac,
        bus=kind,
        source=_nic_source(element, kind),
        address=device_address(element),
        note=note,
        counted=counted,
        mac=mac,
        backing=(
            None
            if platform.container
            else nic_backing(element, kind, paravirtual=cls is PARAVIRTUAL)
        ),
    )


def _nic_model(element: Element, platform: Platform) -> tuple[str, DeviceClass, str]:
    if platform.container:
        return "veth", PARAVIRTUAL, "container: no device model"
    model = child_attr(element, "model", "type") or _default_nic(platform)
    if model.startswith("virtio"):
        return "virtio-net", PARAVIRTUAL, flavour(model)
    if model in _PARAVIRTUAL_NICS:
        return _PARAVIRTUAL_NICS[model], PARAVIRTUAL, ""
    return model, EMULATED, ""


def _default_nic(platform: Platform) -> str:
    """What libvirt's drivers pick where no model is given."""
    if platform.xen_pv:
        return "netfront"
    if platform.arch.startswith(("s390", "loongarch", "riscv")):
        return "virtio"
    if platform.arch.startswith(("arm", "aarch64")):
        if platform.machine.startswith("virt"):
            return "virtio"
        return "smc91c111" if platform.machine == "versatilepb" else "lan9118"
    return "rtl8139"


def _nic_source(element: Element, kind: str) -> str:
    source = element.find("source")
    if kind in ("server", "client", "mcast", "udp"):
        return f"{attr(source, 'address')}:{attr(source, 'port')}"
    names = ("network", "bridge", "dev", "name", "path")
    return next((v for n in names if (v := attr(source, n))), "")


def _assigned_nic(element: Element, actual: Element | None) -> str:
    for holder in (element, actual):
        address = None if holder is None else holder.find("source/address")
        if address is not None:
            return pci_address(address) or _usb_source(element.find("source"))
    return child_attr(element, "source", "network")


def _assigned_model(element: Element, platform: Platform) -> str:
    if platform.virt_type == "xen":
        return "xen-pciback"
    return child_attr(element, "driver", "model") or "vfio-pci"


def hostdev(element: Element, platform: Platform) -> Device:
    """One `<hostdev>`: a device of the host, or a part of one, handed to the guest."""
    kind = attr(element, "type")
    model, cls, source, note = _hostdev(element, kind, platform)
    return Device(
        kind=DeviceKind.HOSTDEV,
        cls=cls,
        model=model,
        target=alias(element) or source or device_address(element),
        bus=kind,
        source=source,
        address=device_address(element),
        note=note,
    )


def _hostdev(element: Element, kind: str, platform: Platform) -> tuple[str, DeviceClass, str, str]:
    source = element.find("source")
    address = element.find("source/address")
    model, cls, behind, note = kind or "hostdev", PHYSICAL, "", ""
    if attr(element, "mode") == "capabilities":
        model = {"storage": "block device", "misc": "character device"}.get(kind, model)
        paths = (text(element, f"source/{name}") for name in ("block", "char", "interface"))
        behind = next(filter(None, paths), "")
    elif kind == "pci":
        model, behind = _assigned_model(element, platform), pci_address(address)
    elif kind == "usb":
        model, behind = "usb-host", _usb_source(source)
    elif kind == "mdev":
        model, behind = attr(element, "model") or "vfio-pci", attr(address, "uuid")
        note = "mdev, partitioned"
    elif kind == "scsi_host":
        model, cls, behind = "vhost-scsi", PARAVIRTUAL, attr(source, "wwpn")
        note = flavour(attr(element, "model"))
    elif kind == "scsi":
        model, behind = "scsi-generic", _scsi_source(element, source)
    return model, cls, behind, note


def _scsi_source(element: Element, source: Element | None) -> str:
    if attr(source, "protocol") == "iscsi":
        return f"iscsi://{child_attr(element, 'source/host', 'name')}/{attr(source, 'name')}"
    adapter = child_attr(element, "source/adapter", "name")
    address = element.find("source/address")
    if not adapter or address is None:
        return adapter
    return adapter + " " + ":".join(address.get(name, "0") for name in ("bus", "target", "unit"))


def _usb_source(source: Element | None) -> str:
    """ "vendor:product", or "bus.device" where only that is given."""
    if source is None:
        return ""
    vendor = number(child_attr(source, "vendor", "id"))
    product = number(child_attr(source, "product", "id"))
    if vendor is not None and product is not None:
        return f"{vendor:04x}:{product:04x}"
    address = source.find("address")
    if address is None:
        return ""
    return f"{address.get('bus', '?')}.{address.get('device') or address.get('port', '?')}"
