"""Columns of a table in text: what they are, and which of them fit a given width. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal, NamedTuple

Part = tuple[str, str]
"""Text and its role ("running", "dim", "physical", …; "" is plain)."""
Cell = tuple[Part, ...]

Align = Literal["left", "right"]


class Column(NamedTuple):
    """One column. Widths are in terminal cells.

    width: the least it is shown with. preferred: what it grows to once there is room (0: width).
    flex: its share of what is then left, up to `maximum` (0: no limit).
    priority: of the columns that do not all fit, those with the lowest go first.
    comfort: the priority of growing to `preferred`, beside the priorities of the columns.
    short_for: the id of the column that this one stands in for where that one does not fit; give
    it a higher priority than that one. It goes away with it when a person hides that one.
    descending: whether the first sort by it is from high to low.
    """

    id: str
    title: str
    width: int
    preferred: int = 0
    flex: int = 0
    maximum: int = 0
    align: Align = "left"
    priority: int = 0
    comfort: int = 0
    sortable: bool = True
    descending: bool = False
    short_for: str = ""
    hint: str = ""
    """One line for the column chooser."""


class Placed(NamedTuple):
    """A column on the screen.

    cell: its place among the columns given, and so the place of its cell in a row.
    """

    column: Column
    cell: int
    x: int
    width: int


def choosable(columns: Sequence[Column]) -> tuple[Column, ...]:
    """The columns a person can show and hide: all but the stand-ins."""
    return tuple(column for column in columns if not column.short_for)


def fit_columns(
    columns: Sequence[Column],
    width: int,
    *,
    gap: int = 1,
    hidden: Collection[str] = (),
) -> tuple[Placed, ...]:
    """The columns that fit `width` cells, from left to right in the order given.

    Columns come in from the highest priority down, each with its least width, until the first that
    does not fit: none below it is shown either, so that what a terminal shows depends on nothing
    but its width. The first of all is shown even where it has to be cut.
    """
    ids = {column.id for column in columns if column.id not in hidden}
    chosen = {
        index: column
        for index, column in enumerate(columns)
        if column.id in ids and (not column.short_for or column.short_for in ids)
    }
    if not chosen or width <= 0:
        return ()
    sizes = _give_space(chosen, width, gap)
    placed = []
    x = 0
    for index in sorted(sizes):
        placed.append(Placed(chosen[index], index, x, sizes[index]))
        x += sizes[index] + gap
    return tuple(placed)


def _give_space(chosen: dict[int, Column], width: int, gap: int) -> dict[int, int]:
    """Index -> width of the columns that are shown."""
    steps = [(-column.priority, 0, index) for index, column in chosen.items()]
    steps += [(-column.comfort, 1, index) for index, column in chosen.items()]
    sizes: dict[int, int] = {}
    left = width + gap
    full = False
    for _, growing, index in sorted(steps):
        column = chosen[index]
        if growing:
            if index in sizes:
                more = max(0, min(column.preferred - sizes[index], left))
                sizes[index] += more
                left -= more
            continue
        if full or _stands_in_for_shown(column, chosen, sizes):
            continue
        short = _shown_short_of(column, chosen, sizes)
        need = column.width + gap if short is None else column.width - sizes[short]
        if need > left:
            full = True
            if not sizes:
                sizes[index] = width
                left = 0
            continue
        if short is not None:
            del sizes[short]
        sizes[index] = column.width
        left -= need
    _share(chosen, sizes, left)
    return sizes


def _stands_in_for_shown(column: Column, chosen: dict[int, Column], sizes: dict[int, int]) -> bool:
    return bool(column.short_for) and any(chosen[i].id == column.short_for for i in sizes)


def _shown_short_of(column: Column, chosen: dict[int, Column], sizes: dict[int, int]) -> int | None:
    return next((i for i in sizes if chosen[i].short_for == column.id), None)


def _share(chosen: dict[int, Column], sizes: dict[int, int], left: int) -> None:
    """Give what is left to the flexible columns by weight, none beyond its maximum."""
    while left > 0:
        open_ = [
            index
            for index in sizes
            if chosen[index].flex
            and (not chosen[index].maximum or sizes[index] < chosen[index].maximum)
        ]
        if not open_:
            return
        weights = sum(chosen[index].flex for index in open_)
        share_of = left
        for index in open_:
            column = chosen[index]
            more = min(left, max(1, share_of * column.flex // weights))
            if column.maximum:
                more = min(more, column.maximum - sizes[index])
            sizes[index] += more
            left -= more
