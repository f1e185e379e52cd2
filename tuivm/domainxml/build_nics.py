"""Network interfaces of a new definition."""

from __future__ import annotations

from tuivm.domainxml.build_boot import boot_number
from tuivm.domainxml.build_parts import Making, element
from tuivm.domainxml.parse import Element
from tuivm.model.spec import Forward, Nic, NicKind


def nics(making: Making) -> list[Element]:
    """All that were asked for. libvirt cannot forward ports to user-mode networking without
    passt: forwards of a NIC of that kind are not written (the preflight says so)."""
    return [_nic(making, nic, number) for number, nic in enumerate(making.nics)]


def _nic(making: Making, nic: Nic, number: int) -> Element:
    kind, source = _source(nic)
    mac = making.mac(nic.mac, number)
    order = boot_number(making, "nic", number)
    passt = nic.kind is NicKind.PASST
    return element(
        "interface",
        element("mac", address=mac) if mac else None,
        source,
        element("model", type=nic.model) if nic.model else None,
        element("backend", type="passt") if passt else None,
        *(_forward(one) for one in nic.forwards if passt),
        # A guest that hands this NIC to a guest of its own needs its memory behind the IOMMU.
        element("driver", iommu="on", ats="on")
        if making.spec.machine.viommu and nic.model == "virtio"
        else None,
        element("boot", order=order) if order else None,
        type=kind,
    )


def _source(nic: Nic) -> tuple[str, Element | None]:
    match nic.kind:
        case NicKind.BRIDGE:
            return "bridge", element("source", bridge=nic.source)
        case NicKind.MACVTAP:
            return "direct", element("source", dev=nic.source, mode="bridge")
        case NicKind.USER | NicKind.PASST:
            return "user", None
    return "network", element("source", network=nic.source or "default")


def _forward(forward: Forward) -> Element:
    ports = element("range", start=forward.host_port, to=forward.guest_port)
    return element("portForward", ports, proto=forward.protocol, address=forward.host_address)
