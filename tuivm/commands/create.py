"""Creating guests."""

from __future__ import annotations

from tuivm.commands.base import GUESTS, HOSTS, Command, Desk, Place


class CreateGuest(Command):
    """Create a guest: a wizard whose every step may be left to its defaults."""

    id = "guest.create"
    label = "new"
    keys = ("n",)
    places = frozenset({GUESTS, HOSTS})
    group = "guests"
    footer = 42

    def refusal(self, desk: Desk, place: Place) -> str:
        del place
        names = desk.store.host_names
        if not names:
            return "there is no host: add one first"
        # A host that does not answer now may when the wizard is through.
        statuses = [desk.store.status(name, desk.now()) for name in names]
        return "" if any(not one.readonly for one in statuses) else "all hosts are read-only"

    async def run(self, desk: Desk, place: Place) -> None:
        from tuivm.createdesk import create_guest  # noqa: PLC0415 - when it opens

        await create_guest(desk, place)


CREATE_COMMANDS = (CreateGuest,)
"""Every command of creating."""
