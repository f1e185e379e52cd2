"""Defaults, plan and findings by the documents of real hosts (tests/unit/data/create): what comes
of a guest of which nothing is said, and that libvirt's schema takes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.offers import CLOUD_IMAGE, DESKTOP
from tuivm.domainxml.domcaps import read_domain_caps
from tuivm.domainxml.hostcaps import read_capabilities
from tuivm.domainxml.schema import validate
from tuivm.model.findings import Severity
from tuivm.model.offers import DomainCaps, HostOffer
from tuivm.model.spec import CloudInit, FileRef, Machine, Source, SourceKind, Spec
from tuivm.preflight.defaults import choose_caps, complete
from tuivm.preflight.planning import TreeFiles, plan
from tuivm.specfile import load

DATA = Path(__file__).parent / "data/create"
SPECS = sorted((Path(__file__).parents[2] / "docs/specs").glob("*.toml"))
IMAGE = FileRef(pool="default", volume=CLOUD_IMAGE.name)
INSTALLER = FileRef(pool="default", volume="debian-12.iso")
SOURCES = {
    SourceKind.ISO: Source(SourceKind.ISO, INSTALLER),
    SourceKind.IMPORT: Source(SourceKind.IMPORT, IMAGE),
    SourceKind.OVERLAY: Source(SourceKind.OVERLAY, IMAGE),
    SourceKind.CLOUD: Source(SourceKind.CLOUD, IMAGE, cloud=CloudInit(password="secret")),
    SourceKind.TREE: Source(SourceKind.TREE, url="https://mirror/debian"),
    SourceKind.PXE: Source(SourceKind.PXE),
    SourceKind.KERNEL: Source(SourceKind.KERNEL, kernel=FileRef(path="/boot/vmlinuz")),
    SourceKind.EMPTY: Source(),
}
TREE = TreeFiles("https://mirror/linux", "https://mirror/initrd.gz")


def host(capabilities: str) -> HostOffer:
    read = read_capabilities((DATA / f"capabilities-{capabilities}.xml").read_text())
    return DESKTOP._replace(capabilities=read, devices=())


def domain_caps(name: str) -> DomainCaps:
    return read_domain_caps((DATA / f"domcaps-{name}.xml").read_text())


# Of architectures whose domain capabilities were captured without KVM, what TCG gives.
TCG = Machine(virt_type="qemu")
CASES = [
    ("intel-kvm", "x86-q35-intel-kvm", Machine(), "kvm q35 bios host-passthrough virtio sata"),
    ("x86-tcg", "x86-q35-tcg", Machine(), "qemu q35 bios maximum virtio sata"),
    ("x86-tcg", "x86-pc-tcg", Machine(machine="pc"), "qemu pc bios maximum virtio ide"),
    ("old-kvm", "x86-old", Machine(), "kvm pc bios host-passthrough virtio ide"),
    ("xen", "xen-hvm", Machine(), "xen xenfv bios - xen ide"),
    ("aarch64-kvm", "aarch64-virt-tcg", TCG, "qemu virt uefi maximum virtio scsi"),
    ("riscv64-kvm", "riscv64-virt-tcg", TCG, "qemu virt - - virtio scsi"),
    ("s390x-kvm", "s390x-tcg", TCG, "qemu s390-ccw-virtio - maximum virtio scsi"),
]


@pytest.mark.parametrize(("capabilities", "caps", "said", "expected"), CASES)
def test_what_a_guest_is_of_which_nothing_is_said(
    capabilities: str, caps: str, said: Machine, expected: str
) -> None:
    spec = Spec(source=SOURCES[SourceKind.ISO], machine=said)
    full = complete(spec, host(capabilities), domain_caps(caps))
    machine = full.machine
    words = (machine.virt_type, machine.machine, machine.firmware.value, machine.cpu)
    buses = [disk.bus for disk in full.disks or ()]
    assert " ".join(word or "-" for word in (*words, *buses)) == expected


@pytest.mark.parametrize(("capabilities", "caps", "said", "expected"), CASES)
def test_every_source_gives_what_libvirts_schema_takes(
    capabilities: str, caps: str, said: Machine, expected: str
) -> None:
    # What these hosts are without: TCG where KVM is there, firmware, TFTP.
    allowed = {"tcg", "uefi-missing", "firmware-none", "pxe-nothing"}
    offer, offered = host(capabilities), domain_caps(caps)
    for source in SOURCES.values():
        spec = Spec(name="new", source=source, machine=said)
        made = plan(spec, offer, offered, tree=TREE)
        serious = {one.id for one in made.findings if one.severity is not Severity.NOTE}
        assert serious <= allowed, source.kind
        for xml in filter(None, (made.xml, made.first_xml)):
            wrong = [one.what for one in validate(xml) if one.severity is not Severity.NOTE]
            assert wrong == []
        assert made.xml


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ("intel-kvm", ("kvm", "x86_64", "q35")),
        ("x86-tcg", ("qemu", "x86_64", "q35")),
        ("old-kvm", ("kvm", "x86_64", "pc")),
        ("xen", ("xen", "x86_64", "")),
        ("aarch64-kvm", ("kvm", "aarch64", "virt")),
        ("ppc64le-kvm", ("kvm", "ppc64le", "pseries")),
        ("riscv64-kvm", ("kvm", "riscv64", "virt")),
        ("s390x-kvm", ("kvm", "s390x", "s390-ccw-virtio")),
    ],
)
def test_the_fastest_type_is_asked_for(capabilities: str, expected: tuple[str, str, str]) -> None:
    assert choose_caps(Spec(), host(capabilities)) == expected


def test_there_are_specs_to_try() -> None:
    assert SPECS


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_the_documented_specs_come_to_a_plan(path: Path) -> None:
    """Files, devices, CPUs and hugepages that they name are not on this host; nothing else may be
    amiss."""
    spec = load(path.read_text())
    made = plan(spec, host("intel-kvm"), domain_caps("x86-q35-intel-kvm"), tree=TREE)
    absent = {
        *("volume-gone", "pool-gone", "file-unread", "pass-gone", "network-gone"),
        *("interface-gone", "copy-unread", "pages-few", "pin-beyond"),
    }
    errors = {one.id for one in made.findings if one.severity is Severity.ERROR}
    assert errors <= absent
