"""Values to characters: lines of braille dots, block columns, or ASCII marks. Pure.

Time runs to the right, one value a dot column; NaN and infinities are gaps. A dot column is drawn
from its own value and the one before it alone, so a new value never changes an older column.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

ChartStyle = Literal["braille", "block", "ascii"]

PER_CELL: dict[ChartStyle, int] = {"braille": 2, "block": 1, "ascii": 1}
"""Dot columns in a cell."""

MARKS = "*+ox#@abcdefghijklmnpqrstuvwyz"
"""In ASCII each series has a mark of its own: told apart without colour."""

_MARK_EVERY = 20
"""Cells from one mark on a line to the next, where lines are told apart by marks on them."""

BLANK = -1
_BLOCKS = " ▁▂▃▄▅▆▇█"
_DOTS_UP = 4
# Bit of a dot in U+2800…, by column (left, right) and height in the cell, lowest first.
_DOT_BITS = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))
# Bits of all dots from height a to height b of a column.
_SPAN_BITS = tuple(
    tuple(tuple(sum(bits[a : b + 1]) for b in range(_DOTS_UP)) for a in range(_DOTS_UP))
    for bits in _DOT_BITS
)
_NO_SERIES = 255


class Run(NamedTuple):
    """Characters drawn alike. series: its index, BLANK for none; under: the series behind it."""

    text: str
    series: int
    under: int = BLANK


Row = tuple[Run, ...]


def dot_columns(columns: int, style: ChartStyle) -> int:
    """How many values a plot of so many cells shows."""
    return max(0, columns) * PER_CELL[style]


def mark(index: int) -> str:
    """The ASCII mark of a series."""
    return MARKS[index % len(MARKS)]


def level(value: float, top: float, dots: int, bottom: float = 0.0) -> int | None:
    """Dot row of a value, 0 the lowest of `dots`; None for a gap. Outside the axis is cut off.

    The axis is logarithmic from `bottom` to `top`; linear when `bottom` is 0.
    """
    if not math.isfinite(value):
        return None
    if value <= bottom or not top > bottom:
        return 0
    if value >= top:
        return dots - 1
    part = math.log(value / bottom) / math.log(top / bottom) if bottom else value / top
    return round(part * (dots - 1))


def raster(
    series: Sequence[Sequence[float]],
    columns: int,
    rows: int,
    top: float,
    style: ChartStyle,
    *,
    bottom: float = 0.0,
    marks_from: int | None = None,
) -> list[Row]:
    """Draw series of values from 0 to `top` into `rows` rows of `columns` cells, top row first.

    The last value of each series is in the last dot column; with fewer values than columns the
    left is empty, with more the oldest are not shown. Later series are drawn over earlier ones.
    bottom: as in `level`. marks_from: the absolute number of the leftmost cell, for marks on the
    lines that stay where they are while history moves; None for no marks.
    """
    if columns <= 0 or rows <= 0:
        return [()] * max(0, rows)
    per_row = {"braille": _DOTS_UP, "block": 8, "ascii": 1}[style]
    dots = columns * PER_CELL[style]
    lines = [_placed(values, dots, rows * per_row, top, bottom) for values in series]
    marks = (
        _marks(lines, columns, marks_from) if marks_from is not None and style != "ascii" else []
    )
    return {"braille": _braille, "block": _block, "ascii": _ascii}[style](
        lines, columns, rows, [Mark(x, rows - 1 - up // per_row, index) for x, up, index in marks]
    )


class Mark(NamedTuple):
    """A cell of the plot that shows the mark of a series."""

    column: int
    row: int
    series: int


Levels = list[int | None]


def _placed(values: Sequence[float], columns: int, dots: int, top: float, bottom: float) -> Levels:
    """The dot row in each dot column."""
    shown = values[max(0, len(values) - columns) :]
    gap: Levels = [None] * (columns - len(shown))
    return gap + [level(value, top, dots, bottom) for value in shown]


def _marks(lines: list[Levels], columns: int, first: int) -> Iterator[tuple[int, int, int]]:
    """Column, dot row and series of each mark; a gap has none."""
    every = max(len(lines), min(_MARK_EVERY, columns))
    for index, levels in enumerate(lines):
        per_cell = len(levels) // columns
        offset = index * every // len(lines)
        for x in range((offset - first) % every, columns, every):
            known = [at for at in levels[x * per_cell : (x + 1) * per_cell] if at is not None]
            if known:
                yield x, known[-1], index


def _braille(lines: list[Levels], columns: int, rows: int, marks: list[Mark]) -> list[Row]:
    bits = [bytearray(columns) for _ in range(rows)]
    owners = [bytearray([_NO_SERIES]) * columns for _ in range(rows)]
    for index, levels in enumerate(lines):
        owner = min(index, _NO_SERIES - 1)
        previous: int | None = None
        for x, at in enumerate(levels):
            if at is not None:
                low, high = _stroke(previous, at)
                cell, masks = x >> 1, _SPAN_BITS[x & 1]
                for up in range(low // _DOTS_UP, high // _DOTS_UP + 1):
                    base = up * _DOTS_UP
                    row = rows - 1 - up
                    bits[row][cell] |= masks[max(low - base, 0)][min(high - base, _DOTS_UP - 1)]
                    owners[row][cell] = owner
            previous = at
    chars = [[chr(0x2800 + dots) if dots else " " for dots in line] for line in bits]
    for column, row, index in marks:
        chars[row][column] = mark(index)
        owners[row][column] = min(index, _NO_SERIES - 1)
    return [_runs(line, owner) for line, owner in zip(chars, owners, strict=True)]


def _ascii(lines: list[Levels], columns: int, rows: int, _marks: list[Mark]) -> list[Row]:
    cells = [[" "] * columns for _ in range(rows)]
    owners = [bytearray([_NO_SERIES]) * columns for _ in range(rows)]
    for index, levels in enumerate(lines):
        previous: int | None = None
        for x, at in enumerate(levels):
            if at is not None:
                low, high = _stroke(previous, at)
                for up in range(low, high + 1):
                    cells[rows - 1 - up][x] = mark(index)
                    owners[rows - 1 - up][x] = min(index, _NO_SERIES - 1)
            previous = at
    return [_runs(line, owner) for line, owner in zip(cells, owners, strict=True)]


def _stroke(previous: int | None, at: int) -> tuple[int, int]:
    """From next to the previous dot to this one, so that the line has no holes."""
    if previous is None or previous == at:
        return at, at
    return (previous + 1, at) if previous < at else (at, previous - 1)


def _block(lines: list[Levels], columns: int, rows: int, marks: list[Mark]) -> list[Row]:
    chars = [[" "] * columns for _ in range(rows)]
    looks = [[(BLANK, BLANK)] * columns for _ in range(rows)]
    for x in range(columns):
        heights: list[tuple[int, int]] = []
        for index, levels in enumerate(lines):
            at = levels[x]
            # A value of 0 is still drawn, one eighth high: only a gap is empty.
            if at is not None:
                heights.append((-at - 1, index))
        # Tallest at the back; of equals the later series is in front.
        for height, index in sorted(heights):
            full, eighths = divmod(-height, 8)
            look = (index, BLANK)
            for row in range(rows - full, rows):
                chars[row][x] = "█"
                looks[row][x] = look
            if eighths:
                row = rows - full - 1
                behind = chars[row][x]
                # Of two tops in one cell the outer one is the outline, so it stays.
                if behind in ("█", " ", _BLOCKS[eighths]):
                    under = looks[row][x][0] if behind == "█" else looks[row][x][1]
                    chars[row][x] = _BLOCKS[eighths]
                    looks[row][x] = (index, under)
    for column, y, series in marks:
        front, under = looks[y][column]
        # On a bar of its own a mark shows by the ground around it, on another's by that bar.
        if chars[y][column] == "█":
            under = front if front != series else BLANK
        chars[y][column] = mark(series)
        looks[y][column] = (series, under)
    return [_joined(line, look) for line, look in zip(chars, looks, strict=True)]


def _runs(chars: list[str], owners: bytearray) -> Row:
    """Neighbours of one series as one run; empty cells go with what is left of them."""
    runs: list[Run] = []
    start, current = 0, BLANK
    for x, owner in enumerate(owners):
        if owner in (_NO_SERIES, current):
            continue
        if current != BLANK:
            runs.append(Run("".join(chars[start:x]), current))
            start = x
        current = owner
    runs.append(Run("".join(chars[start:]), current))
    return tuple(runs)


def _joined(chars: list[str], looks: list[tuple[int, int]]) -> Row:
    runs: list[Run] = []
    start = 0
    for x in range(1, len(looks) + 1):
        if x == len(looks) or looks[x] != looks[start]:
            runs.append(Run("".join(chars[start:x]), *looks[start]))
            start = x
    return tuple(runs)
