"""A result of the Lab as lines: bars of one measure, what was seen, all figures. No widget here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.cells import cell_len
from textual.content import Content

from tuivm.model.devices import DeviceClass
from tuivm.model.lab import (
    Experiment,
    ExperimentResult,
    Interval,
    LabMeasure,
    LabRun,
    SubjectFigures,
    Verdict,
)
from tuivm.model.table import Cell, Column, Placed, fit_columns
from tuivm.model.units import duration, visible
from tuivm.screens.dialogs.explain import in_ascii
from tuivm.screens.labfigure import VERDICTS, figure, interval, ratio, span
from tuivm.screens.labplan import Item, text_lines, when
from tuivm.screens.labwords import BACKINGS, TITLES
from tuivm.widgets.bars import Bar, draw, top_of
from tuivm.widgets.chartdata import fit
from tuivm.widgets.itemlist import Line
from tuivm.widgets.tabletext import lay_row

_LABELS = 19, 26
"""Cells of a name on a narrow page and on a wide one."""
_WIDE = 100
_FIGURES = 42
"""Cells of value, interval, ratio and verdict beside a bar."""
_ROLES = {
    "dim": "$quiet",
    "better": "$state-running",
    "worse": "$state-bad",
    **{cls.value: f"$class-{cls.value}" for cls in DeviceClass},
}
_ACCELERATORS = {"kvm": "KVM", "qemu": "TCG"}


class Shown(NamedTuple):
    """A run and its figures."""

    run: LabRun
    results: tuple[ExperimentResult, ...]


class Page(NamedTuple):
    """One measure of one experiment: what the bars are of."""

    result: ExperimentResult
    measure: LabMeasure


def pages(shown: Shown) -> list[Page]:
    """All that can be turned to, in the order of the result (counts come first under TCG)."""
    return [Page(result, one) for result in shown.results for one in result.measures]


def title(shown: Shown) -> str:
    """One line on what run this is."""
    run = shown.run
    run_as = _ACCELERATORS.get(run.host.accelerator, run.host.accelerator)
    what = ", ".join(TITLES[one] for one in run.plan.experiments)
    parts = [
        what,
        f"on {run.host.name}",
        run_as,
        when(run.taken),
        f"{run.plan.length.value}, {duration(run.seconds)}",
        "" if run.complete else "not complete",
    ]
    return visible("  ".join(part for part in parts if part))


def lines(shown: Shown, turned: int, width: int, *, ascii_only: bool) -> list[Line]:
    """The page. turned: which of `pages`."""
    made: list[Line] = []
    if ascii_only:
        shown = _said_in_ascii(shown)
    found = pages(shown)
    if not found:
        made += text_lines("Nothing was measured.", width, "$state-bad", item=Item("text", "none"))
        return made + _about_run(shown.run, width)
    page = found[turned % len(found)]
    dot = "-" if ascii_only else "·"
    better = "more is better" if page.measure.rising else "less is better"
    head = f" {TITLES[page.result.experiment]} {dot} {page.measure.title} {dot} {better}"
    place = f"{turned % len(found) + 1} of {len(found)}"
    text = fit(f"{visible(head)}   ({place})", width - 1, "ascii" if ascii_only else "braille")
    made.append(Line(Content.styled(text, "bold $primary"), Item("measure", page.measure.id)))
    made += bars(page, width, ascii_only=ascii_only)
    made += _section("What was seen", page.result.words, width, "words")
    made += table(page.result, width, ascii_only=ascii_only)
    made += _published(page.result, width)
    return made + _about_run(shown.run, width)


def _said_in_ascii(shown: Shown) -> Shown:
    """With its sentences in what every terminal can show."""
    run = shown.run._replace(
        caveats=tuple(map(in_ascii, shown.run.caveats)),
        remarks=tuple(map(in_ascii, shown.run.remarks)),
    )
    results = (
        one._replace(
            words=tuple(map(in_ascii, one.words)),
            published=tuple(
                each._replace(what=in_ascii(each.what), remark=in_ascii(each.remark))
                for each in one.published
            ),
        )
        for one in shown.results
    )
    return Shown(run, tuple(results))


def bars(page: Page, width: int, *, ascii_only: bool) -> list[Line]:
    """A bar a subject, with its figure, its interval, its ratio and the verdict."""
    measure = page.measure
    rows = page.result.rows
    drawn = {row.subject.id: _bar(row.figures.get(measure.id)) for row in rows}
    label = _LABELS[width >= _WIDE]
    room = max(8, width - label - 6 - _FIGURES)
    top = top_of(drawn.values())
    made = []
    for row in rows:
        found = row.figures.get(measure.id)
        glyph = row.subject.cls.letter if ascii_only else row.subject.cls.glyph
        colour = f"$class-{row.subject.cls.value}"
        name = _fitted(row.subject.title, label, ascii_only=ascii_only)
        bar = draw(drawn[row.subject.id], top, room, ascii_only=ascii_only)
        parts: list[tuple[str, str]] = [(f" {glyph} ", colour), (f"{name} ", "")]
        if found is None:
            parts.append(("not measured", "$quiet"))
        else:
            parts += [(f"{bar:<{room}} ", colour), *_figures(row, measure, ascii_only=ascii_only)]
        made.append(Line(Content.assemble(*parts), Item("row", row.subject.id)))
    return made


def _figures(
    row: SubjectFigures, measure: LabMeasure, *, ascii_only: bool
) -> list[tuple[str, str]]:
    found = row.figures[measure.id]
    word, style = VERDICTS[row.verdicts.get(measure.id, Verdict.UNKNOWN)]
    if row.subject.baseline:
        word, style = "baseline", "$quiet"
    value = figure(found.median, measure.unit, ascii_only=ascii_only)
    times = "" if row.subject.baseline else ratio(row.ratios.get(measure.id), ascii_only=ascii_only)
    return [
        (f"{value:>8}", "bold"),
        (f" {interval(found, measure.unit, ascii_only=ascii_only):<15}", "$quiet"),
        (f"{times:>7} ", ""),
        (word, style),
    ]


def _bar(found: Interval | None) -> Bar:
    return Bar(None) if found is None else Bar(found.median, found.low, found.high)


def table(result: ExperimentResult, width: int, *, ascii_only: bool) -> list[Line]:
    """All measures that fit, each with its ratio to the baseline; the rest is among the bars."""
    names = max((cell_len(visible(row.subject.title)) for row in result.rows), default=0) + 2
    columns = [Column("subject", "", 14, preferred=min(names, 26), priority=100, comfort=99)]
    for one in result.measures:
        short, rank = _short(one), _rank(one)
        columns.append(Column(one.id, short, max(8, len(short)), align="right", priority=rank))
        columns.append(Column(f"{one.id}:ratio", "", 6, align="right", priority=rank))
    placed = fit_columns(columns, width - 2)
    cut = "~" if ascii_only else "…"
    titles = lay_row([((one.title, "dim"),) for one in columns], placed, 1, cut)
    made = [
        Line(Content()),
        Line(Content.styled(" All figures, with ratios to the baseline", "bold")),
        Line(Content.assemble(" ", *((text, "bold $quiet") for text, _ in titles))),
    ]
    for row in result.rows:
        cells = [_cell(row, column.id, result, ascii_only=ascii_only) for column in columns]
        laid = lay_row(cells, placed, 1, cut)
        parts = ((text, _ROLES.get(role, "")) for text, role in laid)
        made.append(Line(Content.assemble(" ", *parts), Item("row", row.subject.id)))
    left = sum(not _is_placed(one, placed) for one in result.measures)
    if left:
        said = f"{left} more {'measure is' if left == 1 else 'measures are'} among the bars above"
        made += text_lines(said, width, "$quiet")
    return made


_FIRST = (
    "traps",
    "d1.rate",
    "pingpong.p50",
    "compute.rate",
    "exits.rate",
    "large.bytes",
    "stream.bytes",
    "small.rate",
    "d32.rate",
    "d1.p50",
    "d1.p99",
    "interrupts",
    "d1.cpu",
    "d1.exits",
    "d32.cpu",
)
"""Measures that get a column first; parts of others come last."""


def _rank(measure: LabMeasure) -> int:
    if measure.id in _FIRST:
        return 90 - _FIRST.index(measure.id)
    return 50 if measure.id.count(".") < 2 else 30


def _is_placed(measure: LabMeasure, placed: Iterable[Placed]) -> bool:
    return any(one.column.id == measure.id for one in placed)


def _cell(row: SubjectFigures, column: str, result: ExperimentResult, *, ascii_only: bool) -> Cell:
    if column == "subject":
        glyph = row.subject.cls.letter if ascii_only else row.subject.cls.glyph
        return ((f"{glyph} ", row.subject.cls.value), (visible(row.subject.title), ""))
    name, _, part = column.partition(":")
    if part:
        if row.subject.baseline:
            return (("base", "dim"),)
        verdict = row.verdicts.get(name, Verdict.UNKNOWN).value
        text = ratio(row.ratios.get(name), ascii_only=ascii_only)
        return ((text, verdict),)
    measure = next(one for one in result.measures if one.id == name)
    found = row.figures.get(name)
    text = figure(found.median if found else None, measure.unit, ascii_only=ascii_only)
    return ((text, "" if found else "dim"),)


_SHORT = {"bytes": "", "rate": "", "cpu": "CPU", "exits": "exits", "interrupts": "irqs"}


def _short(measure: LabMeasure) -> str:
    """A title of a few cells: "d1", "d1 p99", "d32 CPU", "traps"."""
    workload, _, what = measure.id.partition(".")
    if not what:
        return {"interrupts": "irqs"}.get(measure.id, measure.id)
    return f"{workload} {_SHORT.get(what, what)}".strip()[:12]


def _published(result: ExperimentResult, width: int) -> list[Line]:
    if not result.published:
        return []
    made = [Line(Content()), Line(Content.styled(" Published, beside what was measured", "bold"))]
    for number, one in enumerate(result.published):
        measured = "not measured" if one.measured is None else figure(one.measured, "ratio")
        text = f"{one.what}: {span(one.low, one.high)}; here {measured}"
        item = Item("published", f"{result.experiment}:{number}")
        made += text_lines(text, width, indent=2, item=item)
        if one.remark:
            made += text_lines(one.remark, width, "$warning", indent=4, item=item)
    return made


def _about_run(run: LabRun, width: int) -> list[Line]:
    host, method = run.host, run.method
    made = _section("What makes it less than fair", run.caveats, width, "caveats", "$warning")
    made += _section("What happened on the way", run.remarks, width, "remarks", "$warning")
    left_out = [f"{one.subject}: {one.why}" for one in run.plan.omitted]
    made += _section("Left out", left_out, width, "omitted")
    backings = [
        f"{TITLES[experiment]} on {backing.value} ({BACKINGS[backing]})"
        for experiment, backing in run.plan.backings.items()
    ]
    machine = {True: "itself a guest", False: "no guest itself", None: ""}[host.virtualized]
    cpus = f"{host.cpus} CPUs" if host.cpus else ""
    how = (
        ", ".join(filter(None, (host.name, host.uri, host.hypervisor, _libvirt(host.libvirt)))),
        ", ".join(filter(None, (host.cpu, cpus, host.kernel, machine))),
        ", ".join(
            filter(
                None,
                (
                    f"load by {method.generator}" if method.generator else "",
                    f"guest: {method.machine}, {method.vcpus} vCPU, {method.memory_mib} MiB"
                    if method.machine
                    else "",
                    f"kernel {method.kernel}" if method.kernel else "",
                ),
            )
        ),
        *backings,
        f"{run.plan.rounds} rounds in random order (seed {run.plan.seed}), after a warm-up that is "
        "dropped"
        if run.plan.rounds
        else "",
    )
    return made + _section("How it was measured", [one for one in how if one], width, "how")


def _libvirt(version: str) -> str:
    return f"libvirt {version}" if version else ""


def _section(
    heading: str, texts: Sequence[str], width: int, kind: str, style: str = ""
) -> list[Line]:
    if not texts:
        return []
    made = [Line(Content()), Line(Content.styled(f" {heading}", "bold"))]
    for number, text in enumerate(texts):
        item = Item("text", f"{kind}:{number}")
        made += text_lines(text, width, style, indent=2, item=item)
    return made


def _fitted(text: str, cells: int, *, ascii_only: bool) -> str:
    said = fit(text, cells, "ascii" if ascii_only else "braille")
    return said + " " * (cells - cell_len(said))


def experiment_of(shown: Shown, experiment: Experiment) -> ExperimentResult | None:
    return next((one for one in shown.results if one.experiment is experiment), None)
