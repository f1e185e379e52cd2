"""Devices plugged into a guest that runs, and taken out of it."""

from __future__ import annotations

import time

import libvirt
from lxml import etree

from tuivm.domainxml.parse import Element, attr
from tuivm.domainxml.passing_edit import found
from tuivm.hypervisor.errors import reason_of
from tuivm.hypervisor.guestdefinition import Definition
from tuivm.hypervisor.hostactions_devices import VFIO, driver_of, driver_that_came
from tuivm.model.offers import HostDevice, HostOffer
from tuivm.model.requests import Step
from tuivm.model.spec import Passed, PassKind

_KINDS = {
    "pci": PassKind.PCI,
    "usb": PassKind.USB_PORT,
    "mdev": PassKind.MDEV,
    "scsi": PassKind.SCSI,
}
_LIVE = libvirt.VIR_DOMAIN_AFFECT_LIVE
_LOOK = 0.25
_UNDO_SECONDS = 20.0
"""A guest lets go of what it has hardly seen at once, or never."""
RETURN_SECONDS = 10.0
"""Until the host's driver has a device again: libvirt gives it back in its own time."""
_ASKED_ALREADY = "already in the process of unplug"


class LiveParts:
    """What was plugged in, so that it can be taken out again."""

    def __init__(
        self, conn: libvirt.virConnect, guest: Definition, offer: HostOffer, steps: list[Step]
    ) -> None:
        self._conn = conn
        self._guest = guest
        self._offer = offer
        self._steps = steps
        self._plugged: list[tuple[str, str, HostDevice | None]] = []
        self._freed: list[HostDevice] = []

    def free_groups(self, devices: list[HostDevice]) -> None:
        """Take the members of one IOMMU group from the host's drivers before the first of them is
        plugged in: VFIO opens a group only as a whole, and libvirt frees one device at a time."""
        for one in devices:
            others = [
                other
                for other in devices
                if other is not one
                and other.kind == "pci"
                and other.iommu_group is not None
                and other.iommu_group == one.iommu_group
            ]
            if one.kind == "pci" and others and one.driver not in ("", VFIO):
                self._conn.nodeDeviceLookupByName(one.nodedev).detachFlags(None)
                self._freed.append(one)
                what = f"took {one.address} from {one.driver}, as its IOMMU group goes at once"
                reason = f"it stays with {VFIO} when the guest has let go, until it is returned"
                self._steps.append(Step(what, reason=reason))

    def attach(self, xml: str, name: str, device: HostDevice | None = None) -> None:
        self._guest.domain.attachDeviceFlags(xml, _LIVE)
        self._plugged.append((xml, name, device))
        self._steps.append(Step(f"{self._guest.name} has {name} now"))

    def undo(self) -> None:
        """Newest first; what the guest does not let go of is told."""
        for xml, name, device in reversed(self._plugged):
            what = f"take {name} out of {self._guest.name} again"
            try:
                ask(self._guest.domain, xml)
                gone = device is None or self._gone(device)
                reason = "" if gone else "the guest does not let go of it"
            except libvirt.libvirtError as error:
                reason = reason_of(error)
            self._steps.append(Step(what, done=not reason, reason=reason))
        for device in self._freed:
            what = f"give {device.address} back to {device.driver}"
            try:
                self._conn.nodeDeviceLookupByName(device.nodedev).reAttach()
            except libvirt.libvirtError as error:
                self._steps.append(Step(what, done=False, reason=reason_of(error)))
            else:
                self._steps.append(Step(what))

    def _gone(self, device: HostDevice) -> bool:
        asked = Passed(_KINDS.get(device.kind, PassKind.PCI), device.address, device.nodedev)
        end = time.monotonic() + _UNDO_SECONDS
        return wait_gone(self._guest.domain, [asked], self._offer, end) == []


def ask(domain: libvirt.virDomain, xml: str) -> None:
    """Ask the guest to let go of a device; it may have been asked before."""
    try:
        domain.detachDeviceFlags(xml, _LIVE)
    except libvirt.libvirtError as error:
        if _ASKED_ALREADY not in reason_of(error):
            raise


def wait_gone(
    domain: libvirt.virDomain, asked: list[Passed], offer: HostOffer, end: float
) -> list[Passed]:
    """Those that the guest still has at `end` (monotonic time). One that has stopped has none."""
    while left := [one for one in asked if _has(domain, one, offer)]:
        if time.monotonic() > end:
            return left
        time.sleep(_LOOK)
    return []


def _has(domain: libvirt.virDomain, asked: Passed, offer: HostOffer) -> bool:
    try:
        return found(domain.XMLDesc(), asked, offer.devices) is not None and bool(domain.isActive())
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return False
        raise


def told_back(
    conn: libvirt.virConnect, element: Element, device: HostDevice | None, end: float
) -> Step | None:
    """What has become on the host, by `end` (monotonic time), of a device that a guest has let go
    of; None where the host's driver has no part in it."""
    if device is None or device.kind != "pci":
        return None
    if attr(element, "managed") != "yes":
        reason = "it is not managed: return it to the host by hand"
        driver = driver_of(conn, device.nodedev)
        return Step(f"{device.address} stays with {driver or 'no driver'}", reason=reason)
    driver = driver_that_came(conn, device.nodedev, end - time.monotonic())
    if driver:
        return Step(f"{device.address} is back with the host: {driver} has it")
    if driver_of(conn, device.nodedev) == VFIO:
        # libvirt leaves a device where it was when the guest got it.
        reason = "it was taken from the host's driver before the guest got it"
        return Step(f"{device.address} stays with {VFIO} until it is returned", reason=reason)
    return Step(f"{device.address} is free", reason="no driver of the host's has taken it")


def text_of(element: Element) -> str:
    return etree.tostring(element, encoding="unicode", with_tail=False)
