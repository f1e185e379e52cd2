"""Which devices to compare: ready-made choices, then every disk, NIC and passed-through device."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.widgets import Input
from textual.widgets.option_list import Option

from tuivm.model.choices import Candidate, Preset
from tuivm.model.comparison import DeviceRef
from tuivm.model.guests import GuestKey
from tuivm.model.units import count, visible
from tuivm.screens.dialogs.base import Dialog, Keys, Picker, field, plain

MOST = 400
"""Devices that the list holds; more are a matter of the filter."""


class Chosen(NamedTuple):
    """baseline: None for the one that suits best."""

    refs: tuple[DeviceRef, ...]
    baseline: DeviceRef | None = None


class DevicePicker(Picker):
    """Space ticks; Enter is the dialog's."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "screen.accept", "OK", show=False, priority=True),
        Binding("space", "screen.tick", "Tick", show=False),
        Binding("slash", "screen.filter", "Filter", show=False),
    ]

    def on_option_list_option_selected(self) -> None:
        """A click."""
        self.screen.call_later(self.screen.run_action, "tick")


class ChooseDevices(Dialog[Chosen]):
    """Answers what was ticked, or the ready-made choice under the cursor.

    find: the devices that match words. presets: on top while there are no words. ticked: at the
    start.
    """

    DEFAULT_CSS = "ChooseDevices #dialog { width: 92; }"
    AUTO_FOCUS = "DevicePicker"
    BINDINGS: ClassVar[list[BindingType]] = []
    note_rows = 1

    def __init__(
        self,
        find: Callable[[str], Sequence[Candidate]],
        presets: Sequence[Preset],
        ticked: Iterable[DeviceRef],
    ) -> None:
        super().__init__()
        self._find = find
        self._presets = tuple(presets)
        # In the order of ticking: that is the order of the rows.
        self._ticked = dict.fromkeys(ticked)
        self._rows: list[Candidate | Preset | None] = []

    @property
    def title_text(self) -> str:
        return "Devices to compare"

    @property
    def keys(self) -> Keys:
        return (("Space", "tick"), ("/", "filter"), ("Enter", "compare"), ("Esc", "cancel"))

    def body(self) -> ComposeResult:
        yield field("Filter", Input(id="words", compact=True, placeholder="web disk virtio"))
        yield DevicePicker()

    def on_mount(self) -> None:
        self._fill("")

    def _fit(self, size: Size) -> None:
        super()._fit(size)
        room = self.scroller.styles.max_height
        if room is not None:
            # The entry above it stays in sight.
            self.query(DevicePicker).set_styles(max_height=max(1, int(room.value) - 1))

    def _fill(self, words: str) -> None:
        found = self._find(words)
        options: list[Option] = []
        self._rows = []
        for preset in () if words.strip() else self._presets:
            self._rows.append(preset)
            options.append(Option(_preset_line(preset)))
        guest: GuestKey | None = None
        widths = _widths(found)
        for one in found[:MOST]:
            if one.ref.guest != guest:
                guest = one.ref.guest
                self._rows.append(None)
                options.append(Option(_heading(one), disabled=True))
            self._rows.append(one)
            options.append(Option(self._device_line(one, widths)))
        picker = self.query_one(DevicePicker)
        picker.clear_options()
        picker.add_options(options)
        picker.highlighted = next((i for i, row in enumerate(self._rows) if row is not None), None)
        self._widths = widths
        if not found:
            none = "Nothing matches." if words.strip() else "No guest has a disk or NIC."
            self.note(none)
        elif len(found) > MOST:
            self.note(f"{len(found) - MOST} more: type words to narrow it down.")
        else:
            self._count()

    def _count(self) -> None:
        self.note(f"{len(self._ticked)} ticked" if self._ticked else "")

    def _device_line(self, one: Candidate, widths: tuple[int, int]) -> Content:
        mark = "[x]" if one.ref in self._ticked else "[ ]"
        glyph = one.cls.letter if self.ascii_only else one.cls.glyph
        ios = "not reported" if one.ios is None else f"{count(one.ios)}/s"
        if not one.running:
            ios = "off"
        target, model = widths
        texts = f"{visible(one.ref.target):<{target}}  {visible(one.model):<{model}}  {ios:<12}"
        return Content.assemble(
            f" {mark} ",
            plain(glyph, f"$class-{one.cls.value}"),
            Content(f" {texts}  "),
            plain(one.note, "$text-muted"),
        )

    def action_filter(self) -> None:
        self.query_one("#words", Input).focus()

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        self._fill(event.value)

    @on(Input.Submitted)
    def _to_list(self) -> None:
        self.query_one(DevicePicker).focus()

    def _highlighted(self) -> Candidate | Preset | None:
        place = self.query_one(DevicePicker).highlighted
        return self._rows[place] if place is not None and place < len(self._rows) else None

    def action_tick(self) -> None:
        row = self._highlighted()
        if isinstance(row, Candidate):
            self._toggle(row.ref)
        elif isinstance(row, Preset):
            self._ticked = dict.fromkeys((*self._ticked, *row.refs))
        picker = self.query_one(DevicePicker)
        for place, one in enumerate(self._rows):
            if isinstance(one, Candidate) and (isinstance(row, Preset) or one is row):
                line = self._device_line(one, self._widths)
                picker.replace_option_prompt_at_index(place, line)
        self._count()

    def _toggle(self, ref: DeviceRef) -> None:
        if ref in self._ticked:
            del self._ticked[ref]
        else:
            self._ticked[ref] = None

    def action_accept(self) -> None:
        row = self._highlighted()
        if isinstance(row, Preset):
            self.dismiss(Chosen(row.refs, row.baseline))
        elif self._ticked:
            self.dismiss(Chosen(tuple(self._ticked)))
        else:
            self.note("Tick at least one device with Space.")


def _preset_line(preset: Preset) -> Content:
    return Content.assemble(
        plain(preset.title, "bold"), plain(f"  {len(preset.refs)} devices", "$text-muted")
    )


def _heading(one: Candidate) -> Content:
    return plain(f"{one.guest} on {one.host}", "bold")


def _widths(found: Sequence[Candidate]) -> tuple[int, int]:
    """Of the targets and of the models."""
    targets = max((len(visible(one.ref.target)) for one in found), default=0)
    models = max((len(visible(one.model)) for one in found), default=0)
    return min(targets, 14), min(models, 16)
