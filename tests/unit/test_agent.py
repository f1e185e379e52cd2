"""What agents in guests answer, believed to be anything, and who is asked when."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import libvirt
import libvirt_qemu
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuivm.hypervisor import agent
from tuivm.hypervisor.agent import Agents, nic_counters, os_words, passed_through_nics
from tuivm.model.devices import Device, DeviceClass, DeviceKind
from tuivm.model.guests import Guest, GuestDetails, GuestKey, GuestState
from tuivm.model.samples import AgentFigures, NicCounters

UUID = "0b6c8e1e-4a77-4e2c-9b1c-2a2f6b8c9d10"
MAC = "52:54:00:0a:0b:0c"
NAMES = ("bytes", "packets", "errs", "dropped")
COUNTS = {
    f"{way}-{name}": n for n, (way, name) in enumerate((w, n) for w in ("rx", "tx") for n in NAMES)
}
FIGURES = NicCounters("hostdev0", *range(8))


def nic(
    target: str = "hostdev0",
    mac: str = MAC,
    cls: DeviceClass = DeviceClass.PHYSICAL,
    *,
    counted: bool = False,
) -> Device:
    return Device(DeviceKind.NIC, cls, "vfio-pci", target, mac=mac, counted=counted)


def guest(*devices: Device, connected: bool = True, **fields: Any) -> Guest:
    details = GuestDetails(devices=devices, agent_connected=connected)
    known: dict[str, Any] = {"state": GuestState.RUNNING, "domain_id": 1, "details": details}
    return Guest(GuestKey("here", UUID), "web", **{**known, **fields})


def interface(name: str = "eth0", mac: str = MAC, **more: Any) -> dict[str, Any]:
    return {"name": name, "hardware-address": mac, "statistics": COUNTS, **more}


def answer(*interfaces: object) -> str:
    return json.dumps({"return": interfaces})


@pytest.mark.parametrize(
    ("info", "words"),
    [
        ({"os.id": "debian", "os.version-id": "12", "os.name": "Debian GNU/Linux"}, "debian 12"),
        ({"os.id": "mswindows", "os.version-id": "10"}, "mswindows 10"),
        ({"os.id": "arch"}, "arch"),
        ({"os.name": "FreeBSD", "os.version-id": "14.1"}, "FreeBSD 14.1"),
        ({}, ""),
        ({"os.id": 12, "os.version-id": None}, ""),
        ({"os.id": "a\n\tb", "os.version-id": " 1 "}, "a b 1"),
        ({"os.id": "x" * 5000}, "x" * 80),
    ],
)
def test_an_os_in_words(info: dict[str, object], words: str) -> None:
    assert os_words(info) == words


def test_only_nics_that_libvirt_does_not_count_are_asked_about() -> None:
    devices = (
        nic("hostdev0", "52:54:00:AA:00:01"),
        nic("hostdev1", ""),
        nic("vnet0", "52:54:00:aa:00:02", DeviceClass.PARAVIRTUAL, counted=True),
        nic("vnet1", "52:54:00:aa:00:03", counted=True),
    )
    assert passed_through_nics(guest(*devices)) == {"52:54:00:aa:00:01": "hostdev0"}
    assert passed_through_nics(guest()._replace(details=None)) == {}


def test_a_vf_that_is_teamed_with_a_virtio_nic_is_not_told_from_it() -> None:
    team = nic("vnet0", MAC.upper(), DeviceClass.PARAVIRTUAL, counted=True)
    assert passed_through_nics(guest(nic(), team)) == {}


def test_counters_are_found_by_mac() -> None:
    other = interface("eth1", "52:54:00:00:00:99")
    lo = interface("lo", "00:00:00:00:00:00")
    said = answer(lo, other, interface(mac=MAC.upper()))
    assert nic_counters(said, {MAC: "hostdev0"}) == (FIGURES,)
    assert nic_counters(said, {}) == ()


def test_vlans_are_counted_by_the_interface_they_are_on() -> None:
    said = answer(interface("eth0.100"), interface("eth0"), interface("eth0.100.5"))
    assert nic_counters(said, {MAC: "hostdev0"}) == (FIGURES,)


def test_one_mac_on_several_interfaces_is_not_guessed_at() -> None:
    said = answer(interface("bond0"), interface("eth0"))
    assert nic_counters(said, {MAC: "hostdev0"}) == ()


def test_what_the_agent_does_not_count_is_not_there() -> None:
    """As an interface without an IP address has none, in qemu-ga 7.2."""
    without = {"name": "eth0", "hardware-address": MAC}
    assert nic_counters(answer(without), {MAC: "hostdev0"}) == ()
    some = interface(statistics={"rx-bytes": 7, "tx-bytes": -1, "rx-errs": "3", "tx-errs": True})
    huge = interface(statistics={"rx-bytes": 2**64})
    assert nic_counters(answer(some), {MAC: "x"}) == (NicCounters("x", rx_bytes=7),)
    assert nic_counters(answer(huge), {MAC: "x"}) == (NicCounters("x"),)


@pytest.mark.parametrize(
    "said",
    ["", "{", "[]", "null", '{"return": 5}', '{"return": [null, 5, []]}', "[" * 100_000],
)
def test_nonsense_is_no_figures(said: str) -> None:
    assert nic_counters(said, {MAC: "hostdev0"}) == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.just(MAC),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*interface(), *COUNTS]), inner, max_size=4)
    ),
)


@given(st.lists(JSON, max_size=4))
def test_whatever_is_answered_counters_are_counters(said: list[object]) -> None:
    for found in nic_counters(json.dumps({"return": said}), {MAC: "hostdev0"}):
        assert found.name == "hostdev0"
        assert all(count is None or 0 <= count < 2**64 for count in found[1:])


class World:
    """Agents with a lane that is worked off by hand, and a clock that the test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, one: Guest) -> None:
        self.now = 1000.0
        self.guest = one
        self.asked: list[str] = []
        self.os: dict[str, str] | None = {"os.id": "debian", "os.version-id": "12"}
        self.said: str | None = answer(interface())
        self.heard: list[tuple[str, int | None, str]] = []
        self.overdue: list[Callable[[], None]] = []
        self._jobs: list[Callable[[], None]] = []
        self._results: list[Callable[[], None]] = []
        monkeypatch.setattr(agent, "time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(libvirt_qemu, "qemuAgentCommand", self._command)
        self.agents = Agents(
            cast("Any", None),
            lane=cast("Any", self),
            spares=cast("Any", self),
            inbox=cast("Any", SimpleNamespace(post=self._results.append)),
            roster=cast("Any", self),
        )

    # As lane:

    def submit(
        self, run: Callable[[], Any], *, deadline: float, late: Callable[[str], Any]
    ) -> Future[Any]:
        future: Future[Any] = Future()
        self._jobs.append(lambda: future.set_result(run()))
        self.overdue.append(lambda: future.set_result(late("no answer")))
        return future

    # As spares, connection and domain:

    @contextmanager
    def borrow(self, _link: object) -> Iterator[World]:
        yield self

    def lookupByUUIDString(self, _uuid: str) -> World:  # noqa: N802 - libvirt's name
        return self

    def guestInfo(self, types: int, _flags: int) -> dict[str, str]:  # noqa: N802 - libvirt's name
        assert types == libvirt.VIR_DOMAIN_GUEST_INFO_OS
        self.asked.append("os")
        if self.os is None:
            raise libvirt.libvirtError("not responding")
        return self.os

    def _command(self, _domain: object, command: str, _timeout: int, _flags: int) -> str:
        self.asked.append(json.loads(command)["execute"])
        if self.said is None:
            raise libvirt.libvirtError("not responding")
        return self.said

    # As roster:

    @property
    def guests(self) -> dict[str, Guest]:
        return {UUID: self.guest}

    def active(self) -> list[str]:
        return [UUID] if self.guest.state.active else []

    def saw_agent_os(self, uuid: str, number: int | None, words: str) -> None:
        self.heard.append((uuid, number, words))

    def tick(self, seconds: float = 1.0, *, figures: bool = False, viewed: bool = True) -> None:
        """Let time pass, and have what is due asked and answered."""
        self.now += seconds
        self.agents.tick(frozenset({UUID} if viewed else ()), figures=figures)
        self.answer()

    def answer(self) -> None:
        for work in (self._jobs, self._results):
            while work:
                work.pop(0)()

    def hang(self) -> None:
        """What was asked never comes back."""
        self._jobs.clear()
        self.answer()

    def figures(self) -> AgentFigures | None:
        return self.agents.figures([UUID]).get(UUID)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch, guest(nic()))


NETWORK = "guest-network-get-interfaces"


def test_the_os_is_asked_once_each_time_that_an_agent_comes_up(world: World) -> None:
    for _ in range(3):
        world.tick(100, viewed=False)
    assert world.heard == [(UUID, 1, "debian 12")]
    up, world.guest = world.guest, guest(connected=False)
    world.tick()
    world.guest = up
    world.tick()
    world.tick()
    assert world.asked == ["os", "os"]
    world.guest = up._replace(domain_id=2)
    world.tick()
    assert world.heard[-1] == (UUID, 2, "debian 12")
    assert len(world.asked) == 3


@pytest.mark.parametrize(
    "silent",
    [
        guest(connected=False),
        guest(state=GuestState.PAUSED),
        guest(state=GuestState.OFF),
        guest(details=None),
    ],
)
def test_who_cannot_answer_is_not_asked(monkeypatch: pytest.MonkeyPatch, silent: Guest) -> None:
    world = World(monkeypatch, silent)
    world.tick(figures=True)
    assert world.asked == []


def test_an_agent_that_does_not_answer_is_left_alone_for_a_while(world: World) -> None:
    world.os = None
    for _ in range(10):
        world.tick()
    assert (world.asked, world.heard) == (["os"], [])
    world.os = {"os.id": "alpine"}
    world.tick(agent.AGAIN_AFTER)
    assert world.heard == [(UUID, 1, "alpine")]


def test_one_question_at_a_time_and_a_lost_one_is_asked_again(world: World) -> None:
    world.agents.tick(frozenset(), figures=False)
    world.agents.tick(frozenset({UUID}), figures=True)
    assert len(world.overdue) == 1
    world.overdue.pop()()
    world.hang()
    assert world.asked == []
    world.tick(agent.AGAIN_AFTER)
    assert world.asked == ["os"]


def test_figures_only_while_asked_for_and_in_view(world: World) -> None:
    world.tick()
    world.tick(10, figures=True, viewed=False)
    assert world.asked == ["os"]
    world.tick(figures=True)
    assert world.asked == ["os", NETWORK]
    assert world.figures() == AgentFigures(world.now, (FIGURES,))
    for _ in range(4):
        world.tick(figures=True)
    assert world.asked == ["os", NETWORK]
    world.tick(figures=True)
    assert world.asked == ["os", NETWORK, NETWORK]
    world.tick(10)
    assert world.asked == ["os", NETWORK, NETWORK]


def test_a_guest_without_such_a_device_is_never_sent_a_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(monkeypatch, guest(nic("vnet0", cls=DeviceClass.PARAVIRTUAL, counted=True)))
    for _ in range(20):
        world.tick(figures=True)
    assert world.asked == ["os"]


def test_figures_grow_old_and_go_with_the_agent(world: World) -> None:
    world.tick(figures=True)
    at = world.now
    world.said = None
    world.tick(agent.FIGURES_EVERY, figures=True)
    assert world.figures() == AgentFigures(at, (FIGURES,)), "one answer that did not come"
    world.now = at + agent.FIGURES_LAST + 0.1
    assert world.figures() is None
    world.said = answer(interface())
    world.tick(agent.AGAIN_AFTER, figures=True)
    assert world.figures() is not None
    world.guest = guest(nic(), connected=False)
    world.tick(figures=True)
    assert world.figures() is None


def test_after_the_end_nothing_is_asked(world: World) -> None:
    world.agents.tick(frozenset({UUID}), figures=True)
    world.agents.end()
    world.answer()
    assert world.asked == []
