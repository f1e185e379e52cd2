"""The checks of images that exist: are they there, readable, somebody else's, what they seem?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tuivm.model.creation import CreationPlan
from tuivm.model.findings import Finding
from tuivm.model.offers import HostOffer, Pool, Volume
from tuivm.model.spec import Disk, DiskKind, FileRef, SourceKind
from tuivm.model.units import visible
from tuivm.preflight.asking import error, has_control, note, shown, warning
from tuivm.preflight.creating_volumes import check_pool, check_volume_name, closed_finding
from tuivm.preflight.default_disks import file_name, find_pool, find_volume
from tuivm.preflight.images import FileFacts
from tuivm.preflight.placing import PATHLESS, facts, file_format

_DENIED = "Permission denied"
"""What the system calls EACCES."""
_DISK_FORMATS = ("qcow2", "vmdk", "vdi", "vhdx", "vpc", "qed", "qcow")


def check_file(
    field: str,
    disk: Disk,
    plan: CreationPlan,
    offer: HostOffer,
    files: Mapping[FileRef, FileFacts],
) -> Iterator[Finding]:
    """Of the image of one disk: what it is of, or what an overlay lies over."""
    file = disk.file
    field = "source" if file == plan.spec.source.file else field
    yield from check_place(field, file, offer, files)
    found = find_volume(offer, file)
    if found is not None:
        yield from _users(file_field(field, file), disk, found[1], offer)
    yield from _content(file_field(field, file), disk, plan, offer, files)


def file_field(field: str, file: FileRef) -> str:
    """The key of the spec's file that says where it is."""
    return f"{field}.{'local' if file.local else 'volume' if file.volume else 'path'}"


def check_place(
    field: str, file: FileRef, offer: HostOffer, files: Mapping[FileRef, FileFacts]
) -> Iterator[Finding]:
    """Is it there, and can QEMU get at it? field: of the table that the file's keys are in."""
    key = file_field(field, file)
    if file.local:
        yield from check_pool(f"{field}.pool", file.pool, offer)
        yield from check_volume_name(key, file_name(file), find_pool(offer, file.pool))
    elif file.volume:
        yield from _volume(field, file, offer)
    elif not file.path.startswith("/") or has_control(file.path):
        yield error(
            "path-absolute",
            key,
            f"{shown(file.path)} is no absolute path",
            "the host does not know which directory it is meant from",
            "begin it with /",
        )
        return
    found = find_volume(offer, file)
    if found is not None:
        yield from _readable(key, found[0], found[1], offer)
        return
    told = facts(file, files)
    if told.problem:
        make = error if _surely(file, told, offer) else warning
        yield make(
            "file-unread",
            key,
            # A field shows the first words alone: the reason, which a problem ends with, is there.
            f"{shown(file.local or file.path)}: {visible(told.problem.rpartition(': ')[2])}",
            "it could not be looked at",
            "check the path, that it is a file, and who may read it",
        )
    if told.closed:
        yield closed_finding(key, told.closed, offer)


def _surely(file: FileRef, told: FileFacts, offer: HostOffer) -> bool:
    """Nobody can use it. What this user may not read, or a host elsewhere does not show, QEMU may
    open all the same."""
    here = bool(file.local) or offer.local
    return here and (bool(file.local) or _DENIED not in told.problem)


def _volume(field: str, file: FileRef, offer: HostOffer) -> Iterator[Finding]:
    pool = find_pool(offer, file.pool)
    if pool is None or not pool.active:
        yield from check_pool(f"{field}.pool", file.pool, offer)
    elif pool.kind in PATHLESS:
        yield error(
            "pool-kind",
            f"{field}.pool",
            f"libvirt cannot give a guest the volumes of {shown(pool.name)}, a pool of type "
            f"{shown(pool.kind)}",
            "a guest's definition cannot name such a volume",
            "define the guest by hand, with a disk of type network",
        )
    elif find_volume(offer, file) is None:
        yield error(
            "volume-gone",
            f"{field}.volume",
            f"there is no volume {shown(file.volume)} in {shown(pool.name)}",
            "it was never there, or somebody removed it",
            "choose another one, or have the pool refreshed",
        )


def _readable(key: str, pool: Pool, volume: Volume, offer: HostOffer) -> Iterator[Finding]:
    if volume.readable is False:
        yield error(
            "storage-unreadable",
            key,
            f"{shown(volume.path)} cannot be read by whom QEMU runs as",
            "an ordinary user's libvirt cannot change whose it is",
            f"chmod or setfacl -m u:$USER:rw {shown(volume.path)}, as its owner",
        )
    elif pool.closed:
        yield closed_finding(key, pool.closed, offer)


def _users(key: str, disk: Disk, volume: Volume, offer: HostOffer) -> Iterator[Finding]:
    """Two that write one image destroy it; so does who writes below an overlay."""
    if disk.readonly:
        return
    who = shown(", ".join(volume.used_by))
    over = [
        other
        for pool in offer.pools
        for other in pool.volumes
        if other.backing and other.backing == volume.path
    ]
    if disk.overlay:
        if volume.used_by and not over:
            yield error(
                "base-used",
                key,
                f"{shown(volume.name)} is a disk of {who}",
                "each write there changes what lies below the overlay, and destroys it",
                "copy that guest instead, or overlay an image that no guest writes",
            )
        elif volume.used_by:
            yield note(
                "base-shared",
                key,
                f"overlays of {who} lie over {shown(volume.name)} too",
                "as long as nobody writes it, that is what it is for",
            )
        return
    if over:
        names = shown(", ".join(sorted(other.name for other in over)))
        yield error(
            "file-backs",
            key,
            f"{shown(volume.name)} lies below {names}",
            "a guest that writes it destroys them",
            "make an overlay over it instead",
        )
    elif volume.used_by and not (disk.shareable and volume.shareable):
        yield error(
            "file-used",
            key,
            f"{shown(volume.name)} is a disk of {who}",
            "two guests that write one image destroy it",
            "copy that guest, or make an overlay; or mark the disk shareable in both",
        )


def _content(
    key: str,
    disk: Disk,
    plan: CreationPlan,
    offer: HostOffer,
    files: Mapping[FileRef, FileFacts],
) -> Iterator[Finding]:
    file = disk.file
    told = facts(file, files)
    if told.packed:
        yield error(
            "image-packed",
            key,
            f"{shown(file_name(file))} is packed with {told.packed}",
            "QEMU does not unpack images",
            f"unpack it first ({told.packed} -d)" if told.packed != "zip" else "unzip it first",
        )
        return
    found = find_volume(offer, file)
    format_ = found[1].format if found else file_format(file, files)
    name = file_name(file).lower()
    if disk.kind is DiskKind.CDROM and format_ in _DISK_FORMATS:
        yield warning(
            "iso-format",
            key,
            f"{shown(file_name(file))} is a disk image ({format_}), no ISO image",
            "in a CD-ROM drive nothing boots from it",
            "import it instead",
        )
    elif disk.kind is DiskKind.DISK and (format_ == "iso" or name.endswith(".iso")):
        yield warning(
            "image-iso",
            key,
            f"{shown(file_name(file))} looks like an installer's ISO image",
            "as a disk, most of them do not boot",
            "choose the source ISO",
        )
    usable = not (told.problem and _surely(file, told, offer))
    if found is None and not told.format and disk.kind is DiskKind.DISK and usable:
        yield warning(
            "format-guessed",
            key,
            f"{shown(file_name(file))} is taken for {format_} by its name",
            "it could not be looked into; the guest would see the image's header as its disk if "
            "that is wrong",
            "put it into a storage pool, or see qemu-img info",
        )
    if plan.spec.source.kind is SourceKind.CLOUD and file == plan.spec.source.file:
        yield from _cloud_image(key, plan)


def _cloud_image(key: str, plan: CreationPlan) -> Iterator[Finding]:
    if plan.os.known and not plan.os.cloud_init:
        yield note(
            "cloud-os",
            key,
            f"no image of {plan.os.name} with cloud-init is known",
            "without cloud-init in the image the seed is not read",
        )
