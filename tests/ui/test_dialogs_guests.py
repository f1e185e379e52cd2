"""Dialogs about guests: confirm, delete, rename, shut down, progress."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.widgets import Button, Input

from tests.ui.dialog_support import (
    PENDING,
    DialogApp,
    focused,
    full_text,
    screen_text,
    until,
    words,
)
from tuivm.model.deletion import (
    DeletionFacts,
    DeletionOrder,
    DeletionPlan,
    VolumeChoice,
    VolumeFacts,
)
from tuivm.model.guests import GuestKey
from tuivm.model.hosts import Problem
from tuivm.model.requests import Outcome, ShutdownMode, Step
from tuivm.screens.dialogs.base import Tick
from tuivm.screens.dialogs.confirm import Confirm
from tuivm.screens.dialogs.delete_guest import DeleteGuest
from tuivm.screens.dialogs.progress import BulkProgress
from tuivm.screens.dialogs.rename import RenameGuest
from tuivm.screens.dialogs.shutdown import ShutDown

WIDE = (100, 50)


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        (("y",), True),
        (("n",), False),
        (("enter",), False),
        (("escape",), False),
        (("right", "enter"), True),
        (("tab", "enter"), True),
        (("l", "h", "enter"), False),
    ],
)
async def test_confirm(keys: tuple[str, ...], answer: bool) -> None:
    dialog = Confirm("Force off", ("web-1  on local", "", "It stops at once."), "Force off")
    app = DialogApp(dialog)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.focused is not None)
        assert focused(app).id == "cancel"
        assert "web-1 on local" in words(app)
        await pilot.press(*keys)
        await until(pilot, lambda: app.answer is not PENDING)
    assert app.answer is answer


def deletion(*, active: bool = False, name: str = "web-1", refused: str = "") -> DeletionPlan:
    volumes = (
        VolumeFacts(
            "/pool/web-1.qcow2", "default", "web-1.qcow2", "qcow2", 20 << 30, 4 << 30, ("vda",)
        ),
        VolumeFacts(
            "/pool/shared.img", "default", "shared.img", "raw", 8 << 30, None, ("vdb",), ("db-1",)
        ),
        VolumeFacts("/pool/data.img", "default", "data.img", "raw", None, None, ("vdc",)),
        VolumeFacts(
            "/pool/base.img", "default", "base.img", "raw", 1, 1, (), (), ("/pool/kid.img",)
        ),
    )
    return DeletionPlan(
        DeletionFacts(name, "0123abcd-0000", active, True, volumes),
        ("the definition of web-1", "3 snapshots (metadata and data)"),
        (
            VolumeChoice(volumes[0]),
            VolumeChoice(volumes[1], "db-1 uses it"),
            VolumeChoice(volumes[2], warning="it is outside of any backup"),
            VolumeChoice(volumes[3], "it backs /pool/kid.img"),
        ),
        refused,
    )


async def test_delete_keeps_everything_unless_told_otherwise() -> None:
    app = DialogApp(DeleteGuest(deletion()))
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.focused is not None)
        assert focused(app).id == "cancel"
        assert not any(tick.value for tick in app.dialog.query(Tick))
        shown = words(app)
        for text in (
            "the definition of web-1",
            "3 snapshots (metadata and data)",
            "delete vda qcow2 4.0G on disk, 20G in size",
            "/pool/web-1.qcow2",
            "vdb raw 8.0G in size",
            "used by the guest db-1",
            "kept: db-1 uses it",
            "size not reported",
            "it is outside of any backup",
            "backs /pool/kid.img",
        ):
            assert text in shown, text
        await pilot.press("enter")
        await until(pilot, lambda: app.answer is not PENDING)
    assert app.answer is None


async def test_delete_offers_only_volumes_that_may_go() -> None:
    app = DialogApp(DeleteGuest(deletion()))
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.focused is not None)
        ids = [tick.id for tick in app.dialog.query(Tick)]
        assert ids == ["volume-0", "volume-2"]


async def test_delete_without_volumes_needs_no_name() -> None:
    app = DialogApp(DeleteGuest(deletion()))
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.focused is not None)
        await pilot.press("right", "enter")
        await until(pilot, lambda: app.answer is not PENDING)
    assert app.answer == DeletionOrder()


async def test_delete_with_a_volume_wants_the_name_exactly() -> None:
    app = DialogApp(DeleteGuest(deletion()))
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.focused is not None)
        await pilot.press("tab", "tab")
        assert focused(app).id == "volume-0"
        await pilot.press("space")
        delete = app.dialog.query_one("#delete", Button)
        await until(pilot, lambda: delete.disabled)
        assert "Delete guest, 1 volume" in screen_text(app)
        proof = app.dialog.query_one("#proof", Input)
        proof.focus()
        for wrong in ("Web-1", "web-1 ", "web-", "db-1"):
            proof.value = wrong
            await pilot.press("enter")
            await pilot.pause()
            assert app.answer is PENDING, wrong
            assert delete.disabled, wrong
        proof.value = ""
        await pilot.press(*"web", "minus", "1")
        await until(pilot, lambda: not delete.disabled)
        await pilot.press("enter")
        await until(pilot, lambda: app.answer is not PENDING)
    assert app.answer == DeletionOrder(("/pool/web-1.qcow2",))


async def test_unticking_takes_the_name_away_again() -> None:
    app = DialogApp(DeleteGuest(deletion()))
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.focused is not None)
        await pilot.press("tab", "tab", "space")
        await until(pilot, lambda: app.dialog.query_one("#proof").region.area > 0)
        await pilot.press("space")
        await until(pilot, lambda: app.dialog.query_one("#proof").region.area == 0)
        assert not app.dialog.query_one("#delete", Button).disabled


async def test_delete_of_a_running_guest_has_to_force_it_off() -> None:
    app = DialogApp(DeleteGuest(deletion(active=True)))
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.focused is not None)
        delete = app.dialog.query_one("#delete", Button)
        assert delete.disabled
        await pilot.press("right", "left", "right")
        assert focused(app).id == "cancel"
        app.dialog.query_one("#force").focus()
        await pilot.press("space")
        await until(pilot, lambda: not delete.disabled)
        delete.focus()
        await pilot.press("enter")
        await until(pilot, lambda: app.answer is not PENDING)
    assert app.answer == DeletionOrder(force_off=True)


@pytest.mark.parametrize("name", ["a\x07b", "\u202eabc", " lead"])
async def test_a_name_that_cannot_be_typed_is_proven_by_the_uuid(name: str) -> None:
    app = DialogApp(DeleteGuest(deletion(name=name)))
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.focused is not None)
        await pilot.press("tab", "space")
        app.dialog.query_one("#volume-0", Tick).value = True
        await until(pilot, lambda: "0123abcd" in full_text(app))
        proof = app.dialog.query_one("#proof", Input)
        proof.focus()
        await pilot.press(*"0123abcd", "enter")
        await until(pilot, lambda: app.answer is not PENDING)
    assert app.answer == DeletionOrder(("/pool/web-1.qcow2",))


async def test_a_guest_that_cannot_be_deleted_offers_no_way_to() -> None:
    app = DialogApp(DeleteGuest(replace(deletion(), refused="it is being migrated")))
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.focused is not None)
        assert "it is being migrated" in words(app)
        assert not app.dialog.query("#delete")
        await pilot.press("enter")
        await until(pilot, lambda: app.answer is not PENDING)
    assert app.answer is None


def taken(name: str) -> str:
    return "local has a guest named db-1 already" if name == "db-1" else ""


async def test_rename() -> None:
    app = DialogApp(RenameGuest("web-1", taken))
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.focused is not None)
        entry = app.dialog.query_one("#name", Input)
        rename = app.dialog.query_one("#rename", Button)
        assert entry.value == "web-1"
        await until(pilot, lambda: rename.disabled)
        entry.value = ""
        await pilot.press(*"new")
        await until(pilot, lambda: not rename.disabled)
        await pilot.press("enter")
        await until(pilot, lambda: app.answer is not PENDING)
    assert app.answer == "new"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "A name is needed"),
        ("  ", "A name is needed"),
        ("web-1", "its name already"),
        ("db-1", "local has a guest named db-1 already"),
        ("a/b", "libvirt does not allow"),
        (" a", "begins or ends with a space"),
        ("a\u200eb", "cannot be seen"),
        ("a\u00a0b", "cannot be seen"),
        ("é" * 128, "longer than 255 bytes"),
    ],
)
async def test_a_wrong_name_is_said_while_typing_and_not_taken(name: str, said: str) -> None:
    app = DialogApp(RenameGuest("web-1", taken))
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.focused is not None)
        entry = app.dialog.query_one("#name", Input)
        entry.value = "ok"
        await until(pilot, lambda: not app.dialog.query_one("#rename", Button).disabled)
        entry.value = name
        await until(pilot, lambda: app.dialog.query_one("#rename", Button).disabled)
        assert said in words(app)
        await pilot.press("enter")
        await pilot.pause()
        assert app.answer is PENDING
        await pilot.press("escape")
        await until(pilot, lambda: app.answer is not PENDING)
    assert app.answer is None


async def test_a_name_taken_meanwhile_is_refused_at_the_last_moment() -> None:
    names = set[str]()
    app = DialogApp(RenameGuest("web-1", lambda name: "taken" if name in names else ""))
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.focused is not None)
        app.dialog.query_one("#name", Input).value = "new"
        await until(pilot, lambda: not app.dialog.query_one("#rename", Button).disabled)
        names.add("new")
        await pilot.press("enter")
        await until(pilot, lambda: app.dialog.query_one("#rename", Button).disabled)
        assert app.answer is PENDING


@pytest.mark.parametrize(
    ("keys", "mode"),
    [
        (("enter",), ShutdownMode.DEFAULT),
        (("down", "enter"), ShutdownMode.ACPI),
        (("j", "j", "enter"), ShutdownMode.AGENT),
        (("j", "k", "enter"), ShutdownMode.DEFAULT),
        (("escape",), None),
    ],
)
async def test_shut_down(keys: tuple[str, ...], mode: ShutdownMode | None) -> None:
    app = DialogApp(ShutDown(("web-1  on local",), "Reboot"))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.focused is not None)
        shown = words(app)
        assert "web-1 on local" in shown
        assert "Enter reboot" in shown
        assert "qemu-guest-agent" in shown
        await pilot.press(*keys)
        await until(pilot, lambda: app.answer is not PENDING)
    assert app.answer is mode


KEYS = [GuestKey("local", str(number)) for number in range(3)]
GUESTS = [(key, f"guest-{key.uuid}") for key in KEYS]


async def test_progress_shows_each_result() -> None:
    dialog = BulkProgress("Starting", GUESTS, running=KEYS[:1])
    app = DialogApp(dialog)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.focused is not None)
        shown = words(app)
        assert "running guest-0" in shown
        assert "waiting guest-1" in shown
        assert "0/3" in shown
        assert "in the background" in shown
        dialog.set_running(KEYS[1])
        dialog.set_result(KEYS[0], Outcome())
        await until(pilot, lambda: "1/3" in words(app))
        assert "done guest-0" in words(app)
        assert "running guest-1" in words(app)
        dialog.set_result(
            KEYS[1],
            Outcome(
                Problem(
                    "cannot start guest-1", "libvirt: no such [disk]", "the disk is gone", "look"
                ),
                (Step("made the directory"), Step("started it", False, "no disk")),
            ),
        )
        dialog.set_result(KEYS[2], Outcome())
        dialog.set_running(KEYS[2])
        await until(pilot, lambda: "3/3" in words(app) and "not done" in words(app))
        shown = words(app)
        assert "1 failed" in shown
        assert "failed guest-1 cannot start guest-1 libvirt: no such [disk]" in shown
        assert "done: made the directory" in shown
        assert "not done: started it no disk" in shown
        assert "done guest-2" in shown
        assert "Esc close" in shown


async def test_progress_left_and_opened_again() -> None:
    dialog = BulkProgress("Starting", GUESTS)
    app = DialogApp(dialog)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.focused is not None)
        await pilot.press("escape")
        await until(pilot, lambda: app.answer is not PENDING)
        dialog.set_result(KEYS[0], Outcome())
        dialog.set_result(GuestKey("elsewhere", "9"), Outcome())
        await pilot.pause()
        again = BulkProgress("Starting", GUESTS, {KEYS[0]: Outcome()}, KEYS[1:])
        app.push_screen(again)
        await until(pilot, lambda: app.screen is again and "1/3" in words(app))
        assert "running guest-2" in words(app)


async def test_a_result_before_the_first_painting_is_not_lost() -> None:
    dialog = BulkProgress("Starting", GUESTS)
    dialog.set_result(KEYS[0], Outcome())
    app = DialogApp(dialog)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.focused is not None and "1/3" in words(app))
