"""What can be chosen for a new guest's NICs, from what its host offers and its OS drives. Pure."""

from __future__ import annotations

import random
import re

from tuivm.model.devices import DeviceClass
from tuivm.model.offers import HostOffer, Network
from tuivm.model.oses import OsInfo
from tuivm.model.spec import Forward, Machine, Nic, NicKind
from tuivm.preflight.choices_disk import no_driver
from tuivm.preflight.choices_machine import EMULATED, PARAVIRTUAL, PHYSICAL, Pick
from tuivm.preflight.default_machine import X86, is_express, is_i440fx
from tuivm.preflight.default_nics import knows_passt
from tuivm.preflight.drivers import drives
from tuivm.preflight.since import IGB, too_old

_PCI = ("virt", "pseries", "sbsa-ref")
_MODELS: tuple[tuple[str, str, str, DeviceClass], ...] = (
    ("virtio", "virtio-net", "least work for the host", PARAVIRTUAL),
    ("netfront", "Xen netfront", "least work for the host", PARAVIRTUAL),
    ("spapr-vlan", "spapr-vlan", "IBM POWER's own", PARAVIRTUAL),
    ("vmxnet3", "vmxnet3", "VMware's own; drivers in many systems", PARAVIRTUAL),
    ("igb", "igb (Intel 82576)", "PCI Express, with virtual functions of its own", EMULATED),
    ("e1000e", "e1000e (Intel 82574L)", "PCI Express; drivers since about 2009", EMULATED),
    ("e1000", "e1000 (Intel 82540EM)", "PCI; drivers since about 2002", EMULATED),
    ("rtl8139", "rtl8139 (Realtek)", "100 Mbit/s; drivers nearly everywhere", EMULATED),
    ("pcnet", "pcnet (AMD)", "for systems of the nineties", EMULATED),
    ("ne2k_pci", "ne2k_pci", "for systems of the nineties; very slow", EMULATED),
)
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")


def nic_models(machine: Machine, offer: HostOffer, os: OsInfo) -> tuple[Pick, ...]:
    """Models of NICs, paravirtual first. Domain capabilities do not list them: these are what
    QEMU's target for the architecture and machine has, newer ones by version."""
    usable, driverless, refused = [], [], []
    modern = is_express(machine.arch, machine.machine)
    for model, label, note, cls in _MODELS:
        if not _makes_sense(model, machine):
            continue
        pick = Pick(model, label, note, cls)
        # osinfo's lists tell of virtio reliably; of emulated NICs, only what is there counts.
        if refusal := _model_refusal(model, machine, offer):
            refused.append(pick._replace(refusal=refusal))
        elif model == "virtio" and drives(os, "net", modern=modern) is False:
            driverless.append(pick._replace(note=no_driver(os)))
        else:
            usable.append(pick)
    return (*usable, *driverless, *refused)


def _model_refusal(model: str, machine: Machine, offer: HostOffer) -> str:
    if model in ("igb", "e1000e") and is_i440fx(machine.machine):
        return f"PCI Express: machine type {machine.machine} has PCI only"
    return "needs libvirt 9.3 and QEMU 8.0" if model == "igb" and too_old(offer, IGB) else ""


def _makes_sense(model: str, machine: Machine) -> bool:
    """On this machine a person could think of it at all."""
    if machine.virt_type == "xen":
        # A fully virtualized guest of Xen's has two of QEMU's old ones besides.
        full = machine.machine != "xenpv"
        return model == "netfront" or (full and model in ("e1000", "rtl8139"))
    if model in ("netfront", "spapr-vlan"):
        return model == "spapr-vlan" and machine.machine.startswith("pseries")
    if model == "virtio" or machine.arch == "s390x":
        return model == "virtio"
    if model == "vmxnet3":
        return machine.arch in X86
    return machine.arch in X86 or machine.machine.startswith(_PCI) or not machine.arch


def model_class(nic: Nic, offer: HostOffer) -> DeviceClass | None:
    """The class of the NIC that this makes; None where the model is left to its default."""
    if nic.kind is NicKind.NETWORK and is_vf_pool(offer, nic.source):
        return PHYSICAL
    if nic.model.startswith("virtio"):
        return PARAVIRTUAL
    return next((cls for name, _, _, cls in _MODELS if name == nic.model), None)


def is_vf_pool(offer: HostOffer, network: str) -> bool:
    return any(one.name == network and one.forward == "hostdev" for one in offer.networks)


def connections(offer: HostOffer) -> tuple[Pick, ...]:
    """What a NIC can be plugged into; value: kind and name, as `connection_of` reads them."""
    picks = [
        Pick("", "default", "network default if it is active, else user mode"),
        *(_network(network) for network in offer.networks),
    ]
    for interface in offer.interfaces:
        if interface.kind == "bridge" and interface.name not in _own_bridges(offer):
            note = "straight into the network behind it; the guest is a machine like any other"
            if offer.session:
                note = "by qemu-bridge-helper, which /etc/qemu/bridge.conf has to allow"
            down = "" if interface.up is not False else "down; "
            picks.append(
                _of(NicKind.BRIDGE, interface.name, f"bridge {interface.name}", down + note)
            )
    for interface in offer.interfaces:
        if interface.kind in ("ethernet", "bond", "vlan"):
            pick = _of(
                NicKind.MACVTAP,
                interface.name,
                f"macvtap on {interface.name}",
                "on that network with a MAC of its own; host and guest do not see each other",
            )
            why = "an ordinary user's libvirt may not make macvtap interfaces"
            picks.append(pick._replace(refusal=why if offer.session else ""))
    return (*picks, *_user_mode(offer), Pick("none", "no NIC", "the guest gets none here"))


def _of(kind: NicKind, source: str, label: str, note: str) -> Pick:
    return Pick(f"{kind}:{source}", label, note)


def _own_bridges(offer: HostOffer) -> set[str]:
    return {network.bridge for network in offer.networks}


def _network(network: Network) -> Pick:
    words = {
        "": "isolated: host and guests only",
        "nat": "NAT: the guest reaches out, nobody reaches in",
        "route": "routed",
        "open": "routed, without firewall rules",
        "bridge": "into the network behind its bridge",
        "hostdev": "a pool of VFs: each NIC gets a part of a real one",
    }
    state = "active" if network.active else "inactive"
    extras = [name for name, there in (("DHCP", network.dhcp), ("TFTP", network.tftp)) if there]
    note = ", ".join([state, words.get(network.forward, network.forward), *extras])
    pick = _of(NicKind.NETWORK, network.name, f"network {network.name}", note)
    if network.forward == "hostdev":
        pick = pick._replace(cls=PHYSICAL)
    if not network.active:
        pick = pick._replace(refusal="inactive: start it first")
    return pick


def _user_mode(offer: HostOffer) -> tuple[Pick, ...]:
    passt = ""
    if offer.passt is False:
        passt = "passt is not installed on the host"
    elif not knows_passt(offer):
        passt = "needs a libvirt later than 9.0.0"
    note = "user mode, faster; the guest has the host's addresses; ports can be forwarded"
    if offer.passt is None:
        note += "; not known whether passt is installed"
    picks = (
        Pick("passt", "passt", note, refusal=passt),
        Pick(
            "user",
            "user mode (slirp)",
            "no rights needed; reaches out only; slow",
        ),
    )
    return picks if offer.driver.upper() in ("QEMU", "KVM", "") else ()


def connection_of(value: str) -> tuple[NicKind, str]:
    """ "network:default" -> (network, "default")."""
    kind, _, source = value.partition(":")
    return NicKind(kind), source


def connection_value(nic: Nic) -> str:
    return f"{nic.kind}:{nic.source}" if nic.source else str(nic.kind)


def random_mac(driver: str = "QEMU", rng: random.Random | None = None) -> str:
    """A MAC of the range that libvirt takes for this driver: 52:54:00 (QEMU), 00:16:3e (Xen)."""
    prefix = "00:16:3e" if driver.upper() == "XEN" else "52:54:00"
    source = rng or random.SystemRandom()
    return prefix + "".join(f":{source.randrange(256):02x}" for _ in range(3))


def mac_fault(mac: str) -> str:
    """What is wrong with a MAC address, "" for nothing ("" is libvirt's choice)."""
    if not mac:
        return ""
    text = mac.lower().replace("-", ":")
    if not _MAC.fullmatch(text):
        return "a MAC address is six pairs of hex digits, such as 52:54:00:12:34:56"
    if int(text[:2], 16) & 1:
        return "this is a multicast address: the second digit of a NIC's own is even"
    return "" if text != "00:00:00:00:00:00" else "this address says nothing"


def parse_forward(text: str) -> Forward | str:
    """ "2222:22", "tcp 2222:22", "127.0.0.1:2222:22", "8080:80/udp", "[::1]:2222:22", or what is
    wrong with it."""
    rest = text.strip()
    protocol = "tcp"
    head, _, tail = rest.partition(" ")
    if head.lower() in ("tcp", "udp"):
        protocol, rest = head.lower(), tail.strip()
    if "/" in rest:
        rest, _, named = rest.rpartition("/")
        protocol = named.strip().lower()
    if protocol not in ("tcp", "udp"):
        return "the protocol is tcp or udp"
    parts = rest.rsplit(":", 2)
    if len(parts) < 2:
        return "host's port:guest's port, such as 2222:22"
    ports = []
    for part, whose in zip(parts[-2:], ("host's", "guest's"), strict=True):
        port = part.strip()
        if not (port.isascii() and port.isdigit()) or len(port) > 5 or not 0 < int(port) < 65536:
            return f"the {whose} port is a number from 1 to 65535"
        ports.append(int(port))
    address = parts[0].strip().strip("[]") if len(parts) == 3 else ""
    return Forward(ports[0], ports[1], protocol, address)


def forward_text(forward: Forward) -> str:
    """As `parse_forward` reads it."""
    address = forward.host_address
    if ":" in address:
        address = f"[{address}]"
    start = f"{address}:" if address else ""
    return f"{start}{forward.host_port}:{forward.guest_port}/{forward.protocol}"


def parse_forwards(text: str) -> tuple[Forward, ...]:
    """Several with commas between them; what is none is left out."""
    found = (parse_forward(part) for part in text.split(",") if part.strip())
    return tuple(one for one in found if isinstance(one, Forward))


def forwards_fault(text: str) -> str:
    """The first fault in such a text, "" for none."""
    seen: set[tuple[str, str, int]] = set()
    for part in text.split(","):
        forward = parse_forward(part)
        if isinstance(forward, str):
            return forward
        taken = (forward.protocol, forward.host_address, forward.host_port)
        if taken in seen:
            return f"the host's port {forward.host_port} is forwarded twice"
        seen.add(taken)
    return ""


def model_label(nic: Nic, offer: HostOffer) -> str:
    """What the guest's NIC is called on the screen."""
    if nic.kind is NicKind.NETWORK and is_vf_pool(offer, nic.source):
        return "VF of the host's NIC"
    return next((label for name, label, _, _ in _MODELS if name == nic.model), nic.model)
