"""What can be asked of a host's devices, storage and networks, carried out by libvirt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import libvirt

from tuivm.hypervisor import hostactions_devices as devices
from tuivm.hypervisor import hostactions_mdev as mdevs
from tuivm.hypervisor.errors import problem_from
from tuivm.hypervisor.hostsurvey import networks, storage
from tuivm.hypervisor.refusal import RefusalError
from tuivm.model.hostrequests import (
    CreateMdev,
    DetachFromHost,
    HostRequest,
    MakeFunctionPool,
    RefreshPool,
    ReturnToHost,
    SetFunctions,
    SetMdevAutostart,
    SetNetworkAutostart,
    SetPoolAutostart,
    StartMdev,
    StartNetwork,
    StartPool,
    StopMdev,
    StopNetwork,
    StopPool,
    UndefineMdev,
)
from tuivm.model.hosts import HostSpec, Problem
from tuivm.model.requests import Outcome, Step

_TAKEN_DOWN = frozenset({"fs", "iscsi", "logical", "netfs"})
"""Kinds of pools whose disks the host itself has no more when they are stopped."""


class _Deed(NamedTuple):
    """intent follows "cannot "; a format of the request's fields."""

    intent: str
    do: Callable[[libvirt.virConnect, HostSpec, Any, list[Step]], object]


def intent(request: HostRequest) -> str:
    """What it does, behind "cannot "."""
    words = _DEEDS[type(request)].intent
    if isinstance(request, SetMdevAutostart | SetPoolAutostart | SetNetworkAutostart):
        words = f"turn autostart {'on' if request.on else 'off'} for {words}"
    return words.format(**request._asdict())


def perform(conn: libvirt.virConnect, spec: HostSpec, request: HostRequest) -> Outcome:
    """What is refused, by libvirt or before it is asked, is an Outcome with a problem, never an
    exception; its steps are what was done, and undone, before."""
    what = f"cannot {intent(request)}"
    steps: list[Step] = []
    try:
        _DEEDS[type(request)].do(conn, spec, request, steps)
    except RefusalError as error:
        return error.outcome(what, steps)
    except libvirt.libvirtError as error:
        problem = problem_from(what, error, spec.uri)
        return Outcome(mdevs.explained(problem, error, request), tuple(steps))
    except ValueError as error:
        # What libvirt said, or is to be told, is no XML.
        return Outcome(Problem(what, str(error)), tuple(steps))
    return Outcome(steps=tuple(steps))


def _start_pool(
    conn: libvirt.virConnect, _spec: HostSpec, request: StartPool, steps: list[Step]
) -> None:
    conn.storagePoolLookupByName(request.name).create()
    steps.append(Step(f"started pool {request.name}"))


def _stop_pool(
    conn: libvirt.virConnect, spec: HostSpec, request: StopPool, steps: list[Step]
) -> None:
    """Raises RefusalError where a running guest would lose a disk. A pool of another kind only
    is not looked at any more."""
    pool = conn.storagePoolLookupByName(request.name)
    offer = storage(conn, spec)
    running = {name for name, _, active in offer.guests if active}
    users = {
        name
        for one in offer.pools
        if one.name == request.name and one.kind in _TAKEN_DOWN
        for volume in one.volumes
        for name in volume.used_by
        if name in running
    }
    if users:
        raise RefusalError(
            f"running guests have disks in it: {', '.join(sorted(users))}",
            "the host has these disks no more when the pool is stopped",
            "shut the guests down first",
        )
    pool.destroy()
    steps.append(Step(f"stopped pool {request.name}"))


def _refresh_pool(
    conn: libvirt.virConnect, _spec: HostSpec, request: RefreshPool, steps: list[Step]
) -> None:
    conn.storagePoolLookupByName(request.name).refresh()
    steps.append(Step(f"refreshed pool {request.name}"))


def _pool_autostart(
    conn: libvirt.virConnect, _spec: HostSpec, request: SetPoolAutostart, steps: list[Step]
) -> None:
    conn.storagePoolLookupByName(request.name).setAutostart(int(request.on))
    steps.append(_autostart(f"pool {request.name}", on=request.on))


def _start_network(
    conn: libvirt.virConnect, _spec: HostSpec, request: StartNetwork, steps: list[Step]
) -> None:
    conn.networkLookupByName(request.name).create()
    steps.append(Step(f"started network {request.name}"))


def _stop_network(
    conn: libvirt.virConnect, spec: HostSpec, request: StopNetwork, steps: list[Step]
) -> None:
    network = conn.networkLookupByName(request.name)
    users = {
        user.guest
        for one in networks(conn, spec).networks
        if one.name == request.name
        for user in one.users
        if user.running
    }
    if unseen := sorted(users - request.accepted):
        raise RefusalError(
            f"running guests are on it: {', '.join(unseen)}",
            "they lose their link, and do not get it back when the network is started again",
            "look at who is on it, and accept that for each of them",
        )
    network.destroy()
    steps.append(Step(f"stopped network {request.name}"))
    steps += (Step(f"{guest} has lost its link to it") for guest in sorted(users))


def _network_autostart(
    conn: libvirt.virConnect, _spec: HostSpec, request: SetNetworkAutostart, steps: list[Step]
) -> None:
    conn.networkLookupByName(request.name).setAutostart(int(request.on))
    steps.append(_autostart(f"network {request.name}", on=request.on))


def _autostart(what: str, *, on: bool) -> Step:
    return Step(f"{what} {'starts' if on else 'no longer starts'} with the host")


_DEEDS: dict[type[HostRequest], _Deed] = {
    DetachFromHost: _Deed("take {nodedev} from the host's driver", devices.detach_from_host),
    ReturnToHost: _Deed("return {nodedev} to the host", devices.return_to_host),
    SetFunctions: _Deed("give {address} {functions} VFs", devices.set_functions),
    MakeFunctionPool: _Deed("make a pool of VFs {name} of {address}", devices.make_function_pool),
    CreateMdev: _Deed("create a mediated device {type} on {parent}", mdevs.create),
    StartMdev: _Deed("start {nodedev}", mdevs.start),
    StopMdev: _Deed("stop {nodedev}", mdevs.stop),
    UndefineMdev: _Deed("undefine {nodedev}", mdevs.undefine),
    SetMdevAutostart: _Deed("{nodedev}", mdevs.set_autostart),
    StartPool: _Deed("start pool {name}", _start_pool),
    StopPool: _Deed("stop pool {name}", _stop_pool),
    RefreshPool: _Deed("refresh pool {name}", _refresh_pool),
    SetPoolAutostart: _Deed("pool {name}", _pool_autostart),
    StartNetwork: _Deed("start network {name}", _start_network),
    StopNetwork: _Deed("stop network {name}", _stop_network),
    SetNetworkAutostart: _Deed("network {name}", _network_autostart),
}
