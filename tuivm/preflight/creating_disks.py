"""The checks of a guest's disks and drives: what they are on, what they are, how they are used."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tuivm.model.creation import CreationPlan
from tuivm.model.findings import Finding
from tuivm.model.offers import DomainCaps, HostOffer
from tuivm.model.oses import OsInfo
from tuivm.model.spec import SCSI_CONTROLLERS, Disk, DiskKind, FileRef, Machine, SourceKind
from tuivm.preflight.asking import counted, error, note, shown, warning
from tuivm.preflight.creating_files import check_file
from tuivm.preflight.creating_volumes import check_pools, check_volume
from tuivm.preflight.default_disks import find_volume
from tuivm.preflight.default_machine import is_express
from tuivm.preflight.default_models import refused_bus
from tuivm.preflight.drivers import drives
from tuivm.preflight.images import FileFacts
from tuivm.preflight.placing import file_format
from tuivm.preflight.since import IO_URING, too_old

CACHES = ("", "default", "none", "writeback", "writethrough", "directsync", "unsafe")
IOS = ("", "threads", "native", "io_uring")
DISCARDS = ("", "unmap", "ignore")
_DIRECT = ("none", "directsync")
_IDE_MOST = 4
_FLOPPY_MOST = 2
_SERIAL = re.compile(r"[A-Za-z0-9 ._+-]*")
_SERIAL_MOST = {"virtio": 20, "ide": 20, "sata": 20}
"""Characters: QEMU's limits (VIRTIO_BLK_ID_BYTES, ATA's IDENTIFY)."""
_NO_READONLY = ("ide", "sata")


def check_disks(
    plan: CreationPlan, offer: HostOffer, caps: DomainCaps, files: Mapping[FileRef, FileFacts]
) -> Iterator[Finding]:
    spec = plan.spec
    disks = spec.disks or ()
    for number, disk in enumerate(disks):
        field = f"disk.{number}"
        yield from _bus(field, disk, spec.machine, caps, plan.os)
        yield from _how(field, disk, offer, caps, files)
        if disk.file != FileRef():
            yield from check_file(field, disk, plan, offer, files)
        if disk.new is not None:
            yield from check_volume(field, number, plan, offer, files)
    yield from check_pools(plan, offer)
    yield from _twice(disks)
    yield from _counts(disks)
    if spec.source.kind is SourceKind.EMPTY and not any(disk.file != FileRef() for disk in disks):
        yield note(
            "boots-nothing",
            "source.kind",
            "there is nothing that it could boot from",
            "its disks are empty, and it has no installer",
            "choose another source, or put a medium in later",
        )


def _bus(
    field: str, disk: Disk, machine: Machine, caps: DomainCaps, os: OsInfo
) -> Iterator[Finding]:
    field = f"{field}.bus"
    bus = "scsi" if disk.bus in SCSI_CONTROLLERS else disk.bus
    if not bus:
        yield error(
            "bus-none",
            field,
            "the host offers no bus for it that is known here",
            remedy="name one",
        )
        return
    if why := refused_bus(bus, machine):
        yield error("bus-machine", field, f"{shown(disk.bus)} is not possible here", why)
    elif caps.disk_buses and bus not in caps.disk_buses:
        yield error(
            "bus-offered",
            field,
            f"the host does not offer {shown(disk.bus)} for disks",
            f"for this type and machine it has {', '.join(caps.disk_buses)}",
            "take one of those",
        )
    cdrom = disk.kind is DiskKind.CDROM
    if cdrom and bus in {"virtio", "nvme"}:
        yield error(
            "bus-cdrom",
            field,
            f"a CD-ROM drive cannot be on {bus}",
            "it has no commands for removable media",
            "SATA or SCSI",
        )
    function = {"virtio": "block", "virtio-scsi": "scsi", "scsi": "scsi"}.get(disk.bus, "")
    modern = is_express(machine.arch, machine.machine)
    if function and not cdrom and drives(os, function, modern=modern) is False:
        yield warning(
            "bus-driver",
            field,
            f"{os.name} has no driver for {shown(disk.bus)} of its own",
            "its installer will see no disk",
            "load the driver while installing (virtio-win for Windows), or take SATA or IDE",
        )


def _how(
    field: str,
    disk: Disk,
    offer: HostOffer,
    caps: DomainCaps,
    files: Mapping[FileRef, FileFacts],
) -> Iterator[Finding]:
    """Cache, I/O, thread, sharing, serial number."""
    for key, value, known in (
        ("cache", disk.cache, CACHES),
        ("io", disk.io, IOS),
        ("discard", disk.discard, DISCARDS),
    ):
        if value not in known:
            words = ", ".join(word for word in known if word)
            yield error(f"disk-{key}", f"{field}.{key}", f"{shown(value)} is none of {words}")
    if disk.io == "native" and disk.cache not in _DIRECT:
        yield error(
            "io-native",
            f"{field}.io",
            "io native needs cache none or directsync",
            "Linux AIO works past the host's page cache alone, and libvirt insists on it",
            "set cache to none",
        )
    if disk.io == "io_uring" and too_old(offer, IO_URING):
        yield error("io-uring", f"{field}.io", "io_uring needs libvirt 6.3 and QEMU 5.0")
    if disk.cache == "unsafe":
        yield warning(
            "cache-unsafe",
            f"{field}.cache",
            "cache unsafe ignores the guest's flushes",
            "when the host crashes, the file system inside is lost, not just the last seconds",
            "writeback",
        )
    if disk.iothread:
        yield from _iothread(field, disk, caps)
    if disk.readonly and disk.kind is DiskKind.DISK and disk.bus in _NO_READONLY:
        yield error(
            "readonly-bus",
            f"{field}.readonly",
            f"a disk on {disk.bus} cannot be read-only",
            "ATA has no such thing, and QEMU refuses it",
            "virtio or SCSI",
        )
    if disk.shareable:
        found = find_volume(offer, disk.file)
        format_ = found[1].format if found else file_format(disk.file, files)
        yield from _shareable(field, disk, disk.new.format if disk.new else format_)
    most = _SERIAL_MOST.get(disk.bus)
    if not _SERIAL.fullmatch(disk.serial):
        yield error(
            "serial-characters",
            f"{field}.serial",
            f"the serial number {shown(disk.serial)} has characters that it must not have",
            remedy="letters, digits, space and . _ + - are allowed",
        )
    elif most and len(disk.serial) > most:
        yield error(
            "serial-long",
            f"{field}.serial",
            f"the serial number has {len(disk.serial)} characters",
            f"{disk.bus} hands {most} over, and QEMU refuses or cuts the rest",
            f"at most {most}",
        )


def _iothread(field: str, disk: Disk, caps: DomainCaps) -> Iterator[Finding]:
    if disk.bus not in {"virtio", "scsi", "virtio-scsi"}:
        yield error(
            "iothread-bus",
            f"{field}.iothread",
            f"a disk on {shown(disk.bus)} cannot have an I/O thread",
            "QEMU serves virtio-blk and virtio-scsi alone in one",
            "virtio or scsi",
        )
    elif caps.virt_type and not caps.iothreads:
        yield error(
            "iothread-offered",
            f"{field}.iothread",
            "the host's QEMU offers no I/O threads for this guest",
        )


def _shareable(field: str, disk: Disk, format_: str) -> Iterator[Finding]:
    if format_ not in {"", "raw"}:
        yield error(
            "shareable-format",
            f"{field}.shareable",
            f"a shared disk must be raw, this one is {shown(format_)}",
            "two guests that write one such image destroy its tables",
            "raw, with a file system made for sharing",
        )
    if disk.cache not in _DIRECT:
        yield warning(
            "shareable-cache",
            f"{field}.cache",
            "a shared disk without cache none",
            "on several hosts each would read its own stale cache",
            "set cache to none",
        )


def _twice(disks: tuple[Disk, ...]) -> Iterator[Finding]:
    seen: dict[FileRef, int] = {}
    for number, disk in enumerate(disks):
        if disk.file == FileRef() or disk.overlay:
            continue
        first = seen.setdefault(disk.file, number)
        if first == number or (disk.readonly and disks[first].readonly):
            continue
        if not (disk.shareable and disks[first].shareable):
            yield error(
                "file-twice",
                f"disk.{number}",
                f"disk {number} and disk {first} are the same image",
                "the guest would write it by two ways, and destroy it",
                "leave one out",
            )


def _counts(disks: tuple[Disk, ...]) -> Iterator[Finding]:
    ide = [number for number, disk in enumerate(disks) if disk.bus == "ide"]
    if len(ide) > _IDE_MOST:
        yield error(
            "ide-many",
            f"disk.{ide[_IDE_MOST]}.bus",
            f"{counted(len(ide), 'IDE drive')}, CD-ROM drives among them",
            "two channels with two drives each are all that there is",
            "virtio, SCSI or SATA for the others",
        )
    floppies = [number for number, disk in enumerate(disks) if disk.bus == "fdc"]
    if len(floppies) > _FLOPPY_MOST:
        yield error("fdc-many", f"disk.{floppies[_FLOPPY_MOST]}.bus", "more than two floppy drives")
