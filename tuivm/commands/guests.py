"""Commands on one guest that ask something first: console, change its devices, rename, delete."""

from __future__ import annotations

import asyncio

from tuivm.commands.base import GUEST, Desk, GuestCommand, Place
from tuivm.model.guests import GuestKey
from tuivm.model.requests import Delete, Rename
from tuivm.model.store import GuestView


class RenameOne(GuestCommand):
    """Give the guest another name; libvirt renames only guests that are off."""

    id = "guest.rename"
    label = "rename"
    keys = ("R", "f2")

    def unfit(self, view: GuestView) -> str:
        if not view.guest.persistent:
            return f"{view.guest.name} is transient: it has no definition to rename"
        return f"{view.guest.name} is not off" if view.guest.state.active else ""

    def refusal(self, desk: Desk, place: Place) -> str:
        return _one_only(place) or super().refusal(desk, place)

    async def run(self, desk: Desk, place: Place) -> None:
        view = self.able(desk, place)[0]

        def taken(name: str) -> str:
            others = (other.guest for other in desk.store.guests_of(view.key.host))
            if any(guest.name == name and guest.key != view.key for guest in others):
                return f"{view.key.host} has a guest named {name} already"
            return ""

        from tuivm.screens.dialogs.rename import RenameGuest  # noqa: PLC0415 - when it opens

        name = await desk.ask(RenameGuest(view.guest.name, taken))
        if name is not None and name != view.guest.name:
            await desk.act("renaming", [(view, Rename(name))])


class DeleteOne(GuestCommand):
    """Delete the guest's definition; its volumes stay unless you tick them one by one."""

    id = "guest.delete"
    label = "delete"
    keys = ("X", "delete")

    def refusal(self, desk: Desk, place: Place) -> str:
        return _one_only(place) or super().refusal(desk, place)

    async def run(self, desk: Desk, place: Place) -> None:
        view = self.able(desk, place)[0]
        host = desk.host(view.key.host)
        if host is None:
            return
        desk.say(f"{view.guest.name}: looking up what belongs to it")
        lookup = await asyncio.wrap_future(host.deletion_facts(view.key.uuid))
        if lookup.plan is None:
            problem = lookup.problem
            desk.say(f"{problem.what}: {problem.reason}" if problem else "nothing found", bad=True)
            return
        from tuivm.screens.dialogs.delete_guest import DeleteGuest  # noqa: PLC0415 - when it opens

        order = await desk.ask(DeleteGuest(lookup.plan))
        if order is not None:
            await desk.act("deleting", [(_still(desk, view.key, view), Delete(order))])


class OpenConsole(GuestCommand):
    """Open the guest's serial console on this terminal; Ctrl+] comes back."""

    id = "guest.console"
    label = "console"
    keys = ("c",)
    footer = 22

    def refusal(self, desk: Desk, place: Place) -> str:
        return _one_only(place) or super().refusal(desk, place)

    async def run(self, desk: Desk, place: Place) -> None:
        await desk.open_console(self.able(desk, place)[0])


class ChangeModels(GuestCommand):
    """Change the highlighted disk, NIC or video card to another model, or all emulated ones to
    virtio: with checks, and what changes in the XML.
    """

    id = "guest.models"
    label = "change model"
    keys = ("M",)
    places = frozenset({GUEST})
    footer = 41

    def unfit(self, view: GuestView) -> str:
        if view.guest.persistent:
            return ""
        return f"{view.guest.name} is transient: it has no definition to change"

    async def run(self, desk: Desk, place: Place) -> None:
        from tuivm.converter import Converter, changeable  # noqa: PLC0415 - when it opens

        if refusal := changeable(place):
            desk.say(f"{self.label}: {refusal}", bad=True)
            return
        await Converter(desk).convert(self.able(desk, place)[0], place.target_item())


def _one_only(place: Place) -> str:
    return "one guest at a time: clear the selection" if len(place.target_guests()) > 1 else ""


def _still(desk: Desk, key: GuestKey, known: GuestView) -> GuestView:
    """The guest as it is now; as it was when it has meanwhile gone (the host will say so)."""
    return desk.store.guest(key) or known


GUEST_COMMANDS = (OpenConsole, ChangeModels, RenameOne, DeleteOne)
