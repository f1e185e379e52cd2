"""Lines of styled text, some of which the cursor can be on."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, ClassVar, NamedTuple

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual


class Line(NamedTuple):
    """content: one line. item: what the cursor is on when it is here; None: it skips this line."""

    content: Content
    item: Hashable = None


class ItemList(ScrollView, can_focus=True):
    """The cursor stays on its item when the lines change; only lines that changed are painted."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"itemlist--cursor"}
    DEFAULT_CSS = """
    ItemList { scrollbar-size: 1 1; overflow-x: hidden; }
    ItemList > .itemlist--cursor {
        background: $block-cursor-blurred-background;
        color: $block-cursor-blurred-foreground;
        text-style: $block-cursor-blurred-text-style;
    }
    ItemList:focus > .itemlist--cursor {
        background: $block-cursor-background;
        color: $block-cursor-foreground;
        text-style: $block-cursor-text-style;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "move(-10)", "Page up", show=False),
        Binding("pagedown", "move(10)", "Page down", show=False),
        Binding("home,g", "move(-9999)", "First", show=False),
        Binding("end,G", "move(9999)", "Last", show=False),
    ]

    class Moved(Message):
        """The cursor is on another item."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self._lines: tuple[Line, ...] = ()
        # A row and its item: two items may be equal (devices without a name of their own).
        self._row = 0
        self._item: Hashable = None

    @property
    def item(self) -> Any:
        """What the cursor is on; None when there is nothing to be on."""
        return self._item

    def set_lines(self, lines: Sequence[Line], *, steady: bool = False) -> None:
        """steady: where lines came or went above the cursor, scroll with them, so that what one
        reads does not jump."""
        old, self._lines = self._lines, tuple(lines)
        before_row = self._row
        self._find_item()
        self.virtual_size = Size(self.scrollable_content_region.width, len(self._lines))
        if steady and old and self._row != before_row:
            top = self.scroll_offset.y + self._row - before_row
            self.scroll_to(y=max(0, top), animate=False, force=True)
        if len(old) != len(self._lines):
            self.refresh()
            return
        for row, (before, after) in enumerate(zip(old, self._lines, strict=True)):
            moved = row in (before_row, self._row) and before_row != self._row
            if moved or before.item != after.item or not before.content.is_same(after.content):
                self._repaint(row)

    def move_to(self, item: Hashable) -> bool:
        """Put the cursor on an item, which is then seen; False if there is none like it."""
        row = next((row for row in self._places() if self._lines[row].item == item), None)
        if row is not None and row != self._row:
            self._go(row)
        return row is not None

    def _find_item(self) -> None:
        """Where the cursor's item is now: in its row, else in the first that has it."""
        places = self._places()
        same = [row for row in places if self._lines[row].item == self._item]
        if self._row not in same:
            self._row = (same or places or [0])[0]
        self._item = self._lines[self._row].item if places else None

    def _places(self) -> list[int]:
        """Rows that the cursor can be on."""
        return [row for row, line in enumerate(self._lines) if line.item is not None]

    def _repaint(self, row: int) -> None:
        self.refresh(Region(0, row - self.scroll_offset.y, self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        row = y + self.scroll_offset.y
        width = self.size.width
        if not 0 <= row < len(self._lines) or not width:
            return Strip.blank(width, self.rich_style)
        line = self._lines[row]
        content, style = line.content, self.visual_style
        if line.item is not None and row == self._row:
            # One colour for all of it: no theme has all its roles readable on the cursor.
            content, style = Content(content.plain), self.get_visual_style("itemlist--cursor")
        strips = Visual.to_strips(self, content, width, 1, style)
        strip = strips[0] if strips else Strip.blank(width)
        return strip.adjust_cell_length(width, style.rich_style)

    def action_move(self, by: int) -> None:
        places = self._places()
        if self._row in places:
            place = min(max(0, places.index(self._row) + by), len(places) - 1)
            self._go(places[place])

    def _go(self, row: int) -> None:
        before, self._row = self._row, row
        self._item = self._lines[row].item
        # A step above the first item shows the lines over it, which the cursor cannot be on.
        top = 0 if row == self._places()[0] else row
        self.scroll_to_region(Region(0, top, 1, row - top + 1), animate=False, force=True)
        for changed in (before, row):
            self._repaint(changed)
        self.post_message(self.Moved())

    def on_click(self, event: events.Click) -> None:
        row = event.y + self.scroll_offset.y
        if 0 <= row < len(self._lines) and self._lines[row].item is not None:
            self._go(row)
