"""The SCSI devices of a host."""

from __future__ import annotations

from tuivm.model.devicetree import Node, Shape, flat_rows
from tuivm.model.devicewords import device_name, users_words
from tuivm.model.offers import HostDevice, HostOffer
from tuivm.model.table import Cell, Column
from tuivm.model.units import visible
from tuivm.screens.hostpages.devicepage import DRIVER, NAME, USER, VERDICT, DevicePage


class ScsiPage(DevicePage):
    page = "scsi"
    title = "SCSI"
    kind = "scsi"
    noun = ("SCSI device", "SCSI devices")
    columns = (
        Column("address", "ADDRESS", 9, preferred=16, sortable=False, priority=100),
        NAME,
        Column("disk", "DISK", 10, sortable=False, priority=90),
        VERDICT,
        USER,
        DRIVER,
        Column("serial", "SERIAL", 12, flex=1, maximum=24, sortable=False, priority=40),
    )

    def rows(self, offer: HostOffer, shape: Shape) -> list[Node]:
        return flat_rows(offer.devices, self.kind, shape)

    def cells(self, node: Node, device: HostDevice) -> tuple[Cell, ...]:
        return (
            self.tree_cell(node),
            ((device_name(device), ""),),
            ((visible(", ".join(device.blocks)), ""),),
            self.verdict_cell(device),
            ((users_words(device), ""),),
            ((visible(device.driver) or "-", "" if device.driver else "dim"),),
            ((visible(device.serial), "dim"),),
        )
