"""Which class of device does a guest's I/O now, and what each I/O then costs. Pure.

libvirt counts exits, and the host counts CPU time, by guest and not by device. Divided by the
guest's I/O they say something of a class of devices only while that class alone does the I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from tuivm.model.devices import Device, DeviceClass
from tuivm.model.rates import GuestRates

ALONE = 0.99
"""Share of a guest's I/O from which on a class counts as doing it alone: one broadcast packet on
an idle NIC does not make a mix."""
LEAST = 1.0
"""I/Os per second under which a guest counts as idle: its exits are then due to something else."""
_ALIKE = 0.1
"""By how much of itself a stretch of time may differ from another to count as the same."""


class IoMix(NamedTuple):
    """ios: requests and packets per second by class, of those with counters.

    cls: the class that does the I/O alone, None when idle or mixed. devices: targets of that class
    that do I/O. exits_per_io: (io_exits + mmio_exits) / (requests + packets). cpu_ns_per_io: host
    CPU time other than the guest's own code, in ns. Both None where not reported or not told.
    """

    ios: Mapping[DeviceClass, float] = MappingProxyType({})
    cls: DeviceClass | None = None
    mixed: bool = False
    devices: frozenset[str] = frozenset()
    exits_per_io: float | None = None
    cpu_ns_per_io: float | None = None


def io_mix(devices: Iterable[Device], rates: GuestRates) -> IoMix:
    """What the counted devices of a guest do in the interval of its rates."""
    classes = {device.target: device.cls for device in devices if device.counted}
    per_device = {
        target: ios for target, ios in _ios(rates).items() if target in classes and ios > 0
    }
    ios: dict[DeviceClass, float] = {}
    for target, each in per_device.items():
        ios[classes[target]] = ios.get(classes[target], 0.0) + each
    total = sum(ios.values())
    if total < LEAST:
        return IoMix(ios)
    cls = max(ios, key=lambda one: ios[one])
    if ios[cls] < ALONE * total:
        return IoMix(ios, mixed=True)
    exits, cost = _device_exits(rates), rates.cost
    busy = None if cost is None else cost.vmm
    return IoMix(
        ios,
        cls,
        devices=frozenset(target for target in per_device if classes[target] is cls),
        exits_per_io=None if exits is None else exits / total,
        cpu_ns_per_io=None if busy is None else busy * 1e9 / total,
    )


def io_spans(rates: GuestRates) -> list[float]:
    """Seconds over which the I/O was measured: of the disks, of the NICs, where there are any."""
    spans = []
    if rates.disks:
        spans.append(rates.disk_span)
    if rates.nics:
        spans.append(rates.nic_span)
    return spans


def alike(span: float, others: Sequence[float]) -> bool:
    """What was measured over `span` can be divided by what was measured over the others."""
    return span > 0 and all(abs(other - span) <= _ALIKE * span for other in others)


def _ios(rates: GuestRates) -> dict[str, float]:
    """Requests and packets per second by target, where reported."""
    counts: dict[str, tuple[float | None, ...]] = {}
    for disk in rates.disks or ():
        counts[disk.name] = (disk.rd_reqs, disk.wr_reqs, disk.fl_reqs)
    for nic in rates.nics or ():
        counts[nic.name] = (nic.rx_pkts, nic.tx_pkts)
    return {
        target: sum(one for one in each if one is not None)
        for target, each in counts.items()
        if any(one is not None for one in each)
    }


def _device_exits(rates: GuestRates) -> float | None:
    """Exits per second that a device model had to answer; None where not reported."""
    exits = rates.exits
    parts = [exits[name] for name in ("io_exits", "mmio_exits") if name in exits]
    return sum(parts) if parts else None
