"""Bars with intervals, and the figures beside them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tuivm.model.lab import Interval
from tuivm.screens.labfigure import figure, interval
from tuivm.widgets.bars import Bar, draw, top_of

NUMBERS = st.floats(0, 1e9, allow_nan=False)


def test_the_whisker_spans_the_interval_and_crosses_at_the_median() -> None:
    assert draw(Bar(50, 40, 60), 100, 100, ascii_only=True) == "#" * 40 + "[---------+---------]"
    assert draw(Bar(50, 40, 60), 100, 10, ascii_only=False) == "████├┼┤"


def test_a_narrow_interval_is_a_stroke_and_none_is_a_plain_bar() -> None:
    assert draw(Bar(50, 49.9, 50.1), 100, 10, ascii_only=False) == "█████┃"
    assert draw(Bar(50), 100, 10, ascii_only=False) == "█████"
    assert draw(Bar(55), 100, 10, ascii_only=False) == "█████▌"
    assert draw(Bar(50), 100, 10, ascii_only=True) == "#####"


@pytest.mark.parametrize("bar", [Bar(None), Bar(0.0), Bar(-1.0), Bar(None, 1.0, 2.0)])
def test_nothing_is_blank(bar: Bar) -> None:
    assert draw(bar, 100, 10, ascii_only=False) == ""


def test_what_is_more_than_nothing_is_seen() -> None:
    assert draw(Bar(0.001), 100, 10, ascii_only=False)
    assert draw(Bar(0.001), 100, 10, ascii_only=True) == "#"


def test_the_top_has_room_for_the_highest_end() -> None:
    assert top_of([Bar(1.0, 0.5, 3.0), Bar(2.0), Bar(None)]) == 3.0
    assert top_of([Bar(None)]) == 0.0


@given(NUMBERS, NUMBERS, NUMBERS, st.integers(0, 60), st.booleans())
def test_no_bar_is_wider_than_its_room(
    one: float, two: float, three: float, width: int, ascii_only: bool
) -> None:
    low, value, high = sorted((one, two, three))
    bars = [Bar(value, low, high), Bar(value)]
    for bar in bars:
        text = draw(bar, top_of(bars), width, ascii_only=ascii_only)
        assert cell_len(text) <= width
        assert not ascii_only or text.isascii()


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "ns", "-"),
        (26.0, "each", "26"),
        (0.04, "each", "0.04"),
        (0.0, "each", "0"),
        (19_234.0, "1/s", "19.2k/s"),
        (2.03 * 2**30, "B/s", "2.03G/s"),
        (52_340.0, "ns", "52.3µs"),
        (1500.0, "each", "1.50k"),
    ],
)
def test_figures_carry_their_unit(value: float | None, unit: str, text: str) -> None:
    assert figure(value, unit) == text


def test_both_ends_of_an_interval_are_in_the_unit_of_the_median() -> None:
    assert interval(Interval(1_010.0, 990.0, 1_030.0), "ns", ascii_only=True) == "0.99-1.03us"
    assert interval(Interval(1_010.0, 990.0, 1_030.0), "ns", ascii_only=False) == "0.99–1.03µs"
    assert interval(Interval(5.0), "ns", ascii_only=False) == ""
