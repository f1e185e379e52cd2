"""What the wizard looks like: the steps' list, the step, the summary, what is said, the keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tuivm.model.findings import Finding
from tuivm.model.units import visible
from tuivm.screens.create.cycler import Cycler
from tuivm.screens.create.draft import Draft
from tuivm.screens.create.fields import Field, finding_line
from tuivm.screens.create.frame import (
    Marked,
    state_of,
    step_of,
    steps_line,
    steps_list,
    summary_lines,
    summary_short,
)
from tuivm.screens.create.step import Step
from tuivm.screens.dialogs.base import plain
from tuivm.widgets.keybar import KeyBar, KeyHint
from tuivm.widgets.linetext import LineText

WIDE = 110
"""Columns from which on steps and summary have a column each."""
KEYS = (
    KeyHint("go_on", "enter", "next"),
    KeyHint("page(-1)", "pgup", "back"),
    KeyHint("choose", "space", "choose"),
    KeyHint("review", "^r", "review"),
    KeyHint("save", "^s", "save"),
    KeyHint("ask_again", "f5", "ask again"),
    KeyHint("help", "f1", "keys"),
    KeyHint("leave", "esc", "leave"),
)


class Ending(NamedTuple):
    """The guest that was made, and what is to be seen now: "console", "overview" or "list"."""

    host: str
    uuid: str
    then: str = ""


class Board(ModalScreen[Ending]):
    """Shows a draft and the step in front. Subclasses say what is in front and what is waited for.

    steps: all of them, in order.
    """

    DEFAULT_CSS = """
    Board { background: $background; color: $foreground; overflow: hidden; }
    Board #title { background: $panel; }
    Board #middle { height: 1fr; }
    Board #list { width: 22; padding: 1 0; height: 1fr; border-right: solid $border-blurred; }
    Board.-ascii #list { border-right: ascii $border-blurred; }
    Board #work { width: 1fr; height: 1fr; }
    Board #trouble { height: auto; max-height: 6; padding: 0 1; display: none; }
    Board #trouble.-said { display: block; }
    Board #steps { height: 1fr; padding-top: 1; }
    Board.-narrow #steps { padding-top: 0; }
    Board #side { width: 38; padding: 1; height: 1fr; border-left: solid $border-blurred; }
    Board.-ascii #side { border-left: ascii $border-blurred; }
    Board #summary { height: 2; background: $surface; padding: 0 1; text-wrap: nowrap;
        text-overflow: ellipsis; }
    Board #said { height: 2; padding: 0 1; }
    Board.-narrow #list, Board.-narrow #side { display: none; }
    Board #line, Board #summary { display: none; }
    Board.-narrow #line, Board.-narrow #summary { display: block; }
    """

    AUTO_FOCUS = ""

    def __init__(self, draft: Draft, steps: Sequence[Step]) -> None:
        super().__init__()
        self.draft = draft
        self.steps = tuple(steps)
        self._at = 0
        self._where: dict[int, Field] = {}

    def compose(self) -> ComposeResult:
        yield LineText(id="title")
        yield LineText(id="line")
        with Horizontal(id="middle"):
            yield Static(id="list")
            with Vertical(id="work"):
                yield Static(id="trouble")
                yield Vertical(id="steps")
            yield Static(id="side")
        yield Static(id="summary")
        yield Static(id="said")
        yield KeyBar()

    def on_mount(self) -> None:
        # A default stylesheet cannot speak of the program around its own widget.
        self.set_class(self.ascii_only, "-ascii")
        self.set_class(self.app.size.width < WIDE, "-narrow")
        self.app.clear_notifications()
        self.set_interval(1.0, self._beat)

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width < WIDE, "-narrow")
        self.paint_frame()

    @property
    def ascii_only(self) -> bool:
        return self.app.has_class("-ascii")

    @property
    def step(self) -> Step:
        """The one in front."""
        return self.steps[self._at]

    @property
    def waiting(self) -> str:
        """What is waited for, in words; "" for nothing."""
        raise NotImplementedError

    def faults(self) -> list[Finding]:
        """What speaks against it besides what the preflight found."""
        raise NotImplementedError

    def _beat(self) -> None:
        if self.waiting:
            self._paint_trouble()

    def paint_frame(self) -> None:
        if not self.query("#title"):
            return
        width, ascii_only = self.app.size.width, self.ascii_only
        draft, step = self.draft, self.step
        marked = self.marked()
        self.query_one("#title", LineText).set_content(
            Content.assemble(
                (" New guest ", "bold $accent"),
                (f"on {visible(draft.host)}   " if draft.host else "", ""),
                (f"{self._at + 1} of {len(self.steps)}: {step.title}", "bold"),
                (f" ({marked[self._at].state.value[2]})   ", marked[self._at].state.value[3]),
                (step.about, "$quiet"),
            )
        )
        self.query_one("#line", LineText).set_content(
            steps_line(marked, width, ascii_only=ascii_only)
        )
        self.query_one("#list", Static).update(steps_list(marked, ascii_only=ascii_only))
        self.query_one("#summary", Static).update(summary_short(draft, ascii_only=ascii_only))
        self.query_one("#side", Static).update(summary_lines(draft, ascii_only=ascii_only))
        self._paint_trouble()
        self._paint_said()
        self.query_one(KeyBar).set_hints(KEYS)

    def marked(self) -> list[Marked]:
        """The steps with their states."""
        found: dict[Step, list[Finding]] = {step: [] for step in self.steps}
        for finding in (*self.draft.findings, *self.faults()):
            mine = step_of(finding, self.steps)
            found[mine or self.steps[-1]].append(finding)
        return [
            Marked(step.title, state_of(step, self.draft, found[step]), step is self.step)
            for step in self.steps
        ]

    def _paint_trouble(self) -> None:
        lines: list[Content] = []
        problem = self.draft.problem
        if problem is not None:
            mark = "x" if self.ascii_only else "✖"
            lines.append(plain(f"{mark} problem: {problem.what}: {problem.reason}", "$state-bad"))
            if problem.cause:
                lines.append(plain(f"likely: {problem.cause}"))
            lines.append(
                plain(f"{problem.remedy or 'try again'}  (F5 asks again; nothing is lost)")
            )
        elif self.waiting:
            mark = "~" if self.ascii_only else "…"
            lines.append(plain(f"{mark} {self.waiting}", "$state-changing"))
        trouble = self.query_one("#trouble", Static)
        trouble.set_class(bool(lines), "-said")
        trouble.update(Content("\n").join(lines))

    def _paint_said(self) -> None:
        field = self._field_in_focus()
        text = Content()
        if field is not None:
            found = field.all_findings
            if found:
                text = finding_line(found[0], ascii_only=self.ascii_only, whole=True)
            else:
                text = plain(field.spoken, "$quiet")
        self.query_one("#said", Static).update(text)

    async def on_key_bar_pressed(self, event: KeyBar.Pressed) -> None:
        event.stop()
        await self.run_action(event.command)

    def action_choose(self) -> None:
        """A click on the hint for Space."""
        focused = self.focused
        if isinstance(focused, Cycler):
            focused.action_open()

    def _field_in_focus(self) -> Field | None:
        focused = self.focused
        if focused is None:
            return None
        return next((one for one in focused.ancestors_with_self if isinstance(one, Field)), None)

    def on_descendant_focus(self) -> None:
        field = self._field_in_focus()
        if field is not None and self.step in field.ancestors:
            self._where[self._at] = field
        self._paint_said()
