"""Place 2: the devices of all guests by class, and the I/O that each class carries now."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tuivm.commands import COMMANDS
from tuivm.commands.base import COMPARE, bindings
from tuivm.model.classes import class_totals
from tuivm.model.ports import View
from tuivm.model.units import byte_count
from tuivm.screens.charted import ChartedPlace
from tuivm.screens.charts import class_chart
from tuivm.widgets.keybar import KeyBar
from tuivm.widgets.linetext import LineText
from tuivm.widgets.timechart import ChartData, TimeChart, Window

_HEAD = f"{'':2}{'CLASS':<13}{'DEVICES':>8}{'GUESTS':>8}{'DISK r/w':>14}{'NET rx/tx':>14}"


class CompareScreen(ChartedPlace):
    """By class over the whole fleet: how many, how much, and a chart of it."""

    place = COMPARE
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(COMMANDS, COMPARE)]
    DEFAULT_CSS = """
    CompareScreen #classes { height: auto; max-height: 12; padding: 1 1; }
    CompareScreen #chart { height: 1fr; }
    """

    metrics = ("disk", "net")

    def compose(self) -> ComposeResult:
        yield LineText(id="top")
        with VerticalScroll(id="classes"):
            yield Static(id="table")
        yield TimeChart(id="chart")
        yield KeyBar()

    def on_mount(self) -> None:
        super().on_mount()
        self.show_now()

    def tick(self) -> None:
        self.query_one("#table", Static).update(self._table())
        self.show_chart()
        for host in self.desk.store.host_names:
            active = (v.key.uuid for v in self.desk.store.guests_of(host) if v.guest.state.active)
            self.desk.look_at(host, View(guests=frozenset(active)))

    def _table(self) -> Content:
        parts: list[tuple[str, str]] = [(_HEAD + "\n", "bold")]
        for total in class_totals(self.desk.store.guests.values()):
            glyph = total.cls.letter if self.desk.ascii_only else total.cls.glyph
            disk = f"{byte_count(total.disk_read)}/{byte_count(total.disk_write)}"
            net = f"{byte_count(total.net_rx)}/{byte_count(total.net_tx)}"
            line = f"{total.cls.value:<13}{total.devices:>8}{total.guests:>8}{disk:>14}{net:>14}\n"
            parts += [(f"{glyph} ", f"$class-{total.cls.value}"), (line, "")]
        parts.append(
            ("\nBytes per second. Physical devices bypass the VMM: nothing counts them.", "$quiet")
        )
        return Content.assemble(*parts)

    def chart_data(self, window: Window) -> ChartData:
        ascii_only = self.desk.ascii_only
        return class_chart(self.desk.store, self.metric, window, ascii_only=ascii_only)

    def do_back(self) -> None:
        self.charts_back()
