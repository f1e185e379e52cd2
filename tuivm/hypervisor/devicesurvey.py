"""The devices of a host and all that verdicts on them are drawn from, asked in one go."""

from __future__ import annotations

import libvirt

from tuivm.domainxml.hostcaps import read_capabilities
from tuivm.hypervisor import hostuse
from tuivm.hypervisor.hostdevices import host_devices
from tuivm.hypervisor.hostnetworks import read_pools_of_functions
from tuivm.hypervisor.hostnodes import read_nodes
from tuivm.hypervisor.iommu import local_iommu, remote_iommu
from tuivm.hypervisor.nesting import local_nesting, remote_nesting
from tuivm.hypervisor.numa import local_nodes
from tuivm.hypervisor.survey import Asked, memory_kib, place_of, read_guests, who
from tuivm.model.hosts import HostSpec
from tuivm.model.offers import Capabilities, HostOffer


def devices(conn: libvirt.virConnect, spec: HostSpec) -> HostOffer:
    """With its memory, as a guest with a device has all of its own locked, the networks that give
    out VFs, and on this machine the NUMA nodes of its capabilities alone: libvirt may take a minute
    to tell of the rest.

    Raises libvirtError when the host does not even list its guests.
    """
    place, asked = place_of(conn), Asked()
    guests = read_guests(conn, asked)
    nodes = asked("its devices", lambda: read_nodes(conn)) or ()
    found = host_devices(
        nodes,
        guests.named,
        hostuse.look() if place.local else None,
        over_network=place.over_network,
        unread=guests.unread,
    )
    if place.local:
        capabilities = Capabilities(numa=local_nodes())
        iommu, nesting = local_iommu(), local_nesting()
    else:
        capabilities = (
            asked("its capabilities", lambda: read_capabilities(conn.getCapabilities()))
            or Capabilities()
        )
        iommu, nesting = remote_iommu(capabilities, found), remote_nesting(capabilities)
    memory, free = memory_kib(conn, asked)
    return who(conn, spec, place, asked)._replace(
        devices=found,
        networks=asked("virtual networks", lambda: read_pools_of_functions(conn)) or (),
        iommu=iommu,
        nesting=nesting,
        memory_kib=memory,
        memory_free_kib=free,
        capabilities=capabilities,
        guests=guests.known,
        remarks=asked.remarks,
    )
