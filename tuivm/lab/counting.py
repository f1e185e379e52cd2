"""Counts what a request makes the guest leave its own code for, in a phase that is never timed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tuivm.lab import trace
from tuivm.lab.bench import OWN, Bench, exits_of
from tuivm.lab.boot import Booted
from tuivm.lab.orders import GuestLostError
from tuivm.lab.ports import LabError, Workplace
from tuivm.lab.schedule import COUNT
from tuivm.model.lab import Phase, Subject, Tally, Workload

REQUESTS = 200
"""Counted of a subject where the plan does not say: enough, as every one is the same."""

_SHADOWED = "nvme"
"""Has doorbells in memory (guest.devices.set_up_anew)."""


class Counting:
    """Uses QEMU's trace where its log can be written and read, else KVM's counters."""

    def __init__(self, bench: Bench, workplace: Workplace) -> None:
        self._bench = bench
        self._book = bench.book
        self._workplace = workplace

    def count(self) -> None:
        """A tally of every subject that has something to count; why one has none is remarked."""
        book = self._book
        book.enter(Phase.COUNTING, "Counting register accesses and notifications")
        for subject in book.subjects():
            works = book.plan.workloads[subject.experiment]
            workload = next((one for one in works if one.id == COUNT), None)
            if workload is None:
                continue
            self._bench.rest()
            requests = workload.requests or REQUESTS
            self._subject(subject, workload._replace(requests=requests))

    def _subject(self, subject: Subject, workload: Workload) -> None:
        book = self._book
        booted = self._bench.booted(subject.id)
        book.tell(f"Counting on {subject.title}", subject=subject.id, workload=workload.id)
        try:
            book.tallies.append(self._traced(subject, workload, booted))
        except LabError as error:
            if isinstance(error, GuestLostError) or not booted.guest.alive():
                why = f"Its guest ended while {subject.id} was counted: {error}"
                self._bench.drop_guest(booted, subject, why)
                return
            tally = self._by_exits(subject, workload, booted)
            if tally is None:
                book.remark(f"{subject.title}: register accesses could not be counted: {error}")
                return
            book.tallies.append(tally)
            book.remark(f"Exits were counted by KVM, as QEMU's trace could not be used: {error}")

    def _traced(self, subject: Subject, workload: Workload, booted: Booted) -> Tally:
        if subject.id == _SHADOWED:
            self._anew(booted, workload, booted.places[subject.id].serial)
        name = f"trace-{subject.id}.log"
        path = self._workplace.log_file(name)
        with _events(booted, path):
            done = self._bench.ask(subject, workload, 0, traced=True)
        log = self._workplace.read(name)
        if not log:
            raise LabError("QEMU's trace log stayed empty.")
        return trace.tally(log, subject, done.sent, done.trial.interrupts)

    def _anew(self, booted: Booted, workload: Workload, serial: str) -> None:
        """Reset the controller, before the trace: how many doorbells a request takes is a matter of
        what went before."""
        order = {
            **{"do": "io", "serial": serial, "op": "read", "size": workload.size, "requests": 1},
            **{"sequential": False, "traced": False, "generator": OWN, "anew": True},
        }
        booted.line.ask(order, tell=lambda _: self._book.tell())

    def _by_exits(self, subject: Subject, workload: Workload, booted: Booted) -> Tally | None:
        """None without KVM, or where the device cannot be asked either."""
        try:
            before = booted.guest.usage()
            if not before.exits:
                return None
            done = self._bench.ask(subject, workload, 0, traced=True)
            exits = exits_of(before, booted.guest.usage())
        except LabError:
            return None
        if not exits:
            return None
        interrupts = done.trial.interrupts
        return Tally(subject.id, done.sent, exits, interrupts=interrupts, source="exits")


@contextmanager
def _events(booted: Booted, path: str) -> Iterator[None]:
    """The trace events on, into this file, and off again."""
    guest = booted.guest
    said = guest.human_monitor(f"logfile {_quoted(path)}").strip()
    if said:
        raise LabError("QEMU cannot write its trace log.", said)
    try:
        for event in trace.EVENTS:
            guest.monitor("trace-event-set-state", {"name": event, "enable": True})
        yield
    finally:
        if guest.alive():
            for event in trace.EVENTS:
                guest.monitor("trace-event-set-state", {"name": event, "enable": False})


def _quoted(path: str) -> str:
    """As the human monitor takes a file name with any character in it."""
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
