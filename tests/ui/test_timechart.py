import math

import pytest
from textual.app import App
from textual.geometry import Region

from tuivm.widgets.timechart import ChartData, ChartSeries, TimeChart


class Spied(TimeChart):
    """Remembers what it asked to be painted again."""

    painted: list[Region] | None = None

    def refresh(self, *regions, **options):
        if self.painted is not None:
            self.painted.extend(regions or [self.size.region])
        return super().refresh(*regions, **options)


class ChartApp(App[None]):
    def __init__(self, style="braille"):
        super().__init__()
        self.chart = Spied(style=style)
        self.reshaped = 0

    def compose(self):
        yield self.chart

    def on_time_chart_reshaped(self):
        self.reshaped += 1


def wave(bucket, index):
    return 50 + 40 * math.sin(bucket / (7 + 4 * index))


def data_at(chart, now, **more):
    """Two disks, sampled every second up to `now`, with a minute in which nothing was known."""
    window = chart.window(300, now)

    def values(index):
        first = window.end_bucket - window.count + 1
        times = [bucket * window.step for bucket in range(first, window.end_bucket + 1)]
        return [
            math.nan if time > now or 4800 <= time < 4860 else wave(time / 3, index) * 2**20
            for time in times
        ]

    series = (
        ChartSeries("vda", values(0), "paravirtual", "◆", "88.0M"),
        ChartSeries("sda", values(1), "emulated", "▣", "3.1M"),
    )
    return ChartData("db-1 · disks", "B/s", window.step, window.end_bucket, series, **more)


def shown(chart):
    return [chart.render_line(y).text for y in range(chart.size.height)]


@pytest.mark.parametrize("style", ["braille", "block", "ascii"])
def test_looks_at_80x24(snap_compare, style):
    app = ChartApp(style)

    async def feed(pilot):
        await pilot.pause()
        assert app.chart.dot_columns
        app.chart.set_data(data_at(app.chart, 4999.0))

    assert snap_compare(app, terminal_size=(80, 24), run_before=feed)


async def test_the_same_data_again_paints_nothing():
    app = ChartApp()
    async with app.run_test(size=(80, 12)):
        app.chart.set_data(data_at(app.chart, 4999.0))
        app.chart.painted = []
        app.chart.set_data(data_at(app.chart, 4999.0))
        assert app.chart.painted == []


async def test_a_push_inside_a_cell_paints_the_newest_cell_alone():
    app = ChartApp()
    async with app.run_test(size=(80, 12)):
        chart = app.chart
        step = chart.window(300, 0).step
        # The first bucket of a cell is known at `now`, the second one `step` later.
        now = 900 * 2 * step
        chart.set_data(data_at(chart, now))
        before = shown(chart)
        chart.painted = []
        chart.set_data(data_at(chart, now + step))
        newest = 80 - 22 - 1
        assert chart.painted
        assert all((part.x, part.width) == (newest, 1) for part in chart.painted)
        after = shown(chart)
        changed = {y for y, (was, is_) in enumerate(zip(before, after, strict=True)) if was != is_}
        assert changed == {part.y for part in chart.painted}


async def test_what_is_painted_covers_every_cell_that_changed():
    app = ChartApp()
    async with app.run_test(size=(100, 14)):
        chart = app.chart
        chart.set_data(data_at(chart, 4999.0))
        for now in range(5000, 5030):
            before = shown(chart)
            chart.painted = []
            chart.set_data(data_at(chart, float(now)))
            after = shown(chart)
            painted = {(x, part.y) for part in chart.painted for x in range(part.x, part.right)}
            changed = {
                (x, y)
                for y, (was, is_) in enumerate(zip(before, after, strict=True))
                for x in range(100)
                if was[x] != is_[x]
            }
            assert changed <= painted


async def test_a_new_figure_in_the_legend_does_not_paint_the_plot():
    app = ChartApp()
    async with app.run_test(size=(80, 12)):
        chart = app.chart
        data = data_at(chart, 4999.0)
        chart.set_data(data)
        chart.painted = []
        first, second = data.series
        newer = ChartSeries(first.label, first.values, first.role, first.glyph, "88.1M")
        chart.set_data(
            ChartData(data.title, data.unit, data.step, data.end_bucket, (newer, second))
        )
        assert chart.painted == [Region(78, 1, 1, 1)]


async def test_any_size_and_back():
    app = ChartApp()
    async with app.run_test(size=(80, 24)) as pilot:
        chart = app.chart
        chart.set_data(data_at(chart, 4999.0))
        before = shown(chart)
        for size in [(1, 1), (2, 3), (59, 4), (20, 2), (300, 1), (80, 24)]:
            await pilot.resize_terminal(*size)
            assert chart.size == size
            assert [chart.render_line(y).cell_length for y in range(size[1])] == [size[0]] * size[1]
        assert shown(chart) == before


async def test_it_says_when_another_number_of_values_would_fit():
    app = ChartApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert app.chart.dot_columns == 2 * 52
        told = app.reshaped
        await pilot.resize_terminal(100, 24)
        assert app.reshaped == told + 1
        app.chart.style = "ascii"
        await pilot.pause()
        assert app.reshaped == told + 2
        assert app.chart.dot_columns == 100 - 6 - 27
        await pilot.resize_terminal(100, 20)
        assert app.reshaped == told + 2


async def test_the_theme_decides_the_colours():
    app = ChartApp()
    async with app.run_test(size=(80, 24)) as pilot:
        chart = app.chart
        chart.set_data(data_at(chart, 4999.0))

        def colours():
            return [
                {segment.style.color for segment in chart.render_line(y) if segment.style}
                for y in range(24)
            ]

        before = colours()
        app.theme = "dracula"
        await pilot.pause()
        assert colours() != before
        app.theme = "textual-dark"
        await pilot.pause()
        assert colours() == before


async def test_data_that_came_before_there_was_a_size_is_shown():
    app = ChartApp()
    app.chart.set_data(data_at(app.chart, 4999.0))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "db-1 · disks" in shown(app.chart)[0]


async def test_another_chart_does_not_inherit_the_scale():
    app = ChartApp()
    async with app.run_test(size=(80, 12)):
        chart = app.chart
        for title, value, top in [("a", 90.0, "100%"), ("a", 4.0, "100%"), ("b", 4.0, "10%")]:
            series = ChartSeries("cpu", [value] * 10, "series-1")
            chart.set_data(ChartData(title, "%", 1.0, 9, (series,)))
            assert f"{top}┤" in shown(chart)[1]


async def test_a_name_is_never_markup():
    app = ChartApp()
    async with app.run_test(size=(80, 12)):
        series = ChartSeries("[red]x[/]", [1.0], "series-1", "", "[b]")
        app.chart.set_data(ChartData("[bold]g[/]\x1b[31m", "%", 1.0, 9, (series,)))
        lines = shown(app.chart)
        assert lines[0].startswith("[bold]g[/]␛[31m")
        assert "[red]x[/]" in lines[1]
        assert "[b]" in lines[1]
