"""A place that asks hosts what they have, and keeps what they answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future

from textual.content import Content

from tuivm.model.createports import Offered
from tuivm.model.hosts import HostState, Problem
from tuivm.model.store import HostStatus
from tuivm.model.units import visible
from tuivm.screens.charted import ChartedPlace
from tuivm.screens.hostpages.asking import Answers, Known, Question, State


class AskingPlace(ChartedPlace):
    """Each question is asked in a worker of its own; nothing waits for it."""

    def __init__(self) -> None:
        super().__init__()
        self._answers = Answers()

    def ask_if_due(self, status: HostStatus | None, question: Question) -> Known:
        """What is known; it is asked for anew when that is due and the host is up."""
        if status is None:
            return Known()
        host, now = status.spec.name, self.desk.now()
        state = self._state(status, question)
        if state is not None and self._answers.due(host, question, state, now):
            self._ask(host, question, state)
        return self._answers.of(host, question)

    def ask(self, status: HostStatus, question: Question) -> None:
        """Ask now, due or not, if the host is up."""
        state = self._state(status, question)
        if state is not None:
            self._ask(status.spec.name, question, state)

    def _state(self, status: HostStatus, question: Question) -> State | None:
        """None for a host that cannot be asked now."""
        snapshot = self.desk.store.snapshot(status.spec.name)
        if status.state is not HostState.UP or snapshot is None:
            return None
        # Of what the overview is made of, nothing tells when it changes.
        return State(snapshot.generation, getattr(snapshot.revisions, question.value, 0))

    def _ask(self, host: str, question: Question, state: State) -> None:
        port = self.desk.host(host)
        if port is None:
            return
        serial = self._answers.begin(host, question, state, self.desk.now())
        ask: Callable[[], Future[Offered]] = getattr(port.devices(), question.value)
        work = self._take(host, question, serial, ask)
        self.run_worker(work, group=f"host-{question.value}-{host}", exclusive=True)

    async def _take(
        self, host: str, question: Question, serial: int, ask: Callable[[], Future[Offered]]
    ) -> None:
        try:
            # Shielded: a host whose question is dropped may still answer it.
            offered = await asyncio.shield(asyncio.wrap_future(ask()))
        except asyncio.CancelledError:
            self._answers.leave(host, question, serial)
            raise
        if self._answers.take(host, question, serial, offered, self.desk.now()):
            self.show_now()


def problem_words(problem: Problem) -> Content:
    """All of it, a line each."""
    rows = (
        ("", problem.what, "$state-bad"),
        ("reason  ", problem.reason, ""),
        ("cause   ", problem.cause, ""),
        ("remedy  ", problem.remedy, "bold"),
    )
    lines: list[Content] = []
    for label, text, style in rows:
        lines += [
            Content.assemble((label, "$quiet"), (visible(line), style))
            for line in text.splitlines()
        ]
    return Content("\n").join(lines)
