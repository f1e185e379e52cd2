"""Computes a comparison of devices, and the lines of its chart, from the store. Pure."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from tuivm.model.comparison import MEASURES, Comparison, DeviceRef, Figure, Row
from tuivm.model.devices import Device, DeviceClass, DeviceKind
from tuivm.model.fairness import unfair
from tuivm.model.history import COARSE_STEP, FINE_SLOTS, FINE_STEP
from tuivm.model.intervals import (
    SHORTEST,
    Interval,
    Term,
    Terms,
    batched,
    interval_of,
    mean_of,
    ratio_of,
)
from tuivm.model.iomix import ALONE, LEAST
from tuivm.model.readings import Reader, device_of
from tuivm.model.steps import finish
from tuivm.model.store import GuestView, Store

WINDOWS = (60.0, 300.0, 900.0, 3600.0)
"""Seconds that a comparison can be over."""
IDLE = "idle"
BYPASSES = "bypasses the VMM"
_OF_CLASS = frozenset({"exits", "cpu"})


class _Measured(NamedTuple):
    """A figure and the batches that its ratios are computed from."""

    figure: Figure
    batches: list[Term]


def compare(
    store: Store,
    refs: Iterable[DeviceRef],
    baseline: DeviceRef | None,
    end: float,
    seconds: float,
    *,
    known: Iterable[Row] = (),
) -> Comparison:
    """Devices side by side over the `seconds` up to `end` (monotonic seconds).

    refs: the rows, in their order; one that is there twice counts once. baseline: what ratios are
    to; one that is not among refs is the first of them. known: rows of an earlier comparison; they
    name what is no longer there. Up to 15 minutes the values of each second are used, beyond that
    the means of 10 s. Means and intervals: see `intervals`. A device that makes less than one I/O
    a second is idle: its figures are noted so and it has no ratios.
    """
    return finish(comparing(store, refs, baseline, end, seconds, known=known))


def comparing(
    store: Store,
    refs: Iterable[DeviceRef],
    baseline: DeviceRef | None,
    end: float,
    seconds: float,
    *,
    known: Iterable[Row] = (),
) -> Generator[None, None, Comparison]:
    """As `compare`, in steps of a few milliseconds; the store may change between them."""
    chosen = list(dict.fromkeys(refs))
    if baseline not in chosen:
        baseline = chosen[0] if chosen else None
    step = FINE_STEP if seconds <= FINE_STEP * FINE_SLOTS else COARSE_STEP
    reader = Reader(store, end, step, max(1, round(seconds / step)))
    earlier = {row.ref: row for row in known}
    rows: list[Row] = []
    measured: dict[DeviceRef, dict[str, _Measured]] = {}
    for ref in chosen:
        row = _identify(store, ref, earlier.get(ref))
        yield from reader.read_guest(ref.guest)
        measured[ref] = yield from _measure(store, reader, row)
        rows.append(_with_coverage(reader, row))
        yield
    base = measured[baseline] if baseline is not None else {}
    for place, row in enumerate(rows):
        mine = measured[row.ref]
        rows[place] = replace(
            row,
            figures={name: one.figure for name, one in mine.items()},
            ratios={
                name: _ratio(one, base[name], own=row.ref == baseline) for name, one in mine.items()
            },
        )
        yield
    marked = _marked(rows)
    yield
    return Comparison(tuple(marked), baseline, seconds, end, unfair(marked))


def traces(  # noqa: PLR0917 - `History.means` reads end, step and count in this order too
    store: Store, of: Comparison, measure: str, end: float, step: float, count: int
) -> list[list[float]]:
    """One line a row: `count` values in the unit of the measure, NaN where there is none. step and
    count: as in `History.buckets`."""
    return finish(tracing(store, of, measure, end, step, count))


def tracing(  # noqa: PLR0917 - as `traces`
    store: Store, of: Comparison, measure: str, end: float, step: float, count: int
) -> Generator[None, None, list[list[float]]]:
    """As `traces`, in steps."""
    reader = Reader(store, end, step, count)
    lines = []
    for row in of.rows:
        if measure in _OF_CLASS:
            yield from reader.read_guest(row.ref.guest)
        lines.append(reader.terms(row.ref, row.cls, measure).values)
        yield
    return lines


def _identify(store: Store, ref: DeviceRef, earlier: Row | None) -> Row:
    """The row without its figures. What is gone keeps the words of an earlier comparison."""
    view, device = store.guest(ref.guest), device_of(store, ref)
    if view is None or device is None:
        row = earlier or Row(ref, ref.guest.uuid, ref.guest.host, "", DeviceClass.EMULATED)
        return replace(row, note=_why_gone(store, ref, view), backing=None)
    notes = [device.note, "" if view.guest.state.active else f"guest is {view.guest.state_word}"]
    details = view.guest.details
    return Row(
        ref,
        guest=view.guest.name,
        host=ref.guest.host,
        model=device.model,
        cls=device.cls,
        note=", ".join(filter(None, notes)),
        backing=device.backing,
        virt_type=view.guest.virt_type,
        vcpus=details.vcpus if details else 0,
        mac=device.mac,
    )


def _why_gone(store: Store, ref: DeviceRef, view: GuestView | None) -> str:
    if ref.guest.host not in store.host_names:
        return "its host is not open here"
    if view is None:
        return "its guest is gone"
    return "it is gone" if view.guest.details else "its guest is not read yet"


def _with_coverage(reader: Reader, row: Row) -> Row:
    terms = reader.terms(row.ref, row.cls, "iops")
    seconds = reader.step * sum(terms.bottoms)
    return replace(row, seconds=seconds, reading=reader.reading(row.ref) if seconds else None)


def _measure(store: Store, reader: Reader, row: Row) -> Generator[None, None, dict[str, _Measured]]:
    device = device_of(store, row.ref)
    snapshot = store.snapshot(row.ref.guest.host)
    shortest = max(SHORTEST, 2 * snapshot.interval) if snapshot else SHORTEST
    requests = mean_of(reader.terms(row.ref, row.cls, "iops"))
    found = {}
    for measure in MEASURES:
        terms = reader.terms(row.ref, row.cls, measure.id)
        if measure.id in _OF_CLASS and reader.mixed(row.ref.guest):
            terms = _long_enough(terms, reader.step, shortest)
        batches = batched(terms, reader.step, shortest)
        interval = interval_of(batches, mean_of(terms))
        if interval.mean is None:
            note = _why_none(store, reader, row, device, measure.id, requests)
        elif requests is not None and requests < LEAST:
            note = IDLE
        elif measure.id in _OF_CLASS and reader.alone(row.ref, terms) < ALONE:
            note = "class mean"
        else:
            note = ""
        found[measure.id] = _Measured(Figure(*interval, note), batches)
        yield
    return found


def _long_enough(terms: Terms, step: float, shortest: float) -> Terms:
    """Nothing when there is less than a batch: of mixed I/O, a second in which the other classes
    happened to rest is no measurement."""
    known = step * sum(bottom > 0 for bottom in terms.bottoms)
    return terms if known >= shortest else Terms([], [])


def _why_none(  # noqa: PLR0917 - all that a reason can be due to
    store: Store,
    reader: Reader,
    row: Row,
    device: Device | None,
    measure: str,
    requests: float | None,
) -> str:
    if device is None:
        return "gone"
    if not device.counted:
        passes = device.cls is DeviceClass.PHYSICAL or BYPASSES in device.note
        return BYPASSES if passes else "not reported"
    if requests is None:
        return "no data yet" if _reports(store, row.ref) else "not reported"
    if requests < LEAST:
        return IDLE
    if measure in _OF_CLASS and reader.mixed(row.ref.guest):
        return "mixed"
    return "not reported"


def _reports(store: Store, ref: DeviceRef) -> bool:
    """Not when libvirt has told of the guest, and nothing of its devices: its driver has none."""
    view = store.guest(ref.guest)
    if view is None or view.rates is None:
        return True
    return (view.rates.disks if ref.kind is DeviceKind.DISK else view.rates.nics) is not None


def _ratio(one: _Measured, base: _Measured, *, own: bool) -> Figure:
    """To the baseline, or why there is none."""
    mean, base_mean = one.figure.mean, base.figure.mean
    if mean is None or one.figure.note == IDLE:
        return Figure(note=one.figure.note)
    if own:
        return Figure(1.0, note="baseline")
    if base_mean is None or base.figure.note == IDLE:
        return Figure(note=f"baseline: {base.figure.note}")
    if base_mean <= 0:
        return Figure(note="baseline: 0")
    interval = _shared(one, mean, base, base_mean)
    return Figure(*interval, note=one.figure.note or base.figure.note)


def _shared(one: _Measured, mean: float, base: _Measured, base_mean: float) -> Interval:
    """Hosts that are sampled at different intervals have batches of different lengths."""
    if len(one.batches) != len(base.batches):
        return Interval(mean / base_mean)
    return ratio_of(one.batches, mean, base.batches, base_mean)


def _marked(rows: Sequence[Row]) -> list[Row]:
    """With the best and the worst of each measure, where no interval of another touches theirs."""
    best: dict[DeviceRef, set[str]] = {row.ref: set() for row in rows}
    worst: dict[DeviceRef, set[str]] = {row.ref: set() for row in rows}
    for measure in MEASURES:
        figures = {
            row.ref: figure
            for row in rows
            if (figure := row.figures[measure.id]).mean is not None and figure.note != IDLE
        }
        for marks, most in ((best, measure.more), (worst, not measure.more)):
            ref = _furthest(figures, most=most)
            if ref is not None:
                marks[ref].add(measure.id)
    return [
        replace(row, best=frozenset(best[row.ref]), worst=frozenset(worst[row.ref])) for row in rows
    ]


def _furthest(figures: Mapping[DeviceRef, Figure], *, most: bool) -> DeviceRef | None:
    """The one whose whole interval is above (or below) all others'; None when none is."""
    if len(figures) < 2 or any(one.low is None or one.high is None for one in figures.values()):
        return None
    bounds = {ref: (one.low or 0.0, one.high or 0.0) for ref, one in figures.items()}
    if most:
        bounds = {ref: (-high, -low) for ref, (low, high) in bounds.items()}
    first = min(bounds, key=lambda ref: bounds[ref])
    others = min(low for ref, (low, _) in bounds.items() if ref != first)
    return first if bounds[first][1] < others else None
