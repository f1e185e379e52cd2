"""The memory of one series: a value a second for a while, ten seconds' low, mean and high for long.

Values are codes on a logarithmic scale, and a value that lasts is kept once. Both stretches are
bounded: a second never costs more than 2 bytes, a coarse bucket never more than 3.

- Fine: 16-bit tokens, oldest first. A token under `_REPEAT` is the code of one second (0: gap,
  1: zero); any other says how often the code before it repeats. Precision: 0.035 %.
- Coarse: 24-bit records in chunks of an hour. Bits 0-12: the mean, coded likewise (precision
  0.3 %); 13-17: low / mean in 31sts; 18-23: high / mean, which of ten values is 10 at most, in 63
  equal steps of its logarithm (1.9 %). A record whose mean is `_AGAIN` repeats the one before.
"""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Iterator

PER_COARSE = 10
"""Seconds in a coarse bucket."""
FINE_SECONDS = 900
COARSE_BUCKETS = 2160

_GAP, _ZERO, _LEAST = 0, 1, 2
_NAN = math.nan
# Seconds held between two folds, the longest gap and the longest span all fit into one repeat.
_REPEAT = (1 << 16) - 2048
_FLOOR, _CEILING = -4, 15
_LOWEST, _HIGHEST = 10.0**_FLOOR, 10.0**_CEILING
# Steps in a decade: a whole number of them, so that 100 % is not a little more than 100 %.
_SCALE = (_REPEAT - 1 - _LEAST) // (_CEILING - _FLOOR)

_AGAIN = (1 << 13) - 1
# The mean of nine zeros and the least value there is still has a code.
_MEAN_FLOOR = _FLOOR - 1
_MEAN_SCALE = (_AGAIN - 1 - _LEAST) // (_CEILING - _MEAN_FLOOR)
_LOW_STEPS, _HIGH_STEPS = 31, 63
_FLAT = _LOW_STEPS << 13
_RECORD = struct.Struct("<HB")
_CHUNK = 360
_KEPT = COARSE_BUCKETS - FINE_SECONDS // PER_COARSE
_FOLD_EVERY = 60


class Track:
    """Seconds are whole numbers of one clock; values come in their order and are not negative."""

    __slots__ = ("_chunks", "_first_chunk", "_fold_at", "_tokens", "newest", "start")

    def __init__(self, second: int, phase: int) -> None:
        """second: of the first value. phase: any number; tracks that differ in it do not do their
        housekeeping in the same second."""
        self.start = second - second % PER_COARSE
        """The first second of the fine stretch, where a coarse bucket begins."""
        self.newest = self.start - 1
        """The second of the newest value."""
        self._tokens = array("H")
        self._fold_at = second + FINE_SECONDS + phase % _FOLD_EVERY
        self._chunks: list[bytes] = []
        self._first_chunk = 0

    def put(self, first: int, last: int, value: float) -> None:
        """Write seconds first to last (FINE_SECONDS of them at most), over what was there.

        Nothing is written before the first second ever written, nor when `last` has passed.
        """
        newest = self.newest
        if last < newest:
            return
        if value <= 0:
            code = _ZERO
        else:
            value = _LOWEST if value < _LOWEST else _HIGHEST if value > _HIGHEST else value
            code = int((math.log10(value) - _FLOOR) * _SCALE + (_LEAST + 0.5))
        if first <= newest:
            first = max(first, self.start)
            self._cut(newest - first + 1)
        elif first > newest + 1:
            if first - newest > FINE_SECONDS:
                self._begin_again(first)
            self._run(_GAP, first - self.newest - 1)
        self._run(code, last - first + 1)
        self.newest = last
        if last >= self._fold_at:
            self._fold_at += (last - self._fold_at) // _FOLD_EVERY * _FOLD_EVERY + _FOLD_EVERY
            self._fold((last + 1 - FINE_SECONDS) // PER_COARSE * PER_COARSE)

    def seconds(self, first: int, end: int) -> list[float]:
        """The value of each second from first to before end; NaN: none, or no longer known."""
        held = range(max(first, self.start), min(end, self.newest + 1))
        if not held:
            return [_NAN] * (end - first)
        # From the newest back, as far as is asked for.
        values: list[float] = []
        wanted, repeats = self.newest + 1 - held.start, 1
        for token in reversed(self._tokens):
            if token >= _REPEAT:
                repeats = token - _REPEAT + 2
                continue
            # Not `_decoded`: thousands of values are read at a time, and the call is half of it.
            value = (
                math.pow(10.0, (token - _LEAST) / _SCALE + _FLOOR)
                if token >= _LEAST
                else _NAN
                if token == _GAP
                else 0.0
            )
            if repeats == 1:
                values.append(value)
            else:
                values += [value] * repeats
                repeats = 1
            if len(values) >= wanted:
                break
        skipped = self.newest + 1 - held.stop
        values = values[skipped:wanted]
        values.reverse()
        return [_NAN] * (held.start - first) + values + [_NAN] * (end - held.stop)

    def records(self, first: int, end: int) -> list[int]:
        """Those of the coarse buckets from first to before end, 0 where there is none.

        Only of what lies before `start`. `mean_of`, `low_of` and `high_of` read them.
        """
        found: list[int] = []
        if first >= end:
            return found
        for number in range(first // _CHUNK, -(-end // _CHUNK)):
            place = number - self._first_chunk
            chunk = _expanded(self._chunks[place]) if 0 <= place < len(self._chunks) else []
            found += chunk + [_GAP] * (_CHUNK - len(chunk))
        begin = first % _CHUNK
        return found[begin : begin + end - first]

    def _run(self, code: int, count: int) -> None:
        if count < 1:
            return
        tokens = self._tokens
        if tokens:
            tail = tokens[-1]
            if tail == code:
                tokens.append(_REPEAT + count - 1)
                return
            if tail >= _REPEAT and tokens[-2] == code:
                tokens[-1] = tail + count
                return
        tokens.append(code)
        if count > 1:
            tokens.append(_REPEAT + count - 2)

    def _cut(self, count: int) -> None:
        """Take the newest seconds off."""
        tokens = self._tokens
        while count:
            token = tokens.pop()
            here = token - _REPEAT + 1 if token >= _REPEAT else 1
            if here > count:
                tokens.append(token - count)
                return
            count -= here

    def _begin_again(self, second: int) -> None:
        """After a silence longer than the fine stretch."""
        padding = -(self.newest + 1) % PER_COARSE
        self._run(_GAP, padding)
        edge = self.newest + 1 + padding
        self._fold(edge)
        self.start = second - second % PER_COARSE
        self.newest = self.start - 1
        self._remember(edge // PER_COARSE, _GAP, (self.start - edge) // PER_COARSE)

    def _fold(self, edge: int) -> None:
        """Turn the seconds before `edge` into coarse buckets."""
        codes = self._take(edge - self.start)
        for place in range(0, len(codes), PER_COARSE):
            ten = codes[place : place + PER_COARSE]
            self._remember((self.start + place) // PER_COARSE, _folded(ten), 1)
        self.start = max(self.start, edge)

    def _take(self, count: int) -> list[int]:
        """Take the codes of the oldest seconds off."""
        codes: list[int] = []
        if count < 1:
            return codes
        tokens, used, code = self._tokens, 0, _GAP
        for token in tokens:
            if token < _REPEAT:
                if len(codes) >= count:
                    break
                code = token
                codes.append(code)
            else:
                codes += [code] * (token - _REPEAT + 1)
            used += 1
        left = len(codes) - count
        head = [code, _REPEAT + left - 2][: min(left, 2)]
        tokens[:used] = array("H", head)
        return codes[:count]

    def _remember(self, bucket: int, record: int, count: int) -> None:
        """Append a record `count` times, the first as that of coarse bucket number `bucket`."""
        oldest = bucket + count - _KEPT
        if oldest > bucket:
            # A silence so long that nothing before it is kept.
            self._chunks.clear()
            return
        chunks = self._chunks
        while count > 0:
            number, begin = divmod(bucket, _CHUNK)
            if not chunks:
                self._first_chunk = number
                chunks.append(_with(b"", _GAP, begin))
            elif number - self._first_chunk == len(chunks):
                chunks.append(b"")
            here = min(count, _CHUNK - begin)
            chunks[-1] = _with(chunks[-1], record, here)
            bucket, count = bucket + here, count - here
        while chunks and (self._first_chunk + 1) * _CHUNK <= oldest:
            del chunks[0]
            self._first_chunk += 1


def mean_of(record: int) -> float:
    code = record & _AGAIN
    if code >= _LEAST:
        return math.pow(10.0, (code - _LEAST) / _MEAN_SCALE + _MEAN_FLOOR)
    return 0.0 if code == _ZERO else _NAN


def low_of(record: int) -> float:
    return mean_of(record) * (record >> 13 & _LOW_STEPS) / _LOW_STEPS


def high_of(record: int) -> float:
    return mean_of(record) * math.pow(10.0, (record >> 18) / _HIGH_STEPS)


def _decoded(code: int) -> float:
    if code >= _LEAST:
        return math.pow(10.0, (code - _LEAST) / _SCALE + _FLOOR)
    return 0.0 if code == _ZERO else _NAN


def _folded(codes: list[int]) -> int:
    """The record of one coarse bucket."""
    if codes.count(codes[0]) == len(codes):
        value = _decoded(codes[0])
        return _GAP if codes[0] == _GAP else _FLAT | _mean_code(value)
    values = [_decoded(code) for code in codes if code != _GAP]
    mean, low, high = sum(values) / len(values), min(values), max(values)
    if not mean:
        return _FLAT | _ZERO
    steps = min(_LOW_STEPS, round(low / mean * _LOW_STEPS))
    above = max(0, min(_HIGH_STEPS, round(math.log10(high / mean) * _HIGH_STEPS)))
    return _mean_code(mean) | steps << 13 | above << 18


def _mean_code(value: float) -> int:
    if not value:
        return _ZERO
    return _LEAST + round((math.log10(value) - _MEAN_FLOOR) * _MEAN_SCALE)


def _with(chunk: bytes, record: int, count: int) -> bytes:
    """The chunk with a record appended `count` times."""
    if count < 1:
        return chunk
    more = _packed(record)
    tail = chunk[-3:]
    if tail == more:
        return chunk + _packed(_AGAIN | count << 13)
    if chunk[-6:-3] == more and (repeats := int.from_bytes(tail, "little")) & _AGAIN == _AGAIN:
        return chunk[:-3] + _packed(repeats + (count << 13))
    return chunk + more + _packed(_AGAIN | (count - 1) << 13) if count > 1 else chunk + more


def _packed(record: int) -> bytes:
    return record.to_bytes(3, "little")


def _words(chunk: bytes) -> Iterator[int]:
    return (low | high << 16 for low, high in _RECORD.iter_unpack(chunk))


def _expanded(chunk: bytes) -> list[int]:
    """The records with their repeats."""
    records: list[int] = []
    record = _GAP
    for word in _words(chunk):
        if word & _AGAIN == _AGAIN:
            records += [record] * (word >> 13)
        else:
            record = word
            records.append(record)
    return records
