"""Reading domain XML safely, and the few helpers that every reader of it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from lxml import etree

Element = etree._Element

_CONTAINER_TYPES = frozenset({"lxc", "openvz"})
_KIB = {
    "b": 1 / 1024,
    "bytes": 1 / 1024,
    "kb": 1000 / 1024,
    "k": 1.0,
    "kib": 1.0,
    "mb": 1000**2 / 1024,
    "m": 1024.0,
    "mib": 1024.0,
    "gb": 1000**3 / 1024,
    "g": 1024.0**2,
    "gib": 1024.0**2,
    "tb": 1000**4 / 1024,
    "t": 1024.0**3,
    "tib": 1024.0**3,
}


def parse_domain(xml: str) -> Element:
    """The `<domain>` element of a definition. Raises ValueError, with the reason, as parse_xml."""
    return parse_xml(xml, "domain")


def parse_xml(xml: str, tag: str) -> Element:
    """The outermost element of any of libvirt's documents, which must be a `tag`.

    No entity is expanded, nothing is fetched, and a document type is refused: libvirt's XML has
    none, so one that has is an attack or not libvirt's. Raises ValueError, with the reason, for
    anything else.
    """
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=True,
        encoding="utf-8",
    )
    try:
        root = etree.fromstring(xml.encode("utf-8"), parser)
    except (etree.XMLSyntaxError, UnicodeEncodeError) as error:
        raise ValueError(f"not XML: {error}") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise ValueError(f"{tag} XML must not have a document type")
    if root.tag != tag:
        raise ValueError(f"not a {tag} definition: the outermost element is <{root.tag}>")
    return root


def attr(element: Element | None, name: str) -> str:
    """An attribute, "" where it or the element is missing."""
    return "" if element is None else element.get(name, "")


def child_attr(element: Element, path: str, name: str) -> str:
    """An attribute of the first element at `path`, "" where there is none."""
    return attr(element.find(path), name)


def text(element: Element, path: str) -> str:
    """The text of the first element at `path`, stripped, "" where there is none."""
    return (element.findtext(path) or "").strip()


def number(value: str) -> int | None:
    """A non-negative decimal or hexadecimal number, None for anything else."""
    try:
        parsed = int(value.strip(), 0)
    except ValueError:
        return None
    return parsed if parsed >= 0 else None


def size_kib(element: Element | None) -> int | None:
    """A scaled size such as `<memory unit='KiB'>`, in KiB; KiB is libvirt's default unit."""
    if element is None:
        return None
    amount = number(element.text or "")
    scale = _KIB.get(element.get("unit", "KiB").lower())
    return None if amount is None or scale is None else int(amount * scale)


def children(element: Element | None) -> Iterator[Element]:
    """The child elements: no comments, no processing instructions."""
    return iter(()) if element is None else element.iterchildren("*")


def alias(element: Element) -> str:
    return child_attr(element, "alias", "name")


def pci_address(address: Element | None) -> str:
    """A PCI address as lspci writes it, "" when it is not whole."""
    parts = [number(attr(address, name)) for name in ("bus", "slot", "function")]
    bus, slot, function = parts
    if bus is None or slot is None or function is None:
        return ""
    domain = number(attr(address, "domain")) or 0
    return f"{domain:04x}:{bus:02x}:{slot:02x}.{function:x}"


def device_address(element: Element) -> str:
    """Where the guest finds the device: a PCI address, or the bus with its numbers."""
    address = element.find("address")
    if address is None:
        return ""
    kind = attr(address, "type")
    if kind == "pci":
        return pci_address(address)
    if kind == "drive":
        names = ("controller", "bus", "target", "unit")
        return "drive " + ":".join(address.get(name, "0") for name in names)
    if kind == "usb":
        return f"usb {address.get('bus', '0')}:{address.get('port', '?')}"
    if kind == "ccw":
        cssid, ssid = number(attr(address, "cssid")) or 0, number(attr(address, "ssid")) or 0
        return f"ccw {cssid:x}.{ssid:x}.{number(attr(address, 'devno')) or 0:04x}"
    values = [value for name, value in address.attrib.items() if name != "type"]
    return " ".join(map(str, [kind, ":".join(map(str, values))])).strip()


class Platform(NamedTuple):
    """What decides a device's model where its own element leaves it open.

    scsi: model of each SCSI controller by index, "" where the XML does not say.
    """

    virt_type: str = ""
    os_type: str = ""
    arch: str = ""
    machine: str = ""
    scsi: Mapping[int, str] = MappingProxyType({})

    @property
    def container(self) -> bool:
        """No machine at all: processes behind namespaces."""
        return self.virt_type in _CONTAINER_TYPES or self.os_type == "exe"

    @property
    def xen_pv(self) -> bool:
        """A Xen guest that knows it is one: no firmware, no emulated board."""
        return self.virt_type == "xen" and self.os_type in ("linux", "xen", "xenpvh")

    @property
    def x86(self) -> bool:
        return self.arch in ("x86_64", "i686")


def platform_of(domain: Element) -> Platform:
    """The platform that a definition describes."""
    os_type = domain.find("os/type")
    scsi = {}
    for controller in domain.iterfind("devices/controller[@type='scsi']"):
        index = number(attr(controller, "index")) or 0
        scsi[index] = child_attr(controller, "model", "name") or attr(controller, "model")
    return Platform(
        virt_type=attr(domain, "type"),
        os_type=text(domain, "os/type"),
        arch=attr(os_type, "arch"),
        machine=attr(os_type, "machine"),
        scsi=scsi,
    )
