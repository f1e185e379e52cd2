"""Long computations on the event loop, in slices: keys are answered in between."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from time import perf_counter
from typing import TypeVar

_SLICE = 0.008
_REST = 0.01
"""Seconds. What a key sets off takes many turns of the loop: with a slice after each of them it
would take as long as the whole computation, so the loop has some time for itself."""
T = TypeVar("T")


async def in_slices(work: Generator[None, None, T]) -> T:
    """Do all of it, whose steps should take a few milliseconds at most."""
    until = perf_counter() + _SLICE
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: T = end.value
            return result
        if perf_counter() >= until:
            await asyncio.sleep(_REST)
            until = perf_counter() + _SLICE
