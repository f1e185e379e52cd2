"""The checks of the volumes that a creation makes: pools, names, sizes, formats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from tuivm.model.creation import CreationPlan
from tuivm.model.findings import Finding
from tuivm.model.offers import HostOffer, Pool
from tuivm.model.spec import Disk, FileRef, NewVolume
from tuivm.model.units import byte_count
from tuivm.preflight.asking import error, has_control, note, shown, warning
from tuivm.preflight.default_disks import CREATING, DEFAULT_POOL, DIRECTORIES, find_pool
from tuivm.preflight.images import FileFacts
from tuivm.preflight.placing import capacity

_MOST = 1 << 62
_SMALLEST = 1 << 20
_FORMATS = ("qcow2", "raw", "vmdk", "vdi", "qed", "vpc")
_PREALLOCATIONS = ("", "off", "metadata", "full")
_NAME_BYTES = 255


def check_volume(
    field: str,
    number: int,
    plan: CreationPlan,
    offer: HostOffer,
    files: Mapping[FileRef, FileFacts],
) -> Iterator[Finding]:
    """Of the new volume of one disk."""
    disk = (plan.spec.disks or ())[number]
    new = disk.new or NewVolume()
    field = f"{field}.new"
    pool = find_pool(offer, new.pool)
    yield from check_pool(f"{field}.pool", new.pool, offer)
    yield from check_volume_name(f"{field}.name", new.name, pool)
    yield from _format(field, disk, new, pool)
    yield from _size(f"{field}.size", disk, plan, offer, files)


def check_pool(field: str, name: str, offer: HostOffer) -> Iterator[Finding]:
    """Can a volume be made in it, for a guest to use?"""
    pool = find_pool(offer, name)
    if pool is None:
        yield from _no_pool(field, name, offer)
        return
    if pool.problem and pool.active:
        yield error(
            "pool-problem", field, f"the pool {shown(name)} cannot be used", shown(pool.problem)
        )
    elif not pool.active:
        yield error(
            "pool-inactive",
            field,
            f"the pool {shown(name)} is not active",
            "nothing can be made in it, and its volumes are not known",
            f"virsh pool-start {shown(name)}",
        )
    elif pool.kind not in CREATING:
        yield error(
            "pool-kind",
            field,
            f"no disk can be made in {shown(name)}, a pool of type {shown(pool.kind)}",
            "libvirt makes no volumes there, or none that a guest's definition can name",
            "choose a pool that is a directory or a volume group",
        )
    elif pool.closed:
        yield closed_finding(field, pool.closed, offer)


def closed_finding(field: str, closed: tuple[str, ...], offer: HostOffer) -> Finding:
    """Directories on the way to an image that QEMU's user cannot enter, with the remedy."""
    user = offer.capabilities.qemu_user.partition(":")[0].lstrip("+") or "libvirt-qemu"
    fix = "; ".join(f"setfacl -m u:{user}:x {shown(directory)}" for directory in closed)
    return warning(
        "storage-closed",
        field,
        f"QEMU cannot enter {shown(', '.join(closed))}",
        f"it runs as user {user}, who has no right to search there; libvirt gives it the file, not "
        "the directories on the way",
        fix,
    )


def _no_pool(field: str, name: str, offer: HostOffer) -> Iterator[Finding]:
    if name != DEFAULT_POOL:
        yield error(
            "pool-gone",
            field,
            f"there is no pool {shown(name)} on {shown(offer.host)}",
            "it was never there, or somebody removed it",
            "choose another one",
        )
    elif offer.images_path:
        yield note(
            "pool-made",
            field,
            f"the pool default will be made in {shown(offer.images_path)}",
            "the host has no pool that could be used; this is where libvirt has it by custom",
        )
    else:
        yield error(
            "pool-none",
            field,
            f"{shown(offer.host)} has no storage pool that can be used",
            "and where its default one belongs is not known here",
            "virsh pool-define-as default dir --target DIRECTORY, then pool-build and pool-start",
        )


def check_volume_name(field: str, name: str, pool: Pool | None) -> Iterator[Finding]:
    if not name or name in {".", ".."} or "/" in name or name.startswith("-") or has_control(name):
        yield error(
            "volume-name",
            field,
            f"{shown(name) or 'nothing'} cannot be the name of a volume",
            "it becomes the name of a file or a logical volume",
            "letters, digits, . _ + and -",
        )
    elif len(name.encode("utf-8", "surrogatepass")) > _NAME_BYTES:
        yield error("volume-long", field, "the name is longer than 255 bytes", remedy="shorten it")
    elif pool is not None and any(volume.name == name for volume in pool.volumes):
        yield error(
            "volume-taken",
            field,
            f"there is a volume {shown(name)} in {shown(pool.name)} already",
            "it is not overwritten",
            "take another name, or use the volume that is there",
        )


def _format(field: str, disk: Disk, new: NewVolume, pool: Pool | None) -> Iterator[Finding]:
    if new.format not in _FORMATS:
        yield error(
            "format-unknown",
            f"{field}.format",
            f"{shown(new.format)} is no format that can be made",
            remedy=f"one of {', '.join(_FORMATS)}",
        )
        return
    if new.preallocation not in _PREALLOCATIONS:
        yield error(
            "preallocation-unknown",
            f"{field}.preallocation",
            f"{shown(new.preallocation)} is none of off, metadata, full",
        )
    directory = pool is None or pool.kind in DIRECTORIES
    if disk.overlay and (new.format != "qcow2" or not directory):
        yield error(
            "overlay-format",
            f"{field}.format" if directory else f"{field}.pool",
            "an overlay must be a qcow2 file",
            "raw images have no room for what lies below; in a volume group it would be a snapshot",
            "qcow2, in a pool that is a directory",
        )
    elif not directory and new.format != "raw":
        yield error(
            "format-pool",
            f"{field}.format",
            f"volumes in a pool of type {shown(pool.kind if pool else '')} are raw",
            "they are block devices, made without a format",
            "raw",
        )
    if new.format == "raw" and new.preallocation == "metadata":
        yield error(
            "preallocation-raw",
            f"{field}.preallocation",
            "raw has no metadata that could be preallocated",
            remedy="off or full",
        )


def _size(
    field: str,
    disk: Disk,
    plan: CreationPlan,
    offer: HostOffer,
    files: Mapping[FileRef, FileFacts],
) -> Iterator[Finding]:
    new = disk.new or NewVolume()
    size = new.size
    below = capacity(offer, disk.file, files) if disk.overlay else 0
    if disk.overlay and not size:
        return
    if size < _SMALLEST or size > _MOST:
        yield error(
            "size-range",
            field,
            f"{size} bytes are no size for a disk",
            remedy="at least 1 MiB" if size < _SMALLEST else "less than 4 EiB",
        )
        return
    if below and size < below:
        yield error(
            "overlay-small",
            field,
            f"{byte_count(size)} are less than the {byte_count(below)} of the image below",
            "the end of its file systems would be cut off",
            f"at least {byte_count(below)}, or nothing: as large as the image",
        )
    os = plan.os
    if os.storage_min and not disk.overlay and _is_first(disk, plan) and size < os.storage_min:
        yield warning(
            "size-os",
            field,
            f"{os.name} needs a disk of {byte_count(os.storage_min)} at least",
            "its installer may refuse or fill the disk",
            f"{byte_count(os.storage or os.storage_min)}",
        )


def _is_first(disk: Disk, plan: CreationPlan) -> bool:
    return disk is next((one for one in plan.spec.disks or () if one.new), None)


def check_pools(plan: CreationPlan, offer: HostOffer) -> Iterator[Finding]:
    """Does everything that goes into a pool fit together, and has every volume its own name?"""
    names = Counter((order.placed.pool, order.placed.volume) for order in plan.volumes)
    for (pool_name, volume), count in names.items():
        if count > 1:
            yield error(
                "volume-twice",
                _disk_field(plan, pool_name, volume),
                f"{count} new volumes in {shown(pool_name)} are called {shown(volume)}",
                remedy="give each its own name",
            )
    for pool in offer.pools:
        if pool.active and pool.capacity:
            yield from _fits(plan, pool)


def _fits(plan: CreationPlan, pool: Pool) -> Iterator[Finding]:
    orders = [order for order in plan.volumes if order.placed.pool == pool.name]
    # An overlay holds what the guest changes, and at the start that is nothing.
    at_once = sum(
        order.capacity
        for order in orders
        if order.upload or order.preallocation == "full" or order.placed.block
    )
    in_the_end = sum(order.capacity for order in orders if not order.clone)
    field = _disk_field(plan, pool.name, orders[0].placed.volume) if orders else ""
    field = f"{field}.size" if field.endswith(".new") else field
    free = byte_count(pool.available)
    if at_once > pool.available:
        yield error(
            "pool-full",
            field,
            f"{byte_count(at_once)} are to go into {shown(pool.name)}, which has {free} left",
            "full preallocation, logical volumes and uploads take their space at once",
            "a smaller disk, another pool, or qcow2 that grows as it is written",
        )
    elif in_the_end > pool.available:
        yield warning(
            "pool-overcommitted",
            field,
            f"the disks in {shown(pool.name)} can grow to {byte_count(in_the_end)}; {free} are "
            "left",
            "when the pool is full, the guest is paused in the middle of a write",
            "a smaller disk or another pool; or watch the pool",
        )


def _disk_field(plan: CreationPlan, pool: str, volume: str) -> str:
    for number, disk in enumerate(plan.spec.disks or ()):
        if disk.new is not None and (disk.new.pool, disk.new.name) == (pool, volume):
            return f"disk.{number}.new"
    return "source"
