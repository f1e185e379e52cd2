"""The live table: cursor and marks on keys, painting only what changed, every width of text."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from rich.cells import cell_len
from rich.style import Style
from textual.app import App, ComposeResult
from textual.content import Content
from textual.geometry import Region
from textual.pilot import Pilot
from textual.scrollbar import ScrollBarRender

from tests.unit.test_columns import NOW, RATES, view
from tuivm.model.columns import COLUMNS, row_cells
from tuivm.model.guests import GuestState
from tuivm.model.rates import MemorySource
from tuivm.model.table import Cell, Column
from tuivm.themes import VARIABLE_DEFAULTS
from tuivm.widgets.livetable import LiveTable
from tuivm.widgets.rowset import Row
from tuivm.widgets.tabletext import lay_cell, segments

PLAIN = (
    Column("name", "NAME", 8, flex=1, maximum=20, priority=9),
    Column("one", "ONE", 5, align="right", priority=8, descending=True),
    Column("two", "TWO", 5, align="right", priority=7),
    Column("two.short", "2", 1, priority=8, short_for="two"),
)


class Watched(LiveTable):
    """Remembers what it asked Textual to repaint; None is everything."""

    asked: list[Region | None]

    def refresh(self, *regions: Region, **options: bool) -> Watched:  # type: ignore[override]
        if not hasattr(self, "asked"):
            self.asked = []
        if options.get("repaint", True):
            self.asked += regions or [None]
        return super().refresh(*regions, **options)


class TableApp(App[None]):
    def __init__(self, columns: tuple[Column, ...] = PLAIN) -> None:
        super().__init__()
        self.columns = columns
        self.told: list[tuple[str, object]] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return VARIABLE_DEFAULTS

    def compose(self) -> ComposeResult:
        yield Watched(self.columns)

    def on_mount(self) -> None:
        self.table.focus()

    @property
    def table(self) -> Watched:
        return self.query_one(Watched)

    def on_live_table_highlighted(self, message: LiveTable.Highlighted) -> None:
        assert message.control is self.table
        self.told.append(("highlighted", message.key))

    def on_live_table_chosen(self, message: LiveTable.Chosen) -> None:
        self.told.append(("chosen", message.key))

    def on_live_table_sort_requested(self, message: LiveTable.SortRequested) -> None:
        self.told.append(("sort", message.column_id))

    def on_live_table_selection_changed(self, message: LiveTable.SelectionChanged) -> None:
        self.told.append(("selected", message.selected))

    def on_live_table_view_changed(self, message: LiveTable.ViewChanged) -> None:
        self.told.append(("view", message.keys))

    def last(self, what: str) -> object:
        return next(value for name, value in reversed(self.told) if name == what)


def row(key: str, one: str = "1", two: str = "2") -> Row:
    return Row(key, (((key, ""),), ((one, ""),), ((two, "dim"),), ((two, "dim"),)))


def heading(text: str) -> Row:
    return Row(("heading", text), (((text, ""),),), heading=True)


def rows(keys: Iterable[object]) -> list[Row]:
    return [row(str(key)) for key in keys]


async def show(pilot: Pilot[None], what: Iterable[Row]) -> Watched:
    app = pilot.app
    assert isinstance(app, TableApp)
    app.table.set_rows(what)
    await pilot.pause()
    return app.table


def lines(table: LiveTable) -> list[str]:
    return [table.render_line(y).text.rstrip() for y in range(table.size.height)]


def screen_line(table: LiveTable) -> int:
    """On which line of the widget the cursor is painted."""
    keys = [row.key for row in table.rows]
    return keys.index(table.cursor) - table.scroll_offset.y + 1


SIZE = (40, 11)
"""One line of header, ten of rows."""


async def test_it_shows_titles_and_rows() -> None:
    async with TableApp().run_test(size=SIZE) as pilot:
        table = await show(pilot, rows(("a", "b")))
        assert lines(table)[:4] == [
            "  NAME                   ONE   TWO",
            "  a                        1     2",
            "  b                        1     2",
            "",
        ]
        assert pilot.app.last("highlighted") == "a"  # type: ignore[attr-defined]


async def test_the_cursor_stays_on_its_key_and_line_as_rows_come_and_go_above() -> None:
    async with TableApp().run_test(size=SIZE) as pilot:
        table = await show(pilot, rows(range(50)))
        table.move_to("20")
        await pilot.press("up", "up")
        at = screen_line(table)
        assert table.cursor == "18"
        await show(pilot, [*rows(["x", "y", "z"]), *rows(range(50))])
        assert (table.cursor, screen_line(table)) == ("18", at)
        await show(pilot, rows(n for n in range(50) if n not in (3, 4, 5, 30)))
        assert (table.cursor, screen_line(table)) == ("18", at)


async def test_a_new_order_moves_the_cursor_with_its_key_and_keeps_the_top() -> None:
    async with TableApp().run_test(size=SIZE) as pilot:
        table = await show(pilot, rows(range(30)))
        await pilot.press("down", "down")
        await show(pilot, rows([5, 4, 3, 2, 1, 0, *range(6, 30)]))
        assert (table.cursor, screen_line(table), table.scroll_offset.y) == ("2", 4, 0)
        await show(pilot, rows(reversed(range(30))))
        assert table.cursor == "2"
        assert 1 <= screen_line(table) <= 10


async def test_until_something_was_moved_the_list_is_shown_from_its_top() -> None:
    async with TableApp().run_test(size=SIZE) as pilot:
        table = await show(pilot, rows(range(10, 20)))
        await show(pilot, rows(range(8, 30)))
        assert (table.cursor, table.scroll_offset.y) == ("10", 0)


@pytest.mark.parametrize(
    ("gone", "then"),
    [({"5"}, "6"), ({"5", "6"}, "4"), (set(map(str, range(5, 10))), "4"), ({"0", "5", "4"}, "6")],
)
async def test_when_its_row_goes_the_cursor_goes_to_the_nearest(gone: set[str], then: str) -> None:
    async with TableApp().run_test(size=SIZE) as pilot:
        app = pilot.app
        table = await show(pilot, rows(range(10)))
        table.move_to("5")
        await show(pilot, [r for r in rows(range(10)) if r.key not in gone])
        assert table.cursor == app.last("highlighted") == then  # type: ignore[attr-defined]


async def test_all_rows_go_and_come_back() -> None:
    async with TableApp().run_test(size=SIZE) as pilot:
        app = pilot.app
        assert isinstance(app, TableApp)
        app.table.empty = Content("no guest matches")
        table = await show(pilot, rows(range(30)))
        await pilot.press("end")
        await show(pilot, ())
        assert table.cursor is None
        assert app.last("highlighted") is None
        assert app.last("view") == frozenset()
        assert "            no guest matches" in lines(table)
        for key in ("up", "down", "pageup", "pagedown", "home", "end"):
            await pilot.press(key)
        table.toggle()
        table.choose()
        await show(pilot, rows(range(3)))
        assert table.cursor == "0"
        assert lines(table)[1].split() == ["0", "1", "2"]


async def test_moving_by_keys() -> None:
    async with TableApp().run_test(size=SIZE) as pilot:
        table = await show(pilot, rows(range(40)))
        for key, cursor, top in (
            ("j", "1", 0),
            ("down", "2", 0),
            ("k", "1", 0),
            ("up", "0", 0),
            ("up", "0", 0),
            ("pagedown", "9", 0),
            ("pagedown", "18", 9),
            ("G", "39", 30),
            ("down", "39", 30),
            ("pageup", "30", 30),
            ("k", "29", 29),
            ("g", "0", 0),
            ("end", "39", 30),
            ("home", "0", 0),
        ):
            await pilot.press(key)
            assert (table.cursor, table.scroll_offset.y) == (cursor, top), key


async def test_headings_are_skipped_and_shown_with_the_first_row_under_them() -> None:
    async with TableApp().run_test(size=SIZE) as pilot:
        groups = [heading("H1"), *rows("ab"), heading("H2"), heading("H3"), *rows("cdefghijkl")]
        table = await show(pilot, groups)
        assert table.cursor == "a"
        assert lines(table)[1] == "H1"
        await pilot.press("down", "down")
        assert table.cursor == "c"
        await pilot.press("up")
        assert table.cursor == "b"
        await pilot.press("end", "home")
        assert (table.cursor, table.scroll_offset.y) == ("a", 0)
        table.select_all()
        table.toggle(("heading", "H1"))
        assert table.selected == frozenset("abcdefghijkl")
        assert not table.move_to(("heading", "H2"))
        assert ("heading", "H1") not in table.keys_in_view
        await pilot.click(Watched, offset=(5, 1))
        assert table.cursor == "a"


async def test_nothing_but_headings() -> None:
    async with TableApp().run_test(size=SIZE) as pilot:
        table = await show(pilot, [heading(f"H{n}") for n in range(30)])
        await pilot.press("down", "end", "pageup")
        assert table.cursor is None
        table.scroll_to(y=7, animate=False)
        await show(pilot, [heading(f"H{n}") for n in range(29)])
        assert lines(table)[1] == "H7"


async def test_marks_stay_on_their_keys() -> None:
    async with TableApp().run_test(size=SIZE) as pilot:
        app = pilot.app
        table = await show(pilot, rows("abcde"))
        table.toggle()
        table.toggle("c")
        await pilot.pause()
        assert app.last("selected") == frozenset("ac")  # type: ignore[attr-defined]
        await show(pilot, rows("xcbae"))
        assert table.selected == frozenset("ac")
        assert [line[:3] for line in lines(table)[1:6]] == ["  x", "● c", "  b", "● a", "  e"]
        table.invert()
        assert table.selected == frozenset("xbe")
        table.clear_selection()
        await pilot.pause()
        assert app.last("selected") == table.selected == frozenset()  # type: ignore[attr-defined]
        table.toggle("nothing of that name")
        assert not table.selected


async def test_a_filtered_row_keeps_its_mark_but_is_not_selected_meanwhile() -> None:
    async with TableApp().run_test(size=SIZE) as pilot:
        table = await show(pilot, rows("abc"))
        table.select_all()
        await show(pilot, rows("ab"))
        assert table.selected == frozenset("ab")
        await show(pilot, rows("abc"))
        assert table.selected == frozenset("abc")
        await show(pilot, rows("ab"))
        table.clear_selection()
        await show(pilot, rows("abc"))
        assert not table.selected


async def test_only_the_cells_that_changed_are_repainted() -> None:
    async with TableApp().run_test(size=SIZE) as pilot:
        table = await show(pilot, rows("abc"))
        table.asked.clear()
        await show(pilot, rows("abc"))
        assert table.asked == []
        await show(pilot, [row("a"), row("b", one="7"), row("c")])
        assert table.asked == [Region(23, 2, 5, 1)]
        table.asked.clear()
        await show(pilot, [row("a"), row("b", one="8", two="9"), row("c", two="3")])
        assert table.asked == [Region(23, 2, 11, 1), Region(29, 3, 5, 1)]
        table.asked.clear()
        table.toggle("c")
        assert table.asked == [Region(0, 3, 1, 1)]
        await pilot.pause()
        table.asked.clear()
        await pilot.press("down")
        assert [region.y for region in table.asked if region] == [1, 2]


async def test_rows_out_of_view_cost_nothing() -> None:
    made: list[int] = []

    def cells(number: int) -> tuple[Cell, ...]:
        made.append(number)
        return (((str(number), ""),),) * 4

    async with TableApp().run_test(size=SIZE) as pilot:
        many = [Row(n, lambda n=n: cells(n)) for n in range(2000)]  # type: ignore[misc]
        table = await show(pilot, many)
        assert set(made) == set(range(10))
        made.clear()
        table.asked.clear()
        await show(pilot, [*many[:10], *reversed(many[10:])])
        assert sorted(made) == list(range(10))
        assert table.asked == []


async def test_the_rows_in_view_are_told_when_they_change() -> None:
    async with TableApp().run_test(size=SIZE) as pilot:
        app = pilot.app
        assert isinstance(app, TableApp)
        await show(pilot, rows(range(30)))
        assert app.last("view") == frozenset(map(str, range(10)))
        app.told.clear()
        await show(pilot, [row(str(n), one="9") for n in range(30)])
        await pilot.press("down")
        assert not [value for name, value in app.told if name == "view"]
        await pilot.press("end")
        assert app.last("view") == frozenset(map(str, range(20, 30)))
        await pilot.resize_terminal(40, 6)
        await pilot.pause()
        assert app.last("view") == frozenset(map(str, range(25, 30)))


async def test_the_wheel_takes_the_cursor_along_at_the_edge() -> None:
    async with TableApp().run_test(size=SIZE) as pilot:
        table = await show(pilot, rows(range(40)))
        table.scroll_to(y=15, animate=False)
        await pilot.pause()
        assert table.cursor == "15"
        assert lines(table)[1].split()[0] == "15"
        table.scroll_to(y=3, animate=False)
        assert table.cursor == "12"


async def test_the_mouse() -> None:
    async with TableApp().run_test(size=SIZE) as pilot:
        app = pilot.app
        assert isinstance(app, TableApp)
        table = await show(pilot, rows("abc"))
        await pilot.click(Watched, offset=(6, 2))
        assert table.cursor == "b"
        assert not [value for name, value in app.told if name == "chosen"]
        await pilot.click(Watched, offset=(6, 3), times=2)
        assert app.last("chosen") == "c"
        await pilot.click(Watched, offset=(0, 1))
        assert table.selected == frozenset("a")
        await pilot.click(Watched, offset=(6, 9))
        assert table.cursor == "a"
        await pilot.click(Watched, offset=(25, 0))
        assert app.last("sort") == "one"


async def test_a_stand_in_sorts_as_what_it_stands_for() -> None:
    async with TableApp().run_test(size=(20, 5)) as pilot:
        app = pilot.app
        assert isinstance(app, TableApp)
        table = await show(pilot, rows("a"))
        assert table.shown_columns == ("name", "one", "two.short")
        table.sort = ("two", False)
        assert lines(table)[0].endswith("▲")
        await pilot.click(Watched, offset=(lines(table)[0].index("▲"), 0))
        assert app.last("sort") == "two"


async def test_sort_arrows_marks_and_cuts_in_ascii() -> None:
    async with TableApp().run_test(size=SIZE) as pilot:
        table = await show(pilot, rows(["a", "a-name-that-is-too-long-for-it"]))
        table.sort = ("one", True)
        table.select_all()
        assert "ONE▼" in lines(table)[0]
        assert lines(table)[2].startswith("● a-name-that-is-too-…")
        table.ascii = True
        await pilot.pause()
        assert "ONEv" in lines(table)[0]
        assert lines(table)[2].startswith("* a-name-that-is-too-~")
        table.sort = ("name", False)
        assert "NAME^" in lines(table)[0]
        assert "".join(lines(table)).isascii()


BAR_ENDS = set(ScrollBarRender.VERTICAL_BARS) - {" "}


async def test_the_scrollbar_in_ascii() -> None:
    async with TableApp().run_test(size=SIZE) as pilot:
        table = await show(pilot, rows(range(27)))
        table.ascii = True
        for _ in range(5):
            await pilot.press("pagedown")
            assert not BAR_ENDS & set(pilot.app.export_screenshot())
        table.ascii = False
        await pilot.press("home", *["pagedown"] * 2)
        assert BAR_ENDS & set(pilot.app.export_screenshot())


async def test_columns_can_be_hidden_and_replaced() -> None:
    async with TableApp().run_test(size=SIZE) as pilot:
        table = await show(pilot, rows("a"))
        table.hidden = frozenset({"two"})
        assert table.shown_columns == ("name", "one")
        table.set_columns([column._replace(width=column.width + 1) for column in PLAIN])
        assert [row.key for row in table.rows] == ["a"], "they are the same columns, only wider"
        table.set_columns((Column("x", "X", 3),))
        assert table.shown_columns == ("x",)
        assert table.rows == ()


async def test_two_rows_of_one_key_are_refused() -> None:
    async with TableApp().run_test(size=SIZE) as pilot:
        table = await show(pilot, rows("ab"))
        with pytest.raises(ValueError, match="same key"):
            table.set_rows(rows("aa"))
        assert [row.key for row in table.rows] == ["a", "b"]


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 1), (8, 3), (300, 90)])
async def test_any_size_and_back(size: tuple[int, int]) -> None:
    async with TableApp(COLUMNS).run_test(size=SIZE) as pilot:
        guests = [view(f"vm{n}") for n in range(60)]
        table = await show(pilot, [Row(g.key, row_cells(g, ascii=False, now=NOW)) for g in guests])
        table.move_to(guests[30].key)
        await pilot.resize_terminal(*size)
        await pilot.pause()
        await pilot.press("down")
        await pilot.resize_terminal(*SIZE)
        await pilot.pause()
        assert table.cursor == guests[31].key
        assert 1 <= screen_line(table) <= 10
        assert all(cell_len(table.render_line(y).text) == SIZE[0] for y in range(SIZE[1]))


NAMES = (
    "名前サーバー-の-とても長い名前",
    "🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀",
    "e\u0301e\u0301e\u0301" * 9,
    "שלום-עולם-זה-ארוך-מאוד-32",
    "👨\u200d👩\u200d👧 family",
    "♥\ufe0f heart",
    "\u0301" * 30,
    "[red]not markup[/]",
    "x" * 255,
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [1, 2, 7, 8, 15, 16])
def test_every_cell_is_as_wide_as_its_column(name: str, width: int) -> None:
    for cell in (((name, ""),), (("ab", "x"), (name, "y"), ("cd", "z")), ((name, ""),) * 3):
        for align in ("left", "right"):
            laid = lay_cell(cell, width, align, "…")  # type: ignore[arg-type]
            assert sum(cell_len(text) for text, _ in laid) == width


def test_what_is_cut_is_marked_in_the_role_of_what_was_cut() -> None:
    assert lay_cell((("abc", "x"), ("def", "y")), 5, "left", "…") == (("abc", "x"), ("d…", "y"))
    assert lay_cell((("abc", "x"), ("def", "y")), 3, "left", "…") == (("ab…", "x"),)
    assert lay_cell((("abc", "x"), ("def", "y")), 6, "left", "…") == (("abc", "x"), ("def", "y"))
    assert lay_cell((("7", "x"),), 3, "right", "…") == (("  ", ""), ("7", "x"))


def test_text_from_right_to_left_cannot_reorder_the_row() -> None:
    assert lay_cell((("שלום", ""),), 4, "left", "…") == (("שלום\u200e", ""),)


def test_blanks_join_what_stands_before_them() -> None:
    styles = {"": Style(), "x": Style(bold=True), "y": Style(italic=True)}
    made = segments([("a", "x"), ("  ", ""), (" b", "y"), ("c", "y")], styles.__getitem__)
    assert [(s.text, s.style) for s in made] == [("a   ", styles["x"]), ("bc", styles["y"])]


async def test_wide_names_keep_the_columns_in_line() -> None:
    async with TableApp().run_test(size=SIZE) as pilot:
        table = await show(pilot, rows(NAMES))
        for y in range(1, len(NAMES) + 1):
            strip = table.render_line(y)
            assert strip.cell_length == cell_len(strip.text) == SIZE[0]
            assert strip.crop(23, 34).text == "    1     2"


def picture(count: int) -> list[Row]:
    """The guest table as people see it, in every state."""
    states = list(GuestState)
    guests = [
        view(
            f"guest-{number}" if number % 5 else f"名前-{number}",
            states[number % len(states)],
            RATES._replace(
                cpu=number / 20,
                memory_source=MemorySource.RSS if number % 2 else MemorySource.GUEST,
            ),
            host="local" if number % 3 else "rack7",
        )
        for number in range(count)
    ]
    return [Row(g.key, row_cells(g, ascii=False, now=NOW)) for g in guests]


class PictureApp(TableApp):
    def __init__(self) -> None:
        super().__init__(COLUMNS)

    def on_mount(self) -> None:
        super().on_mount()
        table = self.table
        table.sort = ("cpu", True)
        table.set_rows([heading("local  KVM"), *picture(60)])
        table.action_move(2)
        table.toggle()
        table.action_move(1)


@pytest.mark.parametrize("size", [(57, 24), (80, 24), (160, 48)])
def test_snapshot(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]
    assert snap_compare(PictureApp(), terminal_size=size)
