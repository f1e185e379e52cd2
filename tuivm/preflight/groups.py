"""What hangs together on a host: IOMMU groups, functions of a device, and what a device carries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from tuivm.model.offers import HostDevice

PCI = "pci"
PORT = "0604"
"""PCI-to-PCI bridges, root ports among them."""
BRIDGES = "06"
"""PCI's class of bridges."""
_MANAGED = frozenset({"", "pcieport", "pci-stub"})


class Group(NamedTuple):
    """The members besides the device. bound: those that a driver of the host's has, so that VFIO
    refuses the group. known: those and the ones that VFIO does not mind. unknown: what is not
    known of the others, each with the command that tells."""

    bound: tuple[HostDevice, ...] = ()
    known: tuple[HostDevice, ...] = ()
    unknown: tuple[str, ...] = ()


def viable(driver: str) -> bool:
    """A member of a group may keep this driver while VFIO has another member: none, VFIO's own
    (vfio-pci and those made for one device: mlx5_vfio_pci, nvgrace-gpu-vfio-pci), or one that
    promises not to use DMA (the kernel's `driver_managed_dma`: ports of PCIe, and pci-stub)."""
    return driver in _MANAGED or is_vfio(driver)


def is_vfio(driver: str) -> bool:
    return "vfio" in driver


class Surroundings:
    """The devices of a host, indexed once for as many verdicts as are asked for."""

    def __init__(self, devices: tuple[HostDevice, ...]) -> None:
        self.devices = devices
        self._pci: dict[str, HostDevice] = {}
        self._nodes: dict[str, HostDevice] = {}
        self._groups: dict[int, list[HostDevice]] = defaultdict(list)
        self._children: dict[str, list[HostDevice]] = defaultdict(list)
        for device in devices:
            if device.nodedev:
                self._nodes[device.nodedev] = device
            if device.parent:
                self._children[device.parent].append(device)
            if device.kind != PCI:
                continue
            self._pci.setdefault(device.address, device)
            if device.nodedev:
                self._pci.setdefault(device.nodedev, device)
            if device.iommu_group is not None:
                self._groups[device.iommu_group].append(device)
            if device.physical_function:
                self._children[f"{device.physical_function} functions"].append(device)

    def pci(self, name: str) -> HostDevice | None:
        """By its address, or by libvirt's name."""
        return self._pci.get(name)

    def owner(self, device: HostDevice) -> HostDevice | None:
        """What it is a part of: a network interface's PCI or USB device."""
        if (parent := self._nodes.get(device.parent)) is not None:
            return parent
        if device.kind != "net":
            return None
        return next((one for one in self.devices if device.address in one.interfaces), None)

    def group(self, device: HostDevice) -> Group:
        """Who goes with it. PCI-to-PCI bridges stay, unless a driver has them that uses DMA; and
        so does what no driver has."""
        if device.kind != PCI or device.iommu_group is None:
            return Group()
        bound, known, unknown = [], [], []
        for name in self._members(device):
            member = self._pci.get(name)
            if member is None:
                unknown.append(f"what {name} of its IOMMU group is: lspci -nnk -s {name}")
                continue
            if not member.class_:
                unknown.append(
                    f"what kind of a device {name} of its group is: lspci -nnk -s {name}"
                )
            elif member.class_.startswith(PORT) and viable(member.driver):
                continue
            known.append(member)
            if not viable(member.driver):
                bound.append(member)
        if not device.group_members:
            folder = f"/sys/kernel/iommu_groups/{device.iommu_group}/devices"
            unknown.append(f"what else is in its IOMMU group {device.iommu_group}: ls {folder}")
        return Group(tuple(bound), tuple(known), tuple(unknown))

    def _members(self, device: HostDevice) -> list[str]:
        """Addresses. Of a device whose own list is short: who else says that it is of this
        group."""
        mine = {device.address, device.nodedev}
        named = [one for one in device.group_members if one not in mine]
        seen = mine | set(named)
        assert device.iommu_group is not None
        others = self._groups[device.iommu_group]
        return named + [
            one.address for one in others if one.address not in seen and one.nodedev not in seen
        ]

    def functions(self, device: HostDevice) -> Iterator[HostDevice]:
        """The VFs of a PF that the host tells of."""
        seen = set()
        for name in device.virtual_functions:
            function = self._pci.get(name)
            if function is not None and function.address != device.address:
                seen.add(function.address)
                yield function
        for function in self._children.get(f"{device.address} functions", ()):
            if function.address not in seen:
                yield function

    def carried(self, device: HostDevice) -> list[HostDevice]:
        """What goes when the device goes: its VFs, and what hangs on it."""
        found: list[HostDevice] = []
        seen = {(device.kind, device.address)}
        waiting = [device]
        while waiting:
            one = waiting.pop()
            below = [*self.functions(one)]
            if one.nodedev:
                below += self._children.get(one.nodedev, ())
            for child in below:
                key = (child.kind, child.address)
                if key not in seen:
                    seen.add(key)
                    found.append(child)
                    waiting.append(child)
        return found
