"""The Lab: choose and start measurements, watch them, read their results; the lessons."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tuivm.commands import BY_ID, COMMANDS
from tuivm.commands.base import LAB, bindings
from tuivm.model.lab import LESSONS, Experiment, LabOffer
from tuivm.model.units import visible
from tuivm.screens import labexplain, lablessons, labpair, labplan, labresult
from tuivm.screens.explaining import Explanation
from tuivm.screens.labchoosing import ChoosingPlace
from tuivm.screens.labpages import ALWAYS, HINTS, Page
from tuivm.screens.labplan import Item
from tuivm.screens.labresult import Shown
from tuivm.widgets.itemlist import ItemList, Line
from tuivm.widgets.keybar import KeyBar, KeyHint
from tuivm.widgets.linetext import LineText
from tuivm.widgets.livetable import LiveTable
from tuivm.widgets.timechart import TimeChart

if TYPE_CHECKING:
    # Not before there are two to compare.
    from tuivm.model.labcompare import RunComparison

_WIDE = 120
"""Columns from which on what is highlighted is explained beside it."""
_BESIDE = 54


class LabScreen(ChoosingPlace):
    """Five pages, one at a time. A run goes on whatever page or place is in front."""

    place = LAB
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(COMMANDS, LAB)]
    DEFAULT_CSS = """
    LabScreen #state { background: $surface; }
    LabScreen #pages { height: 1fr; }
    LabScreen ItemList { width: 1fr; height: 1fr; }
    LabScreen #beside { width: 54; padding: 0 1; border-left: solid $panel; }
    LabScreen #beside.-ascii { border-left: ascii $panel; }
    LabScreen #about { height: auto; }
    LabScreen #running { width: 1fr; }
    LabScreen #head { height: 2; }
    LabScreen #chart { height: 1fr; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.page = Page.CHOOSE
        self._lesson = LESSONS[0]
        self._shown: Shown | None = None
        self._pair: RunComparison | None = None
        self._way: list[Page] = []
        self._told: Content | None = None

    def compose(self) -> ComposeResult:
        yield LineText(id="top")
        yield LineText(id="state")
        with Horizontal(id="pages"):
            yield ItemList(id="choose")
            yield ItemList(id="lesson")
            yield ItemList(id="result")
            with Vertical(id="running"):
                yield LineText(id="head")
                yield TimeChart(id="chart", style=self.desk.chart_style)
                yield LiveTable(id="subjects")
            with VerticalScroll(id="beside", can_focus=False):
                yield Static(id="about")
        yield KeyBar()

    def on_mount(self) -> None:
        self.query_one(LiveTable).ascii = self.desk.ascii_only
        self.query_one("#beside").set_class(self.desk.ascii_only, "-ascii")
        self._go(Page.CHOOSE)
        self.arrive()

    def on_resize(self) -> None:
        self.query_one("#beside").display = self._wide
        # What is beside it decides how much room a page has: its lines come with the next layout.
        self.call_after_refresh(self.show_now)

    @property
    def _wide(self) -> bool:
        return self.app.size.width >= _WIDE and self.page is not Page.RUN

    @property
    def _list(self) -> ItemList:
        names = {Page.CHOOSE: "#choose", Page.LESSON: "#lesson"}
        return self.query_one(names.get(self.page, "#result"), ItemList)

    def arrive(self) -> None:
        """The place was opened: what may have changed meanwhile is asked for again."""
        hosts = self.desk.store.host_names
        if self.choice.host not in hosts:
            self.choice.host = next(iter(hosts), "")
            self.offer = None
        if self.offer is None or self.offer.problem:
            self.ask_host()
        self.read_kept()
        if self.choice.host and self._run is None:
            self.look_for_leftovers(asked=False)

    # what is shown

    def _go(self, page: Page, *, back: bool = False) -> None:
        if not back and page is not self.page:
            self._way.append(self.page)
        self.page = page
        if page is Page.CHOOSE:
            self._way.clear()
        for one in self.query("#pages > ItemList, #running"):
            one.display = one is self._list if page is not Page.RUN else one.id == "running"
        self.query_one("#beside").display = self._wide
        (self.query_one(LiveTable) if page is Page.RUN else self._list).focus()
        self.call_after_refresh(self.show_now)

    def tick(self) -> None:
        if self.page is Page.RUN:
            self.show_progress()
        else:
            self.make_plan()
            self._list.set_lines(self._lines())
        state = Content(f" {visible(self._state_words())}")
        self.query_one("#state", LineText).set_content(state)
        self._show_about()

    def _lines(self) -> list[Line]:
        # A list that is shown for the first time has no size yet.
        room = self.app.size.width - (_BESIDE if self._wide else 0)
        width, ascii_only = self._list.size.width or room, self.desk.ascii_only
        if self.page is Page.PAIR and self._pair is not None:
            return labpair.lines(self._pair, self._turned, width, ascii_only=ascii_only)
        if self.page is Page.RESULT and self._shown is not None:
            return labresult.lines(self._shown, self._turned, width, ascii_only=ascii_only)
        if self.page is Page.LESSON:
            shown = self._of_lessons.get(self._lesson)
            return lablessons.lines(
                self._lesson, self.plan, shown, self._turned, width, ascii_only=ascii_only
            )
        now = self._progress if self._run is not None else None
        hosts = self.desk.store.host_names or (self.choice.host,)
        state = labplan.State(
            self.choice, hosts, self.offer, self.plan, self.kept, self.marked, now
        )
        return labplan.lines(state, width, ascii_only=ascii_only)

    def _state_words(self) -> str:
        if self.page is Page.RUN and self._progress is not None:
            run = self._progress.run
            return f"{labplan.plan_words(run.plan)} on {run.host.name}"
        if self.page is Page.RESULT and self._shown is not None:
            return labresult.title(self._shown)
        if self.page is Page.PAIR and self._pair is not None:
            return f"{self._pair.a.name} and {self._pair.b.name}"
        if isinstance(self.plan, str):
            return self.plan
        return f"{self.desk.key_text('screen.start')}: {labplan.plan_words(self.plan)}"

    def _show_about(self) -> None:
        """What is highlighted, in words beside it."""
        if not self._wide:
            return
        item = self.target_item() or Explanation("", "")
        ascii_only = self.desk.ascii_only
        told = labexplain.beside(item, ascii_only=ascii_only)
        if self._told is None or not told.is_same(self._told):
            self._told = told
            self.query_one("#about", Static).update(told)

    def on_time_chart_reshaped(self) -> None:
        self.show_now()

    def hints(self) -> list[KeyHint]:
        mine = self.run_hints if self.page is Page.RUN else HINTS[self.page]
        found = (*mine, *ALWAYS, ("program.quit", ""))
        return [
            KeyHint(name, self.desk.key_text(name), label or BY_ID[name].label)
            for name, label in found
            if self.desk.key_text(name)
        ]

    def do_start(self) -> None:
        self.make_plan()
        if self._run is not None:
            self._go(Page.RUN)
            self.desk.say("lab: a run goes on; one at a time", bad=True)
        elif self.page not in (Page.CHOOSE, Page.LESSON):
            self.desk.say("go back to choose what to measure", bad=True)
        elif isinstance(self.plan, str) or self.offer is None:
            self.desk.say(f"lab: {self.plan}", bad=True)
        else:
            self.begin(self.offer, self.plan)
            self._planned = None

    def do_pick(self) -> None:
        if self.page is Page.RUN:
            self.pause_or_resume()
        elif self.page is Page.CHOOSE:
            self._pick(1)
        else:
            self.do_open()

    def _pick(self, by: int) -> None:
        item = self._list.item
        if isinstance(item, Item) and item.kind == "kept":
            self.mark(item.name)
        elif isinstance(item, Item) and (self.offer is not None or item.kind == "host"):
            offer = self.offer or LabOffer(self.choice.host)
            changed = self.choice.turn(item, by, offer, self.desk.store.host_names)
            if changed and item.kind == "host":
                self.ask_host()
                self.look_for_leftovers(asked=False)
        self.show_now()

    def do_stop(self) -> None:
        item = self._list.item if self.page is Page.CHOOSE else None
        if isinstance(item, Item) and item.kind == "kept":
            self.remove_kept(item.name)
        elif self._run is None:
            self.desk.say("nothing runs now", bad=True)
        else:
            self.ask_to_stop(self._run)

    # pages

    @property
    def lesson_in_front(self) -> Experiment | None:
        return self._lesson if self.page is Page.LESSON else None

    @property
    def on_run_page(self) -> bool:
        return self.page is Page.RUN

    def run_page(self) -> None:
        self._go(Page.RUN)

    def leave_run_page(self) -> None:
        self.page = self._way.pop() if self._way else Page.CHOOSE

    def show_run(self, shown: Shown) -> None:
        experiments = shown.run.plan.experiments
        if len(experiments) == 1 and experiments[0] in LESSONS:
            self._lesson = experiments[0]
            self._of_lessons[self._lesson] = shown
            self._turned = 0
            self._go(Page.LESSON)
            return
        self._shown, self._turned = shown, 0
        self._go(Page.RESULT)

    def show_pair(self, found: RunComparison) -> None:
        self._pair, self._turned = found, 0
        self._go(Page.PAIR)

    def forget_run(self, name: str) -> None:
        mine = [one for one, shown in self._of_lessons.items() if shown.run.name == name]
        for one in mine:
            del self._of_lessons[one]

    def _open_lesson(self, lesson: Experiment) -> None:
        self._lesson, self._turned = lesson, 0
        self._go(Page.LESSON)
        kept = self.last_kept(lesson)
        known = self._of_lessons.get(lesson)
        if known is not None and known.run.host.name != self.choice.host:
            del self._of_lessons[lesson]
        if kept is not None and lesson not in self._of_lessons:
            self.run_worker(self._read_lesson(kept.name, lesson), group="lab-open", exclusive=True)

    async def _read_lesson(self, name: str, lesson: Experiment) -> None:
        def take(shown: Shown) -> None:
            self._of_lessons[lesson] = shown
            self.desk.paint_now()

        await self._load(name, take)

    def do_back(self) -> None:
        if self._way:
            self._go(self._way.pop(), back=True)

    def do_open(self) -> None:
        found = self._list.item if self.page is not Page.RUN else None
        item = found if isinstance(found, Item) else Item("")
        choosing = self.page is Page.CHOOSE
        if item.kind == "start":
            self.do_start()
        elif choosing and item.kind in ("host", "what", "backing", "length", "model"):
            self._pick(1)
        elif choosing and item.kind == "lesson":
            self._open_lesson(Experiment(item.name))
        elif choosing and item.kind == "kept":
            self.open_kept(item.name)
        elif choosing and item.kind == "run":
            self._turned = 0
            self._go(Page.RUN)
        else:
            self.desk.run_command("program.explain", self)

    def do_next_measure(self) -> None:
        self._turn(1)

    def do_previous_measure(self) -> None:
        self._turn(-1)

    def _turn(self, by: int) -> None:
        item = self._list.item if self.page is Page.CHOOSE else None
        if self.page is not Page.CHOOSE:
            self._turned += by
        elif isinstance(item, Item) and item.kind not in ("model", "kept"):
            self._pick(by)
        self.show_now()

    def do_logarithmic(self) -> None:
        self._log = not self._log
        self.show_now()

    def do_compare_runs(self) -> None:
        names = set(self.marked)
        item = self._list.item if self.page is Page.CHOOSE else None
        if self.page is Page.RESULT and self._shown is not None:
            names.add(self._shown.run.name)
        elif len(names) < 2 and isinstance(item, Item) and item.kind == "kept":
            names.add(item.name)
        if len(names) == 2:
            self.compare_kept(*sorted(names))
        else:
            key = self.desk.key_text("screen.pick")
            self.desk.say(f"compare: tick two of the kept runs ({key})", bad=True)

    def do_export_run(self) -> None:
        item = self._list.item if self.page is Page.CHOOSE else None
        shown = self._of_lessons.get(self._lesson) if self.page is Page.LESSON else self._shown
        if isinstance(item, Item) and item.kind == "kept":
            self.export_run(item.name, None)
        elif self.page in (Page.RESULT, Page.LESSON) and shown is not None:
            self.export_run(shown.run.name, shown.run)
        elif self.page is Page.PAIR and self._pair is not None:
            self.export_pair(self._pair)
        else:
            self.desk.say("export: no run is highlighted or open", bad=True)

    def do_open_run_file(self) -> None:
        self.ask_for_file()

    def do_leftovers(self) -> None:
        if self._run is not None:
            self.desk.say("a run goes on: what it made is not left over", bad=True)
        elif self.choice.host:
            self.look_for_leftovers(asked=True)

    # what commands are aimed at

    def on_item_list_moved(self) -> None:
        self._show_about()

    def target_item(self) -> Explanation | None:
        """Words on what is highlighted."""
        if not self.is_mounted:
            return None
        if self.page is Page.RUN:
            key = self.query_one(LiveTable).cursor
            return labexplain.of_progress(self._progress, key)
        item = self._list.item
        return self._explained(item) if isinstance(item, Item) else labexplain.explain_lab()

    def _explained(self, item: Item) -> Explanation:
        if self.page is Page.PAIR and self._pair is not None:
            return labpair.explained(self._pair, self._turned, item)
        if self.page is Page.RESULT:
            return labexplain.of_result(item, self._shown)
        if self.page is Page.LESSON:
            return labexplain.of_lesson(item, self._lesson, self._of_lessons.get(self._lesson))
        return labexplain.of_choice(item, self.choice, self.offer, self.kept)
