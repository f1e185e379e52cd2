"""Two runs of the Lab side by side, as lines. No widget here."""

from __future__ import annotations

from typing import NamedTuple

from rich.cells import cell_len
from textual.content import Content

from tuivm.model.lab import Interval, LabMeasure, LabRun, SubjectFigures
from tuivm.model.units import visible
from tuivm.screens.labfigure import figure, interval
from tuivm.screens.labplan import Item, text_lines, when
from tuivm.screens.labresult import Page, Shown, pages
from tuivm.screens.labwords import TITLES
from tuivm.widgets.bars import Bar, draw, top_of
from tuivm.widgets.chartdata import fit
from tuivm.widgets.itemlist import Line

_LABEL = 20
_FIGURES = 46


class Pair(NamedTuple):
    """first: the earlier one."""

    first: Shown
    second: Shown


def paired(one: Shown, other: Shown) -> Pair:
    return Pair(*sorted((one, other), key=lambda shown: shown.run.taken))


def common(pair: Pair) -> list[tuple[Page, Page]]:
    """The measures that both have, in the order of the first."""
    there = {(page.result.experiment, page.measure.id): page for page in pages(pair.second)}
    keys = ((page, (page.result.experiment, page.measure.id)) for page in pages(pair.first))
    return [(page, there[key]) for page, key in keys if key in there]


def lines(pair: Pair, turned: int, width: int, *, ascii_only: bool) -> list[Line]:
    """For each subject that both have, its bar in each, and whether the two agree."""
    made = [Line(_run_line(label, run, width, ascii_only=ascii_only)) for label, run in _runs(pair)]
    for text in differences(pair):
        made += text_lines(text, width, "$warning", item=Item("text", text))
    found = common(pair)
    if not found:
        said = "These two have no measure in common."
        return made + text_lines(said, width, "$state-bad", item=Item("text", said))
    first, second = found[turned % len(found)]
    dot = "-" if ascii_only else "·"
    head = f" {TITLES[first.result.experiment]} {dot} {first.measure.title}"
    text = f"{visible(head)}   ({turned % len(found) + 1} of {len(found)})"
    item = Item("measure", first.measure.id)
    made += [Line(Content()), Line(Content.styled(text, "bold $primary"), item)]
    others = {row.subject.id: row for row in second.result.rows}
    rows = [(row, others.get(row.subject.id)) for row in first.result.rows]
    known = [one for pair_ in rows for one in pair_ if one is not None]
    top = top_of(_bar(row.figures.get(first.measure.id)) for row in known)
    for row, other in rows:
        made += _rows(row, other, first.measure, top, width, ascii_only=ascii_only)
    return made


def _runs(pair: Pair) -> tuple[tuple[str, LabRun], tuple[str, LabRun]]:
    return (("A", pair.first.run), ("B", pair.second.run))


def _run_line(label: str, run: LabRun, width: int, *, ascii_only: bool) -> Content:
    run_as = {"kvm": "KVM", "qemu": "TCG"}.get(run.host.accelerator, run.host.accelerator)
    text = f" {label}  {run.name}  {when(run.taken)}  {run.host.name}  {run_as}"
    return Content.styled(fit(text, width - 1, "ascii" if ascii_only else "braille"), "bold")


def differences(pair: Pair) -> list[str]:
    """What else differs between the two, so that figures may."""
    first, second = pair.first.run, pair.second.run
    facts = (
        ("host", first.host.name, second.host.name),
        ("accelerator", first.host.accelerator, second.host.accelerator),
        ("CPU", first.host.cpu, second.host.cpu),
        ("hypervisor", first.host.hypervisor, second.host.hypervisor),
        ("host's kernel", first.host.kernel, second.host.kernel),
        ("load generator", first.method.generator, second.method.generator),
        ("machine type", first.method.machine, second.method.machine),
        *(
            (f"{TITLES[one]} on", backing.value, second.plan.backings[one].value)
            for one, backing in first.plan.backings.items()
            if one in second.plan.backings
        ),
    )
    return [f"{what}: A {one}, B {other}" for what, one, other in facts if one != other]


def agreement(first: Interval, second: Interval) -> str:
    """ "agree", or how many times the first the second is; only where intervals allow it."""
    if None in (first.low, first.high, second.low, second.high):
        if first.median == second.median:
            return "same"
    elif _overlap(first, second):
        return "agree"
    if not first.median:
        return "differ"
    return f"B is {second.median / first.median:.3g} times A"


def _overlap(one: Interval, other: Interval) -> bool:
    low, high = max(one.low or 0.0, other.low or 0.0), min(one.high or 0.0, other.high or 0.0)
    return low <= high


def _rows(
    row: SubjectFigures,
    other: SubjectFigures | None,
    measure: LabMeasure,
    top: float,
    width: int,
    *,
    ascii_only: bool,
) -> list[Line]:
    room = max(8, width - _LABEL - 10 - _FIGURES)
    glyph = row.subject.cls.letter if ascii_only else row.subject.cls.glyph
    colour = f"$class-{row.subject.cls.value}"
    name = fit(row.subject.title, _LABEL, "ascii" if ascii_only else "braille")
    name += " " * (_LABEL - cell_len(name))
    made = []
    mine = row.figures.get(measure.id)
    theirs = other.figures.get(measure.id) if other else None
    word = agreement(mine, theirs) if mine and theirs else ""
    for label, found in (("A", mine), ("B", theirs)):
        shown = f"{glyph} {name}" if label == "A" else " " * (_LABEL + 2)
        parts: list[tuple[str, str]] = [(f" {shown} ", colour), (f"{label} ", "bold")]
        if found is None:
            parts.append(("not measured", "$quiet"))
        else:
            bar = draw(_bar(found), top, room, ascii_only=ascii_only)
            value = figure(found.median, measure.unit, ascii_only=ascii_only)
            between = interval(found, measure.unit, ascii_only=ascii_only)
            parts += [
                (f"{bar:<{room}} ", colour),
                (f"{value:>8} ", "bold"),
                (f"{between:<15} ", "$quiet"),
                (word if label == "B" else "", ""),
            ]
        made.append(Line(Content.assemble(*parts), Item("row", row.subject.id)))
    return made


def _bar(found: Interval | None) -> Bar:
    return Bar(None) if found is None else Bar(found.median, found.low, found.high)
