"""Many frames in one system call: Python's own time is not the device's."""

from __future__ import annotations

import errno
from array import array

from .native import address, last_error, receive_messages, send_messages

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket

BATCH = 32
"""Frames a call."""

_NOT_NOW = (errno.EAGAIN, errno.ENOBUFS, errno.EINTR)
_MSG_DONTWAIT = 0x40


class Batch:
    """Sends the content again and again; or receives into it, and keeps only what fits of the last
    frame. Never waits."""

    def __init__(self, line: socket.socket, content: bytearray) -> None:
        self._fd = line.fileno()
        self._content = content
        self._vector = array("q", [address(content), len(content)])
        # struct mmsghdr in words of 64 bits: name, its length, vector, its length, control, its
        # length, flags, and what the kernel says was moved.
        vector, _ = self._vector.buffer_info()
        self._messages = array("q", [0, 0, vector, 1, 0, 0, 0, 0] * BATCH)
        self._messages_at, _ = self._messages.buffer_info()

    def send(self, count: int) -> int:
        """How many of `count`, at most BATCH, the kernel took; 0 when it has no room just now."""
        return _moved(send_messages(self._fd, self._messages_at, count, _MSG_DONTWAIT))

    def receive(self) -> int:
        """How many have come."""
        return _moved(receive_messages(self._fd, self._messages_at, BATCH, _MSG_DONTWAIT, None))


def _moved(count: int) -> int:
    if count >= 0:
        return count
    error = last_error()
    if error.errno in _NOT_NOW:
        return 0
    raise error
