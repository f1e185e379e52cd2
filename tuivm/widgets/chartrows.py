"""A whole chart as rows of text: title, axes, plot, legend; and what changed between two. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

from tuivm.model.units import duration, visible
from tuivm.widgets import raster, scale
from tuivm.widgets.raster import ChartStyle
from tuivm.widgets.tabletext import plain_width

GUTTER = scale.LABEL_WIDTH + 1
_WIDE = 60
_MERGE = 16
"""Moving the cursor and setting a colour costs about as many bytes as so many braille cells."""

ROLES = (*(f"series-{number}" for number in range(1, 7)), "paravirtual", "emulated", "physical")
"""Colours that a series may have."""


@dataclass(frozen=True, slots=True)
class ChartSeries:
    """One line of a chart.

    label: untrusted text. values: one for each dot column, oldest first; NaN is a gap. role: one
    of ROLES, anything else gets a colour by position. glyph: in front of the label. value: the
    latest figure as text, or the one under the cursor. group: index into ChartData.groups, -1 for
    none.
    """

    label: str
    values: Sequence[float]
    role: str
    glyph: str = ""
    value: str = ""
    group: int = -1


@dataclass(frozen=True, slots=True)
class ChartGroup:
    """Series that belong together in the legend, with their sum; role and glyph as of a series."""

    label: str
    role: str
    glyph: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class ChartData:
    """What a chart shows.

    title: untrusted text. unit: "%", "B", "B/s", "ns", or what is counted. step: seconds in a dot
    column. end_bucket: number of the last bucket (see window.Window). y_max: top of the axis, None
    for one that fits itself. note: why there is nothing to see, when there is nothing to see.
    log: logarithmic axis. cursor: the dot column whose values the legend shows, None for none.
    ends_ago: seconds that the right edge lies in the past, 0 for a live chart. paused: it stands
    still. groups: headings of the legend, see ChartSeries.group.
    """

    title: str
    unit: str
    step: float
    end_bucket: int
    series: tuple[ChartSeries, ...]
    y_max: float | None = None
    note: str = ""
    log: bool = False
    cursor: int | None = None
    ends_ago: float = 0.0
    paused: bool = False
    groups: tuple[ChartGroup, ...] = ()


class Piece(NamedTuple):
    """Text drawn alike. role: one of ROLES, "title", "axis", "label", "note" or "" for plain;
    under: role whose colour is behind it."""

    text: str
    role: str = ""
    under: str = ""


Line = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Layout:
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


def layout(width: int, height: int) -> Layout:
    """Share out a size; the plot keeps at least one cell of any size that has one."""
    wide = width >= _WIDE
    title = int(height >= 4)
    above = int(not wide and height >= 5)
    time = int(height >= 6 and width >= 24)
    rows = max(0, height - title - above - time)
    gutter = GUTTER if width >= 20 and rows >= 2 else 0
    legend = min(30, max(18, width // 4)) + 2 if wide else 0
    return Layout(title, above, rows, time, gutter, max(0, width - gutter - legend), legend)


def fixed_top(y_max: float | None) -> float | None:
    """A usable fixed top of the axis, None when the axis has to fit itself."""
    return y_max if y_max is not None and math.isfinite(y_max) and y_max > 0 else None


def compose(data: ChartData, width: int, height: int, style: ChartStyle, top: float) -> list[Line]:
    """All rows of a chart whose y axis ends at `top`; each is exactly `width` cells wide."""
    if width <= 0 or height <= 0:
        return []
    place = layout(width, height)
    roles = [_role(series.role, index) for index, series in enumerate(data.series)]
    lines: list[Line] = []
    if place.title:
        lines.append(_title(data, place, width, style))
    if place.legend_above:
        lines.append(_legend_above(data, roles, width, style))
    body = _plot(data, roles, place, style, top)
    if place.time:
        body.append(_time_axis(data.step, place, style))
    if place.legend:
        legend = _legend(data, roles, place, len(body), style)
        body = [(*line, *entry) for line, entry in zip(body, legend, strict=True)]
    return lines + body


def _role(role: str, index: int) -> str:
    return role if role in ROLES else ROLES[index % 6]


def _fit(text: str, width: int, style: ChartStyle) -> str:
    """Untrusted text in at most `width` cells, with a sign when it had to be cut."""
    text = plain_width(visible(text))
    if cell_len(text) <= width:
        return text
    if width <= 0:
        return ""
    return set_cell_size(text, width - 1).rstrip() + ("~" if style == "ascii" else "…")


def _pad(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))


def _title(data: ChartData, place: Layout, width: int, style: ChartStyle) -> Line:
    span = "" if place.time else f"last {_span(data, place, style)}"
    unit = visible(data.unit)
    right = "  ".join(part for part in (unit, span) if part)
    if cell_len(right) > width // 2:
        right = _fit(unit, width // 2, style)
    left = _fit(data.title, width - cell_len(right) - 1, style)
    return Piece(_pad(left, width - cell_len(right)), "title"), Piece(right, "label")


def _span(data: ChartData, place: Layout, style: ChartStyle) -> str:
    return duration(data.step * raster.dot_columns(place.columns, style))


def _time_axis(step: float, place: Layout, style: ChartStyle) -> Line:
    corner, rule = ("+", "-") if style == "ascii" else ("└", "─")
    oldest = f" -{duration(step * raster.dot_columns(place.columns, style))} "
    newest = " now"
    left = place.columns - len(oldest) - len(newest) - 1
    text = f"{rule}{oldest}{rule * left}{newest}" if left > 0 else rule * place.columns
    start = " " * (place.gutter - 1) + corner if place.gutter else ""
    return (Piece(start + text, "axis"),)


def _plot(
    data: ChartData, roles: list[str], place: Layout, style: ChartStyle, top: float
) -> list[Line]:
    values = [series.values for series in data.series]
    if math.isnan(scale.highest_of(values)):
        plot = _empty(data, place, style)
    else:
        plot = [
            tuple(
                Piece(
                    run.text,
                    roles[run.series] if run.series != raster.BLANK else "",
                    roles[run.under] if run.under != raster.BLANK else "",
                )
                for run in row
            )
            for row in raster.raster(values, place.columns, place.rows, top, style)
        ]
    if not place.gutter:
        return plot
    labels = {
        place.rows - 1 - (raster.level(tick.value, top, place.rows) or 0): tick.label
        for tick in scale.ticks(top, data.unit, place.rows)
    }
    tick_sign, line_sign = ("+", "|") if style == "ascii" else ("┤", "│")
    return [
        (
            Piece(
                labels.get(y, "").rjust(scale.LABEL_WIDTH)
                + (tick_sign if y in labels else line_sign),
                "axis",
            ),
            *row,
        )
        for y, row in enumerate(plot)
    ]


def _empty(data: ChartData, place: Layout, style: ChartStyle) -> list[Line]:
    blank: Line = (Piece(" " * place.columns),) if place.columns else ()
    plot = [blank] * place.rows
    if place.rows and place.columns:
        text = _fit(data.note or "no data yet", place.columns, style)
        before = (place.columns - cell_len(text)) // 2
        plot[(place.rows - 1) // 2] = (Piece(_pad(" " * before + text, place.columns), "note"),)
    return plot


def _glyph(series: ChartSeries, index: int, style: ChartStyle) -> str:
    """What marks a series in the legend; in ASCII that is its mark in the plot, always."""
    if style == "ascii":
        mark = raster.mark(index)
        return f"{mark} {visible(series.glyph)}" if series.glyph else mark
    return visible(series.glyph) or ("█" if style == "block" else "━")


def _legend(
    data: ChartData, roles: list[str], place: Layout, rows: int, style: ChartStyle
) -> list[Line]:
    width = place.legend - 2
    shown = len(data.series) if len(data.series) <= rows else rows - 1
    lines: list[Line] = []
    for index, series in enumerate(data.series[:shown]):
        glyph = f"  {_glyph(series, index, style)} "
        room = width + 2 - cell_len(glyph)
        value = _fit(series.value, room - min(cell_len(visible(series.label)) + 1, 8), style)
        label = _fit(series.label, room - cell_len(value) - 1, style)
        text = _pad(glyph + label, width + 2 - cell_len(value))
        lines.append((Piece(text + value, roles[index]),))
    if shown < len(data.series):
        more = f"  +{len(data.series) - shown} more"
        lines.append((Piece(_pad(_fit(more, width + 2, style), width + 2), "label"),))
    blank: Line = (Piece(" " * (width + 2)),)
    return lines[:rows] + [blank] * (rows - len(lines))


def _legend_above(data: ChartData, roles: list[str], width: int, style: ChartStyle) -> Line:
    """All series on one line, as many as fit; each gets its share, so that none hides the rest."""
    pieces: list[Piece] = []
    left = width
    for index, series in enumerate(data.series):
        share = max(8, (left - 2) // (len(data.series) - index))
        value = f" {_fit(series.value, max(4, share // 2), style)}" if series.value else ""
        glyph = f"{_glyph(series, index, style)} "
        label = _fit(series.label, max(3, share - cell_len(glyph + value) - 2), style)
        text = f"{glyph}{label}{value}"
        if cell_len(text) > left:
            break
        pieces.append(Piece(text + "  " if cell_len(text) + 2 <= left else text, roles[index]))
        left -= cell_len(pieces[-1].text)
    missing = len(data.series) - len(pieces)
    tail = _fit(f"+{missing}", left, style) if missing else ""
    return (*pieces, Piece(_pad(tail, left), "label")) if left else tuple(pieces)


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
