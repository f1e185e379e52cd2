"""The devices of a host that could be passed through, and who needs them now."""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from tuivm.domainxml.nodedevs import Named, NodeDevice
from tuivm.hypervisor.devicesysfs import told_by_kernel
from tuivm.hypervisor.hostuse import HostUses, Use, boot_display, built_in_keyboard
from tuivm.model.offers import HostDevice

_DISPLAY = "03"
_NVME = "0108"
_STORAGE = "01"
"""PCI's classes."""
_SORTED = ("pci", "usb", "mdev", "scsi", "net")
_PARTITION = re.compile(r"(/dev/disk/.+)-part\d+|(/dev/.*\d)p\d+|(/dev/\D+)\d+")
_PHYSICAL = frozenset({"ethernet", "wifi"})


def host_devices(
    nodes: Iterable[NodeDevice],
    guests: Mapping[str, Iterable[Named]],
    uses: HostUses | None,
    *,
    over_network: bool = False,
    unread: Sequence[str] = (),
) -> tuple[HostDevice, ...]:
    """All that hangs on a host but USB hubs, PCI first, by address.

    guests: what each guest's definition takes of the host, by its name in words. uses: of the host
    itself where it is this machine; None for a remote one, where node devices alone tell.
    over_network: the connection to the host came over one of its network interfaces. unread: names
    of guests whose definitions could not be read, so that they may take any of the devices.
    """
    silent = tuple(f"what guest {name} takes: virsh dumpxml {shlex.quote(name)}" for name in unread)
    found = _Found(tuple(nodes), guests, uses, over_network=over_network)
    devices = [
        device._replace(unknown=(*device.unknown, *silent)) if silent else device
        for device in (found.device(node) for node in found.tree.nodes if found.listed(node))
    ]
    return tuple(sorted(devices, key=lambda one: (_SORTED.index(one.kind), one.address)))


class _Tree:
    """Who hangs on whom: by the place in /sys, by libvirt's parent, and for disks that the kernel
    puts elsewhere (NVMe with several paths) by udev's name of them."""

    def __init__(self, nodes: tuple[NodeDevice, ...]) -> None:
        self.nodes = nodes
        self._by_name = {one.name: one for one in nodes}
        self._by_path = {one.path: one for one in nodes if one.path}
        self._by_pci = {
            one.device.address: one for one in nodes if one.device and one.device.kind == "pci"
        }
        self.below: dict[str, list[NodeDevice]] = defaultdict(list)
        for node in nodes:
            for name in self._above(node):
                self.below[name].append(node)

    def at(self, path: str) -> Iterator[str]:
        """Names of the node at this place in /sys, and of those on the way to it."""
        while path:
            if node := self._by_path.get(path):
                yield node.name
                yield from self._above(node)
                return
            path = path.rpartition("/")[0]

    def _above(self, node: NodeDevice) -> list[str]:
        found: dict[str, None] = {}
        waiting = [node]
        while waiting:
            for one in self._next(waiting.pop()):
                if one.name not in found and one is not node:
                    found[one.name] = None
                    waiting.append(one)
        return list(found)

    def _next(self, node: NodeDevice) -> Iterator[NodeDevice]:
        if parent := self._by_name.get(node.parent):
            yield parent
        if node.on_pci in self._by_pci:
            yield self._by_pci[node.on_pci]
        path = node.path.rpartition("/")[0]
        while path:
            if one := self._by_path.get(path):
                yield one
                return
            path = path.rpartition("/")[0]


class _Found:
    def __init__(
        self,
        nodes: tuple[NodeDevice, ...],
        guests: Mapping[str, Iterable[Named]],
        uses: HostUses | None,
        *,
        over_network: bool,
    ) -> None:
        self.tree = _Tree(nodes)
        self._uses = uses
        self._used = self._by_node(uses)
        self._hubs = {one.parent for one in nodes if one.device and one.device.kind == "usb"}
        self._hubs |= {one.parent for one in nodes if one.usb and one.usb.hub}
        self._takers = self._taken(guests)
        self._keyboards = self._all_keyboards()
        self._way_in = self._only_way_in() if over_network else ""
        self._over_network = over_network

    def listed(self, node: NodeDevice) -> bool:
        device = node.device
        return device is not None and not (device.kind == "usb" and node.name in self._hubs)

    def device(self, node: NodeDevice) -> HostDevice:
        assert node.device is not None
        below = self.tree.below[node.name]
        device = self._completed(node, below)
        used = [words for one in (node, *below) for words in self._takers[one.name]]
        used += [
            f"mediated device {one.device.address} is made of it"
            for one in below
            if one.device and one.device.kind == "mdev" and one.device.active is not False
        ]
        critical, overridable = [], []
        if self._keyboards and self._keyboards <= {one.name for one in (node, *below)}:
            only = "keyboard is" if len(self._keyboards) == 1 else "keyboards are"
            critical.append(f"the host's only {only} on it")
        if self._way_in and self._way_in in device.interfaces:
            only = f"{self._way_in} is the only interface that is up"
            critical.append(f"this connection comes through it ({only})")
        if self._uses is not None and device.kind == "pci" and boot_display(device.address):
            critical.append("it is the host's boot display")
        overridable += critical
        for use in self._used[node.name]:
            (critical if use.critical else used).append(use.words)
            if use.overridable:
                overridable.append(use.words)
        told = [] if self._uses is not None else list(self._told((node, *below)))
        return device._replace(
            used_by=tuple(dict.fromkeys((*used, *told))),
            critical=tuple(dict.fromkeys(critical)),
            unknown=tuple(dict.fromkeys(self._unknown(device, (node, *below)))),
            overridable=tuple(dict.fromkeys((*overridable, *told))),
        )

    def _completed(self, node: NodeDevice, below: list[NodeDevice]) -> HostDevice:
        """With what those that hang on it tell of it, and on this machine the kernel."""
        assert node.device is not None
        device = node.device
        disks = [one for one in (node, *below) if one.block]
        if device.kind == "scsi" and disks:
            vendor, model, serial = disks[0].disk
            device = device._replace(vendor=vendor, product=model, serial=serial)
        if device.kind == "usb" and not device.class_:
            classes = [one.usb.class_ for one in below if one.usb and one.usb.class_ >= 0]
            device = device._replace(class_=f"{classes[0]:02x}" if classes else "")
        device = device._replace(
            blocks=tuple(sorted({one.block for one in disks})),
            interfaces=tuple(
                sorted({one.interface.name for one in (node, *below) if one.interface})
            ),
        )
        return device if self._uses is None else told_by_kernel(device, node.path)

    def _by_node(self, uses: HostUses | None) -> dict[str, list[Use]]:
        found: dict[str, list[Use]] = defaultdict(list)
        for use in uses.uses if uses is not None else ():
            for name in dict.fromkeys(self.tree.at(use.path)):
                found[name].append(use)
        return found

    def _taken(self, guests: Mapping[str, Iterable[Named]]) -> dict[str, list[str]]:
        """Names of guests in words, by the node that they take."""
        disks = {
            name: one.name
            for one in self.tree.nodes
            if one.block
            for name in (one.block, *one.links)
        }
        devices = [(one.name, one.device) for one in self.tree.nodes if one.device]
        found: dict[str, list[str]] = defaultdict(list)
        for words, taken in guests.items():
            for named in taken:
                if named.block:
                    node = disks.get(named.block) or disks.get(_disk_of(named.block))
                    names = [node] if node else []
                else:
                    names = [name for name, device in devices if named.means(device)]
                for name in names:
                    found[name].append(words)
        return found

    def _all_keyboards(self) -> frozenset[str]:
        """The USB devices without which there is no keyboard, as far as can be told."""
        if self._uses is not None and built_in_keyboard():
            return frozenset()
        names = {one.name for one in self.tree.nodes}
        functions = (one for one in self.tree.nodes if one.usb and one.usb.keyboard)
        return frozenset(one.parent for one in functions) & names

    def _only_way_in(self) -> str:
        """The interface through which a connection over the network must come; "" where there are
        several."""
        up = [
            one.interface.name
            for one in self.tree.nodes
            if one.interface and one.interface.kind in _PHYSICAL and one.interface.up is not False
        ]
        return up[0] if len(up) == 1 else ""

    def _told(self, nodes: Iterable[NodeDevice]) -> Iterator[str]:
        """What node devices tell of a use by a remote host itself."""
        for one in nodes:
            if one.interface is not None and one.interface.up:
                yield f"interface {one.interface.name} is up"

    def _unknown(self, device: HostDevice, nodes: tuple[NodeDevice, ...]) -> Iterator[str]:
        if self._uses is not None:
            # What could not be looked at is about disks and interfaces; libvirt does not tell of
            # every disk what it hangs on.
            carries = device.kind == "pci" and device.class_.startswith(_STORAGE)
            if carries or any(one.block or one.interface for one in nodes):
                yield from self._uses.unknown
            return
        for one in nodes:
            name = one.interface.name if one.interface else ""
            # What has no link carries neither a route nor a connection.
            if one.interface is not None and one.interface.up is not False and name != self._way_in:
                yield f"whether the host needs interface {name}: ip route"
                if self._over_network:
                    asked = "ip route get ${SSH_CONNECTION%% *}"
                    yield f"whether this connection comes through {name}: {asked}"
            if one.block:
                filled = " (something is on it)" if one.filled else ""
                yield f"whether the host uses {one.block}{filled}: lsblk {shlex.quote(one.block)}"
        if device.class_.startswith(_NVME) and device.driver == "nvme" and not device.blocks:
            place = f"/sys/bus/pci/devices/{device.address}/nvme"
            yield f"which disks it has: ls -d {place}/*/nvme*"
        if device.kind == "pci" and device.class_.startswith(_DISPLAY):
            place = f"/sys/bus/pci/devices/{device.address}/boot_vga"
            yield f"whether it is the host's boot display: cat {place}"


def _disk_of(partition: str) -> str:
    """ "/dev/sda" of "/dev/sda2", "/dev/nvme0n1" of "/dev/nvme0n1p2"; "" for what is none."""
    match = _PARTITION.fullmatch(partition)
    return next(filter(None, match.groups())) if match else ""
