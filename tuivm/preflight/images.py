"""What an image file is, by its first bytes; and of which files of a spec somebody has to look.

A format that is not told apart is never guessed by a guest: who calls a qcow2 image raw gives the
guest its header as a disk, and who probes a raw one lets the guest choose its own backing file.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from tuivm.model.offers import HostOffer
from tuivm.model.spec import FileRef, SourceKind, Spec
from tuivm.preflight.default_disks import find_volume

HEAD = 4096
"""Bytes of a file's head that `read_head` needs at most."""
_MAGICS = (
    (b"QFI\xfb", "qcow2"),
    (b"QED\x00", "qed"),
    (b"KDMV", "vmdk"),
    (b"COWD", "vmdk"),
    (b"# Disk DescriptorFile", "vmdk"),
    (b"vhdxfile", "vhdx"),
    (b"conectix", "vpc"),
    (b"LUKS\xba\xbe", "luks"),
)
_VDI = 0x40, b"\x7f\x10\xda\xbe"
_PACKED = (
    (b"\x1f\x8b", "gzip"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"BZh", "bzip2"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"PK\x03\x04", "zip"),
)


class FileFacts(NamedTuple):
    """Of a file in no pool. size: its bytes, 0 for not known. format: "" for not known. capacity:
    of the disk in it, 0 for not known. backing: it lies over another image. packed: how it is
    compressed, "" where it is not. problem: why it could not be looked at. closed: as in
    `createports.Head`."""

    size: int = 0
    format: str = ""
    capacity: int = 0
    backing: bool = False
    packed: str = ""
    problem: str = ""
    closed: tuple[str, ...] = ()


NO_FILES: Mapping[FileRef, FileFacts] = MappingProxyType({})


def read_head(head: bytes, size: int | None = None) -> FileFacts:
    """By QEMU's magics (docs/interop/qcow2.txt and block/*.c); what has none of them is raw, as
    disks, ISO images and file systems are. An empty head says nothing."""
    known = size or 0
    if not head:
        return FileFacts(known)
    for magic, name in _PACKED:
        if head.startswith(magic):
            return FileFacts(known, packed=name)
    if head[_VDI[0] :].startswith(_VDI[1]):
        return FileFacts(known, "vdi")
    name = next((name for magic, name in _MAGICS if head.startswith(magic)), "raw")
    if name == "qcow2" and len(head) >= 32:
        version, backing_offset = struct.unpack_from(">IQ", head, 4)
        (capacity,) = struct.unpack_from(">Q", head, 24)
        # Version 1 is the format that QEMU calls qcow.
        return FileFacts(known, "qcow2" if version >= 2 else "qcow", capacity, backing_offset != 0)
    return FileFacts(known, name, known if name == "raw" else 0)


def wanted(spec: Spec, offer: HostOffer) -> tuple[FileRef, ...]:
    """The files that a plan wants facts of: those of this machine's, and the host's that are no
    volume of a pool's. They are the keys of `plan`'s `files`, with or without their pool."""
    source = spec.source
    files = [source.file, *(disk.file for disk in spec.disks or ())]
    if source.kind is SourceKind.KERNEL:
        files += [source.kernel, source.initrd]
    asked = [
        file for file in files if file.local or (file.path and find_volume(offer, file) is None)
    ]
    return tuple(dict.fromkeys(asked))
