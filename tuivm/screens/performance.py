"""The performance of one guest: its charts by subject, one of which keys are aimed at."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.style import Style

from tuivm.model.devices import Device, DeviceKind
from tuivm.model.history import COARSE_STEP, History, SeriesKey
from tuivm.model.store import GuestView
from tuivm.screens.chartcontrols import ChartControls
from tuivm.screens.perfcharts import Charts
from tuivm.screens.perfplans import SUBJECTS, plans, subjects, wants_agent
from tuivm.screens.perfscene import Plan, Scene
from tuivm.widgets.chartgrid import ChartGrid
from tuivm.widgets.linetext import LineText
from tuivm.widgets.timechart import ChartStyle, TimeChart, Window

_SETTLED = 4.0
"""Sampling intervals after which what has not been reported will not be."""
_HINTS = (
    ("screen.next_chart", "of what"),
    ("screen.longer", "more time"),
    ("screen.hold", "hold"),
    ("screen.scroll_back", "earlier"),
    ("screen.cursor_left", "cursor"),
    ("screen.split", "split"),
    ("screen.logarithmic", "log"),
    ("screen.fixed_axis", "fixed"),
)


class Moment(NamedTuple):
    """When it is painted, and of what. local: the guest runs on this machine. now: monotonic
    seconds; wall: the clock."""

    view: GuestView
    history: History
    controls: ChartControls
    now: float
    wall: float
    local: bool
    interval: float


class Performance(Vertical, can_focus=True):
    """Told what to show with `show`, each time that something may have changed.

    ascii_only: draw in ASCII. key_text: what key a command has, "" for none.
    """

    DEFAULT_CSS = """
    Performance { height: 1fr; }
    Performance #subjects, Performance #settings { background: $surface; }
    Performance ChartGrid { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "move(-3)", "Page up", show=False),
        Binding("pagedown", "move(3)", "Page down", show=False),
        Binding("home,g", "move(-9999)", "First", show=False),
        Binding("end,G", "move(9999)", "Last", show=False),
    ]

    class Outdated(Message):
        """Other charts are in view, or in another size: `show` them."""

    def __init__(
        self, *, style: ChartStyle, ascii_only: bool, key_text: Callable[[str], str]
    ) -> None:
        super().__init__(id="performance")
        self._style: ChartStyle = style
        self._ascii = ascii_only
        self._key_text = key_text
        self._subject = "all"
        self._split = False
        self._subjects: Sequence[str] = ("all",)
        self._plans: Sequence[Plan] = ()
        self._current = 0
        self._known: dict[tuple[DeviceKind, str], Device] = {}
        self._since: float | None = None
        self.wants_agent = False
        """What is shown is to be had from the guest's agent alone."""

    def compose(self) -> ComposeResult:
        yield LineText(id="subjects")
        yield LineText(id="settings")
        grid = ChartGrid(style=self._style)
        # Arrows move between the charts, not only the view of them.
        grid.can_focus = False
        yield grid

    def on_mount(self) -> None:
        self.watch(self.grid, "scroll_y", self._outdated, init=False)

    @property
    def grid(self) -> ChartGrid:
        return self.query_one(ChartGrid)

    @property
    def current(self) -> Plan | None:
        """The chart that keys are aimed at."""
        return self._plans[self._current] if self._current < len(self._plans) else None

    def window(self, controls: ChartControls, now: float) -> Window:
        return self.grid.window(controls.seconds, controls.end(now))

    def begin(self) -> None:
        """It is looked at from now on: figures of only the guests looked at come after a while."""
        self._since = None

    def show(self, moment: Moment) -> None:
        scene = self._scene(moment)
        self._subjects = subjects(scene)
        if self._subject not in self._subjects:
            self._subject = "all"
        self.wants_agent = wants_agent(scene, self._subject)
        self._plans = plans(scene, self._subject, split=self._split)
        self._current = min(self._current, max(0, len(self._plans) - 1))
        self._show_lines(moment)
        window = self.window(moment.controls, moment.now)
        charts = Charts(moment.history, scene, window, moment.controls, moment.now)
        seen = self._in_view(len(self._plans))
        self.grid.set_charts(
            [
                (charts.chart(plan) if place in seen else charts.empty(plan))._replace(
                    current=place == self._current,
                )
                for place, plan in enumerate(self._plans)
            ]
        )

    def show_nothing(self) -> None:
        """The guest is gone."""
        self._plans = ()
        self.grid.set_charts(())

    def turn(self, by: int) -> None:
        """To the next subject, or the one before."""
        place = self._subjects.index(self._subject) + by
        self.choose(self._subjects[place % len(self._subjects)])

    def choose(self, subject: str) -> None:
        self._subject = subject
        self._begin_at_the_top()

    def toggle_split(self) -> None:
        """One chart a device, or all devices on each."""
        self._split = not self._split
        self._begin_at_the_top()

    def action_move(self, by: int) -> None:
        self._go(self._current + by)

    def on_click(self, event: events.Click) -> None:
        for place, chart in enumerate(self.grid.query(TimeChart)):
            if chart.region.contains_point(event.screen_offset):
                self._go(place)

    def on_chart_grid_reshaped(self) -> None:
        self._outdated()

    def _go(self, place: int) -> None:
        self._current = max(0, min(place, len(self._plans) - 1))
        charts = list(self.grid.query(TimeChart))
        if self._current < len(charts):
            self.grid.scroll_to_widget(charts[self._current], animate=False, force=True)
        self._outdated()

    def _begin_at_the_top(self) -> None:
        self._current = 0
        self.grid.scroll_home(animate=False, force=True)
        self._outdated()

    def _outdated(self) -> None:
        self.post_message(self.Outdated())

    def _in_view(self, count: int) -> frozenset[int]:
        """Which of the charts can be seen; those that have no place yet are to be."""
        view = self.grid.window_region
        charts = list(self.grid.query(TimeChart))[:count]
        hidden = {
            place
            for place, chart in enumerate(charts)
            if chart.size.height and not view.overlaps(chart.virtual_region)
        }
        return frozenset(range(count)) - hidden

    def _scene(self, moment: Moment) -> Scene:
        view = moment.view
        if self._since is None or not view.guest.state.active or view.rates is None:
            self._since = moment.now
        details = view.guest.details
        devices = details.devices if details else tuple(self._known.values())
        present = {(device.kind, device.target): device for device in devices}
        gone = {
            key: device
            for key, device in self._known.items()
            if key not in present and _seen_lately(device, moment)
        }
        self._known |= present
        # In the order in which they were first seen: a line keeps its shade and mark when another
        # device is unplugged.
        shown = tuple(self._known[key] for key in self._known if key in present or key in gone)
        return Scene(
            view,
            devices=shown,
            gone=frozenset(gone.values()),
            local=moment.local,
            settled=moment.now - self._since > _SETTLED * moment.interval,
            interval=moment.interval,
            ascii_only=self._ascii,
        )

    def _show_lines(self, moment: Moment) -> None:
        self.query_one("#subjects", LineText).set_content(self._subject_line())
        window = self.window(moment.controls, moment.now)
        words = moment.controls.words(moment.now, moment.wall, window)
        words.append("a chart a device" if self._split else "devices together")
        line = Content(" " + "   ".join(words))
        room = self.size.width - line.cell_length - 1
        hints = ""
        for command, label in _HINTS:
            key = self._key_text(command)
            more = f"  {key} {label}" if key else ""
            if len(hints) + len(more) <= room:
                hints += more
        blank = " " * (room - len(hints))
        line = Content.assemble(line, blank, (hints, "$quiet"))
        self.query_one("#settings", LineText).set_content(line)

    def _subject_line(self) -> Content:
        """The subjects, from the left as many as let the present one be seen."""
        names = list(self._subjects)
        place, left = names.index(self._subject), 0
        while left < place and _width(names[left : place + 1]) > self.size.width:
            left += 1
        parts: list[tuple[str, str | Style]] = []
        for subject in names[left:]:
            click = Style.from_meta({"@click": f"screen.subject('{subject}')"})
            look = Style(bold=True, reverse=True) if subject == self._subject else Style()
            parts += [(" ", ""), (f" {SUBJECTS[subject]} ", look + click)]
        return Content.assemble(*parts)


def _width(names: Sequence[str]) -> int:
    return sum(len(SUBJECTS[name]) + 3 for name in names)


def _seen_lately(device: Device, moment: Moment) -> bool:
    """Something of a device that is gone is in the stretch of time that is shown."""
    metric = {DeviceKind.DISK: "disk.read", DeviceKind.NIC: "net.rx"}.get(device.kind, "irq")
    target = device.source if metric == "irq" else device.target
    key = SeriesKey(moment.view.key, metric, target)
    controls = moment.controls
    count = math.ceil(controls.seconds / COARSE_STEP) + 1
    values = moment.history.means(key, controls.end(moment.now), COARSE_STEP, count)
    return any(not math.isnan(value) for value in values)
