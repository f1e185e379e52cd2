"""Comparisons that are kept: saved, exported, opened again, shown as recorded or as of now."""

from __future__ import annotations

from functools import cached_property

from textual.worker import Worker

from tuivm.model.comparison import Comparison
from tuivm.model.recorded import Recorded
from tuivm.reports.words import where
from tuivm.screens import comparechart, comparefiles
from tuivm.screens.chartcontrols import ChartControls
from tuivm.screens.charted import ChartedPlace
from tuivm.screens.compared import Compared, Lines
from tuivm.screens.dialogs.comparisons import (
    Export,
    ExportComparison,
    OpenComparison,
    SaveComparison,
    Wanted,
)
from tuivm.screens.slices import in_slices
from tuivm.widgets.timechart import Window


class KeepingPlace(ChartedPlace):
    """A place that shows a comparison, live or as it was recorded.

    Subclasses give `comparison_page`: go to the page that shows it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._opened: comparefiles.Opened | None = None
        self._live_controls = self.controls
        self._still_controls = ChartControls()

    @cached_property
    def _compared(self) -> Compared:
        return Compared(self.desk.store)

    @cached_property
    def _lines(self) -> Lines:
        return Lines(self.desk.store)

    @property
    def recorded(self) -> Recorded | None:
        """What is shown in place of what is measured now."""
        still = self.controls is self._still_controls
        return self._opened.recorded if self._opened and still else None

    @property
    def comparison(self) -> Comparison:
        """What is shown."""
        recorded = self.recorded
        return recorded.comparison if recorded else self._compared.figures

    def comparison_page(self) -> None:
        raise NotImplementedError

    def chart_window(self) -> Window:
        recorded = self.recorded
        if recorded is None:
            return super().chart_window()
        end = self.controls.end(self.desk.now())
        return comparechart.recorded_window(recorded, self.chart.dot_columns, end)

    def show_chart(self) -> None:
        recorded = self.recorded
        chart = self.chart
        if recorded is None or not (chart.size.width and chart.size.height):
            super().show_chart()
            return
        window = self.chart_window()
        data = self.chart_data(window)
        if data is not None:
            ago = max(0.0, self.desk.wall() - recorded.taken)
            framed = self.controls.framed(data, window, self.desk.now())
            chart.set_data(framed._replace(ends_ago=ago, paused=False, cursor_label=""))

    def _scroll(self, windows: float) -> None:
        if self._live():
            super()._scroll(windows)

    def do_hold(self) -> None:
        if self._live():
            super().do_hold()

    def _live(self) -> bool:
        """Whether what is measured now is shown; says so if not: in a recording no time goes by."""
        if self.recorded is None:
            return True
        key = self.desk.key_text("screen.recorded")
        self.desk.say(f"what was recorded stands still; {key} shows what is measured now", bad=True)
        return False

    def _present(self) -> Recorded | Worker[Recorded] | None:
        """What is shown, to be kept; its series are read while the dialog is open."""
        if self.recorded is not None:
            return self.recorded
        work = self._compared.kept(self.desk.now(), self.desk.wall())
        if work is None:
            self.desk.say("there is nothing to keep: no device is compared", bad=True)
            return None
        return self.run_worker(in_slices(work), group="recording")

    # Dialogs are pushed at once, not by a worker: they get the keys that are typed behind.

    def do_save(self) -> None:
        kept = self._present()

        def save(name: str | None) -> None:
            if name is not None and kept is not None:
                self.run_worker(self._save(name, kept), group="comparison")

        if kept is not None:
            name = self._opened.name if self._opened else ""
            self.app.push_screen(SaveComparison(name), save)

    def do_export(self) -> None:
        kept = self._present()

        def export(wanted: Export | None) -> None:
            if wanted is not None and kept is not None:
                self.run_worker(self._export(wanted, kept), group="comparison")

        if kept is not None:
            stem = self._opened.name if self._opened else "comparison"
            self.app.push_screen(ExportComparison(stem), export)

    async def _save(self, name: str, kept: Recorded | Worker[Recorded]) -> None:
        await comparefiles.save(self.desk, name, await _recorded(kept))

    async def _export(self, wanted: Export, kept: Recorded | Worker[Recorded]) -> None:
        await comparefiles.export(self.desk, wanted, await _recorded(kept))

    def do_open_saved(self) -> None:
        def take(wanted: Wanted | None) -> None:
            if wanted is not None:
                work = self._remove_saved if wanted.remove else self._open_saved
                self.run_worker(work(wanted.name), group="comparison")

        self.app.push_screen(OpenComparison(comparefiles.listed), take)

    async def _remove_saved(self, name: str) -> None:
        await comparefiles.remove(self.desk, name)
        self.do_open_saved()

    async def _open_saved(self, name: str) -> None:
        opened = await comparefiles.load(self.desk, name)
        if opened is None:
            return
        self._opened = opened
        gone = self._compared.reopen(opened.recorded)
        self.comparison_page()
        self._live_controls.seconds = opened.recorded.comparison.seconds
        self._show_live()
        if gone:
            number = len(opened.recorded.comparison.rows)
            names = ", ".join(where(row) for row in gone)
            self.desk.say(f"{opened.name}: {len(gone)} of {number} are not there now: {names}")
            if len(gone) == number:
                self.do_recorded()

    def do_recorded(self) -> None:
        if self._opened is None:
            self.desk.say("no saved comparison is open", bad=True)
        elif self.recorded is not None:
            self._show_live()
        else:
            self.comparison_page()
            self._still_controls = ChartControls(self._opened.recorded.comparison.seconds)
            self._still_controls.pause(self.desk.now())
            self.controls = self._still_controls
            self.show_now()

    def _show_live(self) -> None:
        self.controls = self._live_controls
        self.show_now()


async def _recorded(kept: Recorded | Worker[Recorded]) -> Recorded:
    return kept if isinstance(kept, Recorded) else await kept.wait()
