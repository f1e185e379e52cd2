"""Two runs of the Lab side by side, as lines. No widget here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.content import Content

from tuivm.model.lab import Interval, LabRun, Verdict
from tuivm.model.units import visible
from tuivm.screens.explaining import Explanation
from tuivm.screens.labfigure import VERDICTS, figure, interval, ratio
from tuivm.screens.labplan import Item, text_lines, when
from tuivm.screens.labwords import TITLES, explain_lab, explain_measure, explain_subject
from tuivm.widgets.bars import Bar, draw, top_of
from tuivm.widgets.chartdata import fit
from tuivm.widgets.itemlist import Line

if TYPE_CHECKING:
    # Not before there are two to compare.
    from tuivm.model.labcompare import RunComparison, RunRow

_LABEL = 18
_FIGURES = 54
"""Cells of all that is beside name and bar."""


def pages(found: RunComparison) -> list[list[RunRow]]:
    """What is shown at once: a measure of an experiment, with a row a subject."""
    made: dict[tuple[str, str], list[RunRow]] = {}
    for row in found.rows:
        made.setdefault((row.experiment, row.measure.id), []).append(row)
    return list(made.values())


def lines(found: RunComparison, turned: int, width: int, *, ascii_only: bool) -> list[Line]:
    """For each subject that both have its bar in each, and what differs besides."""
    runs = (("A", found.a), ("B", found.b))
    made = [Line(_run_line(label, run, width, ascii_only=ascii_only)) for label, run in runs]
    all_pages = pages(found)
    if not all_pages:
        said = "They have no measure in common."
        made += text_lines(said, width, "$state-bad", item=Item("text", "none"))
        return made + _differences(found, width)
    rows = all_pages[turned % len(all_pages)]
    measure = rows[0].measure
    dot = "-" if ascii_only else "·"
    better = "more is better" if measure.rising else "less is better"
    head = f" {TITLES[rows[0].experiment]} {dot} {measure.title} {dot} {better}"
    place = f"{turned % len(all_pages) + 1} of {len(all_pages)}"
    text = fit(f"{visible(head)}   ({place})", width - 1, "ascii" if ascii_only else "braille")
    made += [Line(Content()), Line(Content.styled(text, "bold $primary"), Item("measure"))]
    top = top_of(_bar(one) for row in rows for one in (row.a, row.b))
    for row in rows:
        made += _rows(row, top, width, ascii_only=ascii_only)
    made.append(Line(Content()))
    legend = (
        "Behind the interval: the ratio to the baseline of the same run; whether these agree; and "
        "what B is to A."
    )
    made += text_lines(legend, width, "$quiet", item=Item("text", "legend"))
    return made + _differences(found, width)


def explained(found: RunComparison, turned: int, item: Item) -> Explanation:
    """What is highlighted."""
    all_pages = pages(found)
    rows = all_pages[turned % len(all_pages)] if all_pages else []
    if item.kind == "measure" and rows:
        return explain_measure(rows[0].measure)
    mine = next((row.subject for row in rows if row.subject.id == item.name), None)
    return explain_subject(mine) if item.kind == "row" and mine is not None else explain_lab()


def _run_line(label: str, run: LabRun, width: int, *, ascii_only: bool) -> Content:
    run_as = {"kvm": "KVM", "qemu": "TCG"}.get(run.host.accelerator, run.host.accelerator)
    text = f" {label}  {run.name}  {when(run.taken)}  {run.host.name}  {run_as}"
    return Content.styled(fit(text, width - 1, "ascii" if ascii_only else "braille"), "bold")


def _differences(found: RunComparison, width: int) -> list[Line]:
    made = []
    if found.differs:
        made += [Line(Content()), Line(Content.styled(" What differs besides", "bold"))]
    for number, text in enumerate(found.differs):
        item = Item("text", f"differs:{number}")
        made += text_lines(text, width, "$warning", indent=2, item=item)
    return made


def _rows(row: RunRow, top: float, width: int, *, ascii_only: bool) -> list[Line]:
    """Two lines, one a run."""
    room = max(8, width - _LABEL - _FIGURES)
    cls, unit = row.subject.cls, row.measure.unit
    colour = f"$class-{cls.value}"
    name = fit(row.subject.title, _LABEL, "ascii" if ascii_only else "braille")
    name += " " * (_LABEL - cell_len(name))
    titles = (f"{cls.letter if ascii_only else cls.glyph} {name}", " " * (_LABEL + 2))
    agree = {None: "", True: "ratios agree", False: "ratios differ"}[row.agree]
    words = ((agree, "" if row.agree else "$warning"), _to_first(row, ascii_only=ascii_only))
    made = []
    for label, title, one, own, word in zip(
        "AB", titles, (row.a, row.b), (row.a_ratio, row.b_ratio), words, strict=True
    ):
        times = "base" if row.subject.baseline else ratio(own, ascii_only=ascii_only)
        parts = (
            (f" {title} ", colour),
            (f"{label} ", "bold"),
            (f"{draw(_bar(one), top, room, ascii_only=ascii_only):<{room}} ", colour),
            (f"{figure(one.median, unit, ascii_only=ascii_only):>8} ", "bold"),
            (f"{interval(one, unit, ascii_only=ascii_only):<15}", "$quiet"),
            (f"{times:>6} ", ""),
            word,
        )
        made.append(Line(Content.assemble(*parts), Item("row", row.subject.id)))
    return made


def _to_first(row: RunRow, *, ascii_only: bool) -> tuple[str, str]:
    """What B is to A, and its colour."""
    if row.verdict is Verdict.UNKNOWN and row.a.median == row.b.median:
        return ("same", "")
    word, style = VERDICTS[row.verdict]
    if row.verdict is Verdict.SAME:
        return (word, style)
    return (f"{ratio(row.ratio, ascii_only=ascii_only)} {word}".strip(), style)


def _bar(found: Interval) -> Bar:
    return Bar(found.median, found.low, found.high)
