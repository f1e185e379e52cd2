"""The pages of the hosts place in their order; the first one is shown when the place is opened."""

from __future__ import annotations

from tuivm.screens.hostpages.base import HostPage
from tuivm.screens.hostpages.mdev import MdevPage
from tuivm.screens.hostpages.net import NetPage
from tuivm.screens.hostpages.networks import NetworksPage
from tuivm.screens.hostpages.overview import OverviewPage
from tuivm.screens.hostpages.pci import PciPage
from tuivm.screens.hostpages.scsi import ScsiPage
from tuivm.screens.hostpages.storage import StoragePage
from tuivm.screens.hostpages.usb import UsbPage

PAGES: tuple[type[HostPage], ...] = (
    OverviewPage,
    PciPage,
    UsbPage,
    MdevPage,
    ScsiPage,
    NetPage,
    StoragePage,
    NetworksPage,
)
