from __future__ import annotations

from rich.cells import cell_len

from tuivm.headless.table import Column, Table


def test_wide_characters_stay_aligned() -> None:
    table = Table(Column("NAME"), Column("STATE"))
    lines = table.all_lines([["仮想マシン", "running"], ["web", "off"], ["👩‍💻", "off"]])
    starts = {cell_len(line[: line.rindex("  ") + 2]) for line in lines}
    assert len(starts) == 1


def test_numbers_are_flush_right_and_empty_cells_are_dashes() -> None:
    table = Table(Column("N", number=True), Column("X"))
    assert table.all_lines([["1", "a"], ["100", ""]]) == ["  N  X", "  1  a", "100  -"]


def test_no_line_ends_in_spaces() -> None:
    lines = Table(Column("A"), Column("B")).all_lines([["1", "long"], ["2", "x"]])
    assert lines == [line.rstrip() for line in lines]


def test_what_comes_from_outside_cannot_move_the_cursor_or_break_the_line() -> None:
    (_, line) = Table(Column("A")).all_lines([["a\x1b[2J\nb\u202ec"]])
    assert line == "a␛[2J␊b⁞c"


def test_widths_hold_over_later_rows() -> None:
    table = Table(Column("A"), Column("B"))
    assert table.lines([["long name", "x"]]) == ["long name  x"]
    assert table.lines([["a", "y"]]) == ["a          y"]
