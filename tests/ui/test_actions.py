"""Every action: from the key to the request at the right guest, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.widgets import Button, Input

from tests.support.simhost import SimHost
from tests.ui.support import Rig, running
from tuivm.model.activities import SHUTDOWN_PATIENCE
from tuivm.model.deletion import DeletionOrder, VolumeFacts
from tuivm.model.guests import GuestKey, GuestState
from tuivm.model.hosts import Problem
from tuivm.model.requests import (
    Delete,
    DiscardSave,
    ForceOff,
    Outcome,
    Reboot,
    Rename,
    Request,
    Reset,
    Resume,
    Save,
    SetAutostart,
    Shutdown,
    ShutdownMode,
    Start,
    Step,
    Suspend,
)
from tuivm.screens.dialogs.base import Tick
from tuivm.screens.dialogs.choose import Choose
from tuivm.screens.dialogs.confirm import Confirm
from tuivm.screens.dialogs.delete_guest import DeleteGuest
from tuivm.screens.dialogs.progress import BulkProgress
from tuivm.screens.dialogs.rename import RenameGuest
from tuivm.screens.dialogs.shutdown import ShutDown
from tuivm.screens.guests import GuestsScreen

ON, OFF, PAUSED = GuestState.RUNNING, GuestState.OFF, GuestState.PAUSED
NAMES = ("aaa", "web", "zzz")


def fleet_of(state: GuestState) -> tuple[list[GuestKey], Callable[[SimHost], None]]:
    """The list of the keys, and a `prepare` that puts three guests in that state on each host."""
    keys: list[GuestKey] = []

    def prepare(host: SimHost) -> None:
        keys.extend(host.add_guest(name, state) for name in NAMES)

    return keys, prepare


def web_on(keys: list[GuestKey], host: str) -> GuestKey:
    return [key for key in keys if key.host == host][1]


async def to_web(rig: Rig, keys: list[GuestKey], host: str = "rack7") -> GuestKey:
    """Highlight one that is neither the first row nor on the first host."""
    key = web_on(keys, host)
    await rig.go_to(key)
    return key


DIRECT: list[tuple[str, GuestState, dict[str, object], tuple[str, ...], Request]] = [
    ("s", OFF, {}, (), Start()),
    ("s", PAUSED, {}, (), Resume()),
    ("S", OFF, {}, (), Start(paused=True)),
    ("p", ON, {}, (), Suspend()),
    ("u", PAUSED, {}, (), Resume()),
    ("v", ON, {}, (), Save()),
    ("a", OFF, {}, (), SetAutostart(True)),
    ("a", OFF, {"autostart": True}, (), SetAutostart(False)),
    ("d", ON, {}, ("enter",), Shutdown(ShutdownMode.DEFAULT)),
    ("d", ON, {}, ("down", "enter"), Shutdown(ShutdownMode.ACPI)),
    ("d", ON, {}, ("down", "down", "enter"), Shutdown(ShutdownMode.AGENT)),
    ("b", ON, {}, ("enter",), Reboot(ShutdownMode.DEFAULT)),
    ("b", ON, {}, ("j", "enter"), Reboot(ShutdownMode.ACPI)),
    ("B", ON, {}, ("y",), Reset()),
    ("x", ON, {}, ("y",), ForceOff()),
    ("V", OFF, {"managed_save": True}, ("y",), DiscardSave()),
]


async def put(rig: Rig, state: GuestState, **changes: object) -> None:
    """All guests of all hosts into that state."""
    for host in rig.maker.hosts.values():
        for uuid in host.guests:
            host.change(uuid, state=state, autostart=False, managed_save=False)
            host.change(uuid, **changes)
        host.requests.clear()
    rig.app.notices.clear()
    await rig.tick()


@pytest.mark.parametrize("place", ["guests", "guest"])
async def test_a_key_becomes_the_request_at_that_guest(tmp_path: Path, place: str) -> None:
    keys, prepare = fleet_of(ON)
    async with running(tmp_path, prepare, hosts=("local", "rack7")) as rig:
        target = await to_web(rig, keys)
        if place == "guest":
            await rig.press("enter")
        screen = type(rig.app.screen)
        for key, state, changes, answers, request in DIRECT:
            case = (key, state, request)
            await put(rig, state, **changes)
            await rig.press(key)
            if answers:
                assert not rig.requests, (case, "it asks first")
                assert "web" in rig.text, case
                assert "on rack7" in rig.text, (case, "two hosts have one of that name")
            await rig.press(*answers)
            assert rig.requests == [("rack7", target.uuid, request)], case
            assert len(rig.notices) == 1, case
            assert rig.notices[0].startswith("web: "), case
            assert rig.notices[0].endswith(": done"), case
            assert type(rig.app.screen) is screen, case


async def test_leaving_a_question_does_nothing(tmp_path: Path) -> None:
    """Enter, too, unless the question is how to shut down: the focus starts on Cancel."""
    keys, prepare = fleet_of(ON)
    async with running(tmp_path, prepare) as rig:
        await to_web(rig, keys, "local")
        for key in ("d", "b", "B", "x", "V", "R", "X", "-"):
            await put(rig, OFF if key in "VR" else ON, managed_save=True)
            for leave in ("escape",) if key in "dbR" else ("escape", "enter"):
                await rig.press(key)
                await rig.until(lambda: not isinstance(rig.app.screen, GuestsScreen))
                await rig.press(leave)
                assert isinstance(rig.app.screen, GuestsScreen), (key, leave)
                await rig.tick()
                assert rig.requests == [], (key, leave)
                assert rig.app.store.host_names == ("local",)
                assert not rig.app.activities.get(web_on(keys, "local"))
        await put(rig, OFF)
        await rig.press("R", "enter")
        assert isinstance(rig.app.screen, RenameGuest), "that is its name already"
        assert rig.requests == []


UNFIT = (
    ("s", ON, "start: web is running already"),
    ("S", ON, "start paused: web is not off"),
    ("d", OFF, "shut down: web is off: only a running guest can react"),
    ("b", PAUSED, "reboot: web is paused: only a running guest can react"),
    ("B", OFF, "reset: web is off"),
    ("x", OFF, "force off: web is off"),
    ("p", OFF, "pause: web is off, not running"),
    ("u", ON, "resume: web is running, not paused"),
    ("v", OFF, "save state: web is off: there is no memory to save"),
    ("V", ON, "discard saved state: web has no saved state"),
    ("R", ON, "rename: web is not off"),
)


async def test_what_a_guest_is_not_fit_for_is_refused_with_the_reason(tmp_path: Path) -> None:
    keys, prepare = fleet_of(ON)
    async with running(tmp_path, prepare) as rig:
        await to_web(rig, keys, "local")
        for key, state, reason in UNFIT:
            await put(rig, state)
            await rig.press(key)
            assert rig.notices == [reason]
            assert rig.requests == []
            assert isinstance(rig.app.screen, GuestsScreen)


async def test_what_fails_is_told_in_libvirts_words(tmp_path: Path) -> None:
    keys, prepare = fleet_of(OFF)
    async with running(tmp_path, prepare) as rig:
        await to_web(rig, keys, "local")
        rig.host().refuse = Problem(
            "cannot start web",
            "internal error: [bold]no[/] network\x1b[2J 'default'",
            "its network is not active",
            "virsh net-start default",
        )
        await rig.press("s")
        await rig.until(lambda: "cannot start web" in rig.text)
        assert "[bold]no[/] network␛[2J" in rig.text.replace("\n", "")
        await rig.press("!")
        await rig.until(lambda: "Notices" in rig.text)
        shown = rig.words
        assert "web on local" in shown
        assert "cannot start web: internal error: [bold]no[/] network␛[2J 'default'" in shown
        assert "cause: its network is not active" in shown
        assert "what to do: virsh net-start default" in shown
        await rig.press("escape")
        rig.host().refuse = None
        await rig.press("s")
        assert rig.notices[-1] == "web: starting: done"


async def test_while_it_runs_its_row_says_so(tmp_path: Path) -> None:
    keys, prepare = fleet_of(OFF)
    async with running(tmp_path, prepare, size=(120, 30)) as rig:
        key = await to_web(rig, keys, "local")
        rig.host().hold = True
        await rig.press("s")
        assert [uuid for _, uuid, _ in rig.requests] == [key.uuid]
        rows = [line for line in rig.text.splitlines() if "↻ starting" in line]
        assert len(rows) == 1
        assert "web" in rows[0]
        # Everything else goes on meanwhile.
        await rig.press("enter")
        assert "↻" not in rig.text.splitlines()[3]
        assert "starting" in rig.text
        await rig.press("escape", "down")
        assert rig.cursor == "zzz"
        rig.host().answer()
        await rig.tick()
        assert "↻" not in rig.text
        assert "▶ running web" in rig.words


async def test_a_host_that_hangs_keeps_nothing_else_from_working(tmp_path: Path) -> None:
    keys, prepare = fleet_of(OFF)
    async with running(tmp_path, prepare, hosts=("local", "rack7")) as rig:
        rig.host("rack7").hung = True
        await to_web(rig, keys, "rack7")
        await rig.press("s")
        await to_web(rig, keys, "local")
        await rig.press("s")
        await rig.tick()
        states = {key.host: rig.app.store.guests[key].guest.state for key in rig.app.store.guests}
        assert rig.notices == ["web: starting: done"]
        assert states["rack7"] is OFF
        rig.host("rack7").hung = False
        rig.host("rack7").answer()
        await rig.tick()
        assert rig.notices == ["web: starting: done"] * 2
        assert rig.app.store.guests[web_on(keys, "rack7")].guest.state is ON


async def test_an_answer_that_comes_after_leaving_harms_nobody(tmp_path: Path) -> None:
    keys, prepare = fleet_of(OFF)
    async with running(tmp_path, prepare) as rig:
        rig.host().hold = True
        await to_web(rig, keys, "local")
        await rig.press("s", "q")
        await rig.until(lambda: rig.host().closed)
    future = rig.host().waiting[0][0]
    assert future.cancelled() or not future.done()
    assert rig.app.return_code == 0


async def several(rig: Rig) -> None:
    await rig.press("asterisk")
    assert len(rig.table.selected) == len(rig.table.rows)


async def test_several_side_by_side_each_with_its_result(tmp_path: Path) -> None:
    keys, prepare = fleet_of(OFF)
    async with running(tmp_path, prepare, hosts=("local", "rack7")) as rig:
        bad = web_on(keys, "rack7")
        rig.host("rack7").refuse_for[bad.uuid] = Problem("cannot start web", "no memory", "too big")
        rig.host("local").hold = True
        await several(rig)
        await rig.press("s")
        dialog = rig.app.screen
        assert isinstance(dialog, BulkProgress)
        assert len(rig.requests) == 6
        assert {(host, uuid) for host, uuid, _ in rig.requests} == set(keys)
        assert "3/6" in rig.text
        assert "1 failed" in rig.text
        assert rig.text.count("✓ done") == 2
        assert rig.text.count("▶ running  ") == 3
        assert "no memory" in rig.text
        assert "leave it running in the background" in rig.text
        rig.host("local").answer(1)
        await rig.settle()
        assert "4/6" in rig.text
        await rig.press("escape")
        assert isinstance(rig.app.screen, GuestsScreen)
        rig.host("local").answer()
        await rig.tick()
        assert [n for n in rig.notices if n.endswith("starting: done")] == [
            f"{name}: starting: done" for name in ("aaa", "zzz", *NAMES)
        ]
        assert any("cannot start web: no memory\ncause: too big" in n for n in rig.notices)


async def test_of_several_only_those_that_can_are_asked(tmp_path: Path) -> None:
    def prepare(host: SimHost) -> None:
        host.add_guest("off", OFF)
        host.add_guest("on", ON)
        host.add_guest("paused", PAUSED)
        host.add_guest("suspended", GuestState.SUSPENDED)

    async with running(tmp_path, prepare, hosts=("local", "gone")) as rig:
        rig.host("gone").lose()
        await rig.tick()
        await several(rig)
        await rig.press("x")
        assert isinstance(rig.app.screen, Confirm)
        asked = rig.text
        assert "off  on local" not in asked
        for name in ("on", "paused", "suspended"):
            assert f"{name}  on local" in asked
        assert "on gone" not in asked
        await rig.press("y")
        uuids = {uuid for _, uuid, _ in rig.requests}
        local = {sim.guest.name: uuid for uuid, sim in rig.host("local").guests.items()}
        assert uuids == {local["on"], local["paused"], local["suspended"]}
        assert {type(request) for _, _, request in rig.requests} == {ForceOff}
        assert rig.host("gone").requests == []


async def test_autostart_of_several_is_turned_the_same_way(tmp_path: Path) -> None:
    keys, prepare = fleet_of(OFF)
    async with running(tmp_path, prepare) as rig:
        rig.host().change(keys[0].uuid, autostart=True)
        await rig.tick()
        await several(rig)
        await rig.press("a", "escape")
        await rig.tick()
        assert {request for _, _, request in rig.requests} == {SetAutostart(True)}
        rig.host().requests.clear()
        await rig.press("a")
        assert {request for _, _, request in rig.requests} == {SetAutostart(False)}


async def wait_out(rig: Rig, seconds: float = SHUTDOWN_PATIENCE) -> None:
    await rig.tick(seconds=seconds)
    await rig.beat()


async def asked_about_web(rig: Rig, keys: list[GuestKey]) -> GuestKey:
    key = await to_web(rig, keys, "local")
    await rig.press("d", "enter")
    await rig.tick()
    assert "↻ 59s sh" in rig.text
    await rig.tick(10)
    assert "↻ 49s sh" in rig.text
    await rig.beat()
    assert isinstance(rig.app.screen, GuestsScreen), "it is too early to ask"
    await wait_out(rig, 49)
    dialog = rig.app.screen
    assert isinstance(dialog, Choose)
    assert "web on local did not react in 60 s" in rig.text
    rig.host().requests.clear()
    return key


@pytest.mark.parametrize(
    ("downs", "request_", "waits"),
    [
        (0, None, True),
        (1, Shutdown(ShutdownMode.ACPI), True),
        (2, Shutdown(ShutdownMode.AGENT), True),
        (3, ForceOff(), False),
        (4, None, False),
    ],
    ids=["wait", "acpi", "agent", "off", "leave"],
)
async def test_a_guest_that_does_not_react(
    tmp_path: Path, downs: int, request_: Request | None, waits: bool
) -> None:
    keys, prepare = fleet_of(ON)
    async with running(tmp_path, prepare, size=(120, 30)) as rig:
        key = await asked_about_web(rig, keys)
        await rig.press(*["down"] * downs, "enter")
        assert rig.requests == ([("local", key.uuid, request_)] if request_ else [])
        await rig.tick()
        assert ("↻ 59s sh" in rig.text) is waits
        assert bool(rig.app.activities.waiting()) is waits
        await wait_out(rig, 40)
        assert isinstance(rig.app.screen, GuestsScreen)
        await wait_out(rig, 30)
        assert isinstance(rig.app.screen, Choose) is waits, "the question comes again, or never"


async def test_esc_at_that_question_stops_waiting(tmp_path: Path) -> None:
    keys, prepare = fleet_of(ON)
    async with running(tmp_path, prepare) as rig:
        await asked_about_web(rig, keys)
        await rig.press("escape")
        await wait_out(rig)
        assert isinstance(rig.app.screen, GuestsScreen)
        assert rig.requests == []


async def test_nobody_is_asked_about_a_guest_that_went_off(tmp_path: Path) -> None:
    keys, prepare = fleet_of(ON)
    async with running(tmp_path, prepare) as rig:
        key = await to_web(rig, keys, "local")
        await rig.press("d", "enter")
        await rig.tick(3)
        rig.host().change(key.uuid, state=OFF)
        await rig.tick()
        assert "shutting down" not in rig.text
        await wait_out(rig)
        assert isinstance(rig.app.screen, GuestsScreen)


async def test_one_that_goes_off_while_it_is_asked_about_is_left_alone(tmp_path: Path) -> None:
    """Force off is chosen too late: the guest may have been started again by then."""
    keys, prepare = fleet_of(ON)
    async with running(tmp_path, prepare) as rig:
        key = await asked_about_web(rig, keys)
        rig.host().change(key.uuid, state=OFF)
        await rig.tick()
        rig.host().change(key.uuid, state=ON)
        await rig.tick()
        if isinstance(rig.app.screen, Choose):
            await rig.press("down", "down", "down", "enter")
        assert rig.requests == []


async def test_several_that_do_not_react_are_asked_about_one_by_one(tmp_path: Path) -> None:
    keys, prepare = fleet_of(ON)
    async with running(tmp_path, prepare) as rig:
        await several(rig)
        await rig.press("d", "enter", "escape")
        rig.host().requests.clear()
        asked = set()
        await rig.tick(seconds=61)
        for _ in keys:
            await rig.beat()
            await rig.beat()
            assert isinstance(rig.app.screen, Choose)
            asked.add(next(name for name in NAMES if f"{name} on local" in rig.text))
            await rig.press("escape")
        assert asked == set(NAMES)
        await rig.beat()
        assert isinstance(rig.app.screen, GuestsScreen)


async def test_no_question_opens_over_another(tmp_path: Path) -> None:
    """What a person is about to press was meant for the dialog that they see."""
    keys, prepare = fleet_of(ON)
    async with running(tmp_path, prepare) as rig:
        await to_web(rig, keys, "local")
        await rig.press("d", "enter")
        await rig.go_to(keys[0])
        await rig.press("x")
        await wait_out(rig, 61)
        assert isinstance(rig.app.screen, Confirm)
        await rig.press("n")
        await rig.beat()
        assert isinstance(rig.app.screen, Choose)


async def test_rename(tmp_path: Path) -> None:
    keys, prepare = fleet_of(OFF)
    async with running(tmp_path, prepare, hosts=("local", "rack7")) as rig:
        key = await to_web(rig, keys)
        rig.host("local").add_guest("only-here", OFF)
        await rig.tick()
        await rig.press("R")
        dialog = rig.app.screen
        assert isinstance(dialog, RenameGuest)
        entry = dialog.query_one("#name", Input)
        assert entry.value == "web"
        entry.value = "zzz"
        await rig.press("enter")
        assert "rack7 has a guest named zzz already" in rig.text
        assert rig.requests == []
        entry.value = "only-here"
        await rig.press("enter")
        assert rig.requests == [("rack7", key.uuid, Rename("only-here"))], "taken elsewhere is free"
        await rig.tick()
        assert rig.table.cursor == key
        assert rig.cursor == "only-here"


async def test_a_name_that_is_taken_meanwhile_is_refused(tmp_path: Path) -> None:
    keys, prepare = fleet_of(OFF)
    async with running(tmp_path, prepare) as rig:
        await to_web(rig, keys, "local")
        await rig.press("R")
        rig.app.screen.query_one("#name", Input).value = "late"
        await rig.settle()
        rig.host().add_guest("late")
        await rig.tick()
        await rig.press("enter")
        assert "has a guest named late already" in rig.text
        assert rig.requests == []


VOLUMES = (
    VolumeFacts("/img/web.qcow2", "default", "web.qcow2", "qcow2", targets=("vda",), exists=True),
    VolumeFacts("/img/base", "default", "base", "raw", targets=("vdb",), owners=("db",)),
)


async def test_delete_keeps_every_volume_unless_told(tmp_path: Path) -> None:
    keys, prepare = fleet_of(OFF)
    async with running(tmp_path, prepare) as rig:
        rig.host().volumes = VOLUMES
        key = await to_web(rig, keys, "local")
        await rig.press("X")
        dialog = rig.app.screen
        assert isinstance(dialog, DeleteGuest)
        ticks = list(dialog.query(Tick))
        assert len(ticks) == 1, "what another guest uses cannot be ticked"
        assert not ticks[0].value
        await rig.pilot.click("#delete")
        await rig.settle()
        assert rig.requests == [("local", key.uuid, Delete(DeletionOrder()))]
        await rig.tick()
        assert "web" not in rig.names


async def test_delete_with_data_wants_the_name_typed(tmp_path: Path) -> None:
    keys, prepare = fleet_of(OFF)
    async with running(tmp_path, prepare, size=(100, 40)) as rig:
        rig.host().volumes = VOLUMES
        key = await to_web(rig, keys, "local")
        await rig.press("X")
        dialog = rig.app.screen
        dialog.query_one(Tick).value = True
        await rig.settle()
        assert dialog.query_one("#delete", Button).disabled
        proof = dialog.query_one("#proof", Input)
        proof.focus()
        for wrong in ("we", "WEB", "web "):
            proof.value = wrong
            await rig.press("enter")
            assert rig.requests == []
        proof.value = "web"
        await rig.press("enter")
        order = DeletionOrder(volumes=("/img/web.qcow2",))
        assert rig.requests == [("local", key.uuid, Delete(order))]


async def test_delete_of_a_running_guest_has_to_be_told_to_force_it_off(tmp_path: Path) -> None:
    keys, prepare = fleet_of(ON)
    async with running(tmp_path, prepare) as rig:
        key = await to_web(rig, keys, "local")
        await rig.press("X")
        dialog = rig.app.screen
        assert dialog.query_one("#delete", Button).disabled
        dialog.query_one("#force", Tick).value = True
        await rig.settle()
        dialog.query_one("#delete", Button).press()
        await rig.settle()
        order = Delete(DeletionOrder(force_off=True))
        assert rig.requests == [("local", key.uuid, order)]


async def test_what_was_done_before_it_failed_is_told(tmp_path: Path) -> None:
    keys, prepare = fleet_of(OFF)
    async with running(tmp_path, prepare, size=(120, 40)) as rig:
        host = rig.host()
        host._carry_out = lambda uuid, request: Outcome(  # type: ignore[method-assign]
            Problem("cannot delete web", "pool is not active"),
            (Step("deleted snapshot one"), Step("delete /img/web.qcow2", False, "not active")),
        )
        await to_web(rig, keys, "local")
        await rig.press("X")
        await rig.pilot.click("#delete")
        await rig.settle()
        told = rig.notices[-1]
        assert "cannot delete web: pool is not active" in told
        assert "\ndone: deleted snapshot one" in told
        assert "\nnot done: delete /img/web.qcow2 not active" in told


async def test_a_guest_that_cannot_be_looked_up_is_not_deleted(tmp_path: Path) -> None:
    keys, prepare = fleet_of(OFF)
    async with running(tmp_path, prepare) as rig:
        key = await to_web(rig, keys, "local")
        rig.host().remove_guest(key.uuid)
        await rig.press("X")
        assert isinstance(rig.app.screen, GuestsScreen)
        assert rig.notices[-1] == "cannot look up the guest: Domain not found"


async def test_shutdown_names_guests_with_their_hosts(tmp_path: Path) -> None:
    def prepare(host: SimHost) -> None:
        for number in range(7):
            host.add_guest(f"g{number}")

    async with running(tmp_path, prepare, hosts=("local", "rack7")) as rig:
        await several(rig)
        await rig.press("d")
        assert isinstance(rig.app.screen, ShutDown)
        assert "g0  on local" in rig.text
        assert "and 6 more" in rig.text
        await rig.press("escape")
        assert rig.requests == []
