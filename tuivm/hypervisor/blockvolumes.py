"""The device files behind disks that a guest names by pool and volume."""

from __future__ import annotations

from collections.abc import Iterator

import libvirt

from tuivm.domainxml.nodedevs import Named
from tuivm.domainxml.parse import Element, attr, parse_xml

_DEVICES = frozenset({"disk", "iscsi", "logical", "mpath", "scsi", "zfs"})
"""Kinds of pools whose volumes are devices of the host's and no files."""


class BlockVolumes:
    """Each pool is looked at once, and volumes in those of files are not."""

    def __init__(self, conn: libvirt.virConnect) -> None:
        self._conn = conn
        self._pools: dict[str, libvirt.virStoragePool | None] = {}

    def named(self, domain: Element) -> Iterator[Named]:
        """Of a `<domain>`; what libvirt does not find (a pool that does not run) is left out."""
        for source in domain.iterfind("devices/disk[@type='volume']/source"):
            path = self._path(attr(source, "pool"), attr(source, "volume"))
            if path:
                yield Named(block=path)

    def _path(self, pool: str, volume: str) -> str:
        try:
            if pool not in self._pools:
                self._pools[pool] = self._of_devices(pool)
            found = self._pools[pool]
            return "" if found is None else found.storageVolLookupByName(volume).path()
        except (libvirt.libvirtError, ValueError):
            return ""

    def _of_devices(self, name: str) -> libvirt.virStoragePool | None:
        pool = self._conn.storagePoolLookupByName(name)
        kind = attr(parse_xml(pool.XMLDesc(), "pool"), "type")
        return pool if kind in _DEVICES else None
