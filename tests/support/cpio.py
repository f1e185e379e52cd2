"""A cpio archive in the newc format, as the kernel takes it for an initramfs.

Format: Linux, Documentation/driver-api/early-userspace/buffer-format.rst.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
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


def archive(entries: list[Entry]) -> bytes:
    """The whole archive; directories have to come before what is in them."""
    packed = [_pack(entry, inode=number) for number, entry in enumerate(entries, start=1)]
    return b"".join([*packed, _pack(Entry("TRAILER!!!", 0), inode=0)])


def _pack(entry: Entry, *, inode: int) -> bytes:
    name = entry.name.encode() + b"\0"
    size = len(entry.data)
    fields = (inode, entry.mode, 0, 0, 1, 0, size, 0, 0, 0, 0, len(name), 0)
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + name
    return _padded(head) + _padded(entry.data)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
