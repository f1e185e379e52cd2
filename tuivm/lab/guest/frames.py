"""Frames from one NIC of the guest to another."""

from __future__ import annotations

import errno
import gc
import select
import socket
import struct
import time
from array import array

from .devices import find_nic, read_text
from .figures import percentiles
from .interrupts import Counter, since
from .native import address, last_error, send_messages
from .orders import OrderError
from .sockets import HEADER, SHORTEST, Arrivals, bring_up, frame, opened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .devices import Nic
    from .orders import Order
    from .watch import Watch

GENERATOR = "tuivm (packet socket)"
SILENCE = 1.0
"""Seconds without a frame after which the rest is lost."""
BATCH = 32
"""Frames handed to the kernel at once."""
NUMBER = HEADER + 4
"""Where a frame of pingpong says its round."""


def carry_out(order: Order, watch: Watch, root: str = "") -> dict[str, object]:
    """The fields of "done". requests: frames that `mac` sent, so in pingpong the round trips; bytes:
    of these. arrived: how many of these reached the peer, or in pingpong came back."""
    size, requests = order.number("size", SHORTEST), order.number("requests", 1)
    nic, peer = find_nic(order.text("mac"), root), find_nic(order.text("peer"), root)
    mode = order.text("mode")
    if mode not in ("send", "pingpong"):
        raise OrderError(f"mode {mode} is neither send nor pingpong")
    largest = int(read_text(f"{root}/sys/class/net/{nic.name}/mtu") or 1500) + HEADER
    if size > largest:
        raise OrderError(f"frames of {size} bytes are too large: {nic.name} takes {largest}")
    bring_up((nic, peer), watch, root)
    counters = Counter(nic.path, root), Counter(peer.path, root)
    mark = time.monotonic_ns() & 0xFFFFFFFF
    gc.collect()
    gc.disable()
    try:
        before = [counter.read() for counter in counters]
        if mode == "send":
            done = send(nic, peer, watch, size=size, requests=requests, mark=mark)
        else:
            done = pingpong(nic, peer, watch, size=size, requests=requests, mark=mark)
        own, others = (since(then, c.read()) for then, c in zip(before, counters, strict=True))
    finally:
        gc.enable()
    return {
        "requests": requests,
        "bytes": requests * size,
        **done,
        "interrupts": own,
        "peer_interrupts": others,
        "generator": GENERATOR,
    }


def send(
    nic: Nic, peer: Nic, watch: Watch, *, size: int, requests: int, mark: int
) -> dict[str, object]:
    """seconds: from the first frame sent until the last one has arrived."""
    arrivals = Arrivals(peer, mark)
    try:
        with opened(nic, None) as line:
            line.setblocking(False)
            batch = _Batch(line, frame(nic.mac, peer.mac, size, mark))
            writable = select.poll()
            writable.register(line, select.POLLOUT)
            clock = time.monotonic_ns
            due = watch.begin()
            begun = clock()
            sent = arrived = 0
            while sent < requests:
                taken = batch.send(min(BATCH, requests - sent))
                sent += taken
                if not taken:
                    writable.poll(100)
                now = clock()
                if now >= due:
                    due = watch.beat(sent)
            last = clock()
            while arrived < requests:
                now = clock()
                count = arrivals.look()
                if count > arrived:
                    arrived, last = count, now
                elif now - last > SILENCE * 1e9:
                    break
                if now >= due:
                    due = watch.beat(sent)
                time.sleep(0.0005)
    finally:
        arrivals.close()
    if not arrived:
        raise OrderError(f"none of {requests} frames arrived at {peer.name} ({peer.mac})")
    return {"seconds": (last - begun) / 1e9, "arrived": arrived}


def pingpong(
    nic: Nic, peer: Nic, watch: Watch, *, size: int, requests: int, mark: int
) -> dict[str, object]:
    """Latency is from just before a frame is sent until its answer has been read. A round trip that
    takes longer than 1 s is lost, and no latency of it is told; three in a row end it."""
    latencies = array("q")
    clock = time.monotonic_ns
    lost = 0
    with opened(nic, mark) as near, opened(peer, mark) as far:
        for line in (near, far):
            # struct timeval: reads give up in time to look whether the Lab said "stop".
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, 100_000))
        there = frame(nic.mac, peer.mac, size, mark)
        back = frame(peer.mac, nic.mac, size, mark)
        due = watch.begin()
        begun = clock()
        for number in range(1, requests + 1):
            # A late answer to a lost round would otherwise be taken for that of this one.
            struct.pack_into("!I", there, NUMBER, number)
            struct.pack_into("!I", back, NUMBER, number)
            start = clock()
            near.send(there)
            if _comes(far, number, watch):
                far.send(back)
                lost = lost + 1 if not _comes(near, number, watch) else 0
            else:
                lost += 1
            end = clock()
            if not lost:
                latencies.append(end - start)
            elif lost == 3:
                raise OrderError(f"three frames in a row were lost, after {len(latencies)}")
            if end >= due:
                due = watch.beat(number)
        seconds = (clock() - begun) / 1e9
    return {"seconds": seconds, "arrived": len(latencies), **percentiles(latencies)}


def _comes(line: socket.socket, number: int, watch: Watch) -> bool:
    """Whether the frame of this round comes within 1 s."""
    until = 0
    while True:
        try:
            received = line.recv(NUMBER + 4)
        except BlockingIOError:
            watch.wait(0)
        else:
            if int.from_bytes(received[NUMBER:], "big") == number:
                return True
        now = time.monotonic_ns()
        until = until or now + int(SILENCE * 1e9)
        if now > until:
            return False


class _Batch:
    """The same frame many times, in one call: Python's own time is not the device's."""

    def __init__(self, line: socket.socket, content: bytearray) -> None:
        self._content = content
        self._fd = line.fileno()
        self._vector = array("q", [address(content), len(content)])
        # struct mmsghdr in words of 64 bits: name, its length, vector, its length, control, its
        # length, flags, and what the kernel says was sent.
        vector, _ = self._vector.buffer_info()
        self._messages = array("q", [0, 0, vector, 1, 0, 0, 0, 0] * BATCH)
        self._messages_at, _ = self._messages.buffer_info()

    def send(self, count: int) -> int:
        """How many the kernel took; 0 when it has no room just now."""
        taken = send_messages(self._fd, self._messages_at, count, 0)
        if taken < 0:
            error = last_error()
            if error.errno in (errno.EAGAIN, errno.ENOBUFS, errno.EINTR):
                return 0
            raise error
        return taken
