"""Figures of the Lab as text, each with its unit. Pure."""

from __future__ import annotations

from tuivm.model.lab import Interval, Verdict
from tuivm.widgets.chartdata import in_ascii

VERDICTS = {
    Verdict.BETTER: ("better", "$state-running"),
    Verdict.WORSE: ("worse", "$state-bad"),
    Verdict.SAME: ("no diff.", "$quiet"),
    Verdict.UNKNOWN: ("", "$quiet"),
}
"""(word, colour); "no diff." is: none was seen."""


_SCALES: dict[str, tuple[float, tuple[str, ...], str]] = {
    "B/s": (1024.0, ("", "K", "M", "G", "T"), "/s"),
    "1/s": (1000.0, ("", "k", "M", "G"), "/s"),
    "ns": (1000.0, ("ns", "µs", "ms", "s"), ""),
    "ns each": (1000.0, ("ns", "µs", "ms", "s"), ""),
}
"""By unit: the step from one suffix to the next, the suffixes, and what follows."""
_COUNTS = (1000.0, ("", "k", "M", "G"), "")


def figure(value: float | None, unit: str, *, ascii_only: bool = False) -> str:
    """ "12.1M/s", "85.3µs", "26.1"; "-" for None. unit: of a LabMeasure, or "ratio"."""
    if value is None:
        return "-"
    power = _power(value, unit)
    return f"{_digits(value, unit, power)}{_suffix(unit, power, ascii_only=ascii_only)}"


def interval(of: Interval, unit: str, *, ascii_only: bool) -> str:
    """ "25.9–26.3µs", both ends in the unit of the median; "" where there is none."""
    if of.low is None or of.high is None:
        return ""
    power = _power(of.median, unit)
    low, high = (_digits(one, unit, power) for one in (of.low, of.high))
    dash = "-" if ascii_only else "–"
    return f"{low}{dash}{high}{_suffix(unit, power, ascii_only=ascii_only)}"


def _power(value: float, unit: str) -> int:
    step, suffixes, _ = _SCALES.get(unit, _COUNTS)
    power = 0
    while abs(value) >= 999.5 and power < len(suffixes) - 1:
        value /= step
        power += 1
    return power


def _digits(value: float, unit: str, power: int) -> str:
    """Three of them: intervals are often narrower than two can tell."""
    scaled = value / _SCALES.get(unit, _COUNTS)[0] ** power
    if unit not in _SCALES and power == 0:
        # A count a request: 26, 1, 0.04.
        return f"{scaled:.2g}" if 0 < scaled < 1 else f"{scaled:.3g}"
    return f"{scaled:.{0 if scaled >= 99.95 else 1 if scaled >= 9.995 else 2}f}"


def _suffix(unit: str, power: int, *, ascii_only: bool) -> str:
    _, suffixes, after = _SCALES.get(unit, _COUNTS)
    text = f"{suffixes[power]}{after}"
    return in_ascii(text) if ascii_only else text


def ratio(of: Interval | None, *, ascii_only: bool) -> str:
    """ "2.14×"; "" where there is none."""
    if of is None:
        return ""
    digits = 0 if of.median >= 99.5 else 1 if of.median >= 9.95 else 2
    return f"{of.median:.{digits}f}{'x' if ascii_only else '×'}"


def span(low: float, high: float | None) -> str:
    """A published range of ratios."""
    if high is None:
        return f"{low:.3g} and more"
    return f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"
