"""Several time charts at once, one time axis for all: as many side by side as there is room for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.reactive import reactive

from tuivm.widgets import raster
from tuivm.widgets.chartdata import ChartData
from tuivm.widgets.chartrows import layout
from tuivm.widgets.raster import ChartStyle
from tuivm.widgets.timechart import TimeChart
from tuivm.widgets.window import Window, pick_window

__all__ = ["ChartGrid"]

LEAST_ROWS = 7
"""Rows of a chart; with fewer for each, the grid scrolls."""

_GUTTER = 2
_WIDTHS = ((160, 3), (110, 2))
"""From so many columns on so many charts stand side by side."""


class ChartGrid(VerticalScroll):
    """Shows the charts it was last given, in that order; those out of view are not drawn.

    Ask `window` which buckets to read, read them for each chart, and hand all to `set_charts`, once
    a push.
    """

    DEFAULT_CSS = """
    ChartGrid {
        layout: grid;
        grid-gutter: 0 2;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
        & > TimeChart { width: 100%; height: 100%; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "rows(-1)", "Up", show=False),
        Binding("down,j", "rows(1)", "Down", show=False),
        Binding("g", "scroll_home", "First", show=False),
        Binding("G", "scroll_end", "Last", show=False),
    ]

    style: reactive[ChartStyle] = reactive("braille", init=False)

    class Reshaped(Message):
        """The charts now show another number of dot columns: new data would fit better."""

        def __init__(self, grid: ChartGrid) -> None:
            super().__init__()
            self.grid = grid

        @property
        def control(self) -> ChartGrid:
            return self.grid

    def __init__(
        self,
        *,
        style: ChartStyle = "braille",
        name: str | None = None,
        id: str | None = None,  # noqa: A002 (what every Textual widget calls it)
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._data: tuple[ChartData, ...] = ()
        self._charts: list[TimeChart] = []
        self._dots = 0
        self.set_reactive(ChartGrid.style, style)

    @property
    def dot_columns(self) -> int:
        """How many values of a series fit into each chart, at the present size and style."""
        width, height = self._chart_size
        return raster.dot_columns(layout(width, height).columns, self.style)

    def window(self, seconds: float, now: float) -> Window:
        """Which buckets to hand to `set_charts`, the same for all; see TimeChart.window."""
        return pick_window(seconds, now, self.dot_columns, raster.PER_CELL[self.style])

    def set_charts(self, charts: Sequence[ChartData]) -> None:
        """Show these from now on."""
        self._data = tuple(charts)
        self._match()
        self._arrange()
        self._draw()

    def on_mount(self) -> None:
        self._match()
        self.watch(self, "scroll_y", self._draw, init=False)

    def on_resize(self) -> None:
        self._arrange()
        self._draw()

    def on_time_chart_reshaped(self, event: TimeChart.Reshaped) -> None:
        # All have the same size: they are told of as one.
        event.stop()

    def watch_style(self) -> None:
        for chart in self._charts:
            chart.style = self.style
        self._arrange()

    def action_rows(self, by: int) -> None:
        """Scroll to where the chart after, or before, the first one in view begins."""
        height = self._chart_size[1]
        first = self.scroll_y / height
        self.scroll_to(
            y=((math.floor(first) if by > 0 else math.ceil(first)) + by) * height, animate=False
        )

    @property
    def _side_by_side(self) -> int:
        fit = next((count for least, count in _WIDTHS if self.outer_size.width >= least), 1)
        return max(1, min(fit, len(self._data)))

    @property
    def _chart_size(self) -> tuple[int, int]:
        width, height = self.scrollable_content_region.size
        columns = self._side_by_side
        rows = max(1, -(-len(self._data) // columns))
        tall = max(min(LEAST_ROWS, height), height // rows)
        return max(1, (width - _GUTTER * (columns - 1)) // columns), max(1, tall)

    def _match(self) -> None:
        """One widget for each chart; those that are there stay."""
        if not self.is_attached:
            return
        for chart in self._charts[len(self._data) :]:
            chart.remove()
        del self._charts[len(self._data) :]
        new = [TimeChart(style=self.style) for _ in self._data[len(self._charts) :]]
        if new:
            self._charts += new
            self.mount(*new)

    def _arrange(self) -> None:
        width, height = self._chart_size
        styles = self.styles
        styles.grid_size_columns = self._side_by_side
        styles.grid_columns = str(width)
        styles.grid_rows = str(height)
        dots, self._dots = self._dots, self.dot_columns
        if dots != self._dots:
            self.post_message(self.Reshaped(self))

    def _draw(self) -> None:
        """Give the charts in view their data; the others get theirs when they come into view."""
        height, columns = self._chart_size[1], self._side_by_side
        seen = range(int(self.scroll_y), int(self.scroll_y) + self.content_size.height)
        for index, (chart, data) in enumerate(zip(self._charts, self._data, strict=False)):
            top = index // columns * height
            if top < seen.stop and seen.start < top + height and chart.data is not data:
                chart.set_data(data)
