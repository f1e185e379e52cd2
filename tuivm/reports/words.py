"""How figures of a comparison read, with their unit. Pure."""

from __future__ import annotations

from tuivm.model.comparison import Figure, Measure, Row
from tuivm.model.devices import Backing
from tuivm.model.units import byte_count, count, nanoseconds

HOW = (
    "Means over the window, with 95 % intervals by batch means (up to 20 batches of at least 5 s, "
    "Student t); ratios by the delta method on their logarithm, batches taken in pairs. Rates and "
    "latencies are from libvirt's bulk statistics, counted at the host's end. Exits and host CPU "
    "are counted by guest: divided by its I/Os in the seconds in which one class of devices alone "
    "did the I/O. Gaps count as nothing, not as 0."
)


def amount(value: float | None, measure: Measure) -> str:
    """ "12.1 MiB/s", "1.2k/s", "85.3 µs", "26"; "" for None."""
    if value is None:
        return ""
    if measure.unit == "B/s":
        text = byte_count(value)
        return f"{text[:-1]} {text[-1]}iB/s" if text[-1].isalpha() else f"{text} B/s"
    if measure.unit == "ns":
        text = nanoseconds(value)
        number = text.rstrip("nµms")
        return f"{number} {text[len(number) :]}"
    if measure.unit == "/s":
        return f"{count(value)}/s"
    return f"{value:.3g}" if value < 999.5 else count(value)


def figure_text(figure: Figure | None, measure: Measure) -> str:
    """ "12.1 MiB/s ± 0.4 MiB/s", or why there is none. The interval may be uneven at 0."""
    if figure is None or figure.mean is None:
        return figure.note if figure else ""
    text = amount(figure.mean, measure)
    if figure.high is not None:
        text += f" ± {amount(figure.high - figure.mean, measure)}"
    return f"{text} ({figure.note})" if figure.note else text


def ratio_text(ratio: Figure | None) -> str:
    """ "2.08× (1.9–2.3)", "baseline", or why there is none."""
    if ratio is None:
        return ""
    if ratio.mean is None or ratio.note == "baseline":
        return ratio.note
    text = f"{ratio.mean:.3g}×"
    if ratio.low is None or ratio.high is None:
        return text
    return f"{text} ({ratio.low:.3g}–{ratio.high:.3g})"


def mark(row: Row, measure: Measure) -> str:
    """Stands beside a figure that is certainly the best or the worst of all."""
    return "best" if measure.id in row.best else "worst" if measure.id in row.worst else ""


def backing_text(backing: Backing | None) -> str:
    """ "file qcow2, cache none, io native"; what is not set is left out."""
    if backing is None:
        return ""
    head = " ".join(filter(None, (backing.kind, backing.format)))
    named = (
        ("cache", backing.cache),
        ("io", backing.io),
        ("discard", backing.discard),
        ("iothread", backing.iothread),
        ("vhost", backing.vhost),
        ("queues", str(backing.queues or "")),
    )
    parts = [head, *(f"{name} {value}" for name, value in named if value)]
    return ", ".join(filter(None, [*parts, "throttled" if backing.throttled else ""]))


def where(row: Row) -> str:
    return f"{row.guest} {row.ref.target}"


def span(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes >= 1 else f"{seconds:.0f} s"
