"""Ways to look at a guest: its serial consoles, to be opened here, and its displays elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual import on
from textual.app import ComposeResult
from textual.widgets import Button, Static
from textual.widgets.option_list import Option

from tuivm.model.consoles import Views
from tuivm.screens.dialogs.base import Dialog, Keys, Picker, button, paragraph, plain


class LookAt(Dialog[str]):
    """Answers `SerialPort.device` of the port to be opened, "" being the first of all.

    off: the guest does not run, and would be started. commands: for other terminals and viewers.
    """

    DEFAULT_CSS = """
    LookAt #dialog { width: 92; }
    LookAt .label { color: $text-muted; }
    """
    AUTO_FOCUS = "Picker, #cancel"

    def __init__(self, guest: str, views: Views, *, off: bool, commands: Sequence[str]) -> None:
        super().__init__()
        self._guest = guest
        self._ports = [port for port in views.ports if not port.refusal]
        self._views = views
        self._off = off
        self._commands = tuple(commands)

    @property
    def title_text(self) -> str:
        return f"Look at {self._guest}"

    @property
    def keys(self) -> Keys:
        if not self._ports:
            return (("Esc", "close"),)
        return (("Enter", self._verb.lower()), ("Esc", "cancel"))

    @property
    def _verb(self) -> str:
        return "Start and open" if self._off else "Open"

    def body(self) -> ComposeResult:
        if self._off and self._ports:
            yield Static(plain("It is off: it is started once its console is open.", "$warning"))
        if self._ports:
            options = [
                Option(plain(f"serial console {port.device or number}  {port.model}"))
                for number, port in enumerate(self._ports)
            ]
            yield Picker(*options)
            yield Static(plain("Ctrl+] comes back to tuivm; everything else goes to the guest."))
        else:
            yield Static(plain("It has no serial console that can be opened here.", "$warning"))
            yield Static(plain("One is added for the next boot with the first command below."))
        refused = [
            f"not {port.device or 'its port'} ({port.model}): {port.refusal}"
            for port in self._views.ports
            if port.refusal
        ]
        if refused:
            yield Static(paragraph(refused), classes="label")
        shown = [
            f"{one.kind.upper()}  {one.address or 'its address is chosen at the start'}"
            for one in self._views.displays
        ]
        yield Static(plain("Displays:" if shown else "It has no display."), classes="label gap")
        yield Static(paragraph(shown))
        yield Static(plain("Elsewhere:"), classes="label")
        yield Static(paragraph(self._commands, "bold"), id="commands")

    def buttons(self) -> Iterable[Button]:
        yield button("Cancel" if self._ports else "Close", "cancel")
        if self._ports:
            yield button(self._verb, "open")

    @on(Picker.OptionSelected)
    def _chosen(self, event: Picker.OptionSelected) -> None:
        self.dismiss(self._ports[event.option_index].device)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "open":
            place = self.query_one(Picker).highlighted or 0
            self.dismiss(self._ports[place].device)
        else:
            self.dismiss(None)
