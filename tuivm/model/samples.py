"""Counters as libvirt reports them at one moment. None means: not reported, never zero."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple


class DiskCounters(NamedTuple):
    """`block.N.*` of the bulk statistics; name is `<target dev>`. Bytes, requests, ns."""

    name: str
    rd_bytes: int | None = None
    rd_reqs: int | None = None
    rd_ns: int | None = None
    wr_bytes: int | None = None
    wr_reqs: int | None = None
    wr_ns: int | None = None
    fl_reqs: int | None = None
    fl_ns: int | None = None
    errors: int | None = None
    allocation: int | None = None
    capacity: int | None = None
    physical: int | None = None


class NicCounters(NamedTuple):
    """`net.N.*` of the bulk statistics; name is the live `<target dev>` (vnetX)."""

    name: str
    rx_bytes: int | None = None
    rx_pkts: int | None = None
    rx_errs: int | None = None
    rx_drop: int | None = None
    tx_bytes: int | None = None
    tx_pkts: int | None = None
    tx_errs: int | None = None
    tx_drop: int | None = None


class BalloonFigures(NamedTuple):
    """`balloon.*` in KiB (faults: counts). available and unused come from the guest's driver."""

    current: int | None = None
    maximum: int | None = None
    available: int | None = None
    unused: int | None = None
    usable: int | None = None
    rss: int | None = None
    swap_in: int | None = None
    swap_out: int | None = None
    major_faults: int | None = None
    minor_faults: int | None = None


class VcpuCounters(NamedTuple):
    """`vcpu.N.*`. Times in ns; exits by libvirt's names ("exits", "io_exits", "mmio_exits", …)."""

    number: int
    state: int | None = None
    time_ns: int | None = None
    wait_ns: int | None = None
    delay_ns: int | None = None
    halted: bool | None = None
    exits: Mapping[str, int] = MappingProxyType({})


class ThreadRole(StrEnum):
    """What a thread of a guest's VMM is there for."""

    VCPU = "vCPU"
    MAIN = "main loop"
    IOTHREAD = "I/O thread"
    VHOST = "vhost"
    WORKER = "worker"
    OTHER = "other"


class ThreadCounters(NamedTuple):
    """CPU time of one host thread that works for a guest, in ns since it began.

    tid: the kernel's id, by which two readings are joined. name: what to call it ("vCPU 0",
    "iothread1"). guest_ns: the part spent in the guest's own code; None where that cannot be told
    from the VMM's (TCG).
    """

    tid: int
    role: ThreadRole
    name: str
    cpu_ns: int
    guest_ns: int | None = None


class HostCost(NamedTuple):
    """What a guest costs its host, read on the host itself.

    at: monotonic seconds when it was read. threads: None where the process could not be found.
    interrupts: interrupts so far of each passed-through PCI device, by its address on the host.
    """

    at: float
    threads: tuple[ThreadCounters, ...] | None = None
    interrupts: Mapping[str, int] = MappingProxyType({})


class AgentFigures(NamedTuple):
    """What the agent in a guest counts of passed-through devices, of which libvirt counts nothing.

    at: monotonic seconds when it answered. nics: name is the device's target; the guest's own
    point of view, as that of libvirt's NIC figures is.
    """

    at: float
    nics: tuple[NicCounters, ...] = ()


class GuestSample(NamedTuple):
    """All counters of one guest at one moment.

    at: monotonic seconds of this machine, when the answer that holds the counters arrived.
    A group that was not asked for, or that the driver does not report, is None; an empty tuple
    means: asked, answered, and there is none.
    """

    at: float
    cpu_ns: int | None = None
    cpu_user_ns: int | None = None
    cpu_system_ns: int | None = None
    balloon: BalloonFigures | None = None
    vcpus: tuple[VcpuCounters, ...] | None = None
    disks: tuple[DiskCounters, ...] | None = None
    nics: tuple[NicCounters, ...] | None = None
    cost: HostCost | None = None
    agent: AgentFigures | None = None
    """Read every few seconds: the same in several samples."""
