"""The networks of a host: how they go out, who is on them, what their DHCP server gave."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, ClassVar, cast

from textual.content import Content

from tuivm.model.deviceports import HostItem
from tuivm.model.offers import HostOffer, Network
from tuivm.model.store import HostStatus
from tuivm.screens.explaining import Explanation
from tuivm.screens.hostpages.asking import Question
from tuivm.screens.hostpages.networkrows import (
    Key,
    Networks,
    Part,
    functions,
    network_rows,
    part_details,
)
from tuivm.screens.hostpages.partexplain import explain_network
from tuivm.screens.hostpages.partrows import Detail, Row, counted
from tuivm.screens.hostpages.partspage import PartsPage
from tuivm.screens.hostpages.storagerows import remark_rows

if TYPE_CHECKING:
    from tuivm.screens.hostasking import AskingPlace


class NetworksPage(PartsPage):
    page = "networks"
    title = "networks"
    question = Question.NETWORKS
    keys: ClassVar[tuple[str, ...]] = (
        "part.start",
        "part.stop",
        "screen.next_page",
        "part.autostart",
        "screen.unfold",
        "screen.filter_rows",
        "program.explain",
    )

    def __init__(self) -> None:
        super().__init__()
        self._networks = Networks.of(HostOffer(""))
        self._devices: HostOffer | None = None

    def read(self, offer: HostOffer) -> None:
        devices = self._devices
        of_it = devices is not None and devices.host == offer.host
        self._networks = Networks.of(offer, devices.devices if devices and of_it else ())

    def set_status(self, status: HostStatus | None) -> None:
        if status is not None and any(map(functions, self._networks.offer.networks)):
            # Only the devices tell which guest has which VF.
            asking = cast("AskingPlace", self.screen)
            known = asking.ask_if_due(status, Question.DEVICES)
            if known.offer is not self._devices:
                self._devices = known.offer
                self.set_offer(self._offer)
        super().set_status(status)

    def moment(self) -> object:
        """Leases are told of in minutes."""
        return self.desk.wall() // 60

    def rows(self, folds: dict[str, bool], filter_text: str, *, ascii_only: bool) -> list[Row]:
        now = self.desk.wall()
        return [
            *network_rows(self._networks, folds, now, filter_text, ascii_only=ascii_only),
            *remark_rows(self._networks.offer.remarks, ascii_only=ascii_only),
        ]

    def nothing(self) -> str:
        return "no network is defined on this host"

    def top(self, item: Hashable) -> str:
        return cast(Key, item)[1]

    @property
    def _part(self) -> tuple[Network, Part] | None:
        return self._networks.parts.get(cast(Key, self.item))

    def details(self, item: Hashable) -> tuple[str, list[Detail]]:
        key = cast(Key, item)
        found = self._networks.parts.get(key)
        if found is None:
            return "", []
        # A user's last part is the MAC of the NIC, of all others it is what they are called.
        name = key[2] if key[0] == "user" else key[-1]
        return name, part_details(self._networks, *found, self.desk.wall() // 60 * 60)

    def summary(self) -> Content:
        if self._offer is None:
            return Content()
        networks = self._offer.networks
        running = {user.guest for network in networks for user in network.users if user.running}
        leases = sum(len(network.leases) for network in networks)
        active = sum(network.active for network in networks)
        return Content(
            f"{counted(len(networks), 'network')}, {active} active  "
            f"{counted(len(running), 'guest')} running on them  {counted(leases, 'lease')}"
        )

    def target_item(self) -> HostItem | None:
        """The network that it is of."""
        found = self._part
        return HostItem(found[0], self._networks.offer) if found is not None else None

    def explain(self) -> Explanation | None:
        found = self._part
        return explain_network(*found, self._networks.offer) if found is not None else None
