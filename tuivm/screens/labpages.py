"""The pages of the Lab place, and the line of keys of each."""

from __future__ import annotations

from enum import Enum


class Page(Enum):
    CHOOSE = "choose"
    LESSON = "lesson"
    RUN = "run"
    RESULT = "result"
    PAIR = "pair"


ALWAYS = (("program.explain", ""), ("program.palette", ""), ("program.help", ""))
HINTS: dict[Page, tuple[tuple[str, str], ...]] = {
    Page.CHOOSE: (
        ("screen.start", ""),
        ("screen.pick", "change"),
        ("screen.open", ""),
        ("screen.compare_runs", "compare"),
        ("screen.export_run", ""),
        ("screen.stop", "remove"),
        ("screen.open_run_file", ""),
    ),
    Page.LESSON: (
        ("screen.back", ""),
        ("screen.start", ""),
        ("screen.next_measure", ""),
        ("screen.export_run", ""),
    ),
    Page.RUN: (
        ("screen.back", "leave it running"),
        ("screen.pick", "pause"),
        ("screen.stop", "stop"),
        ("screen.next_measure", "chart"),
        ("screen.logarithmic", "log"),
    ),
    Page.RESULT: (
        ("screen.back", ""),
        ("screen.next_measure", ""),
        ("screen.export_run", ""),
        ("screen.compare_runs", "compare"),
    ),
    Page.PAIR: (("screen.back", ""), ("screen.next_measure", ""), ("screen.export_run", "")),
}
"""The line of keys of each page: command, and its label there ("" for its own)."""
