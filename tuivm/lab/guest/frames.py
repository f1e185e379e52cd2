"""Frames from one NIC of the guest to another."""

from __future__ import annotations

import gc
import select
import socket
import struct
import time
from array import array

from .batch import BATCH, Batch
from .devices import find_nic, read_text
from .figures import percentiles
from .interrupts import Counter, since
from .orders import OrderError
from .sockets import HEADER, SHORTEST, bring_up, frame, opened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .devices import Nic
    from .orders import Order
    from .watch import Watch

GENERATOR = "tuivm (packet socket)"
SILENCE = 1_000_000_000
"""ns without a frame after which the rest is lost."""
GAP = 100_000_000
"""ns without a frame after which those on their way are given up, and more are sent."""
WINDOW = 64
"""Frames on their way at once. As many full ones take 150 KB of a socket buffer, with the kernel's
own bookkeeping; Linux gives a socket 208 KiB."""
POLL = 100
"""ms between looks whether the Lab said "stop"."""
NUMBER = HEADER + 4
"""Where a frame of pingpong says its round."""


def carry_out(order: Order, watch: Watch, root: str = "") -> dict[str, object]:
    """The fields of "done". requests and bytes: of frames that `mac` sent, so in pingpong of round
    trips. arrived: how many of these reached the peer, or in pingpong came back."""
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
    """seconds: from the first frame sent until the last one has arrived.

    As fast as frames arrive: more than WINDOW are never on their way. Without that, hosts drop what
    their socket buffers cannot hold, and what is measured is how fast frames can be lost.
    """
    clock = time.monotonic_ns
    with opened(nic, None) as out, opened(peer, mark) as back:
        out.setblocking(False)
        sender = Batch(out, frame(nic.mac, peer.mac, size, mark))
        receiver = Batch(back, bytearray(HEADER))
        writable, readable = select.poll(), select.poll()
        writable.register(out, select.POLLOUT)
        readable.register(back, select.POLLIN)
        due = watch.begin()
        begun = last = clock()
        sent = arrived = lost = 0
        while sent < requests or arrived + lost < sent:
            room = min(WINDOW - (sent - arrived - lost), requests - sent)
            taken = sender.send(min(BATCH, room)) if room > 0 else 0
            sent += taken
            if room > 0 and not taken:
                writable.poll(POLL)
            elif not taken:
                readable.poll(POLL)
            came = receiver.receive()
            now = clock()
            if came:
                arrived += came
                last = now
                # Some that were given up may have come late.
                lost = min(lost, sent - arrived)
            elif now - last > (SILENCE if sent == requests else GAP) and not taken:
                lost = sent - arrived
            if now >= due:
                due = watch.beat(sent)
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
        until = until or now + SILENCE
        if now > until:
            return False
