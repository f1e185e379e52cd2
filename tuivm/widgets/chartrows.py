"""A whole chart as rows of text: title, axes, plot, legend; and what changed between two. Pure."""

from __future__ import annotations

import math
import re
import textwrap
from typing import NamedTuple

from rich.cells import cell_len

from tuivm.model.units import duration, visible
from tuivm.widgets import chartlegend, raster, scale
from tuivm.widgets.chartdata import (
    ChartData,
    ChartGroup,
    ChartSeries,
    Line,
    Piece,
    fit,
    in_ascii,
    pad,
    series_roles,
    widened,
)
from tuivm.widgets.raster import ChartStyle

__all__ = [
    "GUTTER",
    "ChartData",
    "ChartGroup",
    "ChartSeries",
    "Layout",
    "Line",
    "Piece",
    "changed_spans",
    "compose",
    "fixed_top",
    "layout",
]

GUTTER = scale.LABEL_WIDTH + 1
_WIDE = 60
_MERGE = 16
"""Moving the cursor and setting a colour costs about as many bytes as so many braille cells."""


class Layout(NamedTuple):
    """Where things are, from the size alone, so that nothing moves when figures change.

    In rows: title, legend_above, rows (the plot), time. In columns: gutter, columns (the plot),
    legend (two of them empty).
    """

    title: int
    legend_above: int
    rows: int
    time: int
    gutter: int
    columns: int
    legend: int


def layout(width: int, height: int, *, grouped: bool = False) -> Layout:
    """Share out a size; the plot keeps at least one cell of any size that has one.

    grouped: the legend has headings, which get a line of their own above a plot of some height.
    """
    wide = width >= _WIDE
    title = int(height >= 4)
    above = 0 if wide or height < 5 else 2 if grouped and height >= 10 else 1
    time = int(height >= 6 and width >= 24)
    rows = max(0, height - title - above - time)
    gutter = GUTTER if width >= 20 and rows >= 2 else 0
    legend = min(30, max(18, width // 4)) + 2 if wide else 0
    return Layout(title, above, rows, time, gutter, max(0, width - gutter - legend), legend)


def fixed_top(y_max: float | None) -> float | None:
    """A usable fixed top of the axis, None when the axis has to fit itself."""
    return y_max if y_max is not None and math.isfinite(y_max) and y_max > 0 else None


def compose(
    data: ChartData,
    width: int,
    height: int,
    style: ChartStyle,
    top: float,
    *,
    bottom: float = 0.0,
    marks: bool = False,
) -> list[Line]:
    """All rows of a chart whose y axis ends at `top`; each is exactly `width` cells wide.

    bottom: where a logarithmic axis begins; 0 for a linear one. marks: put each series' ASCII mark
    on its line now and then (in ASCII it is drawn with nothing else), where colour does not tell
    the lines apart.
    """
    if width <= 0 or height <= 0:
        return []
    data = widened(data)
    place = layout(width, height, grouped=bool(data.groups))
    lines: list[Line] = []
    if place.title:
        lines.append(_title(data, place, width, style))
    if place.legend_above:
        lines += chartlegend.above(data, width, place.legend_above, style, marks=marks)
    body = _plot(data, place, style, scale.Axis(top, bottom), marks=marks)
    if place.time:
        body.append(_time_axis(data, place, style))
    if place.legend:
        legend = chartlegend.beside(data, place.legend, len(body), style, marks=marks)
        body = [(*line, *entry) for line, entry in zip(body, legend, strict=True)]
    return lines + body


def _title(data: ChartData, place: Layout, width: int, style: ChartStyle) -> Line:
    span = "" if place.time else _span(data, place, style)
    unit = visible(data.unit)
    right = "  ".join(part for part in (unit, span) if part)
    if cell_len(right) > width // 2:
        right = fit(unit, width // 2, style)
    paused = ("= paused" if style == "ascii" else "‖ paused") if data.paused else ""
    paused = fit(paused, width - cell_len(right) - 2, style)
    sign = (">" if style == "ascii" else "▸") + " " if data.current else ""
    left = fit(
        sign + data.title, width - cell_len(right) - 1 - (cell_len(paused) + 2) * data.paused, style
    )
    if not paused:
        return Piece(pad(left, width - cell_len(right)), "title"), Piece(right, "label")
    room = width - cell_len(paused) - 2 - cell_len(right)
    return Piece(pad(left, room), "title"), Piece(f"{paused}  ", "paused"), Piece(right, "label")


def _span(data: ChartData, place: Layout, style: ChartStyle) -> str:
    shown = data.step * raster.dot_columns(place.columns, style)
    if data.ends_ago <= 0:
        return f"last {_long(shown)}"
    to = ".." if style == "ascii" else "…"
    return f"{_ago(data.ends_ago + shown)} {to} {_ago(data.ends_ago)}"


def _ago(seconds: float) -> str:
    return f"-{_long(seconds)}"


def _long(seconds: float) -> str:
    """ "5m" where `duration` says "5m 0s"."""
    return re.sub(r" 0\w$", "", duration(seconds))


def _time_axis(data: ChartData, place: Layout, style: ChartStyle) -> Line:
    corner, rule = ("+", "-") if style == "ascii" else ("└", "─")
    oldest = f" {_ago(data.ends_ago + data.step * raster.dot_columns(place.columns, style))} "
    newest = f" {_ago(data.ends_ago)}" if data.ends_ago > 0 else " now"
    start = " " * (place.gutter - 1) + corner if place.gutter else ""
    axis = [rule] * place.columns
    cursor = _cursor_cell(data, place, style)
    label = _cursor_label(data, place, style) if cursor is not None else ""
    at = min(max(0, (cursor or 0) - cell_len(label) // 2), place.columns - cell_len(label))
    taken = range(at - 1, at + cell_len(label) + 1) if label else range(0)
    for text, where in ((oldest, 1), (newest, place.columns - len(newest))):
        free = where >= 0 and where + len(text) <= place.columns
        others = len(oldest) + len(newest) + 1 < place.columns
        if free and others and not (where < taken.stop and taken.start < where + len(text)):
            axis[where : where + len(text)] = text
    line = start + "".join(axis)
    if not label:
        return (Piece(line, "axis"),)
    split = len(start) + at
    return (
        Piece(line[:split], "axis"),
        Piece(label, "cursor"),
        Piece(line[split + cell_len(label) :], "axis"),
    )


def _cursor_cell(data: ChartData, place: Layout, style: ChartStyle) -> int | None:
    """The cell of the plot that the cursor is in."""
    if data.cursor is None or not place.columns:
        return None
    return min(max(0, data.cursor // raster.PER_CELL[style]), place.columns - 1)


def _cursor_label(data: ChartData, place: Layout, style: ChartStyle) -> str:
    after = raster.dot_columns(place.columns, style) - 1 - (data.cursor or 0)
    text = data.cursor_label or _ago(data.ends_ago + data.step * max(0, after))
    # The rule of the axis is the same sign as a minus in ASCII.
    return fit(f" {text} " if style == "ascii" else text, place.columns, style)


def _plot(
    data: ChartData, place: Layout, style: ChartStyle, axis: scale.Axis, *, marks: bool
) -> list[Line]:
    values = [series.values for series in data.series]
    if math.isnan(scale.highest_of(values)):
        plot = _empty(data, place, style)
    else:
        roles = [*series_roles(data), ""]
        per_cell = raster.PER_CELL[style]
        first = (data.end_bucket + 1) // per_cell - place.columns if marks else None
        rows = raster.raster(
            values, place.columns, place.rows, axis.top, style, bottom=axis.bottom, marks_from=first
        )
        # BLANK is the index of the last, which is the look of nothing.
        plot = [
            tuple(Piece(run.text, roles[run.series], roles[run.under]) for run in r) for r in rows
        ]
        cursor = _cursor_cell(data, place, style)
        if cursor is not None:
            plot = [_crossed(line, cursor, "|" if style == "ascii" else "│") for line in plot]
    if not place.gutter:
        return plot
    return [
        (piece, *row) for piece, row in zip(_gutter(data, place, style, axis), plot, strict=True)
    ]


def _gutter(data: ChartData, place: Layout, style: ChartStyle, axis: scale.Axis) -> list[Piece]:
    top, bottom = axis
    ticks = (
        scale.log_ticks(top, bottom, data.unit, place.rows)
        if bottom
        else scale.ticks(top, data.unit, place.rows)
    )
    labels = {
        place.rows - 1 - (raster.level(tick.value, top, place.rows, bottom) or 0): (
            in_ascii(tick.label) if style == "ascii" else tick.label
        )
        for tick in ticks
    }
    tick_sign, line_sign = ("+", "|") if style == "ascii" else ("┤", "│")
    return [
        Piece(
            labels.get(y, "").rjust(scale.LABEL_WIDTH) + (tick_sign if y in labels else line_sign),
            "axis",
        )
        for y in range(place.rows)
    ]


def _crossed(line: Line, at: int, sign: str) -> Line:
    """A row of the plot with the cursor through it; what is drawn there stays."""
    pieces: list[Piece] = []
    start = 0
    for piece in line:
        x = at - start
        start += len(piece.text)
        if not 0 <= x < len(piece.text) or piece.text[x] not in " █":
            pieces.append(piece)
            continue
        text, role, under = piece
        # A full cell keeps its colour, behind the cursor.
        here = Piece(sign, "cursor", role if text[x] == "█" else under)
        parts = (Piece(text[:x], role, under), here, Piece(text[x + 1 :], role, under))
        pieces += [part for part in parts if part.text]
    return tuple(pieces)


def _empty(data: ChartData, place: Layout, style: ChartStyle) -> list[Line]:
    blank: Line = (Piece(" " * place.columns),) if place.columns else ()
    plot = [blank] * place.rows
    if place.rows and place.columns:
        lines = textwrap.wrap(data.note or "no data yet", place.columns)[: place.rows]
        first = (place.rows - len(lines)) // 2
        for row, line in enumerate(lines, first):
            text = fit(line, place.columns, style)
            before = (place.columns - cell_len(text)) // 2
            plot[row] = (Piece(pad(" " * before + text, place.columns), "note"),)
    return plot


def changed_spans(old: Line, new: Line) -> list[tuple[int, int]]:
    """The columns [from, to) in which two lines of the same width differ; near ones as one."""
    if old == new:
        return []
    before, after = _cells(old), _cells(new)
    if before is None or after is None or len(before) != len(after):
        return [(0, sum(cell_len(piece.text) for piece in new))]
    spans: list[tuple[int, int]] = []
    for x, (was, now) in enumerate(zip(before, after, strict=True)):
        if was == now:
            continue
        if spans and x - spans[-1][1] < _MERGE:
            spans[-1] = (spans[-1][0], x + 1)
        else:
            spans.append((x, x + 1))
    return spans


def _cells(line: Line) -> list[tuple[str, str, str]] | None:
    """Each cell with its look; None when a character is not one cell wide."""
    cells: list[tuple[str, str, str]] = []
    for text, role, under in line:
        if cell_len(text) != len(text):
            return None
        # The colour of an empty cell does not show.
        cells.extend((char, role if char != " " else "", under) for char in text)
    return cells
