"""Emulated disks and NICs that could be virtio, as far as the guest's OS is known. Pure.

The OS comes from the libosinfo metadata in the domain XML, else from the guest agent. Since when
an OS has virtio drivers is as its own documentation says: Linux 2.6.25 (2008), FreeBSD 9.0,
OpenBSD 5.1, NetBSD 6.0, Haiku; Windows has none until virtio-win is installed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from tuivm.model.devices import Device, DeviceClass, DeviceKind
from tuivm.model.guests import Guest


class Drivers(StrEnum):
    """Whether an OS has virtio drivers."""

    HERE = "has virtio drivers"
    TO_INSTALL = "needs virtio drivers installed first"
    NONE = "has no virtio drivers"
    UNKNOWN = "is not known"


@dataclass(frozen=True, slots=True)
class GuestOs:
    """name: to show (untrusted), "" when not known. source: where the name is from."""

    name: str
    drivers: Drivers
    source: str = ""


@dataclass(frozen=True, slots=True)
class Upgrade:
    """One device that could be virtio. change: what it would take; risk: what can go wrong."""

    device: Device
    to: str
    os: GuestOs
    change: str
    risk: str


_LINUX = frozenset(
    {
        *("almalinux", "alpine", "alpinelinux", "alt", "altlinux", "amzn", "arch", "archlinux"),
        *("asianux", "centos", "circle", "clearlinux", "cirros", "debian", "deepin", "devuan"),
        *("endless", "endlessos", "eurolinux", "fedora", "gentoo", "guix", "kali", "kylin"),
        *("linux", "mageia", "mandriva", "manjaro", "miraclelinux", "navylinux", "nixos", "ol"),
        *("openeuler", "opensuse", "oraclelinux", "pardus", "photon", "popos", "pureos"),
        *("raspbian", "rhel", "rocky", "rockylinux", "scientificlinux", "silverblue", "slackware"),
        *("sle", "sled", "slem", "sles", "slackel", "slitaz", "suse", "ubuntu", "void"),
    }
)
_FIRST_VERSION = {"freebsd": 9.0, "openbsd": 5.1, "netbsd": 6.0}
_LINUX_FIRST = {"rhel": 4.8, "centos": 4.8, "debian": 5.0, "ubuntu": 8.04, "fedora": 9.0}
_ALWAYS = frozenset({"haiku"})
_NEVER = frozenset({"freedos", "msdos", "os2", "reactos", "plan9"})
_WINDOWS = frozenset({"win", "windows", "mswindows"})

_DISK_TO_VIRTIO = (
    "At the next boot, `<target bus='virtio'>` instead of bus='{bus}' and without the old "
    "`<address>`. "
)
_NIC_TO_VIRTIO = "`<model type='virtio'/>` instead of '{model}', at the next boot. "


def guest_os(guest: Guest) -> GuestOs:
    """What a guest runs, as far as somebody said it."""
    os_id = guest.details.stack.os_id if guest.details else ""
    if os_id:
        words = [word for word in urlsplit(os_id).path.split("/") if word]
        return _known(words, "libosinfo metadata")
    if guest.agent_os:
        return _known(guest.agent_os.split(), "guest agent")
    return GuestOs("", Drivers.UNKNOWN)


def upgrades(guest: Guest) -> tuple[Upgrade, ...]:
    """The devices of a guest that are emulated though its OS could use virtio."""
    os = guest_os(guest)
    if os.drivers not in (Drivers.HERE, Drivers.TO_INSTALL) or guest.details is None:
        return ()
    found = []
    for device in guest.details.devices:
        if device.cls is not DeviceClass.EMULATED or device.removable:
            continue
        if device.kind is DeviceKind.DISK:
            found.append(_disk(device, os))
        elif device.kind is DeviceKind.NIC:
            found.append(_nic(device, os))
    return tuple(found)


def _known(words: list[str], source: str) -> GuestOs:
    name = " ".join(words)
    family = words[0].casefold() if words else ""
    version = _version(words[1]) if len(words) > 1 else None
    return GuestOs(name, _drivers(family, version), source)


def _drivers(family: str, version: float | None) -> Drivers:
    if family in _WINDOWS:
        return Drivers.TO_INSTALL
    if family in _NEVER:
        return Drivers.NONE
    if family in _ALWAYS:
        return Drivers.HERE
    first = _FIRST_VERSION.get(family, _LINUX_FIRST.get(family))
    if family in _LINUX or first is not None:
        old = first is not None and version is not None and version < first
        return Drivers.NONE if old else Drivers.HERE
    return Drivers.UNKNOWN


def _version(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _disk(device: Device, os: GuestOs) -> Upgrade:
    change = _DISK_TO_VIRTIO.format(bus=device.bus)
    if os.drivers is Drivers.TO_INSTALL:
        change += (
            "Before that: attach a second, small virtio disk, boot, install virtio-win (viostor), "
            "and only then change the boot disk."
        )
        risk = (
            "Without the driver Windows stops at boot with INACCESSIBLE_BOOT_DEVICE; going back "
            f"to {device.bus} mends it."
        )
    else:
        change += "In the guest it becomes /dev/vdX."
        risk = (
            "It does not boot when fstab or the boot loader name /dev/sdX or /dev/hdX (use UUIDs), "
            "or when its initramfs was built for this hardware alone (dracut hostonly) and lacks "
            "virtio_blk."
        )
    return Upgrade(device, "virtio-blk", os, change, risk)


def _nic(device: Device, os: GuestOs) -> Upgrade:
    change = _NIC_TO_VIRTIO.format(model=device.model)
    if os.drivers is Drivers.TO_INSTALL:
        change += "Before that: install virtio-win (NetKVM) in the guest."
        risk = "Without the driver Windows has no network; its address must be set again."
    else:
        change += "The MAC address stays."
        risk = "Its name in the guest may change (enp1s0), and settings bound to the name with it."
    return Upgrade(device, "virtio-net", os, change, risk)
