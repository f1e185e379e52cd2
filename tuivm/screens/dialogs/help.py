"""The keys of a place, with what each does."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input, Static

from tuivm.screens.dialogs.base import Dialog, Keys, plain

_WIDE = 60
"""Columns from which on the help text stands beside the key, not under it."""

Row = tuple[str, str, str]
"""(keys as people write them, label, help)"""


class Help(Dialog[None]):
    """A list that narrows as one types: every word has to be in the key, label, help or group."""

    DEFAULT_CSS = """
    Help #dialog { width: 90; }
    Help #list { margin-top: 1; }
    Help #dialog > Body { scrollbar-gutter: stable; }
    """
    AUTO_FOCUS = "#filter"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "line(1)", "Down", show=False),
        Binding("up", "line(-1)", "Up", show=False),
        Binding("enter", "cancel", "Close", show=False),
    ]

    def __init__(self, title: str, groups: Sequence[tuple[str, Sequence[Row]]]) -> None:
        super().__init__()
        self._title = title
        self._groups = tuple((group, tuple(rows)) for group, rows in groups)

    @property
    def title_text(self) -> str:
        return self._title

    @property
    def keys(self) -> Keys:
        scroll = "up/down" if self.ascii_only else "↑↓"
        return (("type", "to filter"), (scroll, "scroll"), ("Esc", "close"))

    def body(self) -> ComposeResult:
        yield Input(placeholder="filter", id="filter", compact=True)
        yield Static(id="list")

    @on(events.Resize)
    def _wrap(self) -> None:
        """The list is wrapped here, so that help stays under help."""
        self.call_after_refresh(self._show)

    @on(Input.Changed, "#filter")
    def _filter(self) -> None:
        self._show()
        self.scroller.scroll_home(animate=False)

    def _show(self) -> None:
        wanted = self.query_one("#filter", Input).value
        width = self.scroller.scrollable_content_region.width
        self.query_one("#list", Static).update(self._content(wanted, width))

    @on(Input.Submitted)
    def _leave(self) -> None:
        self.dismiss(None)

    def action_line(self, direction: int) -> None:
        self.scroller.scroll_relative(y=direction, animate=False)

    def _content(self, wanted: str, width: int) -> Content:
        words = wanted.lower().split()
        lines: list[Content] = []
        for group, rows in self._groups:
            kept = [row for row in rows if _matches((*row, group), words)]
            if not kept:
                continue
            if lines:
                lines.append(Content(""))
            lines.append(plain(group.capitalize(), "bold $primary"))
            for keys, label, text in kept:
                head = plain(f"{keys or '(no key)':<14} ", "bold $accent") + plain(f"{label:<18} ")
                under = head.cell_length if width >= _WIDE else 2
                told = textwrap.wrap(text, max(10, width - under)) or [""]
                if under == 2:
                    lines.append(head)
                else:
                    lines.append(head + plain(told.pop(0), "$text-muted"))
                lines += [plain(" " * under + line, "$text-muted") for line in told]
        return Content("\n").join(lines) if lines else plain("Nothing matches.")


def _matches(parts: Sequence[str], words: Sequence[str]) -> bool:
    text = " ".join(parts).lower()
    return all(word in text for word in words)
