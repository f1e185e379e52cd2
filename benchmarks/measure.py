"""What the benchmarks share: programs on a terminal, and what they cost."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple
from uuid import UUID
from xml.sax.saxutils import escape

from tests.support.terminal import Terminal

TUIVM = ("-m", "tuivm")
CHILD = ("-m", "benchmarks.children")
_TICK = os.sysconf("SC_CLK_TCK")
SETTLING = 8.0
"""Seconds from the first picture until only the steady state is left."""


@contextmanager
def terminal(
    arguments: Sequence[str], *, rows: int = 24, columns: int = 80, sees: bool = True
) -> Iterator[Terminal]:
    """Python on a terminal, with an empty configuration of its own."""
    with tempfile.TemporaryDirectory(prefix="tuivm-bench-") as scratch:
        own = {"XDG_CONFIG_HOME": scratch, "XDG_STATE_HOME": scratch, "LIBVIRT_DEFAULT_URI": None}
        # What is installed is compiled.
        own["PYTHONDONTWRITEBYTECODE"] = None
        with Terminal(
            [sys.executable, *arguments], rows=rows, columns=columns, env=own, sees=sees
        ) as shown:
            yield shown


def tuivm(*uris: str) -> list[str]:
    """Arguments that open tuivm on these hosts."""
    return [*TUIVM, *(word for uri in uris for word in ("-c", uri))]


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used, all its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def rss_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"process {pid} has no memory")


class Cost(NamedTuple):
    """cpu: percent of a core. bytes: a second, to the terminal."""

    cpu: float
    bytes: float


def settle() -> None:
    """Let pass what belongs to the start: hosts' slow facts, details of all guests, and a round of
    the guests that are sampled in turns. No sign on the screen tells that it is over."""
    time.sleep(SETTLING)


def cost(shown: Terminal, seconds: float) -> Cost:
    """What a program on a terminal costs over some time."""
    pid = shown.process.pid
    cpu, received, begun = cpu_seconds(pid), shown.received, time.perf_counter()
    time.sleep(seconds)
    spent = time.perf_counter() - begun
    return Cost(100 * (cpu_seconds(pid) - cpu) / spent, (shown.received - received) / spent)


class Latency(NamedTuple):
    """Milliseconds from a key to the arrival of what it shows."""

    p50: float
    p99: float

    def __str__(self) -> str:
        return f"p50 {self.p50:.0f} ms, p99 {self.p99:.0f} ms"


def latency(shown: Terminal, keys: Sequence[str], seen: Callable[[Terminal], str]) -> Latency:
    """Press keys, each of which changes what `seen` reads off the screen."""
    times = []
    for key in keys:
        still = ("", seen(shown))
        sent = shown.keys(key)
        times.append(1000 * (shown.wait(partial(_changed, seen, still), repr(key)) - sent))
        # Not in step with the ticks, and not faster than a finger.
        time.sleep(0.037)
    return Latency(statistics.median(times), statistics.quantiles(times, n=100)[-1])


def _changed(seen: Callable[[Terminal], str], still: tuple[str, str], shown: Terminal) -> bool:
    return seen(shown) not in still


def cursor_line(shown: Terminal) -> str:
    """Which row of the table is highlighted, and what it says; "" while none is."""
    for row in range(2, shown.rows):
        if shown.screen.buffer[row][0].bold:
            return f"{row}: {shown.line(row)[:24]}"
    return ""


def test_host(directory: Path, name: str, guests: int) -> str:
    """URI of a host of libvirt's test driver with that many guests."""
    domains = "".join(
        f"<domain type='test'><name>{escape(name)}-{number:04}</name>"
        f"<uuid>{UUID(int=number + 1)}</uuid><memory>65536</memory><vcpu>1</vcpu>"
        f"<os><type>hvm</type></os>"
        f"<devices><disk type='file' device='disk'><source file='/{name}-{number}'/>"
        f"<target dev='vda' bus='virtio'/></disk>"
        f"<interface type='network'><source network='default'/><target dev='v{number}'/>"
        f"<model type='virtio'/></interface></devices></domain>"
        for number in range(guests)
    )
    path = directory / f"{name}.xml"
    path.write_text(f"<node>{domains}</node>", encoding="utf-8")
    return f"test://{path}"
