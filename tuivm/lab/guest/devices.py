"""Which device is which, from sysfs: disks by serial number, NICs by MAC address."""

from __future__ import annotations

import os

from .orders import OrderError

SECTOR = 512
"""Bytes of the sectors that /sys/block counts in, whatever the disk's own are."""
ETHERNET = "1"
"""ARPHRD_ETHER, as in /sys/class/net/*/type."""


class Disk:
    """path: of the device in sysfs. address: of its PCI function, "" where it has none.

    driver: of the device nearest to the disk that has one, SCSI's own "sd" left out: "virtio_blk",
    "nvme", "virtio_scsi", "ata_piix", "usb-storage".
    """

    def __init__(self, serial: str, name: str, path: str, root: str) -> None:
        self.serial = serial
        self.name = name
        self.path = path
        self.node = f"{root}/dev/{name}"
        self.block = f"{root}/sys/block/{name}"
        self.size = int(read_text(f"{self.block}/size") or 0) * SECTOR
        self.sector = int(read_text(f"{self.block}/queue/logical_block_size") or SECTOR)
        self.model = read_text(f"{path}/model")
        self.driver = _driver(path)
        self.address = os.path.basename(pci_function(path))

    def told(self) -> dict[str, object]:
        return {
            "serial": self.serial,
            "name": self.name,
            "size": self.size,
            "driver": self.driver,
            "model": self.model,
            "address": self.address,
        }


class Nic:
    def __init__(self, mac: str, name: str, path: str) -> None:
        self.mac = mac
        self.name = name
        self.path = path
        self.driver = _driver(path)
        self.address = os.path.basename(pci_function(path))

    def told(self) -> dict[str, object]:
        return {
            "mac": self.mac,
            "name": self.name,
            "driver": self.driver,
            "address": self.address,
        }


def read_text(path: str) -> str:
    """What the file holds, without the blanks around it; "" where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read().decode("utf-8", "replace").strip("\0 \n")
    except OSError:
        return ""


def entries(path: str) -> list[str]:
    """Names in a directory in order, [] where there is none."""
    try:
        return sorted(os.listdir(path))
    except OSError:
        return []


def pci_function(path: str) -> str:
    """sysfs path of the PCI function that a device belongs to, "" where there is none."""
    while path not in ("", "/"):
        if _is_pci_address(os.path.basename(path)):
            return path
        path = os.path.dirname(path)
    return ""


def disks(root: str = "") -> list[Disk]:
    """Those that have a serial number."""
    found = []
    for name in entries(f"{root}/sys/block"):
        path = os.path.realpath(f"{root}/sys/block/{name}/device")
        # One way of several to an NVMe disk (nvme0c0n1) is a disk here, and has no node in /dev.
        if not os.path.isdir(path) or read_text(f"{root}/sys/block/{name}/hidden") == "1":
            continue
        path = _controller(path)
        serial = _serial(name, path, root)
        if serial:
            found.append(Disk(serial, name, path, root))
    return found


def nics(root: str = "") -> list[Nic]:
    """Those that belong to a device: not the loopback, bridges and the like."""
    found = []
    for name in entries(f"{root}/sys/class/net"):
        net = f"{root}/sys/class/net/{name}"
        if read_text(f"{net}/type") == ETHERNET and os.path.isdir(f"{net}/device"):
            mac = read_text(f"{net}/address").lower()
            found.append(Nic(mac, name, os.path.realpath(f"{net}/device")))
    return found


def find_disk(serial: str, root: str = "") -> Disk:
    for disk in disks(root):
        if disk.serial == serial:
            return disk
    raise OrderError(f"no disk has the serial number {serial}")


def find_nic(mac: str, root: str = "") -> Nic:
    for nic in nics(root):
        if nic.mac == mac.lower():
            return nic
    raise OrderError(f"no network device has the MAC address {mac}")


def set_up_anew(disk: Disk) -> None:
    """Reset an NVMe controller; returns when it takes requests again. Nothing for other disks.

    QEMU (from 7.1) has the driver write its doorbells into memory and ring them only when the
    controller has fallen behind (NVMe 2.0, 5.8 Doorbell Buffer Config). Once a deep queue has put
    the two out of step the driver rings one doorbell a request, else two: so the same is counted on
    any host only where nothing went before.
    """
    try:
        file = os.open(f"{disk.path}/reset_controller", os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        os.write(file, b"1")
    finally:
        os.close(file)


def _is_pci_address(name: str) -> bool:
    parts = name.replace(".", ":").split(":")
    return name.count(":") == 2 and name.count(".") == 1 and all(map(_is_hex, parts))


def _is_hex(part: str) -> bool:
    return bool(part) and all(digit in "0123456789abcdefABCDEF" for digit in part)


def _controller(path: str) -> str:
    """An NVMe disk with several ways to it belongs to no controller: take the first."""
    if pci_function(path):
        return path
    for name in entries(path):
        way = os.path.realpath(f"{path}/{name}")
        if name.startswith("nvme") and pci_function(way):
            return way
    return path


def _driver(path: str) -> str:
    while path not in ("", "/"):
        driver = f"{path}/driver"
        if os.path.islink(driver):
            name = os.path.basename(os.readlink(driver))
            if name != "sd":
                return name
        path = os.path.dirname(path)
    return ""


def _serial(name: str, path: str, root: str) -> str:
    # virtio-blk has it at the disk, NVMe at the controller.
    plain = read_text(f"{root}/sys/block/{name}/serial") or read_text(f"{path}/serial")
    if plain:
        return plain
    try:
        with open(f"{path}/vpd_pg80", "rb") as file:
            return _page_80(file.read())
    except OSError:
        pass
    if read_text(f"{path}/type") != "0":
        return ""
    # Linux does not ask USB disks for this page by itself.
    node = f"{root}/dev/{name}"
    if path not in _asked:
        _asked[path] = _ask(node)
    return _asked[path]


_asked: dict[str, str] = {}
"""Serial numbers by sysfs path: to ask a disk again would be I/O that is counted."""


def _ask(node: str) -> str:
    from .inquiry import unit_serial_number  # noqa: PLC0415 - needs ctypes, and is rarely needed

    try:
        return _page_80(unit_serial_number(node))
    except OSError:
        return ""


def _page_80(page: bytes) -> str:
    """The Unit Serial Number page (SPC-4, 7.8.16): four bytes of header, the last one a length."""
    if len(page) < 4:
        return ""
    return page[4 : 4 + page[3]].decode("ascii", "replace").strip("\0 \n")
