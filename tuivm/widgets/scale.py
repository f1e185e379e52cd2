"""The y axis of a chart: a round top that does not flicker, and ticks with units. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

LABEL_WIDTH = 5
"""No tick label is wider than this, whatever the figure: a gutter never jumps."""

PATIENCE = 5
"""So many pushes the data must stay under half of the scale before the scale shrinks."""

_BINARY = ("", "K", "M", "G", "T", "P")
_DECIMAL = ("", "k", "M", "G", "T", "P")
_TIME = ("ns", "µs", "ms", "s")
_LARGEST = {"ns": 1e12}
_LARGEST_OTHER = 9e14
"""Automatic scales end here; larger figures are drawn at the top."""

# Top of a decimal scale (mantissa) -> into how many equal parts its ticks may divide it.
_MANTISSAS: tuple[tuple[float, tuple[int, ...]], ...] = (
    (1.0, (2,)),
    (1.5, (3,)),
    (2.0, (2,)),
    (3.0, (3,)),
    (4.0, (2,)),
    (6.0, (3, 2)),
    (8.0, (2,)),
)


class Tick(NamedTuple):
    """value: where on the axis; label: at most LABEL_WIDTH cells."""

    value: float
    label: str


class AutoScale(NamedTuple):
    """An axis that fits itself to the data. top 0 means: nothing was seen yet."""

    top: float = 0.0
    under: int = 0
    """For how many pushes in a row the data has been under half of `top`."""

    def advance(self, highest: float, unit: str) -> AutoScale:
        """The axis after one more push whose largest value is `highest` (NaN: no data at all).

        It grows at once, so nothing is cut off; it shrinks only after PATIENCE pushes under half,
        so a value that swings around a round number does not redraw the whole chart each second.
        """
        if math.isnan(highest):
            return self if self.top else AutoScale(nice_top(0.0, unit))
        wanted = nice_top(highest, unit)
        if wanted > self.top:
            return AutoScale(wanted)
        if wanted < self.top and highest < self.top / 2:
            under = self.under + 1
            return AutoScale(wanted) if under >= PATIENCE else AutoScale(self.top, under)
        return AutoScale(self.top)


def highest_of(series: Iterable[Iterable[float]]) -> float:
    """The largest finite value of all series, NaN when there is none."""
    return max(
        (value for values in series for value in values if math.isfinite(value)), default=math.nan
    )


def nice_top(highest: float, unit: str) -> float:
    """The smallest round number that holds `highest`, and never less than makes sense.

    Bytes ("B", "B/s") are 2, 3, 4, 6, 8, 12, … of the binary units; all else is decimal. Noise
    of a few bytes or of a tenth of a percent is not blown up to the full height.
    """
    wanted = min(max(highest, _smallest(unit)), _LARGEST.get(unit, _LARGEST_OTHER))
    if _is_bytes(unit):
        power = 2.0 ** math.ceil(math.log2(wanted))
        return power * 0.75 if power * 0.75 >= wanted else power
    power = 10.0 ** math.floor(math.log10(wanted))
    for mantissa, _ in _MANTISSAS:
        if mantissa * power >= wanted * (1 - 1e-9):
            return mantissa * power
    return 10.0 * power


def ticks(top: float, unit: str, rows: int) -> tuple[Tick, ...]:
    """Two to four ticks from 0 to `top` for a plot `rows` high, lowest first; none without room."""
    if rows < 2 or not top > 0:
        return ()
    parts = next((part for part in _parts(top, unit) if rows >= 2 * part - 1), 1)
    return tuple(
        Tick(value, tick_label(value, unit, top))
        for value in (top * (index / parts) for index in range(parts + 1))
    )


def tick_label(value: float, unit: str, top: float) -> str:
    """A round figure as short as it can be: 1572864 bytes -> "1.5M", 50 % -> "50%", 0 -> "0".

    top: the largest figure on the axis; times carry its unit, so 0 to 10 ms reads 0, 5ms, 10ms.
    """
    if value == 0:
        return "0"
    if unit == "ns":
        step = _step_of(top, 1000.0, len(_TIME))
        return _short(value / 1000.0**step, 2) + _TIME[step]
    base, suffixes = (1024.0, _BINARY) if _is_bytes(unit) else (1000.0, _DECIMAL)
    if unit == "%" and value < 9999.5:
        return f"{_short(value)}%"
    step = _step_of(value, base, len(suffixes))
    return _short(value / base**step) + suffixes[step]


def _step_of(value: float, base: float, steps: int) -> int:
    step = 0
    while step + 1 < steps and round(value / base**step) >= base:
        step += 1
    return step


def _short(value: float, digits: int = 3) -> str:
    """At most four characters: `digits` digits where there is a point, else up to four."""
    if value >= 9999.5:
        return "10k+"
    if value >= 10.0 ** (digits - 1) - 0.5:
        return f"{value:.0f}"
    return f"{round(value, digits - 1):.{digits}g}"


def _is_bytes(unit: str) -> bool:
    return unit.startswith("B")


def _smallest(unit: str) -> float:
    if _is_bytes(unit):
        return 16 * 1024.0
    if unit == "ns":
        return 1000.0
    return 10.0


def _parts(top: float, unit: str) -> tuple[int, ...]:
    if _is_bytes(unit):
        return (3,) if math.frexp(top)[0] == 0.75 else (2,)
    if top < 1e-9:
        return (2,)
    mantissa = top / 10.0 ** math.floor(math.log10(top) + 1e-9)
    for known, parts in _MANTISSAS:
        if math.isclose(known, mantissa, rel_tol=1e-6):
            return parts
    return (2,)
