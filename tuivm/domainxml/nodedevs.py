"""Reading `<device>` of node devices, and which of them a guest's definition names.

The document is described in libvirt's formatnode page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tuivm.domainxml.parse import Element, attr, child_attr, number, parse_xml, pci_address, text
from tuivm.model.offers import HostDevice, HostInterface, MdevType, PciLink

_USB_PORT = re.compile(r"\d+-\d+(\.\d+)*")
_USB_NAME = re.compile(r"usb_(\d+)_(\d+)((?:_\d+)*)")
_MDEV_NAME = re.compile(r"mdev_(\w{8})_(\w{4})_(\w{4})_(\w{4})_(\w{12})")
_PCI_LINK = re.compile(
    r"/dev/disk/by-path/(?:virtio-)?pci-([\da-f]{4}:[\da-f]{2}:[\da-f]{2}\.[\da-f])\b"
)
_SCSI_HOST = re.compile(r"scsi_host(\d+)")
_TAP = re.compile(r"(vnet|macvtap|macvlan)\d+")
"""How libvirt names the host's end of guests' NICs."""
_NO_SPEED = 2**31
"""Mbit/s. A NIC that knows none says -1, which libvirt reads as unsigned."""


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
    """A node of libvirt's device tree. device: what place 3 lists; None for the rest.

    path: in /sys, "" where it is not told. interface: of a NIC's node. block: "/dev/sda", of a
    disk's. usb: of a USB interface's. links: other names of a device file. on_pci: the PCI device
    that udev's name of a disk tells. disk: (vendor, model, serial) of a disk. filled: udev found a
    file system, swap or RAID and LVM member on the whole disk.
    """

    name: str
    parent: str = ""
    path: str = ""
    device: HostDevice | None = None
    interface: HostInterface | None = None
    block: str = ""
    usb: UsbFunction | None = None
    links: tuple[str, ...] = ()
    on_pci: str = ""
    disk: tuple[str, str, str] = ("", "", "")
    filled: bool = False


def read_node_device(xml: str) -> NodeDevice:
    """Raises ValueError, with the reason, for what is no `<device>`.

    What a PCI, USB or mediated device lacks of its address makes it one that cannot be passed.
    """
    root = parse_xml(xml, "device")
    links = tuple(text(one, ".") for one in root.iterfind("devnode[@type='link']"))
    node = NodeDevice(text(root, "name"), text(root, "parent"), text(root, "path"), links=links)
    for capability in root.iterfind("capability"):
        kind = attr(capability, "type")
        if kind in _PASSABLE:
            node = node._replace(device=_PASSABLE[kind](root, capability, node))
        elif kind == "usb":
            node = node._replace(usb=_usb_function(capability))
        elif kind == "net":
            interface = _interface(capability, node)
            node = node._replace(interface=interface, device=_net(capability, interface, node))
        elif kind == "storage":
            node = _storage(capability, node)
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
        max_functions=_most_functions(pci),
        parent=node.parent,
        numa_node=number(child_attr(pci, "numa", "node")),
        link=_link(pci),
        mdev_types=tuple(_mdev_types(pci)),
    )


def _most_functions(pci: Element) -> int:
    return number(child_attr(pci, "capability[@type='virt_functions']", "maxCount")) or 0


def _link(pci: Element) -> PciLink | None:
    """libvirt's "cap" is what the device can, "sta" what it does now; GT/s and lanes."""
    link = PciLink()
    for one in pci.iterfind("pci-express/link"):
        speed, width = _real(attr(one, "speed")), number(attr(one, "width"))
        if attr(one, "validity") == "sta":
            link = link._replace(speed=speed, width=width)
        elif attr(one, "validity") == "cap":
            link = link._replace(max_speed=speed, max_width=width)
    return None if link == PciLink() else link


def _real(value: str) -> float | None:
    try:
        found = float(value)
    except ValueError:
        return None
    return found if 0 < found < _NO_SPEED else None


def _mdev_types(pci: Element) -> Iterator[MdevType]:
    for one in pci.iterfind("capability[@type='mdev_types']/type"):
        yield MdevType(
            id=attr(one, "id"),
            name=text(one, "name"),
            api=text(one, "deviceAPI"),
            available=number(text(one, "availableInstances")) or 0,
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
        parent=node.parent,
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
        parent=node.parent,
    )


def _scsi(root: Element, scsi: Element, node: NodeDevice) -> HostDevice | None:
    parts = [number(text(scsi, part)) for part in ("host", "bus", "target", "lun")]
    if None in parts:
        return None
    return HostDevice(
        kind="scsi",
        nodedev=node.name,
        address=":".join(map(str, parts)),
        class_=text(scsi, "type"),
        driver=text(root, "driver/name"),
        parent=node.parent,
    )


def _net(net: Element, interface: HostInterface | None, node: NodeDevice) -> HostDevice | None:
    """None for the loopback interface and for what belongs to guests' NICs."""
    if interface is None or interface.name == "lo" or _TAP.fullmatch(interface.name):
        return None
    return HostDevice(
        kind="net",
        nodedev=node.name,
        address=interface.name,
        class_=interface.kind,
        parent=node.parent,
        interfaces=(interface.name,),
        mac=text(net, "address"),
        speed=_real(child_attr(net, "link", "speed")),
        active=interface.up,
    )


def _storage(storage: Element, node: NodeDevice) -> NodeDevice:
    at = next(filter(None, map(_PCI_LINK.match, node.links)), None)
    disk = (text(storage, "vendor"), text(storage, "model"), text(storage, "serial"))
    return node._replace(
        block=text(storage, "block"),
        on_pci=at[1] if at else "",
        disk=disk,
        filled=any(one.startswith(_FILLED) for one in node.links),
    )


_FILLED = ("/dev/disk/by-uuid/", "/dev/disk/by-label/", "/dev/disk/by-id/lvm-pv-uuid-")
"""Links that udev's 60-persistent-storage and 69-dm-lvm rules make after what is on a disk."""
_PASSABLE = {"pci": _pci, "usb_device": _usb, "mdev": _mdev, "scsi": _scsi}


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
    scsi: str = ""
    """ "2:0:0:1": host, bus, target, unit."""
    block: str = ""
    """A disk that the guest has as a disk: "/dev/sda", or one of its other names."""
    net: str = ""
    """An interface that the guest's NIC is put on (macvtap)."""

    def means(self, device: HostDevice) -> bool:
        """With two USB devices that are alike, their ids alone mean either."""
        if device.kind == "pci":
            return self.pci == device.address
        if device.kind == "mdev":
            return self.mdev.lower() == device.address.lower()
        if device.kind == "scsi":
            return bool(self.scsi) and self.scsi == device.address
        if device.kind == "net":
            return bool(self.net) and self.net == device.address
        if self.usb_bus is not None:
            return (self.usb_bus, self.usb_device) == (device.bus, device.device)
        return bool(self.usb_ids) and self.usb_ids == device.ids


def named_devices(domain: Element) -> tuple[Named, ...]:
    """The host's devices that a `<domain>` takes: hostdevs, NICs that are VFs, NVMe disks, disks
    of the host's as a guest's disk, interfaces under macvtap."""
    return tuple(dict.fromkeys(_named(domain)))


def _named(domain: Element) -> Iterator[Named]:
    for source in domain.iterfind("devices/*/source"):
        if attr(source, "dev"):
            # A disk's, or an interface's: the path tells which.
            dev = attr(source, "dev")
            yield Named(block=dev) if dev.startswith("/") else Named(net=dev)
        address = source.find("address")
        ids = _ids(source)
        if address is None:
            if ids:
                yield Named(usb_ids=ids)
            continue
        if attr(address, "uuid"):
            yield Named(mdev=attr(address, "uuid"))
            continue
        pci, scsi = pci_address(address), _scsi_address(source, address)
        bus, device = number(attr(address, "bus")), number(attr(address, "device"))
        if scsi:
            yield Named(scsi=scsi)
        elif pci:
            yield Named(pci=pci)
        elif bus is not None and device is not None:
            yield Named(usb_ids=ids, usb_bus=bus, usb_device=device)


def _scsi_address(source: Element, address: Element) -> str:
    host = _SCSI_HOST.fullmatch(child_attr(source, "adapter", "name"))
    parts = [number(attr(address, name) or "0") for name in ("bus", "target", "unit")]
    if host is None or None in parts:
        return ""
    return ":".join(map(str, (int(host[1]), *parts)))
