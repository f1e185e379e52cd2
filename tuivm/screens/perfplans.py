"""Which charts there are of a guest, subject by subject, and what each is of. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tuivm.model.devices import Device, DeviceClass, DeviceKind
from tuivm.model.history import SeriesKey
from tuivm.model.metrics import BY_ID
from tuivm.model.rates import MemorySource
from tuivm.model.recording import THREADS_APART
from tuivm.model.samples import ThreadRole
from tuivm.screens.perfscene import ABSENT, Plan, Scene, Trace

SUBJECTS = {
    "all": "all",
    "cpu": "CPU",
    "memory": "memory",
    "disks": "disks",
    "nics": "NICs",
    "exits": "exits",
    "cost": "host cost",
    "passed": "passed through",
}
"""What charts can be of, by id: what it is called."""

BYPASSES = "its I/O never touches the VMM, so nothing counts it here"
_REMOTE = "cannot be seen from here: the connection is a remote one"
_NO_REQUEST = "no request was measured in this time"
_NO_IO = "no I/O was measured in this time"

_DISK_PAIRS = (
    ("throughput", ("disk.read", "disk.write")),
    ("I/Os", ("disk.reads", "disk.writes")),
    ("latency", ("disk.read_ns", "disk.write_ns")),
    ("flushes", ("disk.flushes",)),
    ("size", ("disk.allocation", "disk.capacity")),
)
_DISK_METRICS = (
    *("disk.read", "disk.write", "disk.reads", "disk.writes", "disk.read_ns", "disk.write_ns"),
    *("disk.flushes", "disk.flush_ns"),
)
_NIC_PAIRS = (
    ("throughput", ("net.rx", "net.tx")),
    ("packets", ("net.rx_pkts", "net.tx_pkts")),
    ("errors and drops", ("net.errors", "net.drops")),
)
_NIC_METRICS = ("net.rx", "net.tx", "net.rx_pkts", "net.tx_pkts", "net.errors", "net.drops")
_VCPU_METRICS = ("vcpu.cpu", "vcpu.wait", "vcpu.delay", "vcpu.halted")
_EXITS = (
    ("exits", "exits", "all"),
    ("exits.io", "io_exits", "I/O port"),
    ("exits.mmio", "mmio_exits", "MMIO"),
    ("exits.halt", "halt_exits", "halt"),
    ("exits.irq", "irq_injections", "interrupts"),
)
"""Metric, libvirt's name for it, and what the legend calls it."""
_MEMORY = ("memory", "memory.balloon", "memory.rss", "memory.available")
_SWAP = ("memory.swap_in", "memory.swap_out")
_FAULTS = ("memory.major", "memory.minor")


def subjects(scene: Scene) -> list[str]:
    """The subjects that this guest has charts of."""
    passed = any(_passed(device) for device in scene.devices)
    return [subject for subject in SUBJECTS if passed or subject != "passed"]


def wants_agent(scene: Scene, subject: str) -> bool:
    """A chart of it shows what the guest's agent tells. Asking leaves a trace in libvirt's log of
    the guest, so it is asked for nothing else."""
    return subject in {"nics", "passed"} and any(_passed(device) for device in scene.devices)


def plans(scene: Scene, subject: str, *, split: bool) -> list[Plan]:
    """The charts of a subject. split: one chart a device (or vCPU), not all devices on each."""
    made = list(_MAKERS[subject](scene, split))
    state = scene.view.guest.state
    if not state.active:
        note = f"{scene.view.guest.name} is {scene.view.guest.state_word}"
        return [plan._replace(note=note) for plan in made]
    return made


def _all(scene: Scene, split: bool) -> Iterator[Plan]:
    yield _cpu_total(scene)
    yield _memory_levels(scene)
    disks, nics = scene.counted(DeviceKind.DISK), scene.counted(DeviceKind.NIC)
    if split:
        yield from (_pair(scene, disk, *pair) for disk in disks for pair in _DISK_PAIRS[:3])
        yield from (_pair(scene, nic, *_NIC_PAIRS[0]) for nic in nics)
    else:
        if disks:
            yield from (_both_ways(scene, "disks", disks, *pair) for pair in _DISK_PAIRS[:3])
        if nics:
            yield _both_ways(scene, "NICs", nics, *_NIC_PAIRS[0])
    yield _exits(scene)
    yield _cost_by_role(scene)
    yield from _passed_through(scene, split)


def _cpu(scene: Scene, split: bool) -> Iterator[Plan]:
    yield _cpu_total(scene)
    numbers = _vcpus(scene)
    if split:
        for number in numbers:
            traces = (
                Trace(_keys(scene, metric, str(number)), BY_ID[metric].title, role=_role(index))
                for index, metric in enumerate(_VCPU_METRICS)
            )
            note = _vcpu_note(scene, "")
            yield Plan(f"vCPU {number}", "%", tuple(traces), _VCPU_METRICS, note, sparse=True)
        return
    for metric in _VCPU_METRICS:
        lines = (
            Trace(_keys(scene, metric, str(number)), f"vCPU {number}", role=_role(number))
            for number in numbers
        )
        note = _vcpu_note(scene, metric)
        yield Plan(f"{BY_ID[metric].title}", "%", tuple(lines), (metric,), note)


def _memory(scene: Scene, split: bool) -> Iterator[Plan]:
    del split
    yield _memory_levels(scene)
    note = "not reported: only the balloon driver in the guest tells it" if scene.settled else ""
    yield _of_guest(scene, "swap", _SWAP, note)
    yield _of_guest(scene, "page faults", _FAULTS, note)


def _disks(scene: Scene, split: bool) -> Iterator[Plan]:
    disks = scene.counted(DeviceKind.DISK)
    if split:
        yield from (_pair(scene, disk, *pair) for disk in disks for pair in _DISK_PAIRS)
    elif disks:
        for metric in _DISK_METRICS:
            yield _overlay(scene, "disks", disks, metric)
        yield _sizes(scene, disks)
    yield from _uncounted(scene, DeviceKind.DISK)
    if not scene.of(DeviceKind.DISK):
        yield Plan("disks", "B/s", (), ("disk.read",), "it has no disk")


def _nics(scene: Scene, split: bool) -> Iterator[Plan]:
    nics = scene.counted(DeviceKind.NIC)
    if split:
        yield from (_pair(scene, nic, *pair) for nic in nics for pair in _NIC_PAIRS)
    elif nics:
        for metric in _NIC_METRICS:
            yield _overlay(scene, "NICs", nics, metric)
    yield from _uncounted(scene, DeviceKind.NIC)
    if not scene.of(DeviceKind.NIC):
        yield Plan("NICs", "B/s", (), ("net.rx",), "it has no network interface")


def _exit_charts(scene: Scene, split: bool) -> Iterator[Plan]:
    del split
    yield _exits(scene)
    yield _per_io(scene, "io.exits", "exits per I/O", _exits_note(scene))


def _cost(scene: Scene, split: bool) -> Iterator[Plan]:
    yield _cost_by_thread(scene) if split else _cost_by_role(scene)
    title = "host CPU per I/O"
    if scene.view.guest.virt_type == "qemu":
        title += ", without the vCPU threads"
    yield _per_io(scene, "io.cpu", title, _cost_note(scene))


def _passed_through(scene: Scene, split: bool) -> Iterator[Plan]:
    del split
    for device in scene.devices:
        if _passed(device):
            yield from _bypassing(scene, device)


_MAKERS = {
    "all": _all,
    "cpu": _cpu,
    "memory": _memory,
    "disks": _disks,
    "nics": _nics,
    "exits": _exit_charts,
    "cost": _cost,
    "passed": _passed_through,
}


def _cpu_total(scene: Scene) -> Plan:
    trace = Trace(_keys(scene, "cpu"), "of its vCPUs", role="series-1")
    return Plan("CPU", "%", (trace,), ("cpu",))


def _memory_levels(scene: Scene) -> Plan:
    # Without figures from the guest "used" is the RSS, which has a line of its own.
    rates = scene.view.rates
    used = rates is None or rates.memory_source is not MemorySource.RSS
    metrics = _MEMORY if used else _MEMORY[1:]
    return _of_guest(scene, "memory", metrics, "")


def _of_guest(scene: Scene, title: str, metrics: Sequence[str], note: str) -> Plan:
    traces = (
        Trace(_keys(scene, metric), BY_ID[metric].title, role=_role(index))
        for index, metric in enumerate(metrics)
    )
    return Plan(title, BY_ID[metrics[0]].unit, tuple(traces), tuple(metrics), note, sparse=True)


def _both_ways(
    scene: Scene, what: str, devices: Iterable[Device], title: str, metrics: tuple[str, ...]
) -> Plan:
    """A line a device: what it does in both directions; of times, the mean over all requests."""
    unit = BY_ID[metrics[0]].unit
    weights = ("disk.reads", "disk.writes") if unit == "ns" else ()
    traces = tuple(
        Trace(
            tuple(SeriesKey(scene.key, metric, device.target) for metric in metrics),
            device.target,
            device,
            weights=tuple(SeriesKey(scene.key, weight, device.target) for weight in weights),
        )
        for device in devices
    )
    title = f"{what}: {title}"
    note = _latency_note(scene) if unit == "ns" else ""
    return Plan(title, unit, traces, metrics, note, by_class=True, sums=unit != "ns")


def _overlay(scene: Scene, what: str, devices: Iterable[Device], metric: str) -> Plan:
    known = BY_ID[metric]
    traces = tuple(
        Trace(_keys(scene, metric, device.target), device.target, device) for device in devices
    )
    note = _latency_note(scene) if known.unit == "ns" else ""
    return Plan(
        f"{what}: {known.title}",
        known.unit,
        traces,
        (metric,),
        note,
        by_class=True,
        sums=known.unit != "ns",
    )


def _latency_note(scene: Scene) -> str:
    """There is no latency without a request, where requests are counted at all."""
    rates = scene.view.rates
    return _NO_REQUEST if rates is not None and rates.disks else ""


def _sizes(scene: Scene, disks: Iterable[Device]) -> Plan:
    metrics = ("disk.allocation", "disk.capacity")
    traces = tuple(
        Trace(_keys(scene, metric, disk.target), f"{disk.target} {BY_ID[metric].title}", disk)
        for disk in disks
        for metric in metrics
    )
    return Plan("disks: allocated of capacity", "B", traces, metrics, by_class=True)


def _pair(scene: Scene, device: Device, title: str, metrics: tuple[str, ...]) -> Plan:
    traces = tuple(
        Trace(_keys(scene, metric, device.target), BY_ID[metric].title, device)
        for metric in metrics
    )
    unit = BY_ID[metrics[0]].unit
    note = _latency_note(scene) if unit == "ns" else ""
    return Plan(f"{device.target} {device.model}: {title}", unit, traces, metrics, note)


def _uncounted(scene: Scene, kind: DeviceKind) -> Iterator[Plan]:
    for device in scene.of(kind):
        if _passed(device):
            yield from _bypassing(scene, device)
        elif not device.counted:
            metrics = ("disk.read",) if kind is DeviceKind.DISK else ("net.rx",)
            title = f"{scene.glyph(device.cls)} {device.target} {device.model}"
            yield Plan(title, BY_ID[metrics[0]].unit, (), metrics, "libvirt has no counters for it")


def _passed(device: Device) -> bool:
    """The guest drives it itself. A host's block device as a LUN goes through the VMM."""
    return device.cls is DeviceClass.PHYSICAL and not device.counted


def _bypassing(scene: Scene, device: Device) -> Iterator[Plan]:
    """What the guest's agent tells of a passed-through device, then what the host sees of it."""
    agent = scene.view.rates.agent if scene.view.rates else None
    if agent is not None and any(nic.name == device.target for nic in agent.nics):
        for title, metrics in _NIC_PAIRS:
            yield _pair(scene, device, f"{title}, told by the guest's agent", metrics)
    yield _bypass(scene, device)


def _bypass(scene: Scene, device: Device) -> Plan:
    """What the host sees of a passed-through device: its interrupts, if it sees any."""
    note = BYPASSES
    if device.bus == "pci" and not scene.local:
        note += f"; its interrupts {_REMOTE}"
    name = " ".join(part for part in (device.target, device.model, device.source) if part)
    trace = Trace(_keys(scene, "irq", device.source), "interrupts", device)
    title = f"{scene.glyph(device.cls)} {name}: interrupts (its I/O bypasses the VMM)"
    return Plan(title, "/s", (trace,), ("irq",), note)


def _exits(scene: Scene) -> Plan:
    rates = scene.view.rates
    reported = rates.exits if rates else {}
    traces = (
        Trace(_keys(scene, metric), label, role=_role(index))
        for index, (metric, name, label) in enumerate(_EXITS)
        if not reported or name in reported
    )
    note = _exits_note(scene)
    metrics = tuple(metric for metric, _, _ in _EXITS)
    return Plan("exits", "/s", tuple(traces), metrics, note, sparse=True)


def _exits_note(scene: Scene) -> str:
    if scene.view.guest.virt_type == "qemu":
        return "not reported: TCG translates the guest's code and has no exits to count"
    rates = scene.view.rates
    return ABSENT if scene.settled and not (rates and rates.exits) else ""


def _per_io(scene: Scene, metric: str, title: str, note: str) -> Plan:
    """A line a class of device that does I/O."""
    devices = (*scene.counted(DeviceKind.DISK), *scene.counted(DeviceKind.NIC))
    present = {device.cls for device in devices}
    traces = tuple(
        Trace(_keys(scene, metric, cls.value), cls.value, role=cls.value, cls=cls)
        for cls in DeviceClass
        if cls in present
    )
    # What is not reported is not so because the I/O is mixed.
    mixed = None if note else SeriesKey(scene.key, "io.mixed")
    metrics = (metric, "io.mixed")
    note = note or (_NO_IO if present else "it has no disk or NIC with counters")
    return Plan(title, BY_ID[metric].unit, traces, metrics, note, mixed=mixed)


def _cost_by_role(scene: Scene) -> Plan:
    return _host_cpu(scene, "host CPU by role of thread", [role.value for role in ThreadRole])


def _cost_by_thread(scene: Scene) -> Plan:
    """vCPUs and I/O threads one by one."""
    cost = scene.view.rates.cost if scene.view.rates else None
    names = []
    for role in ThreadRole:
        apart = sorted({t.name for t in cost.threads if t.role is role}) if cost else []
        names += apart if apart and role in THREADS_APART else [role.value]
    return _host_cpu(scene, "host CPU by thread", names)


def _host_cpu(scene: Scene, title: str, names: Iterable[str]) -> Plan:
    traces = (
        Trace(_keys(scene, "host.cpu", name), name, role=_role(index))
        for index, name in enumerate(names)
    )
    return Plan(title, "%", tuple(traces), ("host.cpu",), _cost_note(scene), sparse=True)


def _cost_note(scene: Scene) -> str:
    if not scene.local:
        return f"the threads of its process {_REMOTE}"
    cost = scene.view.rates.cost if scene.view.rates else None
    if scene.settled and (cost is None or not cost.threads):
        return "not reported: its process was not found, or may not be looked at"
    return ""


def _vcpus(scene: Scene) -> list[int]:
    rates, details = scene.view.rates, scene.view.guest.details
    if rates is not None and rates.vcpus:
        return [vcpu.number for vcpu in rates.vcpus]
    return list(range(details.vcpus if details else 0))


def _vcpu_note(scene: Scene, metric: str) -> str:
    """Why a metric of vCPUs is missing; metric "": any of them."""
    rates = scene.view.rates
    if not scene.settled or rates is None:
        return ""
    for vcpu in rates.vcpus or ():
        known = dict(
            zip(_VCPU_METRICS, (vcpu.cpu, vcpu.wait, vcpu.delay, vcpu.halted), strict=True)
        )
        if known.get(metric, vcpu.cpu) is not None:
            return ""
    return ABSENT


def _keys(scene: Scene, metric: str, device: str = "") -> tuple[SeriesKey, ...]:
    return (SeriesKey(scene.key, metric, device),)


def _role(index: int) -> str:
    return f"series-{index % 6 + 1}"
