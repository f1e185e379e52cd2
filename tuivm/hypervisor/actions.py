"""What can be done to a guest, carried out by libvirt. Aimed at a UUID, never at a name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import libvirt

from tuivm.hypervisor.errors import problem_from
from tuivm.model.hosts import Problem
from tuivm.model.requests import (
    AttachDevices,
    Delete,
    DetachDevices,
    DiscardSave,
    ForceOff,
    Outcome,
    Reboot,
    Redefine,
    Rename,
    Request,
    Reset,
    Resume,
    Save,
    SetAutostart,
    Shutdown,
    ShutdownMode,
    Start,
    Step,
    Suspend,
)

_SHUTDOWN = {
    ShutdownMode.DEFAULT: libvirt.VIR_DOMAIN_SHUTDOWN_DEFAULT,
    ShutdownMode.ACPI: libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN,
    ShutdownMode.AGENT: libvirt.VIR_DOMAIN_SHUTDOWN_GUEST_AGENT,
}
_REBOOT = {
    ShutdownMode.DEFAULT: libvirt.VIR_DOMAIN_REBOOT_DEFAULT,
    ShutdownMode.ACPI: libvirt.VIR_DOMAIN_REBOOT_ACPI_POWER_BTN,
    ShutdownMode.AGENT: libvirt.VIR_DOMAIN_REBOOT_GUEST_AGENT,
}


@dataclass(frozen=True, slots=True)
class _Deed:
    """intent follows "cannot ", done stands alone; both take the guest's name."""

    intent: str
    done: str
    call: Callable[[libvirt.virDomain, Any], object]


def perform(conn: libvirt.virConnect, uuid: str, request: Request) -> Outcome:
    """Carry a request out and say how it ended. Blocks as long as libvirt does.

    A guest that was asked to shut down or reboot has only been asked when this returns. What
    libvirt refuses is an Outcome with a problem, never an exception.
    """
    if isinstance(request, Delete):
        from tuivm.hypervisor.deletion import delete  # noqa: PLC0415 - most never delete

        return delete(conn, uuid, request.order)
    if isinstance(request, AttachDevices):
        from tuivm.hypervisor.attaching import attach  # noqa: PLC0415 - few ever do

        return attach(conn, uuid, request)
    if isinstance(request, DetachDevices):
        from tuivm.hypervisor.detaching import detach  # noqa: PLC0415 - few ever do

        return detach(conn, uuid, request)
    if isinstance(request, Redefine):
        return _redefine(conn, uuid, request)
    deed = _DEEDS[type(request)]
    name = f"guest {uuid}"
    try:
        domain = conn.lookupByUUIDString(uuid)
        name = domain.name()
        deed.call(domain, request)
    except libvirt.libvirtError as error:
        what = f"cannot {deed.intent.format(name)}"
        return Outcome(problem_from(what, error, conn.getURI()))
    return Outcome(steps=(Step(deed.done.format(name, request)),))


def _redefine(conn: libvirt.virConnect, uuid: str, request: Redefine) -> Outcome:
    what, name = f"cannot change the definition of guest {uuid}", uuid
    flags = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE
    try:
        domain = conn.lookupByUUIDString(uuid)
        name = domain.name()
        what = f"cannot change the definition of {name}"
        if not domain.isPersistent():
            return Outcome(Problem(what, "it is transient: it has no definition that stays"))
        if domain.XMLDesc(flags) != request.was:
            return Outcome(
                Problem(
                    what,
                    "the definition was changed by somebody else meanwhile",
                    remedy="look at the change once more, and apply it to what it is now",
                )
            )
        conn.defineXMLFlags(request.xml, libvirt.VIR_DOMAIN_DEFINE_VALIDATE)
    except libvirt.libvirtError as error:
        return Outcome(problem_from(what, error, conn.getURI()))
    return Outcome(steps=(Step(f"changed the definition of {name}"),))


def _start(domain: libvirt.virDomain, request: Start) -> None:
    flags = libvirt.VIR_DOMAIN_START_PAUSED if request.paused else 0
    if request.discard_saved:
        flags |= libvirt.VIR_DOMAIN_START_FORCE_BOOT
    if flags:
        domain.createWithFlags(flags)
    else:
        domain.create()


def _shut_down(domain: libvirt.virDomain, request: Shutdown) -> None:
    flags = _SHUTDOWN[request.mode]
    if flags:
        domain.shutdownFlags(flags)
    else:
        domain.shutdown()


def _resume(domain: libvirt.virDomain, _request: Resume) -> None:
    if domain.state()[0] == libvirt.VIR_DOMAIN_PMSUSPENDED:
        domain.pMWakeup()
    else:
        domain.resume()


_DEEDS: dict[type[Request], _Deed] = {
    Start: _Deed("start {}", "started {}", _start),
    Shutdown: _Deed("shut down {}", "asked {} to shut down", _shut_down),
    Reboot: _Deed(
        "reboot {}", "asked {} to reboot", lambda domain, ask: domain.reboot(_REBOOT[ask.mode])
    ),
    Reset: _Deed("reset {}", "reset {}", lambda domain, _: domain.reset()),
    ForceOff: _Deed("force off {}", "forced off {}", lambda domain, _: domain.destroy()),
    Suspend: _Deed("suspend {}", "suspended {}", lambda domain, _: domain.suspend()),
    Resume: _Deed("resume {}", "resumed {}", _resume),
    Save: _Deed("save {}", "saved {}", lambda domain, _: domain.managedSave()),
    DiscardSave: _Deed(
        "discard the saved memory of {}",
        "discarded the saved memory of {}",
        lambda domain, _: domain.managedSaveRemove(),
    ),
    SetAutostart: _Deed(
        "set autostart of {}",
        "set autostart of {}",
        lambda domain, ask: domain.setAutostart(int(ask.on)),
    ),
    Rename: _Deed(
        "rename {}", "renamed {} to {.name}", lambda domain, ask: domain.rename(ask.name)
    ),
}
