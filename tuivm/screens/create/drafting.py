"""The wizard's draft, made in the background: typing never waits for a host."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple
from uuid import uuid4

from tuivm.model.createports import CreatePort
from tuivm.model.deviceports import DevicePort
from tuivm.model.hosts import Problem
from tuivm.model.offers import HostOffer
from tuivm.screens.create.board import Board
from tuivm.screens.create.draft import Draft
from tuivm.screens.create.drafter import Drafter, heard
from tuivm.screens.create.step import Step

LOOK_EVERY = 1.0
"""Seconds between two looks at whether devices of the host's came or went."""
QUIET = 0.3
"""Seconds without a change of the source after which it is looked at."""


class DeviceNews(NamedTuple):
    """revision: of a host's devices, another one when some came, went or were taken. port: the way
    to them; None when the host is no longer there."""

    revision: Callable[[str], object]
    port: Callable[[str], DevicePort | None]


class DraftingBoard(Board):
    """Asks the host of its draft what it offers, and has worked out what follows from the spec.

    port: the way to a host, None when it is no longer there. clock: seconds. news: of its devices,
    which are asked for anew while the rest of the offer stays.
    """

    def __init__(
        self,
        draft: Draft,
        steps: Sequence[Step],
        port: Callable[[str], CreatePort | None],
        clock: Callable[[], float],
        news: DeviceNews | None = None,
    ) -> None:
        super().__init__(draft, steps)
        self._port_of = port
        self._uuid = str(uuid4())
        self._clock = clock
        self.drafter: Drafter | None = None
        self._news = news
        self._revision: object = None
        """Of the devices that the offer has."""
        self._asked_at: float | None = None
        """When the host was asked what it offers; None when it has answered."""
        self._busy = False
        self._again = False
        self.creating = False
        """A guest is being made of the draft: that it has its devices now is no news."""
        self._drawn = draft.spec.source
        """The source as it was last worked out."""

    def on_mount(self) -> None:
        if self._news is not None:
            self.set_interval(LOOK_EVERY, self._look_for_news)

    def _look_for_news(self) -> None:
        news, host = self._news, self.draft.host
        if news is None or self.creating or self.draft.offer is None or self._asked_at is not None:
            return
        revision = news.revision(host)
        if revision != self._revision and (port := news.port(host)) is not None:
            self._revision = revision
            self.run_worker(self._hear_devices(port, host), group="devices", exclusive=True)

    async def _hear_devices(self, port: DevicePort, host: str) -> None:
        """Put the devices of now into the offer, unless it was asked for as a whole meanwhile."""
        asked = self.draft.offer
        heard_of = (await heard(port.devices())).offer
        offer = self.draft.offer
        if heard_of is None or offer is None or offer is not asked:
            return
        if self.creating or self.draft.host != host:
            return
        if (offer.devices, offer.guests) != (heard_of.devices, heard_of.guests):
            fresh = offer._replace(devices=heard_of.devices, guests=heard_of.guests)
            self._draw_on(fresh)

    def show_draft(self) -> None:
        """Show the draft as it is now."""
        raise NotImplementedError

    @property
    def waiting(self) -> str:
        if self._asked_at is None:
            return ""
        seconds = max(0, int(self._clock() - self._asked_at))
        what = "its machines, pools, networks and devices"
        return f"asking {self.draft.host} what it offers: {what} ({seconds} s)"

    def ask_host(self) -> None:
        """Ask the chosen host what it offers; what was said stays."""
        host = self.draft.host
        port = self._port_of(host) if host else None
        if port is None:
            what = f"cannot reach {host}" if host else "there is no host"
            problem = Problem(what, "it is not among the hosts", remedy="choose or add a host")
            self.drafter, self._asked_at = None, None
            self.put(self.draft._replace(offer=None, problem=problem, plan=None))
            return
        self.drafter = Drafter(port, self._uuid)
        self._asked_at = self._clock()
        self._revision = self._news.revision(host) if self._news else None
        self.put(self.draft._replace(problem=None))
        self.run_worker(self._hear(self.drafter), group="offer", exclusive=True)

    async def _hear(self, drafter: Drafter) -> None:
        offered = await drafter.offer()
        if drafter is not self.drafter:
            return
        self._asked_at = None
        if offered.offer is None:
            # What it offered before is not to be relied upon, but lets a person read on.
            problem = offered.problem or Problem(f"{self.draft.host} does not say what it offers")
            self.put(self.draft._replace(problem=problem, plan=None))
            return
        self._draw_on(offered.offer)

    def _draw_on(self, offer: HostOffer) -> None:
        """Work out what follows from a new offer. That begins before the draft is shown: what it
        says is of the offer before, and must not pass for settled."""
        self.draft = self.draft._replace(offer=offer, problem=None)
        self.work_out()
        self.show_draft()

    def work_out(self) -> None:
        """Have what follows from the spec worked out, in the background and once at a time."""
        self._again = True
        if not self._busy and self.draft.offer is not None and self.drafter is not None:
            self._busy = True
            self.run_worker(self._work_out(), group="draft")

    async def _work_out(self) -> None:
        drawn = self._drawn
        try:
            while self._again and self.drafter is not None:
                self._again = False
                drafter, asked = self.drafter, self.draft
                if asked.spec.source != drawn:
                    # Half a path or URL is not worth a look at the host or into the network.
                    await asyncio.sleep(QUIET)
                    if self.draft.spec != asked.spec:
                        self._again = True
                        continue
                drawn = asked.spec.source
                made = await drafter.draft(asked)
                if drafter is not self.drafter:
                    # Another host, or the same one asked again: its answer begins anew.
                    self._again = self.draft.offer is not None
                elif self.draft.spec == asked.spec:
                    self._busy = self._again
                    self.put(made._replace(offer=self.draft.offer))
        finally:
            self._busy, self._drawn = False, drawn
        self.show_draft()

    @property
    def settled(self) -> bool:
        """Nothing is being asked or worked out: the draft is what the spec comes to."""
        return not self._busy and not self._again and self._asked_at is None

    def put(self, draft: Draft) -> None:
        self.draft = draft
        self.show_draft()
