"""Streams of a lab guest, read as data comes: the line to the appliance, and its console."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress

import libvirt

from tuivm.hypervisor.streams import Reader, free
from tuivm.lab.ports import LabError

LONGEST = 1024 * 1024
"""Bytes of a line; an appliance that sends more is out of order."""
MOST = 64 * LONGEST
"""Bytes that may wait to be taken."""
TAIL = 50
"""Lines of the console that are kept."""
_CHUNK = 64 * 1024
"""Bytes handed to libvirt at once; a message of its protocol takes no more than 256 KiB."""


class Messages:
    """JSON objects, one a line, out of pieces of any size. Feed it from one thread, take from
    another. Pure, but for waiting."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._part = bytearray()
        self._lines: deque[bytes] = deque()
        self._waiting = 0
        self._end: str | None = None

    def feed(self, data: bytes) -> None:
        with self._changed:
            if self._end is not None:
                return
            # Only what is new is searched: a line of a megabyte comes in many pieces.
            *lines, rest = data.split(b"\n")
            longest = 0
            for line in lines:
                self._part += line
                longest = max(longest, len(self._part))
                self._lines.append(bytes(self._part))
                self._waiting += len(self._part)
                self._part.clear()
            self._part += rest
            if max(longest, len(self._part)) > LONGEST or self._waiting > MOST:
                self._end = "it sent more than can be taken"
            self._changed.notify_all()

    def end(self, why: str) -> None:
        """Nothing more will come. The first reason counts."""
        with self._changed:
            if self._end is None:
                self._end = why
            self._changed.notify_all()

    @property
    def ended(self) -> str | None:
        """Why nothing more comes, None while something may."""
        return self._end

    def take(self, timeout: float) -> dict[str, object] | None:
        """The next message, None when none came in time or none will. Raises LabError for a line
        that is no JSON object."""
        until = time.monotonic() + timeout
        with self._changed:
            while True:
                while self._lines:
                    line = self._lines.popleft()
                    self._waiting -= len(line)
                    if line.strip():
                        return _parse(line)
                left = until - time.monotonic()
                if self._end is not None or left <= 0:
                    return None
                self._changed.wait(left)

    def wait_end(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._end is not None, seconds)


def _parse(line: bytes) -> dict[str, object]:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise LabError("the appliance sent a line that is no JSON", _excerpt(line)) from error
    if not isinstance(message, dict):
        raise LabError("the appliance sent JSON that is no object", _excerpt(line))
    return message


def _excerpt(line: bytes) -> str:
    return line[:200].decode(errors="replace")


class Console:
    """The last lines that a guest wrote. Text from a guest: show it as such."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: deque[str] = deque(maxlen=TAIL)
        self._part = b""

    def feed(self, data: bytes) -> None:
        with self._lock:
            *lines, part = (self._part + data).split(b"\n")
            self._part = part[-4096:]
            self._lines.extend(line.decode(errors="replace").rstrip("\r") for line in lines)

    @property
    def tail(self) -> tuple[str, ...]:
        with self._lock:
            last = self._part.decode(errors="replace").rstrip("\r")
            lines = (*self._lines, last)[-TAIL:]
        return tuple(line for line in lines if line.strip())


class Intake:
    """A stream whose data is handed on until it ends or is closed, and that takes data too."""

    def __init__(
        self, stream: libvirt.virStream, feed: Callable[[bytes], None], end: Callable[[str], None]
    ) -> None:
        """As `Reader` has it."""
        self._stream: libvirt.virStream | None = stream
        self._reader = Reader(stream, feed, end)

    def send(self, data: bytes) -> None:
        """Raises libvirtError."""
        stream = self._stream
        if stream is None:
            raise LabError("cannot send to the appliance", "the line is closed")
        while data:
            sent = stream.send(data[:_CHUNK])
            if sent < 0:
                raise LabError("cannot send to the appliance", "the line takes nothing more")
            data = data[sent:]

    def ignore(self) -> None:
        """Let go of the stream; no call to the host."""
        stream, self._stream = self._stream, None
        if stream is not None:
            self._reader.stop()
            free(stream)

    def close(self) -> None:
        """End the stream, which is a call to the host, and let go of it."""
        stream = self._stream
        if stream is not None:
            self._reader.stop()
            with suppress(libvirt.libvirtError):
                stream.abort()
        self.ignore()


def encode(message: Mapping[str, object]) -> bytes:
    """A message as a line. Raises LabError for one that the other side would not take."""
    line = json.dumps(message, separators=(",", ":")).encode() + b"\n"
    if len(line) > LONGEST:
        raise LabError("cannot send to the appliance", "the message is longer than 1 MB")
    return line
