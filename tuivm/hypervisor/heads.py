"""The first bytes of files: of this machine, or of a host's volumes."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

import libvirt

from tuivm.hypervisor.load import runs_here
from tuivm.hypervisor.reach import Identity, closed_directories
from tuivm.model.createports import Head
from tuivm.model.hosts import Problem
from tuivm.model.spec import FileRef

_CHUNK = 64 * 1024
_WORDS = {
    stat.S_IFDIR: "it is a directory",
    stat.S_IFCHR: "it is a character device",
    stat.S_IFIFO: "it is a pipe",
    stat.S_IFSOCK: "it is a socket",
}


def read_local_head(path: str, size: int, what: str) -> Head:
    """Of a file or block device of this machine."""
    try:
        return _read(path, size)
    except (OSError, ValueError) as error:
        return Head(problem=Problem(what, _words(error)))


def read_head(
    conn: libvirt.virConnect, file: FileRef, size: int, what: str, who: Identity | None
) -> Head:
    """Of a file of the host's: read here where it is this machine and this user may, else through
    the volume that it is. Raises libvirtError.

    who: QEMU's user on this machine, None where it is not known.
    """
    volume = _named(conn, file) if file.volume else None
    path = file.path if volume is None else volume.path()
    local = runs_here(conn.getURI()) and path.startswith("/")
    if local:
        try:
            return _read(path, size)._replace(closed=closed_directories(path, who))
        except PermissionError as error:
            reason = _words(error)
        except (OSError, ValueError) as error:
            return Head(problem=Problem(what, _words(error)))
    else:
        reason = "it is in no running pool of that host, so it cannot be looked at from here"
    try:
        volume = volume or conn.storageVolLookupByPath(path)
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_STORAGE_VOL:
            raise
        return Head(problem=Problem(what, reason, remedy="put it into a pool, or refresh its pool"))
    if volume.info()[0] in (libvirt.VIR_STORAGE_VOL_DIR, libvirt.VIR_STORAGE_VOL_NETDIR):
        return Head(problem=Problem(what, _WORDS[stat.S_IFDIR]))
    closed = closed_directories(path, who) if local else ()
    return Head(_download(conn, volume, size), closed=closed)


def _read(path: str, size: int) -> Head:
    """Raises OSError, and ValueError for what is no file or no path."""
    kind = stat.S_IFMT(Path(path).stat().st_mode)
    # Asked first: to open a pipe would wait for somebody to write into it.
    if kind in _WORDS:
        raise ValueError(_WORDS[kind])
    with Path(path).open("rb") as file:
        return Head(file.read(size), size=file.seek(0, os.SEEK_END))


def _words(error: OSError | ValueError) -> str:
    return getattr(error, "strerror", None) or str(error)


def _named(conn: libvirt.virConnect, file: FileRef) -> libvirt.virStorageVol:
    return conn.storagePoolLookupByName(file.pool).storageVolLookupByName(file.volume)


def _download(conn: libvirt.virConnect, volume: libvirt.virStorageVol, size: int) -> bytes:
    """The volume's first bytes as they lie there, the header of its format among them."""
    stream = conn.newStream()
    volume.download(stream, 0, size)
    data = bytearray()
    while len(data) < size:
        piece = stream.recv(min(_CHUNK, size - len(data)))
        if not isinstance(piece, bytes) or not piece:
            break
        data += piece
    # What is left of it is not wanted.
    with suppress(libvirt.libvirtError):
        stream.abort()
    return bytes(data)
