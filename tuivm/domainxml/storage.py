"""Where a guest's data lie, read from domain, snapshot and volume XML."""

from __future__ import annotations

from dataclasses import dataclass

from tuivm.domainxml.parse import Element, attr, child_attr, number, parse_xml, text


@dataclass(frozen=True, slots=True)
class Layer:
    """One image of a backing chain.

    path: a file or block device, "" for what has none. pool and volume: for a source that is
    named by its pool. other: what a source without a path is ("rbd:pool/image"). format: as the
    XML says it; "" means raw, libvirt does not probe.
    """

    path: str = ""
    pool: str = ""
    volume: str = ""
    other: str = ""
    format: str = ""


@dataclass(frozen=True, slots=True)
class DiskUse:
    """What one `<disk>` uses.

    chain: the top image first. whole: the XML says that the chain ends there (a running guest's
    does, that of one that is off seldom). beside: images that are neither, such as the target of
    a copy under way.
    """

    target: str
    chain: tuple[Layer, ...]
    whole: bool = False
    beside: tuple[Layer, ...] = ()
    read_only: bool = False
    shareable: bool = False


@dataclass(frozen=True, slots=True)
class VolumeDescription:
    """A volume's XML. Sizes in bytes. backing is "" where nothing backs it."""

    path: str
    format: str = ""
    capacity: int | None = None
    allocation: int | None = None
    backing: str = ""
    backing_format: str = ""


def disk_uses(domain: Element) -> tuple[DiskUse, ...]:
    """What the disks of a `<domain>` use; drives without a medium use nothing."""
    uses = (_disk_use(disk) for disk in domain.iterfind("devices/disk"))
    return tuple(use for use in uses if use.chain)


def snapshot_uses(xml: str) -> tuple[DiskUse, ...]:
    """What a `<domainsnapshot>` needs: the disks of the guest as it was, and its overlays.

    Raises ValueError for anything else.
    """
    snapshot = parse_xml(xml, "domainsnapshot")
    uses = [use for domain in snapshot.iterfind("domain") for use in disk_uses(domain)]
    overlays = (_disk_use(disk) for disk in snapshot.iterfind("disks/disk"))
    return (*uses, *(use for use in overlays if use.chain))


def nvram_path(domain: Element) -> str:
    """The file that holds the UEFI variables, "" where there is none."""
    return text(domain, "os/nvram") or child_attr(domain, "os/nvram/source", "file")


def has_emulated_tpm(domain: Element) -> bool:
    """A TPM whose state libvirt keeps; one that is passed through has its state in silicon."""
    return any(
        attr(backend, "type") == "emulator" for backend in domain.iterfind("devices/tpm/backend")
    )


def read_volume(xml: str) -> VolumeDescription:
    """What a `<volume>` says of itself. Raises ValueError for anything else."""
    volume = parse_xml(xml, "volume")
    return VolumeDescription(
        path=text(volume, "target/path"),
        format=child_attr(volume, "target/format", "type"),
        capacity=number(text(volume, "capacity")),
        allocation=number(text(volume, "allocation")),
        backing=text(volume, "backingStore/path"),
        backing_format=child_attr(volume, "backingStore/format", "type"),
    )


def pool_type(xml: str) -> str:
    """ "dir", "logical", "rbd", … Raises ValueError for what is no `<pool>`."""
    return attr(parse_xml(xml, "pool"), "type")


def _disk_use(disk: Element) -> DiskUse:
    chain, whole, seen = [], False, []
    level: Element | None = disk
    driver = child_attr(disk, "driver", "type")
    while level is not None:
        source = level.find("source")
        if source is None:
            whole = level is not disk
            break
        seen.append(source)
        fmt = driver if level is disk else child_attr(level, "format", "type")
        chain.append(_layer(source, attr(level, "type"), fmt))
        level = level.find("backingStore")
    beside = tuple(
        layer
        for source in disk.iter("source")
        if source not in seen and (layer := _layer(source, "", "")).path
    )
    return DiskUse(
        target=child_attr(disk, "target", "dev"),
        chain=tuple(chain),
        whole=whole,
        beside=beside,
        read_only=attr(disk, "device") in {"cdrom", "floppy"} or disk.find("readonly") is not None,
        shareable=disk.find("shareable") is not None,
    )


def _layer(source: Element, kind: str, fmt: str) -> Layer:
    if kind == "volume":
        return Layer(pool=attr(source, "pool"), volume=attr(source, "volume"), format=fmt)
    if kind == "network":
        name = f"{attr(source, 'protocol')}:{attr(source, 'name')}"
        return Layer(other=name, format=fmt)
    path = attr(source, "file") or attr(source, "dev") or attr(source, "dir")
    return Layer(path=path, other="" if path else kind, format=fmt)
