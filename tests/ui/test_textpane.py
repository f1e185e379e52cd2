"""Wrapped text that scrolls by itself: what is seen of it, and no layout for another text."""

from __future__ import annotations

from textual import events
from textual.app import App, ComposeResult
from textual.content import Content
from textual.pilot import Pilot

from tuivm.widgets.textpane import TextPane

LONG = Content("\n".join(f"line {number}" for number in range(40)))


class OnePane(App[None]):
    def get_theme_variable_defaults(self) -> dict[str, str]:
        return {"quiet": "#888888"}

    def compose(self) -> ComposeResult:
        yield TextPane()

    @property
    def pane(self) -> TextPane:
        return self.query_one(TextPane)


def seen(app: OnePane) -> list[str]:
    strips = app.screen._compositor.render_strips()
    return [strip.text.rstrip() for strip in strips]


async def press(pilot: Pilot[None], *keys: str) -> None:
    await pilot.press(*keys)
    await pilot.pause()


async def test_what_fits_has_no_scrollbar() -> None:
    app = OnePane()
    async with app.run_test(size=(20, 5)) as pilot:
        app.pane.set_content(Content("two words\nand more"))
        await pilot.pause()
        assert seen(app) == ["two words", "and more", "", "", ""]
        app.pane.focus()
        await press(pilot, "j", "G")
        assert seen(app)[0] == "two words", "there is nothing to scroll to"


async def test_it_is_wrapped_to_the_room_that_there_is() -> None:
    app = OnePane()
    async with app.run_test(size=(14, 5)) as pilot:
        app.pane.set_content(Content("some words that wrap"))
        await pilot.pause()
        assert seen(app)[:2] == ["some words", "that wrap"]
        await pilot.resize_terminal(40, 5)
        await pilot.pause()
        assert seen(app)[0] == "some words that wrap"


async def test_all_of_it_can_be_scrolled_to_by_keys_and_wheel() -> None:
    app = OnePane()
    async with app.run_test(size=(20, 10)) as pilot:
        app.pane.set_content(LONG)
        app.pane.focus()
        await pilot.pause()
        assert seen(app)[0] == f"{'line 0':<18} ┃"
        assert seen(app)[-1] == f"{'line 9':<18} │"
        await press(pilot, "j", "j", "k")
        assert seen(app)[0].startswith("line 1 ")
        await press(pilot, "pagedown")
        assert seen(app)[0].startswith("line 10 ")
        await press(pilot, "G")
        assert seen(app)[-1] == f"{'line 39':<18} ┃"
        await press(pilot, "j")
        assert seen(app)[-1].startswith("line 39"), "that is the end"
        await press(pilot, "g")
        assert seen(app)[0].startswith("line 0")
        wheel = events.MouseScrollDown(app.pane, 1, 1, 0, 1, 0, False, False, False)
        app.pane.post_message(wheel)
        await pilot.pause()
        assert seen(app)[0].startswith("line 3")


async def test_another_text_is_shown_from_its_top_and_the_same_from_where_one_was() -> None:
    app = OnePane()
    async with app.run_test(size=(20, 10)) as pilot:
        app.pane.set_content(LONG)
        app.pane.focus()
        await press(pilot, "G")
        app.pane.set_content(Content(f"{LONG.plain}\nlast"))
        await pilot.pause()
        assert seen(app)[0].startswith("line 30"), "it grew by a line"
        app.pane.set_content(LONG, from_top=True)
        await pilot.pause()
        assert seen(app)[0].startswith("line 0")
        await press(pilot, "G")
        app.pane.set_content(Content("short"))
        await pilot.pause()
        assert seen(app)[0] == "short", "shorter than where one was"


async def test_ascii() -> None:
    app = OnePane()
    async with app.run_test(size=(20, 10)) as pilot:
        app.pane.ascii = True
        app.pane.set_content(LONG)
        await pilot.pause()
        assert "".join(seen(app)).isascii()
        assert seen(app)[0].endswith("#")


async def test_another_text_asks_for_no_new_layout() -> None:
    layouts = 0
    app = OnePane()
    async with app.run_test(size=(20, 10)) as pilot:
        await pilot.pause()
        original = app.screen._refresh_layout

        def counted(*args: object, **kwargs: object) -> None:
            nonlocal layouts
            layouts += 1
            original(*args, **kwargs)  # type: ignore[arg-type]

        app.screen._refresh_layout = counted  # type: ignore[method-assign]
        for number in range(1, 5):
            app.pane.set_content(Content("\n".join(LONG.plain.splitlines()[: number * 9])))
            await pilot.pause()
        assert layouts == 0
