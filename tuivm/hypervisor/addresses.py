"""IP addresses of running guests."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

import libvirt

from tuivm.model.devices import DeviceKind
from tuivm.model.guests import Guest


def has_network(guest: Guest) -> bool:
    """It is up and has something that may have an address."""
    if not guest.state.active or guest.details is None:
        return False
    return guest.details.agent_connected or any(
        device.kind is DeviceKind.NIC for device in guest.details.devices
    )


def look_up(domain: libvirt.virDomain, *, agent: bool) -> tuple[str, ...]:
    """From libvirt's DHCP leases, else the host's ARP table, else the guest's agent.

    The agent is asked last, and only where it is connected: a guest that hangs holds the call for
    seconds. () when nobody knows.
    """
    sources = [
        libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE,
        libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP,
    ]
    if agent:
        sources.append(libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT)
    for source in sources:
        try:
            interfaces = domain.interfaceAddresses(source)
        except libvirt.libvirtError:
            continue
        known = useful(
            address["addr"]
            for interface in interfaces.values()
            for address in interface["addrs"] or ()
        )
        if known:
            return known
    return ()


def useful(addresses: Iterable[str]) -> tuple[str, ...]:
    """Without loopback, link-local and what is no address at all; IPv4 first, each once."""
    kept = set()
    for text in addresses:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            continue
        if not (address.is_loopback or address.is_link_local or address.is_unspecified):
            kept.add(address)
    return tuple(str(a) for a in sorted(kept, key=lambda a: (a.version, int(a))))
