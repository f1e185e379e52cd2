"""Devices side by side: what each delivers and costs over a window, against a baseline. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tuivm.model.devices import Backing, DeviceClass, DeviceKind
from tuivm.model.guests import GuestKey


class DeviceRef(NamedTuple):
    """Which device: of a guest, by kind and target."""

    guest: GuestKey
    kind: DeviceKind
    target: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean over the window with its 95 % interval; all None where there is none, note says why.

    low, high: None with too few values for an interval. note: "mixed", "idle", "not reported",
    "bypasses the VMM", "no data yet", "class mean", "gone", ""; of a ratio also "baseline", and
    "baseline: " with why the baseline has none.
    """

    mean: float | None = None
    low: float | None = None
    high: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One device of a comparison.

    guest, host, model: names as they were when it was compared (untrusted text). figures, ratios
    (to the baseline): by the ids of MEASURES. best, worst: ids in which it is the best or the
    worst of all, only where intervals do not overlap. seconds: so much of the window was measured.
    reading: share of reads (or received packets) in its I/Os, 0 to 1. virt_type: as in `Guest`.
    mac: of a NIC, whose target changes with each start of its guest.
    """

    ref: DeviceRef
    guest: str
    host: str
    model: str
    cls: DeviceClass
    note: str = ""
    backing: Backing | None = None
    figures: Mapping[str, Figure] = field(default_factory=dict)
    ratios: Mapping[str, Figure] = field(default_factory=dict)
    best: frozenset[str] = frozenset()
    worst: frozenset[str] = frozenset()
    seconds: float = 0.0
    reading: float | None = None
    virt_type: str = ""
    vcpus: int = 0
    mac: str = ""


@dataclass(frozen=True, slots=True)
class Measure:
    """A column of a comparison. unit: as in metrics. more: more is better."""

    id: str
    title: str
    unit: str
    more: bool


MEASURES: tuple[Measure, ...] = (
    Measure("throughput", "throughput", "B/s", more=True),
    Measure("iops", "I/Os", "/s", more=True),
    Measure("latency", "latency", "ns", more=False),
    Measure("exits", "exits per I/O", "", more=False),
    Measure("cpu", "host CPU per I/O", "ns", more=False),
)


@dataclass(frozen=True, slots=True)
class Unfair:
    """Why rows should not be compared as they are. refs: the rows it speaks of."""

    reason: str
    refs: tuple[DeviceRef, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """seconds: the window. end: monotonic seconds. baseline: one of the rows, or None when there
    is no row."""

    rows: tuple[Row, ...] = ()
    baseline: DeviceRef | None = None
    seconds: float = 60.0
    end: float = 0.0
    unfair: tuple[Unfair, ...] = ()
