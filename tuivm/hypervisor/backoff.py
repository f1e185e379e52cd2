"""When to try again, and how long to wait between two samples. Pure."""

from __future__ import annotations

import random
from collections.abc import Callable

LOST_FIRST, LOST_MOST = 1.0, 30.0
FAILED_FIRST, FAILED_MOST = 5.0, 60.0


class Backoff:
    """Seconds until the next try: doubling, with jitter, for ever.

    The jitter keeps many hosts that went down together from being asked all at the same moment.
    """

    def __init__(self, chance: Callable[[], float] = random.random) -> None:
        self._chance = chance
        self._tries = 0

    def reset(self) -> None:
        self._tries = 0

    def next(self, *, refused: bool) -> float:
        """refused: a person has to mend something, so ask less often."""
        first, most = (FAILED_FIRST, FAILED_MOST) if refused else (LOST_FIRST, LOST_MOST)
        # Past 2**10 the limit has long been reached; the exponent must not grow for ever.
        full = min(most, first * 2.0 ** min(self._tries, 10))
        self._tries += 1
        return max(first, full * (0.5 + 0.5 * self._chance()))


SLOWEST = 30.0


class Pace:
    """The interval between ticks: the one asked for, longer while ticks take long."""

    def __init__(self, wanted: float) -> None:
        self._wanted = wanted
        self.interval = wanted

    def want(self, seconds: float) -> None:
        """Change what is asked for; a stretched interval eases back from where it is."""
        if seconds != self._wanted:
            stretched = self.interval > self._wanted
            self._wanted = seconds
            self.interval = max(self.interval, seconds) if stretched else seconds

    def took(self, seconds: float) -> None:
        """A tick took this long: stretch above half of the interval, ease below a quarter."""
        if seconds > self.interval / 2:
            self.interval = min(max(SLOWEST, self._wanted), 2.5 * seconds)
        elif seconds < self.interval / 4:
            self.interval = max(self._wanted, 0.8 * self.interval)
