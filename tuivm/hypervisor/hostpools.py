"""A host's storage pools and what is in them."""

from __future__ import annotations

import os

import libvirt

from tuivm.domainxml.storagexml import read_pool
from tuivm.hypervisor.inventory import Inventory, PoolVolume
from tuivm.hypervisor.reach import Identity, closed_directories
from tuivm.model.offers import Pool, Volume


def read_pools(
    conn: libvirt.virConnect, inventory: Inventory, who: Identity | None, *, session: bool
) -> tuple[Pool, ...]:
    """By name, those too that do not run. who: QEMU's user where that can be told. Raises
    libvirtError."""
    volumes: dict[str, list[Volume]] = {}
    own = session and who is not None
    for one in inventory.listed:
        if one.said.format != "dir":
            volumes.setdefault(one.pool, []).append(_volume(one, inventory, session=own))
    found = []
    for pool in conn.listAllStoragePools():
        try:
            said = read_pool(pool.XMLDesc(), active=bool(pool.isActive()))
            persistent = bool(pool.isPersistent())
            autostart = bool(pool.autostart()) if persistent else None
        except libvirt.libvirtError as error:
            if error.get_error_code() == libvirt.VIR_ERR_NO_STORAGE_POOL:
                continue
            raise
        found.append(
            said._replace(
                volumes=tuple(sorted(volumes.get(said.name, ()))),
                problem="" if said.active else "it is not running: virsh pool-start starts it",
                closed=closed_directories(f"{said.path}/x", who) if said.path else (),
                autostart=autostart,
                persistent=persistent,
            )
        )
    return tuple(sorted(found))


def _volume(volume: PoolVolume, inventory: Inventory, *, session: bool) -> Volume:
    said = volume.said
    used_by = inventory.others(said.path, "")
    return Volume(
        name=volume.name,
        path=said.path,
        capacity=said.capacity or 0,
        allocation=said.allocation or 0,
        format=said.format,
        backing=said.backing,
        used_by=used_by,
        shareable=bool(used_by) and inventory.identity(said.path) not in inventory.exclusive,
        # As an ordinary user, libvirt cannot hand a file over.
        readable=os.access(said.path, os.R_OK) if session else None,
    )
