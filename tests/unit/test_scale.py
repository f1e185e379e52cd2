import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tuivm.widgets.scale import (
    LABEL_WIDTH,
    PATIENCE,
    AutoScale,
    LogScale,
    highest_of,
    log_base,
    log_ticks,
    lowest_of,
    nice_top,
    ticks,
)

UNITS = ["%", "B", "B/s", "ns", "", "irqs/s"]
MIB = 1024.0 * 1024


@pytest.mark.parametrize(
    ("highest", "unit", "labels"),
    [
        (100.0, "%", ["0", "50%", "100%"]),
        (47.0, "%", ["0", "20%", "40%", "60%"]),
        (0.2, "%", ["0", "5%", "10%"]),
        (250.0, "%", ["0", "100%", "200%", "300%"]),
        (12 * MIB, "B/s", ["0", "4M", "8M", "12M"]),
        (12 * MIB + 1, "B/s", ["0", "8M", "16M"]),
        (1.3 * 1024 * MIB, "B", ["0", "512M", "1G", "1.5G"]),
        (3.0, "B/s", ["0", "8K", "16K"]),
        (1700.0, "irqs/s", ["0", "1k", "2k"]),
        (150_000.0, "ns", ["0", "50µs", "100µs", "150µs"]),
        (0.0, "", ["0", "5", "10"]),
    ],
)
def test_ticks_are_round_and_have_units(highest, unit, labels):
    assert [tick.label for tick in ticks(nice_top(highest, unit), unit, 8)] == labels


def test_a_fixed_top_that_is_not_round_still_has_ticks():
    assert [tick.label for tick in ticks(3000 * MIB, "B", 8)] == ["0", "1.46G", "2.93G"]


def test_little_room_has_fewer_ticks():
    assert [tick.label for tick in ticks(60.0, "%", 4)] == ["0", "30%", "60%"]
    assert [tick.label for tick in ticks(60.0, "%", 2)] == ["0", "60%"]
    assert ticks(60.0, "%", 1) == ()


@given(st.floats(allow_nan=False), st.sampled_from(UNITS))
def test_the_top_holds_the_data_up_to_where_scales_end(highest, unit):
    top = nice_top(highest, unit)
    assert math.isfinite(top)
    assert top > 0
    assert top >= min(highest, 9e14 if unit != "ns" else 1e12)


@given(
    st.floats(min_value=0, exclude_min=True, allow_infinity=False),
    st.sampled_from(UNITS),
    st.integers(0, 60),
)
def test_ticks_fit_the_gutter_whatever_the_scale(top, unit, rows):
    found = ticks(top, unit, rows)
    assert len(found) in ((0,) if rows < 2 else (2, 3, 4))
    assert all(cell_len(tick.label) <= LABEL_WIDTH for tick in found)


def test_the_axis_grows_at_once_and_shrinks_late():
    axis = AutoScale().advance(90.0, "%")
    assert axis.top == 100.0
    axis = axis.advance(130.0, "%")
    assert axis.top == 150.0
    for _ in range(PATIENCE - 1):
        axis = axis.advance(20.0, "%")
        assert axis.top == 150.0
    assert axis.advance(20.0, "%").top == 20.0


def test_a_value_that_swings_around_half_leaves_the_axis_alone():
    axis = AutoScale().advance(100.0, "%")
    for value in (49.0, 51.0, 30.0, 49.0, 49.0, 60.0) * 5:
        axis = axis.advance(value, "%")
        assert axis.top == 100.0


def test_no_data_keeps_the_axis():
    axis = AutoScale().advance(90.0, "%")
    assert axis.advance(math.nan, "%") == axis
    assert AutoScale().advance(math.nan, "B/s").top == 16 * 1024


def test_highest_skips_what_is_no_figure():
    assert highest_of([[1.0, math.nan], [math.inf, 3.0, -math.inf]]) == 3.0
    assert math.isnan(highest_of([[math.nan], []]))
    assert lowest_of([[1.0, math.nan, 0.0], [math.inf, 3.0, -5.0]]) == 1.0
    assert math.isnan(lowest_of([[math.nan, 0.0], []]))


@pytest.mark.parametrize(
    ("lowest", "highest", "unit", "labels"),
    [
        (0.3, 90.0, "%", ["<0.1%", "1%", "10%", "100%"]),
        (0.01, 100.0, "%", ["<.01%", "0.1%", "1%", "10%", "100%"]),
        (3000.0, 9 * MIB, "B/s", ["<256", "4K", "64K", "1M", "16M"]),
        (0.2, 150_000.0, "irqs/s", ["<1", "10", "100", "1k", "10k", "100k", "1M"]),
        (50e3, 30e6, "ns", ["<10µs", "100µs", "1ms", "10ms", "100ms"]),
        (200e3, 2e9, "ns", ["<.1ms", "1ms", "10ms", "100ms", "1s", "10s"]),
        (math.nan, 0.0, "B/s", ["<256", "4K", "64K"]),
    ],
)
def test_a_logarithmic_axis_has_a_tick_a_power(lowest, highest, unit, labels):
    axis = LogScale().advance(lowest, highest, unit)
    assert [tick.label for tick in log_ticks(axis.top, axis.bottom, unit, 13)] == labels


def test_little_room_has_fewer_logarithmic_ticks():
    assert [tick.label for tick in log_ticks(1e6, 1.0, "", 7)] == ["<1", "100", "10k", "1M"]
    assert [tick.label for tick in log_ticks(1e6, 1.0, "", 4)] == ["<1", "1k", "1M"]
    assert [tick.label for tick in log_ticks(1e6, 1.0, "", 2)] == ["<1", "1M"]
    assert log_ticks(1e6, 1.0, "", 1) == ()


def test_a_fixed_logarithmic_top_that_is_no_power_has_a_tick_too():
    labels = [tick.label for tick in log_ticks(3000 * MIB, 65536.0, "B", 11)]
    assert labels == ["<64K", "1M", "16M", "256M", "2.93G"]


positive = st.floats(min_value=0, exclude_min=True, allow_infinity=False)


@given(positive, positive, st.sampled_from(UNITS), st.integers(0, 60))
def test_a_logarithmic_axis_spans_a_few_powers_and_its_ticks_fit(one, other, unit, rows):
    axis = LogScale().advance(min(one, other), max(one, other), unit)
    powers = math.log(axis.top / axis.bottom, log_base(unit))
    assert 1.99 < powers < 6.01
    assert axis.top >= min(one, other, 9e11)
    found = log_ticks(axis.top, axis.bottom, unit, rows)
    assert len(found) <= max(2, rows)
    assert all(cell_len(tick.label) <= LABEL_WIDTH for tick in found)
    assert [tick.value for tick in found] == sorted({tick.value for tick in found})


def test_a_logarithmic_axis_widens_at_once_and_narrows_late():
    axis = LogScale().advance(50.0, 5000.0, "")
    assert axis[:2] == (10_000.0, 10.0)
    axis = axis.advance(0.5, 50_000.0, "")
    assert axis[:2] == (100_000.0, 0.1)
    for _ in range(PATIENCE - 1):
        axis = axis.advance(50.0, 400.0, "")
        assert axis[:2] == (100_000.0, 0.1)
    assert axis.advance(50.0, 400.0, "")[:2] == (1000.0, 10.0)


def test_values_around_a_power_leave_a_logarithmic_axis_alone():
    axis = LogScale().advance(0.9, 1001.0, "")
    for lowest, highest in [(1.1, 999.0), (0.9, 1001.0), (1.3, 800.0)] * 6:
        axis = axis.advance(lowest, highest, "")
        assert axis[:2] == (10_000.0, 0.1)
    assert axis.advance(math.nan, math.nan, "")[:2] == (10_000.0, 0.1)


def test_what_is_far_below_the_top_does_not_stretch_a_logarithmic_axis():
    axis = LogScale().advance(0.05, 3e8, "")
    assert axis[:2] == (1e9, 1e3)
    axis = axis.advance(0.05, 3e9, "")
    assert axis[:2] == (1e10, 1e4)
