"""What real guests cost this machine, against what psutil counts of their processes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.appliance import MEMORY_MIB, appliance
from tests.support.guests import GuestFactory, disk_xml, guest_xml, sparse_file
from tests.support.rig import Rig
from tests.support.watching import Watched
from tuivm.hypervisor.process import guest_processes
from tuivm.model.ports import Groups, View
from tuivm.model.samples import HostCost, ThreadRole
from tuivm.model.snapshot import HostSnapshot

GROUPS = Groups.CPU | Groups.COST
ENOUGH = 3.0
"""Seconds of CPU time between two readings that are compared: what a helper of QEMU's that has
ended took, and the 10 ms that psutil counts in, are little of that."""


@pytest.fixture
def closing() -> Iterator[list[Watched]]:
    started: list[Watched] = []
    yield started
    for one in started:
        one.close()


def busy(rig: Rig, factory: GuestFactory, name: str, vcpus: int = 1) -> str:
    """A guest that computes and reads and writes its disk, which an I/O thread serves."""
    disk = disk_xml(sparse_file(rig.state / f"lib/{name}.raw", 16))
    disk = disk.replace("<driver ", "<driver iothread='1' ")
    xml = guest_xml(
        name,
        memory_mib=MEMORY_MIB,
        vcpus=vcpus,
        os=appliance().os_xml("disk,cpu"),
        more="<iothreads>1</iothreads>",
        devices=disk,
    )
    return factory.start(xml, paused=False)


def cost(snapshot: HostSnapshot, uuid: str) -> HostCost | None:
    sample = snapshot.samples.get(uuid)
    return None if sample is None else sample.cost


def role_ns(found: HostCost, role: ThreadRole) -> int:
    """CPU time of all threads of a role."""
    return sum(thread.cpu_ns for thread in found.threads or () if thread.role is role)


def total(found: HostCost) -> float:
    """CPU time of all threads, in seconds."""
    return sum(thread.cpu_ns for thread in found.threads or ()) / 1e9


def process_seconds(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def test_threads_of_a_busy_guest_by_role(
    rig: Rig, guest_factory: GuestFactory, closing: list[Watched]
) -> None:
    uuid = busy(rig, guest_factory, "costly", vcpus=2)
    seen = Watched(rig.uri, view=View(frozenset({uuid}), GROUPS))
    closing.append(seen)

    first = seen.wait(lambda s: cost(s, uuid), "its cost")
    before = cost(first, uuid)
    assert before is not None
    assert before.threads is not None
    assert before.interrupts == {}
    names = [thread.name for thread in before.threads if thread.role is ThreadRole.VCPU]
    assert sorted(names) == ["vCPU 0", "vCPU 1"]
    assert [t.name for t in before.threads if t.role is ThreadRole.IOTHREAD] == ["iothread1"]
    assert sum(thread.role is ThreadRole.MAIN for thread in before.threads) == 1
    assert {thread.guest_ns for thread in before.threads} == {None}, "TCG: nothing tells them apart"
    main = next(thread for thread in before.threads if thread.role is ThreadRole.MAIN)
    assert main.tid == guest_processes([uuid])[uuid].pid

    def all_went_on(snapshot: HostSnapshot) -> bool:
        now = cost(snapshot, uuid)
        return now is not None and all(
            role_ns(now, role) > role_ns(before, role)
            for role in (ThreadRole.VCPU, ThreadRole.MAIN, ThreadRole.IOTHREAD)
        )

    later = cost(seen.wait(all_went_on, "every role to take CPU time"), uuid)
    assert later is not None
    assert later.at > before.at


def test_the_names_mean_what_qemus_monitor_says(
    rig: Rig, guest_factory: GuestFactory, closing: list[Watched]
) -> None:
    uuid = busy(rig, guest_factory, "asked", vcpus=2)
    seen = Watched(rig.uri, view=View(frozenset({uuid}), GROUPS))
    closing.append(seen)
    found = cost(seen.wait(lambda s: cost(s, uuid), "its cost"), uuid)
    assert found is not None
    pid = guest_processes([uuid])[uuid].pid
    # Not those of its pool, which come and go.
    named = {
        thread.name: id_in_rig(pid, thread.tid)
        for thread in found.threads or ()
        if thread.role in (ThreadRole.VCPU, ThreadRole.IOTHREAD)
    }

    def ask(command: str) -> list[dict[str, Any]]:
        answer = rig.virsh("qemu-monitor-command", uuid, f'{{"execute":"{command}"}}')
        returned: list[dict[str, Any]] = json.loads(answer)["return"]
        return returned

    vcpus = {f"vCPU {cpu['cpu-index']}": cpu["thread-id"] for cpu in ask("query-cpus-fast")}
    # libvirt itself runs one for the monitor, which serves no device.
    iothreads = {
        one["id"]: one["thread-id"] for one in ask("query-iothreads") if one["id"] in named
    }
    assert set(vcpus) == {"vCPU 0", "vCPU 1"}
    assert set(iothreads) == {"iothread1"}
    expected = {**vcpus, **iothreads}
    assert {name: named[name] for name in expected} == expected


def id_in_rig(pid: int, tid: int) -> int:
    """The thread's id as QEMU sees it: the rig counts processes of its own."""
    status = Path(f"/proc/{pid}/task/{tid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("NSpid:"))
    return int(line.split()[-1])


def test_the_sum_is_the_processs_cpu_time(
    rig: Rig, guest_factory: GuestFactory, closing: list[Watched]
) -> None:
    uuid = busy(rig, guest_factory, "summed")
    pid = guest_processes([uuid])[uuid].pid
    seen = Watched(rig.uri, view=View(frozenset({uuid}), GROUPS))
    closing.append(seen)
    seen.wait(lambda s: cost(s, uuid), "its cost")

    def reading(least: float = 0.0) -> tuple[float, float, float]:
        """What psutil counts before and after a reading of at least so much, and that between."""
        before, asked = process_seconds(pid), time.monotonic()
        found = cost(
            seen.next(
                lambda s: (now := cost(s, uuid)) and now.at > asked and total(now) >= least,
                "a reading",
            ),
            uuid,
        )
        assert found is not None
        return before, total(found), process_seconds(pid)

    first_before, first, first_after = reading()
    reading(least=first + ENOUGH)
    last_before, last, last_after = reading()
    assert 0.95 * (last_before - first_after) <= last - first
    assert last - first <= 1.05 * (last_after - first_before)


def test_only_guests_in_view_and_only_when_asked(
    rig: Rig, guest_factory: GuestFactory, closing: list[Watched]
) -> None:
    one = guest_factory.start(guest_xml("viewed"))
    other = guest_factory.start(guest_xml("rotated"))
    seen = Watched(rig.uri, view=View(frozenset({one}), GROUPS))
    closing.append(seen)
    seen.wait(lambda s: cost(s, one), "its cost")
    number = len(seen.snapshots)
    seen.wait(lambda s: other in s.samples, "the other's turn", since=number)
    assert all(cost(snapshot, other) is None for snapshot in seen.snapshots)
    seen.host.watch(View(frozenset({one, other}), GROUPS))
    seen.wait(lambda s: cost(s, other), "the other's cost")
    seen.host.watch(View(frozenset({one, other}), Groups.CPU))
    seen.next(
        lambda s: one in s.samples and cost(s, one) is None, "samples without what nobody looks at"
    )


def test_a_guest_that_is_started_again_is_another_process(
    rig: Rig, guest_factory: GuestFactory, closing: list[Watched]
) -> None:
    uuid = guest_factory.start(guest_xml("again"))
    seen = Watched(rig.uri, view=View(frozenset({uuid}), GROUPS))
    closing.append(seen)

    def process_of(snapshot: HostSnapshot) -> int | None:
        found = cost(snapshot, uuid)
        main = (
            t.tid for t in (found.threads if found else None) or () if t.role is ThreadRole.MAIN
        )
        return next(main, None)

    first = process_of(seen.wait(process_of, "its process"))
    guest_factory.domain(uuid).destroy()
    guest_factory.domain(uuid).create()
    second = seen.wait(lambda s: process_of(s) not in (None, first), "its new process")
    assert process_of(second) == guest_processes([uuid])[uuid].pid


def test_what_runs_elsewhere_has_none(closing: list[Watched]) -> None:
    seen = Watched("test:///default")
    closing.append(seen)
    uuid = next(iter(seen.wait(lambda s: s.samples, "a sample").samples))
    seen.host.watch(View(frozenset({uuid}), GROUPS))
    number = len(seen.snapshots)

    seen.wait(
        lambda s: seen.host.settled and uuid in s.samples, "a sample of the new view", since=number
    )
    assert all(cost(snapshot, uuid) is None for snapshot in seen.snapshots)
