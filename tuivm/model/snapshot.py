"""What a host's sampler hands over after each tick: one frozen picture."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from tuivm.model.guests import Guest
from tuivm.model.hosts import HostFacts, HostLoad, HostState, Problem
from tuivm.model.samples import GuestSample


class Revisions(NamedTuple):
    """Each grows when the host tells that something of it came, went or changed."""

    devices: int = 0
    storage: int = 0
    networks: int = 0


class HostSnapshot(NamedTuple):
    """One host at one moment.

    at: monotonic seconds when it was made. guests: every guest of the host by UUID; the same
    object as in the last snapshot while nothing changed, so that `is` tells. samples: only the
    guests sampled in this tick. interval: seconds the sampler waits between ticks at present
    (stretched when a tick takes long). retry_at: monotonic seconds of the next try, when lost or
    failed. generation: grows with each connection, so that counters are not joined across two.
    """

    host: str
    at: float
    state: HostState
    generation: int = 0
    problem: Problem | None = None
    retry_at: float | None = None
    facts: HostFacts | None = None
    load: HostLoad | None = None
    guests: Mapping[str, Guest] = MappingProxyType({})
    samples: Mapping[str, GuestSample] = MappingProxyType({})
    interval: float = 1.0
    readonly: bool = False
    revisions: Revisions = Revisions()
