"""What a lesson shows, in sentences that its figures make. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tuivm.model.lab import Experiment, ExperimentResult, SubjectFigures, Verdict
from tuivm.model.labamounts import amount, bounds, capital, listing, plain, spoken, times
from tuivm.model.labmeasures import is_part


class _Load(NamedTuple):
    """A measure, what it is, and what it shows."""

    measure: str
    what: str
    why: str


_LOADS = {
    Experiment.NESTED: (
        _Load(
            "compute.rate",
            "SHA-256, which never needs the hypervisor",
            "Under KVM that code runs on the CPU as it is, nested or not; TCG translates it first.",
        ),
        _Load(
            "faults.rate",
            "first touches of pages",
            "For each the host has to find memory and map it; nested, two hypervisors have to.",
        ),
        _Load(
            "exits.rate",
            "reads of an I/O port",
            "Under KVM each leaves the guest for QEMU, nested through two hypervisors; under TCG "
            "it is a call within QEMU.",
        ),
        _Load(
            "d1.rate",
            "4 KiB reads through virtio-blk at depth 1",
            "A read needs a notification and an interrupt, so it shows what is lost on the way to "
            "QEMU and back.",
        ),
    ),
    Experiment.MACHINE: (
        _Load("d1.rate", "4 KiB reads at depth 1", ""),
        _Load("large.bytes", "large reads", ""),
        _Load("stream.bytes", "frames in a stream", ""),
    ),
    Experiment.IOTHREAD: (
        _Load("d1.rate", "4 KiB reads at depth 1", ""),
        _Load("d32.rate", "4 KiB reads at depth 32", ""),
        _Load("large.bytes", "large reads", ""),
    ),
}
_LAST = {
    Experiment.MACHINE: "The machine type decides which buses and interrupt controllers there are "
    "(PCI Express and MSI against plain PCI), and which devices fit; the device model that does "
    "the work is the same on both.",
    Experiment.IOTHREAD: "An I/O thread takes the disk off QEMU's main loop. That tells when the "
    "main loop has other work (NICs, other disks, the monitor), or when the host has a CPU to "
    "spare for it.",
}


def lesson_words(result: ExperimentResult, *, tcg: bool) -> Iterator[str]:
    """A sentence or two for each load that was measured, and what the lesson is."""
    rows = [row for row in result.rows if row.figures]
    base = next((row for row in rows if row.subject.baseline), None)
    if base is not None:
        for load in _LOADS[result.experiment]:
            yield from _load(base, rows, load)
    if result.experiment is Experiment.MACHINE:
        yield from _emulated(rows)
    if result.experiment is Experiment.IOTHREAD:
        yield from _threads(result, rows)
    if tcg and result.experiment is not Experiment.NESTED:
        yield (
            "These guests ran under TCG, where the guest's own code takes most of the time and "
            "hides such differences."
        )
    if result.experiment in _LAST:
        yield _LAST[result.experiment]


def _load(base: SubjectFigures, rows: Sequence[SubjectFigures], load: _Load) -> Iterator[str]:
    others = [row for row in rows if row is not base and load.measure in row.ratios]
    if not others:
        return
    parts = [f"{spoken(row.subject)} {_against(row, load.measure)}" for row in others]
    said = capital(f"{load.what}, against {spoken(base.subject)}: {listing(parts)}.")
    yield f"{said} {load.why}".strip()


def _against(row: SubjectFigures, id_: str) -> str:
    ratio, verdict = row.ratios[id_], row.verdicts.get(id_)
    rate = f"{times(ratio)} the rate{bounds(ratio)}"
    if verdict is Verdict.SAME:
        return f"{rate}, no difference seen"
    return f"{rate}, not known whether that is real" if verdict is Verdict.UNKNOWN else rate


def _emulated(rows: Sequence[SubjectFigures]) -> Iterator[str]:
    """Register accesses by machine type: of devices that have some."""
    parts = [
        f"{spoken(row.subject)} {plain(row.figures['traps'].median)}"
        for row in rows
        if "traps" in row.figures
    ]
    if parts:
        yield f"Register accesses and notifications for a 4 KiB read: {listing(parts)}."


def _threads(result: ExperimentResult, rows: Sequence[SubjectFigures]) -> Iterator[str]:
    """Which threads of the host did the work of one read."""
    roles = [one for one in result.measures if is_part(one) and one.workload == "d1"]
    for row in rows:
        parts = [
            f"{one.title.rpartition(', ')[2]} {amount(row.figures[one.id].median, one.unit)}"
            for one in roles
            if one.id in row.figures
        ]
        if parts:
            named = spoken(row.subject)
            yield f"CPU time of the host for a read at depth 1, {named}: {listing(parts)}."
