"""Words for `explain` on what the overview tells of a host. Pure."""

from __future__ import annotations

from tuivm.model.hosts import HostFacts, HostSpec
from tuivm.model.offers import HostOffer
from tuivm.screens.explaining import Explanation, virsh
from tuivm.screens.hostpages import virtfacts
from tuivm.screens.hostpages.overviewfacts import FEATURES, VIRTUAL_FEATURES

_WORDS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "kvm": (
        "KVM",
        "KVM is the hypervisor in Linux: with it the CPU runs the guest's own code, and leaves the "
        "guest (an exit) only for what has to be done on its behalf. It needs a CPU with VT-x, "
        "AMD-V or the like, switched on in the firmware. Without it QEMU translates every "
        "instruction (TCG).",
        ("domcapabilities", "--virttype", "kvm"),
    ),
    "nested": (
        "nested virtualization",
        "With nested on, KVM gives its guests a CPU that can run guests itself, so that a guest "
        "can be a host. Each exit of an inner guest costs several of the outer one. On AMD, and on "
        "Linux before 5.3, a guest cannot be migrated or saved while its own guests run.",
        ("domcapabilities", "--virttype", "kvm"),
    ),
    "iommu": (
        "IOMMU",
        "The IOMMU (Intel VT-d, AMD-Vi, Arm SMMU) translates and checks the addresses that devices "
        "read and write, so that a device can be given to a guest and reaches that guest's memory "
        "alone. It puts devices in groups; a group goes to one guest as a whole, or not at all. "
        "Without it no PCI device can be passed through.",
        ("nodedev-list", "--cap", "pci"),
    ),
    "sriov": (
        "SR-IOV",
        "A device with SR-IOV (a physical function, PF) can split itself into virtual functions "
        "(VFs), each of which a guest drives itself: physical, partitioned.",
        ("nodedev-list", "--cap", "pci"),
    ),
    "secure": (
        "secure guests",
        "SEV, SEV-ES, SEV-SNP (AMD) and TDX (Intel) encrypt a guest's memory with a key that the "
        "CPU keeps, so that the host cannot read it. Such guests have no device passed through as "
        "others have, are slower at I/O, and most cannot be saved or migrated.",
        ("domcapabilities",),
    ),
    "vcpus": (
        "vCPUs promised",
        "A vCPU is a thread of the VMM. More vCPUs than the host has CPUs are no fault: they take "
        "turns. When all want to run at once, each waits its turn, which guests see as steal time.",
        ("nodeinfo",),
    ),
    "promised": (
        "memory promised",
        "What guests may take at most. Memory of a guest is taken as the guest first touches it, "
        "so more than the host has can be promised; when it is really taken, the host swaps or "
        "kills a guest. Guests with passed-through devices or hugepages take all of theirs at the "
        "start.",
        ("nodememstats",),
    ),
    "numa": (
        "NUMA",
        "Each NUMA node is some CPUs with memory of their own; memory of another node is slower. "
        "Guests that fit into one node, and devices passed to them from the same node, are "
        "quickest.",
        ("capabilities",),
    ),
    "pages": (
        "hugepages",
        "Pages of 2 MiB or 1 GiB in place of 4 KiB: fewer TLB misses, with two levels of "
        "translation all the more. They are set aside by the host, and only guests that ask for "
        "them (<memoryBacking><hugepages/>) have them.",
        ("freepages", "--all"),
    ),
    "load": (
        "load",
        "How busy the host is: all its CPUs together, and memory that is taken, by everything that "
        "runs there, not by guests alone.",
        ("nodecpustats", "--percent"),
    ),
}
_WORDS["unread"] = _WORDS["vcpus"]
_STATES = {"kvm": virtfacts.kvm, "nested": virtfacts.nesting, "iommu": virtfacts.iommu_state}
_FEATURES = (
    "CPU features as libvirt tells of them: its model's name stands for many, and these are what "
    "the CPU has beyond it. A guest whose CPU is host-passthrough has all that KVM can pass on."
)


def explain_fact(
    fact: str, spec: HostSpec, facts: HostFacts | None, offer: HostOffer | None
) -> Explanation | None:
    """fact: the id of one; None where the words on the host itself say it."""
    if fact in ("virtual", FEATURES):
        text = _FEATURES
        names = offer.capabilities.cpu_features if offer is not None else ()
        for name, words in VIRTUAL_FEATURES.items():
            if name in names:
                text += f"\n{name}: {words}"
        return Explanation("CPU features", text, virsh(spec, "capabilities"))
    if fact not in _WORDS:
        return None
    title, text, words_of_virsh = _WORDS[fact]
    if fact in _STATES:
        said = _STATES[fact](facts, offer)
        text += f"\nHere: {said.word}{'; ' if said.more else ''}{said.more}"
        text += "".join(f"\n{remedy}" for remedy in said.remedies)
    return Explanation(title, text, virsh(spec, *words_of_virsh))
