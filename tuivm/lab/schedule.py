"""What is measured in which order, how often, and how long that takes. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tuivm.model.lab import Experiment, Plan, Workload

COUNT = "count"
"""Id of the workload whose requests are counted, in a phase of its own, and never timed."""
LEAST = 100
"""Requests of a trial: fewer have no 99th percentile worth the name."""
TURNS = 8
"""How often each place of the queue is filled anew in a trial at least: until it is full and while
it empties, fewer requests are in flight."""
MOST = 2_000_000
FULL = 0.6
"""Share of a workload's time that goes to its requests in any case: where all around a trial takes
long (a host far away, or slow), the run takes longer rather than measuring next to nothing."""
SHORTEST = 0.6
"""Share of the plan's seconds that is measured in any case, however slow the boot was."""

LONGEST = 2.0
"""Times the plan's seconds that a run may take, as far as its trials can be made shorter."""


class Slot(NamedTuple):
    """A trial to be: one workload on one subject, once."""

    round: int
    experiment: Experiment
    workload: Workload
    subject: str


class Cost(NamedTuple):
    """What the warm-up saw of a workload on a subject. each: seconds a request. around: seconds
    that a trial takes beyond its requests (to start the generator, to read counters)."""

    each: float
    around: float = 0.0


Costs = Mapping[tuple[str, str], Cost]
"""By (subject, workload)."""


def timed(workloads: Iterable[Workload]) -> tuple[Workload, ...]:
    """Those that are timed."""
    return tuple(one for one in workloads if one.id != COUNT)


def order(plan: Plan, rounds: Iterable[int]) -> list[Slot]:
    """Every workload on every subject in each of these rounds.

    Rounds lie one after the other, so that a host that gets busier for a while troubles all
    subjects alike; within a workload of a round the subjects stand in an order of their own, so
    that none always follows the same one. The same seed gives the same order.
    """
    slots = []
    for number in rounds:
        chance = random.Random(f"{plan.seed}/{number}")  # noqa: S311 - an order, not a secret
        for experiment in plan.experiments:
            subjects = [one.id for one in plan.subjects if one.experiment is experiment]
            for workload in timed(plan.workloads[experiment]):
                mixed = chance.sample(subjects, len(subjects))
                slots += [Slot(number, experiment, workload, subject) for subject in mixed]
    return slots


def chosen(plan: Plan, costs: Costs, seconds: float) -> Plan:
    """The plan with the requests of each workload that make all rounds take `seconds`.

    Every workload gets the same share of the time; all subjects of it get the same number of
    requests, so slow ones take more of that time than quick ones. Subjects of which no cost is
    known do not count.
    """
    cells = [(one, work) for one in plan.experiments for work in timed(plan.workloads[one])]
    share = seconds / (len(cells) * max(1, plan.rounds)) if cells else 0.0
    numbers: dict[tuple[Experiment, str], int] = {}
    for experiment, workload in cells:
        known = [
            costs[one.id, workload.id]
            for one in plan.subjects
            if one.experiment is experiment and (one.id, workload.id) in costs
        ]
        each = sum(cost.each for cost in known)
        left = max(FULL * share, share - sum(cost.around for cost in known))
        number = int(left / each) if each > 0 else 0
        numbers[experiment, workload.id] = _even(min(MOST, max(_least(workload), number)))
    return _numbered(plan, numbers)


def shortened(plan: Plan, share: float) -> Plan:
    """The plan with this share (0..1) of each workload's requests, or as few as there can be."""
    numbers = {
        (experiment, one.id): min(one.requests, _even(max(_least(one), int(share * one.requests))))
        for experiment in plan.experiments
        for one in timed(plan.workloads[experiment])
    }
    return _numbered(plan, numbers)


def current(plan: Plan, slot: Slot) -> Workload:
    """The slot's workload with the number of requests that the plan has now."""
    works = plan.workloads[slot.experiment]
    return next(one for one in works if one.id == slot.workload.id)


def expected(plan: Plan, slots: Iterable[Slot], costs: Costs) -> float:
    """Seconds that these trials will take, as far as their cost is known."""
    total = 0.0
    for slot in slots:
        cost = costs.get((slot.subject, slot.workload.id))
        if cost is not None:
            total += cost.each * current(plan, slot).requests + cost.around
    return total


def _least(workload: Workload) -> int:
    return max(LEAST, TURNS * workload.depth)


def _numbered(plan: Plan, numbers: Mapping[tuple[Experiment, str], int]) -> Plan:
    return plan._replace(
        workloads={
            experiment: tuple(
                one._replace(requests=numbers.get((experiment, one.id), one.requests))
                for one in works
            )
            for experiment, works in plan.workloads.items()
        }
    )


def _even(number: int) -> int:
    """Two significant digits, rounded down: 4837 -> 4800."""
    step = int(10 ** max(0, len(str(number)) - 2))
    return number // step * step
