"""A table for rows that change every second: it paints the cells that changed, and no others.

Textual's DataTable repaints itself whole when one cell changes; see benchmarks/table.py.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, ClassVar

from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBarRender
from textual.strip import Strip

from tuivm.model.table import Column, fit_columns
from tuivm.widgets.rowset import Row, RowSet
from tuivm.widgets.scrollbars import PlainScrollBar
from tuivm.widgets.tablepaint import COMPONENTS, CSS, GAP, GUTTER, Line, TablePainter

__all__ = ["Column", "LiveTable", "Row", "TableMessage"]


class TableMessage(Message):
    """What a LiveTable tells; `table` is the one that does."""

    def __init__(self, table: LiveTable) -> None:
        super().__init__()
        self.table = table

    @property
    def control(self) -> LiveTable:
        return self.table


class LiveTable(ScrollView, can_focus=True, inherit_bindings=False):
    """Rows under a fixed header, with a cursor and marks that stay on their keys.

    `set_rows` takes the full picture each time and finds out what changed. Use `set_columns`
    first. Moving is bound to keys here; everything else is for the program's commands to call.
    """

    ALLOW_SELECT = False

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home,g", "first", "First", show=False),
        Binding("end,G", "last", "Last", show=False),
    ]

    COMPONENT_CLASSES: ClassVar[set[str]] = COMPONENTS
    DEFAULT_CSS = CSS

    ascii: reactive[bool] = reactive(False, repaint=False)
    """Draw with ASCII alone: marks, sort arrows and ellipses."""
    sort: reactive[tuple[str, bool] | None] = reactive(None, repaint=False)
    """What the arrow in the header says: (column id, descending). The caller does the sorting."""
    hidden: reactive[frozenset[str]] = reactive(frozenset(), repaint=False)
    """Ids of columns that are not to be shown, however much room there is."""
    empty: reactive[Content] = reactive(Content(), repaint=False)
    """Shown in the middle while there is no row."""

    class Highlighted(TableMessage):
        """The cursor is on another row than before. key: None when there is no row."""

        def __init__(self, table: LiveTable, key: Any) -> None:
            super().__init__(table)
            self.key = key

    class Chosen(TableMessage):
        """A row is to be opened (double click, or `choose`)."""

        def __init__(self, table: LiveTable, key: Any) -> None:
            super().__init__(table)
            self.key = key

    class SortRequested(TableMessage):
        """A column's title was clicked. column_id: never that of a short stand-in."""

        def __init__(self, table: LiveTable, column_id: str) -> None:
            super().__init__(table)
            self.column_id = column_id

    class SelectionChanged(TableMessage):
        """Other rows are marked than before."""

        def __init__(self, table: LiveTable, selected: frozenset[Any]) -> None:
            super().__init__(table)
            self.selected = selected

    class ViewChanged(TableMessage):
        """Other rows are on the screen than before (headings do not count)."""

        def __init__(self, table: LiveTable, keys: frozenset[Any]) -> None:
            super().__init__(table)
            self.keys = keys

    def __init__(
        self,
        columns: Sequence[Column] = (),
        *,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - Textual's word
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._columns = tuple(columns)
        self._rows = RowSet()
        self._told_cursor: Hashable | None = None
        self._told_marks: frozenset[Any] = frozenset()
        self._told_view: frozenset[Any] = frozenset()
        self._fitted = -1
        self._painter = TablePainter(self._style)
        self._settling = False
        self._touched = False

    # What is shown

    @property
    def columns(self) -> tuple[Column, ...]:
        return self._columns

    @property
    def shown_columns(self) -> tuple[str, ...]:
        """Ids of the columns that fit, from left to right."""
        return tuple(placed.column.id for placed in self._painter.placed)

    @property
    def rows(self) -> tuple[Row, ...]:
        return self._rows.rows

    @property
    def cursor(self) -> Any:
        """The key of the row under the cursor; None when there is no row to be on."""
        return self._rows.cursor_key

    @property
    def selected(self) -> frozenset[Any]:
        """The keys of the marked rows, of those that are in the table at present."""
        return self._rows.selected

    @property
    def keys_in_view(self) -> frozenset[Any]:
        """The keys of the rows on the screen, without headings."""
        top = self.scroll_offset.y
        rows = self.rows[top : top + self._height]
        return frozenset(row.key for row in rows if not row.heading)

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Other columns, or others' widths. Rows go whose cells were made for other columns."""
        same = [column.id for column in columns] == [column.id for column in self._columns]
        self._columns = tuple(columns)
        if not same:
            self.set_rows(())
        self._repaint()

    def set_rows(self, rows: Iterable[Row]) -> None:
        """Show these rows, in this order, from now on.

        The cursor stays on its key, or goes to the nearest row that is left; marks stay on their
        keys, also while a row is not among the rows (a filter, a host that is away). Rows that
        come and go above the cursor do not move it on the screen, but before a person has moved
        anything, the list is shown from its top. ValueError if two rows have the same key.
        """
        was_empty = not self._rows
        shift = self._rows.replace(rows)
        self._settle(self.scroll_offset.y + shift if self._touched else 0)
        if was_empty != (not self._rows):
            self.refresh()
        self._show()

    # Moving

    def move_to(self, key: Hashable) -> bool:
        """Put the cursor on a row and scroll to it. False if there is no such row."""
        number = self._rows.find(key)
        if number >= 0:
            self._go(number)
        return number >= 0

    def action_move(self, step: int) -> None:
        self._go(self._rows.nearest(self._rows.cursor + step, step))

    def action_page(self, step: int) -> None:
        self.action_move(step * max(1, self._height - 1))

    def action_first(self) -> None:
        self._go(self._rows.nearest(0, 1))

    def action_last(self) -> None:
        self._go(self._rows.nearest(len(self._rows) - 1, -1))

    def _go(self, number: int) -> None:
        self._touched = True
        self._rows.cursor = number
        self._settle(self.scroll_offset.y)
        self._show()

    def choose(self) -> None:
        """Ask for the row under the cursor to be opened."""
        if self._rows.cursor >= 0:
            self.post_message(self.Chosen(self, self.cursor))

    # Marks

    def toggle(self, key: Hashable | None = None) -> None:
        """Mark a row, or take its mark away; without a key, the row under the cursor."""
        self._rows.toggle(self.cursor if key is None else key)
        self._show()

    def select_all(self) -> None:
        """Mark every row of the table."""
        self._rows.mark_all()
        self._show()

    def invert(self) -> None:
        """Mark the rows that are not marked, and take the marks of the others away."""
        self._rows.invert()
        self._show()

    def clear_selection(self) -> None:
        """Take away every mark, also of rows that are not in the table at present."""
        self._rows.unmark_all()
        self._show()

    # Scrolling and size

    @property
    def _height(self) -> int:
        """Lines for rows: all but the header."""
        return max(0, self.size.height - 1)

    def _settle(self, top: int) -> None:
        """Scroll so that `top` is the first row shown, or as near to that as shows the cursor."""
        height = self._height
        self._settling = True
        self.virtual_size = Size(self.scrollable_content_region.width, len(self._rows) + 1)
        if height and self.is_mounted:
            first = cursor = self._rows.cursor
            while first > 0 and self.rows[first - 1].heading and cursor - first + 1 < height:
                first -= 1
            if cursor >= 0:
                top = max(cursor - height + 1, min(top, first))
            top = max(0, min(top, len(self._rows) - height))
            self.scroll_to(y=top, animate=False, force=True)
        self._settling = False

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Not ScrollView's: that one repaints everything, also what looks as before."""
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = new_value
        if self._settling or round(old_value) == round(new_value):
            return
        # Somebody scrolls by wheel or scrollbar: the cursor stays on the screen, as in a pager.
        self._touched = True
        top = round(new_value)
        bottom = top + self._height - 1
        if top <= bottom and not top <= self._rows.cursor <= bottom:
            above = self._rows.cursor < top
            self._rows.cursor = self._rows.nearest(*((top, 1) if above else (bottom, -1)))
        self._show()

    def on_resize(self, _: events.Resize) -> None:
        # Textual repaints a widget whose size changed, maybe before it tells it of that.
        self._fit()
        self._settle(self.scroll_offset.y)
        self._show()

    def watch_hidden(self) -> None:
        self._repaint()

    def _fit(self) -> None:
        self._fitted = self.scrollable_content_region.width
        room = self._fitted - GUTTER
        self._painter.placed = fit_columns(self._columns, room, gap=GAP, hidden=self.hidden)
        self._painter.clear()

    def _repaint(self) -> None:
        """Everything looks different now."""
        self._fit()
        self.refresh()
        self._show()

    def watch_ascii(self, ascii_only: bool) -> None:
        self._painter.ascii = ascii_only
        bar = PlainScrollBar if ascii_only else ScrollBarRender
        self.vertical_scrollbar.renderer = bar  # type: ignore[misc] # of this one bar alone
        self.vertical_scrollbar.refresh()
        self._repaint()

    def watch_empty(self) -> None:
        if not self._rows:
            self.refresh()

    def watch_sort(self) -> None:
        self.refresh(Region(0, 0, self.size.width, 1))

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._repaint()

    # Painting

    def _show(self) -> None:
        """Repaint what looks different from what the screen has, and tell what changed."""
        if not self.is_mounted:
            return
        first = self.scroll_offset.y - 1
        changed = self._painter.changes(
            range(1, self._height + 1), lambda y: self._line(first + y), self.size.width
        )
        if changed:
            self.refresh(*changed)
        self._tell()

    def _tell(self) -> None:
        if self.cursor != self._told_cursor:
            self._told_cursor = self.cursor
            self.post_message(self.Highlighted(self, self.cursor))
        if (marks := self.selected) != self._told_marks:
            self._told_marks = marks
            self.post_message(self.SelectionChanged(self, marks))
        if (keys := self.keys_in_view) != self._told_view:
            self._told_view = keys
            self.post_message(self.ViewChanged(self, keys))

    def _line(self, number: int) -> Line | None:
        if not 0 <= number < len(self._rows):
            return None
        row = self.rows[number]
        look = "heading" if row.heading else "cursor" if number == self._rows.cursor else ""
        return Line(self._rows.cells(row), look, self._rows.marked(row.key))

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if self._fitted != self.scrollable_content_region.width:
            self._fit()
        if y == 0:
            return self._painter.header(width, self.sort)
        if not self._rows:
            lines = self.empty.wrap(max(1, width))
            at = y - 1 - max(0, (self._height - len(lines)) // 2)
            words = lines[at] if 0 <= at < len(lines) else Content()
            return self._painter.centred(words.render_segments(self.visual_style), width)
        number = self.scroll_offset.y + y - 1
        key = self.rows[number].key if number < len(self._rows) else None
        return self._painter.row(y, key, self._line(number), width, keep=4 * self._height)

    def _style(self, role: str) -> Style:
        name = f"livetable--{role}"
        known = name in self.COMPONENT_CLASSES
        return self.get_component_rich_style(name) if known else self.rich_style

    # The mouse

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None or event.button != 1:
            return
        event.stop()
        if offset.y == 0:
            self._click_header(offset.x - GUTTER)
            return
        number = self.scroll_offset.y + offset.y - 1
        if not 0 <= number < len(self._rows) or self.rows[number].heading:
            return
        again = event.chain == 2 and number == self._rows.cursor
        self._go(number)
        if offset.x < GUTTER:
            self.toggle()
        elif again:
            self.choose()

    def _click_header(self, x: int) -> None:
        for column, _, left, width in self._painter.placed:
            if left <= x < left + width and column.sortable:
                self.post_message(self.SortRequested(self, column.short_for or column.id))
