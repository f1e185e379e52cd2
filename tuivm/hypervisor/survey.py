"""What every question about what a host has begins with: who it is, and who its guests are."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeVar

import libvirt

from tuivm.domainxml.networkxml import PluggedNic, plugged_nics
from tuivm.domainxml.nodedevs import Named, named_devices
from tuivm.domainxml.parse import Element
from tuivm.hypervisor.blockvolumes import BlockVolumes
from tuivm.hypervisor.errors import is_unsupported, reason_of
from tuivm.hypervisor.inventory import definitions
from tuivm.hypervisor.load import runs_here
from tuivm.model.hosts import HostSpec
from tuivm.model.offers import HostOffer
from tuivm.model.uris import Uri, parse_uri

T = TypeVar("T")


class Asked:
    """Asks what not every driver can answer. A failure becomes a remark; not having it does not."""

    def __init__(self) -> None:
        self._remarks: dict[str, None] = {}

    def __call__(self, what: str, ask: Callable[[], T]) -> T | None:
        try:
            return ask()
        except libvirt.libvirtError as error:
            if not is_unsupported(error):
                self.remark(f"{what}: {reason_of(error)}")
        except ValueError as error:
            self.remark(f"{what}: {error}")
        return None

    def remark(self, *words: str) -> None:
        self._remarks.update(dict.fromkeys(words))

    @property
    def remarks(self) -> tuple[str, ...]:
        return tuple(self._remarks)


class Place(NamedTuple):
    """Where a host is. over_network: the connection came over one of its network interfaces."""

    uri: str
    path: str
    local: bool
    session: bool
    over_network: bool


def place_of(conn: libvirt.virConnect) -> Place:
    uri = conn.getURI()
    parts = parse_uri(uri)
    path = parts.path if parts is not None else ""
    return Place(
        uri=uri,
        path=path,
        local=runs_here(uri) and _answers_here(conn, parts),
        session=path == "/session",
        over_network=parts is not None and bool(parts.host),
    )


def _answers_here(conn: libvirt.virConnect, parts: Uri | None) -> bool:
    """A socket that the URI names may lead to another machine (ssh -L), of whose devices this one's
    /sys tells nothing."""
    if parts is None or "socket=" not in parts.query:
        return True
    try:
        told = conn.getHostname()
    except libvirt.libvirtError:
        return False
    mine, theirs = (name.partition(".")[0].lower() for name in (socket.gethostname(), told))
    return mine == theirs


def who(conn: libvirt.virConnect, spec: HostSpec, place: Place, asked: Asked) -> HostOffer:
    """What is in every answer but the guests."""
    return HostOffer(
        host=spec.name,
        uri=place.uri,
        driver=asked("its driver", conn.getType) or "",
        session=place.session,
        local=place.local,
        libvirt_version=asked("libvirt's version", conn.getLibVersion) or 0,
        qemu_version=asked("the hypervisor's version", conn.getVersion) or 0,
    )


class Guests:
    """What the definitions of a host's guests say of the host.

    named: devices that they take, by the guest's name in words. nics: of guests by name, those that
    are plugged into networks and bridges; live ones first. unread: names of those whose definition
    could not be read.
    """

    def __init__(self, volumes: BlockVolumes | None = None) -> None:
        """volumes: for disks of the host's that guests name by pool and volume."""
        self._volumes = volumes
        self.named: dict[str, tuple[Named, ...]] = {}
        self.nics: dict[str, tuple[PluggedNic, ...]] = {}
        self._seen: dict[str, tuple[str, bool]] = {}
        self._listed: dict[str, tuple[str, bool]] = {}
        self._vanished: set[str] = set()

    def see(self, domain: libvirt.virDomain, found: tuple[Element, ...]) -> None:
        """found: see `inventory.definitions`."""
        # As the listing said, without another call.
        active = domain.ID() != -1
        name = domain.name()
        self._seen[domain.UUIDString()] = (name, active)
        named = dict.fromkeys(one for xml in found for one in named_devices(xml))
        if self._volumes is not None:
            named |= dict.fromkeys(one for xml in found for one in self._volumes.named(xml))
        if named:
            self.named[f"guest {name}" if active else f"guest {name} (off)"] = tuple(named)
        live = plugged_nics(found[0], running=active)
        macs = {one.mac for one in live}
        later = [
            nic
            for xml in found[1:]
            for nic in plugged_nics(xml, running=False)
            if nic.mac not in macs
        ]
        if live or later:
            self.nics[name] = (*live, *later)

    def list(self, domains: Iterable[libvirt.virDomain]) -> None:
        self._listed = {one.UUIDString(): (one.name(), one.ID() != -1) for one in domains}

    @property
    def known(self) -> tuple[tuple[str, str, bool], ...]:
        """(name, UUID, is it active) of all, by name."""
        found = {**self._listed, **self._seen}
        return tuple(
            sorted(
                (name, uuid, active)
                for uuid, (name, active) in found.items()
                if uuid not in self._vanished
            )
        )

    @property
    def unread(self) -> tuple[str, ...]:
        gone = self._listed.keys() - self._seen.keys() - self._vanished
        return tuple(sorted(self._listed[uuid][0] for uuid in gone))

    def vanished(self, domain: libvirt.virDomain) -> None:
        """It has been undefined since the listing."""
        self._vanished.add(domain.UUIDString())


def read_guests(conn: libvirt.virConnect, asked: Asked) -> Guests:
    """Raises libvirtError when the host does not even list its guests."""
    guests = Guests(BlockVolumes(conn))

    domains = conn.listAllDomains()
    guests.list(domains)
    for domain in domains:
        name = domain.name()
        try:
            found = definitions(domain)
        except libvirt.libvirtError as error:
            if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
                guests.vanished(domain)
            else:
                asked.remark(f"guest {name}: {reason_of(error)}")
        except ValueError as error:
            asked.remark(f"guest {name}: {error}")
        else:
            guests.see(domain, found)
    return guests


def memory_kib(conn: libvirt.virConnect, asked: Asked) -> tuple[int, int]:
    """(all of it, what is free); 0 where it is not told."""
    cells = libvirt.VIR_NODE_MEMORY_STATS_ALL_CELLS
    told = asked("its memory", lambda: conn.getMemoryStats(cells)) or {}
    free = sum(told.get(name, 0) for name in ("free", "buffers", "cached"))
    total = told.get("total")
    if not total:
        # The bindings have virNodeInfo's memory in MiB.
        total = asked("its memory", lambda: int(conn.getInfo()[1]) * 1024)
    return total or 0, free


def cpus(conn: libvirt.virConnect, asked: Asked) -> int:
    return asked("its CPUs", lambda: int(conn.getInfo()[2])) or 0
