"""Reading `<network>` and `<interface>`: where a guest's NIC can be plugged in.

The documents are described in libvirt's formatnetwork page and in its interface schema.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import NamedTuple

from tuivm.domainxml.parse import Element, attr, child_attr, parse_xml, pci_address, text
from tuivm.model.offers import HostInterface, Network


def read_network(xml: str, *, active: bool) -> Network:
    """Raises ValueError, with the reason, for what is no `<network>`."""
    network = parse_xml(xml, "network")
    forward = network.find("forward")
    return Network(
        name=text(network, "name"),
        active=active,
        # libvirt takes an element without a mode for NAT.
        forward="" if forward is None else attr(forward, "mode") or "nat",
        bridge=child_attr(network, "bridge", "name"),
        dhcp=network.find("ip/dhcp") is not None,
        tftp=network.find("ip/dhcp/bootp") is not None or network.find("ip/tftp") is not None,
        addresses=tuple(_addresses(network)),
        devices=() if forward is None else tuple(dict.fromkeys(_devices(forward))),
    )


def _addresses(network: Element) -> Iterator[str]:
    """ "192.168.122.1/24", as it stands there where that is no address."""
    for ip in network.iterfind("ip"):
        length = attr(ip, "prefix") or attr(ip, "netmask")
        address = attr(ip, "address")
        shown = f"{address}/{length}" if length else address
        try:
            yield str(ipaddress.ip_interface(shown)) if length else shown
        except ValueError:
            yield shown


def _devices(forward: Element) -> Iterator[str]:
    """Interfaces, and the addresses of VFs."""
    for one in (forward, *forward.iterfind("interface"), *forward.iterfind("pf")):
        if attr(one, "dev"):
            yield attr(one, "dev")
    for address in forward.iterfind("address"):
        if found := pci_address(address):
            yield found


class PluggedNic(NamedTuple):
    """A guest's NIC on a virtual network or a bridge of the host's; "" for what is not said."""

    mac: str
    network: str
    bridge: str
    running: bool

    def on(self, network: Network) -> bool:
        if self.network:
            return self.network == network.name
        return bool(self.bridge) and self.bridge == network.bridge


def plugged_nics(domain: Element, *, running: bool) -> tuple[PluggedNic, ...]:
    """Of a `<domain>`. running: it is what the guest runs with."""
    found = (
        PluggedNic(
            mac=child_attr(nic, "mac", "address"),
            network=child_attr(nic, "source", "network"),
            bridge=child_attr(nic, "source", "bridge"),
            running=running,
        )
        for nic in domain.iterfind("devices/interface")
    )
    return tuple(nic for nic in found if nic.network or nic.bridge)


def read_interface(xml: str) -> HostInterface:
    """Of an `<interface>` as virInterfaceGetXMLDesc has it, not one of a guest's.

    Raises ValueError, with the reason, for anything else.
    """
    interface = parse_xml(xml, "interface")
    name = attr(interface, "name")
    if not name:
        raise ValueError("the interface has no name")
    state = child_attr(interface, "link", "state")
    return HostInterface(name, attr(interface, "type"), None if not state else state == "up")
