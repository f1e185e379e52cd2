"""What this machine's kernel tells of a device, in /sys, that libvirt's XML does not.

The files are those of the kernel's ABI/testing/sysfs-bus-pci and sysfs-bus-usb.
"""

from __future__ import annotations

from pathlib import Path

from tuivm.hypervisor import machine
from tuivm.model.offers import HostDevice, PciLink


def told_by_kernel(device: HostDevice, path: str, root: Path = machine.ROOT) -> HostDevice:
    """The device with what can be read at its place in /sys; as it is where nothing can."""
    if not path:
        return device
    place = root / path.lstrip("/")
    if device.kind == "pci":
        return _pci(device, place)
    if device.kind == "usb":
        return _usb(device, place)
    return device


def _pci(device: HostDevice, place: Path) -> HostDevice:
    node = _number(place / "numa_node")
    link = PciLink(
        speed=_speed(place / "current_link_speed"),
        width=_number(place / "current_link_width") or None,
        max_speed=_speed(place / "max_link_speed"),
        # 255 lanes: the kernel does not know.
        max_width=None if (most := _number(place / "max_link_width")) in (0, 255) else most,
    )
    return device._replace(
        driver=_driver(place, device.driver),
        numa_node=device.numa_node if node is None or node < 0 else node,
        link=device.link or (link if link.speed or link.max_speed else None),
        resets=_resets(place),
        max_functions=device.max_functions or _number(place / "sriov_totalvfs") or 0,
    )


def _resets(place: Path) -> tuple[str, ...] | None:
    """As Linux tells since 5.15; before that, only whether there is any."""
    methods = machine.text(place / "reset_method")
    if methods is not None:
        return tuple(methods.split())
    if (place / "reset").exists() or not (place / "config").exists():
        return None
    return ()


def _usb(device: HostDevice, place: Path) -> HostDevice:
    speed = machine.text(place / "speed")
    own = (machine.text(place / "bDeviceClass") or "").strip()
    return device._replace(
        driver=_driver(place, device.driver),
        vendor=device.vendor or _line(place / "manufacturer"),
        product=device.product or _line(place / "product"),
        serial=device.serial or _line(place / "serial"),
        # 00: each of its functions has a class of its own.
        class_=own if own not in ("", "00") else device.class_,
        speed=_float(speed or ""),
    )


def _driver(place: Path, told: str) -> str:
    driver = place / "driver"
    return driver.resolve().name if driver.exists() else told if not place.exists() else ""


def _speed(path: Path) -> float | None:
    """ "2.5 GT/s PCIe"."""
    words = (machine.text(path) or "").split()
    return _float(words[0]) if words else None


def _float(word: str) -> float | None:
    try:
        found = float(word)
    except ValueError:
        return None
    return found if found > 0 else None


def _number(path: Path) -> int | None:
    try:
        return int(machine.text(path) or "")
    except ValueError:
        return None


def _line(path: Path) -> str:
    return (machine.text(path) or "").strip()
