"""What a run has found so far, and the telling of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tuivm.lab.control import Control
from tuivm.lab.fairness import Load
from tuivm.model.lab import (
    Experiment,
    LabHostRecord,
    LabRun,
    Method,
    Omitted,
    Phase,
    Plan,
    Progress,
    Subject,
    Tally,
    Trial,
)

_MOST = {Phase.PREPARING: 0.3, Phase.BOOTING: 0.4, Phase.WARMUP: 0.6, Phase.MEASURING: 0.95}
"""How much of a run can be done in a phase: where one takes longer than was thought (a host that is
busy), the others are still to come."""


class Book:
    """Of one run. left: estimated seconds to its end, from whoever knows best at the moment."""

    def __init__(
        self,
        name: str,
        taken: float,
        record: LabHostRecord,
        plan: Plan,
        *,
        sink: Callable[[Progress], None],
        control: Control,
        clock: Callable[[], float],
    ) -> None:
        self.plan = plan
        self.control = control
        self.clock = clock
        self.method = Method()
        self.load = Load()
        self.accelerators: frozenset[str] = frozenset()
        self.caveats: tuple[str, ...] = ()
        self.trials: list[Trial] = []
        self.tallies: list[Tally] = []
        self.phase = Phase.PREPARING
        self.complete = False
        self._name = name
        self._taken = taken
        self._record = record
        self._sink = sink
        self._start = clock()
        self._remarks: list[str] = []
        self._out: set[str] = set()
        self._left = plan.seconds
        self._left_at = self._start
        self._done = 0.0
        self._said = ""

    @property
    def elapsed(self) -> float:
        """Seconds since the run began, without those in which it was paused."""
        return self.clock() - self._start

    def stand_still(self, seconds: float) -> None:
        """For so long nothing was done: neither done nor left changes by it."""
        self._start += seconds
        self._left_at += seconds

    def remark(self, text: str) -> None:
        """Something that happened on the way; the same only once."""
        if text and text not in self._remarks:
            self._remarks.append(text)

    def subjects(self, experiments: Iterable[Experiment] | None = None) -> tuple[Subject, ...]:
        """Those that are still measured."""
        wanted = self.plan.experiments if experiments is None else tuple(experiments)
        return tuple(
            one
            for one in self.plan.subjects
            if one.id not in self._out and one.experiment in wanted
        )

    def omit(self, subject: str, why: str) -> None:
        """It falls out, for this reason. One that was measured stays in the plan with what was
        found; one that never was leaves it."""
        if any(one.subject == subject for one in self.plan.omitted):
            return
        self._out.add(subject)
        omitted = (*self.plan.omitted, Omitted(subject, why))
        kept = self.plan.subjects
        if not any(one.subject == subject and one.round for one in self.trials):
            kept = _with_baselines(tuple(one for one in kept if one.id != subject))
        self.plan = self.plan._replace(omitted=omitted, subjects=kept)

    def expect(self, seconds: float) -> None:
        """It will be over in so many seconds."""
        self._left, self._left_at = max(0.0, seconds), self.clock()

    def enter(self, phase: Phase, said: str) -> None:
        """A phase begins. Raises LabStoppedError where the person wants no more."""
        if phase is not Phase.CLEANING:
            self.control.check()
        self.phase = phase
        self.tell(said)

    def end(self, phase: Phase, problem: str = "") -> None:
        """The last word: DONE, STOPPED or FAILED."""
        self.phase = phase
        self.tell(
            {Phase.DONE: "Done", Phase.STOPPED: "Stopped"}.get(phase, "Failed"), problem=problem
        )

    def tell(
        self,
        said: str = "",
        *,
        subject: str = "",
        workload: str = "",
        rate: float | None = None,
        problem: str = "",
    ) -> None:
        """Say where the run is; without `said`, the same words as before."""
        self._said = said or self._said
        now = self.clock()
        over = self.phase in (Phase.DONE, Phase.STOPPED, Phase.FAILED)
        left = 0.0 if over else max(0.0, self._left - (now - self._left_at))
        elapsed = self.elapsed
        share = elapsed / (elapsed + left) if elapsed + left > 0 else 0.0
        # A new estimate may be longer than the old one; what is done does not go back for it.
        if self.phase is Phase.DONE:
            self._done = 1.0
        elif not over and self.phase is not Phase.CLEANING:
            self._done = max(self._done, min(share, _MOST.get(self.phase, 0.99)))
        self._sink(
            Progress(
                phase=self.phase,
                said=self._said,
                done=self._done,
                left=left,
                at=now,
                run=self.run(),
                subject=subject,
                workload=workload,
                rate=rate,
                paused=self.control.paused,
                problem=problem,
            )
        )

    def run(self) -> LabRun:
        """Everything so far."""
        return LabRun(
            name=self._name,
            taken=self._taken,
            host=self._record._replace(accelerator=self.plan.accelerator),
            plan=self.plan,
            method=self.method,
            trials=tuple(self.trials),
            tallies=tuple(self.tallies),
            caveats=self.caveats,
            remarks=tuple(self._remarks),
            seconds=self.elapsed,
            complete=self.complete,
        )


def _with_baselines(subjects: tuple[Subject, ...]) -> tuple[Subject, ...]:
    """Ratios need a baseline: the first of an experiment that has lost its own."""
    has = {one.experiment for one in subjects if one.baseline}
    result = []
    for one in subjects:
        result.append(one if one.experiment in has else one._replace(baseline=True))
        has.add(one.experiment)
    return tuple(result)
