import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuivm.model.guests import GuestKey
from tuivm.model.history import History, SeriesKey
from tuivm.widgets.chartdata import ChartData, ChartSeries, widened
from tuivm.widgets.raster import BLANK, PER_CELL, Run, dot_columns, raster
from tuivm.widgets.window import pick_window

NAN = math.nan
STYLES = sorted(PER_CELL)
RAMP = [0, 1, 2, 3, 4, 5, 6, 7, 7, 5, 3, 1, NAN, NAN, 4, 4]


def text(rows):
    return ["".join(run.text for run in row) for row in rows]


def cells(rows):
    """Every cell as (character, series, series behind); the colour of an empty one is nothing."""
    return [
        [
            (char, BLANK if char == " " else run.series, run.under)
            for run in row
            for char in run.text
        ]
        for row in rows
    ]


def test_braille_lines_are_continuous_and_gaps_are_gaps():
    assert text(raster([RAMP], 8, 2, 7.0, "braille")) == [
        "  ⡠⠊⠱⡀ ⣀",
        "⡠⠊   ⠱  ",
    ]


def test_a_jump_is_drawn_in_the_newer_column():
    assert text(raster([[0, 7]], 1, 2, 7.0, "braille")) == ["⢸", "⡸"]
    assert text(raster([[7, 0]], 1, 2, 7.0, "braille")) == ["⢱", "⢸"]


def test_block_columns():
    assert text(raster([[0, 2, 4, 8, NAN, 15]], 6, 2, 15.0, "block")) == [
        "   ▁ █",
        "▁▃▅█ █",
    ]


def test_ascii_marks_tell_series_apart():
    rows = raster([[0, 1, 2, 3, NAN, 3], [3, 2, 1, 0, 0, 0]], 6, 4, 3.0, "ascii")
    assert text(rows) == [
        "+  * *",
        " +*   ",
        " *+   ",
        "*  +++",
    ]
    assert rows[1] == (Run(" +", 1), Run("*   ", 0))


def test_a_cell_has_the_colour_of_the_series_drawn_last_and_all_its_dots():
    (row,) = raster([[0, 0], [3, 3]], 1, 1, 3.0, "braille")
    assert row == (Run("⣉", 1),)


def test_the_lower_bar_stands_in_front_of_the_higher_one():
    top, bottom = raster([[5], [15]], 1, 2, 15.0, "block")
    assert top == (Run("█", 1),)
    assert bottom == (Run("▆", 0, 1),)


def test_of_two_tops_in_one_cell_the_outline_shows():
    assert raster([[2], [5]], 1, 1, 7.0, "block") == [(Run("▆", 1),)]
    assert raster([[5], [5]], 1, 1, 7.0, "block") == [(Run("▆", 1),)]


def test_few_values_are_at_the_right_and_old_ones_fall_off_the_left():
    assert text(raster([[1]], 4, 1, 1.0, "ascii")) == ["   *"]
    assert text(raster([[1, 1, 0, NAN, 1]], 3, 2, 1.0, "ascii")) == ["  *", "*  "]


@pytest.mark.parametrize("style", STYLES)
def test_on_a_logarithmic_axis_what_is_too_small_is_on_the_bottom_line_and_no_gap(style):
    small = [0.0, 0.001, 0.01, -3.0, NAN, 0.01]
    wide = [value for value in small for _ in range(PER_CELL[style])]
    *above, bottom = text(raster([wide], 6, 4, 100.0, style, bottom=0.01))
    assert set("".join(above)) == {" "}
    assert [char == " " for char in bottom] == [False] * 4 + [True, False]


def test_each_power_is_as_high_as_the_next_on_a_logarithmic_axis():
    powers = [0.01, 0.1, 1.0, 10.0, 100.0]
    rows = raster([powers], 5, 5, 100.0, "ascii", bottom=0.01)
    assert text(rows) == ["    *", "   * ", "  *  ", " *   ", "*    "]


values = st.lists(st.floats(width=32) | st.sampled_from([1e300, -1e300, 5e-324]), max_size=60)


@given(
    st.lists(values, max_size=8),
    st.integers(-2, 30),
    st.integers(-2, 12),
    st.floats() | st.sampled_from([0.0, 1.0, 100.0]),
    st.sampled_from(STYLES),
    st.sampled_from([0.0, 0.01, 5e9]),
    st.none() | st.integers(-5, 10**7),
)
def test_any_values_at_any_size_fill_exactly_the_rows_and_columns(
    series, columns, rows, top, style, bottom, marks_from
):
    drawn = raster(series, columns, rows, top, style, bottom=bottom, marks_from=marks_from)
    assert len(drawn) == max(0, rows)
    assert all(len(line) == max(0, columns) for line in text(drawn))
    assert {run.series for row in drawn for run in row} <= {BLANK, *range(len(series))}


def test_more_series_than_a_byte_counts_are_drawn():
    raster([[1.0, 2.0]] * 400, 3, 3, 2.0, "braille")


figures = st.lists(st.floats(0, 100) | st.just(NAN), min_size=200, max_size=200)


@given(
    st.lists(figures, min_size=1, max_size=3),
    st.sampled_from(STYLES),
    st.integers(1, 40),
    st.integers(1, 8),
    st.floats(3600.0, 3780.0),
    st.floats(0.1, 20.0),
    st.sampled_from([20.0, 60.0, 100.0]),
    st.sampled_from([0.0, 0.1]),
    st.booleans(),
)
def test_history_only_moves_by_whole_cells(
    data, style, columns, rows, now, later, seconds, bottom, marks
):
    """What was drawn of the past stays as it was, whatever comes after it."""

    def draw(at):
        window = pick_window(seconds, at, dot_columns(columns, style), PER_CELL[style])

        def value(series, bucket):
            known = bucket * window.step <= at
            return series[int(bucket) % len(series)] if known else NAN

        buckets = range(window.end_bucket - window.count + 1, window.end_bucket + 1)
        dots = [bucket for bucket in buckets for _ in range(window.wide)]
        start = (window.end_bucket + 1) * window.wide // PER_CELL[style] - columns
        drawn = raster(
            [[value(s, bucket) for bucket in dots] for s in data],
            columns,
            rows,
            100.0,
            style,
            bottom=bottom,
            marks_from=start if marks else None,
        )
        return start, cells(drawn)

    before_start, before = draw(now)
    after_start, after = draw(now + later)
    moved = after_start - before_start
    assert moved >= 0
    # The oldest column of a plot has no neighbour at its left, the newest is still being filled.
    for was, now_is in zip(before, after, strict=True):
        assert was[moved + 1 : columns - 1] == now_is[1 : columns - 1 - moved]


@given(
    st.floats(0, 1e7),
    st.sampled_from([60.0, 300.0, 900.0, 3600.0, 21600.0]),
    st.integers(0, 500),
    st.sampled_from([1, 2]),
)
def test_a_window_reaches_from_now_back_to_what_was_asked_for(now, seconds, count, per_cell):
    window = pick_window(seconds, now, count, per_cell)
    assert window.step >= 1
    assert window.step == int(window.step)
    assert (window.end_bucket + 1) * window.wide % per_cell == 0
    assert window.wide == 1 or window.step == 1
    assert window.count * window.wide <= count
    assert 0 <= window.end_bucket - int(now // window.step) < per_cell
    assert int(window.end // window.step) == window.end_bucket
    assert not count or window.span >= seconds
    if seconds > 900 and count:
        assert window.step % 10 == 0


@pytest.mark.parametrize("seconds", [60.0, 300.0, 900.0, 3600.0, 21600.0])
@pytest.mark.parametrize("back", [30.0, 1200.0, 7200.0, 18000.0])
def test_a_window_in_the_past_reads_what_was_then(seconds, back):
    key = SeriesKey(GuestKey("local", "0"), "cpu")
    history = History()
    now, begun = 50_000, 50_000 - 6 * 3600
    for second in range(begun, now + 1):
        history.push(key, second, second - begun + 1.0)
    window = pick_window(seconds, now - back, 120, 2)
    means = history.means(key, window.end, window.step, window.count)
    first = window.end_bucket - window.count + 1
    assert 0 <= window.end - (now - back) + window.step < 3 * window.step
    for bucket, mean in enumerate(means, first):
        middle = (bucket + 0.5) * window.step
        # The ends of a history, where buckets are partly full, are no concern here.
        if begun + 20 < middle - window.step and middle + window.step < now:
            assert mean == pytest.approx(middle - begun, rel=0.02, abs=10.0)


@pytest.mark.parametrize("seconds", [60.0, 300.0, 900.0, 3600.0])
@pytest.mark.parametrize("columns", [2, 7, 20, 54, 90, 240])
def test_a_window_reads_every_second_of_the_history(seconds, columns):
    key = SeriesKey(GuestKey("local", "0"), "cpu")
    history = History()
    now = 10_000.0
    for second in range(int(now) - 3700, int(now) + 1):
        history.push(key, second, 7.0)
    window = pick_window(seconds, now, columns * 2, 2)
    buckets = history.buckets(key, window.end, window.step, window.count)
    assert len(buckets) == window.count
    values = [bucket.mean for bucket in buckets]
    oldest = next(index for index, value in enumerate(values) if not math.isnan(value))
    newest = window.count - (window.end_bucket - int(now // window.step))
    assert values[oldest:newest] == pytest.approx([7.0] * (newest - oldest), rel=0.01)
    # A coarse bucket less: a ring holds its span up to the end of the bucket that `now` is in.
    starts = (window.end_bucket - window.count + 1 + oldest) * window.step
    assert starts <= now - seconds + 10


@pytest.mark.parametrize(("columns", "wide"), [(30, 1), (60, 1), (61, 2), (122, 4), (182, 6)])
def test_a_minute_fills_a_wide_chart(columns, wide):
    window = pick_window(60.0, 10_000.0, columns * 2, 2)
    assert window.wide == wide
    assert wide == 1 or 60 <= window.span <= 90


def test_a_bucket_of_several_dot_columns_is_as_many_values():
    data = ChartData(
        "", "%", 1.0, 99, (ChartSeries("a", [1.0, NAN], "series-1"),), cursor=1, wide=4
    )
    wide = widened(data)
    assert wide.series[0].values == pytest.approx([1.0] * 4 + [NAN] * 4, nan_ok=True)
    assert (wide.step, wide.end_bucket, wide.cursor, wide.wide) == (0.25, 399, 6, 1)
