import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tuivm.widgets.chartrows import (
    ChartData,
    ChartGroup,
    ChartSeries,
    Piece,
    changed_spans,
    compose,
    fixed_top,
    layout,
)
from tuivm.widgets.raster import PER_CELL

STYLES = sorted(PER_CELL)


def chart(*series, unit="%", **more):
    return ChartData("web-1 · cpu", unit, 3.0, 99, series, **more)


def text(lines):
    return ["".join(piece.text for piece in line) for line in lines]


CPU = ChartSeries("cpu", [10.0] * 20 + [90.0] * 10, "series-1", "", "90.0")
VDA = ChartSeries("vda", [30.0] * 30, "paravirtual", "◆", "30.0")
SDA = ChartSeries("sda", [60.0] * 30, "emulated", "▣", "60.0")


def test_a_wide_chart_has_title_axes_and_legend():
    assert text(compose(chart(CPU, VDA, y_max=100.0), 64, 7, "braille", 100.0)) == [
        "web-1 · cpu                                                    %",
        " 100%┤                                 ⡤⠤⠤⠤⠤  ━ cpu         90.0",
        "     │                                 ⡇      ◆ vda         30.0",
        "  50%┤                                 ⡇                        ",
        "     │                       ⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⡗⠒⠒⠒⠒                    ",
        "    0┤                       ⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠁                        ",
        "     └─ -3m 48s ──────────────────────── now                    ",
    ]


def test_a_narrow_chart_has_its_legend_above():
    assert text(compose(chart(VDA, SDA), 34, 7, "ascii", 100.0)) == [
        "web-1 · cpu                      %",
        "* ◆ vda 30.0  + ▣ sda 60.0        ",
        " 100%+                            ",
        "  50%+++++++++++++++++++++++++++++",
        "     |****************************",
        "    0+                            ",
        "     +- -1m 24s -------------- now",
    ]


def test_a_low_chart_says_its_span_in_the_title():
    (title, *_) = text(compose(chart(VDA), 70, 5, "block", 100.0))
    assert title.startswith("web-1 · cpu ")
    assert title.endswith("  %  last 2m 12s")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (chart(), "no data yet"),
        (chart(ChartSeries("cpu", [math.nan] * 9, "series-1")), "no data yet"),
        (chart(ChartSeries("cpu", [], "series-1"), note="guest is off"), "guest is off"),
    ],
)
def test_a_chart_without_data_says_why(data, said):
    lines = text(compose(data, 70, 8, "braille", 10.0))
    (line,) = [line for line in lines if said in line]
    assert line.index(said) > 20
    assert not any(0x2800 < ord(char) < 0x2900 for line in lines for char in line)


def test_a_note_does_not_hide_data():
    lines = text(compose(chart(CPU, note="guest is off"), 70, 8, "braille", 100.0))
    assert not any("guest is off" in line for line in lines)


def test_series_that_do_not_fit_the_legend_are_counted():
    series = [ChartSeries(f"vd{i}", [1.0], "series-1") for i in range(9)]
    lines = text(compose(chart(*series), 70, 7, "braille", 10.0))
    assert "+4 more" in lines[-1]


def test_what_comes_from_outside_cannot_act_or_push_things_aside():
    bad = ChartSeries("\x1b[2J[b]x" + "界" * 40, [5.0], "no such role", "◆", "9" * 90)
    data = ChartData("evil\n\u202ename" * 30, "%\x07" * 40, 1.0, 1, (bad, CPU))
    for width, height in [(80, 10), (50, 10), (9, 3)]:
        lines = text(compose(data, width, height, "braille", 10.0))
        assert [cell_len(line) for line in lines] == [width] * height
        assert not set("".join(lines)) & set("\x1b\n\x07\u202e")


def test_a_title_is_as_wide_on_every_terminal():
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f466 vm"
    (title, *_) = text(compose(ChartData(family, "%", 1.0, 0, (CPU,)), 40, 7, "braille", 100.0))
    assert "\u200d" not in title
    assert cell_len(title) == 40


def test_in_ascii_the_legend_names_the_marks():
    lines = text(compose(chart(VDA, SDA), 70, 8, "ascii", 100.0))
    assert "* ◆ vda" in lines[1]
    assert "+ ▣ sda" in lines[2]
    plain = ChartSeries("a-very-long-name-for-a-disk", [1.0], "series-1", "V", "1.0")
    lines = text(compose(chart(plain), 70, 8, "ascii", 10.0))
    assert all(line.isascii() for line in lines[1:])


def test_a_logarithmic_axis_shows_small_beside_large():
    values = [0.0, 0.02, 0.1, 1.0, math.nan, 10.0, 100.0]
    data = chart(ChartSeries("a", values, "series-1"))
    lines = text(compose(data, 30, 11, "ascii", 100.0, bottom=0.1))
    assert [line[:6] + line[-7:] for line in lines[2:-1]] == [
        " 100%+      *",
        "     |      *",
        "  10%+     * ",
        "     |       ",
        "     |       ",
        "   1%+   *   ",
        "     |   *   ",
        "<0.1%+***    ",
    ]


CROSSED = {
    "braille": ["│", "⠒", "│"],
    "block": ["│", "▅", "│"],
    "ascii": ["|", "*", "|"],
}


@pytest.mark.parametrize("style", STYLES)
def test_the_cursor_goes_through_the_plot_and_hides_nothing(style):
    per_cell = PER_CELL[style]
    series = ChartSeries("a", [50.0] * 200, "series-1")
    without = compose(chart(series), 40, 6, style, 100.0)
    lines = compose(chart(series, cursor=10 * per_cell), 40, 6, style, 100.0)
    before, crossed = ([line[6:] for line in text(rows)] for rows in (without, lines))
    assert [line[10] for line in crossed[2:-1]] == CROSSED[style]
    for was, now in zip(before[2:-1], crossed[2:-1], strict=True):
        assert was[:10] + was[11:] == now[:10] + now[11:]
        assert now[10] == was[10] or was[10] in " █"
    assert [piece.role for piece in lines[2] if "│" in piece.text][-1:] == (
        ["cursor"] if style != "ascii" else []
    )


def test_in_a_full_bar_the_cursor_has_the_colour_of_the_bar_behind_it():
    series = ChartSeries("a", [100.0] * 40, "emulated")
    lines = compose(chart(series, cursor=10), 40, 6, "block", 100.0)
    assert all(Piece("│", "cursor", "emulated") in line for line in lines[2:-1])


def test_the_time_axis_says_where_the_cursor_is():
    def axis(**more):
        return text(compose(chart(CPU, **more), 46, 7, "ascii", 100.0))[-1]

    assert axis() == "     +- -2m ------------------------------ now"
    for cursor in range(0, 40, 3):
        line = axis(cursor=cursor)
        ago = duration_text(3 * (39 - cursor))
        at = line.index(ago, 6)
        assert at - 1 <= 6 + cursor < at + len(ago) + 1
        assert len(line) == 46
    assert axis(cursor=20, cursor_label="14:02:11") == (
        "     +- -2m --------- 14:02:11 ----------- now"
    )


def duration_text(seconds):
    minutes, rest = divmod(seconds, 60)
    words = [f"{minutes}m"] * bool(minutes) + [f"{rest}s"] * bool(rest or not minutes)
    return "-" + " ".join(words)


def test_a_cursor_beyond_an_end_is_at_that_end():
    for cursor, x in ((-5, 6), (999, 45)):
        line = text(compose(chart(CPU, cursor=cursor), 46, 7, "ascii", 200.0))[2]
        assert line[x] == "|"


def test_scrolled_back_it_does_not_say_now():
    lines = text(compose(chart(CPU, ends_ago=60.0), 46, 7, "ascii", 100.0))
    assert lines[-1] == "     +- -3m ------------------------------ -1m"
    low = text(compose(chart(CPU, ends_ago=60.0), 46, 5, "ascii", 100.0))
    assert low[0].endswith("%  -3m .. -1m")


@pytest.mark.parametrize(("style", "said"), [("ascii", "= paused"), ("braille", "‖ paused")])
def test_a_paused_chart_says_so_in_its_title(style, said):
    (title, *_) = compose(chart(CPU, paused=True), 40, 7, style, 100.0)
    assert "".join(piece.text for piece in title) == f"web-1 · cpu                  {said}  %"
    assert any(piece.role == "paused" and said in piece.text for piece in title)
    (title, *_) = text(compose(chart(CPU, paused=True), 16, 7, style, 100.0))
    assert said in title


names = st.text(max_size=12)
data = st.builds(
    ChartData,
    title=names,
    unit=st.sampled_from(["%", "B/s", "ns", ""]) | names,
    step=st.floats(1, 600),
    end_bucket=st.integers(0, 10**9),
    series=st.lists(
        st.builds(
            ChartSeries,
            label=names,
            values=st.lists(st.floats(), max_size=40),
            role=names,
            glyph=st.sampled_from(["", "◆", "P", "界"]),
            value=names,
            group=st.integers(-1, 4),
        ),
        max_size=9,
    ).map(tuple),
    y_max=st.none() | st.floats(),
    note=names,
    cursor=st.none() | st.integers(-3, 300),
    ends_ago=st.sampled_from([0.0, 1.0, 61.0, 1e5]),
    paused=st.booleans(),
    groups=st.lists(
        st.builds(ChartGroup, names, names, st.sampled_from(["", "◆", "界"]), names), max_size=4
    ).map(tuple),
    cursor_label=names,
    wide=st.integers(1, 4),
)


@given(
    data,
    st.integers(-1, 100),
    st.integers(-1, 20),
    st.sampled_from(STYLES),
    st.floats(0, 1e15),
    st.sampled_from([0.0, 0.01, 256.0, 1e9]),
    st.booleans(),
)
def test_any_chart_fills_exactly_any_size(chart, width, height, style, top, bottom, marks):
    top = fixed_top(chart.y_max) or top
    lines = compose(chart, width, height, style, top, bottom=bottom, marks=marks)
    assert len(lines) == (max(0, height) if width > 0 else 0)
    assert all(sum(cell_len(piece.text) for piece in line) == width for line in lines)


@given(st.integers(0, 300), st.integers(0, 100), st.booleans())
def test_the_layout_leaves_a_plot_in_any_size(width, height, grouped):
    place = layout(width, height, grouped=grouped)
    assert place.title + place.legend_above + place.rows + place.time == height
    assert place.gutter + place.columns + place.legend == width
    assert (place.rows > 0) == (height > 0)
    assert (place.columns > 0) == (width > 0)


def test_no_usable_fixed_top_means_automatic():
    assert fixed_top(100.0) == 100.0
    assert {fixed_top(top) for top in (None, 0.0, -1.0, math.nan, math.inf)} == {None}


def test_only_cells_that_look_different_have_changed():
    old = (Piece("ab  cd", "series-1"), Piece("x" * 20, "axis"), Piece("12", "label"))
    assert changed_spans(old, old) == []
    assert changed_spans(old, (Piece("ab", "series-1"), Piece("  "), *_split(old))) == []
    assert changed_spans(old, (Piece("aB  cD", "series-1"), *old[1:])) == [(1, 6)]
    assert changed_spans(old, (Piece("aB  cd", "series-1"), old[1], Piece("13", "label"))) == [
        (1, 2),
        (27, 28),
    ]
    assert changed_spans(old, (*old[:2], Piece("12", "title"))) == [(26, 28)]
    assert changed_spans((Piece(" "),), (Piece(" ", "", "series-2"),)) == [(0, 1)]


def _split(line):
    return (Piece("cd", "series-1"), *line[1:])


def test_lines_with_wide_characters_are_compared_as_a_whole():
    assert changed_spans((Piece("界ab"),), (Piece("界ac"),)) == [(0, 4)]
