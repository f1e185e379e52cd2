"""The other page of the compare place: devices by class, and which could be virtio."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.simhost import LEGACY, VIRTIO, SimHost
from tests.ui.support import Rig, running
from tuivm.model.devices import Device, DeviceClass, DeviceKind
from tuivm.model.guests import GuestStack, GuestState
from tuivm.model.units import byte_count

HOSTDEV = Device(DeviceKind.HOSTDEV, DeviceClass.PHYSICAL, "vfio-pci", "hostdev0")


def mixed(host: SimHost) -> None:
    host.add_guest("new", devices=VIRTIO)
    host.add_guest("old", devices=LEGACY)
    host.add_guest("off", GuestState.OFF, devices=(*LEGACY, HOSTDEV))


def known(host: SimHost) -> None:
    def stack(os_id: str) -> GuestStack:
        return GuestStack("kvm", "x86_64", "pc", "BIOS", os_id=os_id)

    host.add_guest("new", devices=VIRTIO)
    host.add_guest("lin", devices=LEGACY, stack=stack("http://debian.org/debian/12"))
    host.add_guest("win", devices=LEGACY, stack=stack("http://microsoft.com/win/10"))
    host.add_guest("dos", devices=LEGACY, stack=stack("http://freedos.org/freedos/1.2"))
    host.add_guest("anon", devices=LEGACY)


async def opened(rig: Rig) -> None:
    await rig.press("2", "c")
    await rig.tick()
    await rig.until(lambda: "CLASS" in rig.text and "could be" in rig.text)


def row(rig: Rig, name: str) -> list[str]:
    """The row of a class: glyph, name, devices, guests, disk, net."""
    return next(line for line in rig.text.splitlines() if f" {name}  " in line).split()


def guest_row(rig: Rig, *words: str) -> str:
    return next(line for line in rig.text.splitlines() if all(w in line.split() for w in words))


async def test_devices_are_counted_over_all_hosts(tmp_path: Path) -> None:
    async with running(tmp_path, mixed, hosts=("local", "rack7"), size=(100, 30)) as rig:
        await opened(rig)
        assert row(rig, "paravirtual")[:4] == ["◆", "paravirtual", "6", "2"]
        assert row(rig, "emulated")[:4] == ["▣", "emulated", "12", "4"]
        assert row(rig, "physical")[:4] == ["▲", "physical", "2", "2"]
        assert row(rig, "physical")[4:] == ["-/-", "-/-"], "not counted is not zero"


async def test_rates_are_the_sum_of_what_each_class_did(tmp_path: Path) -> None:
    async with running(tmp_path, mixed, hosts=("local", "rack7"), size=(100, 30)) as rig:
        await opened(rig)

        def counters(device: str) -> list[int]:
            return [
                sum(sim.counters.get(device, [0] * 4)[index] for sim in sims) for index in range(4)
            ]

        sims = [sim for host in rig.maker.hosts.values() for sim in host.guests.values()]
        before = counters("hda")
        await rig.tick()
        read, _, wrote, _ = (b - a for a, b in zip(before, counters("hda"), strict=True))
        assert row(rig, "emulated")[4] == f"{byte_count(read)}/{byte_count(wrote)}"


@pytest.mark.parametrize(("key", "title"), [("tab", "network"), ("shift+tab", "network")])
async def test_the_chart_has_a_line_a_class(tmp_path: Path, key: str, title: str) -> None:
    async with running(tmp_path, mixed, size=(100, 30)) as rig:
        await opened(rig)
        await rig.tick(3)
        assert "all guests · disks, by class" in rig.text
        legend = [line for line in rig.text.splitlines() if "┤" in line or "│" in line]
        for glyph in ("◆ paravirtual", "▣ emulated", "▲ physical"):
            assert any(glyph in line for line in legend)
        await rig.press(key)
        assert f"all guests · {title}, by class" in rig.text


async def test_guests_that_run_are_asked_for_and_others_are_not(tmp_path: Path) -> None:
    async with running(tmp_path, mixed) as rig:
        await opened(rig)
        on = {u for u, sim in rig.host().guests.items() if sim.guest.state is GuestState.RUNNING}
        assert rig.host().view.guests == on


async def test_no_guest(tmp_path: Path) -> None:
    async with running(tmp_path, lambda host: None) as rig:
        await opened(rig)
        assert row(rig, "paravirtual") == ["◆", "paravirtual", "0", "0", "-/-", "-/-"]
        assert "No guest has an emulated disk or NIC." in rig.text


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])
async def test_who_could_use_virtio_and_who_told_so(tmp_path: Path, size: tuple[int, int]) -> None:
    async with running(tmp_path, known, size=size) as rig:
        await opened(rig)
        assert "2 guests on emulated devices that could be virtio" in rig.text
        assert "virtio-blk" in guest_row(rig, "lin", "hda")
        assert "virtio-net" in guest_row(rig, "lin", "vnet1")
        assert "debian 12" in guest_row(rig, "lin", "hda")
        if size[0] == 160:
            assert "libosinfo" in guest_row(rig, "lin", "hda")
            assert "in the OS" in guest_row(rig, "lin", "hda")
            assert "⚠ to install" in guest_row(rig, "win", "hda")
        assert "1 guest with emulated disks or NICs: OS not known" in rig.text
        assert "1 guest has an OS without virtio drivers" in rig.text
        assert not any("dos" in line.split() for line in rig.text.splitlines())


async def test_what_a_change_takes_and_its_risk(tmp_path: Path) -> None:
    async with running(tmp_path, known, size=(120, 40)) as rig:
        await opened(rig)
        await rig.press("G", "up", "enter")
        assert "hda of win: ide-hd to virtio-blk" in rig.words
        assert "install virtio-win" in rig.words
        assert "INACCESSIBLE_BOOT_DEVICE" in rig.words
        assert "their OS is not known: anon on local" in rig.words
        assert "virsh -c" in rig.words


async def test_how_to_tell_an_os_that_is_not_known(tmp_path: Path) -> None:
    def anonymous(host: SimHost) -> None:
        host.add_guest("anon", devices=LEGACY)

    async with running(tmp_path, anonymous) as rig:
        await opened(rig)
        assert "No guest is known to run on emulated devices" in rig.text
        assert "e: how to tell libvirt" in rig.text
        await rig.press("e")
        assert "anon on local" in rig.words
        assert "--edit --metadata os_name=" in rig.words


async def test_esc_and_c_go_back_to_the_devices(tmp_path: Path) -> None:
    async with running(tmp_path, mixed) as rig:
        await rig.press("2")
        for key in ("c", "escape"):
            await rig.press("c")
            await rig.tick()
            await rig.until(lambda: "CLASS" in rig.text)
            await rig.press(key)
            await rig.tick()
            await rig.until(lambda: "CLASS" not in rig.text and "baseline" in rig.text)


async def test_what_changes_the_comparison_is_off_here(tmp_path: Path) -> None:
    async with running(tmp_path, known) as rig:
        await opened(rig)
        await rig.press("b")
        assert "go back to the devices" in rig.notices[-1]


async def test_long_names_do_not_push_the_warning_out(tmp_path: Path) -> None:
    def wordy(host: SimHost) -> None:
        windows = GuestStack("kvm", "x86_64", "pc", "BIOS", os_id="http://microsoft.com/win/10")
        host.add_guest("w" * 200, devices=LEGACY, stack=windows)

    async with running(tmp_path, wordy) as rig:
        await opened(rig)
        await rig.until(lambda: "to install" in rig.text)
