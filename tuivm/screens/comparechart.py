"""The lines of a comparison, live or as recorded, as the time chart draws them. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from tuivm.model.comparison import MEASURES, Comparison, Measure, Row
from tuivm.model.recorded import Recorded
from tuivm.screens.chartcontrols import value_text
from tuivm.screens.comparetable import BY_ID
from tuivm.widgets.timechart import ChartData, ChartSeries
from tuivm.widgets.window import Window

DRAWN = 20
"""Lines on the chart at most: nobody could tell more of them apart, and to draw a hundred takes
longer than a key may."""
MEASURE_IDS = tuple(measure.id for measure in MEASURES)


def drawn(comparison: Comparison) -> Comparison:
    """With the rows alone that have a line in the chart: the first ones."""
    if len(comparison.rows) <= DRAWN:
        return comparison
    return replace(comparison, rows=comparison.rows[:DRAWN])


def live_chart(
    comparison: Comparison,
    lines: Sequence[Sequence[float]],
    measure: str,
    window: Window,
    *,
    ascii_only: bool,
) -> ChartData:
    """lines: one a device, of the measure in this window."""
    title = _title(BY_ID[measure], "", ascii_only=ascii_only)
    return _chart(comparison, BY_ID[measure], lines, window, title=title, ascii_only=ascii_only)


def recorded_window(recorded: Recorded, columns: int, now: float) -> Window:
    """All that was recorded in so many dot columns, as if its last bucket had just become full
    (now: monotonic seconds)."""
    points = max((len(line) for line in recorded.series.get(MEASURE_IDS[0], ())), default=1)
    step = recorded.step * max(1, math.ceil(points / max(1, columns)))
    return Window(step, max(0, columns), math.floor(now / step) - 1)


def recorded_chart(
    recorded: Recorded, measure: str, window: Window, *, taken: str, ascii_only: bool
) -> ChartData:
    """A line a device as it was recorded. taken: when that was, in words."""
    per = max(1, round(window.step / recorded.step))
    lines = [_thinned(line, per, window.count) for line in recorded.series.get(measure, ())[:DRAWN]]
    title = _title(BY_ID[measure], f"recorded {taken}", ascii_only=ascii_only)
    return _chart(
        drawn(recorded.comparison),
        BY_ID[measure],
        lines,
        window,
        title=title,
        ascii_only=ascii_only,
    )


def _chart(
    comparison: Comparison,
    measure: Measure,
    lines: Sequence[Sequence[float]],
    window: Window,
    *,
    title: str,
    ascii_only: bool,
) -> ChartData:
    unit = measure.unit
    series = tuple(
        ChartSeries(
            label=f"{row.ref.target} {row.guest}",
            values=line,
            role=row.cls.value,
            glyph=row.cls.letter if ascii_only else row.cls.glyph,
            value=value_text(_newest(line), unit),
        )
        for row, line in zip(comparison.rows, lines, strict=False)
    )
    note = _why_empty(comparison.rows, measure)
    return ChartData(
        title, unit, window.step, window.end_bucket, series, note=note, marks=len(series) > 1
    )


def _why_empty(rows: Sequence[Row], measure: Measure) -> str:
    """Shown while no line has a value."""
    if not rows:
        return "nothing is chosen"
    notes = {row.figures[measure.id].note for row in rows if measure.id in row.figures}
    notes.discard("")
    return f"{measure.title}: {', '.join(sorted(notes))}" if notes else ""


def _title(measure: Measure, more: str, *, ascii_only: bool) -> str:
    better = "more is better" if measure.more else "less is better"
    return (" - " if ascii_only else " · ").join(filter(None, (measure.title, better, more)))


def _newest(line: Sequence[float]) -> float:
    return next((value for value in reversed(line) if not math.isnan(value)), math.nan)


def _thinned(line: Sequence[float], per: int, count: int) -> list[float]:
    """The means of `per` points each, the newest at the end of `count` columns."""
    values = []
    for end in range(len(line), 0, -per):
        known = [value for value in line[max(0, end - per) : end] if not math.isnan(value)]
        values.append(math.fsum(known) / len(known) if known else math.nan)
    values = values[:count]
    return [math.nan] * (count - len(values)) + values[::-1]
