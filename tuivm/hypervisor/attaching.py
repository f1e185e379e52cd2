"""Giving a guest devices of its host's: the definition, and the guest that runs."""

from __future__ import annotations

import secrets

import libvirt
from lxml import etree

from tuivm.domainxml.hostdevxml import hostdev, mdev_model
from tuivm.domainxml.parse import Element
from tuivm.domainxml.passing_edit import found, needed_controller, with_devices, without_devices
from tuivm.domainxml.target import read_target
from tuivm.hypervisor.devicesurvey import devices
from tuivm.hypervisor.errors import problem_from, reason_of
from tuivm.hypervisor.guestdefinition import Definition, look, put_back, redefine
from tuivm.hypervisor.liveparts import LiveParts
from tuivm.hypervisor.refusal import RefusalError, stopped_by
from tuivm.model.hosts import HostSpec, Problem
from tuivm.model.offers import HostDevice, HostOffer
from tuivm.model.requests import AttachDevices, Outcome, Step, When
from tuivm.model.spec import PassKind
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
    except RefusalError as error:
        return error.outcome(what, steps)
    except libvirt.libvirtError as error:
        return Outcome(problem_from(what, error, uri), tuple(steps))
    except ValueError as error:
        return Outcome(Problem(what, str(error)), tuple(steps))
    return Outcome(steps=tuple(steps))


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
        self._meant: tuple[HostDevice, ...] = ()
        self._live = guest.running and request.when is not When.NEXT_BOOT
        self._kept = guest.persistent and request.when is not When.NOW

    def run(self) -> None:
        guest, request = self._guest, self._request
        if not request.devices:
            raise RefusalError("no device was named")
        offer = devices(self._conn, HostSpec("the host", self._conn.getURI()))
        meant = self._meant = self._checked(offer)
        elements = [
            (
                device,
                hostdev(passed, device, mac=_random_mac(), model=mdev_model(device, offer.devices)),
            )
            for passed, device in zip(self._asked, meant, strict=True)
        ]
        kept = self._missing(guest.xml, elements, offer) if self._kept else []
        live = self._missing(guest.live_xml, elements, offer) if self._live else []
        if not kept and not live:
            raise RefusalError(f"{guest.name} has {_names(meant)} already")
        after = self._define(kept) if kept else ""
        if not live:
            return
        try:
            self._plug(live, offer)
        except libvirt.libvirtError:
            if kept:
                self._undefine(kept, after, offer)
            raise

    def _undefine(
        self, kept: list[tuple[HostDevice, Element]], after: str, offer: HostOffer
    ) -> None:
        given = [
            passed
            for passed, device in zip(self._asked, self._meant, strict=True)
            if any(device is one for one, _ in kept)
        ]

        def without(xml: str) -> str:
            return without_devices(xml, given, offer.devices)

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

    def _missing(
        self, xml: str, elements: list[tuple[HostDevice, Element]], offer: HostOffer
    ) -> list[tuple[HostDevice, Element]]:
        """Those that the definition, or the running guest, has not got yet."""
        asked = zip(self._asked, elements, strict=True)
        return [one for passed, one in asked if found(xml, passed, offer.devices) is None]

    def _define(self, kept: list[tuple[HostDevice, Element]]) -> str:
        guest, request = self._guest, self._request
        elements = [one for _, one in kept]
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
        names = _names(tuple(device for device, _ in kept))
        hidden = request.hide_hypervisor or request.vendor_id
        how = ", and hides what it runs on" if hidden else ""
        self._steps.append(
            Step(f"{guest.name} has {names} from its next start on{how}", reason=_saved(guest))
        )
        for passed, device in zip(self._asked, self._meant, strict=True):
            if passed.kind is PassKind.USB_PORT and any(device is one for one, _ in kept):
                self._steps.append(_by_numbers(device))
        return after

    def _plug(self, live: list[tuple[HostDevice, Element]], offer: HostOffer) -> None:
        parts = LiveParts(self._conn, self._guest, offer, self._steps)
        try:
            controller = needed_controller(self._guest.live_xml, [one for _, one in live])
            if controller is not None:
                parts.attach(_text(controller), "a SCSI controller")
            parts.free_groups([device for device, _ in live])
            for device, one in live:
                parts.attach(_text(one), device.address, device)
        except libvirt.libvirtError as error:
            what = f"give {_names(tuple(one for one, _ in live))} to the running guest"
            self._steps.append(Step(what, done=False, reason=reason_of(error)))
            parts.undo()
            raise


def _names(meant: tuple[HostDevice, ...]) -> str:
    return ", ".join(device.address for device in meant)


def _by_numbers(device: HostDevice) -> Step:
    return Step(
        f"libvirt names {device.address} by its numbers: bus {device.bus}, device {device.device}",
        reason="plugged in anew it has another number: the guest then starts without it",
    )


def _saved(guest: Definition) -> str:
    if not guest.saved:
        return ""
    return "its memory is saved: not when it is restored, only once that is discarded"


def _text(one: Element) -> str:
    return etree.tostring(one, encoding="unicode")


def _random_mac() -> str:
    """One of QEMU's, the same now and in the definition."""
    return "52:54:00:" + ":".join(f"{byte:02x}" for byte in secrets.token_bytes(3))
