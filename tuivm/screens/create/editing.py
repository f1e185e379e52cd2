"""Dialogs of the wizard that edit one thing: a disk, a NIC, a NUMA cell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, TypeVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widgets import Button, Input

from tuivm.model.findings import Finding
from tuivm.screens.create.fields import Field
from tuivm.screens.create.picks import hand_out
from tuivm.screens.dialogs.base import Dialog, Keys, button

T = TypeVar("T")


class EditDialog(Dialog[T]):
    """Answers the edited thing, None when it is left. Subclasses compose fields in `body` and give
    `fill` (thing to fields), `edited` (fields to thing) and `missing`."""

    DEFAULT_CSS = """
    EditDialog #dialog { width: 100; }
    """
    AUTO_FOCUS = "Cycler, Input"
    note_rows = 1
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "accept", "OK", show=False),
    ]

    def __init__(self, value: T, findings: Sequence[Finding] = ()) -> None:
        """findings: of the preflight, about it as it was; they go with the first change of what
        they are about."""
        super().__init__()
        self._value = value
        self._findings = tuple(findings)

    @property
    def keys(self) -> Keys:
        arrows, turn = ("Tab", "< >") if self.ascii_only else ("↑↓", "←→")
        return (
            (arrows, "move"),
            (turn, "change"),
            ("Space", "list"),
            ("Enter", "ok"),
            ("Esc", "cancel"),
        )

    def fill(self, value: T) -> None:
        raise NotImplementedError

    def edited(self, field: Field, value: T) -> T:
        raise NotImplementedError

    def missing(self, value: T) -> str:
        """What still has to be said, "" for nothing."""
        raise NotImplementedError

    def remark(self, _value: T) -> str:
        """What is worth a word, but does not stop it."""
        return ""

    def buttons(self) -> Iterable[Button]:
        return (button("Cancel", "cancel"), button("OK", "ok"))

    def on_mount(self) -> None:
        self._refill()

    def _refill(self) -> None:
        self.fill(self._value)
        shown = [field for field in self.query(Field) if field.display]
        hand_out(shown, self._findings)
        fault = next((field.fault for field in shown if field.fault), "")
        missing = f"Not yet: {fault}." if fault else self.missing(self._value)
        self.note(missing or self.remark(self._value))
        self.query_one("#ok", Button).disabled = bool(missing)

    def put(self, value: T) -> None:
        """Have this instead."""
        self._value = value
        self._refill()

    def on_field_changed(self, event: Field.Changed) -> None:
        event.stop()
        event.field.heard()
        if not event.field.fault:
            self._value = self.edited(event.field, self._value)
        key = event.field.key
        self._findings = tuple(one for one in self._findings if not one.field.startswith(key))
        self._refill()

    @on(Input.Submitted)
    @on(Button.Pressed, "#ok")
    def _accept(self) -> None:
        self.action_accept()

    def action_accept(self) -> None:
        if not self.query_one("#ok", Button).disabled:
            self.dismiss(self._value)

    @on(Button.Pressed, "#cancel")
    def _cancel(self) -> None:
        self.dismiss(None)
