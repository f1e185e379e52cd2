"""What a person set of the charts of a place, and charts drawn so. No widget is touched here."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

from tuivm.model.history import COARSE_SLOTS, COARSE_STEP
from tuivm.model.units import byte_count, count, duration, nanoseconds, percent
from tuivm.widgets.scale import highest_of, nice_top
from tuivm.widgets.timechart import ChartData, ChartSeries
from tuivm.widgets.window import Window

WINDOWS = (60.0, 300.0, 900.0, 3600.0)
REACH = COARSE_STEP * COARSE_SLOTS
"""Seconds that can be scrolled back."""
_CURSOR_LEAP = 10
"""Steps of a large move of the cursor."""

_TEXTS: dict[str, Callable[[float], str]] = {
    "%": percent,
    "B": byte_count,
    "B/s": byte_count,
    "ns": nanoseconds,
}


class ChartControls:
    """Window, pause, scrolling back, cursor and axis. Times are monotonic seconds.

    All charts of a place share them, so that they show the same moments.
    """

    def __init__(self, seconds: float = 300.0) -> None:
        self.seconds = seconds
        """How much time is shown."""
        self.log = False
        self.fixed = False
        self._end: float | None = None
        self._cursor: float | None = None
        self._tops: dict[tuple[str, str], float] = {}

    @property
    def paused(self) -> bool:
        return self._end is not None

    @property
    def cursor(self) -> float | None:
        """The moment that is read out."""
        return self._cursor

    def end(self, now: float) -> float:
        """The moment at the right edge; give it to `TimeChart.window` in place of now."""
        return now if self._end is None else self._end

    def last_bucket(self, window: Window, now: float) -> int:
        """The number of the last bucket to show. Of one that still fills while the charts stand
        still, the figure would change."""
        return math.floor(self.end(now) / window.step) - self.paused

    def ends_ago(self, now: float) -> float:
        return max(0.0, now - self.end(now))

    def widen(self, by: int) -> None:
        """More time, or less when negative: the next of WINDOWS."""
        nearest = min(WINDOWS, key=lambda seconds: abs(seconds - self.seconds))
        place = WINDOWS.index(nearest) + by
        self.seconds = WINDOWS[min(max(0, place), len(WINDOWS) - 1)]

    def pause(self, now: float) -> None:
        """Let the charts stand still, or run on up to now."""
        self._end = now if self._end is None else None

    def scroll(self, by: float, now: float) -> None:
        """Move by so many windows, back when negative; at the end it runs on with the time."""
        oldest = now - max(0.0, REACH - self.seconds)
        end = max(oldest, self.end(now) + by * self.seconds)
        self._end = None if end >= now else end

    def move_cursor(self, by: int, window: Window, now: float) -> None:
        """To the next bucket, or the one before when negative; it begins at the newest full one."""
        step, last = window.step, self.last_bucket(window, now)
        first = window.end_bucket - window.count + 1
        if self._cursor is None:
            at = math.floor(self.end(now) / step) - 1
        else:
            at = math.floor(self._cursor / step) + by
        self._cursor = (min(max(first, at), last) + 0.5) * step

    def leap_cursor(self, by: int, window: Window, now: float) -> None:
        self.move_cursor(by * _CURSOR_LEAP, window, now)

    def step_back(self) -> bool:
        """Take back the last that hides the present: the cursor, then the pause. Was there any?"""
        there = self._cursor is not None or self._end is not None
        if self._cursor is not None:
            self._cursor = None
        else:
            self._end = None
        return there

    def fix(self) -> None:
        """Keep the y axes as they are, or let them fit themselves again."""
        self.fixed = not self.fixed
        self._tops.clear()

    def words(self, now: float, wall: float, window: Window | None = None) -> list[str]:
        """What of it is not as usual, and the window. wall: clock time now, in s since the epoch.
        window: what the charts show, to tell when the cursor is not in it.

        The first is the window, e.g. "5 min".
        """
        parts = [window_words(self.seconds)]
        if self._end is not None:
            parts.append(f"paused -{duration(now - self._end)}")
        if self._cursor is not None:
            at = clock_words(wall - (now - self._cursor))
            seen = window is None or self._column(window) is not None
            where = self._cursor_words(now) if seen else "not in view"
            parts.append(f"cursor {at} ({where})")
        parts += ["log"] if self.log else []
        parts += ["fixed"] if self.fixed else []
        return parts

    def framed(self, data: ChartData, window: Window, now: float) -> ChartData:
        """The chart as these controls want it: only what lies before its end, with the cursor.

        The values in the legend are those under the cursor, sums of groups too where the group
        has one.
        """
        ahead = window.end_bucket - self.last_bucket(window, now)
        series = [_cut(one, ahead) for one in data.series] if ahead > 0 else list(data.series)
        groups = data.groups
        column = self._column(window)
        if column is not None:
            values = [one.values[column] for one in series]
            groups = tuple(
                group._replace(value=_sum_text(index, series, values, data.unit))
                if group.value
                else group
                for index, group in enumerate(groups)
            )
            series = [
                one._replace(value=value_text(value, data.unit))
                for one, value in zip(series, values, strict=True)
            ]
        return data._replace(
            series=tuple(series),
            groups=groups,
            y_max=self._top(data, series) if self.fixed else data.y_max,
            log=self.log,
            cursor=column,
            cursor_label="" if column is None else self._cursor_words(now),
            ends_ago=self.ends_ago(now),
            paused=self.paused,
            wide=window.wide,
        )

    def _cursor_words(self, now: float) -> str:
        """How long ago it is; not counted from the right edge, which lies ahead of now."""
        return f"-{duration(now - (self._cursor or now))}"

    def _column(self, window: Window) -> int | None:
        """The dot column of the cursor; None when it has none, or has left at the left edge."""
        if self._cursor is None:
            return None
        column = math.floor(self._cursor / window.step) - (window.end_bucket - window.count + 1)
        return column if 0 <= column < window.count else None

    def _top(self, data: ChartData, series: Sequence[ChartSeries]) -> float | None:
        """Where its axis ends from now on; percentages end at 100 if they fit."""
        key = (data.title, data.unit)
        top = self._tops.get(key)
        if top is None:
            highest = highest_of(one.values for one in series)
            if math.isnan(highest):
                return data.y_max
            top = nice_top(max(highest, 100.0 if data.unit == "%" else 0.0), data.unit)
            self._tops[key] = top
        return top


def value_text(value: float, unit: str) -> str:
    """A figure for the legend; "-" for a gap."""
    return "-" if math.isnan(value) else _TEXTS.get(unit, count)(value)


def window_words(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes >= 1 else f"{seconds:.0f} s"


def clock_words(wall: float) -> str:
    """The time of day where the person is."""
    return time.strftime("%H:%M:%S", time.localtime(wall))


def _cut(series: ChartSeries, ahead: int) -> ChartSeries:
    values = tuple(series.values)
    kept = values[: max(0, len(values) - ahead)]
    return series._replace(values=kept + (math.nan,) * (len(values) - len(kept)))


def _sum_text(group: int, series: Sequence[ChartSeries], values: Sequence[float], unit: str) -> str:
    known = [
        value
        for one, value in zip(series, values, strict=True)
        if one.group == group and not math.isnan(value)
    ]
    return value_text(sum(known) if known else math.nan, unit)
