"""A guest's serial console over a stream of libvirt's, on a connection of its own.

What comes is read on libvirt's event thread: that takes what the client library has already
received, and calls nobody. What is typed is sent by a thread of the console's own, since a
host that hangs may hold it.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress

import libvirt

from tuivm.hypervisor.connect import Link
from tuivm.hypervisor.errors import reason_of
from tuivm.hypervisor.streams import Reader, free
from tuivm.model.consoles import ConsoleSinks

_log = logging.getLogger(__name__)

_CHUNK = 16 * 1024
"""Bytes handed to libvirt at once."""
_MOST_TYPED = 256 * 1024
"""Bytes that may wait to be sent: a large text was pasted, or the host hangs."""
_AGAIN = 0.05
"""Seconds after which a stream that took nothing is tried again."""

Opener = Callable[[Callable[[], None]], Link]
"""Opens a connection; what it is given is called, on any thread, when that is gone."""


def open_console(
    opener: Opener, uuid: str, device: str, sinks: ConsoleSinks, *, force: bool = False
) -> Console:
    """Open a console. Blocks as long as libvirt does. Raises libvirtError.

    device: libvirt's name of it, "" for the first. force: throw out whoever has it.
    """
    console = Console(sinks)
    link = opener(console.lost)
    try:
        domain = link.conn.lookupByUUIDString(uuid)
        stream = link.conn.newStream(libvirt.VIR_STREAM_NONBLOCK)
        flags = libvirt.VIR_DOMAIN_CONSOLE_FORCE if force else 0
        domain.openConsole(device or None, stream, flags)
        console.begin(link, stream)
    except libvirt.libvirtError:
        link.discard()
        raise
    return console


def may_be_taken(error: libvirt.libvirtError) -> bool:
    """Somebody else may have the console; libvirt has no code of its own for that."""
    return error.get_error_code() == libvirt.VIR_ERR_OPERATION_FAILED


class Console:
    """See `model.consoles.ConsoleLine`."""

    def __init__(self, sinks: ConsoleSinks) -> None:
        self._sinks = sinks
        self._changed = threading.Condition()
        self._typed: deque[bytes] = deque()
        self._waiting = 0
        self._over = False
        self._link: Link | None = None

    def begin(self, link: Link, stream: libvirt.virStream) -> None:
        """Deliver from now on. Raises libvirtError."""
        self._link = link
        reader = Reader(stream, self._got, self._end)
        threading.Thread(
            target=self._serve, args=(stream, reader), name="console", daemon=True
        ).start()

    def send(self, data: bytes) -> bool:
        with self._changed:
            if self._over or self._waiting + len(data) > _MOST_TYPED:
                return False
            self._typed.append(data)
            self._waiting += len(data)
            self._changed.notify_all()
        return True

    def close(self) -> None:
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def lost(self) -> None:
        """The connection is gone. Any thread."""
        link = self._link
        self._end(link.closed_because if link else "the connection is gone")

    def _end(self, why: str) -> None:
        with self._changed:
            over, self._over = self._over, True
            self._changed.notify_all()
        if not over:
            self._sinks.ended(why)

    def _got(self, data: bytes) -> None:
        """On libvirt's event thread."""
        if not self._over:
            self._sinks.got(data)

    def _serve(self, stream: libvirt.virStream, reader: Reader) -> None:
        """Send what is typed until it is over; then end the stream and let go of all."""
        try:
            while (data := self._next()) is not None:
                self._send(stream, data)
        except libvirt.libvirtError as error:
            self._end(reason_of(error))
        reader.stop()
        link, self._link = self._link, None
        with suppress(libvirt.libvirtError):
            # The stream of a connection that is gone is gone with it.
            if link is not None and link.alive:
                stream.abort()
        free(stream)
        if link is not None:
            link.discard()
        _log.debug("a console is closed")

    def _next(self) -> bytes | None:
        with self._changed:
            self._changed.wait_for(lambda: self._typed or self._over)
            if self._over:
                return None
            data = self._typed.popleft()
            self._waiting -= len(data)
            return data

    def _send(self, stream: libvirt.virStream, data: bytes) -> None:
        while data and not self._over:
            sent = stream.send(data[:_CHUNK])
            if sent < 0:
                with self._changed:
                    self._changed.wait_for(lambda: self._over, _AGAIN)
            else:
                data = data[sent:]
