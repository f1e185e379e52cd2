"""Compressed kernels and modules, unpacked."""

from __future__ import annotations

import ctypes
import gzip
import lzma
import zlib

from tuivm.lab.ports import LabError

XZ = b"\xfd7zXZ\0"
GZIP = b"\x1f\x8b\x08"
ZSTD = b"\x28\xb5\x2f\xfd"


def unpacked_module(data: bytes) -> bytes:
    """A kernel module, whatever it is packed with. Raises LabError where it cannot be unpacked."""
    try:
        if data.startswith(XZ):
            return lzma.decompress(data)
        if data.startswith(GZIP):
            return gzip.decompress(data)
        if data.startswith(ZSTD):
            return zstd(data)
    except (lzma.LZMAError, OSError, EOFError, zlib.error) as error:
        raise LabError("A module of the kernel is damaged.", str(error)) from error
    return data


def first_stream(data: bytes, magic: bytes) -> bytes:
    """What the compressed stream that data begins with holds, though other bytes follow it. b""
    where it only looked like one, or cannot be unpacked here."""
    try:
        if magic == XZ:
            return lzma.LZMADecompressor().decompress(data)
        if magic == GZIP:
            return zlib.decompressobj(wbits=31).decompress(data)
        return zstd(data)
    except (lzma.LZMAError, zlib.error, OSError, LabError):
        return b""


class _Buffer(ctypes.Structure):
    """ZSTD_inBuffer and ZSTD_outBuffer of zstd.h."""

    _fields_ = (("data", ctypes.c_void_p), ("size", ctypes.c_size_t), ("pos", ctypes.c_size_t))


def zstd(data: bytes) -> bytes:
    """The first frame in data. Python has no zstd before 3.14; package managers and kmod bring the
    library everywhere. Raises OSError for damaged data, LabError without the library."""
    try:
        library = ctypes.CDLL("libzstd.so.1")
    except OSError as error:
        raise LabError(
            "The kernel is packed with zstd, and there is no libzstd.so.1 to unpack it with.",
            str(error),
            "Install the package zstd.",
        ) from error
    library.ZSTD_createDStream.restype = ctypes.c_void_p
    library.ZSTD_freeDStream.argtypes = [ctypes.c_void_p]
    library.ZSTD_decompressStream.restype = ctypes.c_size_t
    library.ZSTD_decompressStream.argtypes = [ctypes.c_void_p] + [ctypes.POINTER(_Buffer)] * 2
    library.ZSTD_isError.argtypes = [ctypes.c_size_t]
    stream = library.ZSTD_createDStream()
    try:
        return _zstd_frame(library, stream, data)
    finally:
        library.ZSTD_freeDStream(stream)


def _zstd_frame(library: ctypes.CDLL, stream: int, data: bytes) -> bytes:
    room = ctypes.create_string_buffer(1 << 20)
    given = _Buffer(ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p), len(data), 0)
    parts: list[bytes] = []
    while True:
        taken = _Buffer(ctypes.cast(room, ctypes.c_void_p), len(room), 0)
        left = library.ZSTD_decompressStream(stream, ctypes.byref(taken), ctypes.byref(given))
        if library.ZSTD_isError(left):
            raise OSError("damaged zstd data")
        parts.append(ctypes.string_at(room, taken.pos))
        if left == 0:
            return b"".join(parts)
        if taken.pos == 0 and given.pos == given.size:
            raise OSError("zstd data ends too early")
