"""The real appliance: built here, started by a plain QEMU, and heard on its line."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tuivm.lab.appliance import Appliance, build
from tuivm.lab.ports import CHANNEL
from tuivm.lab.protocol import HELLO_DEADLINE, VERSION

DISKS = {
    "virtio": "virtio-blk-pci",
    "nvme": "nvme",
    "usb": "usb-storage,bus=xhci.0",
    "lsi": "scsi-hd,bus=lsi.0",
    "sata": "ide-hd,bus=ahci.0",
    "pvscsi": "scsi-hd,bus=pvscsi.0",
}
CONTROLLERS = ("qemu-xhci,id=xhci", "lsi53c895a,id=lsi", "ich9-ahci,id=ahci", "pvscsi,id=pvscsi")
NICS = {
    "52:54:00:00:00:01": ("virtio-net-pci", "virtio_net"),
    "52:54:00:00:00:02": ("e1000", "e1000"),
    "52:54:00:00:00:03": ("e1000e", "e1000e"),
    "52:54:00:00:00:04": ("rtl8139", "8139cp"),
    "52:54:00:00:00:05": ("pcnet", "pcnet32"),
}


def arguments(made: Appliance, line: int, machine: str) -> list[str]:
    found = ["qemu-system-x86_64", "-accel", "tcg", "-machine", machine, "-m", str(made.memory_mib)]
    found += ["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]
    found += ["-serial", "stdio", "-kernel", str(made.kernel), "-initrd", str(made.initrd)]
    found += ["-append", made.cmdline, "-device", "virtio-serial-pci"]
    found += ["-chardev", f"socket,id=line,fd={line}"]
    found += ["-device", f"virtserialport,chardev=line,name={CHANNEL}"]
    for controller in CONTROLLERS:
        found += ["-device", controller]
    for serial, model in DISKS.items():
        found += ["-blockdev", f"driver=null-co,node-name={serial},size=67108864,read-zeroes=on"]
        found += ["-device", f"{model},drive={serial},serial={serial}"]
    for mac, (model, _) in NICS.items():
        found += ["-device", f"{model},mac={mac}"]
    return found


@contextmanager
def guest(made: Appliance, console: Path, machine: str) -> Iterator[socket.socket]:
    """The line to a running appliance."""
    ours, its = socket.socketpair()
    with closing(ours), console.open("wb") as log:
        with closing(its):
            process = subprocess.Popen(
                arguments(made, its.fileno(), machine),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[its.fileno()],
            )
        ours.settimeout(HELLO_DEADLINE)
        try:
            yield ours
        finally:
            process.kill()
            process.wait()


def answer(line: socket.socket, kind: str, console: Path) -> dict[str, object]:
    """The next message of that type; what else comes before it is passed over."""
    with line.makefile("rb") as stream:
        for text in stream:
            message: dict[str, object] = json.loads(text)
            if message["type"] == kind:
                return message
    raise AssertionError(f"the guest has ended: {console.read_text(errors='replace')}")


@pytest.mark.parametrize(("machine", "with_fio"), [("q35", False), ("pc", True)])
def test_every_device_gets_its_driver(tmp_path: Path, machine: str, with_fio: bool) -> None:
    made = build(with_fio=with_fio)
    console = tmp_path / "console"
    with guest(made, console, machine) as line:
        hello = answer(line, "hello", console)
        assert hello["protocol"] == VERSION
        assert (hello["generator"], hello["kernel"]) == (made.generator, made.release)
        order = {"do": "wait", "id": 1, "serials": [*DISKS], "macs": [*NICS], "timeout": 60}
        line.sendall(json.dumps(order).encode() + b"\n")
        found = answer(line, "devices", console)
    disks, nics = found["disks"], found["nics"]
    assert isinstance(disks, list)
    assert isinstance(nics, list)
    assert {disk["serial"] for disk in disks} == set(DISKS)
    assert {nic["mac"]: nic["driver"] for nic in nics} == {
        mac: driver for mac, (_, driver) in NICS.items()
    }
