"""What libvirt asks for while it connects."""

from __future__ import annotations

from collections.abc import Iterable

from textual import on
from textual.app import ComposeResult
from textual.widgets import Button, Input, Static

from tuivm.model.ports import CredentialRequest
from tuivm.screens.dialogs.base import Dialog, Keys, button, plain


class Credentials(Dialog[tuple[str, ...]]):
    """Answers one string a prompt, None when declined. Nothing of it is kept or logged.

    Whoever shows it calls `request.answer`.
    """

    AUTO_FOCUS = "Input"

    def __init__(self, request: CredentialRequest) -> None:
        super().__init__()
        self._request = request

    @property
    def title_text(self) -> str:
        return f"{self._request.host} asks"

    @property
    def keys(self) -> Keys:
        return (("Enter", "next, connect"), ("Esc", "do not connect"))

    def body(self) -> ComposeResult:
        for index, prompt in enumerate(self._request.prompts):
            yield Static(plain(prompt.text))
            yield Input(prompt.default, password=prompt.secret, id=f"answer-{index}", compact=True)

    def buttons(self) -> Iterable[Button]:
        return (button("Cancel", "cancel"), button("Connect", "connect"))

    @on(Input.Submitted)
    def _next(self, event: Input.Submitted) -> None:
        fields = list(self.query(Input))
        after = fields[fields.index(event.input) + 1 :]
        if after:
            after[0].focus()
        else:
            self._connect()

    @on(Button.Pressed, "#connect")
    def _connect(self) -> None:
        self.dismiss(tuple(field.value for field in self.query(Input)))

    @on(Button.Pressed, "#cancel")
    def _cancel(self) -> None:
        self.dismiss(None)
