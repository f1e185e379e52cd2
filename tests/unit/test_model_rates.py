"""Rates between two samples: never negative, never invented, None where nothing is known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuivm.model.meter import GuestMeter
from tuivm.model.rates import (
    CostRates,
    DiskRates,
    GuestRates,
    MemoryRates,
    MemorySource,
    ThreadRates,
    VcpuRates,
)
from tuivm.model.ratesteps import cost_rates, disk_rates, memory_rates, vcpu_rates
from tuivm.model.samples import (
    AgentFigures,
    BalloonFigures,
    DiskCounters,
    GuestSample,
    HostCost,
    NicCounters,
    ThreadCounters,
    ThreadRole,
    VcpuCounters,
)

OLD = GuestSample(
    at=100.0,
    cpu_ns=10_000_000_000,
    disks=(DiskCounters("vda", rd_bytes=1000, rd_reqs=10, rd_ns=5000, wr_bytes=0, wr_reqs=0),),
    nics=(NicCounters("vnet0", rx_bytes=100, tx_bytes=200, rx_errs=1, tx_errs=2, rx_drop=0),),
)
NEW = GuestSample(
    at=102.0,
    cpu_ns=13_000_000_000,
    disks=(DiskCounters("vda", rd_bytes=5000, rd_reqs=30, rd_ns=45000, wr_bytes=0, wr_reqs=0),),
    nics=(NicCounters("vnet0", rx_bytes=1100, tx_bytes=200, rx_errs=3, tx_errs=2, rx_drop=4),),
)


def guest_rates(older: GuestSample | None, newer: GuestSample) -> GuestRates:
    meter = GuestMeter()
    if older is not None:
        meter.add(older)
    return meter.add(newer)


def test_rates_are_per_second() -> None:
    rates = guest_rates(OLD, NEW)
    assert (rates.at, rates.seconds) == (102.0, 2.0)
    assert rates.cpu == 1.5
    assert rates.disks is not None
    assert rates.nics is not None
    disk, nic = rates.disks[0], rates.nics[0]
    assert (disk.rd_bytes, disk.rd_reqs, disk.wr_bytes) == (2000.0, 10.0, 0.0)
    assert disk.rd_latency_ns == 2000.0
    assert (nic.rx_bytes, nic.tx_bytes, nic.errs, nic.drops) == (500.0, 0.0, 1.0, 2.0)
    assert (rates.disk_read, rates.disk_write) == (2000.0, 0.0)
    assert (rates.net_rx, rates.net_tx) == (500.0, 0.0)


def test_no_request_means_no_latency_rather_than_a_fast_one() -> None:
    rates = guest_rates(OLD, NEW)
    assert rates.disks is not None
    assert rates.disks[0].wr_latency_ns is None


def test_the_first_sample_has_no_rates() -> None:
    rates = guest_rates(None, NEW)
    assert rates == GuestRates(at=102.0, seconds=0.0)
    assert rates.disk_read is None


@pytest.mark.parametrize("at", [100.0, 99.0])
def test_time_that_does_not_pass_gives_no_rates(at: float) -> None:
    rates = guest_rates(OLD, NEW._replace(at=at))
    assert (rates.cpu, rates.disks, rates.seconds) == (None, None, 0.0)


def test_a_group_that_was_not_asked_for_is_not_a_zero() -> None:
    rates = guest_rates(OLD, NEW._replace(disks=None, nics=None, cpu_ns=None))
    assert (rates.cpu, rates.disks, rates.nics) == (None, None, None)
    assert (rates.disk_read, rates.net_tx) == (None, None)


def test_a_guest_without_disks_has_none() -> None:
    assert guest_rates(OLD, NEW._replace(disks=())).disks == ()


def test_a_device_that_came_between_has_no_rate_yet() -> None:
    new = NEW._replace(disks=(*NEW.disks, DiskCounters("vdb", rd_bytes=9**9)))  # type: ignore[misc]
    rates = guest_rates(OLD, new)
    assert rates.disks is not None
    assert rates.disks[1] == DiskRates("vdb")
    assert rates.disk_read == 2000.0


def test_devices_are_joined_by_name_and_not_by_place() -> None:
    other = DiskCounters("vdb", rd_bytes=0)
    old = OLD._replace(disks=(*OLD.disks, other))  # type: ignore[misc]
    new = NEW._replace(disks=(DiskCounters("vdb", rd_bytes=20), *NEW.disks))  # type: ignore[misc]
    rates = guest_rates(old, new)
    assert rates.disks is not None
    assert [(disk.name, disk.rd_bytes) for disk in rates.disks] == [("vdb", 10.0), ("vda", 2000.0)]


@pytest.mark.parametrize(
    ("balloon", "used", "total", "source"),
    [
        (None, None, None, None),
        (BalloonFigures(), None, None, None),
        (BalloonFigures(current=1024), None, 1024, None),
        (BalloonFigures(maximum=2048), None, 2048, None),
        (BalloonFigures(current=1024, rss=300), 300, 1024, MemorySource.RSS),
        (BalloonFigures(current=1024, rss=300, available=1000), 300, 1024, MemorySource.RSS),
        (
            BalloonFigures(current=1024, rss=300, available=1000, unused=600),
            400,
            1000,
            MemorySource.GUEST,
        ),
        (BalloonFigures(available=1000, unused=1001), 0, 1000, MemorySource.GUEST),
        (BalloonFigures(available=1000, unused=0), 1000, 1000, MemorySource.GUEST),
    ],
)
def test_memory_in_use(
    balloon: BalloonFigures | None,
    used: int | None,
    total: int | None,
    source: MemorySource | None,
) -> None:
    rates = guest_rates(None, GuestSample(1.0, balloon=balloon))
    assert (rates.memory_kib, rates.memory_total_kib, rates.memory_source) == (used, total, source)


def vcpu_thread(cpu_ns: int, guest_ns: int | None) -> ThreadCounters:
    return ThreadCounters(11, ThreadRole.VCPU, "vCPU 0", cpu_ns, guest_ns)


KVM = vcpu_thread(5_000, 4_000)


def test_a_disk_has_flushes_errors_and_sizes() -> None:
    old = DiskCounters("vda", fl_reqs=1, fl_ns=100, errors=0, allocation=9, capacity=10)
    new = DiskCounters("vda", fl_reqs=5, fl_ns=900, errors=1, allocation=7, capacity=10, physical=8)
    rates = disk_rates((old,), (new,), 2.0)
    assert rates == (
        DiskRates(
            "vda",
            fl_reqs=2.0,
            fl_latency_ns=200.0,
            errors=0.5,
            allocation=7,
            capacity=10,
            physical=8,
        ),
    )


def test_the_size_of_a_disk_needs_no_older_sample() -> None:
    assert disk_rates((), (DiskCounters("vdb", rd_bytes=7, capacity=10),), 1.0) == (
        DiskRates("vdb", capacity=10),
    )


def test_one_counter_that_went_backwards_spoils_all_of_its_device() -> None:
    """A new disk of that name served 2 requests in 2 ms: not 1 request more, in all that time."""
    old = DiskCounters("vda", rd_reqs=1, rd_ns=10, wr_bytes=5000)
    new = DiskCounters("vda", rd_reqs=2, rd_ns=2_000_000, wr_bytes=0, capacity=10)
    other = (DiskCounters("vdb", rd_reqs=0), DiskCounters("vdb", rd_reqs=3))
    assert disk_rates((old, other[0]), (new, other[1]), 1.0) == (
        DiskRates("vda", capacity=10),
        DiskRates("vdb", rd_reqs=3.0),
    )


def test_what_a_guest_swaps_is_in_bytes() -> None:
    old = BalloonFigures(current=10, swap_in=100, swap_out=0, major_faults=3, minor_faults=10)
    new = BalloonFigures(current=9, swap_in=104, swap_out=0, major_faults=5, minor_faults=None)
    assert memory_rates(old, new, 2.0)[3] == MemoryRates(
        current=9, swap_in=2048.0, swap_out=0.0, major_faults=1.0
    )


def test_a_rebooted_guest_counts_its_faults_anew() -> None:
    old = BalloonFigures(rss=5, swap_in=0, major_faults=300)
    new = BalloonFigures(rss=6, swap_in=7, major_faults=20)
    assert memory_rates(old, new, 1.0)[3] == MemoryRates(rss=6)


def test_vcpus_are_shares_of_the_interval_and_exits_are_per_second() -> None:
    old = VcpuCounters(0, time_ns=0, wait_ns=10, delay_ns=0, exits={"exits": 10, "gone": 1})
    new = VcpuCounters(
        0,
        time_ns=1_000_000_000,
        wait_ns=10,
        delay_ns=500_000_000,
        halted=True,
        exits={"exits": 110, "new": 5},
    )
    assert vcpu_rates((old,), (new,), 2.0) == (
        VcpuRates(0, cpu=0.5, wait=0.0, delay=0.25, halted=True, exits={"exits": 50.0}),
    )


def test_a_vcpu_is_busy_all_the_time_at_most() -> None:
    rates = vcpu_rates((VcpuCounters(0, time_ns=0),), (VcpuCounters(0, time_ns=1_004_000_000),), 1)
    assert rates == (VcpuRates(0, cpu=1.0),)


def test_a_vcpu_plugged_in_has_no_rates_yet_and_one_plugged_in_again_neither() -> None:
    old = (VcpuCounters(0, time_ns=10, exits={"exits": 1}), VcpuCounters(1, time_ns=10**9))
    new = (
        VcpuCounters(0, time_ns=10, exits={"exits": 4}),
        VcpuCounters(1, time_ns=5, exits={"exits": 7}),
        VcpuCounters(2, time_ns=10**9, exits={"exits": 10**9}),
    )
    rates = vcpu_rates(old, new, 1.0)
    assert rates == (VcpuRates(0, cpu=0.0, exits={"exits": 3.0}), VcpuRates(1), VcpuRates(2))
    assert GuestRates(1.0, 1.0, vcpus=rates).exits == {"exits": 3.0}


def test_what_the_vmm_uses_is_what_is_not_the_guests_own() -> None:
    old = HostCost(
        10.0,
        (
            vcpu_thread(0, 0),
            ThreadCounters(1, ThreadRole.MAIN, "main loop", 10**9),
            ThreadCounters(7, ThreadRole.WORKER, "worker", 10**9),
        ),
        {"0000:01:00.0": 100, "0000:02:00.0": 100},
    )
    new = HostCost(
        12.0,
        (
            ThreadCounters(1, ThreadRole.MAIN, "main loop", 2 * 10**9),
            vcpu_thread(2 * 10**9, 15 * 10**8),
            ThreadCounters(8, ThreadRole.WORKER, "worker", 9 * 10**9),
        ),
        {"0000:01:00.0": 300, "0000:02:00.0": 3, "0000:03:00.0": 5},
    )
    assert cost_rates(old, new, 2.0) == CostRates(
        span=2.0,
        threads=(
            ThreadRates(ThreadRole.VCPU, "vCPU 0", cpu=1.0, vmm=0.25),
            ThreadRates(ThreadRole.MAIN, "main loop", cpu=0.5, vmm=0.5),
        ),
        vmm=0.75,
        interrupts={"0000:01:00.0": 100.0},
    )


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (vcpu_thread(5_000, None), vcpu_thread(6_000, None), None),
        (KVM, vcpu_thread(6_000, 5_500), 0.0),
        (ThreadCounters(11, ThreadRole.IOTHREAD, "vCPU 0", 5_000), KVM, "gone"),
        (KVM, vcpu_thread(4_000, 4_000), "gone"),
        (ThreadCounters(11, ThreadRole.VCPU, "vCPU 3", 5_000, 4_000), KVM, "gone"),
    ],
)
def test_a_thread_that_cannot_be_told_from_the_guest(
    before: ThreadCounters, now: ThreadCounters, expected: float | str | None
) -> None:
    rates = cost_rates(HostCost(0.0, (before,)), HostCost(1.0, (now,)), 1.0)
    assert rates is not None
    assert [thread.vmm for thread in rates.threads] == ([] if expected == "gone" else [expected])
    assert rates.vmm == (None if expected == "gone" else expected)


def test_a_process_that_was_not_found_costs_nothing_known() -> None:
    rates = cost_rates(HostCost(0.0, None, {"a": 1}), HostCost(1.0, (KVM,), {"a": 3}), 1.0)
    assert rates == CostRates(1.0, interrupts={"a": 2.0})


COUNTS = st.none() | st.integers(0, 2**64)
EXITS = st.dictionaries(st.sampled_from(["exits", "io_exits"]), st.integers(0, 2**64))
DISKS = st.builds(DiskCounters, st.sampled_from(["vda", "sda"]), *[COUNTS] * 12)
NICS = st.builds(NicCounters, st.sampled_from(["vnet0", "vnet1"]), *[COUNTS] * 8)
VCPUS = st.builds(
    VcpuCounters,
    st.integers(0, 1),
    time_ns=COUNTS,
    wait_ns=COUNTS,
    delay_ns=COUNTS,
    halted=st.none() | st.booleans(),
    exits=EXITS,
)
THREADS = st.builds(
    ThreadCounters,
    st.integers(0, 2),
    st.sampled_from(ThreadRole),
    st.just("thread"),
    st.integers(0, 2**64),
    COUNTS,
)
COSTS = st.builds(
    HostCost,
    st.floats(0, 1e6),
    st.none() | st.lists(THREADS, max_size=3, unique_by=lambda one: one.tid).map(tuple),
    EXITS,
)
SAMPLES = st.builds(
    GuestSample,
    at=st.floats(0, 1e6),
    cpu_ns=COUNTS,
    balloon=st.none() | st.builds(BalloonFigures, *[COUNTS] * 10),
    vcpus=st.none() | st.lists(VCPUS, max_size=2, unique_by=lambda one: one.number).map(tuple),
    disks=st.none() | st.lists(DISKS, max_size=2, unique_by=lambda disk: disk.name).map(tuple),
    nics=st.none() | st.lists(NICS, max_size=2, unique_by=lambda nic: nic.name).map(tuple),
    cost=st.none() | COSTS,
    agent=st.none()
    | st.builds(
        AgentFigures,
        st.floats(0, 1e6),
        st.lists(NICS, max_size=2, unique_by=lambda nic: nic.name).map(tuple),
    ),
)
LEVELS = {"allocation", "capacity", "physical", "halted", "number"}


def measured(rates: GuestRates) -> list[float]:
    """All that is a rate, a share or a latency."""
    found = [rates.cpu, *rates.exits.values()]
    parts = [*(rates.disks or ()), *(rates.nics or ()), *(rates.vcpus or ())]
    parts += rates.agent.nics if rates.agent else ()
    for part in parts:
        names = type(part).__annotations__.keys() - LEVELS
        values = [getattr(part, name) for name in names]
        found += [value for value in values if isinstance(value, float)]
    if memory := rates.memory:
        found += [memory.swap_in, memory.swap_out, memory.major_faults, memory.minor_faults]
    if cost := rates.cost:
        found += [cost.vmm, *cost.interrupts.values()]
        found += [value for thread in cost.threads for value in (thread.cpu, thread.vmm)]
    return [value for value in found if value is not None]


def spans(rates: GuestRates) -> list[float]:
    names = [name for name in GuestRates.__annotations__ if name.endswith("_span")]
    return [getattr(rates, name) for name in names]


@given(st.lists(SAMPLES, min_size=1, max_size=5))
def test_rates_are_never_negative(samples: list[GuestSample]) -> None:
    meter = GuestMeter()
    for sample in samples:
        rates = meter.add(sample)
        assert all(value >= 0 for value in measured(rates))
        assert all(span >= 0 for span in spans(rates))
        assert all(0 <= s <= 1 for v in rates.vcpus or () for s in (v.cpu or 0, v.wait or 0))


@given(st.integers(1, 2**63), st.integers(0, 2**63))
def test_a_counter_that_went_backwards_is_a_gap(step: int, low: int) -> None:
    def counted(at: float, count: int) -> GuestSample:
        return GuestSample(
            at,
            balloon=BalloonFigures(rss=1, swap_in=count, major_faults=count),
            vcpus=(VcpuCounters(0, None, count, count, count, exits={"exits": count}),),
            disks=(DiskCounters("vda", *[count] * 9),),
            nics=(NicCounters("vnet0", *[count] * 8),),
            cost=HostCost(at, (vcpu_thread(count, 0),), {"01:00.0": count}),
            agent=AgentFigures(at, (NicCounters("hostdev0", *[count] * 8),)),
        )

    assert measured(guest_rates(counted(0.0, low + step), counted(1.0, low))) == []
    same = guest_rates(counted(0.0, low), counted(1.0, low))
    assert set(measured(same)) == {0.0}


def truth_and_reset() -> st.SearchStrategy[list[tuple[int, int, bool, bool]]]:
    """Ticks: bytes done, requests done, whether the counters began anew before, whether seen."""
    tick = st.tuples(st.integers(0, 2**40), st.integers(0, 2**20), st.booleans(), st.booleans())
    return st.lists(tick, min_size=2, max_size=12)


@given(truth_and_reset())
def test_no_rate_is_higher_than_what_was_really_done(
    ticks: list[tuple[int, int, bool, bool]],
) -> None:
    """Whatever is restarted and whatever is missing: no more than all that was done in between."""
    meter = GuestMeter()
    read = reqs = 0
    done_since: list[tuple[int, int]] = []
    for second, (more, requests, reset, seen) in enumerate(ticks):
        read, reqs = (more, requests) if reset else (read + more, reqs + requests)
        done_since.append((more, requests))
        disks = (DiskCounters("vda", rd_bytes=read, rd_reqs=reqs),) if seen else None
        rates = meter.add(GuestSample(float(second), cpu_ns=second, disks=disks))
        if not seen:
            assert rates.disk_span == 0
            continue
        disk = rates.disks[0] if rates.disks else DiskRates("vda")
        if disk.rd_bytes is not None:
            assert rates.disk_span == len(done_since)
            assert disk.rd_bytes <= sum(one for one, _ in done_since) / rates.disk_span + 1e-6
            assert disk.rd_reqs is not None
            assert disk.rd_reqs <= sum(one for _, one in done_since) / rates.disk_span + 1e-6
        done_since.clear()
