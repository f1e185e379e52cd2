"""What is published or was counted before, beside what a run measured. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tuivm.model.lab import (
    Experiment,
    ExperimentResult,
    LabRun,
    Published,
    SubjectFigures,
)
from tuivm.model.labamounts import plain

COUNTED = "counted with QEMU 7.2, under TCG and KVM alike"
FAST = "published on fast hosts with KVM"
_CLOSE = 0.15
"""A count within this share of the one known is the same: stray requests are in it too."""
_READS = {
    "virtio-blk": 1.0,
    "virtio-scsi": 1.0,
    "nvme": 2.0,
    "ahci": 7.0,
    "usb": 24.0,
    "ide": 26.0,
    "lsi": 4.0,
}
"""Id of a subject -> register accesses and notifications per 4 KiB direct read at depth 1."""
_INTERRUPTS = {
    "virtio-net": (0.02, 0.06),
    "e1000": (0.1, 0.1),
    "e1000e": (0.2, 0.3),
    "rtl8139": (1.0, 1.0),
    "pcnet": (1.0, 1.0),
}
"""Id of a subject -> interrupts per sent packet, from and to."""
_HERE = "Not measured here: the Lab runs in guests, so there is no bare metal to compare with."


class _Ratio(NamedTuple):
    """Requests a second of virtio-blk to those of a model; high None: and more."""

    subject: str
    title: str
    low: float
    high: float | None


_RATIOS = (_Ratio("ahci", "SATA", 2.0, 6.0), _Ratio("ide", "IDE", 2.0, None))
_BARE = (
    ("virtio : bare disk, requests a second", 0.5, 1.0),
    ("assignment with posted interrupts : bare metal", 0.97, 1.0),
    ("assignment without posted interrupts : bare metal", 0.60, 0.77),
)


def published_of(run: LabRun, result: ExperimentResult, *, tcg: bool) -> tuple[Published, ...]:
    """result: with figures. Nothing for lessons. tcg: its guests ran without KVM."""
    rows = {row.subject.id: row for row in result.rows}
    if result.experiment is Experiment.STORAGE:
        return (*_ratios(run, rows, tcg=tcg), *_reads(rows), *_bare())
    if result.experiment is Experiment.NETWORK:
        return tuple(_interrupts(rows, tcg=tcg))
    return ()


def _ratios(run: LabRun, rows: dict[str, SubjectFigures], *, tcg: bool) -> Iterator[Published]:
    for one in _RATIOS:
        measured = _virtio_to(rows, one.subject)
        remark = ""
        if tcg:
            remark = "Cannot be compared: under TCG a trap costs no more than any other access."
        elif measured is not None and not _inside(measured, one.low, one.high):
            remark = _outside(measured, one.low)
            if run.host.virtualized:
                remark += " This host is itself a guest, so each exit passes two hypervisors."
        what = f"virtio : {one.title}, requests a second"
        yield Published(what, one.low, one.high, measured, FAST, remark)


def _outside(measured: float, low: float) -> str:
    if measured < low:
        return (
            "Below the range: what a request takes beside its exits (a slow CPU, slow storage, a "
            "load generator at its limit) weighs more here than on the hosts of the literature."
        )
    return "Above the range: exits cost more here than on the hosts of the literature."


def _virtio_to(rows: dict[str, SubjectFigures], subject: str) -> float | None:
    """At depth 32, where both have it, else at depth 1."""
    for id_ in ("d32.rate", "d1.rate"):
        figures = [rows[one].figures.get(id_) for one in ("virtio-blk", subject) if one in rows]
        if len(figures) == 2 and figures[0] and figures[1] and figures[1].median > 0:
            return figures[0].median / figures[1].median
    return None


def _reads(rows: dict[str, SubjectFigures]) -> Iterator[Published]:
    for subject, known in _READS.items():
        row = rows.get(subject)
        if row is None:
            continue
        traced = row.tally is not None and row.tally.source == "trace"
        measured = row.tally.traps if row.tally and traced else None
        remark = ""
        if row.tally is not None and not traced:
            remark = "Cannot be compared: KVM counted the exits of the whole guest here."
        elif measured is not None and abs(measured - known) > _CLOSE * known:
            remark = (
                f"{plain(measured)} instead of {plain(known)}: this QEMU or this guest kernel's "
                "driver works otherwise than those that were counted."
            )
        what = f"register accesses and notifications per 4 KiB read, {row.subject.title}"
        yield Published(what, known, known, measured, COUNTED, remark)


def _bare() -> Iterator[Published]:
    for what, low, high in _BARE:
        yield Published(what, low, high, None, FAST, _HERE)


def _interrupts(rows: dict[str, SubjectFigures], *, tcg: bool) -> Iterator[Published]:
    for subject, (low, high) in _INTERRUPTS.items():
        row = rows.get(subject)
        if row is None:
            continue
        # In a stream, where nothing slows the guest down: devices merge interrupts by time.
        figure = row.figures.get("stream.interrupts") or row.figures.get("interrupts")
        measured = figure.median if figure else None
        remark = ""
        slack = _CLOSE if low < high or low == 1.0 else 0.5
        if measured is not None and not _inside(measured, low * (1 - slack), high * (1 + slack)):
            how = "The slower the guest, the fewer are merged." if measured > high else ""
            translated = " TCG is slow." if tcg and measured > high else ""
            remark = (
                "Outside: how many frames share an interrupt depends on how fast they follow each "
                f"other. {how}{translated}"
            ).strip()
        what = f"interrupts per sent packet, {row.subject.title}"
        yield Published(what, low, high, measured, COUNTED, remark)


def _inside(value: float, low: float, high: float | None) -> bool:
    return value >= low and (high is None or value <= high)
