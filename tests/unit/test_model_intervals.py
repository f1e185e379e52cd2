from __future__ import annotations

import math
import random
from statistics import mean, stdev

import pytest

from tuivm.model.intervals import Term, Terms, batched, interval_of, mean_of, ratio_of


def terms(values: list[float]) -> Terms:
    return lists([Term() if math.isnan(value) else Term(value, 1.0) for value in values])


def lists(of: list[Term]) -> Terms:
    return Terms([one.top for one in of], [one.bottom for one in of])


def mean_in(batches: list[Term]) -> float | None:
    return mean_of(lists(batches))


def test_equal_batches_give_the_textbook_interval() -> None:
    """Of independent batch means with equal weights: mean ± t * s / sqrt(n)."""
    means = [10.0, 12.0, 11.0, 9.0, 13.0]
    batches = batched(terms([each for each in means for _ in range(5)]), 1.0)
    assert [batch.top / batch.bottom for batch in batches] == means
    found = interval_of(batches, mean_in(batches))
    half = 2.776 * stdev(means) / math.sqrt(5)
    assert found == pytest.approx((mean(means), 11.0 - half, 11.0 + half))


@pytest.mark.parametrize(
    ("count", "step", "shortest", "batches"),
    [
        (60, 1.0, 5.0, 12),
        (300, 1.0, 5.0, 20),
        (360, 10.0, 5.0, 20),
        (60, 1.0, 10.0, 6),
        (4, 1, 5, 0),
    ],
)
def test_how_many_batches(count: int, step: float, shortest: float, batches: int) -> None:
    assert len(batched(terms([1.0] * count), step, shortest)) == batches


def test_four_batches_are_too_few() -> None:
    batches = batched(terms([1.0, 2.0] * 10), 1.0)
    assert len(batches) == 4
    assert interval_of(batches, mean_in(batches)) == (1.5, None, None)


def test_a_gap_is_not_a_zero() -> None:
    values = [100.0] * 30 + [math.nan] * 30
    batches = batched(terms(values), 1.0)
    assert interval_of(batches, mean_of(terms(values))) == (100.0, 100.0, 100.0)


def test_a_mean_is_weighted_and_its_interval_does_not_go_below_zero() -> None:
    heavy = [Term(2.0 * 900, 900.0), *[Term(0.0, 1.0)] * 5]
    found = mean_in(heavy)
    assert found == pytest.approx(1800 / 905)
    assert mean_in([Term()] * 3) is None
    rare = [Term(each, 1.0) for each in (*[0.0] * 5, 10.0)]
    assert interval_of(rare, mean_in(rare)).low == 0.0


def test_what_slows_both_down_at_once_does_not_blur_their_ratio() -> None:
    chance = random.Random(7)
    common = [chance.uniform(50.0, 150.0) for _ in range(12)]
    one, base = [Term(2 * each, 1.0) for each in common], [Term(each, 1.0) for each in common]
    found = ratio_of(one, mean_in(one) or 0, base, mean_in(base) or 0)
    assert found == pytest.approx((2.0, 2.0, 2.0))
    shuffled = chance.sample(base, len(base))
    blurred = ratio_of(one, mean_in(one) or 0, shuffled, mean_in(base) or 0)
    assert blurred.low is not None
    assert blurred.low < 1.9


def test_a_ratio_has_an_interval_only_where_both_were_measured() -> None:
    one = [Term(2.0, 1.0)] * 6 + [Term()] * 6
    base = [Term()] * 2 + [Term(1.0, 1.0)] * 10
    assert ratio_of(one, 2.0, base, 1.0) == (2.0, None, None)
    assert ratio_of([Term(0.0, 1.0)] * 9, 0.0, [Term(1.0, 1.0)] * 9, 1.0) == (0.0, None, None)


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    """Values that depend on each other (AR(1), 0.6): plain scatter would hold it far less often."""
    chance = random.Random(11)
    held = held_ratio = 0
    for _ in range(400):
        made = []
        for _ in range(2):
            now, values = 0.0, []
            for _ in range(300):
                now = 0.6 * now + chance.gauss(0.0, 5.0)
                values.append(100.0 + now)
            made.append(batched(terms(values), 1.0))
        one, base = (interval_of(each, mean_in(each)) for each in made)
        assert one.mean is not None
        assert one.low is not None
        assert one.high is not None
        assert base.mean is not None
        held += one.low <= 100.0 <= one.high
        ratio = ratio_of(made[0], one.mean, made[1], base.mean)
        assert ratio.low is not None
        assert ratio.high is not None
        held_ratio += ratio.low <= 1.0 <= ratio.high
    assert 0.90 <= held / 400 <= 0.98
    assert 0.90 <= held_ratio / 400 <= 0.98
