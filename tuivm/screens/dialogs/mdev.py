"""Making a mediated device: a part of a device that its driver splits in software."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from textual import on
from textual.app import ComposeResult
from textual.widgets import Button, Input, Static

from tuivm.model.deviceports import MdevKind
from tuivm.model.hostrequests import CreateMdev
from tuivm.model.offers import HostDevice, MdevType
from tuivm.screens.devicewords import called
from tuivm.screens.dialogs.base import Keys, Tick, button, field, paragraph, plain
from tuivm.screens.dialogs.turn import Turn
from tuivm.screens.dialogs.watching import Scene, Watching


class MakeMdev(Watching[CreateMdev]):
    """Answers what is asked of the host; None for none. kind: the type that is chosen first."""

    DEFAULT_CSS = """
    MakeMdev #dialog { width: 92; }
    MakeMdev .label { color: $text-muted; }
    """
    AUTO_FOCUS = "#uuid"

    def __init__(self, scene: Scene, kind: MdevKind, host: str) -> None:
        super().__init__(scene)
        self._made_of = kind.parent
        self._first = kind.type
        self._host = host

    @property
    def title_text(self) -> str:
        return f"A mediated device of {self._made_of.address} on {self._host}"

    @property
    def keys(self) -> Keys:
        turn = "left/right" if self.ascii_only else "← →"
        return (("Tab", "move"), (turn, "type"), ("Space", "tick"), ("Esc", "cancel"))

    def body(self) -> ComposeResult:
        yield Static(plain(called(self._made_of), "bold"))
        yield Turn[str]("Type", [(self._first.id, _words(self._first))], id="type")
        yield field("UUID", Input(id="uuid", compact=True, max_length=36))
        yield Tick(plain("it stays defined when it is stopped"), True, id="defined")
        yield Tick(plain("start it with the host"), id="autostart")
        yield Static(id="means", classes="gap")

    def buttons(self) -> Iterable[Button]:
        yield button("Cancel", "cancel")
        yield button("Create", "create")

    def on_mount(self) -> None:
        self.query_one("#uuid", Input).placeholder = "a new one"

    def _types(self) -> tuple[MdevType, ...]:
        parent = self.device_now(self._made_of)
        return parent.mdev_types if parent else ()

    def _type(self) -> MdevType | None:
        chosen = self.query_one("#type", Turn).value
        return next((one for one in self._types() if one.id == chosen), None)

    @property
    def _uuid(self) -> str:
        return self.query_one("#uuid", Input).value.strip()

    @property
    def _defined(self) -> bool:
        return self.query_one("#defined", Tick).value

    @on(Turn.Turned)
    @on(Tick.Changed)
    @on(Input.Changed)
    def stand(self) -> None:
        types = self._types()
        if types:
            ordered = sorted(types, key=lambda one: one.id != self._first.id)
            self.query_one("#type", Turn).offer([(one.id, _words(one)) for one in ordered])
        self.query_one("#autostart", Tick).disabled = not self._defined
        lasting = (
            "It is defined and started; stopped, it can be started again."
            if self._defined
            else "It is there until it is stopped, or the host goes down."
        )
        self.query_one("#means", Static).update(
            paragraph((lasting, "A guest takes it by its UUID (mdev)."))
        )
        self.off("create", self._missing())

    def _missing(self) -> str:
        if trouble := self.trouble():
            return trouble
        if self.device_now(self._made_of) is None:
            return f"{self._made_of.address} is gone from {self._host}: nothing is made."
        kind = self._type()
        if kind is None:
            return f"{self._made_of.address} no longer makes this type."
        if kind.available < 1:
            return f"No instance of {kind.id} is left: others are in use, or of other types."
        return self._uuid_fault() if self._uuid else ""

    def _uuid_fault(self) -> str:
        try:
            uuid = str(UUID(self._uuid))
        except ValueError:
            return "That is no UUID: leave it empty for a new one."
        offer = self.seen.offer if self.seen else None
        there: tuple[HostDevice, ...] = offer.devices if offer else ()
        if any(one.kind == "mdev" and one.address == uuid for one in there):
            return f"{self._host} has a mediated device {uuid} already."
        return ""

    @on(Input.Submitted)
    @on(Button.Pressed, "#create")
    def _create(self) -> None:
        self.stand()
        kind = self._type()
        if kind is None or self._missing():
            return
        uuid = str(UUID(self._uuid)) if self._uuid else ""
        starts = self._defined and self.query_one("#autostart", Tick).value
        self.dismiss(CreateMdev(self._made_of.nodedev, kind.id, uuid, self._defined, starts))

    @on(Button.Pressed, "#cancel")
    def _cancel(self) -> None:
        self.dismiss(None)


def _words(kind: MdevType) -> str:
    left = "1 instance left" if kind.available == 1 else f"{kind.available} instances left"
    return "  ".join(part for part in (kind.id, kind.name, left) if part)
