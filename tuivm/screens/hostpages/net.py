"""The network interfaces of a host, with the devices that they are on."""

from __future__ import annotations

from tuivm.model.devicetree import Node, Shape, flat_rows, is_bridge, short_address
from tuivm.model.devicewords import device_name, speed_words, users_words
from tuivm.model.offers import HostDevice, HostOffer
from tuivm.model.table import Cell, Column
from tuivm.model.units import visible
from tuivm.screens.hostpages.devicepage import DRIVER, NAME, USER, VERDICT, DevicePage


class NetPage(DevicePage):
    page = "net"
    title = "net"
    kind = "net"
    noun = ("network interface", "network interfaces")
    columns = (
        Column("name", "INTERFACE", 9, preferred=18, sortable=False, priority=100),
        Column("link", "LINK", 6, sortable=False, priority=97),
        Column("speed", "SPEED", 11, sortable=False, priority=88),
        Column("mac", "MAC", 17, sortable=False, priority=90),
        Column("device", "DEVICE", 8, preferred=12, sortable=False, priority=95),
        VERDICT._replace(title="ITS DEVICE"),
        DRIVER._replace(priority=92),
        USER,
        NAME._replace(id="model", title="NAME", width=16, priority=60),
    )

    def rows(self, offer: HostOffer, shape: Shape) -> list[Node]:
        return flat_rows(offer.devices, self.kind, shape)

    def judged(self, device: HostDevice) -> HostDevice | None:
        return self._under(device)

    def _under(self, device: HostDevice) -> HostDevice | None:
        """The PCI or USB device that the interface is of; None for one that is software."""
        offer = self.offer
        hardware = [] if offer is None else [o for o in offer.devices if o.kind in ("pci", "usb")]
        on_it = (one for one in hardware if one.nodedev and one.nodedev == device.parent)
        # What is below a bridge is told of the bridge, too.
        told = (o for o in hardware if device.address in o.interfaces and not is_bridge(o))
        return next(on_it, None) or next(told, None)

    def cells(self, node: Node, device: HostDevice) -> tuple[Cell, ...]:
        under = self._under(device)
        glyphs = ("+", "-", "?") if self.desk.ascii_only else ("●", "■", "?")
        link = {
            True: (f"{glyphs[0]} up", "running"),
            False: (f"{glyphs[1]} down", "off"),
            None: (f"{glyphs[2]}", "dim"),
        }[device.active]
        driver = device.driver or (under.driver if under is not None else "")
        return (
            self.tree_cell(node),
            (link,),
            ((speed_words(device.speed), ""),),
            ((visible(device.mac), "dim"),),
            ((visible(short_address(under.address)) if under else "software", ""),),
            self.verdict_cell(device),
            ((visible(driver) or "-", "" if driver else "dim"),),
            ((users_words(device), ""),),
            ((device_name(under) if under else "", ""),),
        )
