"""Rows of pools and networks with what is in them, laid out to a width. Pure.

Rows of one kind have their columns under each other; a column that there is no room for is left
out, the least important first.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple

from rich.cells import cell_len
from textual.content import Content, Span

from tuivm.model.units import visible
from tuivm.widgets.itemlist import Line
from tuivm.widgets.tabletext import clip, plain_width

MARKS = {
    "on": ("●", "+", "$state-running"),
    "off": ("■", ".", "$state-off"),
    "lacking": ("■", ".", "$state-paused"),
    "bad": ("✖", "x", "$state-bad"),
    "unknown": ("?", "?", "$quiet"),
    "asking": ("◌", "~", "$state-changing"),
}
"""Glyph, what stands for it in ASCII, style."""
_GAP = 2
_SPACE = " " * _GAP
_LEAST_NAME = 12
_MOST_NAME = 44
_LABEL = 11


class Col(NamedTuple):
    """One column of a row. rank: those with a high one go first. flex: cells that it has at least;
    it takes more where more is left, and is cut; 0: never cut. right: its text is on the right."""

    text: str
    style: str = ""
    rank: int = 0
    flex: int = 0
    right: bool = False


class Row(NamedTuple):
    """kind: rows of the same have the same columns. item: what the cursor is on; None for a
    heading. opened: None where nothing is below it."""

    kind: str
    name: str
    item: Hashable = None
    cols: tuple[Col, ...] = ()
    depth: int = 0
    opened: bool | None = None
    style: str = ""


def mark(state: str, word: str, *, ascii_only: bool) -> tuple[str, str]:
    """(glyph and word, style)."""
    glyph, letter, style = MARKS[state]
    return f"{letter if ascii_only else glyph} {word}", style


def lay(rows: Sequence[Row], width: int, *, ascii_only: bool) -> list[Line]:
    """One line a row."""
    clean = [_clean(row) for row in rows]
    widths = _widths(clean)
    names = _name_width(clean, widths, width)
    shown = {kind: _fitting(clean, kind, sizes, width - names) for kind, sizes in widths.items()}
    return [_line(row, names, shown[row.kind], width, ascii_only=ascii_only) for row in clean]


def _clean(row: Row) -> Row:
    if row.name.isascii() and row.name.isprintable() and all(map(_harmless, row.cols)):
        return row
    cols = tuple(col._replace(text=plain_width(visible(col.text))) for col in row.cols)
    return row._replace(name=plain_width(visible(row.name)), cols=cols)


def _harmless(col: Col) -> bool:
    return col.text.isascii() and col.text.isprintable()


def _widths(rows: Iterable[Row]) -> dict[str, list[int]]:
    """The widest text of each column, by kind."""
    found: dict[str, list[int]] = {}
    for row in rows:
        sizes = found.setdefault(row.kind, [0] * len(row.cols))
        for number, col in enumerate(row.cols):
            sizes[number] = max(sizes[number], cell_len(col.text))
    return found


def _name_width(rows: Sequence[Row], widths: Mapping[str, Sequence[int]], width: int) -> int:
    """What the names want, as long as the first columns of each kind find room beside them."""
    wanted = max((_indent(row) + cell_len(row.name) for row in rows if row.cols), default=0)
    firsts: dict[str, int] = {}
    for row in rows:
        if row.kind not in firsts:
            sizes = zip(row.cols, widths[row.kind], strict=True)
            needed = (_least(col, size) + _GAP for col, size in sizes if col.rank == 0)
            firsts[row.kind] = sum(needed)
    beside = max(firsts.values(), default=0)
    return max(_LEAST_NAME, min(wanted, _MOST_NAME, width - beside))


def _least(col: Col, size: int) -> int:
    return min(col.flex, size) if col.flex else size


def _indent(row: Row) -> int:
    return 2 * row.depth + 2


def _fitting(rows: Sequence[Row], kind: str, sizes: Sequence[int], room: int) -> dict[int, int]:
    """The columns that are shown, by number, with their widths."""
    cols = next(row.cols for row in rows if row.kind == kind)
    shown: dict[int, int] = {}
    for number in sorted(range(len(cols)), key=lambda number: cols[number].rank):
        least = _least(cols[number], sizes[number])
        if least and least + _GAP <= room:
            shown[number] = least
            room -= least + _GAP
    for number in tuple(shown):
        if cols[number].flex:
            more = min(room, sizes[number] - shown[number])
            shown[number] += more
            room -= more
    return dict(sorted(shown.items()))


def _line(row: Row, names: int, shown: Mapping[int, int], width: int, *, ascii_only: bool) -> Line:
    ellipsis = "~" if ascii_only else "…"
    arrows = {None: "  ", True: "v " if ascii_only else "▾ ", False: "> " if ascii_only else "▸ "}
    indent = "  " * row.depth + arrows[row.opened]
    room = (names if row.cols else width) - len(indent)
    name = _cell(row.name, room, ellipsis)
    parts = [(indent, "$quiet"), (name, row.style)]
    for number, size in shown.items():
        col = row.cols[number]
        parts += [(_SPACE, ""), (_cell(col.text, size, ellipsis, right=col.right), col.style)]
    return Line(_content(parts), row.item)


def _cell(text: str, size: int, ellipsis: str, *, right: bool = False) -> str:
    taken = cell_len(text)
    if taken > size:
        text = clip(text, size, ellipsis)
        taken = cell_len(text)
    space = " " * (size - taken)
    return space + text if right else text + space


def _content(parts: Sequence[tuple[str, str]]) -> Content:
    """As `Content.assemble` makes it, without blanks at the end; a thousand rows are felt there."""
    plain = "".join(text for text, _ in parts).rstrip()
    spans, at = [], 0
    for text, style in parts:
        end = min(at + len(text), len(plain))
        if style and end > at:
            spans.append(Span(at, end, style))
        at += len(text)
    return Content(plain, spans=spans)


class Detail(NamedTuple):
    """One thing that is told of what is highlighted. state: one of `MARKS`, stands before it."""

    label: str
    text: str
    style: str = ""
    state: str = ""


def detail_content(
    title: str, details: Iterable[Detail], width: int, *, ascii_only: bool
) -> Content:
    """What the pane beside or under the list shows: a label, and lines under each other."""
    lines = [Content.styled(visible(title), "bold")]
    for label, text, style, state in details:
        shown = Content("\n").join(Content(visible(line)) for line in text.splitlines())
        if not shown:
            continue
        said = mark(state, shown.plain, ascii_only=ascii_only) if state else (shown.plain, style)
        plain = in_ascii(said[0]) if ascii_only else said[0]
        rows = Content.styled(plain, said[1]).wrap(max(10, width - _LABEL))
        for number, row in enumerate(rows):
            head = "" if number else label
            lines.append(Content.assemble((f"{head:<{_LABEL}}", "$quiet"), row.rstrip()))
    return Content("\n").join(lines)


def counted(number: int, noun: str) -> str:
    """1, "lease" -> "1 lease"; 3, "lease" -> "3 leases"."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def in_ascii(text: str) -> str:
    """Signs of this program's own; names stay as they are."""
    return text.replace("→", "->").replace("×", "x")


class Words(NamedTuple):
    """A filter as it was typed: words that have to be there, words that must not."""

    wanted: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()

    @classmethod
    def of(cls, text: str) -> Words:
        words = text.casefold().split()
        unwanted = tuple(word[1:] for word in words if word.startswith("-") and word != "-")
        return cls(tuple(word for word in words if not word.startswith("-")), unwanted)

    def match(self, *texts: str) -> bool:
        """Each word is in one of the texts, whatever the case."""
        found = "\n".join(texts).casefold()
        return all(word in found for word in self.wanted) and not any(
            word in found for word in self.unwanted
        )

    def name(self, *texts: str) -> bool:
        """What these texts are of is meant, with all that is in it."""
        return not self.unwanted and self.match(*texts)
