"""Jobs on daemon threads: deadlines, stuck calls, and the room they leave."""

from __future__ import annotations

import threading
from concurrent.futures import Future, wait

import pytest

from tuivm.hypervisor.lanes import MAX_STUCK, Lanes

LONG = 30.0


def late(words: str) -> str:
    return words


def test_results_come_back() -> None:
    lanes = Lanes("test", 2)
    futures = [
        lanes.submit(lambda n=n: str(n), deadline=LONG, late=late)  # type: ignore[misc]
        for n in range(20)
    ]
    assert [future.result(LONG) for future in futures] == [str(n) for n in range(20)]


def test_only_so_many_side_by_side() -> None:
    lanes = Lanes("test", 3)
    inside = threading.Semaphore(0)
    leave = threading.Event()
    running: list[int] = []
    lock = threading.Lock()

    def job() -> str:
        with lock:
            running.append(1)
        inside.release()
        leave.wait(LONG)
        return "done"

    futures = [lanes.submit(job, deadline=LONG, late=late) for _ in range(5)]
    for _ in range(3):
        assert inside.acquire(timeout=LONG)
    assert lanes.busy
    assert len(running) == 3
    leave.set()
    wait(futures, LONG)
    assert len(running) == 5


def test_a_hanging_call_is_answered_for_and_does_not_hold_the_next() -> None:
    lanes = Lanes("test", 1)
    release = threading.Event()

    def hang() -> str:
        release.wait(LONG)
        return "too late"

    hanging = lanes.submit(hang, deadline=0.01, late=late)
    following = lanes.submit(lambda: "went on", deadline=LONG, late=late)
    assert "may still happen" in hanging.result(LONG)
    assert following.result(LONG) == "went on"
    assert lanes.busy
    release.set()
    assert "may still happen" in hanging.result(LONG), "the answer does not change afterwards"


def test_too_many_hanging_calls_are_refused_until_they_come_back() -> None:
    lanes = Lanes("test", 1)
    release = threading.Event()

    def hang() -> str:
        release.wait(LONG)
        return ""

    for _ in range(MAX_STUCK):
        lanes.submit(hang, deadline=0.01, late=late).result(LONG)
    refused = lanes.submit(lambda: "ran", deadline=LONG, late=late)
    assert refused.result(LONG).startswith("not tried")
    release.set()
    assert _settled(lanes)
    assert lanes.submit(lambda: "ran", deadline=LONG, late=late).result(LONG) == "ran"


def _settled(lanes: Lanes) -> bool:
    turn = threading.Event()
    for _ in range(1000):
        if not lanes.busy:
            return True
        turn.wait(0.01)
    return False


def test_time_does_not_count_while_a_person_is_asked() -> None:
    lanes = Lanes("test", 1)
    asked: list[bool] = []
    done = threading.Event()

    def hold() -> bool:
        asked.append(True)
        if len(asked) == 3:
            done.set()
        return True

    def job() -> str:
        done.wait(LONG)
        return "answered"

    future = lanes.submit(job, deadline=0.01, late=late, hold=hold)
    assert future.result(LONG) == "answered"


def test_closing_answers_for_what_waits_and_waits_for_nothing() -> None:
    lanes = Lanes("test", 1)
    begun, release = threading.Event(), threading.Event()

    def hang() -> str:
        begun.set()
        release.wait(LONG)
        return "done"

    running = lanes.submit(hang, deadline=LONG, late=late)
    assert begun.wait(LONG)
    waiting = lanes.submit(lambda: "ran", deadline=LONG, late=late)
    lanes.close()
    assert waiting.result(LONG).startswith("not tried")
    assert lanes.submit(lambda: "ran", deadline=LONG, late=late).result(0).startswith("not tried")
    release.set()
    assert running.result(LONG) == "done"


def test_a_bug_in_a_job_ends_its_future_and_not_the_lanes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lanes = Lanes("test", 1)
    logged = threading.Event()
    monkeypatch.setattr(threading, "excepthook", lambda _arguments: logged.set())

    def broken() -> str:
        raise ZeroDivisionError

    future: Future[str] = lanes.submit(broken, deadline=LONG, late=late)
    assert isinstance(future.exception(LONG), RuntimeError)
    assert logged.wait(LONG)
    assert lanes.submit(lambda: "ran", deadline=LONG, late=late).result(LONG) == "ran"


def test_a_job_cancelled_while_it_waits_is_not_run() -> None:
    lanes = Lanes("test", 1)
    begun, release, ran = threading.Event(), threading.Event(), threading.Event()

    def hang() -> str:
        begun.set()
        release.wait(LONG)
        return ""

    def mark() -> str:
        ran.set()
        return ""

    lanes.submit(hang, deadline=LONG, late=late)
    assert begun.wait(LONG)
    waiting = lanes.submit(mark, deadline=LONG, late=late)
    assert waiting.cancel()
    release.set()
    lanes.submit(lambda: "", deadline=LONG, late=late).result(LONG)
    assert not ran.is_set()
