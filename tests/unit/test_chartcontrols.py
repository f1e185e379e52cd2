"""Which stretch of time charts show, the cursor in it, and how the axis is drawn."""

from __future__ import annotations

import math

import pytest

from tuivm.screens.chartcontrols import REACH, ChartControls, value_text
from tuivm.widgets.timechart import ChartData, ChartGroup, ChartSeries
from tuivm.widgets.window import Window, pick_window

NOW = 10_000.0


def window_of(controls: ChartControls, now: float = NOW) -> Window:
    return pick_window(controls.seconds, controls.end(now), 100, 2)


def chart(window: Window, *series: ChartSeries, unit: str = "/s", **more: object) -> ChartData:
    return ChartData("disks", unit, window.step, window.end_bucket, series, **more)  # type: ignore[arg-type]


def ramp(window: Window, group: int = -1) -> ChartSeries:
    """Each value is the number of its bucket."""
    first = window.end_bucket - window.count + 1
    values = tuple(float(first + n) for n in range(window.count))
    return ChartSeries("vda", values, "series-1", value="now", group=group)


def test_a_live_chart_ends_now() -> None:
    controls = ChartControls(60.0)
    assert not controls.paused
    assert controls.end(NOW) == NOW
    assert controls.ends_ago(NOW) == 0
    window = window_of(controls)
    shown = controls.framed(chart(window, ramp(window)), window, NOW)
    assert (shown.cursor, shown.paused, shown.ends_ago, shown.log) == (None, False, 0.0, False)
    assert shown.series[0].value == "now"


def test_a_pause_keeps_the_right_edge_and_hides_what_comes_after_it() -> None:
    controls = ChartControls(60.0)
    controls.pause(NOW)
    window = window_of(controls, NOW + 30)
    assert window == window_of(controls, NOW)
    assert controls.ends_ago(NOW + 30) == 30
    shown = controls.framed(chart(window, ramp(window)), window, NOW + 30)
    assert shown.paused
    ahead = window.end_bucket - int(NOW // window.step)
    assert ahead > 0, "the last cell reaches past the end"
    values = shown.series[0].values
    assert all(math.isnan(value) for value in values[-ahead:])
    assert math.isnan(values[-ahead - 1]), "that bucket would still change"
    assert values[-ahead - 2] == NOW // window.step - 1
    controls.pause(NOW + 31)
    assert not controls.paused


def test_scrolling_goes_by_half_windows_and_no_further_than_the_history() -> None:
    controls = ChartControls(300.0)
    controls.scroll(-0.5, NOW)
    assert controls.paused
    assert controls.ends_ago(NOW) == 150
    controls.scroll(-0.5, NOW + 10)
    assert controls.ends_ago(NOW + 10) == 310
    for _ in range(500):
        controls.scroll(-0.5, NOW)
    assert controls.ends_ago(NOW) == REACH - 300
    controls.scroll(0.5, NOW)
    assert controls.ends_ago(NOW) == REACH - 450
    for _ in range(500):
        controls.scroll(0.5, NOW)
    assert not controls.paused, "at the end it runs on"


@pytest.mark.parametrize("by", [1, -1])
def test_the_window_has_four_lengths(by: int) -> None:
    controls = ChartControls(290.0)
    seen = [controls.seconds]
    for _ in range(4):
        controls.widen(by)
        seen.append(controls.seconds)
    assert seen == ([290.0, 900, 3600, 3600, 3600] if by > 0 else [290.0, 60, 60, 60, 60])


def test_the_cursor_reads_out_one_moment() -> None:
    controls = ChartControls(60.0)
    window = window_of(controls)
    controls.move_cursor(-1, window, NOW)
    controls.move_cursor(-1, window, NOW)
    groups = (ChartGroup("virtio", "paravirtual", value="x"), ChartGroup("IDE", "emulated"))
    data = chart(window, ramp(window, 0), ramp(window, 0), ramp(window, 1), groups=groups)
    shown = controls.framed(data, window, NOW)
    at = NOW // window.step - 2
    assert shown.cursor == window.count - 1 - (window.end_bucket - at)
    assert [one.value for one in shown.series] == [value_text(at, "/s")] * 3
    assert [one.value for one in shown.groups] == [value_text(2 * at, "/s"), ""]
    later = window_of(controls, NOW + 20)
    moved = controls.framed(chart(later, ramp(later)), later, NOW + 20)
    assert moved.series[0].value == shown.series[0].value, "it stays at its moment"
    much_later = window_of(controls, NOW + 200)
    assert (
        controls.framed(chart(much_later, ramp(much_later)), much_later, NOW + 200).cursor is None
    )


def test_the_cursor_stays_in_the_chart() -> None:
    controls = ChartControls(60.0)
    window = window_of(controls)
    for _ in range(20):
        controls.leap_cursor(-1, window, NOW)
    shown = controls.framed(chart(window, ramp(window)), window, NOW)
    assert shown.cursor == 0
    for _ in range(20):
        controls.leap_cursor(1, window, NOW)
    assert controls.cursor == NOW + 0.5


def test_what_is_not_there_under_the_cursor_is_no_zero() -> None:
    controls = ChartControls(60.0)
    window = window_of(controls)
    controls.move_cursor(-1, window, NOW)
    gap = ChartSeries("vda", (math.nan,) * window.count, "series-1", value="3", group=0)
    groups = (ChartGroup("virtio", "paravirtual", value="3"),)
    shown = controls.framed(chart(window, gap, groups=groups), window, NOW)
    assert (shown.series[0].value, shown.groups[0].value) == ("-", "-")


def test_escape_takes_the_cursor_away_before_the_pause() -> None:
    controls = ChartControls(60.0)
    controls.pause(NOW)
    controls.move_cursor(-1, window_of(controls), NOW)
    assert controls.step_back()
    assert controls.cursor is None
    assert controls.paused
    assert controls.step_back()
    assert not controls.paused
    assert not controls.step_back()


def test_a_fixed_axis_ends_where_it_ended_until_it_is_free_again() -> None:
    controls = ChartControls(60.0)
    window = window_of(controls)

    def top(value: float, unit: str = "/s") -> float | None:
        series = ChartSeries("vda", (value,) * window.count, "series-1")
        return controls.framed(chart(window, series, unit=unit), window, NOW).y_max

    assert top(70.0) is None
    controls.fix()
    assert top(70.0) == 80
    assert top(700.0) == 80
    assert top(3.0, "%") == 100
    assert top(math.nan, "B") is None, "nothing was seen that it could keep"
    assert top(1 << 20, "B") == 1 << 20
    controls.fix()
    assert top(700.0) is None
    controls.fix()
    assert top(700.0) == 800
    assert top(250.0, "ns") == 1000
    controls.fix()
    controls.fix()
    assert top(250.0, "%") == 300


def test_its_words() -> None:
    controls = ChartControls(300.0)
    assert controls.words(NOW, 0.0) == ["5 min"]
    controls.pause(NOW)
    controls.move_cursor(-1, window_of(controls), NOW)
    controls.log = True
    controls.fix()
    words = controls.words(NOW + 65, 1_700_000_000.0)
    assert words[:2] == ["5 min", "paused -1m 5s"]
    assert words[2].startswith("cursor ")
    assert words[2].endswith(" (-1m 7s)")
    assert words[3:] == ["log", "fixed"]
    controls.scroll(-2, NOW + 65)
    shown = window_of(controls, NOW + 65)
    assert controls.words(NOW + 65, 1_700_000_000.0, shown)[2].endswith(" (not in view)")
