"""A terminal for a program under test: a pty, a screen that is read by pyte, and a link to it that
can be made as thin as an ssh one."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

import pyte

REPO = Path(__file__).parents[2]
DEADLINE = 30.0
_STEP = 0.02
"""Seconds between two portions of a thin link."""
_DSR = b"\x1b[6n"
# pyte knows nothing of these, and would print what it takes for their text.
_NOT_FOR_PYTE = re.compile(rb"\x1b\[[<=>?][0-9;]*u|\x1b[_P][^\x1b]*\x1b\\")
_CUT_SEQUENCE = re.compile(rb"\x1b(?:\[[0-9;:<=>?$]*|[_P][^\x1b]*\x1b?|\][^\x07\x1b]*\x1b?)?\Z")

ALT_SCREEN, MOUSE, PASTE, FOCUS = 1049, 1003, 2004, 1004
"""DEC private modes, as the program sets them."""


class TerminalError(AssertionError):
    """What was waited for did not come."""


class Terminal:
    """A program on a terminal of its own. Use it as a context manager: its end is the program's.

    rate: bytes a second that the link carries, None for all there is. held: bytes that wait on the
    link besides, as a socket holds them; with 0 the program's own writes wait. sees: read the
    screen; without it only bytes are counted, which costs next to nothing. silent: never answer a
    question for the cursor's position.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        rows: int = 24,
        columns: int = 80,
        env: Mapping[str, str | None] | None = None,
        cwd: Path = REPO,
        rate: float | None = None,
        held: int = 0,
        sees: bool = True,
        silent: bool = False,
    ) -> None:
        self.rows, self.columns = rows, columns
        self.rate, self.held = rate, held
        self._sees, self._silent = sees, silent
        self.received = 0
        """Bytes that arrived at the screen."""
        self.written = 0
        """Bytes that the program wrote; what lies between the two is on the link."""
        self.questions = 0
        self.raw = bytearray()
        """The last of what arrived."""
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self._cut = b""
        self._lock = threading.RLock()
        self._waiting: tuple[Callable[[Terminal], object], threading.Event] | None = None
        self._came = 0.0
        self._closed = False
        self._ended = False
        self._master, slave = pty.openpty()
        self._size(rows, columns)
        self._wake_read, self._wake_write = os.pipe()
        environ = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **(env or {})}
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            # The controlling terminal too: /dev/tty, SIGHUP and job control hang on it.
            ["setsid", "--ctty", *argv],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=cwd,
            env={name: value for name, value in environ.items() if value is not None},
        )
        os.close(slave)
        self._thread = threading.Thread(target=self._carry, name="terminal", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            # Its children too: it leads a session of its own.
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.close()

    # what a person does

    def keys(self, *keys: str) -> float:
        """Send keys, as the bytes that a terminal sends for them; when they were sent."""
        now = time.perf_counter()
        os.write(self._master, "".join(keys).encode())
        return now

    def click(self, row: int, column: int) -> None:
        """Press and release the left button; from 0, as `find` counts."""
        for end in "Mm":
            self.keys(f"\x1b[<0;{column + 1};{row + 1}{end}")

    def resize(self, rows: int, columns: int) -> None:
        with self._lock:
            self.rows, self.columns = rows, columns
            self.screen.resize(rows, columns)
            self._size(rows, columns)

    def close(self) -> None:
        """Take the terminal away, as a closed window does."""
        if self._closed:
            return
        self._closed = True
        os.write(self._wake_write, b"x")
        self._thread.join()
        for end in (self._master, self._wake_read, self._wake_write):
            os.close(end)

    # what a person sees

    @property
    def lines(self) -> list[str]:
        with self._lock:
            return [line.rstrip() for line in self.screen.display]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def line(self, row: int) -> str:
        """One line, cheaply. Negative rows count from below."""
        with self._lock:
            cells = self.screen.buffer[row % self.rows]
            return "".join(cells[column].data for column in range(self.columns))

    def find(self, text: str) -> tuple[int, int] | None:
        """Row and column, from 0, of the first place where the text stands."""
        for row, line in enumerate(self.lines):
            if (column := line.find(text)) >= 0:
                return row, column
        return None

    def mode(self, number: int) -> bool:
        """Whether a DEC private mode is on."""
        return number << 5 in self.screen.mode

    @property
    def cursor_shown(self) -> bool:
        return not self.screen.cursor.hidden

    @property
    def cooked(self) -> bool:
        """Whether typing is echoed and lines are edited, as a shell's user expects."""
        flags = termios.tcgetattr(self._master)[3]
        return bool(flags & termios.ECHO) and bool(flags & termios.ICANON)

    @property
    def on_link(self) -> int:
        """Bytes that the program wrote and that have not arrived."""
        return self.written - self.received

    def wait(
        self,
        condition: Callable[[Terminal], object],
        what: str,
        seconds: float = DEADLINE,
    ) -> float:
        """Wait until it holds; when what made it true arrived (perf_counter)."""
        event = threading.Event()
        with self._lock:
            if condition(self):
                return time.perf_counter()
            self._waiting = condition, event
        event.wait(seconds)
        with self._lock:
            self._waiting = None
            if event.is_set():
                return self._came
            # A condition on something else than the screen may have come true since.
            if condition(self):
                return time.perf_counter()
        raise TerminalError(f"waited {seconds:.0f} s for {what}; the screen:\n{self.text}")

    def wait_text(self, text: str, seconds: float = DEADLINE) -> float:
        return self.wait(lambda t: text in t.text, f"{text!r} on the screen", seconds)

    def wait_gone(self, text: str, seconds: float = DEADLINE) -> float:
        return self.wait(lambda t: text not in t.text, f"{text!r} to leave the screen", seconds)

    def wait_end(self, seconds: float = DEADLINE) -> int:
        """The program's exit code (negative: the signal), when all that it wrote has arrived."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise TerminalError(f"it did not end in {seconds:.0f} s:\n{self.text}") from None
        if not self._closed:
            self.wait(lambda t: t._ended, "the end of its output", seconds)
        return code

    # the link

    def _size(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _carry(self) -> None:
        queue = bytearray()
        last = time.monotonic()
        allowance = 0.0
        reading = True
        while reading or queue:
            rate = self.rate
            room = rate is None or len(queue) <= self.held
            sources = [self._wake_read, *([self._master] if reading and room else [])]
            ready = select.select(sources, [], [], _STEP if queue or not room else None)[0]
            if self._closed:
                return
            if self._master in ready:
                most = 1 << 16 if rate is None or self.held else max(1, int(rate * _STEP))
                try:
                    data = os.read(self._master, most)
                except OSError:  # how Linux says that the other end of a pty was closed
                    data = b""
                reading = bool(data)
                self.written += len(data)
                queue += data
            now = time.monotonic()
            if rate is None:
                portion = len(queue)
            else:
                allowance = min(allowance + rate * (now - last), max(1.0, rate * 5 * _STEP))
                portion = min(len(queue), int(allowance))
                allowance -= portion
            last = now
            if portion:
                self._arrive(bytes(queue[:portion]))
                del queue[:portion]
        with self._lock:
            self._ended = True
            self._look()

    def _arrive(self, data: bytes) -> None:
        came = time.perf_counter()
        with self._lock:
            self.received += len(data)
            self.raw = (self.raw + data)[-65536:]
            data = self._cut + data
            # A sequence that is not all there yet would go unseen in both its parts.
            cut = _CUT_SEQUENCE.search(data[-4096:])
            self._cut = cut.group() if cut else b""
            data = data[: len(data) - len(self._cut)]
            asked = data.count(_DSR)
            if self._sees:
                self._stream.feed(_NOT_FOR_PYTE.sub(b"", data))
            self.questions += asked
            if asked and not self._silent:
                cursor = self.screen.cursor
                os.write(self._master, b"\x1b[%d;%dR" % (cursor.y + 1, cursor.x + 1) * asked)
            self._came = came
            self._look()

    def _look(self) -> None:
        if self._waiting is not None and not self._waiting[1].is_set():
            condition, event = self._waiting
            if condition(self):
                event.set()
