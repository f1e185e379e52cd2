"""Everything that is measured, once: id in the history, unit, libvirt field, and what it means.

Field names are those of virConnectGetAllDomainStats unless they are paths.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


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
    """device is a `ThreadRole`'s value, or the name of a vCPU's or I/O thread ("vCPU 0")."""
    CLASS = "class"
    """device is a `DeviceClass`'s value."""
    HOSTDEV = "passed-through device"
    """device is its PCI address on the host."""


class Metric(NamedTuple):
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
    more: bool | None
    meaning: str
    good: str
    why: str = ""


_WHY_IO = (
    "An emulated model has the guest program its registers for each request, one exit an access "
    "(IDE about 26, AHCI about 7 for a 4 KiB read); virtio puts requests into shared memory and "
    "notifies once for a batch; a passed-through device is driven directly, without the VMM."
)
_WHY_NET = (
    "e1000e and rtl8139 interrupt and are programmed packet by packet or nearly so; virtio-net "
    "hands over batches, and with vhost they do not even pass through the VMM; a VF sends without "
    "the host's CPU."
)
_WHY_EXITS = (
    "Emulated models exit for each register access; virtio for one notification a batch, which an "
    "ioeventfd takes in the kernel (such a kick is not counted here); passthrough for none."
)
_LATENCY_GOOD = "The latency of the storage below plus a few tens of µs; steady under load."

METRICS: tuple[Metric, ...] = (
    Metric(
        *("cpu", "CPU", "%", Subject.GUEST, "cpu.time", None),
        "Host CPU time that the guest takes, its VMM included, as a share of its vCPUs.",
        "What the work in the guest explains; above 100 % the VMM itself works hard.",
        "Device models run on the host's CPU: the same I/O through an emulated device costs more.",
    ),
    Metric(
        *("vcpu.cpu", "vCPU busy", "%", Subject.VCPU, "vcpu.N.time", None),
        "Share of the time in which this vCPU's thread ran on a host CPU.",
        "Even over the vCPUs; one at 100 % beside idle ones is a guest bound to one thread.",
        "Exits are handled on the vCPU's own thread, so emulated I/O makes its vCPU busy.",
    ),
    Metric(
        *("vcpu.wait", "vCPU waits", "%", Subject.VCPU, "vcpu.N.wait", False),
        "Share of the time in which the vCPU's thread slept on I/O of the host.",
        "Near 0: I/O of devices is done by other threads.",
    ),
    Metric(
        *("vcpu.delay", "vCPU delayed", "%", Subject.VCPU, "vcpu.N.delay", False),
        "Share of the time in which the vCPU could have run and the host ran something else; the "
        "guest sees it as steal.",
        "Under 1 %; above 5 % the host has too few CPUs for its guests.",
    ),
    Metric(
        *("vcpu.halted", "vCPU halted", "%", Subject.VCPU, "vcpu.N.halted", None),
        "100 when the vCPU was found halted, waiting for an interrupt, at the time of the sample.",
        "Halted most of the time when the guest is idle.",
    ),
    Metric(
        *("memory", "memory used", "B", Subject.GUEST),
        *("balloon.available - balloon.unused", None),
        "Memory in use inside the guest, as its balloon driver reports; else the RSS of its VMM.",
        "Below what the guest has been given, with room for its page cache.",
    ),
    Metric(
        *("memory.balloon", "balloon", "B", Subject.GUEST, "balloon.current", None),
        "Memory that the guest has at present; the balloon takes the rest of its maximum back.",
        "The maximum, unless the host needs memory back.",
    ),
    Metric(
        *("memory.rss", "RSS", "B", Subject.GUEST, "balloon.rss", None),
        "Resident memory of the guest's VMM on the host: what it really takes there.",
        "At most the guest's memory and some tens of MiB for the VMM.",
        "A passed-through device may write anywhere, so all of the guest's memory is locked.",
    ),
    Metric(
        *("memory.available", "available", "B", Subject.GUEST, "balloon.available", None),
        "What the guest's kernel has to give out, as its balloon driver reports.",
        "A little less than the balloon: the kernel keeps some to itself.",
    ),
    Metric(
        *("memory.swap_in", "swap in", "B/s", Subject.GUEST, "balloon.swap_in", False),
        "What the guest reads back from its swap, as its balloon driver reports.",
        "0: each page read back is work that waits for a disk.",
    ),
    Metric(
        *("memory.swap_out", "swap out", "B/s", Subject.GUEST, "balloon.swap_out", False),
        "What the guest writes out to its swap, as its balloon driver reports.",
        "0, or short bursts; steadily more means too little memory or too large a balloon.",
    ),
    Metric(
        *("memory.major", "major faults", "/s", Subject.GUEST, "balloon.major_fault", False),
        "Page faults in the guest that had to read from a disk.",
        "Near 0 once programs have started.",
    ),
    Metric(
        *("memory.minor", "minor faults", "/s", Subject.GUEST, "balloon.minor_fault", None),
        "Page faults in the guest that found the page in memory.",
        "Whatever its programs cause by asking for memory.",
    ),
    Metric(
        *("disk.read", "read", "B/s", Subject.DISK, "block.N.rd.bytes", True),
        "Bytes that the guest reads from the disk, as its device model counts them.",
        "What the storage below gives: 0.5 to 1.0 of it with virtio.",
        _WHY_IO,
    ),
    Metric(
        *("disk.write", "write", "B/s", Subject.DISK, "block.N.wr.bytes", True),
        "Bytes that the guest writes to the disk, as its device model counts them.",
        "What the storage below takes; the cache mode decides who waits for it.",
        _WHY_IO,
    ),
    Metric(
        *("disk.reads", "reads", "/s", Subject.DISK, "block.N.rd.reqs", True),
        "Read requests. Their size is bytes divided by requests.",
        "As many as the storage can do at this depth; small requests show the model's own cost.",
        _WHY_IO,
    ),
    Metric(
        *("disk.writes", "writes", "/s", Subject.DISK, "block.N.wr.reqs", True),
        "Write requests. Their size is bytes divided by requests.",
        "As many as the storage can do at this depth.",
        _WHY_IO,
    ),
    Metric(
        *("disk.read_ns", "read latency", "ns", Subject.DISK, "block.N.rd.times", False),
        "Mean time of a read request in the VMM: time spent divided by requests completed. The "
        "way in and out of the guest is not in it.",
        _LATENCY_GOOD,
        _WHY_IO,
    ),
    Metric(
        *("disk.write_ns", "write latency", "ns", Subject.DISK, "block.N.wr.times", False),
        "Mean time of a write request in the VMM: time spent divided by requests completed.",
        _LATENCY_GOOD,
        _WHY_IO,
    ),
    Metric(
        *("disk.flushes", "flushes", "/s", Subject.DISK, "block.N.fl.reqs", None),
        "Requests of the guest to have everything on stable storage.",
        "As the guest's file systems and databases ask for; cache=unsafe ignores them.",
    ),
    Metric(
        *("disk.flush_ns", "flush latency", "ns", Subject.DISK, "block.N.fl.times", False),
        "Mean time of a flush.",
        "Under 1 ms on SSDs with protected caches, some 10 ms on disks.",
    ),
    Metric(
        *("disk.errors", "I/O errors", "/s", Subject.DISK, "block.N.errors", False),
        "Requests that failed (Xen reports them; QEMU does not).",
        "0.",
    ),
    Metric(
        *("disk.allocation", "allocated", "B", Subject.DISK, "block.N.allocation", None),
        "How far the image has been written: its highest offset, or the space it takes.",
        "Below capacity; a thin image grows up to it.",
    ),
    Metric(
        *("disk.capacity", "capacity", "B", Subject.DISK, "block.N.capacity", None),
        "The size that the guest sees.",
        "As it was made.",
    ),
    Metric(
        *("net.rx", "rx", "B/s", Subject.NIC, "net.N.rx.bytes", True),
        "Bytes that the guest receives, counted at the host's end of the wire.",
        "What the network brings; virtio reaches 10 Gbit/s and more.",
        _WHY_NET,
    ),
    Metric(
        *("net.tx", "tx", "B/s", Subject.NIC, "net.N.tx.bytes", True),
        "Bytes that the guest sends, counted at the host's end of the wire.",
        "What the guest has to send.",
        _WHY_NET,
    ),
    Metric(
        *("net.rx_pkts", "rx packets", "/s", Subject.NIC, "net.N.rx.pkts", True),
        "Packets that the guest receives; large ones when offloads are on.",
        "Fewer and larger for the same bytes.",
        _WHY_NET,
    ),
    Metric(
        *("net.tx_pkts", "tx packets", "/s", Subject.NIC, "net.N.tx.pkts", True),
        "Packets that the guest sends; large ones when offloads are on.",
        "Fewer and larger for the same bytes.",
        _WHY_NET,
    ),
    Metric(
        *("net.errors", "errors", "/s", Subject.NIC, "net.N.rx.errs + net.N.tx.errs", False),
        "Packets that failed at the host's end of the wire.",
        "0.",
    ),
    Metric(
        *("net.drops", "drops", "/s", Subject.NIC, "net.N.rx.drop + net.N.tx.drop", False),
        "Packets dropped at the host's end: the guest, or its device model, was too slow.",
        "0; a few in bursts.",
        _WHY_NET,
    ),
    Metric(
        *("exits", "exits", "/s", Subject.GUEST, "vcpu.N.exits.sum", False),
        "How often a vCPU left the guest's code so that the host could do something for it (KVM).",
        "Hundreds when idle, some thousands a vCPU under I/O; each costs 1 to 2 µs and more.",
        _WHY_EXITS,
    ),
    Metric(
        *("exits.io", "I/O port", "/s", Subject.GUEST, "vcpu.N.io_exits.sum", False),
        "Exits to the VMM for an access to an I/O port: IDE, rtl8139, old serial ports.",
        "Near 0 without emulated devices of the ISA and PCI age.",
        _WHY_EXITS,
    ),
    Metric(
        *("exits.mmio", "MMIO", "/s", Subject.GUEST, "vcpu.N.mmio_exits.sum", False),
        "Exits to the VMM for an access to a device's registers in memory: AHCI, e1000e, xHCI.",
        "Near 0 with virtio and passthrough.",
        _WHY_EXITS,
    ),
    Metric(
        *("exits.halt", "halt", "/s", Subject.GUEST, "vcpu.N.halt_exits.sum", None),
        "Exits because the vCPU had nothing to do and waits for an interrupt.",
        "Many when a guest waits for I/O at depth 1; few when it is busy.",
    ),
    Metric(
        *("exits.irq", "interrupts", "/s", Subject.GUEST, "vcpu.N.irq_injections.sum", False),
        "Interrupts that the host put into the guest.",
        "Fewer than I/Os: virtio and NVMe complete several requests with one.",
        "rtl8139 and pcnet interrupt for each packet, e1000e for 0.2 to 0.3, virtio for 0.02 to "
        "0.06; posted interrupts of a passed-through device need no exit at all.",
    ),
    Metric(
        *("io.exits", "exits per I/O", "", Subject.CLASS),
        *("(vcpu.N.io_exits.sum + vcpu.N.mmio_exits.sum) / (block.N.*.reqs + net.N.*.pkts)", False),
        "Exits to the VMM for each request or packet, while one class of device does the I/O "
        "alone: libvirt counts exits by guest, so that a mix says nothing of either class.",
        "Under 1 for virtio, 0 for passthrough.",
        _WHY_EXITS,
    ),
    Metric(
        *("io.cpu", "host CPU per I/O", "ns", Subject.CLASS),
        *("/proc/PID/task/*/schedstat / (block.N.*.reqs + net.N.*.pkts)", False),
        "CPU time on the host, other than the guest's own code, for each request or packet, while "
        "one class of device does the I/O alone. Under TCG the vCPU threads are not in it: there "
        "the guest's code and the device models share them.",
        "5 to 20 µs for virtio; less with an I/O thread that polls, none for passthrough.",
        _WHY_IO,
    ),
    Metric(
        *("io.mixed", "mixed I/O", "", Subject.GUEST, "block.N.*.reqs, net.N.*.pkts", None),
        "1 while devices of more than one class do I/O: figures per I/O are then not shown.",
        "0 while classes are compared.",
    ),
    Metric(
        *("host.cpu", "host CPU by role", "%", Subject.ROLE, "/proc/PID/task/*/schedstat", None),
        "Host CPU of the guest's threads by what they are there for: vCPUs, main loop, I/O "
        "threads, vhost, workers. 100 % is one CPU.",
        "Most of it in the vCPUs; a main loop at 100 % is a bottleneck for all its devices.",
        "Emulated devices and virtio without an I/O thread work in the main loop; vhost works in "
        "the kernel; a passed-through device costs none of these.",
    ),
    Metric(
        *("irq", "interrupts", "/s", Subject.HOSTDEV, "/proc/interrupts (vfio)", None),
        "Interrupts of a passed-through device on the host. Its I/O never touches the VMM, so that "
        "this is all the host sees of it.",
        "Follows the device's I/O; with posted interrupts it stays near 0, which is best.",
    ),
)

BY_ID: dict[str, Metric] = {metric.id: metric for metric in METRICS}
