"""One of a few values, turned by the arrows: for questions too small for a list of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from tuivm.model.units import visible

V = TypeVar("V")


class Turn(Static, Generic[V], can_focus=True):
    """choices: (value, words), the first is chosen at the start. With one of them it is a line of
    text that takes no focus."""

    DEFAULT_CSS = """
    Turn { height: 1; width: 100%; text-wrap: nowrap; text-overflow: ellipsis; }
    Turn:focus { background: $block-cursor-background; color: $block-cursor-foreground; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l,space", "turn(1)", "Next", show=False),
        Binding("left,h", "turn(-1)", "Previous", show=False),
    ]

    class Turned(Message):
        """Another value is chosen."""

    def __init__(
        self,
        label: str,
        choices: Sequence[tuple[V, str]] = (),
        *,
        id: str | None = None,  # noqa: A002 - Textual's name for it
    ) -> None:
        super().__init__(id=id)
        self._label = label
        self._choices = tuple(choices)
        self.value: V | None = self._choices[0][0] if self._choices else None

    def on_mount(self) -> None:
        if self.app.has_class("-ascii"):
            # An ellipsis is none of its characters.
            self.styles.text_overflow = "clip"
        self._show()

    def offer(self, choices: Sequence[tuple[V, str]]) -> None:
        """Have these to choose from; what is chosen stays where it is among them."""
        if tuple(choices) == self._choices:
            return
        self._choices = tuple(choices)
        if self.value not in [value for value, _ in self._choices]:
            self.value = self._choices[0][0] if self._choices else None
        self._show()

    def _show(self) -> None:
        several = len(self._choices) > 1
        self.can_focus = several
        words = next((words for value, words in self._choices if value == self.value), "")
        before, after = ("< ", " >") if self.app.has_class("-ascii") else ("‹ ", " ›")
        shown = f"{before}{visible(words)}{after}" if several else visible(words)
        self.update(Content.assemble(f"{self._label:<10}", (shown, "bold" if several else "")))

    def action_turn(self, by: int) -> None:
        values = [value for value, _ in self._choices]
        if len(values) > 1:
            self.value = values[(values.index(self.value) + by) % len(values)]  # type: ignore[arg-type]
            self._show()
            self.post_message(self.Turned())

    def on_click(self) -> None:
        self.action_turn(1)
