"""Waiting on the main thread, so that what ends a program is heard."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from typing import NoReturn, TypeVar

T = TypeVar("T")

POLL = 0.2
"""Seconds after which Ctrl+C is seen at the latest."""


@contextmanager
def signals_as_exceptions() -> Iterator[None]:
    """What ends a program at once ends it in good order instead. The first one counts: `timeout`
    sends each twice, and a person in a hurry does, which must not end the cleaning up."""
    ends = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    # nohup's stays ignored.
    before = {one: signal.getsignal(one) for one in ends}
    taken = [one for one in ends if before[one] is not signal.SIG_IGN]

    def leave(number: int, _frame: object) -> NoReturn:
        for one in taken:
            signal.signal(one, signal.SIG_IGN)
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + number)

    for one in taken:
        signal.signal(one, leave)
    try:
        yield
    finally:
        for one in taken:
            signal.signal(one, before[one])


def wait_for(future: Future[T]) -> T:
    """Wait for it so that Ctrl+C is heard."""
    while not wait([future], POLL).done:
        pass
    return future.result()
