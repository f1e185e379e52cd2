"""From the command to the first list of guests."""

from __future__ import annotations

import statistics
import subprocess
import time

from benchmarks.measure import CHILD, terminal, tuivm
from benchmarks.report import Row


def _until(arguments: list[str], text: str) -> float:
    with terminal(arguments) as shown:
        took = shown.wait_text(text) - shown.started
        shown.keys("q")
        shown.wait_end()
    return took


def _virsh(uri: str) -> float:
    begun = time.perf_counter()
    subprocess.run(["virsh", "-c", uri, "list", "--all"], capture_output=True, check=True)
    return time.perf_counter() - begun


def measure(uri: str, guest: str, rounds: int) -> list[Row]:
    """uri: a local host; guest: the name of one of its guests. Each round runs all three."""
    ours, empty, virsh = [], [], []
    for number in range(rounds + 1):
        once = _until([*CHILD, "empty", "5"], "guest-1"), _until(tuivm(uri), guest), _virsh(uri)
        # The first round is for the caches (files, Python's bytecode).
        if number:
            for times, took in zip((empty, ours, virsh), once, strict=True):
                times.append(took)
    figure, base = statistics.median(ours), statistics.median(empty)
    ratio = statistics.median(a / b for a, b in zip(ours, empty, strict=True))
    listed = statistics.median(virsh)
    return [
        Row(
            "start to first guest list, local host",
            f"{1000 * figure:.0f} ms",
            f"empty Textual app with a DataTable, {1000 * base:.0f} ms",
            ratio,
            "1.4 x",
            ratio <= 1.4,
        ),
        Row(
            "the same",
            f"{1000 * figure:.0f} ms",
            f"virsh list --all, {1000 * listed:.0f} ms",
            figure / listed,
        ),
    ]
