"""The definition of a guest that is a copy of another: all of it, but what only one can have."""

from __future__ import annotations

from collections.abc import Mapping

from lxml import etree

from tuivm.domainxml.build_parts import element, own_mac
from tuivm.domainxml.firstboot import read_mark, settled
from tuivm.domainxml.namespaces import FIRST_BOOT
from tuivm.domainxml.parse import Element, attr, child_attr, parse_domain
from tuivm.domainxml.storage import Layer
from tuivm.model.creation import Placed
from tuivm.model.spec import Spec

_OF_THE_IMAGE = ("encryption", "seclabel")
"""What a disk's source says besides where it is, and what a copy of the image needs too."""
_USER_ALIAS = "ua-"


def source_key(layer: Layer) -> str:
    """The name of an image in the `disks` of `copied`: its path, "pool/volume", or what it is."""
    return layer.path or (f"{layer.pool}/{layer.volume}" if layer.volume else layer.other)


def copied(
    xml: str, spec: Spec, disks: Mapping[str, Placed], *, nvram: Placed | None = None
) -> str:
    """The definition `xml` with the identity that `spec` gives it: name, UUID (libvirt makes one
    where the spec has none), MAC addresses; and title, description, vCPUs and memory where it says
    any.

    disks: what lies in place of each image, by `source_key` of the disk's top one; a disk that is
    not among them stays as it is. nvram: where the copy of the UEFI variables is; without it
    libvirt makes new ones from the template. What the old guest has at run time, or alone on its
    host (fixed ports, sockets, vsock's number), is left to libvirt. Everything else, known or not,
    survives. Raises ValueError for what is no definition, or cannot have the new size.
    """
    domain = parse_domain(xml)
    mark = read_mark(domain)
    if mark is not None:
        # What is there for its first boot alone goes with it, and is not the copy's.
        domain = parse_domain(settled(xml, mark))
    domain.attrib.pop("id", "")
    _identity(domain, spec)
    _size(domain, spec)
    for disk in domain.findall("devices/disk"):
        _disk(disk, disks)
    for number, nic in enumerate(domain.findall("devices/interface")):
        _nic(nic, own_mac(spec.uuid, number))
    _nvram(domain, nvram)
    _run_time(domain)
    return etree.tostring(domain, encoding="unicode")


def _identity(domain: Element, spec: Spec) -> None:
    _say(domain, "name", spec.name)
    if spec.uuid:
        _say(domain, "uuid", spec.uuid)
    else:
        _remove(domain.find("uuid"))
    for tag, value in (("title", spec.title), ("description", spec.description)):
        if value:
            _say(domain, tag, value)
    # A new generation tells the guest that it is another one now; libvirt makes its number.
    generation = domain.find("genid")
    if generation is not None:
        generation.text = None
    for entry in domain.findall("sysinfo/system/entry[@name='uuid']"):
        # It has to be the domain's own.
        if spec.uuid:
            entry.text = spec.uuid
        else:
            _remove(entry)
    for mark in domain.findall(f"metadata/{{{FIRST_BOOT}}}*"):
        _remove(mark)


def _say(domain: Element, tag: str, value: str) -> None:
    found = domain.find(tag)
    if found is None:
        found = element(tag)
        name = domain.find("name")
        found.tail = domain.text if name is None else name.tail
        domain.insert(0 if name is None else domain.index(name) + 1, found)
    found.text = value


def _size(domain: Element, spec: Spec) -> None:
    """Raises ValueError where the old size is also said node by node."""
    if not spec.vcpus and not spec.memory_kib:
        return
    if domain.find("cpu/numa") is not None:
        raise ValueError("the guest has NUMA nodes: its copy cannot have another size")
    if spec.memory_kib:
        for tag, kib in (
            ("memory", max(spec.memory_kib, spec.memory_max_kib)),
            ("currentMemory", spec.memory_kib),
        ):
            _say(domain, tag, str(kib))
            found = domain.find(tag)
            if found is not None:
                found.set("unit", "KiB")
    if spec.vcpus:
        _say(domain, "vcpu", str(spec.vcpus))
        vcpu = domain.find("vcpu")
        if vcpu is not None:
            vcpu.attrib.pop("current", "")
        _remove(domain.find("vcpus"))
        _remove(domain.find("cpu/topology"))
        for pin in domain.findall("cputune/vcpupin"):
            if int(attr(pin, "vcpu") or 0) >= spec.vcpus:
                _remove(pin)


def _disk(disk: Element, disks: Mapping[str, Placed]) -> None:
    source = disk.find("source")
    _remove(disk.find("mirror"))
    if source is None:
        return
    placed = disks.get(source_key(_layer(disk, source)))
    if placed is None:
        source.attrib.pop("index", "")
        return
    _remove(disk.find("backingStore"))
    kept = {name: source.get(name, "") for name in ("startupPolicy",) if name in source.attrib}
    source.attrib.clear()
    for child in source.findall("*"):
        if child.tag not in _OF_THE_IMAGE:
            _remove(child)
    if placed.by_volume:
        kind, where = "volume", {"pool": placed.pool, "volume": placed.volume}
    else:
        kind = "block" if placed.block else "file"
        where = {"dev" if placed.block else "file": placed.path}
    for name, value in {**where, **kept}.items():
        source.set(name, value)
    disk.set("type", kind)
    driver = disk.find("driver")
    if driver is None:
        driver = element("driver", name="qemu")
        driver.tail = disk.text
        disk.insert(0, driver)
    driver.set("type", placed.format or "raw")


def _layer(disk: Element, source: Element) -> Layer:
    path = attr(source, "file") or attr(source, "dev") or attr(source, "dir")
    if attr(disk, "type") == "volume":
        return Layer(pool=attr(source, "pool"), volume=attr(source, "volume"))
    if attr(disk, "type") == "network":
        return Layer(other=f"{attr(source, 'protocol')}:{attr(source, 'name')}")
    return Layer(path=path)


def _nic(nic: Element, mac: str) -> None:
    found = nic.find("mac")
    if not mac:
        _remove(found)
    elif found is None:
        nic.insert(0, element("mac", address=mac))
    else:
        found.set("address", mac)
    # Whose name is the guest's own, the host can have one of; what a NIC of type ethernet is on,
    # somebody else made.
    if attr(nic, "type") != "ethernet":
        _remove(nic.find("target"))
    source = nic.find("source")
    if source is not None and attr(nic, "type") == "network":
        for name in ("bridge", "portid"):
            source.attrib.pop(name, "")


def _nvram(domain: Element, nvram: Placed | None) -> None:
    found = domain.find("os/nvram")
    if found is None:
        return
    if nvram is not None and nvram.path:
        for child in found.findall("*"):
            _remove(child)
        found.attrib.pop("type", "")
        found.text = nvram.path
        return
    if attr(found, "template"):
        # The template has to be told still, as it may be another than the loader's usual one.
        for child in found.findall("*"):
            _remove(child)
        found.attrib.pop("type", "")
        found.text = None
    else:
        _remove(found)


def _run_time(domain: Element) -> None:
    """Takes out what libvirt gave the old guest, or what two cannot have on one host."""
    for alias in domain.findall("devices//alias"):
        if not attr(alias, "name").startswith(_USER_ALIAS):
            _remove(alias)
    for device in domain.findall("devices/*"):
        if device.tag in ("serial", "console", "parallel", "channel"):
            _character(device)
    for display in domain.findall("devices/graphics"):
        _display(display)
    for cid in domain.findall("devices/vsock/cid"):
        cid.set("auto", "yes")
        cid.attrib.pop("address", "")
    gone = ("devices/tpm/backend/source", "seclabel/label", "seclabel/imagelabel")
    for one in (one for path in gone for one in domain.findall(path)):
        parent = one.getparent()
        if one.tag == "source" or attr(parent, "type") == "dynamic":
            _remove(one)


def _display(display: Element) -> None:
    if display.get("port", "-1") != "-1":
        display.set("port", "-1")
        display.set("autoport", "yes")
    for name in ("tlsPort", "websocket"):
        if name in display.attrib:
            display.set(name, "-1")
    for listen in (display, *display.findall("listen")):
        listen.attrib.pop("socket", "")


def _character(device: Element) -> None:
    """libvirt makes a terminal anew at each start, and the socket of a channel of virtio's; where
    any other socket or file is, a person said."""
    device.attrib.pop("tty", "")
    kind = attr(device, "type")
    bound = kind == "unix" and child_attr(device, "source", "mode") != "connect"
    virtio = device.tag == "channel" and child_attr(device, "target", "type") == "virtio"
    if kind == "pty" or (bound and virtio):
        _remove(device.find("source"))


def _remove(gone: Element | None) -> None:
    """Takes an element out, and the white space before it with it."""
    parent = None if gone is None else gone.getparent()
    if gone is None or parent is None:
        return
    before = gone.getprevious()
    if before is not None:
        before.tail = gone.tail
    else:
        parent.text = gone.tail if len(parent) > 1 else None
    parent.remove(gone)
