"""Commands that change the state of guests."""

from __future__ import annotations

from collections.abc import Sequence

from tuivm.commands.base import Desk, GuestCommand, Place
from tuivm.model.activities import SHUTDOWN_PATIENCE
from tuivm.model.guests import GuestState
from tuivm.model.requests import (
    DiscardSave,
    ForceOff,
    Reboot,
    Request,
    Reset,
    Resume,
    Save,
    SetAutostart,
    Shutdown,
    ShutdownMode,
    Start,
    Suspend,
)
from tuivm.model.store import GuestView

_LISTED = 8
"""Guests named one by one in a question; the others are counted."""


def name_guests(targets: Sequence[GuestView]) -> tuple[str, ...]:
    """Each guest with its host, so that nobody confirms the wrong one."""
    lines = [f"{view.guest.label}  on {view.key.host}" for view in targets[:_LISTED]]
    if len(targets) > _LISTED:
        lines.append(f"and {len(targets) - _LISTED} more")
    return tuple(lines)


async def _confirmed(
    desk: Desk, what: str, effect: str, targets: Sequence[GuestView], yes: str
) -> bool:
    from tuivm.screens.dialogs.confirm import Confirm  # noqa: PLC0415 - when it opens

    dialog = Confirm(what, (*name_guests(targets), "", effect), yes, dangerous=True)
    return await desk.ask(dialog) is True


async def _mode(desk: Desk, what: str, targets: Sequence[GuestView]) -> ShutdownMode | None:
    from tuivm.screens.dialogs.shutdown import ShutDown  # noqa: PLC0415 - when it opens

    return await desk.ask(ShutDown(name_guests(targets), what))


def _same(targets: Sequence[GuestView], request: Request) -> list[tuple[GuestView, Request]]:
    return [(view, request) for view in targets]


class StartGuests(GuestCommand):
    """Start, or restore from its saved state where there is one. A paused guest goes on."""

    id = "guest.start"
    label = "start"
    keys = ("s",)
    footer = 20

    def unfit(self, view: GuestView) -> str:
        state = view.guest.state
        if state.active and state not in (GuestState.PAUSED, GuestState.SUSPENDED):
            return f"{view.guest.name} is {state.value} already"
        return ""

    async def run(self, desk: Desk, place: Place) -> None:
        orders: list[tuple[GuestView, Request]] = [
            (view, Resume() if view.guest.state.active else Start())
            for view in self.able(desk, place)
        ]
        await desk.act("starting", orders)


class StartPaused(GuestCommand):
    """Start with its vCPUs stopped, to attach a debugger before the first instruction."""

    id = "guest.start-paused"
    label = "start paused"
    keys = ("S",)

    def unfit(self, view: GuestView) -> str:
        return f"{view.guest.name} is not off" if view.guest.state.active else ""

    async def run(self, desk: Desk, place: Place) -> None:
        await desk.act("starting", _same(self.able(desk, place), Start(paused=True)))


class ShutDownGuests(GuestCommand):
    """Ask the guest to shut down, by its agent or by the ACPI power button; it may refuse."""

    id = "guest.shutdown"
    label = "shut down"
    keys = ("d",)
    footer = 21

    def unfit(self, view: GuestView) -> str:
        state = view.guest.state
        if state in (GuestState.RUNNING, GuestState.BLOCKED, GuestState.SHUTTING_DOWN):
            return ""
        return f"{view.guest.name} is {state.value}: only a running guest can react"

    async def run(self, desk: Desk, place: Place) -> None:
        targets = self.able(desk, place)
        mode = await _mode(desk, "Shut down", targets)
        if mode is not None:
            orders = _same(targets, Shutdown(mode))
            await desk.act("shutting down", orders, patience=SHUTDOWN_PATIENCE)


class RebootGuests(GuestCommand):
    """Ask the guest to reboot, by its agent or by ACPI; it may refuse."""

    id = "guest.reboot"
    label = "reboot"
    keys = ("b",)

    def unfit(self, view: GuestView) -> str:
        if view.guest.state in (GuestState.RUNNING, GuestState.BLOCKED):
            return ""
        return f"{view.guest.name} is {view.guest.state.value}: only a running guest can react"

    async def run(self, desk: Desk, place: Place) -> None:
        targets = self.able(desk, place)
        mode = await _mode(desk, "Reboot", targets)
        if mode is not None:
            await desk.act("rebooting", _same(targets, Reboot(mode)))


class ResetGuests(GuestCommand):
    """Press the reset button. The guest gets no warning; what it had not written is lost."""

    id = "guest.reset"
    label = "reset"
    keys = ("B",)

    def unfit(self, view: GuestView) -> str:
        return "" if view.guest.state.active else f"{view.guest.name} is off"

    async def run(self, desk: Desk, place: Place) -> None:
        targets = self.able(desk, place)
        effect = "They restart at once, without warning: data not yet written to disk are lost."
        if await _confirmed(desk, "Reset", effect, targets, "Reset"):
            await desk.act("resetting", _same(targets, Reset()))


class ForceGuestsOff(GuestCommand):
    """Pull the plug. The guest gets no warning; what it had not written is lost."""

    id = "guest.force-off"
    label = "force off"
    keys = ("x",)

    def unfit(self, view: GuestView) -> str:
        return "" if view.guest.state.active else f"{view.guest.name} is off"

    async def run(self, desk: Desk, place: Place) -> None:
        targets = self.able(desk, place)
        effect = "They stop at once, without warning: data not yet written to disk are lost."
        if any(not view.guest.persistent for view in targets):
            effect += " A transient guest is then gone for good."
        if await _confirmed(desk, "Force off", effect, targets, "Force off"):
            await desk.act("stopping", _same(targets, ForceOff()))


class PauseGuests(GuestCommand):
    """Stop the vCPUs of a guest; it stays in memory and goes on where it was."""

    id = "guest.pause"
    label = "pause"
    keys = ("p",)

    def unfit(self, view: GuestView) -> str:
        if view.guest.state in (GuestState.RUNNING, GuestState.BLOCKED):
            return ""
        return f"{view.guest.name} is {view.guest.state.value}, not running"

    async def run(self, desk: Desk, place: Place) -> None:
        await desk.act("pausing", _same(self.able(desk, place), Suspend()))


class ResumeGuests(GuestCommand):
    """Let a paused guest go on; wakes one that put itself to sleep, too."""

    id = "guest.resume"
    label = "resume"
    keys = ("u",)

    def unfit(self, view: GuestView) -> str:
        if view.guest.state in (GuestState.PAUSED, GuestState.SUSPENDED):
            return ""
        return f"{view.guest.name} is {view.guest.state.value}, not paused"

    async def run(self, desk: Desk, place: Place) -> None:
        await desk.act("resuming", _same(self.able(desk, place), Resume()))


class SaveGuests(GuestCommand):
    """Write the guest's memory to the host's disk and stop it; the next start restores it."""

    id = "guest.save"
    label = "save state"
    keys = ("v",)

    def unfit(self, view: GuestView) -> str:
        if not view.guest.state.active:
            return f"{view.guest.name} is off: there is no memory to save"
        return "" if view.guest.persistent else f"{view.guest.name} is transient"

    async def run(self, desk: Desk, place: Place) -> None:
        await desk.act("saving", _same(self.able(desk, place), Save()))


class DiscardSaved(GuestCommand):
    """Throw a saved state away, so that the next start boots afresh."""

    id = "guest.discard-saved"
    label = "discard saved state"
    keys = ("V",)

    def unfit(self, view: GuestView) -> str:
        return "" if view.guest.managed_save else f"{view.guest.name} has no saved state"

    async def run(self, desk: Desk, place: Place) -> None:
        targets = self.able(desk, place)
        effect = "Their saved memory is lost; they boot afresh, as after a power cut."
        if await _confirmed(desk, "Discard saved state", effect, targets, "Discard"):
            await desk.act("discarding saved state", _same(targets, DiscardSave()))


class ToggleAutostart(GuestCommand):
    """Start the guest with its host, or no longer."""

    id = "guest.autostart"
    label = "autostart"
    keys = ("a",)

    def unfit(self, view: GuestView) -> str:
        if not view.guest.persistent:
            return f"{view.guest.name} is transient: it cannot start with its host"
        return "its driver does not report autostart" if view.guest.autostart is None else ""

    async def run(self, desk: Desk, place: Place) -> None:
        targets = self.able(desk, place)
        turn_on = not all(view.guest.autostart for view in targets)
        label = "autostart on" if turn_on else "autostart off"
        await desk.act(label, _same(targets, SetAutostart(turn_on)))


LIFECYCLE = (
    StartGuests,
    StartPaused,
    ShutDownGuests,
    RebootGuests,
    PauseGuests,
    ResumeGuests,
    SaveGuests,
    DiscardSaved,
    ResetGuests,
    ForceGuestsOff,
    ToggleAutostart,
)
"""In the order of the help screen."""
