"""From one sample of a guest to the next, group of statistics by group of statistics. Pure.

libvirt answers with what it can get without waiting (NOWAIT): while a guest's monitor is busy what
only the monitor tells is missing from a tick or two. It is then measured from the last sample that
had it, and shown a little longer, so that a busy guest does not flicker.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from tuivm.model.rates import (
    AgentRates,
    CostRates,
    DiskRates,
    GuestRates,
    NicRates,
    VcpuRates,
)
from tuivm.model.ratesteps import (
    Memory,
    agent_rates,
    cost_rates,
    cpu_rate,
    disk_rates,
    memory_rates,
    nic_rates,
    vcpu_rates,
)
from tuivm.model.samples import (
    AgentFigures,
    BalloonFigures,
    DiskCounters,
    GuestSample,
    HostCost,
    NicCounters,
    VcpuCounters,
)

HOLD = 5.0
"""Seconds that a figure missing from newer samples is still shown."""

C = TypeVar("C")
R = TypeVar("R")


def _always(_counters: object) -> bool:
    return True


class _Group(Generic[C, R]):
    """One group's counters when they were last there, and what was made of them.

    told: whether the counters hold what only the monitor tells. Once they did, those without it
    count as missing.
    """

    __slots__ = ("_at", "_before", "_measure", "_rates", "_told")

    def __init__(
        self,
        measure: Callable[[C | None, C, float], R | None],
        told: Callable[[C], bool] = _always,
    ) -> None:
        self._measure = measure
        self._told = told
        self._before: C | None = None
        self._at = 0.0
        self._rates: R | None = None

    @property
    def before(self) -> C | None:
        """The counters that the next ones are measured from."""
        return self._before

    def add(self, at: float, now: C | None) -> tuple[R | None, float]:
        """What to show, and the seconds it is the mean of: 0 when nothing new was measured."""
        before = self._before
        if before is None:
            if now is not None:
                self._before, self._at, self._rates = now, at, self._measure(None, now, 0.0)
            return self._rates, 0.0
        if now is None or at <= self._at or (self._told(before) and not self._told(now)):
            if at - self._at <= HOLD:
                return self._rates, 0.0
            return None if now is None else self._measure(None, now, 0.0), 0.0
        seconds = at - self._at
        self._before, self._at, self._rates = now, at, self._measure(before, now, seconds)
        return self._rates, 0.0 if self._rates is None else seconds


class GuestMeter:
    """The last samples of one guest, and the rates between them."""

    __slots__ = ("_agent", "_balloon", "_cost", "_cpu", "_disks", "_newest", "_nics", "_vcpus")

    def __init__(self) -> None:
        self._newest: GuestSample | None = None
        self._begin()

    def _begin(self) -> None:
        self._cpu: _Group[int, float] = _Group(cpu_rate)
        self._balloon: _Group[BalloonFigures, Memory] = _Group(memory_rates, _in_use)
        self._disks: _Group[tuple[DiskCounters, ...], tuple[DiskRates, ...]] = _Group(
            disk_rates, _counted
        )
        self._nics: _Group[tuple[NicCounters, ...], tuple[NicRates, ...]] = _Group(nic_rates)
        self._vcpus: _Group[tuple[VcpuCounters, ...], tuple[VcpuRates, ...]] = _Group(
            vcpu_rates, _with_exits
        )
        self._cost: _Group[HostCost, CostRates] = _Group(cost_rates)
        self._agent: _Group[AgentFigures, AgentRates] = _Group(agent_rates)

    @property
    def newest(self) -> GuestSample | None:
        return self._newest

    def add(self, sample: GuestSample) -> GuestRates:
        """Rates up to this sample, which must be newer than the ones before.

        The first sample has levels alone (memory in use), and so has the first of a guest that was
        restarted: the CPU time of another process begins anew.
        """
        last, self._newest = self._newest, sample
        ran = self._cpu.before
        if ran is not None and sample.cpu_ns is not None and sample.cpu_ns < ran:
            last = None
            self._begin()
        at = sample.at
        cpu, cpu_span = self._cpu.add(at, sample.cpu_ns)
        memory, memory_span = self._balloon.add(at, sample.balloon)
        disks, disk_span = self._disks.add(at, sample.disks)
        nics, nic_span = self._nics.add(at, sample.nics)
        vcpus, vcpu_span = self._vcpus.add(at, sample.vcpus)
        cost, cost_span = self._cost.add(sample.cost.at if sample.cost else at, sample.cost)
        told = sample.agent
        agent, agent_span = self._agent.add(told.at if told else at, told)
        used, total, source, figures = memory or (None, None, None, None)
        return GuestRates(
            at=at,
            seconds=max(0.0, at - last.at) if last else 0.0,
            cpu=cpu,
            memory_kib=used,
            memory_total_kib=total,
            memory_source=source,
            disks=disks,
            nics=nics,
            cpu_span=cpu_span,
            disk_span=disk_span,
            nic_span=nic_span,
            memory=figures,
            memory_span=memory_span,
            vcpus=vcpus,
            vcpu_span=vcpu_span,
            cost=cost,
            cost_span=cost_span,
            agent=agent,
            agent_span=agent_span,
        )


def _in_use(balloon: BalloonFigures) -> bool:
    return balloon.rss is not None or (balloon.available is not None and balloon.unused is not None)


def _counted(disks: tuple[DiskCounters, ...]) -> bool:
    """libvirt names the disks of a guest even when it could not ask for their counters."""
    return not disks or any(disk.rd_reqs is not None or disk.rd_bytes is not None for disk in disks)


def _with_exits(vcpus: tuple[VcpuCounters, ...]) -> bool:
    return any(vcpu.exits for vcpu in vcpus)
