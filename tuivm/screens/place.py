"""What the places (guests, one guest, compare, hosts) have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.content import Content
from textual.screen import Screen
from textual.style import Style

from tuivm.commands import COMMANDS
from tuivm.model.hosts import HostState
from tuivm.model.store import GuestView, HostStatus
from tuivm.model.units import visible
from tuivm.widgets.hostlist import state_words
from tuivm.widgets.keybar import KeyBar, KeyHint
from tuivm.widgets.linetext import LineText

if TYPE_CHECKING:
    from tuivm.app import TuivmApp

_PLACES = ("guests", "compare", "hosts", "lab")


class PlaceScreen(Screen[None]):
    """A place: a top line, something in between, a line of keys.

    Subclasses give `place`, `tick` (show the store as it is now) and a method `do_<name>` for each
    `perform(name)` that one of their commands asks for.
    """

    place: ClassVar[str]
    AUTO_FOCUS = ""

    DEFAULT_CSS = """
    PlaceScreen { background: $background; color: $foreground; overflow: hidden; }
    PlaceScreen #top { background: $panel; }
    """

    @property
    def desk(self) -> TuivmApp:
        """The program, as commands and screens know it."""
        return cast("TuivmApp", self.app)

    def on_screen_resume(self) -> None:
        self.show_now()

    def show_now(self) -> None:
        """Paint what the store holds at present."""
        if self.is_mounted:
            self.show_frame()
            self.tick()

    def tick(self) -> None:
        """Show the store as it is now."""

    def target_guests(self) -> tuple[GuestView, ...]:
        return ()

    def target_host(self) -> HostStatus | None:
        return None

    def target_item(self) -> object:
        return None

    def marked_items(self) -> tuple[object, ...]:
        return ()

    def explained(self) -> object:
        return None

    def perform(self, name: str) -> None:
        getattr(self, f"do_{name}")()

    def do_back(self) -> None:
        """Esc in a place that has nothing to close."""

    async def action_command(self, command_id: str) -> None:
        self.desk.run_command(command_id, self)

    def on_key_bar_pressed(self, message: KeyBar.Pressed) -> None:
        self.desk.run_command(message.command, self)

    def show_frame(self) -> None:
        """The top line and the line of keys."""
        if top := self.query("#top"):
            top.first(LineText).set_content(self._top_line())
        if bar := self.query(KeyBar):
            bar.first().set_hints(self.hints())

    def hints(self) -> list[KeyHint]:
        """The footer: commands of this place by rank, off when refused."""
        rank = self.desk.footer_rank
        here = [c for c in COMMANDS if rank(c) and self.place in c.places & c.footer_places]
        return [
            KeyHint(
                command.id,
                self.desk.key_text(command.id),
                command.label,
                not command().refusal(self.desk, self),
            )
            for command in sorted(here, key=rank)
            if self.desk.key_text(command.id)
        ]

    def _top_line(self) -> Content:
        statuses = self.desk.store.statuses(self.desk.now())
        parts: list[tuple[str, str | Style]] = [(" tuivm ", "bold $accent")]
        here = "guests" if self.place == "guest" else self.place
        for name in _PLACES:
            command = f"place.{name}"
            click = Style.from_meta({"@click": f"screen.command('{command}')"})
            look = Style(bold=True, reverse=True) if name == here else Style()
            key = self.desk.key_text(command)
            parts += [("  ", ""), (f"{key} {name}".strip(), look + click)]
        if (done := self.desk.lab_done) is not None:
            parts.append((f" {done * 100:.0f} %", "$state-changing"))
        parts += [("   ", ""), *_summary(statuses)]
        guests = sum(status.guests for status in statuses)
        active = sum(status.active for status in statuses)
        line, count = Content.assemble(*parts), f"   guests {active}/{guests}"
        # Half a figure would be a wrong one.
        if line.cell_length + len(count) <= self.app.size.width:
            line = line.append(count)
        return line


def _summary(statuses: list[HostStatus]) -> list[tuple[str, str]]:
    """Hosts up, and the one in trouble that concerns a person most, with its seconds."""
    up = sum(status.state is HostState.UP for status in statuses)
    parts = [(f"hosts {up} up", "")]
    trouble = [status for status in statuses if status.state is not HostState.UP]
    if len(trouble) == 1:
        parts.append((f", {visible(trouble[0].spec.name)} {state_words(trouble[0])}", "$state-bad"))
    elif trouble:
        soonest = min((s.retry_in for s in trouble if s.retry_in is not None), default=None)
        wait = "" if soonest is None else f" (next try {soonest:.0f} s)"
        parts.append((f", {len(trouble)} not{wait}", "$state-bad"))
    return parts
