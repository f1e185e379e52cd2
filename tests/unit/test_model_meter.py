"""What is missing from a sample for a moment is bridged; what stays away is shown as missing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tuivm.model.meter import HOLD, GuestMeter
from tuivm.model.samples import BalloonFigures, DiskCounters, GuestSample, NicCounters


def sample(second: int) -> GuestSample:
    """1,000 bytes read, 10 bytes received and 0.1 s of CPU in each second."""
    return GuestSample(
        at=100.0 + second,
        cpu_ns=second * 10**8,
        balloon=BalloonFigures(current=2048, rss=1024 + second),
        disks=(DiskCounters("vda", rd_bytes=second * 1000),),
        nics=(NicCounters("vnet0", rx_bytes=second * 10),),
    )


def without_monitor(second: int) -> GuestSample:
    return replace(sample(second), disks=None, balloon=None)


def test_a_busy_monitor_does_not_make_the_row_flicker() -> None:
    meter = GuestMeter()
    meter.add(sample(0))
    shown = meter.add(sample(1))
    missing = meter.add(without_monitor(2))
    assert missing.disks == shown.disks
    assert missing.memory_kib == shown.memory_kib
    assert missing.disk_span == 0.0, "nothing new was measured"
    assert missing.cpu == pytest.approx(0.1)
    assert missing.cpu_span == 1.0


def test_the_next_figure_is_the_mean_since_the_last_one_that_was_there() -> None:
    meter = GuestMeter()
    for second in (0, 1):
        meter.add(sample(second))
    meter.add(without_monitor(2))
    jump = replace(sample(3), disks=(DiskCounters("vda", rd_bytes=1000 + 5000),))
    rates = meter.add(jump)
    assert rates.disk_read == pytest.approx(2500.0)
    assert rates.disk_span == 2.0
    assert rates.cpu_span == 1.0


def test_what_stays_away_is_shown_as_missing() -> None:
    meter = GuestMeter()
    for second in (0, 1):
        meter.add(sample(second))
    seconds = range(2, 3 + int(HOLD))
    rates = [meter.add(without_monitor(second)) for second in seconds]
    assert rates[-2].disks is not None
    assert rates[-1].disks is None
    assert rates[-1].memory_kib is None


def test_a_nic_that_is_missing_is_held_too() -> None:
    meter = GuestMeter()
    for second in (0, 1):
        meter.add(sample(second))
    rates = meter.add(replace(sample(2), nics=None))
    assert rates.net_rx == pytest.approx(10.0)
    assert rates.nic_span == 0.0
    after = meter.add(sample(3))
    assert after.net_rx == pytest.approx(10.0)
    assert after.nic_span == 2.0


def test_the_first_sample_has_memory_but_no_rates() -> None:
    rates = GuestMeter().add(sample(1))
    assert rates.memory_kib == 1025
    assert rates.cpu is None
    assert rates.disks is None
