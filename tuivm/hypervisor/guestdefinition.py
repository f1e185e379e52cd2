"""A guest's definition, changed only as long as it is what it was when the change was made up."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import libvirt

from tuivm.hypervisor.errors import reason_of
from tuivm.hypervisor.refusal import RefusalError
from tuivm.model.requests import Step

_WHOLE = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE


class Definition(NamedTuple):
    """A guest as it was looked at. xml: what it starts with next, secrets included. live_xml: what
    it runs with; the same as xml for one that is off. saved: its memory is, too."""

    domain: libvirt.virDomain
    name: str
    running: bool
    persistent: bool
    xml: str
    live_xml: str
    saved: bool = False


def look(conn: libvirt.virConnect, uuid: str) -> Definition:
    """Raises libvirtError where it is gone."""
    domain = conn.lookupByUUIDString(uuid)
    running, persistent = bool(domain.isActive()), bool(domain.isPersistent())
    xml = domain.XMLDesc(_WHOLE)
    live = domain.XMLDesc() if running else xml
    saved = not running and persistent and bool(domain.hasManagedSaveImage())
    return Definition(domain, domain.name(), running, persistent, xml, live, saved)


def redefine(conn: libvirt.virConnect, guest: Definition, xml: str) -> str:
    """Define it so; the definition as libvirt has it then.

    Raises RefusalError when the guest is not any more what it was when it was looked at: libvirt
    itself would overwrite what another client changed, and bring back a guest that was undefined.
    """
    if not guest.domain.isPersistent():
        raise RefusalError(f"{guest.name} was undefined meanwhile", "by another client")
    if guest.domain.XMLDesc(_WHOLE) != guest.xml:
        raise RefusalError(
            "its definition was changed by somebody else meanwhile",
            remedy="look at the guest once more, and try again",
        )
    conn.defineXMLFlags(xml, libvirt.VIR_DOMAIN_DEFINE_VALIDATE)
    return guest.domain.XMLDesc(_WHOLE)


def put_back(
    conn: libvirt.virConnect,
    guest: Definition,
    after: str,
    without: Callable[[str], str],
    steps: list[Step],
) -> None:
    """Give the guest the definition that it was looked at with, in the place of `after`, which it
    was given since. Where somebody else has changed that, it is left as it is but for what
    `without` takes out of it."""
    what = f"put the definition of {guest.name} back"
    try:
        if guest.domain.isPersistent():
            now = guest.domain.XMLDesc(_WHOLE)
            conn.defineXML(guest.xml if now == after else without(now))
            reason = "" if now == after else "but for what somebody else has changed meanwhile"
        else:
            reason = "it was undefined meanwhile: there is none"
        steps.append(Step(what, reason=reason))
    except libvirt.libvirtError as error:
        steps.append(Step(what, done=False, reason=reason_of(error)))
