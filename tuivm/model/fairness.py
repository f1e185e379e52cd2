"""Why devices should not be compared as they are, in plain words. Pure."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

from tuivm.model.comparison import Row, Unfair
from tuivm.model.devices import DeviceKind
from tuivm.model.iomix import LEAST
from tuivm.model.units import byte_count, duration, visible

SIZES_APART = 2.0
"""Mean sizes of an I/O that differ by more than this factor make throughput a different question:
large requests move more bytes, small ones come more often."""
READING_APART = 0.25
"""Shares of reads that differ by more than this are different work."""
SHORTER = 0.8
"""Of the longest-measured device's time: a device with less of it was measured too briefly."""

_DISK_ASPECTS: tuple[tuple[str, str], ...] = (
    ("kind", "what is behind the disk"),
    ("format", "image format"),
    ("cache", "cache mode"),
    ("io", "aio (io=)"),
    ("discard", "discard"),
    ("iothread", "I/O thread"),
)
_NIC_ASPECTS: tuple[tuple[str, str], ...] = (
    ("kind", "network backend"),
    ("vhost", "vhost"),
)


def unfair(rows: Sequence[Row]) -> tuple[Unfair, ...]:
    """All that is found, the weightiest first; () for one row or when nothing is."""
    if len(rows) < 2:
        return ()
    checks: tuple[Callable[[Sequence[Row]], Iterator[Unfair]], ...] = (
        _kinds,
        _hypervisors,
        _hosts,
        _idle,
        _shorter,
        _throttled,
        _backings,
        _directions,
        _sizes,
        _vcpus,
    )
    return tuple(found for check in checks for found in check(rows))


def _kinds(rows: Sequence[Row]) -> Iterator[Unfair]:
    served = [row for row in rows if row.ref.kind in (DeviceKind.DISK, DeviceKind.NIC)]
    if _differ(row.ref.kind for row in served):
        yield _of(served, "disks against NICs: they do different work")


def _hypervisors(rows: Sequence[Row]) -> Iterator[Unfair]:
    known = [row for row in rows if row.virt_type]
    translated = [row for row in known if row.virt_type == "qemu"]
    if translated:
        if len(translated) < len(known):
            names = _each(known, lambda row: _hypervisor(row.virt_type))
            yield _of(known, f"TCG against a hypervisor: {names}")
        yield _of(
            translated,
            "under TCG a trap costs no more than any other access, so times are nearly equal or "
            "even reversed: they say nothing of the classes under a hypervisor",
        )
    elif _differ(row.virt_type for row in known):
        yield _of(known, f"different hypervisors: {_each(known, lambda row: row.virt_type)}")


def _hosts(rows: Sequence[Row]) -> Iterator[Unfair]:
    if _differ(row.host for row in rows):
        yield _of(rows, f"different hosts: {_each(rows, lambda row: row.host)}")


def _idle(rows: Sequence[Row]) -> Iterator[Unfair]:
    rates = [(row, _mean(row, "iops")) for row in rows]
    idle = [row for row, rate in rates if rate is not None and rate < LEAST]
    if idle and any(rate is not None and rate >= LEAST for _, rate in rates):
        yield _of(idle, f"idle: {_list(idle)} made less than one I/O a second")


def _shorter(rows: Sequence[Row]) -> Iterator[Unfair]:
    longest = max(row.seconds for row in rows)
    short = [row for row in rows if 0 < row.seconds < SHORTER * longest]
    if short:
        times = _each(short, lambda row: duration(row.seconds))
        yield _of(short, f"measured over less time than {duration(longest)}: {times}")


def _throttled(rows: Sequence[Row]) -> Iterator[Unfair]:
    limited = [row for row in rows if row.backing and row.backing.throttled]
    if limited:
        yield _of(limited, f"throttled: a limit is set on {_list(limited)}")


def _backings(rows: Sequence[Row]) -> Iterator[Unfair]:
    kinds = ((DeviceKind.DISK, _DISK_ASPECTS), (DeviceKind.NIC, _NIC_ASPECTS))
    for kind, aspects in kinds:
        served = [row for row in rows if row.backing and row.ref.kind is kind]
        for attribute, name in aspects:
            yield from _aspect(served, attribute, name)


def _aspect(rows: Sequence[Row], attribute: str, name: str) -> Iterator[Unfair]:
    def value(row: Row) -> str:
        return str(getattr(row.backing, attribute)) or "not set"

    # Which I/O thread serves a disk does not matter; whether one does, does.
    compared = (lambda row: value(row) == "not set") if attribute == "iothread" else value
    if _differ(compared(row) for row in rows):
        yield _of(rows, f"{name} differs: {_each(rows, value)}")


def _directions(rows: Sequence[Row]) -> Iterator[Unfair]:
    busy = [row for row in _busy(rows) if row.reading is not None]
    for kind, word in ((DeviceKind.DISK, "reads"), (DeviceKind.NIC, "received packets")):
        shares = [(row, row.reading or 0.0) for row in busy if row.ref.kind is kind]
        if shares and _spread([share for _, share in shares]) > READING_APART:
            texts = "; ".join(f"{share:.0%} ({_name(row)})" for row, share in shares)
            mine = [row for row, _ in shares]
            yield _of(mine, f"different work, the share of {word} differs: {texts}")


def _sizes(rows: Sequence[Row]) -> Iterator[Unfair]:
    busy = _busy(rows)
    for kind in (DeviceKind.DISK, DeviceKind.NIC):
        sizes = [(row, size) for row in busy if row.ref.kind is kind and (size := _size(row))]
        if not sizes:
            continue
        least, most = min(size for _, size in sizes), max(size for _, size in sizes)
        if most > SIZES_APART * least:
            texts = "; ".join(f"{byte_count(size)} ({_name(row)})" for row, size in sizes)
            yield _of(
                [row for row, _ in sizes],
                "mean size of an I/O differs more than twofold, so that ratios of throughput and "
                f"I/Os say little: {texts}",
            )


def _vcpus(rows: Sequence[Row]) -> Iterator[Unfair]:
    known = [row for row in rows if row.vcpus]
    if _differ(row.vcpus for row in known):
        numbers = _each(known, lambda row: str(row.vcpus))
        yield _of(known, f"different numbers of vCPUs (matters less): {numbers}")


def _hypervisor(virt_type: str) -> str:
    return {"qemu": "TCG", "kvm": "KVM"}.get(virt_type, virt_type)


def _busy(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if (_mean(row, "iops") or 0.0) >= LEAST]


def _size(row: Row) -> float:
    """Mean bytes of an I/O of a row that does some."""
    return (_mean(row, "throughput") or 0.0) / (_mean(row, "iops") or 1.0)


def _mean(row: Row, measure: str) -> float | None:
    figure = row.figures.get(measure)
    return figure.mean if figure else None


def _differ(values: Iterable[Hashable]) -> bool:
    return len(set(values)) > 1


def _spread(values: Sequence[float]) -> float:
    return max(values) - min(values)


def _of(rows: Sequence[Row], reason: str) -> Unfair:
    return Unfair(reason, tuple(row.ref for row in rows))


def _each(rows: Sequence[Row], value: Callable[[Row], str]) -> str:
    """ "none (web vda); writeback (db sda, db sdb)"."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(value(row), []).append(row)
    return "; ".join(f"{visible(text)} ({_list(mine)})" for text, mine in groups.items())


def _list(rows: Sequence[Row]) -> str:
    """At most four of them by name."""
    names = ", ".join(_name(row) for row in rows[:4])
    return names if len(rows) <= 4 else f"{names} and {len(rows) - 4} more"


def _name(row: Row) -> str:
    return visible(f"{row.guest} {row.ref.target}")
