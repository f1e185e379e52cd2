"""A steady load on devices in the background: a child process each, so that one that hangs holds up
neither the others nor the agent."""

from __future__ import annotations

import mmap
import os
import signal
import time
from functools import partial

from .blocks import same_scheduler
from .devices import find_disk, find_nic, nics, read_text
from .figures import random_offsets
from .orders import OrderError
from .sockets import HEADER, SHORTEST, bring_up, frame, opened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from .devices import Disk, Nic
    from .orders import Order
    from .watch import Watch

FASTEST = 100_000.0
PLACES = 4096
"""Random offsets that are made beforehand, and taken in turn."""


class Load:
    """What runs in the background; nothing at first."""

    def __init__(self, root: str = "") -> None:
        self._root = root
        self._children: list[int] = []

    @property
    def running(self) -> bool:
        return bool(self._children)

    def begin(self, order: Order, watch: Watch, inherited: int) -> None:
        """In place of what ran before. inherited: a file that the children must not hold open."""
        rate, size, writes = order.real("rate", 0.01), order.number("size", 1), order.flag("writes")
        if rate > FASTEST:
            raise OrderError(f"rate {rate:g} is more than {FASTEST:g} a second")
        disks = [find_disk(serial, self._root) for serial in order.texts("serials")]
        known = {nic.mac: nic for nic in nics(self._root)}
        pairs = [(find_nic(mac, self._root), peer.lower()) for mac, peer in order.pairs("macs")]
        for disk in disks:
            if size % disk.sector or size > disk.size:
                raise OrderError(f"size {size} does not fit the disk {disk.serial}")
            same_scheduler(disk)
        for nic, peer in pairs:
            frame(nic.mac, peer, SHORTEST, 0)  # A wrong address is told now, not to a child.
            # The peer may be another guest's.
            bring_up([nic, *([known[peer]] if peer in known else [])], watch, self._root)
        self.end()
        for disk in disks:
            if self._is_child(inherited):
                _for_ever(partial(_on_disk, disk, rate, size, writes=writes))
        for nic, peer in pairs:
            if self._is_child(inherited):
                _for_ever(partial(_on_nic, nic, peer, rate, size, self._root))

    def end(self) -> None:
        """Returns when none of it runs any more."""
        for child in self._children:
            os.kill(child, signal.SIGKILL)
        for child in self._children:
            os.waitpid(child, 0)
        self._children.clear()

    def _is_child(self, inherited: int) -> bool:
        child = os.fork()
        if child:
            self._children.append(child)
        else:
            os.close(inherited)
        return not child


def _for_ever(work: Callable[[], None]) -> NoReturn:
    try:
        while True:
            try:
                work()
            except OSError:
                # A device that fails for a while has its load again when it is well.
                time.sleep(1)
    finally:
        os._exit(1)


def paced(rate: float, request: Callable[[int], object]) -> None:
    """Forever, `rate` times a second. What could not be done in time is left out, never made up for
    in a burst."""
    number = 0
    due = time.monotonic()
    while True:
        request(number)
        number += 1
        now = time.monotonic()
        due = max(due + 1 / rate, now)
        if due > now:
            time.sleep(due - now)


def _on_disk(disk: Disk, rate: float, size: int, *, writes: bool) -> None:
    """Reads; with `writes` every second request is one."""
    offsets = random_offsets(os.getpid(), PLACES, size, disk.size)
    buffer = mmap.mmap(-1, size)
    buffer.write(b"\xa5" * size)
    fd = os.open(disk.node, (os.O_RDWR if writes else os.O_RDONLY) | os.O_DIRECT)

    def request(number: int) -> None:
        offset = offsets[number % PLACES]
        if writes and number % 2:
            os.pwritev(fd, [buffer], offset)
        else:
            os.preadv(fd, [buffer], offset)

    try:
        paced(rate, request)
    finally:
        os.close(fd)


def _on_nic(nic: Nic, peer: str, rate: float, size: int, root: str) -> None:
    """Frames of `size` bytes to a MAC address, or of the nearest size that there is."""
    largest = int(read_text(f"{root}/sys/class/net/{nic.name}/mtu") or 1500) + HEADER
    content = frame(nic.mac, peer, max(SHORTEST, min(size, largest)), 0)
    with opened(nic, None) as line:
        paced(rate, lambda _number: line.send(content))
