"""Taking devices of the host's away from a guest: its definition, and the guest that runs."""

from __future__ import annotations

import time

import libvirt

from tuivm.domainxml.parse import Element
from tuivm.domainxml.passing_edit import found, without_devices
from tuivm.hypervisor.devicesurvey import devices
from tuivm.hypervisor.errors import reason_of
from tuivm.hypervisor.guestdefinition import Definition, look, redefine
from tuivm.hypervisor.liveparts import RETURN_SECONDS, ask, text_of, told_back, wait_gone
from tuivm.hypervisor.refusal import RefusalError, not_done
from tuivm.model.hosts import HostSpec
from tuivm.model.offers import HostDevice, HostOffer
from tuivm.model.requests import DetachDevices, Outcome, Step, When
from tuivm.model.spec import Passed
from tuivm.preflight.passing import find_devices

PATIENCE = 60.0
"""Seconds that a guest has to let go: well within `verbs.DEADLINES`."""
_PAUSED = 5.0
"""For one that is paused: only what needs nothing of the guest (USB) goes then."""


def detach(
    conn: libvirt.virConnect, uuid: str, request: DetachDevices, patience: float = PATIENCE
) -> Outcome:
    """Waits until the guest has let go, or says that it does not.

    The definition comes first: it loses them whatever a running guest does."""
    uri = conn.getURI()
    names = ", ".join(one.device for one in request.devices)
    what = f"cannot detach {names} from guest {uuid}"
    steps: list[Step] = []
    try:
        guest = look(conn, uuid)
        what = f"cannot detach {names} from {guest.name}"
        work = _Detaching(conn, guest, request, patience)
        steps = work.steps
        work.run()
    except (RefusalError, libvirt.libvirtError, ValueError) as error:
        return not_done(error, what, uri, steps)
    return Outcome(steps=tuple(steps))


class _Detaching:
    def __init__(
        self, conn: libvirt.virConnect, guest: Definition, request: DetachDevices, patience: float
    ) -> None:
        self.steps: list[Step] = []
        self._conn = conn
        self._guest = guest
        self._request = request
        self._patience = patience

    def run(self) -> None:
        guest, request = self._guest, self._request
        self._check()
        offer = devices(self._conn, HostSpec("the host", self._conn.getURI()))
        kept: list[Passed] = []
        live: list[tuple[Passed, Element]] = []
        for one in request.devices:
            has = guest.persistent and request.when is not When.NOW
            if has and found(guest.xml, one, offer.devices) is not None:
                kept.append(one)
            runs = guest.running and request.when is not When.NEXT_BOOT
            element = found(guest.live_xml, one, offer.devices) if runs else None
            if element is not None:
                live.append((one, element))
            if element is None and one not in kept:
                raise RefusalError(
                    f"{guest.name} has no {one.device}",
                    "it was taken away meanwhile, or is named otherwise there",
                    "look at the guest's devices",
                )
        if kept:
            redefine(self._conn, guest, without_devices(guest.xml, kept, offer.devices))
            names = ", ".join(one.device for one in kept)
            self.steps.append(Step(f"{guest.name} starts without {names} from now on"))
        if live:
            self._unplug(live, offer)

    def _check(self) -> None:
        guest, request = self._guest, self._request
        if not request.devices:
            raise RefusalError("no device was named")
        if request.when is When.NOW and not guest.running:
            raise RefusalError(
                f"{guest.name} is not running", "there is no running guest to change"
            )
        if request.when is When.NEXT_BOOT and not guest.persistent:
            raise RefusalError(
                f"{guest.name} has no definition", "a transient guest is gone when it stops"
            )

    def _unplug(self, live: list[tuple[Passed, Element]], offer: HostOffer) -> None:
        """Asks for all of them before it waits, and waits for the others when one is refused.
        Raises libvirtError for what was refused, RefusalError for what the guest keeps."""
        refused: list[libvirt.libvirtError] = []
        asked: list[tuple[Passed, Element]] = []
        paused = self._guest.domain.state()[0] == libvirt.VIR_DOMAIN_PAUSED
        end = time.monotonic() + (min(_PAUSED, self._patience) if paused else self._patience)
        for one, element in live:
            try:
                ask(self._guest.domain, text_of(element))
            except libvirt.libvirtError as error:
                refused.append(error)
                what = f"take {one.device} from the running guest"
                self.steps.append(Step(what, done=False, reason=reason_of(error)))
            else:
                asked.append((one, element))
        left = wait_gone(self._guest.domain, [one for one, _ in asked], offer, end)
        returned = time.monotonic() + RETURN_SECONDS
        for one, element in asked:
            if one in left:
                continue
            self.steps.append(Step(f"{self._guest.name} has let go of {one.device}"))
            if back := told_back(self._conn, element, _device(one, offer), returned):
                self.steps.append(back)
        if refused:
            raise refused[0]
        if left:
            raise _kept(left, paused=paused)


def _kept(left: list[Passed], *, paused: bool) -> RefusalError:
    names = ", ".join(one.device for one in left)
    if paused:
        return RefusalError(
            f"the guest did not let go of {names}",
            "it is paused, and has been asked: it may let go when it runs again",
            "resume it, and look at its devices again",
        )
    return RefusalError(
        f"the guest did not let go of {names} in time",
        "it has no driver for hot-unplug (it may still be booting), or it still uses the device",
        "end its use in the guest and detach it again, or shut the guest down",
    )


def _device(passed: Passed, offer: HostOffer) -> HostDevice | None:
    matching = find_devices(passed, offer)
    return matching[0] if len(matching) == 1 else None
