import math

import pytest
from textual.app import App
from textual.geometry import Region

from tuivm.themes import load_themes
from tuivm.widgets.timechart import ChartData, ChartGroup, ChartSeries, TimeChart


class Spied(TimeChart):
    """Remembers what it asked to be painted again."""

    painted: list[Region] | None = None

    def refresh(self, *regions, **options):
        if self.painted is not None:
            self.painted.extend(regions or [self.size.region])
        return super().refresh(*regions, **options)


class ChartApp(App[None]):
    def __init__(self, style="braille", theme="textual-dark"):
        super().__init__()
        for known in load_themes().themes:
            self.register_theme(known)
        self.theme = theme
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


GLYPHS = {"◆": "V", "▣": "E", "▲": "P"}


def grouped_at(chart, now, **more):
    """Three disks of two classes, read and written, from a few bytes to many, and one uncounted."""
    window = chart.window(300, now)
    first = window.end_bucket - window.count + 1
    times = [bucket * window.step for bucket in range(first, window.end_bucket + 1)]
    ascii_only = chart.style == "ascii"

    def glyph(sign):
        return GLYPHS[sign] if ascii_only else sign

    lines = [("vda read", 0), ("vda write", 0), ("vdb read", 0), ("sda read", 1), ("sda write", 1)]
    series = tuple(
        ChartSeries(
            label,
            [
                math.nan
                if time > now or 4800 <= time < 4820 + 20 * index
                else max(0.0, wave(time / 3, index) - 30) * 2 ** (5 + 5 * index)
                for time in times
            ],
            ("paravirtual", "emulated")[group],
            glyph("◆▣"[group]),
            f"{index * 13 + 0.5}M",
            group,
        )
        for index, (label, group) in enumerate(lines)
    )
    groups = (
        ChartGroup("paravirtual", "paravirtual", glyph("◆"), "40.5M"),
        ChartGroup("emulated", "emulated", glyph("▣"), "91.0M"),
        ChartGroup("physical", "physical", glyph("▲"), "not counted"),
    )
    title = "db-1 - disks" if ascii_only else "db-1 · disks"
    return ChartData(
        title, "B/s", window.step, window.end_bucket, series, groups=groups, log=True, **more
    )


@pytest.mark.parametrize(
    ("style", "theme", "size"),
    [
        ("braille", "dark", (100, 20)),
        ("braille", "dark", (54, 14)),
        ("block", "light", (100, 20)),
        ("ascii", "dark", (80, 20)),
        ("braille", "monochrome", (80, 20)),
        ("braille", "ansi", (80, 20)),
    ],
)
def test_log_axis_groups_and_cursor(snap_compare, style, theme, size):
    app = ChartApp(style, theme)

    async def feed(pilot):
        await pilot.pause()
        cursor = app.chart.dot_columns // 3
        app.chart.set_data(grouped_at(app.chart, 4999.0, cursor=cursor, paused=True, ends_ago=60.0))

    assert snap_compare(app, terminal_size=size, run_before=feed)


async def test_moving_the_cursor_paints_two_columns_and_its_label():
    app = ChartApp()
    async with app.run_test(size=(100, 20)):
        chart = app.chart
        chart.set_data(grouped_at(chart, 4999.0, cursor=40))
        before = shown(chart)
        chart.painted = []
        chart.set_data(grouped_at(chart, 4999.0, cursor=42))
        assert chart.painted
        plot = [part for part in chart.painted if part.y < 19]
        assert all(part.x >= 6 + 20 and part.right <= 6 + 22 for part in plot)
        (label,) = [part for part in chart.painted if part.y == 19]
        assert label.width < 20
        painted = {(x, part.y) for part in chart.painted for x in range(part.x, part.right)}
        after = shown(chart)
        assert painted >= {
            (x, y) for y in range(20) for x in range(100) if before[y][x] != after[y][x]
        }
        chart.painted = []
        chart.set_data(grouped_at(chart, 4999.0, cursor=42))
        assert chart.painted == []


async def test_a_logarithmic_axis_follows_its_data_and_holds_a_fixed_top():
    app = ChartApp()
    async with app.run_test(size=(80, 12)):
        chart = app.chart

        def labels(values, **more):
            series = ChartSeries("reads", values, "series-1")
            chart.set_data(ChartData("a", "", 1.0, 99, (series,), log=True, **more))
            return [line[:5].strip() for line in shown(chart)[1:-1] if line[:5].strip()]

        assert labels([3.0, 900.0, 0.0]) == ["1k", "100", "10", "<1"]
        assert labels([3.0, 9e4]) == ["100k", "10k", "1k", "100", "10", "<1"]
        assert labels([3.0, 900.0], y_max=500.0) == ["500", "100", "10", "<1"]
        assert labels([3.0, 900.0], y_max=1e-6)[-1].startswith("<")


@pytest.mark.parametrize(
    ("theme", "roles", "marked"),
    [
        ("dark", ["series-1", "series-2", "series-3"], False),
        ("dark", ["paravirtual", "emulated", "physical"], False),
        ("dark", ["paravirtual", "emulated", "paravirtual"], True),
        ("monochrome", ["series-1", "series-2"], True),
        ("monochrome", ["series-1"], False),
        ("ansi", ["paravirtual", "emulated"], False),
        ("ansi", ["paravirtual", "paravirtual"], True),
    ],
)
async def test_lines_have_marks_where_colour_does_not_tell_them_apart(theme, roles, marked):
    app = ChartApp(theme=theme)
    async with app.run_test(size=(80, 12)):
        assert has_marks(app.chart, roles) == marked


async def test_without_colour_lines_have_marks(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    app = ChartApp(theme="dark")
    async with app.run_test(size=(80, 12)):
        assert has_marks(app.chart, ["series-1", "series-2"])
        assert not has_marks(app.chart, ["series-1"])


async def test_another_theme_brings_marks_with_the_next_data():
    app = ChartApp(theme="dark")
    async with app.run_test(size=(80, 12)) as pilot:
        assert not has_marks(app.chart, ["series-1", "series-2"])
        app.theme = "monochrome"
        await pilot.pause()
        assert has_marks(app.chart, ["series-1", "series-2"])


def has_marks(chart, roles):
    series = tuple(
        ChartSeries(f"d{index}", [20.0 * index] * 200, role, "◆")
        for index, role in enumerate(roles)
    )
    chart.set_data(ChartData("db-1", "%", 1.0, 199, series))
    lines = shown(chart)
    in_plot = [mark in "".join(line[6:58] for line in lines[1:-1]) for mark in "*+o"[: len(roles)]]
    in_legend = [f"{mark} ◆ d" in "".join(lines) for mark in "*+o"[: len(roles)]]
    assert len({*in_plot, *in_legend}) == 1
    return in_plot[0]


async def test_the_shades_of_a_class_are_three_colours():
    app = ChartApp(theme="dark")
    async with app.run_test(size=(80, 12)):
        has_marks(app.chart, ["paravirtual"] * 3)
        colours = {
            segment.style.color
            for y in range(12)
            for segment in app.chart.render_line(y)
            if segment.style and "d" in segment.text and "◆" in segment.text
        }
        assert len(colours) == 3


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
