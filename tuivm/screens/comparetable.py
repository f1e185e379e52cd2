"""The devices of a comparison as rows of a table: figures, ratios, bars, best and worst. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.cells import cell_len

from tuivm.model.comparison import MEASURES, Comparison, Figure, Measure, Row
from tuivm.model.devices import DeviceKind
from tuivm.model.table import Cell, Column
from tuivm.model.units import byte_count, count, nanoseconds, visible
from tuivm.widgets import raster
from tuivm.widgets.chartdata import in_ascii
from tuivm.widgets.rowset import Row as TableRow

BY_ID = {measure.id: measure for measure in MEASURES}
BAR = 6
"""Cells of the longest bar."""
_TITLES = {
    "throughput": "throughput",
    "iops": "I/Os",
    "latency": "latency",
    "exits": "exits/I/O",
    "cpu": "host CPU/I/O",
}
_SHORT_TITLES = {
    "throughput": "B/s",
    "iops": "I/Os",
    "latency": "lat.",
    "exits": "ex/IO",
    "cpu": "CPU/IO",
}
_SHORT_WORDS = {"not reported": "n/r", "bypasses the VMM": "bypass", "no data yet": "-"}
_WORDS = {"bypasses the VMM": "bypasses VMM"}
_AWAY = {
    "it is gone": "gone",
    "its guest is gone": "gone",
    "its host is not open here": "not open",
    "its guest is not read yet": "not read",
}
CLASS_MEAN = "class mean"
"""The note of a figure that is of all devices of its class in its guest; shown as "~"."""
_PARTS = " ▏▎▍▌▋▊▉"


class Look(NamedTuple):
    """measure: id of the chosen one, which is shown in full. several_hosts: name them."""

    measure: str
    ascii: bool = False
    several_hosts: bool = False


def figure_text(value: float | None, unit: str, *, ascii_only: bool = False) -> str:
    """ "12.1M", "85.3µs", "1.2k", "26.1"; "-" for None."""
    if value is None:
        return "-"
    if unit == "B/s":
        return byte_count(value)
    if unit == "ns":
        text = nanoseconds(value)
        return in_ascii(text) if ascii_only else text
    if unit or value >= 999.5:
        return count(value)
    return f"{value:.2g}" if value < 1 else f"{value:.3g}"


def ratio_text(ratio: Figure | None, *, ascii_only: bool = False) -> str:
    """ "2.14×", with "?" where the interval has room for 1; "" where there is none."""
    if ratio is None or ratio.mean is None:
        return ""
    mean = ratio.mean
    digits = 0 if mean >= 99.5 else 1 if mean >= 9.95 else 2
    text = f"{mean:.{digits}f}" if mean >= 0.005 or mean == 0 else "<.01"
    unsure = ratio.low is not None and ratio.high is not None and ratio.low <= 1.0 <= ratio.high
    return text + ("x" if ascii_only else "×") + ("?" if unsure else "")


def margin_text(figure: Figure, *, ascii_only: bool = False) -> str:
    """ "±4%" of the mean, the wider half of the 95 % interval; "" where there is none."""
    mean = figure.mean
    if not mean or figure.low is None or figure.high is None:
        return ""
    share = 100.0 * max(figure.high - mean, mean - figure.low) / mean
    text = "<1" if share < 0.5 else f"{share:.0f}" if share < 999.5 else ">999"
    return f"{'+-' if ascii_only else '±'}{text}%"


def mark_of(index: int) -> str:
    """What a device's line in the chart is marked with, and its row and reasons too."""
    return raster.mark(index)


def columns(comparison: Comparison, look: Look) -> tuple[Column, ...]:
    """Those of the table, the chosen measure in full and first to come in."""
    guests = max((cell_len(visible(row.guest)) for row in comparison.rows), default=0)
    targets = max((cell_len(visible(row.ref.target)) for row in comparison.rows), default=0)
    found = [
        Column("mark", "", 3, priority=120, sortable=False),
        Column("target", "device", 6, preferred=min(targets, 14), priority=119, comfort=99),
        Column("guest", "guest", 8, preferred=min(guests, 26), priority=118, comfort=87),
    ]
    if look.several_hosts:
        found.append(Column("host", "host", 5, preferred=10, priority=92, comfort=40))
    found.append(Column("model", "model", 11, preferred=12, priority=90, comfort=39))
    for place, measure in enumerate(MEASURES):
        found += _measure_columns(measure, 80 - 10 * place, look)
    found.append(Column("note", "note", 8, flex=1, priority=20))
    return tuple(found)


def measure_of(column: str) -> str:
    """The measure that a column belongs to, "" for none."""
    return column.partition(":")[2]


def rows(comparison: Comparison, columns_: Sequence[Column], look: Look) -> list[TableRow]:
    """A row a device, in the order of the comparison."""
    highest = _highest(comparison.rows, look.measure)
    made = []
    for index, row in enumerate(comparison.rows):
        heads = _heads(comparison, index, row, look)
        cells = (
            heads.get(column.id) or _measure_cell(row, column.id, look, highest)
            for column in columns_
        )
        made.append(TableRow(row.ref, tuple(cells)))
    return made


def _measure_columns(measure: Measure, priority: int, look: Look) -> list[Column]:
    name = measure.id
    if name == look.measure:
        title = f"{'>' if look.ascii else '▸'}{_TITLES[name]}"
        return [
            Column(f"value:{name}", title, 13, align="right", priority=117),
            Column(f"rank:{name}", "", 5, priority=114, sortable=False),
            Column(f"ratio:{name}", "ratio", 8, align="right", priority=116),
            Column(f"bar:{name}", "", BAR, priority=113, sortable=False),
        ]
    value = f"value:{name}"
    return [
        Column(
            f"short:{name}",
            _SHORT_TITLES[name],
            6,
            align="right",
            priority=priority,
            short_for=value,
        ),
        Column(value, _TITLES[name], 13, align="right", priority=priority - 40),
        Column(f"ratio:{name}", "ratio", 6, align="right", priority=priority - 41),
    ]


def _heads(comparison: Comparison, index: int, row: Row, look: Look) -> dict[str, Cell]:
    """What is said of a device besides its figures, by column."""
    glyph = row.cls.letter if look.ascii else row.cls.glyph
    notes = "; ".join(_notes(comparison, row, look.measure))
    return {
        "mark": ((f"{mark_of(index)} ", ""), (glyph, row.cls.value)),
        "target": ((visible(row.ref.target), ""),),
        "guest": ((visible(row.guest), ""),),
        "host": ((visible(row.host), "dim"),),
        "model": ((away, "bad") if (away := _away(row)) else (visible(row.model), "dim"),),
        "note": ((notes, "dim"),),
    }


def _away(row: Row) -> str:
    """In place of its model, why it does nothing now; "" for one that is there and may work."""
    if row.note in _AWAY:
        return _AWAY[row.note]
    _, found, state = row.note.rpartition("guest is ")
    return state if found else ""


def _measure_cell(row: Row, column: str, look: Look, highest: float) -> Cell:
    what, _, name = column.partition(":")
    measure = BY_ID[name]
    figure = row.figures.get(name, Figure())
    if what == "value":
        return _value_cell(row, figure, measure, look)
    if what == "ratio":
        return _ratio_cell(row, measure, look)
    if what == "rank":
        return ((_rank(row, measure), _role(row, measure)),)
    if what == "bar":
        share = (figure.mean or 0.0) / highest if highest > 0 else 0.0
        return ((bar(share, BAR, ascii_only=look.ascii), row.cls.value),)
    if figure.mean is None:
        return ((_SHORT_WORDS.get(figure.note, figure.note), "dim"),)
    text = figure_text(figure.mean, measure.unit, ascii_only=look.ascii)
    return ((text, _role(row, measure)),)


def _ratio_cell(row: Row, measure: Measure, look: Look) -> Cell:
    ratio, chosen = row.ratios.get(measure.id), measure.id == look.measure
    if ratio is not None and ratio.note == "baseline":
        return (("baseline" if chosen else "base", "dim"),)
    text = ratio_text(ratio, ascii_only=look.ascii)
    return ((text if chosen else text.rstrip("?"), ""),)


def _value_cell(row: Row, figure: Figure, measure: Measure, look: Look) -> Cell:
    if figure.mean is None:
        return ((_WORDS.get(figure.note, figure.note), "dim"),)
    text = figure_text(figure.mean, measure.unit, ascii_only=look.ascii)
    text = f"~{text}" if figure.note == CLASS_MEAN else text
    margin = "idle" if figure.note == "idle" else margin_text(figure, ascii_only=look.ascii)
    if measure.id == look.measure:
        return ((text, _role(row, measure)), (f" {margin}" if margin else "", "dim"))
    rank = _rank(row, measure)[:1].upper()
    return (
        (text, _role(row, measure)),
        (f" {margin}" if margin else "", "dim"),
        (f" {rank}" if rank else "", _role(row, measure)),
    )


def bar(share: float, width: int, *, ascii_only: bool) -> str:
    """A bar of a share of `width` cells, 0 to 1; what is more than nothing is seen."""
    eighths = round(min(1.0, max(0.0, share)) * width * 8)
    if share > 0:
        eighths = max(eighths, 1)
    if ascii_only:
        return "#" * max(int(share > 0), round(eighths / 8))
    whole, rest = divmod(eighths, 8)
    return "█" * whole + (_PARTS[rest] if rest else "")


def _highest(rows_: Iterable[Row], measure: str) -> float:
    means = (row.figures[measure].mean or 0.0 for row in rows_ if measure in row.figures)
    return max(means, default=0.0)


def _rank(row: Row, measure: Measure) -> str:
    if measure.id in row.best:
        return "best"
    return "worst" if measure.id in row.worst else ""


def _role(row: Row, measure: Measure) -> str:
    return {"best": "running", "worst": "bad"}.get(_rank(row, measure), "")


def _notes(comparison: Comparison, row: Row, measure: str) -> list[str]:
    """What must be said of a row besides its figures."""
    notes = [visible(row.note)] if row.note else []
    ratio = row.ratios.get(measure)
    if ratio is not None and ratio.note.startswith("baseline:"):
        notes.append(f"the baseline has none{ratio.note.removeprefix('baseline')}")
    kinds = {one.ref.kind for one in comparison.rows}
    if row.ref.kind is DeviceKind.NIC and len(kinds) > 1:
        notes.append("packets")
    return notes
