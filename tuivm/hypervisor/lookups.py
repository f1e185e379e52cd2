"""What takes its time to find out, looked up beside the sampling: capabilities, processes, IPs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

import libvirt

from tuivm.hypervisor import process
from tuivm.hypervisor.addresses import has_network, look_up
from tuivm.hypervisor.connect import Link
from tuivm.hypervisor.cost import CostReader
from tuivm.hypervisor.events import Inbox
from tuivm.hypervisor.facts import slow_facts
from tuivm.hypervisor.lanes import Lanes
from tuivm.hypervisor.listing import Roster
from tuivm.hypervisor.spares import Spares
from tuivm.model.guests import Guest
from tuivm.model.hosts import HostFacts

T = TypeVar("T")

_log = logging.getLogger(__name__)

ADDRESSES_EVERY = 15.0
DEADLINE = 60.0


class Lookups:
    """Belongs to one session. Results go to its roster and its reader of costs, on its thread."""

    def __init__(
        self,
        link: Link,
        *,
        slow: Lanes,
        spares: Spares,
        inbox: Inbox,
        roster: Roster,
        costs: CostReader,
    ) -> None:
        self._link = link
        self._slow = slow
        self._spares = spares
        self._inbox = inbox
        self._roster = roster
        self._costs = costs
        self._processes_sought: set[tuple[str, int | None]] = set()
        self._addresses_at = 0.0
        self._running = False
        self._ended = False

    def end(self) -> None:
        """The session is over: begin nothing more."""
        self._ended = True

    def facts(self, known: HostFacts, then: Callable[[HostFacts | None], None]) -> None:
        """Complete the facts; None when they could not be read."""
        self._start(partial(self._facts, known), then)

    def tick(self, in_view: frozenset[str], *, local: bool) -> None:
        """Begin what is due: starts of new processes of this machine, addresses of what is seen."""
        if self._running:
            return
        guests = {
            uuid: guest
            for uuid in self._roster.active()
            if (guest := self._roster.guests.get(uuid)) is not None
        }
        new: dict[str, int | None] = {}
        if local:
            runs = {(uuid, guest.domain_id) for uuid, guest in guests.items()}
            new = dict(runs - self._processes_sought)
            self._processes_sought = runs
        seen: list[Guest] = []
        now = time.monotonic()
        if now - self._addresses_at >= ADDRESSES_EVERY:
            seen = [one for uuid, one in guests.items() if uuid in in_view and has_network(one)]
            if seen:
                self._addresses_at = now
        if new or seen:
            self._running = True
            self._start(partial(self._look, new, seen), self._done)

    def settle(self, marked: frozenset[str]) -> None:
        """See to guests whose first boot is to come, under way or over."""
        if marked:
            self._start(partial(self._settle, marked), lambda _nothing: None)

    def _settle(self, marked: frozenset[str]) -> None:
        from tuivm.hypervisor.firstboot import settle  # noqa: PLC0415 - few guests are new

        with self._spares.borrow(self._link) as conn:
            for uuid in marked:
                try:
                    settle(conn, uuid)
                except (libvirt.libvirtError, ValueError) as error:
                    _log.info("the first boot of %s: %s", uuid, error)

    def _done(self, _nothing: None) -> None:
        self._running = False

    def _facts(self, known: HostFacts) -> HostFacts:
        with self._spares.borrow(self._link) as conn:
            return slow_facts(conn, known)

    def _look(self, runs: Mapping[str, int | None], seen: Sequence[Guest]) -> None:
        """Processes first: they are found without libvirt, whatever becomes of a connection."""
        if runs:
            self._find_processes(runs)
        if seen and not self._ended:
            with self._spares.borrow(self._link) as conn:
                for guest in seen:
                    if not self._ended:
                        self._find_addresses(guest, conn)

    def _find_processes(self, runs: Mapping[str, int | None]) -> None:
        """runs: libvirt's number of this run of each guest, by UUID."""
        processes = process.guest_processes(runs)
        for uuid, number in runs.items():
            found = processes.get(uuid)
            self._inbox.post(partial(self._costs.found, uuid, number, found))
            if found is not None:
                self._inbox.post(partial(self._roster.saw_start, uuid, found.started_at))
                self._inbox.post(partial(self._roster.saw_accelerator, uuid, found.accelerator))

    def _find_addresses(self, guest: Guest, conn: libvirt.virConnect) -> None:
        uuid = guest.key.uuid
        agent = guest.details is not None and guest.details.agent_connected
        try:
            found = look_up(conn.lookupByUUIDString(uuid), agent=agent)
        except libvirt.libvirtError as error:
            _log.info("no addresses of %s: %s", guest.name, error)
            return
        self._inbox.post(partial(self._roster.saw_addresses, uuid, found))

    def _start(self, job: Callable[[], T], then: Callable[[T | None], None]) -> None:
        """Run it on the slow lane; `then` is called by the session, with None if it failed."""

        def run() -> T | None:
            if self._ended:
                return None
            try:
                return job()
            except libvirt.libvirtError as error:
                _log.info("a look-up failed: %s", error)
                return None

        def done(future: Future[T | None]) -> None:
            result = None if future.exception() else future.result()
            self._inbox.post(lambda: then(result))

        def late(_words: str) -> T | None:
            return None

        self._slow.submit(run, deadline=DEADLINE, late=late).add_done_callback(done)
