"""The checks of a guest's NICs: what they are plugged into, models, MACs, forwarded ports."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tuivm.model.creation import CreationPlan
from tuivm.model.findings import Finding
from tuivm.model.offers import DomainCaps, HostOffer
from tuivm.model.oses import OsInfo
from tuivm.model.spec import Forward, Machine, Nic, NicKind, SourceKind
from tuivm.preflight.asking import error, is_address, note, shown, warning
from tuivm.preflight.default_machine import is_express, is_i440fx
from tuivm.preflight.default_nics import find_network, knows_passt
from tuivm.preflight.drivers import drives
from tuivm.preflight.since import IGB, too_old

MODELS = (
    "virtio",
    "virtio-transitional",
    "virtio-non-transitional",
    "e1000",
    "e1000e",
    "igb",
    "rtl8139",
    "pcnet",
    "ne2k_pci",
    "i82551",
    "i82557b",
    "i82559er",
    "vmxnet3",
    "spapr-vlan",
    "netfront",
    "usb-net",
    "lan9118",
    "smc91c111",
)
_MAC = re.compile(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}")
_MULTICAST = 1
_EXPRESS_ALONE = ("e1000e", "igb")
_WIRELESS = ("wl", "ath")


def check_nics(plan: CreationPlan, offer: HostOffer, caps: DomainCaps) -> Iterator[Finding]:
    spec = plan.spec
    nics = [nic for nic in spec.nics or () if nic.kind is not NicKind.NONE]
    for number, nic in enumerate(spec.nics or ()):
        if nic.kind is NicKind.NONE:
            continue
        field = f"nic.{number}"
        yield from _connection(field, nic, offer, caps, start=spec.start)
        yield from _model(field, nic, spec.machine, offer, plan.os)
        yield from _mac(f"{field}.mac", nic.mac)
        yield from _forwards(field, nic, offer)
    if nics and all(nic.kind in (NicKind.USER, NicKind.PASST) for nic in nics):
        yield note(
            "user-mode",
            "nic.0",
            "user-mode networking: the guest reaches out, and nobody reaches it"
            + (" but by the forwarded ports" if any(nic.forwards for nic in nics) else ""),
            "it needs no privileges; ping does not work, and it is slow",
            "" if offer.session else "a virtual network (virsh net-start default), or a bridge",
        )
    yield from _alike(spec.nics or ())
    yield from _needed(plan, nics, offer)


def _connection(
    field: str, nic: Nic, offer: HostOffer, caps: DomainCaps, *, start: bool
) -> Iterator[Finding]:
    source = f"{field}.source"
    if nic.kind is NicKind.NETWORK:
        yield from _network(source, nic, offer, start=start)
    elif nic.kind in (NicKind.BRIDGE, NicKind.MACVTAP):
        yield from _interface(source, nic, offer)
    elif nic.kind is NicKind.PASST:
        yield from _passt(f"{field}.kind", offer, caps)
    elif nic.kind is NicKind.USER and caps.net_backends and "default" not in caps.net_backends:
        yield error(
            "user-offered",
            f"{field}.kind",
            "the host's QEMU has no user-mode networking (slirp)",
            remedy="passt, or a virtual network",
        )


def _network(field: str, nic: Nic, offer: HostOffer, *, start: bool) -> Iterator[Finding]:
    network = find_network(offer, nic.source)
    if network is None:
        have = ", ".join(one.name for one in offer.networks)
        yield error(
            "network-gone",
            field,
            f"there is no network {shown(nic.source) or 'named'} on {shown(offer.host)}",
            f"it has {shown(have)}" if have else "it has none at all",
            "choose another one, or user mode",
        )
    elif not network.active:
        make = error if start else warning
        yield make(
            "network-inactive",
            field,
            f"the network {shown(network.name)} is not active",
            "a guest that is on it does not start",
            f"virsh net-start {shown(network.name)}; virsh net-autostart {shown(network.name)}",
        )
    elif not network.forward:
        yield note(
            "network-isolated",
            field,
            f"the network {shown(network.name)} leads nowhere but to this host",
            "guests on it reach each other and the host",
        )


def _interface(field: str, nic: Nic, offer: HostOffer) -> Iterator[Finding]:
    bridge = nic.kind is NicKind.BRIDGE
    word = "bridge" if bridge else "interface"
    if not nic.source:
        yield error("interface-none", field, f"no {word} is named, and the host has none to take")
        return
    found = next((one for one in offer.interfaces if one.name == nic.source), None)
    if found is None and offer.interfaces:
        have = ", ".join(one.name for one in offer.interfaces if not bridge or one.kind == "bridge")
        yield error(
            "interface-gone",
            field,
            f"there is no {word} {shown(nic.source)} on {shown(offer.host)}",
            f"it has {shown(have)}" if have else "",
            "choose another one",
        )
    elif found is not None and bridge and found.kind != "bridge":
        yield error(
            "bridge-kind",
            field,
            f"{shown(nic.source)} is no bridge ({shown(found.kind)})",
            remedy="macvtap is for such an interface",
        )
    elif found is not None and found.up is False:
        yield warning(
            "interface-down",
            field,
            f"{shown(nic.source)} is down",
            "the guest will have no network",
            f"ip link set {shown(nic.source)} up",
        )
    if offer.session and not bridge:
        yield error(
            "session-macvtap",
            field,
            "an ordinary user's libvirt may not make macvtap interfaces",
            remedy="user mode or passt; or the system connection",
        )
    elif offer.session:
        yield warning(
            "session-bridge",
            field,
            "in a session, qemu-bridge-helper has to be allowed to use this bridge",
            "the guest does not start otherwise",
            f"'allow {shown(nic.source)}' in /etc/qemu/bridge.conf",
        )
    if not bridge:
        yield note(
            "macvtap-host",
            field,
            "guest and host do not reach each other over macvtap",
            "the kernel sends what leaves it straight out of the cable",
            "a bridge, if they shall",
        )
        if nic.source.startswith(_WIRELESS):
            yield warning(
                "macvtap-wireless",
                field,
                f"{shown(nic.source)} looks like a wireless interface",
                "most access points refuse a second MAC address",
                "a virtual network with NAT",
            )


def _passt(field: str, offer: HostOffer, caps: DomainCaps) -> Iterator[Finding]:
    if not knows_passt(offer):
        yield error(
            "passt-libvirt",
            field,
            "passt needs a libvirt newer than 9.0.0",
            "this host's refuses such a NIC",
            "user mode",
        )
    elif offer.passt is False or (caps.net_backends and "passt" not in caps.net_backends):
        yield error(
            "passt-missing",
            field,
            "passt is not installed on the host",
            "libvirt starts it for each NIC",
            "install passt, or take user mode",
        )
    elif offer.passt is None and not caps.net_backends:
        yield warning(
            "passt-unknown",
            field,
            "it is not known whether the host has passt",
            "without it the guest does not start",
            "user mode works everywhere",
        )


def _model(
    field: str, nic: Nic, machine: Machine, offer: HostOffer, os: OsInfo
) -> Iterator[Finding]:
    field, model = f"{field}.model", nic.model
    if not model:
        return
    network = find_network(offer, nic.source) if nic.kind is NicKind.NETWORK else None
    if network is not None and network.forward == "hostdev":
        yield note(
            "model-vf",
            field,
            "a virtual function has no model",
            "the guest sees the hardware itself",
            "leave it empty",
        )
        return
    if model not in MODELS:
        yield error(
            "model-unknown",
            field,
            f"{shown(model)} is no model of a NIC that is known here",
            remedy=f"one of {', '.join(MODELS[:9])}",
        )
        return
    express = is_i440fx(machine.machine) and model in _EXPRESS_ALONE
    if express:
        yield error(
            "model-express",
            field,
            f"{model} is PCI Express, and {shown(machine.machine)} has PCI only",
            remedy="e1000, or the machine q35",
        )
    if model == "igb" and too_old(offer, IGB):
        yield error("model-old", field, "igb needs libvirt 9.3 and QEMU 8.0", remedy="e1000e")
    if machine.arch == "s390x" and not model.startswith("virtio"):
        yield error("model-machine", field, f"s390x has no {shown(model)}", remedy="virtio")
    modern = is_express(machine.arch, machine.machine)
    if model.startswith("virtio") and drives(os, "net", modern=modern) is False:
        yield warning(
            "model-driver",
            field,
            f"{os.name} has no driver for virtio NICs of its own",
            "it will see no network",
            "load the driver (virtio-win for Windows), or take e1000e",
        )


def _mac(field: str, mac: str) -> Iterator[Finding]:
    if not mac:
        return
    if not _MAC.fullmatch(mac):
        yield error(
            "mac-invalid",
            field,
            f"{shown(mac)} is no MAC address",
            remedy="six pairs of hex digits with colons, or nothing: one is made",
        )
        return
    first = int(mac[:2], 16)
    if first & _MULTICAST:
        yield error(
            "mac-multicast",
            field,
            f"{mac} is a multicast address",
            "the lowest bit of its first byte is set, so no NIC can have it",
            "begin it with 52:54:00",
        )
    elif not mac.replace(":", "").strip("0"):
        yield error("mac-zero", field, "a MAC address of zeros is none")
    elif first == 0xFE:
        yield error(
            "mac-reserved",
            field,
            f"{mac} begins with fe",
            "libvirt keeps those for the host's side, and refuses them",
            "begin it with 52:54:00",
        )


def _alike(nics: tuple[Nic, ...]) -> Iterator[Finding]:
    macs: dict[str, int] = {}
    ports: dict[tuple[str, int], list[tuple[int, Forward]]] = {}
    for number, nic in enumerate(nics):
        if nic.mac and macs.setdefault(nic.mac.lower(), number) != number:
            yield error(
                "mac-twice",
                f"nic.{number}.mac",
                f"NIC {number} and NIC {macs[nic.mac.lower()]} have the same MAC address",
                "frames for one reach the other",
                "leave one empty",
            )
        for index, forward in enumerate(nic.forwards):
            before = ports.setdefault((forward.protocol, forward.host_port), [])
            if any(_overlap(forward, other) for _number, other in before):
                yield error(
                    "forward-twice",
                    f"nic.{number}.forwards.{index}",
                    f"port {forward.host_port}/{shown(forward.protocol)} of the host is "
                    "forwarded twice",
                    "only one can listen on it",
                    "take another port",
                )
            before.append((number, forward))


def _overlap(one: Forward, other: Forward) -> bool:
    anywhere = ("", "0.0.0.0", "::")  # noqa: S104 - what is compared, nothing is bound to it
    same = one.host_address == other.host_address
    return same or one.host_address in anywhere or other.host_address in anywhere


def _forwards(field: str, nic: Nic, offer: HostOffer) -> Iterator[Finding]:
    if nic.forwards and nic.kind is not NicKind.PASST:
        yield error(
            "forward-kind",
            f"{field}.forwards",
            "libvirt forwards ports with passt alone",
            "user mode without it has no way in; on a virtual network, the guest has an address",
            "choose passt" if knows_passt(offer) else "use a virtual network",
        )
    for index, forward in enumerate(nic.forwards):
        key = f"{field}.forwards.{index}"
        for port in (forward.host_port, forward.guest_port):
            if not 1 <= port <= 65535:
                yield error("forward-port", key, f"{port} is no port", remedy="1 to 65535")
        if forward.protocol not in {"tcp", "udp"}:
            yield error(
                "forward-protocol", key, f"{shown(forward.protocol)} is neither tcp nor udp"
            )
        if forward.host_address and not is_address(forward.host_address):
            yield error(
                "forward-address", key, f"{shown(forward.host_address)} is no address of a host"
            )
        if offer.session and 1 <= forward.host_port < 1024:
            yield warning(
                "forward-privileged",
                key,
                f"an ordinary user may not listen on port {forward.host_port}",
                "those below 1024 are root's, unless the host says otherwise",
                f"port {8000 + forward.host_port}",
            )


def _needed(plan: CreationPlan, nics: list[Nic], offer: HostOffer) -> Iterator[Finding]:
    kind = plan.spec.source.kind
    if not nics and kind in (SourceKind.TREE, SourceKind.PXE) and not plan.spec.passed:
        make = error if kind is SourceKind.PXE else warning
        yield make("network-none", "nic", "it has no NIC, and is to be installed from the network")
        return
    if kind is not SourceKind.PXE or not nics:
        return
    first = nics[0]
    network = find_network(offer, first.source) if first.kind is NicKind.NETWORK else None
    own = network is not None and network.forward != "bridge"
    if first.kind in (NicKind.USER, NicKind.PASST) or (own and network and not network.tftp):
        where = shown(network.name) if network else "user mode"
        yield warning(
            "pxe-nothing",
            "nic.0",
            f"nothing on {where} serves files to those who boot from the network",
            "libvirt's network has no <tftp> and <bootp>, so the firmware will wait in vain",
            "a network with TFTP, or a bridge to one where a server answers",
        )
