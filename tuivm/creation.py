"""From a spec to what it comes to on a host, and on to a guest: for command line and wizard.

Asks the host what the rules want to know, lets the rules speak, and hands the plan over.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import NamedTuple, TypeVar

from tuivm.installtree import Tree, TreeError, find
from tuivm.model.createports import CreatePort, CreationRun, Head
from tuivm.model.creation import CreationPlan, CreationProgress
from tuivm.model.findings import Finding, Severity
from tuivm.model.hosts import Problem
from tuivm.model.offers import DomainCaps, HostOffer
from tuivm.model.oses import GENERIC, OsInfo
from tuivm.model.spec import FileRef, SourceKind, Spec
from tuivm.osinfo import HEAD_SIZE, Catalog
from tuivm.preflight.default_machine import CapsChoice
from tuivm.preflight.defaults import choose_caps
from tuivm.preflight.images import FileFacts, read_head, wanted
from tuivm.preflight.planning import TreeFiles, plan

T = TypeVar("T")

_WITH_FILE = (SourceKind.ISO, SourceKind.IMPORT, SourceKind.OVERLAY, SourceKind.CLOUD)
"""Sources that are one file."""


class Drawn(NamedTuple):
    """What a spec comes to. plan: None where the host did not answer; problem then says why.
    findings: of the plan, of what could not be looked at, and of libvirt's schema; errors first.
    os: what the spec says, else `guessed`: what the source's image holds, None where that is not
    known. source_xml: of the guest that is copied."""

    plan: CreationPlan | None = None
    offer: HostOffer | None = None
    caps: DomainCaps | None = None
    findings: tuple[Finding, ...] = ()
    problem: Problem | None = None
    os: OsInfo = GENERIC
    guessed: OsInfo | None = None
    source_xml: str = ""


class _RefusedError(Exception):
    """The host did not answer what everything else hangs on."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.what)
        self.problem = problem


class Creation:
    """Creating guests on one host. Nothing here blocks: each call hands back a future that a
    daemon thread fulfils.

    catalog: of operating systems. tree: looks for an installer at a URL, for an architecture.
    """

    def __init__(
        self,
        port: CreatePort,
        *,
        catalog: Catalog | None = None,
        tree: Callable[[str, str], Tree] = find,
    ) -> None:
        self._port = port
        self._catalog = catalog or Catalog()
        self._tree = tree
        self._heads: dict[FileRef, Head] = {}
        self._trees: dict[tuple[str, str], Tree | TreeError] = {}

    @property
    def catalog(self) -> Catalog:
        return self._catalog

    def draw(self, spec: Spec, offer: HostOffer | None = None) -> Future[Drawn]:
        """The plan for a spec, on what the host offers now, or on what it offered when it was
        asked for `offer`. What files and trees are is looked at once; see `forget`."""
        return _background(partial(self._draw, spec, offer))

    def forget(self) -> None:
        """Look anew at files and trees from now on."""
        self._heads, self._trees = {}, {}

    def create(self, drawn: CreationPlan, told: Callable[[CreationProgress], None]) -> CreationRun:
        """As `CreatePort.create`."""
        return self._port.create(drawn, told)

    def _draw(self, spec: Spec, offer: HostOffer | None) -> Drawn:
        """On a thread of its own: waits for the host, whose answers have deadlines of their own."""
        if offer is None:
            offered = self._port.offer().result()
            offer = offered.offer
            if offer is None:
                return Drawn(problem=offered.problem)
        try:
            return self._draw_on(spec, offer)
        except _RefusedError as refused:
            return Drawn(offer=offer, problem=refused.problem)

    def _draw_on(self, spec: Spec, offer: HostOffer) -> Drawn:
        findings: list[Finding] = []
        heads = {file: self._head(file) for file in self._to_look_at(spec, offer)}
        tree = None
        if spec.source.kind is SourceKind.TREE and spec.source.url:
            arch = choose_caps(spec, offer).arch
            try:
                tree = self._found_tree(spec.source.url, arch)
            except TreeError as error:
                findings.append(_no_tree(spec.source.url, error))
        guessed = self._guessed(spec, heads, tree)
        os = (self._catalog.by_id(spec.os) if spec.os else guessed) or GENERIC
        which = choose_caps(spec, offer, os)
        caps = self._caps(which, offer)
        files = {file: _facts(heads[file]) for file in wanted(spec, offer)}
        source_xml = self._source_xml(spec)
        made = plan(
            spec,
            offer,
            caps,
            os,
            source_xml=source_xml,
            files=files,
            tree=TreeFiles(tree.kernel, tree.initrd, tree.cmdline) if tree else None,
        )
        # One cause, told once.
        told = {"tree-unread"} if findings else set()
        findings += [one for one in made.findings if one.id not in told]
        if made.xml:
            findings += self._port.validate(made.xml).result()
        order = list(Severity)
        found = tuple(
            sorted(dict.fromkeys(findings), key=lambda finding: order.index(finding.severity))
        )
        return Drawn(
            made._replace(findings=found),
            offer,
            caps,
            found,
            os=os,
            guessed=guessed,
            source_xml=source_xml,
        )

    def _caps(self, which: CapsChoice, offer: HostOffer) -> DomainCaps:
        """Nothing for what the host does not run at all: the rules say that at its field."""
        if not any(
            guest.arch == which.arch and which.virt_type in guest.virt_types
            for guest in offer.capabilities.guests
        ):
            return DomainCaps()
        answer = self._port.domain_caps(which.virt_type, which.arch, which.machine).result()
        if answer.caps is None:
            raise _RefusedError(answer.problem or _silent(offer.host))
        return answer.caps

    def _to_look_at(self, spec: Spec, offer: HostOffer) -> tuple[FileRef, ...]:
        files = wanted(spec, offer)
        source = spec.source.file
        # An installer in a pool tells its OS too.
        if spec.source.kind in _WITH_FILE and any(source):
            files = (source, *files)
        return tuple(dict.fromkeys(files))

    def _head(self, file: FileRef) -> Head:
        if (known := self._heads.get(file)) is None:
            known = self._heads[file] = self._port.head(file, HEAD_SIZE).result()
        return known

    def _found_tree(self, url: str, arch: str) -> Tree:
        known = self._trees.get((url, arch))
        if known is None:
            try:
                known = self._tree(url, arch)
            except TreeError as error:
                known = error
            self._trees[url, arch] = known
        if isinstance(known, TreeError):
            raise known
        return known

    def _guessed(self, spec: Spec, heads: dict[FileRef, Head], tree: Tree | None) -> OsInfo | None:
        """What the source's image holds: by its first bytes, else its name; what a tree tells."""
        if tree is not None:
            return self._catalog.by_image(tree.os)
        file = spec.source.file
        if spec.source.kind not in _WITH_FILE or not any(file):
            return None
        head = heads.get(file, Head())
        name = file.local or file.volume or file.path
        return self._catalog.by_head(head.data) or self._catalog.by_image(name)

    def _source_xml(self, spec: Spec) -> str:
        if spec.source.kind is not SourceKind.COPY or not spec.source.guest:
            return ""
        answer = self._port.domain_xml(spec.source.guest).result()
        if answer.problem is not None:
            raise _RefusedError(answer.problem)
        return answer.data.decode(errors="replace")


def _facts(head: Head) -> FileFacts:
    facts = read_head(head.data, head.size)
    # What was tried is said by the finding that is made of it.
    problem = (head.problem.reason or head.problem.what) if head.problem is not None else ""
    return facts._replace(problem=problem, closed=head.closed)


def _no_tree(url: str, error: TreeError) -> Finding:
    return Finding(
        "tree-not-found",
        Severity.ERROR,
        f"no installer was found at {url}: {error}",
        "its kernel and initrd are what the guest is started with",
        "give the URL of a directory with a .treeinfo file, or of a distribution's installer",
        "source.url",
    )


def _silent(host: str) -> Problem:
    return Problem(f"cannot ask {host} what a guest may be")


def _background(work: Callable[[], T]) -> Future[T]:
    """On a daemon thread: nothing waits for it when the program ends."""
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()

    def go() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - handed on to whoever asked
            future.set_exception(error)

    threading.Thread(target=go, name="creation", daemon=True).start()
    return future
