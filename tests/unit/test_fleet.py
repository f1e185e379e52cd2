"""All hosts together: one wake for many snapshots, no more of them than can be used, no ghosts."""

from __future__ import annotations

import threading

import pytest

from tests.support.simhost import Clock, SimHost, SimMaker
from tuivm.fleet import MAILBOX_LIMIT, Fleet
from tuivm.model.guests import GuestKey
from tuivm.model.hosts import HostSpec, HostState
from tuivm.model.ports import View

ONE = HostSpec("one", "test+sim:///one")
TWO = HostSpec("two", "test+sim:///two")


class World:
    """A fleet of simulated hosts, and how often it woke its owner."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.maker = SimMaker(self.clock, _fill)
        self.woken = 0
        self.fleet = Fleet(self.maker, self._wake, ask=lambda request: request.answer(None))

    def _wake(self) -> None:
        self.woken += 1

    def names(self) -> list[str]:
        return sorted(view.guest.name for view in self.fleet.store.guests.values())


def _fill(host: SimHost) -> None:
    host.add_guest(f"guest of {host.spec.name}")


@pytest.fixture
def world() -> World:
    return World()


def test_one_wake_serves_any_number_of_snapshots(world: World) -> None:
    world.fleet.add(ONE)
    world.fleet.add(TWO)
    for _ in range(3):
        world.maker.tick()
    assert world.woken == 1
    assert world.names() == [], "the store belongs to whoever drains"
    changes = world.fleet.drain()
    assert [change.host for change in changes] == ["one"] * 3 + ["two"] * 3
    assert world.names() == ["guest of one", "guest of two"]
    assert world.fleet.drain() == []
    world.maker.tick()
    assert world.woken == 2


def test_a_mailbox_that_nobody_empties_keeps_the_newest(world: World) -> None:
    world.fleet.add(ONE)
    for _ in range(MAILBOX_LIMIT + 5):
        world.maker.tick()
    newest = world.clock.now
    changes = world.fleet.drain()
    assert len(changes) == MAILBOX_LIMIT
    snapshot = world.fleet.store.snapshot("one")
    assert snapshot is not None
    assert snapshot.at == newest


def test_a_name_is_taken_once(world: World) -> None:
    world.fleet.add(ONE)
    with pytest.raises(ValueError, match="one"):
        world.fleet.add(HostSpec("one", "test+sim:///other"))
    assert list(world.fleet.hosts) == ["one"]


def test_a_removed_host_is_closed_and_leaves_no_ghost(world: World) -> None:
    host = world.fleet.add(ONE)
    world.fleet.add(TWO)
    assert isinstance(host, SimHost)
    world.maker.tick()
    world.fleet.drain()
    key = next(iter(world.fleet.store.guests_of("one"))).key
    world.maker.tick()  # one more waits while it is removed
    change = world.fleet.remove("one")
    assert host.closed
    assert change.removed == {key}
    world.fleet.drain()
    assert world.names() == ["guest of two"]
    # A thread of the host may deliver after the end.
    host.closed = False
    host.tick()
    world.fleet.drain()
    assert world.names() == ["guest of two"]
    assert "one" not in world.fleet.store.host_names


def test_a_host_removed_and_added_again_starts_afresh(world: World) -> None:
    world.fleet.add(ONE)
    world.maker.tick()
    world.fleet.drain()
    world.fleet.remove("one")
    world.fleet.add(ONE)
    assert world.fleet.store.status("one", world.clock()).state is HostState.CONNECTING
    world.maker.tick()
    world.fleet.drain()
    assert world.names() == ["guest of one"]


def test_the_same_view_is_told_once(world: World) -> None:
    seen: list[View] = []
    host = world.fleet.add(ONE)
    host.watch = seen.append  # type: ignore[method-assign]
    first, second = View(frozenset({"a"})), View(frozenset({"b"}))
    for view in (first, first, second, second, first):
        world.fleet.watch("one", view)
    assert seen == [first, second, first]
    world.fleet.watch("nobody", first)


def test_retry_reaches_the_host_that_is_named(world: World) -> None:
    one, two = world.fleet.add(ONE), world.fleet.add(TWO)
    assert isinstance(one, SimHost)
    assert isinstance(two, SimHost)
    world.fleet.retry("two")
    world.fleet.retry("nobody")
    assert (one.retries, two.retries) == (0, 1)


def test_close_closes_all(world: World) -> None:
    hosts = [world.fleet.add(ONE), world.fleet.add(TWO)]
    world.fleet.close()
    assert all(isinstance(host, SimHost) and host.closed for host in hosts)


def test_snapshots_from_many_threads_lose_nothing() -> None:
    """The owner drains while twenty hosts deliver: every host's newest snapshot gets there."""
    world = World()
    names = [f"host{number}" for number in range(20)]
    for name in names:
        world.fleet.add(HostSpec(name, f"test+sim:///{name}"))
    world.clock.now += 1

    def deliver(name: str) -> None:
        for _ in range(25):
            world.maker.hosts[name].tick()
        world.maker.hosts[name].add_guest(f"last of {name}")
        world.maker.hosts[name].tick()

    threads = [threading.Thread(target=deliver, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        world.fleet.drain()
    world.fleet.drain()
    assert {key.host for key in world.fleet.store.guests} == set(names)
    for name in names:
        assert f"last of {name}" in world.names()
    assert all(isinstance(key, GuestKey) for key in world.fleet.store.guests)
