"""Guests that were asked to shut down: who has reacted, who has not, and what to do then."""

from __future__ import annotations

from tuivm.commands.base import Desk
from tuivm.model.activities import SHUTDOWN_PATIENCE, Activities, Activity
from tuivm.model.guests import GuestKey
from tuivm.model.requests import ForceOff, Shutdown, ShutdownMode


class Patience:
    """Asks about one guest at a time."""

    def __init__(self, desk: Desk, activities: Activities) -> None:
        self._desk = desk
        self._activities = activities
        self._asking = False

    def notice_ends(self) -> None:
        """A guest whose shutdown was awaited is off, or gone: nobody waits any longer."""
        for key in self._activities.waiting():
            view, wait = self._desk.store.guest(key), self._activities.wait(key)
            if wait is not None and (view is None or not view.guest.state.active):
                self._activities.end(key, wait)

    def next_overdue(self) -> GuestKey | None:
        """A guest to ask about, unless a question is open already."""
        overdue = self._activities.overdue(self._desk.now())
        return overdue[0] if overdue and not self._asking else None

    async def ask_about(self, key: GuestKey) -> None:
        self._asking = True
        try:
            await self._ask_about(key)
        finally:
            self._asking = False

    async def _ask_about(self, key: GuestKey) -> None:
        view, wait = self._desk.store.guest(key), self._activities.wait(key)
        if view is None or wait is None:
            return
        seconds = f"{SHUTDOWN_PATIENCE:.0f}"
        options = (
            ("wait", f"wait {seconds} s more", "it may be installing updates or saving work", ""),
            ("acpi", "press the ACPI power button again", "some guests need it twice", ""),
            ("agent", "ask its agent", "needs qemu-guest-agent in the guest", ""),
            ("off", "force off", "like pulling the plug: unwritten data are lost", ""),
            ("leave", "leave it running", "stop waiting for it", ""),
        )
        title = f"{view.guest.name} on {key.host} did not react in {seconds} s"
        from tuivm.screens.dialogs.choose import Choose  # noqa: PLC0415 - when it opens

        choice = await self._desk.ask(Choose(title, options))
        if self._activities.wait(key) is not wait:
            return  # it went off while the question was open
        self._activities.end(key, wait)
        now = self._desk.now()
        if choice == "wait":
            again = Activity(wait.label, now, now + SHUTDOWN_PATIENCE)
            self._activities.begin(key, again)
        elif choice in ("acpi", "agent"):
            order = (view, Shutdown(ShutdownMode(choice)))
            await self._desk.act(wait.label, [order], patience=SHUTDOWN_PATIENCE)
        elif choice == "off":
            await self._desk.act("stopping", [(view, ForceOff())])
