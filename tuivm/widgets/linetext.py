"""Lines of styled text that repaint only when they change, and never ask for a new layout."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget


class LineText(Widget):
    """Shows `Content` in the room it is given; what does not fit is cut off."""

    DEFAULT_CSS = """
    LineText { height: 1; width: 1fr; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id, classes=classes)
        self._content = Content()

    @property
    def plain(self) -> str:
        return self._content.plain

    def set_content(self, content: Content) -> None:
        """Show this; the same again paints nothing."""
        if not content.is_same(self._content):
            self._content = content
            self.refresh()

    def render(self) -> Content:
        return self._content
