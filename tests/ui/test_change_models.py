"""Changing devices to another model, from the guest's device list to the order to its host."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from textual.widgets import Button

from tests.support.simhost import SimHost
from tests.ui.support import Rig, running
from tests.unit.test_convert import definition
from tuivm.domainxml.read import read_details
from tuivm.model.conversion import Definition
from tuivm.model.devices import DeviceClass, DeviceKind
from tuivm.model.guests import GuestState
from tuivm.model.hosts import Problem
from tuivm.model.requests import Redefine
from tuivm.screens.dialogs.base import Tick
from tuivm.screens.dialogs.change_models import ChooseModels, ReviewModels
from tuivm.widgets.itemlist import ItemList

LINUX = (
    "<metadata><l:libosinfo xmlns:l='http://libosinfo.org/xmlns/libvirt/domain/1.0'>"
    "<l:os id='http://debian.org/debian/12'/></l:libosinfo>"
)


def old(
    name: str = "ide", state: GuestState = GuestState.OFF, *, linux: bool = True
) -> Callable[[SimHost], None]:
    """One guest with the devices of a golden file."""
    xml = definition(name).replace("<metadata>", LINUX if linux else "<metadata>")

    def prepare(host: SimHost) -> None:
        details = read_details(xml)
        key = host.add_guest("old", state, details.devices)
        host.change(key.uuid, details=details)
        host.definitions[key.uuid] = Definition(xml, snapshots=())

    return prepare


async def choosing(rig: Rig, *more: str) -> None:
    """Press M, and more once the dialog is there: osinfo-db is looked at first."""
    await rig.press("M")
    await rig.until(lambda: isinstance(rig.app.screen, ChooseModels))
    await rig.settle()
    await rig.press(*more)


async def to_device(rig: Rig, kind: DeviceKind) -> None:
    await rig.press("enter")
    view = rig.app.store.guests[next(iter(rig.app.store.guests))]
    assert view.guest.details is not None
    device = next(one for one in view.guest.details.devices if one.kind is kind)
    assert rig.app.screen.query_one(ItemList).move_to(device)
    await rig.settle()


async def test_from_the_device_list_to_the_definition(tmp_path: Path) -> None:
    async with running(tmp_path, old(), size=(80, 24)) as rig:
        await to_device(rig, DeviceKind.DISK)
        await choosing(rig)
        assert "▣ ide-hd" in rig.text
        assert "◆ virtio-blk" in rig.text
        await rig.press("enter")
        assert isinstance(rig.app.screen, ReviewModels)
        text = rig.words
        assert "▣ ide-hd emulated → ◆ virtio-blk paravirtual vda" in text
        assert "1 notification; until now 26 register accesses" in text
        dialog = rig.app.screen
        apply = dialog.query_one("#apply", Button)
        assert apply.disabled, "each warning has to be accepted first"
        assert "2 warnings are not accepted yet" in text
        ticks = list(dialog.query(Tick))
        ticks[0].focus()
        await rig.press("space")
        assert apply.disabled
        assert "1 warning is not accepted yet" in rig.words
        ticks[1].focus()
        await rig.press("space")
        assert not apply.disabled
        apply.focus()
        await rig.press("enter")
        (_, _, request) = rig.requests[0]
        assert isinstance(request, Redefine)
        assert 'bus="virtio"' in request.xml
        assert request.was == definition("ide").replace("<metadata>", LINUX)
        await rig.tick()
        assert "◆ disk       vda      virtio-blk" in rig.text
        assert "▣ disk" not in rig.text
        assert any("ide-hd is virtio-blk" in line for line in rig.notices)


async def test_all_emulated_ones_at_once(tmp_path: Path) -> None:
    async with running(tmp_path, old("sata"), size=(120, 40)) as rig:
        await rig.press("enter")
        await choosing(rig)
        assert rig.text.count("◆ virtio-blk") == 2
        await rig.press("right")
        assert rig.text.count("◆ virtio-blk") == 1
        assert "◆ virtio-scsi" in rig.text
        await rig.press("left", "left")
        assert "stays" in rig.text


async def test_back_keeps_what_was_chosen(tmp_path: Path) -> None:
    async with running(tmp_path, old("sata"), size=(120, 40)) as rig:
        await rig.press("enter")
        await choosing(rig, "right", "enter")
        assert isinstance(rig.app.screen, ReviewModels)
        await rig.press("escape")
        assert isinstance(rig.app.screen, ChooseModels)
        assert "◆ virtio-scsi" in rig.text
        await rig.press("escape")
        assert not rig.requests


async def test_a_running_guest_is_told_when(tmp_path: Path) -> None:
    async with running(tmp_path, old("e1000", GuestState.RUNNING), size=(120, 40)) as rig:
        await to_device(rig, DeviceKind.NIC)
        await choosing(rig, "enter")
        assert isinstance(rig.app.screen, ReviewModels)
        assert "a reboot inside the guest is not enough" in rig.words
        assert "Apply at the next boot" in rig.text
        apply = rig.app.screen.query_one("#apply", Button)
        assert not apply.disabled, "nothing but notes"
        apply.focus()
        await rig.press("enter")
        await rig.tick()
        assert "e1000" in rig.text, "it still runs with the old one"
        assert any("takes effect at the next boot" in line for line in rig.notices)


async def test_an_error_stops_it(tmp_path: Path) -> None:
    def prepare(host: SimHost) -> None:
        old(linux=False)(host)
        uuid = next(iter(host.guests))
        host.change(uuid, agent_os="reactos 0.4")

    async with running(tmp_path, prepare, size=(120, 40)) as rig:
        await to_device(rig, DeviceKind.DISK)
        await choosing(rig, "enter")
        dialog = rig.app.screen
        assert "has no driver for virtio-blk" in rig.words
        for tick in dialog.query(Tick):
            tick.value = True
        await rig.settle()
        assert dialog.query_one("#apply", Button).disabled
        assert "An error stands in the way" in rig.words


async def test_a_definition_that_changed_meanwhile_is_told(tmp_path: Path) -> None:
    async with running(tmp_path, old("e1000"), size=(120, 40)) as rig:
        rig.host().refuse = Problem("cannot change", "changed by somebody else", remedy="again")
        await rig.press("enter")
        await choosing(rig, "enter")
        rig.app.screen.query_one("#apply", Button).focus()
        await rig.press("enter")
        assert any("changed by somebody else" in line for line in rig.notices)


async def test_what_has_no_other_model(tmp_path: Path) -> None:
    def prepare(host: SimHost) -> None:
        host.add_guest("new")

    async with running(tmp_path, prepare, size=(120, 40)) as rig:
        await to_device(rig, DeviceKind.BALLOON)
        await rig.press("M")
        assert any("balloon has no other model" in line for line in rig.notices)
        await rig.press("up", "up", "up")
        await rig.press("home", "M")
        assert any("no device whose model can be changed" in line for line in rig.notices)


async def test_the_class_of_every_choice_is_a_glyph_and_a_word(tmp_path: Path) -> None:
    async with running(tmp_path, old("back"), size=(120, 40)) as rig:
        await to_device(rig, DeviceKind.DISK)
        await choosing(rig)
        assert "stays" in rig.text, "nobody is talked into emulation"
        await rig.press("right", "right")
        assert DeviceClass.EMULATED.glyph + " SATA (AHCI)" in rig.text
