"""Rates between two samples of the same guest. None means: not reported, or not known yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tuivm.model.samples import DiskCounters, GuestSample, NicCounters, ThreadRole


class MemorySource(StrEnum):
    """Where a guest's memory figure comes from."""

    GUEST = "guest"
    """The balloon driver in the guest: used = available - unused."""
    RSS = "rss"
    """Resident memory of its process on the host."""


@dataclass(frozen=True, slots=True)
class DiskRates:
    """Per second; latencies are mean ns per request over the interval; sizes are bytes."""

    name: str
    rd_bytes: float | None = None
    wr_bytes: float | None = None
    rd_reqs: float | None = None
    wr_reqs: float | None = None
    fl_reqs: float | None = None
    rd_latency_ns: float | None = None
    wr_latency_ns: float | None = None
    fl_latency_ns: float | None = None
    errors: float | None = None
    allocation: int | None = None
    capacity: int | None = None
    physical: int | None = None


@dataclass(frozen=True, slots=True)
class NicRates:
    """Per second."""

    name: str
    rx_bytes: float | None = None
    tx_bytes: float | None = None
    rx_pkts: float | None = None
    tx_pkts: float | None = None
    errs: float | None = None
    drops: float | None = None


@dataclass(frozen=True, slots=True)
class MemoryRates:
    """The balloon's figures, sizes in KiB; what comes and goes is per second (swap: bytes)."""

    current: int | None = None
    rss: int | None = None
    available: int | None = None
    unused: int | None = None
    usable: int | None = None
    swap_in: float | None = None
    swap_out: float | None = None
    major_faults: float | None = None
    minor_faults: float | None = None


@dataclass(frozen=True, slots=True)
class VcpuRates:
    """Shares of the interval, 0 to 1; exits per second by libvirt's names ("exits", "io_exits").

    cpu: it ran; wait: it waited for I/O on the host (vcpu.N.wait); delay: it was ready but the
    host ran something else (vcpu.N.delay, what the guest sees as steal).
    """

    number: int
    cpu: float | None = None
    wait: float | None = None
    delay: float | None = None
    halted: bool | None = None
    exits: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ThreadRates:
    """cpu: CPUs kept busy, 1.0 = one whole CPU; vmm: the part that is not the guest's own code,
    None where that cannot be told (a vCPU thread under TCG)."""

    role: ThreadRole
    name: str
    cpu: float
    vmm: float | None = None


@dataclass(frozen=True, slots=True)
class CostRates:
    """What the guest costs its host now.

    span: seconds that this is the mean of. threads: by role, then name. vmm: CPUs kept busy with
    other things than the guest's own code (exit handling, device models, I/O), summed over the
    threads of which it is known. interrupts: per second, by PCI address on the host.
    """

    span: float
    threads: tuple[ThreadRates, ...] = ()
    vmm: float | None = None
    interrupts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GuestRates:
    """What a guest does now.

    at: monotonic seconds of the newer sample; seconds: distance to the older one.
    cpu_span, disk_span, nic_span, memory_span, vcpu_span: seconds up to `at` that these figures
    are the mean of; 0 where nothing new was measured (the figure is missing, or held over from an
    earlier sample).
    cpu: CPUs kept busy on the host (1.0 = one whole CPU), guest and VMM together.
    memory_kib: memory in use, from `memory_source`; memory_total_kib: what the guest sees, or has
    been given, at present.
    """

    at: float
    seconds: float
    cpu: float | None = None
    memory_kib: int | None = None
    memory_total_kib: int | None = None
    memory_source: MemorySource | None = None
    disks: tuple[DiskRates, ...] | None = None
    nics: tuple[NicRates, ...] | None = None
    cpu_span: float = 0.0
    disk_span: float = 0.0
    nic_span: float = 0.0
    memory: MemoryRates | None = None
    memory_span: float = 0.0
    vcpus: tuple[VcpuRates, ...] | None = None
    vcpu_span: float = 0.0
    cost: CostRates | None = None

    @property
    def exits(self) -> dict[str, float]:
        """Exits per second over all vCPUs, by libvirt's names; {} where none are reported."""
        totals: dict[str, float] = {}
        for vcpu in self.vcpus or ():
            for name, rate in vcpu.exits.items():
                totals[name] = totals.get(name, 0.0) + rate
        return totals

    @property
    def disk_read(self) -> float | None:
        return _total(tuple(d.rd_bytes for d in self.disks)) if self.disks is not None else None

    @property
    def disk_write(self) -> float | None:
        return _total(tuple(d.wr_bytes for d in self.disks)) if self.disks is not None else None

    @property
    def net_rx(self) -> float | None:
        return _total(tuple(n.rx_bytes for n in self.nics)) if self.nics is not None else None

    @property
    def net_tx(self) -> float | None:
        return _total(tuple(n.tx_bytes for n in self.nics)) if self.nics is not None else None


def guest_rates(older: GuestSample | None, newer: GuestSample) -> GuestRates:
    """What happened between two samples.

    A counter that went backwards (the guest was restarted, a device replaced) gives None: a gap,
    not a spike. Memory figures need no older sample.
    """
    seconds = newer.at - older.at if older else 0.0
    used, total, source = _memory(newer)
    if older is None or seconds <= 0:
        return GuestRates(newer.at, 0.0, None, used, total, source)
    cpu = _rate(older.cpu_ns, newer.cpu_ns, seconds)
    disks, nics = _disk_rates(older, newer, seconds), _nic_rates(older, newer, seconds)
    return GuestRates(
        at=newer.at,
        seconds=seconds,
        cpu=None if cpu is None else cpu / 1e9,
        memory_kib=used,
        memory_total_kib=total,
        memory_source=source,
        disks=disks,
        nics=nics,
        cpu_span=0.0 if cpu is None else seconds,
        disk_span=seconds if disks and older.disks is not None else 0.0,
        nic_span=seconds if nics and older.nics is not None else 0.0,
    )


def _rate(older: int | None, newer: int | None, seconds: float) -> float | None:
    if older is None or newer is None or newer < older:
        return None
    return (newer - older) / seconds


def _total(values: tuple[float | None, ...]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _memory(sample: GuestSample) -> tuple[int | None, int | None, MemorySource | None]:
    balloon = sample.balloon
    if balloon is None:
        return None, None, None
    if balloon.available is not None and balloon.unused is not None:
        used = max(0, balloon.available - balloon.unused)
        return used, balloon.available, MemorySource.GUEST
    total = balloon.current if balloon.current is not None else balloon.maximum
    if balloon.rss is not None:
        return balloon.rss, total, MemorySource.RSS
    return None, total, None


def _disk_rates(
    older: GuestSample, newer: GuestSample, seconds: float
) -> tuple[DiskRates, ...] | None:
    if newer.disks is None:
        return None
    before = {disk.name: disk for disk in older.disks or ()}
    return tuple(_disk_rate(before.get(disk.name), disk, seconds) for disk in newer.disks)


def _disk_rate(older: DiskCounters | None, newer: DiskCounters, seconds: float) -> DiskRates:
    if older is None:
        return DiskRates(newer.name)
    return DiskRates(
        name=newer.name,
        rd_bytes=_rate(older.rd_bytes, newer.rd_bytes, seconds),
        wr_bytes=_rate(older.wr_bytes, newer.wr_bytes, seconds),
        rd_reqs=_rate(older.rd_reqs, newer.rd_reqs, seconds),
        wr_reqs=_rate(older.wr_reqs, newer.wr_reqs, seconds),
        fl_reqs=_rate(older.fl_reqs, newer.fl_reqs, seconds),
        rd_latency_ns=_per_request(older.rd_ns, newer.rd_ns, older.rd_reqs, newer.rd_reqs),
        wr_latency_ns=_per_request(older.wr_ns, newer.wr_ns, older.wr_reqs, newer.wr_reqs),
    )


def _per_request(
    older_ns: int | None, newer_ns: int | None, older_reqs: int | None, newer_reqs: int | None
) -> float | None:
    if older_ns is None or newer_ns is None or older_reqs is None or newer_reqs is None:
        return None
    if newer_ns < older_ns or newer_reqs <= older_reqs:
        return None
    return (newer_ns - older_ns) / (newer_reqs - older_reqs)


def _nic_rates(
    older: GuestSample, newer: GuestSample, seconds: float
) -> tuple[NicRates, ...] | None:
    if newer.nics is None:
        return None
    before = {nic.name: nic for nic in older.nics or ()}
    return tuple(_nic_rate(before.get(nic.name), nic, seconds) for nic in newer.nics)


def _nic_rate(older: NicCounters | None, newer: NicCounters, seconds: float) -> NicRates:
    if older is None:
        return NicRates(newer.name)
    return NicRates(
        name=newer.name,
        rx_bytes=_rate(older.rx_bytes, newer.rx_bytes, seconds),
        tx_bytes=_rate(older.tx_bytes, newer.tx_bytes, seconds),
        rx_pkts=_rate(older.rx_pkts, newer.rx_pkts, seconds),
        tx_pkts=_rate(older.tx_pkts, newer.tx_pkts, seconds),
        errs=_sum_rates(older.rx_errs, newer.rx_errs, older.tx_errs, newer.tx_errs, seconds),
        drops=_sum_rates(older.rx_drop, newer.rx_drop, older.tx_drop, newer.tx_drop, seconds),
    )


def _sum_rates(
    rx_older: int | None,
    rx_newer: int | None,
    tx_older: int | None,
    tx_newer: int | None,
    seconds: float,
) -> float | None:
    return _total((_rate(rx_older, rx_newer, seconds), _rate(tx_older, tx_newer, seconds)))
