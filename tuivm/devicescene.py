"""What dialogs about a host's devices can see: the host asked anew, and the guest in question."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from typing import TYPE_CHECKING

from tuivm.domainxml.hostdevxml import passing_elements
from tuivm.domainxml.parse import attr, parse_domain
from tuivm.domainxml.target import read_target
from tuivm.model.guests import GuestKey
from tuivm.model.hosts import Problem
from tuivm.model.offers import HostOffer
from tuivm.model.store import GuestView
from tuivm.screens.dialogs.watching import Seen, Side

if TYPE_CHECKING:
    from tuivm.commands.base import Desk


class DeviceScene:
    """See `screens.dialogs.watching.Scene`. key: of the guest in question, None for none."""

    def __init__(self, desk: Desk, host: str, key: GuestKey | None = None) -> None:
        self._desk = desk
        self._host = host
        self._key = key
        known = self.guest()
        self._name = known.guest.name if known else ""

    @property
    def uri(self) -> str:
        port = self._desk.host(self._host)
        return port.spec.uri if port else ""

    def guest(self) -> GuestView | None:
        return self._desk.store.guest(self._key) if self._key else None

    def refusal(self) -> str:
        if self._host not in self._desk.store.host_names:
            return f"{self._host} is no longer in the list of hosts"
        if self._key is not None and self.guest() is None:
            return f"{self._name} is gone from {self._host}: nothing is done."
        return self._desk.store.status(self._host, self._desk.now()).refusal

    def stamp(self) -> Hashable:
        snapshot = self._desk.store.snapshot(self._host)
        view = self.guest()
        guest = view.guest if view else None
        return (
            snapshot and (snapshot.generation, snapshot.revisions),
            guest and (guest.state.active, guest.domain_id, guest.persistent, guest.details),
        )

    async def look(self) -> Seen:
        port = self._desk.host(self._host)
        if port is None:
            return Seen(problem=Problem(f"{self._host} is no longer in the list of hosts"))
        offered = await asyncio.wrap_future(port.devices().devices())
        if offered.offer is None:
            return Seen(problem=offered.problem)
        view = self.guest()
        if view is None:
            return Seen(offered.offer)
        seen = Seen(offered.offer)
        if view.guest.state.active:
            live = await self._side(view, offered.offer, inactive=False)
            seen = _with(seen, live, inactive=False)
        if view.guest.persistent:
            defined = await self._side(view, offered.offer, inactive=True)
            seen = _with(seen, defined, inactive=True)
        return seen

    async def _side(
        self, view: GuestView, offer: HostOffer, *, inactive: bool
    ) -> Side | Problem | None:
        port = self._desk.host(self._host)
        if port is None:
            return None
        answer = await asyncio.wrap_future(port.domain_xml(view.key.uuid, inactive=inactive))
        if not answer.text:
            return answer.problem
        try:
            return read_side(answer.text, view, offer)
        except ValueError as error:
            return Problem(f"cannot read the definition of {view.guest.name}", str(error))


def read_side(xml: str, view: GuestView, offer: HostOffer) -> Side:
    """Raises ValueError for what is no definition of a guest."""
    running = view.guest.state.active
    target = read_target(xml, running=running, persistent=view.guest.persistent)
    found = list(passing_elements(parse_domain(xml), offer.devices))
    managed = frozenset(passed for one, passed in found if attr(one, "managed") == "yes")
    return Side(target, tuple(passed for _, passed in found), managed)


def _with(seen: Seen, side: Side | Problem | None, *, inactive: bool) -> Seen:
    if isinstance(side, Problem):
        return seen._replace(problem=side)
    return seen._replace(defined=side) if inactive else seen._replace(live=side)
