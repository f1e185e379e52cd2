"""The network interfaces of a host that a guest can be plugged into."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import libvirt

from tuivm.domainxml.networkxml import read_interface
from tuivm.domainxml.nodedevs import NodeDevice
from tuivm.hypervisor import machine
from tuivm.hypervisor.errors import is_unsupported
from tuivm.model.offers import HostInterface

_ETHERNET = "1"
"""ARPHRD_ETHER of linux/if_arp.h."""
_DEVTYPES = {"wlan": "wifi", "vlan": "vlan", "bond": "bond", "bridge": "bridge"}


def local_interfaces(root: Path = machine.ROOT) -> tuple[HostInterface, ...]:
    """Of this machine, by /sys/class/net; no loopback, and no taps, which are guests' own."""
    try:
        entries = sorted((root / "sys/class/net").iterdir())
    except OSError:
        return ()
    return tuple(filter(None, map(_local, entries)))


def _local(entry: Path) -> HostInterface | None:
    kind = (machine.text(entry / "type") or "").strip()
    if kind != _ETHERNET or (entry / "tun_flags").exists():
        return None
    lines = (machine.text(entry / "uevent") or "").splitlines()
    devtype = dict(line.partition("=")[::2] for line in lines).get("DEVTYPE", "")
    if (entry / "bridge").is_dir():
        shown = "bridge"
    elif (entry / "bonding").is_dir():
        shown = "bond"
    else:
        own = "ethernet" if (entry / "device").exists() else "virtual"
        shown = _DEVTYPES.get(devtype, own)
    state = (machine.text(entry / "operstate") or "").strip()
    # Drivers that do not tell leave it at "unknown".
    up = {"up": True, "down": False, "lowerlayerdown": False}.get(state)
    return HostInterface(entry.name, shown, up)


def told_interfaces(
    conn: libvirt.virConnect, nodes: Iterable[NodeDevice]
) -> tuple[HostInterface, ...]:
    """Of a remote host: what its interface driver tells, and what its node devices add.

    Raises libvirtError where the driver is there and refuses.
    """
    found = {one.name: one for one in _of_driver(conn)}
    for node in nodes:
        interface = node.interface
        if interface is not None and interface.name != "lo":
            found.setdefault(interface.name, interface)
    return tuple(found[name] for name in sorted(found))


def _of_driver(conn: libvirt.virConnect) -> Iterator[HostInterface]:
    try:
        interfaces = conn.listAllInterfaces()
    except libvirt.libvirtError as error:
        if is_unsupported(error):
            return
        raise
    for interface in interfaces:
        try:
            told = read_interface(interface.XMLDesc())
        except (libvirt.libvirtError, ValueError):
            # Gone meanwhile, or of a form that libvirt cannot put in words.
            continue
        if told.name != "lo":
            yield told._replace(up=bool(interface.isActive()) if told.up is None else told.up)
