"""The Lab at work: `tuivm.model.labports.LabPort` on daemon threads, for screens and commands."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import TypeVar

from tuivm import labexport, labruns
from tuivm.hypervisor.labhost import open_lab_host
from tuivm.lab import appliance, experiments, runner
from tuivm.lab.control import Control
from tuivm.lab.ports import HostAbilities, LabConnectError, LabError, LabHost
from tuivm.model.hosts import HostSpec
from tuivm.model.lab import (
    KeptRun,
    LabOffer,
    LabRequest,
    LabRun,
    Leftover,
    Phase,
    Plan,
    Progress,
)
from tuivm.model.labports import LabPortError, UnreachableError

T = TypeVar("T")

CLOSING = 5.0
"""Seconds that a run has to stop and clean up when the program ends. What it leaves after that is
found at the next start."""
_OVER = (Phase.DONE, Phase.STOPPED, Phase.FAILED)


class Laboratory:
    """opener: connects to a host, raises LabError. build: makes the appliance."""

    def __init__(
        self,
        specs: Iterable[HostSpec],
        *,
        opener: Callable[[HostSpec], LabHost] = open_lab_host,
        build: runner.Build = appliance.build,
    ) -> None:
        self._specs = {spec.name: spec for spec in specs}
        self._opener = opener
        self._build = build
        self._abilities: dict[str, HostAbilities] = {}
        self._running: Running | None = None
        self._lock = threading.Lock()

    def offer(self, host: str) -> Future[LabOffer]:
        def ask() -> LabOffer:
            abilities = self._with_host(host, lambda lab: lab.abilities())
            self._abilities[host] = abilities
            return experiments.offer(host, abilities)

        return _background(ask)

    def plan(self, offer: LabOffer, request: LabRequest) -> Plan:
        try:
            return experiments.plan(self._known(offer.host), request)
        except LabError as error:
            raise LabPortError(str(error)) from error

    def begin(
        self, offer: LabOffer, plan: Plan, sink: Callable[[Progress], None], name: str = ""
    ) -> Running:
        """As in `LabPort`. name: of the run, made up unless given. Raises LabPortError while
        another run goes on."""
        abilities = self._known(offer.host)
        with self._lock:
            if self._running is not None and not self._running.over:
                raise LabPortError("A run goes on already: there is one at a time.")
            self._running = Running(offer.host, name, abilities, plan, sink)
        self._running.start(lambda: self._opener(self._specs[offer.host]), self._build)
        return self._running

    @property
    def running(self) -> Running | None:
        running = self._running
        return None if running is None or running.over else running

    def kept(self) -> Future[list[KeptRun]]:
        return _background(labruns.listed)

    def load(self, name: str) -> Future[LabRun]:
        return _background(lambda: labruns.load(name))

    def remove(self, name: str) -> Future[None]:
        return _background(lambda: labruns.remove(name))

    def export(self, run: LabRun, form: str, path: Path) -> Future[Path]:
        return _background(lambda: labexport.export(run, form, path))

    def export_pair(self, first: LabRun, second: LabRun, path: Path) -> Future[Path]:
        return _background(lambda: labexport.export_pair(first, second, path))

    def adopt(self, path: Path) -> Future[LabRun]:
        return _background(lambda: labruns.adopt(path))

    def leftovers(self, host: str) -> Future[tuple[Leftover, ...]]:
        return _background(lambda: self._with_host(host, lambda lab: lab.leftovers()))

    def clean(self, leftovers: tuple[Leftover, ...]) -> Future[None]:
        def remove() -> None:
            for host in dict.fromkeys(one.host for one in leftovers):
                self._with_host(host, partial(_remove, leftovers, host))

        return _background(remove)

    def close(self) -> None:
        """Blocks for a few seconds at most."""
        running = self.running
        if running is not None:
            running.stop()
            running.wait(CLOSING)

    def _known(self, host: str) -> HostAbilities:
        try:
            return self._abilities[host]
        except KeyError:
            raise LabPortError(f"The host {host} has not been asked what it can do.") from None

    def _with_host(self, host: str, use: Callable[[LabHost], T]) -> T:
        spec = self._specs.get(host)
        if spec is None:
            raise LabPortError(f"There is no host {host}.")
        lab = self._opener(spec)
        try:
            return use(lab)
        finally:
            lab.close()


class Running:
    """A run on a thread of its own: `tuivm.model.labports.RunPort`. The sink hears the last word
    when the run has been kept and the connection is closed."""

    def __init__(
        self,
        host: str,
        name: str,
        abilities: HostAbilities,
        plan: Plan,
        sink: Callable[[Progress], None],
    ) -> None:
        self._host = host
        self._name = name
        self._abilities = abilities
        self._plan = plan
        self._sink = sink
        self._control = Control()
        self._over = threading.Event()
        empty = LabRun(name, time.time(), abilities.record, plan)
        self._last = Progress(
            Phase.PREPARING, "Connecting", 0.0, plan.seconds, time.monotonic(), empty
        )

    @property
    def host(self) -> str:
        return self._host

    @property
    def last(self) -> Progress:
        return self._last

    @property
    def over(self) -> bool:
        """Everything is removed, and the sink has heard or is about to hear the last word."""
        return self._over.is_set()

    def pause(self) -> None:
        self._control.pause()

    def resume(self) -> None:
        self._control.resume()

    def stop(self) -> None:
        self._control.stop()

    def wait(self, seconds: float) -> bool:
        """Until it is over; False when it is not after so many seconds."""
        return self._over.wait(seconds)

    def start(self, opener: Callable[[], LabHost], build: runner.Build) -> None:
        """Begin."""

        def work() -> None:
            # For an error of ours, which ends the thread and is in the log: nobody waits for ever.
            last = self._failed("An error of tuivm itself: the log file has it.")
            try:
                last = self._work(opener, build)
            except (LabError, labruns.LabRunError, OSError) as error:
                last = self._failed(str(error))
            finally:
                self._last = last
                self._over.set()
                self._sink(last)

        threading.Thread(target=work, name="lab", daemon=True).start()

    def _work(self, opener: Callable[[], LabHost], build: runner.Build) -> Progress:
        # Before anything is done for it: else a name that is taken would be found at the end.
        name = self._name or labruns.new_name()
        labruns.check_free(name)
        host = opener()
        try:
            run = runner.run(
                host,
                self._abilities,
                self._plan,
                name=name,
                sink=self._hear,
                control=self._control,
                build=build,
            )
        finally:
            host.close()
        if any(one.round for one in run.trials) or run.tallies:
            try:
                labruns.save(run)
            except labruns.LabRunError as error:
                return self._failed(f"The result could not be kept: {error}")
        return self._last._replace(run=run)

    def _hear(self, progress: Progress) -> None:
        self._last = progress
        if progress.phase not in _OVER:
            self._sink(progress)

    def _failed(self, problem: str) -> Progress:
        return self._last._replace(
            phase=Phase.FAILED, said="Failed", left=0.0, at=time.monotonic(), problem=problem
        )


def _remove(leftovers: Iterable[Leftover], host: str, lab: LabHost) -> None:
    lab.clean([one for one in leftovers if one.host == host])


def _background(work: Callable[[], T]) -> Future[T]:
    """On a daemon thread: nothing waits for it when the program ends."""
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()

    def go() -> None:
        try:
            future.set_result(work())
        except LabConnectError as error:
            future.set_exception(UnreachableError(str(error)))
        except (LabError, labruns.LabRunError, OSError) as error:
            future.set_exception(LabPortError(str(error)))
        except BaseException as error:  # noqa: BLE001 - handed on to whoever asked
            future.set_exception(error)

    threading.Thread(target=go, name="lab-port", daemon=True).start()
    return future
