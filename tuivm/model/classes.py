"""The whole fleet by device class: how many devices, how much I/O each class carries. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tuivm.model.devices import DeviceClass

if TYPE_CHECKING:
    from tuivm.model.store import GuestView


@dataclass(slots=True)
class ClassTotal:
    """One class. Rates are bytes per second; None where nothing of it is counted."""

    cls: DeviceClass
    devices: int = 0
    guests: int = 0
    disk_read: float | None = None
    disk_write: float | None = None
    net_rx: float | None = None
    net_tx: float | None = None


def class_totals(views: Iterable[GuestView]) -> list[ClassTotal]:
    """One total a class, in the fixed order of the classes."""
    totals = {cls: ClassTotal(cls) for cls in DeviceClass}
    for view in views:
        devices = view.guest.details.devices if view.guest.details else ()
        classes = {device.target: device.cls for device in devices if device.counted}
        for cls, total in totals.items():
            mine = sum(device.cls is cls for device in devices)
            total.devices += mine
            total.guests += bool(mine)
        if view.rates is None or not view.guest.state.active:
            continue
        for disk in view.rates.disks or ():
            if (owner := classes.get(disk.name)) is not None:
                total = totals[owner]
                total.disk_read = _add(total.disk_read, disk.rd_bytes)
                total.disk_write = _add(total.disk_write, disk.wr_bytes)
        for nic in view.rates.nics or ():
            if (owner := classes.get(nic.name)) is not None:
                total = totals[owner]
                total.net_rx = _add(total.net_rx, nic.rx_bytes)
                total.net_tx = _add(total.net_tx, nic.tx_bytes)
    return list(totals.values())


def _add(total: float | None, value: float | None) -> float | None:
    if value is None:
        return total
    return value if total is None else total + value
