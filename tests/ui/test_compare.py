"""The compare place: devices by class over all hosts, and the I/O that each class carries."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.simhost import LEGACY, VIRTIO, SimHost
from tests.ui.support import Rig, running
from tuivm.model.devices import Device, DeviceClass, DeviceKind
from tuivm.model.guests import GuestState
from tuivm.model.units import byte_count

HOSTDEV = Device(DeviceKind.HOSTDEV, DeviceClass.PHYSICAL, "vfio-pci", "hostdev0")


def mixed(host: SimHost) -> None:
    host.add_guest("new", devices=VIRTIO)
    host.add_guest("old", devices=LEGACY)
    host.add_guest("off", GuestState.OFF, devices=(*LEGACY, HOSTDEV))


def row(rig: Rig, name: str) -> list[str]:
    """The row of a class: glyph, name, devices, guests, disk, net."""
    return next(line for line in rig.text.splitlines() if f" {name}  " in line).split()


async def test_devices_are_counted_over_all_hosts(tmp_path: Path) -> None:
    async with running(tmp_path, mixed, hosts=("local", "rack7"), size=(100, 30)) as rig:
        await rig.press("2")
        assert row(rig, "paravirtual")[:4] == ["◆", "paravirtual", "6", "2"]
        assert row(rig, "emulated")[:4] == ["▣", "emulated", "12", "4"]
        assert row(rig, "physical")[:4] == ["▲", "physical", "2", "2"]
        assert row(rig, "physical")[4:] == ["-/-", "-/-"], "not counted is not zero"


async def test_rates_are_the_sum_of_what_each_class_did(tmp_path: Path) -> None:
    async with running(tmp_path, mixed, hosts=("local", "rack7"), size=(100, 30)) as rig:
        await rig.press("2")

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
        await rig.press("2")
        await rig.tick(3)
        assert "all guests · disks, by class" in rig.text
        legend = [line for line in rig.text.splitlines() if "┤" in line or "│" in line]
        for glyph in ("◆ paravirtual", "▣ emulated", "▲ physical"):
            assert any(glyph in line for line in legend)
        await rig.press(key)
        assert f"all guests · {title}, by class" in rig.text


async def test_guests_that_run_are_asked_for_and_others_are_not(tmp_path: Path) -> None:
    async with running(tmp_path, mixed) as rig:
        await rig.press("2")
        await rig.tick()
        on = {u for u, sim in rig.host().guests.items() if sim.guest.state is GuestState.RUNNING}
        assert rig.host().view.guests == on


async def test_no_guest(tmp_path: Path) -> None:
    async with running(tmp_path, lambda host: None) as rig:
        await rig.press("2")
        assert row(rig, "paravirtual") == ["◆", "paravirtual", "0", "0", "-/-", "-/-"]
