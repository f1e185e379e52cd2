"""Reading counters: one bulk call a tick, and what to do where a driver does not have it."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping, Sequence
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple

import libvirt

from tuivm.hypervisor.bulkstats import Record, sample_of, stats_flags
from tuivm.hypervisor.errors import UNSUPPORTED
from tuivm.model.ports import Groups
from tuivm.model.samples import BalloonFigures, GuestSample

_log = logging.getLogger(__name__)

ROUND = 5
"""Ticks after which each guest that is not in view has had its turn."""
TURN_LEAST, TURN_MOST = 8, 40

_COUNTING = frozenset(
    {libvirt.VIR_DOMAIN_RUNNING, libvirt.VIR_DOMAIN_BLOCKED, libvirt.VIR_DOMAIN_PAUSED}
)
_NOT_TAKEN = UNSUPPORTED | {libvirt.VIR_ERR_INVALID_ARG}


class _Way(Enum):
    """From the best to the poorest."""

    LISTED = "virDomainListGetStats"
    ALL = "virConnectGetAllDomainStats"
    INFO = "virDomainGetInfo"


class Reading(NamedTuple):
    """What one tick brought. states: virDomainState and reason by UUID, where told."""

    samples: Mapping[str, GuestSample] = MappingProxyType({})
    states: Mapping[str, tuple[int, int]] = MappingProxyType({})


class Rotation:
    """Whose turn it is: all in view, and a slice of the others."""

    def __init__(self) -> None:
        self._last = ""

    def next(self, active: Sequence[str], in_view: frozenset[str]) -> list[str]:
        """UUIDs to sample now. A guest that comes or goes does not make another miss its turn."""
        seen = [uuid for uuid in active if uuid in in_view]
        others = sorted(uuid for uuid in active if uuid not in in_view)
        if not others:
            return seen
        size = max(TURN_LEAST, min(TURN_MOST, math.ceil(len(others) / ROUND)))
        start = next((n for n, uuid in enumerate(others) if uuid > self._last), 0)
        turn = (others[start:] + others[:start])[:size]
        self._last = turn[-1]
        return seen + turn


class StatsReader:
    """Reads counters of one connection and remembers what its driver can do."""

    def __init__(self, conn: libvirt.virConnect) -> None:
        self._conn = conn
        self._way = _Way.LISTED
        self._nowait = libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT
        self._refused = Groups(0)

    def read(self, domains: Mapping[str, libvirt.virDomain], groups: Groups) -> Reading:
        """Counters of these guests, by UUID. Raises libvirtError when the host fails."""
        if not domains:
            return Reading()
        while self._way is not _Way.INFO:
            wanted = groups & ~self._refused
            try:
                records = self._records(domains, stats_flags(wanted))
            except libvirt.libvirtError as error:
                if error.get_error_code() not in _NOT_TAKEN:
                    raise
                self._step_down(error, domains, wanted)
                continue
            reading = _reading(records, domains)
            # The test driver answers too, but with states alone.
            bare = {
                uuid: domains[uuid]
                for uuid, (state, _reason) in reading.states.items()
                if uuid in domains and uuid not in reading.samples and state in _COUNTING
            }
            return Reading({**reading.samples, **self._infos(bare)}, reading.states)
        return Reading(self._infos(domains))

    def _records(
        self, domains: Mapping[str, libvirt.virDomain], flags: int
    ) -> list[tuple[libvirt.virDomain, dict[str, int | float | bool | str]]]:
        flags |= libvirt.VIR_DOMAIN_STATS_STATE
        if self._way is _Way.LISTED:
            return self._conn.domainListGetStats(list(domains.values()), flags, self._nowait)
        active = libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE
        return self._conn.getAllDomainStats(flags, self._nowait | active)

    def _step_down(
        self,
        error: libvirt.libvirtError,
        domains: Mapping[str, libvirt.virDomain],
        wanted: Groups,
    ) -> None:
        """Find out what it is that the driver does not take."""
        if error.get_error_code() != libvirt.VIR_ERR_NO_SUPPORT:
            if self._nowait:
                self._nowait = 0
                return
            refused = self._refused_groups(domains, wanted)
            if refused and refused != wanted:
                self._refused |= refused
                _log.info("statistics that this driver does not have: %s", refused)
                return
        self._way = _Way.ALL if self._way is _Way.LISTED else _Way.INFO
        _log.info("%s; falling back to %s", error, self._way.value)

    def _refused_groups(self, domains: Mapping[str, libvirt.virDomain], wanted: Groups) -> Groups:
        first = dict([next(iter(domains.items()))])
        refused = Groups(0)
        for group in wanted:
            try:
                self._records(first, stats_flags(group))
            except libvirt.libvirtError as error:
                if error.get_error_code() not in _NOT_TAKEN:
                    raise
                refused |= group
        return refused

    @staticmethod
    def _infos(domains: Mapping[str, libvirt.virDomain]) -> dict[str, GuestSample]:
        """CPU time and memory, one call a guest."""
        samples: dict[str, GuestSample] = {}
        for uuid, domain in domains.items():
            try:
                _state, memory_max, memory, _vcpus, cpu_ns = domain.info()
            except libvirt.libvirtError as error:
                if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
                    continue
                raise
            samples[uuid] = GuestSample(
                at=time.monotonic(),
                cpu_ns=cpu_ns,
                balloon=BalloonFigures(current=memory, maximum=memory_max),
            )
        return samples


def _reading(
    records: Sequence[tuple[libvirt.virDomain, Record]],
    domains: Mapping[str, libvirt.virDomain],
) -> Reading:
    at = time.monotonic()
    samples: dict[str, GuestSample] = {}
    states: dict[str, tuple[int, int]] = {}
    for domain, record in records:
        uuid = domain.UUIDString()
        state = record.get("state.state")
        if isinstance(state, int):
            states[uuid] = (state, int(record.get("state.reason", 0)))
        sample = sample_of(record, at) if uuid in domains else None
        if sample is not None:
            samples[uuid] = sample
    return Reading(samples, states)
