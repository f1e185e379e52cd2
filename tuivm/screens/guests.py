"""Place 1: all guests of all hosts in one live table, with the chart of the highlighted one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.reactive import var
from textual.widgets import Input

from tuivm.commands import COMMANDS
from tuivm.commands.base import GUESTS, bindings
from tuivm.model.columns import COLUMNS, cells, sort_views
from tuivm.model.filters import Filter, parse_filter
from tuivm.model.guests import GuestKey
from tuivm.model.hosts import HostState
from tuivm.model.ports import View
from tuivm.model.store import GuestView, HostStatus
from tuivm.model.table import Cell, choosable
from tuivm.model.units import visible
from tuivm.screens.charted import ChartedPlace
from tuivm.screens.charts import guest_chart
from tuivm.screens.welcome import welcome
from tuivm.widgets.hostlist import HostList, host_glyph, state_words
from tuivm.widgets.keybar import KeyBar
from tuivm.widgets.linetext import LineText
from tuivm.widgets.livetable import LiveTable
from tuivm.widgets.rowset import Row
from tuivm.widgets.timechart import ChartData, TimeChart, Window

RESTLESS = frozenset({"host_cpu", "uptime"})
"""Columns that change in every row at every tick and say little: left out on a slow link."""
PANE_FROM = 100
"""Columns from which on there is room for the hosts beside the table."""
CHART_FROM = 16
"""Rows from which on there is room for a chart under the table."""


class GuestsScreen(ChartedPlace):
    """All guests. Rows are known by host and UUID; nothing is aimed at a row number."""

    place = GUESTS
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(COMMANDS, GUESTS)]
    DEFAULT_CSS = """
    GuestsScreen #hosts { width: 26; border-right: solid $panel; }
    GuestsScreen #hosts.hidden { display: none; }
    GuestsScreen #filter-row { height: auto; }
    GuestsScreen #filter { width: 1fr; height: 1; border: none; padding: 0 1; }
    GuestsScreen #fault { width: 2fr; }
    GuestsScreen #filter, GuestsScreen #fault { background: $surface; }
    GuestsScreen #filter.hidden, GuestsScreen #fault.hidden { display: none; }
    GuestsScreen #table { height: 1fr; }
    GuestsScreen #chart { height: 9; }
    GuestsScreen.-short #chart { display: none; }
    GuestsScreen.-tall #chart { height: 14; }
    """

    grouped: var[bool] = var(False)

    def __init__(self) -> None:
        super().__init__()
        self._filter = Filter()
        self._columns: tuple[str, ...] = ()
        self._sort = "name"
        self._reverse = False
        self._pane: bool | None = None
        self._visible: frozenset[GuestKey] = frozenset()

    def compose(self) -> ComposeResult:
        yield LineText(id="top")
        with Horizontal():
            yield HostList(id="hosts")
            with Vertical():
                with Horizontal(id="filter-row"):
                    yield Input(id="filter", classes="hidden", placeholder="words  class:emulated")
                    yield LineText(id="fault", classes="hidden")
                yield LiveTable(id="table")
                yield TimeChart(id="chart")
        yield KeyBar()

    def on_mount(self) -> None:
        super().on_mount()
        config = self.desk.config
        self._columns = config.columns or tuple(column.id for column in choosable(COLUMNS))
        self._sort, self._reverse = config.sort.lstrip("-"), config.sort.startswith("-")
        self.set_reactive(GuestsScreen.grouped, config.group_by_host)
        self.table.ascii = self.desk.ascii_only
        self.table.hidden = RESTLESS if self.desk.slow else frozenset()
        self.query_one(HostList).ascii_only = self.desk.ascii_only
        self._set_columns()
        self.table.focus()
        self._fit()
        self.show_now()

    @property
    def table(self) -> LiveTable:
        return self.query_one("#table", LiveTable)

    def on_resize(self) -> None:
        self._fit()

    def _fit(self) -> None:
        width, height = self.app.size
        shown = self._pane if self._pane is not None else width >= PANE_FROM
        self.query_one("#hosts").set_class(not shown, "hidden")
        if not shown and self.query_one("#hosts").has_focus:
            self.table.focus()
        self.set_class(height < CHART_FROM, "-short")
        self.set_class(height >= 40, "-tall")

    # what is shown

    def tick(self) -> None:
        now = self.desk.now()
        statuses = self.desk.store.statuses(now)
        self.query_one(HostList).set_hosts(statuses)
        cursor = self.table.cursor
        self._set_columns()
        views = [view for view in self.desk.store.guests.values() if self._filter.matches(view)]
        self.table.empty = self._empty_text(statuses)
        self.table.set_rows(self._rows(views, statuses, now))
        if cursor is not None and cursor != self.table.cursor:
            # Other columns empty the table; the cursor goes back to its guest if that is there.
            self.table.move_to(cursor)
        self.show_chart()
        self._watch()

    def _rows(
        self, views: list[GuestView], statuses: Sequence[HostStatus], now: float
    ) -> list[Row]:
        views = sort_views(views, self._sort, descending=self._reverse)
        stale = {s.spec.name for s in statuses if s.state is not HostState.UP}
        wall = self.desk.wall()
        if not self.grouped:
            return [self._row(view, wall, now, stale) for view in views]
        rows: list[Row] = []
        for status in statuses:
            mine = [view for view in views if view.key.host == status.spec.name]
            if mine or not self._filter.text:
                rows.append(self._heading(status))
                rows += [self._row(view, wall, now, stale) for view in mine]
        return rows

    def _row(self, view: GuestView, wall: float, now: float, stale: set[str]) -> Row:
        """Its cells are made only when it is on the screen."""
        busy = self.desk.activities.text(view.key, now)
        ascii_only, old = self.desk.ascii_only, view.key.host in stale
        columns = self.table.columns

        def make() -> tuple[Cell, ...]:
            return tuple(
                cells(view, column.id, ascii=ascii_only, now=wall, busy=busy, stale=old)
                for column in columns
            )

        return Row(view.key, make)

    def _heading(self, status: HostStatus) -> Row:
        glyph, role = host_glyph(status.state, ascii_only=self.desk.ascii_only)
        words = "" if status.state is HostState.UP else f"  {state_words(status)}"
        text = f" {visible(status.spec.name)}  {status.active}/{status.guests} up{words}"
        return Row(GuestKey(status.spec.name, ""), (((glyph, role), (text, "heading")),), True)

    def _empty_text(self, statuses: Sequence[HostStatus]) -> Content:
        if self._filter.text and self.desk.store.guests:
            return Content(f"no guest matches {visible(self._filter.text)}\nEsc shows all again")
        return welcome(statuses, self.desk.key_text, self.desk.startup_problems)

    def chart_data(self, window: Window) -> ChartData | None:
        view = self.highlighted()
        if view is None:
            return None
        ascii_only = self.desk.ascii_only
        return guest_chart(self.desk.store, view, self.metric, window, ascii_only=ascii_only)

    def _watch(self) -> None:
        """Tell each host which of its guests are on the screen."""
        seen = self._visible
        if (current := self.table.cursor) is not None:
            seen = seen | {current}
        for host in self.desk.store.host_names:
            uuids = frozenset(key.uuid for key in seen if key.host == host and key.uuid)
            self.desk.look_at(host, View(guests=uuids))

    # what commands are aimed at

    def highlighted(self) -> GuestView | None:
        key = self.table.cursor
        return self.desk.store.guest(key) if key is not None else None

    def target_guests(self) -> tuple[GuestView, ...]:
        if not self.is_mounted:
            return ()
        marked = self.table.selected
        guests = self.desk.store.guests
        known = tuple(view for key, view in guests.items() if key in marked)
        if known:
            return known
        view = None if self.query_one(HostList).has_focus else self.highlighted()
        return (view,) if view is not None else ()

    def target_host(self) -> HostStatus | None:
        if not self.is_mounted:
            return None
        hosts = self.query_one(HostList)
        name = hosts.highlighted
        if not hosts.has_focus and (key := self.table.cursor) is not None:
            name = key.host
        if name is None or name not in self.desk.store.host_names:
            return None
        return self.desk.store.status(name, self.desk.now())

    # messages of the widgets

    def on_live_table_highlighted(self) -> None:
        self.show_frame()
        self.show_chart()
        self._watch()

    def on_live_table_selection_changed(self) -> None:
        self.show_frame()

    def on_live_table_view_changed(self, message: LiveTable.ViewChanged) -> None:
        self._visible = frozenset(message.keys)
        self._watch()

    def on_live_table_chosen(self) -> None:
        self.do_open()

    def on_live_table_sort_requested(self, message: LiveTable.SortRequested) -> None:
        self._sort_by(message.column_id)

    def on_input_changed(self, message: Input.Changed) -> None:
        self._filter = parse_filter(message.value)
        fault = self.query_one("#fault", LineText)
        fault.set_content(Content.styled(visible(self._filter.problem), "$state-bad"))
        fault.set_class(not self._filter.problem, "hidden")
        self.tick()

    def on_input_submitted(self) -> None:
        if self._filter.problem:
            self.desk.say(self._filter.problem, bad=True)
        self.table.focus()

    # what commands ask of this screen

    def do_open(self) -> None:
        view = self.highlighted()
        if view is not None:
            from tuivm.screens.guest import GuestScreen  # noqa: PLC0415 - when it opens

            self.app.push_screen(GuestScreen(view.key))

    def do_performance(self) -> None:
        view = self.highlighted()
        if view is not None:
            from tuivm.screens.guest import PERFORMANCE, GuestScreen  # noqa: PLC0415 - when it opens

            self.app.push_screen(GuestScreen(view.key, PERFORMANCE))

    def do_back(self) -> None:
        box = self.query_one("#filter", Input)
        if not box.has_class("hidden"):
            box.value = ""
            box.add_class("hidden")
            self.table.focus()
        elif self.table.selected:
            self.table.clear_selection()
        else:
            self.table.focus()

    def do_filter(self) -> None:
        box = self.query_one("#filter", Input)
        box.remove_class("hidden")
        box.focus()

    def do_sort(self) -> None:
        shown = [column for column in choosable(COLUMNS) if column.sortable]
        options = [(column.id, column.title, column.hint, "") for column in shown]

        def sort_by(column: str | None) -> None:
            if column is not None:
                self._sort_by(column)

        from tuivm.screens.dialogs.choose import Choose  # noqa: PLC0415 - when it opens

        self.app.push_screen(Choose("Sort by", options, self._sort), sort_by)

    def _sort_by(self, column: str) -> None:
        first = next(one.descending for one in COLUMNS if one.id == column)
        self._reverse = not self._reverse if column == self._sort else first
        self._sort = column
        self.table.sort = (self._sort, self._reverse)
        self.tick()

    def do_columns(self) -> None:
        offered = [(column.id, column.title, column.hint) for column in choosable(COLUMNS)]

        def show(columns: tuple[str, ...] | None) -> None:
            if columns:
                self._columns = columns
                self.desk.keep("columns", columns)
                self.tick()

        from tuivm.screens.dialogs.columns import ChooseColumns  # noqa: PLC0415 - when it opens

        self.app.push_screen(ChooseColumns(offered, self._columns), show)

    def _set_columns(self) -> None:
        """Those chosen, in the order chosen, each with the stand-ins for where it does not fit.

        The host is left out where there is one only, and comes before most where there are more:
        two guests of the same name must not look alike.
        """
        by_id = {column.id: column for column in COLUMNS}
        # As wide as the names need, so that those which begin alike can be told apart.
        names = self.desk.store.host_names
        longest = max((cell_len(visible(name)) for name in names), default=0)
        by_id["host"] = by_id["host"]._replace(
            width=min(max(longest, 4), 8),
            preferred=min(longest, by_id["host"].maximum),
            flex=0,
            priority=96,
            comfort=66,
        )
        several = len(names) > 1 and not self.grouped
        # Only names that need it take room from the pairs of rates.
        lengths = (cell_len(visible(view.guest.name)) for view in self.desk.store.guests.values())
        by_id["name"] = by_id["name"]._replace(
            preferred=min(max(lengths, default=0), by_id["name"].preferred)
        )
        wanted = []
        for name in self._columns:
            if name in by_id and (several or name != "host"):
                wanted += [column for column in COLUMNS if column.short_for == name]
                wanted.append(by_id[name])
        if tuple(wanted) != self.table.columns:
            self.table.set_columns(wanted)
        self.table.sort = (self._sort, self._reverse)

    def do_group(self) -> None:
        self.grouped = not self.grouped
        self.desk.keep("group_by_host", self.grouped)
        self.tick()

    def do_hosts_pane(self) -> None:
        self._pane = self.query_one("#hosts").has_class("hidden")
        self._fit()

    def do_focus_left(self) -> None:
        if not self.query_one("#hosts").has_class("hidden"):
            self.query_one("#hosts").focus()

    def do_focus_right(self) -> None:
        self.table.focus()

    def do_select(self) -> None:
        if (key := self.table.cursor) is not None:
            self.table.toggle(key)
            self.table.action_move(1)

    def do_select_all(self) -> None:
        self.table.select_all()

    def do_invert(self) -> None:
        self.table.invert()
