"""A run of the Lab as one picture: a bar with its interval for each device and measure. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tuivm.model.lab import ExperimentResult, LabMeasure, LabRun, SubjectFigures, Verdict
from tuivm.model.labamounts import amount, bounds, factor
from tuivm.model.labfigures import results
from tuivm.model.units import visible
from tuivm.reports.canvas import Canvas, cut
from tuivm.reports.labtables import HOW, grouped, host_facts

WIDTH = 1000.0
_LEFT = 24.0
_COLUMNS = 2
_GAP = 24.0
_CHART = (WIDTH - 2 * _LEFT - _GAP) / _COLUMNS
_NAME = 166.0
_FIGURE = 190.0
_BAR = _CHART - _NAME - _FIGURE
_ROW = 22.0
_HEAD = 30.0
_THICK = 11.0
_WRAP = 138
"""Characters of small text that fit one line."""
_TAIL = "p95"
"""Left out: between the two percentiles that are shown."""


class _Text(NamedTuple):
    lines: Iterable[str]
    bullet: bool = True


def lab_to_svg(run: LabRun) -> str:
    """A self-contained SVG 1.1 picture, WIDTH px wide, on its own ground (light, or dark where the
    viewer asks for it). Classes differ by colour and shape; a line over the end of a bar is the
    95 % interval of the median."""
    canvas = Canvas()
    name = cut(run.name, 60)
    canvas.text(_LEFT, 36, name, "title")
    y = 56.0
    facts = " · ".join(value for title, value in host_facts(run) if title != "backing")
    y = _lines(canvas, y, _Text([facts], bullet=False))
    for result in results(run):
        y = _experiment(canvas, y, run, result)
    y = _section(canvas, y, "What makes it less than fair", run.caveats)
    y = _section(canvas, y, "On the way", run.remarks)
    omitted = [f"{one.subject}: {one.why}" for one in run.plan.omitted]
    y = _section(canvas, y, "Left out", omitted)
    y = _lines(canvas, y + 18, _Text([HOW], bullet=False))
    return canvas.drawn(WIDTH, y + 12, f"Lab: {name}")


def _experiment(canvas: Canvas, top: float, run: LabRun, result: ExperimentResult) -> float:
    backing = run.plan.backings.get(result.experiment)
    behind = f" (backing: {backing.value})" if backing else ""
    canvas.text(_LEFT, top + 26, f"{result.experiment.value}{behind}", "head")
    y = top + 40
    row, column = y, 0
    height = _HEAD + _ROW * len(result.rows) + 12
    for title, measure in _charts(run, result):
        x = _LEFT + column * (_CHART + _GAP)
        _chart(canvas, (x, row), measure, result.rows, title)
        column += 1
        if column == _COLUMNS:
            row, column = row + height, 0
    y = row + (height if column else 0)
    return _lines(canvas, y + 10, _Text(result.words))


def _charts(run: LabRun, result: ExperimentResult) -> Iterator[tuple[str, LabMeasure]]:
    for load, measures in grouped(run, result):
        for measure in measures:
            if not measure.id.endswith(_TAIL):
                yield load, measure


def _chart(
    canvas: Canvas,
    corner: tuple[float, float],
    measure: LabMeasure,
    rows: Iterable[SubjectFigures],
    load: str,
) -> None:
    x, top = corner
    better = "more is better" if measure.rising else "less is better"
    canvas.text(x, top + 12, cut(measure.title, 34), "strong")
    canvas.text(x + _CHART, top + 12, better, "small quiet", "end")
    canvas.text(x, top + 25, cut(load, 70), "small quiet")
    shown = [(row, row.figures.get(measure.id)) for row in rows]
    ends = [one.high or one.median for _, one in shown if one is not None]
    highest = max(ends, default=0.0)
    for place, (row, figure) in enumerate(shown):
        y = top + _HEAD + place * _ROW + _ROW / 2
        canvas.glyph(x + 7, y, row.subject.cls, 0)
        canvas.text(x + 19, y + 4, cut(row.subject.title, 22), "small")
        start = x + _NAME
        if figure is None:
            canvas.text(start, y + 4, "not measured", "small quiet")
            continue
        scale = _BAR / highest if highest > 0 else 0.0
        cls = row.subject.cls.value
        length = max(1.0, figure.median * scale)
        canvas.box(start, y - _THICK / 2, length, _THICK, f"fill-{cls}-1")
        if figure.low is not None and figure.high is not None:
            low, high = start + figure.low * scale, start + figure.high * scale
            whisker = (
                f"M{low:.1f} {y:.1f}H{high:.1f}M{low:.1f} {y - 4:.1f}v8M{high:.1f} {y - 4:.1f}v8"
            )
            canvas.path(whisker, f"trace line-{cls}-2")
        said = f"{amount(figure.median, measure.unit)}  {_ratio(row, measure)}".rstrip()
        canvas.text(x + _CHART, y + 4, said, "small", "end")
    bottom = top + _HEAD + len(shown) * _ROW
    canvas.path(f"M{x + _NAME:.1f} {top + _HEAD:.1f}V{bottom:.1f}", "axis")


def _ratio(row: SubjectFigures, measure: LabMeasure) -> str:
    ratio = row.ratios.get(measure.id)
    if ratio is None or row.subject.baseline:
        return "baseline" if row.subject.baseline else ""
    real = row.verdicts.get(measure.id) in (Verdict.BETTER, Verdict.WORSE)
    # What is counted is no sample: its ratio is as it is.
    sure = "" if real or not measure.workload else "~"
    return f"{sure}{factor(ratio.median)}×{bounds(ratio)}"


def _section(canvas: Canvas, top: float, title: str, lines: Iterable[str]) -> float:
    found = list(lines)
    if not found:
        return top
    canvas.text(_LEFT, top + 22, title, "head")
    return _lines(canvas, top + 40, _Text(found))


def _lines(canvas: Canvas, top: float, text: _Text) -> float:
    """Wrapped; gives where to go on."""
    y = top
    for sentence in text.lines:
        for place, line in enumerate(textwrap.wrap(visible(sentence), _WRAP - 2) or [""]):
            lead = "" if not text.bullet else "  " if place else "- "
            canvas.text(_LEFT, y, f"{lead}{line}", "small")
            y += 15
    return y
