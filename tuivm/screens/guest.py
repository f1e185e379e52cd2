"""One guest, opened with Enter: what it is made of, and what it does now."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from tuivm.commands import COMMANDS
from tuivm.commands.base import GUEST, bindings
from tuivm.model.columns import state_role
from tuivm.model.guests import GuestKey
from tuivm.model.ports import View
from tuivm.model.store import GuestView, HostStatus
from tuivm.model.units import byte_count, duration, kib, percent, visible
from tuivm.screens.charted import ChartedPlace
from tuivm.screens.charts import guest_chart
from tuivm.screens.stack import draw_stack
from tuivm.widgets.itemlist import ItemList
from tuivm.widgets.keybar import KeyBar
from tuivm.widgets.linetext import LineText
from tuivm.widgets.timechart import ChartData, TimeChart, Window


class GuestScreen(ChartedPlace):
    """Known by host and UUID, so it stays right when the guest is renamed or moves in the table."""

    place = GUEST
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(COMMANDS, GUEST)]
    DEFAULT_CSS = """
    GuestScreen #facts { height: 3; background: $surface; }
    GuestScreen #stack { height: 1fr; padding: 0 1; }
    GuestScreen #chart { height: 8; }
    GuestScreen.-short #chart { display: none; }
    """

    def __init__(self, key: GuestKey) -> None:
        super().__init__()
        self._key = key

    def compose(self) -> ComposeResult:
        yield LineText(id="top")
        yield LineText(id="facts")
        yield ItemList(id="stack")
        yield TimeChart(id="chart")
        yield KeyBar()

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#stack").focus()
        self.show_now()

    def on_resize(self) -> None:
        self.set_class(self.app.size.height < 18, "-short")
        self.show_now()

    def tick(self) -> None:
        view = self.desk.store.guest(self._key)
        if view is None:
            gone = f" This guest is gone from {visible(self._key.host)}. Esc goes back."
            self.query_one("#facts", LineText).set_content(Content.styled(gone, "$state-bad"))
            self.show_chart()
            return
        self.query_one("#facts", LineText).set_content(self._facts(view))
        snapshot = self.desk.store.snapshot(self._key.host)
        facts = snapshot.facts if snapshot else None
        lines = draw_stack(view.guest, facts, ascii_only=self.desk.ascii_only)
        self.query_one(ItemList).set_lines(lines)
        self.show_chart()
        self.desk.look_at(self._key.host, View(guests=frozenset({self._key.uuid})))

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
        return self.query_one(ItemList).item

    def do_back(self) -> None:
        if not self.charts_back():
            self.dismiss()
