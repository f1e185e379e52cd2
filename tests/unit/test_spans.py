"""A partial repaint: the same screen as a whole one, in fewer bytes."""

from __future__ import annotations

import io

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate
from textual.strip import Strip

from tuivm._compat import paint_changed_spans_only

WIDTH = 30
CONSOLE = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor", width=WIDTH)
LETTERS = st.text("ab c名🚀é", min_size=1, max_size=12)


@pytest.fixture(autouse=True)
def _patched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ChopsUpdate, "render_segments", ChopsUpdate.render_segments)
    paint_changed_spans_only()


def strip(texts: list[str], width: int) -> Strip:
    colours = ("red", "green", "blue")
    pieces = [Segment(text, Style(color=colours[n % 3])) for n, text in enumerate(texts)]
    return Strip(pieces).adjust_cell_length(width)


def update(chops: dict[int, Strip], left: int, right: int) -> str:
    ends = [x + strip.cell_length for x, strip in chops.items()]
    return ChopsUpdate([chops], [(0, left, right)], [ends]).render_segments(CONSOLE)


def screen(*written: str) -> list[str]:
    terminal = pyte.Screen(WIDTH, 1)
    stream = pyte.Stream(terminal)
    for text in written:
        stream.feed(text)
    return [terminal.buffer[0][x].data + terminal.buffer[0][x].fg for x in range(WIDTH)]


@given(st.lists(LETTERS), st.lists(LETTERS), st.integers(1, WIDTH - 1), st.data())
def test_a_span_looks_as_in_a_whole_repaint(
    one: list[str], other: list[str], cut: int, data: st.DataObject
) -> None:
    left = data.draw(st.integers(0, WIDTH - 1))
    right = data.draw(st.integers(left + 1, WIDTH))
    chops = {0: strip(one, cut), cut: strip(other, WIDTH - cut)}
    whole = screen(update(chops, 0, WIDTH))
    blank = " " * WIDTH
    part = screen(blank, update(chops, left, right))
    assert part[left:right] == whole[left:right]
    # At most one cell more on either side: the other half of a wide character.
    assert part[: max(0, left - 1)] == screen(blank)[: max(0, left - 1)]
    assert part[right + 1 :] == screen(blank)[right + 1 :]


def test_what_stands_before_the_span_is_not_written() -> None:
    written = update({0: strip(["x" * 20, "yyyyy", "zzzzz"], WIDTH)}, 20, 25)
    assert "yyyyy" in written
    assert "x" not in written
    assert "z" not in written
    assert cell_len(written) < 60
