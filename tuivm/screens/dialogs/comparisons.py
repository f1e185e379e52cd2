"""Saving, opening and exporting a comparison: a name, a list, a file."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Button, Input, OptionList
from textual.widgets.option_list import Option

from tuivm.comparisons import ComparisonError, Saved
from tuivm.model.units import visible
from tuivm.screens.dialogs.base import Dialog, Keys, Picker, button, field, plain

FORMATS = (
    ("json", "JSON", "everything, series too; can be read back"),
    ("csv", "CSV", "a line a device, for a spreadsheet"),
    ("md", "Markdown", "the table and what is unfair, for a page"),
    ("svg", "SVG", "a picture with charts"),
)
"""(file suffix, name, what is in it)."""


def date_words(at: float | None) -> str:
    """A moment in s since the epoch as the person's clock and calendar have it."""
    return "" if at is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


class SaveComparison(Dialog[str]):
    """Answers the name to save under."""

    AUTO_FOCUS = "#name"
    note_rows = 1

    def __init__(self, name: str = "") -> None:
        super().__init__()
        self._name = name

    @property
    def title_text(self) -> str:
        return "Save the comparison"

    @property
    def keys(self) -> Keys:
        return (("Enter", "save"), ("Esc", "cancel"))

    def body(self) -> ComposeResult:
        yield field("Name", Input(self._name, id="name", compact=True))

    def buttons(self) -> Iterable[Button]:
        return (button("Cancel", "cancel"), button("Save", "save"))

    @on(Input.Submitted)
    @on(Button.Pressed, "#save")
    def _save(self) -> None:
        name = self.query_one("#name", Input).value.strip()
        if not name:
            self.note("A name is needed.")
        elif visible(name) != name:
            self.note("It holds characters that cannot be seen.")
        else:
            self.dismiss(name)

    @on(Button.Pressed, "#cancel")
    def _cancel(self) -> None:
        self.dismiss(None)


class Wanted(NamedTuple):
    """name: which comparison; remove: delete it instead of opening it."""

    name: str
    remove: bool = False


class SavedPicker(Picker):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x,delete", "screen.remove", "Delete", show=False),
    ]


class OpenComparison(Dialog[Wanted]):
    """Answers which of the saved comparisons to open, or to delete. The newest comes first.

    read: finds them, off the event loop; it may raise ComparisonError. The dialog is there before,
    so that it gets the keys that are typed meanwhile.
    """

    AUTO_FOCUS = "SavedPicker"
    note_rows = 1

    def __init__(self, read: Callable[[], Awaitable[Sequence[Saved]]]) -> None:
        super().__init__()
        self._read = read
        self._saved: list[Saved] = []

    @property
    def title_text(self) -> str:
        return "Saved comparisons"

    @property
    def keys(self) -> Keys:
        return (("Enter", "open"), ("x", "delete"), ("Esc", "cancel"))

    def body(self) -> ComposeResult:
        yield SavedPicker()

    def on_mount(self) -> None:
        self.run_worker(self._fill())

    async def _fill(self) -> None:
        try:
            found = await self._read()
        except ComparisonError as error:
            self.note(str(error))
            return
        self._saved = sorted(found, key=lambda one: -(one.taken or 0.0))
        picker = self.query_one(SavedPicker)
        picker.add_options([Option(_saved_line(one)) for one in self._saved])
        picker.highlighted = 0 if self._saved else None
        self.note("" if self._saved else "None yet.")

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(Wanted(self._saved[event.option_index].name))

    def action_remove(self) -> None:
        place = self.query_one(SavedPicker).highlighted
        if place is not None:
            self.dismiss(Wanted(self._saved[place].name, remove=True))


def _saved_line(one: Saved) -> Content:
    about = f"  {date_words(one.taken)}  {one.devices} devices"
    if one.problem:
        return Content.assemble(plain(one.name, "bold"), plain(f"  {one.problem}", "$error"))
    return Content.assemble(plain(one.name, "bold"), plain(about, "$text-muted"))


class Export(NamedTuple):
    """suffix: one of FORMATS; path: as it was typed, from the present directory on."""

    suffix: str
    path: Path


class FormatPicker(Picker):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "screen.export", "Export", show=False, priority=True),
    ]


class ExportComparison(Dialog[Export]):
    """Answers format and file. The suffix follows the format, and a suffix that was typed and is
    that of a format decides."""

    AUTO_FOCUS = "FormatPicker"
    note_rows = 1
    formats: ClassVar[Sequence[tuple[str, str, str]]] = FORMATS
    what: ClassVar[str] = "the comparison"

    def __init__(self, stem: str) -> None:
        super().__init__()
        self._stem = stem

    @property
    def title_text(self) -> str:
        return f"Export {self.what}"

    @property
    def keys(self) -> Keys:
        arrows = "up/down" if self.ascii_only else "↑↓"
        return ((arrows, "format"), ("Tab", "file"), ("Enter", "export"), ("Esc", "cancel"))

    def body(self) -> ComposeResult:
        lines = (
            Content.assemble(plain(f"{name:<9}", "bold"), plain(text, "$text-muted"))
            for _, name, text in self.formats
        )
        yield FormatPicker(*(Option(line) for line in lines))
        yield field("File", Input(f"{self._stem}.{self.formats[0][0]}", id="file", compact=True))

    def buttons(self) -> Iterable[Button]:
        return (button("Cancel", "cancel"), button("Export", "export"))

    def on_mount(self) -> None:
        self.query_one(FormatPicker).highlighted = 0

    @property
    def _highlighted(self) -> str:
        return self.formats[self.query_one(FormatPicker).highlighted or 0][0]

    @on(OptionList.OptionHighlighted)
    def _follow(self) -> None:
        box = self.query_one("#file", Input)
        path = Path(box.value)
        if self._known_suffix(path):
            box.value = str(path.with_suffix(f".{self._highlighted}"))

    @on(Input.Submitted)
    @on(Button.Pressed, "#export")
    def action_export(self) -> None:
        name = self.query_one("#file", Input).value.strip()
        if not name:
            self.note("A file name is needed.")
            return
        try:
            path = Path(name).expanduser()
        except RuntimeError:
            self.note("There is no home directory of that name.")
        else:
            self.dismiss(Export(self._known_suffix(path) or self._highlighted, path))

    @on(Button.Pressed, "#cancel")
    def _cancel(self) -> None:
        self.dismiss(None)

    def _known_suffix(self, path: Path) -> str:
        """The format that the name asks for, "" for none."""
        suffix = path.suffix.removeprefix(".")
        return suffix if suffix in {one for one, *_ in self.formats} else ""
