"""The parts of a lab guest: devices that libvirt is told of, and those that only QEMU is.

libvirt cannot say null-co, so a disk on it, with its controller, goes onto QEMU's command line.
libvirt counts its PCI slots upwards from 1 and does not know of these: they lie from slot 16 on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from lxml import etree

from tuivm.domainxml.parse import Element
from tuivm.lab.ports import LabError

DISK_BYTES = 256 * 1024 * 1024
"""Size of every disk, so that random reads spread equally: volumes should be as large."""
_FIRST_SLOT, _LAST_SLOT = 0x10, 0x1C
_ADDRESS = re.compile(r"([0-9a-f]{4,8}):([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])")


def element(tag: str, *content: Element | str, **attributes: str) -> Element:
    """An element with text or children."""
    made: Element = etree.Element(tag, attributes)
    for one in content:
        if isinstance(one, str):
            made.text = one
        else:
            made.append(one)
    return made


class Where(NamedTuple):
    """Where a subject is in its guest. mac: of the NIC measured, peer: of the one that it talks to;
    of a passed-through NIC neither is known, and it has no peer. address: the PCI address in the
    guest of a passed-through device, by which the appliance's list of devices names its serial
    number or MAC; "" for all others."""

    serial: str = ""
    mac: str = ""
    peer: str = ""
    address: str = ""


class Files(NamedTuple):
    """What lies on the host. kernel, initrd: paths. disks: the path of each subject's raw volume,
    where the backing is FILE. networks: libvirt's name of each subject's isolated network, where it
    is TAP. ports: UDP ports of the host's loopback that are free, where it is SOCKET."""

    kernel: str
    initrd: str
    disks: Mapping[str, str]
    networks: Mapping[str, str]
    ports: Iterator[int]


class Parts:
    """Collects a guest's devices.

    devices: libvirt's elements. arguments: of QEMU. iothreads: how many libvirt is to make.
    """

    def __init__(self, machine: str) -> None:
        self.machine = machine
        self.devices: list[Element] = []
        self.arguments: list[str] = []
        self.iothreads = 0
        self._slots = iter(range(_FIRST_SLOT, _LAST_SLOT + 1))
        self._letters = {
            prefix: iter("abcdefghijklmnopqrstuvwxyz") for prefix in ("vd", "sd", "hd")
        }
        self._last_slot = 0x1F

    def target(self, prefix: str) -> str:
        """The next target name of a disk: "vda", "vdb" …."""
        return prefix + next(self._letters[prefix])

    def iothread(self) -> int:
        """The number of a new one; QEMU knows it as `iothreadN`."""
        self.iothreads += 1
        return self.iothreads

    def device(self, driver: str, **options: str | int) -> None:
        """A `-device`. Values are names and numbers of our own: nothing in them needs quoting."""
        words = [driver, *(f"{key.replace('_', '-')}={value}" for key, value in options.items())]
        self.arguments += ["-device", ",".join(words)]

    def pci_device(self, driver: str, **options: str | int) -> None:
        """A `-device` on the root bus, on q35 behind a root port, as libvirt puts them."""
        slot = f"{next(self._slots):#x}"
        if self.machine == "q35":
            port = f"lab-port-{slot}"
            chassis = int(slot, 16) + 100
            self.device("pcie-root-port", id=port, bus="pcie.0", addr=slot, chassis=chassis)
            self.device(driver, **options, bus=port)
        else:
            self.device(driver, **options, bus="pci.0", addr=slot)

    def blockdev(self, **options: object) -> None:
        """A `-blockdev`, said in JSON: a path may have any character in it."""
        names = {key.replace("_", "-"): value for key, value in options.items()}
        self.arguments += ["-blockdev", json.dumps(names)]

    def passed(self, address: str) -> Where:
        """A PCI device of the host, at a place in the guest that is known before it boots. Raises
        LabError for what is no address."""
        match = _ADDRESS.fullmatch(address.lower())
        if match is None:
            raise LabError(f"{address!r} is no address of a PCI device (0000:01:00.0).")
        domain, bus, slot, function = (f"0x{part}" for part in match.groups())
        self._last_slot -= 1
        here = f"{self._last_slot:#04x}"
        self.devices.append(
            element(
                "hostdev",
                element(
                    "source",
                    element("address", domain=domain, bus=bus, slot=slot, function=function),
                ),
                element(
                    "address", type="pci", domain="0x0000", bus="0x00", slot=here, function="0x0"
                ),
                mode="subsystem",
                type="pci",
                managed="yes",
            )
        )
        return Where(address=f"0000:00:{self._last_slot:02x}.0")

    def command_line(self, namespace: str) -> Element:
        """`<qemu:commandline>`."""
        root = etree.Element(f"{{{namespace}}}commandline")
        for argument in self.arguments:
            etree.SubElement(root, f"{{{namespace}}}arg", value=argument)
        return root
