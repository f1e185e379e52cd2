"""All that a host offers to those who create guests on it, asked in one go."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import libvirt

from tuivm.domainxml.hostcaps import read_capabilities
from tuivm.hypervisor import hostuse
from tuivm.hypervisor.blockvolumes import BlockVolumes
from tuivm.hypervisor.hostdevices import host_devices
from tuivm.hypervisor.hostinterfaces import local_interfaces, told_interfaces
from tuivm.hypervisor.hostnetworks import read_networks
from tuivm.hypervisor.hostnodes import read_nodes
from tuivm.hypervisor.hostpools import read_pools
from tuivm.hypervisor.inventory import read_inventory
from tuivm.hypervisor.iommu import local_iommu, remote_iommu
from tuivm.hypervisor.nesting import local_nesting, remote_nesting
from tuivm.hypervisor.reach import qemu_identity
from tuivm.hypervisor.survey import Asked, Guests, cpus, memory_kib, place_of, who
from tuivm.model.hosts import HostSpec
from tuivm.model.offers import Capabilities, HostOffer


def gather(conn: libvirt.virConnect, spec: HostSpec) -> HostOffer:
    """Everything, as it is now; what could not be asked is in the remarks.

    May take the daemon a minute where it has to run its emulators first. Raises libvirtError when
    the host does not even list its guests.
    """
    place, asked = place_of(conn), Asked()
    local, session = place.local, place.session
    host = asked("its capabilities", lambda: read_capabilities(conn.getCapabilities()))
    capabilities = host or Capabilities()
    owner = qemu_identity(capabilities.qemu_user, session=session) if local else None
    guests = Guests(BlockVolumes(conn))
    inventory = read_inventory(conn, seen=guests.see)
    guests.list(conn.listAllDomains())
    asked.remark(*inventory.incomplete)
    nodes = asked("its devices", lambda: read_nodes(conn)) or ()
    devices = host_devices(
        nodes,
        guests.named,
        hostuse.look() if local else None,
        over_network=place.over_network,
        unread=guests.unread,
    )
    memory, free = memory_kib(conn, asked)
    return who(conn, spec, place, asked)._replace(
        cpus=cpus(conn, asked),
        memory_kib=memory,
        memory_free_kib=free,
        capabilities=capabilities,
        pools=asked("storage pools", lambda: read_pools(conn, inventory, owner, session=session))
        or (),
        networks=asked("virtual networks", lambda: read_networks(conn, guests.nics)) or (),
        interfaces=(
            local_interfaces()
            if local
            else asked("its interfaces", lambda: told_interfaces(conn, nodes)) or ()
        ),
        devices=devices,
        guests=guests.known,
        nesting=local_nesting() if local else remote_nesting(capabilities),
        iommu=local_iommu() if local else remote_iommu(capabilities, devices),
        images_path=_images_path(session=session, local=local, uri_path=place.path),
        passt=shutil.which("passt") is not None if local else None,
        remarks=asked.remarks,
    )


def _images_path(*, session: bool, local: bool, uri_path: str) -> str:
    if uri_path == "/system":
        return "/var/lib/libvirt/images"
    if not (session and local):
        return ""
    data = os.environ.get("XDG_DATA_HOME")
    return str((Path(data) if data else Path.home() / ".local/share") / "libvirt/images")
