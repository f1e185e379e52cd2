"""From what a person said to what it comes to on a host, with nothing that holds the loop up."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

from tuivm.background import off_the_loop
from tuivm.creation import Creation
from tuivm.model.createports import CreatePort, Offered
from tuivm.model.findings import Finding
from tuivm.model.offers import DomainCaps
from tuivm.preflight.defaults import complete
from tuivm.screens.create.draft import Draft

T = TypeVar("T")


async def heard(future: Future[T]) -> T:
    """Wait for a host. Whoever stops waiting does not cancel what the host is about to answer."""
    return await asyncio.shield(asyncio.wrap_future(future))


class Drafter:
    """Of one host. Not to be used by two at once."""

    def __init__(self, port: CreatePort, uuid: str) -> None:
        """uuid: of the guest to be: its definition then changes only by what a person says."""
        self.port = port
        self._uuid = uuid
        self._creation = Creation(port)

    async def offer(self) -> Offered:
        """What the host offers, asked anew."""
        self._creation.forget()
        return await heard(self.port.offer())

    async def validate(self, xml: str) -> tuple[Finding, ...]:
        """What libvirt's schema says of an XML."""
        return await heard(self.port.validate(xml))

    async def draft(self, draft: Draft) -> Draft:
        """The same with all that follows from its spec and its offer. `problem` says why nothing
        does."""
        offer, spec = draft.offer, draft.spec
        if offer is None:
            return draft
        if not draft.oses:
            oses = await off_the_loop(self._creation.catalog.all)
            draft = draft._replace(oses=oses)
        named = spec._replace(uuid=spec.uuid or self._uuid)
        drawn = await heard(self._creation.draw(named, offer))
        if drawn.plan is None:
            full = await off_the_loop(partial(complete, spec, offer, DomainCaps(), draft.os))
            return draft._replace(full=full, plan=None, problem=drawn.problem)
        return draft._replace(
            full=drawn.plan.spec,
            caps=drawn.caps or DomainCaps(),
            os=drawn.os,
            guessed=drawn.guessed,
            findings=drawn.findings,
            plan=drawn.plan,
            source_xml=drawn.source_xml,
            problem=None,
        )
