"""Choosing one of many: the list narrows as one types, and may change while it is open."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tuivm.screens.dialogs.base import Dialog, Keys, Picker, plain
from tuivm.screens.dialogs.choose import Choice

BEAT = 0.5
"""Seconds between two looks at what has changed."""


class Choices(NamedTuple):
    """about: a line over the list, such as what is still awaited."""

    choices: tuple[Choice, ...] = ()
    about: str = ""


class FindOne(Dialog[str]):
    """Answers the id of what was chosen. found: what there is now, in ASCII where that is True;
    looked at again and again."""

    DEFAULT_CSS = """
    FindOne #dialog { width: 100; }
    FindOne #about { color: $text-muted; }
    FindOne Picker > .option-list--option { text-wrap: nowrap; text-overflow: ellipsis; }
    """
    AUTO_FOCUS = "#filter"
    note_rows = 1
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move(1)", "Down", show=False),
        Binding("up", "move(-1)", "Up", show=False),
        Binding("pagedown", "move(10)", "Page down", show=False),
        Binding("pageup", "move(-10)", "Page up", show=False),
    ]

    def __init__(self, title: str, found: Callable[[bool], Choices], current: str = "") -> None:
        super().__init__()
        self._title = title
        self._found = found
        self._all = Choices()
        self._shown: tuple[Choice, ...] = ()
        self._at = current
        self._told = ""

    @property
    def title_text(self) -> str:
        return self._title

    @property
    def keys(self) -> Keys:
        move = "up/down" if self.ascii_only else "↑↓"
        return (("type", "narrow"), (move, "move"), ("Enter", "choose"), ("Esc", "cancel"))

    def body(self) -> ComposeResult:
        yield Input(id="filter", compact=True, placeholder="words to narrow the list")
        yield Static(id="about")
        yield Picker()

    def on_mount(self) -> None:
        picker = self.query_one(Picker)
        # The entry keeps the focus; the arrows move in the list all the same.
        picker.can_focus = False
        self.set_interval(BEAT, self._look)
        self._look(first=True)

    def _look(self, *, first: bool = False) -> None:
        found = self._found(self.ascii_only)
        if first or found != self._all:
            self._all = found
            about = self.query_one("#about", Static)
            about.update(plain(found.about))
            about.display = bool(found.about)
            self._narrow()

    @on(Input.Changed)
    def _narrow(self) -> None:
        words = self.query_one("#filter", Input).value.casefold().split()
        picker = self.query_one(Picker)
        shown = tuple(
            one
            for one in self._all.choices
            if all(word in f"{one.label} {one.help} {one.refusal}".casefold() for word in words)
        )
        self.note("Nothing matches." if words and self._all.choices and not shown else "")
        if shown == self._shown:
            return
        self._shown = shown
        picker.clear_options()
        picker.add_options([Option(_prompt(one), disabled=bool(one.refusal)) for one in shown])
        able = [row for row, one in enumerate(shown) if not one.refusal]
        same = [row for row in able if shown[row].id == self._at]
        picker.highlighted = next(iter(same + able), None)

    def action_move(self, by: int) -> None:
        picker = self.query_one(Picker)
        able = [row for row, one in enumerate(self._shown) if not one.refusal]
        if picker.highlighted in able:
            place = able.index(picker.highlighted) + by
            picker.highlighted = able[min(max(0, place), len(able) - 1)]

    @on(OptionList.OptionHighlighted)
    def _moved(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_index < len(self._shown):
            self._at = self._shown[event.option_index].id

    @on(OptionList.OptionSelected)
    @on(Input.Submitted)
    def _choose(self) -> None:
        row = self.query_one(Picker).highlighted
        if row is not None and not self._shown[row].refusal:
            self.dismiss(self._shown[row].id)


def _prompt(choice: Choice) -> Content:
    label = plain(choice.label, "" if choice.refusal else "bold")
    words = f"off: {choice.refusal}" if choice.refusal else choice.help
    return Content("  ").join([label, plain(words)]) if words else label
