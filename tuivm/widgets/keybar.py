"""The line of keys at the bottom: what can be done here, and what is off at present."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget


class KeyHint(NamedTuple):
    """command: its id; key: as people write it ("enter", "?"); on: it can be done now."""

    command: str
    key: str
    label: str
    on: bool = True


class KeyBar(Widget):
    """One line. What does not fit is left out before the last two: help and quit stay."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"keybar--key", "keybar--label", "keybar--off"}
    DEFAULT_CSS = """
    KeyBar { height: 1; width: 1fr; background: $panel; color: $foreground; }
    KeyBar > .keybar--key { color: $accent; text-style: bold; }
    KeyBar > .keybar--label { color: $foreground; }
    KeyBar > .keybar--off { color: $quiet; text-style: dim; }
    """

    class Pressed(Message):
        """A hint was clicked."""

        def __init__(self, command: str) -> None:
            super().__init__()
            self.command = command

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self._hints: tuple[KeyHint, ...] = ()

    def set_hints(self, hints: Sequence[KeyHint]) -> None:
        """Show these, in this order; the same again paints nothing."""
        if tuple(hints) != self._hints:
            self._hints = tuple(hints)
            self.refresh()

    def render_line(self, y: int) -> Strip:
        del y
        key_style = self.get_component_rich_style("keybar--key")
        label_style = self.get_component_rich_style("keybar--label")
        off_style = self.get_component_rich_style("keybar--off")
        segments = []
        for hint in fitting(self._hints, self.size.width):
            segments.append(Segment(f" {hint.key}", key_style if hint.on else off_style))
            segments.append(Segment(f" {hint.label} ", label_style if hint.on else off_style))
        return Strip(segments).adjust_cell_length(self.size.width, self.rich_style)

    def on_click(self, event: events.Click) -> None:
        at = 0
        for hint in fitting(self._hints, self.size.width):
            at += _width(hint)
            if event.x < at:
                self.post_message(self.Pressed(hint.command))
                return


_STAY = 2
"""Hints at the end that go last."""


def fitting(hints: Sequence[KeyHint], width: int) -> list[KeyHint]:
    """The hints that fit: dropped from the right, those at the very end last."""
    kept = list(hints)
    while len(kept) > 1 and sum(map(_width, kept)) > width:
        del kept[max(0, len(kept) - _STAY - 1)]
    return kept


def _width(hint: KeyHint) -> int:
    return cell_len(hint.key) + cell_len(hint.label) + 3
