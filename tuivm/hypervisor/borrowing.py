"""A host that is asked over connections that it lends, on threads of lanes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import TypeVar

import libvirt

from tuivm.hypervisor.errors import problem_from
from tuivm.hypervisor.lanes import Lanes
from tuivm.model.hosts import HostSpec, Problem

T = TypeVar("T")
Lend = Callable[[], AbstractContextManager[libvirt.virConnect]]
"""Lends a connection that nobody else uses meanwhile. Entering it raises libvirtError."""

DEADLINE = 60.0
SLOW = 300.0
"""Seconds for what makes a daemon run its emulators, and for large hosts over slow links."""


class BorrowingHost:
    """Everything comes back at once. Subclasses make their lanes with `_lane`: calls that may take
    long have some of their own, so that none waits for another."""

    def __init__(self, spec: HostSpec, lend: Lend) -> None:
        self._spec = spec
        self._lend = lend
        self._lanes: list[Lanes] = []

    def _lane(self, name: str, threads: int) -> Lanes:
        lanes = Lanes(name, threads)
        self._lanes.append(lanes)
        return lanes

    @property
    def busy(self) -> bool:
        """Some call is in flight."""
        return any(one.busy for one in self._lanes)

    def close(self) -> None:
        """Never waits."""
        for lanes in self._lanes:
            lanes.close()

    def _ask(
        self,
        lanes: Lanes,
        what: str,
        call: Callable[[libvirt.virConnect], T],
        refused: Callable[[Problem], T],
        *,
        deadline: float = DEADLINE,
    ) -> Future[T]:
        """refused: of what libvirt refuses, of documents that are none, of what takes too long."""

        def run() -> T:
            try:
                with self._lend() as conn:
                    return call(conn)
            except libvirt.libvirtError as error:
                return refused(problem_from(what, error, self._spec.uri))
            except ValueError as error:
                return refused(Problem(what, str(error)))

        return lanes.submit(
            run, deadline=deadline, late=lambda words: refused(Problem(what, words))
        )
