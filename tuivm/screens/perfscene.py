"""A guest as its charts need it, and a chart before it is read from the history. Pure."""

from __future__ import annotations

from typing import NamedTuple

from tuivm.model.devices import Device, DeviceClass, DeviceKind
from tuivm.model.guests import GuestKey
from tuivm.model.history import SeriesKey
from tuivm.model.store import GuestView

ABSENT = "not reported by the hypervisor and libvirt of this host"
REMOTE = "cannot be seen from here: the connection is a remote one"


class Scene(NamedTuple):
    """A guest and what else decides which charts there are.

    devices: those it has, and those in `gone` that it had until lately. local: it runs on this
    machine. settled: it has been looked at for long enough that what is still missing will not
    come. interval: seconds between its samples.
    """

    view: GuestView
    devices: tuple[Device, ...] = ()
    gone: frozenset[Device] = frozenset()
    local: bool = False
    settled: bool = False
    interval: float = 1.0
    ascii_only: bool = False

    @property
    def key(self) -> GuestKey:
        return self.view.key

    def of(self, kind: DeviceKind) -> list[Device]:
        return [device for device in self.devices if device.kind is kind]

    def counted(self, kind: DeviceKind) -> list[Device]:
        return [device for device in self.of(kind) if device.counted]

    def keys(self, metric: str, device: str = "") -> tuple[SeriesKey, ...]:
        """The series of a metric, as a `Trace` takes it."""
        return (SeriesKey(self.key, metric, device),)

    def glyph(self, cls: DeviceClass) -> str:
        return cls.letter if self.ascii_only else cls.glyph


class Trace(NamedTuple):
    """One line: the sum of some series; with weights, their mean weighted by these series.

    device: whose class it is drawn in; None: it is drawn in `role`.
    """

    keys: tuple[SeriesKey, ...]
    label: str
    device: Device | None = None
    role: str = ""
    cls: DeviceClass | None = None
    weights: tuple[SeriesKey, ...] = ()


class Plan(NamedTuple):
    """One chart before it is read from the history.

    metrics: ids of `metrics.BY_ID` that explain it. note: why there is nothing, when there is
    nothing. by_class: the legend groups its lines by class of device; sums: and sums them. sparse:
    lines without any value are left out. mixed: the series that tells when figures per I/O cannot
    be told because several classes do I/O.
    """

    title: str
    unit: str
    traces: tuple[Trace, ...]
    metrics: tuple[str, ...]
    note: str = ""
    by_class: bool = False
    sums: bool = False
    sparse: bool = False
    mixed: SeriesKey | None = None
