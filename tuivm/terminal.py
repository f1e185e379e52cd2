"""A terminal lent to a guest's serial console: keys there, output here, until Ctrl+] or the end.

Knows neither Textual nor libvirt. The terminal is put back in order afterwards, whatever the guest
wrote to it: modes, colours, character sets, the alternate screen, what it made the terminal answer.
"""

from __future__ import annotations

import errno
import os
import re
import select
import termios
import threading
import time
import tty
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from tuivm.model.units import byte_count

_LEAVE = re.compile(rb"\x1d|\x1b\[93;5(?::1)?u|\x1b\[27;5;93~")
"""Ctrl+]: plainly, and as terminals send it once a guest switched on kitty's keyboard protocol or
xterm's modifyOtherKeys."""
_MOST_WAITING = 1 << 20
"""Bytes of output that may wait for the terminal."""
_CHUNK = 4096
_QUESTION = b"\x1b[6n"
_ANSWER = re.compile(rb"\x1b\[\d+;\d+R")
_ANSWERS = re.compile(rb"\x1b\[[?>=]?[0-9;]*(?:\$y|[Rcnty])")
"""What terminals send by themselves: where the cursor is, modes, what they are, their size."""
_ANSWER_WAIT = 0.5
"""Seconds to wait for the terminal's answer; one that has none gets no more."""

_BEFORE = b"\x1b[22;0t"
"""Have the terminal remember its title."""
_MODES_OFF = (
    *(1, 5, 6, 9, 66, 69, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1015, 1016),
    *(2004, 2026, 2031, 2048),
)
"""DEC's private modes: keys, colours turned round, margins, the mouse, focus, paste, updates held
back, reports of changes."""
_ALTERNATE = re.compile(rb"\x1b\[\?[0-9;]*(?:47|1047|1049)[0-9;]*h")
_ALTERNATE_OFF = b"\x1b[?1049l"
_ALTERNATE_LONGEST = 16
_AFTER = (
    b"\x1b[4i"  # output no longer goes to a printer
    b"\x1b[!p"  # soft reset
    + b"".join(b"\x1b[?%dl" % mode for mode in _MODES_OFF)
    + b"\x1b[?7h\x1b[?25h\x1b[4l\x1b[20l"  # wrap, cursor; no insertion, no automatic new line
    b"\x1b[r\x1b>"  # all of the screen scrolls; plain keypad
    b"\x0f\x1b(B\x1b)B"  # character sets
    b"\x1b[<99u\x1b[=0u\x1b[>4m"  # plain keys
    b"\x1b[0 q\x1b[0m"  # shape of the cursor, colours
    b"\x1b[23;0t"  # the title from before
)
_PALETTE = b"\x1b]104\x1b\\\x1b]110\x1b\\\x1b]111\x1b\\\x1b]112\x1b\\"
_PALETTE_LINUX = b"\x1b]R"


class Ended(NamedTuple):
    """How it ended. left: by the person's key. why: else, in words, "" for good order."""

    left: bool
    why: str = ""


class TerminalLoan:
    """One console on one terminal. `got` and `ended` may be called from any thread.

    send: types something into the guest; False when that takes no more at present. read_fd,
    write_fd: the terminal's.
    """

    def __init__(self, read_fd: int, write_fd: int, *, linux: bool = False) -> None:
        self._in, self._out = read_fd, write_fd
        self._palette = _PALETTE_LINUX if linux else _PALETTE
        self._changed = threading.Condition()
        self._output: deque[bytes] = deque()
        self._waiting = 0
        self._left_out = 0
        self._alternate = False
        self._tail = b""
        self._end: Ended | None = None
        self._wake_read, self._wake_write = os.pipe()
        self._closed = False
        self._attributes: list[Any] | None = None

    # from the console

    def got(self, data: bytes) -> None:
        """Output of the guest. What the terminal is too slow for is left out, and that is said."""
        with self._changed:
            seen = self._tail + data
            self._tail = seen[-_ALTERNATE_LONGEST:]
            self._alternate = self._alternate or _ALTERNATE.search(seen) is not None
            if self._waiting + len(data) > _MOST_WAITING:
                self._left_out += self._waiting
                self._output.clear()
                self._waiting = 0
            self._output.append(data[-_MOST_WAITING:])
            self._waiting += len(self._output[-1])
            self._changed.notify_all()

    def ended(self, why: str) -> None:
        """The console is closed."""
        self._finish(Ended(left=False, why=why))

    def stop(self) -> None:
        """End it from outside. Comes back at once."""
        self._finish(Ended(left=False, why="stopped"))

    def _finish(self, end: Ended) -> None:
        with self._changed:
            if self._end is None:
                self._end = end
            self._changed.notify_all()
            if not self._closed:
                os.write(self._wake_write, b"x")

    def close(self) -> None:
        """Let go of what it holds, once `run` is over."""
        with self._changed:
            if not self._closed:
                self._closed = True
                os.close(self._wake_read)
                os.close(self._wake_write)

    # on the terminal

    def run(self, greeting: str, send: Callable[[bytes], bool]) -> Ended:
        """Lend the terminal until somebody ends it. Blocks; puts the terminal in order."""
        self._attributes = termios.tcgetattr(self._in)
        tty.setraw(self._in)
        try:
            self._write(_BEFORE + greeting.replace("\n", "\r\n").encode() + b"\r\n")
            # Answers to questions that were asked before are not for the guest.
            early = self._swallow_answers()
            writer = threading.Thread(target=self._show, name="console-output", daemon=True)
            writer.start()
            self._pass_on(early, send)
            writer.join()
            self._write(self._after())
            self._swallow_answers()
        except OSError as error:
            # The terminal is gone.
            if error.errno not in (errno.EIO, errno.EBADF, errno.ENXIO):
                raise
            self._finish(Ended(left=False, why="the terminal is gone"))
        finally:
            self.restore()
        return self._end or Ended(left=True)

    def restore(self) -> None:
        """Line editing and echo as they were; may be called from any thread, again too."""
        attributes, self._attributes = self._attributes, None
        if attributes is not None:
            try:
                termios.tcflush(self._in, termios.TCIFLUSH)
                termios.tcsetattr(self._in, termios.TCSANOW, attributes)
            except termios.error:
                return

    def _after(self) -> bytes:
        # Asked for where it was not entered, it would move the cursor over what was there before.
        alternate = _ALTERNATE_OFF if self._alternate else b""
        return b"\x18\x1b\\" + alternate + _AFTER + self._palette + b"\r\n"

    def _pass_on(self, typed: bytes, send: Callable[[bytes], bool]) -> None:
        """Keys to the guest, until the one that leaves or the end."""
        rest = typed
        while True:
            leave = _LEAVE.search(rest)
            data = rest[: leave.start()] if leave else rest
            if data and not send(data):
                self.got(b"\x07")
            if leave:
                self._finish(Ended(left=True))
            if self._end is not None:
                return
            ready = select.select([self._in, self._wake_read], [], [])[0]
            rest = b""
            if self._in in ready:
                rest = os.read(self._in, _CHUNK)
                if not rest:
                    self._finish(Ended(left=False, why="the terminal is gone"))

    def _show(self) -> None:
        """Output of the guest to the terminal, on a thread of its own: a terminal may be slow."""
        try:
            while (data := self._next()) is not None:
                self._write(data)
        except OSError:
            self._finish(Ended(left=False, why="the terminal is gone"))

    def _next(self) -> bytes | None:
        with self._changed:
            self._changed.wait_for(lambda: self._output or self._end is not None)
            end = self._end
            if end is not None and (end.left or not self._output):
                return None
            if self._left_out:
                text = f"\r\n[{byte_count(self._left_out)} of output left out: slow terminal]\r\n"
                self._left_out = 0
                return b"\x18\x1b[0m" + text.encode()
            data = self._output.popleft()
            if len(data) > _CHUNK:
                self._output.appendleft(data[_CHUNK:])
                data = data[:_CHUNK]
            self._waiting -= len(data)
            return data

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._out, data) :]

    def _swallow_answers(self) -> bytes:
        """Ask the terminal something, so that all earlier answers have come. What else came."""
        self._write(_QUESTION)
        until, heard = time.monotonic() + _ANSWER_WAIT, b""
        while (left := until - time.monotonic()) > 0:
            if not select.select([self._in], [], [], left)[0]:
                break
            data = os.read(self._in, _CHUNK)
            if not data:
                break
            heard += data
            if _ANSWER.search(heard):
                break
        return _ANSWERS.sub(b"", heard)
