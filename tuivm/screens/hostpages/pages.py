"""The pages of the hosts place in their order; the first one is shown when the place is opened."""

from __future__ import annotations

from tuivm.screens.hostpages.base import HostPage
from tuivm.screens.hostpages.networks import NetworksPage
from tuivm.screens.hostpages.overview import OverviewPage
from tuivm.screens.hostpages.storage import StoragePage

PAGES: tuple[type[HostPage], ...] = (OverviewPage, StoragePage, NetworksPage)
