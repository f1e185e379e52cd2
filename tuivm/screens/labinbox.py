"""From the thread of a run to the event loop: what it says of itself, one wake-up for many."""

from __future__ import annotations

import threading
from collections.abc import Callable

from tuivm.model.lab import Progress


class Inbox:
    """wake: called on the run's thread when there is something and was nothing; must not block."""

    def __init__(self, wake: Callable[[], object]) -> None:
        self._wake = wake
        self._lock = threading.Lock()
        self._waiting: list[Progress] = []

    def put(self, progress: Progress) -> None:
        with self._lock:
            first = not self._waiting
            self._waiting.append(progress)
        if first:
            self._wake()

    def take(self) -> list[Progress]:
        """All that waits, in order."""
        with self._lock:
            found, self._waiting = self._waiting, []
        return found
