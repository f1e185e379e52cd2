"""A new name for a guest, checked as it is typed."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from textual import on
from textual.app import ComposeResult
from textual.widgets import Button, Input

from tuivm.model.units import visible
from tuivm.screens.dialogs.base import Dialog, button, field

LONGEST = 255
"""Bytes: libvirt keeps a definition in a file of that name."""


def name_fault(name: str) -> str:
    """Why libvirt would not take this name for a guest, "" when it might."""
    if not name.strip():
        return "A name is needed."
    if name != name.strip():
        return "It begins or ends with a space."
    if "/" in name:
        return 'libvirt does not allow "/" in a name.'
    if visible(name) != name or not name.isprintable():
        return "It holds characters that cannot be seen."
    if len(name.encode("utf-8", "replace")) > LONGEST:
        return f"It is longer than {LONGEST} bytes."
    return ""


class RenameGuest(Dialog[str]):
    """Answers the new name, None when it stays.

    taken: why a name cannot be had on that host, "" when it can.
    """

    AUTO_FOCUS = "#name"
    note_rows = 1

    def __init__(self, current: str, taken: Callable[[str], str]) -> None:
        super().__init__()
        self._current = current
        self._taken = taken

    @property
    def title_text(self) -> str:
        return f"Rename {self._current}"

    def body(self) -> ComposeResult:
        # An entry paints what is in it as it is: such a name is typed afresh.
        start = self._current if visible(self._current) == self._current else ""
        yield field("Name", Input(start, id="name", compact=True))

    def buttons(self) -> Iterable[Button]:
        return (button("Cancel", "cancel"), button("Rename", "rename"))

    def _fault(self) -> str:
        name = self.query_one("#name", Input).value
        if name == self._current:
            return "That is its name already."
        return name_fault(name) or self._taken(name)

    @on(Input.Changed)
    def _check(self) -> None:
        fault = self._fault()
        self.note(fault)
        self.query_one("#rename", Button).disabled = bool(fault)

    @on(Input.Submitted)
    @on(Button.Pressed, "#rename")
    def _rename(self) -> None:
        # Looked up again: another guest may have taken the name meanwhile.
        if not self._fault():
            self.dismiss(self.query_one("#name", Input).value)
        else:
            self._check()

    @on(Button.Pressed, "#cancel")
    def _cancel(self) -> None:
        self.dismiss(None)
