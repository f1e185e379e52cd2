"""What is done with pools and networks from place 3; the classes with the keys call these.

`refusal`s speak of the thing alone: whether its host takes orders now is for the caller to ask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuivm.model.hostrequests import (
    HostRequest,
    RefreshPool,
    SetNetworkAutostart,
    SetPoolAutostart,
    StartNetwork,
    StartPool,
    StopNetwork,
    StopPool,
)
from tuivm.model.offers import HostOffer, Network, Pool, Volume

if TYPE_CHECKING:
    from tuivm.commands.base import Desk
    from tuivm.model.deviceports import HostItem

_LISTED = 8
"""Guests named one by one in a question; the others are counted."""
_UNMOUNTED = frozenset({"fs", "netfs", "vstorage"})
_TARGETS = frozenset({"iscsi", "iscsi-direct"})


def start_refusal(held: HostItem) -> str:
    """Why it cannot be started, in words; "" when it can."""
    match held.item:
        case Pool(active=True) | Network(active=True):
            return f"{named(held.item)} is active already"
        case Pool() | Network():
            return ""
    return _neither(held, "started")


async def start(desk: Desk, held: HostItem) -> None:
    match held.item:
        case Pool(name=name):
            await _act(desk, held, "starting", StartPool(name))
        case Network(name=name):
            await _act(desk, held, "starting", StartNetwork(name))


def stop_refusal(held: HostItem) -> str:
    match held.item:
        case Pool(active=False) | Network(active=False):
            return f"{named(held.item)} is off already"
        case Pool() | Network():
            return ""
    return _neither(held, "stopped")


async def stop(desk: Desk, held: HostItem) -> None:
    """Asks before it where a running guest would feel it, or where it would be gone."""
    item = held.item
    if not isinstance(item, Pool | Network):
        return
    users = running_on(item, held.offer)
    effects = stop_effects(item, users)
    if effects:
        from tuivm.screens.dialogs.confirm import Confirm  # noqa: PLC0415 - when it opens

        names = [f"{name}  is running" for name in users[:_LISTED]]
        if len(users) > _LISTED:
            names.append(f"and {len(users) - _LISTED} more")
        lines = (*names, *([""] if names else []), *effects)
        title = f"Stop {named(item)} on {held.offer.host}"
        if await desk.ask(Confirm(title, lines, "Stop", dangerous=True)) is not True:
            return
    request = StopPool(item.name) if isinstance(item, Pool) else _stop_network(item, users)
    await _act(desk, held, "stopping", request)


def _stop_network(network: Network, users: tuple[str, ...]) -> StopNetwork:
    return StopNetwork(network.name, frozenset(users))


def autostart_refusal(held: HostItem) -> str:
    match held.item:
        case Pool(persistent=False) | Network(persistent=False):
            return f"{named(held.item)} is transient: it has no definition to start from"
        case Pool() | Network():
            return ""
    return _neither(held, "started with the host")


async def autostart(desk: Desk, held: HostItem) -> None:
    """On, or off where it is on."""
    item = held.item
    if isinstance(item, Pool | Network):
        on = not item.autostart
        kind = SetPoolAutostart if isinstance(item, Pool) else SetNetworkAutostart
        await _act(desk, held, f"autostart {'on' if on else 'off'} for", kind(item.name, on))


def refresh_refusal(held: HostItem) -> str:
    match held.item:
        case Pool(active=True):
            return ""
        case Pool():
            return f"{named(held.item)} is off: start it, which looks for its volumes too"
        case Volume() if pools_of(held.item, held.offer):
            return ""
    return "only storage pools are refreshed"


async def refresh(desk: Desk, held: HostItem) -> None:
    """Of a volume: the pools that it is in."""
    item = held.item
    pools: tuple[Pool, ...] = (item,) if isinstance(item, Pool) else ()
    if isinstance(item, Volume):
        pools = pools_of(item, held.offer)
    for pool in pools:
        text = f"refreshing {named(pool)}"
        await desk.act_on_host(held.offer.host, text, RefreshPool(pool.name))


def named(item: Pool | Network) -> str:
    return f"{'pool' if isinstance(item, Pool) else 'network'} {item.name}"


def pools_of(volume: Volume, offer: HostOffer) -> tuple[Pool, ...]:
    return tuple(pool for pool in offer.pools if volume in pool.volumes)


def running_on(item: Pool | Network, offer: HostOffer) -> tuple[str, ...]:
    """Names of guests that run, with a NIC or a disk there."""
    if isinstance(item, Network):
        return tuple(sorted({user.guest for user in item.users if user.running}))
    running = {name for name, _, active in offer.guests if active}
    used = {name for volume in item.volumes for name in volume.used_by}
    return tuple(sorted(used & running))


def stop_effects(item: Pool | Network, users: tuple[str, ...]) -> tuple[str, ...]:
    """What follows, in sentences; () where nobody would feel it."""
    effects: list[str] = []
    if users:
        effects.append(_pool_effect(item) if isinstance(item, Pool) else _network_effect(item))
    if not item.persistent:
        effects.append("It is transient: once stopped, it is gone, and nothing can start it again.")
    return tuple(effects)


def _pool_effect(pool: Pool) -> str:
    if pool.kind in _TARGETS:
        return "The session with the target ends: these guests lose their disks while they run."
    if pool.kind in _UNMOUNTED:
        return (
            "It is unmounted, which fails while a guest has a file open on it. Until it is started "
            "again, no guest with a disk there can start."
        )
    if pool.kind == "logical":
        return (
            "Its volume group is deactivated, which fails while a guest has a volume of it open. "
            "Until it is started again, no guest with a disk there can start."
        )
    return (
        "Guests that run keep the disks that they have open. Until it is started again, libvirt "
        "shows no volumes of it, and a guest whose disk names the pool cannot start."
    )


def _network_effect(network: Network) -> str:
    if network.forward in ("bridge", "private", "vepa", "passthrough", "hostdev"):
        return (
            "These guests keep their NICs: the network has no bridge of its own. None can be "
            "started on it until it is started again."
        )
    return (
        "Its bridge goes: these guests lose their link at once, and it may not come back by itself "
        "when the network is started again (then take their NIC out and put it back, or restart "
        "them). DHCP and DNS of the network stop."
    )


def _neither(held: HostItem, done: str) -> str:
    if isinstance(held.item, Volume):
        return f"{held.item.name} is a volume: only its pool can be {done}"
    return f"only pools and networks are {done} here"


async def _act(desk: Desk, held: HostItem, verb: str, request: HostRequest) -> None:
    item = held.item
    if isinstance(item, Pool | Network):
        await desk.act_on_host(held.offer.host, f"{verb} {named(item)}", request)
