import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tuivm.widgets.scale import LABEL_WIDTH, PATIENCE, AutoScale, highest_of, nice_top, ticks

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
