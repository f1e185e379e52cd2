"""100 running guests of QEMU on a private libvirtd: what they cost there and here."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.measure import CHILD, cost, cpu_seconds, settle, terminal
from benchmarks.report import Row
from tests.support.guests import GuestFactory, disk_xml, guest_xml, sparse_file
from tests.support.rig import Rig

DAEMON_BUDGET, AGE_BUDGET, CPU_BUDGET, BYTES_BUDGET = 15.0, 1.5, 8.0, 20 * 1024
_NIC = "<interface type='udp'><source address='127.0.0.1' port='{}'><local address='127.0.0.1'"
_NIC += " port='{}'/></source><model type='virtio'/></interface>"


def fill(rig: Rig, guests: int) -> None:
    """Start that many guests whose firmware finds nothing to boot and then idles."""
    factory = GuestFactory(rig)
    disks = rig.state / "disks"
    disks.mkdir()

    def start(number: int) -> None:
        devices = disk_xml(sparse_file(disks / f"{number}.img"))
        devices += _NIC.format(20000 + 2 * number, 20001 + 2 * number)
        factory.start(guest_xml(f"many-{number:03}", devices=devices), paused=False)

    assert factory.conn.isAlive()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(start, range(guests)))


def measure(rig: Rig, guests: int, seconds: float) -> list[Row]:
    """The rig is empty before, and full afterwards."""
    fill(rig, guests)
    daemon = rig.pid
    alone = _daemon_percent(daemon, seconds)
    with tempfile.NamedTemporaryFile(suffix=".json") as result:
        child = [*CHILD, "aged", result.name, rig.uri]
        with terminal(child, rows=45, columns=140, sees=False) as shown:
            shown.wait(lambda t: b"many-000" in t.raw, "the first guest")
            settle()
            before, begun = cpu_seconds(daemon), time.perf_counter()
            spent = cost(shown, seconds)
            loaded = 100 * (cpu_seconds(daemon) - before) / (time.perf_counter() - begun)
        ages: Sequence[float] = json.loads(Path(result.name).read_text(encoding="utf-8"))
    age = sorted(ages[8:])[int(0.95 * len(ages[8:]))]
    ours = loaded - alone
    name = f"{guests} running guests of QEMU"
    return [
        Row(
            f"{name}: libvirtd because of us",
            f"{ours:.1f} % of a core",
            f"without us {alone:.1f} %",
            None,
            f"{DAEMON_BUDGET:.0f} %",
            ours <= DAEMON_BUDGET,
        ),
        Row(
            f"{name}: age of what is in view when it is replaced, p95",
            f"{age:.2f} s",
            budget=f"{AGE_BUDGET} s",
            met=age <= AGE_BUDGET,
        ),
        Row(
            f"{name}: tuivm, 140x45",
            f"{spent.cpu:.1f} % of a core, {spent.bytes / 1024:.1f} KiB/s",
            budget="8 %, 20 KiB/s",
            met=spent.cpu <= CPU_BUDGET and spent.bytes <= BYTES_BUDGET,
        ),
    ]


def _daemon_percent(pid: int, seconds: float) -> float:
    before, begun = cpu_seconds(pid), time.perf_counter()
    time.sleep(seconds)
    return 100 * (cpu_seconds(pid) - before) / (time.perf_counter() - begun)
