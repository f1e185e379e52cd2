"""When a host is asked anew, and which answer stands."""

from __future__ import annotations

from tests.support.devicehosts import RICH, without
from tuivm.model.createports import Offered
from tuivm.model.hosts import Problem
from tuivm.screens.hostpages.asking import (
    AGAIN_AFTER,
    OVERVIEW_AFTER,
    SPARING,
    Answers,
    Question,
    State,
)

DEVICES = Question.DEVICES
FIRST = State(1, 0)
LATER = without(RICH, "1-5")
FAILED = Offered(problem=Problem("it did not answer"))


def test_it_is_asked_when_first_looked_at_and_then_now_and_then() -> None:
    answers = Answers()
    assert answers.due("a", DEVICES, FIRST, 0)
    serial = answers.begin("a", DEVICES, FIRST, 0)
    assert answers.of("a", DEVICES).asking
    assert not answers.due("a", DEVICES, FIRST, 100), "one question at a time"
    assert answers.due("b", DEVICES, FIRST, 0), "each host is asked"
    assert answers.due("a", Question.STORAGE, FIRST, 0), "each question is asked"
    assert answers.take("a", DEVICES, serial, Offered(RICH), 1)
    assert not answers.due("a", DEVICES, FIRST, 1 + AGAIN_AFTER - 0.1)
    assert answers.due("a", DEVICES, FIRST, 1 + AGAIN_AFTER)


def test_the_overview_is_asked_for_less_often() -> None:
    answers = Answers()
    overview = Question.OVERVIEW
    answers.take("a", overview, answers.begin("a", overview, FIRST, 0), Offered(RICH), 1)
    assert not answers.due("a", overview, FIRST, 1 + OVERVIEW_AFTER - 0.1)
    assert answers.due("a", overview, FIRST, 1 + OVERVIEW_AFTER)
    assert answers.due("a", overview, State(2, 0), 1), "another connection may be another host"


def test_a_host_that_takes_long_is_asked_less_often() -> None:
    answers = Answers()
    answers.take("a", DEVICES, answers.begin("a", DEVICES, FIRST, 0), Offered(RICH), 60)
    assert not answers.due("a", DEVICES, FIRST, 60 + 60 * SPARING - 1)
    assert answers.due("a", DEVICES, FIRST, 60 + 60 * SPARING)
    assert not answers.due("a", DEVICES, State(1, 1), 119), "changes may never stop"
    assert answers.due("a", DEVICES, State(1, 1), 120)


def test_a_change_or_a_new_connection_makes_it_due() -> None:
    answers = Answers()
    answers.take("a", DEVICES, answers.begin("a", DEVICES, FIRST, 1), Offered(RICH), 1)
    assert answers.due("a", DEVICES, State(1, 1), 1)
    assert answers.due("a", DEVICES, State(2, 0), 1)
    answers.begin("a", DEVICES, FIRST, 1)
    assert not answers.due("a", DEVICES, State(1, 1), 1), "asked again when this one is answered"
    assert answers.due("a", DEVICES, State(2, 0), 1), "the old connection may never answer"


def test_an_older_answer_never_replaces_a_newer_one() -> None:
    answers = Answers()
    first = answers.begin("a", DEVICES, FIRST, 0)
    second = answers.begin("a", DEVICES, State(2), 1)
    assert answers.take("a", DEVICES, second, Offered(LATER), 2)
    assert not answers.take("a", DEVICES, first, Offered(RICH), 3)
    assert not answers.take("a", DEVICES, first, FAILED, 3)
    known = answers.of("a", DEVICES)
    assert known.offer is LATER
    assert known.problem is None
    assert not known.asking


def test_a_failure_keeps_what_was_known_and_its_age() -> None:
    answers = Answers()
    answers.take("a", DEVICES, answers.begin("a", DEVICES, FIRST, 0), Offered(RICH), 1)
    answers.take("a", DEVICES, answers.begin("a", DEVICES, FIRST, 20), FAILED, 21)
    known = answers.of("a", DEVICES)
    assert (known.offer, known.problem, known.at) == (RICH, FAILED.problem, 1)
    answers.take("a", DEVICES, answers.begin("a", DEVICES, FIRST, 40), Offered(LATER), 41)
    assert answers.of("a", DEVICES).problem is None


def test_the_same_answer_is_the_same_object() -> None:
    answers = Answers()
    answers.take("a", DEVICES, answers.begin("a", DEVICES, FIRST, 0), Offered(RICH), 1)
    again = without(RICH)
    assert again is not RICH
    answers.take("a", DEVICES, answers.begin("a", DEVICES, FIRST, 9), Offered(again), 10)
    known = answers.of("a", DEVICES)
    assert known.offer is RICH
    assert known.at == 10, "but it is newer"


def test_a_question_that_is_dropped_is_asked_again() -> None:
    answers = Answers()
    serial = answers.begin("a", DEVICES, FIRST, 0)
    answers.leave("a", DEVICES, serial)
    assert answers.due("a", DEVICES, FIRST, 0)
    newer = answers.begin("a", DEVICES, FIRST, 1)
    answers.leave("a", DEVICES, serial)
    assert answers.of("a", DEVICES).asking, "a newer one is not dropped with it"
    assert answers.take("a", DEVICES, newer, Offered(RICH), 2)


def test_a_host_that_was_removed_is_forgotten() -> None:
    answers = Answers()
    for host in "ab":
        answers.take(host, DEVICES, answers.begin(host, DEVICES, FIRST, 0), Offered(RICH), 1)
    answers.keep(("b",))
    assert answers.of("a", DEVICES).offer is None
    assert answers.due("a", DEVICES, FIRST, 1)
    assert answers.of("b", DEVICES).offer is RICH
