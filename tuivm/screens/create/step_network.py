"""The wizard's step "Network": the new guest's NICs, each with its class and what it is in."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from tuivm.model.spec import Nic, NicKind, PassKind, SourceKind, Spec
from tuivm.model.units import visible
from tuivm.preflight.choices_machine import PHYSICAL
from tuivm.preflight.choices_nic import (
    connection_value,
    connections,
    forward_text,
    model_class,
    model_label,
)
from tuivm.preflight.presets import nic_words
from tuivm.screens.create.choices import ListField, Row
from tuivm.screens.create.draft import Draft, owner
from tuivm.screens.create.edit_nic import EditNic
from tuivm.screens.create.picks import class_mark, completed, finding_mark
from tuivm.screens.create.step import Step
from tuivm.widgets.itemlist import ItemList


class NetworkStep(Step):
    """A row for each NIC; what is under the cursor is explained below."""

    title = "Network"
    about = "Its NICs: what each is plugged into, and which device the guest sees."
    keys: ClassVar[tuple[str, ...]] = ("nic",)

    DEFAULT_CSS = """
    NetworkStep .hint, NetworkStep .detail { height: auto; padding-left: 15; }
    NetworkStep .hint { color: $text-muted; }
    NetworkStep .detail { margin-top: 1; }
    """

    def compose(self) -> ComposeResult:
        yield ListField("nic", "NICs", empty="no network at all")
        yield Static("Space edits   a adds   x removes", classes="hint", markup=False)
        yield Static(classes="detail")

    def fill(self, draft: Draft) -> None:
        self._now = completed(draft)
        self._plugs = {pick.value: pick for pick in connections(draft.offered)}
        copied = draft.spec.source.kind is SourceKind.COPY
        field = self.query_one(ListField)
        field.display = not copied
        self.query_one(".hint").display = not copied
        nics = () if copied else self._full
        field.show([Row(self._row(number, nic), number) for number, nic in enumerate(nics)])
        self._explain()

    @property
    def _full(self) -> tuple[Nic, ...]:
        return self._now.full.nics or ()

    @property
    def _said(self) -> tuple[Nic, ...]:
        """As little as says the same as what is on show."""
        if self._now.spec.nics is not None:
            return self._now.spec.nics
        # A NIC that the preset made a VF is one because of what it is plugged into.
        offer = self._now.offered
        return tuple(
            Nic(nic.kind, nic.source) if model_class(nic, offer) is PHYSICAL else Nic()
            for nic in self._full
        )

    def _row(self, number: int, nic: Nic) -> Content:
        ascii_only = self.app.has_class("-ascii")
        offer = self._now.offered
        cls = model_class(nic, offer)
        return Content.assemble(
            finding_mark(self._now.findings, f"nic.{number}", ascii_only=ascii_only),
            class_mark(cls, ascii_only=ascii_only),
            f" {model_label(nic, offer):<20}  ",
            visible(self._plugged(nic)),
            "" if nic.kind is NicKind.NONE else f"  {nic.mac or 'random MAC'}",
        )

    def _plugged(self, nic: Nic) -> str:
        value = connection_value(nic)
        return self._plugs[value].label if value in self._plugs else f"{nic.kind} {nic.source}"

    def on_item_list_moved(self, event: ItemList.Moved) -> None:
        event.stop()
        self._explain()

    def _explain(self) -> None:
        detail = self.query_one(".detail", Static)
        if self._now.spec.source.kind is SourceKind.COPY:
            guest = visible(self._now.spec.source.guest) or "the guest"
            detail.update(Content(f"NICs as {guest} has them, each with a MAC of its own."))
            return
        at = self.query_one(ListField).value
        if not isinstance(at, int) or at >= len(self._full):
            detail.update(Content(_alone(self._now.full)))
            return
        detail.update(Content("\n").join(self._about(self._full[at])))

    def _about(self, nic: Nic) -> list[Content]:
        offer = self._now.offered
        lines = []
        cls = model_class(nic, offer)
        if cls is not None:
            mark, style = class_mark(cls, ascii_only=self.app.has_class("-ascii"))
            label = model_label(nic, offer)
            note = nic_words(nic, offer)
            lines.append(Content.assemble((f"{mark} {cls.value}", style), f": {label}, {note}"))
        pick = self._plugs.get(connection_value(nic))
        lines.append(
            Content(visible(f"{self._plugged(nic)}: {pick.note}" if pick else self._plugged(nic)))
        )
        if pick is not None and pick.refusal:
            lines.append(Content.styled(visible(f"off: {pick.refusal}"), "$state-bad"))
        lines += [Content(visible(f"forwards {forward_text(one)}")) for one in nic.forwards]
        if self._now.spec.nics is None:
            lines.append(Content.styled("By default.", "$quiet"))
        return lines

    def on_list_field_asked(self, event: ListField.Asked) -> None:
        event.stop()
        said = self._said
        at = event.item if isinstance(event.item, int) and event.item < len(said) else None
        if event.what == "add":
            self._edit(len(said), Nic())
        elif at is not None and event.what == "edit":
            self._edit(at, said[at])
        elif at is not None:
            self._put((*said[:at], *said[at + 1 :]))

    def _edit(self, number: int, nic: Nic) -> None:
        now, said = self._now, self._said

        def with_it(edited: Nic) -> tuple[Nic, ...]:
            return (*said[:number], edited, *said[number + 1 :])

        def complete(edited: Nic) -> Nic:
            after = completed(now._replace(spec=now.spec._replace(nics=with_it(edited))))
            full = after.full.nics or ()
            return full[number] if number < len(full) else edited

        findings = [one for one in now.findings if owner(one.field, (f"nic.{number}",))]
        self.ask(
            EditNic(nic, number, now, complete, findings),
            lambda edited: self._put(with_it(edited), number),
        )

    def _put(self, nics: tuple[Nic, ...], number: int | None = None) -> None:
        """number: of the row that the cursor is to be on."""
        spec = self.draft.spec
        # What the preset passes through in place of a NIC stays, once it is no longer asked.
        passed = self._now.full.passed if spec.nics is None else spec.passed
        self.change(spec._replace(nics=nics, passed=passed))
        self.fill(self.draft)
        if number is not None:
            self.query_one(ListField).move_to(number)

    def said(self, draft: Draft) -> bool:
        return draft.spec.nics is not None


def _alone(full: Spec) -> str:
    if any(one.kind in (PassKind.VF, PassKind.PCI) for one in full.passed):
        return "No NIC of the VMM's: what is passed through may be one."
    return "A guest that reaches nobody, and that nobody reaches."
