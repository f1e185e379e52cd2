"""Which columns fit a width."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tuivm.model.columns import COLUMNS
from tuivm.model.table import Column, choosable, fit_columns


@st.composite
def tables(draw: st.DrawFn) -> tuple[Column, ...]:
    columns = []
    for number in range(draw(st.integers(1, 8))):
        width = draw(st.integers(1, 20))
        columns.append(
            Column(
                f"c{number}",
                f"C{number}",
                width,
                draw(st.integers(0, 30)),
                draw(st.integers(0, 3)),
                draw(st.sampled_from((0, width, width + 7))),
                priority=draw(st.integers(1, 5)) * 10,
                comfort=draw(st.sampled_from((0, 15, 35))),
            )
        )
        if draw(st.booleans()):
            long = columns[-1]
            columns.append(
                Column(
                    f"{long.id}.short",
                    "S",
                    draw(st.integers(1, long.width)),
                    priority=long.priority + draw(st.integers(1, 30)),
                    short_for=long.id,
                )
            )
    return tuple(columns)


@given(tables(), st.integers(0, 150), st.integers(0, 2))
def test_what_is_placed_fits_in_order_without_overlap(
    columns: tuple[Column, ...], width: int, gap: int
) -> None:
    placed = fit_columns(columns, width, gap=gap)
    assert bool(placed) == (width > 0)
    assert [p.cell for p in placed] == sorted(p.cell for p in placed)
    end = -gap
    for p in placed:
        assert columns[p.cell] is p.column
        assert p.x == end + gap
        assert p.width > 0
        end = p.x + p.width
    assert end <= width


@given(tables(), st.integers(1, 150))
def test_only_a_lone_column_is_narrower_than_its_least_width(
    columns: tuple[Column, ...], width: int
) -> None:
    placed = fit_columns(columns, width)
    for p in placed:
        assert p.width >= p.column.width or len(placed) == 1
        limit = max(p.column.width, p.column.preferred, p.column.maximum)
        assert p.width <= limit or (p.column.flex and not p.column.maximum)


@given(tables(), st.integers(1, 150))
def test_a_column_is_shown_only_with_all_of_higher_priority(
    columns: tuple[Column, ...], width: int
) -> None:
    shown = {p.column.id for p in fit_columns(columns, width)}
    standing = {c.short_for for c in columns if c.id in shown} | shown
    for here in (c for c in columns if c.id in shown):
        for above in columns:
            if above.priority > here.priority:
                assert above.id in standing or above.short_for in shown


@given(tables(), st.integers(1, 150))
def test_a_column_and_its_stand_in_are_never_both_shown(
    columns: tuple[Column, ...], width: int
) -> None:
    shown = {p.column.id for p in fit_columns(columns, width)}
    assert not any(c.short_for in shown for c in columns if c.id in shown)


@given(tables(), st.integers(1, 150))
def test_a_wider_table_never_loses_a_column(columns: tuple[Column, ...], width: int) -> None:
    def subjects(at: int) -> set[str]:
        return {p.column.short_for or p.column.id for p in fit_columns(columns, at)}

    assert subjects(width) <= subjects(width + 1)


@given(tables(), st.integers(1, 150), st.data())
def test_a_hidden_column_is_gone_with_its_stand_in(
    columns: tuple[Column, ...], width: int, data: st.DataObject
) -> None:
    hidden = data.draw(st.sampled_from(choosable(columns))).id
    for p in fit_columns(columns, width, hidden={hidden}):
        assert hidden not in (p.column.id, p.column.short_for)


@given(st.integers(1, 400))
def test_flexible_columns_fill_the_line_until_they_are_wide_enough(width: int) -> None:
    columns = (Column("a", "A", 3), Column("b", "B", 5, flex=2, maximum=60), Column("c", "C", 2))
    placed = fit_columns(columns, width)
    if len(placed) == 3:
        assert placed[-1].x + placed[-1].width == min(width, 3 + 1 + 60 + 1 + 2)


def test_guests_at_80_columns_have_the_sketched_columns_in_full() -> None:
    short_names = [c._replace(preferred=0) if c.id == "name" else c for c in COLUMNS]
    assert [p.column.id for p in fit_columns(short_names, 77)] == [
        "state", "name", "vcpus", "cpu", "memory", "disk", "net", "devices",
    ]  # fmt: skip


def test_a_long_name_comes_before_the_two_directions_of_the_network() -> None:
    placed = {p.column.id: p.width for p in fit_columns(COLUMNS, 77)}
    assert placed["name"] >= 20
    assert {"state", "disk", "net.short", "devices"} <= set(placed)


def test_guests_beside_a_host_pane_keep_all_figures_in_short_form() -> None:
    shown = [p.column.id for p in fit_columns(COLUMNS, 55)]
    assert shown == [
        "state.short", "name", "vcpus", "cpu", "memory.short", "disk.short", "net.short", "devices",
    ]  # fmt: skip


def test_a_wide_terminal_shows_every_column() -> None:
    shown = {p.column.id for p in fit_columns(COLUMNS, 158)}
    assert shown == {c.id for c in choosable(COLUMNS)}
