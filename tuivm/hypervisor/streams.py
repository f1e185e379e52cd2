"""What is the same for every stream of libvirt's that is read as data comes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

import libvirt

from tuivm.hypervisor.errors import reason_of

_CHUNK = 64 * 1024
"""Bytes that are asked for at once."""


class Reader:
    """Hands on whatever comes through a stream that does not block, until it ends or `stop`.

    Both on libvirt's event thread, which only takes what the client library has already received.
    """

    def __init__(
        self, stream: libvirt.virStream, feed: Callable[[bytes], None], end: Callable[[str], None]
    ) -> None:
        """end: called once with why, "" for an ordinary end; not after `stop`. Raises
        libvirtError."""
        self._feed = feed
        self._end = end
        # Held while the event thread reads, so that nobody frees the stream under it.
        self._lock = threading.RLock()
        self._stream: libvirt.virStream | None = stream
        # Never WRITABLE: that is so all the time, and each event would be followed by the next.
        events = (
            libvirt.VIR_STREAM_EVENT_READABLE
            | libvirt.VIR_STREAM_EVENT_ERROR
            | libvirt.VIR_STREAM_EVENT_HANGUP
        )
        stream.eventAddCallback(events, self._ready, None)

    def stop(self) -> None:
        """Read no more; no call to the host. Else an end would be told again and again."""
        with self._lock:
            stream, self._stream = self._stream, None
            if stream is not None:
                with suppress(libvirt.libvirtError):
                    stream.eventRemoveCallback()

    def _ready(self, stream: libvirt.virStream, events: int, _opaque: None) -> None:
        with self._lock:
            if self._stream is not None:
                self._read(stream, events)

    def _read(self, stream: libvirt.virStream, events: int) -> None:
        try:
            data = stream.recv(_CHUNK)
            while isinstance(data, bytes) and data:
                self._feed(data)
                data = stream.recv(_CHUNK)
            broken = libvirt.VIR_STREAM_EVENT_ERROR | libvirt.VIR_STREAM_EVENT_HANGUP
            ended, why = data == b"" or bool(events & broken), ""
        except libvirt.libvirtError as error:
            ended, why = True, reason_of(error)
        if ended:
            self.stop()
            self._end(why)


def free(stream: libvirt.virStream) -> None:
    """Free a stream whose callback is off.

    libvirt's remote driver (seen with 9.0) never gives back what the binding had it keep for a
    callback: the stream itself, and with it the connection, would be there until the program ends.
    """
    stream.__del__()
    stream._conn = None
