"""A comparison as CSV for a spreadsheet and as Markdown for a page. Pure."""

from __future__ import annotations

import csv
import io

from tuivm.model.comparison import MEASURES, Comparison, Figure, Measure, Row
from tuivm.model.recorded import Recorded
from tuivm.model.units import visible
from tuivm.reports import words
from tuivm.reports.checks import timestamp
from tuivm.reports.markdown import markup

_HEADS = {
    "throughput": "throughput_bytes_per_second",
    "iops": "ios_per_second",
    "latency": "latency_ns",
    "exits": "exits_per_io",
    "cpu": "host_cpu_ns_per_io",
}
_FORMULA = ("=", "+", "-", "@")


def to_csv(recorded: Recorded) -> str:
    """A line a device, after a line of heads that name the units; RFC 4180 with LF.

    Empty is "not reported"; the columns `…_note` say why. A name that a spreadsheet would take for
    a formula has an apostrophe before it; control characters are made visible.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_csv_heads())
    for row in recorded.comparison.rows:
        writer.writerow(_csv_row(recorded, row))
    return out.getvalue()


def to_markdown(recorded: Recorded) -> str:
    """A table, why it is unfair, and how it was measured. Names are escaped."""
    comparison = recorded.comparison
    measures = [one for one in MEASURES if _has_figures(comparison, one)]
    heads = ["device", "class", "host", "backing"]
    for measure in measures:
        heads += [measure.title, "ratio"]
    lines = [
        f"# Comparison of {len(comparison.rows)} devices",
        "",
        f"{words.span(comparison.seconds)} up to {timestamp(recorded.taken)}.",
        "",
        "| " + " | ".join(heads) + " |",
        "| --- | --- | --- | --- |" + " ---: | ---: |" * len(measures),
        *(_markdown_row(row, measures) for row in comparison.rows),
    ]
    if comparison.unfair:
        lines += ["", "## What makes it unfair", ""]
        lines += [f"- {markup(one.reason)}" for one in comparison.unfair]
    lines += ["", "## How it was measured", "", words.HOW, ""]
    return "\n".join(lines)


def _csv_heads() -> list[str]:
    heads = ["host", "guest", "uuid", "kind", "target", "model", "class", "note", "backing"]
    heads += ["virt_type", "vcpus", "baseline", "window_seconds", "measured_seconds", "taken"]
    for head in _HEADS.values():
        heads += [head, f"{head}_low", f"{head}_high", f"{head}_note"]
        name = head.split("_", maxsplit=1)[0] if "_per_io" not in head else head
        heads += [f"{name}_ratio", f"{name}_ratio_low", f"{name}_ratio_high"]
    return [*heads, "best", "worst"]


def _csv_row(recorded: Recorded, row: Row) -> list[str | float | None]:
    comparison = recorded.comparison
    texts = (
        *(row.host, row.guest, row.ref.guest.uuid, row.ref.kind.value, row.ref.target),
        *(row.model, row.cls.value, row.note, words.backing_text(row.backing), row.virt_type),
    )
    cells: list[str | float | None] = [_cell(text) for text in texts]
    cells += [
        row.vcpus or None,
        "yes" if row.ref == comparison.baseline else "no",
        comparison.seconds,
        row.seconds,
        timestamp(recorded.taken),
    ]
    for name in _HEADS:
        figure, ratio = row.figures.get(name, Figure()), row.ratios.get(name, Figure())
        cells += [figure.mean, figure.low, figure.high, _cell(figure.note)]
        cells += [ratio.mean, ratio.low, ratio.high]
    return [*cells, " ".join(sorted(row.best)), " ".join(sorted(row.worst))]


def _cell(text: str) -> str:
    text = visible(text)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _has_figures(comparison: Comparison, measure: Measure) -> bool:
    """A measure that no device has gets no columns."""
    rows = comparison.rows
    return any(
        measure.id in row.figures and row.figures[measure.id].mean is not None for row in rows
    )


def _markdown_row(row: Row, measures: list[Measure]) -> str:
    cls = f"{row.cls.glyph} {row.cls.value}"
    device = f"**{markup(words.where(row))}** {markup(row.model)}"
    note = f" ({markup(row.note)})" if row.note else ""
    cells = [device + note, cls, markup(row.host), markup(words.backing_text(row.backing))]
    for measure in measures:
        mark = words.mark(row, measure)
        text = markup(words.figure_text(row.figures.get(measure.id), measure))
        cells.append(f"**{text}** {mark}" if mark else text)
        cells.append(markup(words.ratio_text(row.ratios.get(measure.id))))
    return "| " + " | ".join(cells) + " |"
