"""The one way from the user interface to a host. The real one and the simulated one both fit.

Nothing here blocks: each call hands back a `Future` that a daemon thread of the host fulfils, or
nothing at all. A future never raises for what a host refuses: that is an `Outcome` or a `Problem`.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from enum import Flag, auto
from typing import TYPE_CHECKING, NamedTuple, Protocol

from tuivm.model.hosts import HostFacts, HostSpec, Problem
from tuivm.model.requests import Outcome, Request
from tuivm.model.snapshot import HostSnapshot

if TYPE_CHECKING:
    from tuivm.model.consoles import ConsoleAnswer, ConsoleSinks
    from tuivm.model.conversion import Definition
    from tuivm.model.createports import CreatePort
    from tuivm.model.deletion import DeletionFacts, DeletionPlan
    from tuivm.model.deviceports import DevicePort
    from tuivm.model.inside import Inside


class Groups(Flag):
    """Groups of statistics; only what is looked at is asked for."""

    CPU = auto()
    BALLOON = auto()
    BLOCK = auto()
    NET = auto()
    VCPU = auto()
    COST = auto()
    """Read on the host itself, of the guests in view alone; a host that is remote has none."""
    AGENT = auto()
    """Of passed-through NICs of the guests in view, asked of the agents in the guests. libvirt then
    notes in a guest's log that somebody did so (tainted: custom-ga-command)."""
    LIST = CPU | BALLOON | BLOCK | NET


class View(NamedTuple):
    """What is being looked at on one host.

    guests: UUIDs on the screen, sampled every tick; the others take turns. groups: what is asked
    for. interval: seconds between ticks, None for the host's own.
    """

    guests: frozenset[str] = frozenset()
    groups: Groups = Groups.LIST
    interval: float | None = None


class CredentialPrompt(NamedTuple):
    """One thing that libvirt asks for while connecting. secret: do not echo."""

    text: str
    secret: bool
    default: str = ""


class CredentialRequest(NamedTuple):
    """Asked on a host's thread, answered by a dialog: `answer` may be called from any thread."""

    host: str
    prompts: tuple[CredentialPrompt, ...]
    answer: Callable[[tuple[str, ...] | None], None]
    """Takes one string a prompt, or None when the person declines."""


class Trial(NamedTuple):
    """How a trial connection went."""

    facts: HostFacts | None = None
    guests: int = 0
    problem: Problem | None = None


class Text(NamedTuple):
    """Text that was asked for, or why there is none."""

    text: str = ""
    problem: Problem | None = None


class DeletionLookup(NamedTuple):
    """What deleting a guest would mean: facts and the plan drawn from them, or a problem."""

    facts: DeletionFacts | None = None
    plan: DeletionPlan | None = None
    problem: Problem | None = None


class DefinitionAnswer(NamedTuple):
    definition: Definition | None = None
    problem: Problem | None = None


class Sinks(NamedTuple):
    """Where a host delivers. Both are called on the host's own threads and must not block."""

    snapshot: Callable[[HostSnapshot], None]
    credentials: Callable[[CredentialRequest], None] = lambda request: request.answer(None)


class HostPort(Protocol):
    """A host, reached through daemon threads of its own."""

    @property
    def spec(self) -> HostSpec: ...

    def start(self) -> None:
        """Begin to connect, and go on for ever; snapshots arrive at the sink."""

    def watch(self, view: View) -> None:
        """Say what is being looked at; takes effect at the next tick."""

    def retry(self) -> None:
        """Try again now if it is lost, failed or stuck."""

    def close(self) -> None:
        """Stop. Never waits, whatever hangs."""

    def act(self, uuid: str, request: Request) -> Future[Outcome]: ...

    def domain_xml(self, uuid: str, *, inactive: bool = False) -> Future[Text]: ...

    def deletion_facts(self, uuid: str) -> Future[DeletionLookup]: ...

    def definition(self, uuid: str) -> Future[DefinitionAnswer]:
        """All that one has to know before changing a guest's definition."""

    def nested_inside(self, uuid: str) -> Future[Inside]:
        """Ask the agent in a running guest whether the guest can run guests."""

    def console(
        self, uuid: str, device: str, sinks: ConsoleSinks, *, force: bool = False
    ) -> Future[ConsoleAnswer]:
        """Open a serial console; device: "" for the first. force: throw out whoever has it."""

    def creating(self) -> CreatePort:
        """The way to create guests on it; the same one each time."""

    def devices(self) -> DevicePort:
        """The way to its devices, storage and networks; the same one each time."""


class HostMaker(Protocol):
    """Makes hosts: libvirt's in the product, simulated ones in the tests."""

    def make(self, spec: HostSpec, sinks: Sinks) -> HostPort: ...

    def try_out(self, uri: str, *, readonly: bool, sinks: Sinks) -> Future[Trial]:
        """Connect once, look, and close."""
