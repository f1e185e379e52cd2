"""The PCI devices of a host, by IOMMU group or by bus."""

from __future__ import annotations

from collections.abc import Sequence

from tuivm.model.devicetree import Node, Shape, Way, pci_rows, short_address
from tuivm.model.devicewords import (
    class_words,
    device_name,
    link_is_less,
    link_words,
    reset_words,
    users_words,
)
from tuivm.model.offers import HostDevice, HostOffer
from tuivm.model.table import Cell, Column
from tuivm.model.units import visible
from tuivm.screens.hostpages.devicepage import DRIVER, NAME, USER, VERDICT, DevicePage


class PciPage(DevicePage):
    page = "pci"
    title = "PCI"
    keys = (
        "device.attach",
        "device.detach",
        "screen.next_page",
        "screen.turn_tree",
        "screen.filter_rows",
        "program.explain",
        "screen.mark",
        "screen.unfold",
        "device.functions",
        "device.take",
        "device.return",
    )
    kind = "pci"
    noun = ("device", "devices")
    columns = (
        Column("address", "ADDRESS", 11, preferred=24, sortable=False, priority=100),
        Column("group", "GRP", 3, align="right", sortable=False, priority=90),
        Column("class", "CLASS", 7, sortable=False, priority=85),
        NAME,
        DRIVER,
        VERDICT,
        USER,
        Column("link", "LINK", 14, sortable=False, priority=60),
        Column("reset", "RESET", 6, sortable=False, priority=50),
        Column("numa", "NUMA", 4, align="right", sortable=False, priority=55),
        Column("ids", "IDS", 9, sortable=False, priority=30),
    )

    def rows(self, offer: HostOffer, shape: Shape) -> list[Node]:
        return pci_rows(offer.devices, shape)

    def fitted(self, nodes: Sequence[Node]) -> tuple[Column, ...]:
        address, group, *others = super().fitted(nodes)
        most = max((node.device.iommu_group or 0 for node in nodes if node.device), default=0)
        return (address, group._replace(width=max(group.width, len(str(most)))), *others)

    def tree_text(self, node: Node) -> str:
        return visible(short_address(node.device.address)) if node.device is not None else ""

    def cells(self, node: Node, device: HostDevice) -> tuple[Cell, ...]:
        group = "-" if device.iommu_group is None else str(device.iommu_group)
        node_number = "" if device.numa_node is None else str(device.numa_node)
        return (
            self.tree_cell(node),
            ((group, "dim"),),
            ((class_words(device).short, ""),),
            self._name_cell(node, device),
            ((visible(device.driver) or "-", "" if device.driver else "dim"),),
            self.verdict_cell(device),
            ((users_words(device), ""),),
            self._link_cell(device),
            ((reset_words(device), "dim" if device.resets is None else ""),),
            ((node_number, ""),),
            ((visible(device.ids), "dim"),),
        )

    def _name_cell(self, node: Node, device: HostDevice) -> Cell:
        """With how many VFs there are of how many: they are what is folded."""
        name = device_name(device)
        if device.physical_function:
            return (("VF ", "physical"), (name, ""))
        if node.folded and device.virtual_functions:
            return ((f"{len(device.virtual_functions)} VFs ", "physical"), (name, ""))
        if device.virtual_functions or device.max_functions:
            return (("PF ", "physical"), (name, ""))
        return ((name, ""),)

    def _link_cell(self, device: HostDevice) -> Cell:
        words = link_words(device.link)
        if words and link_is_less(device.link):
            return ((f"{words} {self.glyphs.less}", "paused"),)
        return ((words, ""),)

    def more_words(self, offer: HostOffer) -> str:
        groups = {one.iommu_group for one in offer.devices if one.kind == "pci"} - {None}
        words = "1 IOMMU group" if len(groups) == 1 else f"{len(groups)} IOMMU groups"
        return f" in {words}, {self._shape.way.value}"

    def turn_tree(self) -> bool:
        way = Way.BUS if self._shape.way is Way.GROUP else Way.GROUP
        self._shape = self._shape._replace(way=way)
        self._show()
        return True
