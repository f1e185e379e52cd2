"""All that a host offers to those who create guests on it, asked in one go."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import libvirt

from tuivm.domainxml.hostcaps import read_capabilities
from tuivm.domainxml.networkxml import read_network
from tuivm.domainxml.nodedevs import Named, named_devices
from tuivm.domainxml.parse import Element
from tuivm.domainxml.storagexml import read_pool
from tuivm.hypervisor import hostuse
from tuivm.hypervisor.errors import is_unsupported, reason_of
from tuivm.hypervisor.hostdevices import host_devices
from tuivm.hypervisor.hostinterfaces import local_interfaces, told_interfaces
from tuivm.hypervisor.hostnodes import read_nodes
from tuivm.hypervisor.inventory import Inventory, PoolVolume, read_inventory
from tuivm.hypervisor.load import runs_here
from tuivm.hypervisor.nesting import local_nesting, remote_nesting
from tuivm.hypervisor.reach import Identity, closed_directories, qemu_identity
from tuivm.model.hosts import HostSpec
from tuivm.model.offers import Capabilities, HostOffer, Network, Pool, Volume
from tuivm.model.uris import parse_uri

T = TypeVar("T")


def gather(conn: libvirt.virConnect, spec: HostSpec) -> HostOffer:
    """Everything, as it is now; what could not be asked is in the remarks.

    May take the daemon a minute where it has to run its emulators first. Raises libvirtError when
    the host does not even list its guests.
    """
    uri = conn.getURI()
    parts = parse_uri(uri)
    local, session = runs_here(uri), parts is not None and parts.path == "/session"
    asked = _Asked(conn)
    host = asked("its capabilities", lambda: read_capabilities(conn.getCapabilities()))
    capabilities = host or Capabilities()
    who = qemu_identity(capabilities.qemu_user, session=session) if local else None
    guests = _Guests()
    inventory = read_inventory(conn, seen=guests.see)
    asked.remarks += inventory.incomplete
    nodes = asked("its devices", lambda: read_nodes(conn)) or ()
    return HostOffer(
        host=spec.name,
        uri=uri,
        driver=asked("its driver", conn.getType) or "",
        session=session,
        local=local,
        libvirt_version=asked("libvirt's version", conn.getLibVersion) or 0,
        qemu_version=asked("the hypervisor's version", conn.getVersion) or 0,
        cpus=asked("its CPUs", lambda: int(conn.getInfo()[2])) or 0,
        memory_kib=asked.memory("total") or asked.plugged_in(),
        memory_free_kib=asked.memory("free", "buffers", "cached"),
        capabilities=capabilities,
        pools=asked("storage pools", lambda: _pools(conn, inventory, who, session=session)) or (),
        networks=asked("virtual networks", lambda: _networks(conn)) or (),
        interfaces=(
            local_interfaces()
            if local
            else asked("its interfaces", lambda: told_interfaces(conn, nodes)) or ()
        ),
        devices=host_devices(nodes, guests.named, hostuse.look() if local else None),
        guests=_known(conn, guests),
        nesting=local_nesting() if local else remote_nesting(capabilities),
        images_path=_images_path(
            session=session, local=local, uri_path=parts.path if parts else ""
        ),
        passt=shutil.which("passt") is not None if local else None,
        remarks=tuple(dict.fromkeys(asked.remarks)),
    )


def _images_path(*, session: bool, local: bool, uri_path: str) -> str:
    if uri_path == "/system":
        return "/var/lib/libvirt/images"
    if not (session and local):
        return ""
    data = os.environ.get("XDG_DATA_HOME")
    return str((Path(data) if data else Path.home() / ".local/share") / "libvirt/images")


class _Asked:
    """Asks what not every driver can answer. A failure becomes a remark; not having it does not."""

    def __init__(self, conn: libvirt.virConnect) -> None:
        self.remarks: list[str] = []
        self._conn = conn
        self._memory: dict[str, int] | None = None

    def __call__(self, what: str, ask: Callable[[], T]) -> T | None:
        try:
            return ask()
        except libvirt.libvirtError as error:
            if not is_unsupported(error):
                self.remarks.append(f"{what}: {reason_of(error)}")
        except ValueError as error:
            self.remarks.append(f"{what}: {error}")
        return None

    def memory(self, *names: str) -> int:
        """KiB, the sum of what virNodeGetMemoryStats calls so."""
        if self._memory is None:
            cells = libvirt.VIR_NODE_MEMORY_STATS_ALL_CELLS
            self._memory = self("its memory", lambda: self._conn.getMemoryStats(cells)) or {}
        return sum(self._memory.get(name, 0) for name in names)

    def plugged_in(self) -> int:
        """KiB; the bindings have virNodeInfo's memory in MiB."""
        return self("its memory", lambda: int(self._conn.getInfo()[1]) * 1024) or 0


class _Guests:
    """What the definitions of a host's guests say, noted while the inventory reads them."""

    def __init__(self) -> None:
        self.active: dict[str, bool] = {}
        self.named: dict[str, tuple[Named, ...]] = {}

    def see(self, domain: libvirt.virDomain, definitions: tuple[Element, ...]) -> None:
        # As the listing said, without another call.
        active = domain.ID() != -1
        self.active[domain.UUIDString()] = active
        named = dict.fromkeys(one for xml in definitions for one in named_devices(xml))
        if named:
            words = f"guest {domain.name()}" if active else f"guest {domain.name()} (off)"
            self.named[words] = tuple(named)


def _known(conn: libvirt.virConnect, guests: _Guests) -> tuple[tuple[str, str, bool], ...]:
    """All guests, those too whose definition could not be read."""
    listed = [(one.name(), one.UUIDString(), one.ID() != -1) for one in conn.listAllDomains()]
    return tuple(
        sorted((name, uuid, guests.active.get(uuid, active)) for name, uuid, active in listed)
    )


def _pools(
    conn: libvirt.virConnect, inventory: Inventory, who: Identity | None, *, session: bool
) -> tuple[Pool, ...]:
    found = []
    for pool in conn.listAllStoragePools():
        try:
            said = read_pool(pool.XMLDesc(), active=bool(pool.isActive()))
        except libvirt.libvirtError as error:
            if error.get_error_code() == libvirt.VIR_ERR_NO_STORAGE_POOL:
                continue
            raise
        volumes = [
            _volume(one, inventory, session=session and who is not None)
            for one in inventory.listed
            if one.pool == said.name and one.said.format != "dir"
        ]
        found.append(
            said._replace(
                volumes=tuple(sorted(volumes)),
                problem="" if said.active else "it is not running: virsh pool-start starts it",
                closed=closed_directories(f"{said.path}/x", who) if said.path else (),
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


def _networks(conn: libvirt.virConnect) -> tuple[Network, ...]:
    found = []
    for network in conn.listAllNetworks():
        try:
            found.append(read_network(network.XMLDesc(), active=bool(network.isActive())))
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_NO_NETWORK:
                raise
    return tuple(sorted(found))
