"""Dialogs that show or choose: choose, columns, explain, help, notices."""

from __future__ import annotations

import time

import pytest
from textual.widgets import Input

from tests.ui.dialog_support import (
    PENDING,
    DialogApp,
    focused,
    full_text,
    screen_text,
    until,
    words,
)
from tuivm.model.notices import Notice
from tuivm.screens.dialogs.choose import Choice, Choose
from tuivm.screens.dialogs.columns import ChooseColumns
from tuivm.screens.dialogs.explain import Explain, xml_content
from tuivm.screens.dialogs.help import Help
from tuivm.screens.dialogs.notices import Notices

SIZE = (80, 24)
OPTIONS = (
    Choice("name", "Name", "A to Z"),
    Choice("exits", "Exits", "most first", "KVM is not in use"),
    Choice("cpu", "CPU", "busiest first"),
)


@pytest.mark.parametrize(
    ("current", "keys", "answer"),
    [
        ("name", ("enter",), "name"),
        ("cpu", ("enter",), "cpu"),
        ("", ("enter",), "name"),
        ("exits", ("enter",), "name"),
        ("name", ("j", "enter"), "cpu"),
        ("name", ("down", "up", "enter"), "name"),
        ("name", ("escape",), None),
    ],
)
async def test_choose(current: str, keys: tuple[str, ...], answer: str | None) -> None:
    app = DialogApp(Choose("Sort by", OPTIONS, current))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.focused is not None)
        assert "Exits off: KVM is not in use" in words(app)
        await pilot.press(*keys)
        await until(pilot, lambda: app.answer is not PENDING)
    assert app.answer == answer


async def test_choosing_from_more_than_fits() -> None:
    many = [Choice(str(number), f"option {number}") for number in range(60)]
    app = DialogApp(Choose("Pick", many, "0"))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.focused is not None)
        await pilot.press("end")
        await until(pilot, lambda: "option 59" in screen_text(app))
        assert "Enter choose" in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: app.answer is not PENDING)
    assert app.answer == "59"


COLUMNS = (
    ("name", "NAME", "name of the guest"),
    ("cpu", "CPU %", "of its vCPUs"),
    ("mem", "MEMORY", "used of given"),
)


@pytest.mark.parametrize(
    ("shown", "keys", "answer"),
    [
        (("name", "cpu"), ("enter",), ("name", "cpu")),
        (("mem", "name"), ("enter",), ("mem", "name")),
        (("name", "cpu"), ("space", "enter"), ("cpu",)),
        (("name", "cpu"), ("J", "enter"), ("cpu", "name")),
        (("name", "cpu"), ("j", "K", "enter"), ("cpu", "name")),
        (("name",), ("j", "j", "space", "K", "K", "enter"), ("mem", "name")),
        (("name",), ("K", "enter"), ("name",)),
        (("gone", "name"), ("enter",), ("name",)),
        (("name", "cpu"), ("space", "escape"), None),
    ],
)
async def test_columns(
    shown: tuple[str, ...], keys: tuple[str, ...], answer: tuple[str, ...] | None
) -> None:
    app = DialogApp(ChooseColumns(COLUMNS, shown))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.focused is not None)
        await pilot.press(*keys)
        await until(pilot, lambda: app.answer is not PENDING)
    assert app.answer == answer


async def test_one_column_has_to_stay() -> None:
    app = DialogApp(ChooseColumns(COLUMNS, ("name",)))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.focused is not None)
        await pilot.press("space", "enter")
        await until(pilot, lambda: "At least one column" in screen_text(app))
        assert app.answer is PENDING
        await pilot.press("space")
        await until(pilot, lambda: "At least one column" not in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.answer is not PENDING)
    assert app.answer == ("name",)


async def test_a_click_ticks_a_column() -> None:
    app = DialogApp(ChooseColumns(COLUMNS, ("name",)))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.focused is not None)
        await pilot.click("ColumnPicker", offset=(6, 1))
        await until(pilot, lambda: "[x] CPU %" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.answer is not PENDING)
    assert app.answer == ("name", "cpu")


XML = "<domain type='qemu'>\n\t<name>a</name>\n" + "  <x/>\n" * 60 + "</domain>\n"


async def test_explain_scrolls_to_the_end_and_copies_the_command() -> None:
    app = DialogApp(Explain("vda", "A paravirtual disk.", XML, "virsh dumpxml a"))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.focused is not None)
        assert "A paravirtual disk." in screen_text(app)
        assert "virsh dumpxml a" in screen_text(app)
        assert "</domain>" not in screen_text(app)
        await pilot.press("G")
        await until(pilot, lambda: "</domain>" in screen_text(app))
        await pilot.press("g")
        await until(pilot, lambda: "A paravirtual disk." in screen_text(app))
        await pilot.press("j")
        await until(pilot, lambda: "A paravirtual disk." not in screen_text(app))
        await pilot.press("y")
        await until(pilot, lambda: app.clipboard == "virsh dumpxml a")
        await pilot.press("e")
        await until(pilot, lambda: app.answer is not PENDING)


async def test_explain_leaves_out_what_there_is_not() -> None:
    app = DialogApp(Explain("vda", "A paravirtual disk."))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.focused is not None)
        assert "XML" not in full_text(app)
        assert "command" not in full_text(app)
        await pilot.press("y")
        await pilot.pause()
        assert app.clipboard == ""


def test_xml_is_coloured_and_safe() -> None:
    content = xml_content("<a b='[red]'>\x1b[2J\u202e</a>\r\n<!-- x -->\n")
    assert content.plain == "<a b='[red]'>␛[2J⁞</a>\n<!-- x -->"
    assert len(content.spans) > 3
    assert xml_content("<a/>\n" * 60_000).plain.count("\n") == 59_999


GROUPS = (
    ("guests", (("s", "start", "Start, or restore."), ("d", "shut down", "Ask the guest."))),
    ("table", (("/", "filter", "Show only what matches: words, class:emulated."),)),
)


async def test_help_narrows_as_one_types() -> None:
    app = DialogApp(Help("Keys", GROUPS))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "shut down" in screen_text(app))
        assert "filter" in screen_text(app)
        await pilot.press(*"ask")
        await until(pilot, lambda: "restore" not in screen_text(app))
        assert "shut down" in screen_text(app)
        assert "Table" not in screen_text(app)
        app.dialog.query_one(Input).value = "GUESTS start"
        await until(pilot, lambda: "restore" in screen_text(app))
        app.dialog.query_one(Input).value = "zzz"
        await until(pilot, lambda: "Nothing matches" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.answer is not PENDING)


async def test_help_scrolls_by_arrows() -> None:
    rows = tuple((f"k{number}", f"label {number}", "help") for number in range(80))
    app = DialogApp(Help("Keys", (("all", rows),)))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "label 0 " in screen_text(app))
        await pilot.press(*["down"] * 6)
        await until(pilot, lambda: "label 0 " not in screen_text(app))
        await pilot.press(*["up"] * 6)
        await until(pilot, lambda: "label 0 " in screen_text(app))
        await pilot.press(*["pagedown"] * 9)
        await until(pilot, lambda: "label 79 " in screen_text(app))
        assert focused(app).id == "filter"


async def test_notices_newest_first() -> None:
    entries = [
        Notice(100.0, "started", "local", "web-1"),
        Notice(300.0, "cannot start\nlibvirt: [no] disk", "rack7", "db-1", bad=True),
        Notice(200.0, "the theme is dark"),
    ]
    app = DialogApp(Notices(entries))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.focused is not None)
        shown = words(app)
        order = [
            shown.index(text)
            for text in (
                "✖ db-1 on rack7: cannot start libvirt: [no] disk",
                "the theme is dark",
                "web-1 on local: started",
            )
        ]
        assert order == sorted(order)
        assert time.strftime("%H:%M:%S", time.localtime(300.0)) in shown


async def test_no_notices() -> None:
    app = DialogApp(Notices([]))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "Nothing has happened yet" in screen_text(app))
