"""One guest, opened with Enter: what it is made of, and what it does now."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.style import Style

from tuivm.commands import COMMANDS
from tuivm.commands.base import GUEST, bindings
from tuivm.model.columns import state_role
from tuivm.model.guests import GuestKey
from tuivm.model.hosts import HostState
from tuivm.model.ports import Groups, View
from tuivm.model.store import GuestView, HostStatus
from tuivm.model.units import byte_count, duration, kib, percent, visible
from tuivm.screens.charted import ChartedPlace
from tuivm.screens.charts import guest_chart
from tuivm.screens.explaining import explain_gone
from tuivm.screens.metricwords import explain_chart
from tuivm.screens.performance import Moment, Performance
from tuivm.screens.stack import draw_stack
from tuivm.widgets.hostlist import state_words
from tuivm.widgets.itemlist import ItemList
from tuivm.widgets.keybar import KeyBar
from tuivm.widgets.linetext import LineText
from tuivm.widgets.timechart import ChartData, TimeChart, Window


class Tab(NamedTuple):
    """A part of the screen. command: what leads to it, and from it back to the first one."""

    id: str
    title: str
    command: str = ""


OVERVIEW = "overview"
PERFORMANCE = "performance"
TABS = (Tab(OVERVIEW, "overview"), Tab(PERFORMANCE, "performance", "screen.performance"))


class GuestScreen(ChartedPlace):
    """Known by host and UUID, so it stays right when the guest is renamed or moves in the table."""

    place = GUEST
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(COMMANDS, GUEST)]
    DEFAULT_CSS = """
    GuestScreen #tabs { background: $surface; }
    GuestScreen #overview { height: 1fr; }
    GuestScreen #facts { height: 3; background: $surface; }
    GuestScreen #stack { height: 1fr; padding: 0 1; }
    GuestScreen #chart { height: 8; }
    GuestScreen.-short #chart { display: none; }
    """

    def __init__(self, key: GuestKey, tab: str = OVERVIEW) -> None:
        super().__init__()
        self._key = key
        self._tab = tab

    def compose(self) -> ComposeResult:
        yield LineText(id="top")
        yield LineText(id="tabs")
        with Vertical(id="overview"):
            yield LineText(id="facts")
            yield ItemList(id="stack")
            yield TimeChart(id="chart")
        yield KeyBar()

    def on_mount(self) -> None:
        super().on_mount()
        self._show_tab()

    def on_resize(self) -> None:
        self.set_class(self.app.size.height < 18, "-short")
        self.show_now()

    @property
    def performance(self) -> Performance | None:
        """The tab of that name while it is the one shown."""
        found = self.query(Performance) if self._tab == PERFORMANCE else ()
        return found.first(Performance) if found else None

    def _show_tab(self) -> None:
        """Change to the present tab; those but the first are made when first gone to."""
        self.query_one("#overview").display = self._tab == OVERVIEW
        if self._tab == PERFORMANCE and not self.query(Performance):
            style, ascii_only = self.desk.chart_style, self.desk.ascii_only
            made = Performance(style=style, ascii_only=ascii_only, key_text=self.desk.key_text)
            self.mount(made, before=self.query_one(KeyBar))
        for page in self.query(Performance):
            page.display = self._tab == PERFORMANCE
            page.begin()
        (self.performance or self.query_one("#stack")).focus()
        self.show_now()

    def tick(self) -> None:
        view = self.desk.store.guest(self._key)
        self.query_one("#tabs", LineText).set_content(self._tab_line(view))
        groups = Groups.LIST
        if self._tab == PERFORMANCE:
            groups |= Groups.VCPU | Groups.COST
        elif view is None:
            gone = f" This guest is gone from {visible(self._key.host)}. Esc goes back."
            self.query_one("#facts", LineText).set_content(Content.styled(gone, "$state-bad"))
        else:
            self.query_one("#facts", LineText).set_content(self._facts(view))
            snapshot = self.desk.store.snapshot(self._key.host)
            facts = snapshot.facts if snapshot else None
            lines = draw_stack(view.guest, facts, ascii_only=self.desk.ascii_only)
            self.query_one(ItemList).set_lines(lines)
        self.show_chart()
        if self.performance is not None and self.performance.wants_agent:
            groups |= Groups.AGENT
        if view is not None:
            self.desk.look_at(self._key.host, View(frozenset({self._key.uuid}), groups))

    def _tab_line(self, view: GuestView | None) -> Content:
        """Whose screen this is, and its tabs, each with the key that leads there."""
        parts: list[tuple[str, str | Style]] = []
        shown = next(tab for tab in TABS if tab.id == self._tab)
        for tab in TABS:
            here = tab is shown
            key = "" if here else self.desk.key_text(tab.command or shown.command)
            click = Style.from_meta({"@click": f"screen.tab('{tab.id}')"})
            look = Style(bold=True, reverse=True) if here else Style()
            parts += [(" ", ""), (f" {key} {tab.title} ".replace("  ", " "), look + click)]
        if view is None:
            gone = f"   gone from {visible(self._key.host)}; esc goes back"
            return Content.assemble(*parts, (gone, "$state-bad"))
        guest = view.guest
        glyph = guest.state_glyph(ascii=self.desk.ascii_only)
        parts += [
            (f"   {visible(guest.name)}", "bold"),
            (f"  {glyph} {guest.state_word}", f"$state-{state_role(guest)}"),
        ]
        host = self.target_host()
        if host is not None and host.state is not HostState.UP:
            parts.append((f"  {visible(host.spec.name)} {state_words(host)}", "$state-bad"))
        return Content.assemble(*parts)

    def show_chart(self) -> None:
        page = self.performance
        if self._tab == OVERVIEW:
            super().show_chart()
        elif page is not None and page.is_mounted:
            view = self.desk.store.guest(self._key)
            if view is None:
                page.show_nothing()
            else:
                page.show(self._moment(view))

    def _moment(self, view: GuestView) -> Moment:
        snapshot = self.desk.store.snapshot(self._key.host)
        facts = snapshot.facts if snapshot else None
        return Moment(
            view,
            self.desk.store.history,
            self.controls,
            self.desk.now(),
            self.desk.wall(),
            local=facts is not None and facts.local,
            interval=snapshot.interval if snapshot else 1.0,
        )

    def chart_window(self) -> Window:
        page = self.performance
        if page is None:
            return super().chart_window()
        return page.window(self.controls, self.desk.now())

    def on_performance_outdated(self) -> None:
        self.show_chart()

    def do_performance(self) -> None:
        self.action_tab(OVERVIEW if self._tab == PERFORMANCE else PERFORMANCE)

    def action_tab(self, tab: str) -> None:
        self._tab = tab
        self._show_tab()

    def action_subject(self, subject: str) -> None:
        if self.performance is not None:
            self.performance.choose(subject)

    def do_split(self) -> None:
        if self.performance is not None:
            self.performance.toggle_split()
        else:
            key = self.desk.key_text("screen.performance")
            self.desk.say(f"split: the performance tab has charts to split ({key})", bad=True)

    def do_next_chart(self) -> None:
        self._next(1)

    def do_previous_chart(self) -> None:
        self._next(-1)

    def _next(self, by: int) -> None:
        if self.performance is not None:
            self.performance.turn(by)
        else:
            self._turn(by)

    def _facts(self, view: GuestView) -> Content:
        guest, rates = view.guest, view.rates
        busy = self.desk.activities.text(view.key, self.desk.now())
        glyph = guest.state_glyph(ascii=self.desk.ascii_only)
        role = "changing" if busy else state_role(guest)
        style = f"$state-{role}" if role != "dim" else "$quiet"
        started = guest.started_at
        uptime = None if started is None else self.desk.wall() - started
        first = [
            (f" {glyph} {busy or guest.state_word}", style),
            (f" ({visible(guest.reason)})" if guest.reason and not busy else "", "$quiet"),
            (f"   on {visible(self._key.host)}   up {duration(uptime)}", ""),
            (f"   {visible(', '.join(guest.addresses))}" if guest.addresses else "", ""),
        ]
        flags = ["persistent" if guest.persistent else "transient"]
        flags += ["autostart"] if guest.autostart else []
        flags += ["saved state"] if guest.managed_save else []
        second = [(f"\n {guest.key.uuid}   {', '.join(flags)}", "$quiet")]
        third = []
        if rates is not None and guest.state.active:
            memory = f"{kib(rates.memory_kib)}/{kib(rates.memory_total_kib)}"
            source = f" {rates.memory_source.value}" if rates.memory_source else ""
            third = [
                (f"\n CPU {percent(view.cpu_percent)} %", ""),
                (f" ({percent(view.host_cpu_percent)} % of host)", "$quiet"),
                (f"  memory {memory}", ""),
                (source, "$quiet"),
                (f"  disk {byte_count(rates.disk_read)}/{byte_count(rates.disk_write)}", ""),
                (f"  net {byte_count(rates.net_rx)}/{byte_count(rates.net_tx)}", ""),
            ]
        return Content.assemble(*first, *second, *third)

    def chart_data(self, window: Window) -> ChartData | None:
        view = self.desk.store.guest(self._key)
        if view is None:
            return None
        ascii_only = self.desk.ascii_only
        return guest_chart(self.desk.store, view, self.metric, window, ascii_only=ascii_only)

    def target_guests(self) -> tuple[GuestView, ...]:
        view = self.desk.store.guest(self._key)
        return (view,) if view is not None else ()

    def target_host(self) -> HostStatus | None:
        if self._key.host not in self.desk.store.host_names:
            return None
        return self.desk.store.status(self._key.host, self.desk.now())

    def target_item(self) -> object:
        view = self.desk.store.guest(self._key)
        if view is None:
            return explain_gone(self._key)
        if self.performance is None:
            return self.query_one(ItemList).item
        plan, host = self.performance.current, self.target_host()
        if plan is None or host is None:
            return None
        return explain_chart(plan, view, host.spec)

    def do_back(self) -> None:
        if not self.charts_back():
            self.dismiss()
