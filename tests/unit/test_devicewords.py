"""A host's devices in words: names, links, speeds, classes; and what a filter finds."""

from __future__ import annotations

import pytest

from tests.support.devicehosts import CARRIER, FREE, GPU, NVME, NVME_VF, RICH, SATA, STICK
from tuivm.model.devicewords import (
    class_words,
    device_label,
    device_name,
    link_is_less,
    link_most,
    link_words,
    reset_words,
    searched,
    speed_words,
    vendor_name,
)
from tuivm.model.offers import HostDevice, PciLink
from tuivm.model.pciclasses import pci_class, usb_class


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("Intel Corporation", "Intel"),
        ("Advanced Micro Devices, Inc. [AMD/ATI]", "AMD"),
        ("Advanced Micro Devices, Inc. [AMD]", "AMD"),
        ("Samsung Electronics Co Ltd", "Samsung"),
        ("Realtek Semiconductor Co., Ltd.", "Realtek"),
        ("Red Hat, Inc.", "Red Hat"),
        ("Mellanox Technologies", "Mellanox"),
        ("Renesas Technology Corp.", "Renesas"),
        ("Technology", "Technology"),
        ("", ""),
        ("Evil\x1b[31m Inc", "Evil␛[31m"),
    ],
)
def test_vendors_as_people_say_them(told: str, said: str) -> None:
    assert vendor_name(told) == said


def test_the_vendor_is_named_once() -> None:
    stick = STICK._replace(vendor="SanDisk Corp.", product="SanDisk Ultra")
    assert device_name(stick) == "SanDisk Ultra"
    assert device_name(STICK) == "SanDisk Ultra"
    assert device_label(FREE) == "05:00.0 Intel 82574L Gigabit Network Connection"
    assert device_name(FREE._replace(vendor="", product="")) == "8086:10d3"
    assert device_name(HostDevice("net", "net_eth0", "eth0")) == "network interface"


def test_links() -> None:
    assert link_words(PciLink(8.0, 4, 16.0, 4)) == "8 GT/s x4"
    assert link_most(PciLink(8.0, 4, 16.0, 4)) == "16 GT/s x4"
    assert link_is_less(PciLink(8.0, 4, 16.0, 4))
    assert link_is_less(PciLink(16.0, 8, 16.0, 16))
    assert not link_is_less(PciLink(16.0, 16, 16.0, 16))
    assert not link_is_less(PciLink(2.5, 1)), "what is not told is not said"
    assert not link_is_less(None)
    assert link_words(None) == ""
    assert link_words(PciLink(None, 4)) == "x4"


def test_what_is_not_told_is_not_said() -> None:
    assert speed_words(None) == ""
    assert speed_words(1.5) == "1.5 Mbit/s"
    assert speed_words(480) == "480 Mbit/s"
    assert speed_words(2500) == "2.5 Gbit/s"
    assert reset_words(FREE) == "flr"
    assert reset_words(SATA) == "none"
    assert reset_words(FREE._replace(resets=None)) == "?"


@pytest.mark.parametrize(
    ("code", "short", "full"),
    [
        ("010802", "NVMe", "NVMe controller"),
        ("010899", "NVMe", "non-volatile memory controller"),
        ("030000", "GPU", "VGA compatible display controller"),
        ("030200", "3D", "3D controller (a GPU without a VGA part)"),
        ("020000", "NIC", "Ethernet controller"),
        ("0200FF", "NIC", "Ethernet controller"),
        ("0c0330", "USB", "USB controller (xHCI)"),
        ("060400", "bridge", "PCI bridge or root port"),
        ("02ff00", "net", "network controller"),
        ("fe0000", "?", "of a class that is not known"),
        ("", "", "of a class that is not told"),
    ],
)
def test_classes_of_pci(code: str, short: str, full: str) -> None:
    assert pci_class(code) == (short, full)


def test_classes_of_the_others() -> None:
    assert usb_class("08").short == "storage"
    assert usb_class("FF").full == "of its vendor's own class"
    assert class_words(STICK).short == "storage"
    assert class_words(HostDevice("scsi", "scsi_1", "1:0:0:0", class_="tape")).short == "tape"


def test_short_words_fit_their_column() -> None:
    for number in range(0x1000000, 0, -0x100):
        assert len(pci_class(f"{number - 0x100:06x}").short) <= 7
    for number in range(256):
        assert len(usb_class(f"{number:02x}").short) <= 7


@pytest.mark.parametrize(
    ("device", "words"),
    [
        (GPU, "nvidia gtx vfio-pci 10de:1b80 gpu gamer group:1 node:0"),
        (NVME, "pf nvme0n1 samsung node:1"),
        (NVME_VF, "vf"),
        (CARRIER, "eth0 igb carries"),
        (RICH.devices[-1], "br0 52:54:00:00:00:01"),
    ],
)
def test_a_filter_finds_a_device_by_all_that_is_known_of_it(device: HostDevice, words: str) -> None:
    for word in words.split():
        assert word in searched(device)
