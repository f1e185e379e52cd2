"""What hosts have been asked and have answered, and when a question is due again. Pure."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import NamedTuple

from tuivm.model.createports import Offered
from tuivm.model.hosts import Problem
from tuivm.model.offers import HostOffer

AGAIN_AFTER = 10.0
"""Seconds after which what is looked at is asked for anew though nothing told of a change."""
OVERVIEW_AFTER = 60.0
"""The same for the overview: it is dear for a host, and what it is made of hardly ever changes."""
SPARING = 5.0
"""So many times as long as an answer took, at least, a host is left alone after it."""
SLOW = 1.0
"""Seconds after which a question that is under way is said to be so."""


class Question(StrEnum):
    """By the name of the method of `model.deviceports.DevicePort` that answers it."""

    DEVICES = "devices"
    OVERVIEW = "overview"
    STORAGE = "storage"
    NETWORKS = "networks"


class State(NamedTuple):
    """What a question was asked in: a new connection or a change on the host makes it due again.

    revision: of `model.snapshot.Revisions`, the field of the question's kind; 0 where there is
    none of the kind."""

    generation: int = 0
    revision: int = 0


class Known(NamedTuple):
    """What is known of one host by one question. Times are monotonic seconds.

    offer: the last one there was, also while `problem` says why it could not be had anew. at: when
    that offer came. asked, ended: when it was last asked, and when the last answer came. serial,
    answered: numbers of the newest question and of the newest answer; the same while none is under
    way."""

    offer: HostOffer | None = None
    problem: Problem | None = None
    at: float | None = None
    asked: float | None = None
    ended: float = 0.0
    state: State = State()
    serial: int = 0
    answered: int = 0

    @property
    def asking(self) -> bool:
        return self.serial != self.answered


class Answers:
    """The last answers of all hosts, by host and question."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, Question], Known] = {}

    def of(self, host: str, question: Question) -> Known:
        return self._known.get((host, question), Known())

    def due(self, host: str, question: Question, state: State, now: float) -> bool:
        """Not while it is being asked, except over another connection."""
        known = self.of(host, question)
        if known.asked is None or known.state.generation != state.generation:
            return True
        if known.asking:
            return False
        took = known.ended - known.asked
        # Where changes never stop, it is not asked all the time either.
        regular = OVERVIEW_AFTER if question is Question.OVERVIEW else AGAIN_AFTER
        pause = max(regular, SPARING * took) if known.state == state else took
        return now - known.ended >= pause

    def begin(self, host: str, question: Question, state: State, now: float) -> int:
        """It is asked now. The number of this question, for `take` and `leave`."""
        known = self.of(host, question)
        serial = known.serial + 1
        self._known[host, question] = known._replace(asked=now, state=state, serial=serial)
        return serial

    def take(
        self, host: str, question: Question, serial: int, offered: Offered, now: float
    ) -> bool:
        """An answer came. False, and nothing changes, where a newer one is there already."""
        known = self.of(host, question)
        if serial <= known.answered:
            return False
        offer, at = known.offer, known.at
        if offered.offer is not None:
            # The same object while nothing changed: what was drawn from it need not be anew.
            offer, at = offer if offer == offered.offer else offered.offer, now
        self._known[host, question] = known._replace(
            offer=offer, problem=offered.problem, at=at, ended=now, answered=serial
        )
        return True

    def leave(self, host: str, question: Question, serial: int) -> None:
        """Nobody waits for this answer any longer."""
        known = self.of(host, question)
        if serial == known.serial:
            self._known[host, question] = known._replace(answered=serial, asked=None)

    def keep(self, hosts: Collection[str]) -> None:
        """Forget all others: another one may get the name of one that was removed."""
        for key in [key for key in self._known if key[0] not in hosts]:
            del self._known[key]
