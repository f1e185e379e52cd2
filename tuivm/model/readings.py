"""What the history holds of a device over a stretch of time, measure by measure. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable

from tuivm.model.comparison import DeviceRef
from tuivm.model.devices import Device, DeviceClass, DeviceKind
from tuivm.model.guests import GuestKey
from tuivm.model.history import SeriesKey
from tuivm.model.intervals import Term
from tuivm.model.store import Store

_BYTES = {DeviceKind.DISK: ("disk.read", "disk.write"), DeviceKind.NIC: ("net.rx", "net.tx")}
_REQUESTS = {
    DeviceKind.DISK: ("disk.reads", "disk.writes"),
    DeviceKind.NIC: ("net.rx_pkts", "net.tx_pkts"),
}
_TIMES = ("disk.read_ns", "disk.write_ns")
_COSTS = {"exits": "io.exits", "cpu": "io.cpu"}
_GAP = Term()


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
        self._totals: dict[GuestKey, list[float]] = {}

    def terms(self, ref: DeviceRef, cls: DeviceClass | None, measure: str) -> list[Term]:
        """A measure of MEASURES, oldest first: gaps where it was not measured, or where there was
        no I/O that a latency or a cost could be of. cls None: not known, so no costs."""
        if ref.kind not in _BYTES:
            return [_GAP] * self.count
        if measure == "throughput":
            return [_per_slot(value) for value in self._sum(ref, _BYTES[ref.kind])]
        if measure == "iops":
            return [_per_slot(value) for value in self.requests(ref)]
        if measure == "latency":
            return self._latency(ref)
        return self._cost(ref, cls, _COSTS[measure])

    def requests(self, ref: DeviceRef) -> list[float]:
        """Requests (or packets) per second, both ways; NaN is a gap."""
        found = self._requests.get(ref)
        if found is None:
            found = self._requests[ref] = self._sum(ref, _REQUESTS[ref.kind])
        return found

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

    def alone(self, ref: DeviceRef, costs: Iterable[Term]) -> float:
        """The device's share in its guest's I/O, over the time that `costs` are of; 0 to 1."""
        own = total = 0.0
        requests = zip(self.requests(ref), self._guest_total(ref.guest), costs, strict=True)
        for mine, all_, cost in requests:
            if cost.bottom > 0:
                own += mine
                total += max(mine, all_)
        return own / total if total > 0 else 0.0

    def _latency(self, ref: DeviceRef) -> list[Term]:
        if ref.kind is not DeviceKind.DISK:
            return [_GAP] * self.count
        ways = [
            zip(self._series(ref, time), self._series(ref, requests), strict=True)
            for time, requests in zip(_TIMES, _REQUESTS[ref.kind], strict=True)
        ]
        return [
            Term(
                math.fsum(time * requests for time, requests in both if time * requests > 0),
                math.fsum(requests for time, requests in both if time * requests > 0),
            )
            for both in zip(*ways, strict=True)
        ]

    def _cost(self, ref: DeviceRef, cls: DeviceClass | None, metric: str) -> list[Term]:
        """Only where this device did some of the I/O: else it is of others of its class.

        Of seconds in which several classes did I/O the history has no cost.
        A device that was unplugged meanwhile is no longer in its guest's total, hence the max.
        """
        if cls is None:
            return [_GAP] * self.count
        costs = self._values(SeriesKey(ref.guest, metric, cls.value))
        return [
            _GAP if math.isnan(cost) or not mine > 0 else _weighted(cost, max(mine, all_))
            for cost, mine, all_ in zip(
                costs, self.requests(ref), self._guest_total(ref.guest), strict=True
            )
        ]

    def _guest_total(self, guest: GuestKey) -> list[float]:
        """I/Os per second of all its counted devices: what the costs were divided by."""
        total = self._totals.get(guest)
        if total is None:
            view = self._store.guest(guest)
            devices = view.guest.details.devices if view and view.guest.details else ()
            refs = [DeviceRef(guest, one.kind, one.target) for one in devices if one.counted]
            each = [self.requests(ref) for ref in refs if ref.kind in _REQUESTS]
            each += [
                self._series(ref, "disk.flushes") for ref in refs if ref.kind is DeviceKind.DISK
            ]
            total = [_known_sum(values) for values in zip(*each, strict=True)]
            self._totals[guest] = total = total or [math.nan] * self.count
        return total

    def _sum(self, ref: DeviceRef, metrics: tuple[str, str]) -> list[float]:
        pairs = zip(*(self._series(ref, metric) for metric in metrics), strict=True)
        return [_known_sum(pair) for pair in pairs]

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


def _per_slot(value: float) -> Term:
    return _GAP if math.isnan(value) else Term(value, 1.0)


def _weighted(value: float, weight: float) -> Term:
    return Term(value * weight, weight)


def _known_sum(values: Iterable[float]) -> float:
    """NaN when none of them is known."""
    known = [value for value in values if not math.isnan(value)]
    return math.fsum(known) if known else math.nan
