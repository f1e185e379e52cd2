"""A run of the Lab as results: medians, intervals, ratios, verdicts, and words. Pure.

Trials of round 0 are the warm-up and enter nothing. How intervals come about is in
`tuivm.model.labstatistics`, what a column is in `tuivm.model.labmeasures`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from tuivm.model.lab import (
    Experiment,
    ExperimentResult,
    Interval,
    LabMeasure,
    LabRun,
    Subject,
    SubjectFigures,
    Tally,
    Trial,
)
from tuivm.model.labmeasures import counted, measures_of, value_of
from tuivm.model.labpublished import published_of
from tuivm.model.labstatistics import median_interval, ratio_interval, verdict_of
from tuivm.model.labwords import words_of

Values = Mapping[tuple[str, str], Sequence[float]]
"""(subject, measure) -> what its trials said, in the order they were made."""


def results(run: LabRun) -> tuple[ExperimentResult, ...]:
    """One for each experiment of the plan, in its order; fine for a run that still goes on.

    Measures without any value are left out, as are subjects that fell out before they gave one.
    """
    return tuple(_result(run, experiment) for experiment in run.plan.experiments)


def values_of(run: LabRun, experiment: Experiment) -> dict[tuple[str, str], list[float]]:
    """What each timed measure's trials say, by (subject, measure)."""
    subjects = {one.id for one in run.plan.subjects if one.experiment is experiment}
    by_workload: dict[str, list[LabMeasure]] = defaultdict(list)
    trials = [one for one in run.trials if one.round > 0 and one.subject in subjects]
    for measure in _measures(run, experiment, trials):
        by_workload[measure.workload].append(measure)
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for trial in trials:
        for measure in by_workload[trial.workload]:
            value = value_of(measure, trial)
            if value is not None:
                found[trial.subject, measure.id].append(value)
    return dict(found)


def is_tcg(run: LabRun) -> bool:
    """Its guests ran without hardware virtualization."""
    return (run.host.accelerator or run.plan.accelerator) == "qemu"


def _measures(run: LabRun, experiment: Experiment, trials: Sequence[Trial]) -> list[LabMeasure]:
    return measures_of(experiment, run.plan.workloads.get(experiment, ()), trials)


def _result(run: LabRun, experiment: Experiment) -> ExperimentResult:
    values = values_of(run, experiment)
    trials = [one for one in run.trials if one.round > 0]
    subjects = [one for one in run.plan.subjects if one.experiment is experiment]
    tallies = _tallies(run.tallies)
    out = {one.subject for one in run.plan.omitted}
    baseline = next((one for one in subjects if one.baseline), None)
    measures = _measures(run, experiment, trials)
    rows = [_row(one, baseline, values, tallies, measures) for one in subjects]
    rows = [row for row in rows if row.figures or row.tally or row.subject.id not in out]
    counts_first = is_tcg(run) and experiment is not Experiment.NESTED
    measures = [one for one in measures if any(one.id in row.figures for row in rows)]
    if counts_first:
        measures.sort(key=lambda one: bool(one.workload))
    bare = ExperimentResult(experiment, tuple(measures), tuple(rows), counts_first, ())
    return bare._replace(
        words=words_of(run, bare, tcg=is_tcg(run)),
        published=published_of(run, bare, tcg=is_tcg(run)),
    )


def _tallies(tallies: Sequence[Tally]) -> dict[str, Tally]:
    """By subject: what was traced, else what KVM counted, which knows less."""
    found: dict[str, Tally] = {}
    for tally in tallies:
        if tally.subject not in found or tally.source == "trace":
            found[tally.subject] = tally
    return found


def _row(
    subject: Subject,
    baseline: Subject | None,
    values: Values,
    tallies: Mapping[str, Tally],
    measures: Sequence[LabMeasure],
) -> SubjectFigures:
    tally = tallies.get(subject.id)
    base_tally = tallies.get(baseline.id) if baseline else None
    figures: dict[str, Interval] = {}
    ratios: dict[str, Interval] = {}
    verdicts = {}
    for measure in measures:
        if measure.workload:
            mine = values.get((subject.id, measure.id), ())
            base = values.get((baseline.id, measure.id), ()) if baseline else ()
        else:
            mine, base = _once(measure, tally), _once(measure, base_tally)
        figure = median_interval(mine)
        if figure is None:
            continue
        figures[measure.id] = figure
        if subject == baseline:
            ratios[measure.id] = Interval(1.0, trials=figure.trials)
            continue
        ratio = ratio_interval(mine, base)
        if ratio is not None:
            ratios[measure.id] = ratio
            verdicts[measure.id] = verdict_of(figure, median_interval(base), measure.rising)
    return SubjectFigures(subject, figures, ratios, verdicts, tally)


def _once(measure: LabMeasure, tally: Tally | None) -> list[float]:
    value = counted(measure, tally)
    return [] if value is None else [value]
