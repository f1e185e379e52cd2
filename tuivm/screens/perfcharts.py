"""From plans of charts and the history to what the time charts draw. No widget is touched here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from tuivm.model.devices import DeviceClass
from tuivm.model.history import History, SeriesKey
from tuivm.model.meter import HOLD
from tuivm.screens.chartcontrols import ChartControls, value_text
from tuivm.screens.perfscene import ABSENT, Plan, Scene, Trace
from tuivm.widgets.timechart import ChartData, ChartGroup, ChartSeries
from tuivm.widgets.window import Window

MIXED = "mixed"
_NOTHING_THEN = "nothing was measured in this time"
_NOTHING_ALONE = "mixed: several classes do I/O at once, no figure is of one of them"


class Charts:
    """Reads the charts of one guest for one window; each series once, however many use it."""

    def __init__(
        self, history: History, scene: Scene, window: Window, controls: ChartControls, now: float
    ) -> None:
        self._history = history
        self._scene = scene
        self._window = window
        self._controls = controls
        self._now = now
        self._read: dict[SeriesKey, list[float]] = {}
        # In the newest buckets nothing may have been measured yet; what is older is not now.
        latest = controls.last_bucket(window, now)
        newest = window.count - 1 - max(0, window.end_bucket - latest)
        patience = 3 * scene.interval + HOLD
        reach = max(2, math.ceil(patience / window.step))
        self._newest = range(newest, max(-1, newest - reach), -1)
        rates = scene.view.rates
        self._sampled = rates is not None and now - rates.at <= patience

    def empty(self, plan: Plan) -> ChartData:
        """The chart without its lines, for one that is out of view."""
        return ChartData(plan.title, plan.unit, self._window.step, self._window.end_bucket, ())

    def chart(self, plan: Plan) -> ChartData:
        lines = [(trace, self._values(trace)) for trace in plan.traces]
        lines = [(trace, values) for trace, values in lines if self._belongs(plan, trace, values)]
        if all(math.isnan(value) for _, values in lines for value in values):
            lines = []
        mixed = self._series(plan.mixed) if plan.mixed else []
        note = plan.note or self._why_nothing()
        if not lines and any(value > 0 for value in mixed):
            note = _NOTHING_ALONE
        grouped = self._groups(plan, lines)
        data = ChartData(
            plan.title,
            plan.unit,
            self._window.step,
            self._window.end_bucket,
            tuple(self._line(plan, trace, values, grouped) for trace, values in lines),
            note=note,
            groups=tuple(grouped.values()),
        )
        data = self._controls.framed(data, self._window, self._now)
        return self._say_mixed(data, mixed) if mixed else data

    def _why_nothing(self) -> str:
        """For a chart without lines; "" when some may still come."""
        if self._controls.ends_ago(self._now) > 0:
            return _NOTHING_THEN
        return ABSENT if self._scene.settled and self._sampled else ""

    def _belongs(self, plan: Plan, trace: Trace, values: Sequence[float]) -> bool:
        """A device that is gone belongs to the chart for as long as something of it is seen."""
        if not plan.sparse and trace.device not in self._scene.gone:
            return True
        return any(not math.isnan(value) for value in values)

    def _line(
        self,
        plan: Plan,
        trace: Trace,
        values: Sequence[float],
        groups: dict[DeviceClass, ChartGroup],
    ) -> ChartSeries:
        cls = trace.device.cls if trace.device else trace.cls
        if trace.device in self._scene.gone:
            text = "gone"
        else:
            text = value_text(self._latest(values), plan.unit)
        return ChartSeries(
            trace.label,
            tuple(values),
            cls.value if cls else trace.role,
            self._scene.glyph(cls) if cls else "",
            text,
            list(groups).index(cls) if cls in groups else -1,
        )

    def _groups(
        self, plan: Plan, lines: Sequence[tuple[Trace, Sequence[float]]]
    ) -> dict[DeviceClass, ChartGroup]:
        """A heading a class, where there is more than one device to group."""
        devices = {trace.device for trace, _ in lines}
        if not plan.by_class or len(devices) < 2:
            return {}
        classes = {device.cls for device in devices if device}
        return {
            cls: ChartGroup(
                cls.value,
                cls.value,
                self._scene.glyph(cls),
                self._sum(plan, cls, lines) if plan.sums else "",
            )
            for cls in DeviceClass
            if cls in classes
        }

    def _sum(
        self, plan: Plan, cls: DeviceClass, lines: Sequence[tuple[Trace, Sequence[float]]]
    ) -> str:
        latest = (
            self._latest(values)
            for trace, values in lines
            if trace.device and trace.device.cls is cls and trace.device not in self._scene.gone
        )
        known = [value for value in latest if not math.isnan(value)]
        return value_text(math.fsum(known) if known else math.nan, plan.unit)

    def _latest(self, values: Sequence[float]) -> float:
        found = (values[place] for place in self._newest if not math.isnan(values[place]))
        return next(found, math.nan)

    def _say_mixed(self, data: ChartData, mixed: Sequence[float]) -> ChartData:
        """In place of figures that cannot be told: why."""
        places = self._newest if data.cursor is None else (data.cursor,)
        for place in places:
            if any(not math.isnan(series.values[place]) for series in data.series):
                return data
            if mixed[place] > 0:
                series = (one._replace(value=MIXED) for one in data.series)
                return data._replace(series=tuple(series))
        return data

    def _values(self, trace: Trace) -> list[float]:
        columns = [self._series(key) for key in trace.keys]
        if trace.weights:
            weights = [self._series(key) for key in trace.weights]
            return [
                _weighted(values, by)
                for values, by in zip(
                    zip(*columns, strict=True), zip(*weights, strict=True), strict=True
                )
            ]
        if len(columns) == 1:
            return columns[0]
        return [_known_sum(values) for values in zip(*columns, strict=True)]

    def _series(self, key: SeriesKey) -> list[float]:
        values = self._read.get(key)
        if values is None:
            window = self._window
            values = self._history.means(key, window.end, window.step, window.count)
            self._read[key] = values
        return values


def _known_sum(values: Iterable[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return math.fsum(known) if known else math.nan


def _weighted(values: Sequence[float], weights: Sequence[float]) -> float:
    """NaN without any weight: a latency of no request."""
    known = [(v, w) for v, w in zip(values, weights, strict=True) if v * w > 0]
    total = math.fsum(weight for _, weight in known)
    return math.fsum(v * w for v, w in known) / total if total else math.nan
