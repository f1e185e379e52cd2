"""Reading `<network>` and `<interface>`: where a guest's NIC can be plugged in.

The documents are described in libvirt's formatnetwork page and in its interface schema.
"""

from __future__ import annotations

from tuivm.domainxml.parse import attr, child_attr, parse_xml, text
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
    )


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
