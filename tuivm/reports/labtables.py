"""A run of the Lab as Markdown, alone and beside another one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from tuivm.model.lab import (
    ExperimentResult,
    Interval,
    LabMeasure,
    LabRun,
    SubjectFigures,
    Verdict,
    Workload,
)
from tuivm.model.labamounts import amount, bounds, capital, factor, plain, spread
from tuivm.model.labcompare import RunComparison, RunRow, compare_runs
from tuivm.model.labfigures import results
from tuivm.model.labmeasures import is_part
from tuivm.reports.checks import timestamp
from tuivm.reports.markdown import markup

HOW = (
    "Medians over trials in random, interleaved order, the first round dropped; in brackets the 95 "
    "% interval by the exact bootstrap distribution of the median (expanded percentiles). Ratios "
    "are to the baseline. A difference is marked (better, worse) only where the intervals do not "
    "overlap. Register accesses and notifications are counted in a phase of their own, which "
    "touches no time."
)
_RUNS_AS = {"kvm": "KVM", "qemu": "TCG, without hardware virtualization"}


def lab_to_markdown(run: LabRun) -> str:
    """Tables by load, the words, what is published, how it was measured. Names are escaped."""
    lines = [f"# {markup(run.name)}", "", *_facts(run)]
    for result in results(run):
        lines += ["", f"## {result.experiment.value.capitalize()}"]
        lines += _experiment(run, result)
    lines += _section("What makes it less than fair", run.caveats)
    lines += _section("On the way", run.remarks)
    lines += _section("Left out", (f"{one.subject}: {one.why}" for one in run.plan.omitted))
    return "\n".join([*lines, "", "## How it was measured", "", HOW, ""])


def runs_to_markdown(a: LabRun, b: LabRun) -> str:
    """Two runs: what differs, and each measure that both have. Names are escaped."""
    found = compare_runs(a, b)
    lines = [f"# {markup(a.name)} and {markup(b.name)}", ""]
    for label, run in (("A", a), ("B", b)):
        taken = f"{timestamp(run.taken)}, {markup(run.host.name)}, {markup(runs_as(run))}"
        lines.append(f"- {label}: {markup(run.name)}, {taken}")
    lines += _section("What differs besides", found.differs)
    lines += _pairs(found)
    if not found.rows:
        lines += ["", "They have no measure in common."]
    return "\n".join([*lines, "", "## How it was measured", "", HOW, ""])


def runs_as(run: LabRun) -> str:
    name = run.host.accelerator or run.plan.accelerator
    return _RUNS_AS.get(name, name)


def host_facts(run: LabRun) -> list[tuple[str, str]]:
    """Title and value of what is known of host and method."""
    host, method = run.host, run.method
    cpus = f"{host.cpus} CPUs" if host.cpus else ""
    virtual = "itself a guest" if host.virtualized else ""
    memory = f"{method.memory_mib} MiB" if method.memory_mib else ""
    vcpus = f"{method.vcpus} vCPU{'s' if method.vcpus != 1 else ''}"
    guests = (runs_as(run), method.machine, vcpus, memory)
    kernel = method.kernel and f"kernel {method.kernel}"
    plan = run.plan
    facts = [
        ("taken", timestamp(run.taken)),
        ("host", _joined(host.name, host.cpu, cpus, host.arch, virtual)),
        ("software", _joined(host.hypervisor, host.libvirt and f"libvirt {host.libvirt}")),
        ("host's kernel", host.kernel),
        ("guests", _joined(*guests)),
        ("appliance", _joined(method.generator, kernel)),
        (
            "plan",
            _joined(plan.length.value, f"{plan.rounds} rounds", f"seed {plan.seed}"),
        ),
        ("backing", _joined(*(f"{key.value} {one.value}" for key, one in plan.backings.items()))),
        ("took", f"{run.seconds:.0f} s" + ("" if run.complete else ", not complete")),
    ]
    return [(title, value) for title, value in facts if value]


def grouped(run: LabRun, result: ExperimentResult) -> Iterator[tuple[str, Sequence[LabMeasure]]]:
    """The measures of each load, without parts, and what to call the load."""
    works = {one.id: one for one in run.plan.workloads.get(result.experiment, ())}
    whole = [one for one in result.measures if not is_part(one)]
    for workload, measures in groupby(whole, lambda one: one.workload):
        yield _load(works.get(workload), workload), list(measures)


def _load(workload: Workload | None, name: str) -> str:
    if not name:
        return "counted, in a phase of its own"
    if workload is None:
        return name
    requests = f", {workload.requests} a trial" if workload.requests else ""
    return f"{workload.title}{requests}"


def _joined(*parts: str) -> str:
    return ", ".join(filter(None, parts))


def _facts(run: LabRun) -> list[str]:
    lines = ["| | |", "| --- | --- |"]
    return [*lines, *(f"| {title} | {markup(value)} |" for title, value in host_facts(run))]


def _section(title: str, lines: Iterable[str]) -> list[str]:
    found = [f"- {markup(line)}" for line in lines]
    return ["", f"## {title}", "", *found] if found else []


def _experiment(run: LabRun, result: ExperimentResult) -> Iterator[str]:
    if result.words:
        yield ""
        yield from (f"- {markup(sentence)}" for sentence in result.words)
    for title, measures in grouped(run, result):
        yield from ("", f"### {markup(capital(title))}", "")
        heads = ["device", "class"]
        for measure in measures:
            heads += [measure.title, "ratio"]
        yield _line(heads)
        yield "| --- | --- |" + " ---: | ---: |" * len(measures)
        for row in result.rows:
            yield _line([*_device(row), *(cell for one in measures for cell in _cells(row, one))])
    yield from _published(result)


def _device(row: SubjectFigures) -> tuple[str, str]:
    cls = row.subject.cls
    return f"**{markup(row.subject.title)}**", f"{cls.glyph} {cls.value}"


def _cells(row: SubjectFigures, measure: LabMeasure) -> tuple[str, str]:
    figure = row.figures.get(measure.id)
    if figure is None:
        return "not measured", ""
    return _figure(figure, measure), _ratio(row, measure)


def _figure(figure: Interval, measure: LabMeasure) -> str:
    between = spread(figure, measure.unit)
    text = amount(figure.median, measure.unit)
    return f"{text} ({between})" if between else text


def _ratio(row: SubjectFigures, measure: LabMeasure) -> str:
    ratio = row.ratios.get(measure.id)
    if row.subject.baseline or ratio is None:
        return "baseline" if row.subject.baseline else ""
    verdict = row.verdicts.get(measure.id)
    mark = f" {verdict.value}" if verdict in (Verdict.BETTER, Verdict.WORSE) else ""
    return f"{factor(ratio.median)}×{bounds(ratio)}{mark}"


def _published(result: ExperimentResult) -> Iterator[str]:
    if not result.published:
        return
    yield from ("", "### Published, beside what was measured", "")
    yield _line(["what", "published", "here", "remark", "source"])
    yield "| --- | ---: | ---: | --- | --- |"
    for one in result.published:
        here = "not measured" if one.measured is None else plain(one.measured)
        remark, source = markup(one.remark), markup(one.source)
        yield _line([markup(one.what), published_range(one.low, one.high), here, remark, source])


def published_range(low: float, high: float | None) -> str:
    """ "2 to 6", "2 and more", "26"."""
    if high is None:
        return f"{plain(low)} and more"
    return plain(low) if low == high else f"{plain(low)} to {plain(high)}"


def _pairs(found: RunComparison) -> Iterator[str]:
    for experiment, group in groupby(found.rows, lambda row: row.experiment):
        yield from ("", f"## {experiment.value.capitalize()}", "")
        yield _line(["device", "measure", "A", "B", "B : A", "ratio in A", "ratio in B", "agree"])
        yield "| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |"
        yield from (_pair(row) for row in group)


def _pair(row: RunRow) -> str:
    ratio = ""
    if row.ratio is not None:
        mark = f" {row.verdict.value}" if row.verdict in (Verdict.BETTER, Verdict.WORSE) else ""
        ratio = f"{factor(row.ratio.median)}×{bounds(row.ratio)}{mark}"
    own = [
        "" if one is None or row.subject.baseline else f"{factor(one.median)}×{bounds(one)}"
        for one in (row.a_ratio, row.b_ratio)
    ]
    agree = "" if row.agree is None else "yes" if row.agree else "no"
    figures = [_figure(one, row.measure) for one in (row.a, row.b)]
    device = f"**{markup(row.subject.title)}**"
    return _line([device, row.measure.title, *figures, ratio, *own, agree])


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"
