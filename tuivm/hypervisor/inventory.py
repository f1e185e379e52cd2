"""Which images a host has, what backs what, and who uses which: read anew each time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

import libvirt

from tuivm.domainxml.parse import Element, parse_domain
from tuivm.domainxml.storage import (
    DiskUse,
    Layer,
    VolumeDescription,
    disk_uses,
    pool_type,
    read_volume,
    snapshot_uses,
)
from tuivm.hypervisor.images import UnreadableImageError, backing_of, identity
from tuivm.hypervisor.load import runs_here

_REFRESHED = frozenset({"dir", "fs", "netfs"})
"""Pools whose files others make and remove; reading their directory anew costs little."""
_WITHOUT_BACKING = frozenset({"", "raw", "luks", "iso", "vdi", "vpc", "vhdx", "ploop"})
_GONE = frozenset(
    {
        libvirt.VIR_ERR_NO_DOMAIN,
        libvirt.VIR_ERR_NO_DOMAIN_SNAPSHOT,
        libvirt.VIR_ERR_NO_STORAGE_POOL,
        libvirt.VIR_ERR_NO_STORAGE_VOL,
    }
)
_DEEPEST = 200
"""libvirt's own limit for a backing chain."""

Seen = Callable[[libvirt.virDomain, tuple[Element, ...]], None]


@dataclass(frozen=True, slots=True)
class PoolVolume:
    pool: str
    name: str
    said: VolumeDescription


@dataclass(slots=True)
class Inventory:
    """One reading of a host's pools and guests.

    listed: all volumes, as their pools listed them. volumes: by identity. children: paths of
    volumes by the identity of what backs them. users: UUIDs of guests by the identity of an image
    they use, directly, through a chain or through a snapshot. exclusive: identities of images that
    some disk uses without saying that it shares them. incomplete: what could not be read, in words.
    """

    local: bool
    listed: list[PoolVolume] = field(default_factory=list)
    volumes: dict[str, PoolVolume] = field(default_factory=dict)
    children: dict[str, list[str]] = field(default_factory=dict)
    users: dict[str, set[str]] = field(default_factory=dict)
    exclusive: set[str] = field(default_factory=set)
    names: dict[str, str] = field(default_factory=dict)
    incomplete: list[str] = field(default_factory=list)
    _paths: dict[tuple[str, str], str] = field(default_factory=dict)
    _at: dict[str, PoolVolume] = field(default_factory=dict)

    def identity(self, path: str) -> str:
        return identity(path, local=self.local)

    def volume(self, path: str) -> PoolVolume | None:
        """The volume with this path or, failing that, with another path to the same file."""
        return self._at.get(path) or self.volumes.get(self.identity(path))

    def others(self, path: str, uuid: str) -> tuple[str, ...]:
        """Names of the guests but this one that use an image."""
        users = self.users.get(self.identity(path), set())
        return tuple(sorted(self.names[user] for user in users if user != uuid))

    def children_of(self, path: str) -> tuple[str, ...]:
        return tuple(sorted(self.children.get(self.identity(path), [])))

    def resolve(self, layer: Layer) -> Layer:
        """A source that is named by pool and volume, with its path where it is known."""
        path = self._paths.get((layer.pool, layer.volume), layer.path)
        return replace(layer, path=path) if path != layer.path else layer

    def chain(self, use: DiskUse) -> tuple[list[Layer], str]:
        """All images under a disk, the top first, and why there may be more ("" when not)."""
        layers = [self.resolve(layer) for layer in use.chain]
        if use.whole:
            return layers, ""
        while len(layers) < _DEEPEST:
            try:
                below = self._below(layers[-1])
            except UnreadableImageError as error:
                shown = layers[-1].path or layers[-1].other or f"volume {layers[-1].volume}"
                return layers, f"what backs {shown} is not known: {error}"
            if below is None:
                return layers, ""
            layers.append(below)
        return layers, f"the chain under {layers[0].path} does not end"

    def _below(self, layer: Layer) -> Layer | None:
        if layer.format in _WITHOUT_BACKING:
            return None
        if not layer.path:
            raise UnreadableImageError("it is not in a running pool")
        known = self.volume(layer.path)
        if known is not None:
            path, fmt = known.said.backing, known.said.backing_format
        elif not self.local:
            raise UnreadableImageError("it is in no pool of that host")
        elif layer.format != "qcow2":
            raise UnreadableImageError(f"tuivm does not read {layer.format}")
        else:
            path, fmt = backing_of(layer.path)
        if not path:
            return None
        return Layer(path=path, format=fmt or self._guess(path))

    def _guess(self, path: str) -> str:
        """The format of a backing image that its overlay does not name."""
        known = self.volume(path)
        return known.said.format if known is not None else "qcow2"

    def note_volume(self, volume: PoolVolume) -> None:
        said = volume.said
        self.listed.append(volume)
        self._paths[volume.pool, volume.name] = said.path
        self._at.setdefault(said.path, volume)
        self.volumes.setdefault(self.identity(said.path), volume)
        if said.backing:
            backed = self.children.setdefault(self.identity(said.backing), [])
            if said.path not in backed:
                backed.append(said.path)

    def note_uses(self, uuid: str, uses: Iterable[DiskUse]) -> None:
        for use in uses:
            layers, unknown = self.chain(use)
            for layer in (*layers, *use.beside):
                if layer.path:
                    identity = self.identity(layer.path)
                    self.users.setdefault(identity, set()).add(uuid)
                    if not use.shareable:
                        self.exclusive.add(identity)
            if unknown:
                self.missed(f"guest {self.names[uuid]}: {unknown}")

    def missed(self, what: str) -> None:
        if what not in self.incomplete:
            self.incomplete.append(what)


def read_inventory(
    conn: libvirt.virConnect,
    *,
    but: str = "",
    seen: Seen = lambda *_: None,
    refresh: bool = True,
) -> Inventory:
    """Read all pools, then all guests except the one with UUID `but`.

    refresh: look first for files that came to pools, or went, without libvirt.
    seen: told of each guest whose definitions could be read (see `definitions`). Raises
    libvirtError when the host does not even list its guests.
    """
    inventory = Inventory(local=runs_here(conn.getURI()))
    _read_pools(conn, inventory, refresh=refresh)
    with_snapshots = _guests_with_snapshots(conn)
    for domain in conn.listAllDomains():
        uuid = domain.UUIDString()
        if uuid != but:
            inventory.names[uuid] = domain.name()
            snapshots = with_snapshots is None or uuid in with_snapshots
            _read_guest(domain, uuid, inventory, seen, snapshots=snapshots)
    return inventory


def _guests_with_snapshots(conn: libvirt.virConnect) -> set[str] | None:
    """Their UUIDs, in one call; None where the driver cannot tell, so that each is asked."""
    try:
        found = conn.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT)
    except libvirt.libvirtError:
        return None
    return {domain.UUIDString() for domain in found}


def definitions(domain: libvirt.virDomain) -> tuple[Element, ...]:
    """The live definition of a guest that is active, then the one of its next start.

    Raises libvirtError, and ValueError for XML that is none.
    """
    flags = [0]
    # ID() is what the listing said, without another call. For a transient guest the second
    # definition is the first once more.
    if domain.ID() != -1:
        flags.append(libvirt.VIR_DOMAIN_XML_INACTIVE)
    return tuple(parse_domain(domain.XMLDesc(flag)) for flag in flags)


def snapshots_of(domain: libvirt.virDomain) -> list[libvirt.virDomainSnapshot]:
    """Empty where the driver has no snapshots. Raises libvirtError for any other failure."""
    try:
        return domain.listAllSnapshots()
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_SUPPORT:
            return []
        raise


def _read_guest(
    domain: libvirt.virDomain,
    uuid: str,
    inventory: Inventory,
    seen: Seen,
    *,
    snapshots: bool,
) -> None:
    try:
        found = definitions(domain)
        seen(domain, found)
        for definition in found:
            inventory.note_uses(uuid, disk_uses(definition))
        for snapshot in snapshots_of(domain) if snapshots else []:
            inventory.note_uses(uuid, snapshot_uses(snapshot.getXMLDesc()))
    except libvirt.libvirtError as error:
        if error.get_error_code() not in _GONE:
            inventory.missed(f"guest {inventory.names[uuid]}: {error.get_error_message()}")
    except ValueError as error:
        inventory.missed(f"guest {inventory.names[uuid]}: {error}")


def _read_pools(conn: libvirt.virConnect, inventory: Inventory, *, refresh: bool) -> None:
    try:
        pools = conn.listAllStoragePools()
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_SUPPORT:
            inventory.missed(f"storage pools: {error.get_error_message()}")
        return
    for pool in pools:
        name = pool.name()
        try:
            if not pool.isActive():
                inventory.missed(f"pool {name} is not running: its volumes cannot be seen")
                continue
            if refresh:
                _refresh(pool)
            for volume in _volumes(pool, name):
                inventory.note_volume(volume)
        except libvirt.libvirtError as error:
            if error.get_error_code() not in _GONE:
                inventory.missed(f"pool {name}: {error.get_error_message()}")
        except ValueError as error:
            inventory.missed(f"pool {name}: {error}")


def _refresh(pool: libvirt.virStoragePool) -> None:
    if pool_type(pool.XMLDesc()) not in _REFRESHED:
        return
    try:
        pool.refresh()
    except libvirt.libvirtError:
        # Busy, or a read-only connection: what libvirt last saw has to do. A pool whose
        # directory is gone is stopped by this, and the listing that follows says so.
        return


def _volumes(pool: libvirt.virStoragePool, name: str) -> Iterator[PoolVolume]:
    for volume in pool.listAllVolumes():
        try:
            said = read_volume(volume.XMLDesc())
        except libvirt.libvirtError as error:
            if error.get_error_code() in _GONE:
                continue
            raise
        yield PoolVolume(name, volume.name(), said)
