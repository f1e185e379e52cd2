"""The guests of one host, kept current with few calls: one a flag, not one a guest."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import libvirt

from tuivm.domainxml.namespaces import FIRST_BOOT
from tuivm.domainxml.read import read_details
from tuivm.hypervisor.errors import is_unsupported
from tuivm.hypervisor.states import state_words
from tuivm.model.guests import Guest, GuestKey, GuestState

_log = logging.getLogger(__name__)

T = TypeVar("T")
State = tuple[GuestState, str]


class Roster:
    """Guests by UUID with libvirt's handles on them. Belongs to one session and its thread."""

    def __init__(self, host: str, known: Mapping[str, Guest]) -> None:
        self._host = host
        self._guests = dict(known)
        self._published: Mapping[str, Guest] = known
        self._handles: dict[str, libvirt.virDomain] = {}
        self._due: set[str] = set()
        self._bulk_states = True
        self.started: dict[str, float] = {}
        self._marked: set[str] = set()

    @property
    def guests(self) -> Mapping[str, Guest]:
        """All guests; the same mapping, and the same objects in it, while nothing changed."""
        return self._published

    @property
    def due(self) -> bool:
        """Some XML is still to be read."""
        return bool(self._due)

    def publish(self) -> Mapping[str, Guest]:
        """Freeze what changed since the last time."""
        if self._published != self._guests:
            self._published = dict(self._guests)
        return self._published

    def handle(self, uuid: str) -> libvirt.virDomain | None:
        return self._handles.get(uuid)

    def active(self) -> list[str]:
        return [
            uuid
            for uuid, guest in self._guests.items()
            if guest.state.active and uuid in self._handles
        ]

    def refresh(self, conn: libvirt.virConnect) -> None:
        """List all guests with their states: two calls. Raises libvirtError."""
        domains = {domain.UUIDString(): domain for domain in conn.listAllDomains(0)}
        states = self._states(conn, domains)
        self._handles = domains
        for uuid in self._guests.keys() - domains.keys():
            del self._guests[uuid]
            self._due.discard(uuid)
            self.started.pop(uuid, None)
        for uuid, domain in domains.items():
            number = domain.ID()
            state, reason = states.get(uuid, (GuestState.UNKNOWN, ""))
            self._update(uuid, domain.name(), state, reason, number if number >= 0 else None)

    def refresh_flags(self, conn: libvirt.virConnect) -> None:
        """Persistence, autostart and managed save of all guests: three calls."""
        persistent = _listed(conn, libvirt.VIR_CONNECT_LIST_DOMAINS_PERSISTENT)
        autostart = _listed(conn, libvirt.VIR_CONNECT_LIST_DOMAINS_AUTOSTART)
        saved = _listed(conn, libvirt.VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE)
        for uuid, guest in list(self._guests.items()):
            self._put(
                guest._replace(
                    persistent=persistent is None or uuid in persistent,
                    autostart=None if autostart is None else uuid in autostart,
                    managed_save=None if saved is None else uuid in saved,
                )
            )

    def saw_state(self, uuid: str, state: int, reason: int) -> bool:
        """A state that came with the statistics; says whether it is news."""
        guest = self._guests.get(uuid)
        if guest is None:
            return False
        now, why = state_words(state, reason)
        if (now, why) == (guest.state, guest.reason):
            return False
        if not now.active:
            guest = _without_run(guest)
        self._put(guest._replace(state=now, reason=why))
        return True

    def saw_addresses(self, uuid: str, addresses: tuple[str, ...]) -> None:
        guest = self._guests.get(uuid)
        if guest is not None and guest.state.active:
            self._put(guest._replace(addresses=addresses))

    def saw_start(self, uuid: str, at: float) -> None:
        """Wall clock of its start; kept for a guest that is not listed as active yet."""
        self.started[uuid] = at
        guest = self._guests.get(uuid)
        if guest is not None and guest.state.active:
            self._put(guest._replace(started_at=at))

    def saw_accelerator(self, uuid: str, name: str) -> None:
        guest = self._guests.get(uuid)
        if guest is not None and guest.state.active:
            self._put(guest._replace(accelerator=name))

    def saw_agent_os(self, uuid: str, number: int | None, words: str) -> None:
        """What the agent said in this run of a guest."""
        guest = self._guests.get(uuid)
        if guest is not None and guest.state.active and guest.domain_id == number:
            self._put(guest._replace(agent_os=words))

    def want_details(self, uuids: Iterable[str]) -> None:
        self._due.update(uuid for uuid in uuids if uuid in self._guests)

    def reading_order(self, in_view: frozenset[str]) -> list[str]:
        """Whose XML to read, first those on the screen, then what is active, then by name."""

        def rank(uuid: str) -> tuple[bool, bool, str]:
            guest = self._guests[uuid]
            return uuid not in in_view, not guest.state.active, guest.name

        return sorted(self._due, key=rank)

    def read_details(self, uuid: str) -> None:
        """Read one guest's XML: one call. What cannot be read stays as it was."""
        self._due.discard(uuid)
        guest, handle = self._guests.get(uuid), self._handles.get(uuid)
        if guest is None or handle is None:
            return
        try:
            xml = handle.XMLDesc(0)
            details = read_details(xml)
        except libvirt.libvirtError as error:
            _log.info("no XML of %s on %s: %s", guest.name, self._host, error)
            return
        except ValueError as error:
            _log.warning("XML of %s on %s cannot be read: %s", guest.name, self._host, error)
            return
        if FIRST_BOOT in xml:
            self._marked.add(uuid)
        self._put(guest._replace(details=details))

    def take_marked(self) -> frozenset[str]:
        """Guests whose XML, read since the last time, bears the mark of their first boot."""
        marked, self._marked = frozenset(self._marked), set()
        return marked

    def _update(
        self, uuid: str, name: str, state: GuestState, reason: str, number: int | None
    ) -> None:
        old = self._guests.get(uuid)
        if old is None:
            old = Guest(GuestKey(self._host, uuid), name)
            self._due.add(uuid)
        elif old.name != name or old.domain_id != number or old.state.active != state.active:
            self._due.add(uuid)
        if not state.active or (old.domain_id != number and old.domain_id is not None):
            old = _without_run(old)
        started_at = old.started_at
        if not state.active:
            self.started.pop(uuid, None)
        elif started_at is None:
            started_at = self.started.get(uuid)
        self._put(
            old._replace(
                name=name,
                state=state,
                reason=reason,
                domain_id=number,
                started_at=started_at,
            )
        )

    def _put(self, guest: Guest) -> None:
        uuid = guest.key.uuid
        old = self._guests.get(uuid)
        if old is None or old != guest:
            self._guests[uuid] = guest

    def _states(
        self, conn: libvirt.virConnect, domains: Mapping[str, libvirt.virDomain]
    ) -> dict[str, State]:
        states: dict[str, State] = {}
        if self._bulk_states:
            try:
                records = conn.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_STATE, 0)
            except libvirt.libvirtError as error:
                if not is_unsupported(error):
                    raise
                self._bulk_states = False
            else:
                states = {
                    domain.UUIDString(): state_words(
                        int(record["state.state"]), int(record.get("state.reason", 0))
                    )
                    for domain, record in records
                    if "state.state" in record
                }
        for uuid in domains.keys() - states.keys():
            state = _tolerant(domains[uuid].state)
            if state is not None:
                states[uuid] = state_words(state[0], state[1])
        return states


def _without_run(guest: Guest) -> Guest:
    """What is known of it whether it runs or not."""
    return guest._replace(started_at=None, addresses=(), accelerator="", agent_os="")


def _listed(conn: libvirt.virConnect, flag: int) -> set[str] | None:
    """UUIDs of the guests a filter lets through; None where the driver has no such filter."""
    domains = _tolerant(lambda: conn.listAllDomains(flag))
    return None if domains is None else {domain.UUIDString() for domain in domains}


def _tolerant(call: Callable[[], T]) -> T | None:
    try:
        return call()
    except libvirt.libvirtError:
        return None
