"""Reading `<device>` of node devices, and which of them a guest's definition names.

The document is described in libvirt's formatnode page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tuivm.domainxml.parse import Element, attr, child_attr, number, parse_xml, pci_address, text
from tuivm.model.offers import HostDevice, HostInterface

_USB_PORT = re.compile(r"\d+-\d+(\.\d+)*")
_USB_NAME = re.compile(r"usb_(\d+)_(\d+)((?:_\d+)*)")
_MDEV_NAME = re.compile(r"mdev_(\w{8})_(\w{4})_(\w{4})_(\w{4})_(\w{12})")


class UsbFunction(NamedTuple):
    """One interface of a USB device, by the numbers of the USB specification."""

    class_: int
    subclass: int
    protocol: int

    @property
    def keyboard(self) -> bool:
        """HID, boot protocol of keyboards."""
        return self == (3, 1, 1)

    @property
    def hub(self) -> bool:
        return self.class_ == 9


class NodeDevice(NamedTuple):
    """A node of libvirt's device tree. device: what could be passed through; None for the rest.

    path: in /sys, "" where it is not told. interface: of a NIC's node. block: "/dev/sda", of a
    disk's. usb: of a USB interface's.
    """

    name: str
    parent: str = ""
    path: str = ""
    device: HostDevice | None = None
    interface: HostInterface | None = None
    block: str = ""
    usb: UsbFunction | None = None


def read_node_device(xml: str) -> NodeDevice:
    """Raises ValueError, with the reason, for what is no `<device>`.

    What a PCI, USB or mediated device lacks of its address makes it one that cannot be passed.
    """
    root = parse_xml(xml, "device")
    node = NodeDevice(text(root, "name"), text(root, "parent"), text(root, "path"))
    for capability in root.iterfind("capability"):
        kind = attr(capability, "type")
        if kind in _PASSABLE:
            node = node._replace(device=_PASSABLE[kind](root, capability, node))
        elif kind == "usb":
            node = node._replace(usb=_usb_function(capability))
        elif kind == "net":
            node = node._replace(interface=_interface(capability, node))
        elif kind == "storage":
            node = node._replace(block=text(capability, "block"))
    return node


def _pci(root: Element, pci: Element, node: NodeDevice) -> HostDevice | None:
    parts = [number(text(pci, part)) for part in ("domain", "bus", "slot", "function")]
    domain, bus, slot, function = parts
    if bus is None or slot is None or function is None:
        return None
    code = number(text(pci, "class"))
    group = pci.find("iommuGroup")
    return HostDevice(
        kind="pci",
        nodedev=node.name,
        address=f"{domain or 0:04x}:{bus:02x}:{slot:02x}.{function:x}",
        vendor=text(pci, "vendor"),
        product=text(pci, "product"),
        ids=_ids(pci),
        class_="" if code is None else f"{code:06x}",
        driver=text(root, "driver/name"),
        iommu_group=number(attr(group, "number")),
        group_members=() if group is None else _addresses(group),
        physical_function=next(iter(_functions(pci, "phys_function")), ""),
        virtual_functions=_functions(pci, "virt_functions"),
    )


def _functions(pci: Element, kind: str) -> tuple[str, ...]:
    return tuple(
        address
        for capability in pci.iterfind(f"capability[@type='{kind}']")
        for address in _addresses(capability)
    )


def _addresses(parent: Element) -> tuple[str, ...]:
    return tuple(filter(None, map(pci_address, parent.iterfind("address"))))


def _usb(root: Element, usb: Element, node: NodeDevice) -> HostDevice | None:
    port = _usb_port(node)
    if not port:
        # A root hub: the controller itself.
        return None
    return HostDevice(
        kind="usb",
        nodedev=node.name,
        address=port,
        vendor=text(usb, "vendor"),
        product=text(usb, "product"),
        ids=_ids(usb),
        driver=text(root, "driver/name"),
        bus=number(text(usb, "bus")),
        device=number(text(usb, "device")),
    )


def _usb_port(node: NodeDevice) -> str:
    """ "1-1.4": bus and the ports on the way; "" for a root hub."""
    last = node.path.rpartition("/")[2]
    if _USB_PORT.fullmatch(last):
        return last
    match = _USB_NAME.fullmatch(node.name)
    return f"{match[1]}-{match[2]}{match[3].replace('_', '.')}" if match else ""


def _mdev(root: Element, mdev: Element, node: NodeDevice) -> HostDevice | None:
    match = _MDEV_NAME.match(node.name)
    uuid = text(mdev, "uuid") or ("-".join(match.groups()) if match else "")
    if not uuid:
        return None
    return HostDevice(
        kind="mdev",
        nodedev=node.name,
        address=uuid,
        product=child_attr(mdev, "type", "id"),
        driver=text(root, "driver/name"),
        iommu_group=number(child_attr(mdev, "iommuGroup", "number")),
    )


_PASSABLE = {"pci": _pci, "usb_device": _usb, "mdev": _mdev}


def _ids(device: Element) -> str:
    """ "8086:10c9", "" where one of the two is missing."""
    ids = [number(child_attr(device, name, "id")) for name in ("vendor", "product")]
    vendor, product = ids
    return "" if vendor is None or product is None else f"{vendor:04x}:{product:04x}"


def _usb_function(usb: Element) -> UsbFunction:
    parts = (number(text(usb, name)) for name in ("class", "subclass", "protocol"))
    return UsbFunction(*(-1 if part is None else part for part in parts))


def _interface(net: Element, node: NodeDevice) -> HostInterface | None:
    name = text(net, "interface")
    if not name:
        return None
    kind = "ethernet"
    if net.find("capability[@type='80211']") is not None:
        kind = "wifi"
    elif "/devices/virtual/" in node.path:
        # A bridge, a bond, a tap: this document does not tell which.
        kind = "virtual"
    state = child_attr(net, "link", "state")
    return HostInterface(name, kind, None if not state else state == "up")


class Named(NamedTuple):
    """A device of the host's as a guest's definition names it; what is "" or None is not said."""

    pci: str = ""
    usb_ids: str = ""
    usb_bus: int | None = None
    usb_device: int | None = None
    mdev: str = ""

    def means(self, device: HostDevice) -> bool:
        """With two USB devices that are alike, their ids alone mean either."""
        if device.kind == "pci":
            return self.pci == device.address
        if device.kind == "mdev":
            return self.mdev.lower() == device.address.lower()
        if self.usb_bus is not None:
            return (self.usb_bus, self.usb_device) == (device.bus, device.device)
        return bool(self.usb_ids) and self.usb_ids == device.ids


def named_devices(domain: Element) -> tuple[Named, ...]:
    """The host's devices that a `<domain>` takes: hostdevs, NICs that are VFs, NVMe disks."""
    return tuple(dict.fromkeys(_named(domain)))


def _named(domain: Element) -> Iterator[Named]:
    for source in domain.iterfind("devices/*/source"):
        address = source.find("address")
        ids = _ids(source)
        if address is None:
            if ids:
                yield Named(usb_ids=ids)
            continue
        if attr(address, "uuid"):
            yield Named(mdev=attr(address, "uuid"))
            continue
        pci = pci_address(address)
        bus, device = number(attr(address, "bus")), number(attr(address, "device"))
        if pci:
            yield Named(pci=pci)
        elif bus is not None and device is not None:
            yield Named(usb_ids=ids, usb_bus=bus, usb_device=device)
