"""A real host behind `model.ports.HostPort`: one thread to sample, a few lanes to act."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

import libvirt

from tuivm.hypervisor import late
from tuivm.hypervisor.connect import Answers, Asker, Link, open_link
from tuivm.hypervisor.errors import problem_from
from tuivm.hypervisor.lanes import Lanes
from tuivm.hypervisor.runner import Runner
from tuivm.hypervisor.spares import Spares
from tuivm.hypervisor.verbs import DEADLINE, DEADLINES, VERBS
from tuivm.model.hosts import HostSpec, HostState, Problem
from tuivm.model.ports import CredentialRequest, DefinitionAnswer, DeletionLookup, Sinks, Text, View
from tuivm.model.requests import Outcome, Request
from tuivm.model.snapshot import HostSnapshot

if TYPE_CHECKING:
    from tuivm.hypervisor.createhost import LibvirtCreateHost
    from tuivm.hypervisor.devicehost import LibvirtDeviceHost
    from tuivm.model.consoles import ConsoleAnswer, ConsoleSinks
    from tuivm.model.inside import Inside

T = TypeVar("T")

ACTION_LANES = 4
AGENT_DEADLINE = 20.0
MOST_ABANDONED = 3
"""Threads left behind in calls that hang before no fresh one is started by itself."""


class LibvirtHost:
    """See `HostPort`. Everything here comes back at once; the work is done on daemon threads."""

    def __init__(self, spec: HostSpec, sinks: Sinks) -> None:
        self._spec = spec
        self._sinks = sinks
        # Re-entrant, because a sink may call back into its host.
        self._lock = threading.RLock()
        self._view = View()
        self._link: Link | None = None
        self._runner: Runner | None = None
        self._abandoned: list[Runner] = []
        self._closed = False
        self._actions = Lanes(f"actions-{spec.name}", ACTION_LANES)
        self._known: Answers = {}
        self._spares = Spares(self._open_spare)
        self._slow = Lanes(f"slow-{spec.name}", 1)
        self._agents = Lanes(f"agents-{spec.name}", 1)
        self._creating: LibvirtCreateHost | None = None
        self._devices: LibvirtDeviceHost | None = None
        self._last = HostSnapshot(
            host=spec.name,
            at=time.monotonic(),
            state=HostState.CONNECTING,
            interval=spec.interval,
            readonly=spec.readonly,
        )

    @property
    def spec(self) -> HostSpec:
        return self._spec

    @property
    def view(self) -> View:
        return self._view

    @property
    def devices_watched(self) -> bool:
        """Somebody has asked what the host has: changes to that are to be told from then on."""
        return self._devices is not None or self._creating is not None

    @property
    def last(self) -> HostSnapshot:
        """The snapshot that was handed over last."""
        return self._last

    @property
    def slow(self) -> Lanes:
        return self._slow

    @property
    def agents(self) -> Lanes:
        """For calls that an agent in a guest answers, or does not."""
        return self._agents

    @property
    def spares(self) -> Spares:
        return self._spares

    @property
    def known(self) -> Answers:
        """Credentials that were right, for the next connection."""
        return self._known

    @property
    def busy(self) -> bool:
        """Some call to libvirt is in flight, and may hang: end the program with os._exit then."""
        runner = self._runner
        return (
            self._actions.busy
            or self._slow.busy
            or self._agents.busy
            or (self._creating is not None and self._creating.busy)
            or (self._devices is not None and self._devices.busy)
            or (runner is not None and runner.busy)
            or any(left.alive for left in self._abandoned)
        )

    @property
    def settled(self) -> bool:
        """It is up, and facts, list and details have all been read."""
        runner = self._runner
        session = runner.session if runner else None
        return session is not None and session.settled

    @property
    def listed(self) -> bool:
        """It is up, and list and details have been read; the slow facts may be missing."""
        runner = self._runner
        session = runner.session if runner else None
        return session is not None and session.listed

    def start(self) -> None:
        with self._lock:
            if self._runner is None and not self._closed:
                self._run_anew()

    def watch(self, view: View) -> None:
        with self._lock:
            self._view = view
            self._wake()

    def retry(self) -> None:
        with self._lock:
            runner = self._runner
            if runner is None or self._closed:
                return
            if runner.alive and not runner.hung:
                runner.retry_now()
            else:
                self._abandon(runner)
                self._run_anew()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._link = None
            runner, self._runner = self._runner, None
            if runner is not None:
                self._abandon(runner)
            opened = (self._creating, self._devices)
        for one in opened:
            if one is not None:
                one.close()
        self._actions.close()
        self._slow.close()
        self._agents.close()

    def act(self, uuid: str, request: Request) -> Future[Outcome]:
        guest = self._last.guests.get(uuid)
        what = f"cannot {VERBS[type(request)]} {guest.name if guest else uuid}"
        if self._spec.readonly:
            refusal = Problem(what, f"{self._spec.name} is opened read-only")
            return _done(Outcome(refusal))
        return self._submit(
            lambda conn: late.perform(conn, uuid, request),
            what,
            Outcome,
            deadline=DEADLINES.get(type(request), DEADLINE),
            changes=True,
        )

    def domain_xml(self, uuid: str, *, inactive: bool = False) -> Future[Text]:
        # Secrets are not shown over a read-only connection: libvirt would refuse the call.
        flags = 0 if self._spec.readonly else libvirt.VIR_DOMAIN_XML_SECURE
        if inactive:
            flags |= libvirt.VIR_DOMAIN_XML_INACTIVE
        return self._submit(
            lambda conn: Text(conn.lookupByUUIDString(uuid).XMLDesc(flags)),
            "cannot read the XML",
            lambda problem: Text(problem=problem),
        )

    def deletion_facts(self, uuid: str) -> Future[DeletionLookup]:
        return self._submit(
            lambda conn: late.look_up(conn, uuid),
            "cannot look up what would be deleted",
            lambda problem: DeletionLookup(problem=problem),
        )

    def definition(self, uuid: str) -> Future[DefinitionAnswer]:
        return self._submit(
            lambda conn: late.definition(conn, uuid),
            "cannot read the definition",
            lambda problem: DefinitionAnswer(problem=problem),
        )

    def nested_inside(self, uuid: str) -> Future[Inside]:
        what = "cannot ask its agent"
        if self._spec.readonly:
            return _done(late.not_inside(Problem(what, f"{self._spec.name} is opened read-only")))
        return self._submit(
            lambda conn: late.look_inside(conn, uuid, what),
            what,
            late.not_inside,
            deadline=AGENT_DEADLINE,
            lanes=self._agents,
        )

    def console(
        self, uuid: str, device: str, sinks: ConsoleSinks, *, force: bool = False
    ) -> Future[ConsoleAnswer]:
        what = "cannot open the console"
        if self._spec.readonly:
            refusal = Problem(what, f"{self._spec.name} is opened read-only")
            return _done(late.no_console(refusal))
        given_up = threading.Event()

        def run() -> ConsoleAnswer:
            from tuivm.hypervisor.console import may_be_taken, open_console  # noqa: PLC0415
            from tuivm.model.consoles import ConsoleAnswer  # noqa: PLC0415

            if self._link is None:
                return late.no_console(
                    Problem(what, f"{self._spec.name} is {self._last.state.value}")
                )
            try:
                line = open_console(self._open_link, uuid, device, sinks, force=force)
            except libvirt.libvirtError as error:
                problem = problem_from(what, error, self._spec.uri)
                return ConsoleAnswer(problem=problem, taken=may_be_taken(error) and not force)
            if given_up.is_set():
                line.close()
            return ConsoleAnswer(line)

        def too_late(words: str) -> ConsoleAnswer:
            given_up.set()
            return late.no_console(Problem(what, words))

        return self._actions.submit(run, deadline=DEADLINE, late=too_late)

    def creating(self) -> LibvirtCreateHost:
        # Loaded when a guest is to be created, not at the start.
        from tuivm.hypervisor.createhost import LibvirtCreateHost  # noqa: PLC0415

        with self._lock:
            if self._creating is None:
                self._creating = LibvirtCreateHost(
                    self._spec, lambda: self._spares.borrow(self._link), self._poke
                )
                self._wake()
            return self._creating

    def devices(self) -> LibvirtDeviceHost:
        # Loaded when the host's devices are looked at, not at the start.
        from tuivm.hypervisor.devicehost import LibvirtDeviceHost  # noqa: PLC0415

        with self._lock:
            if self._devices is None:
                self._devices = LibvirtDeviceHost(
                    self._spec, lambda: self._spares.borrow(self._link), self._poke
                )
                self._wake()
            return self._devices

    def publish(self, runner: Runner, **changes: Any) -> None:
        """Hand over the last snapshot with these fields changed; not from a runner of the past."""
        with self._lock:
            if runner is not self._runner:
                return
            fields: dict[str, Any] = {"samples": {}, "at": time.monotonic(), **changes}
            self._last = self._last._replace(**fields)
            self._sinks.snapshot(self._last)

    def connected(self, runner: Runner, link: Link) -> bool:
        """A connection is open; False when the runner has been replaced meanwhile."""
        with self._lock:
            if runner is not self._runner:
                return False
            self._link = link
            self._last = self._last._replace(generation=self._last.generation + 1)
            return True

    def disconnected(self, runner: Runner) -> None:
        """The connection that was told with `connected` is of no use any more."""
        with self._lock:
            if runner is self._runner:
                self._link = None
                self._spares.clear()

    def replace(self, runner: Runner) -> bool:
        """Leave a runner to its hanging call and start another, unless too many hang already."""
        with self._lock:
            self._abandoned = [left for left in self._abandoned if left.alive]
            if runner is not self._runner or len(self._abandoned) >= MOST_ABANDONED:
                return False
            self._abandon(runner)
            self._run_anew()
            return True

    def ask(self, request: CredentialRequest) -> None:
        self._sinks.credentials(request)

    def _run_anew(self) -> None:
        self._runner = Runner(self)
        self._runner.start()

    def _abandon(self, runner: Runner) -> None:
        runner.stop()
        self._link = None
        self._spares.clear()
        self._abandoned = [left for left in (*self._abandoned, runner) if left.alive]

    def _submit(
        self,
        call: Callable[[libvirt.virConnect], T],
        what: str,
        refused: Callable[[Problem], T],
        *,
        deadline: float = DEADLINE,
        changes: bool = False,
        lanes: Lanes | None = None,
    ) -> Future[T]:
        def run() -> T:
            # Looked up here and not by the caller: the last reference to a connection closes it,
            # and must not be dropped on the caller's thread.
            link = self._link
            if link is None:
                return refused(Problem(what, f"{self._spec.name} is {self._last.state.value}"))
            try:
                with self._spares.borrow(link) as conn:
                    return call(conn)
            except libvirt.libvirtError as error:
                return refused(problem_from(what, error, self._spec.uri))
            finally:
                if changes:
                    self._poke()

        return (lanes or self._actions).submit(
            run, deadline=deadline, late=lambda words: refused(Problem(what, words))
        )

    def _open_spare(self) -> Link:
        return self._open_link(None)

    def _open_link(self, on_close: Callable[[], None] | None) -> Link:
        # It has what was answered for the first connection and asks nothing itself.
        asker = Asker(self._spec.name, lambda request: request.answer(None), self._known)
        readonly = self._spec.readonly
        return open_link(self._spec.uri, readonly=readonly, asker=asker, on_close=on_close)

    def _wake(self) -> None:
        if self._runner is not None:
            self._runner.wake()

    def _poke(self) -> None:
        """Show the effect now, also where no event tells of it."""
        runner = self._runner
        session = runner.session if runner else None
        if session is not None:
            session.poke()


def _done(value: T) -> Future[T]:
    future: Future[T] = Future()
    future.set_result(value)
    return future
