"""The JSON document of a run of the Lab, written and read back; described in docs/lab.md.

Its "results" are derived from the rest, for readers such as jq, and are not read back.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from tuivm.model.devices import DeviceClass
from tuivm.model.lab import (
    Backing,
    Experiment,
    ExperimentResult,
    LabHostRecord,
    LabRun,
    Length,
    Method,
    Omitted,
    Percentiles,
    Plan,
    Subject,
    SubjectFigures,
    Tally,
    Trial,
    Workload,
)
from tuivm.model.labfigures import results
from tuivm.reports import checks
from tuivm.reports.checks import Document, timestamp

T = TypeVar("T")
SCHEMA = 1
"""Grows when a key is removed or changes its meaning; new keys may come without."""
KIND = "tuivm lab run"


def lab_to_json(run: LabRun) -> str:
    """One document, ASCII, with a newline at its end; a line a trial."""
    text = json.dumps(_document(run), allow_nan=False, separators=(",", ":"))
    return text.replace('{"subject":', '\n{"subject":') + "\n"


def lab_from_json(text: str) -> LabRun:
    """What `lab_to_json` wrote; its start to the ms. Keys that are not known are ignored. Raises
    DocumentError."""
    return checks.read(text, KIND, SCHEMA, _run)


def _document(run: LabRun) -> Document:
    return {
        "kind": KIND,
        "schema": SCHEMA,
        "name": run.name,
        "taken": timestamp(run.taken),
        "seconds": run.seconds,
        "complete": run.complete,
        "host": run.host._asdict(),
        "method": run.method._asdict(),
        "plan": _plan_document(run.plan),
        "caveats": list(run.caveats),
        "remarks": list(run.remarks),
        "results": [_result(one) for one in results(run)],
        "tallies": [_tally_document(one) for one in run.tallies],
        "trials": [_trial_document(one) for one in run.trials],
    }


def _plan_document(plan: Plan) -> Document:
    return {
        "experiments": [one.value for one in plan.experiments],
        "length": plan.length.value,
        "rounds": plan.rounds,
        "seed": plan.seed,
        "seconds": plan.seconds,
        "accelerator": plan.accelerator,
        "subjects": [_subject_document(one) for one in plan.subjects],
        "workloads": {
            key.value: [one._asdict() for one in workloads]
            for key, workloads in plan.workloads.items()
        },
        "backings": {key.value: one.value for key, one in plan.backings.items()},
        "omitted": [one._asdict() for one in plan.omitted],
    }


def _subject_document(subject: Subject) -> Document:
    return {
        "id": subject.id,
        "experiment": subject.experiment.value,
        "title": subject.title,
        "class": subject.cls.value,
        "model": subject.model,
        "about": subject.about,
        "baseline": subject.baseline,
    }


def _trial_document(trial: Trial) -> Document:
    return {
        **trial._asdict(),
        "latency": trial.latency._asdict() if trial.latency else None,
        "cpu_ns": dict(trial.cpu_ns),
        "exits": dict(trial.exits),
    }


def _tally_document(tally: Tally) -> Document:
    found = {**tally._asdict(), "traps": tally.traps}
    return {**found, "registers": dict(tally.registers), "apart": dict(tally.apart)}


def _result(result: ExperimentResult) -> Document:
    return {
        "experiment": result.experiment.value,
        "counts_first": result.counts_first,
        "words": list(result.words),
        "measures": [
            {
                "id": one.id,
                "title": one.title,
                "unit": one.unit,
                "workload": one.workload,
                "more_is_better": one.rising,
            }
            for one in result.measures
        ],
        "rows": [_row(one) for one in result.rows],
        "published": [one._asdict() for one in result.published],
    }


def _row(row: SubjectFigures) -> Document:
    return {
        "subject": row.subject.id,
        "title": row.subject.title,
        "class": row.subject.cls.value,
        "traps": row.tally.traps if row.tally else None,
        "figures": {name: one._asdict() for name, one in row.figures.items()},
        "ratios": {name: one._asdict() for name, one in row.ratios.items()},
        "verdicts": {name: one.value for name, one in row.verdicts.items()},
    }


def _run(found: Document) -> LabRun:
    taken = datetime.fromisoformat(checks.text(found["taken"])).timestamp()
    return LabRun(
        name=checks.text(found["name"]),
        taken=round(taken, 3),
        host=_host(checks.table(found["host"])),
        plan=_plan(checks.table(found["plan"])),
        method=_method(checks.table(found["method"])),
        trials=_each(found["trials"], _trial),
        tallies=_each(found["tallies"], _tally),
        caveats=tuple(map(checks.text, checks.items(found["caveats"]))),
        remarks=tuple(map(checks.text, checks.items(found["remarks"]))),
        seconds=checks.number(found["seconds"]),
        complete=checks.flag(found["complete"]),
    )


def _each(found: object, read: Callable[[Document], T]) -> tuple[T, ...]:
    return tuple(read(checks.table(one)) for one in checks.items(found))


def _host(found: Document) -> LabHostRecord:
    names = ("name", "uri", "hypervisor", "libvirt", "kernel", "cpu", "arch", "accelerator")
    return LabHostRecord(
        **{name: checks.text(found[name]) for name in names},
        cpus=_whole_or_none(found["cpus"]),
        virtualized=None if found["virtualized"] is None else checks.flag(found["virtualized"]),
    )


def _method(found: Document) -> Method:
    return Method(
        **{name: checks.text(found[name]) for name in ("generator", "kernel", "machine")},
        vcpus=checks.whole(found["vcpus"]),
        memory_mib=checks.whole(found["memory_mib"]),
    )


def _plan(found: Document) -> Plan:
    workloads = checks.table(found["workloads"])
    backings = checks.table(found["backings"])
    subjects = _each(found["subjects"], _subject)
    if len({one.id for one in subjects}) < len(subjects):
        raise ValueError("two subjects have the same id")
    return Plan(
        experiments=tuple(Experiment(one) for one in checks.items(found["experiments"])),
        length=Length(found["length"]),
        subjects=subjects,
        workloads={Experiment(key): _each(one, _workload) for key, one in workloads.items()},
        backings={Experiment(key): Backing(one) for key, one in backings.items()},
        rounds=checks.whole(found["rounds"]),
        seed=checks.whole(found["seed"]),
        seconds=checks.number(found["seconds"]),
        accelerator=checks.text(found["accelerator"]),
        omitted=_each(
            found["omitted"],
            lambda one: Omitted(checks.text(one["subject"]), checks.text(one["why"])),
        ),
    )


def _subject(found: Document) -> Subject:
    return Subject(
        id=checks.text(found["id"]),
        experiment=Experiment(found["experiment"]),
        title=checks.text(found["title"]),
        cls=DeviceClass(found["class"]),
        model=checks.text(found["model"]),
        about=checks.text(found["about"]),
        baseline=checks.flag(found["baseline"]),
    )


def _workload(found: Document) -> Workload:
    return Workload(
        checks.text(found["id"]),
        checks.text(found["title"]),
        **{name: checks.whole(found[name]) for name in ("size", "depth", "requests")},
    )


def _trial(found: Document) -> Trial:
    latency = found["latency"]
    return Trial(
        subject=checks.text(found["subject"]),
        workload=checks.text(found["workload"]),
        round=checks.whole(found["round"]),
        requests=checks.whole(found["requests"]),
        bytes=checks.whole(found["bytes"]),
        seconds=checks.number(found["seconds"]),
        latency=None if latency is None else _latency(checks.table(latency)),
        cpu_ns=_numbers(found["cpu_ns"]),
        exits=_numbers(found["exits"]),
        interrupts=_whole_or_none(found["interrupts"]),
        steal=checks.number_or_none(found["steal"]),
    )


def _latency(found: Document) -> Percentiles:
    return Percentiles(*(checks.number(found[name]) for name in Percentiles._fields))


def _tally(found: Document) -> Tally:
    return Tally(
        subject=checks.text(found["subject"]),
        requests=checks.whole(found["requests"]),
        registers=_numbers(found["registers"]),
        notifications=_whole_or_none(found["notifications"]),
        apart=_numbers(found["apart"]),
        interrupts=_whole_or_none(found["interrupts"]),
        source=checks.text(found["source"]),
    )


def _numbers(found: object) -> dict[str, int]:
    return {name: checks.whole(one) for name, one in checks.table(found).items()}


def _whole_or_none(found: object) -> int | None:
    return None if found is None else checks.whole(found)
