"""A creation while it runs: what is said of it, when it stops, and what it has made so far."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import libvirt

from tuivm.hypervisor.creating_transfer import TransferError, words_of
from tuivm.hypervisor.errors import problem_of
from tuivm.model.creation import CreationProgress
from tuivm.model.hosts import Problem
from tuivm.model.requests import Step


class CreationStoppedError(Exception):
    """It goes no further: something was refused, or a person cancelled it."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.what)
        self.problem = problem


class MadeVolume(NamedTuple):
    """certain: the host said that it made it. Else the connection was lost while it was asked, and
    one of that name may be this run's or somebody else's."""

    pool: str
    name: str
    path: str = ""
    certain: bool = True


class MadePool(NamedTuple):
    """new_directory: the one that was not there before the pool was built, "" where it was."""

    uuid: str
    name: str
    new_directory: str = ""


class MadeGuest(NamedTuple):
    """keep_nvram: the file of its UEFI variables is not of this run."""

    uuid: str
    name: str
    keep_nvram: bool = True


class Job:
    """Belongs to the one thread that creates."""

    def __init__(
        self,
        name: str,
        uri: str,
        told: Callable[[CreationProgress], None],
        cancelled: Callable[[], bool],
    ) -> None:
        self.name = name
        self.uri = uri
        self._told = told
        self._cancelled = cancelled
        self.steps: list[Step] = []
        self.pools: list[MadePool] = []
        self.volumes: list[MadeVolume] = []
        self.guest: MadeGuest | None = None

    def say(self, now: str, done: int | None = None, total: int | None = None) -> None:
        self._told(CreationProgress(now, done, total, tuple(self.steps)))

    def did(self, what: str) -> None:
        self.steps.append(Step(what))

    def check(self) -> None:
        """Raises CreationStoppedError once it was cancelled."""
        if self._cancelled():
            raise CreationStoppedError(Problem(f"{self.name} was not created", "it was cancelled"))

    def failed(
        self, what: str, error: libvirt.libvirtError | OSError | TransferError, remedy: str = ""
    ) -> CreationStoppedError:
        """What is to be raised for a step that was refused."""
        code = error.get_error_code() if isinstance(error, libvirt.libvirtError) else None
        problem = problem_of(f"cannot {what}", words_of(error), self.uri, code)
        self.steps.append(Step(what, done=False, reason=problem.reason))
        return CreationStoppedError(problem._replace(remedy=remedy) if remedy else problem)


def connected(conn: libvirt.virConnect) -> bool:
    """The connection still stands, so that an error that came over it is the host's own word."""
    try:
        return bool(conn.isAlive())
    except libvirt.libvirtError:
        # A driver without isAlive has nothing that could break.
        return True
