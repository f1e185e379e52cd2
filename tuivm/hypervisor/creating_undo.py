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
_LOOK = 0.1
_SILENT = 60.0
"""Seconds that one step of it takes at most on a host that answers."""


_Made = MadePool | MadeVolume | MadeGuest


class _LostError(Exception):
    """The connection went away."""


class StaysError(Exception):
    """Something of this run cannot be removed without changing what is not of it."""


def undo(opener: Opener, job: Job, reconnect: float) -> tuple[str, ...]:
    """Remove the guest, then the volumes, newest first, then pools. The job's steps say what was
    removed; what could not be is handed back, in words. reconnect: seconds that a lost host has to
    come back.

    Waits for no call that hangs: that is left to a thread of its own, which does nothing more when
    it comes back. What was said to be left stays, as by then it may have become somebody else's.
    """
    work = _Undo(opener, job, time.monotonic() + reconnect)
    job.say("Removing what was made")
    threading.Thread(target=work.run, name="undo", daemon=True).start()
    while not work.over.wait(_LOOK):
        if time.monotonic() - work.moved > reconnect + _SILENT:
            work.give_up("the host does not answer")
    return tuple(work.left)


class _Undo:
    """moved: when a step came to its end."""

    def __init__(self, opener: Opener, job: Job, until: float) -> None:
        self._opener = opener
        self._job = job
        self._until = until
        self._todo: list[_Made] = [*job.pools, *job.volumes]
        if job.guest is not None:
            self._todo.append(job.guest)
        self._lock = threading.Lock()
        self.left: list[str] = []
        self.moved = time.monotonic()
        self.over = threading.Event()

    def run(self) -> None:
        reason = "the connection was lost"
        try:
            while self._todo and not self.over.is_set():
                try:
                    with self._opener() as conn:
                        while self._todo and not self.over.is_set():
                            self._next(conn)
                except (libvirt.libvirtError, _LostError) as error:
                    if isinstance(error, libvirt.libvirtError):
                        reason = reason_of(error)
                    if time.monotonic() > self._until or self.over.wait(_AGAIN):
                        break
        finally:
            # After a fault of the program too, whose traceback goes to the log.
            self.give_up(reason)

    def give_up(self, reason: str) -> None:
        """Whatever is still to be removed is left."""
        with self._lock:
            if self.over.is_set():
                return
            for one in reversed(self._todo):
                self._leave(one, reason, f"{_called(one)}, if it was made: {reason}")
            self.over.set()

    def _next(self, conn: libvirt.virConnect) -> None:
        """Raises _LostError when the connection is gone, so that it is tried again over another."""
        one = self._todo[-1]
        words = ""
        try:
            removed, words = _remove(conn, one)
        except (libvirt.libvirtError, StaysError) as error:
            if not connected(conn):
                raise _LostError from error
            removed = False
            words = str(error) if isinstance(error, StaysError) else reason_of(error)
        with self._lock:
            if self.over.is_set():
                raise _LostError
            self.moved = time.monotonic()
            self._todo.pop()
            if removed:
                self._job.did(f"removed {_called(one)}")
            elif words:
                self._leave(one, words, f"{_called(one)}: {words}")
                if isinstance(one, MadeGuest):
                    # It may run on them.
                    self._todo, kept = [], self._todo
                    for other in reversed(kept):
                        why = f"not tried, as {one.name} is still there"
                        self._leave(other, why, f"{_called(other)}: {why}")

    def _leave(self, one: _Made, reason: str, words: str) -> None:
        self._job.steps.append(Step(f"remove {_called(one)}", done=False, reason=reason))
        self.left.append(words)


def _remove(conn: libvirt.virConnect, one: _Made) -> tuple[bool, str]:
    """Whether it was there and is gone now, and why it was left. Raises libvirtError and
    StaysError."""
    if isinstance(one, MadeGuest):
        return remove_guest(conn, one), ""
    if isinstance(one, MadePool):
        return remove_pool(conn, one), ""
    if one.certain:
        return remove_volume(conn, one), ""
    return False, _doubt(conn, one)


def remove_guest(conn: libvirt.virConnect, guest: MadeGuest) -> bool:
    """False when there is none with its UUID. Raises libvirtError."""
    try:
        domain = conn.lookupByUUIDString(guest.uuid)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return False
        raise
    try:
        if domain.isActive():
            domain.destroy()
    except libvirt.libvirtError:
        # It may have stopped by itself in between.
        if not connected(conn) or domain.isActive():
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


def _doubt(conn: libvirt.virConnect, volume: MadeVolume) -> str:
    """Why one that may be anybody's is left; "" when there is none."""
    try:
        conn.storagePoolLookupByName(volume.pool).storageVolLookupByName(volume.name)
    except libvirt.libvirtError as error:
        gone = (libvirt.VIR_ERR_NO_STORAGE_VOL, libvirt.VIR_ERR_NO_STORAGE_POOL)
        if error.get_error_code() in gone:
            return ""
        raise
    return (
        "there is one, but whether this run made it is not known, as the connection was lost "
        "while it was asked for"
    )


def _called(one: _Made) -> str:
    if isinstance(one, MadeVolume):
        return one.path or f"{one.pool}/{one.name}"
    return f"the pool {one.name}" if isinstance(one, MadePool) else one.name
