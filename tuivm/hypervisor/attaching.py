"""Giving a guest devices of its host's: the definition, and the guest that runs."""

from __future__ import annotations

import secrets
from typing import NamedTuple

import libvirt

from tuivm.domainxml.hostdevxml import hostdev, mdev_model
from tuivm.domainxml.parse import Element
from tuivm.domainxml.passing_edit import needed_controller, with_devices, without_devices
from tuivm.domainxml.target import read_target
from tuivm.hypervisor.devicesurvey import devices
from tuivm.hypervisor.errors import reason_of
from tuivm.hypervisor.guestdefinition import Definition, look, put_back, redefine
from tuivm.hypervisor.liveparts import LiveParts, text_of
from tuivm.hypervisor.refusal import RefusalError, not_done, stopped_by
from tuivm.model.hosts import HostSpec
from tuivm.model.offers import HostDevice, HostOffer
from tuivm.model.requests import AttachDevices, Outcome, Step, When
from tuivm.model.spec import Passed, PassKind
from tuivm.preflight.attaching import check_attach, refusals


def attach(conn: libvirt.virConnect, uuid: str, request: AttachDevices) -> Outcome:
    """All of them or none: what was done is undone when a later one fails, and the steps say so.

    The definition comes first, as it can be put back whole. A guest that is off has no "now"."""
    uri = conn.getURI()
    names = ", ".join(one.device for one in request.devices)
    what = f"cannot attach {names} to guest {uuid}"
    steps: list[Step] = []
    try:
        guest = look(conn, uuid)
        what = f"cannot attach {names} to {guest.name}"
        _Attaching(conn, guest, request, steps).run()
    except (RefusalError, libvirt.libvirtError, ValueError) as error:
        return not_done(error, what, uri, steps)
    return Outcome(steps=tuple(steps))


class _Given(NamedTuple):
    """What was asked for, the device that it means, and the element that gives it."""

    passed: Passed
    device: HostDevice
    element: Element


class _Attaching:
    def __init__(
        self,
        conn: libvirt.virConnect,
        guest: Definition,
        request: AttachDevices,
        steps: list[Step],
    ) -> None:
        self._conn = conn
        self._guest = guest
        self._request = request
        self._steps = steps
        self._asked = tuple(dict.fromkeys(request.devices))
        self._live = guest.running and request.when is not When.NEXT_BOOT
        self._kept = guest.persistent and request.when is not When.NOW

    def run(self) -> None:
        if not self._asked:
            raise RefusalError("no device was named")
        offer = devices(self._conn, HostSpec("the host", self._conn.getURI()))
        given = [
            _Given(
                passed,
                device,
                hostdev(passed, device, mac=_random_mac(), model=mdev_model(device, offer.devices)),
            )
            for passed, device in zip(self._asked, self._checked(offer), strict=True)
        ]
        after = self._define(given) if self._kept else ""
        if not self._live:
            return
        try:
            self._plug(given, offer)
        except libvirt.libvirtError:
            if self._kept:
                self._undefine(after, offer)
            raise

    def _undefine(self, after: str, offer: HostOffer) -> None:
        def without(xml: str) -> str:
            return without_devices(xml, self._asked, offer.devices)

        put_back(self._conn, self._guest, after, without, self._steps)

    def _checked(self, offer: HostOffer) -> tuple[HostDevice, ...]:
        """The device that each of the request's names means. Raises RefusalError for what was not
        accepted: what has changed since the person looked is among it."""
        guest, request = self._guest, self._request
        target = read_target(
            guest.live_xml if guest.running else guest.xml,
            running=guest.running,
            persistent=guest.persistent,
            definition=guest.xml if guest.running and guest.persistent else "",
        )
        # As the dialog does: what its options see to is no finding.
        target = target._replace(
            hidden=target.hidden or request.hide_hypervisor,
            vendor_id=request.vendor_id or target.vendor_id,
        )
        attachment = check_attach(self._asked, offer, target, request.when)
        if stops := refusals(attachment, request.accepted, request.overridden):
            raise stopped_by(stops)
        return attachment.devices

    def _define(self, given: list[_Given]) -> str:
        guest, request = self._guest, self._request
        elements = [one.element for one in given]
        controller = needed_controller(guest.xml, elements)
        if controller is not None:
            elements.insert(0, controller)
        xml = with_devices(
            guest.xml,
            elements,
            hide_hypervisor=request.hide_hypervisor,
            vendor_id=request.vendor_id,
        )
        after = redefine(self._conn, guest, xml)
        hides = request.hide_hypervisor or request.vendor_id
        how = ", and hides what it runs on" if hides else ""
        what = f"{guest.name} has {_names(given)} from its next start on{how}"
        self._steps.append(Step(what, reason=_saved(guest)))
        self._steps += (
            _by_numbers(one.device) for one in given if one.passed.kind is PassKind.USB_PORT
        )
        return after

    def _plug(self, given: list[_Given], offer: HostOffer) -> None:
        parts = LiveParts(self._conn, self._guest, offer, self._steps)
        try:
            controller = needed_controller(self._guest.live_xml, [one.element for one in given])
            if controller is not None:
                parts.attach(text_of(controller), "a SCSI controller")
            parts.free_groups([one.device for one in given])
            for one in given:
                parts.attach(text_of(one.element), one.device.address, one.device)
        except libvirt.libvirtError as error:
            what = f"give {_names(given)} to the running guest"
            self._steps.append(Step(what, done=False, reason=reason_of(error)))
            parts.undo()
            raise


def _names(given: list[_Given]) -> str:
    return ", ".join(one.device.address for one in given)


def _by_numbers(device: HostDevice) -> Step:
    return Step(
        f"libvirt names {device.address} by its numbers: bus {device.bus}, device {device.device}",
        reason="plugged in anew it has another number: the guest then starts without it",
    )


def _saved(guest: Definition) -> str:
    if not guest.saved:
        return ""
    return "its memory is saved: not when it is restored, only once that is discarded"


def _random_mac() -> str:
    """One of QEMU's, the same now and in the definition."""
    return "52:54:00:" + ":".join(f"{byte:02x}" for byte in secrets.token_bytes(3))
