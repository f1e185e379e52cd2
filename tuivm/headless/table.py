"""Plain aligned tables for pipes and terminals: no colour, no boxes, nothing cut off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from tuivm.model.units import visible

GAP = "  "
MISSING = "-"


@dataclass(frozen=True, slots=True)
class Column:
    """A number column is set flush right. missing: what an empty cell is shown as."""

    heading: str
    number: bool = False
    missing: str = MISSING


class Table:
    """Lines that stay aligned over several calls: widths grow when they must, and never shrink."""

    def __init__(self, *columns: Column, indent: str = "") -> None:
        self._columns = columns
        self._indent = indent
        self._widths = [cell_len(column.heading) for column in columns]

    def heading(self) -> str:
        return self._line([column.heading for column in self._columns])

    def lines(self, rows: Sequence[Sequence[str]]) -> list[str]:
        """Rows as lines, widths counted in terminal cells, without spaces at their ends.

        An empty cell is shown as its column says. Control characters and the like are made visible.
        """
        body = [
            [
                visible(cell) or column.missing
                for column, cell in zip(self._columns, row, strict=True)
            ]
            for row in rows
        ]
        for cells in body:
            widths = zip(self._widths, cells, strict=True)
            self._widths = [max(width, cell_len(cell)) for width, cell in widths]
        return [self._line(cells) for cells in body]

    def all_lines(self, rows: Sequence[Sequence[str]]) -> list[str]:
        """The heading and the rows, all to the same widths."""
        body = self.lines(rows)
        return [self.heading(), *body]

    def _line(self, cells: Sequence[str]) -> str:
        padded = []
        for column, width, cell in zip(self._columns, self._widths, cells, strict=True):
            space = " " * (width - cell_len(cell))
            padded.append(space + cell if column.number else cell + space)
        return (self._indent + GAP.join(padded)).rstrip()
