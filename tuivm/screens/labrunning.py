"""The run of the Lab that goes on: begun, watched, paused, stopped, and what comes of it."""

from __future__ import annotations

from textual.content import Content
from textual.message import Message

from tuivm.model.lab import LESSONS, Experiment, LabOffer, Phase, Plan, Progress
from tuivm.model.labports import LabPortError, RunPort
from tuivm.screens import labprogress
from tuivm.screens.dialogs.confirm import Confirm
from tuivm.screens.labinbox import Inbox
from tuivm.screens.labkept import KeptRunsPlace, figures
from tuivm.screens.labpages import HINTS, Page
from tuivm.screens.labresult import Shown
from tuivm.widgets.chartdata import fit
from tuivm.widgets.linetext import LineText
from tuivm.widgets.livetable import LiveTable
from tuivm.widgets.raster import PER_CELL
from tuivm.widgets.timechart import TimeChart

_NOTICE = 120
"""Cells of a notice on why a run failed."""


class RunningPlace(KeptRunsPlace):
    """A place with a page for the run. It goes on whatever page or place is in front."""

    class Moved(Message):
        """The run said something."""

    def __init__(self) -> None:
        super().__init__()
        self._run: RunPort | None = None
        self._paused = False
        self._progress: Progress | None = None
        self._rates = labprogress.Rates()
        self._inbox = Inbox(lambda: self.post_message(self.Moved()))
        self._log = False
        self._turned = 0
        """Which measure, or which chart, is shown."""
        self._of_lessons: dict[Experiment, Shown] = {}

    @property
    def on_run_page(self) -> bool:
        raise NotImplementedError

    def run_page(self) -> None:
        """Go to the page of the run."""
        raise NotImplementedError

    def leave_run_page(self) -> None:
        """It is over: nothing leads back to its page."""
        raise NotImplementedError

    def begin(self, offer: LabOffer, plan: Plan) -> None:
        self._rates = labprogress.Rates()
        self._inbox.take()
        try:
            self._run = self.port.begin(offer, plan, self._inbox.put)
        except LabPortError as error:
            self.desk.say(str(error), bad=True)
            return
        self._paused, self._turned = False, 0
        self._progress = self._run.last
        self.run_page()

    def show_progress(self) -> None:
        progress, ascii_only = self._progress, self.desk.ascii_only
        if progress is None:
            return
        width, height = self.app.size
        head = labprogress.head(progress, width, ascii_only=ascii_only)
        shown = self.query_one("#head", LineText)
        shown.set_content(Content("\n").join(head))
        if shown.styles.height is None or shown.styles.height.value != len(head):
            shown.styles.height = len(head)
        table, plan = self.query_one(LiveTable), progress.run.plan
        columns = labprogress.columns(plan)
        if columns != table.columns:
            table.set_columns(columns)
        table.set_rows(labprogress.rows(progress, ascii_only=ascii_only))
        room = max(3, min(len(plan.subjects) + 1, (height - 4 - len(head)) // 2))
        if table.styles.height is None or table.styles.height.value != room:
            table.styles.height = room
        chart = self.query_one(TimeChart)
        if chart.size.width and chart.size.height:
            window = self._rates.window(chart.dot_columns, PER_CELL[chart.style])
            views = labprogress.views(plan)
            view = views[self._turned % len(views)]
            data = labprogress.chart(
                self._rates, plan, view, window, log=self._log, ascii_only=ascii_only
            )
            chart.set_data(data)

    def on_running_place_moved(self) -> None:
        for progress in self._inbox.take():
            self._rates.add(progress)
            self._progress = progress
            if progress.phase in labprogress.ENDED and self._run is not None:
                self._ended(progress)
        self.desk.paint_now()

    def _ended(self, progress: Progress) -> None:
        self._run = None
        self.read_kept()
        seen = self.is_current and self.on_run_page
        key = self.desk.key_text("place.lab")
        if progress.phase is Phase.FAILED:
            # All of it is on the page of the run.
            words = fit(progress.problem or "the run failed", _NOTICE, self.desk.chart_style)
            self.desk.say(f"lab: {words}" if seen else f"lab: {words} ({key})", bad=True)
        elif not seen:
            self.desk.say(f"lab: {progress.phase.value}; {key} shows the result")
        if progress.run.trials or progress.run.tallies:
            self.run_worker(self._take_result(progress), group="lab-result")

    async def _take_result(self, progress: Progress) -> None:
        shown = await figures(progress.run)
        for experiment in progress.run.plan.experiments:
            if experiment in LESSONS:
                self._of_lessons[experiment] = shown
        # What failed stays to be read; Esc leads on. What is whole and could not be kept is shown
        # all the same: it can be exported.
        if self.on_run_page and (progress.phase is not Phase.FAILED or progress.run.complete):
            self.leave_run_page()
            self.show_run(shown)

    @property
    def run_hints(self) -> tuple[tuple[str, str], ...]:
        """The keys of the run's page: what can be done with one that goes on, and after its end."""
        if self._run is None:
            return (("screen.back", ""), ("screen.next_measure", "chart"))
        on = {"screen.pick": "go on"} if self._paused else {}
        return tuple((name, on.get(name, label)) for name, label in HINTS[Page.RUN])

    def pause_or_resume(self) -> None:
        if self._run is None:
            self.desk.say("nothing runs now", bad=True)
            return
        self._paused = not self._paused
        if self._paused:
            self._run.pause()
        else:
            self._run.resume()

    def ask_to_stop(self, run: RunPort) -> None:
        def stop(answer: bool | None) -> None:
            if answer:
                run.stop()

        lines = (
            f"The run on {run.host} ends after what is measured now.",
            "What was measured is kept; its guests are removed.",
        )
        self.app.push_screen(Confirm("Stop the run?", lines, "Stop"), stop)
