"""From what a person said to what it comes to on a host: asks the host, and lets the rules speak.

Rules and catalog are read and run on a thread of their own: neither may hold the event loop up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar
from uuid import uuid4

from tuivm.background import off_the_loop
from tuivm.model.createports import CreatePort, Head, Offered
from tuivm.model.creation import CreationPlan
from tuivm.model.findings import Finding, Severity
from tuivm.model.hosts import Problem
from tuivm.model.offers import DomainCaps, HostOffer
from tuivm.model.oses import GENERIC, OsInfo
from tuivm.model.spec import FileRef, SourceKind, Spec
from tuivm.preflight.images import FileFacts, read_head, wanted
from tuivm.screens.create.draft import Draft
from tuivm.screens.create.localfiles import local_findings

if TYPE_CHECKING:
    from tuivm.osinfo import Catalog
    from tuivm.preflight.default_machine import CapsChoice

T = TypeVar("T")

WITH_FILE = (SourceKind.ISO, SourceKind.IMPORT, SourceKind.OVERLAY, SourceKind.CLOUD)
"""Sources that are one file."""


class _Plan(Protocol):
    def __call__(
        self,
        spec: Spec,
        offer: HostOffer,
        caps: DomainCaps,
        os: OsInfo,
        *,
        source_xml: str = "",
        files: Mapping[FileRef, FileFacts] = ...,
    ) -> CreationPlan: ...


class Rules(NamedTuple):
    complete: Callable[[Spec, HostOffer, DomainCaps, OsInfo], Spec]
    choose_caps: Callable[[Spec, HostOffer, OsInfo], CapsChoice]
    plan: _Plan
    catalog: Callable[[], Catalog]


def real_rules() -> Rules:
    from tuivm.osinfo import Catalog  # noqa: PLC0415 - when the wizard opens
    from tuivm.preflight.defaults import choose_caps, complete  # noqa: PLC0415
    from tuivm.preflight.planning import plan  # noqa: PLC0415

    return Rules(complete, choose_caps, plan, Catalog)


async def heard(future: Future[T]) -> T:
    """Wait for a host. Whoever stops waiting does not cancel what the host is about to answer."""
    return await asyncio.shield(asyncio.wrap_future(future))


class Drafter:
    """Of one host. Not to be used by two at once."""

    def __init__(self, port: CreatePort, rules: Callable[[], Rules] = real_rules) -> None:
        self.port = port
        self._make_rules = rules
        self._ready: tuple[Rules, Catalog] | None = None
        self._uuid = str(uuid4())
        self._heads: dict[FileRef, Head] = {}

    async def offer(self) -> Offered:
        """What the host offers, asked anew."""
        self._heads.clear()
        return await heard(self.port.offer())

    async def validate(self, xml: str) -> tuple[Finding, ...]:
        """What libvirt's schema says of an XML."""
        return await heard(self.port.validate(xml))

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
        problem: Problem | None = None
        guessed, unread = await self._guess(spec, catalog)
        os = (catalog.by_id(spec.os) if spec.os else guessed) or GENERIC
        source_xml = ""
        if spec.source.kind is SourceKind.COPY and spec.source.guest:
            answer = await heard(self.port.domain_xml(spec.source.guest))
            source_xml = answer.data.decode(errors="replace")
            problem = answer.problem
        which = rules.choose_caps(spec, offer, os)
        told = await heard(self.port.domain_caps(which.virt_type, which.arch, which.machine))
        if told.caps is None:
            full = await off_the_loop(partial(rules.complete, spec, offer, DomainCaps(), os))
            return draft._replace(
                full=full, os=os, guessed=guessed, plan=None, problem=told.problem
            )
        caps = told.caps
        files = {file: _facts(await self._head(file)) for file in wanted(spec, offer)}
        # The same guest each time: its definition changes only by what a person says.
        named = spec._replace(uuid=spec.uuid or self._uuid)
        plan = await off_the_loop(
            partial(rules.plan, named, offer, caps, os, source_xml=source_xml, files=files)
        )
        local = await off_the_loop(partial(local_findings, spec))
        return draft._replace(
            full=plan.spec,
            caps=caps,
            os=os,
            guessed=guessed,
            findings=(*local, *unread, *plan.findings),
            plan=plan,
            source_xml=source_xml,
            problem=problem,
        )

    def _prepare(self) -> tuple[Rules, Catalog]:
        rules = self._make_rules()
        return rules, rules.catalog()

    async def _guess(
        self, spec: Spec, catalog: Catalog
    ) -> tuple[OsInfo | None, tuple[Finding, ...]]:
        """What OS the source's image holds: by what its first bytes say, else by its name."""
        file = spec.source.file
        name = file.local or file.volume or file.path
        if spec.source.kind not in WITH_FILE or not name:
            return None, ()
        by_name = catalog.by_image(name)
        if file.local:
            return by_name, ()
        head = await self._head(file)
        return catalog.by_head(head.data) or by_name, _unread(file, head)

    async def _head(self, file: FileRef) -> Head:
        if file not in self._heads:
            from tuivm.osinfo import HEAD_SIZE  # noqa: PLC0415 - the catalog is there by now

            self._heads[file] = await heard(self.port.head(file, HEAD_SIZE))
        return self._heads[file]


def _facts(head: Head) -> FileFacts:
    facts = read_head(head.data, head.size)
    problem = f"{head.problem.what}: {head.problem.reason}" if head.problem is not None else ""
    return facts._replace(problem=problem, closed=head.closed)


def _unread(file: FileRef, head: Head) -> tuple[Finding, ...]:
    """That a file could not be looked into is no proof that QEMU cannot use it."""
    problem = head.problem
    if problem is None:
        return ()
    field = "source.volume" if file.volume else "source.path"
    what = ": ".join(part for part in (problem.what, problem.reason) if part)
    why = problem.cause or "What cannot be read cannot be booted either"
    return (Finding("source-unread", Severity.WARNING, what, why, problem.remedy, field),)
