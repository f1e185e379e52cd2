"""How something is getting on, for a terminal or a log."""

from __future__ import annotations

import shutil
from typing import TextIO

from rich.cells import set_cell_size

from tuivm.model.units import visible

_START_AND_ERASE = "\r\x1b[K"


class StatusLine:
    """One line that changes on a terminal; elsewhere, a new line now and then."""

    def __init__(self, err: TextIO) -> None:
        self._err = err
        self._terminal = err.isatty()
        self._open = False

    def note(self, text: str) -> None:
        """A line that stays."""
        self.end()
        self._err.write(f"tuivm: {visible(text)}\n")
        self._err.flush()

    def more(self, text: str) -> None:
        """What belongs to the line before."""
        self._err.write(f"  {visible(text)}\n")
        self._err.flush()

    def ask(self, text: str) -> None:
        """A question, whose answer is typed behind it."""
        self.end()
        self._err.write(visible(text))
        self._err.flush()

    def say(self, text: str, *, log: bool) -> None:
        """How it is now. log: where there is no terminal, it is worth a line."""
        text = visible(text)
        if self._terminal:
            # Never as wide as the terminal: that would begin a new line.
            width = shutil.get_terminal_size().columns - 1
            self._err.write(_START_AND_ERASE + set_cell_size(text, width).rstrip())
            self._open = True
        elif log:
            self._err.write(f"tuivm: {text}\n")
        self._err.flush()

    def end(self) -> None:
        """What comes next begins a line of its own."""
        if self._open:
            self._err.write(_START_AND_ERASE)
            self._err.flush()
            self._open = False
