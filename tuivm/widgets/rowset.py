"""The rows of a table by key, with the cursor and the marks that stay on their keys. Pure."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any, NamedTuple

from tuivm.model.table import Cell


class Row(NamedTuple):
    """One row, known by its key.

    cells: one for each of the table's columns, in their order, or a function that makes them; it
    is called only for rows that are on the screen, and must give the same answer each time. Text
    from outside must have passed `model.units.visible`.
    heading: shown across all columns (the first cell alone); the cursor skips it.
    """

    key: Hashable
    cells: tuple[Cell, ...] | Callable[[], tuple[Cell, ...]]
    heading: bool = False


class RowSet:
    """Rows in their order. `cursor` is a place among them, -1 where there is none to be on."""

    def __init__(self) -> None:
        self.rows: tuple[Row, ...] = ()
        self.cursor = -1
        self._index: dict[Hashable, int] = {}
        self._marks: set[Hashable] = set()
        self._made: dict[Hashable, tuple[Cell, ...]] = {}

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def cursor_key(self) -> Any:
        return self.rows[self.cursor].key if self.cursor >= 0 else None

    def replace(self, rows: Iterable[Row]) -> int:
        """Other rows. How many more there are above the cursor because rows came and went.

        The cursor stays on its key, or goes to the nearest row that is left. Rows that only
        changed places do not count. ValueError if two rows have the same key.
        """
        before, old_index, old_cursor = self.rows, self._index, self.cursor
        after = tuple(rows)
        index = {row.key: number for number, row in enumerate(after)}
        if len(index) != len(after):
            raise ValueError("two rows have the same key")
        self.rows, self._index = after, index
        self._made.clear()
        self.cursor = self._follow(before, old_cursor)
        if self.cursor < 0 or old_cursor < 0 or old_index.keys() == index.keys():
            return 0
        came = sum(row.key not in old_index for row in after[: self.cursor])
        went = sum(row.key not in index for row in before[:old_cursor])
        return came - went

    def _follow(self, before: tuple[Row, ...], cursor: int) -> int:
        if cursor >= 0:
            for distance in range(max(cursor + 1, len(before) - cursor)):
                for number in (cursor + distance, cursor - distance):
                    if 0 <= number < len(before):
                        found = self.find(before[number].key)
                        if found >= 0:
                            return found
        return self.nearest(0, 1)

    def find(self, key: Hashable) -> int:
        """The place of a row that is no heading; -1 if there is no such."""
        number = self._index.get(key, -1)
        return -1 if number >= 0 and self.rows[number].heading else number

    def nearest(self, number: int, step: int) -> int:
        """The first row from a place on, in the direction of `step`, that is no heading.

        The nearest in the other direction if there is none; -1 if all are headings.
        """
        if not self.rows:
            return -1
        last = len(self.rows) - 1
        number = max(0, min(number, last))
        down, up = range(number, last + 1), range(number, -1, -1)
        for way in (down, up) if step > 0 else (up, down):
            for candidate in way:
                if not self.rows[candidate].heading:
                    return candidate
        return -1

    def cells(self, row: Row) -> tuple[Cell, ...]:
        if not callable(row.cells):
            return row.cells
        made = self._made.get(row.key)
        if made is None:
            made = self._made[row.key] = row.cells()
        return made

    def marked(self, key: Hashable) -> bool:
        return key in self._marks

    @property
    def selected(self) -> frozenset[Any]:
        """The keys that are marked, of those that are among the rows at present."""
        return frozenset(key for key in self._marks if key in self._index)

    def toggle(self, key: Hashable) -> None:
        """Mark a row or take its mark away; nothing for a heading or a key that is not here."""
        if self.find(key) >= 0:
            self._marks ^= {key}

    def mark_all(self) -> None:
        self._marks |= self._keys()

    def invert(self) -> None:
        self._marks ^= self._keys()

    def unmark_all(self) -> None:
        """Also the marks of rows that are not here at present."""
        self._marks.clear()

    def _keys(self) -> set[Hashable]:
        return {row.key for row in self.rows if not row.heading}
