"""What of a host's virtualization is on, and how to turn on what is off. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tuivm.model.findings import Finding
from tuivm.model.hosts import HostFacts
from tuivm.model.offers import Capabilities, DomainCaps, HostOffer, IommuState
from tuivm.model.spec import Machine, Spec
from tuivm.preflight import iommu, nested

NOT_YET = "not known yet"


class Said(NamedTuple):
    """state: as in `partrows.MARKS`. word: stands behind the mark. more: what else is to be said.
    remedies: what turns it on, each to be done as it stands."""

    state: str
    word: str
    more: str = ""
    remedies: tuple[str, ...] = ()


def kvm(facts: HostFacts | None, offer: HostOffer | None) -> Said:
    """Whether libvirt offers guests of type kvm; if not, the first thing that is missing."""
    types = virt_types(facts, offer)
    if types is None:
        return Said("asking", NOT_YET)
    if "kvm" in types:
        return Said("on", "on", "the CPU runs the guests' own code")
    if "xen" in types or "qemu" not in types:
        words = ", ".join(types) or "no type told"
        return Said("unknown", "not of this host's kind", f"it runs guests of type {words}")
    off = Said("lacking", "off", "every guest is translated (TCG), many times slower")
    return off if offer is None else _kvm_off(off, offer)


def _kvm_off(off: Said, offer: HostOffer) -> Said:
    for condition in conditions(offer):
        if condition.id in {"cpu", "module"} and condition.met is False:
            return off._replace(more=f"{off.more}; {condition.why}", remedies=(condition.remedy,))
    if offer.local:
        return off._replace(remedies=("tuivm check, run here, says what is missing",))
    return off._replace(remedies=("on that host: virt-host-validate qemu, or tuivm check",))


def virt_types(facts: HostFacts | None, offer: HostOffer | None) -> tuple[str, ...] | None:
    """Of guests that the host offers; None for not told."""
    if facts is not None and facts.virt_types:
        return facts.virt_types
    if offer is None or not offer.capabilities.guests:
        return None
    types = (kind for guest in offer.capabilities.guests for kind in guest.virt_types)
    return tuple(dict.fromkeys(types))


def conditions(offer: HostOffer) -> tuple[nested.Condition, ...]:
    """Of nested virtualization on this host, whatever guest it is for."""
    machine = Machine(virt_type="kvm", arch=offer.capabilities.arch, cpu="host-passthrough")
    return nested.conditions(Spec(machine=machine), offer, DomainCaps())


def nesting(facts: HostFacts | None, offer: HostOffer | None) -> Said:
    """Whether guests can have guests of their own with KVM."""
    depth = _depth(facts, offer)
    if offer is None or offer.capabilities == Capabilities():
        known = facts.nested if facts is not None and facts.local else None
        state = {True: "on", False: "lacking", None: "asking" if offer is None else "unknown"}
        return Said(state[known], {True: "on", False: "off", None: NOT_YET}[known], depth)
    if "kvm" not in (virt_types(facts, offer) or ()):
        return Said("lacking", "off", "without KVM there is nothing to nest")
    judged = {condition.id: condition for condition in conditions(offer)}
    judge = judged.get("enabled") or judged["arch"]
    if judge.met:
        return Said("on", "on", depth)
    if judge.met is None:
        return Said("unknown", "not known", judge.why)
    remedies = (judge.remedy,) if judge.remedy else ()
    return Said("lacking", "off", judge.why or judge.words, remedies)


def _depth(facts: HostFacts | None, offer: HostOffer | None) -> str:
    depth = offer.nesting.depth if offer is not None else None
    under = facts.virtualized if facts is not None else None
    if depth == 0 or (depth is None and under is False):
        return "this host is on bare metal"
    if depth or under:
        return "this host is itself a guest"
    return ""


def iommu_state(facts: HostFacts | None, offer: HostOffer | None) -> Said:
    """Whether PCI devices can be passed through."""
    if offer is None or offer.iommu.state is IommuState.UNKNOWN:
        groups = facts.iommu_groups if facts is not None and facts.local else None
        if groups:
            return Said("on", "on", _groups(groups))
        if groups == 0:
            return Said("lacking", "off", "no groups: no PCI device can be passed through")
        if offer is None:
            return Said("asking", NOT_YET)
    found = iommu.iommu_findings(offer.iommu, local=offer.local)
    remedies = tuple(finding.remedy for finding in found if finding.remedy)
    match offer.iommu.state:
        case IommuState.ON:
            said = "; ".join(_and(finding.what, finding.why, ": ") for finding in found)
            return Said("on", "on", _and(_groups(offer.iommu.groups), said), remedies)
        case IommuState.UNKNOWN:
            return Said("unknown", "not known", _why(found), remedies)
    return Said("lacking", offer.iommu.state.value, _why(found), remedies)


def _why(findings: Sequence[Finding]) -> str:
    """What it is that they find, the state says."""
    return "; ".join(finding.why for finding in findings)


def _and(first: str, second: str, between: str = "; ") -> str:
    return between.join(part for part in (first, second) if part)


def _groups(groups: int | None) -> str:
    if groups is None:
        return ""
    return f"{groups} group" + ("" if groups == 1 else "s")


def sriov(facts: HostFacts | None) -> Said:
    """Counted by this machine's kernel; a remote host's are on the page of its PCI devices."""
    if facts is None or (facts.physical_functions is None and not facts.local):
        return Said("unknown", "see PCI", "VFs stand there under their PF")
    if facts.physical_functions is None:
        return Said("unknown", "not known")
    if not facts.physical_functions:
        return Said("off", "none", "no device that can split itself into VFs")
    count = f"{facts.physical_functions} PF, {facts.virtual_functions} VFs there now"
    return Said("on", "there", count)


def secure(offer: HostOffer | None) -> list[tuple[str, Said]]:
    """Ways to keep a guest's memory from its host, by name."""
    if offer is None:
        return [("secure guests", Said("asking", NOT_YET))]
    if not offer.secure:
        return [("secure guests", Said("unknown", "not known", "libvirt tells of none"))]
    words = {True: ("on", "on"), False: ("off", "off"), None: ("unknown", "not known")}
    return [(one.name, Said(*words[one.on], one.why)) for one in offer.secure]
