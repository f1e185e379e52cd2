"""Which emulated devices could be virtio, by what the guest runs."""

import pytest

from tuivm.model.devices import Device, DeviceClass, DeviceKind
from tuivm.model.guests import Guest, GuestDetails, GuestKey, GuestStack
from tuivm.model.upgrades import Drivers, guest_os, upgrades

E, V, P = DeviceClass.EMULATED, DeviceClass.PARAVIRTUAL, DeviceClass.PHYSICAL
SATA = Device(DeviceKind.DISK, E, "sata", "sda", "sata", counted=True)
CDROM = Device(DeviceKind.DISK, E, "sata-cd", "sdb", "sata", counted=True, removable=True)
BLK = Device(DeviceKind.DISK, V, "virtio-blk", "vda", "virtio", counted=True)
E1000 = Device(DeviceKind.NIC, E, "e1000e", "vnet0", "network", counted=True)
VF = Device(DeviceKind.NIC, P, "vfio-pci", "hostdev0", "pci")
VGA = Device(DeviceKind.VIDEO, E, "vga", "video0")
ALL = (SATA, CDROM, BLK, E1000, VF, VGA)


def guest(os_id: str = "", agent_os: str = "", devices: tuple[Device, ...] = ALL) -> Guest:
    details = GuestDetails(stack=GuestStack(os_id=os_id), devices=devices)
    return Guest(GuestKey("h", "u"), "g", details=details, agent_os=agent_os)


@pytest.mark.parametrize(
    ("os_id", "drivers"),
    [
        ("http://debian.org/debian/12", Drivers.HERE),
        ("http://debian.org/debian/4", Drivers.NONE),
        ("http://ubuntu.com/ubuntu/24.04", Drivers.HERE),
        ("http://redhat.com/rhel/9.2", Drivers.HERE),
        ("http://libosinfo.org/linux/2022", Drivers.HERE),
        ("http://fedoraproject.org/fedora/rawhide", Drivers.HERE),
        ("http://microsoft.com/win/11", Drivers.TO_INSTALL),
        ("http://microsoft.com/msdos/6.22", Drivers.NONE),
        ("http://freebsd.org/freebsd/13.1", Drivers.HERE),
        ("http://freebsd.org/freebsd/8.4", Drivers.NONE),
        ("http://apple.com/macosx/10.7", Drivers.UNKNOWN),
        ("nonsense", Drivers.UNKNOWN),
        ("", Drivers.UNKNOWN),
    ],
)
def test_drivers_by_os(os_id: str, drivers: Drivers) -> None:
    assert guest_os(guest(os_id)).drivers is drivers


def test_metadata_comes_before_the_agent() -> None:
    assert guest_os(guest("http://debian.org/debian/12", "mswindows 10")).name == "debian 12"
    assert guest_os(guest("", "mswindows 10")).drivers is Drivers.TO_INSTALL
    assert guest_os(guest("", "mswindows 10")).source == "guest agent"


def test_only_what_virtio_would_replace() -> None:
    found = upgrades(guest("http://debian.org/debian/12"))
    assert [(one.device, one.to) for one in found] == [(SATA, "virtio-blk"), (E1000, "virtio-net")]


@pytest.mark.parametrize("os_id", ["", "http://microsoft.com/msdos/6.22", "http://x.org/y/1"])
def test_nothing_is_promised_for_an_os_without_drivers(os_id: str) -> None:
    assert upgrades(guest(os_id)) == ()


def test_windows_is_told_that_it_may_not_boot() -> None:
    disk, nic = upgrades(guest("http://microsoft.com/win/11"))
    assert "INACCESSIBLE_BOOT_DEVICE" in disk.risk
    assert "virtio-win" in disk.change
    assert "virtio-win" in nic.change


def test_before_the_xml_was_read() -> None:
    assert upgrades(Guest(GuestKey("h", "u"), "g", agent_os="debian 12")) == ()
