"""The volumes of a creation: each made, then filled."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

import libvirt
from lxml import etree

from tuivm.domainxml.storage import pool_type
from tuivm.hypervisor.creating_job import CreationStoppedError, Job, MadeVolume, connected
from tuivm.hypervisor.creating_transfer import (
    Meter,
    Readable,
    TransferError,
    fetched,
    opened,
    send,
    words_of,
)
from tuivm.model.creation import Placed, VolumeOrder
from tuivm.model.hosts import Problem
from tuivm.model.units import byte_count

Opener = Callable[[], AbstractContextManager[libvirt.virConnect]]

_FILES = frozenset({"dir", "fs", "netfs", "gluster", "vstorage"})
"""Types of pools whose volumes are image files with a format."""
_LOOK_EVERY = 0.5
"""Seconds between two looks at a copy that grows."""


class Volumes:
    """Makes volumes over one connection. opener: for another, to watch a long call with.

    seed: makes what cloud-init reads from what it shall say.
    """

    def __init__(
        self,
        conn: libvirt.virConnect,
        job: Job,
        opener: Opener,
        seed: Callable[[VolumeOrder], bytes],
    ) -> None:
        self._conn = conn
        self._job = job
        self._open = opener
        self._seed = seed

    def make(self, order: VolumeOrder) -> Placed:
        """Make one and fill it; where it is now. Raises CreationStoppedError."""
        placed, job = order.placed, self._job
        name = _called(placed)
        job.check()
        if not placed.pool or not placed.volume:
            reason = "no storage pool was named for it"
            raise CreationStoppedError(Problem(f"cannot make {name}", reason))
        try:
            with self._content(order) as content:
                pool = self._conn.storagePoolLookupByName(placed.pool)
                kind = pool_type(pool.XMLDesc(0))
                size = content[1] if content else None
                if order.clone:
                    volume = self._clone(pool, kind, order, order.clone)
                else:
                    job.say(f"Making {name}")
                    volume = self._made(order, partial(self._create, pool, kind, order, size))
                if content:
                    self._fill(volume, order, *content)
            path = volume.path()
        except (libvirt.libvirtError, OSError, TransferError, ValueError) as error:
            if isinstance(error, ValueError):
                error = TransferError(str(error))
            remedy = "choose another name for it" if _is_taken(error) else ""
            raise job.failed(f"make {name}", error, remedy) from error
        size_words = f" ({byte_count(order.capacity)})" if order.capacity else ""
        job.did(f"made {name}{size_words}")
        return placed._replace(path=placed.path if placed.by_volume else path)

    @contextmanager
    def _content(self, order: VolumeOrder) -> Iterator[tuple[Readable, int] | None]:
        """What fills it, with its size: at hand before anything is made on the host."""
        job = self._job
        if order.upload:
            with opened(order.upload) as found:
                yield found
        elif order.fetch:
            what = f"Fetching {order.fetch}"
            job.say(what)
            with fetched(order.fetch, partial(job.say, what), job.check) as found:
                yield found
        elif order.seed is not None:
            data = self._seed(order)
            yield io.BytesIO(data), len(data)
        else:
            yield None

    def _create(
        self, pool: libvirt.virStoragePool, kind: str, order: VolumeOrder, size: int | None
    ) -> libvirt.virStorageVol:
        backing = None
        if order.backing is not None:
            backing = (self._path_of(order.backing), order.backing.format)
        xml = volume_xml(order, kind, size=size, backing=backing)
        return pool.createXML(xml, _flags(order, kind, filled=size is not None))

    def _clone(
        self, pool: libvirt.virStoragePool, kind: str, order: VolumeOrder, source: Placed
    ) -> libvirt.virStorageVol:
        if source.pool and source.volume:
            origin = self._conn.storagePoolLookupByName(source.pool)
            original = origin.storageVolLookupByName(source.volume)
        else:
            original = self._conn.storageVolLookupByPath(source.path)
        capacity, allocation = original.info()[1:3]
        whole = order._replace(capacity=max(order.capacity, capacity))
        what = f"Copying {_called(source)} to {_called(order.placed)}"
        self._job.say(what, 0, allocation)
        xml = volume_xml(whole, kind)
        flags = _flags(order, kind, filled=False)
        with self._watched(order.placed, what, allocation):
            return self._made(order, lambda: pool.createXMLFrom(xml, original, flags))

    def _made(
        self, order: VolumeOrder, call: Callable[[], libvirt.virStorageVol]
    ) -> libvirt.virStorageVol:
        """Have it made, and note that it is this run's: from then on it is removed on failure."""
        placed, job = order.placed, self._job
        try:
            volume = call()
        except libvirt.libvirtError:
            if not connected(self._conn):
                job.volumes.append(MadeVolume(placed.pool, placed.volume, certain=False))
            raise
        job.volumes.append(MadeVolume(placed.pool, placed.volume))
        job.volumes[-1] = job.volumes[-1]._replace(path=volume.path())
        return volume

    def _fill(
        self, volume: libvirt.virStorageVol, order: VolumeOrder, file: Readable, size: int
    ) -> None:
        job = self._job
        what = f"Filling {_called(order.placed)}"
        send(self._conn, volume, file, size, Meter(partial(job.say, what), job.check, size))
        if order.capacity > size:
            self._grow(volume, order.capacity)

    def _grow(self, volume: libvirt.virStorageVol, capacity: int) -> None:
        """Give an image that was sent the size that was asked for."""
        # What it is has to be found out by libvirt first: it was made as so many bytes.
        volume.storagePoolLookupByVolume().refresh(0)
        if volume.info()[1] < capacity:
            volume.resize(capacity, 0)

    def _path_of(self, placed: Placed) -> str:
        if placed.path:
            return placed.path
        pool = self._conn.storagePoolLookupByName(placed.pool)
        return pool.storageVolLookupByName(placed.volume).path()

    @contextmanager
    def _watched(self, placed: Placed, what: str, total: int) -> Iterator[None]:
        """Tell how much of a copy there is, seen over another connection, until it is done."""
        over = threading.Event()
        lock = threading.Lock()

        def look(conn: libvirt.virConnect) -> None:
            try:
                pool = conn.storagePoolLookupByName(placed.pool)
                done = pool.storageVolLookupByName(placed.volume).info()[2]
            except libvirt.libvirtError:
                # It is not there yet.
                return
            with lock:
                if not over.is_set():
                    self._job.say(what, min(done, total), total)

        def watch() -> None:
            try:
                with self._open() as conn:
                    while not over.wait(_LOOK_EVERY) and connected(conn):
                        look(conn)
            except libvirt.libvirtError:
                # Then nothing is told of it; the copy goes on.
                return

        threading.Thread(target=watch, name="copy-progress", daemon=True).start()
        try:
            yield
        finally:
            with lock:
                over.set()


def volume_xml(
    order: VolumeOrder,
    kind: str,
    *,
    size: int | None = None,
    backing: tuple[str, str] | None = None,
) -> str:
    """A `<volume>`. kind: type of its pool. size: of the bytes that will be sent into it, whatever
    they are: it is made as so many bytes and not as an image, which sending would only overwrite.
    backing: path and format."""
    placed = order.placed
    root = etree.Element("volume")
    etree.SubElement(root, "name").text = placed.volume
    raw = size is not None
    capacity = size if size is not None else order.capacity
    if raw and placed.format in ("", "raw", "iso"):
        capacity = max(capacity, order.capacity)
    if capacity or backing is None:
        etree.SubElement(root, "capacity", unit="bytes").text = str(capacity)
    # A logical volume that is not wholly allocated would be a snapshot with a limit.
    whole = kind == "logical" or (order.preallocation == "full" and not raw)
    etree.SubElement(root, "allocation", unit="bytes").text = str(capacity if whole else 0)
    target = etree.SubElement(root, "target")
    if kind in _FILES:
        image = "raw" if raw or not placed.format or placed.format == "iso" else placed.format
        etree.SubElement(target, "format", type=image)
        if image == "qcow2":
            # libvirt's own default is that of QEMU before 1.1.
            etree.SubElement(target, "compat").text = "1.1"
    if backing is not None:
        path, image = backing
        store = etree.SubElement(root, "backingStore")
        etree.SubElement(store, "path").text = path
        if image:
            etree.SubElement(store, "format", type=image)
    return etree.tostring(root, encoding="unicode")


def _flags(order: VolumeOrder, kind: str, *, filled: bool) -> int:
    wanted = order.preallocation in ("metadata", "full") and order.placed.format == "qcow2"
    if wanted and kind in _FILES and not filled and order.backing is None:
        return libvirt.VIR_STORAGE_VOL_CREATE_PREALLOC_METADATA
    return 0


def _called(placed: Placed) -> str:
    return f"{placed.pool}/{placed.volume}" if placed.volume else placed.path


def _is_taken(error: libvirt.libvirtError | OSError | TransferError) -> bool:
    if not isinstance(error, libvirt.libvirtError):
        return False
    exists = error.get_error_code() == libvirt.VIR_ERR_STORAGE_VOL_EXIST
    return exists or "already exists" in words_of(error)
