"""Disks' defaults: the source's own disk, a new one for an OS to be installed on, buses, names."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import NamedTuple

from tuivm.model.devices import DeviceClass
from tuivm.model.offers import DomainCaps, HostOffer, Pool, Volume
from tuivm.model.oses import OsInfo
from tuivm.model.spec import (
    Disk,
    DiskKind,
    FileRef,
    Machine,
    NewVolume,
    Preset,
    SourceKind,
    Spec,
)
from tuivm.preflight.default_models import disk_bus

GIB = 1 << 30
GENERIC_SIZE = 20 * GIB
DIRECTORIES = ("dir", "fs", "netfs")
CREATING = (*DIRECTORIES, "logical", "zfs")
"""Kinds of pools in which libvirt can create a volume that a guest can then use by a path."""
DEFAULT_POOL = "default"
EXTENSIONS = {"qcow2": ".qcow2", "raw": ".img"}
_WITH_DISK = (SourceKind.ISO, SourceKind.TREE, SourceKind.PXE, SourceKind.EMPTY)
_OWN_DISK = (SourceKind.IMPORT, SourceKind.OVERLAY, SourceKind.CLOUD)
_OVER = (SourceKind.OVERLAY, SourceKind.CLOUD)


class _Ground(NamedTuple):
    """What every disk's defaults stand on. pool: the default one. taken: names of volumes by pool,
    those that this spec gives among them."""

    spec: Spec
    offer: HostOffer
    os: OsInfo
    pool: str
    taken: dict[str, set[str]]


def complete_disks(
    spec: Spec, machine: Machine, offer: HostOffer, caps: DomainCaps, os: OsInfo
) -> tuple[Disk, ...]:
    """spec has its name. The disks of the source come with it, unless one with its file is said."""
    pool = default_pool(offer)
    disks = _with_source(spec, pool)
    taken: dict[str, set[str]] = {
        each.name: {volume.name for volume in each.volumes} for each in offer.pools
    }
    for disk in disks:
        if disk.new is not None and disk.new.name:
            taken.setdefault(disk.new.pool or pool, set()).add(disk.new.name)
    ground = _Ground(spec, offer, os, pool, taken)
    done: list[Disk] = []
    for index, disk in enumerate(disks):
        cls = preset_class(spec.preset, index)
        bus = disk.bus or disk_bus(disk.kind, machine, caps, os, cls)
        done.append(_filled(disk, ground)._replace(bus=bus))
    return tuple(done)


def default_pool(offer: HostOffer) -> str:
    """Where new volumes go: "default" if it is active, else the one with libvirt's own directory,
    else the directory with most space, else a volume group. Where no pool can be used it is
    "default", which is then to be made or started."""
    usable = [
        pool for pool in offer.pools if pool.active and not pool.problem and pool.kind in CREATING
    ]

    def rank(pool: Pool) -> tuple[bool, bool, bool, int]:
        return (
            pool.name != DEFAULT_POOL,
            not offer.images_path or pool.path != offer.images_path,
            pool.kind not in DIRECTORIES,
            -pool.available,
        )

    return min(usable, key=rank).name if usable else DEFAULT_POOL


def find_pool(offer: HostOffer, name: str) -> Pool | None:
    return next((pool for pool in offer.pools if pool.name == name), None)


def find_volume(offer: HostOffer, file: FileRef) -> tuple[Pool, Volume] | None:
    """The volume that a file is: said by pool and name, or by its path."""
    for pool in offer.pools:
        for volume in pool.volumes:
            if file.volume and (pool.name, volume.name) == (file.pool, file.volume):
                return pool, volume
            if file.path and not file.volume and volume.path == file.path:
                return pool, volume
    return None


def free_name(base: str, taken: Iterable[str], extension: str = "") -> str:
    """ "debian12", "debian12-2", "debian12-3" …"""
    names = set(taken)
    candidate, number = base + extension, 2
    while candidate in names:
        candidate, number = f"{base}-{number}{extension}", number + 1
    return candidate


def file_name(file: FileRef) -> str:
    """What a file is called, wherever it is."""
    return PurePosixPath(file.volume or file.path or file.local).name


def extension(pool: Pool | None, format_: str) -> str:
    """A logical volume has none."""
    if pool is not None and pool.kind not in DIRECTORIES:
        return ""
    return EXTENSIONS.get(format_, f".{format_}" if format_ else "")


def uploaded(file: FileRef, pool: str) -> FileRef:
    """Where a local file goes when nothing is said of it."""
    return file._replace(pool=file.pool or pool) if file.local else file


def _with_source(spec: Spec, pool: str) -> tuple[Disk, ...]:
    kind, file = spec.source.kind, uploaded(spec.source.file, pool)
    if spec.disks is None:
        new = Disk(new=NewVolume())
        said: tuple[Disk, ...] = (new,) if kind in _WITH_DISK else ()
        if spec.preset is Preset.ONE_OF_EACH:
            said = (*said, new)
    else:
        said = tuple(disk._replace(file=uploaded(disk.file, pool)) for disk in spec.disks)
    if any(disk.file == file for disk in said if file != FileRef()):
        return said
    if kind is SourceKind.ISO and file != FileRef():
        return (*said, Disk(DiskKind.CDROM, file, readonly=True))
    if kind in _OWN_DISK and file != FileRef():
        return (Disk(file=file, overlay=kind in _OVER), *said)
    return said


def _filled(disk: Disk, ground: _Ground) -> Disk:
    if disk.kind is DiskKind.CDROM:
        return disk._replace(readonly=True)
    if disk.overlay or disk.file == FileRef():
        new = _filled_volume(disk, ground)
        discard = disk.discard or ("unmap" if new.format == "qcow2" else "")
        return disk._replace(new=new, discard=discard)
    return disk


def _filled_volume(disk: Disk, ground: _Ground) -> NewVolume:
    new = disk.new or NewVolume()
    pool_name = new.pool or ground.pool
    pool = find_pool(ground.offer, pool_name)
    directory = pool is None or pool.kind in DIRECTORIES
    format_ = new.format or ("qcow2" if directory or disk.overlay else "raw")
    names = ground.taken.setdefault(pool_name, set())
    name = new.name or free_name(ground.spec.name, names, extension(pool, format_))
    names.add(name)
    preallocation = new.preallocation or ("off" if directory else "full")
    size = new.size or _size(disk, ground, pool)
    return NewVolume(pool_name, name, size, format_, preallocation)


def _size(disk: Disk, ground: _Ground, pool: Pool | None) -> int:
    """Bytes; 0 for an overlay over what is not known: as large as that."""
    os, source = ground.os, ground.spec.source
    wanted = os.storage or max(GENERIC_SIZE, os.storage_min)
    if disk.overlay:
        below = find_volume(ground.offer, disk.file)
        known = below[1].capacity if below else 0
        # A cloud image grows into its disk at its first boot; any other would have to be told to.
        cloud = source.kind is SourceKind.CLOUD
        return max(wanted, known) if cloud else known
    if pool is not None and 0 < pool.available < wanted:
        return max(pool.available // GIB * GIB, os.storage_min, GIB)
    return wanted


def preset_class(preset: Preset, index: int) -> DeviceClass:
    """The class of the disk or NIC at an index, where nothing is said."""
    second = preset is Preset.ONE_OF_EACH and index % 2
    if preset is Preset.EMULATED or second:
        return DeviceClass.EMULATED
    return DeviceClass.PARAVIRTUAL
