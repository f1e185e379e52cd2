"""Bytes for a volume: from a file of this machine's, from memory, or from a URL."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException
from io import RawIOBase
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import libvirt

from tuivm.hypervisor.errors import reason_of

CHUNK = 240 * 1024
"""Bytes: a message of libvirt's oldest protocol holds no more than 256 KiB with its header."""
_TELL_EVERY = 0.1
"""Seconds between two words on how far a transfer is."""
_SCHEMES = ("http", "https", "ftp")
_ANSWER = 60.0
"""Seconds that a server may stay silent."""

Told = Callable[[int, int | None], None]
"""Bytes done, and of how many where that is known. May raise, to stop the transfer."""


class Readable(Protocol):
    """A file that bytes are read from, or memory."""

    def read(self, size: int, /) -> bytes | None: ...

    def seek(self, offset: int, whence: int = 0, /) -> int: ...

    def fileno(self) -> int: ...


class TransferError(Exception):
    """What could not be read or sent, in words for a person."""


class Meter:
    """Tells how far a transfer is, not more often than a person can see. `step` runs at each chunk
    and may raise."""

    def __init__(self, told: Told, step: Callable[[], None], total: int | None) -> None:
        self._told = told
        self._step = step
        self._total = total
        self._at = 0.0
        self.done = 0

    def add(self, count: int) -> None:
        self.done += count
        self._step()
        now = time.monotonic()
        if now - self._at >= _TELL_EVERY or self.done == self._total:
            self._at = now
            self._told(self.done, self._total)


def send(
    conn: libvirt.virConnect,
    volume: libvirt.virStorageVol,
    file: Readable,
    size: int,
    meter: Meter,
) -> None:
    """Fill a volume that is all zeros with a file's first `size` bytes; holes are not sent.

    Raises libvirtError, OSError, TransferError, and what the meter's step raises.
    """
    if size == 0:
        return
    sparse = _has_holes(file, size)
    stream = conn.newStream(0)
    finished = False
    try:
        flags = libvirt.VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM if sparse else 0
        volume.upload(stream, 0, size, flags)
        for length, is_data in _sections(file, size) if sparse else [(size, True)]:
            if not is_data:
                stream.sendHole(length, 0)
                meter.add(length)
                continue
            left = length
            while left:
                data = file.read(min(left, CHUNK))
                if not data:
                    raise TransferError("the file became shorter while it was read")
                _send_all(stream, data)
                left -= len(data)
                meter.add(len(data))
        stream.finish()
        finished = True
    finally:
        if not finished:
            # Whatever ended it: a stream that is not aborted keeps the volume in use.
            with suppress(libvirt.libvirtError):
                stream.abort()


def _send_all(stream: libvirt.virStream, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        # How much of it was taken.
        rest = rest[stream.send(bytes(rest)) :]


@contextmanager
def opened(path: str) -> Iterator[tuple[Readable, int]]:
    """A file of this machine's with its size (a block device's too). Raises OSError."""
    # Unbuffered: looking for holes moves the position that a buffer believes to know.
    with Path(path).open("rb", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        yield file, size


@contextmanager
def fetched(url: str, told: Told, step: Callable[[], None]) -> Iterator[tuple[Readable, int]]:
    """What is at a URL, in a file that is gone afterwards. Raises TransferError, OSError."""
    if urlsplit(url).scheme not in _SCHEMES:
        raise TransferError(f"{url} is neither http, https nor ftp")
    with tempfile.TemporaryFile(prefix="tuivm-", buffering=0) as file:
        _download(url, file, told, step)
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        yield file, size


def _download(url: str, file: RawIOBase, told: Told, step: Callable[[], None]) -> None:
    try:
        with urllib.request.urlopen(url, timeout=_ANSWER) as answer:  # noqa: S310 - scheme is checked
            length = answer.headers.get("Content-Length", "")
            total = int(length) if length.isdecimal() else None
            meter = Meter(told, step, total)
            # What has come by now: a slow server does not keep it from being cancelled.
            while data := answer.read1(CHUNK):
                _write(file, data)
                meter.add(len(data))
    except (OSError, HTTPException, ValueError) as error:
        # URLError is an OSError; ValueError is a URL that cannot be read at all.
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            room = shutil.disk_usage(tempfile.gettempdir()).free
            raise TransferError(f"no room for it in {tempfile.gettempdir()} ({room} B)") from error
        raise TransferError(f"cannot fetch {url}: {_words(error)}") from error
    if total is not None and meter.done != total:
        raise TransferError(f"cannot fetch {url}: {meter.done} of {total} bytes came")


def _write(file: RawIOBase, data: bytes) -> None:
    if file.write(data) != len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _words(error: OSError | HTTPException | ValueError) -> str:
    reason = getattr(error, "reason", None)
    return str(reason or error) or type(error).__name__


def _has_holes(file: Readable, size: int) -> bool:
    try:
        hole = os.lseek(file.fileno(), 0, os.SEEK_HOLE)
    except OSError:
        # Memory has no descriptor, some file systems have no holes.
        return False
    finally:
        file.seek(0)
    return hole < size


def _sections(file: Readable, size: int) -> Iterator[tuple[int, bool]]:
    """(length, is it data) from the start to `size`; the file stands where data begins."""
    number, at = file.fileno(), 0
    while at < size:
        try:
            data = min(os.lseek(number, at, os.SEEK_DATA), size)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            data = size
        if data > at:
            yield data - at, False
            at = data
            continue
        hole = min(os.lseek(number, at, os.SEEK_HOLE), size)
        file.seek(at)
        yield hole - at, True
        at = hole


def words_of(error: libvirt.libvirtError | OSError | TransferError) -> str:
    """What went wrong, in the words of whoever says it."""
    if isinstance(error, libvirt.libvirtError):
        return reason_of(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)
