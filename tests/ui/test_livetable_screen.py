"""After any sequence of changes the terminal shows the same as if all had been painted at once.

Textual's test driver writes nothing, so what it would write goes to a terminal made of pyte.
"""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from typing import Any

import pyte
import pytest
from rich.console import Console
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.pilot import Pilot
from textual.screen import Screen

from tests.ui.test_livetable import TableApp, heading, row
from tuivm._compat import paint_changed_spans_only
from tuivm.widgets.rowset import Row

WIDTH, HEIGHT = 44, 12
NAMES = [*(f"guest-{n}" for n in range(20)), "名前サーバー", "🚀", "é\u0301", "שלום", "x" * 60]


class OnPyte(TableApp):
    def __init__(self) -> None:
        super().__init__()
        # Rich remembers in a style how it was written first, and the snapshots are in true colour.
        self.console = Console(
            file=io.StringIO(), force_terminal=True, color_system="truecolor", width=WIDTH
        )
        self.terminal = pyte.Screen(WIDTH, HEIGHT)
        self.stream = pyte.Stream(self.terminal)
        self.partial = 0

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        if isinstance(renderable, (ChopsUpdate, LayoutUpdate)):
            self.partial += isinstance(renderable, ChopsUpdate)
            # pyte drops what follows a direction mark in the same piece of text.
            self.stream.feed(renderable.render_segments(self.console).replace("\u200e", ""))
        super()._display(screen, renderable)

    def shown(self) -> list[str]:
        """Lines by cell: text, background and, where it can be seen, foreground."""

        def cell(char: Any) -> str:
            return f"{char.data}{char.bg}" + ("" if char.data == " " else str(char.fg))

        lines = self.terminal.buffer
        return ["|".join(cell(lines[y][x]) for x in range(WIDTH)) for y in range(HEIGHT)]


@pytest.fixture(params=[False, True], ids=["as Textual paints", "changed spans only"])
def _painting(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ChopsUpdate, "render_segments", ChopsUpdate.render_segments)
    if request.param:
        paint_changed_spans_only()


def pictures(dice: random.Random) -> Iterator[list[Row]]:
    """Mostly the same number of rows: when it changes, Textual repaints the whole table."""
    names = dice.sample(NAMES, 15)
    while True:
        spare = [name for name in NAMES if name not in names]
        kind = dice.random()
        if kind < 0.3:
            dice.shuffle(names)
        elif kind < 0.5 and names and spare:
            names[dice.randrange(len(names))] = dice.choice(spare)
        elif kind < 0.55:
            names = names[: dice.randint(0, 12)]
        elif kind < 0.6 or not names:
            names += dice.sample(spare, min(8, len(spare)))
        rows = [row(name, str(dice.randint(0, 2)), str(dice.randint(0, 2))) for name in names]
        rows.insert(dice.randint(0, min(2, len(rows))), heading(f"local {dice.randint(0, 1)}"))
        yield rows if names else []


async def act(pilot: Pilot[Any], dice: random.Random, rows: list[Row]) -> None:
    app = pilot.app
    assert isinstance(app, OnPyte)
    table = app.table
    if dice.random() < 0.7:
        table.set_rows(rows)
    for _ in range(dice.randint(0, 3)):
        match dice.randint(0, 20):
            case 0:
                table.toggle()
            case 1:
                table.invert()
            case 2:
                table.sort = ("one", dice.random() < 0.5)
            case 6 | 7 | 8:
                table.scroll_to(y=dice.randint(0, 12), animate=False)
            case 4:
                table.hidden = frozenset({"two"} if dice.random() < 0.5 else ())
            case 5:
                table.ascii = dice.random() < 0.5
            case _:
                await pilot.press(dice.choice(["up", "down", "pageup", "pagedown", "home", "end"]))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.usefixtures("_painting")
async def test_the_terminal_shows_what_a_whole_repaint_would(seed: int) -> None:
    dice = random.Random(seed)
    app = OnPyte()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        for _, rows in zip(range(25), pictures(dice), strict=False):
            await act(pilot, dice, rows)
            await pilot.pause()
            app.screen._on_timer_update()
            before = app.shown()
            app.table.refresh()
            app.screen._compositor.update_widgets({app.table})
            app.screen._compositor_refresh()
            assert before == app.shown()
        assert app.partial > 15
