"""The definition of a new guest, from a complete spec and what the host offers."""

from __future__ import annotations

from collections.abc import Sequence

from lxml import etree

from tuivm.domainxml import (
    build_cpu,
    build_disks,
    build_graphics,
    build_machine,
    build_nics,
    build_passed,
)
from tuivm.domainxml.build_parts import Making, PlacedDisk, element
from tuivm.domainxml.parse import Element
from tuivm.model.creation import Placed
from tuivm.model.offers import DomainCaps, HostOffer
from tuivm.model.oses import OsInfo
from tuivm.model.spec import Spec

LIBOSINFO = "http://libosinfo.org/xmlns/libvirt/domain/1.0"
_BALLOON_PERIOD_S = 5


def build(  # noqa: PLR0917 - the order is that of a plan: what, where, which files
    spec: Spec,
    offer: HostOffer,
    caps: DomainCaps,
    os: OsInfo,
    disks: Sequence[PlacedDisk],
    kernel: Placed | None,
    initrd: Placed | None,
    *,
    first: bool,
) -> str:
    """Domain XML that says what the complete `spec` says, indented, with libvirt's order.

    first: the variant for the first start, with an installer's kernel or cloud-init's seed; where
    there is neither, it is most often the same text. A source that is a copy is none of this
    function's (`copying.copied`). Raises ValueError, with the reason, for what cannot be said: a
    device or kernel that the host does not have, text that XML cannot hold.
    """
    making = Making(spec, offer, caps, os, disks, kernel, initrd, first)
    root = element(
        "domain",
        element("name", spec.name),
        element("uuid", spec.uuid) if spec.uuid else None,
        element("title", spec.title) if spec.title else None,
        element("description", spec.description) if spec.description else None,
        _metadata(os),
        *build_cpu.sizes(making),
        build_machine.os_element(making),
        build_machine.features(making),
        build_cpu.cpu(making),
        build_machine.clock(making),
        *build_machine.events(making),
        build_machine.pm(making),
        _devices(making),
        type=making.virt_type,
    )
    etree.indent(root)
    return etree.tostring(root, encoding="unicode") + "\n"


def _metadata(os: OsInfo) -> Element | None:
    """What OS it is, as virt-install and virt-manager note it."""
    if not os.known:
        return None
    note: Element = etree.Element(f"{{{LIBOSINFO}}}libosinfo", nsmap={"libosinfo": LIBOSINFO})
    etree.SubElement(note, f"{{{LIBOSINFO}}}os", id=os.id)
    return element("metadata", note)


def _devices(making: Making) -> Element:
    emulator = making.caps.emulator
    devices = [
        *build_disks.disks(making),
        *build_machine.usb_controllers(making),
        *build_disks.controllers(making),
        *build_nics.nics(making),
        *build_graphics.consoles(making),
        *build_graphics.channels(making),
        build_machine.tpm(making),
        *build_graphics.graphics(making),
        *build_passed.passed(making),
        *_memory_and_entropy(making),
        build_passed.viommu(making),
    ]
    present = [one for one in devices if one is not None]
    return element(
        "devices",
        element("emulator", emulator) if emulator else None,
        *build_machine.pcie_controllers(making, present),
        *present,
    )


def _memory_and_entropy(making: Making) -> list[Element]:
    """A balloon that reports what the guest does with its memory, and random numbers."""
    if not making.qemu:
        return []
    if not making.virtio:
        return [element("memballoon", model="none")]
    period = element("stats", period=_BALLOON_PERIOD_S)
    made = [element("memballoon", period, model="virtio")]
    if not making.caps.rng_models or "virtio" in making.caps.rng_models:
        source = element("backend", "/dev/urandom", model="random")
        made.append(element("rng", source, model="virtio"))
    return made
