"""How a run of the Lab is getting on, for a terminal or a log."""

from __future__ import annotations

import shutil
from typing import TextIO

from rich.cells import set_cell_size

from tuivm.model.lab import Phase, Progress
from tuivm.model.units import count, duration, visible

EVERY = 10.0
"""Seconds between two lines in a log, besides those of a new phase."""
_START_AND_ERASE = "\r\x1b[K"


class ProgressLine:
    """One line that changes on a terminal; elsewhere, a new line now and then."""

    def __init__(self, err: TextIO) -> None:
        self._err = err
        self._terminal = err.isatty()
        self._open = False
        self._phase: Phase | None = None
        self._at = 0.0

    def note(self, text: str) -> None:
        """A line that stays."""
        self.end()
        self._err.write(f"tuivm: {visible(text)}\n")
        self._err.flush()

    def show(self, progress: Progress) -> None:
        """Where the run is now."""
        text = visible(line_of(progress))
        if self._terminal:
            # Never as wide as the terminal: that would begin a new line.
            width = shutil.get_terminal_size().columns - 1
            self._err.write(_START_AND_ERASE + set_cell_size(text, width).rstrip())
            self._open = True
        elif progress.phase is not self._phase or progress.at - self._at >= EVERY:
            self._phase, self._at = progress.phase, progress.at
            self._err.write(f"tuivm: {text}\n")
        self._err.flush()

    def end(self) -> None:
        """What comes next begins a line of its own."""
        if self._open:
            self._err.write(_START_AND_ERASE)
            self._err.flush()
            self._open = False


def line_of(progress: Progress) -> str:
    """ " 42 %  1m 5s left  4 KiB reads on IDE: round 2 of 5  12.3k/s"."""
    left = "" if progress.left is None else f"  {duration(progress.left)} left"
    rate = "" if progress.rate is None else f"  {count(progress.rate)}/s"
    paused = "  PAUSED" if progress.paused else ""
    return f"{progress.done:4.0%}{left}{paused}  {progress.said}{rate}"
