"""Retries grow to a limit with jitter; the interval stretches under load and eases back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tuivm.hypervisor.backoff import FAILED_MOST, LOST_FIRST, LOST_MOST, Backoff, Pace


def test_retries_double_up_to_the_limit() -> None:
    backoff = Backoff(chance=lambda: 1.0)
    delays = [backoff.next(refused=False) for _ in range(8)]
    assert delays == [1, 2, 4, 8, 16, 30, 30, 30]
    backoff.reset()
    assert backoff.next(refused=False) == LOST_FIRST


def test_what_a_person_must_mend_is_tried_less_often() -> None:
    backoff = Backoff(chance=lambda: 1.0)
    assert [backoff.next(refused=True) for _ in range(5)] == [5, 10, 20, 40, FAILED_MOST]


@given(st.floats(0, 1), st.integers(1, 2000))
def test_a_delay_is_never_outside_its_limits(chance: float, tries: int) -> None:
    backoff = Backoff(chance=lambda: chance)
    for _ in range(tries):
        delay = backoff.next(refused=False)
    assert LOST_FIRST <= delay <= LOST_MOST


def test_ticks_that_take_long_stretch_the_interval() -> None:
    pace = Pace(1.0)
    pace.took(0.4)
    assert pace.interval == 1.0
    pace.took(0.8)
    assert pace.interval == 2.0


def test_the_interval_eases_back_to_what_is_wanted() -> None:
    pace = Pace(1.0)
    pace.took(2.0)
    assert pace.interval == 5.0
    before = pace.interval
    while pace.interval > 1.0:
        pace.took(0.1)
        assert pace.interval < before
        before = pace.interval
    assert pace.interval == 1.0


def test_another_wish_takes_effect_at_once_unless_stretched() -> None:
    pace = Pace(1.0)
    pace.want(5.0)
    assert pace.interval == 5.0
    pace.want(1.0)
    assert pace.interval == 1.0
    pace.took(4.0)
    pace.want(2.0)
    assert pace.interval == 10.0
