"""A place with time charts: what they show, how much time, which stretch of it, and how."""

from __future__ import annotations

from typing import ClassVar

from textual.reactive import var

from tuivm.screens.chartcontrols import ChartControls
from tuivm.screens.charts import METRICS, no_chart
from tuivm.screens.place import PlaceScreen
from tuivm.widgets.timechart import ChartData, TimeChart, Window


class ChartedPlace(PlaceScreen):
    """Subclasses yield a `TimeChart` with the id "chart" and give `chart_data`.

    One that has other charts in its place overrides `show_chart` and `chart_window`; what it
    shows goes through `controls.framed`.
    """

    metrics: ClassVar[tuple[str, ...]] = METRICS

    metric: var[str] = var("")

    def __init__(self) -> None:
        super().__init__()
        self.controls = ChartControls()

    @property
    def chart(self) -> TimeChart:
        return self.query_one("#chart", TimeChart)

    def on_mount(self) -> None:
        self.metric = self.metrics[0]
        self.controls.seconds = self.desk.config.chart_window
        self.chart.style = self.desk.chart_style

    def chart_window(self) -> Window:
        """The buckets that the charts show at present."""
        return self.chart.window(self.controls.seconds, self.controls.end(self.desk.now()))

    def chart_data(self, window: Window) -> ChartData | None:
        """What the chart shows of these buckets; None when there is nothing to show it of."""
        raise NotImplementedError

    def show_chart(self) -> None:
        """Draw it anew, unless there is no room for it."""
        chart = self.chart
        if chart.display and chart.size.width and chart.size.height:
            window = self.chart_window()
            data = self.chart_data(window) or no_chart(window)
            chart.set_data(self.controls.framed(data, window, self.desk.now()))

    def on_time_chart_reshaped(self) -> None:
        self.show_chart()

    def do_next_chart(self) -> None:
        self._turn(1)

    def do_previous_chart(self) -> None:
        self._turn(-1)

    def _turn(self, by: int) -> None:
        place = self.metrics.index(self.metric) + by
        self.metric = self.metrics[place % len(self.metrics)]
        self.charts_changed()

    def charts_changed(self) -> None:
        """What the charts show was changed by a command."""
        self.show_chart()

    def do_longer(self) -> None:
        self.controls.widen(1)
        self.charts_changed()

    def do_shorter(self) -> None:
        self.controls.widen(-1)
        self.charts_changed()

    def do_hold(self) -> None:
        self.controls.pause(self.desk.now())
        self.charts_changed()

    def do_scroll_back(self) -> None:
        self._scroll(-0.5)

    def do_scroll_on(self) -> None:
        self._scroll(0.5)

    def _scroll(self, windows: float) -> None:
        self.controls.scroll(windows, self.desk.now())
        self.charts_changed()

    def do_cursor_left(self) -> None:
        self.controls.move_cursor(-1, self.chart_window(), self.desk.now())
        self.charts_changed()

    def do_cursor_right(self) -> None:
        self.controls.move_cursor(1, self.chart_window(), self.desk.now())
        self.charts_changed()

    def do_cursor_far_left(self) -> None:
        self.controls.leap_cursor(-1, self.chart_window(), self.desk.now())
        self.charts_changed()

    def do_cursor_far_right(self) -> None:
        self.controls.leap_cursor(1, self.chart_window(), self.desk.now())
        self.charts_changed()

    def do_logarithmic(self) -> None:
        self.controls.log = not self.controls.log
        self.charts_changed()

    def do_fixed_axis(self) -> None:
        self.controls.fix()
        self.charts_changed()

    def charts_back(self) -> bool:
        """For Esc: take the cursor away, or the pause. Was there one?"""
        if not self.controls.step_back():
            return False
        self.charts_changed()
        return True
