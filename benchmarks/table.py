"""What a tick of live figures and a scrolled page cost: our table beside Textual's DataTable.

Each table runs in a child process on a pty of 160x48; its driver counts the bytes that it writes.

tick: 100 rows of 10 columns, of which 30 % of the cells change. CPU time and bytes of the process
from one tick to the next, less the making of the figures. scroll: 1,000 rows, seen from the other
end of the pty: the time from a key (up, down, page up, page down) to the first byte of the answer.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import random
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path
from typing import NamedTuple, Protocol, Self

from textual.app import App, ComposeResult
from textual.drivers.linux_driver import LinuxDriver
from textual.widget import Widget
from textual.widgets import DataTable

from tuivm._compat import paint_changed_spans_only
from tuivm.model.table import Cell, Column
from tuivm.themes import VARIABLE_DEFAULTS
from tuivm.widgets.livetable import LiveTable
from tuivm.widgets.rowset import Row

WIDTH, HEIGHT = 160, 48
COLUMNS = 10
CHANGING = 0.3
TICKS = 100
PAUSE = 0.1
KEYS = 300
_PAGE_DOWN, _PAGE_UP, _DOWN, _UP = b"\x1b[6~", b"\x1b[5~", b"\x1b[B", b"\x1b[A"

Figures = list[list[str]]


class Ticked(NamedTuple):
    """CPU time in ms and bytes of one tick."""

    ms_mean: float
    ms_p95: float
    bytes_mean: float
    bytes_max: int


class Scrolled(NamedTuple):
    """Milliseconds from a key to the first byte that answers it."""

    ms_median: float
    ms_p99: float
    ms_max: float


class _CountingDriver(LinuxDriver):
    written = 0

    def write(self, data: str) -> None:
        type(self).written += len(data.encode())
        super().write(data)


class _Table(Protocol):
    widget: Widget

    def start(self, figures: Figures) -> None: ...

    def tick(self, figures: Figures, changed: list[tuple[int, int]]) -> None: ...


class _Ours:
    def __init__(self) -> None:
        columns = [Column("c0", "NAME", 12, flex=1, maximum=30, priority=9)]
        columns += [
            Column(f"c{n}", f"FIGURE {n}", 9, align="right", priority=5) for n in range(1, COLUMNS)
        ]
        self.widget: Widget = LiveTable(columns)

    def start(self, figures: Figures) -> None:
        assert isinstance(self.widget, LiveTable)
        self.widget.set_rows(Row(n, _cells(row)) for n, row in enumerate(figures))

    def tick(self, figures: Figures, changed: list[tuple[int, int]]) -> None:
        """Which cells changed is for it to find out."""
        del changed
        self.start(figures)


def _cells(row: list[str]) -> tuple[Cell, ...]:
    roles = ("", "running", *[""] * (COLUMNS - 3), "dim")
    return tuple(((text, role),) for text, role in zip(row, roles, strict=True))


class _Textuals:
    def __init__(self) -> None:
        self._table: DataTable[str] = DataTable(cursor_type="row")
        self.widget: Widget = self._table

    def start(self, figures: Figures) -> None:
        for number in range(COLUMNS):
            self._table.add_column(f"FIGURE {number}", key=str(number), width=11)
        for number, row in enumerate(figures):
            self._table.add_row(*row, key=str(number))

    def tick(self, figures: Figures, changed: list[tuple[int, int]]) -> None:
        for row, column in changed:
            self._table.update_cell(str(row), str(column), figures[row][column])


_AS_TEXTUAL_PAINTS = "LiveTable, unpatched"
"""Without `_compat.paint_changed_spans_only`."""
_TABLES: dict[str, type[_Ours] | type[_Textuals]] = {
    "LiveTable": _Ours,
    _AS_TEXTUAL_PAINTS: _Ours,
    "DataTable": _Textuals,
}


class _TableApp(App[Ticked]):
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, table: _Table, rows: int, *, ticking: bool) -> None:
        super().__init__(driver_class=_CountingDriver)
        self._table = table
        self._random = random.Random(1)
        self._figures = [
            [f"guest-{n}", *(self._figure() for _ in range(COLUMNS - 1))] for n in range(rows)
        ]
        self._ticking = ticking
        self._ticks = 0
        self._spent: list[float] = []
        self._sizes: list[int] = []
        self._since = (0.0, 0)

    def _figure(self) -> str:
        return f"{self._random.random() * 100:.1f}"

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return VARIABLE_DEFAULTS

    def compose(self) -> ComposeResult:
        yield self._table.widget

    def on_ready(self) -> None:
        self._table.widget.focus()
        self._table.start(self._figures)
        if self._ticking:
            self.set_interval(PAUSE, self._tick)

    def key_q(self) -> None:
        self.exit()

    def _tick(self) -> None:
        # The first ticks come while the first picture is painted.
        if self._ticks > 2:
            self._spent.append(1000 * (time.process_time() - self._since[0]))
            self._sizes.append(_CountingDriver.written - self._since[1])
        if len(self._sizes) == TICKS:
            p95 = statistics.quantiles(self._spent, n=20)[-1]
            mean, size = statistics.mean(self._spent), statistics.mean(self._sizes)
            self.exit(Ticked(mean, p95, size, max(self._sizes)))
            return
        cells = [(row, cell) for row in range(len(self._figures)) for cell in range(1, COLUMNS)]
        changed = self._random.sample(cells, round(CHANGING * len(self._figures) * COLUMNS))
        for row, cell in changed:
            self._figures[row][cell] = self._figure()
        self._ticks += 1
        self._since = time.process_time(), _CountingDriver.written
        self._table.tick(self._figures, changed)


class _Child:
    """A table on a pty of its own."""

    def __init__(self, *arguments: str) -> None:
        self.controller, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.table", "--child", *arguments],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
        )
        os.close(terminal)
        self.last = b""

    def read(self, seconds: float | None) -> bool:
        """Whether anything came within that time (None: whenever)."""
        if not select.select([self.controller], [], [], seconds)[0]:
            return False
        try:
            self.last = os.read(self.controller, 1 << 20)
        except OSError:  # how a pty says on Linux that its other end was closed
            self.last = b""
        return bool(self.last)

    def settle(self, seconds: float) -> None:
        """Read until nothing came for that time."""
        while self.read(seconds):
            pass

    def key(self, key: bytes) -> float:
        """Milliseconds until the first answer."""
        begun = time.perf_counter()
        os.write(self.controller, key)
        if not self.read(5.0):
            raise RuntimeError(f"no answer to {key!r}")
        return 1000 * (time.perf_counter() - begun)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # Left alone, its input thread would spin on the closed pty.
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.controller)

    def end(self) -> None:
        """RuntimeError if it did not end well."""
        while self.read(None):
            pass
        if self.process.wait() != 0:
            raise RuntimeError(f"the table ended with {self.process.returncode}: {self.last!r}")


def measure_ticks(table: str, rows: int = 100) -> Ticked:
    """table: one of `_TABLES`. RuntimeError if its process fails."""
    with tempfile.NamedTemporaryFile(suffix=".json") as result:
        with _Child(table, str(rows), result.name) as child:
            child.end()
        return Ticked(**json.loads(Path(result.name).read_text(encoding="utf-8")))


def measure_scroll(table: str, rows: int = 1000) -> Scrolled:
    """As `measure_ticks`."""
    # Each of them moves the cursor, and all together it comes out where it started.
    keys = [*[_PAGE_DOWN] * 5, *[_DOWN] * 5, *[_UP] * 5, *[_PAGE_UP] * 5] * (KEYS // 20)
    times = []
    with _Child(table, str(rows)) as child:
        child.read(None)
        child.settle(2.0)
        for key in keys:
            times.append(child.key(key))
            child.settle(0.03)
        os.write(child.controller, b"q")
        child.end()
    return Scrolled(statistics.median(times), statistics.quantiles(times, n=100)[-1], max(times))


def main() -> None:
    """Print a row for each table."""
    print(
        f"{WIDTH}x{HEIGHT}; tick: 100 rows x {COLUMNS}, {CHANGING:.0%} change; scroll: 1,000 rows"
    )
    print(
        f"{'table':<20} {'ms/tick':>8} {'p95':>6} {'KiB/tick':>9} {'max':>6}"
        f" {'scroll ms':>10} {'p99':>6} {'max':>6}"
    )
    for table in _TABLES:
        tick, scroll = measure_ticks(table), measure_scroll(table)
        print(
            f"{table:<20} {tick.ms_mean:>8.1f} {tick.ms_p95:>6.1f} {tick.bytes_mean / 1024:>9.2f}"
            f" {tick.bytes_max / 1024:>6.2f} {scroll.ms_median:>10.1f} {scroll.ms_p99:>6.1f}"
            f" {scroll.ms_max:>6.1f}",
            flush=True,
        )


def _child(table: str, rows: str, result: str = "") -> int:
    if table == "LiveTable":
        paint_changed_spans_only()
    cost = _TableApp(_TABLES[table](), int(rows), ticking=bool(result)).run()
    if result:
        if cost is None:
            return 1
        Path(result).write_text(json.dumps(cost._asdict()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        sys.exit(_child(*sys.argv[2:]))
    main()
