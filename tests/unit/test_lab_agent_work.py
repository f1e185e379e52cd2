"""The agent's load generators: on files, datagram sockets and fio's own words."""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from tuivm.lab.guest import frames, sockets
from tuivm.lab.guest.batch import Batch
from tuivm.lab.guest.blocks import measure, same_scheduler
from tuivm.lab.guest.devices import Disk, Nic
from tuivm.lab.guest.figures import following_offsets, percentiles, random_offsets
from tuivm.lab.guest.fio import Job, command, found, parsed, version
from tuivm.lab.guest.line import Line
from tuivm.lab.guest.load import paced
from tuivm.lab.guest.orders import OrderError, StoppedError
from tuivm.lab.guest.watch import Watch

MIB = 1 << 20


@pytest.fixture
def line() -> Iterator[tuple[socket.socket, Line]]:
    near, far = socket.socketpair()
    with near, far:
        yield near, Line(far.fileno())


@pytest.fixture
def watch(line: tuple[socket.socket, Line]) -> Watch:
    return Watch(line[1], [], 1, quiet=True)


def test_percentiles_are_by_nearest_rank() -> None:
    assert percentiles(range(100, 0, -1)) == {"p50": 50, "p95": 95, "p99": 99}
    assert percentiles([7]) == {"p50": 7, "p95": 7, "p99": 7}
    assert percentiles([2, 1, 3]) == {"p50": 2, "p95": 3, "p99": 3}
    assert percentiles([]) == {}


def test_random_offsets_are_aligned_spread_and_the_same_for_a_seed() -> None:
    size, capacity = 4096, 4096 * 1000 + 100
    offsets = random_offsets(1, 10_000, size, capacity)
    assert offsets == random_offsets(1, 10_000, size, capacity)
    assert len(set(offsets) & set(random_offsets(2, 10, size, capacity))) < len(offsets)
    assert offsets[:20] != random_offsets(2, 20, size, capacity)
    assert all(offset % size == 0 and 0 <= offset <= 999 * size for offset in offsets)
    # Each tenth of the disk has its share, and hardly a place is left out.
    shares = [sum(offset // size // 100 == tenth for offset in offsets) for tenth in range(10)]
    assert all(850 < share < 1150 for share in shares)
    assert len(set(offsets)) > 990


def test_following_offsets_begin_again() -> None:
    assert following_offsets(5, 512, 512 * 2 + 511) == [0, 512, 0, 512, 0]


def direct_file(path: Path, size: int) -> str:
    path.write_bytes(os.urandom(size))
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_DIRECT))
    except OSError:
        pytest.skip("this file system has no direct I/O")
    return str(path)


@pytest.mark.parametrize("depth", [1, 8, 64])
def test_every_read_is_measured(tmp_path: Path, watch: Watch, depth: int) -> None:
    node = direct_file(tmp_path / "disk", MIB)
    offsets = random_offsets(3, 40, 4096, MIB)
    done = measure(node, offsets, watch, size=4096, depth=depth, write=False)
    assert (done["requests"], done["bytes"]) == (40, 40 * 4096)
    assert done["generator"] == "tuivm (libaio)"
    p50, p95, p99 = (cast(int, done[name]) for name in ("p50", "p95", "p99"))
    assert 0 < p50 <= p95 <= p99 <= cast(float, done["seconds"]) * 1e9


@pytest.mark.parametrize("depth", [1, 4])
def test_writes_go_where_they_are_meant_to(tmp_path: Path, watch: Watch, depth: int) -> None:
    node = direct_file(tmp_path / "disk", 8 * 4096)
    before = Path(node).read_bytes()
    measure(node, [4096, 3 * 4096, 6 * 4096], watch, size=4096, depth=depth, write=True)
    after = Path(node).read_bytes()
    assert len(after) == len(before)
    for place in range(8):
        page = slice(place * 4096, (place + 1) * 4096)
        expected = b"\xa5" * 4096 if place in (1, 3, 6) else before[page]
        assert after[page] == expected


@pytest.mark.parametrize("depth", [1, 4])
def test_a_read_that_comes_short_is_an_error(tmp_path: Path, watch: Watch, depth: int) -> None:
    node = direct_file(tmp_path / "disk", 4096)
    with pytest.raises(OSError, match="0 bytes came of 4096"):
        measure(node, [0, 4096], watch, size=4096, depth=depth, write=False)


@pytest.mark.parametrize("depth", [1, 4])
def test_a_failed_read_says_why(tmp_path: Path, watch: Watch, depth: int) -> None:
    node = direct_file(tmp_path / "disk", MIB)
    with pytest.raises(OSError, match="Invalid argument"):
        measure(node, [0, 7], watch, size=4096, depth=depth, write=False)


@pytest.mark.parametrize("depth", [1, 4])
def test_stop_ends_what_is_in_flight(
    tmp_path: Path, line: tuple[socket.socket, Line], depth: int
) -> None:
    node = direct_file(tmp_path / "disk", MIB)
    line[0].sendall(b'{"do": "stop", "id": 2}\n')
    watch = Watch(line[1], [], 1, quiet=True)
    offsets = random_offsets(3, 1_000_000, 512, MIB)
    with pytest.raises(StoppedError):
        measure(node, offsets, watch, size=512, depth=depth, write=False)


@pytest.mark.parametrize(
    ("choice", "written"), [("[mq-deadline] none", "none"), ("[none] mq-deadline", ""), ("", "")]
)
def test_no_disk_has_a_scheduler(tmp_path: Path, choice: str, written: str) -> None:
    queue = tmp_path / "sys/block/sda/queue"
    queue.mkdir(parents=True)
    (queue / "scheduler").write_text(choice)
    same_scheduler(Disk("A", "sda", str(tmp_path), str(tmp_path)))
    assert (queue / "scheduler").read_text() == choice + written
    same_scheduler(Disk("B", "sdb", str(tmp_path), str(tmp_path)))


def test_fio_reads_cannot_become_writes() -> None:
    read = Job(op="read", size=4096, depth=32, requests=10, seed=5, sequential=False)
    words = command("/bin/fio", "/dev/vda", read)
    assert {"--rw=randread", "--io_size=40960", "--iodepth=32", "--randseed=5"} <= set(words)
    assert "--readonly" in words
    write = Job(op="write", size=4096, depth=1, requests=1, seed=5, sequential=True)
    words = command("/bin/fio", "/dev/vda", write)
    assert "--rw=write" in words
    assert "--readonly" not in words


def fio_says(**changes: object) -> str:
    side = {
        "total_ios": 1000,
        "io_bytes": 4096000,
        "runtime": 250,
        "lat_ns": {"percentile": {"50.000000": 5, "95.000000": 6, "99.000000": 7}},
    }
    return json.dumps({"jobs": [{"error": 0, "read": side | changes, **changes}]})


def test_fio_in_its_own_words() -> None:
    assert parsed("fio: a warning\n" + fio_says(), "read") == {
        "requests": 1000,
        "bytes": 4096000,
        "seconds": 0.25,
        "p50": 5,
        "p95": 6,
        "p99": 7,
    }
    assert parsed(fio_says(runtime=0), "read")["seconds"] == 0.001
    assert "p50" not in parsed(fio_says(lat_ns={}), "read")


@pytest.mark.parametrize("text", ["", "{}", '{"jobs": []}', '{"jobs": [1]}', "no", fio_says()])
def test_what_fio_does_not_say_is_an_error(text: str) -> None:
    with pytest.raises(OrderError, match="not understood"):
        parsed(text, "write")


def test_an_error_of_fio_is_told() -> None:
    with pytest.raises(OrderError, match="Input/output error"):
        parsed(fio_says(error=5), "read")


def test_a_fio_that_does_not_start(tmp_path: Path) -> None:
    assert found(str(tmp_path)) is None
    program = tmp_path / "bin/fio"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho a library is missing >&2\nexit 127\n")
    program.chmod(0o755)
    assert found(str(tmp_path)) == str(program)
    with pytest.raises(OrderError, match="127: a library is missing"):
        version(str(program))
    program.write_text("#!/bin/sh\necho fio-3.33\n")
    assert version(str(program)) == "fio 3.33"


def nic(name: str, last: int) -> Nic:
    return Nic(f"52:54:00:00:00:{last:02x}", name, "/nowhere")


def test_a_frame_is_ethernet_with_the_mark_of_its_order() -> None:
    content = sockets.frame("52:54:00:00:00:01", "52:54:00:00:00:02", 60, 0xDEADBEEF)
    assert len(content) == 60
    assert content[:14].hex() == "52540000000252540000000188b5"
    assert content[14:18].hex() == "deadbeef"
    for wrong in ("52:54", "peer", ""):
        with pytest.raises(OrderError, match="is no MAC address"):
            sockets.frame("52:54:00:00:00:02", wrong, 60, 1)


def test_only_frames_with_the_mark_pass_the_filter() -> None:
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with near, far:
        sockets._only(far, 0x80000001)
        for mark in (1, 0x80000001, 0x80000002):
            near.send(sockets.frame("52:54:00:00:00:01", "52:54:00:00:00:02", 60, mark))
        far.setblocking(False)
        assert far.recv(100)[14:18] == struct.pack("!I", 0x80000001)
        with pytest.raises(BlockingIOError):
            far.recv(100)


def test_a_batch_sends_and_receives_many_at_once() -> None:
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with near, far:
        sender, receiver = Batch(near, bytearray(b"x" * 60)), Batch(far, bytearray(14))
        assert receiver.receive() == 0
        assert sender.send(5) == 5
        assert receiver.receive() == 5
        while sender.send(32):
            pass
        assert receiver.receive() > 0


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, socket.socket]]:
    """Datagram sockets in place of packet sockets, and NICs that are joined."""
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    ends = {"eth0": near, "eth1": far}
    monkeypatch.setattr(frames, "opened", lambda nic, _mark: ends[nic.name].dup())
    with near, far:
        yield ends


def test_every_frame_that_arrives_is_counted(wire: dict[str, socket.socket], watch: Watch) -> None:
    done = frames.send(nic("eth0", 1), nic("eth1", 2), watch, size=60, requests=1000, mark=1)
    assert done["arrived"] == 1000
    assert cast(float, done["seconds"]) > 0


def test_frames_that_get_lost_are_told(
    wire: dict[str, socket.socket], watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "GAP", 1_000_000)
    monkeypatch.setattr(frames, "SILENCE", 1_000_000)
    monkeypatch.setattr(frames, "POLL", 1)
    sockets._only(wire["eth1"], 2)
    with pytest.raises(OrderError, match="none of 200 frames arrived at eth1"):
        frames.send(nic("eth0", 1), nic("eth1", 2), watch, size=60, requests=200, mark=1)


def test_pingpong_measures_every_round(wire: dict[str, socket.socket], watch: Watch) -> None:
    done = frames.pingpong(nic("eth0", 1), nic("eth1", 2), watch, size=60, requests=50, mark=1)
    assert done["arrived"] == 50
    assert cast(int, done["p50"]) <= cast(int, done["p99"])


def test_pingpong_ends_when_nothing_comes_back(
    wire: dict[str, socket.socket], watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "SILENCE", 1)
    sockets._only(wire["eth1"], 2)
    with pytest.raises(OrderError, match="three frames in a row were lost, after 0"):
        frames.pingpong(nic("eth0", 1), nic("eth1", 2), watch, size=60, requests=50, mark=1)


def test_a_load_that_is_late_makes_up_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class EnoughError(Exception):
        pass

    now = 100.0
    at: list[float] = []

    def request(number: int) -> None:
        nonlocal now
        at.append(round(now - 100.0, 6))
        if number == 2:
            now += 10.0
        if number == 5:
            raise EnoughError

    def sleep(seconds: float) -> None:
        nonlocal now
        assert seconds > 0
        now += seconds

    monkeypatch.setattr("tuivm.lab.guest.load.time.monotonic", lambda: now)
    monkeypatch.setattr("tuivm.lab.guest.load.time.sleep", sleep)
    with pytest.raises(EnoughError):
        paced(4.0, request)
    assert at[:3] == [0.0, 0.25, 0.5]
    assert at[3:] == [10.5, 10.75, 11.0]
