"""Linux's own asynchronous I/O: several requests in flight from one thread."""

from __future__ import annotations

import mmap
import os
import struct
from array import array

from .native import NUMBERS, address, last_error, system_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_READ, _WRITE = 0, 1
_WORDS = 8
"""Of 64 bits in a struct iocb: data, key and flags, opcode and file, buffer, length, offset."""
_EVENT_WORDS = 4
"""Of 64 bits in a struct io_event: data, iocb, result, second result."""
_EINTR = 4


class Queue:
    """`depth` requests of `size` bytes on one file: a slot with an aligned buffer for each."""

    def __init__(self, fd: int, *, depth: int, size: int, write: bool) -> None:
        numbers = NUMBERS.get(os.uname().machine)
        if numbers is None:
            raise OSError(f"asynchronous I/O is not known here for {os.uname().machine}")
        self._setup, self._submit, self._get, self._destroy = (
            numbers[name] for name in ("io_setup", "io_submit", "io_getevents", "io_destroy")
        )
        self._call3 = system_call(3)
        self._call5 = system_call(5)
        self._call1 = system_call(1)
        self._depth = depth
        self._size = size
        self._buffer = mmap.mmap(-1, depth * size)
        base = address(self._buffer)
        # The first touch of a page would be a latency of the device.
        for _ in range(depth):
            self._buffer.write(b"\xa5" * size)
        self._requests = array("q", bytes(8 * _WORDS * depth))
        for slot in range(depth):
            opcode = _WRITE if write else _READ
            at = slot * _WORDS
            self._requests[at] = slot
            self._requests[at + 2] = opcode | fd << 32
            self._requests[at + 3] = base + slot * size
            self._requests[at + 4] = size
        requests, _ = self._requests.buffer_info()
        self._pointers = array("q", [requests + 8 * _WORDS * slot for slot in range(depth)])
        pointers, _ = self._pointers.buffer_info()
        self._pointer_at = [pointers + 8 * slot for slot in range(depth)]
        self._events = array("q", bytes(8 * _EVENT_WORDS * depth))
        self._events_at, _ = self._events.buffer_info()
        self._timeout = bytearray(struct.pack("qq", 0, 100_000_000))
        self._timeout_at = address(self._timeout)
        context = array("q", [0])
        if self._call3(self._setup, depth, context.buffer_info()[0], 0) < 0:
            raise last_error()
        self._context = context[0]

    def submit(self, slot: int, offset: int) -> None:
        self._requests[slot * _WORDS + 5] = offset
        if self._call3(self._submit, self._context, 1, self._pointer_at[slot]) != 1:
            raise last_error()

    def harvest(self) -> Sequence[int]:
        """Slots of requests that have ended; waits for one, but no longer than 0.1 s."""
        got = self._call5(
            self._get, self._context, 1, self._depth, self._events_at, self._timeout_at
        )
        if got < 0:
            error = last_error()
            if error.errno == _EINTR:
                return ()
            raise error
        events = self._events[: got * _EVENT_WORDS]
        for result in events[2::_EVENT_WORDS]:
            if result < 0:
                raise OSError(-result, os.strerror(-result))
            if result != self._size:
                raise OSError(f"{result} bytes came of {self._size}")
        return events[::_EVENT_WORDS]

    def close(self) -> None:
        """Returns when nothing is in flight any more."""
        self._call1(self._destroy, self._context)
