"""Which buckets of the history a chart shows. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tuivm.model.history import COARSE_STEP, FINE_SLOTS, FINE_STEP


@dataclass(frozen=True, slots=True)
class Window:
    """`count` buckets of `step` seconds, the last of them bucket number `end_bucket`.

    `History.buckets(key, window.end, window.step, window.count)` reads them.
    """

    step: float
    count: int
    end_bucket: int
    wide: int = 1
    """Dot columns that each bucket takes."""

    @property
    def end(self) -> float:
        """A time in the middle of the last bucket (so that rounding cannot miss it)."""
        return (self.end_bucket + 0.5) * self.step

    @property
    def span(self) -> float:
        """Seconds shown, the part ahead of now included."""
        return self.step * self.count


def pick_window(seconds: float, now: float, count: int, per_cell: int) -> Window:
    """The buckets for `seconds` up to monotonic `now` (or before it: to scroll back).

    They fill `count` dot columns. The step is the smallest whole second that fits them in, and a
    whole number of the history's coarse buckets where seconds are not kept for so long. The last
    bucket is the last one *of its cell* of `per_cell` dot columns, so a cell always holds the same
    buckets: history moves by whole cells and what is drawn never changes while it moves. In a live
    chart the part of the newest cell that lies ahead of `now` has no values yet; the cells before
    it (where there are any) hold all that was asked for. Where there are several cells for each
    second, a bucket takes as many of them as still hold `seconds`.
    """
    count = max(0, count)
    past = max(1, count - per_cell)
    wide = int(past * FINE_STEP / seconds) // per_cell * per_cell
    if wide > 1:
        return Window(FINE_STEP, count // wide, math.floor(now / FINE_STEP), wide)
    step = max(FINE_STEP, math.ceil(seconds / past / FINE_STEP) * FINE_STEP)
    fine_span = FINE_STEP * FINE_SLOTS
    if step * count > fine_span and (step >= COARSE_STEP or seconds > fine_span):
        step = math.ceil(step / COARSE_STEP) * COARSE_STEP
    cell = math.floor(now / step / per_cell)
    return Window(step, count, (cell + 1) * per_cell - 1)
