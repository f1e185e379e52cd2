"""The pages of the hosts place with devices: asked of the host, a tree, kept by key, marked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.devicehosts import MDEV, RICH, STICK, changed, large, without
from tests.support.simhost import SimHost
from tests.ui import hosts_support
from tests.ui.support import Rig, running
from tuivm.model.deviceports import HostItem, MdevKind
from tuivm.model.hosts import Problem
from tuivm.model.offers import HostDevice
from tuivm.options import Options
from tuivm.screens.dialogs.explain import Explain
from tuivm.screens.hostpages.devicepage import DevicePage
from tuivm.screens.hosts import HostsScreen
from tuivm.widgets.hostlist import HostList
from tuivm.widgets.livetable import LiveTable

PAGES = ("pci", "usb", "mdev", "scsi", "net")
SILENT = Problem(
    "cannot list the devices of local",
    "Timed out during operation",
    "the daemon is busy",
    "try again, or look into its log",
)


def rich(host: SimHost) -> None:
    host.add_guest("web")
    host.device_port.offer = RICH


def screen(rig: Rig) -> HostsScreen:
    found = rig.app.screen
    assert isinstance(found, HostsScreen)
    return found


def table(rig: Rig) -> LiveTable:
    page = screen(rig).page
    assert isinstance(page, DevicePage)
    return page.table


def lines(rig: Rig) -> list[str]:
    return [line.strip() for line in rig.text.splitlines()]


def line(rig: Rig, start: str) -> str:
    """The row that begins with this address; "" for none."""
    found = (one.lstrip("●*▸▾+- ") for one in lines(rig))
    return next((one for one in found if one.startswith(start)), "")


async def go_to(rig: Rig, page: str) -> None:
    await rig.press("3")
    screen(rig).action_page(page)
    await rig.settle()
    await rig.until(lambda: screen(rig).page.is_mounted and bool(screen(rig).page.summary()))
    await rig.settle()


async def put_on(rig: Rig, address: str, kind: str = "pci") -> None:
    assert table(rig).move_to((kind, address))
    await rig.settle()


def asked(rig: Rig) -> int:
    return rig.host().device_port.asked.count("devices")


async def test_pages_are_turned_by_keys_and_by_mouse(tmp_path: Path) -> None:
    async with running(tmp_path, rich) as rig:
        await rig.press("3")
        seen = []
        for _ in range(8):
            seen.append(screen(rig).page.page)
            await rig.press("tab")
            await rig.until(lambda: screen(rig).page.is_mounted)
        assert seen == ["overview", *PAGES, "storage", "networks"]
        assert screen(rig).page.page == "overview", "round again"
        await rig.press("shift+tab", "shift+tab")
        assert screen(rig).page.page == "storage"
        titles = rig.text.splitlines()[1]
        await rig.pilot.click(offset=(titles.index("USB") + 1, 1))
        await rig.until(lambda: "2-1" in rig.text)
        assert screen(rig).page.page == "usb"
        await rig.press("escape")
        assert screen(rig).page.page == "overview"


async def test_on_a_narrow_screen_the_tree_has_all_of_the_width(tmp_path: Path) -> None:
    async with running(tmp_path, rich) as rig:
        await go_to(rig, "pci")
        hosts = screen(rig).query_one(HostList)
        assert hosts.has_class("hidden")
        assert table(rig).has_focus
        assert table(rig).size.width == 80
        await rig.press("h")
        assert hosts.has_focus
        assert not hosts.has_class("hidden")
        await rig.press("l")
        assert hosts.has_class("hidden")
        assert table(rig).has_focus
        await rig.press("\\")
        assert not hosts.has_class("hidden")
        await rig.press("\\")
        assert hosts.has_class("hidden")
        await rig.resize(120, 30)
        assert not hosts.has_class("hidden")
        await rig.resize(100, 30)
        assert hosts.has_class("hidden")
        await rig.press("escape")
        assert not hosts.has_class("hidden"), "the overview has room for both"


@pytest.mark.parametrize("page", hosts_support.PAGES)
async def test_how_to_turn_pages_is_told_where_there_is_little_room(
    tmp_path: Path, page: str
) -> None:
    async with running(tmp_path, hosts_support.having(RICH), size=(80, 24)) as rig:
        await hosts_support.go(rig, page)
        assert " tab page " in rig.text.splitlines()[-1]


async def test_pci_by_group_and_by_bus(tmp_path: Path) -> None:
    async with running(tmp_path, rich, size=(80, 40)) as rig:
        await go_to(rig, "pci")
        assert "34 devices in 29 IOMMU groups, by IOMMU group" in rig.text
        assert "group 8: 3 devices; goes as a whole" in rig.text
        assert line(rig, "01:00.0").split()[1:4] == ["1", "GPU", "NVIDIA"]
        assert "■ in use" in line(rig, "01:00.0")
        assert "✖ hurts host" in line(rig, "00:1f.2")
        assert "● free" in line(rig, "05:00.0")
        assert "? not known" in line(rig, "06:00.0")
        assert "- impossible" in line(rig, "0a:00.0")
        assert "Intel 82574L Gigabit Network" in line(rig, "05:00.0"), "enough of the name"
        await put_on(rig, "0000:05:00.0")
        await rig.press("t")
        assert ", by bus" in rig.text
        assert "bus 05" in rig.text
        assert "group 8" not in rig.text
        assert table(rig).cursor == ("pci", "0000:05:00.0"), "the highlight stays on its device"
        await rig.press("t")
        assert "group 8" in rig.text


async def test_wide_screens_show_more_of_each_device(tmp_path: Path) -> None:
    async with running(tmp_path, rich, size=(160, 48)) as rig:
        await go_to(rig, "pci")
        assert table(rig).size.width > 120
        header = next(one for one in lines(rig) if "ADDRESS" in one)
        for title in ("GRP", "CLASS", "DRIVER", "VERDICT", "USED BY", "LINK", "RESET", "NUMA"):
            assert title in header
        row = line(rig, "01:00.0") if "│" not in rig.text else rig.text
        assert "2.5 GT/s x8 ↓" in row, "below what it can"
        assert "guest gamer" in row


async def test_vfs_are_under_their_pf_and_folded_when_there_are_many(tmp_path: Path) -> None:
    async with running(tmp_path, rich, size=(80, 48)) as rig:
        await go_to(rig, "pci")
        assert "▸ 03:00.0" in rig.text
        assert "16 VFs Intel" in line(rig, "03:00.0")
        assert not line(rig, "03:02.0")
        assert "▾ 02:00.0" in rig.text
        assert "VF Samsung" in line(rig, "02:00.1")
        await put_on(rig, "0000:03:00.0")
        await rig.press("enter")
        assert "▾ 03:00.0" in rig.text
        assert "■ in use" in line(rig, "03:02.3")
        await rig.press("left")
        assert not line(rig, "03:02.0")
        await rig.press("right")
        assert line(rig, "03:02.0")
        await rig.press("down", "h")
        assert screen(rig).query_one(HostList).has_focus, "nothing to fold: to the hosts"


async def test_the_highlighted_one_is_told_in_full(tmp_path: Path) -> None:
    async with running(tmp_path, rich, size=(100, 60)) as rig:
        await go_to(rig, "pci")
        await put_on(rig, "0000:00:1f.2")
        for words in (
            "would hurt the host",
            "it has / on it (/dev/sda1)",
            "SATA controller (AHCI) (010601)",
            "8086:2922",
            "ahci",
            "8, with 00:1f.0",
            "none: what one guest leaves in it, the next one finds",
            "/dev/sda",
        ):
            assert words in rig.words
        await put_on(rig, "0000:01:00.0")
        assert "2.5 GT/s x8, less than the 16 GT/s x16 that it can do" in rig.words
        assert "00:01.0 Intel Xeon E3-1200 PCI Express Root Port (a bridge: stays)" in rig.words
        await put_on(rig, "0000:02:00.0")
        assert "2 of at most 4: 02:00.1, 02:00.2" in rig.words
        await rig.press("l", "G")
        assert not table(rig).has_focus, "what does not fit can be scrolled"
        await rig.press("h")
        assert table(rig).has_focus


async def test_explain_has_the_facts_the_verdict_and_the_command(tmp_path: Path) -> None:
    async with running(tmp_path, rich, size=(100, 40)) as rig:
        await go_to(rig, "pci")
        await put_on(rig, "0000:05:00.0")
        await rig.press("e")
        assert isinstance(rig.app.screen, Explain)
        assert "its registers are mapped into the guest" in rig.words
        assert "nodedev-dumpxml pci_0000_05_00_0" in rig.words
        await rig.press("escape")
        assert screen(rig).page.page == "pci"


async def test_usb_alike_are_told_apart_by_port(tmp_path: Path) -> None:
    async with running(tmp_path, rich, size=(80, 30)) as rig:
        await go_to(rig, "usb")
        assert "6 devices" in rig.text
        assert "1 of 2 alike SanDisk Ultra" in line(rig, "1-5 ")
        assert "1 of 2 alike SanDisk Ultra" in line(rig, "1-6 ")
        await put_on(rig, "1-5", "usb")
        assert "another one with these ids: 1-6; they are told apart by their port" in rig.words
        assert "480 Mbit/s" in rig.words
        assert screen(rig).target_item() == HostItem(STICK, RICH)


async def test_mediated_devices_by_parent_and_type(tmp_path: Path) -> None:
    async with running(tmp_path, rich, size=(80, 30)) as rig:
        await go_to(rig, "mdev")
        assert "6 left" in line(rig, "nvidia-36 GRID M60-0Q")
        assert "started, defined" in line(rig, MDEV.address)
        await rig.press("j")
        item = screen(rig).target_item()
        assert isinstance(item, HostItem)
        assert isinstance(item.item, MdevKind)
        assert item.item.type.id == "nvidia-35"
        assert item.item.parent.address == "0000:07:00.0"
        await rig.press("j")
        item = screen(rig).target_item()
        assert isinstance(item, HostItem)
        assert item.item == MDEV


async def test_scsi_and_network_devices(tmp_path: Path) -> None:
    async with running(tmp_path, rich, size=(80, 30)) as rig:
        await go_to(rig, "scsi")
        assert "✖ hurts host" in line(rig, "2:0:0:0")
        assert "HP Ultrium 6-SCSI" in line(rig, "10:0:0:0")
        await go_to(rig, "net")
        assert line(rig, "eth0").split()[:6] == [
            "eth0",
            "●",
            "up",
            "1",
            "Gbit/s",
            "52:54:00:00:00:01",
        ]
        assert "✖ hurts host igb" in line(rig, "eth0"), "of its PCI device"
        assert "■ down" in line(rig, "eth1")
        assert "software" in line(rig, "br0")


# asking


async def test_the_page_says_that_it_asks_and_shows_what_comes(tmp_path: Path) -> None:
    def slow(host: SimHost) -> None:
        rich(host)
        host.device_port.hold = True

    async with running(tmp_path, slow) as rig:
        await rig.press("3", "tab")
        await rig.until(lambda: "asking…" in rig.text)
        assert "01:00.0" not in rig.text
        await rig.tick(3)
        assert asked(rig) == 1, "one question at a time"
        rig.host().device_port.answer()
        await rig.until(lambda: "01:00.0" in rig.text)
        assert "asking" not in rig.text


async def test_it_is_asked_now_and_then_and_when_something_changed(tmp_path: Path) -> None:
    async with running(tmp_path, rich, size=(100, 48)) as rig:
        await go_to(rig, "pci")
        assert asked(rig) == 1
        await rig.tick(5)
        assert asked(rig) == 1
        await rig.tick(6)
        assert asked(rig) == 2, "slowly, by itself"
        host = rig.host()
        host.revisions = host.revisions._replace(devices=host.revisions.devices + 1)
        host.device_port.offer = changed(RICH, "0000:05:00.0", driver="vfio-pci")
        await put_on(rig, "0000:05:00.0")
        await rig.tick()
        assert asked(rig) == 3
        assert "vfio-pci" in line(rig, "05:00.0")
        await rig.press("escape")
        await rig.tick(15)
        assert asked(rig) == 3, "nobody looks at it"


async def test_a_new_connection_is_asked_and_the_old_answer_comes_too_late(tmp_path: Path) -> None:
    async with running(tmp_path, rich) as rig:
        await go_to(rig, "usb")
        port = rig.host().device_port
        port.hold = True
        await rig.tick(10)
        assert asked(rig) == 2
        old, port._waiting = port._waiting, []
        rig.host().lose()
        await rig.tick()
        assert "1-5" in rig.text, "what was known stays"
        assert "as of 11s ago" in rig.text
        assert "lost" in rig.text
        rig.host().find()
        port.hold = False
        port.offer = without(RICH, "1-5")
        await rig.tick()
        assert asked(rig) == 3
        assert "1-6" in rig.text
        assert "1-5" not in rig.text
        port.offer = RICH
        for future in old:
            future.set_result(port._offered())
        await rig.settle()
        assert "1-5" not in rig.text


async def test_a_failure_is_told_in_full_and_the_rows_stay(tmp_path: Path) -> None:
    async with running(tmp_path, rich) as rig:
        await go_to(rig, "pci")
        rig.host().device_port.problem = SILENT
        await rig.tick(11)
        for words in (SILENT.what, SILENT.reason, SILENT.cause, SILENT.remedy):
            assert words in rig.words
        assert "as of 11s ago" in rig.text
        assert "01:00.0" in rig.text
        rig.host().device_port.problem = None
        await rig.tick(11)
        assert SILENT.what not in rig.words
        assert "as of" not in rig.text


async def test_a_failure_from_the_start(tmp_path: Path) -> None:
    def broken(host: SimHost) -> None:
        host.device_port.problem = SILENT

    async with running(tmp_path, broken) as rig:
        await rig.press("3", "tab")
        await rig.until(lambda: SILENT.remedy in rig.words)
        assert screen(rig).target_item() is None


async def test_each_host_has_its_own_devices(tmp_path: Path) -> None:
    def two(host: SimHost) -> None:
        host.device_port.offer = RICH._replace(host=host.spec.name)
        if host.spec.name == "rack7":
            host.device_port.offer = without(host.device_port.offer, "0000:05:00.0")

    async with running(tmp_path, two, hosts=("local", "rack7"), size=(120, 40)) as rig:
        await go_to(rig, "pci")
        await put_on(rig, "0000:05:00.0")
        await rig.press("h", "j")
        await rig.until(lambda: "33 devices" in rig.text)
        assert not rig.notices, "another host: nothing is gone"
        await rig.press("k")
        await rig.until(lambda: "34 devices" in rig.text)


# what comes and goes


async def test_the_highlight_stays_on_its_device(tmp_path: Path) -> None:
    async with running(tmp_path, rich) as rig:
        await go_to(rig, "pci")
        await put_on(rig, "0000:05:00.0")
        rig.host().device_port.offer = without(RICH, "0000:00:00.0", "0000:06:00.0")
        await rig.tick(11)
        assert "32 devices" in rig.text
        assert table(rig).cursor == ("pci", "0000:05:00.0")
        assert rig.notices == []


async def test_one_that_goes_is_said_once_and_its_neighbour_is_highlighted(tmp_path: Path) -> None:
    async with running(tmp_path, rich) as rig:
        await go_to(rig, "pci")
        await put_on(rig, "0000:05:00.0")
        rig.host().device_port.offer = without(RICH, "0000:05:00.0")
        await rig.tick(11)
        assert table(rig).cursor == ("pci", "0000:06:00.0")
        gone = "0000:05:00.0 Intel 82574L Gigabit Network Connection is gone from local"
        assert rig.notices == [gone]
        await rig.tick(22)
        assert rig.notices == [gone]


async def test_all_that_goes(tmp_path: Path) -> None:
    async with running(tmp_path, rich) as rig:
        await go_to(rig, "usb")
        rig.host().device_port.offer = RICH._replace(devices=())
        await rig.tick(11)
        assert "this host tells of no devices" in rig.text
        assert screen(rig).target_item() is None
        await rig.press("space", "enter", "*", "j")


# filter and marks


async def test_a_filter(tmp_path: Path) -> None:
    async with running(tmp_path, rich, size=(80, 48)) as rig:
        await go_to(rig, "pci")
        await rig.press("/")
        await rig.type("free intel")
        await rig.until(lambda: ", 16 match" in rig.text)
        assert "● free" in line(rig, "05:00.0")
        assert line(rig, "03:02.0"), "out of its fold"
        assert not line(rig, "01:00.0")
        await rig.press("enter")
        assert table(rig).has_focus
        await rig.press("escape")
        assert line(rig, "01:00.0")
        assert not line(rig, "03:02.0")
        assert " match" not in rig.text
        await rig.press("/")
        await rig.type("nosuchthing")
        await rig.until(lambda: "nothing matches nosuchthing" in rig.text)
        await rig.press("escape")
        await rig.press("escape")
        await rig.press("/")
        assert any("filter: not on the page" in notice for notice in rig.notices)


async def test_marks_are_what_an_action_goes_to(tmp_path: Path) -> None:
    async with running(tmp_path, rich, size=(80, 30)) as rig:
        await go_to(rig, "pci")
        place = screen(rig)

        def marked() -> list[str]:
            items = [item.item for item in place.marked_items()]
            return [one.address for one in items if isinstance(one, HostDevice)]

        await put_on(rig, "0000:05:00.0")
        assert marked() == ["0000:05:00.0"], "nothing is marked: the highlighted one"
        await put_on(rig, "0000:00:1f.2")
        await rig.press("*")
        assert marked() == ["0000:00:1f.0", "0000:00:1f.2", "0000:00:1f.3"]
        assert ", 3 marked" in rig.text
        await rig.press("*")
        assert ", 3 marked" not in rig.text
        await put_on(rig, "0000:01:00.0")
        await rig.press("*")
        assert marked() == ["0000:01:00.0", "0000:01:00.1"], "the bridge stays with the host"
        await put_on(rig, "0000:05:00.0")
        await rig.press("space")
        assert marked()[-1] == "0000:05:00.0"
        assert table(rig).cursor == ("pci", "0000:06:00.0")
        await rig.press("escape")
        assert marked() == ["0000:06:00.0"]
        assert place.page.page == "pci", "Esc took the marks away"


async def test_on_the_overview_nothing_is_aimed_at_but_the_host(tmp_path: Path) -> None:
    async with running(tmp_path, rich) as rig:
        await rig.press("3")
        assert screen(rig).target_item() is None
        assert screen(rig).target_guests() == ()
        assert screen(rig).marked_items() == ()
        await go_to(rig, "pci")
        assert screen(rig).target_guests() == ()
        for key, label in (("t", "group/bus"), ("space", "mark"), ("*", "mark group")):
            await rig.press("escape", key)
            assert rig.notices[-1] == f"{label}: not on the page overview"


# looks


@pytest.mark.parametrize("page", PAGES)
async def test_ascii_alone(tmp_path: Path, page: str) -> None:
    async with running(tmp_path, rich, size=(160, 48), options=Options(ascii=True)) as rig:
        await go_to(rig, page)
        for _ in range(12):
            assert rig.text.isascii(), [one for one in rig.text if not one.isascii()]
            await rig.press("j")


@pytest.mark.parametrize("page", PAGES)
async def test_nothing_from_outside_is_more_than_text(tmp_path: Path, page: str) -> None:
    nasty = "[bold]x[/] \x1b[2J\u202e\n[/nope]"

    def prepare(host: SimHost) -> None:
        devices = tuple(
            one._replace(
                vendor=nasty,
                product=nasty if one.kind != "mdev" else one.product,
                driver=nasty,
                used_by=(nasty,),
                critical=(nasty,),
                unknown=(nasty,),
                serial=nasty,
                mac=nasty,
                parent=one.parent if one.kind != "scsi" else nasty,
                resets=(nasty,),
                blocks=(nasty,),
                interfaces=(nasty,),
            )
            for one in RICH.devices
        )
        host.device_port.offer = RICH._replace(devices=devices)

    async with running(tmp_path, prepare, size=(160, 48)) as rig:
        await go_to(rig, page)
        for _ in range(6):
            assert not any(char in rig.text for char in "\x1b\u202e\x9b")
            assert "[bold]x[/]" in rig.text
            await rig.press("j")
        await rig.press("e")
        assert isinstance(rig.app.screen, Explain)
        assert "\x1b" not in rig.text


async def test_a_large_host_can_be_walked(tmp_path: Path) -> None:
    def prepare(host: SimHost) -> None:
        host.device_port.offer = large()

    made = 0

    def counting(original: Callable[..., object]) -> Callable[..., object]:
        def count(*args: object) -> object:
            nonlocal made
            made += 1
            return original(*args)

        return count

    async with running(tmp_path, prepare, size=(80, 24)) as rig:
        await go_to(rig, "pci")
        page = screen(rig).page
        assert isinstance(page, DevicePage)
        page.cells = counting(page.cells)  # type: ignore[method-assign,assignment]
        await rig.press("G")
        assert page.target_item() is not None
        await rig.press("enter", "G", "k", "k")
        assert table(rig).cursor == ("pci", "0000:f0:1f.5")
        assert made < 200, "only rows on the screen are made"
