"""A host's virtual networks, and who is on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import libvirt

from tuivm.domainxml.networkxml import PluggedNic, read_network
from tuivm.hypervisor.errors import is_unsupported
from tuivm.model.offers import Lease, Network, NetworkUser


def read_networks(
    conn: libvirt.virConnect, nics: Mapping[str, Iterable[PluggedNic]]
) -> tuple[Network, ...]:
    """By name. nics: of guests by name. Raises libvirtError."""
    found = []
    for network in conn.listAllNetworks():
        try:
            said = read_network(network.XMLDesc(), active=bool(network.isActive()))
            persistent = bool(network.isPersistent())
            autostart = bool(network.autostart()) if persistent else None
            leases = _leases(network) if said.active and said.dhcp else ()
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_NO_NETWORK:
                raise
            continue
        found.append(
            said._replace(
                autostart=autostart,
                persistent=persistent,
                leases=leases,
                users=tuple(sorted(_users(said, nics))),
            )
        )
    return tuple(sorted(found))


def read_pools_of_functions(conn: libvirt.virConnect) -> tuple[Network, ...]:
    """Networks that give guests devices of the host's, with what they give out while they run;
    without leases and users. Raises libvirtError."""
    found = []
    for network in conn.listAllNetworks():
        try:
            said = read_network(network.XMLDesc(), active=bool(network.isActive()))
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_NO_NETWORK:
                raise
            continue
        if said.forward == "hostdev":
            found.append(said)
    return tuple(sorted(found))


def _leases(network: libvirt.virNetwork) -> tuple[Lease, ...]:
    try:
        told = network.DHCPLeases()
    except libvirt.libvirtError as error:
        # It has just been stopped, or its driver has no leases.
        if is_unsupported(error) or error.get_error_code() == libvirt.VIR_ERR_OPERATION_INVALID:
            return ()
        raise
    leases = (
        Lease(
            mac=one.get("mac") or "",
            address=f"{one['ipaddr']}/{one['prefix']}" if one.get("prefix") else one["ipaddr"],
            hostname=one.get("hostname") or "",
            until=one.get("expirytime") or None,
        )
        for one in told
        if one.get("ipaddr")
    )
    return tuple(sorted(leases, key=lambda lease: (lease.address, lease.mac)))


def _users(network: Network, nics: Mapping[str, Iterable[PluggedNic]]) -> Iterator[NetworkUser]:
    for guest, plugged in nics.items():
        for nic in plugged:
            if nic.on(network):
                yield NetworkUser(guest, nic.mac, nic.running)
