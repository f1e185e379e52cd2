"""What a host is made of, its storage and its networks, each asked in one go."""

from __future__ import annotations

import libvirt

from tuivm.domainxml.domcaps import read_domain_caps
from tuivm.domainxml.hostcaps import read_capabilities
from tuivm.hypervisor.hostinterfaces import local_interfaces, told_interfaces
from tuivm.hypervisor.hostnetworks import read_networks
from tuivm.hypervisor.hostnodes import INTERFACES, read_nodes
from tuivm.hypervisor.hostpools import read_pools
from tuivm.hypervisor.inventory import read_inventory
from tuivm.hypervisor.iommu import local_iommu, remote_iommu
from tuivm.hypervisor.nesting import local_nesting, remote_nesting
from tuivm.hypervisor.secure import local_secure, remote_secure
from tuivm.hypervisor.survey import Asked, Guests, cpus, memory_kib, place_of, read_guests, who
from tuivm.model.hosts import HostSpec
from tuivm.model.offers import Capabilities, DomainCaps, HostOffer, NumaNode


def overview(conn: libvirt.virConnect, spec: HostSpec) -> HostOffer:
    """What it is made of. May take the daemon a minute where it has to run its emulators first."""
    place, asked = place_of(conn), Asked()
    guests = Guests()
    guests.list(conn.listAllDomains())
    capabilities = (
        asked("its capabilities", lambda: read_capabilities(conn.getCapabilities()))
        or Capabilities()
    )
    caps = _caps(conn, spec, asked)
    memory, free = memory_kib(conn, asked)
    return who(conn, spec, place, asked)._replace(
        cpus=cpus(conn, asked),
        memory_kib=memory,
        memory_free_kib=free,
        capabilities=capabilities._replace(numa=_with_free(conn, capabilities.numa, asked)),
        guests=guests.known,
        nesting=local_nesting() if place.local else remote_nesting(capabilities),
        iommu=local_iommu() if place.local else remote_iommu(capabilities),
        secure=(local_secure if place.local else remote_secure)(capabilities, caps),
        remarks=asked.remarks,
    )


def _caps(conn: libvirt.virConnect, spec: HostSpec, asked: Asked) -> DomainCaps | None:
    """Of the host's own emulator and machine; libvirt tells nobody who may only read."""
    if spec.readonly:
        return None
    return asked("what its QEMU can do", lambda: read_domain_caps(conn.getDomainCapabilities()))


def _with_free(
    conn: libvirt.virConnect, nodes: tuple[NumaNode, ...], asked: Asked
) -> tuple[NumaNode, ...]:
    """With the hugepages that are free now. Nodes need not be numbered one after another, so each
    is asked for itself."""
    found = []
    for node in nodes:
        sizes = [size for size, _ in node.pages]
        free = _free_pages(conn, node.number, sizes, asked) if sizes else {}
        pages = tuple((size, free[size]) for size in sizes if size in free)
        found.append(node._replace(free_pages=pages))
    return tuple(found)


def _free_pages(
    conn: libvirt.virConnect, node: int, sizes: list[int], asked: Asked
) -> dict[int, int]:
    told = asked("its free hugepages", lambda: conn.getFreePages(sizes, node, 1)) or {}
    return told.get(node, {})


def storage(conn: libvirt.virConnect, spec: HostSpec) -> HostOffer:
    """Pools and volumes as libvirt saw them last, with the guests that use them. Raises
    libvirtError when the host does not even list its guests."""
    place, asked = place_of(conn), Asked()
    guests = Guests()
    # Not refreshed: that would be an event, upon which storage is asked for anew, without end.
    inventory = read_inventory(conn, seen=guests.see, refresh=False)
    guests.list(conn.listAllDomains())
    asked.remark(*inventory.incomplete)
    pools = asked("storage pools", lambda: read_pools(conn, inventory, None, session=False))
    return who(conn, spec, place, asked)._replace(
        pools=pools or (), guests=guests.known, remarks=asked.remarks
    )


def networks(conn: libvirt.virConnect, spec: HostSpec) -> HostOffer:
    """Networks with their leases and who is on them, and interfaces. Raises libvirtError when the
    host does not even list its guests."""
    place, asked = place_of(conn), Asked()
    guests = read_guests(conn, asked)
    found = asked("virtual networks", lambda: read_networks(conn, guests.nics))
    if place.local:
        interfaces = local_interfaces()
    else:
        # The interfaces alone: node devices of all kinds are many.
        nodes = asked("its interfaces", lambda: read_nodes(conn, INTERFACES)) or ()
        interfaces = asked("its interfaces", lambda: told_interfaces(conn, nodes)) or ()
    return who(conn, spec, place, asked)._replace(
        networks=found or (), interfaces=interfaces, guests=guests.known, remarks=asked.remarks
    )
