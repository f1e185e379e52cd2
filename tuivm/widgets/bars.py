"""Horizontal bars whose ends show an interval, as text. Pure.

    ████████████████├──┼──┤
    ################[--+--]     where only ASCII can be shown

The bar ends where the interval begins; the cross is the median. An interval that is narrower than
a cell, or not known, is a single stroke (or nothing) at the median.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Bar(NamedTuple):
    """value: of what is drawn, None for what is not known; low and high: its interval."""

    value: float | None
    low: float | None = None
    high: float | None = None


_PARTS = " ▏▎▍▌▋▊▉"


def top_of(bars: Iterable[Bar]) -> float:
    """What the right edge stands for, so that all of them fit; 0 when there is nothing."""
    return max((one.high or one.value for one in bars if one.value is not None), default=0.0)


def draw(bar: Bar, top: float, width: int, *, ascii_only: bool) -> str:
    """At most `width` cells of a bar; top: what all of the width stands for. What is more than
    nothing is seen; what is not known, or negative, is blank."""
    value = bar.value
    if value is None or value <= 0 or top <= 0 or width <= 0:
        return ""
    full, left, line, cross, right, stroke = "#[-+]|" if ascii_only else "█├─┼┤┃"
    if bar.low is None or bar.high is None:
        return _plain(value / top * width, width, ascii_only=ascii_only)
    first, middle, last = (
        min(width - 1, max(0, int(one / top * width))) for one in (bar.low, value, bar.high)
    )
    if last - first < 2:
        return full * middle + stroke
    middle = min(last - 1, max(first + 1, middle))
    whisker = left + line * (middle - first - 1) + cross + line * (last - middle - 1) + right
    return full * first + whisker


def _plain(cells: float, width: int, *, ascii_only: bool) -> str:
    eighths = max(1, min(width * 8, round(cells * 8)))
    if ascii_only:
        return "#" * max(1, round(eighths / 8))
    whole, rest = divmod(eighths, 8)
    return "█" * whole + (_PARTS[rest] if rest else "")
