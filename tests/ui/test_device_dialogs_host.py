"""Detaching from guests, and what is done with devices on their host."""

from __future__ import annotations

from collections.abc import Coroutine
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import pytest
from textual.widgets import Button, Input, Static

from tests.support.simhost import SimHost
from tests.ui.device_support import (
    DISK,
    KEY,
    MDEV,
    NIC,
    PF,
    SPLIT,
    TAKEN,
    TYPE,
    VF1,
    VF2,
    VIA,
    WEB,
    devices_shown,
    offer,
)
from tests.ui.support import Rig
from tuivm import devicedesk
from tuivm.devicetasks import detach_from_its_guest
from tuivm.hostdevicetasks import (
    autostart_mdev,
    create_mdev,
    make_function_pool,
    return_to_host,
    set_functions,
    start_mdev,
    stop_mdev,
    take_from_host,
    undefine_mdev,
)
from tuivm.model.conversion import Definition
from tuivm.model.deviceports import HostItem, MdevKind
from tuivm.model.devices import DeviceKind
from tuivm.model.hostrequests import (
    CreateMdev,
    DetachFromHost,
    MakeFunctionPool,
    ReturnToHost,
    SetFunctions,
    SetMdevAutostart,
    StartMdev,
    StopMdev,
    UndefineMdev,
)
from tuivm.model.hosts import Problem
from tuivm.model.offers import HostDevice, Network
from tuivm.model.ports import Text
from tuivm.model.requests import DetachDevices, When
from tuivm.model.spec import PassKind
from tuivm.screens.dialogs.attach import AttachDevice
from tuivm.screens.dialogs.base import Tick
from tuivm.screens.dialogs.confirm import Confirm
from tuivm.screens.dialogs.detach import DetachDevice
from tuivm.screens.dialogs.explain import Explain
from tuivm.screens.dialogs.find import FindOne
from tuivm.screens.dialogs.findings import FindingList
from tuivm.screens.dialogs.functions import MakeVfPool, SetVfs
from tuivm.screens.dialogs.hostdriver import GiveBack, TakeFromHost
from tuivm.screens.dialogs.mdev import MakeMdev
from tuivm.screens.dialogs.turn import Turn
from tuivm.screens.dialogs.watching import Watching
from tuivm.widgets.itemlist import ItemList

D = TypeVar("D", bound=Watching[Any])


async def opened(rig: Rig, kind: type[D], task: Coroutine[Any, Any, None]) -> D:
    """The dialog that a task opens, once the host has answered."""
    rig.app.run_worker(task)
    return await shown(rig, kind)


async def shown(rig: Rig, kind: type[D]) -> D:
    await rig.until(lambda: isinstance(rig.app.screen, kind))
    dialog = rig.app.screen
    assert isinstance(dialog, kind)
    await rig.until(lambda: dialog.seen is not None)
    await rig.settle()
    return dialog


def off(dialog: Watching[Any], name: str) -> bool:
    return dialog.query_one(f"#{name}", Button).disabled


async def press(rig: Rig, dialog: Watching[Any], name: str) -> None:
    dialog.query_one(f"#{name}", Button).focus()
    await rig.press("enter")
    await rig.until(lambda: rig.app.screen is not dialog)
    await rig.settle()


async def accept_all(rig: Rig, dialog: Watching[Any]) -> None:
    for tick in dialog.query_one(FindingList).query(Tick):
        tick.focus()
        await rig.press("space")


async def device_changes(rig: Rig, *devices: HostDevice) -> None:
    host = rig.host()
    host.device_port.offer = offer(devices)
    host.revisions = host.revisions._replace(devices=host.revisions.devices + 1)
    await rig.tick()


# detach from a guest


async def test_detach_from_the_guest_that_has_it(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        dialog = await opened(rig, DetachDevice, detach_from_its_guest(rig.app, TAKEN, offer()))
        words = rig.words
        assert "Detach from web" in words
        assert "from web, which is running" in words
        assert "0000:04:00.0 ACME Taken" in words
        assert "gives it back to the host's driver once the guest has let go" in words
        assert "detach-device web /dev/stdin --live --config" in words
        assert rig.app.focused is not None
        assert rig.app.focused.id == "cancel", "nothing goes by an Enter too many"
        dialog.query_one("#when", Turn).focus()
        await rig.press("right")
        assert "it has it again at its next boot" in rig.words
        await press(rig, dialog, "detach")
        request = rig.requests[-1][2]
        assert isinstance(request, DetachDevices)
        assert [one.device for one in request.devices] == [TAKEN.address]
        assert request.when is When.NOW
        assert rig.requests[-1][1] == WEB


async def test_it_opens_before_the_host_has_answered(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        rig.host().device_port.hold = True
        rig.app.run_worker(detach_from_its_guest(rig.app, TAKEN, offer()))
        await rig.until(lambda: isinstance(rig.app.screen, DetachDevice))
        await rig.until(lambda: "Not yet: the host is being asked." in rig.words)
        dialog = rig.app.screen
        assert isinstance(dialog, DetachDevice)
        assert off(dialog, "detach")
        rig.host().device_port.answer()
        await rig.until(lambda: not off(dialog, "detach"))


async def test_what_the_running_guest_alone_has(tmp_path: Path) -> None:
    def more(host: SimHost) -> None:
        host.change(WEB, persistent=False)

    async with devices_shown(tmp_path, more) as rig:
        dialog = await opened(rig, DetachDevice, detach_from_its_guest(rig.app, TAKEN, offer()))
        assert dialog.query_one("#when", Turn).value is When.NOW
        assert "now: its definition does not have it" in rig.words


async def test_unmanaged_devices_stay_with_vfio(tmp_path: Path) -> None:
    def more(host: SimHost) -> None:
        xml = host.xml[WEB].replace("managed='yes'", "managed='no'")
        host.xml[WEB], host.definitions[WEB] = xml, Definition(xml)

    async with devices_shown(tmp_path, more) as rig:
        await opened(rig, DetachDevice, detach_from_its_guest(rig.app, TAKEN, offer()))
        assert "It stays with VFIO (managed='no')" in rig.words


async def test_the_guest_lets_go_meanwhile(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        dialog = await opened(rig, DetachDevice, detach_from_its_guest(rig.app, TAKEN, offer()))
        assert not off(dialog, "detach")
        host = rig.host()
        bare = host.xml[WEB].split("<hostdev")[0] + host.xml[WEB].split("</hostdev>")[1]
        host.xml[WEB] = bare
        await device_changes(rig, *offer().devices)
        await rig.until(lambda: "web no longer has it" in rig.words)
        assert off(dialog, "detach")
        dialog._take()
        await rig.settle()
        assert rig.app.screen is dialog
        assert not rig.requests


async def test_detach_refused_is_told(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        rig.host().refuse = Problem("cannot detach", "the guest does not let go", "it is in use")
        dialog = await opened(rig, DetachDevice, detach_from_its_guest(rig.app, TAKEN, offer()))
        await press(rig, dialog, "detach")
        await rig.until(lambda: any("does not let go" in one for one in rig.notices))


async def test_a_guest_that_takes_its_time_is_waited_for(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        rig.host().hold = True
        dialog = await opened(rig, DetachDevice, detach_from_its_guest(rig.app, TAKEN, offer()))
        await press(rig, dialog, "detach")
        await rig.until(lambda: "web: detaching" in rig.notices)
        rig.host().answer()
        await rig.until(lambda: rig.notices[-1] == "DetachDevices")


async def to_hostdev(rig: Rig) -> None:
    await rig.press("enter")
    view = next(v for v in rig.app.store.guests.values() if v.guest.name == "web")
    assert view.guest.details is not None
    kinds = [one for one in view.guest.details.devices if one.kind is DeviceKind.HOSTDEV]
    assert rig.app.screen.query_one(ItemList).move_to(kinds[0])
    await rig.settle()


async def go_to_web(rig: Rig) -> None:
    key = next(key for key, view in rig.app.store.guests.items() if view.guest.name == "web")
    await rig.go_to(key)


async def test_detach_from_the_guests_own_screen(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        await go_to_web(rig)
        await to_hostdev(rig)
        await rig.press("D")
        dialog = await shown(rig, DetachDevice)
        await press(rig, dialog, "detach")
        request = rig.requests[-1][2]
        assert isinstance(request, DetachDevices)
        assert request.when is When.BOTH
        assert [one.device for one in request.devices] == [TAKEN.address]


async def test_a_definition_that_takes_long_is_said_to_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devicedesk, "SLOW", 0.01)
    async with devices_shown(tmp_path) as rig:
        await go_to_web(rig)
        await to_hostdev(rig)
        host = rig.host()
        answer: Future[Text] = Future()
        monkeypatch.setattr(host, "domain_xml", lambda _uuid, **_which: answer)
        await rig.press("D")
        await rig.until(lambda: "web: reading its definition" in rig.notices)
        answer.set_result(Text(host.xml[WEB]))
        await shown(rig, DetachDevice)


async def test_attach_from_the_guests_own_screen(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        await go_to_web(rig)
        await rig.press("enter", "P")
        await rig.until(lambda: isinstance(rig.app.screen, FindOne))
        await rig.until(lambda: "Gigabit NIC" in rig.words)
        assert "✖ hurts host pci 00:03.0 ACME Disk" in rig.words
        await rig.type("key maker")
        await rig.press("enter")
        dialog = await shown(rig, AttachDevice)
        assert KEY.address in rig.words
        await accept_all(rig, dialog)
        await press(rig, dialog, "attach")
        (uuid, request) = rig.requests[-1][1:]
        assert uuid == WEB
        assert request.devices[0].kind is PassKind.USB  # type: ignore[union-attr]


async def test_what_is_no_device_of_the_hosts_is_not_detached(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        await go_to_web(rig)
        await rig.press("enter", "D")
        assert rig.notices[-1] == "detach: no device of the host's is highlighted"


async def test_read_only_says_so_at_once(tmp_path: Path) -> None:
    async with devices_shown(tmp_path, readonly=True) as rig:
        await go_to_web(rig)
        await rig.press("enter", "P")
        assert rig.notices[-1] == "attach: local is opened read-only"
        assert rig.host().device_port.asked == []


# the host's driver


async def test_take_from_the_hosts_driver(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        dialog = await opened(rig, TakeFromHost, take_from_host(rig.app, NIC, offer()))
        assert "virsh -c test+sim:///local nodedev-detach pci_0000_01_00_0" in rig.words
        assert "The host's driver (e1000e) lets go of it" in rig.words
        await accept_all(rig, dialog)
        await press(rig, dialog, "take")
        (request,) = rig.host().device_port.requests
        assert isinstance(request, DetachFromHost)
        assert request.nodedev == NIC.nodedev
        assert not request.overridden
        await rig.until(lambda: bool(rig.notices))
        assert rig.notices[-1] == "local: DetachFromHost"


async def test_taking_what_the_host_needs_is_typed(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        dialog = await opened(rig, TakeFromHost, take_from_host(rig.app, VIA, offer()))
        assert "would hurt the host: it carries this connection" in rig.words
        await accept_all(rig, dialog)
        assert off(dialog, "take")
        entry = dialog.query_one(FindingList).query_one(Input)
        entry.value = "0000:00:02"
        await rig.settle()
        assert off(dialog, "take")
        entry.value = VIA.address
        await rig.until(lambda: not off(dialog, "take"))
        await press(rig, dialog, "take")
        (request,) = rig.host().device_port.requests
        assert isinstance(request, DetachFromHost)
        assert request.overridden == {VIA.address}


async def test_the_root_disk_is_never_taken(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        dialog = await opened(rig, TakeFromHost, take_from_host(rig.app, DISK, offer()))
        assert not dialog.query_one(FindingList).query(Input)
        await accept_all(rig, dialog)
        assert off(dialog, "take")
        dialog._take()
        await rig.settle()
        assert rig.app.screen is dialog


async def test_a_refusal_of_the_host_is_told_whole(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        problem = Problem("cannot take it", "Device or resource busy", "a guest has it", "stop it")
        rig.host().device_port.refuse = problem
        dialog = await opened(rig, TakeFromHost, take_from_host(rig.app, NIC, offer()))
        await accept_all(rig, dialog)
        await press(rig, dialog, "take")
        await rig.until(lambda: bool(rig.notices))
        for part in problem:
            assert part in rig.notices[-1]


async def test_return_to_the_hosts_driver(tmp_path: Path) -> None:
    taken = NIC._replace(driver="vfio-pci")
    async with devices_shown(tmp_path) as rig:
        rig.host().device_port.offer = offer((taken,))
        dialog = await opened(rig, GiveBack, return_to_host(rig.app, taken, offer((taken,))))
        assert "nodedev-reattach pci_0000_01_00_0" in rig.words
        await rig.press("y")
        assert rig.app.clipboard.endswith("nodedev-reattach pci_0000_01_00_0")
        await rig.press("enter")
        await rig.until(lambda: rig.app.screen is not dialog)
        assert rig.host().device_port.requests == [ReturnToHost(NIC.nodedev)]


async def test_it_was_returned_meanwhile(tmp_path: Path) -> None:
    taken = NIC._replace(driver="vfio-pci")
    async with devices_shown(tmp_path) as rig:
        rig.host().device_port.offer = offer((taken,))
        dialog = await opened(rig, GiveBack, return_to_host(rig.app, taken, offer((taken,))))
        await device_changes(rig, NIC)
        await rig.until(lambda: "is with the host's driver e1000e already" in rig.words)
        assert off(dialog, "return")


# virtual functions


async def test_the_number_of_vfs(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        dialog = await opened(rig, SetVfs, set_functions(rig.app, PF, offer()))
        assert "now 2, at most 4" in rig.words
        assert f"{VF1.address} free" in rig.words
        assert off(dialog, "set")
        assert "It has 2 already." in rig.words
        entry = dialog.query_one("#number", Input)
        for wrong in ("5", "-1", "x", "", "1.5"):
            entry.value = wrong
            await rig.until(lambda: "A number from 0 to 4 is needed." in rig.words)
            assert off(dialog, "set"), wrong
        entry.value = "4"
        await rig.until(lambda: not off(dialog, "set"))
        assert "sriov_numvfs" in rig.words
        await rig.press("enter")
        await rig.until(lambda: rig.app.screen is not dialog)
        assert rig.host().device_port.requests == [SetFunctions(PF.address, 4)]


async def test_vfs_in_use_stay(tmp_path: Path) -> None:
    used = VF1._replace(used_by=("guest web",))
    async with devices_shown(tmp_path) as rig:
        rig.host().device_port.offer = offer((PF, used, VF2))
        dialog = await opened(rig, SetVfs, set_functions(rig.app, PF, offer((PF, used, VF2))))
        dialog.query_one("#number", Input).value = "0"
        await rig.until(lambda: f"{VF1.address} is in use by guest web: take it" in rig.words)
        assert off(dialog, "set")


async def test_on_another_machine_the_command_is_shown(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        there = offer(local=False)
        rig.host().device_port.offer = there
        dialog = await opened(rig, SetVfs, set_functions(rig.app, PF, there))
        assert not dialog.query("#set")
        assert "Run there:" in rig.words
        dialog.query_one("#number", Input).value = "3"
        await rig.until(lambda: "echo 3" in str(dialog.query_one("#command", Static).render()))
        await rig.press("ctrl+y")
        assert "echo 3 | " in rig.app.clipboard
        await rig.press("enter", "escape")
        await rig.until(lambda: rig.app.screen is not dialog)
        assert rig.host().device_port.requests == []


async def test_without_the_right_the_command_comes_after_it(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        rig.host().device_port.refuse = Problem("cannot give VFs", "Permission denied")
        dialog = await opened(rig, SetVfs, set_functions(rig.app, PF, offer()))
        dialog.query_one("#number", Input).value = "4"
        await rig.until(lambda: not off(dialog, "set"))
        await press(rig, dialog, "set")
        await rig.until(lambda: isinstance(rig.app.screen, Explain))
        await rig.settle()
        await rig.press("y")
        assert "echo 4 | sudo tee" in rig.app.clipboard


async def test_a_network_of_vfs(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        networks = (Network("default", active=True),)
        rig.host().device_port.offer = offer(networks=networks)
        dialog = await opened(rig, MakeVfPool, make_function_pool(rig.app, PF, offer()))
        entry = dialog.query_one("#name", Input)
        assert entry.value == "eth2-vfs"
        assert '<pf dev="eth2"/>' in rig.words
        for wrong, why in (("default", "has a network default already"), ("a/b", '"/"')):
            entry.value = wrong
            await rig.until(lambda why=why: why in rig.words)  # type: ignore[misc]
            assert off(dialog, "make")
        entry.value = "fast"
        await rig.until(lambda: not off(dialog, "make"))
        dialog.query_one("#autostart", Tick).focus()
        await rig.press("space")
        await press(rig, dialog, "make")
        assert rig.host().device_port.requests == [
            MakeFunctionPool("fast", PF.address, autostart=False)
        ]


# mediated devices


async def test_create_a_mediated_device(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        held = HostItem(MdevKind(SPLIT, TYPE), offer())
        dialog = await opened(rig, MakeMdev, create_mdev(rig.app, held))
        assert "nvidia-63 GRID P4-1Q 3 instances left" in rig.words
        entry = dialog.query_one("#uuid", Input)
        entry.value = "nonsense"
        await rig.until(lambda: "That is no UUID" in rig.words)
        entry.value = MDEV.address.upper()
        await rig.until(lambda: f"local has a mediated device {MDEV.address}" in rig.words)
        assert off(dialog, "create")
        entry.value = ""
        await rig.until(lambda: not off(dialog, "create"))
        dialog.query_one("#autostart", Tick).focus()
        await rig.press("space")
        await press(rig, dialog, "create")
        wanted = CreateMdev(SPLIT.nodedev, TYPE.id, defined=True, autostart=True)
        assert rig.host().device_port.requests == [wanted]


async def test_what_is_not_defined_does_not_start_with_the_host(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        held = HostItem(SPLIT, offer())
        dialog = await opened(rig, MakeMdev, create_mdev(rig.app, held))
        dialog.query_one("#autostart", Tick).focus()
        await rig.press("space")
        dialog.query_one("#defined", Tick).focus()
        await rig.press("space")
        assert dialog.query_one("#autostart", Tick).disabled
        await press(rig, dialog, "create")
        wanted = CreateMdev(SPLIT.nodedev, TYPE.id, defined=False, autostart=False)
        assert rig.host().device_port.requests == [wanted]


async def test_the_last_instance_goes_to_somebody_else(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        held = HostItem(MdevKind(SPLIT, TYPE), offer())
        dialog = await opened(rig, MakeMdev, create_mdev(rig.app, held))
        await device_changes(rig, SPLIT._replace(mdev_types=(TYPE._replace(available=0),)))
        await rig.until(lambda: "No instance of nvidia-63 is left" in rig.words)
        assert off(dialog, "create")
        await device_changes(rig, MDEV)
        await rig.until(lambda: f"{SPLIT.address} is gone from local" in rig.words)


async def test_mediated_devices_are_started_and_stopped(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        port = rig.host().device_port
        for task in (start_mdev, autostart_mdev):
            await task(rig.app, MDEV, offer())
        assert port.requests == [StartMdev(MDEV.nodedev), SetMdevAutostart(MDEV.nodedev, on=True)]
        port.requests.clear()
        for ask, wanted in ((stop_mdev, StopMdev), (undefine_mdev, UndefineMdev)):
            for answer in ("escape", "y"):
                rig.app.run_worker(ask(rig.app, MDEV, offer()))
                await rig.until(lambda: isinstance(rig.app.screen, Confirm))
                await rig.settle()
                assert MDEV.address in rig.words
                await rig.press(answer)
                await rig.until(lambda: not isinstance(rig.app.screen, Confirm))
                await rig.settle()
            assert port.requests == [wanted(MDEV.nodedev)]
            port.requests.clear()


@pytest.mark.parametrize("defined", [True, False])
async def test_stopping_says_what_is_left_of_it(tmp_path: Path, defined: bool) -> None:
    async with devices_shown(tmp_path) as rig:
        rig.app.run_worker(stop_mdev(rig.app, MDEV._replace(defined=defined), offer()))
        await rig.until(lambda: isinstance(rig.app.screen, Confirm))
        await rig.settle()
        assert ("can be started again" in rig.words) is defined
        assert ("it is gone then" in rig.words) is not defined
