"""Dialogs of the Lab: exporting a run, and removing what a crash left behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from tuivm.model.lab import Leftover
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
