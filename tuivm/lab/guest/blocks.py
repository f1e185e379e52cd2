"""Requests to a disk: direct I/O, with the latency of each."""

from __future__ import annotations

import gc
import mmap
import os
import time
from array import array

from . import fio
from .devices import find_disk, set_up_anew
from .figures import following_offsets, percentiles, random_offsets
from .interrupts import Counter, since
from .orders import OrderError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .devices import Disk
    from .orders import Order
    from .watch import Watch

GENERATOR = "tuivm (libaio)"


def carry_out(
    order: Order, watch: Watch, *, fio_name: str = "", root: str = ""
) -> dict[str, object]:
    """The fields of "done". fio_name: "fio 3.33"; "" where the appliance has none that starts.

    With fio where there is one, unless the order is `traced` (fio's start would be counted) or asks
    for "generator": "tuivm".
    """
    disk = find_disk(order.text("serial"), root)
    size, depth = order.number("size", 1), order.number("depth", 1, 1)
    requests, seed = order.number("requests", 1), order.number("seed", 0, 0)
    op, sequential, traced = order.text("op"), order.flag("sequential"), order.flag("traced")
    if op not in ("read", "write"):
        raise OrderError(f"op {op} is neither read nor write")
    if size % disk.sector or size > disk.size:
        raise OrderError(f"size {size} does not fit a disk of {disk.size} in {disk.sector} bytes")
    program = None if traced or order.text("generator", "") == "tuivm" else fio.found(root)
    if order.flag("anew"):
        set_up_anew(disk)
    same_scheduler(disk)
    interrupts = Counter(disk.path, root)
    before = interrupts.read()
    if program and fio_name:
        job = fio.Job(
            op=op, size=size, depth=depth, requests=requests, seed=seed, sequential=sequential
        )
        done = {**fio.run(program, disk, job, watch), "generator": fio_name}
    else:
        if sequential:
            offsets = following_offsets(requests, size, disk.size)
        else:
            offsets = random_offsets(seed, requests, size, disk.size)
        done = measure(
            disk.node, offsets, watch, size=size, depth=1 if traced else depth, write=op == "write"
        )
    done["interrupts"] = since(before, interrupts.read())
    return done


def same_scheduler(disk: Disk) -> None:
    """No I/O scheduler for any disk: the kernel would choose one by the kind of the disk, and the
    comparison would be of schedulers too. Fine where there is no choice."""
    try:
        with open(f"{disk.block}/queue/scheduler", "r+") as file:
            if "none" in file.read().replace("[none]", "").split():
                file.write("none")
    except OSError:
        pass


def measure(
    node: str, offsets: Sequence[int], watch: Watch, *, size: int, depth: int, write: bool
) -> dict[str, object]:
    """One request of `size` bytes at each offset, `depth` in flight; the fields of "done" but for
    the interrupts. Latency is from just before a request is submitted until it is found complete.
    """
    access = os.O_RDWR if write else os.O_RDONLY
    fd = os.open(node, access | os.O_DIRECT | os.O_CLOEXEC)
    latencies = array("q", bytes(8 * len(offsets)))
    # A collection in the middle would be a latency of the device.
    gc.collect()
    gc.disable()
    try:
        begun = time.monotonic_ns()
        if depth == 1:
            begun = _one_by_one(fd, offsets, latencies, watch, size=size, write=write)
        else:
            begun = _in_flight(fd, offsets, latencies, watch, size=size, depth=depth, write=write)
        seconds = (time.monotonic_ns() - begun) / 1e9
    finally:
        gc.enable()
        os.close(fd)
    return {
        "requests": len(offsets),
        "bytes": len(offsets) * size,
        "seconds": seconds,
        **percentiles(latencies),
        "generator": GENERATOR,
    }


def _one_by_one(
    fd: int,
    offsets: Sequence[int],
    latencies: array[int],
    watch: Watch,
    *,
    size: int,
    write: bool,
) -> int:
    """Returns when it began. Plain calls take less of the guest's CPU than asynchronous ones."""
    buffer = mmap.mmap(-1, size)
    buffer.write(b"\xa5" * size)
    vector = [buffer]
    transfer = os.pwritev if write else os.preadv
    clock = time.monotonic_ns
    due = watch.begin()
    begun = clock()
    for number, offset in enumerate(offsets):
        start = clock()
        moved = transfer(fd, vector, offset)
        end = clock()
        if moved != size:
            raise OSError(f"{moved} bytes came of {size}")
        latencies[number] = end - start
        if end >= due:
            due = watch.beat(number + 1)
    return begun


def _in_flight(
    fd: int,
    offsets: Sequence[int],
    latencies: array[int],
    watch: Watch,
    *,
    size: int,
    depth: int,
    write: bool,
) -> int:
    """Returns when it began."""
    from .aio import Queue  # noqa: PLC0415 - needs ctypes, which takes its time under emulation

    depth = min(depth, len(offsets))
    queue = Queue(fd, depth=depth, size=size, write=write)
    clock = time.monotonic_ns
    started = array("q", bytes(8 * depth))
    waiting = iter(offsets)
    done = 0
    try:
        due = watch.begin()
        begun = clock()
        for slot in range(depth):
            started[slot] = clock()
            queue.submit(slot, next(waiting))
        while done < len(offsets):
            ended = queue.harvest()
            now = clock()
            for slot in ended:
                latencies[done] = now - started[slot]
                done += 1
                offset = next(waiting, None)
                if offset is not None:
                    started[slot] = clock()
                    queue.submit(slot, offset)
            if now >= due:
                due = watch.beat(done)
    finally:
        queue.close()
    return begun
