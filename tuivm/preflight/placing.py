"""Where the files of a new guest are, or will be, on its host."""

from __future__ import annotations

from collections.abc import Mapping

from tuivm.model.creation import Placed
from tuivm.model.offers import HostOffer, Pool, Volume
from tuivm.model.spec import FileRef
from tuivm.preflight.default_disks import (
    DEFAULT_POOL,
    DIRECTORIES,
    file_name,
    find_pool,
    find_volume,
)
from tuivm.preflight.images import FileFacts

_BLOCK_KINDS = ("logical", "disk", "iscsi", "scsi", "mpath", "zfs")
PATHLESS = ("rbd", "sheepdog", "gluster", "iscsi-direct")
"""Kinds whose volumes have no path on the host that QEMU could open."""


def pool_path(offer: HostOffer, name: str) -> str:
    """The directory of a pool, of the one too that is still to be made. "" if not known."""
    pool = find_pool(offer, name)
    if pool is not None:
        return pool.path
    return offer.images_path if name in ("", DEFAULT_POOL) else ""


def new_place(offer: HostOffer, pool_name: str, name: str, format_: str) -> Placed:
    """Where a volume will be."""
    pool = find_pool(offer, pool_name)
    kind = pool.kind if pool is not None else "dir"
    path = pool_path(offer, pool_name)
    block = kind not in DIRECTORIES
    if not path or kind not in (*DIRECTORIES, "logical"):
        return Placed("", format_, block, pool_name, name, by_volume=True)
    return Placed(f"{path.rstrip('/')}/{name}", format_, block, pool_name, name)


def volume_place(pool: Pool, volume: Volume) -> Placed:
    """Where a volume is that exists."""
    # "iso" is what libvirt says of a volume with that file system; QEMU has no driver of the name.
    format_ = "raw" if volume.format in ("", "iso") else volume.format
    if pool.kind in PATHLESS:
        return Placed("", format_, True, pool.name, volume.name, by_volume=True)
    block = pool.kind in _BLOCK_KINDS
    return Placed(volume.path, format_, block, pool.name, volume.name)


def place(offer: HostOffer, file: FileRef, files: Mapping[FileRef, FileFacts]) -> Placed | None:
    """Where a file of a spec is, or is uploaded to; None where it says nothing.

    What no pool knows has the format that its first bytes told, else the one of its name.
    """
    if file.local:
        return new_place(offer, file.pool, file_name(file), file_format(file, files))
    found = find_volume(offer, file)
    if found is not None:
        return volume_place(*found)
    if file.volume:
        return new_place(offer, file.pool, file.volume, file_format(file, files))
    if not file.path:
        return None
    return Placed(file.path, file_format(file, files), block=file.path.startswith("/dev/"))


def facts(file: FileRef, files: Mapping[FileRef, FileFacts]) -> FileFacts:
    """What is known of a file, whether or not its pool was filled in when it was looked at."""
    bare = file._replace(pool="") if file.local else file
    return files.get(file) or files.get(bare) or FileFacts()


def file_format(file: FileRef, files: Mapping[FileRef, FileFacts]) -> str:
    known = facts(file, files).format
    if known:
        return known
    name = file_name(file).lower()
    for format_ in ("qcow2", "vmdk", "vdi", "vhdx", "qed"):
        if name.endswith(f".{format_}"):
            return format_
    return "raw"


def capacity(offer: HostOffer, file: FileRef, files: Mapping[FileRef, FileFacts]) -> int:
    """Bytes of the disk in an image; 0 for not known."""
    found = find_volume(offer, file)
    return found[1].capacity if found else facts(file, files).capacity
