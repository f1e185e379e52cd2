"""All that is told of a host, one fact a row, with words for `explain`. Pure.

What a host says at connecting is there at once; what it has to be asked for stands in the same
rows from the beginning, as not known yet.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import NamedTuple

from textual.content import Content

from tuivm.model.hosts import HostFacts, Problem
from tuivm.model.offers import HostOffer, NumaNode
from tuivm.model.store import GuestView, HostStatus
from tuivm.model.units import kib, visible
from tuivm.screens.hostpages import virtfacts
from tuivm.screens.hostpages.partrows import in_ascii, mark
from tuivm.screens.hostpages.virtfacts import NOT_YET, Said
from tuivm.widgets.hostlist import host_glyph, load, state_words
from tuivm.widgets.itemlist import Line

_LABEL = 14
_MISSING = "not reported"
FEATURES = "features"
VIRTUAL_FEATURES = {
    "vmx": "Intel's VT-x: the CPU runs guests",
    "svm": "AMD-V: the CPU runs guests",
    "sie": "the z/Architecture's way to run guests",
    "ept": "second-level address translation, Intel's: guests keep their own page tables",
    "vmx-ept": "second-level address translation, Intel's: guests keep their own page tables",
    "npt": "second-level address translation, AMD's: guests keep their own page tables",
    "vpid": "the TLB keeps entries of several guests",
    "vmx-vpid": "the TLB keeps entries of several guests",
    "flushbyasid": "the TLB of one guest is emptied alone",
    "avic": "interrupts reach a guest without an exit, AMD's",
    "apicv": "interrupts reach a guest without an exit, Intel's",
    "vmx-apicv-register": "a guest reads its APIC without an exit",
    "vmx-apicv-vid": "interrupts reach a guest without an exit, Intel's",
    "vmx-posted-intr": "posted interrupts: a passed-through device's reach a running guest at once",
    "posted_intr": "posted interrupts: a passed-through device's reach a running guest at once",
    "x2apic": "an interrupt controller that costs guests fewer exits",
    "tsc-deadline": "a timer that costs guests fewer exits",
    "tsc_adjust": "clocks of guests are moved without an exit",
    "tsc-scale": "a guest keeps its clock's speed on another host",
    "pcid": "the TLB keeps entries of several address spaces",
    "invpcid": "the TLB forgets one address space alone",
    "pdpe1gb": "pages of 1 GiB",
    "vgif": "interrupts of nested guests without an exit, AMD's",
    "v-vmsave-vmload": "nested guests change places without an exit, AMD's",
    "nrip-save": "AMD's: KVM need not decode the instruction that made an exit",
    "decodeassists": "AMD's: KVM need not decode the instruction that made an exit",
    "pause-filter": "a vCPU that waits in a loop gives its CPU away",
    "pfthreshold": "a vCPU that waits in a loop gives its CPU away",
    "vmx-unrestricted-guest": "guests run real mode without emulation",
    "vmx-shadow-vmcs": "nested guests cost fewer exits, Intel's",
    "vmx-pml": "pages that a guest wrote are logged: quicker migration",
    "sev": "memory of guests can be encrypted",
    "sev-es": "registers of guests can be encrypted, too",
    "sev-snp": "memory of guests is protected against changes, too",
    "tdx": "Intel's confidential guests",
    "hypervisor": "this host is itself a guest",
}
"""Names of CPU features as libvirt and Linux have them, and what they are good for."""


class Fact(NamedTuple):
    """paras: lines (text, style), each wrapped. folded: None for what has nothing more to show;
    label "" and no paras: a free line."""

    id: str
    label: str
    paras: tuple[tuple[str, str], ...] = ()
    folded: bool | None = None


class Promise(NamedTuple):
    """What guests may take. unread: guests whose definition is not yet read, so not counted."""

    vcpus: int = 0
    memory_kib: int = 0
    guests: int = 0
    unread: int = 0


def promised(views: Iterable[GuestView], *, running: bool) -> Promise:
    """Of those that run, or of all: vCPUs that are on, and memory that they may have at most."""
    vcpus = memory = guests = unread = 0
    for view in views:
        if running and not view.guest.state.active:
            continue
        guests += 1
        details = view.guest.details
        if details is None:
            unread += 1
        else:
            vcpus += details.vcpus
            memory += details.memory_max_kib or details.memory_kib
    return Promise(vcpus, memory, guests, unread)


def host_facts(
    status: HostStatus,
    offer: HostOffer | None,
    views: Sequence[GuestView],
    *,
    unfolded: bool,
    ascii_only: bool,
) -> list[Fact]:
    """offer: None until the host was asked. unfolded: every feature of the CPU is listed."""
    facts = status.facts
    access = Fact("access", "access", (("read-only" if status.readonly else "full", ""),))
    uri = Fact("uri", "URI", ((status.spec.uri or "left to libvirt", ""),))
    first = [access] if status.readonly else []
    if status.problem is not None:
        first = [_state(status, ascii_only=ascii_only), *_problem(status.problem), uri, *first]
    rows = list(first)
    told = facts is not None or offer is not None
    if told:
        rows += _made_of(facts or HostFacts(), offer)
    rows.append(Fact("load", "load", ((load(status) or _MISSING, ""),)))
    rows.append(Fact("guests", "guests", ((f"{status.active} up of {status.guests}", ""),)))
    if told:
        rows.append(Fact("", "virtualization"))
        rows += _virtualization(facts, offer, ascii_only=ascii_only)
        rows.append(Fact("", "promised to guests"))
        rows += _promises(facts, offer, views)
        rows.append(Fact("", "memory and NUMA"))
        rows += _numa(facts, offer)
        rows.append(Fact("", "CPU features"))
        rows += _features(offer, unfolded=unfolded)
    rows.append(Fact("", "connection"))
    if offer is not None and offer.remarks:
        rows.append(Fact("remarks", "not told", tuple((said, "$quiet") for said in offer.remarks)))
    if facts is not None:
        rows.append(Fact("name", "name", ((facts.hostname or _MISSING, ""),)))
    return [*rows, *(fact for fact in (uri, access) if fact not in first)]


def _state(status: HostStatus, *, ascii_only: bool) -> Fact:
    glyph, role = host_glyph(status.state, ascii_only=ascii_only)
    style = "$state-running" if role == "up" else f"$state-{role}"
    return Fact("state", "state", ((f"{glyph} {state_words(status)}", style),))


def _problem(problem: Problem) -> list[Fact]:
    rows = (
        ("problem", problem.what, "$state-bad"),
        ("reason", problem.reason, ""),
        ("cause", problem.cause, ""),
        ("remedy", problem.remedy, "bold"),
    )
    return [
        Fact(label, label, tuple((line, style) for line in text.splitlines()))
        for label, text, style in rows
        if text
    ]


def _made_of(facts: HostFacts, offer: HostOffer | None) -> list[Fact]:
    shape = [
        f"sockets {facts.sockets}" if facts.sockets else "",
        f"cores {facts.cores}" if facts.cores else "",
        f"threads {facts.threads}" if facts.threads else "",
    ]
    known = " x ".join(part for part in shape if part)
    count = facts.cpus or (offer.cpus if offer is not None else 0)
    cpus = f"{count or _MISSING}" + (f" ({known})" if known else "")
    size = facts.memory_kib or (offer.memory_kib if offer is not None else 0)
    memory = kib(size or None, missing=_MISSING)
    types = virtfacts.virt_types(facts, offer) or ()
    if offer is not None and offer.memory_free_kib:
        memory += f", {kib(offer.memory_free_kib)} free"
    model = offer.capabilities.cpu_model if offer is not None else ""
    cpu = f"{facts.cpu_model or model or _MISSING}  {facts.arch}".rstrip()
    if model and facts.cpu_model and model != facts.cpu_model:
        cpu += f", libvirt calls it {model}"
    hypervisor = f"{facts.driver} {facts.hypervisor_version}".strip()
    return [
        Fact("hypervisor", "hypervisor", ((hypervisor or _MISSING, ""),)),
        Fact("libvirt", "libvirt", ((facts.libvirt_version or _MISSING, ""),)),
        Fact("types", "guests may be", ((", ".join(types) or _MISSING, ""),)),
        Fact("cpu", "CPU", ((cpu, ""),)),
        Fact("cpus", "CPUs", ((cpus, ""),)),
        Fact("memory", "memory", ((memory, ""),)),
    ]


def _virtualization(
    facts: HostFacts | None, offer: HostOffer | None, *, ascii_only: bool
) -> list[Fact]:
    rows = [
        ("kvm", "KVM", virtfacts.kvm(facts, offer)),
        ("nested", "nested", virtfacts.nesting(facts, offer)),
        ("iommu", "IOMMU", virtfacts.iommu_state(facts, offer)),
        ("sriov", "SR-IOV", virtfacts.sriov(facts)),
        *(("secure", name, said) for name, said in virtfacts.secure(offer)),
    ]
    return [Fact(name, label, _said(said, ascii_only=ascii_only)) for name, label, said in rows]


def _said(said: Said, *, ascii_only: bool) -> tuple[tuple[str, str], ...]:
    word, style = mark(said.state, said.word, ascii_only=ascii_only)
    paras = [(f"{word}{': ' if said.more else ''}{said.more}", style)]
    what = {"on": "better", "unknown": "to find out"}.get(said.state, "to turn it on")
    return (*paras, *((f"{what}: {remedy}", "bold") for remedy in said.remedies))


def _promises(
    facts: HostFacts | None, offer: HostOffer | None, views: Sequence[GuestView]
) -> list[Fact]:
    cpus = (facts.cpus if facts else None) or (offer.cpus if offer else 0)
    memory = (facts.memory_kib if facts else None) or (offer.memory_kib if offer else 0)
    running, everyone = (promised(views, running=only) for only in (True, False))
    rows = (
        ("vcpus", "vCPUs", _against(running.vcpus, cpus, str, "CPUs", "running")),
        ("vcpus", "", _against(everyone.vcpus, cpus, str, "CPUs", "all")),
        ("promised", "memory", _against(running.memory_kib, memory, kib, "", "running")),
        ("promised", "", _against(everyone.memory_kib, memory, kib, "", "all")),
    )
    over = memory and running.memory_kib > memory
    found = [
        Fact(name, label, ((words, "$state-bad" if over and label == "memory" else ""),))
        for name, label, words in rows
    ]
    if everyone.unread:
        words = f"{everyone.unread} whose definition is not read yet"
        found.append(Fact("unread", "not counted", ((words, "$quiet"),)))
    return found


def _against(value: int, have: int, words: Callable[[int], str], unit: str, whose: str) -> str:
    """ "6 of 8 CPUs to running guests, 0.75 × what there is"."""
    whom = f"to {whose} guests"
    if not have:
        return f"{words(value)} {whom}; what the host has is {_MISSING}"
    share = value / have
    ratio = f"{share:.2f} ×" if share >= 0.01 or not value else "under 0.01 ×"
    return f"{words(value)} of {words(have)} {unit}".rstrip() + f" {whom}, {ratio}"


def _numa(facts: HostFacts | None, offer: HostOffer | None) -> list[Fact]:
    count = facts.numa_nodes if facts else None
    nodes = offer.capabilities.numa if offer is not None else ()
    rows = [Fact("numa", "NUMA nodes", ((str(count or len(nodes) or _MISSING), ""),))]
    if offer is None:
        return [*rows, Fact("pages", "hugepages", ((NOT_YET, "$quiet"),))]
    rows.append(Fact("pages", "hugepages", _all_pages(nodes)))
    rows += [Fact("numa", f"node {node.number}", _node(node)) for node in nodes]
    return rows


def _all_pages(nodes: Sequence[NumaNode]) -> tuple[tuple[str, str], ...]:
    """Of all nodes together, a line a size."""
    total: dict[int, int] = {}
    free: dict[int, int] = {}
    for node in nodes:
        for size, count in node.pages:
            total[size] = total.get(size, 0) + count
        for size, count in node.free_pages:
            free[size] = free.get(size, 0) + count
    if not any(total.values()):
        return (("none set aside", "$quiet"),)
    return tuple((_pages(size, count, free.get(size)), "") for size, count in sorted(total.items()))


def _pages(size: int, count: int, free: int | None) -> str:
    text = f"{count} of {kib(size)}"
    return text if free is None or not count else f"{text}, {free} free"


def _node(node: NumaNode) -> tuple[tuple[str, str], ...]:
    free = dict(node.free_pages)
    pages = [_pages(size, count, free.get(size)) for size, count in node.pages if count]
    cpus = f"CPUs {ranges(node.cpus)}" if node.cpus else "no CPUs"
    text = f"{cpus}, memory {kib(node.memory_kib)}"
    return ((text + (f", hugepages: {'; '.join(pages)}" if pages else ""), ""),)


def ranges(numbers: Iterable[int]) -> str:
    """(0, 1, 2, 5) -> "0-2,5"."""
    found: list[list[int]] = []
    for number in sorted(set(numbers)):
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in found)


def _features(offer: HostOffer | None, *, unfolded: bool) -> list[Fact]:
    if offer is None:
        return [Fact("virtual", "for guests", ((NOT_YET, "$quiet"),))]
    names = offer.capabilities.cpu_features
    mine = [name for name in VIRTUAL_FEATURES if name in names]
    others = sorted(set(names) - set(mine))
    model = offer.capabilities.cpu_model
    beyond = f" beyond those of {model}" if model else ""
    virtual = ", ".join(mine) or f"none told{beyond}"
    words = f"{len(others)}{beyond}"
    if not names:
        return [Fact("virtual", "for guests", ((f"none told{beyond}", "$quiet"),))]
    lines = [(words if unfolded else f"{words} (Enter shows them)", "$quiet")]
    if unfolded and others:
        lines.append((", ".join(others), ""))
    return [
        Fact("virtual", "for guests", ((virtual, ""),)),
        Fact(FEATURES, "others", tuple(lines), folded=not unfolded if others else None),
    ]


def fact_lines(facts: Sequence[Fact], width: int, *, ascii_only: bool) -> list[Line]:
    """Wrapped to the width. A line's item is (the fact's id and label, the line's number in it)."""
    lines: list[Line] = []
    for fact in facts:
        if not fact.id:
            lines += [Line(Content()), Line(Content.styled(fact.label, "bold"))]
            continue
        number = 0
        for text, style in fact.paras:
            shown = visible(text)
            content = Content.styled(in_ascii(shown) if ascii_only else shown, style)
            for row in content.wrap(max(16, width - _LABEL)):
                head = "" if number else fact.label
                item: Hashable = (fact.id, fact.label, number)
                text_line = Content.assemble((f"{head:<{_LABEL}}", "$quiet"), row.rstrip())
                lines.append(Line(text_line, item))
                number += 1
    return lines
