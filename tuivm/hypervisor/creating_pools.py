"""Storage pools that a creation needs and its host has not got."""

from __future__ import annotations

import uuid as uuids
from pathlib import Path

import libvirt
from lxml import etree

from tuivm.hypervisor.creating_job import Job, MadePool
from tuivm.model.creation import PoolOrder


def make_pool(conn: libvirt.virConnect, job: Job, order: PoolOrder, *, local: bool) -> None:
    """Define, build and start one, unless there is one of that name by now. Raises
    CreationStoppedError."""
    job.check()
    what = f"make the pool {order.name}"
    try:
        if _is_there(conn, order.name):
            return
        job.say(f"Making the pool {order.name} in {order.path}")
        # Whether its directory was there before can be seen on this machine alone.
        new = local and not Path(order.path).exists()
        made = MadePool(str(uuids.uuid4()), order.name, order.path if new else "")
        # Noted before it is asked for: by its UUID it is this run's and nobody else's.
        job.pools.append(made)
        pool = conn.storagePoolDefineXML(pool_xml(order, made.uuid), 0)
        pool.build(0)
        pool.create(0)
        pool.setAutostart(1)
    except libvirt.libvirtError as error:
        raise job.failed(what, error) from error
    job.did(f"made the pool {order.name} in {order.path}")


def remove_pool(conn: libvirt.virConnect, made: MadePool) -> bool:
    """False when it is not there. Its directory goes if it was made with it and is empty. Raises
    libvirtError."""
    try:
        pool = conn.storagePoolLookupByUUIDString(made.uuid)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_STORAGE_POOL:
            return False
        raise
    if pool.isActive():
        pool.destroy()
    try:
        # It may never have been made: that it could not be is the likeliest failure.
        if made.new_directory and Path(made.new_directory).exists():
            pool.delete(0)
    finally:
        pool.undefine()
    return True


def pool_xml(order: PoolOrder, uuid: str) -> str:
    root = etree.Element("pool", type=order.kind)
    etree.SubElement(root, "name").text = order.name
    etree.SubElement(root, "uuid").text = uuid
    target = etree.SubElement(root, "target")
    etree.SubElement(target, "path").text = order.path
    return etree.tostring(root, encoding="unicode")


def _is_there(conn: libvirt.virConnect, name: str) -> bool:
    try:
        conn.storagePoolLookupByName(name)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_STORAGE_POOL:
            return False
        raise
    return True
