"""What can be asked of a host itself: its devices, storage and networks. Each is one value."""

from __future__ import annotations

from typing import NamedTuple


class DetachFromHost(NamedTuple):
    """Take a device from the host's driver and give it to VFIO (nodedev-detach).

    accepted, overridden: as of `AttachDevices`; the verdict is drawn anew just before."""

    nodedev: str
    accepted: frozenset[str] = frozenset()
    overridden: frozenset[str] = frozenset()


class ReturnToHost(NamedTuple):
    """Give a device back to the host's driver (nodedev-reattach)."""

    nodedev: str


class SetFunctions(NamedTuple):
    """Make a PF have so many VFs. Those that are there go first, so none of them may be in use.
    On another machine, or without permission: refused with the command that does it."""

    address: str
    functions: int


class MakeFunctionPool(NamedTuple):
    """Define and start a network that gives each NIC on it a VF of this PF
    (`<forward mode='hostdev'>`)."""

    name: str
    address: str
    autostart: bool = True


class CreateMdev(NamedTuple):
    """Make a mediated device. parent: libvirt's name. uuid: "" for a new one. defined: it stays
    when it is stopped; then it is started too."""

    parent: str
    type: str
    uuid: str = ""
    defined: bool = True
    autostart: bool = False


class StartMdev(NamedTuple):
    nodedev: str


class StopMdev(NamedTuple):
    """One that is not defined is gone then."""

    nodedev: str


class UndefineMdev(NamedTuple):
    nodedev: str


class SetMdevAutostart(NamedTuple):
    nodedev: str
    on: bool


class StartPool(NamedTuple):
    name: str


class StopPool(NamedTuple):
    name: str


class RefreshPool(NamedTuple):
    """Look for volumes that came or went without libvirt."""

    name: str


class SetPoolAutostart(NamedTuple):
    name: str
    on: bool


class StartNetwork(NamedTuple):
    name: str


class StopNetwork(NamedTuple):
    """Guests on it lose their link. accepted: names of running guests that the person has seen."""

    name: str
    accepted: frozenset[str] = frozenset()


class SetNetworkAutostart(NamedTuple):
    name: str
    on: bool


HostRequest = (
    DetachFromHost
    | ReturnToHost
    | SetFunctions
    | MakeFunctionPool
    | CreateMdev
    | StartMdev
    | StopMdev
    | UndefineMdev
    | SetMdevAutostart
    | StartPool
    | StopPool
    | RefreshPool
    | SetPoolAutostart
    | StartNetwork
    | StopNetwork
    | SetNetworkAutostart
)
