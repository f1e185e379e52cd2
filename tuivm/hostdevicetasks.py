"""What a person does with a device on its host: its driver, its VFs, mediated devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuivm.devicescene import DeviceScene
from tuivm.model.deviceports import HostItem, MdevKind
from tuivm.model.hostrequests import (
    SetFunctions,
    SetMdevAutostart,
    StartMdev,
    StopMdev,
    UndefineMdev,
)
from tuivm.model.hostshell import functions_command
from tuivm.model.offers import HostDevice, HostOffer
from tuivm.screens.devicewords import called
from tuivm.screens.dialogs.confirm import Confirm
from tuivm.screens.dialogs.explain import Explain
from tuivm.screens.dialogs.functions import MakeVfPool, SetVfs
from tuivm.screens.dialogs.hostdriver import GiveBack, TakeFromHost
from tuivm.screens.dialogs.mdev import MakeMdev

if TYPE_CHECKING:
    from tuivm.commands.base import Desk


async def take_from_host(desk: Desk, device: HostDevice, offer: HostOffer) -> None:
    dialog = TakeFromHost(DeviceScene(desk, offer.host), device, offer.host)
    request = await desk.ask(dialog)
    if request is not None:
        await desk.act_on_host(offer.host, f"taking {device.address} from its driver", request)


async def return_to_host(desk: Desk, device: HostDevice, offer: HostOffer) -> None:
    request = await desk.ask(GiveBack(DeviceScene(desk, offer.host), device, offer.host))
    if request is not None:
        await desk.act_on_host(offer.host, f"returning {device.address} to its driver", request)


async def set_functions(desk: Desk, device: HostDevice, offer: HostOffer) -> None:
    scene = DeviceScene(desk, offer.host)
    request = await desk.ask(SetVfs(scene, device, offer.host, local=offer.local))
    if request is None:
        return
    label = f"giving {device.address} {request.functions} VFs"
    outcome = await desk.act_on_host(offer.host, label, request)
    if outcome.problem is not None:
        await _by_hand(desk, scene, device, request)


async def _by_hand(
    desk: Desk, scene: DeviceScene, device: HostDevice, request: SetFunctions
) -> None:
    """It needs rights that this program has not: the command can be copied."""
    now = len(device.virtual_functions)
    command = functions_command(scene.uri, device.address, request.functions, now)
    text = (
        "It was not done (! has the words). Where it is a matter of rights, root can do it: "
        "the number of VFs is a file of the kernel's that libvirt has no call for."
    )
    await desk.ask(Explain(f"VFs of {device.address}", text, "", command))


async def make_function_pool(desk: Desk, device: HostDevice, offer: HostOffer) -> None:
    port = desk.host(offer.host)
    if port is None:
        return
    asked = port.devices().networks()

    def taken(name: str) -> str:
        # The host looks again before it makes one: nobody waits for this.
        offered = asked.result().offer if asked.done() else None
        there = any(one.name == name for one in (offered.networks if offered else ()))
        return f"{offer.host} has a network {name} already." if there else ""

    scene = DeviceScene(desk, offer.host)
    request = await desk.ask(MakeVfPool(scene, device, offer.host, taken))
    if request is not None:
        await desk.act_on_host(offer.host, f"making network {request.name}", request)


async def create_mdev(desk: Desk, held: HostItem) -> None:
    """Of the type that is highlighted, or of the first that a parent makes."""
    item = held.item
    if isinstance(item, HostDevice) and item.mdev_types:
        item = MdevKind(item, item.mdev_types[0])
    if isinstance(item, MdevKind):
        host = held.offer.host
        request = await desk.ask(MakeMdev(DeviceScene(desk, host), item, host))
        if request is not None:
            await desk.act_on_host(host, f"making a {request.type}", request)


# mediated devices: what no dialog of its own is needed for


def mdev_start_refusal(device: HostDevice) -> str:
    return f"{device.address} is started already" if device.active else ""


async def start_mdev(desk: Desk, device: HostDevice, offer: HostOffer) -> None:
    label = f"starting {device.address}"
    await desk.act_on_host(offer.host, label, StartMdev(device.nodedev))


def mdev_stop_refusal(device: HostDevice) -> str:
    return f"{device.address} is stopped already" if device.active is False else ""


async def stop_mdev(desk: Desk, device: HostDevice, offer: HostOffer) -> None:
    effect = "It can be started again." if device.defined else "It is not defined: it is gone then."
    lines = (called(device), *_users(device), "", effect)
    dialog = Confirm(f"Stop on {offer.host}", lines, "Stop", dangerous=True)
    if await desk.ask(dialog) is True:
        label = f"stopping {device.address}"
        await desk.act_on_host(offer.host, label, StopMdev(device.nodedev))


def mdev_undefine_refusal(device: HostDevice) -> str:
    return "" if device.defined else f"{device.address} is not defined: stopping it removes it"


async def undefine_mdev(desk: Desk, device: HostDevice, offer: HostOffer) -> None:
    effect = (
        "Its definition goes; it works on until it is stopped, and is gone then."
        if device.active
        else "It is gone then."
    )
    lines = (called(device), *_users(device), "", effect)
    dialog = Confirm(f"Undefine on {offer.host}", lines, "Undefine", dangerous=True)
    if await desk.ask(dialog) is True:
        label = f"undefining {device.address}"
        await desk.act_on_host(offer.host, label, UndefineMdev(device.nodedev))


def mdev_autostart_refusal(device: HostDevice) -> str:
    if not device.defined:
        return f"{device.address} is not defined: it cannot start with its host"
    return "libvirt does not tell of its autostart" if device.autostart is None else ""


async def autostart_mdev(desk: Desk, device: HostDevice, offer: HostOffer) -> None:
    on = not device.autostart
    label = f"autostart {'on' if on else 'off'} for {device.address}"
    await desk.act_on_host(offer.host, label, SetMdevAutostart(device.nodedev, on))


def _users(device: HostDevice) -> tuple[str, ...]:
    return (f"in use by {', '.join(device.used_by)}",) if device.used_by else ()
