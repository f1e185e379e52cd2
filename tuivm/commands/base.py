"""What a command is. Binding, footer, palette entry, help and key map all derive from the class.

A command's docstring is its help: the first paragraph is what palette and help screen show.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeVar

from textual.binding import Binding
from textual.screen import ModalScreen

from tuivm.model.guests import GuestKey
from tuivm.model.ports import HostPort
from tuivm.model.requests import Outcome, Request
from tuivm.model.store import GuestView, HostStatus, Store

if TYPE_CHECKING:
    # Whatever is of creating is imported when somebody creates.
    from tuivm.model.createports import CreationRun
    from tuivm.model.hostrequests import HostRequest

T = TypeVar("T")

GUESTS = "guests"
GUEST = "guest"
COMPARE = "compare"
HOSTS = "hosts"
LAB = "lab"
EVERYWHERE = frozenset({GUESTS, GUEST, COMPARE, HOSTS, LAB})


class Place(Protocol):
    """A screen on which commands are carried out."""

    place: ClassVar[str]

    def target_guests(self) -> tuple[GuestView, ...]:
        """The guests an action is aimed at: those selected, else the highlighted one."""

    def target_host(self) -> HostStatus | None:
        """The host an action is aimed at."""

    def target_item(self) -> object:
        """The part of a guest that is highlighted: a `Device`, a `DeviceClass`, a layer's name."""

    def marked_items(self) -> tuple[object, ...]:
        """Parts of a host that an action is aimed at: those marked, else the highlighted one."""

    def explained(self) -> object:
        """Words on what is highlighted, an `Explanation`, where the place has its own."""

    def perform(self, name: str) -> None:
        """Do something that only this screen can do ("filter", "sort", "focus_left", …)."""


class Desk(Protocol):
    """What the program offers to its commands."""

    @property
    def store(self) -> Store: ...

    def now(self) -> float: ...

    def host(self, name: str) -> HostPort | None: ...

    def retry(self, host: str) -> None: ...

    def say(self, text: str, *, bad: bool = False) -> None:
        """A short notice; the text may hold anything."""

    async def ask(self, dialog: ModalScreen[T]) -> T | None:
        """Show a dialog and wait for its answer; None when it was left."""

    async def act(
        self, label: str, orders: Sequence[tuple[GuestView, Request]], patience: float | None = None
    ) -> tuple[Outcome, ...]:
        """Carry requests out side by side and tell how each went, in the order of their ends.

        label: what the rows show meanwhile ("starting"). patience: seconds that each guest is
        then given to react, shown as a countdown; None when the request itself is the effect.
        """

    async def act_on_host(self, host: str, label: str, request: HostRequest) -> Outcome:
        """Carry out what is asked of a host itself, and tell how it went.

        label: what is being done ("taking 0000:01:00.0 from its driver").
        """

    def perform(self, name: str) -> None:
        """Do something that the program itself does ("quit", "place.hosts", "suspend", …)."""

    async def add_host(self) -> None:
        """Ask for a host, connect to it and keep it in the config."""

    def remove_host(self, name: str) -> None:
        """Close a host and take it out of the config."""

    def began(self, run: CreationRun) -> None:
        """A guest is being created: what that made goes before the program does."""

    async def explain(self, place: Place) -> None:
        """Explain what is highlighted on a screen."""

    async def open_console(self, guest: GuestView) -> None:
        """Show the ways to look at a guest, and open its serial console on the terminal."""

    def compare(self, guests: Sequence[GuestKey]) -> None:
        """Go to the compare place with the devices of these guests."""

    def show_guest(self, key: GuestKey, *, console: bool = False) -> None:
        """Go to a guest, and open its console there."""


class Command:
    """A thing that a person can do."""

    id: ClassVar[str]
    label: ClassVar[str]
    keys: ClassVar[tuple[str, ...]]
    places: ClassVar[frozenset[str]] = EVERYWHERE
    group: ClassVar[str] = "program"
    footer: ClassVar[int] = 0
    """Rank in the footer, from the left; 0 keeps it out of there."""
    footer_places: ClassVar[frozenset[str]] = EVERYWHERE
    """Places in whose footer it stands, of those where it can be done."""

    def refusal(self, desk: Desk, place: Place) -> str:
        """Why it cannot be done now, in words; "" when it can."""
        del desk, place
        return ""

    async def run(self, desk: Desk, place: Place) -> None:
        raise NotImplementedError

    @classmethod
    def help(cls) -> str:
        """The first paragraph of the docstring, as one line."""
        return inspect.cleandoc(cls.__doc__ or "").split("\n\n")[0].replace("\n", " ")


class ScreenCommand(Command):
    """A command that its screen carries out: `perform(<the last part of the id>)`."""

    async def run(self, desk: Desk, place: Place) -> None:
        del desk
        place.perform(self.id.rsplit(".", 1)[-1])


class GuestCommand(Command):
    """A command on the guests an action is aimed at, all of them on writable hosts."""

    places = frozenset({GUESTS, GUEST})
    group = "guests"

    def refusal(self, desk: Desk, place: Place) -> str:
        targets = place.target_guests()
        if not targets:
            return "no guest is highlighted"
        reason = ""
        for view in targets:
            reason = self._reason(desk, view)
            if not reason:
                return ""
        return reason

    def able(self, desk: Desk, place: Place) -> tuple[GuestView, ...]:
        """Those of the targets for which nothing speaks against it."""
        return tuple(view for view in place.target_guests() if not self._reason(desk, view))

    def _reason(self, desk: Desk, view: GuestView) -> str:
        if view.key.host not in desk.store.host_names:
            return f"{view.key.host} is no longer in the list of hosts"
        return desk.store.status(view.key.host, desk.now()).refusal or self.unfit(view)

    def unfit(self, view: GuestView) -> str:
        """Why this guest in its present state is not one for it; "" when it is."""
        del view
        return ""


CommandType = type[Command]


def bindings(commands: Iterable[CommandType], place: str) -> list[Binding]:
    """Textual's bindings for the commands of one place."""
    return [
        Binding(
            ",".join(command.keys),
            f"command('{command.id}')",
            command.label,
            id=command.id,
            tooltip=command.help(),
            show=command.footer > 0,
        )
        for command in commands
        if place in command.places and command.keys
    ]


def remapped(
    commands: Iterable[CommandType], keys_of: Callable[[str], tuple[str, ...]]
) -> dict[str, str]:
    """For `App.set_keymap`: the commands whose keys are not their own, by id."""
    # Textual leaves a binding as it was when it is given no key: no terminal sends this one.
    return {
        command.id: ",".join(keys_of(command.id)) or f"none:{command.id}"
        for command in commands
        if keys_of(command.id) != command.keys
    }
