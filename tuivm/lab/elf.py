"""What the Lab needs to know of an ELF file. 64 bit, little-endian: x86-64.

Three questions, so no library for it. Layout: elf(5).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

MAGIC = b"\x7fELF"
_INTERPRETER, _NOTE = 3, 4
_PVH_ENTRY = 18
"""XEN_ELFNOTE_PHYS32_ENTRY: where a VMM may start the kernel directly (xen/interface/elfnote.h)."""


class _Segment(NamedTuple):
    kind: int
    data: bytes


def interpreter(data: bytes) -> str | None:
    """Path of the loader that a program asks for; None for a static one. Raises ValueError for
    what is not an ELF file of x86-64."""
    for segment in _segments(data):
        if segment.kind == _INTERPRETER:
            return segment.data.rstrip(b"\0").decode()
    return None


def has_pvh_entry(data: bytes) -> bool:
    """A kernel image that QEMU can start as it is. Raises ValueError as `interpreter`."""
    return any(
        name == b"Xen" and kind == _PVH_ENTRY
        for segment in _segments(data)
        if segment.kind == _NOTE
        for name, kind in _notes(segment.data)
    )


def _segments(data: bytes) -> Iterator[_Segment]:
    if data[:6] != MAGIC + b"\x02\x01" or data[18:20] != b"\x3e\0":
        raise ValueError("not an ELF file for x86-64")
    (table,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    for number in range(count):
        kind, _, start, _, _, length = struct.unpack_from("<IIQQQQ", data, table + size * number)
        yield _Segment(kind, data[start : start + length] if kind in (_INTERPRETER, _NOTE) else b"")


def _notes(data: bytes) -> Iterator[tuple[bytes, int]]:
    at = 0
    while at + 12 <= len(data):
        name_size, size, kind = struct.unpack_from("<III", data, at)
        yield data[at + 12 : at + 12 + name_size].rstrip(b"\0"), kind
        at += 12 + name_size + -name_size % 4 + size + -size % 4
