"""How figures of the Lab read, with their unit. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from tuivm.model.lab import Interval, Subject
from tuivm.model.units import count, nanoseconds


def amount(value: float, unit: str) -> str:
    """ "1.21 GiB/s", "19.2k/s", "52.1 µs", "26", "0.04"; unit: as in `LabMeasure`."""
    if unit == "B/s":
        return _bytes(value)
    if unit == "1/s":
        return f"{count(value)}/s"
    if unit in ("ns", "ns each"):
        text = nanoseconds(value)
        number = text.rstrip("nµms")
        return f"{number} {text[len(number) :]}"
    return plain(value)


def plain(value: float) -> str:
    """ "26", "5.4", "0.04": what is counted, and ratios."""
    if value >= 999.5:
        return count(value)
    return f"{value:.2f}" if 0.095 <= value < 0.995 else f"{value:.3g}"


def _bytes(value: float) -> str:
    """Three digits, as an interval is often narrower than two of them tell."""
    step = next((one for one in range(4) if value < 999.5 * 1024**one), 4)
    return f"{value / 1024**step:.3g} {('', 'Ki', 'Mi', 'Gi', 'Ti')[step]}B/s"


def spread(interval: Interval, unit: str) -> str:
    """ "19.1k/s to 19.4k/s", "" without an interval."""
    if interval.low is None or interval.high is None:
        return ""
    return f"{amount(interval.low, unit)} to {amount(interval.high, unit)}"


def factor(ratio: float) -> str:
    """ "0.48", "1.00", "0.071", "14.2"."""
    return f"{ratio:.2f}" if 0.0995 <= ratio < 9.995 else f"{ratio:.3g}" if ratio else "0"


def times(ratio: Interval) -> str:
    """ "0.48 times"."""
    return f"{factor(ratio.median)} times"


def bounds(ratio: Interval) -> str:
    """ " (0.45-0.51)", "" without an interval."""
    if ratio.low is None or ratio.high is None:
        return ""
    return f" ({factor(ratio.low)}-{factor(ratio.high)})"


def spoken(subject: Subject) -> str:
    """Its title within a sentence: "virtio-blk, I/O thread" -> "virtio-blk with I/O thread"."""
    return subject.title.replace(", ", " with ")


def listing(parts: Iterable[str]) -> str:
    """ "a, b and c"."""
    named = list(parts)
    if len(named) < 2:
        return "".join(named)
    return f"{', '.join(named[:-1])} and {named[-1]}"


def capital(sentence: str) -> str:
    """The first letter as a capital, all else as it is."""
    return sentence[:1].upper() + sentence[1:]
