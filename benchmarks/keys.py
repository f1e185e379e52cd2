"""From a key to what it changes on the screen."""

from __future__ import annotations

import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.measure import CHILD, Latency, cursor_line, latency, terminal, test_host, tuivm
from benchmarks.report import Row
from tests.support.rig import Rig

LATENCY_BUDGET, LIST_BUDGET = 50.0, 1000.0
_UP_AND_DOWN = ["\x1b[B"] * 4 + ["\x1b[A"] * 4
_PAGES = ["\x1b[6~"] * 5 + ["j"] * 5 + ["k"] * 5 + ["\x1b[5~"] * 5


def measure_hung(rig: Rig, presses: int) -> list[Row]:
    """The same keys on the same list: libvirtd answers, then it is stopped with SIGSTOP."""
    keys = _UP_AND_DOWN * (presses // 8)
    with terminal(tuivm(rig.uri)) as shown:
        shown.wait(cursor_line, "a highlighted guest")
        shown.wait_text("/5")
        plain = empty(presses)
        well = latency(shown, keys, cursor_line)
        rig.pause()
        try:
            shown.wait_text("stale")
            hung = latency(shown, keys, cursor_line)
            begun = time.perf_counter()
            shown.keys("q")
            shown.wait_end()
            ended = time.perf_counter() - begun
        finally:
            rig.resume()
            rig.wait_answering()
    return [
        _row("key to repaint, no host hangs", well, "empty Textual app with a DataTable", plain),
        _row("key to repaint, libvirtd stopped (SIGSTOP)", hung, "no host hangs", well),
        Row("q to the end of the process, libvirtd stopped", f"{1000 * ended:.0f} ms"),
    ]


def measure_thousand(rounds: int, presses: int) -> list[Row]:
    """1,000 guests of libvirt's test driver: until a key moves in the full list, and scrolling."""
    took = []
    with tempfile.TemporaryDirectory(prefix="tuivm-bench-") as scratch:
        uri = test_host(Path(scratch), "crowd", 1000)
        for _ in range(rounds):
            with terminal(tuivm(uri)) as shown:
                shown.wait_text("/1000")
                shown.wait_text("crowd-0003")
                shown.keys("j")
                moved = shown.wait(lambda t: "crowd-0001" in cursor_line(t), "the cursor to move")
                took.append(1000 * (moved - shown.started))
        with terminal(tuivm(uri)) as shown:
            shown.wait(lambda t: "crowd" in cursor_line(t), "the list")
            scroll = latency(shown, _PAGES * (presses // 20), cursor_line)
    usable = sorted(took)[len(took) // 2]
    return [
        Row(
            "1,000 guests: start until the full list answers a key",
            f"{usable:.0f} ms",
            budget="1 s",
            met=usable < LIST_BUDGET,
        ),
        _row("1,000 guests: scrolling", scroll),
    ]


@contextmanager
def _dead_hosts(count: int) -> Iterator[list[str]]:
    """URIs of hosts of which half refuse and half accept and never say a word."""
    with ExitStack() as stack:
        uris = []
        for number in range(count):
            listener = stack.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
            if number % 2:
                listener.listen()
            uris.append(f"qemu+tcp://127.0.0.1:{port}/system")
        yield uris


def measure_dead(rounds: int, presses: int) -> list[Row]:
    """20 hosts, 10 of them dead, beside the 10 live ones alone."""
    keys = _UP_AND_DOWN * (presses // 8)
    alone: list[float] = []
    among: list[float] = []
    with tempfile.TemporaryDirectory(prefix="tuivm-bench-") as scratch, _dead_hosts(10) as dead:
        live = [test_host(Path(scratch), f"host{number}", 5) for number in range(10)]
        mixed = [uri for pair in zip(dead, live, strict=True) for uri in pair]
        for _ in range(rounds):
            for uris, times in ((live, alone), (mixed, among)):
                with terminal(tuivm(*uris)) as shown:
                    seen = shown.wait_text("host0-0003")
                    times.append(1000 * (seen - shown.started))
        with terminal(tuivm(*mixed)) as shown:
            shown.wait_text("host0-0003")
            pressed = latency(shown, keys, cursor_line)
    base, figure = sorted(alone)[rounds // 2], sorted(among)[rounds // 2]
    return [
        Row(
            "20 hosts, 10 dead: start until all guests of the live ones",
            f"{figure:.0f} ms",
            f"the 10 live ones alone, {base:.0f} ms",
            figure / base,
        ),
        _row("20 hosts, 10 dead: key to repaint", pressed),
    ]


def empty(presses: int) -> Latency:
    """The same of an empty Textual app with a DataTable."""
    with terminal([*CHILD, "empty", "20"]) as shown:
        shown.wait_text("guest-1")
        shown.keys("\x1b[B")
        shown.wait(cursor_line, "a highlighted row")
        # Row 0 stands in the place of our header: `cursor_line` does not look there.
        return latency(shown, _UP_AND_DOWN * (presses // 8), cursor_line)


def _row(what: str, figure: Latency, against: str = "", base: Latency | None = None) -> Row:
    return Row(
        what,
        str(figure),
        f"{against}, p99 {base.p99:.0f} ms" if base else "",
        figure.p99 / base.p99 if base else None,
        "p99 50 ms",
        figure.p99 < LATENCY_BUDGET,
    )
