"""What one push of live data costs: 8 time charts with 3 series each, on a real pty.

A child process runs the app on a pty of 160x48; its driver counts the bytes that it writes. Pushes
are a second of measured time apart but come ten times as fast; a push costs the CPU time and the
bytes of the process from one push to the next, less the making of the figures themselves.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import pty
import random
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path
from typing import NamedTuple

from textual.app import App, ComposeResult
from textual.containers import Grid
from textual.drivers.linux_driver import LinuxDriver

from tuivm.widgets.timechart import ChartData, ChartSeries, ChartStyle, TimeChart

CHARTS = 8
SERIES = 3
WIDTH, HEIGHT = 160, 48
PUSHES = 120
PAUSE = 0.1
WINDOW = 300.0
STYLES: tuple[ChartStyle, ...] = ("braille", "block", "ascii")


class Cost(NamedTuple):
    """Of one push of all charts. points: values drawn; ms: CPU time, from values to painted."""

    style: str
    points: int
    ms_mean: float
    ms_p95: float
    bytes_mean: float
    bytes_max: int

    def row(self) -> str:
        return (
            f"{self.style:<8} {self.points:>6} {self.ms_mean:>8.1f} {self.ms_p95:>8.1f}"
            f" {self.bytes_mean / 1024:>9.2f} {self.bytes_max / 1024:>9.2f}"
        )


HEADING = f"{'style':<8} {'points':>6} {'ms mean':>8} {'ms p95':>8} {'KiB mean':>9} {'KiB max':>9}"


class _CountingDriver(LinuxDriver):
    written = 0

    def write(self, data: str) -> None:
        type(self).written += len(data.encode())
        super().write(data)


class _ChartsApp(App[Cost]):
    CSS = f"Grid {{ grid-size: 2 {CHARTS // 2}; }}"
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, style: ChartStyle) -> None:
        super().__init__(driver_class=_CountingDriver)
        self._charts = [TimeChart(style=style) for _ in range(CHARTS)]
        self._kind = style
        self._pushes = 0
        self._spent: list[float] = []
        self._sizes: list[int] = []
        self._since = (0.0, 0)

    def compose(self) -> ComposeResult:
        yield Grid(*self._charts)

    def on_ready(self) -> None:
        self.set_interval(PAUSE, self._push)

    def _push(self) -> None:
        # The first two pushes paint everything.
        if self._pushes > 2:
            self._spent.append(1000 * (time.process_time() - self._since[0]))
            self._sizes.append(_CountingDriver.written - self._since[1])
        if len(self._sizes) == PUSHES:
            self.exit(self._cost())
            return
        now = 100_000.0 + self._pushes
        data = [_data(chart, number, now) for number, chart in enumerate(self._charts)]
        self._pushes += 1
        self._since = time.process_time(), _CountingDriver.written
        for chart, shown in zip(self._charts, data, strict=True):
            chart.set_data(shown)

    def _cost(self) -> Cost:
        return Cost(
            self._kind,
            sum(chart.dot_columns for chart in self._charts) * SERIES,
            statistics.mean(self._spent),
            statistics.quantiles(self._spent, n=20)[-1],
            statistics.mean(self._sizes),
            max(self._sizes),
        )


def _data(chart: TimeChart, number: int, now: float) -> ChartData:
    window = chart.window(WINDOW, now)
    past = int(now // window.step)
    buckets = range(window.end_bucket - window.count + 1, window.end_bucket + 1)
    return ChartData(
        f"guest-{number} · disks",
        "B/s",
        window.step,
        window.end_bucket,
        tuple(
            ChartSeries(
                f"vd{'abc'[index]}",
                [_load(number, index, b) if b <= past else math.nan for b in buckets],
                f"series-{index + 1}",
                value=f"{_load(number, index, past) / 2**20:.1f}M",
            )
            for index in range(SERIES)
        ),
    )


def _load(chart: int, series: int, bucket: int) -> float:
    """A disk's load: a slow wave with noise on it, the same for a bucket whenever asked."""
    noise = random.Random(bucket * 64 + chart * 8 + series).random()
    wave = math.sin(bucket / (11 + 5 * series + chart))
    return (2.0 + wave + 0.5 * noise) * 2.0 ** (22 + series)


def measure(style: ChartStyle) -> Cost:
    """Run the charts on a pty of their own; raises RuntimeError when they did not get through."""
    with tempfile.NamedTemporaryFile(suffix=".json") as result:
        controller, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
        child = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.chart", "--child", style, result.name],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
        )
        os.close(terminal)
        last = _drain(controller)
        os.close(controller)
        if child.wait() != 0:
            raise RuntimeError(f"the charts ended with {child.returncode}: {last!r}")
        return Cost(**json.loads(Path(result.name).read_text(encoding="utf-8")))


def _drain(controller: int) -> bytes:
    """Read a pty until nobody writes to it any more; the last of what was read."""
    last = b""
    while True:
        try:
            data = os.read(controller, 65536)
        except OSError:  # how a pty says on Linux that its other end was closed
            return last
        if not data:
            return last
        last = data


def main() -> None:
    """Print one row a style: CPU time and bytes of a push of all charts."""
    print(f"{CHARTS} charts x {SERIES} series, {WIDTH}x{HEIGHT}, {WINDOW:.0f} s, {PUSHES} pushes")
    print(HEADING)
    for style in STYLES:
        print(measure(style).row(), flush=True)


def _child(style: str, result: str) -> int:
    cost = _ChartsApp(next(known for known in STYLES if known == style)).run()
    if cost is None:
        return 1
    Path(result).write_text(json.dumps(cost._asdict()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        sys.exit(_child(*sys.argv[2:]))
    main()
