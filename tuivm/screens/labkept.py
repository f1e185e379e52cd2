"""Runs of the Lab that are kept: listed, opened, compared, exported, removed; and leftovers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from tuivm.background import off_the_loop
from tuivm.model.lab import Experiment, KeptRun, LabRun, Leftover
from tuivm.model.labports import LabPort, LabPortError
from tuivm.screens.dialogs.comparisons import Export
from tuivm.screens.dialogs.confirm import Confirm
from tuivm.screens.dialogs.lab import ExportPair, ExportRun, OpenRunFile, RemoveLeftovers
from tuivm.screens.labplan import Choice
from tuivm.screens.labresult import Shown
from tuivm.screens.place import PlaceScreen

if TYPE_CHECKING:
    # Not before there are two to compare.
    from tuivm.model.labcompare import RunComparison

T = TypeVar("T")


class KeptRunsPlace(PlaceScreen):
    """A place with a list of kept runs. Subclasses say what comes of what was read."""

    def __init__(self) -> None:
        super().__init__()
        self.choice = Choice()
        self.kept: list[KeptRun] | str = []
        self.marked: set[str] = set()
        self._declined: set[tuple[Leftover, ...]] = set()

    @property
    def port(self) -> LabPort:
        return self.desk.lab()

    def show_run(self, shown: Shown) -> None:
        raise NotImplementedError

    def show_pair(self, found: RunComparison) -> None:
        raise NotImplementedError

    def forget_run(self, name: str) -> None:
        raise NotImplementedError

    async def tried(self, future: Future[T], then: Callable[[T], object] | None = None) -> bool:
        """Wait for it; say what went wrong, or do what comes next."""
        try:
            found = await asyncio.wrap_future(future)
        except LabPortError as error:
            self.desk.say(str(error), bad=True)
            return False
        if then is not None:
            then(found)
        return True

    def read_kept(self) -> None:
        self.run_worker(self._read_kept(), group="lab-kept", exclusive=True)

    async def _read_kept(self) -> None:
        try:
            self.kept = await asyncio.wrap_future(self.port.kept())
        except LabPortError as error:
            self.kept = str(error)
        else:
            self.marked &= {one.name for one in self.kept}
        self.desk.paint_now()

    def last_kept(self, lesson: Experiment) -> KeptRun | None:
        """The newest run of a lesson on the host that is chosen."""
        if isinstance(self.kept, str):
            return None
        mine = (one for one in self.kept if lesson in one.experiments and not one.problem)
        return next((one for one in mine if one.host == self.choice.host), None)

    def mark(self, name: str) -> None:
        """Tick a kept run, or no longer; two at most."""
        if name in self.marked:
            self.marked.remove(name)
        elif len(self.marked) < 2:
            self.marked.add(name)
        else:
            self.desk.say("two runs are ticked already", bad=True)

    def open_kept(self, name: str) -> None:
        self.run_worker(self._load(name, self.show_run), group="lab-open", exclusive=True)

    async def _load(self, name: str, then: Callable[[Shown], object]) -> None:
        run = await self._read(name)
        if run is not None:
            then(await figures(run))

    async def _read(self, name: str) -> LabRun | None:
        """None, and said why, where it cannot be read."""
        runs: list[LabRun] = []
        return runs[0] if await self.tried(self.port.load(name), runs.append) else None

    def compare_kept(self, first: str, second: str) -> None:
        self.run_worker(self._compare(first, second), group="lab-open", exclusive=True)

    async def _compare(self, *names: str) -> None:
        """The earlier one comes first."""
        from tuivm.model.labcompare import compare_runs  # noqa: PLC0415 - as of figures, below

        read = [await self._read(name) for name in names]
        runs = sorted((one for one in read if one is not None), key=lambda run: run.taken)
        if len(runs) == len(names):
            self.show_pair(await off_the_loop(partial(compare_runs, *runs)))

    # Dialogs are pushed at once, not by a worker: they get the keys that are typed behind.

    def export_run(self, name: str, run: LabRun | None) -> None:
        """run: None: it has to be read first."""

        def export(wanted: Export | None) -> None:
            if wanted is not None:
                self.run_worker(self._export(wanted, name, run), group="lab-export")

        self.app.push_screen(ExportRun(name), export)

    async def _export(self, wanted: Export, name: str, run: LabRun | None) -> None:
        found = run or await self._read(name)
        if found is not None:
            await self._exported(self.port.export(found, wanted.suffix, wanted.path.absolute()))

    def export_pair(self, found: RunComparison) -> None:
        def export(wanted: Export | None) -> None:
            if wanted is not None:
                path = wanted.path.absolute()
                future = self.port.export_pair(found.a, found.b, path)
                self.run_worker(self._exported(future), group="lab-export")

        self.app.push_screen(ExportPair(f"{found.a.name}-{found.b.name}"), export)

    async def _exported(self, future: Future[Path]) -> None:
        await self.tried(future, lambda path: self.desk.say(f"exported: {path}"))

    def ask_for_file(self) -> None:
        def adopt(path: Path | None) -> None:
            if path is not None:
                self.run_worker(self._adopt(path.absolute()), group="lab-open", exclusive=True)

        self.app.push_screen(OpenRunFile(), adopt)

    async def _adopt(self, path: Path) -> None:
        runs: list[LabRun] = []
        if await self.tried(self.port.adopt(path), runs.append):
            self.desk.say(f"kept as {runs[0].name}")
            self.read_kept()
            self.show_run(await figures(runs[0]))

    def remove_kept(self, name: str) -> None:
        def remove(answer: bool | None) -> None:
            if answer:
                self.run_worker(self._remove(name), group="lab-remove")

        lines = (name, "", "The file with its figures is deleted; no guest is touched.")
        self.app.push_screen(Confirm("Remove the run", lines, "Remove", dangerous=True), remove)

    async def _remove(self, name: str) -> None:
        if await self.tried(self.port.remove(name)):
            self.forget_run(name)
            self.read_kept()

    # what a crash left

    def look_for_leftovers(self, *, asked: bool) -> None:
        """asked: a person did, and is told also when there is nothing, or was offered before."""
        work = self._offer_to_clean(self.choice.host, asked=asked)
        self.run_worker(work, group="lab-leftovers", exclusive=True)

    async def _offer_to_clean(self, host: str, *, asked: bool) -> None:
        try:
            found = await asyncio.wrap_future(self.port.leftovers(host))
        except LabPortError as error:
            # A host that is away says so already.
            if asked:
                self.desk.say(str(error), bad=True)
            return
        if not found:
            if asked:
                self.desk.say(f"nothing of an earlier lab is left on {host}")
            return
        if not asked and (found in self._declined or not self.is_current):
            return
        if await self.desk.ask(RemoveLeftovers(found)):
            words = f"removed what an earlier lab left on {host}"
            await self.tried(self.port.clean(found), lambda _: self.desk.say(words))
        else:
            self._declined.add(found)


async def figures(run: LabRun) -> Shown:
    """Bootstrapping takes tens of ms: not on the event loop."""
    # Not before there is a result to show.
    from tuivm.model.labfigures import results  # noqa: PLC0415

    return Shown(run, await off_the_loop(partial(results, run)))
