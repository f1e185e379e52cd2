"""Changing a guest's devices to another model: first what becomes what, then what that means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Static

from tuivm.model.conversion import Change, Changed, Conversion, Convertible, Option, effect
from tuivm.model.devices import Device, DeviceClass
from tuivm.model.findings import Finding, Severity
from tuivm.model.units import visible
from tuivm.screens.dialogs.base import Dialog, Keys, Tick, button, plain, relabel

_DIFF_STYLES = {"+": "$state-running", "-": "$state-bad", "@": "$text-muted"}
_SIGNS = {Severity.ERROR: ("✖", "x"), Severity.WARNING: ("▲", "!"), Severity.NOTE: ("·", "-")}


def _device(cls: DeviceClass, model: str, *, ascii_only: bool) -> Content:
    glyph = cls.letter if ascii_only else cls.glyph
    return Content.assemble((glyph, f"$class-{cls.value}"), f" {visible(model)}")


class ModelRow(Static, can_focus=True):
    """One device, and what it shall become: left and right go through what can be chosen."""

    DEFAULT_CSS = """
    ModelRow { height: 1; width: 100%; text-wrap: nowrap; text-overflow: ellipsis; }
    ModelRow:focus { background: $block-cursor-background; color: $block-cursor-foreground; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l,space", "turn(1)", "Next", show=False),
        Binding("left,h", "turn(-1)", "Previous", show=False),
    ]

    class Turned(Message):
        """Something else is chosen."""

    def __init__(self, one: Convertible, chosen: Option | None, *, ascii_only: bool) -> None:
        super().__init__()
        self.one = one
        self.chosen = chosen
        self._ascii = ascii_only
        self._able = [None, *(option for option in one.options if not option.refusal)]

    def on_mount(self) -> None:
        self._show()

    def on_focus(self) -> None:
        self.post_message(self.Turned())
        self._show()

    def on_blur(self) -> None:
        self._show()

    def _show(self) -> None:
        device, ascii_only = self.one.device, self._ascii
        parts = [
            Content(f"{device.kind.value:<6}{visible(device.mac or device.target):<18} "),
            _device(device.cls, f"{device.model:<12}", ascii_only=ascii_only),
            Content("  " + ("->" if ascii_only else "→") + "  "),
        ]
        if self.chosen is None:
            parts.append(Content("stays"))
        else:
            parts.append(_device(self.chosen.cls, self.chosen.label, ascii_only=ascii_only))
        line = Content("").join(parts)
        # On the cursor one colour has to be readable.
        self.update(Content(line.plain) if self.has_focus else line)

    def action_turn(self, by: int) -> None:
        place = self._able.index(self.chosen) + by
        self.chosen = self._able[place % len(self._able)]
        self._show()
        self.post_message(self.Turned())

    def on_click(self) -> None:
        self.action_turn(1)

    @property
    def words(self) -> tuple[str, ...]:
        """What is chosen, and what cannot be."""
        lines = [self.chosen.note] if self.chosen else ["as it is"]
        lines += [f"not {one.label}: {one.refusal}" for one in self.one.options if one.refusal]
        return tuple(lines)


class ChooseModels(Dialog[tuple[Change, ...]]):
    """Answers what is to be changed; None when nothing is.

    chosen: `Option.to` by device, at the start. at: the device that the cursor is on.
    """

    DEFAULT_CSS = """
    ChooseModels #dialog { width: 92; }
    ChooseModels #words { color: $text-muted; height: auto; }
    """
    AUTO_FOCUS = ""
    note_rows = 1
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "accept", "Continue", show=False)]

    def __init__(
        self,
        guest: str,
        devices: Sequence[Convertible],
        chosen: Mapping[Device, str],
        at: Device | None = None,
    ) -> None:
        super().__init__()
        self._guest = guest
        self._devices = tuple(devices)
        self._chosen = dict(chosen)
        self._at = at

    @property
    def title_text(self) -> str:
        return f"Change the devices of {self._guest}"

    @property
    def keys(self) -> Keys:
        move, turn = ("up/down", "left/right") if self.ascii_only else ("↑↓", "← →")
        return ((move, "device"), (turn, "model"), ("Enter", "continue"), ("Esc", "cancel"))

    def body(self) -> ComposeResult:
        for one in self._devices:
            to = self._chosen.get(one.device)
            option = next((option for option in one.options if option.to == to), None)
            yield ModelRow(one, option, ascii_only=self.ascii_only)
        yield Static(id="words", classes="gap")

    def buttons(self) -> Iterable[Button]:
        yield button("Cancel", "cancel")
        yield button("Continue", "continue")

    def on_mount(self) -> None:
        rows = list(self.query(ModelRow))
        wanted = [row for row in rows if row.one.device == self._at]
        (wanted or rows)[0].focus()
        self._tell()

    @on(ModelRow.Turned)
    def _tell(self) -> None:
        row = next((row for row in self.query(ModelRow) if row.has_focus), None)
        if row is not None:
            self.query_one("#words", Static).update(
                Content("\n").join([plain(line) for line in row.words])
            )
        self.query_one("#continue", Button).disabled = not self._changes()

    def _changes(self) -> tuple[Change, ...]:
        return tuple(
            Change(row.one.device, row.chosen.to)
            for row in self.query(ModelRow)
            if row.chosen is not None
        )

    def action_accept(self) -> None:
        changes = self._changes()
        if changes:
            self.dismiss(changes)
        else:
            self.note("Nothing changes: choose a model with left and right.")

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "continue":
            self.action_accept()
        else:
            self.dismiss(None)


class ReviewModels(Dialog[bool]):
    """Answers True to apply it, None to go back. Each warning has to be accepted by itself."""

    DEFAULT_CSS = """
    ReviewModels #dialog { width: 100; }
    ReviewModels .what { padding-left: 4; }
    ReviewModels .why { padding-left: 4; color: $text-muted; }
    ReviewModels .label { color: $text-muted; }
    """
    AUTO_FOCUS = "#back"
    note_rows = 1

    def __init__(
        self, guest: str, conversion: Conversion, findings: Sequence[Finding], *, active: bool
    ) -> None:
        super().__init__()
        self._guest = guest
        self._conversion = conversion
        self._findings = tuple(findings)
        self._active = active

    @property
    def title_text(self) -> str:
        return f"Change the devices of {self._guest}"

    @property
    def keys(self) -> Keys:
        move = "Tab up/down" if self.ascii_only else "Tab ↑↓"
        return ((move, "move"), ("Space", "accept"), ("PgDn", "scroll"), ("Esc", "back"))

    def body(self) -> ComposeResult:
        for changed in self._conversion.changed:
            yield Static(self._line(changed))
            yield Static(plain(effect(changed.before, changed.after)), classes="why")
        for number, finding in enumerate(self._findings):
            yield from self._finding(number, finding)
        yield Static(plain("What changes in libvirt's XML:"), classes="label gap")
        yield Static(Content("\n").join(map(_diff_line, self._conversion.diff)), id="diff")

    def _line(self, changed: Changed) -> Content:
        before, after = changed.before, changed.after
        return Content.assemble(
            f"{before.kind.value} {visible(before.mac or before.target)}  ",
            _device(before.cls, before.model, ascii_only=self.ascii_only),
            f" {before.cls.value}  " + ("->" if self.ascii_only else "→") + "  ",
            _device(after.cls, after.model, ascii_only=self.ascii_only),
            f" {after.cls.value}",
            "" if before.mac or before.target == after.target else f"  {visible(after.target)}",
        )

    def _finding(self, number: int, finding: Finding) -> ComposeResult:
        sign = _SIGNS[finding.severity][self.ascii_only]
        if finding.severity is Severity.WARNING:
            # A tick is one row, and what it accepts may be more.
            label = plain(f"{sign} accept this warning:")
            yield Tick(label, id=f"accept-{number}").add_class("gap", "warning")
            yield Static(plain(finding.what), classes="what")
        else:
            style = "$error" if finding.severity is Severity.ERROR else ""
            text = f"{sign} {finding.severity.value}: {finding.what}"
            yield Static(plain(text, style), classes="gap")
        lines = [line for line in (finding.why, finding.remedy and f"do: {finding.remedy}") if line]
        if lines:
            yield Static(Content("\n").join([plain(line) for line in lines]), classes="why")

    def buttons(self) -> Iterable[Button]:
        yield button("Back", "back")
        yield button("Apply", "apply")

    def on_mount(self) -> None:
        when = "Apply at the next boot" if self._active else "Apply"
        relabel(self.query_one("#apply", Button), when)
        self._look()

    @on(Tick.Changed)
    def _look(self) -> None:
        missing = self._missing()
        self.note(missing)
        self.query_one("#apply", Button).disabled = bool(missing)

    def _missing(self) -> str:
        if any(finding.severity is Severity.ERROR for finding in self._findings):
            return "An error stands in the way: go back and leave that device as it is."
        left = sum(not tick.value for tick in self.query(Tick))
        if not left:
            return ""
        return f"{left} warning{'s are' if left > 1 else ' is'} not accepted yet (Space on each)."

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "apply" and not self._missing():
            self.dismiss(True)
        elif event.button.id == "back":
            self.dismiss(None)


def _diff_line(line: str) -> Content:
    return plain(line, _DIFF_STYLES.get(line[:1], ""))
