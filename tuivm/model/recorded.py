"""A comparison as it was measured, with the lines of its charts, to be kept. Pure."""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace

from tuivm.model.comparing import tracing
from tuivm.model.comparison import MEASURES, Comparison
from tuivm.model.steps import finish
from tuivm.model.store import Store

_STEPS = (1.0, 5.0, 10.0)
_POINTS = 400
"""A line has at most so many points."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """taken: s since the epoch, at the end of the window. step: seconds between two points of
    series. series: measure id -> one line a row, oldest first; NaN is a gap. comparison.end is 0:
    monotonic seconds mean nothing outside the program that measured them. name: what it was saved
    as, "" when it was not.
    """

    comparison: Comparison
    taken: float
    step: float
    series: Mapping[str, tuple[tuple[float, ...], ...]] = field(default_factory=dict)
    name: str = ""


def record(store: Store, comparison: Comparison, taken: float) -> Recorded:
    """Keep a comparison with its series over its window. Series have five significant digits (the
    history has four), times are whole milliseconds."""
    return finish(recording(store, comparison, taken))


def recording(
    store: Store, comparison: Comparison, taken: float
) -> Generator[None, None, Recorded]:
    """As `record`, in steps of a few milliseconds."""
    seconds = comparison.seconds
    step = next((step for step in _STEPS if seconds / step <= _POINTS), _STEPS[-1])
    count = max(1, round(seconds / step))
    series: dict[str, tuple[tuple[float, ...], ...]] = {}
    for measure in MEASURES:
        work = tracing(store, comparison, measure.id, comparison.end, step, count)
        lines = []
        for line in (yield from work):
            lines.append(tuple(_rounded(value) for value in line))
            yield
        series[measure.id] = tuple(lines)
    return Recorded(replace(comparison, end=0.0), round(taken, 3), step, series)


def _rounded(value: float) -> float:
    return value if math.isnan(value) else float(f"{value:.5g}")
