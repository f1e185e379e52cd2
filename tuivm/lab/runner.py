"""A run of the Lab, from the appliance to the last guest removed."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from tuivm.lab import appliance, fairness
from tuivm.lab.bench import Bench
from tuivm.lab.book import Book
from tuivm.lab.boot import Boot
from tuivm.lab.control import Control
from tuivm.lab.counting import Counting
from tuivm.lab.experiments import accelerators
from tuivm.lab.placing import described, place
from tuivm.lab.ports import HostAbilities, LabError, LabHost, LabStoppedError, Workplace
from tuivm.model.lab import LabRun, Omitted, Phase, Plan, Progress


class Build(Protocol):
    """Makes the appliance; tells in words what it does. with_fio: with it, where the machine has
    it. Raises LabError."""

    def __call__(self, *, say: Callable[[str], None], with_fio: bool) -> appliance.Appliance: ...


def run(
    host: LabHost,
    abilities: HostAbilities,
    plan: Plan,
    *,
    name: str,
    sink: Callable[[Progress], None],
    control: Control,
    build: Build = appliance.build,
    clock: Callable[[], float] = time.monotonic,
    wall: Callable[[], float] = time.time,
) -> LabRun:
    """Carry the plan out and give what was found, complete or not; blocks until all is removed.

    name: of the run. sink: called on this thread, several times a second; the last one is DONE,
    STOPPED or FAILED (then with the problem). Raises nothing that the Lab expects: a LabError and
    the person's stop become the last phase.
    """
    book = Book(name, wall(), abilities.record, plan, sink=sink, control=control, clock=clock)
    steps = _Run(host, abilities, book)
    phase, problem = Phase.DONE, ""
    try:
        steps.go(build)
        book.complete = True
    except LabStoppedError:
        phase = Phase.STOPPED
    except (LabError, OSError) as error:
        phase, problem = Phase.FAILED, str(error)
    finally:
        # Also for what nobody expected: guests must not stay.
        steps.clean()
    book.caveats = fairness.caveats(
        book.plan, abilities.record, book.accelerators, book.load, book.trials
    )
    book.end(phase, problem)
    return book.run()


class _Run:
    def __init__(self, host: LabHost, abilities: HostAbilities, book: Book) -> None:
        # Part of names of guests and directories on the host.
        self._id = secrets.token_hex(4)
        self._host = host
        self._abilities = abilities
        self._book = book
        self._workplace: Workplace | None = None
        self._boot: Boot | None = None

    def go(self, build: Build) -> None:
        book = self._book
        book.enter(Phase.PREPARING, "Making the appliance")

        def say(words: str) -> None:
            book.enter(Phase.PREPARING, words)

        # Under TCG it is never used; without it a guest is half as big, and boots sooner.
        made = build(say=say, with_fio=accelerators(book.plan) == {"kvm"})
        for remark in made.remarks:
            book.remark(remark)
        say("Making room on the host")
        self._workplace = self._host.workplace(self._id)
        local = self._abilities.local
        placed = place(self._workplace, made, book.plan, say, local=local)
        self._boot = Boot(
            self._host,
            book,
            lambda plan: placed.guests(plan, self._id, self._abilities),
            cpus=self._abilities.record.cpus,
            virtualized=self._abilities.record.virtualized,
        )
        booted = self._boot.boot()
        book.method = described(book.method, booted[0].spec)
        bench = Bench(
            self._host,
            book,
            booted,
            again=self._boot.again,
            virtualized=self._abilities.record.virtualized,
        )
        bench.warm_up()
        bench.measure()
        if not book.subjects():
            raise LabError("Nothing was left to measure.", _reasons(book.plan.omitted))
        Counting(bench, self._workplace).count()

    def clean(self) -> None:
        """Remove everything; what cannot be is remarked, with the way to do it later."""
        self._book.expect(1.0)
        self._book.enter(Phase.CLEANING, "Removing the guests")
        for remove in (
            self._boot.destroy if self._boot else None,
            self._workplace.remove if self._workplace else None,
        ):
            if remove is None:
                continue
            try:
                remove()
            except LabError as error:
                self._book.remark(f"Not all was removed: {error} `tuivm lab clean` does it.")


def _reasons(omitted: Sequence[Omitted]) -> str:
    """Each reason once, with those that fell out for it before it."""
    by_reason: dict[str, list[str]] = {}
    for one in omitted:
        by_reason.setdefault(one.why, []).append(one.subject)
    return "; ".join(f"{', '.join(subjects)}: {why}" for why, subjects in by_reason.items())
