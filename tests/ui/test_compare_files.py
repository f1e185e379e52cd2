"""Comparisons that are kept: saved, opened again, shown as recorded, exported, deleted."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from tests.support.simhost import LEGACY, VIRTIO, SimHost
from tests.ui.dialog_support import DialogApp, all_ascii, fits_small, stands_resizing, until
from tests.ui.support import Rig, running
from tuivm import comparisons
from tuivm.comparisons import ComparisonError, Saved
from tuivm.model.choices import Candidate, Preset
from tuivm.model.comparison import DeviceRef
from tuivm.model.devices import DeviceClass, DeviceKind
from tuivm.model.guests import GuestKey
from tuivm.model.units import byte_count
from tuivm.screens.compare import CompareScreen
from tuivm.screens.dialogs.choose_devices import MOST, ChooseDevices, Chosen
from tuivm.screens.dialogs.comparisons import (
    Export,
    ExportComparison,
    OpenComparison,
    SaveComparison,
    Wanted,
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files go here, and names without a directory too."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def pair(host: SimHost) -> None:
    host.add_guest("new", devices=VIRTIO)
    host.add_guest("old", devices=LEGACY)


def place(rig: Rig) -> CompareScreen:
    return next(s for s in rig.app.screen_stack if isinstance(s, CompareScreen))


async def saved(rig: Rig, name: str = "first") -> None:
    await rig.press("2")
    await rig.tick(30)
    await rig.press("W")
    await rig.type(name)
    await rig.press("enter")
    await rig.until(lambda: any(one.startswith("saved: ") for one in rig.notices))


async def open_first(rig: Rig) -> None:
    await rig.press("O")
    await rig.until(lambda: "2 devices" in rig.text)
    await rig.press("enter")
    await rig.until(lambda: place(rig)._opened is not None)
    await rig.settle()


async def test_saved_opened_and_shown_as_it_was(tmp_path: Path) -> None:
    async with running(tmp_path, pair) as rig:
        await saved(rig)
        then = place(rig).comparison
        kept = comparisons.load("first")
        assert [one.ref for one in kept.comparison.rows] == [one.ref for one in then.rows]
        await rig.tick(30)
        await open_first(rig)
        assert place(rig).recorded is None, "it goes on live where its devices are"
        assert place(rig).comparison.baseline == then.baseline
        await rig.press("R")
        await rig.tick(3)
        assert place(rig).comparison.rows[0].figures == then.rows[0].figures
        await rig.until(lambda: "recorded 2023-" in rig.text.splitlines()[1])
        assert "-33s" in rig.text or "-34s" in rig.text, "its end lies in the past"
        await rig.press("space")
        assert "stands still" in rig.notices[-1]
        await rig.press("left")
        at_cursor = place(rig).chart.data
        assert at_cursor is not None
        known = [one for one in kept.series["throughput"][0][-3:] if not math.isnan(one)]
        assert at_cursor.series[0].value == byte_count(sum(known) / len(known))
        await rig.press("escape", "escape")
        assert place(rig).recorded is None


async def test_one_saved_over_another_is_asked_about(tmp_path: Path) -> None:
    async with running(tmp_path, pair) as rig:
        await saved(rig)
        before = comparisons.load("first").taken
        for answer in ("n", "y"):
            await rig.tick(5)
            await rig.press("W")
            await rig.type("first")
            await rig.press("enter")
            await rig.until(lambda: "already the comparison first" in rig.words)
            await rig.press(answer)
            await rig.settle()
            if answer == "n":
                assert comparisons.load("first").taken == before
        await rig.until(lambda: comparisons.load("first").taken > before)


async def test_what_is_gone_is_said_and_the_rest_goes_on(tmp_path: Path) -> None:
    async with running(tmp_path, pair) as rig:
        await saved(rig)
        uuids = {sim.guest.name: uuid for uuid, sim in rig.host().guests.items()}
        rig.host().remove_guest(uuids["old"])
        await rig.tick(2)
        await open_first(rig)
        assert "1 of 2 are not there now: old hda" in rig.notices[-1]
        assert [one.guest for one in place(rig).comparison.rows] == ["new", "old"]
        rig.host().remove_guest(uuids["new"])
        await rig.tick(2)
        await rig.press("O")
        await rig.until(lambda: "2 devices" in rig.text)
        await rig.press("enter")
        await rig.until(lambda: place(rig).recorded is not None)
        assert "2 of 2" in rig.notices[-1], "none is left: it shows what was recorded"


async def test_deleting_asks_and_goes_on_with_the_list(tmp_path: Path) -> None:
    async with running(tmp_path, pair) as rig:
        await saved(rig)
        await rig.press("O")
        await rig.until(lambda: "first" in rig.words and "2 devices" in rig.text)
        await rig.press("x")
        await rig.until(lambda: "no guest is touched" in rig.words)
        await rig.press("y")
        await rig.until(lambda: "None yet." in rig.text)
        assert comparisons.listed() == []
        assert len(rig.host().guests) == 2


async def test_keys_typed_behind_open_go_to_the_list_not_to_the_devices(tmp_path: Path) -> None:
    async with running(tmp_path, pair) as rig:
        await rig.press("2")
        await rig.tick(5)
        await rig.type("Ox")
        assert len(place(rig).comparison.rows) == 2


@pytest.mark.parametrize(
    ("downs", "name", "begins"),
    [
        (0, "comparison.json", '{"kind":"tuivm comparison"'),
        (1, "comparison.csv", "host,guest,uuid"),
        (2, "comparison.md", "# Comparison of 2 devices"),
        (3, "comparison.svg", "<"),
    ],
)
async def test_exported(tmp_path: Path, home: Path, downs: int, name: str, begins: str) -> None:
    async with running(tmp_path, pair) as rig:
        await rig.press("2")
        await rig.tick(20)
        await rig.press("E", *["down"] * downs, "enter")
        await rig.until(lambda: any(one.startswith("exported: ") for one in rig.notices))
        text = (home / name).read_text("utf-8")
        assert text.startswith(begins)
        if name.endswith("json"):
            assert [one["guest"] for one in json.loads(text)["rows"]] == ["new", "old"]


async def test_a_file_that_is_there_is_asked_about(tmp_path: Path, home: Path) -> None:
    mine = home / "comparison.json"
    mine.write_text("mine")
    async with running(tmp_path, pair) as rig:
        await rig.press("2")
        await rig.tick(5)
        for key, changed in (("n", False), ("y", True)):
            await rig.press("E", "enter")
            await rig.until(lambda: "Replace it?" in rig.text)
            await rig.press(key)
            if changed:
                await rig.until(lambda: any("exported" in one for one in rig.notices))
            assert (mine.read_text() != "mine") is changed


async def test_a_file_that_cannot_be_written_says_why(tmp_path: Path, home: Path) -> None:
    async with running(tmp_path, pair) as rig:
        await rig.press("2")
        await rig.tick(5)
        await rig.press("E", "tab", "ctrl+u")
        await rig.type("no/such/dir/x.svg")
        await rig.press("enter")
        await rig.until(lambda: any("No such file" in one for one in rig.notices))
        assert not (home / "no").exists()


# The dialogs alone


KEY = GuestKey("local", "1")


def devices(number: int = 3) -> list[Candidate]:
    return [
        Candidate(
            DeviceRef(KEY, DeviceKind.DISK, f"vd{place}"),
            guest="web [bold]",
            host="local",
            model="virtio-blk",
            cls=DeviceClass.PARAVIRTUAL,
            ios=12.0,
            running=True,
        )
        for place in range(number)
    ]


def picker(number: int = 3) -> ChooseDevices:
    found = devices(number)
    preset = Preset("all disks of web", tuple(one.ref for one in found), found[0].ref)
    return ChooseDevices(
        lambda words: [one for one in found if words in one.ref.target], [preset], ()
    )


async def read(*saved_: Saved) -> list[Saved]:
    return list(saved_)


def open_dialog() -> OpenComparison:
    return OpenComparison(lambda: read(Saved("one", Path("one.json"), 1_700_000_000.0, 2)))


async def test_the_picker_answers_what_was_ticked() -> None:
    app = DialogApp(picker())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.screen is app.dialog)
        await pilot.press("down", "enter")
        assert "Tick at least one" in str(app.dialog.query_one("#dialog-note").render())
        await pilot.press("space", "down", "space", "down", "space", "space", "enter")
        await until(pilot, lambda: isinstance(app.answer, Chosen))
    refs = tuple(one.ref for one in devices()[:2])
    assert app.answer == Chosen(refs)


async def test_the_picker_answers_a_ready_made_choice() -> None:
    app = DialogApp(picker())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.screen is app.dialog)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.answer, Chosen))
    refs = tuple(one.ref for one in devices())
    assert app.answer == Chosen(refs, refs[0])


async def test_the_picker_says_how_many_it_left_out() -> None:
    app = DialogApp(picker(MOST + 7))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.screen is app.dialog)
        await pilot.pause()
        assert "7 more" in str(app.dialog.query_one("#dialog-note").render())


@pytest.mark.parametrize(
    "make", [picker, open_dialog, SaveComparison, lambda: ExportComparison("c")]
)
async def test_every_dialog_fits_resizes_and_can_be_ascii(make) -> None:  # type: ignore[no-untyped-def]
    await fits_small(make)
    await stands_resizing(make)
    await all_ascii(make)


async def test_a_typed_suffix_decides_the_format() -> None:
    app = DialogApp(ExportComparison("c"))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.screen is app.dialog)
        await pilot.press("tab", "ctrl+u", *"x.csv", "enter")
        await until(pilot, lambda: isinstance(app.answer, Export))
    assert app.answer == Export("csv", Path("x.csv"))


async def test_a_home_directory_that_there_is_not_is_said() -> None:
    app = DialogApp(ExportComparison("c"))
    async with app.run_test(size=(80, 24)) as pilot:
        note = app.dialog.query_one
        await until(pilot, lambda: app.screen is app.dialog)
        await pilot.press("tab", "ctrl+u", *"~nobody-of-this-name/x.csv", "enter")
        await until(pilot, lambda: "no home directory" in str(note("#dialog-note").render()))
        assert app.screen is app.dialog, "it waits for another name"


async def test_a_list_that_cannot_be_read_says_why() -> None:
    async def fails() -> list[Saved]:
        raise ComparisonError("Cannot list /x: Permission denied.")

    app = DialogApp(OpenComparison(fails))
    async with app.run_test(size=(80, 24)) as pilot:
        note = app.dialog.query_one
        await until(pilot, lambda: app.screen is app.dialog)
        await until(pilot, lambda: "Permission denied" in str(note("#dialog-note").render()))
        await pilot.press("x", "enter", "escape")
        await until(pilot, lambda: app.answer is None)


async def test_one_that_is_broken_is_listed_with_the_reason() -> None:
    broken = Saved("bad", Path("bad.json"), problem="it is not JSON")
    app = DialogApp(OpenComparison(lambda: read(broken)))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.screen is app.dialog)
        await pilot.pause()
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.answer, Wanted))
    assert app.answer == Wanted("bad", remove=True)
