"""Daemon threads for calls that may hang, and the watch over their deadlines.

Never a ThreadPoolExecutor or asyncio.to_thread: their threads are joined when the program ends, so
one hung call would keep it from quitting.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")

MAX_STUCK = 8
"""Calls past their deadline that one set of lanes leaves behind before it refuses new ones."""


class Alarm:
    """Something to be called later, unless it is cancelled first."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[[], None]) -> None:
        self._function: Callable[[], None] | None = function

    def cancel(self) -> None:
        self._function = None

    def ring(self) -> None:
        function, self._function = self._function, None
        if function is not None:
            function()


class Alarms:
    """One daemon thread that rings alarms in time. What it calls must be short and not block."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._heap: list[tuple[float, int, Alarm]] = []
        self._numbers = itertools.count()
        self._thread: threading.Thread | None = None

    def after(self, seconds: float, function: Callable[[], None]) -> Alarm:
        alarm = Alarm(function)
        with self._condition:
            when = time.monotonic() + seconds
            heapq.heappush(self._heap, (when, next(self._numbers), alarm))
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="alarms", daemon=True)
                self._thread.start()
            self._condition.notify()
        return alarm

    def _run(self) -> None:
        while True:
            with self._condition:
                while not self._heap or self._heap[0][0] > time.monotonic():
                    left = self._heap[0][0] - time.monotonic() if self._heap else None
                    self._condition.wait(left)
                alarm = heapq.heappop(self._heap)[2]
            alarm.ring()


ALARMS = Alarms()


class _Job(Generic[T]):
    def __init__(
        self,
        run: Callable[[], T],
        deadline: float,
        late: Callable[[str], T],
        hold: Callable[[], bool] | None,
    ) -> None:
        self.run: Callable[[], T] | None = run
        self.deadline = deadline
        self.late = late
        self.hold = hold
        self.future: Future[T] = Future()
        self.stuck = False
        self.over = False
        self._lock = threading.Lock()

    def settle(self, make: Callable[[], T]) -> bool:
        """Give the future its result, the first time only; says whether this was it."""
        with self._lock:
            if self.future.done():
                return False
            self.future.set_result(make())
            return True

    def fail(self) -> None:
        with self._lock:
            if not self.future.done():
                self.future.set_exception(RuntimeError("internal error; the log has it"))


class Lanes:
    """Up to `size` jobs side by side, each on a daemon thread, each with a deadline.

    A job past its deadline is answered for by `late`, its thread is left to the call that hangs,
    and another takes its place.
    """

    def __init__(self, name: str, size: int) -> None:
        self._name = name
        self._size = size
        self._condition = threading.Condition()
        self._queue: deque[_Job[object]] = deque()
        self._idle = 0
        self._fit = 0
        self._running = 0
        self._stuck = 0
        self._closed = False

    @property
    def busy(self) -> bool:
        """Some job is running, in time or not."""
        return self._running > 0

    @property
    def waiting(self) -> bool:
        return bool(self._queue) or self.busy

    def submit(
        self,
        run: Callable[[], T],
        *,
        deadline: float,
        late: Callable[[str], T],
        hold: Callable[[], bool] | None = None,
    ) -> Future[T]:
        """Run it when a lane is free. deadline: seconds from when it begins to run.

        late: makes the result when it is not done in time, from words that say so. hold: asked
        when time is up; True gives it as much time again (a person is being asked something).
        """
        job = _Job(run, deadline, late, hold)
        with self._condition:
            if self._closed:
                refusal = "not tried: the host is being closed"
            elif self._stuck >= MAX_STUCK:
                refusal = f"not tried: {self._stuck} earlier calls are still without an answer"
            else:
                self._queue.append(job)  # type: ignore[arg-type]
                self._staff()
                return job.future
        job.settle(lambda: late(refusal))
        return job.future

    def close(self) -> None:
        """Take no more jobs and drop those that wait. Never waits itself."""
        with self._condition:
            self._closed = True
            dropped = list(self._queue)
            self._queue.clear()
            self._condition.notify_all()
        for job in dropped:
            job.settle(lambda job=job: job.late("not tried: the host is being closed"))  # type: ignore[misc]

    def _staff(self) -> None:
        """Have a thread for what waits; the lock is held."""
        if self._idle >= len(self._queue):
            self._condition.notify()
        elif self._fit < self._size:
            self._fit += 1
            threading.Thread(target=self._work, name=self._name, daemon=True).start()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            self._do(job)

    def _next(self) -> _Job[object] | None:
        with self._condition:
            while True:
                if self._closed or self._fit > self._size:
                    self._fit -= 1
                    return None
                if self._queue:
                    self._running += 1
                    return self._queue.popleft()
                self._idle += 1
                self._condition.wait()
                self._idle -= 1

    def _do(self, job: _Job[object]) -> None:
        run, job.run = job.run, None
        finished = False
        alarm = ALARMS.after(job.deadline, lambda: self._overdue(job))
        try:
            if run is not None and job.future.set_running_or_notify_cancel():
                result = run()
                job.settle(lambda: result)
            finished = True
        finally:
            alarm.cancel()
            with self._condition:
                job.over = True
                self._running -= 1
                if job.stuck:
                    self._stuck -= 1
                    self._fit += 1
                if not finished:
                    self._fit -= 1
            if not finished:
                job.fail()

    def _overdue(self, job: _Job[object]) -> None:
        if job.hold is not None and not job.over and job.hold():
            ALARMS.after(job.deadline, lambda: self._overdue(job))
            return
        with self._condition:
            if job.over:
                return
            job.stuck = True
            self._stuck += 1
            self._fit -= 1
            if self._queue:
                self._staff()
        job.settle(lambda: job.late(f"no answer in {job.deadline:.0f} s; it may still happen"))
