"""What is there for a guest's first boot alone: its mark in the metadata, and taking it out again.

The mark names the volumes that go once the first boot is over (cloud-init's seed with its password
hash, an installer's kernel), so that whichever tuivm sees the guest next can remove them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from lxml import etree

from tuivm.domainxml.namespaces import FIRST_BOOT
from tuivm.domainxml.parse import Element, attr, parse_domain, text
from tuivm.model.creation import Placed

KEY = "tuivm"
"""The prefix that libvirt writes the mark with."""
_TAG = f"{{{FIRST_BOOT}}}first-boot"
_VOLUME = f"{{{FIRST_BOOT}}}volume"
_AFTER = f"{{{FIRST_BOOT}}}after"
_EVENTS = ("on_poweroff", "on_reboot", "on_crash")


class Mark(NamedTuple):
    """uuid: of the guest that it was made for; a copy of that guest may bear it too. begun: it was
    started once, so that what it had for that is over when it is off. after: the definition that
    stays, for a guest that is defined as its first boot needs it; "" where that is done."""

    uuid: str
    volumes: tuple[Placed, ...] = ()
    begun: bool = False
    after: str = ""


def mark_xml(mark: Mark) -> str:
    """The element as `virDomainSetMetadata` takes it: libvirt puts it into the namespace."""
    element = _element(mark)
    for one in element.iter("*"):
        one.tag = etree.QName(one).localname
    etree.cleanup_namespaces(element)
    return etree.tostring(element, encoding="unicode")


def marked(xml: str, mark: Mark) -> str:
    """A definition with the mark in it. Raises ValueError for what is no definition."""
    domain = parse_domain(xml)
    metadata = domain.find("metadata")
    if metadata is None:
        metadata = etree.Element("metadata")
        # libvirt's schema lets it stand anywhere; it reads best where libvirt itself writes it.
        before = [domain.find(tag) for tag in ("description", "title", "genid", "uuid", "name")]
        at = next((one for one in before if one is not None), None)
        domain.insert(0 if at is None else domain.index(at) + 1, metadata)
    for old in metadata.findall(_TAG):
        metadata.remove(old)
    metadata.append(_element(mark))
    return etree.tostring(domain, encoding="unicode")


def read_mark(domain: Element) -> Mark | None:
    """None where there is none, or one of another guest."""
    element = domain.find(f"metadata/{_TAG}")
    if element is None or attr(element, "uuid") != text(domain, "uuid"):
        return None
    volumes = tuple(
        Placed(path=attr(one, "path"), pool=attr(one, "pool"), volume=attr(one, "name"))
        for one in element.iterfind(_VOLUME)
    )
    begun = attr(element, "state") == "begun"
    return Mark(attr(element, "uuid"), volumes, begun, element.findtext(_AFTER) or "")


def refers(domain: Element, volume: Placed) -> bool:
    """Anything at all in a definition names it, by path or by pool and volume; the mark aside."""
    for element in domain.iter("*"):
        if element.tag in (_TAG, _VOLUME, _AFTER):
            continue
        if volume.path and volume.path in (*element.attrib.values(), (element.text or "").strip()):
            return True
        named = (attr(element, "pool"), attr(element, "volume"))
        if volume.volume and named == (volume.pool, volume.volume):
            return True
    return False


def settled(xml: str, mark: Mark) -> str:
    """The definition that stays, made of the present one so that what was changed since survives.

    It names none of the mark's volumes (CD-ROM drives are empty, disks are gone, and so is a direct
    boot from them), boots in the order that stays, and does at a restart what stays. The mark says
    that the first boot has begun. Raises ValueError for no definition."""
    domain = parse_domain(xml)
    _take_out(domain, mark.volumes)
    if mark.after:
        _take_over(domain, parse_domain(mark.after))
    return marked(etree.tostring(domain, encoding="unicode"), mark._replace(begun=True, after=""))


def _take_out(domain: Element, gone: Iterable[Placed]) -> None:
    gone = tuple(gone)
    for disk in domain.findall("devices/disk"):
        if any(refers(disk, volume) for volume in gone):
            _empty(disk)
    os = domain.find("os")
    paths = {volume.path for volume in gone if volume.path}
    if os is not None and {text(os, "kernel"), text(os, "initrd")} & paths:
        for tag in ("kernel", "initrd", "cmdline", "dtb"):
            for element in os.findall(tag):
                os.remove(element)


def _take_over(domain: Element, after: Element) -> None:
    """What a restart does, and what is booted from."""
    for tag in _EVENTS:
        now, then = domain.find(tag), after.find(tag)
        if now is not None and then is not None:
            now.text = then.text
    orders = {_identity(one): one.find("boot") for one in after.iterfind("devices/*")}
    for device in domain.iterfind("devices/*"):
        for old in device.findall("boot"):
            device.remove(old)
        order = orders.get(_identity(device))
        if order is not None:
            device.append(order)


def _identity(device: Element) -> tuple[str, ...]:
    """What tells a device of a definition from its others; the same for those that boot nothing."""
    address = (attr(one, "address") for one in device.iterfind("mac"))
    target = (attr(one, "dev") for one in device.iterfind("target"))
    source = (str(sorted(one.attrib.items())) for one in device.iterfind("source/address"))
    return (device.tag, *address, *target, *source)


def _empty(disk: Element) -> None:
    parent = disk.getparent()
    if attr(disk, "device") != "cdrom" and parent is not None:
        parent.remove(disk)
        return
    for tag in ("source", "backingStore"):
        for element in disk.findall(tag):
            disk.remove(element)
    if attr(disk, "type") != "file":
        disk.set("type", "file")


def _element(mark: Mark) -> Element:
    element = etree.Element(_TAG, nsmap={KEY: FIRST_BOOT})
    element.set("uuid", mark.uuid)
    element.set("state", "begun" if mark.begun else "waiting")
    for volume in mark.volumes:
        child = etree.SubElement(element, _VOLUME)
        for name, value in (
            ("pool", volume.pool),
            ("name", volume.volume),
            ("path", volume.path),
        ):
            if value:
                child.set(name, value)
    if mark.after:
        etree.SubElement(element, _AFTER).text = mark.after
    return element
