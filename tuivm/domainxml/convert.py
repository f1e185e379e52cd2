"""A definition with some of its devices changed to another model. What is not known stays as it is.

Rules of libvirt's that this knows (formatdomain, and qemu_validate.c where it is silent): what
hangs on a bus is found by its address, so a disk on a SCSI, SATA or IDE controller gets a new one;
attributes that only some buses take are dropped where the new one would have libvirt refuse them.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

from lxml import etree

from tuivm.domainxml import bootorder, convertdisks
from tuivm.domainxml.classify import elements_of
from tuivm.domainxml.editing import drop, remove
from tuivm.domainxml.parse import Element, attr, parse_domain, platform_of, text
from tuivm.model.conversion import VIRTIO, Change, Changed, Conversion
from tuivm.model.devices import Device, DeviceKind

KINDS = frozenset({DeviceKind.DISK, DeviceKind.NIC, DeviceKind.VIDEO})

_VIRTIO_NIC = (
    *("name", "txmode", "ioeventfd", "event_idx", "queues", "rx_queue_size", "tx_queue_size"),
    *("rss", "rss_hash_report", "iommu", "ats", "packed", "page_per_vq"),
)
"""Attributes of a NIC's `<driver>` that only virtio has."""
_EXPRESS = ("virtio", "e1000e", "igb", "vmxnet3")
_VIDEO_MEMORY = ("ram", "vram", "vram64", "vgamem", "blob")
_PASSWORD = re.compile(r"""(\bpasswd=)("[^"]*"|'[^']*')""")
_DISK_NAME = re.compile(r"/dev/(?:[hsv]d[a-z]+)")


def convert(xml: str, changes: Sequence[Change]) -> Conversion:
    """The definition with these devices changed. xml: the inactive one, with its secrets.

    Raises ValueError, with the reason, for what is no definition, and where a change is not
    possible: a device that is not there, a bus without a free place.
    """
    domain = parse_domain(xml)
    before = _pretty(domain)
    first = bootorder.first_hard_disk(domain)
    found = [
        (element, device, _change_of(device, changes)) for element, device in elements_of(domain)
    ]
    missing = [c.device.target for c in changes if not any(c is one for _, _, one in found)]
    if missing:
        raise ValueError(f"the definition has no device {', '.join(missing)}")
    work = [(element, device, one.to) for element, device, one in found if one is not None]
    boots = {id(element) for element, _, _ in work if bootorder.boots_from(domain, element)}
    dropped: dict[int, tuple[str, ...]] = {}
    disks = [(element, to) for element, device, to in work if device.kind is DeviceKind.DISK]
    names = {attr(element.find("target"), "dev") for element, _ in disks}
    for element, notes in convertdisks.rebus(domain, disks):
        dropped[id(element)] = notes
    moved: dict[int, bool] = {id(element): True for element, _ in disks}
    for element, device, to in work:
        if device.kind is DeviceKind.NIC:
            moved[id(element)], dropped[id(element)] = _nic(domain, element, device, to)
        elif device.kind is DeviceKind.VIDEO:
            moved[id(element)], dropped[id(element)] = False, _video(element, to)
    rewritten = first is not None and bootorder.keep_first(domain, first)
    after = {id(element): device for element, device in elements_of(domain)}
    changed = tuple(
        Changed(
            device,
            after[id(element)],
            dropped.get(id(element), ()),
            boots=id(element) in boots,
            moved=moved[id(element)],
        )
        for element, device, _ in work
    )
    gone = names - {attr(disk.find("target"), "dev") for disk in domain.iterfind("devices/disk")}
    new = etree.tostring(domain, encoding="unicode")
    return Conversion(
        new,
        xml,
        changed,
        _diff(before, _pretty(domain)),
        rewritten,
        _stale_names(domain, gone),
    )


def convertible(xml: str) -> tuple[Device, ...]:
    """Those devices of a definition whose model may be changed at all.

    Raises ValueError for what is no definition.
    """
    domain = parse_domain(xml)
    platform = platform_of(domain)
    if platform.container or platform.xen_pv or platform.virt_type not in ("kvm", "qemu", "hvf"):
        return ()
    return tuple(device for element, device in elements_of(domain) if _changeable(element, device))


def _changeable(element: Element, device: Device) -> bool:
    if device.kind is DeviceKind.DISK:
        return attr(element, "device") in ("", "disk", "cdrom") and attr(element, "type") not in (
            "vhostuser",
            "vhostvdpa",
        )
    if device.kind is DeviceKind.NIC:
        return attr(element, "type") not in ("hostdev", "vdpa", "vhostuser")
    return device.kind is DeviceKind.VIDEO


def _change_of(device: Device, changes: Iterable[Change]) -> Change | None:
    for change in changes:
        if (device.kind, device.target) == (change.device.kind, change.device.target):
            return change
    return None


def _nic(
    domain: Element, element: Element, device: Device, to: str
) -> tuple[bool, tuple[str, ...]]:
    """Give it another model; (it lost its address, what was dropped)."""
    model = element.find("model")
    if model is None:
        model = etree.SubElement(element, "model")
    model.set("type", to)
    notes: list[str] = []
    driver = element.find("driver")
    if driver is not None and not to.startswith(VIRTIO):
        lost = drop(driver, _VIRTIO_NIC)
        lost += [str(child.tag) for child in (*driver.iterfind("host"), *driver.iterfind("guest"))]
        for child in (*driver.iterfind("host"), *driver.iterfind("guest")):
            driver.remove(child)
        if lost:
            notes.append(f"driver: {', '.join(lost)}")
        if not driver.attrib and not len(driver):
            remove(driver)
    return _free_address(domain, element, device.model, to), tuple(notes)


def _free_address(domain: Element, element: Element, old: str, to: str) -> bool:
    """Let libvirt choose the PCI address anew, unless the new model fits where the old one is.

    On a board with PCI alone every NIC does; on one with PCI Express those that are Express devices
    do. The guest names its NIC after the address.
    """
    address = element.find("address")
    if address is None:
        return True
    machine = attr(domain.find("os/type"), "machine")
    plain_pci = machine.startswith("pc") and "q35" not in machine
    old_express = old.removesuffix("-net") in _EXPRESS
    if attr(address, "type") == "pci" and (plain_pci or (old_express and to in _EXPRESS)):
        return False
    remove(address)
    return True


def _video(element: Element, to: str) -> tuple[str, ...]:
    model = element.find("model")
    if model is None:
        model = etree.SubElement(element, "model")
    lost = drop(model, _VIDEO_MEMORY)
    if to not in (VIRTIO, "qxl") and model.get("heads", "1") != "1":
        lost.append(f"heads={model.get('heads')}")
        model.set("heads", "1")
    acceleration = model.find("acceleration")
    if acceleration is not None and to != VIRTIO:
        lost.append("acceleration")
        remove(acceleration)
    driver = element.find("driver")
    if driver is not None and to != VIRTIO:
        lost.append("driver")
        remove(driver)
    model.set("type", to)
    return (f"video memory settings: {', '.join(lost)}",) if lost else ()


def _stale_names(domain: Element, gone: Iterable[str]) -> tuple[str, ...]:
    """Names of these disks that stand in the kernel's command line."""
    named = _DISK_NAME.findall(text(domain, "os/cmdline"))
    return tuple(sorted({name for name in named if name.removeprefix("/dev/") in set(gone)}))


def _pretty(domain: Element) -> list[str]:
    """An element a line, however the document was laid out: of a copy, so that nothing changes."""
    flat = etree.fromstring(
        etree.tostring(domain), etree.XMLParser(remove_blank_text=True, resolve_entities=False)
    )
    return etree.tostring(flat, encoding="unicode", pretty_print=True).splitlines()


def _diff(before: list[str], after: list[str]) -> tuple[str, ...]:
    lines = difflib.unified_diff(before, after, lineterm="", n=3)
    return tuple(
        _PASSWORD.sub(r'\1"***"', line) for line in lines if line[:3] not in ("---", "+++")
    )
