"""A creation under way: what is being done, how far a transfer is, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Static

from tuivm.model.createports import CreationRun
from tuivm.model.creation import Created, CreationProgress
from tuivm.model.hosts import Problem
from tuivm.model.requests import Step
from tuivm.model.units import byte_count
from tuivm.screens.dialogs.base import Dialog, Keys, button, plain
from tuivm.screens.dialogs.confirm import Confirm

CONSOLE, OVERVIEW, LIST, BACK = "console", "overview", "list", "back"
_BAR = 30

Begin = Callable[[Callable[[CreationProgress], None]], CreationRun]


class CreateProgress(Dialog[str]):
    """Begins the creation. Answers what is wanted next: one of the words above; `created` says how
    it ended. Esc asks whether to stop it."""

    DEFAULT_CSS = """
    CreateProgress #dialog { width: 90; }
    """
    AUTO_FOCUS = "Reader"
    reads = True
    BINDINGS: ClassVar[list[BindingType]] = []

    class Told(Message):
        """How far it is; from the host's threads."""

        def __init__(self, progress: CreationProgress) -> None:
            super().__init__()
            self.progress = progress

    class Ended(Message):
        def __init__(self, created: Created) -> None:
            super().__init__()
            self.created = created

    def __init__(self, name: str, host: str, begin: Begin, *, starts: bool = True) -> None:
        super().__init__()
        self._name = name
        self._host = host
        self._begin = begin
        self._starts = starts
        self._run: CreationRun | None = None
        self._progress = CreationProgress("beginning")
        self._stopping = False
        self.created: Created | None = None

    @property
    def title_text(self) -> str:
        return f"Creating {self._name} on {self._host}"

    @property
    def keys(self) -> Keys:
        if self.created is None:
            return (("Esc", "stopping" if self._stopping else "stop, and remove what was made"),)
        if self.created.problem is not None:
            return (("Enter", "back to the steps"), ("Esc", "back to the steps"))
        return (("Tab", "move"), ("Enter", "open"), ("Esc", "to the list"))

    def body(self) -> ComposeResult:
        yield Static(id="now")
        yield Static(id="done")

    def buttons(self) -> Iterable[Button]:
        return (
            button("Stop", "stop"),
            button("Back to the steps", BACK),
            button("Console", CONSOLE),
            button("Overview", OVERVIEW),
        )

    def on_mount(self) -> None:
        self._show()
        self._run = self._begin(lambda progress: self._tell(self.Told(progress)))
        self._run.result.add_done_callback(lambda future: self._tell(self.Ended(_end(future))))

    def _tell(self, message: Message) -> None:
        # From any thread; a dialog that is gone has nobody to tell.
        if self.is_running:
            self.post_message(message)

    def on_create_progress_told(self, event: Told) -> None:
        event.stop()
        self._progress = event.progress
        if self.created is None:
            self._show()

    def on_create_progress_ended(self, event: Ended) -> None:
        event.stop()
        self.created = event.created
        self._show()
        wanted = BACK if event.created.problem else CONSOLE if event.created.started else OVERVIEW
        self.call_after_refresh(self.query_one(f"#{wanted}").focus)

    def _show(self) -> None:
        created = self.created
        good = created is not None and created.problem is None
        for name, shown in (
            ("stop", created is None and not self._stopping),
            (BACK, created is not None and not good),
            (CONSOLE, good and created is not None and created.started),
            (OVERVIEW, good),
        ):
            self.query_one(f"#{name}").display = shown
        now = self._ended(created) if created is not None else self._now()
        steps = created.steps if created is not None else self._progress.steps
        self.query_one("#now", Static).update(now)
        lines = [self._step(step) for step in steps]
        if created is not None and created.left:
            lines.append(plain("Could not be removed, and is still there:", "bold $state-bad"))
            lines += [plain(f"  {one}") for one in created.left]
        self.query_one("#done", Static).update(Content("\n").join(lines))
        self.show_keys()

    def _now(self) -> Content:
        progress = self._progress
        mark = "~" if self.ascii_only else "…"
        doing = "stopping, and removing what was made" if self._stopping else progress.now
        line = plain(f"{mark} {doing}", "$state-changing")
        if progress.done is None:
            return line
        text = byte_count(progress.done)
        if not progress.total:
            return line + plain(f"\n  {text}")
        share = min(1.0, progress.done / progress.total)
        full, empty = ("#", ".") if self.ascii_only else ("█", "░")
        filled = int(_BAR * share)
        return Content("\n").join(
            [
                line,
                Content.assemble(
                    ("  ", ""),
                    (full * filled, "$primary"),
                    (empty * (_BAR - filled), "$text-muted"),
                    f" {share * 100:.0f} %  {text} of {byte_count(progress.total)}",
                ),
            ]
        )

    def _ended(self, created: Created) -> Content:
        problem = created.problem
        if problem is None:
            mark = "+" if self.ascii_only else "✓"
            state = "runs" if created.started else "is there, and off"
            return plain(f"{mark} done: {created.name or self._name} {state}", "bold $success")
        mark = "x" if self.ascii_only else "✖"
        reason = f": {problem.reason}" if problem.reason else ""
        lines = [plain(f"{mark} failed: {problem.what}{reason}", "bold $state-bad")]
        if problem.cause:
            lines.append(plain(f"likely: {problem.cause}"))
        if problem.remedy:
            lines.append(plain(problem.remedy))
        kept = "All that you entered is kept."
        if not created.left:
            kept = f"Nothing of it is left on {self._host}. {kept}"
        return Content("\n").join([*lines, plain(kept)])

    def _step(self, step: Step) -> Content:
        done, failed = ("+", "x") if self.ascii_only else ("✓", "✖")
        mark, style = (done, "$success") if step.done else (failed, "$state-bad")
        reason = f": {step.reason}" if step.reason else ""
        word = "" if step.done else "not done: "
        return Content.assemble((f"{mark} ", style)) + plain(f"{word}{step.what}{reason}")

    def action_cancel(self) -> None:
        if self.created is not None:
            self.dismiss(BACK if self.created.problem else LIST)
        elif not self._stopping:
            lines = ("What it has made so far is removed again, and only that.",)
            dialog = Confirm(f"Stop creating {self._name}?", lines, "Stop it", dangerous=True)
            self.app.push_screen(dialog, self._answered)

    def _answered(self, yes: bool | None) -> None:
        if yes and self.created is None and self._run is not None:
            self._stopping = True
            self._run.cancel()
            self._show()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "stop":
            self.action_cancel()
        else:
            self.dismiss(event.button.id or BACK)


def _end(future: Future[Created]) -> Created:
    if future.cancelled():
        return Created(problem=Problem("the creation was given up"))
    error = future.exception()
    if error is not None:
        # The contract has none: a host that breaks it must still not leave a dialog for ever.
        return Created(
            problem=Problem("the creation broke off", f"{type(error).__name__}: {error}")
        )
    return future.result()
