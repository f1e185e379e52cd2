"""Giving guests devices of their host's: from the question to the request, and what stops it."""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Button, Input

from tests.ui.device_support import (
    AHCI,
    GOING,
    GPU,
    KEY,
    NIC,
    OFF,
    SMBUS,
    TWINS,
    VIA,
    WEB,
    devices_shown,
    offer,
)
from tests.ui.support import Rig
from tuivm.devicetasks import attach_to_some_guest
from tuivm.model.guests import GuestState
from tuivm.model.hosts import Problem
from tuivm.model.offers import HostDevice
from tuivm.model.requests import AttachDevices, When
from tuivm.model.spec import Passed, PassKind
from tuivm.screens.dialogs import watching
from tuivm.screens.dialogs.attach import AttachDevice
from tuivm.screens.dialogs.base import Tick
from tuivm.screens.dialogs.find import FindOne
from tuivm.screens.dialogs.findings import FindingList
from tuivm.screens.dialogs.turn import Turn

TAKEN_OFF = NIC._replace(used_by=("guest off (off)",))


def begin(rig: Rig, task: Coroutine[Any, Any, None]) -> None:
    rig.app.run_worker(task)


async def attaching(rig: Rig, *devices: HostDevice, guest: str = "web") -> AttachDevice:
    """Through the list of guests to the dialog, once the host has answered."""
    begin(rig, attach_to_some_guest(rig.app, devices, rig.host().device_port.offer))
    await rig.until(lambda: isinstance(rig.app.screen, FindOne))
    await rig.settle()
    await rig.type(guest)
    await rig.press("enter")
    return await attach_dialog(rig)


async def attach_dialog(rig: Rig) -> AttachDevice:
    await rig.until(lambda: isinstance(rig.app.screen, AttachDevice))
    dialog = rig.app.screen
    assert isinstance(dialog, AttachDevice)
    if not rig.host().device_port.hold:
        await rig.until(lambda: dialog.seen is not None)
    await rig.settle()
    return dialog


async def accept_all(rig: Rig, dialog: AttachDevice) -> None:
    for tick in dialog.query_one(FindingList).query(Tick):
        tick.focus()
        await rig.press("space")


async def press_attach(rig: Rig, dialog: AttachDevice) -> None:
    button(dialog).focus()
    await rig.press("enter")
    await rig.until(lambda: rig.app.screen is not dialog)
    await rig.settle()


def button(dialog: AttachDevice) -> Button:
    return dialog.query_one("#attach", Button)


def asked(rig: Rig) -> list[AttachDevices]:
    return [one for _, _, one in rig.requests if isinstance(one, AttachDevices)]


async def test_a_nic_for_a_running_guest(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        dialog = await attaching(rig, NIC)
        assert rig.host().device_port.asked == ["devices"], "drawn from a fresh offer"
        words = rig.words
        assert "Attach to web on local" in words
        assert "0000:01:00.0 ACME Gigabit NIC" in words
        assert "‹ now and at each boot ›" in words
        assert "virsh -c test+sim:///local attach-device web /dev/stdin --live --config" in words
        assert "<hostdev mode='subsystem'" in words.replace('"', "'")
        await accept_all(rig, dialog)
        assert not button(dialog).disabled
        await press_attach(rig, dialog)
        (request,) = asked(rig)
        assert request.devices == (Passed(PassKind.PCI, NIC.address, NIC.nodedev),)
        assert request.when is When.BOTH
        assert not request.overridden
        assert rig.requests[-1][1] == WEB
        await rig.until(lambda: "AttachDevices" in rig.notices)


async def test_when_follows_the_guest(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        dialog = await attaching(rig, NIC, guest="off")
        turn = dialog.query_one("#when", Turn)
        assert turn.value is When.NEXT_BOOT
        assert not turn.can_focus
        assert "attach-device off /dev/stdin --config" in rig.words
        await rig.press("escape")
        await rig.until(lambda: isinstance(rig.app.screen, FindOne))
        await rig.press("escape")
        dialog = await attaching(rig, NIC, guest="going")
        assert dialog.query_one("#when", Turn).value is When.NOW
        assert "transient" in rig.words
        await accept_all(rig, dialog)
        await press_attach(rig, dialog)
        assert rig.requests[-1][1] == GOING
        assert asked(rig)[-1].when is When.NOW
        assert not any(uuid == OFF for _, uuid, _ in rig.requests)


async def test_a_running_guest_may_get_it_at_its_next_boot(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        dialog = await attaching(rig, KEY)
        dialog.query_one("#when", Turn).focus()
        await rig.press("right", "right")
        assert dialog.query_one("#when", Turn).value is When.NEXT_BOOT
        await accept_all(rig, dialog)
        await press_attach(rig, dialog)
        assert asked(rig)[-1].when is When.NEXT_BOOT


async def test_usb_by_number_or_by_port(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        dialog = await attaching(rig, KEY)
        assert "vendor:product 1050:0407" in rig.words
        dialog.query_one("#by", Turn).focus()
        await rig.press("space")
        assert "port 1-1: whatever is plugged in there now" in rig.words
        await accept_all(rig, dialog)
        await press_attach(rig, dialog)
        assert asked(rig)[-1].devices == (Passed(PassKind.USB_PORT, "1-1", KEY.nodedev),)


async def test_two_alike_are_known_by_their_port(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        dialog = await attaching(rig, TWINS[1])
        assert not dialog.query_one("#by", Turn).can_focus
        assert "port 1-6: another one is 0951:1666" in rig.words
        await accept_all(rig, dialog)
        await press_attach(rig, dialog)
        (passed,) = asked(rig)[-1].devices
        assert passed == Passed(PassKind.USB_PORT, "1-6", TWINS[1].nodedev)


async def test_the_whole_group_goes_or_nothing(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        dialog = await attaching(rig, AHCI)
        assert SMBUS.address in rig.words
        assert button(dialog).disabled
        assert "An error stands in the way" in rig.words
        dialog.query_one("#group", Tick).focus()
        await rig.press("space")
        await rig.settle()
        await accept_all(rig, dialog)
        assert not button(dialog).disabled, rig.words
        await press_attach(rig, dialog)
        assert {one.device for one in asked(rig)[-1].devices} == {AHCI.address, SMBUS.address}


async def test_options_for_a_display(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        dialog = await attaching(rig, GPU)
        dialog.query_one("#hide", Tick).focus()
        await rig.press("space")
        dialog.query_one("#vendor", Input).value = "too, long: a vendor"
        await rig.until(lambda: "Hyper-V vendor:" in rig.words)
        assert button(dialog).disabled
        dialog.query_one("#vendor", Input).value = "none"
        dialog.query_one("#rom", Input).value = "card.rom"
        await rig.until(lambda: "ROM file: a whole path" in rig.words)
        assert button(dialog).disabled
        dialog.query_one("#rom", Input).value = "/roms/card.rom"
        await rig.settle()
        assert "kvm.hidden.state=on,hyperv.vendor_id.state=on" in rig.words.replace("│ ", "")
        await accept_all(rig, dialog)
        await press_attach(rig, dialog)
        request = asked(rig)[-1]
        assert request.hide_hypervisor
        assert request.vendor_id == "none"
        assert request.devices[0].rom_file == "/roms/card.rom"


async def test_options_of_displays_are_of_displays_alone(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        dialog = await attaching(rig, NIC)
        assert not dialog.query_one("#hide", Tick).display
        assert "Hyper-V vendor" not in rig.words


async def test_what_is_said_of_a_display_counts_while_one_is_given(tmp_path: Path) -> None:
    group = (GPU.address, SMBUS.address)
    gpu = GPU._replace(iommu_group=8, group_members=group)
    beside = SMBUS._replace(group_members=group)
    async with devices_shown(tmp_path) as rig:
        rig.host().device_port.offer = offer((gpu, beside))
        dialog = await attaching(rig, beside)
        dialog.query_one("#group", Tick).focus()
        await rig.press("space")
        dialog.query_one("#hide", Tick).focus()
        await rig.press("space")
        dialog.query_one("#rom", Input).value = "card.rom"
        await rig.until(lambda: "ROM file: a whole path" in rig.words)
        assert "kvm.hidden.state=on" in rig.words
        dialog.query_one("#group", Tick).focus()
        await rig.press("space")
        await rig.until(lambda: "ROM file" not in rig.words)
        assert "kvm.hidden.state=on" not in rig.words


async def test_warnings_are_accepted_one_by_one(tmp_path: Path) -> None:
    lame = TAKEN_OFF._replace(resets=())
    async with devices_shown(tmp_path) as rig:
        rig.host().device_port.offer = offer((lame, VIA))
        dialog = await attaching(rig, lame)
        ticks = list(dialog.query_one(FindingList).query(Tick))
        assert len(ticks) > 1
        for number, tick in enumerate(ticks):
            assert button(dialog).disabled, number
            tick.focus()
            await rig.press("space")
        assert not button(dialog).disabled
        ticks[0].focus()
        await rig.press("space")
        assert button(dialog).disabled, "one was taken back"
        assert "1 warning is not accepted yet" in rig.words
        await rig.press("space")
        await press_attach(rig, dialog)
        assert len(asked(rig)[-1].accepted) == len(ticks)


async def test_an_error_is_passed_by_typing_the_address_alone(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        dialog = await attaching(rig, VIA)
        await accept_all(rig, dialog)
        assert f"type the device's address, {VIA.address}" in rig.words
        entry = dialog.query_one(FindingList).query_one(Input)
        for wrong in ("", "yes", VIA.address[:-1], f"{VIA.address}0"):
            entry.value = wrong
            await rig.settle()
            assert button(dialog).disabled, wrong
        entry.focus()
        await rig.press("enter")
        assert rig.app.screen is dialog
        assert not asked(rig)
        entry.value = VIA.address
        await rig.until(lambda: not button(dialog).disabled)
        await press_attach(rig, dialog)
        assert asked(rig)[-1].overridden == {VIA.address}


async def test_what_is_not_known_is_typed_too(tmp_path: Path) -> None:
    remote = NIC._replace(unknown=("what it carries: ip route",))
    async with devices_shown(tmp_path) as rig:
        rig.host().device_port.offer = offer((remote,), local=False)
        dialog = await attaching(rig, remote)
        assert "what it carries: ip route" in rig.words
        await accept_all(rig, dialog)
        assert button(dialog).disabled
        dialog.query_one(FindingList).query_one(Input).value = remote.address
        await rig.until(lambda: not button(dialog).disabled)


async def test_what_would_take_the_host_down_has_no_override(tmp_path: Path) -> None:
    both = VIA._replace(critical=(*VIA.critical, "it has /"))
    async with devices_shown(tmp_path) as rig:
        rig.host().device_port.offer = offer((both,))
        dialog = await attaching(rig, both)
        assert not dialog.query_one(FindingList).query(Input)
        assert button(dialog).disabled
        dialog._accept()
        await rig.settle()
        assert rig.app.screen is dialog
        assert not asked(rig)


async def test_the_device_vanishes_while_it_is_open(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        dialog = await attaching(rig, NIC)
        await accept_all(rig, dialog)
        assert not button(dialog).disabled
        host = rig.host()
        host.device_port.offer = offer((VIA,))
        host.revisions = host.revisions._replace(devices=1)
        await rig.tick()
        await rig.until(lambda: button(dialog).disabled)
        await rig.until(lambda: f"{NIC.address} is gone from local: nothing" in rig.words)
        dialog._accept()
        await rig.settle()
        assert rig.app.screen is dialog
        assert not asked(rig)


async def test_the_guest_vanishes_while_it_is_open(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        dialog = await attaching(rig, NIC)
        await accept_all(rig, dialog)
        assert not button(dialog).disabled
        rig.host().remove_guest(WEB)
        await rig.tick()
        # Before the dialog has looked: the press itself looks.
        dialog._accept()
        await rig.settle()
        assert rig.app.screen is dialog
        assert not asked(rig)
        await rig.until(lambda: "web is gone from local" in rig.words)
        assert button(dialog).disabled


async def test_the_guest_stops_while_it_is_open(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        dialog = await attaching(rig, NIC)
        rig.host().change(WEB, state=GuestState.OFF)
        await rig.tick()
        turn = dialog.query_one("#when", Turn)
        await rig.until(lambda: turn.value is When.NEXT_BOOT)
        await accept_all(rig, dialog)
        await press_attach(rig, dialog)
        assert asked(rig)[-1].when is When.NEXT_BOOT


async def test_another_client_takes_it_while_it_is_open(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        dialog = await attaching(rig, NIC)
        await accept_all(rig, dialog)
        host = rig.host()
        host.device_port.offer = offer((NIC._replace(used_by=("guest going",)), VIA))
        host.revisions = host.revisions._replace(devices=1)
        await rig.tick()
        await rig.until(lambda: button(dialog).disabled)
        await rig.until(lambda: "in use by guest going" in rig.words)


async def test_what_was_accepted_and_the_focus_stay_when_more_is_found(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        rig.host().device_port.offer = offer((TAKEN_OFF, VIA))
        dialog = await attaching(rig, TAKEN_OFF)
        (tick,) = dialog.query_one(FindingList).query(Tick)
        tick.focus()
        await rig.press("space")
        assert not button(dialog).disabled
        host = rig.host()
        host.device_port.offer = offer((TAKEN_OFF._replace(resets=()), VIA))
        host.revisions = host.revisions._replace(devices=1)
        await rig.tick()
        await rig.until(lambda: button(dialog).disabled)
        await rig.settle()
        ticks = {one.value: one for one in dialog.query_one(FindingList).query(Tick)}
        assert ticks[True].has_focus
        assert not ticks[False].has_focus


async def test_a_warning_whose_numbers_change_stays_accepted(tmp_path: Path) -> None:
    before = offer(memory_kib=8 << 20, memory_free_kib=4 << 20)
    async with devices_shown(tmp_path) as rig:
        rig.host().device_port.offer = before
        dialog = await attaching(rig, NIC, guest="off")
        await accept_all(rig, dialog)
        assert "4 GiB free" in rig.words
        assert not button(dialog).disabled
        host = rig.host()
        host.device_port.offer = before._replace(memory_free_kib=3 << 20)
        host.revisions = host.revisions._replace(devices=1)
        await rig.tick()
        await rig.until(lambda: "3 GiB free" in rig.words)
        await rig.settle()
        assert not button(dialog).disabled


async def test_nothing_is_done_before_the_host_has_answered(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        rig.host().device_port.hold = True
        dialog = await attaching(rig, NIC)
        assert "Not yet: the host is being asked." in rig.words
        assert button(dialog).disabled
        rig.host().device_port.hold = False
        rig.host().device_port.answer()
        await rig.until(lambda: dialog.seen is not None)
        await rig.settle()
        await accept_all(rig, dialog)
        assert not button(dialog).disabled


async def test_the_host_cannot_tell(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        rig.host().device_port.problem = Problem("cannot ask local", "connection reset")
        dialog = await attaching(rig, NIC)
        await rig.until(lambda: "cannot ask local: connection reset" in rig.words)
        assert button(dialog).disabled


async def test_a_host_that_could_not_tell_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "RETRY", 0.01)
    async with devices_shown(tmp_path) as rig:
        rig.host().device_port.problem = Problem("cannot ask local", "it took too long")
        dialog = await attaching(rig, NIC)
        await rig.until(lambda: "it took too long" in rig.words)
        rig.host().device_port.problem = None
        await rig.until(lambda: dialog.seen is not None and dialog.seen.problem is None)
        await rig.settle()
        assert "it took too long" not in rig.words
        await accept_all(rig, dialog)
        assert not button(dialog).disabled


async def test_the_host_refuses(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        reason = "group 5 is not viable"
        rig.host().refuse = Problem("cannot attach", reason, "another member", "pass the group")
        dialog = await attaching(rig, NIC)
        await accept_all(rig, dialog)
        await press_attach(rig, dialog)
        await rig.until(lambda: any(reason in one for one in rig.notices))
        told = next(one for one in rig.notices if reason in one)
        assert "cause: another member" in told
        assert "what to do: pass the group" in told


async def test_a_lost_host_is_said(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        dialog = await attaching(rig, NIC)
        await accept_all(rig, dialog)
        rig.host().lose()
        await rig.tick()
        await rig.until(lambda: "local is lost" in rig.words)
        assert button(dialog).disabled


async def test_guests_are_found_by_typing(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        begin(rig, attach_to_some_guest(rig.app, [NIC], offer()))
        await rig.until(lambda: isinstance(rig.app.screen, FindOne))
        await rig.settle()
        assert "web ▶ running" in rig.words
        await rig.type("zzz")
        assert "Nothing matches." in rig.words
        await rig.press("enter")
        assert isinstance(rig.app.screen, FindOne), "there is nothing to choose"
        rig.app.screen.query_one(Input).value = ""
        await rig.settle()
        rig.host().remove_guest(OFF)
        await rig.tick()
        await rig.until(lambda: " off " not in rig.words)
        await rig.press("down", "up", "up", "enter")
        await attach_dialog(rig)


async def test_the_command_can_be_copied(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        await attaching(rig, KEY)
        await rig.press("y")
        assert rig.app.clipboard.startswith("virsh -c test+sim:///local attach-device web")
        assert rig.app.clipboard.rstrip().endswith("EOF")
