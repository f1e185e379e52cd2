"""What can be asked of a host's devices, storage and networks, carried out by libvirt."""

from __future__ import annotations

import libvirt

from tuivm.hypervisor.errors import problem_from
from tuivm.model.hostrequests import HostRequest, ReturnToHost
from tuivm.model.hosts import HostSpec, Problem
from tuivm.model.requests import Outcome, Step


def intent(request: HostRequest) -> str:
    """What it does, behind "cannot "."""
    if isinstance(request, ReturnToHost):
        return f"return {request.nodedev} to the host"
    return type(request).__name__


def perform(conn: libvirt.virConnect, spec: HostSpec, request: HostRequest) -> Outcome:
    """What libvirt refuses is an Outcome with a problem, never an exception."""
    what = f"cannot {intent(request)}"
    try:
        if isinstance(request, ReturnToHost):
            conn.nodeDeviceLookupByName(request.nodedev).reAttach()
            return Outcome(steps=(Step(f"returned {request.nodedev} to the host"),))
    except libvirt.libvirtError as error:
        return Outcome(problem_from(what, error, spec.uri))
    return Outcome(Problem(what, "not built yet"))
