"""What this machine itself does with its devices, by /sys and /proc.

Each use is told with the place in /sys of the device that it hangs on: whoever is above that place
in the tree of devices has the use too. root: where the file system begins.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from tuivm.hypervisor import machine
from tuivm.hypervisor.hostsessions import Addresses, sessions

_ESCAPED = re.compile(r"\\([0-7]{3})")
_NVME_MULTIPATH = "/virtual/nvme-subsystem/"
_ROUTE_UP = 1
_IPV4_ANY = "0" * 8
_IPV6_ANY = "0" * 32
_NO_LINK = frozenset({"down", "lowerlayerdown", "notpresent"})
"""Of RFC 2863. Drivers that never tell of their link leave "unknown" on one that is up."""
_WITH_NICS = ("pci", "usb", "virtio")
_DEEPEST = 16
"""Devices over devices: more is a circle."""


class Use(NamedTuple):
    """path: in /sys, as libvirt tells it. critical: without it the host is hurt, else only its use
    ends. overridable: a person who knows better may do without it."""

    path: str
    words: str
    critical: bool = False
    overridable: bool = False


class HostUses(NamedTuple):
    """unknown: what could not be looked at, with the command that tells."""

    uses: tuple[Use, ...] = ()
    unknown: tuple[str, ...] = ()


def look(
    root: Path = machine.ROOT,
    *,
    environ: Mapping[str, str] = os.environ,
    addresses: Addresses | None = None,
) -> HostUses:
    """All uses that can be seen.

    addresses: those of each network interface of this machine, for the ones that SSH sessions come
    through.
    """
    seen = _Look(root)
    come = sessions(environ, addresses, root)
    uses = (*seen.disks(), *seen.networks(come), *seen.screens())
    return HostUses(tuple(dict.fromkeys(uses)), tuple(dict.fromkeys(seen.unknown)))


def boot_display(address: str, root: Path = machine.ROOT) -> bool | None:
    """The firmware showed itself on this PCI device; None for one that is no display."""
    shown = machine.text(root / "sys/bus/pci/devices" / address / "boot_vga")
    return None if shown is None else shown.strip() == "1"


def built_in_keyboard(root: Path = machine.ROOT) -> bool:
    """There is a keyboard beside those on USB: the PS/2 driver has found one."""
    return any(one.is_symlink() for one in _entries(root / "sys/bus/serio/drivers/atkbd"))


class _Look:
    def __init__(self, root: Path) -> None:
        self._root = root
        self.unknown: list[str] = []

    def disks(self) -> Iterator[Use]:
        for number, source, where, kind in self._mounts():
            # bcachefs names all that it is on.
            named = (self._by_name(one) for one in source.split(":"))
            found = [self._by_number(number)] if self._by_number(number) else named
            devices = [one for one in found if one is not None]
            for one in devices:
                yield from self._under(one, f"{where} is on it", critical=True)
            if not devices and kind == "zfs" and not self._zfs:
                self.unknown.append("which disks ZFS has: zpool status -P")
        yield from self._several()
        for name in self._swaps():
            device = self._by_name(name)
            if device is not None:
                yield from self._under(device, "swap is on it", critical=True)
        yield from self._held()

    @property
    def _zfs(self) -> list[Path]:
        """Disks and partitions that udev took for parts of ZFS pools."""
        return [
            device
            for device in _entries(self._root / "sys/class/block")
            if "E:ID_FS_TYPE=zfs_member" in self._udev(device)
        ]

    def _udev(self, device: Path) -> list[str]:
        """Lines of what udev's database has on a block device."""
        number = (machine.text(device / "dev") or "").strip()
        return (machine.text(self._root / f"run/udev/data/b{number}") or "").splitlines()

    def _several(self) -> Iterator[Use]:
        """File systems over several disks, of which only one is told where they are mounted."""
        for member in sorted((self._root / "sys/fs/btrfs").glob("*/devices/*")):
            device = self._root / "sys/class/block" / member.name
            if device.exists():
                words = f"a mounted btrfs is on it ({member.name})"
                yield from self._under(device, words, critical=True)
        if (self._root / "sys/module/zfs").is_dir():
            for device in self._zfs:
                yield from self._under(device, f"ZFS is on it ({device.name})", critical=True)

    def _mounts(self) -> Iterator[tuple[str, str, str, str]]:
        """(major:minor, source, mount point, file system), as proc(5) has mountinfo."""
        text = machine.text(self._root / "proc/self/mountinfo")
        if text is None:
            self.unknown.append("what is mounted: findmnt")
            return
        # The host's own, where this program runs in a name space of its own.
        text += machine.text(self._root / "proc/1/mountinfo") or ""
        seen = set()
        for line in text.splitlines():
            before, _, after = line.partition(" - ")
            fields, more = before.split(), after.split()
            if len(fields) < 5 or len(more) < 2:
                continue
            # Bind mounts show one file system many times: the first place says enough.
            if (key := (fields[2], more[1])) not in seen:
                seen.add(key)
                yield fields[2], _plain(more[1]), _plain(fields[4]), more[0]

    def _swaps(self) -> Iterator[str]:
        text = machine.text(self._root / "proc/swaps")
        if text is None:
            self.unknown.append("where swap is: swapon --show")
            return
        for line in text.splitlines()[1:]:
            if words := line.split():
                yield _plain(words[0])

    def _held(self) -> Iterator[Use]:
        """Disks and partitions that something else is built on: LVM, MD, device mapper."""
        for device in _entries(self._root / "sys/class/block"):
            for holder in _entries(device / "holders"):
                mapped = machine.text(self._root / "sys/class/block" / holder.name / "dm/name")
                shown = (mapped or holder.name).strip()
                words = f"{shown} is built on it ({device.name})"
                yield from self._at(device, words, critical=True)

    def _under(self, device: Path, words: str, *, critical: bool, depth: int = 0) -> Iterator[Use]:
        """The device, and all those that it is built on."""
        yield from self._at(device, words, critical=critical)
        if depth < _DEEPEST:
            for slave in _entries(device / "slaves"):
                below = self._root / "sys/class/block" / slave.name
                yield from self._under(below, words, critical=critical, depth=depth + 1)

    def _at(self, device: Path, words: str, *, critical: bool = False) -> Iterator[Use]:
        path = self._sys_path(device)
        if _NVME_MULTIPATH in path:
            # A disk of several paths, or a partition of it; its controllers hang on PCI.
            before, between, after = os.path.realpath(device).partition(_NVME_MULTIPATH)
            for entry in _entries(Path(before + between + after.partition("/")[0])):
                if re.fullmatch(r"nvme\d+", entry.name):
                    yield Use(self._sys_path(entry), words, critical)
        elif "/devices/virtual/" not in path:
            yield Use(path, words, critical)

    def _by_number(self, number: str) -> Path | None:
        device = self._root / "sys/dev/block" / number
        return device if device.exists() else None

    def _by_name(self, name: str) -> Path | None:
        """Of "/dev/sda2", "/dev/mapper/x" or "/dev/disk/by-…", which are links."""
        if not name.startswith("/dev/"):
            return None
        real = (self._root / name.lstrip("/")).resolve()
        device = self._root / "sys/class/block" / real.name
        return device if device.exists() else None

    def networks(self, come: Mapping[str, str]) -> Iterator[Use]:
        """come: what comes through interfaces, in words, by their names."""
        routes = self._default_routes()
        needed = [(name, "the default route goes through it") for name in routes]
        for name, words in (*needed, *come.items()):
            for real in self._real_interfaces(name):
                over = real if real == name else f"{real}, under {name}"
                place = self._sys_path(self._root / "sys/class/net" / real)
                yield Use(place, f"{words} ({over})", critical=True, overridable=True)
        for interface in _entries(self._root / "sys/class/net"):
            if (interface / "device").exists():
                yield from self._interface(interface)
        for bus in _WITH_NICS:
            for folder in sorted((self._root / "sys/bus" / bus / "devices").glob("*/net")):
                if not _entries(folder):
                    # Each name space sees its own interfaces alone, and whose device has one.
                    words = "its interface is in another network name space (a container's?)"
                    yield Use(self._sys_path(folder), words, overridable=True)

    def screens(self) -> Iterator[Use]:
        """Displays that something is shown on, by the kernel's DRM."""
        for connector in _entries(self._root / "sys/class/drm"):
            if (machine.text(connector / "enabled") or "").strip() == "enabled":
                words = f"a screen is in use on it ({connector.name})"
                yield Use(self._sys_path(connector), words, overridable=True)

    def _interface(self, interface: Path) -> Iterator[Use]:
        place = self._sys_path(interface)
        master = interface / "master"
        if master.exists():
            words = f"interface {interface.name} is part of {master.resolve().name}"
            yield Use(place, words, overridable=True)
        elif (machine.text(interface / "operstate") or "down").strip() not in _NO_LINK:
            yield Use(place, f"interface {interface.name} is up", overridable=True)

    def _default_routes(self) -> tuple[str, ...]:
        """Interfaces, by /proc/net/route and /proc/net/ipv6_route."""
        found = []
        old = machine.text(self._root / "proc/net/route")
        if old is None:
            self.unknown.append("where the default route goes: ip route show default")
        for line in (old or "").splitlines()[1:]:
            words = line.split()
            if len(words) < 8 or not _hex(words[3]) & _ROUTE_UP:
                continue
            if words[1] == words[7] == _IPV4_ANY:
                found.append(words[0])
        for line in (machine.text(self._root / "proc/net/ipv6_route") or "").splitlines():
            words = line.split()
            if len(words) < 10 or not _hex(words[8]) & _ROUTE_UP:
                continue
            # The kernel has a reject route of last resort, on lo.
            if words[:2] == [_IPV6_ANY, "00"] and words[9] != "lo":
                found.append(words[9])
        return tuple(dict.fromkeys(found))

    def _real_interfaces(self, name: str, depth: int = 0) -> Iterator[str]:
        """Those with a device of their own under a bridge, bond or VLAN."""
        interface = self._root / "sys/class/net" / name
        if not name or depth > _DEEPEST:
            return
        if (interface / "device").exists():
            yield name
            return
        for lower in _entries(interface):
            if lower.name.startswith("lower_"):
                below = lower.name.removeprefix("lower_")
                yield from self._real_interfaces(below, depth + 1)

    def _sys_path(self, entry: Path) -> str:
        """As it is without `root`."""
        real = os.path.realpath(entry)
        root = os.path.realpath(self._root)
        return real if root == "/" else real.removeprefix(root)


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _plain(field: str) -> str:
    r"""A field of proc(5) without its escapes: "\040" is a blank."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), field)


def _hex(word: str) -> int:
    try:
        return int(word, 16)
    except ValueError:
        return 0
