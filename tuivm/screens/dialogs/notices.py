"""The last notices: what was done to which guest, and what failed."""

from __future__ import annotations

import time
from collections.abc import Sequence

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from tuivm.model.notices import Notice
from tuivm.screens.dialogs.base import Dialog, Keys, paragraph, plain


class Notices(Dialog[None]):
    """Shows them newest first, whatever order they come in."""

    DEFAULT_CSS = "Notices #dialog { width: 100; }"
    AUTO_FOCUS = "Reader"
    reads = True

    def __init__(self, entries: Sequence[Notice]) -> None:
        super().__init__()
        self._entries = sorted(entries, key=lambda entry: entry.at, reverse=True)

    @property
    def title_text(self) -> str:
        return "Notices"

    @property
    def keys(self) -> Keys:
        return (("up/down" if self.ascii_only else "↑↓", "scroll"), ("Esc", "close"))

    def body(self) -> ComposeResult:
        if not self._entries:
            yield Static(plain("Nothing has happened yet."))
        for entry in self._entries:
            yield Static(self._entry(entry))

    def _entry(self, entry: Notice) -> Content:
        clock = time.strftime("%H:%M:%S", time.localtime(entry.at))
        mark = ("x" if self.ascii_only else "✖") if entry.bad else " "
        about = " on ".join(filter(None, (entry.guest, entry.host)))
        head = Content.assemble(
            (clock, "$text-muted"), (f" {mark} ", "bold $error"), plain(about, "bold")
        )
        text = paragraph(entry.text.split("\n"), "$error" if entry.bad else "")
        return Content.assemble(head, ": " if about else "", text)
