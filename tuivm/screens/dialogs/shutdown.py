"""How a guest is asked to stop or to reboot."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tuivm.model.requests import ShutdownMode
from tuivm.screens.dialogs.base import Dialog, Keys, Picker, paragraph, plain

_EXPLAINED = {
    ShutdownMode.DEFAULT: "libvirt chooses: the guest agent where one answers, else ACPI",
    ShutdownMode.ACPI: "as if the power button was pressed; the guest may ignore it",
    ShutdownMode.AGENT: "qemu-guest-agent inside the guest does it; it must be running there",
}
_LABELS = {
    ShutdownMode.DEFAULT: "Default",
    ShutdownMode.ACPI: "ACPI",
    ShutdownMode.AGENT: "Agent",
}


class ShutDown(Dialog[ShutdownMode]):
    """Answers how. names: the guests, a line each. verb: "Shut down" or "Reboot"."""

    AUTO_FOCUS = "Picker"

    def __init__(
        self,
        names: Sequence[str],
        verb: str = "Shut down",
        modes: Sequence[ShutdownMode] = tuple(ShutdownMode),
    ) -> None:
        super().__init__()
        self._names = tuple(names)
        self._verb = verb
        self._modes = tuple(modes)

    @property
    def title_text(self) -> str:
        return self._verb

    @property
    def keys(self) -> Keys:
        return (("Enter", self._verb.lower()), ("Esc", "cancel"))

    def body(self) -> ComposeResult:
        yield Static(paragraph(self._names))
        yield Picker(
            *(
                Option(plain(f"{_LABELS[mode]:<8}", "bold") + plain(_EXPLAINED[mode]))
                for mode in self._modes
            ),
            classes="gap",
        )

    def on_mount(self) -> None:
        self.query_one(Picker).highlighted = 0

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._modes[event.option_index])
