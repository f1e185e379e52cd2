"""A device that the host may miss: whoever knows better types its address."""

from __future__ import annotations

from collections.abc import Iterable

from textual import on
from textual.app import ComposeResult
from textual.widgets import Button, Static

from tuivm.model.findings import Finding, Severity
from tuivm.model.offers import HostDevice
from tuivm.screens.dialogs.base import Dialog, button, plain
from tuivm.screens.dialogs.findings import FindingList


class Override(Dialog[bool]):
    """Answers whether the address was typed; None when it was left."""

    DEFAULT_CSS = """
    Override #dialog { width: 92; }
    """
    AUTO_FOCUS = "Input"
    dangerous = True

    def __init__(self, device: HostDevice, words: str, findings: Iterable[Finding]) -> None:
        """words: the verdict. findings: those that stop."""
        super().__init__()
        self._device = device
        self._words = words
        self._stops = [one for one in findings if one.severity is Severity.ERROR]

    @property
    def title_text(self) -> str:
        return f"Take {self._device.address} all the same?"

    def body(self) -> ComposeResult:
        yield Static(plain(self._words, "bold"))
        yield FindingList()

    def buttons(self) -> Iterable[Button]:
        yield button("Leave it", "cancel")
        yield button("Take it", "take", dangerous=True)

    def on_mount(self) -> None:
        self.query_one(FindingList).show(self._stops, (self._device.address,))
        self._stand()

    @on(FindingList.Changed)
    def _stand(self) -> None:
        self.query_one("#take", Button).disabled = bool(self.query_one(FindingList).untyped)

    @on(Button.Pressed, "#take")
    def _take(self) -> None:
        self.dismiss(True)

    @on(Button.Pressed, "#cancel")
    def _leave(self) -> None:
        self.dismiss(None)
