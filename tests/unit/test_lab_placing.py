"""What goes onto a host before a run's guests start."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tests.support.labplayed import FakeHost, FakePlace
from tests.support.labrun import lab_run
from tuivm.lab.appliance import Appliance
from tuivm.lab.models import BY_ID, passthrough
from tuivm.lab.placing import place
from tuivm.lab.ports import SpareDevice
from tuivm.model.lab import Backing, Experiment, Plan

CONTENT = bytes(range(256)) * 10_000


class Place(FakePlace):
    """Remembers what was sent, under its name."""

    def __init__(self) -> None:
        super().__init__(FakeHost(), "run")
        self.sent: dict[str, bytes] = {}
        self.made: list[str] = []

    def disk(self, name: str, size: int) -> str:
        self.made.append(name)
        return super().disk(name, size)

    def network(self, name: str) -> str:
        self.made.append(name)
        return super().network(name)

    def upload(self, path: Path, name: str) -> str:
        self.sent[name] = path.read_bytes()
        return super().upload(path, name)


@pytest.fixture
def appliance(tmp_path: Path) -> Appliance:
    for name, content in (("kernel", b"ELF"), ("packed", b"bzImage"), ("initrd", CONTENT)):
        (tmp_path / name).write_bytes(content)
    return Appliance(
        tmp_path / "kernel", tmp_path / "initrd", "6.1.0", "", 256, packed=tmp_path / "packed"
    )


def plan(accelerator: str) -> Plan:
    return lab_run(Experiment.STORAGE).plan._replace(accelerator=accelerator)


@pytest.mark.parametrize("accelerator", ["kvm", "qemu"])
def test_on_this_machine_files_go_as_they_are(appliance: Appliance, accelerator: str) -> None:
    there = Place()
    place(there, appliance, plan(accelerator), lambda _: None, local=True)
    assert there.sent == {"kernel": b"ELF", "initrd": CONTENT}


@pytest.mark.parametrize(("accelerator", "kernel"), [("kvm", b"bzImage"), ("qemu", b"ELF")])
def test_over_a_network_they_go_packed(
    appliance: Appliance, accelerator: str, kernel: bytes
) -> None:
    there = Place()
    placed = place(there, appliance, plan(accelerator), lambda _: None, local=False)
    assert there.sent["kernel"] == kernel
    assert gzip.decompress(there.sent["initrd"]) == CONTENT
    assert len(there.sent["initrd"]) < len(CONTENT) / 10
    assert (placed.kernel, placed.initrd) == ("/place/kernel", "/place/initrd")


def test_a_kernel_that_came_unpacked_goes_so(appliance: Appliance) -> None:
    there = Place()
    place(there, appliance._replace(packed=None), plan("kvm"), lambda _: None, local=False)
    assert there.sent["kernel"] == b"ELF"


def test_nothing_is_made_for_what_is_passed_through(appliance: Appliance) -> None:
    there = Place()
    spare = (SpareDevice("0000:02:00.0", "disk", "NVMe"), SpareDevice("0000:01:00.0", "nic", "e"))
    subjects = (BY_ID["ide"].subject, BY_ID["e1000"].subject, *map(passthrough, spare))
    wanted = plan("kvm")._replace(
        subjects=subjects,
        backings={Experiment.STORAGE: Backing.FILE, Experiment.NETWORK: Backing.TAP},
    )
    place(there, appliance, wanted, lambda _: None, local=True)
    assert there.made == ["ide.raw", "e1000"]
