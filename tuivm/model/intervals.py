"""Means with 95 % intervals of figures that follow each other in time, and of their ratios. Pure.

Values of successive seconds depend on each other, so an interval from their plain scatter would be
far too narrow. The method of batch means is used instead: a window is cut into stretches of equal
length ("batches"), long enough for their means to be nearly independent, and Student's t is applied
to those. A. M. Law, "Simulation Modeling and Analysis", 5th ed., section 9.5.3; at most 20 batches,
as more gain next to nothing (B. Schmeiser, "Batch size effects in the analysis of simulation
output", Operations Research 30(3), 1982).

Every figure is a quotient of sums, top / bottom: bytes by seconds, nanoseconds by requests, exits
by I/Os. Its scatter is that of the ratio estimator, from the residuals top - mean * bottom of the
batches (W. G. Cochran, "Sampling Techniques", 3rd ed., section 6.4), so that a batch with gaps
weighs less, and one with twice the requests weighs twice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

FEWEST = 5
"""Batches under which there is no interval: Student's t would be wider than it is worth."""
MOST = 20
SHORTEST = 5.0
"""Seconds that a batch has at least."""
_NOISE = 1e-9
STUDENT_T = {
    3: 3.182,
    4: 2.776,
    5: 2.571,
    6: 2.447,
    7: 2.365,
    8: 2.306,
    9: 2.262,
    10: 2.228,
    11: 2.201,
    12: 2.179,
    13: 2.160,
    14: 2.145,
    15: 2.131,
    16: 2.120,
    17: 2.110,
    18: 2.101,
    19: 2.093,
}
"""Degrees of freedom -> 97.5 % point of Student's t distribution."""


class Term(NamedTuple):
    """What one stretch of time adds to a figure's two sums; bottom 0 is a gap."""

    top: float = 0.0
    bottom: float = 0.0


class Terms(NamedTuple):
    """Terms of stretches of equal length, oldest first. Two plain lists: a tuple for each second
    of many devices costs more than all that is computed from them."""

    tops: list[float]
    bottoms: list[float]

    @property
    def values(self) -> list[float]:
        """NaN for a gap."""
        return [
            top / bottom if bottom > 0 else math.nan
            for top, bottom in zip(self.tops, self.bottoms, strict=True)
        ]


class Interval(NamedTuple):
    """All None: no value at all. low and high None: too few batches."""

    mean: float | None = None
    low: float | None = None
    high: float | None = None


def batched(terms: Terms, step: float, shortest: float = SHORTEST) -> list[Term]:
    """The sums of at most MOST batches of equal length, oldest first; [] for a window under one.

    terms: one each `step` seconds. shortest: seconds that a batch has at least; give twice the
    time between two samples where that is more than SHORTEST.
    """
    length = len(terms.tops)
    number = min(MOST, length, int(length * step / max(shortest, SHORTEST)))
    edges = [-(-batch * length // number) for batch in range(number)] + [length]
    return [
        Term(math.fsum(terms.tops[begin:end]), math.fsum(terms.bottoms[begin:end]))
        for begin, end in pairwise(edges)
    ]


def mean_of(terms: Terms) -> float | None:
    """Over all of them, each as heavy as its bottom; None when all are gaps."""
    bottom = math.fsum(terms.bottoms)
    return math.fsum(terms.tops) / bottom if bottom > 0 else None


def interval_of(batches: Sequence[Term], mean: float | None) -> Interval:
    """A figure that cannot be negative, with its interval. mean: over the whole window."""
    full = [batch for batch in batches if batch.bottom > 0]
    if mean is None or len(full) < FEWEST:
        return Interval(mean)
    average = math.fsum(batch.bottom for batch in full) / len(full)
    half = _half_width([(batch.top - mean * batch.bottom) / average for batch in full])
    half = _without_noise(half, mean)
    return Interval(mean, max(0.0, mean - half), mean + half)


def ratio_of(
    batches: Sequence[Term], mean: float, base_batches: Sequence[Term], base_mean: float
) -> Interval:
    """mean / base_mean with its interval; base_mean must be more than 0.

    By the delta method on the logarithm of the ratio, which keeps the interval positive. The
    batches of both are of the same times and are taken in pairs: what slows both down at once (or
    one at the cost of the other) is then counted as what it is. Only batches that both have count
    for the scatter; fewer than FEWEST: no interval, nor for a ratio of 0.
    """
    ratio = mean / base_mean
    pairs = [
        (one, base)
        for one, base in zip(batches, base_batches, strict=True)
        if one.bottom > 0 and base.bottom > 0
    ]
    if len(pairs) < FEWEST or ratio <= 0:
        return Interval(ratio)
    average = math.fsum(one.bottom for one, _ in pairs) / len(pairs) * mean
    base_average = math.fsum(base.bottom for _, base in pairs) / len(pairs) * base_mean
    half = _half_width(
        [
            (one.top - mean * one.bottom) / average
            - (base.top - base_mean * base.bottom) / base_average
            for one, base in pairs
        ]
    )
    half = _without_noise(half, 1.0)
    return Interval(ratio, ratio * math.exp(-half), ratio * math.exp(half))


def _half_width(residuals: Sequence[float]) -> float:
    """Of the 95 % interval of a mean from its residuals, of which there are n - 1 free."""
    free = len(residuals) - 1
    square = math.fsum(one * one for one in residuals)
    return STUDENT_T[free] * math.sqrt(square / (free * len(residuals)))


def _without_noise(half: float, size: float) -> float:
    """What is left of equal values after arithmetic is no scatter."""
    return half if half > _NOISE * size else 0.0
