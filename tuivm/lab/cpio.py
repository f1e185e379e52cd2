"""A cpio archive in the newc format, as the kernel takes it for an initramfs.

Format: Linux, Documentation/driver-api/early-userspace/buffer-format.rst. A writer of its own,
since the format is fifteen lines and the libraries that write it bring a C library along. Owner,
times and inode numbers are the same in every archive, so that equal files make equal archives.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

_LARGEST = 2**32 - 1
"""The size field has eight hexadecimal digits."""


class Entry(NamedTuple):
    """A file, directory or symbolic link (whose data is its target). mode has the type in it."""

    name: str
    mode: int
    data: bytes = b""


def directory(name: str) -> Entry:
    return Entry(name, stat.S_IFDIR | 0o755)


def file(name: str, data: bytes, *, executable: bool = False) -> Entry:
    return Entry(name, stat.S_IFREG | (0o755 if executable else 0o644), data)


def link(name: str, target: str) -> Entry:
    return Entry(name, stat.S_IFLNK | 0o777, target.encode())


def with_parents(entries: Iterable[Entry]) -> list[Entry]:
    """The entries, after all directories that they lie in; each directory once."""
    entries = list(entries)
    own = {entry.name for entry in entries if stat.S_ISDIR(entry.mode)}
    parents = {
        str(parent)
        for entry in entries
        for parent in PurePosixPath(entry.name).parents
        if parent.name
    }
    files = [entry for entry in entries if not stat.S_ISDIR(entry.mode)]
    return [*map(directory, sorted(own | parents)), *files]


def archive(entries: Iterable[Entry]) -> bytes:
    """The whole archive; directories have to come before what is in them. Raises ValueError for a
    name that is no path below the root, and for a file of 4 GiB or more."""
    packed = [_pack(entry, inode=number) for number, entry in enumerate(entries, start=1)]
    return b"".join([*packed, _pack(Entry("TRAILER!!!", 0), inode=0)])


def read(data: bytes) -> Iterator[Entry]:
    """The entries of an archive. Raises ValueError where it is damaged."""
    at = 0
    while True:
        head = data[at : at + 110]
        if len(head) < 110 or not head.startswith(b"070701"):
            raise ValueError(f"no cpio entry at byte {at}")
        mode, size, name_size = (int(head[i : i + 8], 16) for i in (14, 54, 94))
        name = data[at + 110 : at + 110 + name_size - 1].decode()
        start = _aligned(at + 110 + name_size)
        if name == "TRAILER!!!":
            return
        yield Entry(name, mode, data[start : start + size])
        at = _aligned(start + size)


def _pack(entry: Entry, *, inode: int) -> bytes:
    if not entry.name or entry.name.startswith("/") or "\0" in entry.name:
        raise ValueError(f"not a name for an archive: {entry.name!r}")
    if len(entry.data) > _LARGEST:
        raise ValueError(f"too large for an archive: {entry.name}")
    name = entry.name.encode() + b"\0"
    fields = (inode, entry.mode, 0, 0, 1, 0, len(entry.data), 0, 0, 0, 0, len(name), 0)
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + name
    return _padded(head) + _padded(entry.data)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (_aligned(len(data)) - len(data))


def _aligned(offset: int) -> int:
    return offset + -offset % 4
