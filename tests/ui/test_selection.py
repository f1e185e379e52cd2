"""Nothing is mis-aimed: whatever moves, goes or is renamed, an action reaches whom it was meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Button, Input

from tests.support.simhost import SimHost
from tests.ui.support import Rig, running
from tuivm.config import Config
from tuivm.model.deletion import DeletionOrder
from tuivm.model.guests import GuestKey, GuestState
from tuivm.model.requests import Delete, ForceOff, Rename, Shutdown, Start
from tuivm.screens.dialogs.confirm import Confirm
from tuivm.screens.dialogs.delete_guest import DeleteGuest
from tuivm.screens.dialogs.progress import BulkProgress
from tuivm.screens.guest import GuestScreen

OFF = GuestState.OFF
SHARED = "11111111-2222-4333-8444-555555555555"


def five(host: SimHost) -> None:
    for name in "abcde":
        host.add_guest(name)


def key_of(rig: Rig, name: str, host: str = "local") -> GuestKey:
    found = [v.key for v in rig.app.store.guests_of(host) if v.guest.name == name]
    assert len(found) == 1
    return found[0]


def selected(rig: Rig) -> list[str]:
    guests = rig.app.store.guests
    return [guests[row.key].guest.name for row in rig.table.rows if row.key in rig.table.selected]


async def test_select_invert_all_and_clear(tmp_path: Path) -> None:
    async with running(tmp_path, five) as rig:
        await rig.press("space", "space")
        assert selected(rig) == ["a", "b"]
        assert rig.cursor == "c", "the next one, so that space space space selects three"
        await rig.press("i")
        assert selected(rig) == ["c", "d", "e"]
        await rig.press("*")
        assert selected(rig) == list("abcde")
        await rig.press("escape")
        assert selected(rig) == []
        await rig.press("G", "space")
        assert (selected(rig), rig.cursor) == (["e"], "e")
        await rig.press("k", "space")
        assert selected(rig) == ["d", "e"]


async def test_actions_go_to_the_selection_not_to_the_cursor(tmp_path: Path) -> None:
    async with running(tmp_path, five) as rig:
        await rig.press("down", "space", "down", "space")
        assert (selected(rig), rig.cursor) == (["b", "d"], "e")
        wanted = {key_of(rig, "b").uuid, key_of(rig, "d").uuid}
        await rig.press("p")
        assert {uuid for _, uuid, _ in rig.requests} == wanted
        assert isinstance(rig.app.screen, BulkProgress)


async def test_a_selection_survives_filter_sort_and_group(tmp_path: Path) -> None:
    async with running(tmp_path, five, hosts=("local", "rack7")) as rig:
        await rig.go_to(key_of(rig, "b"))
        await rig.press("space")
        await rig.go_to(key_of(rig, "d", "rack7"))
        await rig.press("space")
        wanted = {key_of(rig, "b"), key_of(rig, "d", "rack7")}
        assert rig.table.selected == wanted
        await rig.press("slash")
        await rig.type("name:d")
        await rig.press("enter")
        assert rig.table.selected == {key_of(rig, "d", "rack7")}
        await rig.press("escape")
        assert rig.table.selected == wanted
        await rig.press("t")
        assert rig.table.selected == wanted
        await rig.press("t")
        assert rig.table.selected == wanted


async def test_what_is_filtered_away_is_not_acted_on(tmp_path: Path) -> None:
    """Nobody should stop a guest that they do not see."""
    async with running(tmp_path, five) as rig:
        await rig.press("*", "slash")
        await rig.type("name:c")
        await rig.press("enter", "x")
        assert "c  on local" in rig.text
        assert "a  on local" not in rig.text
        await rig.press("y")
        assert rig.requests == [("local", key_of(rig, "c").uuid, ForceOff())]


async def test_a_selected_guest_that_goes_is_not_replaced_by_another(tmp_path: Path) -> None:
    async with running(tmp_path, five) as rig:
        await rig.press("down", "space")
        gone = key_of(rig, "b")
        rig.host().remove_guest(gone.uuid)
        await rig.tick()
        assert selected(rig) == []
        await rig.go_to(key_of(rig, "d"))
        await rig.press("p")
        assert [uuid for _, uuid, _ in rig.requests] == [key_of(rig, "d").uuid]


@pytest.mark.parametrize("what", ["vanishes", "renamed", "re-sorted", "all at once"])
async def test_what_happens_behind_an_open_question(tmp_path: Path, what: str) -> None:
    """The dialog named c; c it is, or nobody."""
    async with running(tmp_path, five, config=Config(sort="name")) as rig:
        target = key_of(rig, "c")
        await rig.go_to(target)
        await rig.press("x")
        assert isinstance(rig.app.screen, Confirm)
        host = rig.host()
        if what in ("vanishes", "all at once"):
            host.remove_guest(target.uuid)
        if what == "renamed":
            host.change(target.uuid, name="zzz")
            host.change(key_of(rig, "a").uuid, name="c")
        if what in ("re-sorted", "all at once"):
            for name in ("0", "1", "2"):
                host.add_guest(name)
            host.remove_guest(key_of(rig, "a").uuid)
        await rig.tick(2)
        await rig.press("y")
        assert rig.requests == [("local", target.uuid, ForceOff())]
        await rig.tick()
        off = {sim.guest.key for sim in host.guests.values() if sim.guest.state is OFF}
        assert off == ({target} if target.uuid in host.guests else set())
        if target.uuid not in host.guests:
            assert "Domain not found" in rig.notices[-1]


async def test_a_rename_reaches_the_one_that_was_shown(tmp_path: Path) -> None:
    def prepare(host: SimHost) -> None:
        for name in "abc":
            host.add_guest(name, OFF)

    async with running(tmp_path, prepare) as rig:
        target = key_of(rig, "b")
        await rig.go_to(target)
        await rig.press("R")
        rig.host().change(target.uuid, name="moved")
        rig.host().change(key_of(rig, "a").uuid, name="b")
        await rig.tick()
        rig.app.screen.query_one("#name", Input).value = "new"
        await rig.settle()
        await rig.press("enter")
        assert rig.requests == [("local", target.uuid, Rename("new"))]


async def test_a_deletion_reaches_the_one_that_was_shown(tmp_path: Path) -> None:
    def prepare(host: SimHost) -> None:
        for name in "abc":
            host.add_guest(name, OFF)

    async with running(tmp_path, prepare) as rig:
        target = key_of(rig, "b")
        await rig.go_to(target)
        await rig.press("X")
        assert isinstance(rig.app.screen, DeleteGuest)
        rig.host().change(target.uuid, name="zzz")
        rig.host().change(key_of(rig, "c").uuid, name="b")
        rig.host().remove_guest(key_of(rig, "a").uuid)
        await rig.tick()
        rig.app.screen.query_one("#delete", Button).press()
        await rig.settle()
        assert rig.requests == [("local", target.uuid, Delete(DeletionOrder()))]
        await rig.tick()
        assert rig.names == ["b"]


async def test_one_that_is_defined_anew_is_another_guest(tmp_path: Path) -> None:
    """Same name, other UUID: what was asked of the old one does not reach the new one."""
    async with running(tmp_path, five) as rig:
        old = key_of(rig, "c")
        await rig.go_to(old)
        await rig.press("x")
        rig.host().remove_guest(old.uuid)
        new = rig.host().add_guest("c")
        await rig.tick()
        await rig.press("y")
        await rig.tick()
        assert [uuid for _, uuid, _ in rig.requests] == [old.uuid]
        assert rig.app.store.guests[new].guest.state is GuestState.RUNNING


async def test_the_same_uuid_on_two_hosts(tmp_path: Path) -> None:
    """A guest copied with its XML, or migrated and left behind."""

    def prepare(host: SimHost) -> None:
        host.add_guest_as(SHARED, "twin", OFF)

    async with running(tmp_path, prepare, hosts=("local", "rack7")) as rig:
        assert rig.names == ["twin", "twin"]
        await rig.go_to(GuestKey("rack7", SHARED))
        await rig.press("s")
        assert rig.requests == [("rack7", SHARED, Start())]
        await rig.tick()
        states = {key.host: view.guest.state for key, view in rig.app.store.guests.items()}
        assert states == {"local": OFF, "rack7": GuestState.RUNNING}
        await rig.press("space")
        assert rig.table.selected == {GuestKey("rack7", SHARED)}
        await rig.press("*", "d", "enter")
        assert rig.requests[1:] == [("rack7", SHARED, Shutdown())]
        activities = rig.app.activities
        assert activities.waiting() == (GuestKey("rack7", SHARED),)
        rig.host("local").change(SHARED, name="other")
        await rig.press("escape")
        await rig.tick()
        assert sorted(rig.names) == ["other", "twin"]


async def test_an_action_whose_host_was_removed_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path, five, hosts=("local", "rack7")) as rig:
        target = key_of(rig, "c", "rack7")
        await rig.go_to(target)
        await rig.press("x")
        sim = rig.host("rack7")
        rig.app.remove_host("rack7")
        await rig.tick()
        await rig.press("y")
        await rig.tick()
        assert sim.requests == []
        assert rig.requests == []
        assert "rack7 is no longer in the list of hosts" in rig.notices[-1]
        assert rig.app.activities.get(target) is None


async def test_the_guest_that_is_open_goes(tmp_path: Path) -> None:
    async with running(tmp_path, five) as rig:
        await rig.go_to(key_of(rig, "c"))
        await rig.press("enter")
        assert isinstance(rig.app.screen, GuestScreen)
        rig.host().remove_guest(key_of(rig, "c").uuid)
        await rig.tick()
        assert "This guest is gone from local" in rig.text
        for key in ("x", "s", "X", "R", "tab", "?"):
            await rig.press(key)
            if not isinstance(rig.app.screen, GuestScreen):
                await rig.press("escape")
        assert rig.requests == []
        assert "force off: no guest is highlighted" in rig.notices
        await rig.press("escape")
        assert rig.cursor in "bd"


async def test_the_guest_that_is_open_is_renamed(tmp_path: Path) -> None:
    async with running(tmp_path, five) as rig:
        target = key_of(rig, "c")
        await rig.go_to(target)
        await rig.press("enter")
        rig.host().change(target.uuid, name="renamed")
        rig.host().change(key_of(rig, "d").uuid, name="c")
        await rig.tick()
        assert "renamed" in rig.text
        await rig.press("p")
        assert [uuid for _, uuid, _ in rig.requests] == [target.uuid]


async def test_a_guest_that_goes_before_its_command_begins(tmp_path: Path) -> None:
    """Between the key and the command's first step a snapshot may come."""
    async with running(tmp_path, five) as rig:
        for command in ("guest.rename", "guest.delete", "guest.force-off", "guest.shutdown"):
            rig.host().add_guest("0", OFF if command == "guest.rename" else GuestState.RUNNING)
            await rig.tick()
            await rig.go_to(key_of(rig, "0"))
            await rig.press("enter")
            rig.app.run_command(command, rig.app.screen)
            rig.host().remove_guest(key_of(rig, "0").uuid)
            rig.maker.tick()
            rig.app.fleet.drain()
            await rig.tick()
            assert isinstance(rig.app.screen, GuestScreen), command
            assert "no guest is highlighted" in rig.notices[-1]
            await rig.press("escape")
        assert rig.requests == []
