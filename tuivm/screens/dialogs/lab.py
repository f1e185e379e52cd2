"""Dialogs of the Lab: runs to files and from them, and removing what a crash left behind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.widgets import Button, Input, Static

from tuivm.model.lab import Leftover
from tuivm.screens.dialogs.base import Dialog, Keys, button, field, plain
from tuivm.screens.dialogs.comparisons import ExportComparison
from tuivm.screens.dialogs.confirm import Confirm


class ExportRun(ExportComparison):
    """Answers format and file of a run."""

    what = "the run"
    formats: ClassVar[Sequence[tuple[str, str, str]]] = (
        ("json", "JSON", "everything, each trial too; can be read back"),
        ("md", "Markdown", "tables and words, for a page"),
        ("svg", "SVG", "a picture with bars"),
    )


class ExportPair(ExportComparison):
    """Answers the file for two runs beside each other."""

    what = "the comparison"
    formats: ClassVar[Sequence[tuple[str, str, str]]] = (
        ("md", "Markdown", "the table, and what differs besides"),
    )


class OpenRunFile(Dialog[Path]):
    """Answers the file of a run that was exported as JSON."""

    AUTO_FOCUS = "#file"
    note_rows = 1

    @property
    def title_text(self) -> str:
        return "Open the file of a run"

    @property
    def keys(self) -> Keys:
        return (("Enter", "open"), ("Esc", "cancel"))

    def body(self) -> ComposeResult:
        yield Static(plain("A run that was exported as JSON, here or on another host; it is kept."))
        yield field("File", Input(id="file", compact=True))

    def buttons(self) -> Iterable[Button]:
        return (button("Cancel", "cancel"), button("Open", "open"))

    @on(Input.Submitted)
    @on(Button.Pressed, "#open")
    def _open(self) -> None:
        name = self.query_one("#file", Input).value.strip()
        if not name:
            self.note("A file name is needed.")
            return
        try:
            self.dismiss(Path(name).expanduser())
        except RuntimeError:
            self.note("There is no home directory of that name.")

    @on(Button.Pressed, "#cancel")
    def _cancel(self) -> None:
        self.dismiss(None)


class RemoveLeftovers(Confirm):
    """True: remove exactly these."""

    def __init__(self, leftovers: Sequence[Leftover]) -> None:
        lines = [
            "A lab that is no longer running left this behind; all of it carries the Lab's mark:",
            "",
            *(
                f"{one.kind:<8} {one.name} on {one.host}"
                + (f"  {one.detail}" if one.detail else "")
                for one in leftovers
            ),
            "",
            "Nothing else is touched.",
        ]
        super().__init__("Remove what an earlier lab left?", lines, "Remove", dangerous=True)
