"""The columns of a Lab result, and how a trial gives each a value. Pure.

The id of a measure is its workload's and a quantity: "d1.rate", "large.bytes", "d32.cpu", and for a
part of the CPU time the thread role too: "d1.cpu.main-loop". "traps" and "interrupts" are counted
in a phase of their own and belong to no workload.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tuivm.model.lab import Experiment, LabMeasure, Tally, Trial, Workload

COUNT = "count"
"""The workload that is counted, never timed."""
ALL_EXITS = "exits"
"""KVM's name for exits of every kind together."""
_QUANTITIES = {
    "large": ("bytes",),
    "d1": ("rate", "p50", "p95", "p99", "cpu", "exits"),
    "d32": ("rate", "p50", "p95", "p99", "cpu", "exits"),
    "stream": ("bytes", "cpu", "exits", "interrupts"),
    "small": ("rate",),
    "pingpong": ("p50", "p95", "p99"),
    "compute": ("rate",),
    "faults": ("rate",),
    "exits": ("rate",),
}
_TITLES = {
    "large": {"bytes": "throughput"},
    "stream": {
        "bytes": "throughput",
        "cpu": "host CPU per frame",
        "exits": "exits per frame",
        "interrupts": "interrupts per frame, streaming",
    },
    "small": {"rate": "small frames"},
    "pingpong": {"p50": "round trip p50", "p95": "round trip p95", "p99": "round trip p99"},
    "compute": {"rate": "computing"},
    "faults": {"rate": "page touches"},
    "exits": {"rate": "port reads"},
}
_QUANTITY_TITLES = {
    "bytes": "throughput",
    "rate": "IOPS",
    "p50": "latency p50",
    "p95": "latency p95",
    "p99": "latency p99",
    "cpu": "host CPU per I/O",
    "exits": "exits per I/O",
}
_UNITS = {"bytes": "B/s", "rate": "1/s", "cpu": "ns each", "exits": "each", "interrupts": "each"}


def measures_of(
    experiment: Experiment, workloads: Iterable[Workload], trials: Sequence[Trial]
) -> list[LabMeasure]:
    """All that these workloads can give, in the order they are shown; the thread roles are those
    that the trials name."""
    found: list[LabMeasure] = []
    for workload in workloads:
        if workload.id == COUNT:
            continue
        for quantity in _QUANTITIES.get(workload.id, ("rate",)):
            found.append(_measure(workload.id, quantity))
            if quantity == "cpu":
                mine = (trial for trial in trials if trial.workload == workload.id)
                roles = dict.fromkeys(role for trial in mine for role in trial.cpu_ns)
                found += [_role_measure(workload.id, role) for role in roles]
    return found + counted_measures(experiment)


def counted_measures(experiment: Experiment) -> list[LabMeasure]:
    each = "frame" if experiment is Experiment.NETWORK else "I/O"
    return [
        LabMeasure("traps", f"traps per {each}", "each", "", rising=False),
        LabMeasure("interrupts", f"interrupts per {each}", "each", "", rising=False),
    ]


def is_part(measure: LabMeasure) -> bool:
    """A part of another measure: the CPU time of one thread role."""
    return measure.id.count(".") > 1


def value_of(measure: LabMeasure, trial: Trial) -> float | None:
    """What a trial of the measure's workload says of it; None where it says nothing."""
    quantity = measure.id.partition(".")[2]
    if quantity in ("p50", "p95", "p99"):
        return None if trial.latency is None else float(getattr(trial.latency, quantity))
    if quantity in ("rate", "bytes"):
        done = trial.requests if quantity == "rate" else trial.bytes
        return done / trial.seconds if trial.seconds > 0 else None
    total = _total_of(quantity, trial)
    return None if total is None or not trial.requests else total / trial.requests


def counted(measure: LabMeasure, tally: Tally | None) -> float | None:
    """The same, of what was counted."""
    if tally is None or not tally.requests:
        return None
    if measure.id == "traps":
        return tally.traps
    return None if tally.interrupts is None else tally.interrupts / tally.requests


def _total_of(quantity: str, trial: Trial) -> int | None:
    if quantity == "exits":
        return trial.exits.get(ALL_EXITS)
    if quantity == "interrupts":
        return trial.interrupts
    if quantity == "cpu":
        return sum(trial.cpu_ns.values()) if trial.cpu_ns else None
    return next((ns for role, ns in trial.cpu_ns.items() if quantity == f"cpu.{_slug(role)}"), None)


def _measure(workload: str, quantity: str) -> LabMeasure:
    title = _TITLES.get(workload, {}).get(quantity, "")
    if not title:
        title = f"{_QUANTITY_TITLES.get(quantity, quantity)}, {_named(workload)}"
    unit = _UNITS.get(quantity, "ns")
    rising = quantity in ("bytes", "rate")
    return LabMeasure(f"{workload}.{quantity}", title, unit, workload, rising)


def _role_measure(workload: str, role: str) -> LabMeasure:
    whole = _measure(workload, "cpu")
    return whole._replace(id=f"{whole.id}.{_slug(role)}", title=f"{whole.title}, {role}")


def _named(workload: str) -> str:
    depth = workload.removeprefix("d")
    return f"depth {depth}" if workload != depth and depth.isdigit() else workload


def _slug(role: str) -> str:
    """ "I/O thread" -> "io-thread"."""
    return role.lower().replace("/", "").replace(" ", "-")
