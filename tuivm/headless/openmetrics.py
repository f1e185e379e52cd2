"""One scrape as OpenMetrics text (https://prometheus.io/docs/specs/om/open_metrics_spec/).

Counters stand as libvirt and the kernel count them: who reads them makes the rates. Only counters
and gauges are used, and nothing is quoted in a HELP, so that what reads Prometheus' older text
format (node_exporter's textfile collector) takes it too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from tuivm.headless.documents import goes_uncounted, ordered
from tuivm.model.devices import Device, DeviceKind
from tuivm.model.guests import Guest, GuestState
from tuivm.model.hosts import HostFacts, HostSpec
from tuivm.model.metrics import BY_ID
from tuivm.model.ratesteps import memory_rates
from tuivm.model.samples import BalloonFigures, GuestSample, HostCost, ThreadRole, VcpuCounters
from tuivm.model.snapshot import HostSnapshot
from tuivm.model.units import visible

COUNTER, GAUGE = "counter", "gauge"
_TOTAL = "_total"
_UNITS = ("bytes", "seconds")
_LASTING = (ThreadRole.VCPU, ThreadRole.MAIN, ThreadRole.IOTHREAD, ThreadRole.VHOST)
"""Threads of the other roles come and go by the minute: each would be a series of its own."""


class Scraped(NamedTuple):
    """One host. snapshot: the newest while it was up, None when it could not be reached. samples:
    one of each active guest that has one, by UUID."""

    spec: HostSpec
    snapshot: HostSnapshot | None = None
    samples: Mapping[str, GuestSample] = MappingProxyType({})


class Family(NamedTuple):
    """name: as samples have it, with `_total` where it is a counter.

    attribute: of the counters that it is read from. scale: from those to the unit of the name.
    """

    name: str
    text: str
    attribute: str = ""
    scale: Callable[[float], float] = lambda value: value

    @property
    def kind(self) -> str:
        return COUNTER if self.name.endswith(_TOTAL) else GAUGE

    @property
    def family(self) -> str:
        return self.name.removesuffix(_TOTAL)

    @property
    def unit(self) -> str:
        return next((unit for unit in _UNITS if self.family.endswith(f"_{unit}")), "")


def _seconds(ns: float) -> float:
    return ns / 1e9


def _bytes(kib: float) -> float:
    return kib * 1024


def _of(metric: str, text: str = "") -> str:
    """What the register says of a metric, or other words, with the field that it comes from."""
    known = BY_ID[metric]
    return f"{text or known.meaning} ({known.field})"


UP = Family("tuivm_host_up", "1 when the host answered, 0 when it did not.")
HOST = Family("tuivm_host_info", "What the host is; always 1.")
HOST_CPUS = Family("tuivm_host_cpus", "Logical CPUs of the host.")
HOST_MEMORY = Family("tuivm_host_memory_bytes", "Memory in the host.", scale=_bytes)
GUEST = Family("tuivm_guest_info", "A guest of the host, running or not; always 1.")
STATE = Family("tuivm_guest_state", "1 for the state that the guest is in, 0 for the others.")
VCPUS = Family("tuivm_guest_vcpus", "vCPUs that the guest has at present.")
DEVICE = Family(
    "tuivm_device_info",
    "A device of the guest and its class; counted=false: it does I/O of which libvirt counts "
    "nothing. Always 1.",
)
CPU = Family(
    "tuivm_guest_cpu_seconds_total",
    _of("cpu", "Host CPU time that the guest took, its VMM included."),
    "cpu_ns",
    _seconds,
)
MEMORY_USED = Family("tuivm_guest_memory_used_bytes", _of("memory"), scale=_bytes)
MEMORY = (
    Family("tuivm_guest_memory_balloon_bytes", _of("memory.balloon"), "current", _bytes),
    Family("tuivm_guest_memory_rss_bytes", _of("memory.rss"), "rss", _bytes),
    Family("tuivm_guest_memory_available_bytes", _of("memory.available"), "available", _bytes),
    Family("tuivm_guest_swap_in_bytes_total", _of("memory.swap_in"), "swap_in", _bytes),
    Family("tuivm_guest_swap_out_bytes_total", _of("memory.swap_out"), "swap_out", _bytes),
    Family("tuivm_guest_major_faults_total", _of("memory.major"), "major_faults"),
    Family("tuivm_guest_minor_faults_total", _of("memory.minor"), "minor_faults"),
)
VCPU = (
    Family(
        "tuivm_vcpu_seconds_total",
        _of("vcpu.cpu", "Time in which the vCPU's thread ran on a host CPU."),
        "time_ns",
        _seconds,
    ),
    Family(
        "tuivm_vcpu_wait_seconds_total",
        _of("vcpu.wait", "Time in which the vCPU's thread slept on I/O of the host."),
        "wait_ns",
        _seconds,
    ),
    Family(
        "tuivm_vcpu_delay_seconds_total",
        _of("vcpu.delay", "Time in which the vCPU could have run and the host ran something else."),
        "delay_ns",
        _seconds,
    ),
    Family(
        "tuivm_vcpu_halted",
        _of("vcpu.halted", "1 when the vCPU was halted at the time of the scrape."),
        "halted",
    ),
)
ALL_EXITS = Family("tuivm_vcpu_all_exits_total", _of("exits"), "exits")
INJECTIONS = Family("tuivm_vcpu_irq_injections_total", _of("exits.irq"), "irq_injections")
EXITS = Family(
    "tuivm_vcpu_exits_total",
    "Those among all exits that went to the VMM for an I/O port (io) or for a device's registers "
    "in memory (mmio), and those as the vCPU had nothing to do (halt). (vcpu.N.*_exits.sum)",
)
KINDS = ("io", "mmio", "halt")
DISK = (
    Family("tuivm_disk_read_bytes_total", _of("disk.read"), "rd_bytes"),
    Family("tuivm_disk_write_bytes_total", _of("disk.write"), "wr_bytes"),
    Family("tuivm_disk_reads_total", _of("disk.reads"), "rd_reqs"),
    Family("tuivm_disk_writes_total", _of("disk.writes"), "wr_reqs"),
    Family("tuivm_disk_flushes_total", _of("disk.flushes"), "fl_reqs"),
    Family(
        "tuivm_disk_read_seconds_total",
        _of("disk.read_ns", "Time that read requests took in the VMM, one after the other."),
        "rd_ns",
        _seconds,
    ),
    Family(
        "tuivm_disk_write_seconds_total",
        _of("disk.write_ns", "Time that write requests took in the VMM, one after the other."),
        "wr_ns",
        _seconds,
    ),
    Family(
        "tuivm_disk_flush_seconds_total",
        _of("disk.flush_ns", "Time that flushes took, one after the other."),
        "fl_ns",
        _seconds,
    ),
    Family("tuivm_disk_errors_total", _of("disk.errors"), "errors"),
    Family("tuivm_disk_allocation_bytes", _of("disk.allocation"), "allocation"),
    Family("tuivm_disk_capacity_bytes", _of("disk.capacity"), "capacity"),
)
NIC = (
    Family("tuivm_nic_rx_bytes_total", _of("net.rx"), "rx_bytes"),
    Family("tuivm_nic_tx_bytes_total", _of("net.tx"), "tx_bytes"),
    Family("tuivm_nic_rx_packets_total", _of("net.rx_pkts"), "rx_pkts"),
    Family("tuivm_nic_tx_packets_total", _of("net.tx_pkts"), "tx_pkts"),
    Family("tuivm_nic_rx_errors_total", _of("net.errors"), "rx_errs"),
    Family("tuivm_nic_tx_errors_total", _of("net.errors"), "tx_errs"),
    Family("tuivm_nic_rx_drops_total", _of("net.drops"), "rx_drop"),
    Family("tuivm_nic_tx_drops_total", _of("net.drops"), "tx_drop"),
)
THREAD = (
    Family(
        "tuivm_thread_cpu_seconds_total",
        _of("host.cpu", "CPU time on the host of a thread of the guest's VMM, by its role."),
        "cpu_ns",
        _seconds,
    ),
    Family(
        "tuivm_thread_guest_seconds_total",
        "The part of it in the guest's own code, by vCPU under KVM. (/proc/PID/task/*/stat)",
        "guest_ns",
        _seconds,
    ),
)
INTERRUPTS = Family("tuivm_hostdev_interrupts_total", _of("irq"))

FAMILIES: tuple[Family, ...] = (
    *(UP, HOST, HOST_CPUS, HOST_MEMORY, GUEST, STATE, VCPUS, DEVICE, CPU, MEMORY_USED, *MEMORY),
    *(*VCPU, ALL_EXITS, EXITS, INJECTIONS, *DISK, *NIC, *THREAD, INTERRUPTS),
)


def text(hosts: Sequence[Scraped]) -> str:
    """The whole exposition, `# EOF` included. What is not reported has no sample."""
    page = _Page()
    for host in hosts:
        page.host(host)
    return page.text()


class _Page:
    """All samples of one metric stand together, so they are gathered by metric."""

    def __init__(self) -> None:
        self._samples: dict[str, list[str]] = {}

    def text(self) -> str:
        lines: list[str] = []
        for family in FAMILIES:
            if samples := self._samples.get(family.name):
                lines.append(f"# TYPE {family.family} {family.kind}")
                if family.unit:
                    lines.append(f"# UNIT {family.family} {family.unit}")
                lines.append(f"# HELP {family.family} {family.text}")
                lines += samples
        return "\n".join([*lines, "# EOF\n"])

    def host(self, host: Scraped) -> None:
        labels = {"host": host.spec.name}
        self._add(UP, labels, 0 if host.snapshot is None else 1)
        if host.snapshot is None:
            return
        facts = host.snapshot.facts or HostFacts()
        # What takes its time to find out is left out: a label that comes and goes makes new series.
        about = {"driver": facts.driver, "libvirt_version": facts.libvirt_version}
        self._add(HOST, {**labels, **about}, 1)
        self._add(HOST_CPUS, labels, facts.cpus)
        self._add(HOST_MEMORY, labels, facts.memory_kib)
        for guest in ordered(host.snapshot):
            self._guest(guest, host.samples.get(guest.key.uuid))

    def _guest(self, guest: Guest, sample: GuestSample | None) -> None:
        labels = {"host": guest.key.host, "guest": guest.name, "uuid": guest.key.uuid}
        details = guest.details
        about = {}
        if details is not None:
            stack = details.stack
            about = {
                "title": details.title,
                "virt_type": stack.virt_type,
                "arch": stack.arch,
                "machine": stack.machine,
                "firmware": stack.firmware,
            }
            self._add(VCPUS, labels, details.vcpus or None)
        self._add(GUEST, {**labels, **about}, 1)
        for state in GuestState:
            self._add(STATE, {**labels, "state": state.value}, int(state is guest.state))
        devices = details.devices if details is not None else ()
        for device in devices:
            counted = "false" if goes_uncounted(device) else "true" if device.counted else ""
            about = {"kind": device.kind.value, "counted": counted}
            self._add(DEVICE, {**labels, **about, **_device(device.target, device)}, 1)
        if sample is not None and guest.state.active:
            self._sample(labels, devices, sample)

    def _sample(
        self, labels: Mapping[str, str], devices: Sequence[Device], sample: GuestSample
    ) -> None:
        known = {(device.kind, device.target): device for device in devices}
        self._each((CPU,), labels, sample)
        if sample.balloon is not None:
            self._memory(labels, sample.balloon)
        for vcpu in sample.vcpus or ():
            self._vcpu({**labels, "vcpu": str(vcpu.number)}, vcpu)
        for disk in sample.disks or ():
            device = known.get((DeviceKind.DISK, disk.name))
            self._each(DISK, {**labels, **_device(disk.name, device)}, disk)
        for nic in sample.nics or ():
            device = known.get((DeviceKind.NIC, nic.name))
            self._each(NIC, {**labels, **_device(nic.name, device)}, nic)
        if sample.cost is not None:
            self._cost(labels, devices, sample.cost)

    def _memory(self, labels: Mapping[str, str], balloon: BalloonFigures) -> None:
        used, _, source, _ = memory_rates(None, balloon, 0.0)
        if source is not None:
            self._add(MEMORY_USED, {**labels, "source": source.value}, used)
        self._each(MEMORY, labels, balloon)

    def _vcpu(self, labels: Mapping[str, str], vcpu: VcpuCounters) -> None:
        self._each(VCPU, labels, vcpu)
        for kind in KINDS:
            self._add(EXITS, {**labels, "kind": kind}, vcpu.exits.get(f"{kind}_exits"))
        for family in (ALL_EXITS, INJECTIONS):
            self._add(family, labels, vcpu.exits.get(family.attribute))

    def _cost(self, labels: Mapping[str, str], devices: Sequence[Device], cost: HostCost) -> None:
        for thread in cost.threads or ():
            if thread.role in _LASTING:
                # By id: two vhost threads may have one name, and another run other threads.
                about = {"role": thread.role.value, "thread": thread.name, "tid": str(thread.tid)}
                self._each(THREAD, {**labels, **about}, thread)
        for device in devices:
            if (count := cost.interrupts.get(device.source)) is not None:
                about = {**_device(device.target, device), "address": device.source}
                self._add(INTERRUPTS, {**labels, **about}, count)

    def _each(self, families: Sequence[Family], labels: Mapping[str, str], of: object) -> None:
        for family in families:
            self._add(family, labels, getattr(of, family.attribute))

    def _add(self, family: Family, labels: Mapping[str, str], value: float | None) -> None:
        if value is None:
            return
        told = ",".join(f'{name}="{_escaped(word)}"' for name, word in labels.items() if word)
        number = int(value) if isinstance(value, bool) else family.scale(value)
        sample = f"{family.name}{{{told}}} {number}"
        self._samples.setdefault(family.name, []).append(sample)


def _device(target: str, device: Device | None) -> dict[str, str]:
    """An empty label is one that is not there."""
    if device is None:
        return {"device": target}
    return {"device": target, "class": device.cls.value, "model": device.model}


def _escaped(word: str) -> str:
    """As a label's value. The format lets control characters pass; a terminal shall not."""
    return visible(word).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
