"""Commands on what a host has: its devices, pools and networks; and on devices of a guest's that
are the host's."""

from __future__ import annotations

from tuivm.commands.base import GUEST, HOSTS, Command, Desk, Place
from tuivm.model.devices import Device, DeviceClass, DeviceKind


class HostPart(Command):
    """A command on what is highlighted of a host: see `commands.deviceparts`, which knows what a
    host has and is imported when somebody looks at that."""

    places = frozenset({HOSTS})
    group = "devices"

    def refusal(self, desk: Desk, place: Place) -> str:
        from tuivm.commands import deviceparts  # noqa: PLC0415 - not for the first picture

        return deviceparts.refusal(self.id, desk, place)

    async def run(self, desk: Desk, place: Place) -> None:
        from tuivm.commands import deviceparts  # noqa: PLC0415 - when it acts

        await deviceparts.run(self.id, desk, place)


class AttachDevice(HostPart):
    """Give a guest a device of its host's: now, at its next boot, or both. What speaks against it
    is said first."""

    id = "device.attach"
    label = "attach"
    keys = ("P",)
    places = frozenset({HOSTS, GUEST})
    footer = 43
    footer_places = frozenset({GUEST})

    def refusal(self, desk: Desk, place: Place) -> str:
        if place.place == GUEST:
            return _guest_refusal(desk, place)
        return super().refusal(desk, place)

    async def run(self, desk: Desk, place: Place) -> None:
        if place.place != GUEST:
            await super().run(desk, place)
            return
        from tuivm.devicetasks import attach_some_device  # noqa: PLC0415 - when it opens

        await attach_some_device(desk, place.target_guests()[0])


class DetachDevice(HostPart):
    """Take a device of the host's from the guest that has it: now, from its definition, or both."""

    id = "device.detach"
    label = "detach"
    keys = ("D",)
    places = frozenset({HOSTS, GUEST})
    footer = 44
    footer_places = frozenset({GUEST})

    def refusal(self, desk: Desk, place: Place) -> str:
        if place.place != GUEST:
            return super().refusal(desk, place)
        none = "no device of the host's is highlighted"
        return _guest_refusal(desk, place) or ("" if _is_hosts(place.target_item()) else none)

    async def run(self, desk: Desk, place: Place) -> None:
        item = place.target_item()
        if place.place != GUEST or not isinstance(item, Device):
            await super().run(desk, place)
            return
        from tuivm.devicetasks import detach_part  # noqa: PLC0415 - when it opens

        await detach_part(desk, place.target_guests()[0], item)


class TakeFromDriver(HostPart):
    """Take a PCI device from the host's driver and give it to VFIO, which keeps it for guests."""

    id = "device.take"
    label = "take from host"
    keys = ("v",)


class ReturnToDriver(HostPart):
    """Return a PCI device from VFIO to the host's driver."""

    id = "device.return"
    label = "return to host"
    keys = ("R",)


class SetNumberOfFunctions(HostPart):
    """Set how many virtual functions (VFs) a physical function (PF) of SR-IOV has."""

    id = "device.functions"
    label = "VFs"
    keys = ("F",)


class MakeFunctionNetwork(HostPart):
    """Make a network that gives each guest NIC on it a VF of this PF."""

    id = "device.function-network"
    label = "VF network"
    keys = ("N",)


class CreateMdev(HostPart):
    """Create a mediated device of the highlighted type: a part of a device that its driver splits
    in software."""

    id = "mdev.create"
    label = "create mdev"
    keys = ("C",)


class StartPart(HostPart):
    """Start the highlighted pool, network or mediated device."""

    id = "part.start"
    label = "start"
    keys = ("s",)


class StopPart(HostPart):
    """Stop the highlighted pool, network or mediated device."""

    id = "part.stop"
    label = "stop"
    keys = ("d",)


class AutostartPart(HostPart):
    """Start the highlighted pool, network or mediated device with the host, or no longer."""

    id = "part.autostart"
    label = "autostart"
    keys = ("a",)


class UndefineMdev(HostPart):
    """Take the definition of a mediated device away: it does not come back once it is stopped."""

    id = "mdev.undefine"
    label = "undefine"
    keys = ("X", "delete")


class RefreshPool(HostPart):
    """Look for volumes that came to the pool, or went, without libvirt."""

    id = "pool.refresh"
    label = "refresh pool"
    keys = ("u",)


def host_refusal(desk: Desk, host: str) -> str:
    """Why nothing can be done on it now, "" when it can."""
    if host not in desk.store.host_names:
        return f"{host} is no longer in the list of hosts"
    return desk.store.status(host, desk.now()).refusal


def _guest_refusal(desk: Desk, place: Place) -> str:
    targets = place.target_guests()
    return host_refusal(desk, targets[0].key.host) if targets else "the guest is gone"


def _is_hosts(item: object) -> bool:
    """A device of the host's that a guest has."""
    if not isinstance(item, Device) or item.cls is not DeviceClass.PHYSICAL:
        return False
    return item.kind is DeviceKind.HOSTDEV or (item.kind is DeviceKind.NIC and item.bus == "pci")


DEVICE_COMMANDS = (
    AttachDevice,
    DetachDevice,
    TakeFromDriver,
    ReturnToDriver,
    SetNumberOfFunctions,
    MakeFunctionNetwork,
    CreateMdev,
    UndefineMdev,
    StartPart,
    StopPart,
    AutostartPart,
    RefreshPool,
)
"""In the order of the help screen."""
