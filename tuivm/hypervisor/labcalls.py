"""The one connection of a Lab run: calls one after the other, each with a deadline."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import NamedTuple, TypeVar

import libvirt

from tuivm.hypervisor.connect import Asker, Link, open_link
from tuivm.hypervisor.errors import problem_from, reason_of
from tuivm.hypervisor.lanes import Lanes
from tuivm.lab.ports import LabError
from tuivm.model.hosts import HostSpec

_log = logging.getLogger(__name__)
T = TypeVar("T")

CALL = 30.0
"""Seconds for a call that a host in good order answers at once."""


class _Done(NamedTuple):
    """How a call ended: with its value, libvirt's error, or words for none in time."""

    value: object = None
    error: libvirt.libvirtError | LabError | None = None
    late: str = ""


class Calls:
    """Runs calls on a daemon thread. After one without an answer there are no more: its thread may
    still use the connection, and two at once must not."""

    def __init__(self, spec: HostSpec, asker: Asker) -> None:
        self._spec = spec
        self._asker = asker
        self._lanes = Lanes(f"lab-{spec.name}", 1)
        self._link: Link | None = None
        self._late = ""
        self._closed = False
        self._lock = threading.Condition()
        self._using = 0
        self._on_lost: Callable[[], None] | None = None

    @property
    def host(self) -> str:
        return self._spec.name

    @property
    def fit(self) -> bool:
        """Further calls make sense."""
        link = self._link
        return not self._late and not self._closed and link is not None and link.alive

    @property
    def lost(self) -> str:
        """Why the connection is of no use any more; "" while it is."""
        return self._late or (self._link.closed_because if self._link is not None else "")

    def open(self, deadline: float, on_lost: Callable[[], None] | None = None) -> None:
        """Raises LabError. on_lost: called on any thread when the connection has come to be of no
        use; must not block."""
        self._on_lost = on_lost
        what = f"cannot connect to {self._spec.name}"

        def connect() -> Link:
            link = open_link(self._spec.uri, readonly=False, asker=self._asker, on_close=on_lost)
            if self._late or self._closed:
                # Nobody waits for it any more.
                link.discard()
            return link

        self._link = self._run(what, connect, deadline, hold=lambda: self._asker.asking)

    def __call__(
        self, what: str, call: Callable[[libvirt.virConnect], T], deadline: float = CALL
    ) -> T:
        """The call's result. Raises LabError: `what` failed, with libvirt's words and remedy."""
        if self._link is None or self._closed:
            raise LabError(what, "the connection is closed")
        if self._late:
            raise LabError(what, self._late)

        # No frame that an error keeps alive may hold the connection: libvirt ends the guests when
        # nothing does.
        def use() -> T:
            with self._lock:
                link = self._link
                if link is None:
                    raise LabError(what, "the connection is closed")
                self._using += 1
            try:
                return call(link.conn)
            finally:
                with self._lock:
                    self._using -= 1
                    self._lock.notify_all()
                    left = self._closed and not self._using
                if left:
                    link.discard()

        return self._run(what, use, deadline)

    def free(self, seconds: float) -> bool:
        """No call of another thread is going on, or it comes to its end in so many seconds."""
        with self._lock:
            return self._lock.wait_for(lambda: not self._using, seconds)

    def close(self) -> None:
        """Let go of the connection: libvirt then ends what was to end with it.

        Waits for nobody: a call that hangs lets go when it comes back.
        """
        with self._lock:
            self._closed = True
            idle = not self._using
        self._lanes.close()
        link, self._link = self._link, None
        if link is not None and idle:
            link.discard()

    def _run(
        self,
        what: str,
        call: Callable[[], T],
        deadline: float,
        hold: Callable[[], bool] | None = None,
    ) -> T:
        def run() -> _Done:
            try:
                return _Done(call())
            except (libvirt.libvirtError, LabError) as error:
                return _Done(error=error.with_traceback(None))

        def late(words: str) -> _Done:
            return _Done(late=words.partition(";")[0])

        done = self._lanes.submit(run, deadline=deadline, late=late, hold=hold).result()
        if done.late:
            self._late = f"{self._spec.name} does not answer: {done.late}"
            self._asker.give_up()
            if self._on_lost is not None:
                self._on_lost()
            raise LabError(what, done.late)
        if isinstance(done.error, LabError):
            raise done.error
        if done.error is not None:
            raise lab_error(what, done.error, self._spec.uri) from done.error
        return done.value  # type: ignore[return-value]


def lab_error(what: str, error: libvirt.libvirtError, uri: str) -> LabError:
    problem = problem_from(what, error, uri)
    return LabError(problem.what, problem.reason, problem.remedy)


def is_gone(error: libvirt.libvirtError) -> bool:
    """What was asked for is not there any more."""
    return error.get_error_code() in (
        libvirt.VIR_ERR_NO_DOMAIN,
        libvirt.VIR_ERR_NO_NETWORK,
        libvirt.VIR_ERR_NO_STORAGE_POOL,
        libvirt.VIR_ERR_NO_STORAGE_VOL,
    )


def tolerated(call: Callable[[], T], default: T) -> T:
    """What a call says, or `default` where the driver or the daemon refuses it."""
    try:
        return call()
    except libvirt.libvirtError as error:
        _log.debug("lab: %s", reason_of(error))
        return default
