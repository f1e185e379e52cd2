"""The page of a host's storage: what is listed, what is told, what can be done."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.support import hostparts as sample
from tests.ui.hosts_support import PICTURES, WIDE, change, go, having, laid_out, row, screen
from tests.ui.support import Rig, make_app, running
from tuivm import devicedesk
from tuivm.model.hostrequests import HostRequest, RefreshPool, SetPoolAutostart, StartPool, StopPool
from tuivm.model.hosts import Problem
from tuivm.model.offers import Pool, Volume
from tuivm.model.ports import Text
from tuivm.screens.dialogs.confirm import Confirm
from tuivm.screens.dialogs.explain import Explain
from tuivm.screens.hostpages.storage import StoragePage

STORAGE = having(sample.STORAGE)


def requests(rig: Rig) -> list[HostRequest]:
    return rig.host().device_port.requests


def item(rig: Rig) -> Pool | Volume:
    held = screen(rig).target_item()
    assert held is not None
    found = getattr(held, "item")  # noqa: B009 - its type depends on the page
    assert isinstance(found, Pool | Volume)
    return found


async def test_pools_and_volumes_with_who_uses_them(tmp_path: Path) -> None:
    async with running(tmp_path, STORAGE) as rig:
        await go(rig, "storage")
        assert "3 pools, 2 active  7 volumes, 3 used by nothing" in rig.text
        assert "■ off" in row(rig, "backup")
        assert "100G free of 400G" in row(rig, "default")
        assert "used by nothing" in row(rig, "spare.qcow2")
        assert "old [b]disk[/b]␛.img" in rig.text
        await rig.press("G", "k", "k")
        assert item(rig) == sample.WEB
        assert f"→ {sample.BASE.path}" in rig.text, "the whole chain is told of the highlighted one"
        assert "web (running)" in rig.text


async def test_pools_fold(tmp_path: Path) -> None:
    async with running(tmp_path, STORAGE) as rig:
        await go(rig, "storage")
        await rig.press("j", "enter")
        assert "base.qcow2" not in rig.text
        assert "▸ default" in rig.text
        await rig.press("right")
        assert "base.qcow2" in rig.text
        await rig.press("j", "j", "left")
        assert item(rig) == sample.DEFAULT, "from a volume to its pool"
        await rig.press("left")
        assert "base.qcow2" not in rig.text
        await rig.press("enter", "j", "enter")
        assert isinstance(rig.app.screen, Explain), "a volume has nothing in it: it is explained"


async def test_it_is_explained_with_its_xml(tmp_path: Path) -> None:
    async with running(tmp_path, STORAGE, size=(100, 40)) as rig:
        await go(rig, "storage")
        await rig.press("e")
        assert "backup is a storage pool" in rig.words
        assert "pool-dumpxml backup" in rig.words
        assert "<pool> <name>backup</name>" in rig.words
        await rig.press("escape")
        rig.host().device_port.problem = Problem("cannot read the XML of backup", "it is gone")
        await rig.press("e")
        assert "cannot read the XML of backup: it is gone" in rig.words


async def test_the_filter_finds_volumes_in_what_is_folded(tmp_path: Path) -> None:
    async with running(tmp_path, STORAGE) as rig:
        await go(rig, "storage")
        await rig.press("j", "enter", "slash")
        await rig.type("nothing")
        for there in ("default", "spare.qcow2", "away.qcow2"):
            assert there in rig.text
        assert "golden.qcow2 " not in rig.text.replace("→ golden.qcow2", "")
        assert "backup" not in rig.text
        await rig.type("xyz")
        assert "nothing has 'nothingxyz'" in rig.text
        assert screen(rig).target_item() is None
        await rig.press("escape")
        assert "backup" in rig.text


async def test_a_pool_is_started_set_to_autostart_and_refreshed(tmp_path: Path) -> None:
    async with running(tmp_path, STORAGE) as rig:
        await go(rig, "storage")
        await rig.press("s", "a", "u")
        assert requests(rig) == [StartPool("backup"), SetPoolAutostart("backup", True)]
        assert "off: start it" in rig.notices[-1]
        await rig.press("j", "s")
        assert "pool default is active already" in rig.notices[-1]
        await rig.press("a", "u", "j", "u", "d")
        assert requests(rig)[2:] == [
            SetPoolAutostart("default", False),
            RefreshPool("default"),
            RefreshPool("default"),
        ]
        assert "base.qcow2 is a volume: only its pool can be stopped" in rig.notices[-1]


async def test_stopping_a_pool_of_running_guests_asks(tmp_path: Path) -> None:
    async with running(tmp_path, STORAGE) as rig:
        await go(rig, "storage")
        await rig.press("j", "d")
        assert isinstance(rig.app.screen, Confirm)
        assert "web is running" in rig.words.replace("  ", " ")
        await rig.press("n")
        assert requests(rig) == []
        await rig.press("d", "y")
        assert requests(rig) == [StopPool("default")]
        await rig.press("G", "k", "d")
        assert requests(rig)[1:] == [StopPool("fast")], "nobody uses it: not asked"


async def test_what_changed_is_seen_and_the_cursor_stays_on_its_item(tmp_path: Path) -> None:
    async with running(tmp_path, STORAGE) as rig:
        await go(rig, "storage")
        await rig.press("G")
        assert item(rig) == sample.AWAY
        fuller = sample.FAST._replace(
            volumes=(Volume("aaa.img", "/dev/vg0/aaa", 1, 1, "raw"), sample.AWAY)
        )
        change(rig, sample.STORAGE._replace(pools=(sample.DEFAULT, fuller)))
        await rig.tick(2)
        assert "aaa.img" in rig.text
        assert "backup" not in rig.text
        assert item(rig) == sample.AWAY
        change(rig, sample.STORAGE._replace(pools=()))
        await rig.tick(2)
        assert "no storage pool is defined on this host" in rig.text
        assert screen(rig).target_item() is None
        await rig.press("s", "d", "a", "u", "enter")
        assert requests(rig) == []


async def test_a_host_that_cannot_be_asked_says_why(tmp_path: Path) -> None:
    async with running(tmp_path, STORAGE) as rig:
        rig.host().device_port.problem = Problem("cannot ask local", "it is on [b]fire[/b]")
        await go(rig, "storage")
        assert "it is on [b]fire[/b]" in rig.text
        assert "no storage pool" not in rig.text, "that is not known"


async def test_what_could_not_be_read_is_said(tmp_path: Path) -> None:
    async with running(
        tmp_path, having(sample.STORAGE._replace(remarks=("guest x: its XML is broken",)))
    ) as rig:
        await go(rig, "storage")
        assert "? guest x: its XML is broken" in rig.text


async def test_a_thousand_volumes_are_laid_out_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    laid: list[int] = []
    before = StoragePage.rows

    def rows(self: StoragePage, *args: object, **more: object) -> object:
        found = before(self, *args, **more)  # type: ignore[arg-type]
        laid.append(len(found))
        return found

    monkeypatch.setattr(StoragePage, "rows", rows)
    async with running(tmp_path, having(sample.many_volumes(1000))) as rig:
        await go(rig, "storage")
        await rig.press("enter")
        assert laid[-1] == 1001
        laid.clear()
        await rig.tick(5)
        await rig.press("G", "k", "k", "g", "j")
        assert laid == [], "neither the time nor the cursor changes a row"
        await rig.press("G")
        assert item(rig).name == "disk0999.qcow2"
        assert "disk0999.qcow2" in rig.text


async def test_each_host_keeps_its_own_cursor_and_folds(tmp_path: Path) -> None:
    async with running(tmp_path, STORAGE, hosts=("local", "rack7"), size=(160, 40)) as rig:
        await go(rig, "storage")
        await rig.press("j", "enter", "G")
        assert item(rig) == sample.AWAY
        await rig.press("h", "h", "h", "j")
        await rig.tick()
        assert "base.qcow2" in rig.text, "folded on the other host alone"
        assert item(rig).name == "backup"
        await rig.press("k")
        await rig.tick()
        assert "base.qcow2" not in rig.text
        assert item(rig).name == "fast", "where it was left, though the other was not known yet"


async def test_xml_that_takes_long_is_said_to_be_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devicedesk, "SLOW", 0.01)
    async with running(tmp_path, STORAGE) as rig:
        await go(rig, "storage")
        port = rig.host().device_port
        answer: Future[Text] = Future()
        monkeypatch.setattr(port, "xml", lambda _part: answer)
        await rig.press("e")
        await rig.until(lambda: "local: asking for XML" in rig.notices)
        answer.set_result(Text("<pool/>"))
        await rig.until(lambda: isinstance(rig.app.screen, Explain))
        await rig.settle()
        assert "<pool/>" in rig.words


@pytest.mark.parametrize("name", PICTURES)
def test_picture(snap_compare, tmp_path: Path, name: str) -> None:  # type: ignore[no-untyped-def]
    size, options = PICTURES[name]
    app, maker = make_app(tmp_path, STORAGE, options=options)

    async def act(pilot: Pilot[int]) -> None:
        rig = Rig(app, pilot, maker)
        await rig.tick(2)
        await go(rig, "storage")
        await rig.press("G", "k", "k")
        await rig.until(lambda: "web (running)" in rig.text)
        await laid_out(rig, beside=size == WIDE)

    assert snap_compare(app, terminal_size=size, run_before=act)
