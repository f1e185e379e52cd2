"""The trees of devices of a large host: until they are there, and from a key to what it shows."""

from __future__ import annotations

import statistics

from benchmarks.keys import LATENCY_BUDGET, empty
from benchmarks.measure import CHILD, Latency, latency, terminal
from benchmarks.report import Row
from tests.support.terminal import Terminal

OPEN_BUDGET = 200.0
_WALK = ["j"] * 10 + ["\x1b[6~"] * 10 + ["k"] * 10 + ["\x1b[5~"] * 10
_SIZES = ((24, 80), (48, 160))
WHAT = "400 PCI devices, 256 VFs, 64 USB devices"


def measure(rounds: int, presses: int) -> list[Row]:
    """A simulated host that answers at once: what is timed is the user interface alone."""
    rows = []
    plain = empty(presses)
    for lines, columns in _SIZES:
        opened: dict[str, list[float]] = {"PCI": [], "USB": []}
        for _ in range(rounds):
            with terminal([*CHILD, "devices"], rows=lines, columns=columns) as shown:
                _to_hosts(shown)
                for page, words in (("PCI", "Sample Controller"), ("USB", "SanDisk Ultra")):
                    sent = shown.keys("\t")
                    opened[page].append(1000 * (shown.wait_text(words) - sent))
        rows += [_opened(page, times, columns, lines) for page, times in opened.items()]
        with terminal([*CHILD, "devices"], rows=lines, columns=columns) as shown:
            _to_hosts(shown)
            shown.keys("\t")
            shown.wait_text("Sample Controller")
            moved = latency(shown, _walk(presses), _highlighted)
            rows.append(_walked(f"moving, {columns}x{lines}", moved, plain))
            told = latency(shown, _walk(presses), _told)
            rows.append(Row(f"PCI page, moving, the lines below, {columns}x{lines}", str(told)))
            shown.keys("G")
            shown.wait_text("ConnectX-6")
            folded = _folded(shown)
            rows.append(_walked(f"256 VFs folded and unfolded, {columns}x{lines}", folded, plain))
    return rows


def _to_hosts(shown: Terminal) -> None:
    shown.wait_text("guest-1")
    shown.keys("3")
    shown.wait_text("networks")


def _walk(presses: int) -> list[str]:
    return _WALK * max(1, presses // len(_WALK))


def _folded(shown: Terminal) -> Latency:
    """On the last row, which is the PF while its VFs are folded."""
    return latency(shown, ["\r"] * 40, lambda one: str("▾ ef:00.0" in one.text))


def _highlighted(shown: Terminal) -> str:
    """The row whose background no other has, and what it says; headings are bold as it is."""
    colours = [shown.screen.buffer[row][shown.columns - 5].bg for row in range(4, shown.rows - 1)]
    alone = [row for row, colour in enumerate(colours, 4) if colours.count(colour) == 1]
    return " ".join(f"{row} {shown.line(row)[:60]}" for row in alone)


def _told(shown: Terminal) -> str:
    """Of which device the lines under the tree tell: it is painted after the tree."""
    lines = [shown.line(row) for row in range(shown.rows)]
    border = next((row for row, line in enumerate(lines) if line.endswith("─" * 20)), 0)
    return lines[border + 1] if border else ""


def _opened(page: str, times: list[float], columns: int, lines: int) -> Row:
    middle = statistics.median(times)
    return Row(
        f"{page} page opens: {WHAT}, {columns}x{lines}",
        f"{middle:.0f} ms",
        budget=f"{OPEN_BUDGET:.0f} ms",
        met=middle <= OPEN_BUDGET,
    )


def _walked(what: str, took: Latency, plain: Latency) -> Row:
    return Row(
        f"PCI page, {what}",
        str(took),
        f"empty Textual app with a DataTable, p99 {plain.p99:.0f} ms",
        took.p99 / plain.p99,
        f"p99 {LATENCY_BUDGET:.0f} ms",
        took.p99 < LATENCY_BUDGET,
    )
