"""The files of a new guest: each in its place, with the orders that make those that are new."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tuivm.domainxml.build_disks import PlacedDisk
from tuivm.model.creation import Placed, VolumeOrder
from tuivm.model.devices import DeviceClass
from tuivm.model.offers import DomainCaps, HostOffer
from tuivm.model.oses import OsInfo
from tuivm.model.spec import Disk, DiskKind, FileRef, SourceKind, Spec
from tuivm.preflight.default_disks import (
    DEFAULT_POOL,
    DIRECTORIES,
    default_pool,
    find_pool,
    free_name,
)
from tuivm.preflight.default_models import disk_bus
from tuivm.preflight.images import FileFacts
from tuivm.preflight.placing import capacity, facts, new_place, place


class TreeFiles(NamedTuple):
    """What was found in a network install tree. kernel, initrd: URLs. cmdline: what the installer
    has to be told ("inst.repo=…")."""

    kernel: str
    initrd: str
    cmdline: str = ""


class Layout:
    """The files of a guest as they are placed, and the orders that make them."""

    def __init__(
        self,
        spec: Spec,
        offer: HostOffer,
        files: Mapping[FileRef, FileFacts],
    ) -> None:
        self.spec, self.offer, self.files = spec, offer, files
        self.orders: list[VolumeOrder] = []
        self.temporary: list[Placed] = []
        self.disks: list[PlacedDisk] = []
        self.kernel: Placed | None = None
        self.initrd: Placed | None = None

    def existing(self, file: FileRef) -> Placed | None:
        """Where a file is; an order to upload it where it is this machine's."""
        placed = place(self.offer, file, self.files)
        if placed is not None and file.local:
            order = VolumeOrder(placed, facts(file, self.files).size, upload=file.local)
            if order not in self.orders:
                self.orders.append(order)
        return placed

    def disk(self, disk: Disk) -> None:
        below = self.existing(disk.file)
        new = disk.new
        if new is None or (below is not None and not disk.overlay):
            self.disks.append(PlacedDisk(disk, below))
            return
        placed = new_place(self.offer, new.pool, new.name, new.format)
        size = new.size or capacity(self.offer, disk.file, self.files)
        self.orders.append(VolumeOrder(placed, size, new.preallocation or "off", backing=below))
        self.disks.append(PlacedDisk(disk, placed))

    def seed(self, bus: str) -> None:
        """cloud-init's, in a drive of its own that is there for the first boot alone."""
        pool = default_pool(self.offer)
        first = next((disk.new for disk in self.spec.disks or () if disk.new), None)
        if first is not None:
            pool = first.pool
        name = self._free(pool, f"{self.spec.name}-seed", ".iso")
        placed = new_place(self.offer, pool, name, "raw")
        self.orders.append(VolumeOrder(placed, seed=self.spec.source.cloud))
        self.temporary.append(placed)
        drive = Disk(DiskKind.CDROM, FileRef(pool=pool, volume=name), bus=bus, readonly=True)
        self.disks.append(PlacedDisk(drive, placed, seed=True))

    def installer(self, tree: TreeFiles | None) -> None:
        """Kernel and initrd of a tree, which QEMU opens as files: so in a directory."""
        pool = directory_pool(self.offer)
        self.kernel = self._fetched(pool, "kernel", tree.kernel if tree else "")
        self.initrd = self._fetched(pool, "initrd", tree.initrd if tree else "")

    def _fetched(self, pool: str, what: str, url: str) -> Placed:
        name = self._free(pool, f"{self.spec.name}-{what}")
        placed = new_place(self.offer, pool, name, "raw")
        self.orders.append(VolumeOrder(placed, fetch=url))
        self.temporary.append(placed)
        return placed

    def _free(self, pool_name: str, base: str, extension: str = "") -> str:
        pool = find_pool(self.offer, pool_name)
        taken = {volume.name for volume in pool.volumes} if pool else set()
        ours = {order.placed.volume for order in self.orders if order.placed.pool == pool_name}
        return free_name(base, taken | ours, extension)

    def lay_out(self, caps: DomainCaps, os: OsInfo, tree: TreeFiles | None) -> None:
        """Every file of the spec's."""
        source, machine = self.spec.source, self.spec.machine
        for disk in self.spec.disks or ():
            self.disk(disk)
        if source.kind is SourceKind.CLOUD:
            self.seed(disk_bus(DiskKind.CDROM, machine, caps, os, DeviceClass.EMULATED))
        elif source.kind is SourceKind.KERNEL:
            self.kernel = self.existing(source.kernel)
            self.initrd = self.existing(source.initrd)
        elif source.kind is SourceKind.TREE:
            self.installer(tree)


def directory_pool(offer: HostOffer) -> str:
    """Where a file goes that must be one; the default pool where it is a directory."""
    usual = find_pool(offer, default_pool(offer))
    if usual is None or usual.kind in DIRECTORIES:
        return default_pool(offer)
    usable = (pool for pool in offer.pools if pool.active and pool.kind in DIRECTORIES)
    return next((pool.name for pool in usable if not pool.problem), DEFAULT_POOL)
