"""A simulated Lab behind the same Protocol as the real one: the test moves its run on."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

from tests.support.labrun import MADE, TAKEN, WORKLOADS, lab_run
from tuivm.model.devices import DeviceClass
from tuivm.model.lab import (
    Backing,
    Experiment,
    KeptRun,
    LabHostRecord,
    LabOffer,
    LabRequest,
    LabRun,
    Leftover,
    Phase,
    Plan,
    Progress,
    Subject,
    Unavailable,
)
from tuivm.model.labports import LabPortError

T = TypeVar("T")
OMITTED = (
    Unavailable(
        Subject(
            "virtio-net-vhost", Experiment.NETWORK, "virtio-net, vhost", DeviceClass.PARAVIRTUAL
        ),
        "vhost takes frames from a tap, which needs the system's libvirt.",
    ),
    Unavailable(
        Subject("megasas", Experiment.STORAGE, "MegaRAID", DeviceClass.EMULATED),
        "QEMU 7.2.11 on this host has no megasas.",
    ),
)


def offer_of(host: str, *, problem: str = "") -> LabOffer:
    """All subjects that labrun knows, on a host without KVM."""
    return LabOffer(
        host,
        LabHostRecord(host, f"test+sim:///{host}", "QEMU 7.2.11", "9.0.0", accelerator="qemu"),
        () if problem else tuple(one.subject for many in MADE.values() for one in many),
        OMITTED,
        {
            Experiment.STORAGE: (Backing.NULL, Backing.FILE),
            Experiment.NETWORK: (Backing.SOCKET,),
        },
        ("No KVM here: guests are translated (TCG), times of the models hardly differ.",),
        problem,
    )


class SimRun:
    """A run that goes on by `step`, `steps` of them to the end; seeded rates."""

    def __init__(
        self, host: str, whole: LabRun, sink: Callable[[Progress], None], clock: Callable[[], float]
    ) -> None:
        self._host = host
        self.whole = whole
        self._sink = sink
        self._clock = clock
        self._chance = random.Random(whole.plan.seed)
        self._trials = sorted(whole.trials, key=lambda one: (one.round, self._chance.random()))
        self._at = 0
        self.calls: list[str] = []
        self._paused = False
        self._stopped = False
        self._last = Progress(
            Phase.PREPARING,
            "building the appliance",
            0.0,
            whole.plan.seconds,
            clock(),
            self._so_far(),
        )

    @property
    def host(self) -> str:
        return self._host

    @property
    def last(self) -> Progress:
        return self._last

    @property
    def over(self) -> bool:
        return self._last.phase in (Phase.DONE, Phase.STOPPED, Phase.FAILED)

    def pause(self) -> None:
        self.calls.append("pause")
        self._paused = True
        self._tell(self._last._replace(paused=True, rate=None))

    def resume(self) -> None:
        self.calls.append("resume")
        self._paused = False
        self._tell(self._last._replace(paused=False))

    def stop(self) -> None:
        self.calls.append("stop")
        self._end(Phase.STOPPED, "stopped", complete=False)

    def step(self, times: int = 1) -> None:
        """Measure so many trials more."""
        for _ in range(times):
            if self.over or self._paused:
                return
            trial = self._trials[self._at]
            self._at += 1
            plan = self.whole.plan
            workload = next(
                one for many in plan.workloads.values() for one in many if one.id == trial.workload
            )
            subject = next(one for one in plan.subjects if one.id == trial.subject)
            left = 1.0 - self._at / len(self._trials)
            self._tell(
                Progress(
                    Phase.MEASURING if trial.round else Phase.WARMUP,
                    f"{workload.title}, on {subject.title}: round {trial.round} of {plan.rounds}",
                    1.0 - left,
                    plan.seconds * left,
                    self._clock(),
                    self._so_far(),
                    trial.subject,
                    trial.workload,
                    trial.requests / trial.seconds,
                )
            )
            if self._at == len(self._trials):
                self._end(Phase.DONE, "done", complete=True)

    def fail(self, problem: str) -> None:
        self._end(Phase.FAILED, "failed", complete=False, problem=problem)

    def fail_to_keep(self, problem: str) -> None:
        """All was measured, and its file could not be written."""
        self._at = len(self._trials)
        self._end(Phase.FAILED, "failed", complete=True, problem=problem)

    def _end(self, phase: Phase, said: str, *, complete: bool, problem: str = "") -> None:
        run = self._so_far()._replace(complete=complete)
        if complete:
            run = run._replace(tallies=self.whole.tallies)
        self._tell(
            Progress(phase, said, self._last.done, None, self._clock(), run, problem=problem)
        )

    def _so_far(self) -> LabRun:
        trials = tuple(self._trials[: self._at])
        return self.whole._replace(trials=trials, tallies=(), complete=False)

    def _tell(self, progress: Progress) -> None:
        self._last = progress
        self._sink(progress)


class SimLab:
    """Everything answers at once. offers, kept_runs, left: what it answers; the test may change
    them. files: by name, runs that were
    exported as JSON. failing: method -> the sentence it fails with. refused: why no plan can be
    made. clock: monotonic seconds."""

    def __init__(self) -> None:
        self.clock: Callable[[], float] = lambda: 0.0
        self.offers: dict[str, LabOffer] = {}
        self.kept_runs: list[LabRun] = []
        self.broken: list[KeptRun] = []
        self.left: tuple[Leftover, ...] = ()
        self.files: dict[str, LabRun] = {}
        self.failing: dict[str, str] = {}
        self.refused = ""
        self.requests: list[LabRequest] = []
        self.exported: list[tuple[str, str, Path]] = []
        self.cleaned: list[tuple[Leftover, ...]] = []
        self.run: SimRun | None = None
        self.closed = False

    def _answer(self, method: str, value: T) -> Future[T]:
        future: Future[T] = Future()
        if method in self.failing:
            future.set_exception(LabPortError(self.failing[method]))
        else:
            future.set_result(value)
        return future

    def offer(self, host: str) -> Future[LabOffer]:
        return self._answer("offer", self.offers.get(host) or offer_of(host))

    def plan(self, offer: LabOffer, request: LabRequest) -> Plan:
        self.requests.append(request)
        subjects = tuple(
            one
            for one in offer.subjects
            if one.experiment in request.experiments
            and (request.models is None or one.id in request.models)
        )
        if not subjects or self.refused:
            raise LabPortError(self.refused or "Nothing is left to measure.")
        return Plan(
            request.experiments,
            request.length,
            subjects,
            {one: WORKLOADS[one] for one in request.experiments},
            request.backings,
            5,
            7,
            7.5 * len(subjects),
            "qemu",
        )

    def begin(self, offer: LabOffer, plan: Plan, sink: Callable[[Progress], None]) -> SimRun:
        if "begin" in self.failing:
            raise LabPortError(self.failing["begin"])
        made = lab_run(*plan.experiments, name=f"lab-{len(self.kept_runs) + 1}")
        wanted = {one.id for one in plan.subjects}
        made = made._replace(
            plan=plan,
            host=made.host._replace(name=offer.host),
            trials=tuple(one for one in made.trials if one.subject in wanted),
            tallies=tuple(one for one in made.tallies if one.subject in wanted),
        )

        def tell(progress: Progress) -> None:
            if progress.phase is Phase.DONE:
                self.kept_runs.append(progress.run)
            sink(progress)

        self.run = SimRun(offer.host, made, tell, self.clock)
        return self.run

    @property
    def running(self) -> SimRun | None:
        return self.run if self.run is not None and not self.run.over else None

    def kept(self) -> Future[list[KeptRun]]:
        found = [
            KeptRun(
                one.name,
                f"/home/me/lab/{one.name}.json",
                one.taken,
                one.host.name,
                one.host.accelerator,
                one.plan.experiments,
                one.complete,
            )
            for one in reversed(self.kept_runs)
        ]
        return self._answer("kept", [*found, *self.broken])

    def load(self, name: str) -> Future[LabRun]:
        found = next((one for one in self.kept_runs if one.name == name), None)
        if found is None:
            self.failing.setdefault("load", f"There is no run {name}.")
            return self._answer("load", lab_run())
        return self._answer("load", found)

    def remove(self, name: str) -> Future[None]:
        if "remove" not in self.failing:
            self.kept_runs = [one for one in self.kept_runs if one.name != name]
        return self._answer("remove", None)

    def export(self, run: LabRun, form: str, path: Path) -> Future[Path]:
        self.exported.append((run.name, form, path))
        return self._answer("export", path)

    def export_pair(self, first: LabRun, second: LabRun, path: Path) -> Future[Path]:
        self.exported.append((f"{first.name} {second.name}", "md", path))
        return self._answer("export", path)

    def adopt(self, path: Path) -> Future[LabRun]:
        found = self.files.get(path.name, lab_run())
        if "adopt" not in self.failing:
            self.kept_runs.append(found)
        return self._answer("adopt", found)

    def leftovers(self, host: str) -> Future[tuple[Leftover, ...]]:
        return self._answer("leftovers", tuple(one for one in self.left if one.host == host))

    def clean(self, leftovers: tuple[Leftover, ...]) -> Future[None]:
        if "clean" not in self.failing:
            self.cleaned.append(leftovers)
            self.left = ()
        return self._answer("clean", None)

    def close(self) -> None:
        self.closed = True
        if self.running is not None:
            self.running.stop()


__all__ = ["TAKEN", "SimLab", "SimRun", "offer_of"]
