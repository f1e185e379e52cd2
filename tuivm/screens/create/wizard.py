"""The wizard that creates a guest: seven steps, each of which can be left to its defaults.

It holds the draft. Steps show it and answer with a new spec; what follows from a spec is worked
out in the background (`Drafter`), so that typing never waits for a host.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tuivm.model.createports import CreatePort
from tuivm.model.findings import Finding
from tuivm.model.hosts import Problem
from tuivm.model.spec import Spec
from tuivm.model.units import visible
from tuivm.screens.create.draft import Draft
from tuivm.screens.create.drafter import Drafter, Rules, real_rules
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
from tuivm.screens.create.step_disks import DisksStep
from tuivm.screens.create.step_machine import MachineStep
from tuivm.screens.create.step_network import NetworkStep
from tuivm.screens.create.step_passthrough import PassthroughStep
from tuivm.screens.create.step_review import ReviewStep
from tuivm.screens.create.step_source import SourceStep
from tuivm.screens.create.step_system import SystemStep
from tuivm.screens.dialogs.base import plain
from tuivm.widgets.linetext import LineText

WIDE = 110
"""Columns from which on steps and summary have a column each."""

_STEPS: tuple[type[Step], ...] = (
    SourceStep,
    SystemStep,
    MachineStep,
    DisksStep,
    NetworkStep,
    PassthroughStep,
    ReviewStep,
)


class Ending(NamedTuple):
    """The guest that was made, and what is to be seen now: "console", "overview" or ""."""

    host: str
    uuid: str
    then: str = ""


class Wizard(ModalScreen[Ending]):
    """Answers what was made; None when it was left without.

    hosts: names to choose from, the first is the one that is chosen. port: the way to one of them,
    None when it is no longer there. spec: to begin with.
    """

    DEFAULT_CSS = """
    Wizard { background: $background; color: $foreground; overflow: hidden; }
    Wizard #title { background: $panel; }
    Wizard #middle { height: 1fr; }
    Wizard #list { width: 22; padding: 1 0; height: 1fr; border-right: solid $border-blurred; }
    Wizard.-ascii #list { border-right: ascii $border-blurred; }
    Wizard #work { width: 1fr; height: 1fr; }
    Wizard #trouble { height: auto; max-height: 6; padding: 0 1; display: none; }
    Wizard #trouble.-said { display: block; }
    Wizard #steps { height: 1fr; padding-top: 1; }
    Wizard.-narrow #steps { padding-top: 0; }
    Wizard #side { width: 38; padding: 1; height: 1fr; border-left: solid $border-blurred; }
    Wizard.-ascii #side { border-left: ascii $border-blurred; }
    Wizard #summary { height: 2; background: $surface; padding: 0 1; text-wrap: nowrap;
        text-overflow: ellipsis; }
    Wizard #said { height: 2; padding: 0 1; }
    Wizard #keys { background: $panel; text-wrap: nowrap; text-overflow: ellipsis; height: 1; }
    Wizard.-narrow #list, Wizard.-narrow #side { display: none; }
    Wizard #line, Wizard #summary { display: none; }
    Wizard.-narrow #line, Wizard.-narrow #summary { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", show=False),
        Binding("pagedown", "page(1)", "Next", show=False, priority=True),
        Binding("pageup", "page(-1)", "Back", show=False, priority=True),
        Binding("enter", "go_on", "Go on", show=False),
        Binding("down", "app.focus_next", "Next field", show=False),
        Binding("up", "app.focus_previous", "Previous field", show=False),
        Binding("ctrl+r", "review", "Review", show=False, priority=True),
        Binding("ctrl+s", "save", "Save", show=False, priority=True),
        Binding("f5", "ask_again", "Ask again", show=False),
        Binding("f1", "help", "Keys", show=False),
    ]
    AUTO_FOCUS = ""

    class Due(Message):
        """What follows from the spec is to be worked out."""

    def __init__(
        self,
        hosts: Sequence[str],
        port: Callable[[str], CreatePort | None],
        spec: Spec | None = None,
        *,
        rules: Callable[[], Rules] = real_rules,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._port_of = port
        self._rules = rules
        self._clock = clock
        self._began = spec or Spec()
        host = hosts[0] if hosts else ""
        self.draft = Draft(host, tuple(hosts), self._began, self._began)
        self.drafter: Drafter | None = None
        self._asked_at = 0.0
        self._waiting = ""
        self._busy = False
        self._again = False
        self._at = 0
        self.steps = [kind(self.draft) for kind in _STEPS]
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
        yield LineText(id="keys")

    def on_mount(self) -> None:
        # A default stylesheet cannot speak of the program around its own widget.
        self.set_class(self.ascii_only, "-ascii")
        self.set_class(self.app.size.width < WIDE, "-narrow")
        self.app.clear_notifications()
        self.set_interval(1.0, self._beat)
        self.go_to(0)
        self.ask_host()

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width < WIDE, "-narrow")
        self._paint_frame()

    @property
    def ascii_only(self) -> bool:
        return self.app.has_class("-ascii")

    @property
    def step(self) -> Step:
        return self.steps[self._at]

    # the host

    def ask_host(self) -> None:
        """Ask the chosen host what it offers; what was said stays."""
        port = self._port_of(self.draft.host) if self.draft.host else None
        if port is None:
            what = f"cannot reach {self.draft.host}" if self.draft.host else "there is no host"
            problem = Problem(what, "it is not among the hosts", remedy="choose or add a host")
            self.draft = self.draft._replace(offer=None, problem=problem, plan=None)
            self.drafter = None
            self._show()
            return
        self.drafter = Drafter(port, self._rules)
        self._asked_at = self._clock()
        self._waiting = "machines, pools, networks and devices"
        self.draft = self.draft._replace(problem=None)
        self._show()
        self.run_worker(self._hear(self.drafter), group="offer", exclusive=True)

    async def _hear(self, drafter: Drafter) -> None:
        offered = await drafter.offer()
        if drafter is not self.drafter:
            return
        self._waiting = ""
        if offered.offer is None:
            # What it offered before is not to be relied upon, but lets a person read on.
            self.draft = self.draft._replace(problem=offered.problem, plan=None)
            self._show()
            return
        self.draft = self.draft._replace(offer=offered.offer, problem=None)
        self._show()
        self.work_out()

    def work_out(self) -> None:
        """Have what follows from the spec worked out, in the background and once at a time."""
        self._again = True
        if not self._busy and self.draft.offer is not None and self.drafter is not None:
            self._busy = True
            self.run_worker(self._work_out(), group="draft")

    async def _work_out(self) -> None:
        try:
            while self._again and self.drafter is not None:
                self._again = False
                drafter, asked = self.drafter, self.draft
                made = await drafter.draft(asked)
                if drafter is not self.drafter:
                    self._again = True
                    continue
                # What a person said meanwhile is newer than what this was made of.
                self.draft = made._replace(spec=self.draft.spec, offer=self.draft.offer)
                if self.draft.spec == asked.spec:
                    self._show()
        finally:
            self._busy = False

    @property
    def settled(self) -> bool:
        """Nothing is being asked or worked out: the draft is what the spec comes to."""
        return not self._busy and not self._waiting

    # the steps

    def go_to(self, number: int, key: str = "") -> None:
        """Put a step in front, with the focus where it was in it, or in the field of a key."""
        self._at = min(max(0, number), len(self.steps) - 1)
        step = self.step
        for other in self.steps:
            other.display = other is step
        if not step.is_attached:
            self.query_one("#steps").mount(step)
        else:
            step.show(self.draft)
        step.draft = self.draft
        self._paint_frame()
        self.call_after_refresh(self._focus, step, key)

    def _focus(self, step: Step, key: str = "") -> None:
        if step is not self.step or not step.is_attached:
            return
        before = self._where.get(self._at)
        if not key and before is not None and before.display and before.focus_editor():
            return
        if not step.focus_field(key) and not step.focus_field():
            self.set_focus(None)

    def on_step_changed(self, event: Step.Changed) -> None:
        event.stop()
        host = getattr(event, "host", "")
        if event.spec == self.draft.spec and not host:
            self._paint_frame()
            return
        self.draft = self.draft._replace(spec=event.spec)
        if self.draft.offer is None:
            self.draft = self.draft._replace(full=event.spec)
        self._show()
        self.work_out()

    def on_step_faulted(self, event: Step.Faulted) -> None:
        event.stop()
        self._paint_frame()

    def on_source_step_host_chosen(self, event: SourceStep.HostChosen) -> None:
        event.stop()
        self.draft = self.draft._replace(host=event.host, offer=None, plan=None, findings=())
        self.ask_host()

    def on_review_step_go_to(self, event: ReviewStep.GoTo) -> None:
        event.stop()
        step = step_of(event.finding, self.steps)
        if step is not None:
            self.go_to(self.steps.index(step), event.finding.field)

    def faults(self) -> list[Finding]:
        """What is typed in any field that is no value."""
        return [fault for step in self.steps if step.is_attached for fault in step.faults]

    # painting

    def _show(self) -> None:
        """Show the draft."""
        if not self.is_attached:
            return
        self.step.show(self.draft)
        self._paint_frame()

    def _beat(self) -> None:
        if self._waiting:
            self._paint_trouble()

    def _paint_frame(self) -> None:
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
        self.query_one("#summary", Static).update(summary_short(draft))
        self.query_one("#side", Static).update(summary_lines(draft))
        self._paint_trouble()
        self._paint_said()
        self._paint_keys()

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
        elif self._waiting:
            seconds = max(0, int(self._clock() - self._asked_at))
            mark = "~" if self.ascii_only else "…"
            text = f"{mark} asking {self.draft.host} what it offers: {self._waiting} ({seconds} s)"
            lines.append(plain(text, "$state-changing"))
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
                text = plain(field.about, "$quiet")
        self.query_one("#said", Static).update(text)

    def _paint_keys(self) -> None:
        keys = [("Enter", "next"), ("PgUp/PgDn", "steps"), ("Space", "choose")]
        keys += [("^r", "review"), ("^s", "save"), ("F5", "ask again"), ("F1", "keys")]
        keys += [("Esc", "leave")]
        parts = []
        for key, label in keys:
            parts.append(Content.assemble((f" {key}", "bold $accent"), f" {label} "))
        self.query_one("#keys", LineText).set_content(Content("").join(parts))

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

    # keys

    def action_page(self, by: int) -> None:
        if 0 <= self._at + by < len(self.steps):
            self.go_to(self._at + by)

    def action_go_on(self) -> None:
        """On to the next step, unless something in this one is no value."""
        if self.step.faults:
            self._focus(self.step, self.step.faults[0].field)
        else:
            self.action_page(1)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_go_on()

    def action_review(self) -> None:
        self.go_to(len(self.steps) - 1)

    def action_ask_again(self) -> None:
        self.ask_host()
