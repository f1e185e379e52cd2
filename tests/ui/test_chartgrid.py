"""Several charts at once: how many side by side, what is drawn, and one time axis for all."""

from __future__ import annotations

from types import MethodType

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.pilot import Pilot
from textual.widgets import Input

from tuivm.widgets.chartdata import ChartData, ChartSeries
from tuivm.widgets.chartgrid import ChartGrid
from tuivm.widgets.raster import ChartStyle
from tuivm.widgets.timechart import TimeChart


class GridApp(App[None]):
    CSS = "Input { display: none; }"

    def __init__(self, style: ChartStyle = "braille") -> None:
        super().__init__()
        self.grid = ChartGrid(style=style)
        self.told: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.grid
        yield Input()

    def on_mount(self) -> None:
        self.grid.focus()

    def on_chart_grid_reshaped(self, event: ChartGrid.Reshaped) -> None:
        assert event.control is self.grid
        self.told.append("grid")

    def on_time_chart_reshaped(self) -> None:
        self.told.append("chart")


def charts(grid: ChartGrid, count: int, now: float = 4999.0) -> list[ChartData]:
    window = grid.window(300.0, now)
    first = window.end_bucket - window.count + 1
    return [
        ChartData(
            f"disk {number}",
            "%",
            window.step,
            window.end_bucket,
            (
                ChartSeries(
                    "read",
                    [
                        (7 * bucket * (number + 1)) % 100.0
                        for bucket in range(first, first + window.count)
                    ],
                    "paravirtual",
                    "◆",
                    "1.0",
                ),
            ),
        )
        for number in range(count)
    ]


async def show(pilot: Pilot[None], grid: ChartGrid, count: int, now: float = 4999.0) -> None:
    """As a screen does it: again when the first push has changed the shape."""
    for _ in range(2):
        grid.set_charts(charts(grid, count, now))
        await pilot.pause()


def widgets(grid: ChartGrid) -> list[TimeChart]:
    return list(grid.query(TimeChart))


@pytest.mark.parametrize(
    ("size", "count", "across", "height"),
    [
        ((80, 24), 8, 1, 7),
        ((80, 24), 2, 1, 12),
        ((109, 30), 8, 1, 7),
        ((110, 30), 8, 2, 7),
        ((160, 48), 8, 3, 16),
        ((160, 48), 1, 1, 48),
        ((160, 48), 2, 2, 48),
        ((40, 5), 3, 1, 5),
    ],
)
async def test_as_many_side_by_side_as_there_is_room_for(
    size: tuple[int, int], count: int, across: int, height: int
) -> None:
    app = GridApp()
    async with app.run_test(size=size) as pilot:
        await show(pilot, app.grid, count)
        regions = [chart.region for chart in widgets(app.grid)]
        assert len(regions) == count
        assert len({region.x for region in regions}) == across
        assert {region.height for region in regions} == {height}
        assert len({region.width for region in regions}) == 1
        assert max(region.right for region in regions) <= size[0]
        dots = {chart.dot_columns for chart in widgets(app.grid)}
        assert dots == {app.grid.dot_columns}


async def test_the_window_is_one_that_every_chart_would_ask_for() -> None:
    app = GridApp()
    async with app.run_test(size=(160, 48)) as pilot:
        await show(pilot, app.grid, 5)
        window = app.grid.window(900.0, 7000.0)
        assert {chart.window(900.0, 7000.0) for chart in widgets(app.grid)} == {window}


async def test_widgets_are_kept_by_place() -> None:
    app = GridApp()
    async with app.run_test(size=(110, 40)) as pilot:
        await show(pilot, app.grid, 3)
        three = widgets(app.grid)
        await show(pilot, app.grid, 5)
        five = widgets(app.grid)
        assert five[:3] == three
        await show(pilot, app.grid, 2)
        assert widgets(app.grid) == three[:2]
        await show(pilot, app.grid, 0)
        assert widgets(app.grid) == []
        await show(pilot, app.grid, 1)
        assert "disk 0" in widgets(app.grid)[0].render_line(0).text


async def test_charts_out_of_view_are_not_drawn_until_they_come_into_view() -> None:
    app = GridApp()
    async with app.run_test(size=(80, 24)) as pilot:
        grid = app.grid
        await show(pilot, grid, 8)
        drawn = [chart.data is not None for chart in widgets(grid)]
        assert drawn == [True] * 4 + [False] * 4
        await pilot.press("j")
        assert grid.scroll_y == 7
        assert [chart.data is not None for chart in widgets(grid)] == [True] * 5 + [False] * 3
        await pilot.press("G")
        await pilot.wait_for_scheduled_animations()
        assert widgets(grid)[7].data is not None
        newer = charts(grid, 8, 6000.0)
        grid.set_charts(newer)
        assert [chart.data in newer for chart in widgets(grid)] == [False] * 4 + [True] * 4
        await pilot.press("k")
        assert grid.scroll_y == 4 * 7
        assert widgets(grid)[3].data is not newer[3]
        await pilot.press("up")
        assert grid.scroll_y == 3 * 7
        assert widgets(grid)[3].data is newer[3]


async def test_it_says_when_other_data_would_fit_and_its_charts_do_not() -> None:
    app = GridApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await show(pilot, app.grid, 4)
        assert set(app.told) == {"grid"}
        told = len(app.told)
        await pilot.resize_terminal(140, 24)
        assert len(app.told) == told + 1
        await pilot.resize_terminal(140, 30)
        assert len(app.told) == told + 1
        app.grid.style = "ascii"
        await pilot.pause()
        assert len(app.told) == told + 2
        assert {chart.style for chart in widgets(app.grid)} == {"ascii"}
        app.grid.set_charts(charts(app.grid, 1))
        await pilot.pause()
        assert len(app.told) == told + 3
        assert set(app.told) == {"grid"}


async def test_a_push_paints_only_what_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    app = GridApp()
    async with app.run_test(size=(160, 48)) as pilot:
        await show(pilot, app.grid, 6)
        again = charts(app.grid, 6)
        asked = spied(widgets(app.grid), monkeypatch)
        app.grid.set_charts(again)
        assert asked == []
        app.grid.set_charts(charts(app.grid, 6, 5010.0))
        assert asked
        assert all(regions for regions in asked)


def spied(charts: list[TimeChart], monkeypatch: pytest.MonkeyPatch) -> list[tuple[Region, ...]]:
    """What they ask to be painted again from now on; () for a whole one."""
    asked: list[tuple[Region, ...]] = []

    def refresh(chart: TimeChart, *regions: Region, **_: bool) -> TimeChart:
        asked.append(regions)
        return chart

    for chart in charts:
        monkeypatch.setattr(chart, "refresh", MethodType(refresh, chart))
    return asked


async def test_charts_that_came_before_there_was_a_screen_are_shown() -> None:
    app = GridApp()
    app.grid.set_charts(charts(app.grid, 2))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert ["disk" in chart.render_line(0).text for chart in widgets(app.grid)] == [True, True]


@pytest.mark.parametrize("style", ["braille", "ascii"])
def test_looks(snap_compare, style: ChartStyle) -> None:  # type: ignore[no-untyped-def]
    app = GridApp(style)

    async def feed(pilot: Pilot[None]) -> None:
        await show(pilot, app.grid, 8)

    assert snap_compare(app, terminal_size=(160, 30), run_before=feed)
