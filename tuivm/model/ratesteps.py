"""From the counters of one moment and those of a later one to rates, by group of statistics. Pure.

Each function takes the counters before (None: there are none yet), the counters now, and the
seconds between. Counters only grow, so one that went backwards tells that all those of its device,
its vCPU or its thread began anew (the guest was restarted, the device unplugged and plugged in
again): what they counted in between is not known. That is None, a gap: not a spike, and not 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter

from tuivm.model.rates import (
    AgentRates,
    CostRates,
    DiskRates,
    MemoryRates,
    MemorySource,
    NicRates,
    ThreadRates,
    VcpuRates,
)
from tuivm.model.samples import (
    AgentFigures,
    BalloonFigures,
    DiskCounters,
    HostCost,
    NicCounters,
    ThreadCounters,
    ThreadRole,
    VcpuCounters,
)

Growth = Sequence[int | None]
Memory = tuple[int | None, int | None, MemorySource | None, MemoryRates]
"""KiB in use, KiB in all, where that comes from, and the rest."""

_DISK = attrgetter(
    "rd_bytes", "wr_bytes", "rd_reqs", "wr_reqs", "fl_reqs", "rd_ns", "wr_ns", "fl_ns", "errors"
)
_NIC = attrgetter(
    "rx_bytes", "tx_bytes", "rx_pkts", "tx_pkts", "rx_errs", "tx_errs", "rx_drop", "tx_drop"
)
_VCPU = attrgetter("time_ns", "wait_ns", "delay_ns")
_SWAP = attrgetter("swap_in", "swap_out", "major_faults", "minor_faults")
_ROLES = {role: place for place, role in enumerate(ThreadRole)}
_KIB = 1024


def cpu_rate(before: int | None, now: int, seconds: float) -> float | None:
    """CPUs kept busy, from ns of CPU time."""
    growth = _growth((before,), (now,))
    return None if growth[0] is None else growth[0] / 1e9 / seconds


def memory_rates(before: BalloonFigures | None, now: BalloonFigures, seconds: float) -> Memory:
    swapped_in, swapped_out, major, minor = (
        _growth(_SWAP(before), _SWAP(now)) if before is not None else (None,) * 4
    )
    rates = MemoryRates(
        current=now.current,
        rss=now.rss,
        available=now.available,
        unused=now.unused,
        usable=now.usable,
        swap_in=None if swapped_in is None else swapped_in * _KIB / seconds,
        swap_out=None if swapped_out is None else swapped_out * _KIB / seconds,
        major_faults=_per_second(major, seconds),
        minor_faults=_per_second(minor, seconds),
    )
    if now.available is not None and now.unused is not None:
        return max(0, now.available - now.unused), now.available, MemorySource.GUEST, rates
    total = now.current if now.current is not None else now.maximum
    return now.rss, total, None if now.rss is None else MemorySource.RSS, rates


def disk_rates(
    before: Sequence[DiskCounters] | None, now: Sequence[DiskCounters], seconds: float
) -> tuple[DiskRates, ...] | None:
    """Of each disk there is now; None before there is anything to measure from."""
    if before is None:
        return None
    known = {disk.name: _DISK(disk) for disk in before}
    return tuple(_disk_rate(known.get(disk.name), disk, seconds) for disk in now)


def _disk_rate(before: Growth | None, now: DiskCounters, seconds: float) -> DiskRates:
    rd_bytes, wr_bytes, reads, writes, flushes, rd_ns, wr_ns, fl_ns, errors = (
        _growth(before, _DISK(now)) if before is not None else (None,) * 9
    )
    return DiskRates(
        name=now.name,
        rd_bytes=_per_second(rd_bytes, seconds),
        wr_bytes=_per_second(wr_bytes, seconds),
        rd_reqs=_per_second(reads, seconds),
        wr_reqs=_per_second(writes, seconds),
        fl_reqs=_per_second(flushes, seconds),
        rd_latency_ns=_per_request(rd_ns, reads),
        wr_latency_ns=_per_request(wr_ns, writes),
        fl_latency_ns=_per_request(fl_ns, flushes),
        errors=_per_second(errors, seconds),
        allocation=now.allocation,
        capacity=now.capacity,
        physical=now.physical,
    )


def nic_rates(
    before: Sequence[NicCounters] | None, now: Sequence[NicCounters], seconds: float
) -> tuple[NicRates, ...] | None:
    """Of each NIC there is now; None before there is anything to measure from."""
    if before is None:
        return None
    known = {nic.name: _NIC(nic) for nic in before}
    return tuple(_nic_rate(known.get(nic.name), nic, seconds) for nic in now)


def _nic_rate(before: Growth | None, now: NicCounters, seconds: float) -> NicRates:
    rx_bytes, tx_bytes, rx_pkts, tx_pkts, rx_errs, tx_errs, rx_drop, tx_drop = (
        _growth(before, _NIC(now)) if before is not None else (None,) * 8
    )
    return NicRates(
        name=now.name,
        rx_bytes=_per_second(rx_bytes, seconds),
        tx_bytes=_per_second(tx_bytes, seconds),
        rx_pkts=_per_second(rx_pkts, seconds),
        tx_pkts=_per_second(tx_pkts, seconds),
        errs=_per_second(_either(rx_errs, tx_errs), seconds),
        drops=_per_second(_either(rx_drop, tx_drop), seconds),
    )


def agent_rates(
    before: AgentFigures | None, now: AgentFigures, seconds: float
) -> AgentRates | None:
    """Of what the agent counts now; None before there is anything to measure from."""
    if before is None:
        return None
    return AgentRates(now.at, nic_rates(before.nics, now.nics, seconds) or ())


def vcpu_rates(
    before: Sequence[VcpuCounters] | None, now: Sequence[VcpuCounters], seconds: float
) -> tuple[VcpuRates, ...] | None:
    """Of each vCPU there is now, joined by number; None before there is anything to measure
    from."""
    if before is None:
        return None
    known = {vcpu.number: vcpu for vcpu in before}
    return tuple(_vcpu_rate(known.get(vcpu.number), vcpu, seconds) for vcpu in now)


def _vcpu_rate(before: VcpuCounters | None, now: VcpuCounters, seconds: float) -> VcpuRates:
    if before is None:
        return VcpuRates(now.number, halted=now.halted)
    older, newer = _VCPU(before), _VCPU(now)
    ran, waited, delayed = _growth(older, newer)
    return VcpuRates(
        number=now.number,
        cpu=_share(ran, seconds),
        wait=_share(waited, seconds),
        delay=_share(delayed, seconds),
        halted=now.halted,
        exits={} if _began_anew(older, newer) else _counts(before.exits, now.exits, seconds),
    )


def cost_rates(before: HostCost | None, now: HostCost, seconds: float) -> CostRates | None:
    """What a guest cost its host; None before there is anything to measure from.

    A thread that began or ended in between is not among the threads.
    """
    if before is None:
        return None
    known = {thread.tid: thread for thread in before.threads or ()}
    threads = [
        rates
        for thread in now.threads or ()
        if (rates := _thread_rate(known.get(thread.tid), thread, seconds)) is not None
    ]
    threads.sort(key=lambda rates: (_ROLES[rates.role], rates.name))
    known_vmm = [thread.vmm for thread in threads if thread.vmm is not None]
    return CostRates(
        span=seconds,
        threads=tuple(threads),
        vmm=sum(known_vmm) if known_vmm else None,
        interrupts=_counts(before.interrupts, now.interrupts, seconds),
    )


def _thread_rate(
    before: ThreadCounters | None, now: ThreadCounters, seconds: float
) -> ThreadRates | None:
    # Ids are used again: under the same one there may be another thread by now.
    if before is None or (before.role, before.name) != (now.role, now.name):
        return None
    spent, in_guest = _growth((before.cpu_ns, before.guest_ns), (now.cpu_ns, now.guest_ns))
    if spent is None:
        return None
    cpu = spent / 1e9 / seconds
    if in_guest is not None:
        # The kernel counts the guest's part by its ticks, so that it may be a little more.
        return ThreadRates(now.role, now.name, cpu, max(0.0, cpu - in_guest / 1e9 / seconds))
    return ThreadRates(now.role, now.name, cpu, None if now.role is ThreadRole.VCPU else cpu)


def _began_anew(before: Growth, now: Growth) -> bool:
    return any(
        old is not None and new is not None and new < old
        for old, new in zip(before, now, strict=True)
    )


def _growth(before: Growth, now: Growth) -> Growth:
    """How much each counter grew; None all of them when they began anew."""
    if _began_anew(before, now):
        return (None,) * len(now)
    return [
        None if old is None or new is None else new - old
        for old, new in zip(before, now, strict=True)
    ]


def _per_second(growth: int | None, seconds: float) -> float | None:
    return None if growth is None else growth / seconds


def _share(growth_ns: int | None, seconds: float) -> float | None:
    """Of the interval. When the answer arrived is not quite when it was counted: 1 at most."""
    return None if growth_ns is None else min(1.0, growth_ns / 1e9 / seconds)


def _per_request(growth_ns: int | None, requests: int | None) -> float | None:
    """None without a request: no request is not a fast one."""
    return growth_ns / requests if growth_ns is not None and requests else None


def _either(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return one if other is None else other
    return one + other


def _counts(before: Mapping[str, int], now: Mapping[str, int], seconds: float) -> dict[str, float]:
    """Per second, of what is in both and did not go backwards."""
    return {
        name: (count - before[name]) / seconds
        for name, count in now.items()
        if name in before and count >= before[name]
    }
