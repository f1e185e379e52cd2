"""One action on many guests, side by side: how far it is, and how each one went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from tuivm.model.guests import GuestKey
from tuivm.model.requests import Outcome
from tuivm.screens.dialogs.base import Dialog, Keys, plain

_BAR = 30


class BulkProgress(Dialog[None]):
    """Rows of guests, updated by `set_running` and `set_result`; Esc leaves it, the work goes on.

    guests: (key, label). results, running: what is known already, when it is opened again.
    """

    AUTO_FOCUS = "Reader"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "cancel", "Close", show=False)]
    reads = True

    def __init__(
        self,
        title: str,
        guests: Sequence[tuple[GuestKey, str]],
        results: Mapping[GuestKey, Outcome] | None = None,
        running: Sequence[GuestKey] = (),
    ) -> None:
        super().__init__()
        self._title = title
        self._guests = dict(guests)
        self._results = {
            key: outcome for key, outcome in (results or {}).items() if key in self._guests
        }
        self._under_way = set(running) & self._guests.keys()

    @property
    def title_text(self) -> str:
        return self._title

    @property
    def done(self) -> bool:
        return len(self._results) == len(self._guests)

    @property
    def keys(self) -> Keys:
        return (("Esc", "close" if self.done else "leave it running in the background"),)

    def body(self) -> ComposeResult:
        yield Static(self._bar(), id="bar")
        for row, key in enumerate(self._guests):
            yield Static(self._row(key), id=f"row-{row}")

    def set_running(self, key: GuestKey) -> None:
        """A guest's turn has come. Harmless once the dialog was left."""
        if key in self._guests and key not in self._results:
            self._under_way.add(key)
            self._repaint(key)

    def set_result(self, key: GuestKey, outcome: Outcome) -> None:
        """How it went with one guest. Harmless once the dialog was left."""
        if key in self._guests:
            self._under_way.discard(key)
            self._results[key] = outcome
            self._repaint(key)

    def _repaint(self, key: GuestKey) -> None:
        if not self.query("#bar"):
            return
        row = list(self._guests).index(key)
        self.query_one(f"#row-{row}", Static).update(self._row(key))
        self.query_one("#bar", Static).update(self._bar())
        self.show_keys()

    def _bar(self) -> Content:
        total, count = len(self._guests), len(self._results)
        failed = sum(1 for outcome in self._results.values() if not outcome.ok)
        filled = _BAR * count // total if total else _BAR
        full, empty = ("#", ".") if self.ascii_only else ("█", "░")
        return Content.assemble(
            (full * filled, "$primary"),
            (empty * (_BAR - filled), "$text-muted"),
            f" {count}/{total}",
            (f"  {failed} failed", "bold $error") if failed else "",
        )

    def _row(self, key: GuestKey) -> Content:
        outcome = self._results.get(key)
        glyphs = ("+", "x", ">", ".") if self.ascii_only else ("✓", "✖", "▶", "·")
        if outcome is None:
            running = key in self._under_way
            mark, word, style = (
                (glyphs[2], "running", "$state-changing")
                if running
                else (glyphs[3], "waiting", "$text-muted")
            )
        elif outcome.ok:
            mark, word, style = glyphs[0], "done", "$success"
        else:
            mark, word, style = glyphs[1], "failed", "bold $error"
        parts = [plain(f"{mark} {word:<8} ", style), plain(self._guests[key])]
        if outcome is not None and outcome.problem is not None:
            problem = outcome.problem
            told = (problem.what, problem.reason, problem.cause, problem.remedy)
            parts += [Content("\n    ") + plain(line) for line in told if line]
            parts += [
                Content("\n    ")
                + plain(
                    f"{'done' if step.done else 'not done'}: {step.what} {step.reason}".rstrip()
                )
                for step in outcome.steps
            ]
        return Content("").join(parts)
