"""`tuivm devices`: what is printed of hosts that are played."""

from __future__ import annotations

import io
import json
import os
import shutil
from typing import Any, NamedTuple

import pytest
from rich.cells import cell_len

from tests.support import jsonschema_doc
from tests.support.simhost import Clock, SimHost, SimMaker
from tuivm import cli
from tuivm.cli import DEVICE_KINDS, Exit
from tuivm.headless import devices
from tuivm.model.hosts import HostSpec, Problem
from tuivm.model.offers import HostDevice, HostOffer, IommuFacts, IommuState, MdevType, PciLink

TABLES = jsonschema_doc.read()
ONE = HostSpec("local", "qemu:///system")
TWO = HostSpec("rack7", "qemu+ssh://rack7/system")
NIC = HostDevice(
    "pci",
    "pci_0000_01_00_0",
    "0000:01:00.0",
    vendor="Intel Corporation",
    product="82574L Gigabit Network Connection",
    ids="8086:10d3",
    class_="020000",
    driver="e1000e",
    iommu_group=10,
    group_members=("0000:01:00.0",),
    numa_node=0,
    link=PciLink(2.5, 1, 2.5, 1),
    resets=("flr",),
    interfaces=("eth1",),
    mdev_types=(MdevType("i915-GVTg_V5_4", available=2),),
)
DISK = HostDevice(
    "pci",
    "pci_0000_02_00_0",
    "0000:02:00.0",
    vendor="Red Hat, Inc.",
    product="NVMe\x1b[31m",
    driver="nvme",
    iommu_group=2,
    group_members=("0000:02:00.0",),
    critical=("it has / on it",),
)
STICKS = tuple(
    HostDevice("usb", f"usb_1_{port}", f"1-{port}", product="stick", ids="46f4:0001")
    for port in (10, 2)
)
OFFER = HostOffer("local", "qemu:///system", local=True, devices=(*STICKS, NIC, DISK))


class Printed(NamedTuple):
    code: Exit
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def printed(
    *offers: HostOffer | Problem | None,
    kinds: tuple[str, ...] = DEVICE_KINDS,
    as_json: bool = False,
    out: io.StringIO | None = None,
) -> Printed:
    """offers: of ONE and TWO; None for a host that never answers."""
    out, err = out or io.StringIO(), io.StringIO()
    specs = (ONE, TWO)[: len(offers)]
    answers = dict(zip((spec.name for spec in specs), offers, strict=True))

    def prepare(host: SimHost) -> None:
        match answers[host.spec.name]:
            case None:
                host.device_port.hold = True
            case Problem() as problem:
                host.device_port.problem = problem
            case HostOffer() as offer:
                host.device_port.offer = offer

    maker = SimMaker(Clock(), prepare)
    found = devices.ask(specs, maker, timeout=0.05)
    code = devices.show(found, out, err, kinds=kinds, as_json=as_json)
    assert all(host.closed for host in maker.hosts.values())
    return Printed(code, out.getvalue(), err.getvalue())


def test_a_line_each_by_kind_group_and_port() -> None:
    lines = printed(OFFER).out.splitlines()
    assert lines[0].split() == ["KIND", "ADDRESS", "GROUP", "DRIVER", "NAME", "VERDICT"]
    addresses = [line.split()[1] for line in lines[1:]]
    assert addresses == ["0000:02:00.0", "0000:01:00.0", "1-2", "1-10"]
    assert "would hurt the host" in lines[1]
    assert "it has / on it" in lines[1]
    assert "\x1b" not in lines[1]
    assert lines[2].split()[2:4] == ["10", "e1000e"]
    assert len({line.index("stick") for line in lines[3:]}) == 1


def test_kinds_are_chosen() -> None:
    assert [line.split()[0] for line in printed(OFFER, kinds=("usb",)).out.splitlines()[1:]] == [
        "usb",
        "usb",
    ]


def test_several_hosts_are_told_apart() -> None:
    lines = printed(OFFER, OFFER._replace(host="rack7", devices=(NIC,))).out.splitlines()
    assert lines[0].split()[0] == "HOST"
    assert lines[-1].split()[:3] == ["rack7", "pci", "0000:01:00.0"]


def test_on_a_terminal_nothing_is_wider_and_no_verdict_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((40, 24)))
    whole = printed(OFFER).out
    lines = printed(OFFER, out=Screen()).out.splitlines()
    assert max(map(cell_len, lines)) <= 40 < max(map(cell_len, whole.splitlines()))
    said = " ".join(line.strip() for line in lines)
    assert "it has / on it" in said
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((400, 24)))
    assert printed(OFFER, out=Screen()).out == whole


def test_json_is_as_documented() -> None:
    found = printed(OFFER, Problem("cannot connect", "no route"), as_json=True)
    assert jsonschema_doc.faults(found.document, "tuivm devices", TABLES) == []
    assert found.code is Exit.UNREACHABLE
    assert found.out.isascii()
    disk, nic, *_ = found.document["devices"]
    assert (nic["address"], nic["iommu_group"], nic["group_members"]) == (
        "0000:01:00.0",
        10,
        ["0000:01:00.0"],
    )
    assert (nic["driver"], nic["link"]["speed"], nic["resets"]) == ("e1000e", 2.5, ["flr"])
    assert nic["mdev_types"][0]["available"] == 2
    assert (disk["verdict"], disk["would_lose"]) == ("would hurt the host", ["it has / on it"])
    assert "error" in [one["severity"] for one in disk["findings"]]
    (dead,) = found.document["unreachable"]
    assert (dead["host"], dead["problem"]["reason"]) == ("rack7", "no route")
    assert "cannot connect" in found.err


def test_a_host_that_does_not_answer_holds_up_no_other() -> None:
    found = printed(OFFER, None)
    assert found.code is Exit.UNREACHABLE
    assert "rack7" in found.err
    assert "did not answer within 0.05 s" in found.err
    assert "0000:01:00.0" in found.out


def test_an_iommu_that_is_off_is_told_with_its_remedy() -> None:
    off = OFFER._replace(iommu=IommuFacts(IommuState.OFF_KERNEL, vendor="Intel"))
    found = printed(off)
    assert "intel_iommu=on" in found.err
    assert (found.code, "intel_iommu" in found.out) == (Exit.FINE, False)
    (host,) = printed(off, as_json=True).document["hosts"]
    assert host["iommu"]["state"] == "off in the kernel"
    assert any("intel_iommu=on" in (one["remedy"] or "") for one in host["iommu"]["findings"])


def test_an_iommu_that_is_on_needs_no_words() -> None:
    on = OFFER._replace(iommu=IommuFacts(IommuState.ON, groups=11, vendor="Intel"))
    assert (printed(on).code, printed(on).err) == (Exit.FINE, "")


def test_what_can_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.parser().parse_args(["devices"]).kind == DEVICE_KINDS
    assert cli.parser().parse_args(["devices", "--kind", "usb,pci"]).kind == ("usb", "pci")
    with pytest.raises(SystemExit):
        cli.parser().parse_args(["devices", "--kind", "isa"])
    assert "there is no kind isa; kinds: pci, usb" in capsys.readouterr().err
