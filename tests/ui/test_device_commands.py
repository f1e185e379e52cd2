"""Commands on a host's devices: when they are off and why, and that their keys lead somewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ui.device_support import (
    AHCI,
    DISK,
    GPU,
    KEY,
    MDEV,
    NIC,
    PF,
    SMBUS,
    SPLIT,
    TAKEN,
    TYPE,
    VF1,
    devices_shown,
    offer,
    pci,
)
from tests.ui.support import Rig
from tuivm.commands import BY_ID, COMMANDS
from tuivm.commands.base import HOSTS
from tuivm.commands.devices import DEVICE_COMMANDS
from tuivm.desk import MOVING_KEYS
from tuivm.model.deviceports import HostItem, MdevKind
from tuivm.model.hostrequests import RefreshPool, StartNetwork, StartPool
from tuivm.model.offers import HostDevice, Network, Pool, Volume
from tuivm.screens.dialogs.attach import AttachDevice
from tuivm.screens.dialogs.detach import DetachDevice
from tuivm.screens.dialogs.find import FindOne
from tuivm.screens.dialogs.functions import MakeVfPool, SetVfs
from tuivm.screens.dialogs.hostdriver import GiveBack, TakeFromHost
from tuivm.screens.dialogs.mdev import MakeMdev

POOL = Pool("default", "dir", active=False, autostart=True)
NETWORK = Network("lan", active=False)
BRIDGE = pci("0000:00:1c.0", "Root port", 4, class_="060400", driver="pcieport")
BLOCK = HostDevice("net", "net_eth1", "eth1", parent=NIC.nodedev)
STOPPED = MDEV._replace(active=False)
LEFT = TYPE._replace(available=0)

OFF = [
    ("device.attach", None, "no part of a host is highlighted"),
    ("device.attach", POOL, "guests are given PCI, USB, SCSI and mediated devices"),
    ("device.attach", BLOCK, "not possible"),
    ("device.attach", STOPPED, "is stopped: start it first"),
    ("device.attach", NIC, ""),
    ("device.attach", DISK, ""),
    ("device.detach", NIC, "no guest has 0000:01:00.0"),
    ("device.detach", TAKEN, ""),
    ("device.detach", POOL, "no device that a guest could have is highlighted"),
    ("device.take", NIC, ""),
    ("device.take", TAKEN, "is with vfio-pci already"),
    ("device.take", KEY, "only PCI devices are taken from their driver"),
    ("device.take", BRIDGE, "not possible: it is a bridge"),
    ("device.return", NIC, "is with the host's driver e1000e already"),
    ("device.return", TAKEN, ""),
    ("device.return", GPU, ""),
    ("device.return", MDEV, "only PCI devices are returned to their driver"),
    ("device.functions", PF, ""),
    ("device.functions", VF1, "is a VF itself: highlight its PF, 0000:02:00.0"),
    ("device.functions", NIC, "is no PF"),
    ("device.functions", KEY, "no PCI device is highlighted"),
    ("device.function-network", PF, ""),
    ("device.function-network", NIC, "is no PF"),
    ("device.function-network", PF._replace(virtual_functions=()), "set their number first"),
    ("device.function-network", PF._replace(class_="010802"), "is no NIC"),
    ("device.function-network", PF._replace(interfaces=()), "has no network interface"),
    ("mdev.create", MdevKind(SPLIT, TYPE), ""),
    ("mdev.create", MdevKind(SPLIT, LEFT), "no instance of nvidia-63 is left"),
    ("mdev.create", SPLIT, ""),
    ("mdev.create", NIC, "no type of mediated devices is highlighted"),
    ("mdev.undefine", MDEV, ""),
    ("mdev.undefine", MDEV._replace(defined=False), "is not defined: stopping it removes it"),
    ("mdev.undefine", POOL, "only mediated devices are undefined here"),
    ("part.start", MDEV, "is started already"),
    ("part.start", STOPPED, ""),
    ("part.start", POOL, ""),
    ("part.start", NETWORK, ""),
    ("part.start", POOL._replace(active=True), "pool default is active already"),
    ("part.start", NIC, "only pools and networks are started here"),
    ("part.stop", MDEV, ""),
    ("part.stop", STOPPED, "is stopped already"),
    ("part.stop", NETWORK, "network lan is off already"),
    ("part.autostart", MDEV, ""),
    ("part.autostart", MDEV._replace(defined=False), "is not defined: it cannot start"),
    ("part.autostart", MDEV._replace(autostart=None), "does not tell of its autostart"),
    ("part.autostart", POOL, ""),
    ("pool.refresh", POOL._replace(active=True), ""),
    ("pool.refresh", NIC, "only storage pools are refreshed"),
    ("pool.refresh", Volume("a", "/a", 1, 1), "only storage pools are refreshed"),
]


class Held:
    """A place where one part of a host is highlighted."""

    place = HOSTS

    def __init__(self, item: object, *, marked: tuple[object, ...] = ()) -> None:
        self._item = None if item is None else HostItem(item, offer())  # type: ignore[arg-type]
        self._marked = tuple(HostItem(one, offer()) for one in marked)  # type: ignore[arg-type]
        self.asked: list[str] = []

    def target_item(self) -> object:
        return self._item

    def marked_items(self) -> tuple[object, ...]:
        return self._marked or (() if self._item is None else (self._item,))

    def target_guests(self) -> tuple[object, ...]:
        return ()

    def perform(self, name: str) -> None:
        self.asked.append(name)


def refusal(rig: Rig, command: str, place: Held) -> str:
    return BY_ID[command]().refusal(rig.app, place)  # type: ignore[arg-type]


async def test_why_a_command_is_off(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        for command, item, words in OFF:
            told = refusal(rig, command, Held(item))
            assert words in told if words else told == "", (command, item, told)
        assert rig.host().device_port.asked == [], "nothing waits for the host"


async def test_all_are_off_where_nothing_may_be_changed(tmp_path: Path) -> None:
    async with devices_shown(tmp_path, readonly=True) as rig:
        for command in DEVICE_COMMANDS:
            told = refusal(rig, command.id, Held(NIC))
            assert told == "local is opened read-only", command
        rig.app.remove_host("local")
        for command in DEVICE_COMMANDS:
            assert "no longer in the list of hosts" in refusal(rig, command.id, Held(NIC))


async def test_all_are_off_where_the_host_is_lost(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        rig.host().lose()
        await rig.tick()
        for command in DEVICE_COMMANDS:
            assert refusal(rig, command.id, Held(PF)) == "local is lost", command


async def test_what_is_marked_goes_together(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        place = Held(NIC, marked=(AHCI, SMBUS))
        assert refusal(rig, "device.attach", place) == ""
        bad = Held(NIC, marked=(AHCI, BLOCK))
        assert "not possible" in refusal(rig, "device.attach", bad)
        rig.app.run_worker(BY_ID["device.attach"]().run(rig.app, place))  # type: ignore[arg-type]
        await rig.until(lambda: isinstance(rig.app.screen, FindOne))
        await rig.settle()
        assert "Attach 00:1f.2, 00:1f.3 to which guest" in rig.words
        await rig.press("enter")
        await rig.until(lambda: isinstance(rig.app.screen, AttachDevice))
        dialog = rig.app.screen
        assert isinstance(dialog, AttachDevice)
        await rig.until(lambda: dialog.seen is not None)
        await rig.settle()
        assert not any("goes with its whole IOMMU group" in line for line in rig.text.splitlines())
        await rig.press("escape")
        await rig.until(lambda: isinstance(rig.app.screen, FindOne))
        await rig.press("escape")
        await rig.until(lambda: place.asked == ["ask_anew"])


@pytest.mark.parametrize(
    ("command", "item", "opens"),
    [
        ("device.detach", TAKEN, DetachDevice),
        ("device.take", NIC, TakeFromHost),
        ("device.return", GPU, GiveBack),
        ("device.functions", PF, SetVfs),
        ("device.function-network", PF, MakeVfPool),
        ("mdev.create", SPLIT, MakeMdev),
    ],
)
async def test_a_command_opens_its_dialog(
    tmp_path: Path, command: str, item: HostDevice, opens: type
) -> None:
    async with devices_shown(tmp_path) as rig:
        place = Held(item)
        rig.app.run_worker(BY_ID[command]().run(rig.app, place))  # type: ignore[arg-type]
        await rig.until(lambda: isinstance(rig.app.screen, opens))
        await rig.settle()
        await rig.press("escape")
        await rig.until(lambda: place.asked == ["ask_anew"])
        assert rig.host().device_port.requests == []
        assert rig.requests == []


async def test_pools_and_networks_share_the_keys(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        for command, item in (
            ("part.start", POOL),
            ("part.start", NETWORK),
            ("pool.refresh", POOL._replace(active=True)),
        ):
            await BY_ID[command]().run(rig.app, Held(item))  # type: ignore[arg-type]
        assert rig.host().device_port.requests == [
            StartPool("default"),
            StartNetwork("lan"),
            RefreshPool("default"),
        ]


def test_each_key_of_the_hosts_place_means_one_thing() -> None:
    keys: dict[str, str] = {}
    for command in COMMANDS:
        for key in command.keys if HOSTS in command.places else ():
            assert key not in MOVING_KEYS, command
            assert key not in keys, (command, keys.get(key))
            keys[key] = command.id
    assert {command.id for command in DEVICE_COMMANDS} <= set(keys.values())


async def test_from_the_page_of_devices_to_a_guest(tmp_path: Path) -> None:
    async with devices_shown(tmp_path) as rig:
        await rig.press("3", "tab")
        await rig.until(lambda: "Gigabit" in rig.text)
        await rig.press("slash")
        await rig.type("gigabit")
        await rig.press("enter")
        await rig.settle()
        await rig.press("P")
        await rig.until(lambda: isinstance(rig.app.screen, FindOne))
        await rig.settle()
        assert "Attach 01:00.0 to which guest" in rig.words
