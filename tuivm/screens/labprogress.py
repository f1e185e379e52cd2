"""A run of the Lab while it goes on: its rates as a chart, its trials as a table. Pure."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from textual.content import Content

from tuivm.model.lab import Experiment, Phase, Plan, Progress, Subject, Workload
from tuivm.model.labmeasures import COUNT
from tuivm.model.table import Cell, Column
from tuivm.model.units import byte_count, count, visible
from tuivm.screens.labfigure import figure
from tuivm.screens.labplan import left_words, progress_bar
from tuivm.screens.labwords import TITLES
from tuivm.widgets.rowset import Row
from tuivm.widgets.timechart import ChartData, ChartSeries
from tuivm.widgets.window import Window

ENDED = (Phase.DONE, Phase.STOPPED, Phase.FAILED)
_LEAST_WINDOW = 60.0
_BASE = 0.25
"""Seconds of the shortest bucket: as often as a run tells how it goes, about."""
_SHORT = {
    "large": "large",
    "d1": "4K d1",
    "d32": "4K d32",
    "stream": "stream",
    "small": "small",
    "pingpong": "ping",
}
_MOST_SAID = 8
"""Lines of a failure's reason."""
_BYTES = ("large", "stream")
_RATED = (Phase.WARMUP, Phase.MEASURING)
_TELLING = ("d1", "pingpong", "exits")


class Rates:
    """The rate of each subject in each workload over the time of a run, in buckets of `_BASE`."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, str], dict[int, list[float]]] = defaultdict(dict)
        self.first: float | None = None
        self.last = 0.0
        self._trials = 0
        """How many of the run's are in it."""

    def add(self, progress: Progress) -> None:
        if self.first is None:
            self.first = progress.at
        self.last = progress.at
        # A short trial may be over before it told a rate.
        for trial in progress.run.trials[self._trials :]:
            if trial.seconds > 0:
                rate = trial.requests / trial.seconds
                self._push(trial.subject, trial.workload, progress.at, rate)
        self._trials = len(progress.run.trials)
        if progress.rate is not None and progress.subject and progress.phase in _RATED:
            self._push(progress.subject, progress.workload, progress.at, progress.rate)

    def _push(self, subject: str, workload: str, at: float, rate: float) -> None:
        bucket = self._sums[subject, workload].setdefault(math.floor(at / _BASE), [0.0, 0.0])
        bucket[0] += rate
        bucket[1] += 1

    def window(self, count: int, per_cell: int) -> Window:
        """All of the run so far in `count` dot columns, at least a minute; as
        `tuivm.widgets.window.pick_window`, whole cells at a time."""
        past = 0.0 if self.first is None else self.last - self.first
        seconds = math.ceil((past + 1.0) / _LEAST_WINDOW * 2) / 2 * _LEAST_WINDOW
        step = max(1, math.ceil(max(seconds, _LEAST_WINDOW) / max(1, count) / _BASE)) * _BASE
        cell = math.floor(self.last / step / per_cell)
        return Window(step, count, (cell + 1) * per_cell - 1)

    def values(self, subject: str, workload: str, window: Window) -> list[float]:
        """One a bucket. Subjects take turns: between its turns a subject keeps its last rate."""
        known = self._sums.get((subject, workload), {})
        first = window.end_bucket - window.count + 1
        per = max(1, round(window.step / _BASE))
        made = []
        value = math.nan
        for bucket in range(first, window.end_bucket + 1):
            parts = [known[at] for at in range(bucket * per, (bucket + 1) * per) if at in known]
            number = sum(part[1] for part in parts)
            if number:
                value = sum(part[0] for part in parts) / number
            made.append(value if bucket * window.step <= self.last else math.nan)
        return made

    def newest(self, subject: str, workload: str) -> float | None:
        known = self._sums.get((subject, workload))
        if not known:
            return None
        total, number = known[max(known)]
        return total / number


class View(NamedTuple):
    """What a chart is of: one workload of one experiment."""

    experiment: Experiment
    workload: Workload


def views(plan: Plan) -> list[View]:
    """All that there are, the one that tells most first: single small requests."""
    found = [
        View(experiment, one)
        for experiment in plan.experiments
        for one in plan.workloads.get(experiment, ())
        if one.id != COUNT
    ]
    first = next((index for index, one in enumerate(found) if one.workload.id in _TELLING), 0)
    return found[first:] + found[:first]


def chart(
    rates: Rates, plan: Plan, view: View, window: Window, *, log: bool, ascii_only: bool
) -> ChartData:
    """A line a subject of the experiment."""
    workload = view.workload
    subjects = [one for one in plan.subjects if one.experiment is view.experiment]
    series = tuple(
        ChartSeries(
            label=one.title,
            values=rates.values(one.id, workload.id, window),
            role=one.cls.value,
            glyph=one.cls.letter if ascii_only else one.cls.glyph,
            value=count(rates.newest(one.id, workload.id)),
        )
        for one in subjects
    )
    words = (TITLES[view.experiment], workload.title, "they take turns")
    known = (rates.newest(one.id, workload.id) for one in subjects)
    return ChartData(
        (" - " if ascii_only else " · ").join(words),
        "requests/s",
        window.step,
        window.end_bucket,
        series,
        note="" if any(one is not None for one in known) else "not measured yet",
        log=log,
        marks=True,
        wide=window.wide,
    )


def head(progress: Progress, width: int, *, ascii_only: bool) -> list[Content]:
    """Lines on how far it is, and what goes on; of a run that failed, why, to be read in full."""
    if progress.phase is Phase.FAILED:
        said = Content.styled(visible(progress.problem or progress.said), "$state-bad")
        why = said.wrap(max(10, width - 2))[:_MOST_SAID]
        return [Content.styled(" failed", "bold $state-bad"), *(Content(" ") + one for one in why)]
    if progress.phase is Phase.STOPPED:
        before = "" if progress.run.trials else "Nothing was measured before that."
        return [Content.styled(" stopped", "bold"), Content(f" {before}")]
    cells = max(10, min(40, width - 50))
    bar = progress_bar(progress.done, cells, ascii_only=ascii_only)
    first = (
        Content.styled(f" {bar}", "$state-paused" if progress.paused else "$primary")
        + Content(f" {left_words(progress)}   ")
        + Content.styled(progress.phase.value, "bold")
    )
    return [first, Content(f" {visible(progress.said)}")]


def columns(plan: Plan) -> tuple[Column, ...]:
    """Those of the table: a workload each, in the order of the plan."""
    made = [
        Column("subject", "subject", 14, preferred=24, priority=100, comfort=40),
        Column("rounds", "rounds", 7, align="right", priority=90),
    ]
    for number, name in enumerate(_workloads(plan)):
        title = _SHORT.get(name, name)[:9]
        made.append(Column(name, title, 9, align="right", priority=80 - number))
    made.append(Column("traps", "traps", 7, align="right", priority=85))
    made.append(Column("state", "", 10, flex=1, priority=70))
    return tuple(made)


def rows(progress: Progress, *, ascii_only: bool) -> list[Row]:
    """A row a subject, in the order of the plan; all are there from the beginning."""
    plan = progress.run.plan
    names = _workloads(plan)
    values: dict[tuple[str, str], list[float]] = defaultdict(list)
    warm: dict[tuple[str, str], float] = {}
    rounds: dict[str, int] = {}
    for trial in progress.run.trials:
        amount = trial.bytes if trial.workload in _BYTES else trial.requests
        if trial.seconds <= 0:
            continue
        key = trial.subject, trial.workload
        if trial.round == 0:
            warm[key] = amount / trial.seconds
        else:
            values[key].append(amount / trial.seconds)
            rounds[trial.subject] = max(rounds.get(trial.subject, 0), trial.round)
    tallies = {one.subject: one for one in progress.run.tallies}
    out = {one.subject: one.why for one in progress.run.plan.omitted}
    made = []
    for subject in plan.subjects:
        mine = subject.id == progress.subject and progress.phase not in ENDED
        tally = tallies.get(subject.id)
        cells: list[Cell] = [
            _name(subject, ascii_only=ascii_only),
            ((f"{rounds.get(subject.id, 0)}/{plan.rounds}", "dim"),),
        ]
        for name in names:
            key = subject.id, name
            cells.append(_value(values.get(key), warm.get(key), name))
        cells.append(((figure(tally.traps if tally else None, "each"), ""),))
        now = f"{'>' if ascii_only else '▶'} now" if mine else ""
        gone = out.get(subject.id, "")
        cells.append(((visible(gone), "bad"),) if gone else ((now, "changing"),))
        made.append(Row((subject.experiment, subject.id), tuple(cells)))
    return made


def _name(subject: Subject, *, ascii_only: bool) -> Cell:
    glyph = subject.cls.letter if ascii_only else subject.cls.glyph
    return ((f"{glyph} ", subject.cls.value), (visible(subject.title), ""))


def _value(found: Sequence[float] | None, warm: float | None, workload: str) -> Cell:
    """The median so far; before the first round that counts, what the warm-up showed."""
    if found:
        return ((_rate(statistics.median(found), workload), ""),)
    if warm is not None:
        return ((f"~{_rate(warm, workload)}", "dim"),)
    return (("-", "dim"),)


def _rate(value: float, workload: str) -> str:
    return f"{byte_count(value)}/s" if workload in _BYTES else f"{count(value)}/s"


def _workloads(plan: Plan) -> list[str]:
    found: Iterable[str] = (one.id for many in plan.workloads.values() for one in many)
    return [name for name in dict.fromkeys(found) if name != COUNT]
