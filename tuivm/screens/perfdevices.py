"""Which charts there are of a guest's disks, NICs and passed-through devices. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tuivm.model.devices import Device, DeviceClass, DeviceKind
from tuivm.model.history import SeriesKey
from tuivm.model.metrics import BY_ID
from tuivm.screens.perfscene import REMOTE, Plan, Scene, Trace

BYPASSES = "its I/O never touches the VMM, so nothing counts it here"
_NO_REQUEST = "no request was measured in this time"

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


def main_charts(scene: Scene, split: bool) -> Iterator[Plan]:
    """Those that say most: throughput of all, I/Os and latency of disks."""
    disks, nics = scene.counted(DeviceKind.DISK), scene.counted(DeviceKind.NIC)
    if split:
        yield from (_pair(scene, disk, *pair) for disk in disks for pair in _DISK_PAIRS[:3])
        yield from (_pair(scene, nic, *_NIC_PAIRS[0]) for nic in nics)
        return
    if disks:
        yield from (_both_ways(scene, "disks", disks, *pair) for pair in _DISK_PAIRS[:3])
    if nics:
        yield _both_ways(scene, "NICs", nics, *_NIC_PAIRS[0])


def disks_of(scene: Scene, split: bool) -> Iterator[Plan]:
    """Everything of each disk, together or one by one; of those without counters, why."""
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


def nics_of(scene: Scene, split: bool) -> Iterator[Plan]:
    """The same of NICs."""
    nics = scene.counted(DeviceKind.NIC)
    if split:
        yield from (_pair(scene, nic, *pair) for nic in nics for pair in _NIC_PAIRS)
    elif nics:
        for metric in _NIC_METRICS:
            yield _overlay(scene, "NICs", nics, metric)
    yield from _uncounted(scene, DeviceKind.NIC)
    if not scene.of(DeviceKind.NIC):
        yield Plan("NICs", "B/s", (), ("net.rx",), "it has no network interface")


def passed_through(scene: Scene, split: bool) -> Iterator[Plan]:
    """What is known of each device that the guest drives itself."""
    del split
    for device in scene.devices:
        if is_passed_through(device):
            yield from _bypassing(scene, device)


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
        Trace(scene.keys(metric, device.target), device.target, device) for device in devices
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
        Trace(scene.keys(metric, disk.target), f"{disk.target} {BY_ID[metric].title}", disk)
        for disk in disks
        for metric in metrics
    )
    return Plan("disks: allocated of capacity", "B", traces, metrics, by_class=True)


def _pair(scene: Scene, device: Device, title: str, metrics: tuple[str, ...]) -> Plan:
    traces = tuple(
        Trace(scene.keys(metric, device.target), BY_ID[metric].title, device) for metric in metrics
    )
    unit = BY_ID[metrics[0]].unit
    note = _latency_note(scene) if unit == "ns" else ""
    return Plan(f"{device.target} {device.model}: {title}", unit, traces, metrics, note)


def _uncounted(scene: Scene, kind: DeviceKind) -> Iterator[Plan]:
    for device in scene.of(kind):
        if is_passed_through(device):
            yield from _bypassing(scene, device)
        elif not device.counted:
            metrics = ("disk.read",) if kind is DeviceKind.DISK else ("net.rx",)
            title = f"{scene.glyph(device.cls)} {device.target} {device.model}"
            yield Plan(title, BY_ID[metrics[0]].unit, (), metrics, "libvirt has no counters for it")


def is_passed_through(device: Device) -> bool:
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
        note += f"; its interrupts {REMOTE}"
    name = " ".join(part for part in (device.target, device.model, device.source) if part)
    trace = Trace(scene.keys("irq", device.source), "interrupts", device)
    title = f"{scene.glyph(device.cls)} {name}: interrupts (its I/O bypasses the VMM)"
    return Plan(title, "/s", (trace,), ("irq",), note)
