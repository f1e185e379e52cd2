"""One live connection: lists, samples and reads, until it breaks or is told to end."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

import libvirt

from tuivm.hypervisor.agent import Agents
from tuivm.hypervisor.backoff import Pace
from tuivm.hypervisor.connect import Link
from tuivm.hypervisor.cost import CostReader
from tuivm.hypervisor.errors import problem_from
from tuivm.hypervisor.events import Inbox
from tuivm.hypervisor.facts import quick_facts
from tuivm.hypervisor.lanes import Lanes
from tuivm.hypervisor.listing import Roster
from tuivm.hypervisor.load import LoadMeter, meter_for
from tuivm.hypervisor.lookups import Lookups
from tuivm.hypervisor.sampler import Reading, Rotation, StatsReader
from tuivm.hypervisor.spares import Spares
from tuivm.model.guests import Guest
from tuivm.model.hosts import HostFacts, HostLoad, HostSpec, Problem
from tuivm.model.ports import Groups, View
from tuivm.model.samples import GuestSample
from tuivm.model.snapshot import Revisions

_log = logging.getLogger(__name__)

REFRESH_EVERY = 30.0
"""Seconds between two full lists where events keep the list current."""
REFRESH_WITHOUT_EVENTS = 3.0
REFRESH_APART = 0.25
"""A storm of events makes no more lists than one in this many seconds."""
SHOW_DETAILS_EVERY = 0.25
REVISE_APART = 0.25
"""A card that makes 64 functions is one piece of news about the host's devices, not 64."""
LOAD_AFTER = 0.25
"""What reads the load takes as long to import as a list of guests to arrive: after the list."""


class Update(NamedTuple):
    """What a session hands over: an answer of the host. facts, load: None for no news."""

    guests: Mapping[str, Guest]
    samples: Mapping[str, GuestSample]
    interval: float
    problem: Problem | None = None
    facts: HostFacts | None = None
    load: HostLoad | None = None
    revisions: Revisions = Revisions()


class Waker:
    """Waits that end early; and since when the thread that waits has been at work instead."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self.stopped = False
        self.working_since: float | None = None

    def wake(self) -> None:
        self._event.set()

    def stop(self) -> None:
        self.stopped = True
        self._event.set()

    def moving(self) -> None:
        """A call has come back: whatever comes now has its own time."""
        self.working_since = time.monotonic()

    def wait(self, seconds: float | None) -> None:
        """Wait until woken, or for so long."""
        self.working_since = None
        self._event.wait(seconds)
        self._event.clear()
        self.moving()


class Session:
    """Lives on the host's thread. `view` says what is looked at; `deliver` takes updates."""

    def __init__(
        self,
        spec: HostSpec,
        link: Link,
        *,
        known: Mapping[str, Guest],
        waker: Waker,
        slow: Lanes,
        agents: Lanes,
        spares: Spares,
        view: Callable[[], View],
        devices_watched: Callable[[], bool],
        revisions: Revisions,
        reconnected: bool,
        deliver: Callable[[Update], None],
    ) -> None:
        """devices_watched: somebody looks at the host's devices, storage or networks. revisions:
        what was told before; reconnected: there was a connection before this one, and what
        happened since is not known."""
        self._spec = spec
        self._link = link
        self._waker = waker
        self._view = view
        self._devices_watched = devices_watched
        self._watching = False
        self._reconnected = reconnected
        self._revisions = revisions
        self._revised: set[str] = set()
        self._revised_at = 0.0
        self._deliver = deliver
        self._inbox = Inbox(waker.wake)
        self._roster = Roster(spec.name, known)
        self._costs = CostReader()
        self._lookups = Lookups(
            link,
            slow=slow,
            spares=spares,
            inbox=self._inbox,
            roster=self._roster,
            costs=self._costs,
        )
        self._agents = Agents(
            link, lane=agents, spares=spares, inbox=self._inbox, roster=self._roster
        )
        self._reader = StatsReader(link.conn)
        self._rotation = Rotation()
        self._pace = Pace(spec.interval)
        self._uri = spec.uri
        self._load_from = 0.0
        self._meter: LoadMeter | None = None
        self._facts: HostFacts | None = None
        self._facts_complete = False
        self._listed = False
        self._settled = False
        self._events = False
        self._listed_at = 0.0
        self._relist = False
        self._shown = (0, 0, revisions)

    @property
    def settled(self) -> bool:
        """Everything that is to be known at first has been read and handed over."""
        return self._settled

    @property
    def listed(self) -> bool:
        """All guests, with flags and details, have been handed over; slow facts may be missing."""
        return self._listed

    def poke(self) -> None:
        """Something was done to a guest: look at the list now. From any thread."""
        self._inbox.relist()

    def run(self) -> None:
        """Until the link is dead or the waker stopped. Raises libvirtError when listing fails."""
        try:
            self._open_list()
            while not self._waker.stopped and self._link.alive:
                began = time.monotonic()
                self._pace.want(self._wanted_interval())
                self._tick()
                self._pace.took(time.monotonic() - began)
                self._rest(began)
        finally:
            self._lookups.end()
            self._agents.end()

    def _open_list(self) -> None:
        """The list as early as possible, then what else is quick."""
        conn = self._link.conn
        self._roster.refresh(conn)
        self._listed_at = time.monotonic()
        self._roster.want_details(self._roster.guests)
        self._publish()
        self._events = self._inbox.subscribe(self._link)
        # What happened between the list and the first event is seen at the first tick.
        self._relist = True
        self._roster.refresh_flags(conn)
        self._uri = conn.getURI()
        self._facts = quick_facts(conn, self._uri)
        self._load_from = time.monotonic() + LOAD_AFTER
        self._publish()
        self._lookups.facts(self._facts, self._know)

    def _know(self, facts: HostFacts | None) -> None:
        self._facts_complete = True
        self._facts = facts or self._facts

    def _tick(self) -> None:
        problem = None
        reading = Reading()
        try:
            self._take_news()
            every = REFRESH_EVERY if self._events else REFRESH_WITHOUT_EVENTS
            if self._relist or time.monotonic() - self._listed_at >= every:
                self._refresh(whole=not self._relist)
            reading = self._sample()
        except libvirt.libvirtError as error:
            if not self._link.alive:
                raise
            # Alive, but it refused: say so and go on, the next tick may fare better.
            _log.warning("%s: %s", self._spec.name, error)
            problem = problem_from(f"cannot read all of {self._spec.name}", error, self._spec.uri)
        self._publish(reading.samples, problem, self._read_load())
        if self._facts_complete:
            local = self._facts is not None and self._facts.local
            self._lookups.tick(self._view().guests, local=local)
        if not self._spec.readonly:
            # libvirt lets nobody who may only read talk to an agent, or change a guest.
            view = self._view()
            self._agents.tick(view.guests, figures=Groups.AGENT in view.groups)
            self._lookups.settle(self._roster.take_marked())

    def _read_load(self) -> HostLoad | None:
        if self._meter is None:
            if time.monotonic() < self._load_from:
                return None
            self._meter = meter_for(self._uri, self._link.conn)
        return self._meter.read()

    def _sample(self) -> Reading:
        view = self._view()
        turn = self._rotation.next(self._roster.active(), view.guests)
        handles = {uuid: handle for uuid in turn if (handle := self._roster.handle(uuid))}
        if not turn and self._link.conn.numOfDomains():
            # Asked in every tick, for the answer as such: a host that hangs must not look well
            # because all its guests are off.
            self._relist = True
        reading = self._reader.read(handles, view.groups & ~(Groups.COST | Groups.AGENT))
        if Groups.COST in view.groups:
            reading = self._with_costs(reading, view.guests)
        if Groups.AGENT in view.groups:
            reading = self._with_agents(reading, view.guests)
        for uuid, (state, reason) in reading.states.items():
            if self._roster.saw_state(uuid, state, reason):
                self._relist = True
        return reading

    def _with_costs(self, reading: Reading, in_view: frozenset[str]) -> Reading:
        """Of the guests in view alone, and only where their processes are this machine's."""
        if self._facts is None or not self._facts.local:
            return reading
        guests = (self._roster.guests.get(uuid) for uuid in in_view & reading.samples.keys())
        costs = self._costs.read(guest for guest in guests if guest is not None)
        with_cost = {uuid: reading.samples[uuid]._replace(cost=costs[uuid]) for uuid in costs}
        return Reading({**reading.samples, **with_cost}, reading.states)

    def _with_agents(self, reading: Reading, in_view: frozenset[str]) -> Reading:
        told = self._agents.figures(in_view & reading.samples.keys())
        with_told = {uuid: reading.samples[uuid]._replace(agent=told[uuid]) for uuid in told}
        return Reading({**reading.samples, **with_told}, reading.states)

    def _refresh(self, *, whole: bool) -> None:
        """whole: nothing is known to have changed; look again at what events may have missed."""
        self._relist = False
        self._roster.refresh(self._link.conn)
        self._roster.refresh_flags(self._link.conn)
        self._listed_at = time.monotonic()
        self._costs.keep(self._roster.guests.keys())
        if whole:
            in_view = self._view().guests
            self._roster.want_details(
                uuid
                for uuid, guest in self._roster.guests.items()
                if guest.details is None or uuid in in_view
            )

    def _take_news(self) -> None:
        if not self._watching and self._devices_watched():
            self._watching = True
            self._inbox.subscribe_host(self._link)
            if self._reconnected:
                self._revised.update(Revisions._fields)
        news = self._inbox.take()
        self._relist |= news.relist
        for uuid, at in news.started.items():
            self._roster.saw_start(uuid, at)
        self._roster.want_details(news.details)
        for result in news.results:
            result()
        if self._watching:
            self._revise(news.revised)

    def _revise(self, fields: set[str]) -> None:
        self._revised |= fields
        if self._revised and self._revise_in() <= 0:
            changed = {field: getattr(self._revisions, field) + 1 for field in self._revised}
            self._revisions = self._revisions._replace(**changed)
            self._revised.clear()
            self._revised_at = time.monotonic()

    def _revise_in(self) -> float:
        """Seconds until the next revision may be told."""
        return self._revised_at + REVISE_APART - time.monotonic()

    def _rest(self, began: float) -> None:
        """Until the next tick is due: follow events, read details, and wait."""
        shown_at = time.monotonic()
        while not self._waker.stopped and self._link.alive:
            now = time.monotonic()
            self._pace.want(self._wanted_interval())
            left = began + self._pace.interval - now
            if left <= 0:
                break
            self._take_news()
            soonest = self._listed_at + REFRESH_APART - now
            if self._relist and soonest <= 0:
                self._try_refresh()
                self._publish()
                shown_at = now
            elif self._meter is None and now >= self._load_from:
                self._publish(load=self._read_load())
            elif self._roster.due:
                self._read_some_details(now + min(left, SHOW_DETAILS_EVERY))
            else:
                self._publish_news()
                if self._meter is None:
                    left = min(left, self._load_from - now)
                if self._revised:
                    left = min(left, max(0.0, self._revise_in()))
                self._waker.wait(min(left, soonest) if self._relist else left)
            if time.monotonic() - shown_at >= SHOW_DETAILS_EVERY:
                self._publish_news()
                shown_at = time.monotonic()

    def _wanted_interval(self) -> float:
        return self._view().interval or self._spec.interval

    def _try_refresh(self) -> None:
        try:
            self._refresh(whole=False)
        except libvirt.libvirtError as error:
            if not self._link.alive:
                raise
            _log.warning("%s: %s", self._spec.name, error)

    def _read_some_details(self, until: float) -> None:
        for uuid in self._roster.reading_order(self._view().guests):
            self._roster.read_details(uuid)
            self._waker.moving()
            if time.monotonic() >= until or self._waker.stopped or not self._link.alive:
                return

    def _publish_news(self) -> None:
        """Hand over what changed, if anything did."""
        if self._shown != (id(self._roster.publish()), id(self._facts), self._revisions):
            self._publish()

    def _publish(
        self,
        samples: Mapping[str, GuestSample] | None = None,
        problem: Problem | None = None,
        load: HostLoad | None = None,
    ) -> None:
        self._waker.moving()
        guests = self._roster.publish()
        self._shown = (id(guests), id(self._facts), self._revisions)
        self._deliver(
            Update(
                guests=guests,
                samples=samples or {},
                interval=self._pace.interval,
                problem=problem,
                facts=self._facts,
                load=load,
                revisions=self._revisions,
            )
        )
        # Only now: what has been read counts for others when they have been given it.
        self._listed = self._facts is not None and not self._roster.due
        self._settled = self._listed and self._facts_complete
