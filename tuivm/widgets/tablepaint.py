"""Lines of a table as strips, and what differs between two of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip

from tuivm.model.table import Cell, Part, Placed
from tuivm.widgets.tabletext import clip, lay_cell, lay_row, plain_width, segments

GUTTER = 2
"""Cells left of the first column: the mark of a selected row, and a blank."""
GAP = 1

_UNICODE = {"mark": "●", "up": "▲", "down": "▼", "cut": "…"}
_ASCII = {"mark": "*", "up": "^", "down": "v", "cut": "~"}

ROLES = (
    "dim",
    "running",
    "paused",
    "changing",
    "off",
    "bad",
    "paravirtual",
    "emulated",
    "physical",
)
"""What a part of a cell may be shown as; any other role is plain."""

COMPONENTS = {
    "livetable--header",
    "livetable--sorted",
    "livetable--cursor",
    "livetable--heading",
    "livetable--mark",
    *(f"livetable--{role}" for role in ROLES),
}
"""What a stylesheet can style of a table."""

CSS = """
LiveTable {
    overflow-x: hidden;
    overflow-y: auto;
    scrollbar-gutter: stable;
    scrollbar-size-vertical: 1;
    background: $background;
    color: $foreground;

    & > .livetable--header { color: $quiet; text-style: bold; }
    & > .livetable--sorted { color: $foreground; text-style: bold; }
    & > .livetable--heading { color: $primary; text-style: bold; }
    & > .livetable--mark { color: $primary; text-style: bold; }
    & > .livetable--dim { color: $quiet; }
    & > .livetable--running { color: $state-running; }
    & > .livetable--paused { color: $state-paused; }
    & > .livetable--changing { color: $state-changing; }
    & > .livetable--off { color: $state-off; }
    & > .livetable--bad { color: $state-bad; text-style: bold; }
    & > .livetable--paravirtual { color: $class-paravirtual; }
    & > .livetable--emulated { color: $class-emulated; }
    & > .livetable--physical { color: $class-physical; }
    & > .livetable--cursor {
        background: $block-cursor-blurred-background;
        color: $block-cursor-blurred-foreground;
        text-style: $block-cursor-blurred-text-style;
    }
    &:focus > .livetable--cursor {
        background: $block-cursor-background;
        color: $block-cursor-foreground;
        text-style: $block-cursor-text-style;
    }
}
"""


class Line(NamedTuple):
    """What one line of the screen shows. look: "" (plain), "cursor" or "heading"."""

    cells: tuple[Cell, ...]
    look: str
    marked: bool


class TablePainter:
    """Paints lines for one width and set of columns, and remembers them until `clear`."""

    def __init__(self, style_of: Callable[[str], Style]) -> None:
        self.placed: tuple[Placed, ...] = ()
        self.ascii = False
        self._style_of = style_of
        self._styles: dict[str, Style] = {}
        self._strips: dict[Hashable, tuple[Line, int, Strip]] = {}
        self._shown: dict[int, Line | None] = {}

    def clear(self) -> None:
        self._styles.clear()
        self._strips.clear()

    def style(self, role: str) -> Style:
        """The style of a role, asked for once: Textual forgets its own at each refresh."""
        found = self._styles.get(role)
        if found is None:
            found = self._styles[role] = self._style_of(role)
        return found

    def centred(self, words: Iterable[Segment], width: int) -> Strip:
        """A line with some words in its middle, or with none."""
        strip = Strip(words)
        left = Strip.blank(max(0, width - strip.cell_length) // 2, self.style(""))
        return Strip.join((left, strip)).adjust_cell_length(width, self.style(""))

    def row(self, y: int, key: Hashable, line: Line | None, width: int, *, keep: int) -> Strip:
        """What line `y` of the screen shows from now on: a row, or nothing below the last.

        The last `keep` rows painted are remembered, or a few less.
        """
        self._shown[y] = line
        if line is None:
            return Strip.blank(width, self.style(""))
        cached = self._strips.get(key)
        if cached is not None and cached[1] == width and cached[0] == line:
            return cached[2]
        strip = self._paint(line, width)
        if len(self._strips) >= keep:
            self._strips.clear()
        self._strips[key] = (line, width, strip)
        return strip

    def _paint(self, line: Line, width: int) -> Strip:
        glyphs = _ASCII if self.ascii else _UNICODE
        parts: list[Part] = []
        base = ""
        if line.look == "heading":
            heading = lay_cell(line.cells[0] if line.cells else (), width, "left", glyphs["cut"])
            parts = [(text, role or "heading") for text, role in heading]
        else:
            mark = (glyphs["mark"], "mark") if line.marked else (" ", "")
            parts = [mark, (" " * (GUTTER - 1), "")]
            parts += lay_row(line.cells, self.placed, GAP, glyphs["cut"])
        if line.look == "cursor":
            # One style for all of it: the colours of roles are not made for its background.
            base = "cursor"
            parts = [("".join(text for text, _ in parts), base)]
        return Strip(segments(parts, self.style)).adjust_cell_length(width, self.style(base))

    def header(self, width: int, sort: tuple[str, bool] | None) -> Strip:
        """The titles; an arrow marks the column sorted by, on the column or its stand-in."""
        glyphs = _ASCII if self.ascii else _UNICODE
        parts: list[Part] = [(" " * GUTTER, "header")]
        for column, _, x, size in self.placed:
            title, role = plain_width(column.title), "header"
            if sort and sort[0] in (column.id, column.short_for):
                title = clip(title, size - 1, "") + glyphs["down" if sort[1] else "up"]
                role = "sorted"
            if x:
                parts.append((" " * GAP, "header"))
            parts += lay_cell(((title, role),), size, column.align, "")
        strip = Strip(segments(parts, self.style))
        return strip.adjust_cell_length(width, self.style("header"))

    def changes(
        self, lines: Iterable[int], line_at: Callable[[int], Line | None], width: int
    ) -> list[Region]:
        """Where the lines of the screen look different from what they are to show now."""
        # A line that was never painted is going to be.
        return [
            Region(left, y, right - left, 1)
            for y in lines
            if y in self._shown
            for left, right in self._differences(self._shown[y], line_at(y), width)
        ]

    def _differences(self, old: Line | None, new: Line | None, width: int) -> list[tuple[int, int]]:
        """The spans (left, right) that look different; neighbours become one."""
        if old is new or old == new:
            return []
        if old is None or new is None or old.look != new.look or new.look == "heading":
            return [(0, width)]
        spans: list[tuple[int, int]] = [(0, 1)] if old.marked != new.marked else []
        for _, cell, x, size in self.placed:
            if old.cells[cell] != new.cells[cell]:
                left, right = GUTTER + x, GUTTER + x + size
                if spans and left - spans[-1][1] <= GAP:
                    left = spans.pop()[0]
                spans.append((left, right))
        return spans
