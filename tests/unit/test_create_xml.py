"""Definitions of new guests: a golden file for each source and machine, and libvirt's schema.

TUIVM_UPDATE_GOLDEN=1 writes the golden files anew; look at the difference before you commit it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.createspecs import (
    CASES,
    CDROM,
    IMPORTED,
    KERNEL,
    NEW,
    SEED,
    UUID,
    Case,
    built,
)
from tuivm.domainxml.build_parts import cdrom_bus, own_mac
from tuivm.domainxml.parse import parse_domain
from tuivm.domainxml.schema import SCHEMA_DIR, validate
from tuivm.model.creation import Placed
from tuivm.model.spec import (
    Disk,
    Firmware,
    Forward,
    Nic,
    NicKind,
    Passed,
    PassKind,
    SourceKind,
    Spec,
)

GOLDEN = Path(__file__).parent / "golden/create"


@pytest.mark.parametrize("name", CASES)
def test_golden(name: str) -> None:
    xml = built(CASES[name])
    golden = GOLDEN / f"{name}.xml"
    if os.environ.get("TUIVM_UPDATE_GOLDEN"):
        golden.write_text(xml)
    assert xml == golden.read_text()


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.glob("*.xml")} == set(CASES)


@pytest.mark.skipif(not SCHEMA_DIR.is_dir(), reason="libvirt's schemas are not installed")
@pytest.mark.parametrize("name", CASES)
def test_libvirts_schema_takes_it(name: str) -> None:
    assert validate(built(CASES[name])) == ()


def _changed(name: str, /, **spec: object) -> Case:
    case = CASES[name]
    return case._replace(spec=case.spec._replace(**spec))  # type: ignore[arg-type]


def _machine(name: str, /, **machine: object) -> Case:
    changed = CASES[name].spec.machine._replace(**machine)  # type: ignore[arg-type]
    return _changed(name, machine=changed)


def _order(case: Case) -> list[str]:
    """Targets of disks and models of NICs that it boots from, in order."""
    found = {}
    for device in parse_domain(built(case)).iterfind("devices/*[boot]"):
        name = device.find("target") if device.tag == "disk" else device.find("model")
        boot = device.find("boot")
        assert name is not None
        assert boot is not None
        found[int(boot.get("order", ""))] = name.get("dev", "") or name.get("type", "")
    assert sorted(found) == list(range(1, len(found) + 1))
    return [found[number] for number in sorted(found)]


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("iso", ["vda", "sda"]),
        ("iso-over-data", ["vda", "sda"]),
        ("iso-over-data-first", ["sda", "vda"]),
        ("s390x-first", ["sda", "vda"]),
        ("pxe", ["vda", "virtio"]),
        ("pxe-over-data-first", ["virtio", "vda"]),
        ("pxe-diskless", ["virtio"]),
        ("tree-first", []),
        ("tree", ["vda"]),
        ("kernel", []),
        ("cloud-first", ["vda"]),
        ("empty", ["vda"]),
    ],
)
def test_boot_order(name: str, order: list[str]) -> None:
    assert _order(CASES[name]) == order


@pytest.mark.parametrize(
    ("name", "first_differs"),
    [("iso", False), ("iso-over-data", True), ("s390x", True), ("pxe", False), ("import", False)],
)
def test_the_first_start_differs_only_where_it_must(name: str, first_differs: bool) -> None:
    case = CASES[name]
    assert (built(case) != built(case._replace(first=True))) is first_differs


@pytest.mark.parametrize("name", ["tree-first", "iso-over-data-first", "pxe-over-data-first"])
def test_an_installer_that_would_start_again_ends_at_its_reboot(name: str) -> None:
    case = CASES[name]
    assert parse_domain(built(case)).findtext("on_reboot") == "destroy"
    assert parse_domain(built(case._replace(first=False))).findtext("on_reboot") == "restart"


def test_the_seed_goes_and_no_other_name_changes() -> None:
    disks = (NEW, SEED, CDROM)
    case = _changed("cloud")._replace(disks=disks)
    first, then = (
        [target.get("dev") for target in parse_domain(built(one)).iterfind("devices/disk/target")]
        for one in (case._replace(first=True), case)
    )
    assert first == ["vda", "sda", "sdb"]
    assert then == ["vda", "sdb"]


def test_macs_are_the_same_in_both_variants_and_other_in_another_guest() -> None:
    nics = (Nic(NicKind.USER, model="virtio"), Nic(NicKind.USER, model="virtio"))

    def macs(case: Case) -> list[str]:
        found = parse_domain(built(case)).iterfind("devices/interface/mac")
        return [mac.get("address", "") for mac in found]

    case = _changed("cloud", nics=nics)
    once = macs(case)
    assert once == macs(case._replace(first=True)) == [own_mac(UUID, 0), own_mac(UUID, 1)]
    assert len({*once, *macs(_changed("cloud", nics=nics, uuid=UUID[:-1] + "2"))}) == 4
    assert macs(_changed("cloud", nics=nics, uuid="")) == []
    assert all(mac.startswith("52:54:00:") for mac in once)


@pytest.mark.parametrize(
    ("cpu", "nested", "feature"),
    [
        ("Skylake-Client-IBRS", True, ("vmx", "require")),
        ("Skylake-Client-IBRS", False, None),
        ("host-passthrough", True, None),
        ("host-passthrough", False, ("vmx", "disable")),
        ("host-model", None, None),
    ],
)
def test_the_feature_that_nesting_needs(
    cpu: str, nested: bool | None, feature: tuple[str, str] | None
) -> None:
    found = parse_domain(built(_machine("import", cpu=cpu, nested=nested))).find("cpu/feature")
    assert (None if found is None else (found.get("name"), found.get("policy"))) == feature


def test_emulated_nesting_is_amds() -> None:
    case = _machine("q35-tcg", cpu="qemu64", nested=True)
    found = parse_domain(built(case)).find("cpu/feature")
    assert found is not None
    assert found.get("name") == "svm"


def test_root_ports_grow_with_the_devices() -> None:
    ports = "devices/controller[@model='pcie-root-port']"
    assert len(parse_domain(built(CASES["import"])).findall(ports)) == 14
    # 28 disks, a NIC, USB, balloon, random numbers, and four to plug in.
    assert len(parse_domain(built(CASES["many-disks"])).findall(ports)) == 36
    assert not parse_domain(built(CASES["pc"])).findall(ports)


def test_disks_after_z() -> None:
    targets = parse_domain(built(CASES["many-disks"])).findall("devices/disk/target")
    assert [target.get("dev") for target in targets][24:] == ["vdy", "vdz", "vdaa", "vdab"]


def test_an_nvme_disk_is_named_as_the_guest_names_it() -> None:
    disk = NEW._replace(disk=NEW.disk._replace(bus="nvme"))
    case = CASES["import"]._replace(disks=(disk, disk, IMPORTED))
    targets = parse_domain(built(case)).findall("devices/disk/target")
    assert [target.get("dev") for target in targets] == ["nvme0n1", "nvme1n1", "vda"]


@pytest.mark.parametrize(
    ("arch", "machine", "bus"),
    [
        ("x86_64", "q35", "sata"),
        ("x86_64", "pc-q35-9.2", "sata"),
        ("x86_64", "pc-i440fx-7.2", "ide"),
        ("aarch64", "virt", "scsi"),
        ("s390x", "s390-ccw-virtio", "scsi"),
        ("ppc64le", "pseries", "scsi"),
    ],
)
def test_a_cdrom_drive_without_a_bus_is_on_the_machines(arch: str, machine: str, bus: str) -> None:
    assert cdrom_bus(arch, machine) == bus


@pytest.mark.parametrize(
    ("passed", "message"),
    [
        (Passed(PassKind.PCI, "01:00"), "not a PCI address"),
        (Passed(PassKind.USB, "keyboard"), "not vendor:product"),
        (Passed(PassKind.USB_PORT, "9-9"), "no USB device is known"),
    ],
)
def test_a_device_that_is_none_is_refused(passed: Passed, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        built(_changed("import", passed=(passed,)))


def test_a_kernel_without_a_path_is_refused() -> None:
    case = CASES["kernel"]._replace(kernel=Placed(pool="ceph", volume="vmlinuz", by_volume=True))
    with pytest.raises(ValueError, match="volume vmlinuz of pool ceph"):
        built(case)


def test_firmware_that_the_host_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="no firmware image for UEFI with Secure Boot"):
        built(_machine("pc-uefi-old", firmware=Firmware.UEFI_SECURE))


def test_text_that_xml_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="XML"):
        built(_changed("import", title="a\x00b"))


def test_text_from_outside_stays_text() -> None:
    case = _changed("import", name="</name><a>&", title="<script>", description='"&amp;"')
    domain = parse_domain(built(case))
    assert domain.findtext("name") == "</name><a>&"
    assert domain.findtext("title") == "<script>"
    assert domain.findtext("description") == '"&amp;"'


def test_an_empty_spec_is_still_a_definition() -> None:
    case = Case(Spec(name="x", vcpus=1, memory_kib=1024), disks=())
    domain = parse_domain(built(case))
    assert domain.get("type") == "kvm"
    assert domain.find("devices/disk") is None
    assert validate(built(case), None)[0].id == "xml-unchecked"


def test_a_kernel_of_another_source_is_not_started() -> None:
    case = CASES["import"]._replace(kernel=KERNEL, first=True)
    assert parse_domain(built(case)).find("os/kernel") is None


def test_a_drive_that_is_empty_boots_nothing() -> None:
    case = CASES["iso"]._replace(disks=(CDROM._replace(placed=None),))
    assert case.spec.source.kind is SourceKind.ISO
    assert _order(case) == []


def test_the_agents_channel_is_there_for_who_can_use_it() -> None:
    def channel(name: str) -> bool:
        return parse_domain(built(CASES[name])).find("devices/channel") is not None

    assert channel("iso")
    assert channel("windows")
    assert channel("unknown-os")
    assert not channel("no-virtio")
    assert not channel("emulated")
    assert not channel("xen")


def test_forwards_are_written_for_passt_alone() -> None:
    domain = parse_domain(built(CASES["passt"]))
    assert len(domain.findall("devices/interface/portForward")) == 2
    user = Nic(NicKind.USER, model="virtio", forwards=(Forward(2222, 22),))
    assert parse_domain(built(_changed("import", nics=(user,)))).find(".//portForward") is None


def test_an_iothread_of_a_disk_that_cannot_have_one_is_not_written() -> None:
    disk = IMPORTED._replace(disk=Disk(bus="sata", iothread=True))
    domain = parse_domain(built(CASES["import"]._replace(disks=(disk,))))
    assert domain.find("iothreads") is None
    assert domain.find("devices/disk/driver[@iothread]") is None
