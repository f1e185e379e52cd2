"""The program's memory of all hosts: snapshots in, guests with rates and history out. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tuivm.model.classes import class_totals
from tuivm.model.guests import Guest, GuestKey
from tuivm.model.history import History, SeriesKey
from tuivm.model.hosts import HostFacts, HostLoad, HostSpec, HostState, Problem
from tuivm.model.meter import GuestMeter
from tuivm.model.rates import GuestRates
from tuivm.model.recording import Recorder
from tuivm.model.snapshot import HostSnapshot, Revisions

STALE_AFTER = 5.0
"""Seconds past the sampling interval after which a host that is up counts as stale."""
GAP_AFTER = 3.0
"""A pause of more than this many intervals between two ticks is a gap in the history."""
GONE_FOR = 3600.0
"""Seconds that the history of a guest that is gone stays: what is compared ages out of the window
instead of vanishing."""
GONE_MOST = 50
"""Guests that are gone and whose history stays: some hosts make a new one for each job."""
HOST_LOAD = ""
"""The UUID under which the history keeps a host's own load (percent of what it has), and the I/O
of all its guests by class (device: the class)."""


class HostStatus(NamedTuple):
    """A host as the screens show it."""

    spec: HostSpec
    state: HostState
    problem: Problem | None = None
    facts: HostFacts | None = None
    load: HostLoad | None = None
    retry_in: float | None = None
    stale_for: float | None = None
    """Seconds since its last answer, when that is too long ago."""
    guests: int = 0
    active: int = 0
    readonly: bool = False
    revisions: Revisions = Revisions()
    """What of its devices, storage and networks has been read is old when these have grown."""

    @property
    def refusal(self) -> str:
        """Why no guest of it can be changed now, "" when it can."""
        if self.readonly:
            return f"{self.spec.name} is opened read-only"
        if self.state is HostState.UP:
            return ""
        if self.state is HostState.STALE:
            return f"{self.spec.name} does not answer (stale {self.stale_for or 0:.0f} s)"
        return f"{self.spec.name} is {self.state.value}"


class GuestView(NamedTuple):
    """A guest with what it does now. rates is None while it is off or not yet sampled."""

    guest: Guest
    rates: GuestRates | None = None
    host_cpus: int | None = None

    @property
    def key(self) -> GuestKey:
        return self.guest.key

    @property
    def cpu_percent(self) -> float | None:
        """Of its own vCPUs, 0 to 100 (a little more when the VMM itself works hard)."""
        details = self.guest.details
        if self.rates is None or self.rates.cpu is None or not details or not details.vcpus:
            return None
        return 100.0 * self.rates.cpu / details.vcpus

    @property
    def host_cpu_percent(self) -> float | None:
        """Of all CPUs of its host, 0 to 100."""
        if self.rates is None or self.rates.cpu is None or not self.host_cpus:
            return None
        return 100.0 * self.rates.cpu / self.host_cpus


class Change(NamedTuple):
    """What applying a snapshot did."""

    host: str
    added: frozenset[GuestKey] = frozenset()
    removed: frozenset[GuestKey] = frozenset()
    changed: frozenset[GuestKey] = frozenset()


class _HostMemory:
    def __init__(self, spec: HostSpec) -> None:
        self.spec = spec
        self.snapshot: HostSnapshot | None = None
        self.meters: dict[str, GuestMeter] = {}
        self.active = 0
        # Monotonic seconds of its newest snapshot that said: up.
        self.up_at = -math.inf
        # up_at as it was before the last gap: a rate that began by then reaches across the gap.
        self.gap_at = -math.inf


class Store:
    """Everything that is known, by host and by guest. Not thread-safe: one thread uses it."""

    def __init__(self) -> None:
        self._hosts: dict[str, _HostMemory] = {}
        self._guests: dict[GuestKey, GuestView] = {}
        # Since when (monotonic seconds), the longest gone first.
        self._gone: dict[GuestKey, float] = {}
        self.history = History()
        self._recorder = Recorder(self.history)

    def add_host(self, spec: HostSpec) -> None:
        self._hosts.setdefault(spec.name, _HostMemory(spec))

    def remove_host(self, name: str) -> Change:
        """Forget a host and its guests."""
        self._hosts.pop(name, None)
        gone = frozenset(key for key in self._guests if key.host == name)
        for key in gone:
            del self._guests[key]
            self._recorder.forget(key)
        for key in [key for key in self._gone if key.host == name]:
            self._forget(key)
        self.history.forget(GuestKey(name, HOST_LOAD))
        return Change(name, removed=gone)

    @property
    def host_names(self) -> tuple[str, ...]:
        return tuple(self._hosts)

    @property
    def guests(self) -> Mapping[GuestKey, GuestView]:
        return self._guests

    def guest(self, key: GuestKey) -> GuestView | None:
        return self._guests.get(key)

    def guests_of(self, host: str) -> Iterator[GuestView]:
        return (view for key, view in self._guests.items() if key.host == host)

    def snapshot(self, host: str) -> HostSnapshot | None:
        memory = self._hosts.get(host)
        return memory.snapshot if memory else None

    def status(self, host: str, now: float) -> HostStatus:
        """How a host is doing at monotonic `now`; staleness grows without any new snapshot."""
        memory = self._hosts[host]
        snapshot = memory.snapshot
        if snapshot is None:
            return HostStatus(memory.spec, HostState.CONNECTING, readonly=memory.spec.readonly)
        state, stale_for = snapshot.state, None
        age = now - snapshot.at
        if state is HostState.UP and age > STALE_AFTER + snapshot.interval:
            state, stale_for = HostState.STALE, age
        return HostStatus(
            spec=memory.spec,
            state=state,
            problem=snapshot.problem,
            facts=snapshot.facts,
            load=snapshot.load,
            retry_in=None if snapshot.retry_at is None else max(0.0, snapshot.retry_at - now),
            stale_for=stale_for,
            guests=len(snapshot.guests),
            active=memory.active,
            readonly=memory.spec.readonly or snapshot.readonly,
            revisions=snapshot.revisions,
        )

    def statuses(self, now: float) -> list[HostStatus]:
        return [self.status(name, now) for name in self._hosts]

    def apply(self, snapshot: HostSnapshot) -> Change:
        """Take a snapshot in. One of a host that was removed meanwhile is ignored."""
        memory = self._hosts.get(snapshot.host)
        if memory is None:
            return Change(snapshot.host)
        previous, memory.snapshot = memory.snapshot, snapshot
        if previous is not None and previous.generation != snapshot.generation:
            memory.meters.clear()
        if snapshot.state is HostState.UP:
            if snapshot.at - memory.up_at > GAP_AFTER * snapshot.interval:
                memory.gap_at = memory.up_at
            memory.up_at = snapshot.at
        memory.active = sum(guest.state.active for guest in snapshot.guests.values())
        host_cpus = snapshot.facts.cpus if snapshot.facts else None
        added, changed = set(), set()
        for guest in snapshot.guests.values():
            known = self._guests.get(guest.key)
            view = self._next_view(memory, guest, known, snapshot, host_cpus)
            if known is None:
                added.add(guest.key)
                self._gone.pop(guest.key, None)
            elif view is not known:
                changed.add(guest.key)
            self._guests[guest.key] = view
            if known is None or view.rates is not known.rates:
                self._recorder.record(view, memory.gap_at)
        self._remember_load(snapshot)
        if snapshot.samples and snapshot.state is HostState.UP:
            self._remember_classes(snapshot)
        removed = self._drop_missing(memory, snapshot)
        return Change(snapshot.host, frozenset(added), removed, frozenset(changed))

    def _next_view(
        self,
        memory: _HostMemory,
        guest: Guest,
        known: GuestView | None,
        snapshot: HostSnapshot,
        host_cpus: int | None,
    ) -> GuestView:
        uuid = guest.key.uuid
        sample = snapshot.samples.get(uuid)
        known_rates = known.rates if known else None
        if not guest.state.active or (known is not None and _restarted(known.guest, guest)):
            memory.meters.pop(uuid, None)
            known_rates = None
        if not guest.state.active:
            rates = None
        elif sample is not None and sample is not self._meter(memory, uuid).newest:
            rates = self._meter(memory, uuid).add(sample)
        else:
            rates = known_rates
        if (
            known is not None
            and known.guest is guest
            and known.rates is rates
            and known.host_cpus == host_cpus
        ):
            return known
        return GuestView(guest, rates, host_cpus)

    @staticmethod
    def _meter(memory: _HostMemory, uuid: str) -> GuestMeter:
        return memory.meters.setdefault(uuid, GuestMeter())

    def _remember_load(self, snapshot: HostSnapshot) -> None:
        load = snapshot.load
        if load is None or snapshot.state is not HostState.UP:
            return
        key, span = GuestKey(snapshot.host, HOST_LOAD), snapshot.interval
        self.history.push(SeriesKey(key, "cpu"), snapshot.at, load.cpu_percent, span)
        if load.memory_used_kib is not None and load.memory_total_kib:
            used = 100.0 * load.memory_used_kib / load.memory_total_kib
            self.history.push(SeriesKey(key, "memory"), snapshot.at, used, span)

    def _remember_classes(self, snapshot: HostSnapshot) -> None:
        """The I/O of all guests of a host by class: to sum their histories later costs far more."""
        key = GuestKey(snapshot.host, HOST_LOAD)
        for total in class_totals(
            self._guests[GuestKey(snapshot.host, u)] for u in snapshot.guests
        ):
            figures = {
                "disk.read": total.disk_read,
                "disk.write": total.disk_write,
                "net.rx": total.net_rx,
                "net.tx": total.net_tx,
            }
            for metric, value in figures.items():
                series = SeriesKey(key, metric, total.cls.value)
                self.history.push(series, snapshot.at, value, snapshot.interval)

    def _drop_missing(self, memory: _HostMemory, snapshot: HostSnapshot) -> frozenset[GuestKey]:
        removed = frozenset(
            key
            for key in self._guests
            if key.host == snapshot.host and key.uuid not in snapshot.guests
        )
        for key in removed:
            del self._guests[key]
            memory.meters.pop(key.uuid, None)
            self._gone[key] = snapshot.at
        for key in [key for key, at in self._gone.items() if at < snapshot.at - GONE_FOR]:
            self._forget(key)
        while len(self._gone) > GONE_MOST:
            self._forget(next(iter(self._gone)))
        return removed

    def _forget(self, key: GuestKey) -> None:
        del self._gone[key]
        self._recorder.forget(key)


def _restarted(known: Guest, guest: Guest) -> bool:
    """It runs in another process than before: libvirt gives each its own id."""
    return (
        known.domain_id is not None
        and guest.domain_id is not None
        and known.domain_id != guest.domain_id
    )
