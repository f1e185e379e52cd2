"""What a host says of itself, each item tolerated as missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import libvirt
from lxml import etree

from tuivm.hypervisor import machine
from tuivm.hypervisor.load import runs_here
from tuivm.model.hosts import HostFacts

T = TypeVar("T")


def quick_facts(conn: libvirt.virConnect, uri: str) -> HostFacts:
    """What the daemon knows without asking anything else."""
    facts = HostFacts(
        uri=uri,
        driver=_tolerant(conn.getType) or "",
        libvirt_version=version_text(_tolerant(conn.getLibVersion)),
        local=runs_here(uri),
    )
    info = _tolerant(conn.getInfo)
    if info is None:
        return facts
    # virNodeInfo: model, memory in MiB (the bindings scale it), CPUs, MHz, NUMA nodes, sockets a
    # node, cores a socket, threads a core. 0 MHz means that it is not known.
    model, memory_mib, cpus, mhz, nodes, sockets, cores, threads = info
    return facts._replace(
        arch=str(model),
        memory_kib=_memory_kib(conn) or int(memory_mib) * 1024,
        cpus=int(cpus),
        mhz=int(mhz) or None,
        numa_nodes=int(nodes),
        sockets=int(sockets),
        cores=int(cores),
        threads=int(threads),
    )


def _memory_kib(conn: libvirt.virConnect) -> int | None:
    """What the kernel uses: virNodeInfo leaves out memory that was plugged in while it ran."""
    stats = _tolerant(lambda: conn.getMemoryStats(libvirt.VIR_NODE_MEMORY_STATS_ALL_CELLS))
    return stats.get("total") if stats else None


def slow_facts(conn: libvirt.virConnect, facts: HostFacts) -> HostFacts:
    """The rest: the daemon may run each of its emulators to find out, which can take a minute."""
    virt_types, arch, cpu_model = read_capabilities(_tolerant(conn.getCapabilities) or "")
    if facts.local:
        facts = _of_this_machine(facts)
    return facts._replace(
        hostname=_tolerant(conn.getHostname) or "",
        hypervisor_version=version_text(_tolerant(conn.getVersion)),
        virt_types=virt_types,
        arch=arch or facts.arch,
        cpu_model=cpu_model,
    )


def _of_this_machine(facts: HostFacts) -> HostFacts:
    setting, functions = machine.nested_setting(), machine.functions()
    return facts._replace(
        virtualized=machine.is_guest(),
        nested=None if setting is None else setting in ("Y", "1"),
        iommu_groups=machine.iommu_groups(),
        physical_functions=functions.physical if functions else None,
        virtual_functions=functions.virtual if functions else None,
    )


def version_text(number: int | None) -> str:
    """1000000 * major + 1000 * minor + release, as libvirt counts; "" when not known."""
    if not number:
        return ""
    return f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}"


def read_capabilities(xml: str) -> tuple[tuple[str, ...], str, str]:
    """Virtualization types in the document's order, architecture and CPU model of the host."""
    if not xml:
        return (), "", ""
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(xml.encode(), parser)
    except etree.XMLSyntaxError:
        return (), "", ""
    types = dict.fromkeys(domain.get("type", "") for domain in root.iterfind("guest/arch/domain"))
    return (
        tuple(name for name in types if name),
        root.findtext("host/cpu/arch", ""),
        root.findtext("host/cpu/model", ""),
    )


def _tolerant(call: Callable[[], T]) -> T | None:
    try:
        return call()
    except libvirt.libvirtError:
        return None
