"""Work that meets no device: how fast the guest's own code runs, and what leaving it costs."""

from __future__ import annotations

import hashlib
import mmap
import os
import time

from .orders import OrderError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .orders import Order
    from .watch import Watch

BLOCK = bytes(range(256)) * 256
PAGES = 1024
PORT = 0x80
"""Of the power-on self-test's codes. QEMU answers it itself, outside the kernel (its region
"ioport80"), with a constant and without any effect; nothing in a PC that runs depends on it."""


def carry_out(order: Order, watch: Watch) -> dict[str, object]:
    """The fields of "done". A request is 64 KiB hashed, a page touched or a port read."""
    work = _KINDS.get(order.text("kind"))
    if work is None:
        raise OrderError(f"kind {order.text('kind')} is none of {', '.join(_KINDS)}")
    requests = order.number("requests", 1)
    seconds = work(requests, watch)
    return {"requests": requests, "bytes": 0, "seconds": seconds, "generator": "tuivm"}


def _hash(requests: int, watch: Watch) -> float:
    """Each round hashes the one before too, so that none can be left out."""
    clock = time.monotonic_ns
    digest = b""
    due = watch.begin()
    begun = clock()
    for number in range(1, requests + 1):
        summary = hashlib.sha256(BLOCK)
        summary.update(digest)
        digest = summary.digest()
        if clock() >= due:
            due = watch.beat(number)
    return (clock() - begun) / 1e9


def _fault(requests: int, watch: Watch) -> float:
    """A slice assignment touches one byte of each page without Python's help in between."""
    clock = time.monotonic_ns
    page = mmap.PAGESIZE
    memory = mmap.mmap(-1, PAGES * page, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_NOHUGEPAGE)
    ones = b"\1" * PAGES
    due = watch.begin()
    begun = clock()
    done = 0
    while done < requests:
        count = min(PAGES, requests - done)
        memory[0 : count * page : page] = ones[:count]
        memory.madvise(mmap.MADV_DONTNEED)
        done += count
        if clock() >= due:
            due = watch.beat(done)
    seconds = (clock() - begun) / 1e9
    memory.close()
    return seconds


def _leave(requests: int, watch: Watch) -> float:
    if os.uname().machine != "x86_64":
        raise OrderError(f"{os.uname().machine} has no I/O ports")
    fd = os.open("/dev/port", os.O_RDONLY | os.O_CLOEXEC)
    clock = time.monotonic_ns
    try:
        due = watch.begin()
        begun = clock()
        for number in range(1, requests + 1):
            os.pread(fd, 1, PORT)
            if clock() >= due:
                due = watch.beat(number)
        return (clock() - begun) / 1e9
    finally:
        os.close(fd)


_KINDS: dict[str, Callable[[int, Watch], float]] = {
    "compute": _hash,
    "faults": _fault,
    "exits": _leave,
}
