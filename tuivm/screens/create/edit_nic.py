"""One NIC of the new guest: what it is plugged into, its model, its MAC, forwarded ports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Button

from tuivm.model.findings import Finding
from tuivm.model.spec import Nic, NicKind
from tuivm.preflight.choices_nic import (
    connection_of,
    connection_value,
    connections,
    forward_text,
    forwards_fault,
    is_vf_pool,
    mac_fault,
    nic_models,
    parse_forwards,
    random_mac,
)
from tuivm.screens.create.choices import ChoiceField
from tuivm.screens.create.draft import Draft
from tuivm.screens.create.editing import EditDialog
from tuivm.screens.create.fields import Field, TextField
from tuivm.screens.create.picks import choices
from tuivm.screens.dialogs.base import Keys, button


class EditNic(EditDialog[Nic]):
    """Answers the NIC as it was said. complete: the same with its defaults filled in."""

    DEFAULT_CSS = """
    EditNic #dialog { width: 110; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r", "random_mac", "Random MAC", show=False, priority=True),
    ]

    def __init__(
        self,
        nic: Nic,
        number: int,
        draft: Draft,
        complete: Callable[[Nic], Nic],
        findings: Sequence[Finding] = (),
    ) -> None:
        super().__init__(nic, findings)
        key = f"nic.{number}"
        self._number = number
        self._draft = draft
        self._complete = complete
        self._to = ChoiceField(key, "Connected to")
        self._model = ChoiceField(f"{key}.model", "Model")
        self._mac = TextField(f"{key}.mac", "MAC", check=mac_fault)
        self._forwards = TextField(f"{key}.forwards", "Forwards", check=forwards_fault)

    @property
    def title_text(self) -> str:
        return f"NIC {self._number + 1}"

    @property
    def keys(self) -> Keys:
        return (("^R", "new random MAC"), *super().keys)

    def body(self) -> ComposeResult:
        yield self._to
        yield self._model
        yield self._mac
        yield self._forwards

    def buttons(self) -> Iterable[Button]:
        return (button("Random MAC", "random"), *super().buttons())

    def fill(self, value: Nic) -> None:
        draft, offer = self._draft, self._draft.offered
        full = self._complete(value)
        pool = is_vf_pool(offer, full.source)
        # Its first one is "by default", which the field has of its own.
        plugs = connections(offer)[1:]
        self._to.show(connection_value(value), choices(plugs), connection_value(full))
        models = nic_models(draft.full.machine, offer, draft.os)
        self._model.show(value.model, choices(models), full.model)
        self._mac.show(value.mac, full.mac or "a new random one")
        self._forwards.show(", ".join(forward_text(one) for one in value.forwards))
        self._model.display = not pool and full.kind is not NicKind.NONE
        self._mac.display = full.kind is not NicKind.NONE
        self._forwards.display = bool(value.forwards) or full.kind is NicKind.PASST
        self.query_one("#random").display = self._mac.display

    def edited(self, field: Field, value: Nic) -> Nic:
        if field is self._to:
            kind, source = connection_of(self._to.value)
            return value._replace(kind=kind, source=source)
        if field is self._model:
            return value._replace(model=self._model.value)
        if field is self._mac:
            return value._replace(mac=self._mac.value.lower().replace("-", ":"))
        return value._replace(forwards=parse_forwards(self._forwards.value))

    def missing(self, value: Nic) -> str:
        full = self._complete(value)
        if value.forwards and full.kind is not NicKind.PASST:
            return "Ports are forwarded by passt only."
        return ""

    def remark(self, value: Nic) -> str:
        kind = self._complete(value).kind
        if kind is NicKind.PASST and self._forwards.has_focus_within:
            return "Forwards: 2222:22, 127.0.0.1:8080:80, 5353:53/udp (host's port:guest's port)"
        return ""

    def on_descendant_focus(self) -> None:
        if self.is_mounted:
            self._refill()

    @on(Button.Pressed, "#random")
    def action_random_mac(self) -> None:
        if self._mac.display:
            self._mac.put(mac := random_mac(self._draft.offered.driver))
            self.put(self._value._replace(mac=mac))
