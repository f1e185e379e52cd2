"""What rates leave behind in the history: under which ids, over which time, and what never."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.simguest import SimGuest
from tests.support.simhost import LEGACY, VIRTIO
from tuivm.model.devices import Device, DeviceClass, DeviceKind
from tuivm.model.guests import Guest, GuestDetails, GuestKey, GuestStack, GuestState
from tuivm.model.history import History, SeriesKey
from tuivm.model.hosts import HostSpec, HostState
from tuivm.model.meter import GuestMeter
from tuivm.model.metrics import BY_ID, Subject
from tuivm.model.rates import (
    AgentRates,
    CostRates,
    DiskRates,
    GuestRates,
    MemoryRates,
    NicRates,
    ThreadRates,
    VcpuRates,
)
from tuivm.model.recording import Recorder
from tuivm.model.samples import DiskCounters, GuestSample, NicCounters, ThreadRole
from tuivm.model.snapshot import HostSnapshot
from tuivm.model.store import GuestView, Store

UUID = "0b6c8e1e-4a77-4e2c-9b1c-2a2f6b8c9d10"
KEY = GuestKey("local", UUID)
VF = Device(DeviceKind.HOSTDEV, DeviceClass.PHYSICAL, "vfio-pci", "hostdev0", source="0000:01:00.0")
MB = 1024.0 * 1024
NEVER = float("-inf")
CLOSE = 1e-3


def guest(devices: tuple[Device, ...] = VIRTIO, virt_type: str = "kvm", number: int = 1) -> Guest:
    details = GuestDetails(vcpus=2, stack=GuestStack(virt_type), devices=devices)
    return Guest(KEY, "web", GuestState.RUNNING, domain_id=number, details=details)


def rates(**fields: Any) -> GuestRates:
    return GuestRates(100.0, 1.0, **fields)


def recorded(made: GuestRates, metrics: str = "", **about: Any) -> Any:
    """What is in the history at the time of the rates, as "metric" or "metric device".

    About, since a series keeps its values densely; of the metrics that begin so.
    """
    history = History()
    Recorder(history).record(GuestView(guest(**about), made), NEVER)
    found = newest(history, made.at)
    chosen = {name: value for name, value in found.items() if name.startswith(metrics)}
    return pytest.approx(chosen, rel=CLOSE)


def newest(history: History, at: float) -> dict[str, float]:
    found = {}
    for key in list(history.keys()):
        value = history.latest(key, at, 0.0)
        if value is not None:
            found[f"{key.metric} {key.device}".strip()] = value
    return found


def seconds(history: History, key: SeriesKey, end: float, count: int) -> list[bool]:
    return [bucket.mean == bucket.mean for bucket in history.buckets(key, end, 1.0, count)]


def test_disks_and_nics() -> None:
    disk = DiskRates("vda", 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 0.0, 10, 11, 12)
    nic = NicRates("vnet0", 1.0, 2.0, 3.0, 4.0, None, 6.0)
    made = rates(disks=(disk,), nics=(nic,), disk_span=1.0, nic_span=1.0)
    assert recorded(made) == {
        "disk.read vda": 1.0,
        "disk.write vda": 2.0,
        "disk.reads vda": 3.0,
        "disk.writes vda": 4.0,
        "disk.flushes vda": 5.0,
        "disk.read_ns vda": 6.0,
        "disk.write_ns vda": 7.0,
        "disk.flush_ns vda": 8.0,
        "disk.errors vda": 0.0,
        "disk.allocation vda": 10.0,
        "disk.capacity vda": 11.0,
        "net.rx vnet0": 1.0,
        "net.tx vnet0": 2.0,
        "net.rx_pkts vnet0": 3.0,
        "net.tx_pkts vnet0": 4.0,
        "net.drops vnet0": 6.0,
    }


def test_memory_is_in_bytes() -> None:
    memory = MemoryRates(
        current=2048,
        rss=1024,
        available=1536,
        swap_in=1.0,
        swap_out=2.0,
        major_faults=3.0,
        minor_faults=4.0,
    )
    assert recorded(rates(memory_kib=512, memory=memory, memory_span=1.0)) == {
        "memory": MB / 2,
        "memory.balloon": 2 * MB,
        "memory.rss": MB,
        "memory.available": 1.5 * MB,
        "memory.swap_in": 1.0,
        "memory.swap_out": 2.0,
        "memory.major": 3.0,
        "memory.minor": 4.0,
    }


def test_vcpus_are_in_percent_and_exits_by_what_the_driver_reports() -> None:
    vcpus = (
        VcpuRates(0, cpu=0.5, wait=0.0, delay=0.25, halted=True, exits={"exits": 7.0}),
        VcpuRates(
            3, cpu=1.0, halted=False, exits={"exits": 3.0, "io_exits": 1.0, "l1d_flush": 9.0}
        ),
    )
    assert recorded(rates(vcpus=vcpus, vcpu_span=1.0, cpu=1.5, cpu_span=1.0)) == {
        "cpu": 75.0,
        "vcpu.cpu 0": 50.0,
        "vcpu.wait 0": 0.0,
        "vcpu.delay 0": 25.0,
        "vcpu.halted 0": 100.0,
        "vcpu.cpu 3": 100.0,
        "vcpu.halted 3": 0.0,
        "exits": 10.0,
        "exits.io": 1.0,
    }


def test_host_threads_are_summed_by_role_vcpus_and_io_threads_apart_too() -> None:
    threads = (
        ThreadRates(ThreadRole.VCPU, "vCPU 0", 0.5),
        ThreadRates(ThreadRole.VCPU, "vCPU 1", 0.25),
        ThreadRates(ThreadRole.MAIN, "main loop", 0.1, 0.1),
        ThreadRates(ThreadRole.IOTHREAD, "iothread1", 0.05, 0.05),
        ThreadRates(ThreadRole.WORKER, "worker", 0.01, 0.01),
        ThreadRates(ThreadRole.WORKER, "iou-wrk-1", 0.01, 0.01),
    )
    cost = CostRates(1.0, threads, interrupts={"0000:01:00.0": 5.0})
    assert recorded(rates(cost=cost, cost_span=1.0)) == {
        "host.cpu vCPU": 75.0,
        "host.cpu vCPU 0": 50.0,
        "host.cpu vCPU 1": 25.0,
        "host.cpu main loop": 10.0,
        "host.cpu I/O thread": 5.0,
        "host.cpu iothread1": 5.0,
        "host.cpu worker": 2.0,
        "irq 0000:01:00.0": 5.0,
    }


def test_what_an_agent_says_holds_until_it_answered() -> None:
    nic = NicRates("hostdev0", 10.0, 20.0, 3.0, 4.0, 5.0, 6.0)
    made = rates(agent=AgentRates(98.0, (nic,)), agent_span=3.0)
    history = History()
    recorder = Recorder(history)
    recorder.record(GuestView(guest(), made), NEVER)
    assert newest(history, 98.0) == pytest.approx(
        {
            "net.rx hostdev0": 10.0,
            "net.tx hostdev0": 20.0,
            "net.rx_pkts hostdev0": 3.0,
            "net.tx_pkts hostdev0": 4.0,
            "net.errors hostdev0": 5.0,
            "net.drops hostdev0": 6.0,
        },
        rel=CLOSE,
    )
    key = SeriesKey(KEY, "net.rx", "hostdev0")
    assert seconds(history, key, 100.0, 7) == [False, False, True, True, True, False, False]
    recorder.record(GuestView(guest(), made._replace(at=101.0, agent_span=0.0)), NEVER)
    assert seconds(history, key, 101.0, 3) == [False] * 3, "held over is not measured again"


def test_an_agents_figures_across_a_gap_are_not_kept() -> None:
    nic = NicRates("hostdev0", 10.0)
    history = History()
    made = rates(agent=AgentRates(98.0, (nic,)), agent_span=5.0)
    Recorder(history).record(GuestView(guest(), made), gap_at=95.0)
    assert list(history.keys()) == []


def test_what_an_agent_says_is_no_part_of_what_each_io_costs() -> None:
    nic = NicRates("hostdev0", rx_pkts=1e6, tx_pkts=1e6)
    made = doing_io(agent=AgentRates(100.0, (nic,)), agent_span=1.0)
    passed = Device(DeviceKind.NIC, DeviceClass.PHYSICAL, "vfio-pci", "hostdev0")
    assert per_io(made, (*VIRTIO, passed)) == newest_io(doing_io())


def newest_io(made: GuestRates) -> dict[str, float]:
    history = History()
    Recorder(history).record(GuestView(guest(), made), NEVER)
    return {name: value for name, value in newest(history, 100.0).items() if name[:3] == "io."}


def doing_io(**fields: Any) -> GuestRates:
    values: dict[str, Any] = {
        "disks": (DiskRates("vda", rd_reqs=50.0),),
        "nics": (NicRates("vnet0", rx_pkts=0.0),),
        "vcpus": (VcpuRates(0, exits={"io_exits": 100.0, "mmio_exits": 100.0}),),
        "cost": CostRates(1.0, vmm=0.5),
        **dict.fromkeys(("disk_span", "nic_span", "vcpu_span", "cost_span"), 1.0),
    }
    return rates(**{**values, **fields})


def per_io(made: GuestRates, devices: tuple[Device, ...] = VIRTIO) -> Any:
    return recorded(made, "io.", devices=devices)


def test_what_an_io_costs_belongs_to_the_class_that_did_it() -> None:
    assert per_io(doing_io()) == {"io.exits paravirtual": 4.0, "io.cpu paravirtual": 1e7}


def test_a_mix_is_marked() -> None:
    disks = (DiskRates("vda", rd_reqs=50.0), DiskRates("hda", rd_reqs=50.0))
    assert per_io(doing_io(disks=disks), (*VIRTIO, *LEGACY)) == {"io.mixed": 1.0}


def test_an_idle_guest_and_one_of_which_nothing_is_known_have_no_cost() -> None:
    assert per_io(doing_io(disks=(DiskRates("vda", rd_reqs=0.0),))) == {}
    assert per_io(doing_io(), devices=()) == {}
    assert per_io(doing_io(disks=None, nics=None)) == {}


def test_a_cost_measured_over_another_time_than_the_io_is_left_out() -> None:
    assert per_io(doing_io(vcpu_span=3.0)) == {"io.cpu paravirtual": 1e7}
    assert per_io(doing_io(cost_span=0.0)) == {"io.exits paravirtual": 4.0}
    assert per_io(doing_io(disk_span=0.0)) == {}
    nearly = {"io.exits paravirtual": 4.0, "io.cpu paravirtual": 1e7}
    assert per_io(doing_io(cost_span=1.005)) == nearly


def test_what_is_held_over_is_not_written_again() -> None:
    full = doing_io(memory=MemoryRates(rss=1), memory_kib=1)
    held = dict.fromkeys(("disk_span", "nic_span", "vcpu_span", "cost_span"), 0.0)
    assert recorded(doing_io(memory=full.memory, memory_kib=1, **held)) == {}


def test_the_first_sample_leaves_its_levels() -> None:
    first = GuestRates(100.0, 0.0, memory_kib=1024, memory=MemoryRates(rss=1024))
    assert recorded(first) == {"memory": MB, "memory.rss": MB}


def test_a_span_across_a_gap_leaves_only_the_levels_at_its_end() -> None:
    history = History()
    made = rates(
        disks=(DiskRates("vda", rd_bytes=1.0, allocation=5),),
        disk_span=30.0,
        memory_kib=1024,
        memory=MemoryRates(rss=1024, swap_in=1.0),
        memory_span=30.0,
    )
    Recorder(history).record(GuestView(guest(), made), gap_at=80.0)
    found = newest(history, 100.0)
    levels = {"disk.allocation vda": 5.0, "memory": MB, "memory.rss": MB}
    assert found == pytest.approx(levels, rel=CLOSE)
    assert seconds(history, SeriesKey(KEY, "memory"), 100.0, 30) == [False] * 29 + [True]


def test_a_forgotten_guest_begins_anew() -> None:
    history = History()
    recorder = Recorder(history)
    recorder.record(GuestView(guest(), doing_io()), NEVER)
    recorder.forget(KEY)
    assert list(history.keys()) == []
    recorder.record(GuestView(guest(), doing_io()), NEVER)
    assert newest(history, 100.0) != {}


def simulated(
    devices: tuple[Device, ...], virt_type: str = "kvm", ticks: int = 4
) -> tuple[Store, SimGuest]:
    store = Store()
    store.add_host(HostSpec("local", "qemu:///system"))
    sim = SimGuest(guest(devices, virt_type), random.Random(7))
    for second in range(ticks):
        tick(store, sim, 100.0 + second)
    return store, sim


def tick(store: Store, sim: SimGuest, at: float, **changes: Any) -> None:
    sim.step(1.0)
    values: dict[str, Any] = {
        "state": HostState.UP,
        "generation": 1,
        "guests": {UUID: sim.guest},
        "samples": {UUID: sim.sample(at, vcpus=True, cost=True)},
        **changes,
    }
    store.apply(HostSnapshot("local", at, **values))


def test_everything_that_is_measured_has_a_series_with_the_right_device() -> None:
    store, _ = simulated((*VIRTIO, VF))
    mixed, _ = simulated((*VIRTIO, *LEGACY))
    series = [*store.history.keys(), *mixed.history.keys()]
    series = [key for key in series if key.guest == KEY]
    subjects = {
        Subject.GUEST: {""},
        Subject.VCPU: {"0", "1"},
        Subject.DISK: {"vda", "hda"},
        Subject.NIC: {"vnet0", "vnet1"},
        Subject.ROLE: {"vCPU", "vCPU 0", "vCPU 1", "main loop", "worker"},
        Subject.CLASS: {"paravirtual"},
        Subject.HOSTDEV: {"0000:01:00.0"},
    }
    assert {key.metric for key in series} == BY_ID.keys()
    for key in series:
        assert key.device in subjects[BY_ID[key.metric].subject], key


def test_an_emulated_device_costs_more_than_a_paravirtual_one() -> None:
    costs = {}
    for cls, devices in (("paravirtual", VIRTIO), ("emulated", LEGACY)):
        found = newest(simulated(devices)[0].history, 103.0)
        costs[cls] = [found[f"{metric} {cls}"] for metric in ("io.exits", "io.cpu")]
    assert costs["emulated"][0] > 100 * costs["paravirtual"][0] > 0
    assert costs["emulated"][1] > 2 * costs["paravirtual"][1] > 0


def test_a_translated_guest_has_no_exits_but_all_the_rest() -> None:
    keys = list(simulated(VIRTIO, "qemu")[0].history.keys())
    found = {key.metric for key in keys}
    assert found.isdisjoint({"exits", "exits.io", "io.exits"})
    assert found >= {"vcpu.cpu", "host.cpu", "io.cpu", "disk.read_ns"}


def test_a_vcpu_plugged_in_begins_and_one_taken_out_ends() -> None:
    store, sim = simulated(VIRTIO, ticks=3)
    plugged, former = GuestDetails(vcpus=3, devices=VIRTIO), sim.guest
    sim.guest = Guest(KEY, "web", GuestState.RUNNING, domain_id=1, details=plugged)
    for at in (103.0, 104.0, 105.0):
        tick(store, sim, at)
    sim.guest = former
    tick(store, sim, 106.0)
    third = SeriesKey(KEY, "vcpu.cpu", "2")
    first = SeriesKey(KEY, "vcpu.cpu", "0")
    assert seconds(store.history, third, 106.0, 6) == [False, False, False, True, True, False]
    assert seconds(store.history, first, 106.0, 6) == [True] * 6


def test_a_disk_unplugged_ends_and_the_others_go_on() -> None:
    store, sim = simulated((*VIRTIO, *LEGACY), ticks=3)
    sim.guest = guest(VIRTIO)
    for at in (103.0, 104.0):
        tick(store, sim, at)
    gone = SeriesKey(KEY, "disk.read", "hda")
    stays = SeriesKey(KEY, "disk.read", "vda")
    assert seconds(store.history, gone, 104.0, 4) == [True, True, False, False]
    assert seconds(store.history, stays, 104.0, 4) == [True] * 4


@pytest.mark.parametrize("told_by", ["counters", "id"])
def test_a_restart_is_a_gap_in_every_series_and_they_go_on(told_by: str) -> None:
    store, sim = simulated(VIRTIO)
    before = set(store.history.keys())
    if told_by == "counters":
        sim.restart()
    else:
        sim.guest = guest(number=2)
    for at in (104.0, 105.0, 106.0):
        tick(store, sim, at)
    assert set(store.history.keys()) == before
    for key in before:
        level = BY_ID[key.metric].unit == "B" and BY_ID[key.metric].subject is Subject.GUEST
        assert seconds(store.history, key, 106.0, 5) == [True, True, level, True, True], key


def test_a_restarted_guest_shows_no_rate_of_the_one_before() -> None:
    store, sim = simulated(VIRTIO)
    sim.guest = guest(number=2)
    tick(store, sim, 104.0, samples={})
    assert store.guests[KEY].rates is None


def test_history_survives_a_lost_connection_with_a_gap() -> None:
    store, sim = simulated(VIRTIO)
    before = set(store.history.keys())
    for at in (110.0, 120.0):
        tick(store, sim, at, state=HostState.LOST, samples={})
    for at in (130.0, 131.0, 132.0):
        tick(store, sim, at, generation=2)
    key = SeriesKey(KEY, "disk.read", "vda")
    assert set(store.history.keys()) == before
    assert seconds(store.history, key, 132.0, 32) == [True] * 3 + [False] * 27 + [True] * 2
    assert seconds(store.history, SeriesKey(KEY, "io.exits", "paravirtual"), 132.0, 3) == [
        False,
        True,
        True,
    ]


COUNT = st.none() | st.integers(0, 2**48)
DISK = st.builds(DiskCounters, st.just("vda"), *[COUNT] * 12)
NIC = st.builds(NicCounters, st.just("vnet0"), *[COUNT] * 8)
TICK = st.tuples(
    st.integers(1, 30),
    st.none() | DISK,
    st.none() | NIC,
    st.sampled_from([NEVER, 100.0, 150.0]),
)


@given(st.lists(TICK, max_size=8))
def test_whatever_is_counted_nothing_negative_is_written_and_nothing_ahead_of_time(
    ticks: list[tuple[int, DiskCounters | None, NicCounters | None, float]],
) -> None:
    history, meter, at = History(), GuestMeter(), 100.0
    recorder = Recorder(history)
    for wait, disk, nic, gap_at in ticks:
        at += wait
        sample = GuestSample(
            at,
            cpu_ns=int(at),
            disks=None if disk is None else (disk,),
            nics=None if nic is None else (nic,),
        )
        recorder.record(GuestView(guest(), meter.add(sample)), gap_at)
    for key in list(history.keys()):
        values = [b for b in history.buckets(key, at + 10, 1.0, 260) if b.mean == b.mean]
        assert all(bucket.low >= 0 for bucket in values)
        assert seconds(history, key, at + 10, 10) == [False] * 10
