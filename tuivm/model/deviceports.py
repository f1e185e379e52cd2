"""The way from place 3 and from attach dialogs to what a host has. Nothing here blocks."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING, NamedTuple, Protocol

from tuivm.model.createports import Offered
from tuivm.model.offers import HostDevice, HostOffer, MdevType, Network, Pool, Volume
from tuivm.model.requests import Outcome

if TYPE_CHECKING:
    from tuivm.model.hostrequests import HostRequest
    from tuivm.model.ports import Text


class MdevKind(NamedTuple):
    """A type of mediated devices that this parent can make."""

    parent: HostDevice
    type: MdevType


class HostItem(NamedTuple):
    """What is highlighted in place 3, and the offer that it was read from."""

    item: HostDevice | MdevKind | Pool | Volume | Network
    offer: HostOffer


class DevicePort(Protocol):
    """One host. What comes back is a `HostOffer` with what was asked for alone in it; in each are
    host, uri, driver, session, local, versions and guests."""

    def devices(self) -> Future[Offered]:
        """devices, iommu, nesting, memory, NUMA nodes, networks that give out VFs: what verdicts
        are drawn from."""

    def overview(self) -> Future[Offered]:
        """capabilities (with free hugepages), cpus, memory, iommu, nesting, secure. May take the
        daemon a minute."""

    def storage(self) -> Future[Offered]:
        """pools with their volumes: owners and backing files."""

    def networks(self) -> Future[Offered]:
        """networks with leases and users, and interfaces."""

    def xml(self, part: HostDevice | Pool | Volume | Network) -> Future[Text]:
        """libvirt's own description of it, as it is now."""

    def act(self, request: HostRequest) -> Future[Outcome]: ...
