"""Two runs of the Lab beside each other: the same measures, and what else differs. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tuivm.model.lab import (
    Experiment,
    ExperimentResult,
    Interval,
    LabMeasure,
    LabRun,
    Subject,
    Verdict,
)
from tuivm.model.labamounts import capital, listing
from tuivm.model.labfigures import results, values_of
from tuivm.model.labmeasures import is_part
from tuivm.model.labstatistics import overlap, ratio_interval, verdict_of


class RunRow(NamedTuple):
    """A measure of a subject in both runs.

    a, b: its figures. ratio: b to a, None where that cannot be told. verdict: on b, against a.
    a_ratio, b_ratio: to the baseline of their own run, None where there is none. agree: whether
    the intervals of these two overlap; None where one has no interval, and for the baseline.
    """

    experiment: Experiment
    subject: Subject
    measure: LabMeasure
    a: Interval
    b: Interval
    ratio: Interval | None
    verdict: Verdict
    a_ratio: Interval | None
    b_ratio: Interval | None
    agree: bool | None


class RunComparison(NamedTuple):
    """rows: what both runs have measured. differs: what else differs between them, so that figures
    may; a sentence each."""

    a: LabRun
    b: LabRun
    rows: tuple[RunRow, ...]
    differs: tuple[str, ...]


def compare_runs(a: LabRun, b: LabRun) -> RunComparison:
    """In the order of `a`; parts of measures (CPU time by thread) are left out."""
    others = {result.experiment: result for result in results(b)}
    rows = [
        row
        for result in results(a)
        if result.experiment in others
        for row in _rows(a, b, result, others[result.experiment])
    ]
    return RunComparison(a, b, tuple(rows), tuple(_differences(a, b)))


def _rows(
    a: LabRun, b: LabRun, mine: ExperimentResult, other: ExperimentResult
) -> Iterator[RunRow]:
    experiment = mine.experiment
    values, its_values = values_of(a, experiment), values_of(b, experiment)
    its_rows = {row.subject.id: row for row in other.rows}
    for row in mine.rows:
        its = its_rows.get(row.subject.id)
        if its is None:
            continue
        for measure in mine.measures:
            figure, its_figure = row.figures.get(measure.id), its.figures.get(measure.id)
            if figure is None or its_figure is None or is_part(measure):
                continue
            key = (row.subject.id, measure.id)
            # What is counted has no trials: its one value stands for itself.
            base = values.get(key, [figure.median])
            ratio = ratio_interval(its_values.get(key, [its_figure.median]), base)
            ratios = row.ratios.get(measure.id), its.ratios.get(measure.id)
            yield RunRow(
                experiment,
                row.subject,
                measure,
                figure,
                its_figure,
                ratio,
                verdict_of(its_figure, figure, measure.rising),
                *ratios,
                overlap(*ratios),
            )


def _differences(a: LabRun, b: LabRun) -> Iterator[str]:
    facts = (
        ("the host", a.host.name, b.host.name),
        ("the accelerator", _accelerator(a), _accelerator(b)),
        ("the host's CPU", a.host.cpu, b.host.cpu),
        ("the host's number of CPUs", a.host.cpus, b.host.cpus),
        ("the hypervisor", a.host.hypervisor, b.host.hypervisor),
        ("libvirt", a.host.libvirt, b.host.libvirt),
        ("the host's kernel", a.host.kernel, b.host.kernel),
        ("whether the host is a guest", _yes(a.host.virtualized), _yes(b.host.virtualized)),
        ("the load generator", a.method.generator, b.method.generator),
        ("the appliance's kernel", a.method.kernel, b.method.kernel),
        ("the machine type", a.method.machine, b.method.machine),
        ("the number of vCPUs", a.method.vcpus, b.method.vcpus),
        ("the guests' memory (MiB)", a.method.memory_mib, b.method.memory_mib),
        ("the length", a.plan.length.value, b.plan.length.value),
        ("the number of rounds", a.plan.rounds, b.plan.rounds),
        *(
            (f"the backing of {one.value}", a.plan.backings[one].value, b.plan.backings[one].value)
            for one in a.plan.backings
            if one in b.plan.backings
        ),
    )
    for what, mine, other in facts:
        if mine != other:
            yield f"{capital(what)} differs: {_said(mine)} and {_said(other)}."
    for experiment in a.plan.experiments:
        bases = [_baseline(run, experiment) for run in (a, b)]
        if all(bases) and bases[0] != bases[1]:
            yield (
                f"Ratios of {experiment.value} are to different baselines, {bases[0]} and "
                f"{bases[1]}, and cannot be compared."
            )
    yield from _only(a, b, "first")
    yield from _only(b, a, "second")
    for run, name in ((a, "first"), (b, "second")):
        if not run.complete:
            yield f"The {name} run did not get to its end."
        if run.caveats:
            yield f"The {name} run was less than fair: {' '.join(run.caveats)}"


def _only(run: LabRun, other: LabRun, name: str) -> Iterator[str]:
    there = {(one.experiment, one.id) for one in other.plan.subjects}
    own = [one.title for one in run.plan.subjects if (one.experiment, one.id) not in there]
    if own:
        yield f"Only the {name} run has {listing(own)}."


def _baseline(run: LabRun, experiment: Experiment) -> str:
    subjects = (one for one in run.plan.subjects if one.experiment is experiment)
    return next((one.id for one in subjects if one.baseline), "")


def _accelerator(run: LabRun) -> str:
    name = run.host.accelerator or run.plan.accelerator
    return {"kvm": "KVM", "qemu": "TCG"}.get(name, name)


def _yes(value: bool | None) -> str:
    return "" if value is None else "yes" if value else "no"


def _said(value: str | int | None) -> str:
    return "not known" if value in (None, "") else str(value)
