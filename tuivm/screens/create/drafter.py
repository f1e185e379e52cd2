"""From what a person said to what it comes to on a host: asks the host, and lets the rules speak.

Rules and catalog are read and run on a thread of their own: neither may hold the event loop up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from tuivm.background import off_the_loop
from tuivm.model.createports import CreatePort, Offered
from tuivm.model.creation import CreationPlan
from tuivm.model.hosts import Problem
from tuivm.model.offers import DomainCaps, HostOffer
from tuivm.model.oses import GENERIC, OsInfo
from tuivm.model.spec import FileRef, SourceKind, Spec
from tuivm.screens.create.draft import Draft
from tuivm.screens.create.localfiles import local_findings

if TYPE_CHECKING:
    from tuivm.osinfo import Catalog

T = TypeVar("T")

HEAD = 64 * 1024
"""Bytes of an image that tell what is on it."""


class _Plan(Protocol):
    def __call__(
        self, spec: Spec, offer: HostOffer, caps: DomainCaps, os: OsInfo, *, source_xml: str = ""
    ) -> CreationPlan: ...


class Rules(NamedTuple):
    complete: Callable[[Spec, HostOffer, DomainCaps, OsInfo], Spec]
    plan: _Plan
    catalog: Callable[[], Catalog]


def real_rules() -> Rules:
    from tuivm.osinfo import Catalog  # noqa: PLC0415 - when the wizard opens
    from tuivm.preflight.defaults import complete  # noqa: PLC0415
    from tuivm.preflight.planning import plan  # noqa: PLC0415

    return Rules(complete, plan, Catalog)


async def heard(future: Future[T]) -> T:
    """Wait for a host. Whoever stops waiting does not cancel what the host is about to answer."""
    return await asyncio.shield(asyncio.wrap_future(future))


class Drafter:
    """Of one host. Not to be used by two at once."""

    def __init__(self, port: CreatePort, rules: Callable[[], Rules] = real_rules) -> None:
        self.port = port
        self._make_rules = rules
        self._ready: tuple[Rules, Catalog] | None = None
        self._heads: dict[FileRef, tuple[bytes, Problem | None]] = {}

    async def offer(self) -> Offered:
        """What the host offers, asked anew."""
        self._heads.clear()
        return await heard(self.port.offer())

    async def draft(self, draft: Draft) -> Draft:
        """The same with all that follows from its spec and its offer. `problem` says what could
        not be found out; the rest is then as it was."""
        if self._ready is None:
            self._ready = await off_the_loop(self._prepare)
        rules, catalog = self._ready
        offer, spec = draft.offer, draft.spec
        if offer is None:
            return draft
        if not draft.oses:
            draft = draft._replace(oses=tuple(await off_the_loop(catalog.all)))
        guessed, problem = await self._guess(spec, catalog)
        os = (catalog.by_id(spec.os) if spec.os else guessed) or GENERIC
        source_xml = ""
        if spec.source.kind is SourceKind.COPY and spec.source.guest:
            answer = await heard(self.port.domain_xml(spec.source.guest))
            source_xml = answer.data.decode(errors="replace")
            problem = problem or answer.problem
        first = await off_the_loop(partial(rules.complete, spec, offer, DomainCaps(), os))
        machine = first.machine
        told = await heard(self.port.domain_caps(machine.virt_type, machine.arch, machine.machine))
        if told.caps is None:
            return draft._replace(
                full=first, os=os, guessed=guessed, plan=None, problem=told.problem
            )
        caps = told.caps
        plan = await off_the_loop(partial(rules.plan, spec, offer, caps, os, source_xml=source_xml))
        local = await off_the_loop(partial(local_findings, spec))
        return draft._replace(
            full=plan.spec,
            caps=caps,
            os=os,
            guessed=guessed,
            findings=(*local, *plan.findings),
            plan=plan,
            source_xml=source_xml,
            problem=problem,
        )

    def _prepare(self) -> tuple[Rules, Catalog]:
        rules = self._make_rules()
        return rules, rules.catalog()

    async def _guess(self, spec: Spec, catalog: Catalog) -> tuple[OsInfo | None, Problem | None]:
        """What OS the source's image holds: by what its first bytes say, else by its name."""
        file = spec.source.file
        name = file.local or file.volume or file.path
        if not name:
            return None, None
        by_name = catalog.by_image(name)
        if file.local:
            return by_name, None
        if file not in self._heads:
            head = await heard(self.port.head(file, HEAD))
            self._heads[file] = head.data, head.problem
        data, problem = self._heads[file]
        return catalog.by_volume_id(data) or by_name, problem
