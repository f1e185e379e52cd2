"""A program that only shows a dialog, and what every dialog has to stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Static

from tuivm.screens.dialogs.base import Dialog
from tuivm.themes import VARIABLE_DEFAULTS, load_themes

NASTY = "[bold red]x[/] [/nope] \x1b[2J\u202etxt 🦊"
"""A name with markup, broken markup, an escape sequence, a bidi override and a wide character."""
NASTY_SHOWN = "[bold red]x[/] [/nope] ␛[2J⁞txt 🦊"

PENDING = object()


class DialogApp(App[None]):
    """answer: what the dialog answered, PENDING while it is open."""

    # As in the places: a screen with a scroll bar of its own never settles at 1x1.
    CSS = "Screen { overflow: hidden; }"

    def __init__(self, dialog: Dialog[Any], *, ascii_only: bool = False) -> None:
        super().__init__()
        for theme in load_themes().themes:
            self.register_theme(theme)
        self.theme = "dark"
        self.set_class(ascii_only, "-ascii")
        self.animation_level = "none"
        self.dialog = dialog
        self.answer: object = PENDING

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return VARIABLE_DEFAULTS

    def compose(self) -> ComposeResult:
        yield Static("underneath")

    def on_mount(self) -> None:
        self.push_screen(self.dialog, self._answered)

    def _answered(self, answer: object) -> None:
        self.answer = answer


async def until(pilot: Pilot[Any], condition: Callable[[], bool]) -> None:
    """Wait for a condition; the test's own time limit ends one that never comes."""
    while not condition():
        await pilot.pause(0)


def screen_text(app: App[Any]) -> str:
    """All rows on the screen as they are painted, "" before the first layout."""
    width, height = app.size
    lines = app.screen._compositor.render_strips()
    if len(lines) != height:
        return ""
    assert all(line.cell_length == width for line in lines)
    return "\n".join(line.text for line in lines)


def words(app: App[Any]) -> str:
    """The dialog's text without frame and line breaks, for text that may have wrapped."""
    rows = (line.strip().strip("│|").strip() for line in screen_text(app).splitlines())
    return " ".join(" ".join(rows).split())


def full_text(app: DialogApp) -> str:
    """The text of every Static of the dialog, also of what is scrolled away."""
    return "\n".join(str(widget.render()) for widget in app.dialog.query(Static))


def focused(app: App[Any]) -> Widget:
    assert app.focused is not None
    return app.focused


async def stands_resizing(make: Callable[[], Dialog[Any]], cancelled: object = None) -> None:
    """Down to 1x1 and back, at 40x12 and wide; then Esc still leaves it."""
    app = DialogApp(make())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.screen is app.dialog)
        await pilot.pause()
        app.dialog.scroller.scroll_home(animate=False)
        await pilot.pause()
        before = screen_text(app)
        for width, height in ((1, 1), (40, 12), (3, 50), (200, 2), (200, 60), (80, 24)):
            await pilot.resize_terminal(width, height)
            await until(pilot, lambda size=(width, height): app.dialog.size == size)  # type: ignore[misc]
            await pilot.press("tab", "shift+tab")
            screen_text(app)
        # Textual's bar keeps the position it had when it was hidden, until the next scrolling.
        app.dialog.scroller.scroll_end(animate=False)
        await pilot.pause()
        app.dialog.scroller.scroll_home(animate=False)
        await until(pilot, lambda: screen_text(app) == before)
        await pilot.press("escape")
        await until(pilot, lambda: app.answer is not PENDING)
    assert app.answer == cancelled


async def fits_small(make: Callable[[], Dialog[Any]]) -> None:
    """At 40x12, title, keys and every button are on the screen, and every field can be reached."""
    app = DialogApp(make())
    async with app.run_test(size=(40, 12)) as pilot:
        await until(pilot, lambda: app.screen is app.dialog and app.focused is not None)
        whole = app.screen.region
        for button in app.dialog.query("Button, #dialog-title, #dialog-keys"):
            assert whole.contains_region(button.region), button
        first = focused(app)
        seen: set[Widget] = set()
        while True:
            before = focused(app)
            seen.add(before)
            await pilot.press("tab")
            if len(app.dialog.focus_chain) > 1:
                await until(pilot, lambda before=before: focused(app) is not before)  # type: ignore[misc]
            where = focused(app)
            await until(pilot, lambda where=where: _seen(app, where))  # type: ignore[misc]
            assert whole.overlaps(where.region), where
            if where is first:
                break
        reachable = set(app.dialog.focus_chain)
        assert seen == reachable


def _seen(app: DialogApp, widget: Widget) -> bool:
    """Whether some of it is on the screen."""
    return app.dialog.find_widget(widget).visible_region.area > 0


async def all_ascii(make: Callable[[], Dialog[Any]]) -> None:
    """Where the terminal has no box characters, none is painted (nothing needs to scroll)."""
    app = DialogApp(make(), ascii_only=True)
    async with app.run_test(size=(120, 60)) as pilot:
        await until(pilot, lambda: app.screen is app.dialog)
        await pilot.pause()
        assert screen_text(app).isascii(), [c for c in screen_text(app) if not c.isascii()]
