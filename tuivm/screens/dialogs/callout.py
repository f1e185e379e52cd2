"""A box of words over a place, with a mark on the thing that they are about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Region
from textual.screen import ModalScreen
from textual.widgets import Static

from tuivm.screens.dialogs.base import paragraph, plain

MARK = 3
"""Columns of the mark."""
_AROUND = 4
"""Lines of the box that are no words: its border, title and keys."""
LOOK_AGAIN = 0.5
"""Seconds: what is pointed at moves when tables are sorted or a terminal is resized."""


class Step(Enum):
    NEXT = 1
    BACK = -1
    QUIT = 0
    """The program, which a key does at once wherever one is."""


class Callout(ModalScreen[Step]):
    """Esc leaves with None. find: where the mark goes on the screen now, `MARK` columns; None if
    the thing is not seen."""

    DEFAULT_CSS = """
    Callout { background: transparent; layers: marks box; overflow: hidden; }
    Callout #callout {
        layer: box;
        dock: bottom;
        width: 100%;
        height: auto;
        padding: 0 1;
        background: $surface;
        border: heavy $accent;
    }
    Callout.-above #callout { dock: top; }
    Callout.-ascii #callout { border: ascii $accent; }
    Callout #callout-title { height: 1; text-style: bold; color: $primary; }
    Callout #callout-body, Callout #callout-words { height: auto; }
    Callout #callout-keys { height: 1; color: $text-muted; }
    Callout .mark {
        layer: marks;
        width: 3;
        height: 1;
        color: $accent;
        text-style: bold reverse;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l,space,enter,n,g", "step('NEXT')", "Next", show=False),
        Binding("left,h,b,p,backspace", "step('BACK')", "Back", show=False),
        Binding("up,k", "scroll_words(-1)", "Up", show=False),
        Binding("down,j", "scroll_words(1)", "Down", show=False),
        Binding("escape", "leave", "Leave", show=False),
        Binding("q", "step('QUIT')", "Quit", show=False),
    ]

    def __init__(
        self, title: str, words: Sequence[str], find: Callable[[], Region | None], *, last: bool
    ) -> None:
        super().__init__()
        self._title = title
        self._words = words
        self._find = find
        self._last = last
        self._at: Region | None = None

    def compose(self) -> ComposeResult:
        ascii_only = self.app.has_class("-ascii")
        self.set_class(ascii_only, "-ascii")
        yield Static(plain("<==" if ascii_only else "◀━━"), classes="mark")
        with Vertical(id="callout"):
            yield Static(plain(self._title), id="callout-title")
            # Not focused: it would take the keys that lead on.
            with VerticalScroll(id="callout-body", can_focus=False):
                yield Static(paragraph(self._words), id="callout-words")
            yield Static(self._keys(ascii_only=ascii_only), id="callout-keys")

    def _keys(self, *, ascii_only: bool) -> Content:
        on, back = ("Right", "Left") if ascii_only else ("→", "←")
        pairs = ((on, "end" if self._last else "next"), (back, "back"), ("Esc", "leave the tour"))
        parts = [(text, look) for key, what in pairs for text, look in _hint(key, what)]
        return Content.assemble(*parts)

    def on_mount(self) -> None:
        self.app.clear_notifications()
        self.point()
        self.set_interval(LOOK_AGAIN, self.point)

    def on_resize(self) -> None:
        self._fit()
        self.call_after_refresh(self.point)

    def point(self) -> None:
        """Put the mark where it goes, and the box where it does not cover the thing."""
        found, mark = self._find(), self.query_one(".mark")
        if found == self._at and self._at is not None:
            return
        self._at = found
        self._fit()
        mark.display = found is not None
        if found is None:
            return
        mark.absolute_offset = None
        mark.styles.offset = (found.x, found.y)
        self.set_class(found.y >= self.app.size.height // 2, "-above")

    def _fit(self) -> None:
        """No higher than the room beside the thing: on a small terminal the words scroll."""
        height = self.app.size.height
        room = max(self._at.y, height - 1 - self._at.y) if self._at else height * 3 // 5
        self.query_one("#callout-body").styles.max_height = max(1, room - _AROUND)

    def action_scroll_words(self, lines: int) -> None:
        self.query_one("#callout-body").scroll_relative(y=lines, animate=False)

    def action_step(self, step: str) -> None:
        self.dismiss(Step[step])

    def action_leave(self) -> None:
        self.dismiss(None)


def _hint(key: str, what: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return (key, "bold $accent"), (f" {what}  ", "")
