"""The checks of a guest's CPU, of hugepages, NUMA nodes and pins."""

from __future__ import annotations

from collections.abc import Iterator

from tuivm.model.cpusets import MOST, parse_cpus
from tuivm.model.creation import CreationPlan
from tuivm.model.findings import Finding
from tuivm.model.offers import DomainCaps, HostOffer
from tuivm.model.spec import CPU_MODES, Machine, Spec
from tuivm.model.units import kib
from tuivm.preflight.asking import error, note, shown, warning
from tuivm.preflight.nested import conditions

_BASE_PAGES = (4, 16, 64)
"""KiB of the pages that every host has, which are no hugepages."""


def check_cpu(plan: CreationPlan, offer: HostOffer, caps: DomainCaps) -> Iterator[Finding]:
    spec = plan.spec
    yield from _cpu(spec.machine, caps)
    yield from _nested(spec, offer, caps)
    yield from _hugepages(spec, offer)
    yield from _numa(spec, offer)
    yield from _pins(spec, offer)


def _cpu(machine: Machine, caps: DomainCaps) -> Iterator[Finding]:
    field, cpu = "machine.cpu", machine.cpu
    if cpu in CPU_MODES:
        known = [mode for mode in caps.cpu_modes if mode.name == cpu]
        if caps.cpu_modes and not any(mode.supported for mode in known):
            yield error(
                "cpu-mode",
                field,
                f"{cpu} is not to be had here",
                "it needs KVM" if cpu == "host-passthrough" else "the host does not offer it",
                f"one of {', '.join(_modes(caps))}",
            )
        return
    if not cpu or not caps.cpu_models:
        return
    model = next((model for model in caps.cpu_models if model.name == cpu), None)
    if model is None:
        yield error(
            "cpu-unknown",
            field,
            f"the host's QEMU knows no CPU model {shown(cpu)}",
            remedy="choose one that it lists, or host-model",
        )
    elif model.usable is False:
        yield error(
            "cpu-unusable",
            field,
            f"this host cannot run a guest with a {shown(cpu)}",
            "its own CPU lacks features of that model",
            "host-model, or an older model",
        )
    elif model.deprecated:
        yield warning("cpu-deprecated", field, f"{shown(cpu)} is deprecated", "", "a newer model")


def _modes(caps: DomainCaps) -> Iterator[str]:
    for mode in caps.cpu_modes:
        if mode.supported:
            yield "a model by its name" if mode.name == "custom" else mode.name


def _nested(spec: Spec, offer: HostOffer, caps: DomainCaps) -> Iterator[Finding]:
    if not spec.machine.nested:
        return
    named = spec.machine.cpu not in (*CPU_MODES, "")
    for condition in conditions(spec, offer, caps):
        field = "machine.cpu" if condition.id == "cpu-mode" else "machine.nested"
        what = f"nested virtualization needs this: {condition.words}"
        if condition.met is None:
            what = f"{what}; it is not known here"
            yield note(f"nested-{condition.id}", field, what, condition.why, condition.remedy)
        elif not condition.met:
            # A named model is required to have the feature: without it the guest does not start.
            fails = named and condition.id == "cpu-mode"
            make = error if fails else warning
            yield make(f"nested-{condition.id}", field, what, condition.why, condition.remedy)


def _hugepages(spec: Spec, offer: HostOffer) -> Iterator[Finding]:
    machine, field = spec.machine, "machine.hugepages"
    if not machine.hugepages:
        if machine.page_kib:
            yield warning(
                "pages-unused",
                "machine.page_size",
                "a size of hugepages, but no hugepages",
                "",
                "switch hugepages on",
            )
        return
    if machine.page_kib < 0:
        yield error("page-size", "machine.page_size", f"{machine.page_kib} KiB is no size")
        return
    pages: dict[int, int] = {}
    for node in offer.capabilities.numa:
        for size, count in node.pages:
            if size not in _BASE_PAGES:
                pages[size] = pages.get(size, 0) + count
    if not pages:
        yield warning(
            "pages-unknown",
            field,
            "libvirt tells of no hugepages on the host",
            "without enough of them the guest does not start",
            "vm.nr_hugepages, or hugepages= on the host's kernel command line",
        )
        return
    sizes = [machine.page_kib] if machine.page_kib else sorted(pages)
    if machine.page_kib and machine.page_kib not in pages:
        yield error(
            "page-size",
            "machine.page_size",
            f"the host has no hugepages of {kib(machine.page_kib)}",
            f"it has {', '.join(kib(size) for size in sorted(pages))}",
            "one of those",
        )
        return
    if all(size * pages[size] < spec.memory_kib for size in sizes):
        have = ", ".join(f"{pages[size]} of {kib(size)}" for size in sizes)
        yield (error if spec.start else warning)(
            "pages-few",
            field,
            f"{kib(spec.memory_kib)} of memory do not fit into the host's hugepages",
            f"it has {have}, some of which may be taken",
            "reserve more (vm.nr_hugepages, or on the kernel's command line), or less memory",
        )
    if machine.page_kib and spec.memory_kib % machine.page_kib:
        yield error(
            "pages-multiple",
            "guest.memory",
            f"{spec.memory_kib} KiB are no multiple of the {kib(machine.page_kib)} of a page",
            remedy="round it up",
        )


def _numa(spec: Spec, offer: HostOffer) -> Iterator[Finding]:
    cells = spec.machine.numa
    nodes = {node.number for node in offer.capabilities.numa}
    taken: dict[int, int] = {}
    broken = False
    for number, cell in enumerate(cells):
        field = f"machine.numa.{number}"
        try:
            cpus = parse_cpus(cell.cpus)
        except ValueError as problem:
            broken = True
            yield error("numa-cpus", f"{field}.cpus", f"node {number}: {problem}")
            cpus = frozenset()
        for cpu in sorted(cpus):
            if taken.setdefault(cpu, number) != number:
                yield error(
                    "numa-twice",
                    f"{field}.cpus",
                    f"vCPU {cpu} is in node {taken[cpu]} and in node {number}",
                    remedy="give it to one",
                )
        if cell.memory_kib < 1:
            yield error("numa-memory", f"{field}.memory", f"node {number} has no memory")
        if cell.host_node:
            yield from _host_nodes(f"{field}.host_node", cell.host_node, nodes)
    if not cells or broken:
        return
    wanted = set(range(min(spec.vcpus, MOST + 1)))
    if missing := wanted - taken.keys():
        yield error(
            "numa-cover",
            "machine.numa",
            f"vCPU {min(missing)} is in no node",
            "each vCPU has to be in one",
            "add it to a node",
        )
    elif beyond := sorted(taken.keys() - wanted):
        yield error(
            "numa-beyond",
            "machine.numa",
            f"there is no vCPU {beyond[0]}: the guest has {spec.vcpus}",
            remedy="take it out, or give the guest more vCPUs",
        )
    total = sum(cell.memory_kib for cell in cells)
    most = max(spec.memory_kib, spec.memory_max_kib)
    if total != most:
        yield error(
            "numa-sum",
            "machine.numa",
            f"the nodes have {kib(total)} of memory together, the guest {kib(most)}",
            "libvirt would take the nodes' sum",
            "make them equal",
        )


def _host_nodes(field: str, text: str, nodes: set[int]) -> Iterator[Finding]:
    try:
        asked = parse_cpus(text)
    except ValueError as problem:
        yield error("numa-host", field, str(problem))
        return
    gone = sorted(asked - nodes) if nodes else []
    if gone:
        yield error(
            "numa-host",
            field,
            f"the host has no node {gone[0]}",
            f"it has {', '.join(map(str, sorted(nodes)))}",
        )


def _pins(spec: Spec, offer: HostOffer) -> Iterator[Finding]:
    machine = spec.machine
    known = {cpu for node in offer.capabilities.numa for cpu in node.cpus}
    known = known or set(range(offer.cpus))
    if len(machine.pins) > max(spec.vcpus, 0):
        yield error(
            "pins-many",
            f"machine.pins.{max(spec.vcpus, 0)}",
            f"{len(machine.pins)} pins for {spec.vcpus} vCPUs",
            remedy="one a vCPU, in their order",
        )
    fields = [(f"machine.pins.{number}", pin) for number, pin in enumerate(machine.pins)]
    fields.append(("machine.emulator_pin", machine.emulator_pin))
    for field, text in fields:
        if not text:
            continue
        try:
            cpus = parse_cpus(text)
        except ValueError as problem:
            yield error("pin-invalid", field, str(problem))
            continue
        beyond = sorted(cpus - known) if known else []
        if beyond:
            yield error(
                "pin-beyond",
                field,
                f"the host has no CPU {beyond[0]}",
                f"its highest is {max(known)}",
                "take one that it has",
            )
    if machine.pins and offer.session:
        yield note(
            "pin-session",
            "machine.pins",
            "pins hold within the CPUs that a session may use",
            "an ordinary user has no right to others",
        )
