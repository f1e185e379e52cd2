"""Place 2: devices side by side against a baseline; on its other page, the fleet by class."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from tuivm.commands import COMMANDS
from tuivm.commands.base import COMPARE, bindings
from tuivm.model.choices import candidates, presets
from tuivm.model.comparison import Comparison, DeviceRef
from tuivm.model.guests import GuestKey
from tuivm.model.ports import Groups, View
from tuivm.model.readings import device_of
from tuivm.model.steps import finish
from tuivm.model.table import Column
from tuivm.model.units import visible
from tuivm.reports.words import where
from tuivm.screens import byclass, comparechart, comparetable, comparewords
from tuivm.screens.chartcontrols import window_words
from tuivm.screens.charts import class_chart
from tuivm.screens.comparechart import DRAWN, drawn
from tuivm.screens.compared import of_guests
from tuivm.screens.comparekept import KeepingPlace
from tuivm.screens.dialogs.choose_devices import ChooseDevices, Chosen
from tuivm.screens.dialogs.comparisons import (
    date_words,
)
from tuivm.screens.explaining import Explanation
from tuivm.screens.slices import in_slices
from tuivm.widgets.chartdata import fit
from tuivm.widgets.keybar import KeyBar
from tuivm.widgets.linetext import LineText
from tuivm.widgets.livetable import LiveTable
from tuivm.widgets.timechart import ChartData, TimeChart, Window

_OF_CLASSES = ("disk", "net")
_COSTS = Groups.LIST | Groups.VCPU | Groups.COST


class CompareScreen(KeepingPlace):
    """Two pages: the comparison, and everything by class. What was chosen stays while it runs."""

    place = COMPARE
    metrics = comparechart.MEASURE_IDS
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(COMMANDS, COMPARE)]
    DEFAULT_CSS = """
    CompareScreen #classes { height: 6; padding: 0 1; background: $surface; }
    CompareScreen #chart { height: 1fr; }
    CompareScreen #state { color: $quiet; }
    CompareScreen #upgrades { height: 1fr; }
    CompareScreen .hidden { display: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._by_class = False
        self._class_metric = _OF_CLASSES[0]
        self._fleet = byclass.Fleet((), (), 0)
        self._told: tuple[Comparison, Sequence[Column], comparetable.Look] | None = None
        """What the table of devices was made of."""

    def compose(self) -> ComposeResult:
        yield LineText(id="top")
        yield Static(id="classes", classes="hidden")
        yield TimeChart(id="chart")
        yield LineText(id="state")
        yield LiveTable(id="devices")
        yield LiveTable(id="upgrades", classes="hidden")
        yield LineText(id="notes")
        yield KeyBar()

    def on_mount(self) -> None:
        super().on_mount()
        for table in self.query(LiveTable):
            table.ascii = self.desk.ascii_only
        self._turn_to(by_class=self._by_class)
        self.show_now()

    def on_resize(self) -> None:
        self.show_now()

    @property
    def table(self) -> LiveTable:
        return self.query_one("#upgrades" if self._by_class else "#devices", LiveTable)

    def compare_guests(self, guests: Sequence[GuestKey]) -> None:
        """Compare all disks of these guests; their NICs, or what is passed through, if none."""
        refs = of_guests(self.desk.store, guests)
        if refs:
            self._opened = None
            self._compare(refs)
        else:
            self.desk.say("compare: no disk and no NIC is known of it", bad=True)

    def _compare(self, refs: Sequence[DeviceRef], baseline: DeviceRef | None = None) -> None:
        self._compared.choose(refs, baseline)
        self.comparison_page()
        self._show_live()

    def comparison_page(self) -> None:
        self._turn_to(by_class=False)

    def _turn_to(self, *, by_class: bool) -> None:
        self._by_class = by_class
        # Queries, since it may be asked for before there is any widget.
        self.query("#classes, #upgrades").set_class(not by_class, "hidden")
        self.query("#devices").set_class(by_class, "hidden")
        self.query("#upgrades" if by_class else "#devices").focus()

    # what is shown

    def tick(self) -> None:
        if self._by_class:
            self._tick_classes()
        else:
            self._tick_devices()
        self.show_chart()
        self._watch()

    def _tick_devices(self) -> None:
        if self.recorded is None:
            self._compute()
        shown, table = self.comparison, self.table
        several = len({row.host for row in shown.rows}) > 1
        look = comparetable.Look(self.metric, self.desk.ascii_only, several)
        columns = comparetable.columns(shown, look)
        cursor = table.cursor
        if columns != table.columns:
            table.set_columns(columns)
        told = self._told
        if told is None or told[0] is not shown or told[1:] != (columns, look):
            self._told = shown, columns, look
            table.set_rows(comparetable.rows(shown, columns, look))
        if cursor is not None and table.cursor != cursor:
            table.move_to(cursor)
        table.empty = Content(
            f"no guest has a disk or NIC\n{self.desk.key_text('screen.choose_devices')}: choose"
        )
        height = self.app.size.height
        rows = max(2, min(len(shown.rows) + 1, (height - 6) * 2 // 5))
        if table.styles.height is None or table.styles.height.value != rows:
            table.styles.height = rows
        self._say_state(self._state_parts())
        key = self.desk.key_text("program.explain")
        lines = comparewords.unfair_notes(shown, key, ascii_only=self.desk.ascii_only)
        self._say_notes(lines)

    def _compute(self) -> None:
        now, controls = self.desk.now(), self.controls
        seconds = controls.seconds
        work = self._compared.due(now, controls.end(now), seconds, held=controls.paused)
        if work is None:
            return
        if self._compared.small(seconds):
            finish(work)
        else:
            self._in_slices(work, self.tick, group="figures")

    def _in_slices(
        self, work: Generator[None, None, None], then: Callable[[], None], *, group: str
    ) -> None:
        """Instead of what else of this group is under way. then: show what came of it."""

        async def run() -> None:
            await in_slices(work)
            if self.is_current:
                then()

        self.run_worker(run(), group=group, exclusive=True)

    def _tick_classes(self) -> None:
        store, ascii_only = self.desk.store, self.desk.ascii_only
        words = byclass.class_table(store.guests.values(), ascii_only=ascii_only)
        self.query_one("#classes", Static).update(words)
        self._fleet = byclass.survey(store.guests.values())
        table, found = self.table, self._fleet.candidates
        columns = byclass.columns(found, several_hosts=len(store.host_names) > 1)
        if columns != table.columns:
            table.set_columns(columns)
        table.set_rows(byclass.rows(found, columns, ascii_only=ascii_only))
        table.empty = Content(byclass.empty_words(self._fleet))
        guests = len({one.view.key for one in found})
        said = (
            f"{guests} guest{'' if guests == 1 else 's'} on emulated devices that could be virtio"
        )
        self._say_state([said, *self._control_words()])
        key = self.desk.key_text("program.explain")
        self._say_notes(byclass.unknown_notes(self._fleet, key))

    def _state_parts(self) -> list[str]:
        recorded, shown = self.recorded, self.comparison
        base = next((row for row in shown.rows if row.ref == shown.baseline), None)
        parts = []
        if len(shown.rows) > DRAWN:
            parts.append(f"chart: {DRAWN} of {len(shown.rows)}")
        figures = (row.figures.get(self.metric) for row in shown.rows)
        if any(one is not None and one.note == comparetable.CLASS_MEAN for one in figures):
            parts.append("~ class mean")
        if base is not None:
            mark = comparetable.mark_of(shown.rows.index(base))
            parts.append(f"baseline {mark} {visible(where(base))}")
        if recorded is not None and self._opened is not None:
            span = window_words(shown.seconds)
            key = self.desk.key_text("screen.recorded")
            taken = date_words(recorded.taken)
            return [
                f"recorded {taken}, {span} ({visible(self._opened.name)})",
                *parts,
                f"{key} live",
            ]
        if self._compared.pending:
            parts.append("computing")
        if self._compared.automatic and shown.rows:
            key = self.desk.key_text("screen.choose_devices")
            parts.append(f"chosen by itself ({key})")
        elif self._opened is not None:
            key = self.desk.key_text("screen.recorded")
            parts.append(f"{key}: as recorded {date_words(self._opened.recorded.taken)}")
        return [*self._control_words(), *parts]

    def _control_words(self) -> list[str]:
        return self.controls.words(self.desk.now(), self.desk.wall())

    def _say_state(self, parts: Sequence[str]) -> None:
        text = f" {'   '.join(filter(None, parts))}"
        line = fit(text, self.app.size.width, self.desk.chart_style)
        self.query_one("#state", LineText).set_content(Content(line))

    def _say_notes(self, lines: Sequence[str]) -> None:
        """As many as there is room for, each on a line of its own."""
        width, height = self.app.size
        room = 3 if height < 32 else 7
        notes = self.query_one("#notes", LineText)
        shown = [fit(f" {line}", width, self.desk.chart_style) for line in lines[:room]]
        notes.set_class(not shown, "hidden")
        if shown and (notes.styles.height is None or notes.styles.height.value != len(shown)):
            notes.styles.height = len(shown)
        notes.set_content(Content("\n").join([Content.styled(one, "$warning") for one in shown]))

    def chart_window(self) -> Window:
        window = super().chart_window()
        if self._by_class or self.recorded is not None:
            return window
        return self._lines.window(drawn(self.comparison), self.metric, window)

    def show_chart(self) -> None:
        """Until the lines of many devices are read, the chart stays as it is."""
        chart = self.chart
        live = not self._by_class and self.recorded is None
        if live and chart.size.width and chart.size.height:
            window, end = super().chart_window(), self.controls.end(self.desk.now())
            work = self._lines.due(drawn(self.comparison), self.metric, window, end)
            if work is not None:
                self._in_slices(work, self.show_chart, group="lines")
            if self._lines.get(drawn(self.comparison), self.metric, window) is None:
                return
        super().show_chart()

    def chart_data(self, window: Window) -> ChartData | None:
        store, ascii_only = self.desk.store, self.desk.ascii_only
        if self._by_class:
            return class_chart(store, self._class_metric, window, ascii_only=ascii_only)
        recorded, shown = self.recorded, drawn(self.comparison)
        if recorded is None:
            lines = self._lines.get(shown, self.metric, window)
            if lines is None:
                return None
            return comparechart.live_chart(shown, lines, self.metric, window, ascii_only=ascii_only)
        taken = date_words(recorded.taken)
        return comparechart.recorded_chart(
            recorded, self.metric, window, taken=taken, ascii_only=ascii_only
        )

    def _watch(self) -> None:
        """Tell each host whose guests are compared; by class, all that run."""
        for host in self.desk.store.host_names:
            if self._by_class:
                mine = self.desk.store.guests_of(host)
                uuids = (one.key.uuid for one in mine if one.guest.state.active)
                self.desk.look_at(host, View(guests=frozenset(uuids)))
            else:
                compared = frozenset(
                    ref.guest.uuid for ref in self._compared.refs if ref.guest.host == host
                )
                self.desk.look_at(host, View(guests=compared, groups=_COSTS))

    # what commands are aimed at

    def target_item(self) -> Explanation | None:
        """Words on what is highlighted."""
        if not self.is_mounted:
            return None
        cursor = self.table.cursor
        if not self._by_class:
            if cursor is None:
                return comparewords.explain_measure(self.metric)
            host = self.desk.host(cursor.guest.host)
            spec = host.spec if host else None
            device = device_of(self.desk.store, cursor)
            return comparewords.explain_row(self.comparison, cursor, self.metric, spec, device)
        hosts = {name: self.desk.host(name) for name in self.desk.store.host_names}
        specs = {name: host.spec for name, host in hosts.items() if host}
        one = next((one for one in self._fleet.candidates if one.key == cursor), None)
        if one is not None:
            return comparewords.explain_upgrade(one, self._fleet.unknown, specs)
        if self._fleet.unknown:
            return comparewords.explain_unknown(self._fleet.unknown, specs)
        return comparewords.explain_classes()

    def on_live_table_chosen(self) -> None:
        self.do_open()

    def on_live_table_sort_requested(self, message: LiveTable.SortRequested) -> None:
        """A click on a measure's title chooses that measure."""
        if measure := comparetable.measure_of(message.column_id):
            self.metric = measure
            self.charts_changed()

    # what commands ask of this screen

    def charts_changed(self) -> None:
        self.show_now()

    def _turn(self, by: int) -> None:
        if not self._by_class:
            super()._turn(by)
            return
        place = _OF_CLASSES.index(self._class_metric) + by
        self._class_metric = _OF_CLASSES[place % len(_OF_CLASSES)]
        self.charts_changed()

    def do_open(self) -> None:
        self.desk.run_command("program.explain", self)

    def do_back(self) -> None:
        if self.recorded is not None and self.controls.cursor is None:
            self._show_live()
        elif not self.charts_back() and self._by_class:
            self.do_by_class()

    def do_by_class(self) -> None:
        self._turn_to(by_class=not self._by_class)
        self._show_live()

    def do_choose_devices(self) -> None:
        store, cursor = self.desk.store, None if self._by_class else self.table.cursor
        guest = cursor.guest if cursor is not None else None
        ready = presets(store, guest, store.host_names)

        def take(chosen: Chosen | None) -> None:
            if chosen is not None:
                self._opened = None
                self._compare(chosen.refs, chosen.baseline)

        ticked = () if self._compared.automatic else self._compared.refs
        self.app.push_screen(ChooseDevices(partial(candidates, store), ready, ticked), take)

    def do_baseline(self) -> None:
        ref = self._highlighted()
        if ref is not None:
            self._compared.set_baseline(ref)
            self.show_now()

    def do_take_out(self) -> None:
        ref = self._highlighted()
        if ref is not None:
            self._compared.take_out(ref)
            self.show_now()

    def _highlighted(self) -> DeviceRef | None:
        """The device that a change of the comparison is aimed at."""
        if self._by_class:
            self.desk.say("first go back to the devices", bad=True)
            return None
        if not self._live():
            return None
        cursor = self.table.cursor
        return cursor if isinstance(cursor, DeviceRef) else None
