"""What /sys of this machine adds to a device, each time in a tree of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tuivm.hypervisor.devicesysfs import told_by_kernel
from tuivm.model.offers import HostDevice, PciLink

CARD = "/sys/devices/pci0000:00/0000:02:00.0"
STICK = "/sys/devices/pci0000:00/0000:00:05.0/usb2/2-1"
PCI = HostDevice("pci", "pci_0000_02_00_0", "0000:02:00.0", driver="stale")
USB = HostDevice("usb", "usb_2_1", "2-1", class_="08")


class Tree:
    def __init__(self, root: Path) -> None:
        self.root = root

    def files(self, place: str, **texts: str) -> None:
        for name, text in texts.items():
            target = self.root / place.lstrip("/") / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(f"{text}\n")

    def link(self, path: str, target: str) -> None:
        (self.root / target.lstrip("/")).mkdir(parents=True, exist_ok=True)
        (self.root / path.lstrip("/")).symlink_to(self.root / target.lstrip("/"))

    def told(self, device: HostDevice, path: str) -> HostDevice:
        return told_by_kernel(device, path, self.root)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_a_pci_device(tree: Tree) -> None:
    tree.files(
        CARD,
        config="",
        numa_node="1",
        current_link_speed="2.5 GT/s PCIe",
        current_link_width="1",
        max_link_speed="16.0 GT/s PCIe",
        max_link_width="8",
        reset_method="flr bus",
        sriov_totalvfs="7",
    )
    tree.link(f"{CARD}/driver", "/sys/bus/pci/drivers/nvme")
    told = tree.told(PCI, CARD)
    assert (told.driver, told.numa_node, told.max_functions) == ("nvme", 1, 7)
    assert told.link == PciLink(2.5, 1, 16.0, 8)
    assert told.resets == ("flr", "bus")


def test_what_the_kernel_does_not_know(tree: Tree) -> None:
    tree.files(
        CARD,
        config="",
        numa_node="-1",
        current_link_speed="Unknown",
        current_link_width="0",
        max_link_speed="Unknown",
        max_link_width="255",
    )
    told = tree.told(PCI, CARD)
    assert (told.driver, told.numa_node, told.link) == ("", None, None)
    assert told.resets == (), "no reset at all"


def test_a_kernel_that_does_not_tell_how_a_device_is_reset(tree: Tree) -> None:
    tree.files(CARD, config="", reset="")
    assert tree.told(PCI, CARD).resets is None


def test_a_usb_device(tree: Tree) -> None:
    tree.files(STICK, speed="480", bDeviceClass="00", serial="1-5", product="Stick")
    told = tree.told(USB, STICK)
    assert (told.speed, told.class_, told.serial, told.product) == (480.0, "08", "1-5", "Stick")
    tree.files(STICK, speed="1.5", bDeviceClass="e0")
    assert (tree.told(USB, STICK).speed, tree.told(USB, STICK).class_) == (1.5, "e0")


def test_without_a_place_nothing_is_added(tree: Tree) -> None:
    assert tree.told(PCI, "") == PCI
    gone = tree.told(PCI, CARD)
    assert (gone.driver, gone.resets) == ("stale", None)
