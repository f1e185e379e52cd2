"""A spec's disks as rows: those that were said, the default ones, those of the source. Pure."""

from __future__ import annotations

from typing import NamedTuple

from tuivm.model.offers import HostOffer
from tuivm.model.spec import Disk, DiskKind, FileRef, NewVolume, SourceKind, Spec
from tuivm.model.units import byte_count
from tuivm.preflight.default_disks import file_name, find_volume


class Item(NamedTuple):
    """said: as a person said it, as little as can be for a default one. full: with its defaults.
    implied: it comes with the source, and was not touched."""

    said: Disk
    full: Disk
    implied: bool = False


def items(spec: Spec, full: Spec) -> list[Item]:
    """full: of this very spec."""
    disks = full.disks or ()
    said = spec.disks
    missing = len(disks) - len(said) if said is not None else 0
    # What the source brings without being told: an ISO's drive stands last, any other disk first.
    first = 0 if spec.source.kind is SourceKind.ISO else missing
    rows = []
    for index, disk in enumerate(disks):
        own = disk.file != FileRef() and disk.file == full.source.file
        place = index - first
        if said is None or not 0 <= place < len(said):
            rows.append(Item(_bare(disk, spec, own=own), disk, own))
        else:
            rows.append(Item(said[place], disk))
    return rows


def _bare(disk: Disk, spec: Spec, *, own: bool) -> Disk:
    """A disk with nothing in it that its defaults say."""
    if own:
        readonly = disk.kind is DiskKind.CDROM
        return Disk(disk.kind, spec.source.file, overlay=disk.overlay, readonly=readonly)
    return Disk(new=NewVolume())


def with_disk(spec: Spec, full: Spec, at: int | None, disk: Disk) -> Spec:
    """The spec with this disk in that row; None: as one more."""
    rows = items(spec, full)
    kept = [
        disk if index == at else row.said
        for index, row in enumerate(rows)
        if index == at or not row.implied
    ]
    if at is None:
        kept.append(disk)
    return spec._replace(disks=tuple(kept))


def follow_source(before: Spec, after: Spec) -> Spec:
    """After the source was changed: a disk of the old one that a person edited is one of the new
    one, or goes with its kind."""
    old, new = before.source, after.source
    if after.disks is None or old.file == FileRef() or (old.kind, old.file) == (new.kind, new.file):
        return after
    if old.kind is not new.kind or new.file == FileRef():
        return after._replace(disks=tuple(one for one in after.disks if one.file != old.file))
    moved = (one._replace(file=new.file) if one.file == old.file else one for one in after.disks)
    return after._replace(disks=tuple(moved))


def last_said(spec: Spec, full: Spec) -> Disk | None:
    """With its defaults, the last of those that were said."""
    return next((row.full for row in reversed(items(spec, full)) if not row.implied), None)


def without_disk(spec: Spec, full: Spec, at: int) -> Spec:
    rows = items(spec, full)
    kept = [row.said for index, row in enumerate(rows) if index != at and not row.implied]
    return spec._replace(disks=tuple(kept))


def what_it_is(disk: Disk) -> str:
    """Where its data is, or will be, in words."""
    name = file_name(disk.file)
    place = f" in {disk.file.pool}" if disk.file.volume and disk.file.pool else ""
    if disk.kind is DiskKind.CDROM:
        return f"{name}{place}" if name else "empty drive"
    if disk.overlay:
        return f"overlay over {name}{place}"
    if name:
        return f"{name}{place}"
    new = disk.new or NewVolume()
    return f"new {new.name}".rstrip() + (f" in {new.pool}" if new.pool else "")


def whole(disk: Disk) -> str:
    """The same, with paths and how a new volume is made."""
    file = disk.file
    where = file.path or file.local or (f"{file.pool}/{file.volume}" if file.volume else "")
    if file.local:
        where = f"{where} of this machine, uploaded into pool {file.pool or 'default'}"
    if disk.new is None:
        return where or "no medium in it yet"
    new = disk.new
    size = byte_count(new.size) if new.size else "as large as what it lies over"
    made = f"new volume {new.name}, {size}, {new.format}, in pool {new.pool}"
    if new.preallocation not in ("", "off"):
        made += f", preallocation {new.preallocation}"
    return f"{made}, over {where}" if disk.overlay else made


def size_of(disk: Disk, offer: HostOffer) -> str:
    """ "20G", "" where it is not known."""
    if disk.new is not None and disk.new.size:
        return byte_count(disk.new.size)
    found = find_volume(offer, disk.file)
    return byte_count(found[1].capacity) if found else ""


def format_of(disk: Disk, offer: HostOffer) -> str:
    if disk.new is not None:
        return disk.new.format
    found = find_volume(offer, disk.file)
    return found[1].format if found else ""


def users_of(disk: Disk, offer: HostOffer) -> tuple[str, ...]:
    """Guests that have what it is (or what it lies over)."""
    found = find_volume(offer, disk.file)
    return found[1].used_by if found else ()
