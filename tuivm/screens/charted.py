"""A place with a time chart: which metric and how much time it shows."""

from __future__ import annotations

from typing import ClassVar

from textual.reactive import var

from tuivm.screens.charts import METRICS, WINDOWS, no_chart
from tuivm.screens.place import PlaceScreen
from tuivm.widgets.timechart import ChartData, TimeChart, Window


class ChartedPlace(PlaceScreen):
    """Subclasses yield one `TimeChart` and give `chart_data`."""

    metrics: ClassVar[tuple[str, ...]] = METRICS

    metric: var[str] = var("")
    window_seconds: var[float] = var(300.0)

    @property
    def chart(self) -> TimeChart:
        return self.query_one(TimeChart)

    def on_mount(self) -> None:
        self.metric = self.metrics[0]
        self.window_seconds = self.desk.config.chart_window
        self.chart.style = self.desk.chart_style

    def chart_data(self, window: Window) -> ChartData | None:
        """What the chart shows of these buckets; None when there is nothing to show it of."""
        raise NotImplementedError

    def show_chart(self) -> None:
        """Draw it anew, unless there is no room for it."""
        chart = self.chart
        if chart.display and chart.size.width and chart.size.height:
            window = chart.window(self.window_seconds, self.desk.now())
            chart.set_data(self.chart_data(window) or no_chart(window))

    def on_time_chart_reshaped(self) -> None:
        self.show_chart()

    def do_next_chart(self) -> None:
        self._turn(1)

    def do_previous_chart(self) -> None:
        self._turn(-1)

    def _turn(self, by: int) -> None:
        place = self.metrics.index(self.metric) + by
        self.metric = self.metrics[place % len(self.metrics)]
        self.show_chart()

    def do_longer(self) -> None:
        self._widen(1)

    def do_shorter(self) -> None:
        self._widen(-1)

    def _widen(self, by: int) -> None:
        nearest = min(WINDOWS, key=lambda seconds: abs(seconds - self.window_seconds))
        place = WINDOWS.index(nearest) + by
        self.window_seconds = WINDOWS[min(max(0, place), len(WINDOWS) - 1)]
        self.show_chart()
