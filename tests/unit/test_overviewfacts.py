"""What the overview tells of a host: what is on, how to turn on what is off, and what was promised
to guests."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from tests.support import hostparts as sample
from tests.support.offers import ARM, DESKTOP, GIB_KIB, SESSION, XEN
from tuivm.model.guests import Guest, GuestDetails, GuestKey, GuestState
from tuivm.model.hosts import HostFacts, HostLoad, HostSpec, HostState, Problem
from tuivm.model.offers import HostOffer, IommuFacts, IommuState, NestingFacts, NumaNode
from tuivm.model.store import GuestView, HostStatus
from tuivm.screens.hostpages import virtfacts
from tuivm.screens.hostpages.overviewexplain import explain_fact
from tuivm.screens.hostpages.overviewfacts import (
    FEATURES,
    Promise,
    fact_lines,
    host_facts,
    promised,
    ranges,
)

FACTS = HostFacts(
    hostname="box",
    driver="QEMU",
    hypervisor_version="7.2.22",
    libvirt_version="9.0.0",
    arch="x86_64",
    cpu_model="EPYC",
    cpus=8,
    memory_kib=16 * GIB_KIB,
    virt_types=("kvm", "qemu"),
    local=True,
    virtualized=False,
    nested=False,
    iommu_groups=0,
    physical_functions=1,
    virtual_functions=2,
)
REMOTE = FACTS._replace(
    local=False, nested=None, iommu_groups=None, physical_functions=None, virtualized=None
)
STATUS = HostStatus(
    HostSpec("local", "qemu:///system"),
    HostState.UP,
    facts=FACTS,
    load=HostLoad(25.0, 4 * GIB_KIB, 16 * GIB_KIB),
    guests=2,
    active=1,
)


def view(name: str, state: GuestState, vcpus: int, gib: int | None) -> GuestView:
    details = None
    if gib is not None:
        details = GuestDetails(vcpus=vcpus, memory_kib=GIB_KIB, memory_max_kib=gib * GIB_KIB)
    return GuestView(Guest(GuestKey("local", name), name, state, details=details))


VIEWS = (
    view("web", GuestState.RUNNING, 6, 10),
    view("held", GuestState.PAUSED, 6, 10),
    view("off", GuestState.OFF, 4, 4),
    view("new", GuestState.OFF, 0, None),
)


def shown(
    offer: HostOffer | None = None,
    status: HostStatus = STATUS,
    views: tuple[GuestView, ...] = VIEWS,
    width: int = 200,
    *,
    unfolded: bool = False,
    ascii_only: bool = False,
) -> list[str]:
    facts = host_facts(status, offer, views, unfolded=unfolded, ascii_only=ascii_only)
    lines = fact_lines(facts, width, ascii_only=ascii_only)
    return [line.content.plain for line in lines]


def row(lines: list[str], label: str) -> str:
    """A fact's own line and those under it, in one."""
    at = next(number for number, line in enumerate(lines) if line.startswith(label))
    more = []
    for line in lines[at + 1 :]:
        if not line.startswith(" "):
            break
        more.append(line.strip())
    return " ".join((lines[at], *more))


def test_what_the_host_said_at_connecting_is_there_before_it_is_asked() -> None:
    lines = shown()
    assert "QEMU 7.2.22" in row(lines, "hypervisor")
    assert "● on" in row(lines, "KVM")
    assert "■ off" in row(lines, "nested")
    assert "■ off" in row(lines, "IOMMU")
    assert "1 PF, 2 VFs" in row(lines, "SR-IOV")
    assert "not known yet" in row(lines, "hugepages")
    assert "not known yet" in row(lines, "secure guests")
    assert "not known yet" in row(lines, "for guests")


def test_the_rows_do_not_change_their_order_when_the_answer_comes() -> None:
    before = [line[:14] for line in shown() if line[:14].strip()]
    after = [line[:14] for line in shown(sample.OVERVIEW) if line[:14].strip()]
    kept = [label for label in before if label in after]
    assert [label for label in after if label in before] == kept
    assert set(before) - set(after) == {"secure guests "}, "which has names of its own then"


def test_what_is_off_says_exactly_how_it_is_turned_on() -> None:
    lines = shown(sample.OVERVIEW)
    assert "echo options kvm_amd nested=1 > /etc/modprobe.d/kvm-nested.conf" in row(lines, "nested")
    iommu = row(lines, "IOMMU")
    assert "■ off in the kernel" in iommu
    assert "intel_iommu=on" in iommu
    assert "update-grub" in iommu
    assert "■ off: the module kvm_amd has sev off" in row(lines, "SEV ")
    assert "? not known" in row(lines, "SEV-SNP")


def test_what_is_not_known_says_how_to_find_out() -> None:
    offer = sample.OVERVIEW._replace(iommu=IommuFacts(), local=False)
    lines = shown(offer, STATUS._replace(facts=REMOTE))
    assert "? not known" in row(lines, "IOMMU")
    assert "to find out: on the host: ls /sys/kernel/iommu_groups" in row(lines, "IOMMU")


def test_kvm_that_is_missing_says_what_is() -> None:
    tcg = FACTS._replace(virt_types=("qemu",))
    said = virtfacts.kvm(tcg, SESSION)
    assert (said.state, said.word) == ("lacking", "off")
    assert "TCG" in said.more
    assert said.remedies == (
        "switch nested virtualization on there, and give this host's guest CPU the feature",
    )
    loaded = SESSION._replace(nesting=NestingFacts("Intel", True, "", None, 0, "6.1.0"))
    assert virtfacts.kvm(tcg, loaded).remedies == ("modprobe kvm_intel",)
    unknown = SESSION._replace(nesting=NestingFacts(), local=False)
    assert "virt-host-validate" in virtfacts.kvm(tcg, unknown).remedies[0]
    assert "tuivm check" in virtfacts.kvm(tcg, unknown._replace(local=True)).remedies[0]
    assert virtfacts.kvm(HostFacts(), None).state == "asking"
    assert virtfacts.kvm(None, XEN).state == "unknown"


@pytest.mark.parametrize(
    ("facts", "offer", "state"),
    [
        (FACTS, None, "lacking"),
        (FACTS._replace(nested=True), None, "on"),
        (REMOTE, None, "asking"),
        (REMOTE, DESKTOP, "on"),
        (REMOTE, DESKTOP._replace(nesting=NestingFacts("Intel")), "unknown"),
        (REMOTE, sample.OVERVIEW, "lacking"),
        (REMOTE._replace(virt_types=("qemu",)), SESSION, "lacking"),
        (REMOTE._replace(arch="aarch64"), ARM, "lacking"),
    ],
)
def test_nesting(facts: HostFacts, offer: HostOffer | None, state: str) -> None:
    assert virtfacts.nesting(facts, offer).state == state


@pytest.mark.parametrize(
    ("facts", "iommu", "state", "words"),
    [
        (FACTS._replace(iommu_groups=11), None, "on", "11 groups"),
        (FACTS, None, "lacking", "no groups"),
        (REMOTE, None, "asking", ""),
        (REMOTE, IommuFacts(IommuState.ON, 1, "AMD"), "on", "1 group"),
        (REMOTE, IommuFacts(IommuState.OFF_FIRMWARE, 0, "Intel"), "lacking", "firmware"),
        (REMOTE, IommuFacts(IommuState.ABSENT, 0), "lacking", "cannot be passed"),
        (REMOTE, IommuFacts(), "unknown", ""),
    ],
)
def test_iommu(facts: HostFacts, iommu: IommuFacts | None, state: str, words: str) -> None:
    offer = DESKTOP._replace(iommu=iommu) if iommu is not None else None
    said = virtfacts.iommu_state(facts, offer)
    assert said.state == state
    assert words in said.more
    assert bool(said.remedies) is (offer is not None and state != "on")


def test_what_is_promised_to_guests() -> None:
    assert promised(VIEWS, running=True) == Promise(12, 20 * GIB_KIB, 2, 0)
    assert promised(VIEWS, running=False) == Promise(16, 24 * GIB_KIB, 4, 1)
    lines = shown(sample.OVERVIEW)
    assert "12 of 8 CPUs to running guests, 1.50 ×" in row(lines, "vCPUs")
    assert "16 of 8 CPUs to all guests, 2.00 ×" in row(lines, "vCPUs")
    memory = [line for line in lines if line.startswith("memory ")][1]
    assert memory.endswith("20G of 16G to running guests, 1.25 ×")
    assert "1 whose definition is not read yet" in row(lines, "not counted")


def test_a_small_promise_is_not_none() -> None:
    details = GuestDetails(vcpus=1, memory_max_kib=1)
    lines = shown(sample.OVERVIEW, views=(GuestView(VIEWS[0].guest._replace(details=details)),))
    assert any("under 0.01 ×" in line for line in lines)


def test_a_host_that_does_not_say_what_it_has() -> None:
    lines = shown(status=STATUS._replace(facts=HostFacts()))
    assert "what the host has is not reported" in row(lines, "vCPUs")
    assert not any("×" in line for line in lines)


def test_numa_nodes_with_their_hugepages() -> None:
    lines = shown(sample.OVERVIEW)
    assert row(lines, "NUMA nodes").split() == ["NUMA", "nodes", "2"]
    assert "512 of 2.0M, 100 free 2 of 1.0G" in row(lines, "hugepages")
    assert "CPUs 0-3, memory 8.0G, hugepages: 512 of 2.0M, 100 free; 2 of 1.0G" in row(
        lines, "node 0"
    )
    assert "hugepages" not in row(lines, "node 1")
    bare = sample.OVERVIEW.capabilities._replace(numa=(NumaNode(0, GIB_KIB, ()),))
    lines = shown(sample.OVERVIEW._replace(capabilities=bare))
    assert "none set aside" in row(lines, "hugepages")
    assert "no CPUs" in row(lines, "node 0")


def test_features_that_matter_to_guests_come_first() -> None:
    lines = shown(sample.OVERVIEW)
    assert "svm, npt, avic, x2apic, pdpe1gb" in row(lines, "for guests")
    assert "3 beyond those of EPYC-Rome" in row(lines, "others")
    assert "vaes" not in row(lines, "others")
    assert "aes, sha-ni, vaes" in row(shown(sample.OVERVIEW, unfolded=True), "others")


def test_a_host_in_trouble_says_so_first() -> None:
    problem = Problem("cannot connect", "denied\x1b\nby polkit", "no agent", "join the group")
    status = STATUS._replace(state=HostState.FAILED, problem=problem, facts=None)
    lines = shown(status=status)
    assert [line.split()[0] for line in lines[:7]] == [
        "state", "problem", "reason", "by", "cause", "remedy", "URI",
    ]  # fmt: skip
    assert "✖ failed" in lines[0]
    assert "denied␛" in lines[2]


def test_read_only_is_said_at_once() -> None:
    assert shown(status=STATUS._replace(readonly=True))[0] == "access        read-only"
    assert "access        full" in shown()


@pytest.mark.parametrize("width", [30, 51, 80])
def test_every_line_fits(width: int) -> None:
    for ascii_only in (False, True):
        lines = shown(sample.OVERVIEW, width=width, unfolded=True, ascii_only=ascii_only)
        assert max(map(cell_len, lines)) <= width
    assert "".join(lines).isascii()


def test_what_the_host_would_not_tell_is_said() -> None:
    lines = shown(sample.OVERVIEW._replace(remarks=("its free hugepages: denied",)))
    assert "its free hugepages: denied" in row(lines, "not told")


def test_ranges() -> None:
    assert ranges((0, 1, 2, 5, 7, 8)) == "0-2,5,7-8"
    assert ranges(()) == ""


def test_every_fact_of_virtualization_is_explained() -> None:
    facts = host_facts(STATUS, sample.OVERVIEW, VIEWS, unfolded=False, ascii_only=False)
    ids = {fact.id for fact in facts if fact.id}
    plain = {"hypervisor", "libvirt", "types", "cpu", "cpus", "memory", "guests", "uri", "name"}
    for fact in ids - plain - {"access"}:
        explained = explain_fact(fact, STATUS.spec, FACTS, sample.OVERVIEW)
        assert explained is not None, fact
        assert explained.command.startswith("virsh -c qemu:///system ")
    iommu = explain_fact("iommu", STATUS.spec, FACTS, sample.OVERVIEW)
    assert iommu is not None
    assert "update-grub" in iommu.text, "what turns it on is there to be copied"
    split = explain_fact("sriov", STATUS.spec, FACTS, sample.OVERVIEW)
    assert split is not None
    assert split.command.endswith("nodedev-list --cap pci"), "vports are those of Fibre Channel"
    features = explain_fact(FEATURES, STATUS.spec, FACTS, sample.OVERVIEW)
    assert features is not None
    assert "avic: interrupts reach a guest without an exit" in features.text
    assert explain_fact("uri", STATUS.spec, None, None) is None
