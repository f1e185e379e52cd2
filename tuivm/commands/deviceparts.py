"""What the commands on a host's parts do, and why they do not, by what is highlighted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from tuivm import devicetasks, hostdevicetasks
from tuivm.commands import hostparts
from tuivm.commands.base import Desk, Place
from tuivm.commands.devices import host_refusal
from tuivm.model.deviceports import HostItem, MdevKind
from tuivm.model.guests import GuestKey
from tuivm.model.offers import HostDevice, HostOffer
from tuivm.preflight.groups import is_vfio
from tuivm.preflight.passing import VerdictKind, verdict
from tuivm.screens.dialogs.functions import no_pool

_ATTACHED = frozenset({"pci", "usb", "mdev", "scsi"})
"""Kinds of devices that guests can be given."""

OnDevice = Callable[[Desk, HostDevice, HostOffer], Awaitable[None]]


class Deed(NamedTuple):
    """unfit: why a part is nothing for it, "" when it is."""

    unfit: Callable[[Desk, HostItem], str]
    carry_out: Callable[[Desk, list[HostItem]], Awaitable[None]]


def refusal(command: str, desk: Desk, place: Place) -> str:
    held = _held(command, place)
    if not held:
        return "no part of a host is highlighted"
    host = held[0].offer.host
    return host_refusal(desk, host) or next(
        filter(None, (_DEEDS[command].unfit(desk, one) for one in held)), ""
    )


async def run(command: str, desk: Desk, place: Place) -> None:
    if held := _held(command, place):
        await _DEEDS[command].carry_out(desk, held)
        place.perform("ask_anew")


def _held(command: str, place: Place) -> list[HostItem]:
    """What is marked where several can be given at a time, else what is highlighted."""
    items = place.marked_items() if command == "device.attach" else (place.target_item(),)
    return [one for one in items if isinstance(one, HostItem)]


# why not


def _attach(desk: Desk, held: HostItem) -> str:
    item = held.item
    if not isinstance(item, HostDevice):
        return "guests are given PCI, USB, SCSI and mediated devices"
    if item.kind not in _ATTACHED:
        return verdict(item, held.offer).words
    if item.kind == "mdev" and item.active is False:
        return f"{item.address} is stopped: start it first"
    there = any(True for _ in desk.store.guests_of(held.offer.host))
    return "" if there else f"{held.offer.host} has no guest"


def _detach(desk: Desk, held: HostItem) -> str:
    item = held.item
    if not isinstance(item, HostDevice) or item.kind not in _ATTACHED:
        return "no device that a guest could have is highlighted"
    holders = devicetasks.users_of(item, held.offer)
    if not holders:
        return f"no guest has {item.address}"
    host = held.offer.host
    there = any(desk.store.guest(GuestKey(host, uuid)) for _, uuid in holders)
    return "" if there else f"{holders[0][0]} is gone from {host}"


def _take(_desk: Desk, held: HostItem) -> str:
    device = _of("pci", held)
    if device is None:
        return "only PCI devices are taken from their driver"
    if is_vfio(device.driver):
        return f"{device.address} is with {device.driver} already"
    said = verdict(device, held.offer)
    return said.words if said.kind is VerdictKind.IMPOSSIBLE else ""


def _return(_desk: Desk, held: HostItem) -> str:
    device = _of("pci", held)
    if device is None:
        return "only PCI devices are returned to their driver"
    if device.driver and not is_vfio(device.driver):
        return f"{device.address} is with the host's driver {device.driver} already"
    return ""


def _functions(_desk: Desk, held: HostItem) -> str:
    device = _of("pci", held)
    if device is None:
        return "no PCI device is highlighted"
    if device.physical_function:
        return f"{device.address} is a VF itself: highlight its PF, {device.physical_function}"
    if not device.max_functions and not device.virtual_functions:
        return f"{device.address} is no PF: it cannot have VFs"
    return ""


def _network(desk: Desk, held: HostItem) -> str:
    item = held.item
    why = _functions(desk, held)
    return why or (no_pool(item) if isinstance(item, HostDevice) else "")


def _create(_desk: Desk, held: HostItem) -> str:
    item = held.item
    if isinstance(item, MdevKind):
        return "" if item.type.available else f"no instance of {item.type.id} is left"
    if isinstance(item, HostDevice) and item.mdev_types:
        return ""
    return "no type of mediated devices is highlighted"


def _undefine(_desk: Desk, held: HostItem) -> str:
    device = _of("mdev", held)
    if device is None:
        return "only mediated devices are undefined here"
    return hostdevicetasks.mdev_undefine_refusal(device)


def _of(kind: str, held: HostItem) -> HostDevice | None:
    item = held.item
    return item if isinstance(item, HostDevice) and item.kind == kind else None


# the deeds


async def _attach_all(desk: Desk, held: list[HostItem]) -> None:
    devices = [one.item for one in held if isinstance(one.item, HostDevice)]
    await devicetasks.attach_to_some_guest(desk, devices, held[0].offer)


async def _create_one(desk: Desk, held: list[HostItem]) -> None:
    await hostdevicetasks.create_mdev(desk, held[0])


async def _refresh(desk: Desk, held: list[HostItem]) -> None:
    await hostparts.refresh(desk, held[0])


def _on_device(task: OnDevice) -> Callable[[Desk, list[HostItem]], Awaitable[None]]:
    async def carry_out(desk: Desk, held: list[HostItem]) -> None:
        item = held[0].item
        if isinstance(item, HostDevice):
            await task(desk, item, held[0].offer)

    return carry_out


def _mdev_or_part(
    of_mdev: Callable[[HostDevice], str],
    mdev: OnDevice,
    of_part: Callable[[HostItem], str],
    part: Callable[[Desk, HostItem], Awaitable[None]],
) -> Deed:
    """What pools, networks and mediated devices have in common."""

    def unfit(_desk: Desk, held: HostItem) -> str:
        device = _of("mdev", held)
        return of_part(held) if device is None else of_mdev(device)

    async def carry_out(desk: Desk, held: list[HostItem]) -> None:
        device = _of("mdev", held[0])
        if device is None:
            await part(desk, held[0])
        else:
            await mdev(desk, device, held[0].offer)

    return Deed(unfit, carry_out)


_DEEDS: dict[str, Deed] = {
    "device.attach": Deed(_attach, _attach_all),
    "device.detach": Deed(_detach, _on_device(devicetasks.detach_from_its_guest)),
    "device.take": Deed(_take, _on_device(hostdevicetasks.take_from_host)),
    "device.return": Deed(_return, _on_device(hostdevicetasks.return_to_host)),
    "device.functions": Deed(_functions, _on_device(hostdevicetasks.set_functions)),
    "device.function-network": Deed(_network, _on_device(hostdevicetasks.make_function_pool)),
    "mdev.create": Deed(_create, _create_one),
    "mdev.undefine": Deed(_undefine, _on_device(hostdevicetasks.undefine_mdev)),
    "part.start": _mdev_or_part(
        hostdevicetasks.mdev_start_refusal,
        hostdevicetasks.start_mdev,
        hostparts.start_refusal,
        hostparts.start,
    ),
    "part.stop": _mdev_or_part(
        hostdevicetasks.mdev_stop_refusal,
        hostdevicetasks.stop_mdev,
        hostparts.stop_refusal,
        hostparts.stop,
    ),
    "part.autostart": _mdev_or_part(
        hostdevicetasks.mdev_autostart_refusal,
        hostdevicetasks.autostart_mdev,
        hostparts.autostart_refusal,
        hostparts.autostart,
    ),
    "pool.refresh": Deed(lambda _desk, held: hostparts.refresh_refusal(held), _refresh),
}
