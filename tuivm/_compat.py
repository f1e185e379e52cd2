"""The only place that touches what Textual keeps private."""

from __future__ import annotations

import logging
import sys
from typing import Any

from textual.app import App


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
