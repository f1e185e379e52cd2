"""Values to characters: lines of braille dots, block columns, or ASCII marks. Pure.

Time runs to the right, one value a dot column; NaN and infinities are gaps. A dot column is drawn
from its own value and the one before it alone, so a new value never changes an older column.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

ChartStyle = Literal["braille", "block", "ascii"]

PER_CELL: dict[ChartStyle, int] = {"braille": 2, "block": 1, "ascii": 1}
"""Dot columns in a cell."""

MARKS = "*+ox#@"
"""In ASCII each series has a mark of its own: told apart without colour."""

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


def level(value: float, top: float, dots: int) -> int | None:
    """Dot row of a value, 0 the lowest of `dots`; None for a gap. Outside 0 … top is cut off."""
    if not math.isfinite(value):
        return None
    if value <= 0 or not top > 0:
        return 0
    return dots - 1 if value >= top else round(value / top * (dots - 1))


def raster(
    series: Sequence[Sequence[float]], columns: int, rows: int, top: float, style: ChartStyle
) -> list[Row]:
    """Draw series of values from 0 to `top` into `rows` rows of `columns` cells, top row first.

    The last value of each series is in the last dot column; with fewer values than columns the
    left is empty, with more the oldest are not shown. Later series are drawn over earlier ones.
    """
    if columns <= 0 or rows <= 0:
        return [()] * max(0, rows)
    draw = {"braille": _braille, "block": _block, "ascii": _ascii}[style]
    return draw(series, columns, rows, top)


def _placed(values: Sequence[float], dots: int) -> tuple[int, Sequence[float]]:
    """The dot column of the first value shown, and the values shown."""
    return max(0, dots - len(values)), values[max(0, len(values) - dots) :]


def _braille(series: Sequence[Sequence[float]], columns: int, rows: int, top: float) -> list[Row]:
    bits = [bytearray(columns) for _ in range(rows)]
    owners = [bytearray([_NO_SERIES]) * columns for _ in range(rows)]
    for index, values in enumerate(series):
        first, shown = _placed(values, columns * 2)
        previous: int | None = None
        for x, value in enumerate(shown, first):
            at = level(value, top, rows * _DOTS_UP)
            if at is not None:
                low, high = _stroke(previous, at)
                cell, masks = x >> 1, _SPAN_BITS[x & 1]
                for up in range(low // _DOTS_UP, high // _DOTS_UP + 1):
                    base = up * _DOTS_UP
                    row = rows - 1 - up
                    bits[row][cell] |= masks[max(low - base, 0)][min(high - base, _DOTS_UP - 1)]
                    owners[row][cell] = min(index, _NO_SERIES - 1)
            previous = at
    return [
        _runs([chr(0x2800 + dots) if dots else " " for dots in line], owner)
        for line, owner in zip(bits, owners, strict=True)
    ]


def _ascii(series: Sequence[Sequence[float]], columns: int, rows: int, top: float) -> list[Row]:
    cells = [[" "] * columns for _ in range(rows)]
    owners = [bytearray([_NO_SERIES]) * columns for _ in range(rows)]
    for index, values in enumerate(series):
        first, shown = _placed(values, columns)
        previous: int | None = None
        for x, value in enumerate(shown, first):
            at = level(value, top, rows)
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


def _block(series: Sequence[Sequence[float]], columns: int, rows: int, top: float) -> list[Row]:
    chars = [[" "] * columns for _ in range(rows)]
    looks = [[(BLANK, BLANK)] * columns for _ in range(rows)]
    placed = [_placed(values, columns) for values in series]
    for x in range(columns):
        heights: list[tuple[int, int]] = []
        for index, (first, shown) in enumerate(placed):
            at = level(shown[x - first], top, rows * 8) if x >= first else None
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
