"""What a person does with a host's devices: asks what has to be asked, and has it carried out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from tuivm.devicedesk import said_if_slow
from tuivm.devicescene import DeviceScene
from tuivm.domainxml.hostdevxml import passing_elements
from tuivm.domainxml.parse import alias, device_address, parse_domain
from tuivm.model.createports import Offered
from tuivm.model.devices import Device
from tuivm.model.devicewords import device_name
from tuivm.model.guests import GuestKey
from tuivm.model.offers import HostDevice, HostOffer
from tuivm.model.requests import Outcome, Request
from tuivm.model.spec import Passed
from tuivm.model.store import GuestView
from tuivm.preflight.passing import VerdictKind, verdicts
from tuivm.screens.create.devicetree import short_address
from tuivm.screens.devicewords import as_passed
from tuivm.screens.dialogs.attach import AttachDevice
from tuivm.screens.dialogs.choose import Choice
from tuivm.screens.dialogs.detach import DetachDevice
from tuivm.screens.dialogs.find import Choices, FindOne
from tuivm.screens.hostpages.devicelines import look_of

if TYPE_CHECKING:
    from tuivm.commands.base import Desk

_RANK = list(VerdictKind)
_KINDS = ("pci", "usb", "mdev", "scsi")
"""Those that a guest can be given."""


async def attach_to_some_guest(desk: Desk, devices: Sequence[HostDevice], offer: HostOffer) -> None:
    """From place 3: which guest, then how."""
    title = f"Attach {', '.join(short_address(one) for one in devices)} to which guest"
    chosen = ""
    while True:
        uuid = await desk.ask(FindOne(title, partial(guest_choices, desk, offer.host), chosen))
        view = desk.store.guest(GuestKey(offer.host, uuid)) if uuid else None
        if view is None:
            return
        chosen = view.key.uuid
        if await _attach(desk, view, devices, offer):
            return


async def attach_some_device(desk: Desk, view: GuestView) -> None:
    """From a guest's screen: which of the host's devices, then how."""
    key = view.key
    chosen, asked = "", _Asked(desk, key.host)
    while True:
        title = f"Attach which device of {key.host} to {view.guest.name}"
        address = await desk.ask(FindOne(title, asked.choices, chosen))
        offer = asked.offer
        now = desk.store.guest(key)
        if not address or offer is None or now is None:
            return
        chosen = address
        device = next((one for one in offer.devices if _id(one) == address), None)
        if device is not None and await _attach(desk, now, [device], offer):
            return


async def _attach(
    desk: Desk, view: GuestView, devices: Sequence[HostDevice], offer: HostOffer
) -> bool:
    """True when it was asked of the host, False when the person went back."""
    scene = DeviceScene(desk, offer.host, view.key)
    request = await desk.ask(AttachDevice(scene, devices, offer))
    if request is None:
        return False
    what = ", ".join(one.device for one in request.devices)
    await _act(desk, view, "attaching", request, f"attached {what}, {request.when.value}")
    return True


async def detach_from_its_guest(desk: Desk, device: HostDevice, offer: HostOffer) -> None:
    """From place 3."""
    holders = users_of(device, offer)
    uuid = holders[0][1]
    if len(holders) > 1:
        title = f"Detach {device.address} from which guest"
        choices = Choices(tuple(Choice(uuid, name) for name, uuid in holders))
        uuid = await desk.ask(FindOne(title, lambda _ascii_only: choices)) or ""
    view = desk.store.guest(GuestKey(offer.host, uuid)) if uuid else None
    if view is None:
        return
    await _detach(desk, view, as_passed(device, offer.devices), device)


async def detach_part(desk: Desk, view: GuestView, item: Device) -> None:
    """From a guest's screen: the device that is highlighted there."""
    port = desk.host(view.key.host)
    if port is None:
        return
    asked = asyncio.wrap_future(port.domain_xml(view.key.uuid))
    answer = await said_if_slow(desk, asked, f"{view.guest.name}: reading its definition")
    if not answer.text:
        problem = answer.problem
        desk.say(f"{problem.what}: {problem.reason}" if problem else "nothing found", bad=True)
        return
    try:
        passed = passed_of_part(answer.text, item, ())
        if passed is not None and "/" in passed.device:
            # Of USB, a bus and a number: what is there, the host alone knows.
            listed = asyncio.wrap_future(port.devices().devices())
            words = f"{view.key.host}: asking for its devices"
            offered = await said_if_slow(desk, listed, words)
            devices = offered.offer.devices if offered.offer else ()
            passed = passed_of_part(answer.text, item, devices)
    except ValueError as error:
        desk.say(f"{view.guest.name}: cannot read its definition: {error}", bad=True)
        return
    if passed is None:
        desk.say(f"{view.guest.name} has {item.source or item.model} no longer", bad=True)
        return
    await _detach(desk, view, passed)


async def _detach(
    desk: Desk, view: GuestView, passed: Passed, device: HostDevice | None = None
) -> None:
    scene = DeviceScene(desk, view.key.host, view.key)
    request = await desk.ask(DetachDevice(scene, passed, device))
    if request is not None:
        await _act(desk, view, "detaching", request, f"detached {passed.device}")


async def _act(desk: Desk, view: GuestView, label: str, request: Request, done: str) -> None:
    # As it is now: the host says so where it has gone meanwhile.
    now = desk.store.guest(view.key) or view
    # In place 3 no row of the guest's shows it.
    asked = desk.act(label, [(now, request)])
    for outcome in await said_if_slow(desk, asked, f"{now.guest.name}: {label}"):
        if outcome.ok:
            # The steps name the guest themselves.
            desk.say(_told(outcome) or f"{now.guest.name}: {done}")


def _told(outcome: Outcome) -> str:
    return "; ".join(
        step.what + (f" ({step.reason})" if step.reason else "") for step in outcome.steps
    )


# what there is to choose from


class _Asked:
    """The devices of a host, asked for when the list opens: `choices` is looked at meanwhile."""

    def __init__(self, desk: Desk, host: str) -> None:
        self._host = host
        port = desk.host(host)
        self._future = port.devices().devices() if port else None
        self._made: tuple[HostOffer, Choices] | None = None

    @property
    def _answer(self) -> Offered | None:
        return self._future.result() if self._future and self._future.done() else None

    @property
    def offer(self) -> HostOffer | None:
        return self._answer.offer if self._answer else None

    def choices(self, ascii_only: bool) -> Choices:
        answer = self._answer
        if answer is None:
            return Choices(about=f"asking {self._host} for its devices")
        offer, problem = answer.offer, answer.problem
        if offer is None:
            return Choices(about=f"{problem.what}: {problem.reason}" if problem else "no answer")
        if self._made is None or self._made[0] is not offer:
            self._made = (offer, device_choices(offer, ascii_only=ascii_only))
        return self._made[1]


def guest_choices(desk: Desk, host: str, ascii_only: bool) -> Choices:
    """Those of a host, running ones first."""
    views = list(desk.store.guests_of(host)) if host in desk.store.host_names else []
    views.sort(key=lambda view: (not view.guest.state.active, view.guest.name))
    about = "" if views else f"{host} has no guest"
    made = []
    for view in views:
        guest = view.guest
        state = f"{guest.state_glyph(ascii=ascii_only)} {guest.state_word}"
        made.append(Choice(view.key.uuid, guest.label, state))
    return Choices(tuple(made), about)


def device_choices(offer: HostOffer, *, ascii_only: bool) -> Choices:
    """What a guest can be given, free ones first; what cannot be given says why."""
    made: list[tuple[int, Choice]] = []
    said_of = verdicts(offer)
    for device in offer.devices:
        if device.kind not in _KINDS:
            continue
        said = said_of[device.kind, device.address]
        refusal = said.words if said.kind is VerdictKind.IMPOSSIBLE else ""
        seen = look_of(said, ascii_only=ascii_only)
        # One row for each that can be chosen: the dialog that follows has the words.
        verdict = f"{seen.glyph} {seen.word:<11}" if not refusal else f"{seen.glyph} "
        label = f"{verdict}{device.kind:<5}{short_address(device):<9} {device_name(device)}"
        choice = Choice(_id(device), label, refusal=refusal)
        made.append((_RANK.index(said.kind), choice))
    made.sort(key=lambda one: one[0])
    about = "" if made else f"{offer.host} tells of no devices that a guest could be given"
    return Choices(tuple(choice for _, choice in made), about)


def _id(device: HostDevice) -> str:
    return f"{device.kind} {device.address} {device.ids}"


def users_of(device: HostDevice, offer: HostOffer) -> list[tuple[str, str]]:
    """(name, UUID) of the guests whose definition, live or not, has the device."""
    return [
        (name, uuid)
        for name, uuid, _active in offer.guests
        if {f"guest {name}", f"guest {name} (off)"} & set(device.used_by)
    ]


def passed_of_part(xml: str, item: Device, devices: Sequence[HostDevice]) -> Passed | None:
    """Of a device of a guest's, what it takes of the host; None for one that is not there.

    Raises ValueError for what is no definition."""
    found = list(passing_elements(parse_domain(xml), devices))
    for of in (alias, device_address):
        for one, passed in found:
            if (name := of(one)) and name in (item.target, item.address):
                return passed
    sources = [passed for _, passed in found if item.source and passed.device == item.source]
    return sources[0] if len(sources) == 1 else None
