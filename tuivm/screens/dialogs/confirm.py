"""Yes or no, with what exactly will happen to which guests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Button, Static

from tuivm.screens.dialogs.base import Dialog, Keys, button, paragraph


class Confirm(Dialog[bool]):
    """Answers True for yes, False for no and for Esc. The focus starts on Cancel."""

    AUTO_FOCUS = "#cancel"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes", show=False),
        Binding("n", "answer(False)", "No", show=False),
    ]

    def __init__(
        self, title: str, lines: Sequence[str], yes: str = "Yes", *, dangerous: bool = False
    ) -> None:
        super().__init__()
        self._title = title
        self._lines = tuple(lines)
        self._yes = yes
        self.dangerous = dangerous

    @property
    def title_text(self) -> str:
        return self._title

    @property
    def keys(self) -> Keys:
        return (("y", self._yes.lower()), ("n", "cancel"), ("Esc", "cancel"))

    def body(self) -> ComposeResult:
        yield Static(paragraph(self._lines))

    def buttons(self) -> Iterable[Button]:
        return (button("Cancel", "cancel"), button(self._yes, "yes", dangerous=self.dangerous))

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_answer(self, yes: bool) -> None:
        self.dismiss(yes)

    def action_cancel(self) -> None:
        self.dismiss(False)
