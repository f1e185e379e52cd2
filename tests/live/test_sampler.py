"""Counters of real guests, and lists of many."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import libvirt
import pytest

from tests.support.guests import GuestFactory, disk_xml, guest_xml, sparse_file
from tests.support.rig import Rig, wait_until
from tests.support.watching import TIMEOUT, Watched
from tuivm.hypervisor.oneshot import survey
from tuivm.model.hosts import HostSpec, HostState
from tuivm.model.ports import Groups, View
from tuivm.model.requests import ForceOff, Start
from tuivm.model.snapshot import HostSnapshot

NICS = "<interface type='user'/><interface type='ethernet'><target dev='tap-tuivm'/></interface>"


@pytest.fixture
def many_uri(tmp_path: Path) -> str:
    """A test driver with 1,000 guests, of which every tenth runs."""
    domains = "".join(
        f"<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>"
        f"<name>guest-{number:04}</name><memory>8192</memory><vcpu>2</vcpu>"
        f"<os><type>hvm</type></os><test:runstate>{1 if number % 10 == 0 else 5}</test:runstate>"
        "</domain>"
        for number in range(1000)
    )
    path = tmp_path / "many.xml"
    path.write_text(f"<node>{domains}</node>")
    return f"test://{path}"


@pytest.fixture
def closing() -> Iterator[list[Watched]]:
    started: list[Watched] = []
    yield started
    for one in started:
        one.close()


def test_counters_of_a_running_guest(
    rig: Rig, guest_factory: GuestFactory, closing: list[Watched], tmp_path: Path
) -> None:
    disk = disk_xml(sparse_file(rig.state / "lib/d.raw"))
    empty = "<disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk>"
    uuid = guest_factory.start(
        guest_xml("busy", machine="q35", vcpus=2, devices=disk + empty + NICS), paused=False
    )
    off = guest_factory.define(guest_xml("off"))
    view = View(guests=frozenset({uuid, off}), groups=Groups.LIST | Groups.VCPU)
    seen = Watched(rig.uri, view=view)
    closing.append(seen)
    first = seen.wait(lambda s: uuid in s.samples, "a sample").samples[uuid]
    assert first.disks is not None
    assert {"vda", "sda"} >= {one.name for one in first.disks} >= {"vda"}
    vda = next(one for one in first.disks if one.name == "vda")
    assert vda.rd_bytes is not None
    assert vda.capacity == 1024 * 1024
    assert first.nics is not None
    assert [nic.name for nic in first.nics] == ["tap-tuivm"], "user-mode networking has none"
    assert first.nics[0].rx_bytes is not None
    assert first.balloon is not None
    assert first.balloon.rss
    assert first.vcpus is not None
    assert [vcpu.number for vcpu in first.vcpus] == [0, 1]

    def went_on(cpu_ns: int | None) -> bool:
        return cpu_ns is not None and first.cpu_ns is not None and cpu_ns > first.cpu_ns

    later = seen.wait(
        lambda s: uuid in s.samples and went_on(s.samples[uuid].cpu_ns), "CPU time to pass"
    )
    assert later.samples[uuid].at > first.at
    assert all(off not in snapshot.samples for snapshot in seen.snapshots)


def test_groups_that_nobody_looks_at_are_not_asked_for(
    rig: Rig, guest_factory: GuestFactory, closing: list[Watched]
) -> None:
    uuid = guest_factory.start(guest_xml("quiet"))
    seen = Watched(rig.uri, view=View(groups=Groups.CPU))
    closing.append(seen)
    sample = seen.wait(lambda s: uuid in s.samples, "a sample").samples[uuid]
    assert sample.cpu_ns is not None
    assert (sample.disks, sample.nics, sample.vcpus) == (None, None, None)
    number = len(seen.snapshots)
    seen.host.watch(View(guests=frozenset({uuid}), groups=Groups.CPU | Groups.BLOCK))
    changed = seen.wait(
        lambda s: uuid in s.samples and s.samples[uuid].disks is not None,
        "the group to be asked for",
        since=number,
    )
    assert changed.samples[uuid].disks == ()


def test_the_start_of_a_guests_process_is_found(
    rig: Rig, guest_factory: GuestFactory, closing: list[Watched]
) -> None:
    before = time.time()
    uuid = guest_factory.start(guest_xml("timed"))
    seen = Watched(rig.uri)
    closing.append(seen)
    guest = seen.wait_guest(uuid, lambda g: g.started_at, "its start").guests[uuid]
    assert guest.started_at is not None
    # The kernel counts a process's start in ticks since boot; the clock may have been set since.
    assert abs(guest.started_at - before) < TIMEOUT
    seen.wait_guest(uuid, lambda g: g.accelerator == "tcg", "what QEMU really runs with")
    number = len(seen.snapshots)
    guest_factory.domain(uuid).destroy()
    gone = seen.wait(
        lambda s: s.guests[uuid].started_at is None, "the start to be forgotten", since=number
    )
    assert gone.guests[uuid].accelerator == ""


def test_each_tick_is_a_sign_of_life(rig: Rig, closing: list[Watched]) -> None:
    seen = Watched(rig.uri, interval=0.05)
    closing.append(seen)
    seen.wait(lambda s: seen.host.settled, "everything to be read")
    number = len(seen.snapshots)
    wait_until(lambda: len(seen.snapshots) > number + 3, 30, "snapshots without any news")
    guests = {id(snapshot.guests) for snapshot in seen.snapshots[number:]}
    assert len(guests) == 1


def test_a_thousand_guests(many_uri: str, closing: list[Watched]) -> None:
    seen = Watched(many_uri)
    closing.append(seen)
    first = seen.wait_up()
    assert len(first.guests) == 1000, "the list comes whole, before any XML is read"
    assert sum(guest.state.active for guest in first.guests.values()) == 100
    running = [uuid for uuid, guest in first.guests.items() if guest.state.active]
    seen.host.watch(View(guests=frozenset(running[:10])))
    seen.wait(
        lambda s: len(s.guests) == 1000 and all(g.details for g in s.guests.values()),
        "all details",
    )
    sampled: set[str] = set()

    def all_sampled(snapshot: HostSnapshot) -> bool:
        sampled.update(snapshot.samples)
        return sampled == set(running)

    seen.wait(all_sampled, "every running guest to have its turn")
    sample = seen.wait(lambda s: running[0] in s.samples, "a guest in view").samples[running[0]]
    assert sample.cpu_ns is not None
    assert sample.disks is None, "the test driver has no such counters: not available, not zero"


def test_actions_on_the_test_driver_show(many_uri: str, closing: list[Watched]) -> None:
    seen = Watched(many_uri, interval=3600.0)
    closing.append(seen)
    uuid = next(iter(seen.wait_up().guests))
    seen.wait(lambda s: s.load is not None, "the first tick")
    on = seen.guest(uuid).state.active
    request = ForceOff() if on else Start()
    assert seen.host.act(uuid, request).result(TIMEOUT).ok
    seen.wait_guest(uuid, lambda g: g.state.active is not on, "the effect")


def test_a_survey_of_several_hosts(
    rig: Rig, guest_factory: GuestFactory, many_uri: str, tmp_path: Path
) -> None:
    uuid = guest_factory.define(guest_xml("surveyed"))
    specs = [
        HostSpec("rig", rig.uri, interval=60.0),
        HostSpec("none", f"qemu+unix:///system?socket={tmp_path}/none"),
        HostSpec("many", many_uri),
    ]
    found = survey(specs, timeout=TIMEOUT)
    assert [spec for spec, _snapshot in found] == specs
    here, none, many = (snapshot for _spec, snapshot in found)
    assert here.state is HostState.UP
    assert here.problem is None
    assert here.guests[uuid].details is not None
    assert here.load is not None
    assert here.load.cpu_percent is not None
    assert none.state is HostState.FAILED
    assert none.problem is not None
    assert len(many.guests) == 1000
    assert all(guest.details for guest in many.guests.values())


def test_a_survey_of_a_silent_host_ends_in_time(fresh_rig: Rig) -> None:
    fresh_rig.pause()
    ((_spec, snapshot),) = survey([HostSpec("silent", fresh_rig.uri)], timeout=0.5)
    fresh_rig.resume()
    assert snapshot.state is HostState.LOST
    assert snapshot.problem is not None


def test_libvirt_still_lacks_what_is_worked_around(many_uri: str) -> None:
    """Should the test driver learn it, the test of the fallback above tests nothing any more."""
    records = libvirt.open(many_uri).getAllDomainStats(libvirt.VIR_DOMAIN_STATS_CPU_TOTAL)
    assert not any("cpu.time" in record for _domain, record in records)
