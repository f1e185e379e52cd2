"""A comparison as one picture: charts, legend, table, and what makes it unfair. Pure."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Collection

from tuivm.model.comparison import MEASURES, Comparison, Measure, Row
from tuivm.model.recorded import Recorded
from tuivm.reports import words
from tuivm.reports.canvas import SHADES, Canvas, cut
from tuivm.reports.checks import timestamp
from tuivm.reports.plot import DASHES, HEIGHT, Look, draw_plot

WIDTH = 1000.0
LINES = 12
"""A chart shows the first so many devices; the table shows all."""
_LEFT = 24.0
_DEVICE = 236.0
_ROW = 66.0
_COLUMN = (WIDTH - 2 * _LEFT - _DEVICE) / len(MEASURES)
_WRAP = 132
"""Characters of small text that fit one line."""


def to_svg(recorded: Recorded, measures: Collection[str] = ()) -> str:
    """A self-contained SVG 1.1 picture, WIDTH px wide, on its own ground (light, or dark where the
    viewer asks for it). Devices differ by class colour, dash pattern and shape.

    measures: ids of those to chart; () is every one that has values.
    """
    comparison = recorded.comparison
    canvas = Canvas()
    title = f"{len(comparison.rows)} devices compared over {words.span(comparison.seconds)}"
    canvas.text(_LEFT, 36, title, "title")
    canvas.text(_LEFT, 56, f"up to {timestamp(recorded.taken)}", "quiet")
    looks = _looks(comparison)
    y = _legend(canvas, 78, comparison, looks)
    times = (f"-{words.span(comparison.seconds)}", "0")
    for measure in MEASURES:
        series = recorded.series.get(measure.id, ())
        wanted = measure.id in measures if measures else _has_values(series)
        if wanted:
            lines = list(zip(looks, series, strict=False))[:LINES]
            draw_plot(canvas, y, WIDTH, measure, lines=lines, times=times)
            y += HEIGHT
    y = _table(canvas, y, comparison, looks)
    y = _notes(canvas, y, comparison)
    return canvas.drawn(WIDTH, y + 12, title)


def _looks(comparison: Comparison) -> list[Look]:
    seen: dict[str, int] = {}
    looks = []
    for place, row in enumerate(comparison.rows):
        shade = seen.get(row.cls, 0)
        seen[row.cls] = shade + 1
        looks.append(Look(row.cls, shade % SHADES, DASHES[place % len(DASHES)]))
    return looks


def _has_values(lines: Collection[Collection[float]]) -> bool:
    return any(not math.isnan(value) for line in lines for value in line)


def _legend(canvas: Canvas, top: float, comparison: Comparison, looks: list[Look]) -> float:
    """Two columns; gives where to go on."""
    shown = list(zip(comparison.rows, looks, strict=True))[:LINES]
    for place, (row, look) in enumerate(shown):
        x, y = _LEFT + (place % 2) * (WIDTH - 2 * _LEFT) / 2, top + (place // 2) * 20
        canvas.rule(x, y, x + 44, look.line, look.dash)
        canvas.glyph(x + 56, y, look.cls, look.shade)
        canvas.text(x + 70, y + 4, cut(f"{words.where(row)}  {row.model}", 52))
    y = top + math.ceil(len(shown) / 2) * 20
    if len(comparison.rows) > LINES:
        left_out = len(comparison.rows) - LINES
        canvas.text(_LEFT, y + 4, f"the charts leave out {left_out} more", "small quiet")
        y += 20
    return y + 8


def _table(canvas: Canvas, top: float, comparison: Comparison, looks: list[Look]) -> float:
    canvas.text(_LEFT, top + 16, "device", "head")
    for place, measure in enumerate(MEASURES):
        canvas.text(_LEFT + _DEVICE + place * _COLUMN, top + 16, measure.title, "head")
    y = top + 26
    for row, look in zip(comparison.rows, looks, strict=True):
        canvas.rule(_LEFT, y, WIDTH - _LEFT, "grid")
        _device(canvas, y, row, look)
        for place, measure in enumerate(MEASURES):
            x = _LEFT + _DEVICE + place * _COLUMN
            _cell(canvas, x, y, row, measure)
            share = _share(comparison, row, measure)
            if share is not None:
                style = f"fill-{look.cls.value}-{look.shade}"
                canvas.box(x, y + _ROW - 9, max(1.0, (_COLUMN - 16) * share), 4, style)
        y += _ROW
    canvas.rule(_LEFT, y, WIDTH - _LEFT, "grid")
    return y


def _device(canvas: Canvas, y: float, row: Row, look: Look) -> None:
    canvas.glyph(_LEFT + 6, y + 16, look.cls, look.shade)
    canvas.text(_LEFT + 18, y + 20, cut(words.where(row), 30), "strong")
    about = " · ".join(filter(None, (row.model, row.cls.value, row.host)))
    canvas.text(_LEFT + 18, y + 36, cut(about, 31), "small")
    behind = " · ".join(filter(None, (row.note, words.backing_text(row.backing))))
    canvas.text(_LEFT + 18, y + 51, cut(behind, 31), "small quiet")


def _cell(canvas: Canvas, x: float, y: float, row: Row, measure: Measure) -> None:
    """Mean and mark, half the interval with a note, ratio; or why there is none of it."""
    figure = row.figures.get(measure.id)
    fits = int(_COLUMN / 6.7)
    if figure is None or figure.mean is None:
        canvas.text(x, y + 20, cut(figure.note if figure else "", fits), "quiet")
        return
    mark = words.mark(row, measure)
    canvas.text(x, y + 20, f"{words.amount(figure.mean, measure)} {mark}".strip(), "strong")
    interval = ""
    if figure.high is not None:
        interval = f"± {words.amount(figure.high - figure.mean, measure)}"
    # "no interval" and a note do not fit side by side.
    noted = ", ".join(filter(None, (interval, figure.note))) or "no interval"
    canvas.text(x, y + 36, cut(noted, fits), "small quiet")
    canvas.text(x, y + 51, cut(words.ratio_text(row.ratios.get(measure.id)), fits), "small")


def _share(comparison: Comparison, row: Row, measure: Measure) -> float | None:
    """The ratio as a part of the largest one."""
    means = [one.ratios[measure.id].mean for one in comparison.rows if measure.id in one.ratios]
    largest = max((mean for mean in means if mean is not None), default=0.0)
    mine = row.ratios.get(measure.id)
    return mine.mean / largest if mine and mine.mean is not None and largest > 0 else None


def _notes(canvas: Canvas, top: float, comparison: Comparison) -> float:
    y = top + 24
    if comparison.unfair:
        canvas.text(_LEFT, y, "What makes it unfair", "head")
        y += 18
        for one in comparison.unfair:
            for place, line in enumerate(textwrap.wrap(one.reason, _WRAP - 2) or [""]):
                canvas.text(_LEFT, y, f"{'  ' if place else '- '}{line}", "small")
                y += 15
        y += 10
    for line in textwrap.wrap(words.HOW, _WRAP):
        canvas.text(_LEFT, y, line, "small quiet")
        y += 15
    return y
