"""The USB devices of a host, by bus and port."""

from __future__ import annotations

from tuivm.model.devicetree import Node, Shape, alike, usb_rows
from tuivm.model.devicewords import class_words, device_name, speed_words, users_words
from tuivm.model.offers import HostDevice, HostOffer
from tuivm.model.table import Cell, Column
from tuivm.model.units import visible
from tuivm.screens.hostpages.devicepage import DRIVER, NAME, USER, VERDICT, DevicePage


class UsbPage(DevicePage):
    page = "usb"
    title = "USB"
    kind = "usb"
    noun = ("device", "devices")
    columns = (
        Column("port", "PORT", 9, preferred=20, sortable=False, priority=100),
        Column("ids", "IDS", 9, sortable=False, priority=90),
        Column("class", "CLASS", 7, sortable=False, priority=85),
        NAME,
        VERDICT,
        Column("speed", "SPEED", 12, sortable=False, priority=75),
        USER,
        DRIVER._replace(priority=60),
        Column("device", "DEV", 3, align="right", sortable=False, priority=50),
        Column("serial", "SERIAL", 12, flex=1, maximum=24, sortable=False, priority=40),
    )

    def rows(self, offer: HostOffer, shape: Shape) -> list[Node]:
        return usb_rows(offer.devices, shape)

    def cells(self, node: Node, device: HostDevice) -> tuple[Cell, ...]:
        same = len(alike(device, self.offer.devices)) if self.offer is not None else 0
        # Before the name: what is cut off a long one is not what tells them apart.
        name: Cell = ((device_name(device), ""),)
        if same:
            name = ((f"1 of {same} alike ", "changing"), *name)
        return (
            self.tree_cell(node),
            ((visible(device.ids), "dim"),),
            ((class_words(device).short, ""),),
            name,
            self.verdict_cell(device),
            ((speed_words(device.speed), ""),),
            ((users_words(device), ""),),
            ((visible(device.driver) or "-", "" if device.driver else "dim"),),
            (("" if device.device is None else str(device.device), "dim"),),
            ((visible(device.serial), "dim"),),
        )
