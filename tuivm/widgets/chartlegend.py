"""The legend of a time chart: at its right in a column, or above it on a line or two. Pure."""

from __future__ import annotations

from typing import NamedTuple

from rich.cells import cell_len

from tuivm.model.units import visible
from tuivm.widgets import raster
from tuivm.widgets.chartdata import (
    ChartData,
    Line,
    Piece,
    fit,
    in_ascii,
    pad,
    role_at,
    series_roles,
)
from tuivm.widgets.raster import ChartStyle

_GAP = 2
"""Cells between the plot and the legend beside it, and between entries on one line."""

_SHARE = 16
"""Cells that an entry on a line has at least, with its gap, when there are several."""

_TAIL = 3
"""Cells kept for "+5", the number of what did not fit."""


class _Entry(NamedTuple):
    """A heading (group set, no series) or a series."""

    glyph: str
    label: str
    value: str
    role: str
    group: int
    series: int = -1


def beside(data: ChartData, width: int, rows: int, style: ChartStyle, *, marks: bool) -> list[Line]:
    """The legend as `rows` lines of `width` cells; each begins with a gap.

    Without room for all, headings come before series, and each group keeps its first series.
    """
    loose, headings, members = _sorted(data, style, marks=marks)
    room = rows
    total = len(loose) + len(headings) + len(members)
    if total > rows:
        room = max(0, rows - 1)
        headings = headings[:room]
        loose = loose[: room - len(headings)]
        members = _fairly(members, room - len(headings) - len(loose))
    indent = 2 if width >= 28 else 1
    lines: list[Line] = [_row(entry, 0, width, style) for entry in loose]
    for heading in headings:
        lines.append(_row(heading, 0, width, style))
        mine = (entry for entry in members if entry.group == heading.group)
        lines.extend(_row(entry, indent, width, style) for entry in mine)
    if total > rows:
        more = f"{'':{_GAP}}+{total - len(lines)} more"
        lines.append((Piece(pad(fit(more, width, style), width), "label"),))
    blank: Line = (Piece(" " * width),)
    return lines[:rows] + [blank] * (rows - len(lines))


def above(data: ChartData, width: int, rows: int, style: ChartStyle, *, marks: bool) -> list[Line]:
    """The legend on one line, sums of groups first; or these on the first of two lines."""
    loose, headings, members = _sorted(data, style, marks=marks)
    if rows == 2:
        return [_in_a_row([headings], width, style), _in_a_row([loose + members], width, style)]
    return [_in_a_row([headings, loose + members], width, style)] * rows


def _in_a_row(kinds: list[list[_Entry]], width: int, style: ChartStyle) -> Line:
    """As many as fit; of one kind each gets its share, so that none hides the rest."""
    pieces: list[Piece] = []
    left = width
    waiting = sum(map(len, kinds))
    for entries in kinds:
        needs = [_needs(entry) for entry in entries]
        shown = len(entries)
        while shown and sum(min(_SHARE, need) for need in needs[:shown]) > left - _TAIL * (
            shown < waiting
        ):
            shown -= 1
        for index, entry in enumerate(entries[:shown]):
            # What the others do not need is for this one to take.
            room = left - _TAIL * (shown - index < waiting)
            share = max(room // (shown - index), room - sum(needs[index + 1 : shown]))
            text = _short(entry, share - _GAP, style)
            if cell_len(text) > left:
                break
            pieces.append(Piece(text + " " * min(_GAP, left - cell_len(text)), entry.role))
            left -= cell_len(pieces[-1].text)
            waiting -= 1
        if shown < len(entries):
            break
    tail = fit(f"+{waiting}", left, style) if waiting else ""
    return (*pieces, Piece(pad(tail, left), "label")) if left else tuple(pieces)


def _needs(entry: _Entry) -> int:
    """The cells of an entry that is not cut, with the gap after it."""
    parts = (part for part in (entry.glyph, visible(entry.label), visible(entry.value)) if part)
    return sum(cell_len(part) + 1 for part in parts) + _GAP - 1


def _short(entry: _Entry, width: int, style: ChartStyle) -> str:
    """Glyph, label and value in so many cells, or in a few more: something of each is left."""
    value = f" {fit(entry.value, max(4, width // 2), style)}" if entry.value else ""
    glyph = f"{entry.glyph} " if entry.glyph else ""
    return glyph + fit(entry.label, max(2, width - cell_len(glyph + value)), style) + value


def _sorted(
    data: ChartData, style: ChartStyle, *, marks: bool
) -> tuple[list[_Entry], list[_Entry], list[_Entry]]:
    """Series of no group, headings, and series of a group, each in the order given."""
    loose: list[_Entry] = []
    members: list[_Entry] = []
    for index, (series, role) in enumerate(zip(data.series, series_roles(data), strict=True)):
        glyph = visible(series.glyph) or ("█" if style == "block" else "━")
        if style == "ascii" or marks:
            # What marks it in the plot has to be here, whatever else is.
            glyph = f"{raster.mark(index)} {visible(series.glyph)}".rstrip()
        grouped = 0 <= series.group < len(data.groups)
        group = series.group if grouped else -1
        value = in_ascii(series.value) if style == "ascii" else series.value
        entry = _Entry(glyph, series.label, value, role, group, index)
        (members if grouped else loose).append(entry)
    headings = [
        _Entry(visible(group.glyph), group.label, group.value, role_at(group.role, index), index)
        for index, group in enumerate(data.groups)
    ]
    return loose, headings, members


def _fairly(members: list[_Entry], room: int) -> list[_Entry]:
    """So many series, the first of each group before the second of any; in the order given."""
    ranks: dict[int, int] = {}
    ranked: list[tuple[int, int, _Entry]] = []
    for entry in members:
        rank = ranks[entry.group] = ranks.get(entry.group, -1) + 1
        ranked.append((rank, entry.series, entry))
    kept = {entry.series for *_, entry in sorted(ranked)[: max(0, room)]}
    return [entry for entry in members if entry.series in kept]


def _row(entry: _Entry, indent: int, width: int, style: ChartStyle) -> Line:
    glyph = " " * (_GAP + indent) + (f"{entry.glyph} " if entry.glyph else "")
    room = width - cell_len(glyph)
    value = fit(entry.value, room - min(cell_len(visible(entry.label)) + 1, 8), style)
    label = fit(entry.label, room - cell_len(value) - 1, style)
    return (Piece(pad(glyph + label, width - cell_len(value)) + value, entry.role),)
