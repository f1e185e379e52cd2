"""The way from those who create guests (wizard, command line) to a host. Nothing here blocks."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import NamedTuple, Protocol

from tuivm.model.creation import Created, CreationPlan, CreationProgress
from tuivm.model.findings import Finding
from tuivm.model.hosts import Problem
from tuivm.model.offers import DomainCaps, HostOffer
from tuivm.model.spec import FileRef


class Offered(NamedTuple):
    offer: HostOffer | None = None
    problem: Problem | None = None


class CapsAnswer(NamedTuple):
    caps: DomainCaps | None = None
    problem: Problem | None = None


class Head(NamedTuple):
    """The first bytes of a file, fewer where it is shorter. size: bytes of the whole file, None
    where it is not known. closed: directories on the way that QEMU's user cannot enter, as far as
    this machine can tell."""

    data: bytes = b""
    problem: Problem | None = None
    size: int | None = None
    closed: tuple[str, ...] = ()


class CreationRun(Protocol):
    """A creation that is under way on threads of the host's."""

    @property
    def result(self) -> Future[Created]: ...

    def cancel(self) -> None:
        """Stop at the next step and remove what was made. Comes back at once."""


class CreatePort(Protocol):
    """One host, for creating guests on it."""

    def offer(self) -> Future[Offered]:
        """All that it offers, asked anew."""

    def domain_caps(self, virt_type: str, arch: str, machine: str) -> Future[CapsAnswer]:
        """ "" leaves it to the host. Kept once asked."""

    def head(self, file: FileRef, size: int) -> Future[Head]: ...

    def domain_xml(self, guest: str) -> Future[Head]:
        """The inactive definition of the guest with this name or UUID, secrets included."""

    def validate(self, xml: str) -> Future[tuple[Finding, ...]]:
        """Against libvirt's schema where it is installed on this machine; a note where not."""

    def create(self, plan: CreationPlan, told: Callable[[CreationProgress], None]) -> CreationRun:
        """told: called on the host's threads, must not block."""
