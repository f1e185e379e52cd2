"""Mediated devices: made, started, stopped. libvirt has mdevctl do it on the host."""

from __future__ import annotations

import uuid as uuids

import libvirt
from lxml import etree

from tuivm.domainxml.build_parts import element
from tuivm.domainxml.parse import attr, number, parse_xml, text
from tuivm.hypervisor.devicesurvey import devices
from tuivm.hypervisor.errors import is_unsupported, reason_of
from tuivm.hypervisor.refusal import RefusalError
from tuivm.model.hostrequests import (
    CreateMdev,
    HostRequest,
    SetMdevAutostart,
    StartMdev,
    StopMdev,
    UndefineMdev,
)
from tuivm.model.hosts import HostSpec, Problem
from tuivm.model.requests import Step

_MDEVS = CreateMdev | SetMdevAutostart | StartMdev | StopMdev | UndefineMdev


def create(
    conn: libvirt.virConnect, _spec: HostSpec, request: CreateMdev, steps: list[Step]
) -> None:
    """All or nothing: what was defined is undefined again when it does not start."""
    uuid = _uuid(request.uuid)
    _check_room(conn.nodeDeviceLookupByName(request.parent), request)
    if not request.defined:
        if request.autostart:
            raise RefusalError("what is not defined cannot start with the host")
        node = conn.nodeDeviceCreateXML(_xml(request, uuid))
        steps.append(Step(f"created {node.name()}"))
        return
    node = conn.nodeDeviceDefineXML(_xml(request, uuid))
    steps.append(Step(f"defined {node.name()}"))
    try:
        node.create()
        steps.append(Step(f"started {node.name()}"))
        if request.autostart:
            node.setAutostart(1)
            steps.append(_autostart(node.name(), on=True))
    except libvirt.libvirtError:
        _remove(node, steps)
        raise


def start(conn: libvirt.virConnect, _spec: HostSpec, request: StartMdev, steps: list[Step]) -> None:
    conn.nodeDeviceLookupByName(request.nodedev).create()
    steps.append(Step(f"started {request.nodedev}"))


def stop(conn: libvirt.virConnect, spec: HostSpec, request: StopMdev, steps: list[Step]) -> None:
    node = conn.nodeDeviceLookupByName(request.nodedev)
    offer = devices(conn, spec)
    running = {f"guest {name}" for name, _, active in offer.guests if active}
    users = [
        use
        for one in offer.devices
        if one.nodedev == request.nodedev
        for use in one.used_by
        if use in running
    ]
    if users:
        raise RefusalError(
            f"it is in use by {', '.join(users)}",
            "a guest cannot lose it while it runs",
            "detach it from the guest first",
        )
    node.destroy()
    steps.append(Step(f"stopped {request.nodedev}"))


def undefine(
    conn: libvirt.virConnect, _spec: HostSpec, request: UndefineMdev, steps: list[Step]
) -> None:
    conn.nodeDeviceLookupByName(request.nodedev).undefine()
    steps.append(Step(f"undefined {request.nodedev}"))


def set_autostart(
    conn: libvirt.virConnect, _spec: HostSpec, request: SetMdevAutostart, steps: list[Step]
) -> None:
    conn.nodeDeviceLookupByName(request.nodedev).setAutostart(int(request.on))
    steps.append(_autostart(request.nodedev, on=request.on))


def explained(problem: Problem, error: libvirt.libvirtError, request: HostRequest) -> Problem:
    """With what a host lacks that cannot make mediated devices last; others as they are."""
    if not isinstance(request, _MDEVS):
        return problem
    if is_unsupported(error):
        return problem._replace(
            cause="the host's libvirt is too old, or its driver has no mediated devices",
            remedy="libvirt 7.3.0 or newer keeps and stops them, 7.8.0 or newer starts them with "
            "the host; mdevctl on the host's shell does without libvirt",
        )
    reason = problem.reason.lower()
    if "mdevctl" in reason and ("cannot find" in reason or "no such file" in reason):
        return problem._replace(
            cause="libvirt makes them by mdevctl, which the host does not have",
            remedy="install the package mdevctl on the host",
        )
    return problem


def _uuid(given: str) -> str:
    if not given:
        return str(uuids.uuid4())
    try:
        return str(uuids.UUID(given))
    except ValueError:
        raise RefusalError(f"{given} is no UUID") from None


def _xml(request: CreateMdev, uuid: str) -> str:
    capability = element(
        "capability", element("type", id=request.type), element("uuid", uuid), type="mdev"
    )
    made = element("device", element("parent", request.parent), capability)
    return etree.tostring(made, encoding="unicode")


def _check_room(parent: libvirt.virNodeDevice, request: CreateMdev) -> None:
    """What mdevctl would say in the kernel's words, "No space left on device"."""
    root = parse_xml(parent.XMLDesc(), "device")
    types = {attr(one, "id"): one for one in root.iterfind(".//capability/type[@id]")}
    if request.type not in types:
        offered = ", ".join(types) or "none"
        raise RefusalError(
            f"{request.parent} makes no {request.type}",
            f"its types: {offered}",
            "" if types else "its driver, or the vendor's one that splits it, is not loaded",
        )
    left = number(text(types[request.type], "availableInstances"))
    if left == 0 and not request.defined:
        raise RefusalError(
            f"{request.parent} has no {request.type} left",
            "others take what it has",
            "stop one, or take a smaller type",
        )


def _remove(node: libvirt.virNodeDevice, steps: list[Step]) -> None:
    name = node.name()
    try:
        if node.isActive():
            node.destroy()
        node.undefine()
    except libvirt.libvirtError as error:
        steps.append(Step(f"remove {name} again", done=False, reason=reason_of(error)))
    else:
        steps.append(Step(f"removed {name} again"))


def _autostart(name: str, *, on: bool) -> Step:
    return Step(f"{name} {'starts' if on else 'no longer starts'} with the host")
