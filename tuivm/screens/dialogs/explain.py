"""What a thing is in virtualization terms, its exact XML, and the command that does the same."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from tuivm.model.devices import DeviceClass
from tuivm.model.units import visible
from tuivm.screens.dialogs.base import Dialog, Keys, paragraph, plain

_HIGHLIGHTED = 200_000
"""Characters: colouring more than that would be felt."""
_IN_ASCII = str.maketrans(
    {
        "µ": "u",
        "×": "x",
        "±": "+-",
        "–": "-",
        **{cls.glyph: cls.letter for cls in DeviceClass},
    }
)
"""Signs of explanations; XML and commands stay as they are."""


def in_ascii(text: str) -> str:
    """An explanation in what every terminal can show."""
    return text.translate(_IN_ASCII)


def xml_content(xml: str) -> Content:
    """XML in colours, with what cannot be seen made visible."""
    lines = [visible(line.expandtabs(2)) for line in xml.replace("\r\n", "\n").split("\n")]
    text = "\n".join(lines).rstrip("\n")
    # Not before it is wanted: it brings all of pygments.
    from textual.highlight import highlight  # noqa: PLC0415

    return highlight(text, language="xml") if len(text) <= _HIGHLIGHTED else Content(text)


class Explain(Dialog[None]):
    """One paragraph, the command, the XML; "" for a part that there is not.

    late: gets what takes the place of `meanwhile`, the paragraph's last line, once it is known.
    """

    DEFAULT_CSS = """
    Explain #dialog { width: 100; }
    Explain .label { color: $text-muted; }
    """
    AUTO_FOCUS = "Reader"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy", "Copy the command", show=False),
        Binding("e", "cancel", "Close", show=False),
    ]
    reads = True

    def __init__(
        self,
        title: str,
        text: str,
        xml: str = "",
        command: str = "",
        *,
        meanwhile: str = "",
        late: Callable[[], Awaitable[str]] | None = None,
    ) -> None:
        super().__init__()
        self._meanwhile = meanwhile
        self._late = late
        self._title = title
        self._text = text
        self._xml = xml
        self._command = command

    @property
    def title_text(self) -> str:
        return self._title

    @property
    def keys(self) -> Keys:
        copy = (("y", "copy the command"),) if self._command else ()
        scroll = "up/down" if self.ascii_only else "↑↓"
        return ((scroll, "scroll"), *copy, ("Esc", "close"))

    def body(self) -> ComposeResult:
        yield Static(self._words(self._text))
        if self._late is not None:
            yield Static(self._words(self._meanwhile), id="late")
        if self._command:
            yield Static(plain("The same on the command line:"), classes="label gap")
            yield Static(paragraph(self._command.split("\n"), "bold"), id="command")
        if self._xml:
            yield Static(plain("libvirt's XML:"), classes="label gap")
            yield Static(xml_content(self._xml), id="xml")

    def on_mount(self) -> None:
        if self._late is not None:
            self.run_worker(self._show(self._late))

    async def _show(self, late: Callable[[], Awaitable[str]]) -> None:
        self.query_one("#late", Static).update(self._words(await late()))

    def _words(self, text: str) -> Content:
        return paragraph((in_ascii(text) if self.ascii_only else text).split("\n"))

    def action_copy(self) -> None:
        """Hand the command to the terminal's clipboard (OSC 52)."""
        if self._command:
            self.app.copy_to_clipboard(self._command)
            self.notify("The command was handed to the terminal's clipboard.", markup=False)
