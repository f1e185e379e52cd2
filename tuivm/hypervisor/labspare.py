"""PCI devices of a host that a lab guest may be given. Pure, over libvirt's XML."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tuivm.domainxml.parse import (
    attr,
    child_attr,
    number,
    parse_domain,
    parse_xml,
    pci_address,
    text,
)
from tuivm.lab.ports import SpareDevice

_KINDS = {0x01: "disk", 0x02: "nic"}
"""By PCI base class: mass storage, network."""
_BRIDGE = 0x06
_FREE = frozenset({"", "vfio-pci"})


class PciNode(NamedTuple):
    """A PCI device as `virNodeDeviceGetXMLDesc` has it. driver: "" for none. group: of the IOMMU,
    None where there is none. base: the base class."""

    address: str
    base: int
    driver: str = ""
    group: int | None = None
    name: str = ""
    vf: bool = False


def read_node(xml: str) -> PciNode | None:
    """None for what is no whole PCI device."""
    try:
        device = parse_xml(xml, "device")
    except ValueError:
        return None
    pci = device.find("capability[@type='pci']")
    if pci is None:
        return None
    parts = [number(text(pci, part)) for part in ("domain", "bus", "slot", "function")]
    # Without its class (libvirt before 5.2) it cannot be told what it is.
    code = number(text(pci, "class"))
    if None in parts or code is None:
        return None
    domain, bus, slot, function = parts
    names = (text(pci, "vendor"), text(pci, "product"))
    return PciNode(
        address=f"{domain:04x}:{bus:02x}:{slot:02x}.{function:x}",
        base=code >> 16,
        driver=text(device, "driver/name"),
        group=number(child_attr(pci, "iommuGroup", "number")),
        name=" ".join(filter(None, names)),
        vf=pci.find("capability[@type='phys_function']") is not None,
    )


def given_away(xml: str) -> frozenset[str]:
    """Addresses of the host's PCI devices that a guest's XML names, whatever for."""
    try:
        domain = parse_domain(xml)
    except ValueError:
        return frozenset()
    sources = domain.iterfind("devices//source/address")
    # Other sources (USB, SCSI) have an address of another form.
    found = {pci_address(one) for one in sources if attr(one, "type") in ("", "pci")}
    return frozenset(found - {""})


def spare_devices(nodes: Iterable[PciNode], used: frozenset[str]) -> tuple[SpareDevice, ...]:
    """Disk controllers and NICs that are bound to vfio-pci or to nothing and named by no guest,
    and of whose IOMMU group the same is true, bridges excepted. Sorted by address.

    used: addresses that guests name, running or not.
    """
    groups: dict[int, list[PciNode]] = {}
    for node in nodes:
        if node.group is not None:
            groups.setdefault(node.group, []).append(node)
    spare = []
    for members in groups.values():
        endpoints = [node for node in members if node.base != _BRIDGE]
        if all(node.driver in _FREE and node.address not in used for node in endpoints):
            spare += [node for node in endpoints if node.base in _KINDS]
    return tuple(
        SpareDevice(node.address, _KINDS[node.base], node.name, node.vf)
        for node in sorted(spare, key=lambda node: node.address)
    )
