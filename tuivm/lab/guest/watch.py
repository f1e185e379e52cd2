"""How a running order keeps in touch with the Lab, at little cost and on the same thread."""

from __future__ import annotations

import time

from .orders import StoppedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .line import Line

BEAT = 125_000_000
"""ns between looks at the line; every second one tells the progress."""


class Watch:
    """Of one order. Workloads call `beat` when the moment it told has come, or `wait` when there is
    nothing else to do; both raise StoppedError when the Lab said "stop".

    quiet: no progress is sent. held: the clock starts when the Lab says "go", which it is told to
    when all is ready. inbox: where orders go that come meanwhile.
    """

    def __init__(
        self,
        line: Line,
        inbox: list[dict[str, object]],
        order: int | None,
        *,
        quiet: bool,
        held: bool = False,
    ) -> None:
        self._line = line
        self._inbox = inbox
        self._order = order
        self._quiet = quiet
        self._held = held
        self._begun = time.monotonic_ns()
        self._told = 0

    def ready(self) -> None:
        """Wait for "go", once, if there is one to wait for."""
        if self._held:
            self._line.send({"type": "ready", "id": self._order})
        while self._held:
            self.wait(1)

    def begin(self) -> int:
        """The clock starts now, or when the Lab says so. Returns monotonic ns of the first beat."""
        self.ready()
        self._begun = time.monotonic_ns()
        self._told = 0
        return self._begun + BEAT

    def beat(self, done: int) -> int:
        """Returns monotonic ns of the next beat. done: requests so far."""
        now = time.monotonic_ns()
        since = now - self._begun
        if not self._quiet and since >= self._told + 2 * BEAT:
            self._told = since
            progress = {"type": "progress", "id": self._order, "done": done, "seconds": since / 1e9}
            self._line.send(progress, droppable=True)
        self.wait(0)
        return now + BEAT

    def wait(self, seconds: float) -> None:
        """Wait that long, or until something has come."""
        came = self._line.messages(seconds)
        if any(message.get("do") == "go" for message in came):
            self._held = False
        self._inbox += [message for message in came if message.get("do") != "go"]
        if any(message.get("do") == "stop" for message in came):
            raise StoppedError
