"""The wizard that creates a guest: seven steps, each of which can be left to its defaults.

Steps show the draft and answer with a new spec.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input

from tuivm.model.createports import CreatePort, CreationRun
from tuivm.model.creation import CreationPlan, CreationProgress
from tuivm.model.findings import Finding, Severity
from tuivm.model.spec import Source, SourceKind, Spec
from tuivm.screens.create import deeds
from tuivm.screens.create.board import Ending
from tuivm.screens.create.draft import Draft
from tuivm.screens.create.drafting import DeviceNews, DraftingBoard
from tuivm.screens.create.frame import step_of
from tuivm.screens.create.progress import BACK, CreateProgress
from tuivm.screens.create.step import Step
from tuivm.screens.create.step_disks import DisksStep
from tuivm.screens.create.step_machine import MachineStep
from tuivm.screens.create.step_network import NetworkStep
from tuivm.screens.create.step_passthrough import PassthroughStep
from tuivm.screens.create.step_review import CREATE, XML, ReviewStep, Standing
from tuivm.screens.create.step_source import SourceStep
from tuivm.screens.create.step_system import SystemStep
from tuivm.screens.create.xmledit import Edit, EditXml, carried_over
from tuivm.screens.dialogs.confirm import Confirm

_STEPS: tuple[type[Step], ...] = (
    SourceStep,
    SystemStep,
    MachineStep,
    DisksStep,
    NetworkStep,
    PassthroughStep,
    ReviewStep,
)
_OUTDATED = Finding(
    "xml-outdated",
    Severity.ERROR,
    "The XML was edited by hand, and the steps make another one since then",
    remedy="Open the XML: take the edited one, or the one as it was made",
)
_UNMERGED = Finding(
    "xml-unmerged",
    Severity.ERROR,
    "The edit of the XML cannot be carried over to the definition of the first start",
    remedy="Open the XML and take it as it was made, or say the same in the steps",
)


class Wizard(DraftingBoard):
    """Answers what was made; None when it was left without.

    hosts: names to choose from, the first is the one that is chosen. port: the way to one of them,
    None when it is no longer there. spec: to begin with. began: told of each creation. news: of a
    host's devices.
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

    def __init__(
        self,
        hosts: Sequence[str],
        port: Callable[[str], CreatePort | None],
        spec: Spec | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        began: Callable[[CreationRun], None] = lambda _run: None,
        news: DeviceNews | None = None,
    ) -> None:
        self._began = spec or Spec(source=Source(kind=SourceKind.ISO))
        draft = Draft(
            host=hosts[0] if hosts else "",
            hosts=tuple(hosts),
            spec=self._began,
            full=self._began,
        )
        super().__init__(draft, [kind(draft) for kind in _STEPS], port, clock, news)
        self._began_run = began
        self._accepted: frozenset[Finding] = frozenset()
        self._edit: Edit | None = None

    def on_mount(self) -> None:
        self.go_to(0)
        self.ask_host()

    # the steps

    def go_to(self, number: int, key: str = "") -> None:
        """Put a step in front, with the focus where it was in it, or in the field of a key."""
        self._at = min(max(0, number), len(self.steps) - 1)
        step = self.step
        for other in self.steps:
            other.display = other is step
        self.show_draft()
        if step.is_attached:
            self.call_after_refresh(self._focus, step, key)
        else:
            self.call_later(self._bring, step, key)

    async def _bring(self, step: Step, key: str) -> None:
        """Make a step that is gone to for the first time."""
        if not step.is_attached:
            await self.query_one("#steps").mount(step)
        step.show(self.draft)
        self._focus(step, key)

    def _focus(self, step: Step, key: str = "") -> None:
        if step is not self.step or not step.is_attached:
            return
        before = self._where.get(self._at)
        if not key and before in step.fields and before is not None and before.focus_editor():
            return
        if not step.focus_field(key) and not step.focus_field():
            self.set_focus(None)

    def on_step_changed(self, event: Step.Changed) -> None:
        event.stop()
        full = event.spec if self.draft.offer is None else self.draft.full
        self._again = True
        self.put(self.draft._replace(spec=event.spec, full=full))
        if event.step is not self.step:
            event.step.show(self.draft)
        self.work_out()

    def on_step_faulted(self, event: Step.Faulted) -> None:
        event.stop()
        self.paint_frame()

    def on_source_step_host_chosen(self, event: SourceStep.HostChosen) -> None:
        event.stop()
        host = event.host
        self.draft = self.draft._replace(host=host, offer=None, plan=None, findings=())
        self.ask_host()

    def faults(self) -> list[Finding]:
        found = [fault for step in self.steps if step.is_attached for fault in step.faults]
        plan, edit = self.draft.plan, self._edit
        if plan is not None and edit is not None and edit.xml != edit.base:
            if plan.xml != edit.base:
                found.append(_OUTDATED)
            elif plan.first_xml and carried_over(edit, plan.first_xml) is None:
                found.append(_UNMERGED)
        return found

    def show_draft(self) -> None:
        if not self.is_attached:
            return
        step = self.step
        if isinstance(step, ReviewStep):
            faults = tuple(self.faults())
            edited = self._edit is not None and self._edit.xml != self._edit.base
            step.stand(Standing(self._accepted, faults, edited, self.settled))
        step.show(self.draft)
        self.paint_frame()

    # the review

    def on_review_step_go_to(self, event: ReviewStep.GoTo) -> None:
        event.stop()
        step = step_of(event.finding, self.steps)
        if step is not None:
            self.go_to(self.steps.index(step), event.finding.field)
        elif event.finding in (_OUTDATED, _UNMERGED):
            self.edit_xml()

    def on_review_step_accepted(self, event: ReviewStep.Accepted) -> None:
        event.stop()
        self._accepted ^= {event.finding}
        self.show_draft()

    def on_review_step_wanted(self, event: ReviewStep.Wanted) -> None:
        event.stop()
        plan = self.draft.plan
        if event.what == CREATE and isinstance(self.step, ReviewStep) and not self.step.refusal:
            self.create()
        elif event.what == XML:
            self.edit_xml()
        elif event.what == "command" and plan is not None:
            self.app.push_screen(deeds.command_dialog(plan, self.draft.offered))
        elif event.what == "save":
            self.action_save()

    def edit_xml(self) -> None:
        """Let a person read, change and check the XML."""
        plan, drafter = self.draft.plan, self.drafter
        if plan is None or drafter is None:
            return
        edit = self._edit if self._edit is not None else Edit(plan.xml, plan.xml)
        # Whatever was edited before is now held against what the steps make at present.
        dialog = EditXml(
            Edit(plan.xml, edit.xml if edit.xml != edit.base else plan.xml),
            drafter.validate,
            stale=edit.base not in (edit.xml, plan.xml),
        )
        self.app.push_screen(dialog, self._edited)

    def _edited(self, edit: Edit | None) -> None:
        if edit is not None:
            self._edit = edit
            self.show_draft()

    def planned(self) -> CreationPlan | None:
        """The plan as it is to be carried out, with the XML as it was edited."""
        plan, edit = self.draft.plan, self._edit
        if plan is None or edit is None or edit.xml == edit.base:
            return plan
        first = carried_over(edit, plan.first_xml) if plan.first_xml else ""
        return None if first is None else plan._replace(xml=edit.xml, first_xml=first)

    def create(self) -> None:
        """Carry the plan out, shown as it goes."""
        plan, drafter, host = self.planned(), self.drafter, self.draft.host
        if plan is None or drafter is None:
            return
        port = drafter.port

        def begin(told: Callable[[CreationProgress], None]) -> CreationRun:
            run = port.create(plan, told)
            self._began_run(run)
            return run

        dialog = CreateProgress(plan.spec.name, host, begin)

        def back(then: str | None) -> None:
            self.creating = False
            created = dialog.created
            if created is not None and created.problem is None:
                self.dismiss(Ending(host, created.uuid, then or ""))
            elif then == BACK:
                # What it offers has changed: volumes came and went, or it is lost.
                self.ask_host()

        self.creating = True
        self.app.push_screen(dialog, back)

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

    def action_help(self) -> None:
        self.app.push_screen(deeds.help_dialog())

    def action_save(self) -> None:
        """Write the spec to a file; only what was said, so that it fits other hosts too."""
        spec = self.draft.spec
        name = self.draft.full.name or "guest"

        def told(text: str, *, bad: bool) -> None:
            self.notify(text, severity="error" if bad else "information", markup=False)

        def answered(path: Path | None) -> None:
            if path is not None:
                self.run_worker(deeds.save(spec, path, told), group="save")

        self.app.push_screen(
            deeds.SaveSpec(f"{name}.toml", secret=deeds.plain_password(spec)), answered
        )

    def action_leave(self) -> None:
        """Ask first, once something was said."""
        if self.draft.spec == self._began and not self.faults():
            self.dismiss(None)
            return
        lines = ("What you entered is lost; ^s keeps it in a file that can be used again.",)
        dialog = Confirm("Leave without a new guest?", lines, "Leave", dangerous=True)

        def answered(yes: bool | None) -> None:
            if yes:
                self.dismiss(None)

        self.app.push_screen(dialog, answered)
