"""The legend by group, and lines that are told apart without colour."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from tuivm.widgets.chartdata import ChartData, ChartGroup, ChartSeries, Line, series_roles
from tuivm.widgets.chartrows import compose
from tuivm.widgets.raster import ChartStyle

GROUPS = (
    ChartGroup("paravirtual", "paravirtual", "◆", "118M"),
    ChartGroup("emulated", "emulated", "▣", "31.0M"),
    ChartGroup("physical", "physical", "▲", "not counted"),
)


def disks(count: int, *, groups: tuple[ChartGroup, ...] = GROUPS) -> ChartData:
    """Half of them paravirtual, half emulated, in turn."""
    series = tuple(
        ChartSeries(
            f"{'vs'[odd]}d{'abcdefgh'[index // 2]}",
            [float(index)] * 9,
            ("paravirtual", "emulated")[odd],
            "◆▣"[odd],
            f"{index}.0M",
            odd,
        )
        for index in range(count)
        for odd in [index % 2]
    )
    return ChartData("db-1", "B/s", 1.0, 99, series, groups=groups)


def text(lines: list[Line]) -> list[str]:
    return ["".join(piece.text for piece in line) for line in lines]


def legend(data: ChartData, height: int, width: int = 80) -> list[str]:
    """What is beside the plot."""
    return [line[60:].rstrip() for line in text(compose(data, width, height, "braille", 9.0))[1:]]


def test_series_stand_under_the_heading_of_their_group() -> None:
    assert legend(disks(4), 10) == [
        "◆ paravirtual   118M",
        " ◆ vda          0.0M",
        " ◆ vdb          2.0M",
        "▣ emulated     31.0M",
        " ▣ sda          1.0M",
        " ▣ sdb          3.0M",
        "▲ physic… not count…",
        "",
        "",
    ]


def test_what_is_in_no_group_comes_first_and_a_wrong_number_is_no_group() -> None:
    loose = (
        ChartSeries("cpu", [1.0], "series-1", "", "1"),
        ChartSeries("lost", [1.0], "series-2", "", "2", 7),
    )
    data = ChartData("x", "%", 1.0, 9, (*disks(1).series, *loose), groups=GROUPS[:1])
    assert [line.split()[1] for line in legend(data, 7) if line] == [
        "cpu",
        "lost",
        "paravirtual",
        "vda",
    ]


@pytest.mark.parametrize(
    ("height", "names"),
    [
        (8, ["paravirtual", "vda", "vdb", "emulated", "sda", "physic…", "more"]),
        (7, ["paravirtual", "vda", "emulated", "sda", "physic…", "more"]),
        (6, ["paravirtual", "vda", "emulated", "physic…", "more"]),
        (5, ["paravirtual", "emulated", "physic…", "more"]),
        (4, ["paravirtual", "emulated", "more"]),
    ],
)
def test_without_room_headings_come_before_series(height: int, names: list[str]) -> None:
    lines = legend(disks(8), height)
    assert [line.split()[1] for line in lines] == names
    entries = 3 + 8
    assert lines[-1].strip() == f"+{entries - len(names) + 1} more"


def test_a_heading_has_the_colour_of_its_class() -> None:
    (line,) = (
        line for line in compose(disks(2), 80, 10, "braille", 9.0) if "emulated" in line[-1].text
    )
    assert line[-1].role == "emulated"


def test_above_a_narrow_plot_the_sums_come_first() -> None:
    low = text(compose(disks(4), 50, 9, "braille", 9.0))
    assert low[1] == "◆ paravirtual 118M  ▣ emulated 31.0M  +5          "
    high = text(compose(disks(4), 56, 10, "braille", 9.0))
    assert high[1] == "◆ paravirt… 118M  ▣ emulated 31.0M  ▲ physi… not coun…  "
    assert high[2] == "◆ vda 0.0M  ▣ sda 1.0M  ◆ vdb 2.0M  ▣ sdb 3.0M          "
    many = text(compose(disks(8), 56, 10, "braille", 9.0))
    assert many[2] == "◆ vda 0.0M  ▣ sda 1.0M  ◆ vdb 2.0M  ▣ sdb 3.0M  +4      "
    assert len(low) == 9
    assert len(high) == 10


def test_series_of_one_class_get_its_shades() -> None:
    assert series_roles(disks(8)) == [
        *("paravirtual", "emulated", "paravirtual-2", "emulated-2"),
        *("paravirtual-3", "emulated-3", "paravirtual", "emulated"),
    ]
    asked = ChartSeries("vda", [1.0], "paravirtual-3")
    assert series_roles(ChartData("", "%", 1.0, 9, (asked, asked))) == ["paravirtual-3"] * 2


@pytest.mark.parametrize("style", ["braille", "block"])
def test_marks_name_the_lines_in_plot_and_legend(style: ChartStyle) -> None:
    data = disks(4)
    lines = text(compose(data, 90, 12, style, 9.0, marks=True))
    plot = [line[6:60] for line in lines[1:-1]]
    for mark, series in zip("*+ox", data.series, strict=True):
        (entry,) = [line for line in lines if series.label in line]
        assert f"{mark} {series.glyph} {series.label}" in entry
    shown = {char for line in plot for char in line if char.isascii() and char != " "}
    assert shown <= set("*+ox")
    assert text(compose(data, 90, 12, style, 9.0)) != lines


def test_a_mark_is_on_its_line_and_never_in_a_gap() -> None:
    values = [math.nan if 30 <= index < 70 else 5.0 for index in range(122)]
    series = (ChartSeries("a", values, "series-1"), ChartSeries("b", [0.0] * 122, "series-2"))
    data = ChartData("x", "%", 1.0, 121, series)
    lines = (
        text(compose(data, 67, 11, "ascii", 10.0)),
        text(compose(data, 89, 11, "braille", 10.0, marks=True)),
    )
    plot = [line[6:67] for line in lines[1][1:-1]]
    (row,) = [y for y, line in enumerate(plot) if "*" in line]
    at = [x for x, char in enumerate(plot[row]) if char == "*"]
    assert len(at) >= 2
    assert all(char != "*" for char in plot[row][15:35])
    assert all(right - left in (20, 40) for left, right in pairwise(at))
    (bottom,) = [y for y, line in enumerate(plot) if "+" in line]
    assert bottom == len(plot) - 1


def test_in_ascii_each_of_many_series_has_a_mark_of_its_own() -> None:
    lines = text(compose(disks(16, groups=()), 80, 20, "ascii", 20.0))
    marks = [line[60:61] for line in lines[1:17]]
    assert len(set(marks)) == 16
