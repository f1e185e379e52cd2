"""How far a run is, as its book tells it."""

from __future__ import annotations

import pytest

from tests.support.labrun import lab_run
from tuivm.lab.book import Book
from tuivm.lab.control import Control
from tuivm.model.lab import Phase, Progress


class Told:
    def __init__(self) -> None:
        self.now = 1000.0
        self.heard: list[Progress] = []
        run = lab_run()
        self.book = Book(
            "one",
            0.0,
            run.host,
            run.plan,
            sink=self.heard.append,
            control=Control(),
            clock=lambda: self.now,
        )

    def enter(self, phase: Phase) -> Progress:
        self.book.enter(phase, phase.value)
        return self.heard[-1]


def test_what_takes_longer_than_was_thought_does_not_look_nearly_done() -> None:
    told = Told()
    told.enter(Phase.BOOTING)
    told.now += 10_000.0
    told.book.tell()
    assert told.heard[-1].done <= 0.4
    told.book.expect(1.0)
    assert told.enter(Phase.WARMUP).done <= 0.6
    assert told.enter(Phase.MEASURING).done <= 0.95
    told.book.end(Phase.DONE)
    assert told.heard[-1].done == 1.0


def test_what_is_stopped_is_no_further_for_it() -> None:
    told = Told()
    told.enter(Phase.MEASURING)
    told.book.expect(60.0)
    told.now += 20.0
    told.book.tell()
    done = told.heard[-1].done
    assert told.enter(Phase.CLEANING).done == done
    told.book.end(Phase.STOPPED)
    assert told.heard[-1].done == done


def test_standing_still_is_neither_done_nor_left() -> None:
    told = Told()
    told.enter(Phase.MEASURING)
    told.book.expect(60.0)
    told.now += 20.0
    told.book.tell()
    before = told.heard[-1]
    told.now += 3600.0
    told.book.stand_still(3600.0)
    told.book.tell()
    after = told.heard[-1]
    assert before.left == pytest.approx(40.0)
    assert after.left == pytest.approx(before.left)
    assert after.done == pytest.approx(before.done)
    assert after.run.seconds == pytest.approx(before.run.seconds)
