"""Text laid into table cells: cut and padded by terminal cells, never by characters."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style

from tuivm.model.table import Align, Cell, Part, Placed

_JOINERS = {0x200D: None, 0xFE0F: None}
"""Zero-width joiner and emoji variation: terminals disagree about how wide what they make is."""

_RTL = frozenset({"R", "AL", "AN"})
_LTR_MARK = "\u200e"


def plain_width(text: str) -> str:
    """The text without what makes its width depend on the terminal."""
    return text if text.isascii() else text.translate(_JOINERS)


def clip(text: str, width: int, ellipsis: str) -> str:
    """At most `width` cells of text; what was cut is marked with the (one cell wide) ellipsis."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + ellipsis if width > 0 else ""


def _isolated(text: str) -> str:
    """Text from right to left, closed off: a terminal that orders it must not reorder the row."""
    if text.isascii() or not any(unicodedata.bidirectional(char) in _RTL for char in text):
        return text
    return text + _LTR_MARK


@lru_cache(maxsize=8192)
def lay_cell(cell: Cell, width: int, align: Align, ellipsis: str) -> tuple[Part, ...]:
    """The parts of a cell, cut and padded to exactly `width` cells."""
    parts: list[Part] = []
    left = width
    for raw, role in cell:
        text = plain_width(raw)
        size = cell_len(text)
        if size > left:
            if left == 0 and parts:
                # The ellipsis needs a cell: the part before gives up its last.
                before, before_role = parts.pop()
                left = cell_len(before)
                parts.append((clip(before + text, left, ellipsis), before_role))
            else:
                parts.append((clip(text, left, ellipsis), role))
            left = width - sum(cell_len(part) for part, _ in parts)
            break
        if size:
            parts.append((text, role))
            left -= size
    parts = [(_isolated(text), role) for text, role in parts]
    if left:
        pad = (" " * left, "")
        parts = [*parts, pad] if align == "left" else [pad, *parts]
    return tuple(parts)


def lay_row(cells: Sequence[Cell], placed: Iterable[Placed], gap: int, ellipsis: str) -> list[Part]:
    """One line of a table, from the left edge of its first column."""
    line: list[Part] = []
    between = (" " * gap, "")
    for column, index, x, width in placed:
        if x:
            line.append(between)
        line += lay_cell(cells[index], width, column.align, ellipsis)
    return line


def segments(parts: Iterable[Part], style_of: Callable[[str], Style]) -> list[Segment]:
    """As few segments as possible: each one costs its whole style in bytes.

    Blanks take the style of what stands before them, so styles may differ in foreground only.
    """
    found: list[Segment] = []
    text, role = "", ""
    for part, part_role in parts:
        words = part.lstrip(" ")
        if not words or part_role == role or not text:
            text, role = text + part, role if text else part_role
            continue
        found.append(Segment(text + part[: len(part) - len(words)], style_of(role)))
        text, role = words, part_role
    if text:
        found.append(Segment(text, style_of(role)))
    return found
