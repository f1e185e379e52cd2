"""A page that lists things with what is in them, and tells of the highlighted one."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.widgets import Static

from tuivm.model.offers import HostOffer
from tuivm.model.store import HostStatus
from tuivm.screens.hostpages.base import HostPage
from tuivm.screens.hostpages.partrows import Detail, Row, detail_content, lay
from tuivm.widgets.itemlist import ItemList

_BESIDE_FROM = 100
"""Columns of the page from which on the details stand beside the list, not under it."""


class PartsPage(HostPage):
    """Subclasses give `read`, `rows`, `details` and `top` (the name under which an item's outermost
    row is folded)."""

    filterable = True
    DEFAULT_CSS = """
    PartsPage #body { layout: vertical; height: 1fr; }
    PartsPage #parts { height: 1fr; width: 1fr; padding: 0 1; scrollbar-gutter: stable; }
    PartsPage #told {
        height: 9; width: 1fr; padding: 0 1; border-top: solid $panel; overflow: hidden;
    }
    PartsPage.-beside #body { layout: horizontal; }
    PartsPage.-beside #told {
        height: 1fr; width: 46; border-top: none; border-left: solid $panel;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._offer: HostOffer | None = None
        self._host = ""
        self._filter = ""
        self._folds: dict[str, dict[str, bool]] = {}
        self._cursors: dict[str, Hashable] = {}
        self._rows: Sequence[Row] = ()
        self._drawn: tuple[object, ...] = ()
        self._told: Content | None = None
        self._laid_out_for = (0, 0)
        # Made here: the screen may want them before they are mounted.
        self.list = ItemList(id="parts")
        self._pane = Static(id="told")

    def compose(self) -> ComposeResult:
        with Container(id="body"):
            yield self.list
            yield self._pane

    # what subclasses give

    def read(self, offer: HostOffer) -> None:
        """Another offer is to be shown."""
        raise NotImplementedError

    def rows(self, folds: dict[str, bool], filter_text: str, *, ascii_only: bool) -> list[Row]:
        """Of what was read last."""
        raise NotImplementedError

    def details(self, item: Hashable) -> tuple[str, list[Detail]]:
        """A title and what is told of the item."""
        raise NotImplementedError

    def top(self, item: Hashable) -> str:
        raise NotImplementedError

    def nothing(self) -> str:
        """What there is none of, in words."""
        raise NotImplementedError

    def moment(self) -> object:
        """Rows are made anew when this changes, too."""
        return None

    # the page

    def set_offer(self, offer: HostOffer | None) -> None:
        host = offer.host if offer is not None else ""
        if host != self._host:
            # One that is still to be gone to was never left.
            self._cursors.setdefault(self._host, self.list.item)
            self._host = host
        self._offer = offer
        if offer is not None:
            self.read(offer)
        self._drawn = ()
        self._show()

    def set_status(self, status: HostStatus | None) -> None:
        del status
        self._show()

    def laid_out(self) -> None:
        if not self.size:
            return  # another page is shown
        self.set_class(self.size.width >= _BESIDE_FROM, "-beside")
        if self._widths != self._laid_out_for:
            self._show()

    @property
    def _widths(self) -> tuple[int, int]:
        """Of the list, and of what is told of an item."""
        return self.list.scrollable_content_region.width, self._pane.content_size.width

    def set_filter(self, text: str) -> None:
        self._filter = text
        self._show()

    def take_focus(self) -> None:
        self.list.focus()

    @property
    def _open(self) -> dict[str, bool]:
        return self._folds.setdefault(self._host, {})

    def _show(self) -> None:
        """Lay the rows out, unless nothing changed that they depend on."""
        self._laid_out_for = self._widths
        width, _ = self._laid_out_for
        wanted = (self._offer, width, self._filter, dict(self._open), self.moment())
        if width and not self._same(wanted):
            self._drawn = wanted
            ascii_only = self.desk.ascii_only
            rows: list[Row] = []
            if self._offer is not None:
                rows = self.rows(self._open, self._filter, ascii_only=ascii_only)
                if not any(row.item is not None for row in rows):
                    none = f"nothing has {self._filter!r}" if self._filter else self.nothing()
                    rows.append(Row("none", none, style="$quiet"))
            self._rows = rows
            self.list.set_lines(lay(rows, width, ascii_only=ascii_only), steady=True)
            if self._host in self._cursors:
                self.list.move_to(self._cursors.pop(self._host))
        self._tell()

    def _same(self, wanted: tuple[object, ...]) -> bool:
        # The offer by identity: to compare a thousand volumes each second would be felt.
        return bool(self._drawn) and self._drawn[0] is wanted[0] and self._drawn[1:] == wanted[1:]

    def _tell(self) -> None:
        item, width = self.item, self._pane.content_size.width
        shown = Content()
        if item is not None:
            title, told = self.details(item)
            shown = detail_content(title, told, width, ascii_only=self.desk.ascii_only)
        if self._told is None or not shown.is_same(self._told):
            self._told = shown
            self._pane.update(shown)

    @property
    def item(self) -> Hashable:
        """What the cursor is on; None while nothing is listed."""
        return self.list.item if self._offer is not None else None

    @property
    def _row(self) -> Row | None:
        return next((row for row in self._rows if row.item == self.item is not None), None)

    def on_item_list_moved(self) -> None:
        self._tell()
        self.post_message(self.Changed())

    # folding

    def unfold(self) -> bool:
        row = self._row
        if row is None or row.opened is None:
            return False
        self._fold(row, opened=not row.opened)
        return True

    def go_left(self) -> bool:
        """Close what is open, or go to what the highlighted one is in."""
        row = self._row
        if row is not None and row.opened:
            self._fold(row, opened=False)
            return True
        if row is None or not row.depth:
            return False
        name = self.top(row.item)
        outer = next(one for one in self._rows if one.depth == 0 and one.name == name)
        return self.list.move_to(outer.item)

    def go_right(self) -> bool:
        row = self._row
        if row is None or row.opened is not False:
            return row is not None and row.depth > 0
        self._fold(row, opened=True)
        return True

    def _fold(self, row: Row, *, opened: bool) -> None:
        self._open[self.top(row.item)] = opened
        self._show()
