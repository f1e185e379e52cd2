"""Blocking work off the event loop, on daemon threads that nothing joins when the program ends.

`asyncio.to_thread` would be joined at the end: a write to a hung home directory would hold `q`.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


async def off_the_loop(work: Callable[[], T]) -> T:
    """Run `work` on a thread of its own and wait for it. What it raises is raised here."""
    future: Future[T] = Future()
    # The program may end, and stop waiting, before the work has: from here on it cannot be undone.
    future.set_running_or_notify_cancel()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - handed on to the waiter
            future.set_exception(error)

    threading.Thread(target=run, name="background", daemon=True).start()
    return await asyncio.wrap_future(future)
