"""One value of several on one line, turned by the arrows."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget


class Cycler(Widget, can_focus=True):
    """One value of several on one line."""

    DEFAULT_CSS = """
    Cycler { height: 1; width: 1fr; text-wrap: nowrap; text-overflow: ellipsis; }
    Cycler:focus { text-style: bold; background: $block-cursor-background;
        color: $block-cursor-foreground; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "turn(-1)", "Before", show=False),
        Binding("right,l", "turn(1)", "Next", show=False),
        Binding("space", "open", "Choose", show=False),
        Binding("delete,backspace", "forget", "Default", show=False),
        Binding("j", "app.focus_next", "Next field", show=False),
        Binding("k", "app.focus_previous", "Previous field", show=False),
    ]

    class Turned(Message):
        """by: -1, 1; 0 to choose from all; None to go back to the default."""

        def __init__(self, by: int | None) -> None:
            super().__init__()
            self.by = by

    def __init__(self) -> None:
        super().__init__()
        self._content = Content()

    def on_mount(self) -> None:
        if self.app.has_class("-ascii"):
            # An ellipsis is none of its characters.
            self.styles.text_overflow = "clip"

    @property
    def plain(self) -> str:
        return self._content.plain

    def set_content(self, content: Content) -> None:
        if not content.is_same(self._content):
            self._content = content
            self.refresh()

    def render(self) -> Content:
        # One colour for all of it: no theme has all its roles readable on the cursor.
        return Content(self._content.plain) if self.has_focus else self._content

    def action_turn(self, by: int) -> None:
        self.post_message(self.Turned(by))

    def action_open(self) -> None:
        self.post_message(self.Turned(0))

    def action_forget(self) -> None:
        self.post_message(self.Turned(None))

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.post_message(self.Turned(0))
