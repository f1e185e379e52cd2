"""Whose turn it is, and what is done when a driver does not take the bulk call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import libvirt
import pytest

from tuivm.hypervisor.sampler import TURN_LEAST, Rotation, StatsReader
from tuivm.model.ports import Groups

NOWAIT = libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT
BLOCK = libvirt.VIR_DOMAIN_STATS_BLOCK


def failure(code: int) -> libvirt.libvirtError:
    error = libvirt.libvirtError("no")
    error.err = (code, 0, "no", 2, None, None, None, 0, 0)
    return error


class FakeDomain:
    def __init__(self, uuid: str, info_error: int | None = None) -> None:
        self._uuid = uuid
        self._info_error = info_error

    def UUIDString(self) -> str:  # noqa: N802 - libvirt's name
        return self._uuid

    def info(self) -> list[int]:
        if self._info_error is not None:
            raise failure(self._info_error)
        return [1, 2048, 1024, 1, 77]


class FakeConnection:
    """Refuses flags and methods as old or partial drivers do."""

    def __init__(self, *, methods: Sequence[str], flags: int = ~0, groups: int = ~0) -> None:
        self.methods, self.flags, self.groups = methods, flags, groups
        self.record: dict[str, Any] = {"state.state": 1, "cpu.time": 5}
        self.calls: list[str] = []
        self.domains: list[FakeDomain] = []

    def _answer(self, method: str, stats: int, flags: int, domains: Sequence[FakeDomain]) -> Any:
        self.calls.append(method)
        if method not in self.methods:
            raise failure(libvirt.VIR_ERR_NO_SUPPORT)
        if flags & ~self.flags:
            raise failure(libvirt.VIR_ERR_INVALID_ARG)
        if stats & ~(self.groups | libvirt.VIR_DOMAIN_STATS_STATE):
            raise failure(libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED)
        return [(domain, self.record) for domain in domains]

    def domainListGetStats(  # noqa: N802 - libvirt's name
        self, doms: Sequence[FakeDomain], stats: int, flags: int
    ) -> Any:
        return self._answer("listed", stats, flags, doms)

    def getAllDomainStats(self, stats: int, flags: int) -> Any:  # noqa: N802 - libvirt's name
        return self._answer("all", stats, flags, self.domains)


def reader(conn: FakeConnection) -> StatsReader:
    return StatsReader(cast("libvirt.virConnect", conn))


def guests(*uuids: str) -> Mapping[str, libvirt.virDomain]:
    return {uuid: cast("libvirt.virDomain", FakeDomain(uuid)) for uuid in uuids}


def test_one_call_for_all() -> None:
    conn = FakeConnection(methods=["listed"])
    reading = reader(conn).read(guests("a", "b"), Groups.LIST)
    assert set(reading.samples) == {"a", "b"}
    assert reading.states["a"] == (1, 0)
    assert conn.calls == ["listed"]


def test_no_guests_no_call() -> None:
    conn = FakeConnection(methods=["listed"])
    assert not reader(conn).read({}, Groups.LIST).samples
    assert conn.calls == []


def test_a_daemon_without_nowait_is_asked_without_it() -> None:
    conn = FakeConnection(methods=["listed"], flags=~NOWAIT)
    stats = reader(conn)
    assert stats.read(guests("a"), Groups.LIST).samples
    conn.calls.clear()
    assert stats.read(guests("a"), Groups.LIST).samples
    assert conn.calls == ["listed"], "what was refused once is not asked again"


def test_a_group_that_is_refused_is_left_out() -> None:
    conn = FakeConnection(methods=["listed"], groups=~BLOCK)
    stats = reader(conn)
    assert stats.read(guests("a"), Groups.LIST).samples
    conn.calls.clear()
    assert stats.read(guests("a"), Groups.LIST).samples
    assert conn.calls == ["listed"]


def test_without_a_call_for_some_the_call_for_all_and_only_these_are_kept() -> None:
    conn = FakeConnection(methods=["all"])
    conn.domains = [FakeDomain("a"), FakeDomain("b")]
    reading = reader(conn).read(guests("a"), Groups.LIST)
    assert set(reading.samples) == {"a"}


@pytest.mark.parametrize("methods", [["listed"], ["all"], []])
def test_without_counters_each_guest_is_asked(methods: list[str]) -> None:
    conn = FakeConnection(methods=methods)
    conn.record = {"state.state": 1}
    conn.domains = [FakeDomain("a")]
    sample = reader(conn).read(guests("a"), Groups.LIST).samples["a"]
    assert sample.cpu_ns == 77
    assert sample.balloon is not None
    assert (sample.balloon.current, sample.balloon.maximum) == (1024, 2048)
    assert sample.disks is None


def test_a_guest_that_vanished_is_no_failure() -> None:
    gone = cast("libvirt.virDomain", FakeDomain("a", libvirt.VIR_ERR_NO_DOMAIN))
    assert not reader(FakeConnection(methods=[])).read({"a": gone}, Groups.LIST).samples


def test_a_broken_connection_is_one() -> None:
    gone = cast("libvirt.virDomain", FakeDomain("a", libvirt.VIR_ERR_SYSTEM_ERROR))
    with pytest.raises(libvirt.libvirtError):
        reader(FakeConnection(methods=[])).read({"a": gone}, Groups.LIST)


def test_in_view_every_time_and_the_others_in_turn() -> None:
    active = [f"{number:03}" for number in range(100)]
    view = frozenset(active[40:50])
    rotation = Rotation()
    seen: set[str] = set()
    for _ in range(5):
        turn = rotation.next(active, view)
        assert view <= set(turn)
        assert len(turn) == len(set(turn))
        assert len(turn) < len(active) / 2
        seen |= set(turn)
    assert seen == set(active)


def test_a_turn_is_not_lost_when_guests_go() -> None:
    active = [f"{number:03}" for number in range(40)]
    rotation = Rotation()
    first = rotation.next(active, frozenset())
    left = [uuid for uuid in active if uuid != first[0]]
    second = rotation.next(left, frozenset())
    assert second == left[TURN_LEAST - 1 : 2 * TURN_LEAST - 1]
