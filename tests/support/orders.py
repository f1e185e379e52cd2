"""A guest with one device of each model that matters, which does exactly the I/O it is told to."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from tests.support.appliance import MEMORY_MIB, appliance
from tests.support.guestagent import AGENT_MEMORY_MIB, CHANNEL, agent_appliance
from tests.support.guests import GuestFactory, disk_xml, guest_xml, serial_xml, sparse_file
from tests.support.rig import wait_until

REQUEST = 4096
"""Bytes of each request that `read` and `write` make."""
FRAME = 1400 + 8 + 20 + 14
"""Bytes of each frame that `send` makes: payload, ICMP, IPv4 and Ethernet headers."""
BOOT = 60
DISKS = {"virtio": "vda", "scsi": "sda", "sata": "sdb", "ide": "hda", "usb": "sdc"}
NICS = ("virtio", "e1000e", "rtl8139")
_FIRST_MIB = 32
_CONTROLLERS = (
    "<controller type='scsi' model='virtio-scsi'/><controller type='sata'/>"
    "<controller type='usb' model='qemu-xhci'/>"
)
_TAKES = "takes orders"
_numbers = count(1)


@dataclass
class Worker:
    """The guest. disks: size in MiB by target, by which it finds them; nics: MAC by tap."""

    uuid: str
    disks: dict[str, int]
    nics: dict[str, str]
    _line: socket.socket
    _heard: str = field(default="", init=False)

    def read(self, target: str, requests: int) -> None:
        self._order(f"read {self.disks[target]}", requests)

    def write(self, target: str, requests: int) -> None:
        self._order(f"write {self.disks[target]}", requests)

    def send(self, tap: str, frames: int) -> None:
        self._order(f"send {self.nics[tap]}", frames)

    def begin(self, verb: str, target: str, requests: int) -> None:
        """Have it begin, and do not wait for the end."""
        which = self.disks.get(target) or self.nics[target]
        self._line.sendall(f"{verb} {which} {requests}\n".encode())

    def stop(self) -> None:
        """End all reading and writing."""
        self._order("end all", 0)

    def close(self) -> None:
        self._line.close()

    def _order(self, order: str, number: int) -> None:
        """Carry it out; raises TimeoutError when no answer comes."""
        self._line.sendall(f"{order} {number}\n".encode())
        while f"done {order}" not in self._heard:
            news = self._line.recv(4096)
            if not news:
                raise ConnectionError("the guest has gone")
            self._heard += news.decode(errors="replace")
        self._heard = ""


def worker(
    factory: GuestFactory,
    name: str = "worker",
    *,
    disks: tuple[str, ...] = tuple(DISKS),
    nics: tuple[str, ...] = NICS,
    iotune: str = "",
    agent: bool = False,
) -> Worker:
    """Start one on the rig's libvirt and wait until it takes orders.

    disks: buses; nics: models. iotune: XML inside each disk's `<iotune>`. agent: the guest agent
    runs in it.
    """
    number = next(_numbers)
    home = factory.rig.state
    sizes = {DISKS[bus]: _FIRST_MIB + index for index, bus in enumerate(disks)}
    limits = f"<iotune>{iotune}</iotune>" if iotune else ""
    devices = _CONTROLLERS
    for bus in disks:
        target = DISKS[bus]
        image = sparse_file(home / f"lib/{name}-{number}-{target}.raw", sizes[target])
        devices += disk_xml(image, target, bus=bus, more=limits)
    macs = {
        f"w{number}-{model}": f"52:54:00:77:{number:02x}:{index + 1:02x}"
        for index, model in enumerate(nics)
    }
    for (tap, mac), model in zip(macs.items(), nics, strict=True):
        devices += (
            f"<interface type='ethernet'><mac address='{mac}'/><target dev='{tap}'/>"
            f"<model type='{model}'/></interface>"
        )
    log, orders = home / f"{name}-{number}.log", home / f"{name}-{number}.sock"
    devices += serial_xml(log) + (
        f"<channel type='unix'><source mode='bind' path='{orders}'/>"
        "<target type='virtio' name='tuivm.orders'/></channel>"
    )
    system, memory, load = appliance, MEMORY_MIB, "orders"
    if agent:
        system, memory, load = agent_appliance, AGENT_MEMORY_MIB, "orders,agent"
        devices += CHANNEL
    uuid = factory.start(
        guest_xml(name, memory_mib=memory, devices=devices, os=system().os_xml(load)),
        paused=False,
    )
    wait_until(lambda: _says(log), BOOT, f"{name} to boot")
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(BOOT)
    line.connect(str(orders))
    return Worker(uuid, sizes, macs, line)


def _says(log: Path) -> bool:
    return log.exists() and _TAKES in log.read_text(errors="replace")
