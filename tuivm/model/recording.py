"""What a guest's rates leave behind in the history, under the ids of `metrics`. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tuivm.model.guests import GuestKey
from tuivm.model.history import History, SeriesKey
from tuivm.model.iomix import alike, io_mix, io_spans
from tuivm.model.rates import AgentRates, CostRates, GuestRates, NicRates
from tuivm.model.samples import ThreadRole

if TYPE_CHECKING:
    from tuivm.model.store import GuestView

_CLOCK_NOISE = 0.001
"""Seconds by which two times that are meant to be one may differ after arithmetic."""
_KIB = 1024.0

_CPU = ("cpu",)
_MEMORY = (
    "memory",
    "memory.balloon",
    "memory.rss",
    "memory.available",
)
_PAGING = ("memory.swap_in", "memory.swap_out", "memory.major", "memory.minor")
_VCPU = ("vcpu.cpu", "vcpu.wait", "vcpu.delay", "vcpu.halted")
_DISK = (
    "disk.read",
    "disk.write",
    "disk.reads",
    "disk.writes",
    "disk.read_ns",
    "disk.write_ns",
    "disk.flushes",
    "disk.flush_ns",
    "disk.errors",
)
_SIZE = ("disk.allocation", "disk.capacity")
_NIC = ("net.rx", "net.tx", "net.rx_pkts", "net.tx_pkts", "net.errors", "net.drops")
_EXITS = ("exits", "exits.io", "exits.mmio", "exits.halt", "exits.irq")
_EXIT_NAMES = ("exits", "io_exits", "mmio_exits", "halt_exits", "irq_injections")
"""libvirt's names for what stands at the same place in _EXITS. They are declared unstable: one
that is not there has no series."""
_IO_EXITS = ("io.exits",)
_IO_CPU = ("io.cpu",)
_IO_MIXED = ("io.mixed",)
_ROLE = ("host.cpu",)
_IRQ = ("irq",)

THREADS_APART = frozenset({ThreadRole.VCPU, ThreadRole.IOTHREAD})
"""Roles whose threads have series of their own, by name: the others come and go, or are one."""

Values = Sequence[float | None]


class Recorder:
    """Writes into a history what was newly measured of guests.

    A figure is the mean of its span and fills it, except a span that reaches across a gap: the
    mean says nothing of the time in it. Levels (sizes) are known at the end of their span even
    then.
    """

    def __init__(self, history: History) -> None:
        self._history = history
        self._keys: dict[GuestKey, dict[tuple[str, str], tuple[SeriesKey, ...]]] = {}

    def forget(self, guest: GuestKey) -> None:
        """Drop a guest that is gone for good, with its history."""
        self._keys.pop(guest, None)
        self._history.forget(guest)

    def record(self, view: GuestView, gap_at: float) -> None:
        """Write what is new in a view. gap_at: the last moment before the newest gap."""
        rates = view.rates
        if rates is None:
            return
        keys = self._keys.get(view.key)
        if keys is None or rates.seconds == 0:
            # Each start gives a guest's NICs other names: those of before are not kept for ever.
            keys = self._keys[view.key] = {}
        _Page(self._history, keys, view, rates, gap_at).fill()


class _Page:
    """What one sample of one guest brings."""

    __slots__ = ("_at", "_begins", "_history", "_keys", "_rates", "_view")

    def __init__(
        self,
        history: History,
        keys: dict[tuple[str, str], tuple[SeriesKey, ...]],
        view: GuestView,
        rates: GuestRates,
        gap_at: float,
    ) -> None:
        self._history = history
        self._keys = keys
        self._view = view
        self._rates = rates
        self._at = rates.at
        self._begins = gap_at + _CLOCK_NOISE

    def fill(self) -> None:
        rates = self._rates
        self._means(_CPU, "", (self._view.cpu_percent,), rates.cpu_span)
        self._memory(rates)
        self._disks(rates)
        span = rates.nic_span
        for nic in rates.nics or () if span else ():
            self._means(_NIC, nic.name, _nic_values(nic), span)
        if rates.vcpus and rates.vcpu_span:
            self._vcpus(rates)
        if rates.cost is not None and rates.cost_span:
            self._cost(rates.cost, rates.cost_span)
        self._io(rates)
        if rates.agent is not None and rates.agent_span:
            self._agent(rates.agent, rates.agent_span)

    def _means(self, metrics: tuple[str, ...], device: str, values: Values, span: float) -> None:
        if self._whole(span):
            self._write(metrics, device, values, span)

    def _levels(self, metrics: tuple[str, ...], device: str, values: Values, span: float) -> None:
        self._write(metrics, device, values, span if self._whole(span) else 0.0)

    def _whole(self, span: float) -> bool:
        return span > 0 and self._at - span > self._begins

    def _write(self, metrics: tuple[str, ...], device: str, values: Values, span: float) -> None:
        keys = self._keys.get((metrics[0], device))
        if keys is None:
            guest = self._view.key
            keys = tuple(SeriesKey(guest, metric, device) for metric in metrics)
            self._keys[metrics[0], device] = keys
        push, at = self._history.push, self._at
        for key, value in zip(keys, values, strict=True):
            if value is not None:
                push(key, at, value, span)

    def _memory(self, rates: GuestRates) -> None:
        memory, span = rates.memory, rates.memory_span
        # The first sample has levels too; later ones without a span are held over.
        if memory is None or (span == 0 and rates.seconds > 0):
            return
        levels = (rates.memory_kib, memory.current, memory.rss, memory.available)
        in_bytes = [None if level is None else level * _KIB for level in levels]
        self._levels(_MEMORY, "", in_bytes, span)
        paging = (memory.swap_in, memory.swap_out, memory.major_faults, memory.minor_faults)
        self._means(_PAGING, "", paging, span)

    def _disks(self, rates: GuestRates) -> None:
        span = rates.disk_span
        for disk in rates.disks or () if span else ():
            values = (
                disk.rd_bytes,
                disk.wr_bytes,
                disk.rd_reqs,
                disk.wr_reqs,
                disk.rd_latency_ns,
                disk.wr_latency_ns,
                disk.fl_reqs,
                disk.fl_latency_ns,
                disk.errors,
            )
            self._means(_DISK, disk.name, values, span)
            self._levels(_SIZE, disk.name, (disk.allocation, disk.capacity), span)

    def _vcpus(self, rates: GuestRates) -> None:
        for vcpu in rates.vcpus or ():
            halted = None if vcpu.halted is None else float(vcpu.halted)
            shares = (vcpu.cpu, vcpu.wait, vcpu.delay, halted)
            percents = [None if share is None else 100.0 * share for share in shares]
            self._means(_VCPU, str(vcpu.number), percents, rates.vcpu_span)
        if exits := rates.exits:
            values = [exits.get(name) for name in _EXIT_NAMES]
            self._means(_EXITS, "", values, rates.vcpu_span)

    def _cost(self, cost: CostRates, span: float) -> None:
        shares: dict[str, float] = {}
        for thread in cost.threads:
            names = {thread.role.value}
            if thread.role in THREADS_APART:
                names.add(thread.name)
            for name in names:
                shares[name] = shares.get(name, 0.0) + 100.0 * thread.cpu
        for name, percent in shares.items():
            self._means(_ROLE, name, (percent,), span)
        for address, rate in cost.interrupts.items():
            self._means(_IRQ, address, (rate,), span)

    def _agent(self, agent: AgentRates, span: float) -> None:
        """Up to its answer, which may have come a while before this sample. Comes last."""
        self._at = agent.at
        for nic in agent.nics:
            self._means(_NIC, nic.name, _nic_values(nic), span)

    def _io(self, rates: GuestRates) -> None:
        """Per I/O, only where I/O and what it costs were measured over the same time."""
        details = self._view.guest.details
        spans = io_spans(rates)
        counted = bool(rates.vcpus) and alike(rates.vcpu_span, spans)
        charged = rates.cost is not None and alike(rates.cost_span, spans)
        if details is None or not spans or not (counted or charged):
            return
        mix = io_mix(details.devices, rates)
        if mix.mixed:
            self._means(_IO_MIXED, "", (1.0,), max(spans))
        elif mix.cls is not None:
            if counted:
                self._means(_IO_EXITS, mix.cls.value, (mix.exits_per_io,), rates.vcpu_span)
            if charged:
                self._means(_IO_CPU, mix.cls.value, (mix.cpu_ns_per_io,), rates.cost_span)


def _nic_values(nic: NicRates) -> Values:
    return nic.rx_bytes, nic.tx_bytes, nic.rx_pkts, nic.tx_pkts, nic.errs, nic.drops
