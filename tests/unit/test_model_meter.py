"""What is missing from a sample for a moment is bridged; what stays away is shown as missing."""

from __future__ import annotations

from typing import Any

import pytest

from tuivm.model.meter import HOLD, GuestMeter
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


def sample(second: int) -> GuestSample:
    """1,000 bytes read, 10 bytes received and 0.1 s of CPU in each second."""
    return GuestSample(
        at=100.0 + second,
        cpu_ns=second * 10**8,
        balloon=BalloonFigures(current=2048, rss=1024 + second),
        disks=(DiskCounters("vda", rd_bytes=second * 1000),),
        nics=(NicCounters("vnet0", rx_bytes=second * 10),),
        vcpus=(VcpuCounters(0, time_ns=second * 10**8, exits={"exits": second * 50}),),
        cost=HostCost(
            100.5 + second, (ThreadCounters(1, ThreadRole.MAIN, "main loop", second * 10**7),)
        ),
    )


def without_monitor(second: int) -> GuestSample:
    """What libvirt tells by itself: names and limits, and what the kernel counts."""
    return sample(second)._replace(
        disks=(DiskCounters("vda", capacity=1 << 30),),
        balloon=BalloonFigures(current=2048, maximum=2048),
        vcpus=(VcpuCounters(0, time_ns=second * 10**8),),
    )


def test_a_busy_monitor_does_not_make_the_row_flicker() -> None:
    meter = GuestMeter()
    meter.add(sample(0))
    shown = meter.add(sample(1))
    missing = meter.add(without_monitor(2))
    assert missing.disks == shown.disks
    assert missing.vcpus == shown.vcpus
    assert missing.exits == {"exits": 50.0}
    assert (missing.vcpu_span, missing.memory_span) == (0.0, 0.0)
    assert missing.memory_kib == shown.memory_kib
    assert missing.disk_span == 0.0, "nothing new was measured"
    assert missing.cpu == pytest.approx(0.1)
    assert missing.cpu_span == 1.0


def test_the_next_figure_is_the_mean_since_the_last_one_that_was_there() -> None:
    meter = GuestMeter()
    for second in (0, 1):
        meter.add(sample(second))
    meter.add(without_monitor(2))
    jump = sample(3)._replace(disks=(DiskCounters("vda", rd_bytes=1000 + 5000),))
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
    assert rates[-1].memory_total_kib == 2048, "libvirt knows that without the monitor"
    assert rates[-1].vcpus is None
    back = meter.add(sample(3 + int(HOLD)))
    assert (back.disk_span, back.vcpu_span) == (HOLD + 2, HOLD + 2)
    assert back.disk_read == pytest.approx(1000.0)
    assert back.exits == {"exits": 50.0}


def test_a_nic_that_is_missing_is_held_too() -> None:
    meter = GuestMeter()
    for second in (0, 1):
        meter.add(sample(second))
    rates = meter.add(sample(2)._replace(nics=None))
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
    assert (rates.vcpus, rates.cost, rates.nics) == (None, None, None)


@pytest.mark.parametrize("group", ["balloon", "disks", "nics", "vcpus", "cost"])
def test_each_group_is_held_and_measured_by_itself(group: str) -> None:
    shown, span = {
        "balloon": ("memory", "memory_span"),
        "disks": ("disks", "disk_span"),
        "nics": ("nics", "nic_span"),
        "vcpus": ("vcpus", "vcpu_span"),
        "cost": ("cost", "cost_span"),
    }[group]
    meter = GuestMeter()
    meter.add(sample(0))
    before = meter.add(sample(1))
    lacking: dict[str, Any] = {group: None}
    held = meter.add(sample(2)._replace(**lacking))
    assert getattr(held, shown) is getattr(before, shown)
    assert getattr(held, shown) is not None
    others = {"disk_span", "nic_span", "vcpu_span", "cost_span", "cpu_span", "memory_span"}
    assert {name: getattr(held, name) for name in others} == {
        name: 0.0 if name == span else 1.0 for name in others
    }
    assert getattr(meter.add(sample(3)), span) == 2.0


def test_a_group_that_was_never_asked_for_is_none_and_begins_when_it_is() -> None:
    meter = GuestMeter()
    for second in (0, 1):
        assert meter.add(sample(second)._replace(vcpus=None, cost=None)).vcpus is None
    assert meter.add(sample(2)).vcpus is None
    rates = meter.add(sample(3))
    assert rates.vcpus is not None
    assert rates.vcpus[0].cpu == pytest.approx(0.1)
    assert (rates.vcpu_span, rates.cost_span) == (1.0, 1.0)


def test_a_guest_that_is_translated_has_vcpus_without_exits() -> None:
    meter = GuestMeter()
    for second in (0, 1):
        rates = meter.add(sample(second)._replace(vcpus=(VcpuCounters(0, time_ns=second * 10**9),)))
    assert rates.vcpus is not None
    assert (rates.vcpus[0].cpu, rates.exits, rates.vcpu_span) == (1.0, {}, 1.0)


def test_the_cost_has_the_time_at_which_it_was_read() -> None:
    meter = GuestMeter()
    meter.add(sample(0))
    late = HostCost(102.0, (ThreadCounters(1, ThreadRole.MAIN, "main loop", 3 * 10**8),))
    rates = meter.add(sample(1)._replace(cost=late))
    assert rates.cost is not None
    assert (rates.cost.span, rates.cost_span) == (1.5, 1.5)
    assert rates.cost.vmm == pytest.approx(0.2)
    again = meter.add(sample(2)._replace(cost=late))
    assert (again.cost, again.cost_span) == (rates.cost, 0.0), "the same reading is no new one"


def test_the_cpu_time_of_another_process_begins_all_of_it_anew() -> None:
    """The new process has read more than the old one had: nothing but its CPU time tells."""
    meter = GuestMeter()
    for second in (8, 9):
        meter.add(sample(second))
    other = sample(10)._replace(
        cpu_ns=10**7,
        disks=(DiskCounters("vda", rd_bytes=10**9),),
        vcpus=(VcpuCounters(0, time_ns=10**12, exits={"exits": 10**9}),),
    )
    rates = meter.add(other)
    assert (rates.cpu, rates.disks, rates.vcpus, rates.nics, rates.cost) == (None,) * 5
    assert rates.memory_kib == 1034


def test_a_restart_is_seen_past_a_sample_without_cpu_time() -> None:
    meter = GuestMeter()
    for second in (8, 9):
        meter.add(sample(second))
    meter.add(sample(10)._replace(cpu_ns=None))
    assert meter.add(sample(11)._replace(cpu_ns=0)).disks is None


def told(second: float, answered: float | None) -> GuestSample:
    """A sample with the newest answer of the guest's agent: 10 bytes received in each second."""
    if answered is None:
        return GuestSample(100.0 + second)
    nic = NicCounters("hostdev0", rx_bytes=int(answered * 10))
    return GuestSample(100.0 + second, agent=AgentFigures(100.0 + answered, (nic,)))


def test_what_an_agent_says_is_the_mean_between_its_answers() -> None:
    meter = GuestMeter()
    assert meter.add(told(1, 0.5)).agent is None
    for second in range(2, 6):
        assert (rates := meter.add(told(second, 0.5))).agent is None
        assert rates.agent_span == 0.0
    fresh = meter.add(told(6, 5.5))
    assert fresh.agent is not None
    assert (fresh.agent.at, fresh.agent_span) == (105.5, 5.0)
    assert [(nic.name, nic.rx_bytes) for nic in fresh.agent.nics] == [("hostdev0", 10.0)]
    assert (fresh.nics, fresh.net_rx) == (None, None), "libvirt counted nothing"
    held = meter.add(told(7, 5.5))
    assert held.agent is fresh.agent
    assert held.agent_span == 0.0


def test_an_agent_that_is_silent_is_missing_after_a_while() -> None:
    meter = GuestMeter()
    meter.add(told(1, 0))
    shown = meter.add(told(6, 5)).agent
    assert shown is not None
    assert meter.add(told(7, None)).agent is shown
    assert meter.add(told(6 + HOLD, None)).agent is None
