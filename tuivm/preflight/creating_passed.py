"""The checks of the devices that a guest is passed from its host."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tuivm.domainxml.target import read_target
from tuivm.model.creation import CreationPlan
from tuivm.model.findings import Finding, Severity
from tuivm.model.offers import DomainCaps, HostDevice, HostOffer
from tuivm.model.requests import When
from tuivm.model.spec import Passed, PassKind
from tuivm.preflight.asking import error, shown, warning
from tuivm.preflight.attaching_guest import FOR_ANY, guest_findings
from tuivm.preflight.iommu import iommu_findings
from tuivm.preflight.passing import find_devices, named_so, verdict

_FORMS = {
    PassKind.PCI: (r"[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]", "such as 0000:01:00.0"),
    PassKind.VF: (r"[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]", "such as 0000:01:10.0"),
    PassKind.USB: (r"[0-9a-f]{4}:[0-9a-f]{4}", "vendor and product, such as 046d:c52b"),
    PassKind.USB_PORT: (r"\d+-\d+(\.\d+)*", "bus and port, such as 1-1.4"),
    PassKind.SCSI: (r"\d+:\d+:\d+:\d+", "host, bus, target and unit, such as 2:0:0:0"),
    PassKind.MDEV: (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "a UUID"),
}
_SUBSYSTEMS = {
    PassKind.PCI: "pci",
    PassKind.VF: "pci",
    # libvirt does not list mdev, which goes by VFIO as PCI devices do.
    PassKind.MDEV: "pci",
    PassKind.SCSI: "scsi",
    PassKind.USB: "usb",
    PassKind.USB_PORT: "usb",
}
_KNOWN_FROM_THE_START = frozenset({"attach-migration", "attach-memory"})
"""A guest that is there already loses something; a new one never had it."""


def check_passed(plan: CreationPlan, offer: HostOffer, caps: DomainCaps) -> Iterator[Finding]:
    spec = plan.spec
    seen: dict[str, int] = {}
    for number, passed in enumerate(spec.passed):
        field = f"passthrough.{number}"
        form, example = _FORMS[passed.kind]
        if not re.fullmatch(form, passed.device, re.IGNORECASE):
            yield error(
                "pass-form",
                f"{field}.device",
                f"{shown(passed.device) or 'nothing'} names no {passed.kind.value} device",
                remedy=example,
            )
            continue
        found = find_devices(passed, offer)
        # By what it is on the host: the same USB device can be named in two ways.
        key = (
            found[0].nodedev if len(found) == 1 else f"{passed.kind.value} {passed.device.lower()}"
        )
        if seen.setdefault(key, number) != number:
            yield error(
                "pass-twice",
                field,
                f"{shown(passed.device)} is passed through twice",
                remedy="leave one out",
            )
        subsystem = _SUBSYSTEMS[passed.kind]
        if caps.hostdev_types and subsystem not in caps.hostdev_types:
            yield error(
                "pass-offered",
                field,
                f"the host does not pass {subsystem} devices through",
                "no VFIO there: the IOMMU is off or missing"
                if subsystem == "pci"
                else "its QEMU does not offer it",
                _iommu(offer) if subsystem == "pci" else "",
            )
        yield from _device(field, passed, plan, offer)


def _iommu(offer: HostOffer) -> str:
    found = iommu_findings(offer.iommu, local=offer.local)
    return found[0].remedy if found else "on the host: modprobe vfio-pci"


def _device(field: str, passed: Passed, plan: CreationPlan, offer: HostOffer) -> Iterator[Finding]:
    found = find_devices(passed, offer)
    if not found:
        # A USB device by vendor and product may be plugged in later: the guest starts without it.
        later = passed.kind is PassKind.USB or not offer.devices
        yield (warning if later else error)(
            "pass-gone",
            f"{field}.device",
            f"{shown(offer.host)} has no device {shown(passed.device)}"
            if offer.devices
            else f"the devices of {shown(offer.host)} are not known",
            "it is not plugged in, or a VF or mdev was not made",
            "look at the host's devices",
        )
        return
    if len(found) > 1:
        ports = ", ".join(device.address for device in found)
        yield error(
            "usb-alike",
            f"{field}.device",
            f"{len(found)} devices are {shown(passed.device)}",
            f"libvirt refuses to choose; they are at the ports {shown(ports)}",
            "name the one that is meant by its port",
        )
        return
    device = found[0]
    for finding in named_so(passed, device, offer):
        yield finding._replace(field=field if finding.id == "usb-session" else f"{field}.device")
    said = verdict(device, offer, plan.spec)
    typed = said.override and passed.override.lower() == device.address.lower()
    for finding in said.findings:
        # Whoever typed the address is warned all the same.
        over = typed and finding.severity is Severity.ERROR
        severity = Severity.WARNING if over else finding.severity
        if finding.id not in FOR_ANY:
            yield finding._replace(field=field, severity=severity)


def check_target(plan: CreationPlan, offer: HostOffer) -> Iterator[Finding]:
    """What its devices mean for the guest that plan.xml defines."""
    fields: dict[HostDevice, str] = {}
    for number, passed in enumerate(plan.spec.passed):
        found = find_devices(passed, offer)
        if len(found) == 1:
            fields.setdefault(found[0], f"passthrough.{number}")
    if not fields:
        return
    # What the definition has are the very devices that are asked about.
    target = read_target(plan.xml, running=False)._replace(vfio=0, named=(), defined=())
    by_address = {device.address: field for device, field in fields.items()}
    for finding in guest_findings(tuple(fields), offer, target, When.NEXT_BOOT):
        field = by_address.get(finding.field, "passthrough.0")
        severity = Severity.NOTE if finding.id in _KNOWN_FROM_THE_START else finding.severity
        yield finding._replace(field=field, severity=severity)
