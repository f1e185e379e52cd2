"""Where a run keeps its files on a host: a storage pool of its own, and networks."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import libvirt
from lxml import etree
from platformdirs import user_cache_path

from tuivm.domainxml.parse import parse_xml, text
from tuivm.hypervisor.errors import reason_of
from tuivm.hypervisor.labcalls import CALL, Calls, is_gone
from tuivm.lab.mark import Mark, directory_name, mark_xml, read_directory_name, read_mark
from tuivm.lab.ports import PREFIX, LabError

T = TypeVar("T")

SYSTEM_HOMES = ("/var/lib/libvirt/images", "/var/tmp")  # noqa: S108 - a directory of its own in it
"""Where QEMU of a system daemon may read and write; the first is where AppArmor and SELinux expect
images, the second is on every Linux."""
SESSION_HOMES = ("/var/tmp", "/tmp")  # noqa: S108 - the same
"""Of a session elsewhere, whose home is not known."""
_CHUNK = 240 * 1024
_SLOWEST = 200_000
"""Bytes a second below which a transfer counts as hung."""
_SLOWEST_DISK = 10_000_000


def local_home() -> Path:
    """Where runs on this machine's own session libvirt keep their files."""
    return user_cache_path("tuivm") / "lab" / "runs"


class LibvirtWorkplace:
    """See `lab.ports.Workplace`. Everything in it is named anew for each run, so whatever bears
    its names is its own."""

    def __init__(self, calls: Calls, mark: Mark, *, local: bool, session: bool) -> None:
        """Makes the directory and the pool. Raises LabError."""
        self._calls = calls
        self._mark = mark
        self._as_it_lies = local and session
        self._session = session
        self._networks: list[str] = []
        self._removed = False
        self.pool = PREFIX + mark.run
        homes: Sequence[str] = SESSION_HOMES if session else SYSTEM_HOMES
        if self._as_it_lies:
            home = local_home()
            try:
                home.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise LabError(f"cannot make {home}", str(error)) from error
            homes = (str(home),)
        self.path = calls(
            f"cannot make a directory for the Lab on {calls.host}",
            lambda conn: self._make(conn, homes),
        )

    def _make(self, conn: libvirt.virConnect, homes: Sequence[str]) -> str:
        refusals = []
        for home in homes:
            path = f"{home}/{directory_name(self._mark)}"
            try:
                conn.storagePoolCreateXML(
                    pool_xml(self.pool, path, "0700" if self._session else "0711"),
                    libvirt.VIR_STORAGE_POOL_CREATE_WITH_BUILD,
                )
            except libvirt.libvirtError as error:
                refusals.append(f"{home}: {reason_of(error)}")
                _forget_directory(conn, self.pool, path)
            else:
                return path
        raise LabError(
            f"cannot make a directory for the Lab on {self._calls.host}", "; ".join(refusals)
        )

    def upload(self, path: Path, name: str) -> str:
        try:
            size = path.stat().st_size
            if self._as_it_lies:
                with path.open("rb"):
                    return str(path.resolve())
        except OSError as error:
            raise LabError(f"cannot read {path}", str(error)) from error

        def send(conn: libvirt.virConnect, volume: libvirt.virStorageVol) -> None:
            stream = conn.newStream(0)
            try:
                volume.upload(stream, 0, size, 0)
                with path.open("rb") as file:
                    while data := file.read(_CHUNK):
                        stream.send(data)
                stream.finish()
            except (libvirt.libvirtError, OSError):
                with suppress(libvirt.libvirtError):
                    stream.abort()
                raise

        return self._volume(f"cannot copy {path.name} to", name, size, send, size / _SLOWEST)

    def disk(self, name: str, size: int) -> str:
        def write(_conn: libvirt.virConnect, volume: libvirt.virStorageVol) -> None:
            # Blocks that were only set aside read as zeros without a look at the storage.
            volume.wipePattern(libvirt.VIR_STORAGE_VOL_WIPE_ALG_ZERO, 0)

        what = f"cannot make a disk of {size >> 20} MiB on"
        return self._volume(what, name, size, write, 2 * size / _SLOWEST_DISK)

    def log_file(self, name: str) -> str:
        return self._volume("cannot make a file on", name, 0, lambda _conn, _volume: None, 0.0)

    def read(self, name: str) -> bytes:
        if self._as_it_lies:
            try:
                return Path(self.path, name).read_bytes()
            except OSError as error:
                raise LabError(f"cannot read {name}", str(error)) from error

        def receive(conn: libvirt.virConnect) -> bytes:
            volume = conn.storagePoolLookupByName(self.pool).storageVolLookupByName(name)
            stream = conn.newStream(0)
            parts = []
            try:
                volume.download(stream, 0, 0, 0)
                while isinstance(data := stream.recv(_CHUNK), bytes) and data:
                    parts.append(data)
                stream.finish()
            except libvirt.libvirtError:
                with suppress(libvirt.libvirtError):
                    stream.abort()
                raise
            return b"".join(parts)

        # How large it is is not known before: a trace log of a phase is some megabytes.
        return self._calls(f"cannot read {name} from {self._calls.host}", receive, 10 * CALL)

    def network(self, name: str) -> str:
        full = f"{self.pool}-{name}"
        xml = network_xml(full, self._mark)
        self._calls(
            f"cannot make a network on {self._calls.host}",
            lambda conn: conn.networkCreateXML(xml),
        )
        self._networks.append(full)
        return full

    @property
    def removed(self) -> bool:
        return self._removed

    def remove(self) -> None:
        if not self._removed:
            self._calls(f"cannot remove the Lab's files on {self._calls.host}", self.remove_with)
            self._removed = True

    def remove_with(self, conn: libvirt.virConnect) -> None:
        """The same through any connection. Raises libvirtError."""
        for name in self._networks:
            remove_network(conn, name)
        remove_pool(conn, self.pool, self.path)

    def _volume(
        self,
        what: str,
        name: str,
        size: int,
        fill: Callable[[libvirt.virConnect, libvirt.virStorageVol], None],
        seconds: float,
    ) -> str:
        """Make a volume and fill it; it is gone again when that fails. Gives its path."""
        mode = "0600" if self._session else "0666"

        def make(conn: libvirt.virConnect) -> str:
            pool = conn.storagePoolLookupByName(self.pool)
            volume = pool.createXML(volume_xml(name, size, mode), 0)
            try:
                fill(conn, volume)
                return volume.path()
            except (libvirt.libvirtError, OSError) as error:
                with suppress(libvirt.libvirtError):
                    volume.delete(0)
                if isinstance(error, OSError):
                    raise LabError(f"{what} {self._calls.host}", str(error)) from error
                raise

        return self._calls(f"{what} {self._calls.host}", make, CALL + seconds)


def pool_xml(name: str, path: str, mode: str) -> str:
    root = etree.Element("pool", type="dir")
    etree.SubElement(root, "name").text = name
    target = etree.SubElement(root, "target")
    etree.SubElement(target, "path").text = path
    permissions = etree.SubElement(target, "permissions")
    etree.SubElement(permissions, "mode").text = mode
    return etree.tostring(root, encoding="unicode")


def volume_xml(name: str, size: int, mode: str) -> str:
    """A raw volume, all of it allocated. mode: QEMU of a system daemon runs as another user, and
    a file that only its command line names is not made over to that user by libvirt."""
    root = etree.Element("volume")
    etree.SubElement(root, "name").text = name
    etree.SubElement(root, "capacity", unit="bytes").text = str(size)
    etree.SubElement(root, "allocation", unit="bytes").text = str(size)
    target = etree.SubElement(root, "target")
    etree.SubElement(target, "format", type="raw")
    permissions = etree.SubElement(target, "permissions")
    etree.SubElement(permissions, "mode").text = mode
    return etree.tostring(root, encoding="unicode")


def network_xml(name: str, mark: Mark) -> str:
    """A bridge that nothing but guests is on: no address, no DNS, no way out."""
    root = etree.Element("network")
    etree.SubElement(root, "name").text = name
    metadata = etree.SubElement(root, "metadata")
    metadata.append(etree.fromstring(mark_xml(mark.run, mark)))
    etree.SubElement(root, "bridge", stp="off", delay="0")
    etree.SubElement(root, "dns", enable="no")
    return etree.tostring(root, encoding="unicode")


def pool_path(xml: str) -> str:
    """Where a pool is; "" for what is no pool."""
    try:
        return text(parse_xml(xml, "pool"), "target/path")
    except ValueError:
        return ""


def pool_mark(name: str, path: str) -> Mark | None:
    """The mark of a pool: its name and the name of its directory are of the same run of the Lab."""
    mark = read_directory_name(os.path.basename(path.rstrip("/")))  # noqa: PTH119 - of any host
    return mark if mark is not None and name == PREFIX + mark.run else None


def remove_pool(conn: libvirt.virConnect, name: str, path: str) -> None:
    """Remove a pool of the Lab with its volumes and directory. One that is gone is fine, one that
    is not the Lab's stays. Raises libvirtError."""
    if pool_mark(name, path) is None:
        return
    pool = _gone_is_none(lambda: conn.storagePoolLookupByName(name))
    if pool is not None:
        if pool_path(pool.XMLDesc(0)) != path:
            return
        _gone_is_none(lambda: _empty(pool))
    _forget_directory(conn, name, path)


def _empty(pool: libvirt.virStoragePool) -> None:
    if not pool.isActive():
        return
    with suppress(libvirt.libvirtError):
        # It fails where the directory is gone, and the pool with it.
        pool.refresh(0)
    for volume in pool.listAllVolumes(0):
        _gone_is_none(lambda volume=volume: volume.delete(0))  # type: ignore[misc]
    pool.destroy()


def _forget_directory(conn: libvirt.virConnect, name: str, path: str) -> None:
    """Remove the directory of a pool that is not active, if it is empty.

    Only a defined pool can have its directory removed, and a transient one is gone when it is
    stopped: so it is defined for that. libvirt removes a directory with rmdir(2).
    """
    try:
        pool = conn.storagePoolDefineXML(pool_xml(name, path, "0711"), 0)
    except libvirt.libvirtError:
        return
    try:
        with suppress(libvirt.libvirtError):
            pool.delete(0)
    finally:
        pool.undefine()


def remove_network(conn: libvirt.virConnect, name: str) -> None:
    """Remove a network of the Lab. One that is gone is fine, one without the mark stays. Raises
    libvirtError."""
    network = _gone_is_none(lambda: conn.networkLookupByName(name))
    if network is not None and is_lab_network(network):
        _gone_is_none(network.destroy)


def is_lab_network(network: libvirt.virNetwork) -> bool:
    return (
        network.name().startswith(PREFIX)
        and not network.isPersistent()
        and read_mark(network.XMLDesc(0), "network") is not None
    )


def _gone_is_none(call: Callable[[], T]) -> T | None:
    try:
        return call()
    except libvirt.libvirtError as error:
        if is_gone(error):
            return None
        raise
