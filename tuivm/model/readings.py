"""What the history holds of a device over a stretch of time, measure by measure. Pure."""

from __future__ import annotations

import math
from collections.abc import Generator
from operator import add, mul

from tuivm.model.comparison import DeviceRef
from tuivm.model.devices import Device, DeviceClass, DeviceKind
from tuivm.model.guests import GuestKey
from tuivm.model.history import SeriesKey
from tuivm.model.intervals import Terms
from tuivm.model.steps import finish
from tuivm.model.store import Store

_BYTES = {DeviceKind.DISK: ("disk.read", "disk.write"), DeviceKind.NIC: ("net.rx", "net.tx")}
_REQUESTS = {
    DeviceKind.DISK: ("disk.reads", "disk.writes"),
    DeviceKind.NIC: ("net.rx_pkts", "net.tx_pkts"),
}
_TIMES = ("disk.read_ns", "disk.write_ns")
_COSTS = {"exits": "io.exits", "cpu": "io.cpu"}


class Reader:
    """The `count` stretches of `step` seconds up to the one that holds `end`; each series is read
    once however many devices need it."""

    def __init__(self, store: Store, end: float, step: float, count: int) -> None:
        self._store = store
        self._end = end
        self.step = step
        self.count = count
        self._read: dict[SeriesKey, list[float]] = {}
        self._requests: dict[DeviceRef, list[float]] = {}
        self._ios: dict[DeviceRef, list[float]] = {}
        self._totals: dict[GuestKey, list[float]] = {}

    def terms(self, ref: DeviceRef, cls: DeviceClass | None, measure: str) -> Terms:
        """A measure of MEASURES, oldest first: gaps where it was not measured, or where there was
        no I/O that a latency or a cost could be of. cls None: not known, so no costs."""
        if ref.kind not in _BYTES:
            return self._gaps()
        if measure == "throughput":
            return _per_slot(self._sum(ref, _BYTES[ref.kind]))
        if measure == "iops":
            return _per_slot(self.requests(ref))
        if measure == "latency":
            return self._latency(ref)
        return self._cost(ref, cls, _COSTS[measure])

    def requests(self, ref: DeviceRef) -> list[float]:
        """Requests (or packets) per second, both ways; NaN is a gap."""
        found = self._requests.get(ref)
        if found is None:
            found = self._requests[ref] = self._sum(ref, _REQUESTS[ref.kind])
        return found

    def ios(self, ref: DeviceRef) -> list[float]:
        """The same with flushes, which cost exits and CPU time, too: as `iomix` counts them."""
        if ref.kind is not DeviceKind.DISK:
            return self.requests(ref)
        found = self._ios.get(ref)
        if found is None:
            flushes = self._series(ref, "disk.flushes")
            found = self._ios[ref] = _sums(self.requests(ref), flushes)
        return found

    def read_guest(self, guest: GuestKey) -> Generator[None, None, None]:
        """Read what its costs are divided by, in steps: a guest can have many devices."""
        if guest in self._totals:
            return
        total = [math.nan] * self.count
        view = self._store.guest(guest)
        devices = view.guest.details.devices if view and view.guest.details else ()
        for ref in (DeviceRef(guest, one.kind, one.target) for one in devices if one.counted):
            if ref.kind in _REQUESTS:
                total = _sums(total, self.ios(ref))
            yield
        self._totals[guest] = total

    def reading(self, ref: DeviceRef) -> float | None:
        """The share of reads (or of received packets) in all I/Os, 0 to 1; None without I/O."""
        read, write = (
            math.fsum(value for value in self._series(ref, metric) if value > 0)
            for metric in _REQUESTS[ref.kind]
        )
        return read / (read + write) if read + write > 0 else None

    def mixed(self, guest: GuestKey) -> bool:
        """In some of the time several classes of its devices did I/O at once."""
        return any(value > 0 for value in self._values(SeriesKey(guest, "io.mixed")))

    def alone(self, ref: DeviceRef, costs: Terms) -> float:
        """The device's share in its guest's I/O, over the time that `costs` are of; 0 to 1."""
        own = total = 0.0
        ios = zip(self.ios(ref), self._guest_total(ref.guest), costs.bottoms, strict=True)
        for mine, all_, cost in ios:
            if cost > 0:
                own += mine
                total += all_ if all_ > mine else mine
        return own / total if total > 0 else 0.0

    def _gaps(self) -> Terms:
        return Terms([0.0] * self.count, [0.0] * self.count)

    def _latency(self, ref: DeviceRef) -> Terms:
        if ref.kind is not DeviceKind.DISK:
            return self._gaps()
        tops, bottoms = self._gaps()
        for time, requests in zip(_TIMES, _REQUESTS[ref.kind], strict=True):
            numbers = self._series(ref, requests)
            products = list(map(mul, self._series(ref, time), numbers))
            tops = list(map(add, tops, [one if one > 0 else 0.0 for one in products]))
            known = [
                number if one > 0 else 0.0 for number, one in zip(numbers, products, strict=True)
            ]
            bottoms = list(map(add, bottoms, known))
        return Terms(tops, bottoms)

    def _cost(self, ref: DeviceRef, cls: DeviceClass | None, metric: str) -> Terms:
        """Only where this device did some of the I/O: else it is of others of its class.

        Of seconds in which several classes did I/O the history has no cost.
        A device that was unplugged meanwhile is no longer in its guest's total, hence the larger.
        """
        if cls is None:
            return self._gaps()
        costs = self._values(SeriesKey(ref.guest, metric, cls.value))
        totals = self._guest_total(ref.guest)
        weights = [
            (all_ if all_ > mine else mine) if mine > 0 and not math.isnan(cost) else 0.0
            for cost, mine, all_ in zip(costs, self.ios(ref), totals, strict=True)
        ]
        tops = [
            cost * weight if weight else 0.0 for cost, weight in zip(costs, weights, strict=True)
        ]
        return Terms(tops, weights)

    def _guest_total(self, guest: GuestKey) -> list[float]:
        """I/Os per second of all its counted devices: what the costs were divided by."""
        finish(self.read_guest(guest))
        return self._totals[guest]

    def _sum(self, ref: DeviceRef, metrics: tuple[str, str]) -> list[float]:
        return _sums(*(self._series(ref, metric) for metric in metrics))

    def _series(self, ref: DeviceRef, metric: str) -> list[float]:
        return self._values(SeriesKey(ref.guest, metric, ref.target))

    def _values(self, key: SeriesKey) -> list[float]:
        values = self._read.get(key)
        if values is None:
            values = self._store.history.means(key, self._end, self.step, self.count)
            self._read[key] = values
        return values


def device_of(store: Store, ref: DeviceRef) -> Device | None:
    """The device as its guest has it now, None when either is gone or not yet known."""
    view = store.guest(ref.guest)
    if view is None or view.guest.details is None:
        return None
    return next(
        (
            one
            for one in view.guest.details.devices
            if one.kind is ref.kind and one.target == ref.target
        ),
        None,
    )


def _per_slot(values: list[float]) -> Terms:
    known = [not math.isnan(value) for value in values]
    return Terms(
        [value if there else 0.0 for value, there in zip(values, known, strict=True)],
        list(map(float, known)),
    )


def _sums(one: list[float], other: list[float]) -> list[float]:
    """NaN where neither is known."""
    return [
        total if (total := a + b) == total else b if math.isnan(a) else a
        for a, b in zip(one, other, strict=True)
    ]
