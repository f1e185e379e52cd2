"""Domain XML of the Lab's guests; tests/live/test_lab_domain.py starts them."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from tests.support.lababilities import APPLIANCE, abilities, files
from tuivm.domainxml.parse import Element, parse_domain
from tuivm.lab import domain, experiments
from tuivm.lab.domain import GuestSpec, Where
from tuivm.lab.mark import read_mark
from tuivm.lab.placing import described
from tuivm.lab.ports import HostAbilities, LabError, SpareDevice
from tuivm.model.lab import Backing, Experiment, LabRequest, Method, Plan

STORAGE, NETWORK = Experiment.STORAGE, Experiment.NETWORK
MACHINE, NESTED, IOTHREAD = Experiment.MACHINE, Experiment.NESTED, Experiment.IOTHREAD
BOTH = {"accelerators": ("kvm", "qemu")}
_QEMU = f"{{{domain.QEMU_NS}}}"


def _made(
    request: LabRequest, host: HostAbilities | None = None
) -> tuple[Plan, tuple[GuestSpec, ...]]:
    host = host or abilities()
    plan = experiments.plan(host, request)
    return plan, domain.guests(plan, APPLIANCE, files(plan), "r1", host)


def _one(experiment: Experiment, backing: Backing, **changes: object) -> tuple[GuestSpec, Element]:
    request = LabRequest((experiment,), backings={experiment: backing})
    _, (spec,) = _made(request, abilities(**changes))
    return spec, parse_domain(spec.xml)


def _arguments(root: Element) -> list[tuple[str, str]]:
    words = [str(one.get("value")) for one in root.iterfind(f"{_QEMU}commandline/{_QEMU}arg")]
    return list(zip(words[::2], words[1::2], strict=True))


def _devices(root: Element) -> list[str]:
    return [value for option, value in _arguments(root) if option == "-device"]


@pytest.mark.parametrize("host", [abilities(), abilities(**BOTH), abilities(session=True)])
@pytest.mark.parametrize(
    ("experiment", "backing"),
    [
        (STORAGE, Backing.NULL),
        (STORAGE, Backing.FILE),
        (NETWORK, Backing.SOCKET),
        (NETWORK, Backing.TAP),
        (MACHINE, Backing.NULL),
        (IOTHREAD, Backing.NULL),
        (IOTHREAD, Backing.FILE),
    ],
)
def test_every_plan_makes_guests_that_hold_all_its_subjects(
    host: HostAbilities, experiment: Experiment, backing: Backing
) -> None:
    request = LabRequest((experiment,), backings={experiment: backing})
    plan, specs = _made(request, host)
    found = Counter(subject for spec in specs for subject in spec.subjects)
    assert found == Counter(subject.id for subject in plan.subjects)
    for spec in specs:
        root = parse_domain(spec.xml)
        assert root.findtext("name") == spec.name
        assert root.get("type") == spec.accelerator == plan.accelerator
        assert described(Method(), spec).vcpus == 1
        assert root.findtext("memory") == "256"
        assert root.findtext("os/cmdline") == APPLIANCE.cmdline
        assert (root.findtext("os/kernel"), root.findtext("os/initrd")) == ("/k", "/i")
        os_type = root.find("os/type")
        assert os_type is not None
        assert os_type.get("machine") == spec.machine
        mark = read_mark(spec.xml)
        assert mark is not None
        assert mark.run == "r1"
        assert root.find("devices/graphics") is None
        port = root.find("devices/channel/target")
        assert port is not None
        assert port.get("name") == "tuivm.lab"
        serials = [one.serial for one in spec.subjects.values() if one.serial]
        macs = [mac for one in spec.subjects.values() for mac in (one.mac, one.peer) if mac]
        assert len(set(serials)) == len(serials)
        assert len(set(macs)) == len(macs)
        assert all(spec.xml.count(f"{mac}") == 1 for mac in macs)


def test_a_tcg_guest_could_have_a_second_vcpu() -> None:
    """Else QEMU 7.2 leaves the memory barriers out of its code, and NVMe stands still."""
    _, specs = _made(LabRequest((NESTED,)), abilities(**BOTH))
    vcpus = {}
    for spec in specs:
        vcpu = parse_domain(spec.xml).find("vcpu")
        assert vcpu is not None
        vcpus[spec.accelerator] = (vcpu.get("current"), vcpu.text)
    assert vcpus == {"kvm": (None, "1"), "qemu": ("1", "2")}


def test_disks_on_nothing_are_qemus_alone() -> None:
    spec, root = _one(STORAGE, Backing.NULL)
    assert spec.name == "tuivm-lab-r1-storage"
    assert spec.machine == "pc"
    assert root.find("devices/disk") is None
    nodes = [json.loads(value) for option, value in _arguments(root) if option == "-blockdev"]
    assert len(nodes) == 8
    assert {(one["driver"], one["size"], one["read-zeroes"]) for one in nodes} == {
        ("null-co", domain.DISK_BYTES, True)
    }
    drives = [one for one in _devices(root) if "drive=" in one]
    assert drives == [
        "virtio-blk-pci,drive=lab-virtio-blk,serial=virtio-blk,bus=pci.0,addr=0x10",
        "virtio-blk-pci,drive=lab-virtio-blk-iothread,serial=virtio-blk-iothread,"
        "iothread=iothread1,bus=pci.0,addr=0x11",
        "scsi-hd,drive=lab-virtio-scsi,serial=virtio-scsi,bus=lab-virtio-scsi.0",
        "nvme,drive=lab-nvme,serial=nvme,bus=pci.0,addr=0x13",
        "ide-hd,drive=lab-ahci,serial=ahci,bus=lab-ahci.0",
        "ide-hd,drive=lab-ide,serial=ide,bus=ide.0,unit=0",
        "scsi-hd,drive=lab-lsi,serial=lsi,bus=lab-lsi.0",
        "usb-storage,drive=lab-usb,serial=usb,bus=lab-usb.0",
    ]
    assert root.findtext("iothreads") == "1"
    assert spec.subjects["ide"] == Where(serial="ide")


def test_pci_slots_are_used_once_and_above_those_that_libvirt_gives_out() -> None:
    _, specs = _made(LabRequest((STORAGE, MACHINE)))
    for spec in specs:
        root = parse_domain(spec.xml)
        options = [
            dict(one.partition("=")[::2] for one in dev.split(",")[1:]) for dev in _devices(root)
        ]
        slots = [int(one["addr"], 16) for one in options if "addr" in one]
        assert slots
        assert len(set(slots)) == len(slots)
        assert all(0x10 <= slot < 0x1D for slot in slots)


def test_disks_on_files_are_libvirts() -> None:
    spec, root = _one(STORAGE, Backing.FILE)
    disks = {one.findtext("serial"): one for one in root.iterfind("devices/disk")}
    assert disks.keys() == spec.subjects.keys() == {
        "virtio-blk", "virtio-blk-iothread", "virtio-scsi", "ahci", "ide", "lsi", "usb",
    }  # fmt: skip
    for name, disk in disks.items():
        driver, source = disk.find("driver"), disk.find("source")
        assert driver is not None
        assert source is not None
        assert (driver.get("cache"), driver.get("io")) == ("none", "native")
        assert source.get("file") == f"/pool/{name}.raw"
        assert driver.get("iothread") == ("1" if name == "virtio-blk-iothread" else None)
    targets = [one.get("dev") for one in root.iterfind("devices/disk/target")]
    assert len(set(targets)) == len(targets)
    scsi = {
        one.get("index"): one.get("model")
        for one in root.iterfind("devices/controller")
        if one.get("type") == "scsi"
    }
    assert scsi == {"0": "virtio-scsi", "1": "lsilogic"}
    assert _arguments(root) == []
    usb = [one for one in root.iterfind("devices/controller") if one.get("type") == "usb"]
    assert [one.get("model") for one in usb] == ["qemu-xhci"]


def test_nvme_on_a_file_is_qemus_in_a_session() -> None:
    host = abilities(session=True)
    request = LabRequest((STORAGE,), models=("nvme",), backings={STORAGE: Backing.FILE})
    plan = experiments.plan(host, request)
    awkward = '/pool/a,b "c" <&>.raw'
    places = files(plan)._replace(disks={"nvme": awkward})
    (spec,) = domain.guests(plan, APPLIANCE, places, "r1", host)
    ((_, blockdev), (_, device)) = _arguments(parse_domain(spec.xml))
    node = json.loads(blockdev)
    assert node["file"]["filename"] == awkward
    assert node["file"]["aio"] == "native"
    assert node["cache"]["direct"] is node["file"]["cache"]["direct"] is True
    assert device == f"nvme,drive={node['node-name']},serial=nvme,bus=pci.0,addr=0x10"


def test_each_nic_is_joined_to_a_peer_by_sockets() -> None:
    spec, root = _one(NETWORK, Backing.SOCKET)
    assert spec.machine == "q35"
    nics = list(root.iterfind("devices/interface"))
    assert len(nics) == 2 * len(spec.subjects) == 10
    ends = {}
    for nic in nics:
        mac, model, source, local = (
            nic.find("mac"),
            nic.find("model"),
            nic.find("source"),
            nic.find("source/local"),
        )
        assert mac is not None
        assert model is not None
        assert source is not None
        assert local is not None
        assert nic.get("type") == "udp"
        assert source.get("address") == local.get("address") == "127.0.0.1"
        ends[mac.get("address")] = (local.get("port"), source.get("port"), model.get("type"))
    for name, where in spec.subjects.items():
        mine, other = ends[where.mac], ends[where.peer]
        assert mine[:2] == other[1::-1]
        assert other[2] == "virtio"
        assert mine[2] == ("virtio" if name == "virtio-net" else name)
    assert len({end[0] for end in ends.values()}) == len(ends)


def test_each_nic_is_joined_to_a_peer_by_a_bridge() -> None:
    spec, root = _one(NETWORK, Backing.TAP)
    networks = Counter(one.get("network") for one in root.iterfind("devices/interface/source"))
    assert networks == {f"tuivm-lab-{name}": 2 for name in spec.subjects}
    served = {}
    for nic in root.iterfind("devices/interface"):
        mac, driver = nic.find("mac"), nic.find("driver")
        assert mac is not None
        served[mac.get("address")] = None if driver is None else driver.get("name")
    assert served[spec.subjects["virtio-net"].mac] == "qemu"
    assert served[spec.subjects["virtio-net-vhost"].mac] == "vhost"
    assert served[spec.subjects["virtio-net-vhost"].peer] == "qemu"
    assert served[spec.subjects["e1000"].mac] is None


def test_a_guest_a_machine_type_with_the_same_devices() -> None:
    _, specs = _made(LabRequest((MACHINE,)))
    assert [(one.name, one.machine) for one in specs] == [
        ("tuivm-lab-r1-machine-q35", "q35"),
        ("tuivm-lab-r1-machine-pc", "pc"),
    ]
    q35, pc = specs
    assert set(q35.subjects) == {"q35", "q35-emulated"}
    assert set(pc.subjects) == {"i440fx", "i440fx-emulated"}
    for one in (*q35.subjects.values(), *pc.subjects.values()):
        assert one.serial
        assert one.mac
        assert one.peer
    # q35 has the AHCI controller built in, and PCI Express.
    mine = _devices(parse_domain(q35.xml))
    assert "ide-hd,drive=lab-q35-emulated,serial=q35-emulated,bus=ide.0,unit=0" in mine
    assert mine[0].startswith("pcie-root-port,id=lab-port-0x10,bus=pcie.0,addr=0x10")
    assert mine[1].endswith("bus=lab-port-0x10")
    other = _devices(parse_domain(pc.xml))
    assert any(one.startswith("ich9-ahci,") for one in other)


def test_a_guest_an_accelerator() -> None:
    _, specs = _made(LabRequest((NESTED,)), abilities(**BOTH))
    assert [(one.name, one.accelerator, list(one.subjects)) for one in specs] == [
        ("tuivm-lab-r1-nested-kvm", "kvm", ["kvm"]),
        ("tuivm-lab-r1-nested-tcg", "qemu", ["tcg"]),
    ]
    for spec, cpu in zip(specs, ("host-passthrough", "maximum"), strict=True):
        root = parse_domain(spec.xml)
        mode = root.find("cpu")
        assert mode is not None
        assert mode.get("mode") == cpu
        assert [one.partition(",")[0] for one in _devices(root)] == ["virtio-blk-pci"]


def test_an_old_libvirt_knows_no_maximum_cpu() -> None:
    _, root = _one(STORAGE, Backing.NULL, libvirt_version=(7, 0, 0))
    assert root.find("cpu") is None


def test_with_and_without_an_iothread() -> None:
    _, root = _one(IOTHREAD, Backing.NULL)
    off, on = _devices(root)
    assert "iothread" not in off.replace("iothread-off", "")
    assert "iothread=iothread1" in on
    assert root.findtext("iothreads") == "1"


def test_a_subject_that_fell_out_has_no_device() -> None:
    plan = experiments.plan(abilities(), LabRequest())
    less = plan._replace(subjects=tuple(one for one in plan.subjects if one.id != "lsi"))
    (spec,) = domain.guests(less, APPLIANCE, files(plan), "r1", abilities())
    assert "lsi" not in spec.subjects
    assert "lsi53c895a" not in spec.xml


def test_a_device_of_the_host_lies_where_it_can_be_found() -> None:
    spare = (SpareDevice("0000:02:00.0", "disk", "SSD"), SpareDevice("0000:81:00.3", "disk", "SSD"))
    spec, root = _one(STORAGE, Backing.NULL, spare=spare)
    assert spec.subjects["passthrough-0000:02:00.0"] == Where(address="0000:00:1e.0")
    assert spec.subjects["passthrough-0000:81:00.3"] == Where(address="0000:00:1d.0")
    first, second = root.iterfind("devices/hostdev")
    source, place = second.find("source/address"), second.find("address")
    assert source is not None
    assert place is not None
    assert {str(key): str(value) for key, value in source.attrib.items()} == {
        "domain": "0x0000", "bus": "0x81", "slot": "0x00", "function": "0x3",
    }  # fmt: skip
    assert place.get("slot") == "0x1d"
    assert first.get("managed") == "yes"


def test_what_is_no_address_gets_into_no_xml() -> None:
    spare = (SpareDevice("0000:02:00.0'/>", "disk", "SSD"),)
    with pytest.raises(LabError, match="no address"):
        _one(STORAGE, Backing.NULL, spare=spare)
