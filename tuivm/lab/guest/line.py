"""The line to the Lab: JSON objects, one a line, over a virtio-serial port."""

from __future__ import annotations

import json
import os
import select
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "tuivm.lab"
LONGEST = 1 << 20
"""Bytes of a line; what is longer is no order."""


def find_port(root: str = "") -> str | None:
    """Path of the device node of the port with our name, once the driver has made it."""
    ports = f"{root}/sys/class/virtio-ports"
    try:
        names = os.listdir(ports)
    except OSError:
        return None
    for port in names:
        try:
            with open(f"{ports}/{port}/name") as file:
                name = file.read().strip()
        except OSError:
            continue
        if name == NAME and os.path.exists(f"{root}/dev/{port}"):
            return f"{root}/dev/{port}"
    return None


class Line:
    """connected: whether the host's side of the port was open when last looked at."""

    def __init__(self, fd: int) -> None:
        os.set_blocking(fd, False)
        self.fd = fd
        self.connected = False
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN)
        self._in = b""
        self._out = b""

    def messages(self, timeout: float) -> list[dict[str, object]]:
        """What has come; waits for it up to `timeout` s. What is no JSON object comes as {}."""
        wanted = select.POLLIN | (select.POLLOUT if self._out else 0)
        self._poll.modify(self.fd, wanted)
        ready = self._poll.poll(timeout * 1000)
        events = ready[0][1] if ready else 0
        if events & (select.POLLHUP | select.POLLERR) and not events & select.POLLIN:
            self._hung_up()
            # The port reports this for as long as nobody listens, without waiting.
            time.sleep(min(timeout, 0.05))
            return []
        self.connected = True
        if events & select.POLLOUT:
            self._flush()
        return self._read() if events & select.POLLIN else []

    def send(self, message: Mapping[str, object], *, droppable: bool = False) -> None:
        """droppable: not sent when the host has not yet taken what was sent before."""
        if droppable and self._out:
            return
        self._out += json.dumps(message, separators=(",", ":")).encode() + b"\n"
        self._flush()

    def flush(self, timeout: float) -> None:
        """Wait up to `timeout` s until the host has taken everything."""
        until = time.monotonic() + timeout
        while self._out and time.monotonic() < until:
            time.sleep(0.01)
            self._flush()

    def _flush(self) -> None:
        while self._out:
            try:
                taken = os.write(self.fd, self._out)
            except BlockingIOError:
                return
            except OSError:
                self._hung_up()
                return
            self._out = self._out[taken:]

    def _read(self) -> list[dict[str, object]]:
        try:
            more = os.read(self.fd, 1 << 16)
        except BlockingIOError:
            return []
        except OSError:
            more = b""
        if not more:
            self._hung_up()
            return []
        *lines, self._in = (self._in + more).split(b"\n")
        if len(self._in) > LONGEST:
            self._in = b""
            lines.append(b"")
        return [_parsed(line) for line in lines]

    def _hung_up(self) -> None:
        # Halves of lines mean nothing to the next one who listens.
        self.connected = False
        self._in = self._out = b""


def _parsed(line: bytes) -> dict[str, object]:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}
