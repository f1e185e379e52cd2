"""Files on this machine: which are the same, and what backs an image that is in no pool."""

from __future__ import annotations

import os
import posixpath
import stat
import struct
from pathlib import Path
from typing import BinaryIO

_QCOW2_MAGIC = b"QFI\xfb"
_BACKING_FORMAT = 0xE2792ACA
_HEADER_V2 = 72


class UnreadableImageError(Exception):
    """What backs an image cannot be told; the message says why."""


def identity(path: str, *, local: bool) -> str:
    """The same for two paths that lead to the same file or block device.

    On another host only the path itself can be compared.
    """
    plain = posixpath.normpath(path)
    if not local:
        return plain
    try:
        found = Path(path).stat()
    except (OSError, ValueError):
        return os.path.realpath(plain)
    if stat.S_ISBLK(found.st_mode):
        return f"block {found.st_rdev}"
    return f"inode {found.st_dev} {found.st_ino}"


def exists(path: str) -> bool | None:
    """None where this user may not look."""
    try:
        Path(path).stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError):
        return None
    return True


def backing_of(path: str) -> tuple[str, str]:
    """(path, format) of what backs a qcow2 image of this machine, ("", "") where nothing does.

    An image that is not qcow2 has no backing here. Header: QEMU's docs/interop/qcow2.txt. Raises
    UnreadableImageError when the file cannot be read or is cut short.
    """
    try:
        with Path(path).open("rb") as file:
            name, fmt = _read_header(file)
    except (OSError, ValueError, struct.error) as error:
        raise UnreadableImageError(str(error)) from error
    if name.startswith("file:"):
        name = name.removeprefix("file:")
    if name.startswith("json:") or "://" in name:
        raise UnreadableImageError(f"it is backed by {name}")
    return (posixpath.join(posixpath.dirname(path), name) if name else "", fmt)


def _read_header(file: BinaryIO) -> tuple[str, str]:
    head = file.read(_HEADER_V2)
    if head[:4] != _QCOW2_MAGIC:
        return "", ""
    version, offset, size = struct.unpack(">IQI", head[4:20])
    if not offset:
        return "", ""
    start = struct.unpack(">I", file.read(32)[28:])[0] if version >= 3 else _HEADER_V2
    file.seek(offset)
    name = file.read(size)
    if len(name) != size:
        raise ValueError("the image is cut short")
    return os.fsdecode(name), _backing_format(file, start, offset)


def _backing_format(file: BinaryIO, start: int, end: int) -> str:
    """The header extension that names it; "" where there is none."""
    while start + 8 <= end:
        file.seek(start)
        kind, size = struct.unpack(">II", file.read(8))
        if kind == 0:
            break
        if kind == _BACKING_FORMAT:
            return file.read(size).decode("ascii", "replace")
        start += 8 + (size + 7) // 8 * 8
    return ""
