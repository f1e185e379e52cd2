"""Changes to a definition that give a guest devices of its host's, or take them away; all else
stays as it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lxml import etree

from tuivm.domainxml.build_parts import element
from tuivm.domainxml.editing import insert_after, remove
from tuivm.domainxml.hostdevxml import passing_elements
from tuivm.domainxml.parse import Element, parse_domain
from tuivm.model.offers import HostDevice
from tuivm.model.spec import Passed, PassKind

_FAMILY = {PassKind.VF: PassKind.PCI}
"""A VF is a PCI device, however it is given."""


def same(asked: Passed, has: Passed) -> bool:
    """Do these two name one device? Two USB devices that are alike are told apart by libvirt's
    names for them, where both are known."""
    if asked.nodedev and has.nodedev:
        return asked.nodedev == has.nodedev
    families = (_FAMILY.get(one.kind, one.kind) for one in (asked, has))
    return len(set(families)) == 1 and asked.device.lower() == has.device.lower()


def found(xml: str, asked: Passed, devices: Iterable[HostDevice]) -> Element | None:
    """The element by which a definition takes this device; None where it does not.

    Raises ValueError for what is no `<domain>`."""
    known = tuple(devices)
    meant = _known(asked, known)
    for one, has in passing_elements(parse_domain(xml), known):
        if same(meant, has):
            return one
    return None


def needed_controller(xml: str, elements: Sequence[Element]) -> Element | None:
    """What these devices need to hang on that the guest lacks: a SCSI controller, for which libvirt
    would take the oldest model that there is."""
    scsi = any(one.get("type") == "scsi" for one in elements)
    if not scsi or parse_domain(xml).find("devices/controller[@type='scsi']") is not None:
        return None
    return element("controller", type="scsi", index=0, model="virtio-scsi")


def with_devices(
    xml: str, elements: Sequence[Element], *, hide_hypervisor: bool = False, vendor_id: str = ""
) -> str:
    """The definition with these devices, and with what drivers of GPUs may want: KVM does not show
    itself, and Hyper-V's vendor id is another one."""
    root = parse_domain(xml)
    devices = _child(root, "devices")
    for one in elements:
        _append(devices, etree.fromstring(etree.tostring(one)))
    if hide_hypervisor:
        _child(_child(_child(root, "features"), "kvm"), "hidden").set("state", "on")
    if vendor_id:
        vendor = _child(_child(_child(root, "features"), "hyperv"), "vendor_id")
        vendor.set("state", "on")
        vendor.set("value", vendor_id)
    return etree.tostring(root, encoding="unicode")


def without_devices(xml: str, asked: Sequence[Passed], devices: Iterable[HostDevice]) -> str:
    """The definition without the devices that these name."""
    root = parse_domain(xml)
    known = tuple(devices)
    meant = [_known(one, known) for one in asked]
    for one, has in list(passing_elements(root, known)):
        if any(same(wanted, has) for wanted in meant):
            remove(one)
    return etree.tostring(root, encoding="unicode")


def _known(passed: Passed, devices: Iterable[HostDevice]) -> Passed:
    """With libvirt's name, where the address alone leads to it."""
    if passed.nodedev or passed.kind is PassKind.USB:
        return passed
    found = (one.nodedev for one in devices if one.address.lower() == passed.device.lower())
    return passed._replace(nodedev=next(found, ""))


def _child(parent: Element, tag: str) -> Element:
    there = parent.find(tag)
    if there is None:
        there = element(tag)
        _append(parent, there)
    return there


def _append(parent: Element, new: Element) -> None:
    if len(parent):
        insert_after(parent[-1], new)
    else:
        parent.append(new)
