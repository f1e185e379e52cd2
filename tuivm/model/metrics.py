"""Everything that is measured, once: id in the history, unit, libvirt field, and what it means."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Subject(StrEnum):
    """What a metric is measured of; says what `SeriesKey.device` holds."""

    GUEST = "guest"
    """device is ""."""
    VCPU = "vCPU"
    """device is the vCPU's number."""
    DISK = "disk"
    NIC = "NIC"
    """device is the target."""
    ROLE = "threads"
    """device is a `ThreadRole`'s value."""
    CLASS = "class"
    """device is a `DeviceClass`'s value."""
    HOSTDEV = "passed-through device"
    """device is its PCI address on the host."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One thing that is measured.

    id: `SeriesKey.metric`. unit: "%", "B", "B/s", "/s", "ns" or "" for a plain ratio. field: where
    it comes from. more: True when more is better, False when less is, None when neither.
    meaning, good, why: sentences for a person: what it is, what a good value looks like, and why
    the device classes differ in it ("" where they do not).
    """

    id: str
    title: str
    unit: str
    subject: Subject
    field: str
    more: bool | None = None
    meaning: str = ""
    good: str = ""
    why: str = ""


METRICS: tuple[Metric, ...] = (
    Metric("cpu", "CPU", "%", Subject.GUEST, "cpu.time"),
    Metric("vcpu.cpu", "vCPU busy", "%", Subject.VCPU, "vcpu.N.time"),
    Metric("vcpu.wait", "vCPU waits for I/O", "%", Subject.VCPU, "vcpu.N.wait"),
    Metric("vcpu.delay", "vCPU kept waiting by the host", "%", Subject.VCPU, "vcpu.N.delay"),
    Metric("vcpu.halted", "vCPU halted", "%", Subject.VCPU, "vcpu.N.halted"),
    Metric("memory", "memory used", "B", Subject.GUEST, "balloon.available - balloon.unused"),
    Metric("memory.balloon", "balloon", "B", Subject.GUEST, "balloon.current"),
    Metric("memory.rss", "RSS", "B", Subject.GUEST, "balloon.rss"),
    Metric("memory.available", "available", "B", Subject.GUEST, "balloon.available"),
    Metric("memory.swap_in", "swap in", "B/s", Subject.GUEST, "balloon.swap_in"),
    Metric("memory.swap_out", "swap out", "B/s", Subject.GUEST, "balloon.swap_out"),
    Metric("memory.major", "major faults", "/s", Subject.GUEST, "balloon.major_fault"),
    Metric("memory.minor", "minor faults", "/s", Subject.GUEST, "balloon.minor_fault"),
    Metric("disk.read", "read", "B/s", Subject.DISK, "block.N.rd.bytes", True),
    Metric("disk.write", "write", "B/s", Subject.DISK, "block.N.wr.bytes", True),
    Metric("disk.reads", "reads", "/s", Subject.DISK, "block.N.rd.reqs", True),
    Metric("disk.writes", "writes", "/s", Subject.DISK, "block.N.wr.reqs", True),
    Metric("disk.read_ns", "read latency", "ns", Subject.DISK, "block.N.rd.times", False),
    Metric("disk.write_ns", "write latency", "ns", Subject.DISK, "block.N.wr.times", False),
    Metric("disk.flushes", "flushes", "/s", Subject.DISK, "block.N.fl.reqs"),
    Metric("disk.flush_ns", "flush latency", "ns", Subject.DISK, "block.N.fl.times", False),
    Metric("disk.errors", "I/O errors", "/s", Subject.DISK, "block.N.errors", False),
    Metric("disk.allocation", "allocated", "B", Subject.DISK, "block.N.allocation"),
    Metric("disk.capacity", "capacity", "B", Subject.DISK, "block.N.capacity"),
    Metric("net.rx", "rx", "B/s", Subject.NIC, "net.N.rx.bytes", True),
    Metric("net.tx", "tx", "B/s", Subject.NIC, "net.N.tx.bytes", True),
    Metric("net.rx_pkts", "rx packets", "/s", Subject.NIC, "net.N.rx.pkts", True),
    Metric("net.tx_pkts", "tx packets", "/s", Subject.NIC, "net.N.tx.pkts", True),
    Metric("net.errors", "errors", "/s", Subject.NIC, "net.N.rx.errs + net.N.tx.errs", False),
    Metric("net.drops", "drops", "/s", Subject.NIC, "net.N.rx.drop + net.N.tx.drop", False),
    Metric("exits", "exits", "/s", Subject.GUEST, "vcpu.N.exits.sum", False),
    Metric("exits.io", "I/O port", "/s", Subject.GUEST, "vcpu.N.io_exits.sum", False),
    Metric("exits.mmio", "MMIO", "/s", Subject.GUEST, "vcpu.N.mmio_exits.sum", False),
    Metric("exits.halt", "halt", "/s", Subject.GUEST, "vcpu.N.halt_exits.sum"),
    Metric("exits.irq", "interrupts", "/s", Subject.GUEST, "vcpu.N.irq_injections.sum"),
    Metric("io.exits", "exits per I/O", "", Subject.CLASS, "io_exits, mmio_exits, *.reqs, *.pkts"),
    Metric("io.cpu", "host CPU per I/O", "ns", Subject.CLASS, "/proc/PID/task, *.reqs, *.pkts"),
    Metric("io.mixed", "mixed I/O", "", Subject.GUEST, "block.N.*.reqs, net.N.*.pkts"),
    Metric("host.cpu", "host CPU by thread role", "%", Subject.ROLE, "/proc/PID/task/*"),
    Metric("irq", "interrupts", "/s", Subject.HOSTDEV, "/proc/interrupts (vfio)"),
)

BY_ID: dict[str, Metric] = {metric.id: metric for metric in METRICS}
