"""Percentiles of latencies, and random numbers that need no module."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_MASK = (1 << 64) - 1


def percentiles(latencies: Iterable[int]) -> dict[str, int]:
    """p50, p95, p99 of all of them by nearest rank: exact, never between two; {} of none."""
    ranked = sorted(latencies)
    if not ranked:
        return {}
    return {
        f"p{percent}": ranked[(len(ranked) * percent + 99) // 100 - 1] for percent in (50, 95, 99)
    }


def random_offsets(seed: int, count: int, size: int, capacity: int) -> list[int]:
    """Offsets of `count` requests of `size` bytes within `capacity` bytes, aligned to the size."""
    places = capacity // size
    # Knuth's linear congruential generator (MMIX); its high bits are the good ones. The seed is
    # stirred first, so that seeds that lie together do not begin alike.
    state = (seed ^ 0x9E3779B97F4A7C15) * 0xBF58476D1CE4E5B9 & _MASK
    offsets = []
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) & _MASK
        offsets.append(((state >> 24) * places >> 40) * size)
    return offsets


def following_offsets(count: int, size: int, capacity: int) -> list[int]:
    """One after the other, from the beginning again when the end is reached."""
    places = capacity // size
    return [(number % places) * size for number in range(count)]
