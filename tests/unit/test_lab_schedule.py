from __future__ import annotations

import math
from collections import Counter
from itertools import groupby

import pytest

from tests.support.labrun import lab_run
from tuivm.lab import schedule
from tuivm.lab.schedule import Cost
from tuivm.model.lab import Experiment, Plan

PLAN = lab_run(Experiment.STORAGE, Experiment.NETWORK).plan


def blank(plan: Plan) -> Plan:
    """As before the warm-up: nobody knows how many requests."""
    works = {
        experiment: tuple(one._replace(requests=0) for one in each if one.id != "count")
        for experiment, each in plan.workloads.items()
    }
    return plan._replace(workloads=works)


def costs(plan: Plan, slow: dict[str, float] | None = None) -> dict[tuple[str, str], Cost]:
    return {
        (one.id, work.id): Cost(20e-6 * (slow or {}).get(one.id, 1.0), 0.01)
        for one in plan.subjects
        for work in schedule.timed(plan.workloads[one.experiment])
    }


def test_everything_comes_once_a_round_and_rounds_do_not_mix() -> None:
    slots = schedule.order(PLAN, range(1, 6))
    timed = sum(len(schedule.timed(PLAN.workloads[one.experiment])) for one in PLAN.subjects)
    assert len(slots) == len(set(slots)) == 5 * timed
    assert [number for number, _ in groupby(slots, lambda slot: slot.round)] == [1, 2, 3, 4, 5]
    assert "count" not in {slot.workload.id for slot in slots}
    for slot in slots:
        subject = next(one for one in PLAN.subjects if one.id == slot.subject)
        assert subject.experiment is slot.experiment


def test_subjects_are_interleaved_within_a_workload() -> None:
    slots = [slot for slot in schedule.order(PLAN, [1]) if slot.experiment is Experiment.STORAGE]
    for workload, group in groupby(slots, lambda slot: slot.workload.id):
        subjects = [slot.subject for slot in group]
        assert len(subjects) == len(set(subjects)) == 8, workload


def test_the_seed_alone_decides_the_order() -> None:
    again = schedule.order(PLAN, range(1, 6))
    assert again == schedule.order(PLAN, range(1, 6))
    # A round is the same whichever rounds are asked for with it.
    assert again[-10:] == schedule.order(PLAN, [5])[-10:]
    other = schedule.order(PLAN._replace(seed=PLAN.seed + 1), range(1, 6))
    assert other != again
    assert Counter(other) == Counter(again)


def test_no_subject_is_always_first() -> None:
    firsts: Counter[str] = Counter()
    for seed in range(60):
        firsts[schedule.order(PLAN._replace(seed=seed), [1])[0].subject] += 1
    assert len(firsts) == 8
    assert max(firsts.values()) < 25


@pytest.mark.parametrize("seconds", [20.0, 60.0, 300.0])
def test_the_chosen_numbers_fill_the_time_and_do_not_pass_it(seconds: float) -> None:
    plan = blank(PLAN)
    known = costs(plan, {"ide": 3.0, "usb": 8.0})
    chosen = schedule.chosen(plan, known, seconds)
    slots = schedule.order(chosen, range(1, chosen.rounds + 1))
    expected = schedule.expected(chosen, slots, known)
    assert 0.85 * seconds <= expected <= seconds


def test_all_subjects_of_a_workload_get_the_same_number() -> None:
    """Numbers hang on the workload alone; a slow subject makes all have fewer."""
    plan = blank(PLAN)
    quick = schedule.chosen(plan, costs(plan), 60.0)
    slowed = schedule.chosen(plan, costs(plan, {"usb": 50.0}), 60.0)
    for one, other in zip(
        quick.workloads[Experiment.STORAGE], slowed.workloads[Experiment.STORAGE], strict=True
    ):
        assert other.requests < one.requests
    assert slowed.workloads[Experiment.NETWORK] == quick.workloads[Experiment.NETWORK]


def test_a_trial_has_enough_requests_for_a_percentile_however_short_the_time() -> None:
    plan = blank(PLAN)
    chosen = schedule.chosen(plan, costs(plan), 0.0)
    for works in chosen.workloads.values():
        for work in works:
            assert work.requests >= min(schedule.LEAST, 100)
            assert work.requests >= 3 * work.depth


def test_what_goes_on_around_a_trial_does_not_eat_it_up() -> None:
    """On a host far away each trial costs seconds of calls; what is measured stays long enough."""
    plan = blank(PLAN)
    far = {key: Cost(cost.each, 5.0) for key, cost in costs(plan).items()}
    near, chosen = schedule.chosen(plan, costs(plan), 60.0), schedule.chosen(plan, far, 60.0)
    for experiment, works in chosen.workloads.items():
        for work, like in zip(works, near.workloads[experiment], strict=True):
            assert 0.5 * like.requests < work.requests < like.requests


def test_a_shortened_plan_has_its_share_but_enough() -> None:
    plan = schedule.chosen(blank(PLAN), costs(PLAN), 60.0)
    half, least = schedule.shortened(plan, 0.5), schedule.shortened(plan, 0.0)
    for experiment, works in plan.workloads.items():
        for work, some, few in zip(
            works, half.workloads[experiment], least.workloads[experiment], strict=True
        ):
            assert 0.45 * work.requests <= some.requests <= 0.5 * work.requests
            assert (
                few.requests
                == schedule.shortened(least, 0.0).workloads[experiment][works.index(work)].requests
            )
            assert few.requests >= max(100, 7 * few.depth)
    assert schedule.shortened(least, 1.0) == least


def test_what_never_was_measured_does_not_count() -> None:
    plan = blank(PLAN)
    known = costs(plan)
    without = {key: cost for key, cost in known.items() if key[0] != "ide"}
    chosen = schedule.chosen(plan, without, 60.0)
    numbers = [work.requests for work in chosen.workloads[Experiment.STORAGE]]
    assert numbers > [
        work.requests for work in schedule.chosen(plan, known, 60.0).workloads[Experiment.STORAGE]
    ]
    slots = schedule.order(chosen, [1])
    ide = [slot for slot in slots if slot.subject == "ide"]
    assert math.isclose(schedule.expected(chosen, ide, without), 0.0)


def test_counted_workloads_keep_their_number() -> None:
    chosen = schedule.chosen(PLAN, costs(PLAN), 60.0)
    count = next(one for one in chosen.workloads[Experiment.STORAGE] if one.id == "count")
    assert count.requests == 500
