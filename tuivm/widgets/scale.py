"""The y axis of a chart: round ends that do not flicker, and ticks with units. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise
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

_DECADES = 6
_BYTE_STEPS = 5
"""A logarithmic axis spans so many powers at most: of 10, or of 16 for bytes (16**5 is 2**20)."""

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


class Axis(NamedTuple):
    """The ends of a y axis; bottom 0 means a linear one, else it is logarithmic."""

    top: float
    bottom: float = 0.0


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


class LogScale(NamedTuple):
    """A logarithmic axis that fits itself to the data; both ends are powers of `log_base`."""

    top: float = 0.0
    """0 means: nothing was seen yet."""
    bottom: float = 0.0
    narrow: int = 0
    """For how many pushes in a row the data would have fitted well into less."""

    def advance(self, lowest: float, highest: float, unit: str) -> LogScale:
        """The axis after one more push. lowest: of the values above 0; NaN: there is none.

        As AutoScale: it widens at once and narrows after PATIENCE pushes, with a factor of 2 to
        spare. What is further below the top than an axis spans is drawn on the bottom line.
        """
        if math.isnan(highest):
            if self.top:
                return self
            highest = 0.0
        top = _log_top(highest, unit)
        if not self.top:
            return LogScale(top, _log_bottom(lowest, top, unit))
        calm_top = min(self.top, _log_top(highest * 2, unit))
        calm_bottom = _log_bottom(lowest / 2, calm_top, unit)
        narrow = 0
        if top <= self.top and (calm_top < self.top or calm_bottom > self.bottom):
            narrow = self.narrow + 1
        if narrow >= PATIENCE:
            return LogScale(calm_top, calm_bottom)
        top = max(top, self.top)
        below = _log_bottom(lowest, top, unit)
        least = _log_bottom(0.0, top, unit)
        return LogScale(top, min(max(self.bottom, least), below), narrow)


def log_base(unit: str) -> float:
    """What one step of a logarithmic axis multiplies by: 1K, 16K, 256K, 4M … for bytes."""
    return 16.0 if _is_bytes(unit) else 10.0


def _log_top(highest: float, unit: str) -> float:
    wanted = min(max(highest, _smallest(unit)), _LARGEST.get(unit, _LARGEST_OTHER))
    base = log_base(unit)
    return max(base ** math.ceil(math.log(wanted, base) - 1e-9), _log_floor(unit) * base**2)


def _log_bottom(lowest: float, top: float, unit: str) -> float:
    """At least two steps under the top and at most what an axis spans; noise is not blown up."""
    base = log_base(unit)
    steps = _BYTE_STEPS if _is_bytes(unit) else _DECADES
    least = max(_log_floor(unit), top / base**steps)
    if math.isnan(lowest):
        return top / base**2
    power = base ** math.floor(math.log(min(max(lowest, least), top), base) + 1e-9)
    return min(max(power, least), top / base**2)


def _log_floor(unit: str) -> float:
    return 256.0 if _is_bytes(unit) else 1000.0 if unit == "ns" else 0.01


def lowest_of(series: Iterable[Iterable[float]]) -> float:
    """The smallest finite value above 0 of all series, NaN when there is none."""
    return min(
        (value for values in series for value in values if 0 < value < math.inf), default=math.nan
    )


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


def log_ticks(top: float, bottom: float, unit: str, rows: int) -> tuple[Tick, ...]:
    """Ticks from `bottom` to `top`, lowest first; none without room.

    The lowest reads "<64K": zeros and all that is smaller are drawn there too.
    """
    if rows < 2 or not top > bottom > 0:
        return ()
    base = log_base(unit)
    span = math.log(top / bottom, base)
    every = next((n for n in (1, 2, 3) if rows >= 2 * math.ceil(span / n - 1e-9) - 1), 6)
    found = [top]
    exponent = math.floor(math.log(top, base) + 1e-9)
    while (value := base**exponent) > bottom:
        # In rows: a label needs one of its own, and a free one beside it reads better.
        above = math.log(top / value, base) / span * (rows - 1)
        if above >= 1.5 and rows - 1 - above >= 1.5:
            found.append(value)
        exponent -= every
    labelled = [Tick(value, tick_label(value, unit, value)) for value in reversed(found)]
    return (Tick(bottom, _under(tick_label(bottom, unit, bottom))), *labelled)


def _under(label: str) -> str:
    """The label with "<" before it, in LABEL_WIDTH: "100µs" -> "<.1ms", "0.01%" -> "<.01%"."""
    if len(label) < LABEL_WIDTH:
        return f"<{label}"
    for small, large in pairwise(_TIME):
        if label == f"100{small}":
            return f"<.1{large}"
    shorter = "<" + label.removeprefix("0")
    return shorter if len(shorter) <= LABEL_WIDTH else label


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
