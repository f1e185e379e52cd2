"""How a run of the Lab is getting on, for a terminal or a log."""

from __future__ import annotations

from typing import TextIO

from tuivm.headless.statusline import StatusLine
from tuivm.model.lab import Phase, Progress
from tuivm.model.units import count, duration

EVERY = 10.0
"""Seconds between two lines in a log, besides those of a new phase."""


class ProgressLine(StatusLine):
    """How far a run is; in a log, a line of each phase and one now and then."""

    def __init__(self, err: TextIO) -> None:
        super().__init__(err)
        self._phase: Phase | None = None
        self._at = 0.0

    def show(self, progress: Progress) -> None:
        """Where the run is now."""
        due = progress.phase is not self._phase or progress.at - self._at >= EVERY
        if due:
            self._phase, self._at = progress.phase, progress.at
        self.say(line_of(progress), log=due)


def line_of(progress: Progress) -> str:
    """ " 42 %  1m 5s left  4 KiB reads on IDE: round 2 of 5  12.3k/s"."""
    left = "" if progress.left is None else f"  {duration(progress.left)} left"
    rate = "" if progress.rate is None else f"  {count(progress.rate)}/s"
    paused = "  PAUSED" if progress.paused else ""
    return f"{progress.done:4.0%}{left}{paused}  {progress.said}{rate}"
