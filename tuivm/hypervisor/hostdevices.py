"""The devices of a host that could be passed through, and who needs them now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import libvirt

from tuivm.domainxml.nodedevs import Named, NodeDevice, read_node_device
from tuivm.hypervisor.hostuse import HostUses, boot_display
from tuivm.model.offers import HostDevice

_WANTED = (
    libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV
    | libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_USB_DEV
    | libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_USB_INTERFACE
    | libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_NET
    | libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_STORAGE
    | libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_MDEV
)
_DISPLAY = "03"
"""PCI's base class."""
_SORTED = ("pci", "usb", "mdev")


def read_nodes(conn: libvirt.virConnect) -> tuple[NodeDevice, ...]:
    """What hangs on PCI and USB, and mediated devices. Raises libvirtError for a driver without
    node devices."""
    return tuple(_nodes(conn.listAllDevices(_WANTED)))


def _nodes(devices: Iterable[libvirt.virNodeDevice]) -> Iterator[NodeDevice]:
    for device in devices:
        try:
            yield read_node_device(device.XMLDesc())
        except libvirt.libvirtError as error:
            # Unplugged meanwhile.
            if error.get_error_code() != libvirt.VIR_ERR_NO_NODE_DEVICE:
                raise
        except ValueError:
            continue


def host_devices(
    nodes: Iterable[NodeDevice],
    guests: Mapping[str, Iterable[Named]],
    uses: HostUses | None,
) -> tuple[HostDevice, ...]:
    """All that could be passed through but hubs, PCI first, by address.

    guests: what each guest's definition takes of the host, by its name in words. uses: of the host
    itself where it is this machine; None for a remote one, where node devices alone tell.
    """
    found = _Found(tuple(nodes), guests, uses)
    devices = [found.device(node) for node in found.nodes if found.passable(node)]
    return tuple(sorted(devices, key=lambda one: (_SORTED.index(one.kind), one.address)))


class _Found:
    def __init__(
        self,
        nodes: tuple[NodeDevice, ...],
        guests: Mapping[str, Iterable[Named]],
        uses: HostUses | None,
    ) -> None:
        self.nodes = nodes
        self._guests = guests
        self._uses = uses
        self._hubs = {one.parent for one in nodes if one.device and one.device.kind == "usb"}
        self._hubs |= {one.parent for one in nodes if one.usb and one.usb.hub}

    def passable(self, node: NodeDevice) -> bool:
        device = node.device
        return device is not None and not (device.kind == "usb" and node.name in self._hubs)

    def device(self, node: NodeDevice) -> HostDevice:
        assert node.device is not None
        device = node.device
        used = [words for words, named in self._guests.items() if _takes(named, device)]
        critical = ["a keyboard is on it" for one in self.nodes if _keyboard_on(one, node)]
        used += [
            f"mediated device {one.device.address} is made of it"
            for one in self._on(node)
            if one.device and one.device.kind == "mdev"
        ]
        unknown: tuple[str, ...]
        if self._uses is None:
            used += self._told(node)
            unknown = tuple(self._untold(node))
        else:
            mine = [use for use in self._uses.uses if _above(node, use.path)]
            critical += [use.words for use in mine if use.critical]
            used += [use.words for use in mine if not use.critical]
            if device.kind == "pci" and boot_display(device.address):
                critical.append("it is the host's boot display")
            # What could not be looked at is about disks and interfaces.
            carries = any(one.block or one.interface for one in self._on(node))
            unknown = self._uses.unknown if carries else ()
        return device._replace(
            used_by=tuple(dict.fromkeys(used)),
            critical=tuple(dict.fromkeys(critical)),
            unknown=unknown,
        )

    def _told(self, node: NodeDevice) -> Iterator[str]:
        """What node devices tell of a use by a remote host itself."""
        for one in self._on(node):
            if one.interface is not None and one.interface.up:
                yield f"interface {one.interface.name} is up"

    def _untold(self, node: NodeDevice) -> Iterator[str]:
        for one in self._on(node):
            if one.interface is not None:
                yield f"whether the host needs interface {one.interface.name}: ip route"
            if one.block:
                yield f"whether the host uses {one.block}: lsblk {one.block}"
        device = node.device
        if device is not None and device.class_.startswith(_DISPLAY):
            place = f"/sys/bus/pci/devices/{device.address}/boot_vga"
            yield f"whether it is the host's boot display: cat {place}"

    def _on(self, node: NodeDevice) -> list[NodeDevice]:
        return [one for one in self.nodes if one is not node and _above(node, one.path)]


def _takes(named: Iterable[Named], device: HostDevice) -> bool:
    return any(one.means(device) for one in named)


def _keyboard_on(one: NodeDevice, node: NodeDevice) -> bool:
    return (
        one.usb is not None
        and one.usb.keyboard
        and (one.parent == node.name or _above(node, one.path))
    )


def _above(node: NodeDevice, path: str) -> bool:
    """The node is at this place in /sys, or on the way to it."""
    return bool(node.path) and (path == node.path or path.startswith(f"{node.path}/"))
