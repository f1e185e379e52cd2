"""IOMMU and secure guests: what /sys and /proc of this machine, or libvirt, tell of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tuivm.domainxml.domcaps import read_domain_caps
from tuivm.domainxml.hostcaps import read_capabilities
from tuivm.hypervisor.iommu import local_iommu, remote_iommu
from tuivm.hypervisor.numa import local_nodes
from tuivm.hypervisor.secure import local_secure, remote_secure
from tuivm.model.offers import (
    Capabilities,
    DomainCaps,
    HostDevice,
    IommuFacts,
    IommuState,
    NumaNode,
    SecureGuests,
)

CPUINFO = "processor\t: 0\nvendor_id\t: {}\nflags\t\t: fpu {}\n"
AMD = Capabilities(arch="x86_64", cpu_vendor="AMD")


class Tree:
    def __init__(self, root: Path) -> None:
        self.root = root

    def file(self, path: str, text: str = "") -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def machine(self, vendor: str, flags: str, *, tables: tuple[str, ...], groups: int) -> None:
        self.file("proc/cpuinfo", CPUINFO.format(vendor, flags))
        for table in ("FACP", *tables):
            self.file(f"sys/firmware/acpi/tables/{table}")
        (self.root / "sys/kernel/iommu_groups").mkdir(parents=True)
        for number in range(groups):
            (self.root / f"sys/kernel/iommu_groups/{number}").mkdir()

    @property
    def iommu(self) -> IommuFacts:
        return local_iommu(self.root, "x86_64")


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


@pytest.mark.parametrize(
    ("vendor", "flags", "tables", "groups", "state"),
    [
        ("GenuineIntel", "vmx", ("DMAR",), 12, IommuState.ON),
        ("AuthenticAMD", "svm", ("IVRS",), 1, IommuState.ON),
        ("GenuineIntel", "vmx", ("DMAR",), 0, IommuState.OFF_KERNEL),
        ("AuthenticAMD", "svm", ("IVRS",), 0, IommuState.OFF_KERNEL),
        ("GenuineIntel", "vmx hypervisor", ("DMAR",), 0, IommuState.OFF_KERNEL),
        ("GenuineIntel", "vmx", (), 0, IommuState.OFF_FIRMWARE),
        ("AuthenticAMD", "", (), 0, IommuState.OFF_FIRMWARE),
        ("GenuineIntel", "vmx hypervisor", (), 0, IommuState.ABSENT),
        ("Other", "", (), 0, IommuState.ABSENT),
    ],
)
def test_where_the_iommu_is_lost(
    tree: Tree, vendor: str, flags: str, tables: tuple[str, ...], groups: int, state: IommuState
) -> None:
    tree.machine(vendor, flags, tables=tables, groups=groups)
    assert (tree.iommu.state, tree.iommu.groups) == (state, groups)


def test_what_cannot_be_seen_is_not_known(tmp_path: Path) -> None:
    assert local_iommu(tmp_path / "none", "x86_64") == IommuFacts()
    assert local_iommu(tmp_path / "none", "aarch64") == IommuFacts(vendor="ARM")


def test_without_acpi_nothing_is_said(tree: Tree) -> None:
    tree.file("proc/cpuinfo", CPUINFO.format("GenuineIntel", "vmx"))
    (tree.root / "sys/kernel/iommu_groups").mkdir(parents=True)
    assert tree.iommu.state is IommuState.UNKNOWN


def test_xens_first_guest_sees_no_iommu(tree: Tree) -> None:
    tree.machine("GenuineIntel", "vmx", tables=(), groups=0)
    tree.file("proc/xen/capabilities", "control_d\n")
    assert tree.iommu.state is IommuState.UNKNOWN


def test_what_the_kernel_was_started_with_and_which_distribution(tree: Tree) -> None:
    tree.machine("AuthenticAMD", "svm", tables=("IVRS",), groups=3)
    tree.file("proc/cmdline", "root=/dev/vda amd_iommu=on iommu=pt quiet iommu.strict=1\n")
    tree.file("etc/os-release", 'NAME="Ubuntu"\nID=ubuntu\nID_LIKE="debian"\n')
    assert tree.iommu.options == ("amd_iommu=on", "iommu=pt", "iommu.strict=1")
    assert tree.iommu.distribution == "ubuntu debian"
    assert tree.iommu.vendor == "AMD"


def test_a_remote_host_has_groups_or_it_is_not_known_why_not() -> None:
    devices = [HostDevice("pci", f"n{one}", f"a{one}", iommu_group=one % 3) for one in range(9)]
    amd = Capabilities(cpu_vendor="AMD", iommu=True)
    assert remote_iommu(amd, devices) == IommuFacts(IommuState.ON, 3, "AMD")
    assert remote_iommu(amd) == IommuFacts(IommuState.ON, None, "AMD")
    none = Capabilities(cpu_vendor="Intel", iommu=False)
    assert remote_iommu(none) == IommuFacts(IommuState.UNKNOWN, 0, "Intel")
    assert remote_iommu(Capabilities(arch="aarch64")).vendor == "ARM"


@pytest.mark.parametrize(("word", "iommu"), [("yes", True), ("no", False), ("", None)])
def test_capabilities_tell_of_the_iommu(word: str, iommu: bool | None) -> None:
    element = f"<iommu support='{word}'/>" if word else ""
    assert read_capabilities(f"<capabilities><host>{element}</host></capabilities>").iommu is iommu


def secure(
    tree: Tree, host: Capabilities, caps: DomainCaps | None = None
) -> dict[str, bool | None]:
    return {one.name: one.on for one in local_secure(host, caps, tree.root)}


def test_amds_are_told_by_flag_and_parameter(tree: Tree) -> None:
    tree.file("proc/cpuinfo", CPUINFO.format("AuthenticAMD", "svm sev sev_es"))
    tree.file("sys/module/kvm_amd/parameters/sev", "Y\n")
    tree.file("sys/module/kvm_amd/parameters/sev_es", "N\n")
    assert secure(tree, AMD) == {"SEV": True, "SEV-ES": False, "SEV-SNP": False}
    whys = {one.name: one.why for one in local_secure(AMD, None, tree.root)}
    assert "options kvm_amd sev_es=1" in whys["SEV-ES"]
    assert "firmware" in whys["SEV-SNP"]


def test_without_the_module_it_is_not_known(tree: Tree) -> None:
    tree.file("proc/cpuinfo", CPUINFO.format("AuthenticAMD", "svm sev"))
    assert secure(tree, AMD) == {"SEV": None, "SEV-ES": False, "SEV-SNP": False}
    assert secure(Tree(tree.root / "none"), AMD)["SEV"] is None


def test_qemu_has_to_have_it_too(tree: Tree) -> None:
    tree.file("proc/cpuinfo", CPUINFO.format("AuthenticAMD", "svm sev"))
    tree.file("sys/module/kvm_amd/parameters/sev", "1\n")
    assert secure(tree, AMD, DomainCaps())["SEV"] is False
    assert secure(tree, AMD, DomainCaps(features=("sev",)))["SEV"] is True


@pytest.mark.parametrize(
    ("flags", "setting", "on"),
    [("tdx_host_platform", "Y", True), ("tdx_host_platform", "N", False), ("vmx", "", False)],
)
def test_intels(tree: Tree, flags: str, setting: str, on: bool) -> None:
    tree.file("proc/cpuinfo", CPUINFO.format("GenuineIntel", flags))
    if setting:
        tree.file("sys/module/kvm_intel/parameters/tdx", setting)
    assert secure(tree, Capabilities(arch="x86_64", cpu_vendor="Intel")) == {"TDX": on}


def test_s390x(tree: Tree) -> None:
    host = Capabilities(arch="s390x")
    assert secure(tree, host) == {"SEL": None}
    tree.file("sys/firmware/x")
    assert secure(tree, host) == {"SEL": False}
    tree.file("sys/firmware/uv/prot_virt_host", "1\n")
    assert secure(tree, host) == {"SEL": True}


def test_numa_nodes_of_this_machine(tree: Tree) -> None:
    assert local_nodes(tree.root) == ()
    for number, cpus in ((1, "2-3,8"), (0, "0-1")):
        place = f"sys/devices/system/node/node{number}"
        tree.file(f"{place}/meminfo", f"Node {number} MemTotal:       {number}4 kB\nNode 0 x\n")
        tree.file(f"{place}/cpulist", f"{cpus}\n")
    tree.file("sys/devices/system/node/has_cpu", "0-1\n")
    for name, text in (("nr_hugepages", "8\n"), ("free_hugepages", "5\n")):
        tree.file(f"sys/devices/system/node/node0/hugepages/hugepages-2048kB/{name}", text)
    assert local_nodes(tree.root) == (
        NumaNode(0, 4, (0, 1), pages=((2048, 8),), free_pages=((2048, 5),)),
        NumaNode(1, 14, (2, 3, 8)),
    )


CAPS = """<domainCapabilities><features>
  <sev supported='yes'><cbitpos>47</cbitpos><maxGuests>59</maxGuests><maxESGuests>450</maxESGuests>
  </sev></features>
  <launchSecurity supported='yes'><enum name='sectype'><value>sev</value><value>sev-snp</value>
  </enum></launchSecurity></domainCapabilities>"""


def test_a_remote_host_is_told_of_by_libvirt() -> None:
    caps = read_domain_caps(CAPS)
    assert (caps.launch_security, caps.sev_es_guests) == (("sev", "sev-snp"), 450)
    assert [one[:2] for one in remote_secure(AMD, caps)] == [
        ("SEV", True),
        ("SEV-ES", True),
        ("SEV-SNP", True),
    ]
    assert {one.on for one in remote_secure(AMD, DomainCaps())} == {False}
    unknown = remote_secure(AMD, None)
    assert unknown[0] == SecureGuests("SEV", on=None, why="libvirt does not tell")
    assert remote_secure(Capabilities(arch="aarch64"), None) == ()
