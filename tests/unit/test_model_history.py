"""History: aligned buckets, gaps that stay gaps, memory that does not grow."""

import math
import random
import tracemalloc
from itertools import cycle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuivm.model.guests import GuestKey
from tuivm.model.history import COARSE_SLOTS, COARSE_STEP, FINE_SLOTS, Bucket, History, SeriesKey

WEB = GuestKey("local", "web")
CPU = SeriesKey(WEB, "cpu")
FINE, COARSE = 4e-4, 4e-3
"""To what share of it a value is kept: of a second, of a mean of ten."""
HOUR, KEPT = 3600, 6 * 3600


def about(values: object, within: float = FINE) -> Any:
    return pytest.approx(values, rel=within)


def means(history: History, end: float, step: float, count: int) -> list[float | None]:
    buckets = history.buckets(CPU, end, step, count)
    found = [None if math.isnan(bucket.mean) else bucket.mean for bucket in buckets]
    alone = history.means(CPU, end, step, count)
    assert [None if math.isnan(value) else value for value in alone] == found
    return found


def all_are(buckets: list[Bucket], low: float, mean: float, high: float) -> None:
    assert buckets
    for bucket in buckets:
        assert bucket.mean == about(mean, COARSE)
        assert abs(bucket.low - low) <= 0.02 * mean
        assert bucket.high == about(high, 0.03)


def test_an_unknown_series_is_all_gap() -> None:
    assert means(History(), 100.0, 1.0, 4) == [None] * 4


def test_one_value_a_second() -> None:
    history = History()
    for second in range(10):
        history.push(CPU, second + 0.5, float(second))
    assert means(history, 9.9, 1.0, 4) == about([6.0, 7.0, 8.0, 9.0])
    assert means(history, 11.0, 1.0, 4) == about([8.0, 9.0, None, None])
    assert means(history, 1.0, 1.0, 4) == about([None, None, 0.0, 1.0])
    assert means(history, 9.0, 1.0, 0) == []


def test_buckets_are_those_of_absolute_time() -> None:
    history = History()
    for second in range(20):
        history.push(CPU, float(second), float(second))
    # Five seconds a bucket: 0-4, 5-9, 10-14, wherever the window ends within the last.
    for end in (10.0, 12.0, 14.99):
        assert means(history, end, 5.0, 3)[:2] == about([2.0, 7.0])
    assert history.buckets(CPU, 9.0, 5.0, 1)[0] == about((5.0, 7.0, 9.0))


def test_a_rate_fills_the_seconds_that_it_is_the_mean_of() -> None:
    history = History()
    history.push(CPU, 10.2, 1.0)
    history.push(CPU, 15.1, 3.0, span=4.9)
    assert means(history, 15.5, 1.0, 6) == about([1.0, 3.0, 3.0, 3.0, 3.0, 3.0])


def test_a_second_that_is_written_twice_holds_what_came_last() -> None:
    history = History()
    for at, value, span in ((10, 1, 0), (15, 2, 5), (15.5, 3, 0), (17, 4, 4), (17, 5, 0)):
        history.push(CPU, float(at), float(value), float(span))
    assert means(history, 17.0, 1.0, 8) == about([1.0, 2.0, 2.0, 2.0, 4.0, 4.0, 4.0, 5.0])


def test_what_comes_late_changes_nothing() -> None:
    history = History()
    for second in (10, 12):
        history.push(CPU, float(second), 1.0)
    history.push(CPU, 11.0, 9.0)
    assert means(history, 12.0, 1.0, 3) == about([1.0, None, 1.0])


def test_what_was_not_measured_is_a_gap() -> None:
    history = History()
    history.push(CPU, 1.0, 5.0)
    history.push(CPU, 2.0, None)
    history.push(CPU, 3.0, math.nan)
    history.push(CPU, 4.0, 0.0)
    assert means(history, 4.0, 1.0, 4) == about([5.0, None, None, 0.0])


def test_gaps_and_zeros_stay_apart_when_they_are_old() -> None:
    history = History()
    for second in range(0, 3 * HOUR):
        if second // 60 % 2:
            history.push(CPU, float(second), 0.0)
    assert means(history, 3 * HOUR - 1, 60.0, 180) == [None, 0.0] * 90
    assert means(history, 3 * HOUR - 1, 10.0, 720) == ([None] * 6 + [0.0] * 6) * 60
    # Half measured is measured: a mean of what there was.
    assert means(history, 3 * HOUR - 1, 120.0, 90) == [0.0] * 90


def test_a_long_silence_leaves_nothing_old_behind() -> None:
    history = History()
    for second in range(FINE_SLOTS):
        history.push(CPU, float(second), 1.0)
    later = FINE_SLOTS * 5 + 3
    history.push(CPU, float(later), 2.0)
    assert means(history, float(later), 1.0, FINE_SLOTS) == about([None] * (FINE_SLOTS - 1) + [2.0])
    # It is still there where it belongs.
    assert means(history, float(later), 900.0, 6) == about([1.0, None, None, None, None, 2.0], 0.01)


@pytest.mark.parametrize("silence", [7, 890, 905, 3000, KEPT - HOUR, KEPT, 10 * KEPT])
def test_a_jump_in_time_is_a_gap_of_its_length(silence: int) -> None:
    history, begun = History(), 100_000
    for second in range(begun, begun + 1000):
        history.push(CPU, float(second), 3.0)
    again = begun + 1000 + silence
    for second in range(again, again + 1000):
        history.push(CPU, float(second), 4.0)
    end = again + 999
    found = history.means(CPU, end, 10.0, COARSE_SLOTS)
    for place, value in enumerate(found):
        first = (end // 10 - COARSE_SLOTS + 1 + place) * 10
        old = any(begun <= second < begun + 1000 for second in range(first, first + 10))
        new = any(again <= second < again + 1000 for second in range(first, first + 10))
        assert math.isnan(value) == (not old and not new), first
        if old != new:
            assert value == about(3.0 if old else 4.0, COARSE)


def test_hours_are_kept_in_coarse_buckets_with_their_extremes() -> None:
    history = History()
    for second in range(2 * KEPT):
        history.push(CPU, float(second), float(second % 10))
    end = 2.0 * KEPT - 1
    all_are(history.buckets(CPU, end, COARSE_STEP, COARSE_SLOTS), 0.0, 4.5, 9.0)
    all_are(history.buckets(CPU, end, 60.0, 360), 0.0, 4.5, 9.0)
    assert means(history, end - KEPT - HOUR, 60.0, 10) == [None] * 10


def test_what_is_seen_of_an_hour_does_not_change_when_it_grows_old() -> None:
    history, figures = History(), random.Random(3)
    for second in range(HOUR):
        history.push(CPU, float(second), figures.random() * 1e8)
    for later in range(HOUR, KEPT - 10, 1500):
        before = history.means(CPU, HOUR - 1.0, 30.0, 120)
        history.push(CPU, float(later), 1.0)
        assert history.means(CPU, HOUR - 1.0, 30.0, 120) == about(before, COARSE)


@pytest.mark.parametrize("step", [1.0, 4.0, 5.0, 15.0, 25.0])
def test_any_step_can_be_read_of_any_time(step: float) -> None:
    """Of what is old, a second is one of the 10 s that it was in."""
    history = History()
    for second in range(2 * HOUR):
        history.push(CPU, float(second), float(second))
    count = int(2 * HOUR / step)
    found = history.buckets(CPU, 2.0 * HOUR - 1, step, count)
    for number, bucket in enumerate(found):
        middle = number * step + (step - 1) / 2
        assert abs(bucket.mean - middle) <= COARSE_STEP + COARSE * middle
    recent = range(count - int(FINE_SLOTS / step), count)
    for number in recent:
        first, last = number * step, number * step + step - 1
        assert found[number] == about((first, (first + last) / 2, last))


def test_the_latest_value_within_a_time() -> None:
    history = History()
    history.push(CPU, 10.0, 4.0)
    assert history.latest(CPU, 12.0, within=3.0) == about(4.0)
    assert history.latest(CPU, 20.0, within=3.0) is None
    assert history.latest(CPU, 20.0, within=1e9) == about(4.0)
    assert history.latest(SeriesKey(WEB, "memory"), 10.0, within=3.0) is None


def test_a_guest_that_is_forgotten_leaves_the_others() -> None:
    history = History()
    other = SeriesKey(GuestKey("rack7", "web"), "cpu")
    history.push(CPU, 1.0, 1.0)
    history.push(SeriesKey(WEB, "disk.read", "vda"), 1.0, 1.0)
    history.push(other, 1.0, 2.0)
    history.forget(WEB)
    assert list(history.keys()) == [other]


def test_pruned_is_what_has_no_value_left() -> None:
    history = History()
    history.push(CPU, 100.0, 1.0)
    history.prune(100.0 + KEPT)
    assert list(history.keys()) == [CPU]
    history.prune(102.0 + KEPT)
    assert list(history.keys()) == []


def test_devices_that_keep_coming_under_new_names_do_not_pile_up() -> None:
    history = History()
    for hour in range(100):
        history.push(SeriesKey(WEB, "net.rx", f"vnet{hour}"), hour * 3600.0, 1.0)
    assert 6 <= len(list(history.keys())) <= 8


@pytest.mark.parametrize("value", [0.01, 1.0, 100.0, 1e6, 1e15])
def test_powers_of_ten_are_kept_as_they_are(value: float) -> None:
    """So that 100 % is not seen as more than 100 %."""
    history = History()
    for second in range(0, HOUR, 10):
        history.push(CPU, float(second), value, span=10.0)
    kept = history.means(CPU, HOUR - 10.0, 10.0, 350)
    assert {float(f"{mean:.12g}") for mean in kept} == {value}
    assert max(kept) <= value


@given(st.floats(1e-4, 1e15))
def test_precision(value: float) -> None:
    history = History()
    history.push(CPU, 5.0, value)
    assert history.means(CPU, 5.0, 1.0, 1) == about([value])
    history.push(CPU, 5.0 + HOUR, value)
    assert history.means(CPU, 5.0, 1.0, 1) == about([value], COARSE)


@pytest.mark.parametrize(
    ("value", "kept"), [(1e-9, 1e-4), (math.inf, 1e15), (-1.0, 0.0), (5e-324, 1e-4)]
)
def test_what_is_off_the_scale_is_at_its_end(value: float, kept: float) -> None:
    history = History()
    history.push(CPU, 5.0, value)
    assert means(history, 5.0, 1.0, 1) == about([kept])


def size(values: list[float], cadence: int, seconds: int) -> float:
    """Bytes that a series takes after that time."""
    keys = [SeriesKey(WEB, "cpu", str(number)) for number in range(8)]
    tracemalloc.start()
    history = History()
    for second in range(0, seconds, cadence):
        for place, key in enumerate(keys, second):
            history.push(key, float(second), values[place % len(values)], float(cadence))
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return taken / len(keys)


def test_a_series_is_bounded_whatever_it_holds() -> None:
    figures = random.Random(1)
    noise = [figures.random() * 1e9 for _ in range(9973)]
    assert size(noise, 1, KEPT + HOUR // 2) < 2 * 1000 + 3 * (COARSE_SLOTS + 360) + 1000


@pytest.mark.parametrize("value", [0.0, 10.0 * 2**30])
def test_what_does_not_change_costs_next_to_nothing(value: float) -> None:
    assert size([value], 5, KEPT) < 900


@pytest.mark.parametrize("span", [0.0, 5.0, 1e9])
def test_however_long_the_span_only_what_is_kept_is_written(span: float) -> None:
    history = History()
    history.push(CPU, 5000.0, 1.0, span)
    expected = {0.0: 1, 5.0: 5, 1e9: FINE_SLOTS}[span]
    filled = [value for value in means(history, 5000.0, 1.0, FINE_SLOTS) if value is not None]
    assert len(filled) == expected


Stretch = tuple[float, float, int, list[float], bool]
VALUES = st.just(0.0) | st.floats(1e-3, 1e12)
STRETCHES = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.4, 3.0, 40.0]) | st.floats(0, 2 * KEPT),
        st.sampled_from([0.3, 1.0, 1.0, 5.0, 5.0, 12.5]),
        st.integers(1, 400),
        st.lists(VALUES, min_size=1, max_size=12),
        st.booleans(),
    ),
    min_size=1,
    max_size=7,
)
"""(silence before, seconds from value to value, values, which, whether they fill the time)."""


class Naive:
    """Every second for ever, in a dict."""

    def __init__(self) -> None:
        self.values: dict[int, float] = {}
        self.short: dict[int, list[tuple[float, float]]] = {}

    def push(self, at: float, value: float, span: float) -> None:
        last = math.floor(at)
        if 0 < span < 0.9:
            parts = self.short.setdefault(last, [])
            parts.append((value, span))
            value = sum(v * s for v, s in parts) / sum(s for _, s in parts)
        for second in range(min(last, math.floor(at - span) + 1), last + 1):
            self.values[second] = value

    def bucket(self, first: int, count: int) -> list[float]:
        return [self.values[s] for s in range(first, first + count) if s in self.values]


def filled(stretches: list[Stretch]) -> tuple[History, Naive, float]:
    history, naive, at = History(), Naive(), 1_234.5
    for silence, cadence, count, values, fills in stretches:
        at += silence
        for number, value in zip(range(count), cycle(values)):
            at += cadence
            span = cadence if fills and number else 0.0
            history.push(CPU, at, value, span)
            naive.push(at, value, span)
    return history, naive, at


@settings(max_examples=60, deadline=None)
@given(STRETCHES, st.sampled_from([1, 2, 3, 7, 15, 60]))
def test_the_last_quarter_of_an_hour_is_what_was_pushed(
    stretches: list[Stretch], step: int
) -> None:
    history, naive, at = filled(stretches)
    count = (FINE_SLOTS - step) // step
    found = history.buckets(CPU, at, float(step), count)
    last = math.floor(at // step)
    for number, bucket in zip(range(last - count + 1, last + 1), found, strict=True):
        values = naive.bucket(number * step, step)
        if not values:
            assert all(math.isnan(figure) for figure in bucket)
            continue
        assert bucket.low == about(min(values))
        assert bucket.high == about(max(values))
        if step % 10:
            assert bucket.mean == about(sum(values) / len(values))


@settings(max_examples=60, deadline=None)
@given(STRETCHES, st.sampled_from([1, 2, 6, 60]), st.floats(0, 1))
def test_six_hours_are_what_was_pushed_ten_seconds_by_ten(
    stretches: list[Stretch], per: int, back: float
) -> None:
    history, naive, at = filled(stretches)
    step = per * 10
    end = at - back * KEPT / 2
    last = math.floor(end // step)
    count = min(300, int((KEPT - (at - end)) // step) - 1)
    found = history.buckets(CPU, end, float(step), count)
    alone = history.means(CPU, end, float(step), count)
    for number, bucket, mean in zip(range(last - count + 1, last + 1), found, alone, strict=True):
        tens = [naive.bucket(number * step + ten * 10, 10) for ten in range(per)]
        tens = [values for values in tens if values]
        if not tens:
            assert all(math.isnan(figure) for figure in (*bucket, mean))
            continue
        each = [sum(values) / len(values) for values in tens]
        assert bucket.mean == mean == about(sum(each) / len(each), COARSE)
        lowest = min(range(len(tens)), key=lambda ten: min(tens[ten]))
        assert bucket.low <= min(tens[lowest]) + 0.02 * each[lowest]
        assert bucket.low >= min(
            min(values) * 0.99 - 0.02 * ten for values, ten in zip(tens, each, strict=True)
        )
        assert bucket.high == about(max(max(values) for values in tens), 0.025)
        assert bucket.low <= mean * (1 + 1e-9) <= bucket.high * (1 + 2e-9)


@settings(max_examples=40, deadline=None)
@given(STRETCHES, st.integers(1, 120), st.integers(0, 50), st.floats(0, 1e5))
def test_always_as_many_buckets_as_asked_each_a_gap_or_in_order(
    stretches: list[Stretch], step: int, count: int, end: float
) -> None:
    history, _, _ = filled(stretches)
    buckets = history.buckets(CPU, end, float(step), count)
    assert len(buckets) == len(history.means(CPU, end, float(step), count)) == count
    for low, mean, high in buckets:
        assert math.isnan(low) == math.isnan(mean) == math.isnan(high)
        assert math.isnan(mean) or low <= mean * (1 + 1e-9) <= high * (1 + 2e-9)


@settings(max_examples=40, deadline=None)
@given(STRETCHES, st.integers(1, 30))
def test_time_that_passes_moves_whole_buckets_and_changes_none(
    stretches: list[Stretch], step: int
) -> None:
    history, _, at = filled(stretches)
    now = history.buckets(CPU, at, float(step), 20)
    later = history.buckets(CPU, at + step, float(step), 20)
    assert str(later[:-1]) == str(now[1:])


def test_a_second_sampled_several_times_is_their_mean() -> None:
    history, key = History(), SeriesKey(GuestKey("h", "u"), "disk.reads", "vda")
    for number, value in enumerate([100.0, 0.0, 0.0, 300.0, 200.0, 50.0]):
        history.push(key, 1000.19 + 0.2 * number, value, 0.2)
    seconds = history.means(key, 1001.5, 1.0, 2)
    assert seconds == pytest.approx([120.0, 50.0], rel=0.001)
