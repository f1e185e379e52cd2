"""The only place that touches what Textual keeps private."""

from __future__ import annotations

import logging
import sys
from typing import Any

from rich.cells import get_character_cell_size
from rich.console import Console
from rich.control import Control
from textual._compositor import ChopsUpdate
from textual.app import App
from textual.strip import Strip


def waiting_writes(app: App[Any]) -> int:
    """How many pieces of output wait in front of the terminal.

    Textual hands output to a thread through a queue of 30 pieces and *blocks the event loop* when
    it is full, so whoever paints on a tick has to look first. There is no public way to.
    """
    thread = getattr(app._driver, "_writer_thread", None)
    queue = getattr(thread, "_queue", None)
    return 0 if queue is None else int(queue.qsize())


def write_control(app: App[Any], sequence: str) -> None:
    """Send an escape sequence that paints nothing (a question to the terminal)."""
    driver = app._driver
    if driver is not None and not app.is_headless:
        driver.write(sequence)


class QuietCrash(App[int]):
    """An app whose unexpected end leaves one line on the terminal, and the traceback in the log.

    Textual prints the traceback, with all local variables, over the person's shell; the only
    place to change that is private.
    """

    def _fatal_error(self) -> None:
        error = sys.exc_info()[1]
        logging.getLogger("tuivm").error("the user interface ended", exc_info=True)
        self.panic(f"tuivm: unexpected error: {type(error).__name__}; the log file has the rest")


def paint_changed_spans_only() -> None:
    """From now on a partial repaint writes the cells it is asked for, and no others.

    Textual writes the line from the left edge of the widget up to them: of a table in which 30 %
    of the cells change, 2.7 times as many bytes (benchmarks/table.py). Does nothing more when
    called again.
    """
    ChopsUpdate.render_segments = _render_spans  # type: ignore[method-assign]


def _render_spans(self: ChopsUpdate, console: Console) -> str:
    """ChopsUpdate.render_segments. A chop is the part of a line that shows one widget."""
    written: list[str] = []
    for y, left, right in self.spans:
        for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
            begin, stop = max(x, left), min(end, right)
            if strip is None or begin >= stop:
                continue
            if begin > x or stop < end:
                begin, stop = _whole_characters(strip, begin - x, stop - x)
                strip = strip.crop(begin, stop)  # noqa: PLW2901 - the part of it that is written
                begin += x
            written += (Control.move_to(begin, y).segment.text, strip.render(console))
    return "".join(written)


def _whole_characters(strip: Strip, begin: int, stop: int) -> tuple[int, int]:
    """The span, made wider where it would cut a character that is two cells wide."""
    text = strip.text
    if text.isascii():
        return begin, stop
    at = 0
    for char in text:
        after = at + get_character_cell_size(char)
        if at < begin < after:
            begin = at
        if at < stop < after:
            stop = after
        at = after
    return begin, stop
