"""The only place that touches what Textual keeps private."""

from __future__ import annotations

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
