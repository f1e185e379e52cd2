"""What tuivm costs while it shows guests: CPU, bytes to the terminal, memory."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from benchmarks.measure import CHILD, Cost, cost, rss_mib, settle, terminal, tuivm
from benchmarks.report import Row

SIZES = ((24, 80), (45, 140))
CHARTS = (48, 160)
CPU_BUDGET, BYTES_BUDGET, IDLE_BUDGET, MEMORY_BUDGET = 8.0, 20 * 1024, 1024, 90


def _live(
    guests: int, rows: int, columns: int, seconds: float, what: str = "live", keys: str = ""
) -> Cost:
    """Without the CPU time that making the simulated figures takes.

    what: the child; keys: what to press once the guests are there.
    """
    with tempfile.NamedTemporaryFile(suffix=".json") as result:
        child = [*CHILD, what, str(guests), result.name]
        with terminal(child, rows=rows, columns=columns, sees=False) as shown:
            shown.wait(lambda t: b"guest-000" in t.raw, "the first guest")
            if keys:
                shown.keys(keys)
                shown.wait(lambda t: b"host CPU by" in t.raw, "the last chart")
            settle()
            before = json.loads(Path(result.name).read_text(encoding="utf-8"))["feeding"]
            spent = cost(shown, seconds)
            after = json.loads(Path(result.name).read_text(encoding="utf-8"))["feeding"]
    return Cost(spent.cpu - 100 * (after - before) / seconds, spent.bytes)


def measure(seconds: float) -> list[Row]:
    """1, 10 and 100 simulated guests that all change once a second."""
    rows = []
    base: Cost | None = None
    for lines, columns in SIZES:
        for guests in (1, 10, 100):
            spent = _live(guests, lines, columns, seconds)
            base = spent if guests == 1 or base is None else base
            met = spent.cpu <= CPU_BUDGET and spent.bytes <= BYTES_BUDGET
            rows.append(
                Row(
                    f"{guests} running, 1 Hz, with chart, {columns}x{lines}",
                    f"{spent.cpu:.1f} % of a core, {spent.bytes / 1024:.1f} KiB/s",
                    "1 guest" if guests > 1 else "",
                    spent.cpu / base.cpu if guests > 1 else None,
                    "8 %, 20 KiB/s" if guests == 100 else "",
                    met if guests == 100 else None,
                )
            )
    return rows


def measure_charts(seconds: float) -> list[Row]:
    """The performance of one of 100 simulated guests: eight charts, of eight devices of two classes
    and of four vCPUs."""
    rows = []
    for window, keys in (("5 min", "m"), ("1 min", "m[")):
        spent = _live(100, *CHARTS, seconds, "charted", keys)
        rows.append(
            Row(
                f"8 charts of one guest of 100, 1 Hz, {window}, {CHARTS[1]}x{CHARTS[0]}",
                f"{spent.cpu:.1f} % of a core, {spent.bytes / 1024:.1f} KiB/s",
                budget="8 %, 20 KiB/s",
                met=spent.cpu <= CPU_BUDGET and spent.bytes <= BYTES_BUDGET,
            )
        )
    return rows


def measure_idle(uri: str, guest: str, seconds: float) -> list[Row]:
    """A real host on which nothing happens."""
    rows = []
    for lines, columns in SIZES:
        with terminal(tuivm(uri), rows=lines, columns=columns) as shown:
            shown.wait_text(guest)
            settle()
            spent = cost(shown, seconds)
        rows.append(
            Row(
                f"nothing changes, {columns}x{lines}",
                f"{spent.cpu:.1f} % of a core, {spent.bytes:.0f} B/s",
                budget="1 KiB/s",
                met=spent.bytes < IDLE_BUDGET,
            )
        )
    return rows


def measure_memory() -> list[Row]:
    """100 guests of 10 devices, and what is remembered of them."""
    with terminal([*CHILD, "empty", "5"]) as shown:
        shown.wait_text("guest-1")
        empty = rss_mib(shown.process.pid)
    with terminal([*CHILD, "hours", "100"], rows=45, columns=140) as shown:
        shown.wait_text("guest-000")
        begun = rss_mib(shown.process.pid)
        shown.wait_text("an hour has passed", seconds=1200)
        grown = rss_mib(shown.process.pid)
        shown.wait_text("six hours have passed", seconds=1200)
        full = rss_mib(shown.process.pid)
    return [
        Row(
            "memory with 100 guests of 10 devices and an hour of history",
            f"{grown:.0f} MiB",
            f"{begun:.0f} MiB at the start (empty Textual app: {empty:.0f} MiB)",
            grown / begun,
            "90 MiB",
            grown < MEMORY_BUDGET,
        ),
        Row(
            "the same, six hours, in the last five of which every series varies",
            f"{full:.0f} MiB",
            "the same",
            full / begun,
        ),
    ]
