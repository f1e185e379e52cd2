"""The guided tour: what it points at is on the screen, and is what the words are about."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.geometry import Region

from tests.support.simhost import LEGACY, VIRTIO, Clock, SimHost, SimMaker
from tests.ui.support import WALL, Rig, running
from tuivm.config import Config, Loaded
from tuivm.demoapp import DemoApp
from tuivm.model.devices import DeviceClass
from tuivm.model.guests import GuestKey
from tuivm.model.hosts import HostSpec
from tuivm.options import Options
from tuivm.screens.compare import CompareScreen
from tuivm.screens.dialogs.callout import Callout
from tuivm.screens.tour import STOPS

SIZES = pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])


def pair(host: SimHost) -> None:
    host.add_guest("new", devices=VIRTIO)
    host.add_guest("old", devices=LEGACY)


def nobody(host: SimHost) -> None:
    del host


@asynccontextmanager
async def demo(
    tmp_path: Path,
    prepare: Callable[[SimHost], None] = pair,
    size: tuple[int, int] = (80, 24),
    options: Options | None = None,
) -> AsyncIterator[Rig]:
    clock = Clock()
    maker = SimMaker(clock, prepare)
    guests: list[GuestKey] = []
    app = DemoApp(
        guests,
        maker,
        [HostSpec("local", "test+sim:///local")],
        options or Options(),
        Loaded(Config(), tmp_path / "config.toml"),
        clock=clock,
        wall=lambda: WALL + clock.now,
    )
    async with app.run_test(size=size, notifications=True) as pilot:
        rig = Rig(app, pilot, maker)
        guests += [sim.guest.key for sim in maker.hosts["local"].guests.values()]
        await rig.tick(2)
        yield rig


def marked(rig: Rig) -> str:
    """The line that the mark is on, without it."""
    mark = rig.app.screen.query_one(".mark")
    return rig.text.splitlines()[mark.region.y][: mark.region.x] if mark.display else ""


async def stop(rig: Rig, number: int) -> None:
    await rig.until(lambda: f"{number}/{len(STOPS)}  {STOPS[number - 1].title}" in rig.text)


@SIZES
async def test_each_stop_points_at_its_thing(tmp_path: Path, size: tuple[int, int]) -> None:
    things = ("new", "hypervisor", "machine", "▣ emulated", "◆", "IOMMU", "SR-IOV", "nested")
    async with demo(tmp_path, size=size) as rig:
        await rig.press("g")
        for number, thing in enumerate(things, start=1):
            await stop(rig, number)
            await rig.until(lambda thing=thing: thing in marked(rig))  # type: ignore[misc]
            box = rig.app.screen.query_one("#callout").region
            mark = rig.app.screen.query_one(".mark").region
            assert not box.overlaps(mark), "the box covers what it speaks of"
            assert Region(0, 0, *size).contains_region(box)
            words = rig.app.screen.query_one("#callout-words")
            assert words.region.height <= box.height - 4, "all words are on the screen"
            await rig.press("right")
        assert not isinstance(rig.app.screen, Callout), "after the last stop it is over"


async def test_on_a_tiny_terminal_the_words_scroll_and_cover_nothing(tmp_path: Path) -> None:
    async with demo(tmp_path, size=(40, 10)) as rig:
        await rig.press("g")
        for number in range(1, len(STOPS) + 1):
            await stop(rig, number)
            await rig.until(lambda: "next" in rig.text or "end" in rig.text)
            assert "Esc leave" in rig.text
            mark = rig.app.screen.query_one(".mark")
            box = rig.app.screen.query_one("#callout").region
            assert Region(0, 0, 40, 10).contains_region(box)
            assert not mark.display or not box.overlaps(mark.region)
            last = rig.app.screen.query_one("#callout-words").render().plain.split()[-1]  # type: ignore[union-attr]
            for _ in range(30):
                await rig.press("down")
            await rig.until(lambda last=last: last in rig.text)  # type: ignore[misc]
            await rig.press("right")


@SIZES
async def test_a_name_that_the_table_cuts_is_pointed_at(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    def prepare(host: SimHost) -> None:
        host.add_guest("a-guest-with-a-name-that-no-column-has-room-for", devices=VIRTIO)

    async with demo(tmp_path, prepare, size=size) as rig:
        await rig.press("g")
        await stop(rig, 1)
        await rig.until(lambda: "a-guest-with" in marked(rig))


@SIZES
async def test_the_mark_hides_nothing(tmp_path: Path, size: tuple[int, int]) -> None:
    async with demo(tmp_path, size=size) as rig:
        await rig.press("g")
        for number in range(1, len(STOPS) + 1):
            await stop(rig, number)
            await rig.until(lambda: marked(rig) != "")
            mark = rig.app.screen.query_one(".mark")
            place, line = mark.region, rig.text.splitlines()[mark.region.y]
            mark.display = False
            await rig.until(lambda line=line, y=place.y: rig.text.splitlines()[y] != line)  # type: ignore[misc]
            under = rig.text.splitlines()[place.y].ljust(size[0])[place.x : place.right]
            # A scrollbar's end may be under it: that is no text.
            assert under.strip(" ▁▂▃▄▅▆▇█") == "", f"stop {number}: {line}"
            await rig.press("right")


async def test_the_key_that_quits_does_so_from_the_tour(tmp_path: Path) -> None:
    async with demo(tmp_path) as rig:
        await rig.press("g")
        await stop(rig, 1)
        await rig.press("q")
        await rig.until(lambda: rig.app.return_value == 0)


async def test_f3_begins_it_in_the_demo_as_elsewhere(tmp_path: Path) -> None:
    async with demo(tmp_path) as rig:
        await rig.press("f3")
        await stop(rig, 1)


async def test_the_demo_has_time_to_remove_its_guests(tmp_path: Path) -> None:
    async with demo(tmp_path) as rig:
        assert rig.app.owns_guests
    async with running(tmp_path, nobody) as rig:
        assert not rig.app.owns_guests


async def test_back_and_leave(tmp_path: Path) -> None:
    async with demo(tmp_path) as rig:
        await rig.press("g")
        await stop(rig, 1)
        await rig.press("left")
        await stop(rig, 1)
        await rig.press("right")
        await stop(rig, 2)
        await rig.press("right")
        await stop(rig, 3)
        await rig.press("left")
        await stop(rig, 2)
        await rig.press("escape")
        await rig.until(lambda: not isinstance(rig.app.screen, Callout))
        assert len(rig.app.screen_stack) == 1, "the guest's screen is closed behind it"


async def test_the_demo_opens_on_its_guests_compared(tmp_path: Path) -> None:
    async with demo(tmp_path) as rig:
        await rig.until(lambda: isinstance(rig.app.screen, CompareScreen))
        await rig.tick(5)
        assert "vda" in rig.text
        assert "hda" in rig.text
        assert "g guided tour" in rig.words


async def test_the_key_is_a_letter_where_letters_are_typed(tmp_path: Path) -> None:
    async with demo(tmp_path) as rig:
        await rig.until(lambda: isinstance(rig.app.screen, CompareScreen))
        await rig.press("1", "slash")
        await rig.type("g")
        assert not isinstance(rig.app.screen, Callout)


async def test_a_guest_that_vanishes_is_not_pointed_at(tmp_path: Path) -> None:
    async with demo(tmp_path) as rig:
        await rig.press("g")
        await stop(rig, 1)
        for uuid in list(rig.host().guests):
            rig.host().remove_guest(uuid)
        await rig.tick(2)
        await rig.until(lambda: marked(rig) == "")
        for number in range(2, len(STOPS) + 1):
            await rig.press("right")
            await stop(rig, number)
        assert "That was the tour" in rig.text


async def test_without_guests_it_says_so(tmp_path: Path) -> None:
    async with running(tmp_path, nobody) as rig:
        rig.app.perform("program.tour")
        await rig.until(lambda: "nothing to point at" in rig.words)


async def test_in_ascii(tmp_path: Path) -> None:
    async with demo(tmp_path, options=Options(ascii=True)) as rig:
        await rig.press("g")
        for number in range(1, len(STOPS) + 1):
            await stop(rig, number)
            assert rig.text.isascii(), [c for c in rig.text if not c.isascii()]
            if number == 4:
                await rig.until(lambda: f"{DeviceClass.EMULATED.letter} emulated" in marked(rig))
            await rig.press("right")


async def test_the_stops_at_a_host_are_on_its_overview(tmp_path: Path) -> None:
    async with demo(tmp_path, size=(80, 24)) as rig:
        await rig.press("3")
        await rig.until(lambda: "overview" in rig.text)
        await rig.press("tab")
        await rig.until(lambda: "VERDICT" in rig.text)
        await rig.press("1", "g")
        for number in range(1, 7):
            await stop(rig, number)
            if number < 6:
                await rig.press("right")
        await rig.until(lambda: "IOMMU" in marked(rig))
