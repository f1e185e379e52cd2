"""A result of the Lab as plain tables and words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from tuivm.headless.table import Column, Table
from tuivm.model.lab import ExperimentResult, Interval, LabMeasure, LabRun, SubjectFigures, Verdict
from tuivm.model.labamounts import amount, bounds, capital, factor, plain
from tuivm.model.labcompare import RunComparison, RunRow
from tuivm.model.labfigures import results
from tuivm.model.units import visible
from tuivm.reports.labtables import grouped, host_facts, published_range

LEGEND = (
    "Medians; in brackets the ratio to the baseline, with ~ where the 95 % intervals overlap or "
    "are not known, so that no difference is shown."
)
_CLEAR = (Verdict.BETTER, Verdict.WORSE)
_TAILS = (".p95", ".p99")
"""Of these the ratio is left out, for a narrower table; `tuivm lab export` has it."""


def run_lines(run: LabRun, *, ascii_only: bool) -> Iterator[str]:
    """All that is to be read of a run; untrusted text made visible."""
    for line in _run(run, ascii_only=ascii_only):
        yield visible(line)


def compare_lines(found: RunComparison) -> Iterator[str]:
    """What both runs have measured, what the second one is to the first, and what else differs."""
    for line in _compare(found):
        yield visible(line)


def _run(run: LabRun, *, ascii_only: bool) -> Iterator[str]:
    yield run.name
    yield from (f"  {title}: {value}" for title, value in host_facts(run))
    for result in results(run):
        yield from ("", result.experiment.value.upper())
        if not result.rows:
            yield "  nothing was measured"
        for title, measures in grouped(run, result):
            yield f"  {capital(title)}"
            yield from _group(result, measures, ascii_only=ascii_only)
        yield from _words(result)
    yield from ("", LEGEND)
    yield from _section("What makes it less than fair:", run.caveats)
    yield from _section("On the way:", run.remarks)
    yield from _section("Left out:", (f"{one.subject}: {one.why}" for one in run.plan.omitted))


def _group(
    result: ExperimentResult, measures: Sequence[LabMeasure], *, ascii_only: bool
) -> Iterator[str]:
    """The measures of one load, a row a subject, the baseline first."""
    heads = [Column(one.title.partition(",")[0].upper(), number=True) for one in measures]
    table = Table(Column("DEVICE"), Column("CLASS"), *heads, indent="    ")
    rows = sorted(result.rows, key=lambda row: not row.subject.baseline)
    yield from table.all_lines(
        [
            [
                row.subject.title,
                f"{_sign(row, ascii_only=ascii_only)} {row.subject.cls.value}",
                *(_cell(row, one) for one in measures),
            ]
            for row in rows
        ]
    )


def _cell(row: SubjectFigures, measure: LabMeasure) -> str:
    figure = row.figures.get(measure.id)
    if figure is None:
        return ""
    text = amount(figure.median, measure.unit)
    ratio = row.ratios.get(measure.id)
    if ratio is None or row.subject.baseline or measure.id.endswith(_TAILS):
        return text
    # What is counted is no sample: it has no interval, and needs none.
    clear = not measure.workload or row.verdicts.get(measure.id) in _CLEAR
    return f"{text} ({'' if clear else '~'}{factor(ratio.median)})"


def _words(result: ExperimentResult) -> Iterator[str]:
    yield from (f"  {sentence}" for sentence in result.words)
    for one in result.published:
        seen = "not measured" if one.measured is None else f"here {plain(one.measured)}"
        remark = f" {one.remark}" if one.remark else ""
        known = published_range(one.low, one.high)
        yield f"  Published, {one.what}: {known} ({one.source}); {seen}.{remark}"


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    found = [f"  {line}" for line in lines]
    if found:
        yield from ("", title, *found)


def _compare(found: RunComparison) -> Iterator[str]:
    yield f"A: {found.a.name}"
    yield f"B: {found.b.name}"
    if not found.rows:
        yield from ("", "They have no measure in common.")
    for experiment, group in groupby(found.rows, lambda row: row.experiment):
        table = Table(
            Column("DEVICE"),
            Column("MEASURE"),
            Column("A", number=True),
            Column("B", number=True),
            Column("B : A"),
            Column("RATIO IN A"),
            Column("RATIO IN B"),
            Column("AGREE"),
            indent="  ",
        )
        yield from ("", experiment.value.upper())
        yield from table.all_lines([_compared(row) for row in group])
    yield from _section("What differs besides:", found.differs)


def _compared(row: RunRow) -> list[str]:
    unit = row.measure.unit
    verdict = f" {row.verdict.value}" if row.verdict in _CLEAR else ""
    own = (None, None) if row.subject.baseline else (row.a_ratio, row.b_ratio)
    return [
        row.subject.title,
        row.measure.title,
        amount(row.a.median, unit),
        amount(row.b.median, unit),
        f"{_ratio(row.ratio)}{verdict}",
        *map(_ratio, own),
        "" if row.agree is None else "yes" if row.agree else "no",
    ]


def _ratio(ratio: Interval | None) -> str:
    return "" if ratio is None else f"{factor(ratio.median)}{bounds(ratio)}"


def _sign(row: SubjectFigures, *, ascii_only: bool) -> str:
    return row.subject.cls.letter if ascii_only else row.subject.cls.glyph
