"""The Lab's guests on a real libvirt: each starts, with the devices that were meant."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import libvirt
import libvirt_qemu
import pytest

from tests.support.appliance import MEMORY_MIB, appliance
from tests.support.guests import GuestFactory, sparse_file
from tests.support.lababilities import APPLIANCE, abilities, files
from tuivm.domainxml.parse import parse_domain
from tuivm.lab import domain, experiments
from tuivm.lab.mark import read_mark
from tuivm.model.lab import Backing, Experiment, LabRequest, Length, Plan

STORAGE, NETWORK = Experiment.STORAGE, Experiment.NETWORK
MIB = 1024 * 1024


def _plan(experiment: Experiment, backing: Backing | None = None) -> Plan:
    backings = {} if backing is None else {experiment: backing}
    request = LabRequest((experiment,), Length.QUICK, backings=backings)
    return experiments.plan(abilities(), request)


@pytest.fixture
def networks(guest_factory: GuestFactory) -> Iterator[None]:
    """An isolated network for each NIC, as long as the test takes."""
    made = []
    try:
        for number, subject in enumerate(_plan(NETWORK, Backing.TAP).subjects):
            xml = (
                f"<network><name>tuivm-lab-{subject.id}</name>"
                f"<bridge name='lab{number}' stp='off'/></network>"
            )
            made.append(guest_factory.conn.networkCreateXML(xml))
        yield
    finally:
        for network in made:
            network.destroy()


def _qtree(guest: libvirt.virDomain) -> str:
    answer = libvirt_qemu.qemuMonitorCommand(
        guest, "info qtree", libvirt_qemu.VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP
    )
    return str(answer)


def _blocks(guest: libvirt.virDomain) -> list[dict[str, object]]:
    command = json.dumps({"execute": "query-named-block-nodes", "arguments": {"flat": True}})
    answer = json.loads(libvirt_qemu.qemuMonitorCommand(guest, command, 0))
    return list(answer["return"])


def _start(factory: GuestFactory, plan: Plan, home: Path) -> list[tuple[domain.GuestSpec, str]]:
    """All guests of the plan, paused: each with what QEMU says that it has."""
    made = appliance()
    places = files(plan, str(made.kernel), str(made.initrd), str(home))
    small = APPLIANCE
    small.memory_mib = MEMORY_MIB
    found = []
    for spec in domain.guests(plan, small, places, "test", abilities()):
        uuid = factory.start(spec.xml, transient=True)
        found.append((spec, uuid))
    return found


@pytest.mark.parametrize(
    ("experiment", "drivers"),
    [
        (
            STORAGE,
            {
                "virtio-blk-pci",
                "scsi-hd",
                "virtio-scsi-pci",
                "nvme",
                "ide-hd",
                "ich9-ahci",
                "lsi53c895a",
                "usb-storage",
                "qemu-xhci",
            },
        ),
        (NETWORK, {"virtio-net-pci", "e1000e", "e1000", "rtl8139", "pcnet"}),
        (Experiment.MACHINE, {"virtio-blk-pci", "ide-hd", "virtio-net-pci", "e1000"}),
        (Experiment.IOTHREAD, {"virtio-blk-pci"}),
    ],
)
def test_guests_have_the_devices_of_the_plan(
    guest_factory: GuestFactory, experiment: Experiment, drivers: set[str]
) -> None:
    plan = _plan(experiment)
    started = _start(guest_factory, plan, guest_factory.rig.state)
    subjects = {name for spec, _ in started for name in spec.subjects}
    assert subjects == {subject.id for subject in plan.subjects}
    for spec, uuid in started:
        guest = guest_factory.domain(uuid)
        tree = _qtree(guest)
        assert {one for one in drivers if f"dev: {one}," in tree} == drivers
        for where in spec.subjects.values():
            assert not where.serial or f'serial = "{where.serial}"' in tree
            assert not where.mac or f'mac = "{where.mac}"' in tree
            assert not where.peer or f'mac = "{where.peer}"' in tree
        mark = read_mark(guest.XMLDesc(0))
        assert mark is not None
        assert mark.run == "test"


def test_disks_on_files_pass_the_page_cache(guest_factory: GuestFactory) -> None:
    plan = _plan(STORAGE, Backing.FILE)
    home = guest_factory.rig.state / "lib"
    for subject in plan.subjects:
        sparse_file(home / f"{subject.id}.raw", domain.DISK_BYTES // MIB)
    ((spec, uuid),) = _start(guest_factory, plan, home)
    guest = guest_factory.domain(uuid)
    nodes = [one for one in _blocks(guest) if one["drv"] == "file"]
    assert len(nodes) == len(plan.subjects) == len(spec.subjects)
    for node in nodes:
        cache = node["cache"]
        assert isinstance(cache, dict)
        assert cache["direct"] is True
    tree = _qtree(guest)
    assert all(f'serial = "{one.serial}"' in tree for one in spec.subjects.values())
    drivers = parse_domain(guest.XMLDesc(0)).iterfind("devices/disk/driver")
    assert [one.get("iothread") for one in drivers].count("1") == 1


def test_an_nvme_disk_on_a_file_that_only_qemu_knows(guest_factory: GuestFactory) -> None:
    host = abilities(session=True)
    request = LabRequest((STORAGE,), models=("nvme",), backings={STORAGE: Backing.FILE})
    plan = experiments.plan(host, request)
    home = guest_factory.rig.state / "lib"
    sparse_file(home / "nvme.raw", domain.DISK_BYTES // MIB)
    ((_, uuid),) = _start(guest_factory, plan, home)
    (node,) = [one for one in _blocks(guest_factory.domain(uuid)) if one["drv"] == "file"]
    assert str(node["file"]).endswith("nvme.raw")


def test_nics_on_isolated_bridges(guest_factory: GuestFactory, networks: None) -> None:
    plan = _plan(NETWORK, Backing.TAP)
    # Whether the kernel has vhost is not the XML's business.
    plan = plan._replace(subjects=tuple(one for one in plan.subjects if "vhost" not in one.id))
    ((_, uuid),) = _start(guest_factory, plan, guest_factory.rig.state)
    root = parse_domain(guest_factory.domain(uuid).XMLDesc(0))
    bridges = [one.get("bridge") for one in root.iterfind("devices/interface/source")]
    assert len(bridges) == 2 * len(plan.subjects)
    assert all(bridges.count(one) == 2 for one in bridges)
