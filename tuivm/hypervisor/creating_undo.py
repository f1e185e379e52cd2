"""Removing again what a creation made, and nothing else."""

from __future__ import annotations

import threading
import time

import libvirt

from tuivm.domainxml.storage import pool_type
from tuivm.hypervisor.creating_job import Job, MadeGuest, MadePool, MadeVolume, connected
from tuivm.hypervisor.creating_pools import remove_pool
from tuivm.hypervisor.creating_volumes import Opener
from tuivm.hypervisor.errors import is_unsupported, reason_of
from tuivm.model.requests import Step

_BUSY = 10.0
"""Seconds that a volume stays in use at most when the transfer into it was broken off."""
_AGAIN = 0.25


_Made = MadePool | MadeVolume | MadeGuest


class _LostError(Exception):
    """The connection went away."""


class StaysError(Exception):
    """Something of this run cannot be removed without changing what is not of it."""


def undo(opener: Opener, job: Job, reconnect: float) -> tuple[str, ...]:
    """Remove the guest, then the volumes, newest first, then pools. The job's steps say what was
    removed; what could not be is handed back, in words. reconnect: seconds that a lost host has to
    come back."""
    until = time.monotonic() + reconnect
    todo: list[_Made] = [*job.pools, *job.volumes]
    if job.guest is not None:
        todo.append(job.guest)
    left: list[str] = []
    job.say("Removing what was made")
    # A pause that nobody ends early: Event.wait as a sleep on a daemon thread.
    pause = threading.Event()
    reason = "the connection was lost"
    while todo:
        try:
            with opener() as conn:
                while todo:
                    _remove(conn, job, todo[-1], left)
                    todo.pop()
        except (libvirt.libvirtError, _LostError) as error:
            reason = reason_of(error) if isinstance(error, libvirt.libvirtError) else reason
            if time.monotonic() > until:
                break
            pause.wait(_AGAIN)
    for one in reversed(todo):
        job.steps.append(Step(f"remove {_called(one)}", done=False, reason=reason))
        left.append(f"{_called(one)}, if it was made: {reason}")
    return tuple(left)


def _remove(conn: libvirt.virConnect, job: Job, one: _Made, left: list[str]) -> None:
    """Raises _LostError when the connection is gone, so that it is tried again over another."""
    try:
        if isinstance(one, MadeGuest):
            removed = remove_guest(conn, one)
        elif isinstance(one, MadePool):
            removed = remove_pool(conn, one)
        elif one.certain:
            removed = remove_volume(conn, one)
        else:
            removed = False
            _note_doubtful(conn, one, left)
    except (libvirt.libvirtError, StaysError) as error:
        if not connected(conn):
            raise _LostError from error
        reason = str(error) if isinstance(error, StaysError) else reason_of(error)
        job.steps.append(Step(f"remove {_called(one)}", done=False, reason=reason))
        left.append(f"{_called(one)}: {reason}")
        return
    if removed:
        job.did(f"removed {_called(one)}")


def remove_guest(conn: libvirt.virConnect, guest: MadeGuest) -> bool:
    """False when there is none with its UUID. Raises libvirtError."""
    try:
        domain = conn.lookupByUUIDString(guest.uuid)
        if domain.isActive():
            domain.destroy()
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return False
        # It may have stopped by itself in between.
        if not connected(conn) or conn.lookupByUUIDString(guest.uuid).isActive():
            raise
    nvram = (
        libvirt.VIR_DOMAIN_UNDEFINE_KEEP_NVRAM
        if guest.keep_nvram
        else libvirt.VIR_DOMAIN_UNDEFINE_NVRAM
    )
    try:
        domain.undefineFlags(nvram | libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return True
        if not is_unsupported(error) and error.get_error_code() != libvirt.VIR_ERR_INVALID_ARG:
            raise
        # A driver that knows none of these flags keeps none of these files.
        domain.undefine()
    return True


def remove_volume(conn: libvirt.virConnect, volume: MadeVolume) -> bool:
    """False when it is not there any more. Raises libvirtError and StaysError."""
    pool = conn.storagePoolLookupByName(volume.pool)
    if pool.isActive():
        return _delete(conn, pool, volume)
    if pool_type(pool.XMLDesc(0)) != "dir":
        raise StaysError(f"the pool {volume.pool} was stopped")
    # Nothing but a directory, so that starting it for a moment changes nothing.
    pool.create(0)
    try:
        return _delete(conn, pool, volume)
    finally:
        pool.destroy()


def _delete(conn: libvirt.virConnect, pool: libvirt.virStoragePool, volume: MadeVolume) -> bool:
    until = time.monotonic() + _BUSY
    pause = threading.Event()
    while True:
        try:
            pool.storageVolLookupByName(volume.name).delete(0)
        except libvirt.libvirtError as error:
            if error.get_error_code() == libvirt.VIR_ERR_NO_STORAGE_VOL:
                return False
            if not connected(conn) or time.monotonic() > until:
                raise
            # The daemon may still be writing what it was sent last.
            if error.get_error_code() != libvirt.VIR_ERR_OPERATION_INVALID:
                raise
            pause.wait(_AGAIN)
        else:
            return True


def _note_doubtful(conn: libvirt.virConnect, volume: MadeVolume, left: list[str]) -> None:
    try:
        conn.storagePoolLookupByName(volume.pool).storageVolLookupByName(volume.name)
    except libvirt.libvirtError as error:
        gone = (libvirt.VIR_ERR_NO_STORAGE_VOL, libvirt.VIR_ERR_NO_STORAGE_POOL)
        if error.get_error_code() in gone:
            return
        raise
    left.append(
        f"{_called(volume)}: there is one, but whether this run made it is not known, as the "
        "connection was lost while it was asked for"
    )


def _called(one: _Made) -> str:
    if isinstance(one, MadeVolume):
        return one.path or f"{one.pool}/{one.name}"
    return f"the pool {one.name}" if isinstance(one, MadePool) else one.name
