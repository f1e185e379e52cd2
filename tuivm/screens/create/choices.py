"""Fields with a few values to choose from, and rows that are added, edited and removed."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from tuivm.model.units import visible
from tuivm.screens.create.cycler import Cycler
from tuivm.screens.create.fields import Field
from tuivm.screens.dialogs.base import Dialog, Keys, Picker, field, plain
from tuivm.screens.dialogs.choose import Choice
from tuivm.widgets.itemlist import ItemList, Line

MANY = 12
"""Choices from which on the list can be searched."""


class Choose(Dialog[str]):
    """Answers the id of what was chosen, "" for the default. Words narrow a long list down."""

    DEFAULT_CSS = """
    Choose #dialog { width: 100; }
    Choose #dialog Picker { max-height: 30; }
    """
    AUTO_FOCUS = "Picker"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
    ]

    def __init__(
        self, title: str, choices: Sequence[Choice], current: str = "", default: str | None = None
    ) -> None:
        """default: what "by its default" comes to, as the first row; None for no such row."""
        super().__init__()
        self._title = title
        first = [] if default is None else [Choice("", "default", default)]
        self._choices = (*first, *choices)
        self._listed: list[Choice] = []
        self._current = current

    @property
    def title_text(self) -> str:
        return self._title

    @property
    def searchable(self) -> bool:
        return len(self._choices) > MANY

    @property
    def keys(self) -> Keys:
        search = (("/", "search"),) if self.searchable else ()
        return (("Enter", "choose"), *search, ("Esc", "cancel"))

    def body(self) -> ComposeResult:
        if self.searchable:
            yield field("Search", Input(id="words", compact=True))
        yield Picker()

    def on_mount(self) -> None:
        self._list("")

    def _list(self, words: str) -> None:
        wanted = words.casefold().split()
        self._listed = [
            one
            for one in self._choices
            if all(word in f"{one.id} {one.label} {one.help}".casefold() for word in wanted)
        ]
        picker = self.query_one(Picker)
        picker.clear_options()
        picker.add_options(
            [
                Option(_row(one, ascii_only=self.ascii_only), disabled=bool(one.refusal))
                for one in self._listed
            ]
        )
        usable = [index for index, one in enumerate(self._listed) if not one.refusal]
        at = [index for index in usable if self._listed[index].id == self._current]
        picker.highlighted = next(iter(at + usable), None)

    @on(Input.Changed, "#words")
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._list(event.value)

    @on(Input.Submitted, "#words")
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        at = self.query_one(Picker).highlighted
        if at is not None:
            self.dismiss(self._listed[at].id)

    def action_search(self) -> None:
        if self.searchable:
            self.query_one("#words").focus()

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._listed[event.option_index].id)


def _row(choice: Choice, *, ascii_only: bool) -> Content:
    about = f"off: {choice.refusal}" if choice.refusal else choice.help
    parts = [_class_mark(choice, ascii_only=ascii_only)]
    parts.append(plain(choice.label, "" if choice.refusal else "bold"))
    if about:
        parts.append(plain(f"  {about}"))
    return Content("").join(parts)


def _class_mark(choice: Choice, *, ascii_only: bool) -> Content:
    """The glyph of the class of the device that it makes; nothing where it makes none."""
    cls = choice.cls
    if cls is None:
        return Content()
    return plain(f"{cls.letter if ascii_only else cls.glyph} ", f"$class-{cls.value}")


class ChoiceField(Field):
    """The arrows take the next value that can be had, Space shows all with a note each, Delete
    goes back to the default. value "": nothing said."""

    def __init__(
        self,
        key: str,
        label: str,
        about: str = "",
        *,
        needed: bool = False,
        id: str | None = None,  # noqa: A002 - Textual's name for it
    ) -> None:
        """needed: there is no default to go back to."""
        super().__init__(key, label, about, id=id)
        self._needed = needed
        self._cycler = Cycler()
        self._choices: tuple[Choice, ...] = ()
        self._value = ""
        self._default = ""

    @property
    def value(self) -> str:
        return self._value

    @property
    def spoken(self) -> str:
        chosen = self._choice(self._value or self._default)
        return "; ".join(part for part in (self.about, chosen.help) if part)

    @property
    def shown(self) -> str:
        """The line as it is painted."""
        return self._cycler.plain

    def editor(self) -> Widget:
        return self._cycler

    def show(self, value: str, choices: Sequence[Choice], default: str = "") -> None:
        """default: id of the choice (or any text) that "" comes to."""
        self._choices, self._default = tuple(choices), default
        if not self.ahead:
            self._value = value
        self._paint()

    def on_mount(self) -> None:
        self._paint()

    def _choice(self, value: str) -> Choice:
        return next((one for one in self._choices if one.id == value), Choice(value, value))

    def _paint(self) -> None:
        default = not self._value and not self._needed
        chosen = self._choice(self._value or self._default)
        left, right = ("<", ">") if not self._ready or self.ascii_only else ("‹", "›")
        text = visible(chosen.label) or ("none" if not default else "not known yet")
        parts = [(f"{left} ", "$quiet"), (text, "bold"), (f" {right}", "$quiet")]
        mark = _class_mark(chosen, ascii_only=left == "<")
        if default:
            parts.append((" default", "$quiet"))
        if chosen.refusal:
            parts.append((f"  off: {visible(chosen.refusal)}", "$state-bad"))
        elif chosen.help:
            parts.append((f"  {visible(chosen.help)}", "$quiet"))
        self._cycler.set_content(Content.assemble(parts[0], mark, *parts[1:]))

    def put(self, value: str) -> None:
        """A person chose it."""
        if value != self._value:
            self._value = value
            self._paint()
            self.told()

    @on(Cycler.Turned)
    def _turned(self, event: Cycler.Turned) -> None:
        event.stop()
        if event.by is None:
            if not self._needed:
                self.put("")
        elif event.by == 0:
            self.open()
        else:
            able = [one.id for one in self._choices if not one.refusal]
            if able:
                now = self._value or self._default
                at = able.index(now) if now in able else -1 if event.by > 0 else 0
                self.put(able[(at + event.by) % len(able)])

    def open(self) -> None:
        """Show all choices."""

        def answered(value: str | None) -> None:
            if value is not None:
                self.put(value)

        default = None if self._needed else self._choice(self._default).label
        dialog = Choose(self.label, self._choices, self._value or self._default, default)
        self.app.push_screen(dialog, answered)


class Row(NamedTuple):
    """content: one line of it; item: what it stands for."""

    content: Content
    item: Hashable


class Rows(ItemList):
    """At its ends the arrows lead out of it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "told('edit')", "Edit", show=False),
        Binding("a,plus,insert", "told('add')", "Add", show=False),
        Binding("x,delete", "told('remove')", "Remove", show=False),
        # Pages are the wizard's.
        Binding("pageup", "screen.page(-1)", "Back", show=False),
        Binding("pagedown", "screen.page(1)", "Next", show=False),
    ]

    class Told(Message):
        def __init__(self, what: str) -> None:
            super().__init__()
            self.what = what

    def action_told(self, what: str) -> None:
        self.post_message(self.Told(what))

    def action_move(self, by: int) -> None:
        before = self._row
        super().action_move(by)
        if self._row == before and abs(by) == 1:
            (self.screen.focus_next if by > 0 else self.screen.focus_previous)()


class ListField(Field):
    """Rows. Space edits, a adds, x removes; the step hears `Asked` and does it."""

    DEFAULT_CSS = """
    ListField > .field-row { height: auto; }
    ListField Rows { height: auto; width: 1fr; min-height: 1; max-height: 10; }
    """

    class Asked(Message):
        """what: "add", "edit", "remove". item: of the row with the cursor, None for none."""

        def __init__(self, field: ListField, what: str, item: Hashable) -> None:
            super().__init__()
            self.field = field
            self.what = what
            self.item = item

        @property
        def control(self) -> ListField:
            return self.field

    def __init__(
        self,
        key: str,
        label: str,
        about: str = "",
        *,
        empty: str = "none",
        id: str | None = None,  # noqa: A002 - Textual's name for it
    ) -> None:
        super().__init__(key, label, about, id=id)
        self._empty = empty
        self._rows = Rows()

    @property
    def value(self) -> Hashable:
        """The item of the row with the cursor."""
        item = self._rows.item
        return None if item == _EMPTY else item

    def editor(self) -> Widget:
        return self._rows

    def show(self, rows: Sequence[Row]) -> None:
        lines = [Line(row.content, row.item) for row in rows]
        if not lines:
            lines = [Line(Content.styled(f"{visible(self._empty)}  (a adds)", "$quiet"), _EMPTY)]
        # A height of its own: what scrolls is never as high as what is in it.
        self._rows.styles.height = min(len(lines), 10)
        self._rows.set_lines(lines)

    def move_to(self, item: Hashable) -> None:
        self._rows.move_to(item)

    @on(Rows.Told)
    def _told(self, event: Rows.Told) -> None:
        event.stop()
        if event.what == "add" or self.value is not None:
            self.post_message(self.Asked(self, event.what, self.value))
        elif event.what == "edit":
            self.post_message(self.Asked(self, "add", None))


_EMPTY = "(nothing)"
