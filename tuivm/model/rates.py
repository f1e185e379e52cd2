"""Rates between two samples of the same guest. None means: not reported, or not known yet."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from tuivm.model.samples import ThreadRole


class MemorySource(StrEnum):
    """Where a guest's memory figure comes from."""

    GUEST = "guest"
    """The balloon driver in the guest: used = available - unused."""
    RSS = "rss"
    """Resident memory of its process on the host."""


class DiskRates(NamedTuple):
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


class NicRates(NamedTuple):
    """Per second."""

    name: str
    rx_bytes: float | None = None
    tx_bytes: float | None = None
    rx_pkts: float | None = None
    tx_pkts: float | None = None
    errs: float | None = None
    drops: float | None = None


class MemoryRates(NamedTuple):
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


class VcpuRates(NamedTuple):
    """Shares of the interval, 0 to 1; exits per second by libvirt's names ("exits", "io_exits").

    cpu: it ran; wait: it waited for I/O on the host (vcpu.N.wait); delay: it was ready but the
    host ran something else (vcpu.N.delay, what the guest sees as steal).
    """

    number: int
    cpu: float | None = None
    wait: float | None = None
    delay: float | None = None
    halted: bool | None = None
    exits: Mapping[str, float] = MappingProxyType({})


class ThreadRates(NamedTuple):
    """cpu: CPUs kept busy, 1.0 = one whole CPU; vmm: the part that is not the guest's own code,
    None where that cannot be told (a vCPU thread under TCG)."""

    role: ThreadRole
    name: str
    cpu: float
    vmm: float | None = None


class CostRates(NamedTuple):
    """What the guest costs its host now.

    span: seconds that this is the mean of. threads: by role, then name. vmm: CPUs kept busy with
    other things than the guest's own code (exit handling, device models, I/O), summed over the
    threads of which it is known. interrupts: per second, by PCI address on the host.
    """

    span: float
    threads: tuple[ThreadRates, ...] = ()
    vmm: float | None = None
    interrupts: Mapping[str, float] = MappingProxyType({})


class AgentRates(NamedTuple):
    """What the agent in a guest counts, per second. at: monotonic seconds of its answer."""

    at: float
    nics: tuple[NicRates, ...] = ()


class GuestRates(NamedTuple):
    """What a guest does now.

    at: monotonic seconds of the newer sample; seconds: distance to the older one.
    cpu_span, disk_span, nic_span, memory_span, vcpu_span, cost_span: seconds up to `at` that these
    figures are the mean of; 0 where nothing new was measured (the figure is missing, or held over
    from an earlier sample). agent_span: the same, up to `agent.at`.
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
    cost_span: float = 0.0
    agent: AgentRates | None = None
    """Of passed-through devices: they are not in `nics`, nor in sums over it."""
    agent_span: float = 0.0

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


def _total(values: tuple[float | None, ...]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
