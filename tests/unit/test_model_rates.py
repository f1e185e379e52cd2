"""Rates between two samples: never negative, never invented, None where nothing is known."""

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuivm.model.rates import DiskRates, GuestRates, MemorySource, NicRates, guest_rates
from tuivm.model.samples import BalloonFigures, DiskCounters, GuestSample, NicCounters

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
    rates = guest_rates(OLD, replace(NEW, at=at))
    assert (rates.cpu, rates.disks, rates.seconds) == (None, None, 0.0)


def test_a_group_that_was_not_asked_for_is_not_a_zero() -> None:
    rates = guest_rates(OLD, replace(NEW, disks=None, nics=None, cpu_ns=None))
    assert (rates.cpu, rates.disks, rates.nics) == (None, None, None)
    assert (rates.disk_read, rates.net_tx) == (None, None)


def test_a_guest_without_disks_has_none() -> None:
    assert guest_rates(OLD, replace(NEW, disks=())).disks == ()


def test_a_device_that_came_between_has_no_rate_yet() -> None:
    new = replace(NEW, disks=(*NEW.disks, DiskCounters("vdb", rd_bytes=9**9)))  # type: ignore[misc]
    rates = guest_rates(OLD, new)
    assert rates.disks is not None
    assert rates.disks[1] == DiskRates("vdb")
    assert rates.disk_read == 2000.0


def test_devices_are_joined_by_name_and_not_by_place() -> None:
    other = DiskCounters("vdb", rd_bytes=0)
    old = replace(OLD, disks=(*OLD.disks, other))  # type: ignore[misc]
    new = replace(NEW, disks=(replace(other, rd_bytes=20), *NEW.disks))  # type: ignore[misc]
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
def test_memory_in_use(balloon, used, total, source) -> None:
    rates = guest_rates(None, GuestSample(1.0, balloon=balloon))
    assert (rates.memory_kib, rates.memory_total_kib, rates.memory_source) == (used, total, source)


COUNTS = st.none() | st.integers(0, 2**64)
DISKS = st.builds(DiskCounters, st.sampled_from(["vda", "sda"]), *[COUNTS] * 8)
NICS = st.builds(NicCounters, st.sampled_from(["vnet0", "vnet1"]), *[COUNTS] * 8)
SAMPLES = st.builds(
    GuestSample,
    at=st.floats(0, 1e6),
    cpu_ns=COUNTS,
    disks=st.none() | st.lists(DISKS, max_size=2, unique_by=lambda disk: disk.name).map(tuple),
    nics=st.none() | st.lists(NICS, max_size=2, unique_by=lambda nic: nic.name).map(tuple),
)


def figures(rates: GuestRates) -> list[float]:
    devices: list[DiskRates | NicRates] = [*(rates.disks or ()), *(rates.nics or ())]
    found = [rates.cpu, rates.disk_read, rates.disk_write, rates.net_rx, rates.net_tx]
    for device in devices:
        found += [getattr(device, f.name) for f in fields(device) if f.name != "name"]
    return [value for value in found if value is not None]


@given(st.none() | SAMPLES, SAMPLES)
def test_rates_are_never_negative(older: GuestSample | None, newer: GuestSample) -> None:
    assert all(value >= 0 for value in figures(guest_rates(older, newer)))


@given(st.integers(1, 2**63), st.integers(0, 2**63))
def test_a_counter_that_went_backwards_is_a_gap(step: int, low: int) -> None:
    old = GuestSample(
        0.0,
        cpu_ns=low + step,
        disks=(DiskCounters("vda", *[low + step] * 8),),
        nics=(NicCounters("vnet0", *[low + step] * 8),),
    )
    new = GuestSample(
        1.0,
        cpu_ns=low,
        disks=(DiskCounters("vda", *[low] * 8),),
        nics=(NicCounters("vnet0", *[low] * 8),),
    )
    assert figures(guest_rates(old, new)) == []
