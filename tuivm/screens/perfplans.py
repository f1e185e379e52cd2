"""Which charts there are of a guest, subject by subject, and what each is of. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tuivm.model.devices import DeviceClass, DeviceKind
from tuivm.model.history import SeriesKey
from tuivm.model.metrics import BY_ID
from tuivm.model.rates import MemorySource
from tuivm.model.recording import THREADS_APART
from tuivm.model.samples import ThreadRole
from tuivm.screens.perfdevices import (
    disks_of,
    is_passed_through,
    main_charts,
    nics_of,
    passed_through,
)
from tuivm.screens.perfscene import ABSENT, REMOTE, Plan, Scene, Trace

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

_NO_IO = "no I/O was measured in this time"

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
    passed = any(is_passed_through(device) for device in scene.devices)
    return [subject for subject in SUBJECTS if passed or subject != "passed"]


def wants_agent(scene: Scene, subject: str) -> bool:
    """A chart of it shows what the guest's agent tells. Asking leaves a trace in libvirt's log of
    the guest, so it is asked for nothing else."""
    return subject in {"nics", "passed"} and any(
        is_passed_through(device) for device in scene.devices
    )


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
    yield from main_charts(scene, split)
    yield _exits(scene)
    yield _cost_by_role(scene)
    yield from passed_through(scene, split)


def _cpu(scene: Scene, split: bool) -> Iterator[Plan]:
    yield _cpu_total(scene)
    numbers = _vcpus(scene)
    if split:
        for number in numbers:
            traces = (
                Trace(scene.keys(metric, str(number)), BY_ID[metric].title, role=_role(index))
                for index, metric in enumerate(_VCPU_METRICS)
            )
            note = _vcpu_note(scene, "")
            yield Plan(f"vCPU {number}", "%", tuple(traces), _VCPU_METRICS, note, sparse=True)
        return
    for metric in _VCPU_METRICS:
        lines = (
            Trace(scene.keys(metric, str(number)), f"vCPU {number}", role=_role(number))
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


_MAKERS = {
    "all": _all,
    "cpu": _cpu,
    "memory": _memory,
    "disks": disks_of,
    "nics": nics_of,
    "exits": _exit_charts,
    "cost": _cost,
    "passed": passed_through,
}


def _cpu_total(scene: Scene) -> Plan:
    trace = Trace(scene.keys("cpu"), "of its vCPUs", role="series-1")
    return Plan("CPU", "%", (trace,), ("cpu",))


def _memory_levels(scene: Scene) -> Plan:
    # Without figures from the guest "used" is the RSS, which has a line of its own.
    rates = scene.view.rates
    used = rates is None or rates.memory_source is not MemorySource.RSS
    metrics = _MEMORY if used else _MEMORY[1:]
    return _of_guest(scene, "memory", metrics, "")


def _of_guest(scene: Scene, title: str, metrics: Sequence[str], note: str) -> Plan:
    traces = (
        Trace(scene.keys(metric), BY_ID[metric].title, role=_role(index))
        for index, metric in enumerate(metrics)
    )
    return Plan(title, BY_ID[metrics[0]].unit, tuple(traces), tuple(metrics), note, sparse=True)


def _exits(scene: Scene) -> Plan:
    rates = scene.view.rates
    reported = rates.exits if rates else {}
    traces = (
        Trace(scene.keys(metric), label, role=_role(index))
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
        Trace(scene.keys(metric, cls.value), cls.value, role=cls.value, cls=cls)
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
        Trace(scene.keys("host.cpu", name), name, role=_role(index))
        for index, name in enumerate(names)
    )
    return Plan(title, "%", tuple(traces), ("host.cpu",), _cost_note(scene), sparse=True)


def _cost_note(scene: Scene) -> str:
    if not scene.local:
        return f"the threads of its process {REMOTE}"
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


def _role(index: int) -> str:
    return f"series-{index % 6 + 1}"
