"""Whether the terminal keeps up with what is written to it.

Ticks that it cannot take are skipped, not queued: a queued one would stand in front of the answer
to the next key. Two signs are watched. Output that waits in this process, and, since a socket and
ssh hold hundreds of KB that this process cannot see, the answer to a question sent after each
painted tick (DSR, "where is the cursor", which every terminal answers): while it is outstanding,
what was painted before it has not arrived yet.
"""

from __future__ import annotations

QUESTION = "\x1b[6n"
SILENT_AFTER = 3
"""Questions without any answer after which a terminal counts as one that never answers."""
PATIENCE = 10.0
"""Seconds after which an outstanding answer is given up: it was lost."""


class Flow:
    """Decides, before each tick, whether to paint. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._asked_at: float | None = None
        self._unanswered = 0
        self._answers = False
        self.skipped = 0

    def clear(self, waiting_writes: int, now: float) -> bool:
        """Whether a tick may be painted now."""
        outstanding = self._asked_at is not None and now - self._asked_at < PATIENCE
        if waiting_writes > 0 or (outstanding and self._answers):
            self.skipped += 1
            return False
        return True

    def wants_to_ask(self) -> bool:
        """Whether to send the question after the tick that is painted now."""
        return self._answers or self._unanswered < SILENT_AFTER

    def asked(self, now: float) -> None:
        if self._asked_at is not None:
            self._unanswered += 1
        self._asked_at = now

    def answered(self) -> None:
        self._asked_at = None
        self._answers = True
        self._unanswered = 0
