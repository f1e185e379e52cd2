"""What the steps of the wizard have in common: fields that show a draft and change its spec.

A step names its fields by the keys of the TOML file; what the preflight finds goes to the field
whose key is the longest that fits. A step never waits and asks no host: it shows the draft that it
is given and answers each change of a person's with a new spec.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar, TypeVar

from textual.containers import VerticalScroll
from textual.message import Message
from textual.screen import ModalScreen

from tuivm.model.findings import Finding
from tuivm.model.spec import Spec
from tuivm.screens.create.draft import Draft, owner
from tuivm.screens.create.fields import Field

T = TypeVar("T")


class Step(VerticalScroll, can_focus=False, inherit_bindings=False):
    """Subclasses compose `Field`s and give `fill` (draft to fields) and `edited` (field to spec).

    title: in the list of steps. about: one line on what is decided here. keys: the spec's dotted
    names that belong to it, as prefixes ("machine", "disk"), for findings of no field on show.
    """

    DEFAULT_CSS = """
    Step { height: 1fr; scrollbar-size-vertical: 1; padding: 0 1; }
    """

    title: ClassVar[str] = ""
    about: ClassVar[str] = ""
    keys: ClassVar[tuple[str, ...]] = ()

    class Changed(Message):
        """A person changed the spec. Whoever takes it shows a draft of it to `step`, which until
        then shows none: each would be of an older spec."""

        def __init__(self, spec: Spec, step: Step) -> None:
            super().__init__()
            self.spec = spec
            self.step = step

    class Faulted(Message):
        """What is typed in one of its fields became, or ceased to be, no value at all."""

    def __init__(self, draft: Draft, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self.draft = draft
        self._ready = False
        self._ahead: list[Spec] = []
        """Specs that were told and not shown yet."""

    def fill(self, draft: Draft) -> None:
        """Put a draft into the fields, and show those that matter for it (`field.display`)."""
        raise NotImplementedError

    def edited(self, field: Field, draft: Draft) -> Spec:
        """The spec after a person changed a field, which now holds a good value."""
        raise NotImplementedError

    def said(self, draft: Draft) -> bool:
        """The person said something that belongs to this step; else it goes by its defaults."""
        raise NotImplementedError

    def on_mount(self) -> None:
        self._ready = True
        self.show(self.draft)

    def show(self, draft: Draft) -> None:
        """Show a draft: its values, and at each field what was found about it."""
        if draft.spec in self._ahead:
            del self._ahead[: self._ahead.index(draft.spec) + 1]
        if self._ahead:
            return
        self.draft = draft
        if not self._ready:
            return
        self.fill(draft)
        fields = self.fields
        by_key: dict[str, list[Finding]] = {field.key: [] for field in fields}
        for finding in draft.findings:
            if mine := self.key_for(finding.field, by_key):
                by_key[mine].append(finding)
        for field in fields:
            field.set_findings(by_key[field.key])

    def key_for(self, key: str, shown: Iterable[str]) -> str:
        """Of the fields on show, the one that is to say what was found about a key: its own, else
        the first of the same table ("source.path" is said at "source.volume"). "" for none."""
        shown = tuple(shown)
        found = owner(key, shown)
        while not found and key and owner(key, self.keys):
            found = next((one for one in shown if one.startswith(f"{key}.")), "")
            key = key.rpartition(".")[0]
        return found

    @property
    def fields(self) -> list[Field]:
        """Those that are on show in it, in order."""
        return [
            field
            for field in self.query(Field)
            if all(one.display for one in field.ancestors_with_self if self in one.ancestors)
        ]

    @property
    def faults(self) -> list[Finding]:
        """Of fields with something in them that is no value."""
        return [field.all_findings[0] for field in self.fields if field.fault]

    def change(self, spec: Spec) -> None:
        """A person changed the spec, with or without a field."""
        if spec != self.draft.spec:
            self._ahead.append(spec)
        self.draft = self.draft._replace(spec=spec)
        self.post_message(self.Changed(spec, self))

    def ask(self, dialog: ModalScreen[T], answered: Callable[[T], None]) -> None:
        """Show a dialog; `answered` is called unless it was left."""

        def back(answer: T | None) -> None:
            if answer is not None and self.is_mounted:
                answered(answer)

        self.app.push_screen(dialog, back)

    def focus_field(self, key: str = "") -> bool:
        """Put the focus into the field that a finding's key belongs to; "" for the first."""
        wanted = self.key_for(key, [field.key for field in self.fields]) if key else ""
        order = [field for field in self.fields if not key or field.key == wanted]
        return any(field.focus_editor() for field in order)

    def on_field_changed(self, event: Field.Changed) -> None:
        event.stop()
        event.field.heard()
        if event.field.fault:
            self.post_message(self.Faulted())
            return
        spec = self.edited(event.field, self.draft)
        # Said even when the spec is the same: a fault may have gone.
        self.change(spec)
