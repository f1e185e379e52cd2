"""Networks: how they go out, who is on them, what their DHCP server gave, whose their VFs are.
Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tuivm.model.offers import HostDevice, HostOffer, Lease, Network, NetworkUser
from tuivm.screens.hostpages.partrows import Col, Detail, Row, Words, counted, mark
from tuivm.screens.hostpages.storagerows import kept_words

_FORWARDS = {
    "": ("isolated", "guests reach each other and the host, nothing beyond"),
    "nat": ("NAT", "guests reach out with the host's address; nobody reaches in"),
    "route": ("routed", "the host routes; those outside need a route back"),
    "open": ("open", "the host routes, and libvirt writes no firewall rules"),
    "bridge": ("bridge", "guests are on the network that the host's bridge or NIC is on"),
    "private": ("macvtap private", "guests reach out by the NIC, not each other"),
    "vepa": ("macvtap VEPA", "all goes to the switch outside, which sends it back"),
    "passthrough": ("macvtap passthrough", "each guest has a NIC of the host's to itself"),
    "hostdev": ("VF pool", "each guest's NIC is a VF of its own: physical, partitioned"),
}
_OPEN_MOST = 60
"""Guests, leases and VFs on a host up to which all networks are open at first."""
_MINUTE, _HOUR, _DAY = 60, 3600, 86400

Key = tuple[str, ...]
Part = Network | Lease | NetworkUser | HostDevice | str
"""str: the address of a VF that the devices say nothing of."""


class Networks(NamedTuple):
    """What rows are made of. parts: the network and the part that a row's item stands for.
    devices: the host's, by address; none where they were not asked for."""

    offer: HostOffer
    parts: Mapping[Key, tuple[Network, Part]]
    devices: Mapping[str, HostDevice]

    @classmethod
    def of(cls, offer: HostOffer, devices: Sequence[HostDevice] = ()) -> Networks:
        known = {device.address: device for device in devices if device.kind == "pci"}
        parts: dict[Key, tuple[Network, Part]] = {}
        for network in offer.networks:
            parts["network", network.name] = network, network
            for user in network.users:
                parts["user", network.name, user.guest, user.mac] = network, user
            for lease in network.leases:
                parts["lease", network.name, lease.mac, lease.address] = network, lease
            for address in functions(network):
                part = known.get(address, address)
                parts["vf", network.name, address] = network, part
        return cls(offer, parts, known)


def functions(network: Network) -> tuple[str, ...]:
    """Addresses of the VFs that it gives to guests."""
    return network.devices if network.forward == "hostdev" else ()


def until_words(until: int | None, now: float) -> str:
    """Of a lease, in steps of a minute: a figure that changes each second would be noise."""
    if until is None:
        return "without end"
    left = int(until - now)
    words = _long(abs(left))
    return f"{words} left" if left >= 0 else f"ended {words} ago"


def _long(seconds: int) -> str:
    if seconds < _MINUTE:
        return "less than 1 min"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min"
    if seconds < _DAY:
        return f"{seconds // _HOUR} h {seconds % _HOUR // _MINUTE} min"
    return f"{seconds // _DAY} d {seconds % _DAY // _HOUR} h"


def opened_at_first(offer: HostOffer) -> bool:
    return sum(map(_inside, offer.networks)) <= _OPEN_MOST


def _inside(network: Network) -> int:
    return len(network.users) + len(network.leases) + len(functions(network))


def network_rows(
    networks: Networks,
    folds: Mapping[str, bool],
    now: float,
    filter_text: str = "",
    *,
    ascii_only: bool,
) -> list[Row]:
    """now: wall clock. folds: networks opened or closed by hand. A filter opens what matches."""
    words = Words.of(filter_text)
    at_first = opened_at_first(networks.offer)
    rows: list[Row] = []
    for network in sorted(networks.offer.networks, key=lambda network: network.name):
        whole = words.name(*_texts(network))
        inside = _inside_rows(
            networks, network, now, Words() if whole else words, ascii_only=ascii_only
        )
        if not whole and not inside:
            continue
        opened = folds.get(network.name, at_first) or not whole
        rows.append(_network_row(network, opened=opened, ascii_only=ascii_only))
        rows += inside if opened else []
    return rows


def _texts(network: Network) -> tuple[str, ...]:
    word = "active" if network.active else "off"
    forward = _FORWARDS.get(network.forward, (network.forward, ""))[0]
    return (network.name, word, forward, network.bridge, *network.addresses, *network.devices)


def _network_row(network: Network, *, opened: bool, ascii_only: bool) -> Row:
    state, word = ("on", "active") if network.active else ("off", "off")
    text, style = mark(state, word, ascii_only=ascii_only)
    running = sum(user.running for user in network.users)
    on = f"{running}/{len(network.users)} up" if network.users else "no guest"
    leases = counted(len(network.leases), "lease") if network.dhcp else ""
    way = network.devices if not functions(network) else ()
    return Row(
        "network",
        network.name,
        ("network", network.name),
        (
            Col(text, style),
            Col(forward_word(network)),
            Col(", ".join(network.addresses), rank=2),
            Col(network.bridge, rank=3),
            Col(on, "$quiet" if not network.users else "", rank=1),
            Col(leases, "$quiet", rank=4),
            Col("autostart" if network.autostart else "", "$quiet", rank=5),
            Col(f"by {', '.join(way)}" if way else "", "$quiet", rank=6, flex=10),
        ),
        opened=opened if _inside(network) else None,
        style="bold",
    )


def forward_word(network: Network) -> str:
    return _FORWARDS.get(network.forward, (network.forward, ""))[0]


def _inside_rows(
    networks: Networks, network: Network, now: float, words: Words, *, ascii_only: bool
) -> list[Row]:
    addresses = {lease.mac: lease.address for lease in network.leases}
    owners = {user.mac: user.guest for user in network.users if user.mac}
    users = [
        _user_row(network, user, addresses.get(user.mac, ""), ascii_only=ascii_only)
        for user in sorted(network.users)
    ]
    leases = [
        _lease_row(network, lease, owners.get(lease.mac, ""), now) for lease in network.leases
    ]
    vfs = [
        _function_row(networks, network, address, ascii_only=ascii_only)
        for address in functions(network)
    ]
    rows: list[Row] = []
    for heading, some in (
        ("guests on it", users),
        ("DHCP leases", leases),
        ("VFs that it gives to guests", vfs),
    ):
        kept = [row for row in some if words.match(row.name, *(col.text for col in row.cols))]
        if kept:
            rows += [Row("heading", heading, depth=1, style="$quiet"), *kept]
    return rows


def _user_row(network: Network, user: NetworkUser, address: str, *, ascii_only: bool) -> Row:
    word, style = mark(*_run(user), ascii_only=ascii_only)
    key = ("user", network.name, user.guest, user.mac)
    cols = (Col(word, style), Col(user.mac, "$quiet", rank=1), Col(address, rank=2))
    return Row("user", user.guest, key, cols, depth=2)


def _run(user: NetworkUser) -> tuple[str, str]:
    return ("on", "running") if user.running else ("off", "not running")


def _lease_row(network: Network, lease: Lease, guest: str, now: float) -> Row:
    key = ("lease", network.name, lease.mac, lease.address)
    cols = (
        Col(lease.mac, "$quiet", rank=1),
        Col(lease.hostname or "-", rank=2),
        Col(until_words(lease.until, now), rank=3),
        Col(guest, "", rank=4),
    )
    return Row("lease", lease.address, key, cols, depth=2)


def _function_row(networks: Networks, network: Network, address: str, *, ascii_only: bool) -> Row:
    state, words = holder(networks, address)
    text, style = mark(state, words, ascii_only=ascii_only)
    device = networks.devices.get(address)
    made = f"{device.vendor} {device.product}".strip() if device else ""
    cols = (
        Col(text, style, flex=10),
        Col(device.driver if device else "", "$quiet", rank=2),
        Col(made, "$quiet", rank=3, flex=10),
    )
    return Row("vf", address, ("vf", network.name, address), cols, depth=2)


def holder(networks: Networks, address: str) -> tuple[str, str]:
    """(state for its mark, who has a VF)."""
    device = networks.devices.get(address)
    if device is None:
        return "unknown", "not known" if not networks.devices else "not on this host now"
    return ("off", ", ".join(device.used_by)) if device.used_by else ("on", "free")


def network_details(networks: Networks, network: Network) -> list[Detail]:
    forward, meaning = _FORWARDS.get(network.forward, (network.forward, ""))
    state, word = ("on", "active") if network.active else ("off", "off (s starts it)")
    running = [user.guest for user in network.users if user.running]
    off = [user.guest for user in network.users if not user.running]
    details = [
        Detail("state", word + kept_words(network), state=state),
        Detail("forward", f"{forward}: {meaning}" if meaning else forward),
        Detail("by", ", ".join(network.devices) if not functions(network) else ""),
        Detail("bridge", network.bridge),
        Detail("address", ", ".join(network.addresses)),
        Detail("DHCP", _dhcp(network)),
        Detail("netboot", "it serves files to those who boot from it" if network.tftp else ""),
        Detail("running", ", ".join(running) or "no guest on it"),
        Detail("off", ", ".join(off)),
    ]
    if vfs := functions(network):
        free = sum(holder(networks, address)[1] == "free" for address in vfs)
        words = f"{free} of {len(vfs)} free" if networks.devices else f"{len(vfs)}"
        details.append(Detail("VFs", words))
    return details


def _dhcp(network: Network) -> str:
    if not network.dhcp:
        return "none: guests need addresses of their own"
    return counted(len(network.leases), "lease") if network.leases else "no lease at present"


def part_details(networks: Networks, network: Network, part: Part, now: float) -> list[Detail]:
    """Of what is inside a network."""
    match part:
        case Network():
            return network_details(networks, part)
        case NetworkUser():
            lease = next((one for one in network.leases if one.mac == part.mac), None)
            return [
                Detail("guest", part.guest),
                Detail("state", _run(part)[1], state=_run(part)[0]),
                Detail("MAC", part.mac or "given at its start"),
                Detail(
                    "lease", f"{lease.address}, {until_words(lease.until, now)}" if lease else ""
                ),
                Detail("network", network.name),
            ]
        case Lease():
            guests = [user.guest for user in network.users if user.mac == part.mac]
            return [
                Detail("address", part.address),
                Detail("MAC", part.mac),
                Detail("hostname", part.hostname or "it gave none"),
                Detail("lease", until_words(part.until, now)),
                Detail("guest", ", ".join(guests) or "no guest of this host has this MAC now"),
                Detail("network", network.name),
            ]
    address = part if isinstance(part, str) else part.address
    device = None if isinstance(part, str) else part
    return [
        Detail("VF", address),
        Detail("device", f"{device.vendor} {device.product} {device.ids}" if device else ""),
        Detail("driver", (device.driver or "none") if device else ""),
        Detail("PF", device.physical_function if device else ""),
        Detail("has it", holder(networks, address)[1], state=holder(networks, address)[0]),
        Detail("network", network.name),
    ]
