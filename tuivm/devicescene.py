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
        texts: dict[bool, str] = {}
        for inactive in (False, True):
            # A transient guest has no definition, one that is off runs with none.
            if view.guest.persistent if inactive else view.guest.state.active:
                answer = await asyncio.wrap_future(
                    port.domain_xml(view.key.uuid, inactive=inactive)
                )
                if not answer.text:
                    return Seen(offered.offer, problem=answer.problem)
                texts[inactive] = answer.text
        try:
            return read(view, offered.offer, texts.get(False, ""), texts.get(True, ""))
        except ValueError as error:
            problem = Problem(f"cannot read the definition of {view.guest.name}", str(error))
            return Seen(offered.offer, problem=problem)


def read(view: GuestView, offer: HostOffer, live: str, definition: str) -> Seen:
    """live, definition: "" where there is none. Raises ValueError for what is no definition."""
    if not live and not definition:
        return Seen(offer, problem=Problem(f"{view.guest.name} has no definition now"))
    target = read_target(
        live or definition,
        running=bool(live),
        persistent=view.guest.persistent,
        definition=definition if live else "",
    )
    return Seen(
        offer,
        target,
        _side(live, offer) if live else None,
        _side(definition, offer) if definition else None,
    )


def _side(xml: str, offer: HostOffer) -> Side:
    found = list(passing_elements(parse_domain(xml), offer.devices))
    managed = frozenset(passed for one, passed in found if attr(one, "managed") == "yes")
    return Side(tuple(passed for _, passed in found), managed)
