"""What made a run less than fair, in plain words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from tuivm.lab.ports import HostUse
from tuivm.model.lab import Backing, Experiment, LabHostRecord, Plan, Trial
from tuivm.model.units import visible

STEAL = 0.01
"""Share of the host's CPU time that its own hypervisor may withhold unremarked."""
OTHERS = 0.05
"""CPUs that another guest may use unremarked."""
BUSY = 0.25
"""CPUs that the rest of the host may use unremarked."""
THREADS = 2
"""CPUs that one vCPU and its VMM use at once."""
TCG = (
    "Guests ran under TCG: there a trap costs no more than any other access, so that times hardly "
    "differ between device models, or even the other way round. Go by the counts."
)


class Load(NamedTuple):
    """The host while trials ran; seconds of the clock, CPU ns. None: not told."""

    seconds: float = 0.0
    total: int | None = None
    busy: int | None = None
    steal: int | None = None
    others: Mapping[str, int] = {}
    governors: frozenset[str] = frozenset()

    def plus(self, before: HostUse, after: HostUse) -> Load:
        """With one more trial in it."""
        others = dict(self.others)
        for name, now in after.others.items():
            # A guest that began meanwhile counts from its beginning.
            others[name] = others.get(name, 0) + max(0, now - before.others.get(name, 0))
        return Load(
            self.seconds + max(0.0, after.at - before.at),
            _plus(self.total, before.total, after.total),
            _plus(self.busy, before.busy, after.busy),
            _plus(self.steal, before.steal, after.steal),
            others,
            self.governors | {one for one in (before.governor, after.governor) if one},
        )


def stolen(before: HostUse, after: HostUse) -> float | None:
    """Share of the host's CPU time that its own hypervisor withheld between the two, 0..1."""
    total, steal = _plus(None, before.total, after.total), _plus(None, before.steal, after.steal)
    return min(1.0, steal / total) if total and steal is not None else None


def caveats(
    plan: Plan,
    record: LabHostRecord,
    accelerators: frozenset[str],
    load: Load,
    trials: Sequence[Trial],
) -> tuple[str, ...]:
    """A sentence each, the weightiest first. accelerators: that guests ran as."""
    return (
        *_translated(plan, accelerators),
        *_stolen(load),
        *_others(load),
        *_rest(load, trials),
        *_frequency(load),
        *_host(record),
        *_backings(plan),
    )


def _translated(plan: Plan, accelerators: frozenset[str]) -> Iterator[str]:
    # The nested lesson compares TCG with KVM on purpose.
    if "qemu" in accelerators and set(plan.experiments) != {Experiment.NESTED}:
        yield TCG


def _stolen(load: Load) -> Iterator[str]:
    if load.total and load.steal is not None and load.steal / load.total > STEAL:
        yield (
            f"{load.steal / load.total:.1%} of the host's CPU time was stolen: it is itself a "
            "guest, and its hypervisor gave that time to others."
        )


def _others(load: Load) -> Iterator[str]:
    if load.seconds <= 0:
        return
    used = {name: ns / 1e9 / load.seconds for name, ns in load.others.items()}
    busy = sorted((name for name in used if used[name] > OTHERS), key=lambda name: -used[name])
    if busy:
        told = ", ".join(f"{visible(name)} ({used[name]:.2f} CPUs)" for name in busy[:4])
        more = f" and {len(busy) - 4} more" if len(busy) > 4 else ""
        yield f"Other guests of the host were busy meanwhile: {told}{more}."


def _rest(load: Load, trials: Sequence[Trial]) -> Iterator[str]:
    """What the host's CPUs did besides the run's guests and other guests."""
    if load.busy is None or load.seconds <= 0 or not any(one.cpu_ns for one in trials):
        return
    own = sum(sum(one.cpu_ns.values()) for one in trials)
    rest = (load.busy - own - sum(load.others.values())) / 1e9 / load.seconds
    if rest > BUSY:
        yield (
            f"The host did other work meanwhile: {rest:.2f} CPUs besides the guests, those of "
            "libvirt and tuivm included."
        )


def _frequency(load: Load) -> Iterator[str]:
    slow = sorted(load.governors - {"performance"})
    if slow:
        yield (
            f"Frequency scaling: the host's governor is {visible(' and '.join(slow))}, so that the "
            "CPUs' speed may have changed between trials. With performance it does not."
        )


def _host(record: LabHostRecord) -> Iterator[str]:
    if record.virtualized:
        yield (
            "The host is itself a guest: what its own hypervisor does is in every figure, and an "
            "exit under KVM costs many times what it costs on hardware."
        )
    if record.cpus is not None and record.cpus < THREADS:
        yield (
            f"The host has {record.cpus} CPU: a vCPU and its VMM wait for each other, which hides "
            "what I/O threads and queue depth gain."
        )


def _backings(plan: Plan) -> Iterator[str]:
    disks = [one for one in plan.experiments if plan.backings.get(one) is Backing.FILE]
    if disks:
        yield (
            "The disks lie in files of the host: its storage is part of every figure, and caches "
            "in it that cache=none does not pass by (of a network file system, a RAID controller, "
            "the layer below a virtual host) too."
        )


def _plus(sum_: int | None, before: int | None, after: int | None) -> int | None:
    """One more difference; what was told once stays told."""
    if before is None or after is None:
        return sum_
    return (sum_ or 0) + max(0, after - before)
