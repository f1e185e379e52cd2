"""The command palette: every command of the place one is in, found by its name or its help."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from tuivm.commands import COMMANDS
from tuivm.model.units import visible
from tuivm.screens.place import PlaceScreen

if TYPE_CHECKING:
    from tuivm.app import TuivmApp


class CommandHits(Provider):
    """What is off is shown too, with the reason."""

    async def discover(self) -> Hits:
        for title, text, run in self._entries():
            yield DiscoveryHit(title, run, help=text)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for title, text, run in self._entries():
            score = max(matcher.match(title), 0.5 * matcher.match(text))
            if score > 0:
                yield Hit(score, Content(title), run, help=text)

    def _entries(self) -> list[tuple[str, str, partial[None]]]:
        place = self.screen
        if not isinstance(place, PlaceScreen):
            return []
        app = cast("TuivmApp", self.app)
        entries = []
        for command in COMMANDS:
            if place.place not in command.places or command.id == "program.palette":
                continue
            key = app.key_text(command.id)
            refusal = command().refusal(app, place)
            title = f"{command.group}: {command.label}" + (f"  ({key})" if key else "")
            text = _unmarked(f"off: {refusal}" if refusal else command.help())
            entries.append((title, text, partial(app.run_command, command.id, place)))
        return entries


def _unmarked(text: str) -> str:
    """Textual takes a hit's help as markup, and a refusal names the guest."""
    return visible(text).replace("[", r"\[")
