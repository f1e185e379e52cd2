"""One of a few: sort order, theme, whatever else is a short list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tuivm.model.devices import DeviceClass
from tuivm.screens.dialogs.base import Dialog, Keys, Picker, paragraph, plain


class Choice(NamedTuple):
    """refusal: why it cannot be chosen, "" when it can. cls: of the device that it makes."""

    id: str
    label: str
    help: str = ""
    refusal: str = ""
    cls: DeviceClass | None = None


class Choose(Dialog[str]):
    """Answers the id of what was chosen. `current` is highlighted at the start."""

    AUTO_FOCUS = "Picker"
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(
        self,
        title: str,
        options: Sequence[Choice | tuple[str, str, str, str]],
        current: str = "",
        *,
        lines: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self._title = title
        self._options = tuple(Choice(*option) for option in options)
        self._current = current
        self._lines = tuple(lines)

    @property
    def title_text(self) -> str:
        return self._title

    @property
    def keys(self) -> Keys:
        return (("Enter", "choose"), ("Esc", "cancel"))

    def body(self) -> ComposeResult:
        if self._lines:
            yield Static(paragraph(self._lines))
        options = [
            Option(_prompt(choice), disabled=bool(choice.refusal)) for choice in self._options
        ]
        yield Picker(*options, classes="gap" if self._lines else "")

    def on_mount(self) -> None:
        picker = self.query_one(Picker)
        usable = [index for index, choice in enumerate(self._options) if not choice.refusal]
        wanted = [index for index in usable if self._options[index].id == self._current]
        picker.highlighted = next(iter(wanted + usable), None)

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._options[event.option_index].id)


def _prompt(choice: Choice) -> Content:
    parts = [plain(choice.label, "" if choice.refusal else "bold")]
    if choice.refusal:
        parts.append(plain(f"  off: {choice.refusal}"))
    elif choice.help:
        parts.append(plain(f"  {choice.help}"))
    return Content("").join(parts)
