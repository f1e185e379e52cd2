"""What was measured: bounded memory a series, in plain arrays, bucketed by absolute time.

A series keeps one value a second for 15 minutes and min/mean/max of each 10 s for 6 hours. The
bucket of a value is `floor(at / step)`: buckets never move, so a chart drawn from whole buckets
does not shimmer. A bucket that was never written is NaN: a gap, not a zero. Values are kept to
0.04 %, once they are older than 15 minutes to 0.3 % (their minimum and maximum to 2 % of the mean).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

from tuivm.model.guests import GuestKey
from tuivm.model.track import (
    COARSE_BUCKETS,
    FINE_SECONDS,
    PER_COARSE,
    Track,
    high_of,
    low_of,
    mean_of,
)

FINE_STEP = 1.0
FINE_SLOTS = FINE_SECONDS
COARSE_STEP = FINE_STEP * PER_COARSE
COARSE_SLOTS = COARSE_BUCKETS
_PRUNE_EVERY = 600.0
_PART = 0.9 * FINE_STEP
"""A shorter span is one of several in a second."""
_NAN = math.nan
_Read = Callable[[int], float]
_Gather = Callable[[list[float], int], list[float]]


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


class History:
    """All series. Times are monotonic seconds of this machine, values are not negative."""

    def __init__(self) -> None:
        self._tracks: dict[SeriesKey, Track] = {}
        self._parts: dict[SeriesKey, tuple[int, float, float]] = {}
        self._begun = 0
        self._prune_at = -math.inf

    def push(self, key: SeriesKey, at: float, value: float | None, span: float = 0.0) -> None:
        """Add one value that holds for the `span` seconds up to `at`.

        A rate is a mean over its interval, so it fills every second of it: a guest sampled every
        5 s is a line and not dots. None and NaN are gaps and are not stored. The values of a key
        come in the order of time: one for seconds before the newest is not stored, nor is what
        reaches back before the first. Of several values in one second their mean stays.
        """
        if value is None or math.isnan(value):
            return
        last = int(at // FINE_STEP)
        first = int((at - span) // FINE_STEP) + 1
        if first > last:
            first = last
        elif first <= last - FINE_SLOTS:
            first = last - FINE_SLOTS + 1
        if 0 < span < _PART:
            value = self._blended(key, last, value, span)
        track = self._tracks.get(key)
        if track is None:
            track = self._tracks[key] = Track(first, self._begun)
            self._begun += 1
        track.put(first, last, value)
        if at >= self._prune_at:
            self.prune(at)

    def _blended(self, key: SeriesKey, second: int, value: float, span: float) -> float:
        """The mean of this and what came before it in the same second."""
        begun, length, total = self._parts.get(key, (second, 0.0, 0.0))
        if begun != second:
            length = total = 0.0
        length, total = length + span, total + value * span
        self._parts[key] = (second, length, total)
        return total / length

    def prune(self, now: float) -> None:
        """Drop what has no value left: devices come back under new names. push() calls it, too."""
        self._prune_at = now + _PRUNE_EVERY
        oldest = now - COARSE_STEP * COARSE_SLOTS
        for key in [key for key, track in self._tracks.items() if track.newest < oldest]:
            self._drop(key)

    def keys(self) -> Iterable[SeriesKey]:
        return self._tracks.keys()

    def forget(self, guest: GuestKey) -> None:
        """Drop a guest that is gone for good."""
        for key in [key for key in self._tracks if key.guest == guest]:
            self._drop(key)

    def _drop(self, key: SeriesKey) -> None:
        del self._tracks[key]
        self._parts.pop(key, None)

    def buckets(self, key: SeriesKey, end: float, step: float, count: int) -> list[Bucket]:
        """The `count` buckets of `step` seconds, the last being the one that holds `end`.

        step is a whole multiple of FINE_STEP. Oldest first; always `count` long. Of what is older
        than 15 minutes, seconds are those of the 10 s that they are in.
        """
        track = self._tracks.get(key)
        if track is None:
            return [Bucket(_NAN, _NAN, _NAN)] * count
        part = _Part(track, end, step, count)
        columns = part.row(low_of, _least), part.row(mean_of, _average), part.row(high_of, _most)
        return [Bucket(*values) for values in zip(*columns, strict=True)]

    def means(self, key: SeriesKey, end: float, step: float, count: int) -> list[float]:
        """As `buckets`, the means alone."""
        track = self._tracks.get(key)
        if track is None:
            return [_NAN] * count
        return _Part(track, end, step, count).row(mean_of, _average)

    def latest(self, key: SeriesKey, at: float, within: float) -> float | None:
        """The newest value not older than `within` seconds at `at`."""
        track = self._tracks.get(key)
        if track is None:
            return None
        newest = int(at // FINE_STEP)
        oldest = newest - min(FINE_SLOTS, int(within / FINE_STEP))
        values = track.seconds(oldest, newest + 1)
        return next((value for value in reversed(values) if not math.isnan(value)), None)


class _Part:
    """What is known of one window: coarse records of its older part, seconds of the newer."""

    __slots__ = ("_older", "_per", "_records", "_seconds", "_unit")

    def __init__(self, track: Track, end: float, step: float, count: int) -> None:
        per = max(1, round(step / FINE_STEP))
        last = int(end // step)
        first, stop = (last - count + 1) * per, (last + 1) * per
        edge = min(max(first, track.start), stop)
        # Whole coarse buckets are read as such: what is shown stays what it was when a stretch
        # becomes coarse.
        self._unit = 1 if per % PER_COARSE else PER_COARSE
        self._per = per // self._unit
        self._records = track.records(first // PER_COARSE, -(-edge // PER_COARSE))
        self._older = slice(first % PER_COARSE, first % PER_COARSE + edge - first)
        self._seconds = track.seconds(edge, stop)

    def row(self, read: _Read, gather: _Gather) -> list[float]:
        """One figure of each bucket."""
        older = [read(record) for record in self._records]
        if self._unit == 1:
            older = [value for value in older for _ in range(PER_COARSE)][self._older]
        return gather(older + gather(self._seconds, self._unit), self._per)


def _average(values: list[float], per: int) -> list[float]:
    if per == 1:
        return values
    found = []
    for part in _parts(values, per):
        mean = sum(part) / per
        if math.isnan(mean):
            known = _known(part)
            mean = sum(known) / len(known) if known else _NAN
        found.append(mean)
    return found


def _least(values: list[float], per: int) -> list[float]:
    return values if per == 1 else [min(_known(p), default=_NAN) for p in _parts(values, per)]


def _most(values: list[float], per: int) -> list[float]:
    return values if per == 1 else [max(_known(p), default=_NAN) for p in _parts(values, per)]


def _parts(values: list[float], per: int) -> Iterable[list[float]]:
    return (values[place : place + per] for place in range(0, len(values), per))


def _known(values: list[float]) -> list[float]:
    return [value for value in values if not math.isnan(value)]
