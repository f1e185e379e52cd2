"""virt-install's options for disks, drives and their controllers."""

from __future__ import annotations

from collections.abc import Iterator

from tuivm.model.creation import CreationPlan, Placed
from tuivm.model.offers import HostOffer
from tuivm.model.spec import SCSI_CONTROLLERS, Disk, DiskKind, FileRef, SourceKind
from tuivm.model.virtinstalltext import option

_GIB = 1024**3


def disk_options(plan: CreationPlan, offer: HostOffer) -> Iterator[str]:
    """--disk for each that `installer` does not name, after the controllers that they are on."""
    disks = [disk for disk in plan.spec.disks or () if disk != installer(plan, offer)]
    threads = [SCSI_CONTROLLERS.get(disk.bus, disk.bus) for disk in disks if disk.iothread]
    yield from option("--iothreads", {"": len(threads) or ""})
    models = list(
        dict.fromkeys(SCSI_CONTROLLERS[disk.bus] for disk in disks if disk.bus in SCSI_CONTROLLERS)
    )
    for index, model in enumerate(models):
        # A virtio-scsi controller is what runs in a thread, not its disks.
        thread = threads.index(model) + 1 if model == "virtio-scsi" and model in threads else ""
        parts: dict[str, object] = {
            "type": "scsi",
            "index": index,
            "model": model,
            "driver.iothread": thread,
        }
        yield from option("--controller", parts)
    number, units = 0, dict.fromkeys(models, 0)
    for disk in disks:
        number += disk.iothread
        parts = _disk(disk, plan, offer)
        if disk.iothread and disk.bus == "virtio":
            parts["driver.iothread"] = number
        if len(models) > 1 and disk.bus in SCSI_CONTROLLERS:
            model = SCSI_CONTROLLERS[disk.bus]
            parts |= {"address.type": "drive", "address.controller": models.index(model)}
            parts["address.unit"] = units[model]
            units[model] += 1
        yield from option("--disk", parts)
    if not disks:
        yield from ("--disk", "none")


def installer(plan: CreationPlan, offer: HostOffer) -> Disk | None:
    """The drive with the installer's image, where --cdrom can name it: by its path."""
    source = plan.spec.source
    if source.kind is not SourceKind.ISO or not path_of(source.file, plan, offer):
        return None
    drives = [disk for disk in plan.spec.disks or () if disk.kind is DiskKind.CDROM]
    return next((disk for disk in drives if disk.file == source.file), None)


def path_of(file: FileRef, plan: CreationPlan, offer: HostOffer) -> str:
    """Where a file is, or will be once it is uploaded; "" where only pool and volume say it."""
    for order in plan.volumes:
        if file.local and order.upload == file.local:
            return order.placed.path
    if file.path:
        return file.path
    for pool in offer.pools:
        for volume in pool.volumes:
            if (pool.name, volume.name) == (file.pool, file.volume):
                return volume.path
    return ""


def _disk(disk: Disk, plan: CreationPlan, offer: HostOffer) -> dict[str, object]:
    cdrom = disk.kind is DiskKind.CDROM
    bus = "scsi" if disk.bus in SCSI_CONTROLLERS else disk.bus
    parts: dict[str, object] = {"device": "cdrom" if cdrom else ""}
    new = disk.new
    if new is not None and (disk.overlay or disk.file == FileRef()):
        placed = _placed(new.pool, new.name, plan)
        parts |= {"path": placed.path} if placed.path else {"pool": new.pool}
        parts |= {"size": f"{new.size / _GIB:g}" if new.size else "", "format": new.format}
        parts["sparse"] = "no" if new.preallocation == "full" else ""
        if disk.overlay:
            parts["backing_store"] = path_of(disk.file, plan, offer) or disk.file.volume
    elif disk.file != FileRef():
        path = path_of(disk.file, plan, offer)
        parts |= {"path": path} if path else {"vol": f"{disk.file.pool}/{disk.file.volume}"}
    return parts | {
        "bus": bus,
        "cache": disk.cache,
        "driver.io": disk.io,
        "driver.discard": disk.discard,
        "readonly": disk.readonly and not cdrom,
        "shareable": disk.shareable,
        "serial": disk.serial,
    }


def _placed(pool: str, volume: str, plan: CreationPlan) -> Placed:
    orders = (order.placed for order in plan.volumes)
    found = (placed for placed in orders if (placed.pool, placed.volume) == (pool, volume))
    return next(found, Placed())
