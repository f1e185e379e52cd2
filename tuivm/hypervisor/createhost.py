"""A libvirt host for creating guests on it: see `model.createports.CreatePort`.

Calls that may take long have lanes of their own, so that none waits for another: a daemon whose
KVM does not work can take 40 s to say what a domain may be.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import libvirt

from tuivm.domainxml.domcaps import read_domain_caps
from tuivm.hypervisor.borrowing import DEADLINE, SLOW, BorrowingHost, Lend
from tuivm.hypervisor.heads import read_head, read_local_head
from tuivm.hypervisor.load import runs_here
from tuivm.hypervisor.offers import gather
from tuivm.hypervisor.reach import Identity, qemu_identity
from tuivm.model.createports import CapsAnswer, Head, Offered
from tuivm.model.creation import Created, CreationPlan, CreationProgress
from tuivm.model.findings import Finding, Severity
from tuivm.model.hosts import HostSpec, Problem
from tuivm.model.offers import DomainCaps
from tuivm.model.spec import FileRef

_SCHEMAS = ("/usr/share/libvirt/schemas", "/usr/local/share/libvirt/schemas")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_CapsKey = tuple[str, str, str]


class LibvirtCreateHost(BorrowingHost):
    """See `CreatePort`. Everything comes back at once; the work is done on daemon threads."""

    def __init__(self, spec: HostSpec, lend: Lend, changed: Callable[[], None]) -> None:
        """changed: called when a creation is over, to show what it did."""
        super().__init__(spec, lend)
        self._changed = changed
        self._offers = self._lane(f"offers-{spec.name}", 1)
        self._asking = self._lane(f"domain-capabilities-{spec.name}", 2)
        self._quick = self._lane(f"files-{spec.name}", 2)
        # One: libvirt's grammar is kept, and is not for two threads at once.
        self._checking = self._lane("schema", 1)
        self._lock = threading.Lock()
        self._caps: dict[_CapsKey, Future[CapsAnswer]] = {}
        self._runs: list[_Run] = []
        self._qemu: Identity | None = None

    @property
    def busy(self) -> bool:
        """Some call is in flight, or a creation is under way."""
        return super().busy or any(not run.result.done() for run in self._runs)

    def close(self) -> None:
        """Stop, creations too: they remove what they made, if the program lives that long. Never
        waits."""
        for run in self._runs:
            run.cancel()
        super().close()

    def offer(self) -> Future[Offered]:
        return self._ask(
            self._offers,
            f"cannot ask {self._spec.name} what it offers",
            self._gather,
            lambda problem: Offered(problem=problem),
            deadline=SLOW,
        )

    def _gather(self, conn: libvirt.virConnect) -> Offered:
        offer = gather(conn, self._spec)
        if offer.local:
            # Capabilities are not asked for again with each file: that may take long.
            self._qemu = qemu_identity(offer.capabilities.qemu_user, session=offer.session)
        return Offered(offer)

    def domain_caps(self, virt_type: str, arch: str, machine: str) -> Future[CapsAnswer]:
        key = (virt_type, arch, machine)
        with self._lock:
            known = self._caps.get(key)
            # One that was refused, or came too late, is asked again.
            if known is None or (known.done() and known.result().caps is None):
                known = self._caps[key] = self._ask(
                    self._asking,
                    f"cannot ask {self._spec.name} about {machine or 'its default machine'}",
                    lambda conn: CapsAnswer(_domain_caps(conn, *key)),
                    lambda problem: CapsAnswer(problem=problem),
                    deadline=SLOW,
                )
            return known

    def head(self, file: FileRef, size: int) -> Future[Head]:
        what = f"cannot read {file.local or file.path or f'{file.volume} of {file.pool}'}"
        if file.local:
            return self._quick.submit(
                lambda: read_local_head(file.local, size, what),
                deadline=DEADLINE,
                late=lambda words: Head(problem=Problem(what, words)),
            )
        return self._ask(
            self._quick,
            what,
            lambda conn: read_head(conn, file, size, what, self._qemu),
            lambda problem: Head(problem=problem),
        )

    def domain_xml(self, guest: str) -> Future[Head]:
        # Secrets are not shown over a read-only connection: libvirt would refuse the call.
        secure = 0 if self._spec.readonly else libvirt.VIR_DOMAIN_XML_SECURE

        def read(conn: libvirt.virConnect) -> Head:
            xml = _guest(conn, guest).XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE | secure)
            return Head(xml.encode())

        return self._ask(
            self._quick,
            f"cannot read the definition of {guest}",
            read,
            lambda problem: Head(problem=problem),
        )

    def validate(self, xml: str) -> Future[tuple[Finding, ...]]:
        return self._checking.submit(lambda: _validate(xml), deadline=DEADLINE, late=_unchecked)

    def create(self, plan: CreationPlan, told: Callable[[CreationProgress], None]) -> _Run:
        run = _Run()
        if self._spec.readonly:
            what = f"{plan.spec.name or 'the guest'} was not created"
            refused = Problem(what, f"{self._spec.name} is opened read-only")
            run.result.set_result(Created(name=plan.spec.name, problem=refused))
            return run
        with self._lock:
            self._runs = [one for one in self._runs if not one.result.done()] + [run]
        name = f"creating-{self._spec.name}"
        threading.Thread(
            target=self._create, args=(run, plan, told), name=name, daemon=True
        ).start()
        return run

    def _create(
        self, run: _Run, plan: CreationPlan, told: Callable[[CreationProgress], None]
    ) -> None:
        try:
            from tuivm.hypervisor import creating  # noqa: PLC0415 - only who creates needs it

            created = creating.run(
                self._lend,
                plan,
                told,
                run.cancelled,
                host=self._spec.name,
                uri=self._spec.uri,
                local=runs_here(self._spec.uri),
            )
            run.result.set_result(created)
        finally:
            # The interpreter has put the error into the log by then; nobody shall wait for ever.
            if not run.result.done():
                run.result.set_exception(RuntimeError("internal error; the log has it"))
            self._changed()


class _Run:
    """See `model.createports.CreationRun`."""

    def __init__(self) -> None:
        self.result: Future[Created] = Future()
        self._stop = threading.Event()

    def cancel(self) -> None:
        self._stop.set()

    def cancelled(self) -> bool:
        return self._stop.is_set()


def _domain_caps(conn: libvirt.virConnect, virt_type: str, arch: str, machine: str) -> DomainCaps:
    xml = conn.getDomainCapabilities(None, arch or None, machine or None, virt_type or None)
    return read_domain_caps(xml)


def _guest(conn: libvirt.virConnect, guest: str) -> libvirt.virDomain:
    """By name, as a name may look like a UUID; else by UUID. Raises libvirtError."""
    try:
        return conn.lookupByName(guest)
    except libvirt.libvirtError:
        if not _UUID.fullmatch(guest):
            raise
    return conn.lookupByUUIDString(guest)


def _validate(xml: str) -> tuple[Finding, ...]:
    from tuivm.domainxml.schema import validate  # noqa: PLC0415 - its grammar is large

    found = (Path(folder) for folder in _SCHEMAS)
    return validate(xml, next((one for one in found if one.is_dir()), None))


def _unchecked(words: str) -> tuple[Finding, ...]:
    what = f"The XML was not checked against libvirt's schema: {words}."
    return (Finding("xml-unchecked", Severity.NOTE, what),)
