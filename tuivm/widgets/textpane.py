"""Wrapped text that can be scrolled, and never asks for a new layout however long it is."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.reactive import reactive
from textual.strip import Strip
from textual.visual import Visual
from textual.widget import Widget

_WHEEL = 3
_BAR = 2
"""Cells on the right: a blank, and the scrollbar where there is more."""


class TextPane(Widget, can_focus=True):
    """Shows `Content` in the room it is given; what is below can be scrolled to by keys and wheel.

    A `Static` in a scrolling container lays out the whole screen for each other text, which costs
    more than the text where that changes with every key."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"textpane--bar", "textpane--thumb"}
    DEFAULT_CSS = """
    TextPane { width: 1fr; height: 1fr; }
    TextPane > .textpane--bar { color: $panel; }
    TextPane > .textpane--thumb { color: $quiet; }
    TextPane:focus > .textpane--thumb { color: $primary; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "scroll(1)", "Down", show=False),
        Binding("up,k", "scroll(-1)", "Up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("home,g", "scroll(-9999)", "Top", show=False),
        Binding("end,G", "scroll(9999)", "Bottom", show=False),
    ]

    ascii: reactive[bool] = reactive(False)
    """Draw the scrollbar with ASCII alone."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id, classes=classes)
        self._text = Content()
        self._top = 0
        self._strips: list[Strip] = []
        self._wrapped = (-1, Content())

    @property
    def plain(self) -> str:
        return self._text.plain

    def set_content(self, content: Content, *, from_top: bool = False) -> None:
        """Show this; the same again paints nothing. from_top: it is something else than before."""
        if from_top:
            self._move_to(0)
        if not content.is_same(self._text):
            self._text = content
            self.refresh()

    def _lines(self, width: int) -> list[Strip]:
        """The text wrapped to so many cells."""
        if self._wrapped[0] != width or self._wrapped[1] is not self._text:
            self._wrapped = (width, self._text)
            found = Visual.to_strips(self, self._text, width, None, self.visual_style) or []
            self._strips = [line.adjust_cell_length(width, self.rich_style) for line in found]
        return self._strips

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._wrapped = (-1, Content())

    @property
    def _last_top(self) -> int:
        width, height = self.size
        return max(0, len(self._lines(_room(width))) - height)

    def render_line(self, y: int) -> Strip:
        width, height = self.size
        room = _room(width)
        lines = self._lines(room)
        last = max(0, len(lines) - height)
        top = min(self._top, last)
        line = lines[top + y] if top + y < len(lines) else Strip.blank(room, self.rich_style)
        bar = Strip([self._bar(y, top, last, height)])
        return Strip.join((line, bar)).adjust_cell_length(width, self.rich_style)

    def _bar(self, y: int, top: int, last: int, height: int) -> Segment:
        """Two cells on the right of a line; blank where all of the text is seen."""
        if not last:
            return Segment("  ", self.rich_style)
        size = max(1, height * height // (height + last))
        first = round(top * (height - size) / last)
        on = first <= y < first + size
        style = self.get_component_rich_style(f"textpane--{'thumb' if on else 'bar'}")
        unicode, letter = ("┃", "#") if on else ("│", "|")
        return Segment(f" {letter if self.ascii else unicode}", style)

    def action_scroll(self, by: int) -> None:
        self._move_to(min(self._top, self._last_top) + by)

    def action_page(self, pages: int) -> None:
        self.action_scroll(pages * max(1, self.size.height - 1))

    def _move_to(self, top: int) -> None:
        top = max(0, min(top, self._last_top)) if self.size else 0
        if top != self._top:
            self._top = top
            self.refresh()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.action_scroll(_WHEEL)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.action_scroll(-_WHEEL)


def _room(width: int) -> int:
    """Cells for the text."""
    return max(1, width - _BAR)
