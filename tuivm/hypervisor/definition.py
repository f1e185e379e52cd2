"""What has to be known of a guest before its definition is changed."""

from __future__ import annotations

import logging

import libvirt

from tuivm.domainxml.parse import attr, child_attr, parse_domain, text
from tuivm.model.conversion import Definition

_log = logging.getLogger(__name__)


def look_up(conn: libvirt.virConnect, uuid: str) -> Definition:
    """Raises libvirtError where the guest itself cannot be read; the rest may be missing."""
    domain = conn.lookupByUUIDString(uuid)
    xml = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE)
    return Definition(xml, _capabilities(conn, xml), _snapshots(domain), _saved(domain))


def _capabilities(conn: libvirt.virConnect, xml: str) -> str:
    domain = parse_domain(xml)
    try:
        return conn.getDomainCapabilities(
            text(domain, "devices/emulator") or None,
            child_attr(domain, "os/type", "arch") or None,
            child_attr(domain, "os/type", "machine") or None,
            attr(domain, "type") or None,
        )
    except libvirt.libvirtError as error:
        _log.info("no domain capabilities: %s", error)
        return ""


def _snapshots(domain: libvirt.virDomain) -> tuple[str, ...] | None:
    try:
        return tuple(snapshot.getName() for snapshot in domain.listAllSnapshots())
    except libvirt.libvirtError as error:
        _log.info("no list of snapshots: %s", error)
        return None


def _saved(domain: libvirt.virDomain) -> bool:
    try:
        return bool(domain.hasManagedSaveImage())
    except libvirt.libvirtError as error:
        _log.info("cannot tell whether memory is saved: %s", error)
        return False
