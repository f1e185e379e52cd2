"""The thread of a host: connect, serve, and when it is lost try again, for ever."""

from __future__ import annotations

import logging
import threading
import time
from typing import Protocol

import libvirt

from tuivm.hypervisor.backoff import Backoff
from tuivm.hypervisor.connect import Answers, Asker, Link, open_link
from tuivm.hypervisor.errors import is_refusal, problem_of, reason_of
from tuivm.hypervisor.lanes import ALARMS, Alarm, Lanes
from tuivm.hypervisor.session import Session, Update, Waker
from tuivm.hypervisor.spares import Spares
from tuivm.model.hosts import HostSpec, HostState, Problem
from tuivm.model.ports import CredentialRequest, View
from tuivm.model.snapshot import HostSnapshot

_log = logging.getLogger(__name__)

OPEN_DEADLINE = 15.0
"""Seconds without an answer after which a host that is being opened is said not to answer."""
GIVE_UP_AFTER = 45.0
"""So much later the attempt is left to itself and a fresh one is made."""
HUNG_AFTER = 5.0
"""A call that takes longer is given up when the person asks for another try."""
DEAD_AFTER = 60.0
"""A call that takes longer is given up unasked: keep-alive, where there is any, has failed."""
WATCH_EVERY = 15.0
PROVEN_AFTER = 10.0
"""A connection that lasted so long starts the backoff anew."""


class Owner(Protocol):
    """What a runner needs of its host. Any call may come from any thread."""

    @property
    def spec(self) -> HostSpec: ...

    @property
    def view(self) -> View: ...

    @property
    def devices_watched(self) -> bool: ...

    @property
    def last(self) -> HostSnapshot: ...

    @property
    def slow(self) -> Lanes: ...

    @property
    def agents(self) -> Lanes: ...

    @property
    def spares(self) -> Spares: ...

    @property
    def known(self) -> Answers: ...

    def publish(self, runner: Runner, **changes: object) -> None: ...

    def connected(self, runner: Runner, link: Link) -> bool: ...

    def disconnected(self, runner: Runner) -> None: ...

    def replace(self, runner: Runner) -> bool: ...

    def ask(self, request: CredentialRequest) -> None: ...


class Runner:
    """One life of a host's thread. It is abandoned, not ended, when a call of it hangs."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._waker = Waker()
        self._backoff = Backoff()
        self._asker = Asker(owner.spec.name, owner.ask, owner.known)
        self._alarm: Alarm | None = None
        self._opening = False
        self._hurry = False
        self._served = 0
        self._ever_up = owner.last.generation > 0
        self.session: Session | None = None
        name = f"host-{owner.spec.name}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._waker.working_since = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """End when the call in flight, if any, comes back. Does not wait."""
        self._waker.stop()
        self._asker.give_up()

    def wake(self) -> None:
        """The view changed."""
        self._waker.wake()

    def retry_now(self) -> None:
        self._hurry = True
        self._waker.wake()

    @property
    def busy(self) -> bool:
        """At work, or in a call that hangs; not merely waiting for the next tick."""
        return self._thread.is_alive() and self._waker.working_since is not None

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def hung(self) -> bool:
        """A call has been going on for long enough that another try makes sense."""
        return self._hung_for() > HUNG_AFTER

    def _hung_for(self) -> float:
        since = self._waker.working_since
        if since is None or not self.alive or self._asker.asking:
            return 0.0
        return time.monotonic() - since

    def _watch(self, served: int) -> None:
        """Rings now and then as long as this session is served.

        It is known by its number here: an alarm that held the session would hold the connection.
        """
        if self.session is None or self._served != served or self._waker.stopped:
            return
        if self._hung_for() > DEAD_AFTER and self._owner.replace(self):
            _log.warning("%s: a call without an answer is given up", self._owner.spec.name)
        else:
            ALARMS.after(WATCH_EVERY, lambda: self._watch(served))

    def _run(self) -> None:
        orderly = False
        try:
            while not self._waker.stopped:
                self._live_once()
            orderly = True
        finally:
            if not orderly:
                # The exception itself goes to threading.excepthook, and so to the log.
                problem = Problem(self._what, "internal error; the log has it")
                self._lost(problem, retry=None, state=HostState.FAILED)

    @property
    def _what(self) -> str:
        return f"cannot connect to {self._owner.spec.name}"

    def _live_once(self) -> None:
        """One connection, from the attempt to its end and the pause after it."""
        link: Link | None = None
        began = time.monotonic()
        try:
            link = self._open()
            if self._waker.stopped or not self._owner.connected(self, link):
                return
            self._ever_up = True
            began = time.monotonic()
            self._serve(link)
            reason, refused, code = link.closed_because or "the connection is gone", False, None
        except libvirt.libvirtError as error:
            reason, refused, code = reason_of(error), is_refusal(error), error.get_error_code()
            if link is not None:
                reason = link.closed_because or reason
                refused = refused and link.alive
        finally:
            self.session = None
            self._owner.disconnected(self)
            if link is not None:
                link.discard()
        if self._waker.stopped:
            return
        if link is not None and time.monotonic() - began >= PROVEN_AFTER:
            self._backoff.reset()
        self._pause(reason, code, refused=refused, was_up=link is not None)

    def _open(self) -> Link:
        spec = self._owner.spec
        self._owner.publish(self, state=HostState.CONNECTING, retry_at=None)
        self._opening = True
        self._alarm = ALARMS.after(OPEN_DEADLINE, self._late)
        try:
            return open_link(
                spec.uri, readonly=spec.readonly, asker=self._asker, on_close=self._waker.wake
            )
        finally:
            self._opening = False
            self._alarm.cancel()

    def _late(self) -> None:
        """The attempt has no answer yet: say so, while it goes on."""
        if not self._opening:
            return
        if self._asker.asking:
            self._alarm = ALARMS.after(OPEN_DEADLINE, self._late)
            return
        problem = problem_of(
            self._what, f"it does not answer (waited {OPEN_DEADLINE:.0f} s)", self._owner.spec.uri
        )
        self._lost(problem, retry=time.monotonic() + GIVE_UP_AFTER)
        self._alarm = ALARMS.after(GIVE_UP_AFTER, self._give_up)

    def _give_up(self) -> None:
        if self._opening and not self._owner.replace(self):
            self._alarm = ALARMS.after(GIVE_UP_AFTER, self._give_up)

    def _serve(self, link: Link) -> None:
        owner = self._owner
        session = Session(
            owner.spec,
            link,
            known=owner.last.guests,
            waker=self._waker,
            slow=owner.slow,
            agents=owner.agents,
            spares=owner.spares,
            view=lambda: owner.view,
            devices_watched=lambda: owner.devices_watched,
            revisions=owner.last.revisions,
            reconnected=owner.last.generation > 1,
            deliver=self._deliver,
        )
        self.session = session
        self._waker.moving()
        self._served += 1
        self._watch(self._served)
        session.run()

    def _deliver(self, update: Update) -> None:
        news = {"facts": update.facts, "load": update.load}
        self._owner.publish(
            self,
            state=HostState.UP,
            problem=update.problem,
            retry_at=None,
            guests=update.guests,
            samples=update.samples,
            interval=update.interval,
            revisions=update.revisions,
            **{name: value for name, value in news.items() if value is not None},
        )

    def _pause(self, reason: str, code: int | None, *, refused: bool, was_up: bool) -> None:
        # A daemon that was there and is not any more is most likely being restarted.
        refused = refused and not (self._ever_up and not was_up and self._restarting(reason))
        delay = self._backoff.next(refused=refused)
        what = f"lost {self._owner.spec.name}" if was_up else self._what
        problem = problem_of(what, reason, self._owner.spec.uri, code)
        state = HostState.FAILED if refused else HostState.LOST
        self._lost(problem, retry=time.monotonic() + delay, state=state)
        self._wait_for_retry(delay)

    def _wait_for_retry(self, delay: float) -> None:
        """Changes of the view wake this thread too; only `retry_now` and the end cut it short."""
        until = time.monotonic() + delay
        self._hurry = False
        while not (self._hurry or self._waker.stopped) and time.monotonic() < until:
            self._waker.wait(until - time.monotonic())

    @staticmethod
    def _restarting(reason: str) -> bool:
        return "failed to connect socket" in reason.lower()

    def _lost(
        self, problem: Problem, *, retry: float | None, state: HostState = HostState.LOST
    ) -> None:
        self._owner.publish(self, state=state, problem=problem, retry_at=retry, load=None)
