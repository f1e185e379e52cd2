"""What a session looks up beside its sampling, on a lane that is worked off by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import libvirt
import pytest

from tuivm.hypervisor import lookups, process
from tuivm.hypervisor.lookups import Lookups
from tuivm.hypervisor.process import GuestProcess
from tuivm.model.devices import Device, DeviceClass, DeviceKind
from tuivm.model.guests import Guest, GuestDetails, GuestKey, GuestState
from tuivm.model.hosts import HostFacts

UUID = "0b6c8e1e-4a77-4e2c-9b1c-2a2f6b8c9d10"
PROCESS = GuestProcess(pid=100, started_at=5.0, start_ticks=900, accelerator="kvm")
NIC = Device(DeviceKind.NIC, DeviceClass.PARAVIRTUAL, "virtio", "vnet0")


class World:
    """As lane, spares, connection, inbox, roster and reader of costs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        details = GuestDetails(devices=(NIC,))
        key = GuestKey("here", UUID)
        one = Guest(key, "web", GuestState.RUNNING, domain_id=1, details=details)
        self.guests = {UUID: one}
        self.reachable = True
        self.opened = 0
        self.learnt: list[tuple[Any, ...]] = []
        self._jobs: list[Callable[[], None]] = []
        monkeypatch.setattr(process, "guest_processes", lambda _runs: {UUID: PROCESS})
        monkeypatch.setattr(lookups, "look_up", lambda _domain, *, agent: ("10.0.0.1",))
        self.lookups = Lookups(
            cast("Any", None),
            slow=cast("Any", self),
            spares=cast("Any", self),
            inbox=cast("Any", SimpleNamespace(post=lambda result: result())),
            roster=cast("Any", self),
            costs=cast("Any", SimpleNamespace(found=self._learn("process"))),
        )
        self.saw_start = self._learn("start")
        self.saw_accelerator = self._learn("accelerator")
        self.saw_addresses = self._learn("addresses")

    def _learn(self, what: str) -> Callable[..., None]:
        return lambda *values: self.learnt.append((what, *values))

    def active(self) -> list[str]:
        return list(self.guests)

    def lookupByUUIDString(self, _uuid: str) -> World:  # noqa: N802 - libvirt's name
        return self

    @contextmanager
    def borrow(self, _link: object) -> Iterator[World]:
        self.opened += 1
        if not self.reachable:
            raise libvirt.libvirtError("no more connections")
        yield self

    def submit(
        self, run: Callable[[], Any], *, deadline: float, late: Callable[[str], Any]
    ) -> Future[Any]:
        future: Future[Any] = Future()
        self._jobs.append(lambda: future.set_result(run()))
        return future

    def tick(self) -> None:
        self.lookups.tick(frozenset({UUID}), local=True)

    def work(self) -> None:
        while self._jobs:
            self._jobs.pop(0)()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


OF_PROCESS = [("process", UUID, 1, PROCESS), ("start", UUID, 5.0), ("accelerator", UUID, "kvm")]


def test_a_new_run_is_looked_up_once(world: World) -> None:
    for _ in range(3):
        world.tick()
        world.work()
    assert world.learnt == [*OF_PROCESS, ("addresses", UUID, ("10.0.0.1",))]
    world.guests[UUID] = world.guests[UUID]._replace(domain_id=2)
    world.tick()
    world.work()
    assert world.learnt[4] == ("process", UUID, 2, PROCESS)


def test_processes_are_found_although_no_connection_can_be_opened(world: World) -> None:
    world.reachable = False
    world.tick()
    world.work()
    assert world.opened == 1
    assert world.learnt == OF_PROCESS


def test_what_waited_when_the_session_ended_opens_no_connection(world: World) -> None:
    facts: list[HostFacts | None] = []
    world.lookups.facts(HostFacts(), facts.append)
    world.tick()
    world.lookups.end()
    world.work()
    assert (world.opened, world.learnt, facts) == (0, [], [None])
