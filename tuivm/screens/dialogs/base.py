"""What all dialogs share: frame, title, line of keys, and how the keyboard moves.

Text from outside is shown through `plain`: never markup, control characters made visible. The
program sets the class `-ascii` on itself where the terminal has no box characters.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Checkbox, Input, OptionList, Static

from tuivm.model.units import visible

T = TypeVar("T")

_NARROW = 12
"""Columns under which nothing scrolls: a scroll bar that leaves the text no room comes and goes
with each layout, and each of them asks for the next."""
_SCROLLERS = "#dialog > Body, #dialog > Reader"
_SHORT = 16
"""Rows of the terminal under which every blank one goes."""

Keys = tuple[tuple[str, str], ...]
"""(key, what it does) in the order shown."""


def plain(text: str, style: str = "") -> Content:
    """Text on one line, safe whatever it holds. style: Textual's, such as "bold $warning"."""
    return Content.styled(visible(text), style) if style else Content(visible(text))


def paragraph(lines: Iterable[str], style: str = "") -> Content:
    """Several such lines."""
    return Content("\n").join([plain(line, style) for line in lines])


class Body(VerticalScroll, can_focus=False, inherit_bindings=False):
    """What lies between title and keys; follows the focus, scrolls by Page Up and Page Down."""


class Reader(VerticalScroll):
    """A body without fields: it takes the focus itself and scrolls by arrows and vi's keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", show=False),
        Binding("k", "scroll_up", "Up", show=False),
        Binding("space", "page_down", "Page down", show=False),
        Binding("g", "scroll_home", "Top", show=False),
        Binding("G", "scroll_end", "Bottom", show=False),
    ]


class ButtonRow(Horizontal):
    """Buttons side by side; arrows and h, l move between them and never out of the row."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "move(-1)", "Left", show=False),
        Binding("right,l", "move(1)", "Right", show=False),
    ]

    def action_move(self, direction: int) -> None:
        able = [button for button in self.query(Button) if not button.disabled]
        at = next((index for index, button in enumerate(able) if button.has_focus), None)
        if at is not None and 0 <= at + direction < len(able):
            able[at + direction].focus()


class Picker(OptionList):
    """A list to choose from; arrows and j, k move."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "Down", show=False),
        Binding("k", "cursor_up", "Up", show=False),
    ]


class Tick(Checkbox):
    """A tick box that says its state in characters, not by colour alone."""

    BUTTON_LEFT = ""
    BUTTON_RIGHT = ""
    BUTTON_INNER = "[ ]"

    def __init__(self, label: Content, value: bool = False, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(label, value, id=id, compact=True)

    def watch_value(self) -> None:
        self.BUTTON_INNER = "[x]" if self.value else "[ ]"
        super().watch_value()
        self.refresh()


class Dialog(ModalScreen[T]):
    """A dialog. Subclasses give `title_text`, `keys`, `body()`, and `buttons()` if they have any.

    Esc leaves with None. Page Up and Page Down scroll, up and down move between fields.
    """

    DEFAULT_CSS = """
    Dialog {
        align: center middle;
        overflow: hidden;
    }
    #dialog {
        width: 76;
        max-width: 100%;
        height: auto;
        max-height: 100%;
        padding: 0 1;
        background: $surface;
        border: round $border-blurred;
    }
    Dialog.-ascii #dialog { border: ascii $border-blurred; }
    Dialog.-dangerous #dialog { border: round $error; }
    Dialog.-ascii.-dangerous #dialog { border: ascii $error; }
    #dialog:ansi { background: ansi_default; }
    #dialog-title {
        height: 1;
        text-style: bold;
        text-wrap: nowrap;
        text-overflow: ellipsis;
        color: $primary;
    }
    Dialog.-dangerous #dialog-title { color: $error; }
    #dialog-note { color: $warning; text-overflow: ellipsis; }
    #dialog-keys { height: 1; text-wrap: nowrap; text-overflow: ellipsis; color: $text-muted; }
    #dialog Body, #dialog Reader { height: auto; scrollbar-size-vertical: 1; }
    #dialog Body > Static, #dialog Reader > Static { height: auto; width: 100%; }
    #dialog ButtonRow { height: 1; margin-top: 1; align-horizontal: right; }
    Dialog.-narrow #dialog Body, Dialog.-narrow #dialog Reader, Dialog.-narrow #dialog Picker {
        overflow-y: hidden;
    }
    Dialog.-short #dialog ButtonRow { margin-top: 0; }
    #dialog ButtonRow Button {
        margin-left: 1;
        min-width: 8;
        width: auto;
        padding: 0;
        border: none !important;
        background: $panel !important;
        color: $foreground;
        text-style: none;
        &.-error { color: $error; text-style: bold; }
        &:focus {
            background: $block-cursor-background !important;
            color: $block-cursor-foreground;
            text-style: bold;
        }
        &:disabled { color: $text-muted; text-style: dim; text-opacity: 1; opacity: 1; }
    }
    #dialog Picker {
        border: none;
        padding: 0;
        background: transparent;
        height: auto;
        max-height: 100%;
        scrollbar-size-vertical: 1;
    }
    #dialog Picker:focus { border: none; background-tint: transparent; }
    #dialog Picker > .option-list--option { padding: 0 1; }
    #dialog Tick { width: 100%; background: transparent; border: none; padding: 0; }
    #dialog Tick:focus { border: none; background-tint: transparent; }
    #dialog Tick > .toggle--button {
        color: $foreground;
        background: transparent;
        text-style: none;
    }
    #dialog Tick.warning > .toggle--label { color: $warning; }
    #dialog Tick.warning:focus > .toggle--label { color: $block-cursor-foreground; }
    #dialog Tick.-on > .toggle--button { color: $accent; text-style: bold; }
    #dialog Input { background: $panel; padding: 0 1; }
    #dialog .field { height: 1; width: 100%; }
    #dialog .field > Static { width: auto; min-width: 7; padding-right: 1; }
    #dialog .field > Input { width: 1fr; }
    #dialog .gap { margin-top: 1; }
    #dialog .hidden { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", show=False),
        Binding("down", "app.focus_next", "Next", show=False),
        Binding("up", "app.focus_previous", "Previous", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
    ]

    dangerous = False
    """Something is lost when the answer is yes: the frame says so."""
    note_rows = 0
    """Rows over the buttons that say what is missing or wrong (see `note`), one more on a narrow
    terminal; 0 for none. On a short terminal they are there only while they say something."""
    _note = ""
    reads = False
    """The body has no fields: it takes the focus itself."""

    @property
    def title_text(self) -> str:
        raise NotImplementedError

    @property
    def keys(self) -> Keys:
        return (("Enter", "ok"), ("Esc", "cancel"))

    def body(self) -> ComposeResult:
        yield from ()

    def buttons(self) -> Iterable[Button]:
        return ()

    def compose(self) -> ComposeResult:
        self.set_class(self.dangerous, "-dangerous")
        # A default stylesheet cannot speak of the program around its own widget.
        self.set_class(self.ascii_only, "-ascii")
        with Vertical(id="dialog"):
            yield Static(plain(self.title_text), id="dialog-title")
            with Reader() if self.reads else Body():
                yield from self.body()
            if self.note_rows:
                yield Static(id="dialog-note")
            buttons = tuple(self.buttons())
            if buttons:
                with ButtonRow():
                    yield from buttons
            yield Static(self._key_line(), id="dialog-keys")

    def on_mount(self) -> None:
        # Notices lie over dialogs, and would hide what a person is about to agree to; `!` has them.
        self.app.clear_notifications()
        self._fit(self.app.size)

    def on_resize(self, event: events.Resize) -> None:
        if event.size != self.app.size:
            # A dialog that is just opening tells itself its size, and in its queue that may replace
            # what the terminal told of a newer one.
            self.post_message(events.Resize(self.app.size, self.app.size))
        self._fit(event.size)

    def action_cancel(self) -> None:
        self.dismiss(None)

    def action_page(self, direction: int) -> None:
        """Scroll the body by its height."""
        body = self.scroller
        body.scroll_relative(y=direction * max(1, body.size.height - 1), animate=False)

    @property
    def scroller(self) -> VerticalScroll:
        return self.query_one(_SCROLLERS, VerticalScroll)

    @property
    def ascii_only(self) -> bool:
        return self.app.has_class("-ascii")

    def show_keys(self) -> None:
        """Paint the line of keys again, after `keys` has changed."""
        self.query_one("#dialog-keys", Static).update(self._key_line())

    def _key_line(self) -> Content:
        parts: list[Content] = []
        for key, label in self.keys:
            parts += [plain(key, "bold $accent"), plain(f" {label}  ")]
        return Content("").join(parts)

    def note(self, text: str) -> None:
        """Say what is missing or wrong; "" for nothing."""
        self._note = text
        self.query_one("#dialog-note", Static).update(plain(text))
        self._fit(self.app.size)

    def _fit(self, size: Size) -> None:
        """Leave the body what frame, title, note, buttons and keys do not take of the screen."""
        self.set_class(size.width < _NARROW, "-narrow")
        short = size.height < _SHORT
        self.set_class(short, "-short")
        taken = 4
        if self.query(ButtonRow):
            taken += 1 if short else 2
        if self.note_rows:
            rows = self.note_rows + (size.width < 60) if self._note or not short else 0
            self.query("#dialog-note").set_styles(height=rows)
            taken += rows
        # A query, since a dialog that is being taken down is resized too.
        self.query(_SCROLLERS).set_styles(max_height=max(1, size.height - taken))


def relabel(which: Button, label: str) -> None:
    """Give a button another label, and the room that it needs."""
    which.label = plain(label)
    which.refresh(layout=True)


def button(label: str, id: str, *, dangerous: bool = False) -> Button:  # noqa: A002 - Textual's name for it
    """A button one row high; the label may hold anything."""
    return Button(plain(label), "error" if dangerous else "default", id=id, compact=True)


def field(label: str, entry: Input, *, id: str | None = None) -> Widget:  # noqa: A002 - Textual's name for it
    """An entry with its label before it, on one row."""
    return Horizontal(Static(plain(label)), entry, classes="field", id=id)
