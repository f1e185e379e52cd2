"""What is there for a guest's first boot alone: its mark in the metadata, and taking it out again.

The mark names the volumes that go once the first boot is over (cloud-init's seed with its password
hash, an installer's kernel), so that whichever tuivm sees the guest next can remove them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from lxml import etree

from tuivm.domainxml.parse import Element, attr, parse_domain, text
from tuivm.model.creation import Placed

NAMESPACE = "https://tuivm.invalid/first-boot/1"
KEY = "tuivm"
"""The prefix that libvirt writes the mark with."""
_TAG = f"{{{NAMESPACE}}}first-boot"
_VOLUME = f"{{{NAMESPACE}}}volume"


class Mark(NamedTuple):
    """begun: the guest was started once, so that what it had for that is over when it is off."""

    volumes: tuple[Placed, ...]
    begun: bool = False


def mark_xml(mark: Mark) -> str:
    """The element as `virDomainSetMetadata` takes it, and as it stands in `<metadata>`."""
    return etree.tostring(_element(mark), encoding="unicode")


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
    element = domain.find(f"metadata/{_TAG}")
    if element is None:
        return None
    volumes = tuple(
        Placed(path=attr(one, "path"), pool=attr(one, "pool"), volume=attr(one, "name"))
        for one in element.iterfind(_VOLUME)
    )
    return Mark(volumes, begun=attr(element, "state") == "begun")


def refers(domain: Element, volume: Placed) -> bool:
    """Anything at all in a definition names it, by path or by pool and volume; the mark aside."""
    for element in domain.iter("*"):
        if element.tag in (_TAG, _VOLUME):
            continue
        if volume.path and volume.path in (*element.attrib.values(), (element.text or "").strip()):
            return True
        named = (attr(element, "pool"), attr(element, "volume"))
        if volume.volume and named == (volume.pool, volume.volume):
            return True
    return False


def without(xml: str, volumes: Iterable[Placed]) -> str:
    """A definition that names none of these volumes: CD-ROM drives are empty, disks are gone, and
    so is a direct boot from them with its command line. Raises ValueError for no definition."""
    domain = parse_domain(xml)
    gone = tuple(volumes)
    for disk in domain.findall("devices/disk"):
        if any(refers(disk, volume) for volume in gone):
            _empty(disk)
    os = domain.find("os")
    paths = {volume.path for volume in gone if volume.path}
    if os is not None and {text(os, "kernel"), text(os, "initrd")} & paths:
        for tag in ("kernel", "initrd", "cmdline", "dtb"):
            for element in os.findall(tag):
                os.remove(element)
    return etree.tostring(domain, encoding="unicode")


def ejected(domain: Element, volumes: Iterable[Placed]) -> tuple[str, ...]:
    """The drives that hold one of these, each as the XML of the same drive without a medium."""
    gone = tuple(volumes)
    drives = []
    for disk in domain.findall("devices/disk[@device='cdrom']"):
        if any(refers(disk, volume) for volume in gone):
            _empty(disk)
            drives.append(etree.tostring(disk, encoding="unicode", with_tail=False))
    return tuple(drives)


def _empty(disk: Element) -> None:
    parent = disk.getparent()
    if attr(disk, "device") != "cdrom":
        if parent is not None:
            parent.remove(disk)
        return
    for tag in ("source", "backingStore"):
        for element in disk.findall(tag):
            disk.remove(element)
    if attr(disk, "type") != "file":
        disk.set("type", "file")


def _element(mark: Mark) -> Element:
    element = etree.Element(_TAG, nsmap={KEY: NAMESPACE})
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
    return element
