"""Figures of the Lab as text, each with its unit. Pure."""

from __future__ import annotations

from tuivm.model.lab import Interval, Verdict
from tuivm.model.units import byte_count, count, nanoseconds
from tuivm.widgets.chartdata import in_ascii

VERDICTS = {
    Verdict.BETTER: ("better", "$state-running"),
    Verdict.WORSE: ("worse", "$state-bad"),
    Verdict.SAME: ("no diff.", "$quiet"),
    Verdict.UNKNOWN: ("", "$quiet"),
}
"""(word, colour); "no diff." is: none was seen."""


def figure(value: float | None, unit: str, *, ascii_only: bool = False) -> str:
    """ "12.1M/s", "85.3µs", "26.1"; "-" for None. unit: of a LabMeasure, or "ratio"."""
    if value is None:
        return "-"
    if unit == "B/s":
        return f"{byte_count(value)}/s"
    if unit == "1/s":
        return f"{count(value)}/s"
    if unit in ("ns", "ns each"):
        text = nanoseconds(value)
        return in_ascii(text) if ascii_only else text
    if value >= 999.5:
        return count(value)
    return f"{value:.2g}" if 0 < value < 1 else f"{value:.3g}"


def interval(of: Interval, unit: str, *, ascii_only: bool) -> str:
    """ "25.9-26.3" in the unit of the figure; "" where there is none."""
    if of.low is None or of.high is None:
        return ""
    low = figure(of.low, unit, ascii_only=ascii_only)
    high = figure(of.high, unit, ascii_only=ascii_only)
    # What both have at their end is said once: "52.1-53.4µs".
    tail = len(high.lstrip("0123456789.,-"))
    if tail and low.endswith(high[-tail:]) and low[:-tail][-1:].isdigit():
        low = low[:-tail]
    return f"{low}{'-' if ascii_only else '–'}{high}"


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
