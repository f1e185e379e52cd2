"""Mediated devices of a host: what can be divided, into what, and what there is of it."""

from __future__ import annotations

from tuivm.model.devicetree import Node, Shape, mdev_rows
from tuivm.model.devicewords import device_label, users_words
from tuivm.model.offers import HostDevice, HostOffer
from tuivm.model.table import Cell, Column
from tuivm.model.units import visible
from tuivm.screens.hostpages.devicelines import mdev_state
from tuivm.screens.hostpages.devicepage import USER, VERDICT, DevicePage


class MdevPage(DevicePage):
    page = "mdev"
    title = "mdev"
    kind = "mdev"
    noun = ("mediated device", "mediated devices")
    keys = (
        "mdev.create",
        "part.start",
        "part.stop",
        "screen.next_page",
        "mdev.undefine",
        *DevicePage.keys,
    )
    columns = (
        Column("what", "PARENT, TYPE, INSTANCE", 22, preferred=44, sortable=False, priority=100),
        Column("state", "LEFT/STATE", 16, flex=2, maximum=40, sortable=False, priority=90),
        VERDICT._replace(priority=95),
        USER,
    )

    def rows(self, offer: HostOffer, shape: Shape) -> list[Node]:
        return mdev_rows(offer.devices, shape)

    def tree_text(self, node: Node) -> str:
        if node.type is not None:
            return visible(f"{node.type.id} {node.type.name}".strip())
        if node.device is None or node.device.kind == "mdev":
            return super().tree_text(node)
        return device_label(node.device)

    def cells(self, node: Node, device: HostDevice) -> tuple[Cell, ...]:
        if node.type is not None:
            type_ = node.type
            left = f"{type_.available} left"
            return (
                self.tree_cell(node),
                ((left, "running" if type_.available else "dim"),),
                (("", ""),),
                ((visible(type_.api), "dim"),),
            )
        if device.kind != "mdev":
            types = f"{len(device.mdev_types)} types"
            return (
                self.tree_cell(node),
                ((types, "dim"),),
                (("", ""),),
                ((users_words(device), ""),),
            )
        role = {True: "running", False: "off", None: "dim"}[device.active]
        return (
            self.tree_cell(node),
            ((mdev_state(device), role),),
            self.verdict_cell(device),
            ((users_words(device), ""),),
        )
