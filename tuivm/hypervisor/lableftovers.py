"""What labs that are no longer there left on a host."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import libvirt

from tuivm.hypervisor.labcalls import is_gone, tolerated
from tuivm.hypervisor.labguest import end_guest, is_lab_guest
from tuivm.hypervisor.labplace import (
    SYSTEM_HOMES,
    is_lab_network,
    local_home,
    pool_mark,
    pool_path,
    remove_network,
    remove_pool,
)
from tuivm.lab.mark import Mark, read_directory_name, read_mark
from tuivm.lab.ports import PREFIX, LabError
from tuivm.model.lab import Leftover

ELSEWHERE = 3600.0
"""Seconds after which a run of a tuivm on another machine counts as ended."""
_SKEW = 5.0
"""Seconds by which the clocks of a mark and of a process may differ."""


def goes_on(mark: Mark, *, here: str, now: float, born: Callable[[int], float | None]) -> bool:
    """A run may still be at work. here: this machine's name. now: s since the epoch. born: when the
    process with an id began, None where there is none."""
    if mark.host != here:
        return now - mark.started < ELSEWHERE
    began = born(mark.pid)
    # One that began later than the run has only come to the same number.
    return began is not None and began <= mark.started + _SKEW


def is_left(mark: Mark | None) -> bool:
    return mark is not None and not goes_on(mark, here=platform.node(), now=time.time(), born=_born)


def _born(pid: int) -> float | None:
    import psutil  # noqa: PLC0415 - as elsewhere: only what needs it waits for it

    try:
        return float(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return None
    except psutil.Error:
        # There, but not to be looked at.
        return 0.0


def homes(*, session: bool) -> tuple[Path, ...]:
    """Where directories of runs can be on this machine."""
    return (local_home(),) if session else tuple(map(Path, SYSTEM_HOMES))


def find_leftovers(
    conn: libvirt.virConnect, host: str, *, local: bool, session: bool
) -> tuple[Leftover, ...]:
    """Guests first: what they use goes after them. Raises libvirtError."""
    found = [*_guests(conn, host), *_pools(conn, host), *_networks(conn, host)]
    if local:
        pools = {pool_path(pool.XMLDesc(0)) for pool in _all_pools(conn)}
        found += [
            Leftover(host, "files", str(path), "directory of a lab that has ended")
            for path in left_directories(homes(session=session))
            if str(path) not in pools
        ]
    return tuple(found)


def _guests(conn: libvirt.virConnect, host: str) -> Iterator[Leftover]:
    for domain in conn.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_TRANSIENT):
        with _tolerating_gone():
            name = domain.name()
            if name.startswith(PREFIX):
                xml = domain.XMLDesc(0)
                if is_lab_guest(domain, xml) and is_left(read_mark(xml)):
                    yield Leftover(host, "guest", name, _when(read_mark(xml)))


def _pools(conn: libvirt.virConnect, host: str) -> Iterator[Leftover]:
    for pool in _all_pools(conn):
        with _tolerating_gone():
            name = pool.name()
            if name.startswith(PREFIX):
                path = pool_path(pool.XMLDesc(0))
                mark = pool_mark(name, path)
                if is_left(mark):
                    yield Leftover(host, "pool", name, f"{path}, {_when(mark)}")


def _networks(conn: libvirt.virConnect, host: str) -> Iterator[Leftover]:
    none: list[libvirt.virNetwork] = []
    for network in tolerated(lambda: conn.listAllNetworks(0), none):
        with _tolerating_gone():
            name = network.name()
            if name.startswith(PREFIX) and is_lab_network(network):
                mark = read_mark(network.XMLDesc(0), "network")
                if is_left(mark):
                    yield Leftover(host, "network", name, _when(mark))


def _all_pools(conn: libvirt.virConnect) -> list[libvirt.virStoragePool]:
    none: list[libvirt.virStoragePool] = []
    return tolerated(lambda: conn.listAllStoragePools(0), none)


def _when(mark: Mark | None) -> str:
    if mark is None:
        return ""
    began = time.strftime("%Y-%m-%d %H:%M", time.localtime(mark.started))
    return f"of the run that began {began} on {mark.host}"


@contextmanager
def _tolerating_gone() -> Iterator[None]:
    """Passes over what vanished while it was looked at."""
    try:
        yield
    except libvirt.libvirtError as error:
        if not is_gone(error):
            raise


def left_directories(places: tuple[Path, ...]) -> Iterator[Path]:
    """Directories of runs that have ended."""
    for place in places:
        with suppress(OSError):
            for path in sorted(place.iterdir()):
                if is_left(read_directory_name(path.name)) and _plain_directory(path):
                    yield path


def _plain_directory(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def remove_leftover(conn: libvirt.virConnect, leftover: Leftover, *, session: bool) -> None:
    """Remove it if it is still there and still a leftover of the Lab. Raises libvirtError, and
    LabError where files cannot be removed."""
    name = leftover.name
    if not name.startswith(PREFIX) and leftover.kind != "files":
        return
    if leftover.kind == "files":
        remove_directory(Path(name), homes(session=session))
        return
    try:
        if leftover.kind == "guest":
            domain = conn.lookupByName(name)
            if is_left(read_mark(domain.XMLDesc(0))):
                end_guest(domain)
        elif leftover.kind == "network":
            network = conn.networkLookupByName(name)
            if is_left(read_mark(network.XMLDesc(0), "network")):
                remove_network(conn, name)
        elif leftover.kind == "pool":
            path = pool_path(conn.storagePoolLookupByName(name).XMLDesc(0))
            if is_left(pool_mark(name, path)):
                remove_pool(conn, name, path)
    except libvirt.libvirtError as error:
        if not is_gone(error):
            raise


def remove_directory(path: Path, places: tuple[Path, ...]) -> None:
    """Remove a run's directory and the files in it; never anything below, never through a link."""
    if path.parent not in places or not is_left(read_directory_name(path.name)):
        return
    if not _plain_directory(path):
        return
    try:
        for file in path.iterdir():
            file.unlink()
        path.rmdir()
    except FileNotFoundError:
        return
    except OSError as error:
        raise LabError(f"cannot remove {path}", str(error)) from error
