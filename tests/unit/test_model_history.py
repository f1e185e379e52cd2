"""History: aligned buckets, gaps that stay gaps, memory that does not grow."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuivm.model.guests import GuestKey
from tuivm.model.history import COARSE_SLOTS, COARSE_STEP, FINE_SLOTS, Bucket, History, SeriesKey

WEB = GuestKey("local", "web")
CPU = SeriesKey(WEB, "cpu")


def means(history: History, end: float, step: float, count: int) -> list[float | None]:
    buckets = history.buckets(CPU, end, step, count)
    return [None if math.isnan(bucket.mean) else bucket.mean for bucket in buckets]


def test_an_unknown_series_is_all_gap() -> None:
    assert means(History(), 100.0, 1.0, 4) == [None] * 4


def test_one_value_a_second() -> None:
    history = History()
    for second in range(10):
        history.push(CPU, second + 0.5, float(second))
    assert means(history, 9.9, 1.0, 4) == [6.0, 7.0, 8.0, 9.0]
    assert means(history, 11.0, 1.0, 4) == [8.0, 9.0, None, None]
    assert means(history, 1.0, 1.0, 4) == [None, None, 0.0, 1.0]


def test_buckets_are_those_of_absolute_time() -> None:
    history = History()
    for second in range(20):
        history.push(CPU, float(second), float(second))
    # Five seconds a bucket: 0-4, 5-9, 10-14, wherever the window ends within the last.
    for end in (10.0, 12.0, 14.99):
        assert means(history, end, 5.0, 3)[:2] == [2.0, 7.0]
    assert history.buckets(CPU, 9.0, 5.0, 1) == [Bucket(5.0, 7.0, 9.0)]


def test_a_rate_fills_the_seconds_that_it_is_the_mean_of() -> None:
    history = History()
    history.push(CPU, 10.2, 1.0)
    history.push(CPU, 15.1, 3.0, span=4.9)
    assert means(history, 15.5, 1.0, 6) == [1.0, 3.0, 3.0, 3.0, 3.0, 3.0]


def test_what_was_not_measured_is_a_gap() -> None:
    history = History()
    history.push(CPU, 1.0, 5.0)
    history.push(CPU, 2.0, None)
    history.push(CPU, 3.0, math.nan)
    history.push(CPU, 4.0, 0.0)
    assert means(history, 4.0, 1.0, 4) == [5.0, None, None, 0.0]


def test_a_long_silence_leaves_nothing_old_behind() -> None:
    history = History()
    for second in range(FINE_SLOTS):
        history.push(CPU, float(second), 1.0)
    later = FINE_SLOTS * 5 + 3
    history.push(CPU, float(later), 2.0)
    assert means(history, float(later), 1.0, FINE_SLOTS) == [None] * (FINE_SLOTS - 1) + [2.0]


def test_an_hour_is_kept_in_coarse_buckets_with_their_extremes() -> None:
    history = History()
    for second in range(3600):
        history.push(CPU, float(second), float(second % 10))
    buckets = history.buckets(CPU, 3599.0, COARSE_STEP, COARSE_SLOTS)
    assert set(buckets) == {Bucket(0.0, 4.5, 9.0)}
    assert history.buckets(CPU, 3599.0, 60.0, 60) == [Bucket(0.0, 4.5, 9.0)] * 60


def test_a_step_that_is_no_multiple_of_the_coarse_one_still_falls_on_its_own_time() -> None:
    history = History()
    for second in range(3600):
        history.push(CPU, float(second), float(second))
    for number, bucket in enumerate(history.buckets(CPU, 3599.0, 15.0, 240)):
        middle = number * 15 + 7.5
        assert abs(bucket.mean - middle) <= COARSE_STEP


def test_the_latest_value_within_a_time() -> None:
    history = History()
    history.push(CPU, 10.0, 4.0)
    assert history.latest(CPU, 12.0, within=3.0) == 4.0
    assert history.latest(CPU, 20.0, within=3.0) is None
    assert history.latest(SeriesKey(WEB, "memory"), 10.0, within=3.0) is None


def test_a_guest_that_is_forgotten_leaves_the_others() -> None:
    history = History()
    other = SeriesKey(GuestKey("rack7", "web"), "cpu")
    history.push(CPU, 1.0, 1.0)
    history.push(SeriesKey(WEB, "disk.read", "vda"), 1.0, 1.0)
    history.push(other, 1.0, 2.0)
    history.forget(WEB)
    assert list(history.keys()) == [other]


PUSHES = st.lists(
    st.tuples(
        st.floats(0.05, 400),
        st.floats(0, 1e6, width=32),
        st.floats(0, 30),
    ),
    max_size=60,
)


@given(PUSHES, st.integers(1, 120), st.integers(1, 50), st.floats(0, 1e5))
def test_always_as_many_buckets_as_asked_each_a_gap_or_in_order(
    pushes: list[tuple[float, float, float]], step: int, count: int, end: float
) -> None:
    history, at = History(), 0.0
    for wait, value, span in pushes:
        at += wait
        history.push(CPU, at, value, min(span, wait))
    buckets = history.buckets(CPU, end, float(step), count)
    assert len(buckets) == count
    for low, mean, high in buckets:
        if math.isnan(mean):
            assert math.isnan(low)
            assert math.isnan(high)
        else:
            assert low <= mean * (1 + 1e-6) + 1e-9
            assert mean <= high * (1 + 1e-6) + 1e-9


@given(PUSHES, st.integers(1, 30))
def test_time_that_passes_moves_whole_buckets_and_changes_none(
    pushes: list[tuple[float, float, float]], step: int
) -> None:
    history, at = History(), 0.0
    for wait, value, span in pushes:
        at += wait
        history.push(CPU, at, value, min(span, wait))
    now = history.buckets(CPU, at, float(step), 20)
    later = history.buckets(CPU, at + step, float(step), 20)
    assert str(later[:-1]) == str(now[1:])


@pytest.mark.parametrize("span", [0.0, 5.0, 1e9])
def test_however_long_the_span_only_what_is_kept_is_written(span: float) -> None:
    history = History()
    history.push(CPU, 5000.0, 1.0, span)
    expected = {0.0: 1, 5.0: 5, 1e9: FINE_SLOTS}[span]
    filled = [value for value in means(history, 5000.0, 1.0, FINE_SLOTS) if value is not None]
    assert len(filled) == expected
