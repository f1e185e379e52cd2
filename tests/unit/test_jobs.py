"""Orders to many guests: side by side, each result as it comes, all of it in the log."""

from __future__ import annotations

import asyncio
import logging

import pytest

from tests.support.simhost import Clock, SimHost, SimMaker
from tuivm.fleet import Fleet
from tuivm.jobs import Jobs, problem_text
from tuivm.model.activities import SHUTDOWN_PATIENCE, Activities
from tuivm.model.guests import GuestState
from tuivm.model.hosts import HostSpec, Problem
from tuivm.model.requests import Outcome, Shutdown, Start, Step
from tuivm.model.store import GuestView


class World:
    """Two hosts with three guests each, off."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.maker = SimMaker(self.clock, _fill)
        self.fleet = Fleet(self.maker, wake=lambda: None, ask=lambda request: None)
        for name in ("one", "two"):
            self.fleet.add(HostSpec(name, f"test+sim:///{name}"))
        self.maker.tick()
        self.fleet.drain()
        self.activities = Activities()
        self.jobs = Jobs(self.fleet.hosts.get, self.clock, self.activities)
        self.ended: list[tuple[GuestView, Outcome]] = []

    def views(self, host: str) -> list[GuestView]:
        return list(self.fleet.store.guests_of(host))

    def begin(self) -> None:
        self.busy_at_start = {
            key: self.activities.text(key, 0.0) for key in self.fleet.store.guests
        }
        self.asked_at_start = sum(len(host.requests) for host in self.maker.hosts.values())

    def note(self, view: GuestView, outcome: Outcome) -> None:
        self.ended.append((view, outcome))

    async def run(self, *views: GuestView, patience: float | None = None) -> None:
        request = Start() if patience is None else Shutdown()
        orders = [(view, request) for view in views]
        await self.jobs.run("starting", orders, patience, began=self.begin, ended=self.note)


def _fill(host: SimHost) -> None:
    for number in range(3):
        host.add_guest(f"{host.spec.name}-{number}", GuestState.OFF)


async def until(condition: object) -> None:
    assert callable(condition)
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("the condition did not come true")


async def test_one_that_hangs_holds_no_other_up() -> None:
    world = World()
    world.maker.hosts["one"].hold = True
    first, second = world.views("one")[0], world.views("two")[0]
    running = asyncio.create_task(world.run(first, second))
    await until(lambda: len(world.ended) == 1)
    assert world.ended[0][0] is second
    assert world.ended[0][1].ok
    assert world.activities.text(first.key, world.clock()) == "starting"
    assert world.activities.text(second.key, world.clock()) == ""
    world.maker.hosts["one"].answer()
    await running
    assert [view.key for view, _ in world.ended] == [second.key, first.key]
    assert world.activities.text(first.key, world.clock()) == ""


@pytest.mark.parametrize(("ends_first", "left"), [(0, "saving"), (1, "starting")])
async def test_of_two_actions_on_one_guest_the_row_tells_until_the_last_has_ended(
    ends_first: int, left: str
) -> None:
    world = World()
    host = world.maker.hosts["one"]
    host.hold = True
    view = world.views("one")[0]
    running = [
        asyncio.create_task(
            world.jobs.run(label, [(view, Start())], None, began=world.begin, ended=world.note)
        )
        for label in ("starting", "saving")
    ]
    await until(lambda: len(host.waiting) == 2)
    assert world.activities.text(view.key, 0.0) == "saving", "the newest"
    host.waiting[ends_first][0].set_result(Outcome())
    await running[ends_first]
    assert world.activities.text(view.key, 0.0) == left
    host.waiting[1 - ends_first][0].set_result(Outcome())
    await running[1 - ends_first]
    assert world.activities.text(view.key, 0.0) == ""


async def test_a_second_shutdown_is_waited_for_in_place_of_the_first() -> None:
    world = World()
    view = world.views("one")[0]
    for _ in range(2):
        await world.run(view, patience=SHUTDOWN_PATIENCE)
        world.clock.now += 30
    wait = world.activities.wait(view.key)
    assert wait is not None
    assert wait.until == world.clock() - 30 + SHUTDOWN_PATIENCE
    world.activities.end(view.key, wait)
    assert world.activities.get(view.key) is None


async def test_all_are_busy_before_any_is_asked() -> None:
    """So that the rows say so at once, however soon the hosts answer."""
    world = World()
    views = world.views("one")
    await world.run(*views)
    busy = {key for key, text in world.busy_at_start.items() if text == "starting"}
    assert busy == {view.key for view in views}
    assert world.asked_at_start == 0


async def test_an_order_goes_to_its_host_and_uuid() -> None:
    world = World()
    views = [world.views("two")[1], world.views("one")[2]]
    await world.run(*views)
    assert world.maker.hosts["two"].requests == [(views[0].key.uuid, Start())]
    assert world.maker.hosts["one"].requests == [(views[1].key.uuid, Start())]


async def test_a_host_that_was_removed_is_said_and_the_rest_goes_on() -> None:
    world = World()
    gone, there = world.views("one")[0], world.views("two")[0]
    world.fleet.remove("one")
    await world.run(gone, there)
    outcomes = {view.key: outcome for view, outcome in world.ended}
    problem = outcomes[gone.key].problem
    assert problem is not None
    assert "one is no longer in the list of hosts" in problem.reason
    assert outcomes[there.key].ok
    assert world.maker.hosts["one"].requests == []


async def test_patience_begins_when_the_host_has_asked_the_guest() -> None:
    world = World()
    host = world.maker.hosts["one"]
    host.hold = True
    view = world.views("one")[0]
    running = asyncio.create_task(world.run(view, patience=SHUTDOWN_PATIENCE))
    await until(lambda: host.waiting)
    assert world.activities.waiting() == ()
    world.clock.now += 30
    host.answer()
    await running
    assert world.activities.waiting() == (view.key,)
    activity = world.activities.get(view.key)
    assert activity is not None
    assert activity.until == world.clock() + SHUTDOWN_PATIENCE
    assert not world.activities.overdue(world.clock() + SHUTDOWN_PATIENCE - 1)
    assert world.activities.overdue(world.clock() + SHUTDOWN_PATIENCE) == (view.key,)


async def test_nobody_waits_for_a_guest_that_was_not_asked() -> None:
    world = World()
    world.maker.hosts["one"].refuse = Problem("cannot shut down", "no agent")
    view = world.views("one")[0]
    await world.run(view, patience=SHUTDOWN_PATIENCE)
    assert world.activities.get(view.key) is None


async def test_everything_is_in_the_log(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A log file that another test began keeps records from everybody else.
    monkeypatch.setattr(logging.getLogger("tuivm"), "propagate", True)
    world = World()
    bad, good = world.views("one")[:2]
    world.maker.hosts["one"].refuse_for[bad.key.uuid] = Problem("cannot start", "no\nmemory")
    with caplog.at_level(logging.INFO):
        await world.run(bad, good)
    lines = [record.getMessage() for record in caplog.records]
    of_bad = next(line for line in lines if bad.key.uuid in line)
    of_good = next(line for line in lines if good.key.uuid in line)
    for line in (of_bad, of_good):
        assert "test+sim:///one" in line
        assert "Start" in line
    assert "failed: no" in of_bad
    assert bad.guest.name in of_bad
    assert "done" in of_good
    assert len(lines) == 2


def test_a_failure_is_told_whole() -> None:
    problem = Problem("cannot delete web", "in use", "another guest runs on it", "stop that one")
    outcome = Outcome(problem, (Step("undefined web"), Step("deleted web.img", False, "busy")))
    assert problem_text(outcome).split("\n") == [
        "cannot delete web: in use",
        "cause: another guest runs on it",
        "what to do: stop that one",
        "done: undefined web",
        "not done: deleted web.img busy",
    ]
    assert problem_text(Outcome(Problem("failed"))) == "failed"
