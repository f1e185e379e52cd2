"""What a result says, in sentences that its figures make. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tuivm.model.lab import (
    Backing,
    Experiment,
    ExperimentResult,
    LabRun,
    SubjectFigures,
    Tally,
    Verdict,
)
from tuivm.model.labamounts import amount, bounds, capital, listing, plain, spoken, times
from tuivm.model.lablessons import lesson_words

SCRIPT_RAM = "script RAM"
"""The kind of access apart that the LSI 53C895A's own programs make."""


class _Load(NamedTuple):
    """A measure in a sentence: "At depth 1, IDE reached 0.48 times the IOPS of virtio-blk."."""

    measure: str
    where: str
    did: str
    what: str


_LOADS = {
    Experiment.STORAGE: (
        _Load("d1.rate", "at depth 1", "reached", "IOPS"),
        _Load("d32.rate", "at depth 32", "reached", "IOPS"),
        _Load("large.bytes", "with large reads", "reached", "throughput"),
    ),
    Experiment.NETWORK: (
        _Load("stream.bytes", "with full frames", "reached", "throughput"),
        _Load("small.rate", "with small frames", "reached", "frames a second"),
        _Load("pingpong.p50", "with a frame there and back", "took", "median time"),
    ),
}
_COSTS = {
    Experiment.STORAGE: ("d1.cpu", "A read at depth 1"),
    Experiment.NETWORK: ("stream.cpu", "A frame"),
}
_BACKINGS = {
    Backing.NULL: "Behind each disk is QEMU's null-co, which answers at once: what differs is the "
    "device model alone.",
    Backing.FILE: "Behind each disk is a raw file on the host's storage, whose own time is in "
    "every figure and makes the device models look more alike than they are.",
    Backing.SOCKET: "Frames go from QEMU over the host's loopback to the peer NIC and back: what "
    "that costs is in every figure alike.",
    Backing.TAP: "Frames go over taps and a bridge of the host to the peer NIC: what that costs is "
    "in every figure alike.",
}


def words_of(run: LabRun, result: ExperimentResult, *, tcg: bool) -> tuple[str, ...]:
    """Sentences for a person, the most telling first. result: with everything but words. tcg: its
    guests ran without hardware virtualization."""
    rows = [row for row in result.rows if row.figures]
    if not rows:
        return ()
    if result.experiment not in _LOADS:
        return tuple(lesson_words(result, tcg=tcg))
    counts = list(_counts(result, rows, tcg=tcg))
    rates = list(_times(result, rows, tcg=tcg))
    said = [*_tcg(result, rows), *counts, *rates] if tcg else [*rates, *counts]
    said += _costs(result, rows)
    said += _apart(rows)
    backing = run.plan.backings.get(result.experiment)
    return (*said, *([_BACKINGS[backing]] if backing else []), *_passed(rows))


def _passed(rows: Sequence[SubjectFigures]) -> Iterator[str]:
    """What a device of the host has instead of the backing that all others have alike."""
    passed = [spoken(row.subject) for row in rows if row.subject.model == "vfio-pci"]
    if passed:
        yield (
            f"Behind {listing(passed)} is that device's own medium and not what is behind the "
            "others: a difference in time is one of both. The guest drives it without QEMU, so no "
            "access of its driver is seen there or counted."
        )


def _tcg(result: ExperimentResult, rows: Sequence[SubjectFigures]) -> Iterator[str]:
    """Why times say little, and how alike they came out."""
    counts = (
        "look at the counts, which are the same under KVM"
        if result.experiment is Experiment.STORAGE
        else "look at the counts; how many frames share a notification or an interrupt depends on "
        "how fast they follow each other"
    )
    loads = [one for one in _LOADS[result.experiment] if one.did == "reached"]
    measured = [one for one in loads if any(one.measure in row.ratios for row in rows)]
    came_out = ""
    if measured:
        first = measured[0]
        of = [row.ratios[first.measure].median for row in rows if first.measure in row.ratios]
        came_out = f" ({first.what} {first.where}: {_range(of)} times the baseline's)"
    yield (
        "These guests ran under TCG: QEMU translates all their code, and a trap costs no more than "
        f"any other access to a device. Times say little there{came_out}; {counts}."
    )


def _counts(
    result: ExperimentResult, rows: Sequence[SubjectFigures], *, tcg: bool
) -> Iterator[str]:
    """Accesses and notifications a request, devices with equal counts together."""
    frames = result.experiment is Experiment.NETWORK
    request = "frame sent" if frames else "4 KiB read"
    alike: dict[str, list[str]] = {}
    lowest: dict[str, float] = {}
    for row in rows:
        if row.tally is None or row.tally.traps is None:
            continue
        if row.tally.source == "trace":
            text = _accesses(row.tally)
            alike.setdefault(text, []).append(spoken(row.subject))
            lowest[text] = row.tally.traps
    ordered = sorted(alike, key=lambda text: lowest[text])
    if ordered:
        parts = [f"{text} through {listing(alike[text])}" for text in ordered]
        yield f"Each {request} took {'; '.join(parts)}. {_why(tcg=tcg)}"
    yield from _exits(result, rows)
    interrupts = [
        f"{spoken(row.subject)} {plain(row.figures['interrupts'].median)}"
        for row in rows
        if "interrupts" in row.figures
    ]
    if frames and interrupts:
        yield f"Interrupts for each {request}: {listing(interrupts)}."


def _accesses(tally: Tally) -> str:
    registers = sum(tally.registers.values()) / tally.requests
    kicks = (tally.notifications or 0) / tally.requests
    parts = []
    if kicks:
        parts.append(_number(kicks, "notification"))
    if registers or not kicks:
        parts.append(_number(registers, "register access"))
    return " and ".join(parts)


def _number(value: float, noun: str) -> str:
    text = plain(round(value, 1) if value >= 1 else value)
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{'no' if value == 0 else text} {noun if text == '1' else plural}"


def _why(*, tcg: bool) -> str:
    under = "under KVM each" if tcg else "Each"
    return capital(
        f"{under} register access is an exit from the guest to QEMU and back; a notification is an "
        "exit too, but a short one: the kernel wakes QEMU and the guest goes on."
    )


def _exits(result: ExperimentResult, rows: Sequence[SubjectFigures]) -> Iterator[str]:
    id_ = "stream.exits" if result.experiment is Experiment.NETWORK else "d1.exits"
    known = [(row.figures[id_].median, spoken(row.subject)) for row in rows if id_ in row.figures]
    if known:
        parts = [f"{title} {plain(value)}" for value, title in sorted(known)]
        yield (
            f"All exits that KVM counted, interrupts, timers and idling included: {listing(parts)} "
            "a request."
        )


def _times(result: ExperimentResult, rows: Sequence[SubjectFigures], *, tcg: bool) -> Iterator[str]:
    """For each kind of load: who differs from the baseline, by how much; and who does not."""
    base = next((row for row in rows if row.subject.baseline), None)
    if base is None:
        return
    for load in _LOADS[result.experiment]:
        others = [row for row in rows if load.measure in row.ratios and row is not base]
        yield from _differing(base, others, load, tcg=tcg)
        same = [row for row in others if row.verdicts[load.measure] is Verdict.SAME]
        if same:
            yield capital(
                f"{load.where} no difference in {load.what} was seen between "
                f"{listing(spoken(row.subject) for row in [base, *same])}."
            )
    verdicts = [row.verdicts.get(one.measure) for row in rows for one in _LOADS[result.experiment]]
    found = [one for one in verdicts if one is not None]
    if found and all(one is Verdict.UNKNOWN for one in found):
        yield (
            "There were too few trials for intervals, so that nothing can be said about which "
            "differences are real."
        )


def _differing(
    base: SubjectFigures, others: Sequence[SubjectFigures], load: _Load, *, tcg: bool
) -> Iterator[str]:
    real = (Verdict.BETTER, Verdict.WORSE)
    apart = [row for row in others if row.verdicts[load.measure] in real]
    apart.sort(key=lambda row: row.ratios[load.measure].median)
    # Under TCG who is ahead is an accident of the emulation: figures of the extremes are enough.
    between = apart[1:-1] if tcg else []
    shown = [apart[0], apart[-1]] if between else apart
    if shown:
        first, *rest = shown
        ratio = _ratio(first, load.measure)
        said = f"{spoken(first.subject)} {load.did} {ratio} the {load.what} of"
        parts = [f"{spoken(row.subject)} {_ratio(row, load.measure)}" for row in rest]
        more = f"; {listing(parts)}" if parts else ""
        if between:
            more += f", with {listing(spoken(row.subject) for row in between)} in between"
        yield capital(f"{load.where}, {said} {spoken(base.subject)}{more}.")


def _ratio(row: SubjectFigures, id_: str) -> str:
    return f"{times(row.ratios[id_])}{bounds(row.ratios[id_])}"


def _costs(result: ExperimentResult, rows: Sequence[SubjectFigures]) -> Iterator[str]:
    """The dearest and the baseline, in CPU time of the host."""
    id_, request = _COSTS[result.experiment]
    base = next((row for row in rows if row.subject.baseline and id_ in row.figures), None)
    dear = [row for row in rows if row.verdicts.get(id_) is Verdict.WORSE]
    if base is None or not dear:
        return
    worst = max(dear, key=lambda row: row.figures[id_].median)
    mine, its = (amount(row.figures[id_].median, "ns") for row in (worst, base))
    yield (
        f"{request} through {spoken(worst.subject)} cost the host {mine} of CPU time, through "
        f"{spoken(base.subject)} {its}: {_ratio(worst, id_)} as much."
    )


def _apart(rows: Sequence[SubjectFigures]) -> Iterator[str]:
    """What was counted apart, and why it is."""
    kinds: dict[str, list[float]] = {}
    for row in rows:
        tally = row.tally
        if tally is None or not tally.requests or tally.source != "trace":
            continue
        for kind, number in tally.apart.items():
            if kind != SCRIPT_RAM:
                kinds.setdefault(kind, []).append(number / tally.requests)
            elif number:
                yield (
                    f"{spoken(row.subject)} runs little programs of its driver: "
                    f"{plain(number / tally.requests)} accesses to its script RAM a request are "
                    "counted apart, as their number depends on how the device fetches them."
                )
    parts = [f"{kind} {_range(values)}" for kind, values in kinds.items() if max(values) > 0]
    if parts:
        yield (f"Not in these counts, as any guest makes them (a request): {listing(parts)}.")


def _range(values: Sequence[float]) -> str:
    low, high = plain(min(values)), plain(max(values))
    return low if low == high else f"{low} to {high}"
