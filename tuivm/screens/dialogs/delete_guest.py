"""Deleting a guest: everything that goes is said, and nothing goes unless it is asked for."""

from __future__ import annotations

from collections.abc import Iterable

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Button, Input, Static

from tuivm.model.deletion import DeletionOrder, DeletionPlan, VolumeChoice
from tuivm.model.units import byte_count, visible
from tuivm.screens.dialogs.base import Dialog, Keys, Tick, button, field, paragraph, plain, relabel


class DeleteGuest(Dialog[DeletionOrder]):
    """Answers what was ordered, None when the guest stays.

    Only volumes that the plan allows can be ticked, and none is ticked at the start. The guest's
    name has to be typed once one is, and when snapshots, saved memory or TPM keys go anyway. A
    guest that runs has to be ticked for forcing off.
    """

    DEFAULT_CSS = """
    DeleteGuest .facts { padding-left: 4; color: $text-muted; }
    DeleteGuest .why { padding-left: 4; color: $warning; }
    """
    AUTO_FOCUS = "#cancel"
    dangerous = True
    note_rows = 1

    def __init__(self, plan: DeletionPlan) -> None:
        super().__init__()
        self._plan = plan
        name = plan.facts.name
        # What cannot be typed, or looks like something else, is no proof of attention.
        typable = visible(name) == name and name.isprintable() and name == name.strip()
        self._proof = name if typable else plan.facts.uuid[:8]
        self._proof_is = "the guest's name" if typable else "the start of the guest's UUID"

    @property
    def title_text(self) -> str:
        return f"Delete {self._plan.facts.name}"

    @property
    def keys(self) -> Keys:
        if self._plan.refused:
            return (("Esc", "close"),)
        return (
            ("Tab ↑↓" if not self.ascii_only else "Tab", "move"),
            ("Space", "tick"),
            ("Esc", "keep everything"),
        )

    def body(self) -> ComposeResult:
        plan = self._plan
        if plan.refused:
            yield Static(plain(plan.refused, "$warning"))
            return
        yield Static(plain("This goes for good:"))
        yield Static(paragraph(f"- {line}" for line in plan.goes), classes="goes")
        if plan.choices:
            yield Static(plain("Volumes stay unless you tick them:"), classes="gap")
        for index, choice in enumerate(plan.choices):
            yield from self._volume(index, choice)
        if plan.facts.incomplete:
            lines = [f"Not known: {line}" for line in plan.facts.incomplete]
            yield Static(paragraph(lines, "$warning"), classes="gap")
        if plan.facts.active:
            label = "force it off first: what it has not written is lost"
            yield Tick(plain(label), id="force").add_class("gap")
        yield Static(
            Content.assemble(f"Type {self._proof_is}, ", plain(self._proof, "bold"), ":"),
            id="ask",
            classes="gap hidden",
        )
        yield field("Name", Input(id="proof", compact=True), id="proof-row")

    def _volume(self, index: int, choice: VolumeChoice) -> ComposeResult:
        facts = choice.facts
        label = "  ".join(filter(None, (" ".join(facts.targets), facts.format, _size(choice))))
        if choice.refused:
            yield Static(plain(f" -  {label}"))
        else:
            yield Tick(plain(f"delete {label}"), id=f"volume-{index}")
        lines = [facts.path]
        if facts.pool:
            lines.append(f"pool {facts.pool}, volume {facts.volume}")
        if facts.backing:
            lines.append(f"backed by {facts.backing} (that stays)")
        lines += [f"used by the guest {owner}" for owner in facts.owners]
        lines += [f"backs {child}" for child in facts.children]
        yield Static(paragraph(lines), classes="facts")
        why = f"kept: {choice.refused}" if choice.refused else choice.warning
        if why:
            yield Static(plain(why), classes="why")

    def buttons(self) -> Iterable[Button]:
        yield button("Keep" if not self._plan.refused else "Close", "cancel")
        if not self._plan.refused:
            yield button("Delete", "delete", dangerous=True)

    def on_mount(self) -> None:
        if not self._plan.refused:
            self._update()

    @on(Tick.Changed)
    @on(Input.Changed)
    def _update(self) -> None:
        ticked = self._ticked()
        data_stays = not (ticked or self._plan.data)
        self.query_one("#ask").set_class(data_stays, "hidden")
        self.query_one("#proof-row").set_class(data_stays, "hidden")
        missing = self._missing()
        self.note(missing)
        delete = self.query_one("#delete", Button)
        delete.disabled = bool(missing)
        count = len(ticked)
        volumes = f", {count} volume{'s' if count > 1 else ''}" if count else ""
        relabel(delete, f"Delete guest{volumes}")

    def _ticked(self) -> tuple[str, ...]:
        return tuple(
            choice.facts.path
            for index, choice in enumerate(self._plan.choices)
            if not choice.refused and self.query_one(f"#volume-{index}", Tick).value
        )

    def _forces(self) -> bool:
        return self._plan.facts.active and self.query_one("#force", Tick).value

    def _missing(self) -> str:
        """What still stands between the person and the deletion, "" for nothing."""
        if self._plan.facts.active and not self._forces():
            return "It is running: tick that it is forced off first."
        data_goes = self._plan.data or self._ticked()
        if data_goes and self.query_one("#proof", Input).value != self._proof:
            return f"Not yet: {self._proof_is} has to be typed exactly."
        return ""

    @on(Button.Pressed, "#delete")
    @on(Input.Submitted)
    def _delete(self) -> None:
        if not self._missing():
            self.dismiss(DeletionOrder(volumes=self._ticked(), force_off=self._forces()))

    @on(Button.Pressed, "#cancel")
    def _keep(self) -> None:
        self.dismiss(None)


def _size(choice: VolumeChoice) -> str:
    facts = choice.facts
    if facts.exists is False:
        return "does not exist"
    if facts.capacity is None and facts.allocation is None:
        return "size not reported"
    if facts.allocation is None:
        return f"{byte_count(facts.capacity)} in size"
    taken = f"{byte_count(facts.allocation)} on disk"
    return taken if facts.capacity is None else f"{taken}, {byte_count(facts.capacity)} in size"
