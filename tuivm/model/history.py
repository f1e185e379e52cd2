"""What was measured: fixed memory a series, in plain arrays, bucketed by absolute time.

A series keeps one value a second for 15 minutes and min/mean/max of each 10 s for an hour. The
bucket of a value is `floor(at / step)`: buckets never move, so a chart drawn from whole buckets
does not shimmer. A bucket that was never written is NaN: a gap, not a zero.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable
from typing import NamedTuple

from tuivm.model.guests import GuestKey

FINE_STEP = 1.0
FINE_SLOTS = 900
COARSE_STEP = 10.0
COARSE_SLOTS = 360
_NAN = math.nan


class SeriesKey(NamedTuple):
    """guest: whose; metric: "cpu", "memory", "disk.read", …; device: target, "" for the guest."""

    guest: GuestKey
    metric: str
    device: str = ""


class Bucket(NamedTuple):
    """The values that fell into one stretch of time; NaN all three when there were none."""

    low: float
    mean: float
    high: float


class _Ring:
    """Values by absolute bucket number; remembers the newest `slots` of them."""

    __slots__ = ("_newest", "_slots", "_values")

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._newest = -1
        self._values = array("f", [_NAN]) * slots

    def put(self, bucket: int, value: float) -> None:
        if bucket <= self._newest - self._slots:
            return
        if bucket > self._newest:
            first = max(self._newest + 1, bucket - self._slots + 1)
            for gap in range(first, bucket):
                self._values[gap % self._slots] = _NAN
            self._newest = bucket
        self._values[bucket % self._slots] = value

    def get(self, bucket: int) -> float:
        if bucket > self._newest or bucket <= self._newest - self._slots or bucket < 0:
            return _NAN
        return self._values[bucket % self._slots]


class _Series:
    __slots__ = ("_bucket", "_count", "_high", "_low", "_sum", "fine", "highs", "lows", "means")

    def __init__(self) -> None:
        self.fine = _Ring(FINE_SLOTS)
        self.lows = _Ring(COARSE_SLOTS)
        self.means = _Ring(COARSE_SLOTS)
        self.highs = _Ring(COARSE_SLOTS)
        self._bucket = -1
        self._count = 0
        self._sum = 0.0
        self._low = _NAN
        self._high = _NAN

    def push(self, at: float, value: float) -> None:
        self.fine.put(int(at // FINE_STEP), value)
        bucket = int(at // COARSE_STEP)
        if bucket != self._bucket:
            self._bucket, self._count, self._sum = bucket, 0, 0.0
            self._low = self._high = value
        self._count += 1
        self._sum += value
        self._low = min(self._low, value)
        self._high = max(self._high, value)
        self.lows.put(bucket, self._low)
        self.means.put(bucket, self._sum / self._count)
        self.highs.put(bucket, self._high)


class History:
    """All series. Times are monotonic seconds of this machine."""

    def __init__(self) -> None:
        self._series: dict[SeriesKey, _Series] = {}

    def push(self, key: SeriesKey, at: float, value: float | None, span: float = 0.0) -> None:
        """Add one value that holds for the `span` seconds up to `at`.

        A rate is a mean over its interval, so it fills every second of it: a guest sampled every
        5 s is a line and not dots. None and NaN are gaps and are not stored.
        """
        if value is None or math.isnan(value):
            return
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = _Series()
        last = int(at // FINE_STEP)
        first = max(min(last, int((at - span) // FINE_STEP) + 1), last - FINE_SLOTS + 1)
        for bucket in range(first, last + 1):
            series.push(bucket * FINE_STEP, value)

    def keys(self) -> Iterable[SeriesKey]:
        return self._series.keys()

    def forget(self, guest: GuestKey) -> None:
        """Drop a guest that is gone for good."""
        for key in [key for key in self._series if key.guest == guest]:
            del self._series[key]

    def buckets(self, key: SeriesKey, end: float, step: float, count: int) -> list[Bucket]:
        """The `count` buckets of `step` seconds, the last being the one that holds `end`.

        step is a whole multiple of FINE_STEP. Oldest first; always `count` long.
        """
        series = self._series.get(key)
        if series is None:
            return [Bucket(_NAN, _NAN, _NAN)] * count
        last = int(end // step)
        use_fine = step < COARSE_STEP or (count * step) <= FINE_STEP * FINE_SLOTS
        read = _read_fine if use_fine else _read_coarse
        return [read(series, bucket, step) for bucket in range(last - count + 1, last + 1)]

    def latest(self, key: SeriesKey, at: float, within: float) -> float | None:
        """The newest value not older than `within` seconds at `at`."""
        series = self._series.get(key)
        if series is None:
            return None
        newest = int(at // FINE_STEP)
        for bucket in range(newest, newest - int(within / FINE_STEP) - 1, -1):
            value = series.fine.get(bucket)
            if not math.isnan(value):
                return value
        return None


def _read_fine(series: _Series, bucket: int, step: float) -> Bucket:
    per = max(1, round(step / FINE_STEP))
    values = [
        value
        for slot in range(bucket * per, bucket * per + per)
        if not math.isnan(value := series.fine.get(slot))
    ]
    if not values:
        return Bucket(_NAN, _NAN, _NAN)
    return Bucket(min(values), sum(values) / len(values), max(values))


def _read_coarse(series: _Series, bucket: int, step: float) -> Bucket:
    first, end = (math.ceil(edge * step / COARSE_STEP) for edge in (bucket, bucket + 1))
    slots = [slot for slot in range(first, end) if not math.isnan(series.means.get(slot))]
    if not slots:
        return Bucket(_NAN, _NAN, _NAN)
    return Bucket(
        min(series.lows.get(slot) for slot in slots),
        sum(series.means.get(slot) for slot in slots) / len(slots),
        max(series.highs.get(slot) for slot in slots),
    )
