"""Which columns a table shows, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets.option_list import Option

from tuivm.screens.dialogs.base import Dialog, Keys, Picker, plain


class ColumnPicker(Picker):
    """Space ticks; Enter, too, would: it is left to the dialog."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "screen.accept", "OK", show=False, priority=True),
        Binding("space", "screen.tick", "Tick", show=False),
        Binding("K,shift+up,less_than_sign", "screen.move(-1)", "Up", show=False),
        Binding("J,shift+down,greater_than_sign", "screen.move(1)", "Down", show=False),
    ]

    def on_option_list_option_selected(self) -> None:
        """A click."""
        self.screen.call_later(self.screen.run_action, "tick")


class ChooseColumns(Dialog[tuple[str, ...]]):
    """Answers the ids of the ticked columns in their order, at least one.

    columns: (id, title, help). Those in `shown` come first, in that order.
    """

    AUTO_FOCUS = "ColumnPicker"
    note_rows = 1

    def __init__(
        self,
        columns: Sequence[tuple[str, str, str]],
        shown: Sequence[str],
        title: str = "Columns",
    ) -> None:
        super().__init__()
        self._title = title
        by_id = {column[0]: column for column in columns}
        first = [by_id[name] for name in shown if name in by_id]
        self._order = first + [column for column in columns if column not in first]
        self._ticked = {column[0] for column in first}

    @property
    def title_text(self) -> str:
        return self._title

    @property
    def keys(self) -> Keys:
        return (("Space", "show, hide"), ("J K", "move"), ("Enter", "ok"), ("Esc", "cancel"))

    def body(self) -> ComposeResult:
        yield ColumnPicker(*(Option(self._prompt(row)) for row in range(len(self._order))))

    def on_mount(self) -> None:
        self.query_one(ColumnPicker).highlighted = 0

    def _prompt(self, row: int) -> Content:
        name, title, text = self._order[row]
        mark = "[x]" if name in self._ticked else "[ ]"
        width = max(len(column[1]) for column in self._order)
        return Content.assemble(mark, " ", plain(f"{title:<{width}}", "bold"), "  ", plain(text))

    def _repaint(self, *rows: int) -> None:
        picker = self.query_one(ColumnPicker)
        for row in rows:
            picker.replace_option_prompt_at_index(row, self._prompt(row))

    def action_tick(self) -> None:
        row = self.query_one(ColumnPicker).highlighted
        if row is not None:
            self._ticked ^= {self._order[row][0]}
            self._repaint(row)
            self.note("")

    def action_move(self, direction: int) -> None:
        picker = self.query_one(ColumnPicker)
        row = picker.highlighted
        if row is None or not 0 <= row + direction < len(self._order):
            return
        other = row + direction
        self._order[row], self._order[other] = self._order[other], self._order[row]
        self._repaint(row, other)
        picker.highlighted = other

    def action_accept(self) -> None:
        chosen = tuple(column[0] for column in self._order if column[0] in self._ticked)
        if chosen:
            self.dismiss(chosen)
        else:
            self.note("At least one column has to be shown.")
