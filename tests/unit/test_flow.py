"""Flow control: what a slow terminal has not taken yet holds back the next tick, no more."""

from __future__ import annotations

from tuivm.flow import PATIENCE, SILENT_AFTER, Flow


def test_a_terminal_that_keeps_up_is_never_held_back() -> None:
    flow = Flow()
    for tick in range(100):
        assert flow.clear(0, float(tick))
        assert flow.wants_to_ask()
        flow.asked(float(tick))
        flow.answered()
    assert flow.skipped == 0


def test_output_that_waits_in_this_process_holds_the_tick_back() -> None:
    flow = Flow()
    assert not flow.clear(1, 0.0)
    assert not flow.clear(30, 1.0)
    assert flow.skipped == 2
    assert flow.clear(0, 2.0)


def test_an_outstanding_answer_holds_the_tick_back_until_it_comes() -> None:
    flow = Flow()
    flow.asked(0.0)
    flow.answered()
    flow.asked(1.0)
    assert not flow.clear(0, 2.0)
    assert not flow.clear(0, 1.0 + PATIENCE - 0.1)
    flow.answered()
    assert flow.clear(0, 1.0 + PATIENCE)
    assert flow.skipped == 2


def test_an_answer_that_got_lost_is_given_up() -> None:
    flow = Flow()
    flow.asked(0.0)
    flow.answered()
    flow.asked(1.0)
    assert not flow.clear(0, 2.0)
    assert flow.clear(0, 1.0 + PATIENCE)


def test_a_terminal_that_never_answers_is_neither_held_back_nor_asked_for_ever() -> None:
    flow = Flow()
    asked = 0
    for tick in range(20):
        assert flow.clear(0, float(tick))
        if flow.wants_to_ask():
            flow.asked(float(tick))
            asked += 1
    assert asked == SILENT_AFTER + 1
    assert flow.skipped == 0


def test_a_late_first_answer_counts() -> None:
    """A slow link may answer the first question after the third was sent."""
    flow = Flow()
    for tick in range(SILENT_AFTER + 1):
        flow.asked(float(tick))
    assert not flow.wants_to_ask()
    flow.answered()
    assert flow.wants_to_ask()
    flow.asked(10.0)
    assert not flow.clear(0, 11.0)
