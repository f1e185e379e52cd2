"""A live time chart: lines or columns over time with axes and a legend, cheap to repaint."""

from __future__ import annotations

from itertools import chain
from typing import ClassVar

from rich.color import Color, ColorType
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from tuivm.widgets import raster
from tuivm.widgets.chartdata import (
    LOOKS,
    ROLES,
    ChartData,
    ChartGroup,
    ChartSeries,
    Line,
    class_of,
    series_roles,
)
from tuivm.widgets.chartrows import changed_spans, compose, fixed_top, layout
from tuivm.widgets.raster import ChartStyle
from tuivm.widgets.scale import AutoScale, Axis, LogScale, highest_of, log_base, lowest_of
from tuivm.widgets.window import Window, pick_window

__all__ = ["ChartData", "ChartGroup", "ChartSeries", "ChartStyle", "TimeChart", "Window"]

_ANSI_GREYS = (0, 7, 8, 15)
_HUE = 16
"""Red, green and blue that differ by less are a grey to most eyes."""


class TimeChart(Widget):
    """Draws the ChartData it was last given; only what changed is painted again.

    Ask `window` which buckets to read, read them, and hand them to `set_data`, once a push.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"timechart--{role}" for role in (*ROLES, *LOOKS)),
    }

    DEFAULT_CSS = """
    TimeChart {
        width: 1fr;
        height: 1fr;
        min-height: 1;
        & > .timechart--title { text-style: bold; }
        & > .timechart--axis { color: $text-muted; }
        & > .timechart--label { color: $text-muted; }
        & > .timechart--note { color: $text-muted; text-style: italic; }
        & > .timechart--cursor { color: $foreground; text-style: bold; }
        & > .timechart--paused { color: $warning; text-style: bold; }
        & > .timechart--series-1 { color: $primary; }
        & > .timechart--series-2 { color: $accent; }
        & > .timechart--series-3 { color: $success; }
        & > .timechart--series-4 { color: $error; }
        & > .timechart--series-5 { color: $secondary; }
        & > .timechart--series-6 { color: $warning; }
        & > .timechart--paravirtual { color: $success; }
        & > .timechart--paravirtual-2 { color: $success 78%; }
        & > .timechart--paravirtual-3 { color: $success 58%; }
        & > .timechart--emulated { color: $warning; }
        & > .timechart--emulated-2 { color: $warning 78%; }
        & > .timechart--emulated-3 { color: $warning 58%; }
        & > .timechart--physical { color: $primary; }
        & > .timechart--physical-2 { color: $primary 78%; }
        & > .timechart--physical-3 { color: $primary 58%; }
    }
    """

    ALLOW_SELECT = False

    style: reactive[ChartStyle] = reactive("braille", init=False)

    class Reshaped(Message):
        """The chart now shows another number of dot columns: new data would fit better."""

        def __init__(self, chart: TimeChart) -> None:
            super().__init__()
            self.chart = chart

        @property
        def control(self) -> TimeChart:
            return self.chart

    def __init__(
        self,
        *,
        style: ChartStyle = "braille",
        name: str | None = None,
        id: str | None = None,  # noqa: A002 (what every Textual widget calls it)
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._shown: ChartData | None = None
        self._linear = AutoScale()
        self._log = LogScale()
        self._axis = Axis(0.0)
        self._lines: list[Line] = []
        self._cut_at: dict[int, list[int]] = {}
        self._looks: dict[tuple[str, str], Style] = {}
        self._dots = 0
        self.set_reactive(TimeChart.style, style)

    @property
    def dot_columns(self) -> int:
        """How many values of a series fit, at the present size and style."""
        width, height = self.content_size
        return raster.dot_columns(layout(width, height).columns, self.style)

    def window(self, seconds: float, now: float) -> Window:
        """Which buckets of the history to hand to `set_data` for the `seconds` up to `now`.

        A chart that is scrolled back by ChartData.ends_ago asks with a `now` so far in the past.
        """
        return pick_window(seconds, now, self.dot_columns, raster.PER_CELL[self.style])

    @property
    def data(self) -> ChartData | None:
        return self._shown

    def set_data(self, data: ChartData) -> None:
        """Show this from now on."""
        known = self._shown
        if known is None or (known.title, known.unit) != (data.title, data.unit):
            self._linear, self._log = AutoScale(), LogScale()
        self._shown = data
        self._axis = self._fitted(data)
        self._rebuild()

    def watch_style(self) -> None:
        self._rebuild()
        self._tell_if_reshaped()

    def on_resize(self) -> None:
        self._rebuild()
        self._tell_if_reshaped()

    def notify_style_update(self) -> None:
        self._looks.clear()
        super().notify_style_update()

    def render_line(self, y: int) -> Strip:
        width = self.content_size.width
        if y >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        segments = [
            Segment(piece.text, self._look(piece.role, piece.under)) for piece in self._lines[y]
        ]
        strip = Strip(segments)
        end = strip.cell_length
        cuts = [cut for cut in self._cut_at.get(y, ()) if cut < end]
        if cuts:
            strip = Strip.join(strip.divide([*cuts, end]))
        return strip.adjust_cell_length(width, self.rich_style)

    def _look(self, role: str, under: str) -> Style:
        look = self._looks.get((role, under))
        if look is None:
            look = self.get_component_rich_style(f"timechart--{role}") if role else self.rich_style
            if under:
                behind = self.get_component_rich_style(f"timechart--{under}")
                look += Style(bgcolor=behind.color)
            self._looks[role, under] = look
        return look

    def _fitted(self, data: ChartData) -> Axis:
        """The y axis for this data; the one before decides with it, so that it stays calm."""
        values = [series.values for series in data.series]
        fixed = fixed_top(data.y_max)
        highest = highest_of(values)
        if not data.log:
            self._linear = self._linear.advance(highest, data.unit)
            return Axis(fixed or self._linear.top)
        self._log = self._log.advance(lowest_of(values), fixed or highest, data.unit)
        top = fixed or self._log.top
        return Axis(top, min(self._log.bottom, top / log_base(data.unit)))

    def _alike(self, data: ChartData) -> bool:
        """Whether colour does not tell the lines apart: shades of one hue, or no hue at all."""
        roles = series_roles(data)
        if len(roles) < 2:
            return False
        if self.app.no_color or len({class_of(role) for role in roles}) < len(roles):
            return True
        return sum(_is_grey(self._look(role, "").color) for role in roles) > 1

    def _tell_if_reshaped(self) -> None:
        dots, self._dots = self._dots, self.dot_columns
        if dots != self._dots:
            self.post_message(self.Reshaped(self))

    def _rebuild(self) -> None:
        data = self._shown
        if data is None:
            return
        width, height = self.content_size
        top, bottom = self._axis
        marks = width > 0 and (data.marks or self._alike(data))
        old = self._lines
        self._lines = compose(data, width, height, self.style, top, bottom=bottom, marks=marks)
        if len(old) != len(self._lines):
            self._cut_at.clear()
            self.refresh()
            return
        regions: list[Region] = []
        for y, (was, now) in enumerate(zip(old, self._lines, strict=True)):
            spans = changed_spans(was, now)
            if spans:
                # Textual writes whole segments: cut them where the change begins and ends.
                self._cut_at[y] = sorted(set(chain.from_iterable(spans)) - {0})
                regions.extend(Region(start, y, end - start, 1) for start, end in spans)
        if regions:
            self.refresh(*regions)


def _is_grey(colour: Color | None) -> bool:
    if colour is None or colour.is_default:
        return True
    if colour.type is ColorType.STANDARD:
        return colour.number in _ANSI_GREYS
    shade = colour.get_truecolor()
    return max(shade) - min(shade) < _HUE
