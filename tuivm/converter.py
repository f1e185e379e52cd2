"""Changing the model of a guest's devices: reads its definition, asks, checks, and applies it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

from tuivm.background import off_the_loop
from tuivm.commands.base import Desk, Place
from tuivm.domainxml.convert import KINDS, convert
from tuivm.model.conversion import Change, Convertible, Definition
from tuivm.model.devices import Device, DeviceKind
from tuivm.model.guests import Guest, GuestStack
from tuivm.model.hosts import Problem
from tuivm.model.oses import GENERIC, OsInfo
from tuivm.model.ports import HostPort
from tuivm.model.requests import Redefine
from tuivm.model.store import GuestView
from tuivm.osinfo import Catalog
from tuivm.preflight.converting import check
from tuivm.preflight.converting_options import convertibles, suggested
from tuivm.screens.dialogs.change_models import ChooseModels, ReviewModels


class Converter:
    """One change, from the device list to the definition."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._os = GENERIC

    async def convert(self, view: GuestView, item: object) -> None:
        """item: what is highlighted of the guest."""
        host = self._desk.host(view.key.host)
        if host is None:
            return
        answer = await asyncio.wrap_future(host.definition(view.key.uuid))
        if answer.definition is None:
            self._refused(view, answer.problem)
            return
        try:
            found = convertibles(answer.definition)
        except ValueError as error:
            self._desk.say(f"{view.guest.name}: cannot read its definition: {error}", bad=True)
            return
        if found:
            self._os = await off_the_loop(partial(_look_up, view.guest))
            await self._ask(host, view, answer.definition, found, item)
        else:
            self._desk.say(f"{view.guest.name} has no device whose model can be changed", bad=True)

    async def _ask(
        self,
        host: HostPort,
        view: GuestView,
        definition: Definition,
        found: Sequence[Convertible],
        item: object,
    ) -> None:
        at = find(item, view.guest.details.devices if view.guest.details else (), found)
        chosen: Mapping[Device, str] = _suggestions(found if at is None else [at])
        cursor = at.device if at else next(iter(chosen), None)
        while True:
            dialog = ChooseModels(view.guest.name, found, chosen, cursor)
            changes = await self._desk.ask(dialog)
            if changes is None:
                return
            chosen = {change.device: change.to for change in changes}
            if await self._review(view, definition, changes) is not None:
                break
        conversion = convert(definition.xml, changes)
        outcome = await asyncio.wrap_future(
            host.act(view.key.uuid, Redefine(conversion.xml, conversion.was))
        )
        if outcome.problem is not None:
            self._refused(view, outcome.problem)
            return
        now = self._desk.store.guest(view.key)
        active = now is not None and now.guest.state.active
        when = "; takes effect at the next boot (shut it down and start it)" if active else ""
        what = ", ".join(f"{one.before.model} is {one.after.model}" for one in conversion.changed)
        self._desk.say(f"{view.guest.name}: {what}{when}")

    async def _review(
        self, view: GuestView, definition: Definition, changes: Sequence[Change]
    ) -> bool | None:
        try:
            conversion = convert(definition.xml, changes)
        except ValueError as error:
            self._desk.say(f"{view.guest.name}: {error}", bad=True)
            return None
        guest = (self._desk.store.guest(view.key) or view).guest
        findings = check(conversion, guest, definition, self._os)
        active = guest.state.active
        return await self._desk.ask(ReviewModels(guest.name, conversion, findings, active=active))

    def _refused(self, view: GuestView, problem: Problem | None) -> None:
        if problem is not None:
            words = [f"{problem.what}: {problem.reason}", problem.cause, problem.remedy]
            text = "\n".join(line for line in words if line)
            self._desk.say(f"{view.guest.name}: {text}", bad=True)


def changeable(place: Place) -> str:
    """Why what is highlighted cannot be changed, "" if it may be, or if it is no device."""
    item = place.target_item()
    if isinstance(item, Device) and item.kind not in KINDS:
        return f"a {item.kind.value} has no other model to be: disks, NICs and video have"
    return ""


def find(
    item: object, devices: Sequence[Device], found: Sequence[Convertible]
) -> Convertible | None:
    """A device of the running guest in its inactive definition: a disk by its name, a NIC by its
    MAC, others by their place."""
    if not isinstance(item, Device) or item.kind not in KINDS:
        return None
    same = [one for one in found if one.device.kind is item.kind]
    if item.kind is DeviceKind.DISK:
        return next((one for one in same if one.device.target == item.target), None)
    if item.kind is DeviceKind.NIC:
        return next((one for one in same if item.mac and one.device.mac == item.mac), None)
    places = [device for device in devices if device.kind is item.kind]
    place = places.index(item) if item in places else len(same)
    return same[place] if place < len(same) else None


def _look_up(guest: Guest) -> OsInfo:
    """What osinfo-db knows of the OS that its definition names. Reads files."""
    stack = guest.details.stack if guest.details else GuestStack()
    if not stack.os_id:
        return GENERIC
    return Catalog(arch=stack.arch or "x86_64").by_id(stack.os_id) or GENERIC


def _suggestions(found: Sequence[Convertible]) -> dict[Device, str]:
    return {one.device: option.to for one in found if (option := suggested(one)) is not None}
