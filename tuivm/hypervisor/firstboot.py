"""What a guest had for its first boot alone goes once that is over: see `domainxml.firstboot`."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import libvirt

from tuivm.domainxml.firstboot import (
    KEY,
    Mark,
    mark_xml,
    read_mark,
    refers,
    settled,
)
from tuivm.domainxml.namespaces import FIRST_BOOT
from tuivm.domainxml.parse import Element, parse_domain, parse_xml
from tuivm.hypervisor.errors import reason_of
from tuivm.hypervisor.inventory import definitions, snapshots_of
from tuivm.model.creation import Placed

_log = logging.getLogger(__name__)


def settle(conn: libvirt.virConnect, uuid: str) -> None:
    """Do what is due for a guest that bears the mark.

    One that runs for the first time gets the definition that stays. One that is off after it
    loses the volumes that were for that boot, where nothing refers to them any more. Not at a
    restart: firmware and boot loaders make some of their own before the OS is up. Raises
    libvirtError, and ValueError for XML that is none.
    """
    domain = conn.lookupByUUIDString(uuid)
    secure = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE
    xml = domain.XMLDesc(secure)
    mark = read_mark(parse_domain(xml))
    if mark is None or not domain.isPersistent():
        return
    if domain.isActive():
        if mark.after:
            conn.defineXML(settled(xml, mark))
        elif not mark.begun:
            set_mark(domain, mark._replace(begun=True))
    elif mark.begun and not domain.hasManagedSaveImage():
        _clear(conn, domain, mark)


def set_mark(domain: libvirt.virDomain, mark: Mark | None) -> None:
    """Write the mark into the definition that stays, or take it out. Raises libvirtError."""
    domain.setMetadata(
        libvirt.VIR_DOMAIN_METADATA_ELEMENT,
        None if mark is None else mark_xml(mark),
        KEY,
        FIRST_BOOT,
        libvirt.VIR_DOMAIN_AFFECT_CONFIG,
    )


def _clear(conn: libvirt.virConnect, domain: libvirt.virDomain, mark: Mark) -> None:
    used = _used(conn, mark.volumes)
    for volume in mark.volumes:
        if volume not in used:
            _delete(conn, volume)
            _log.info("the first boot of %s is over: %s is removed", domain.name(), volume)
    set_mark(domain, mark._replace(volumes=used) if used else None)


def _used(conn: libvirt.virConnect, volumes: Iterable[Placed]) -> tuple[Placed, ...]:
    """Those that any guest's definition or snapshot names. Raises libvirtError and ValueError when
    one cannot be read, so that nothing is removed then."""
    roots: list[Element] = []
    for domain in conn.listAllDomains(0):
        roots += definitions(domain)
        roots += [
            parse_xml(snapshot.getXMLDesc(), "domainsnapshot") for snapshot in snapshots_of(domain)
        ]
    return tuple(one for one in volumes if any(refers(root, one) for root in roots))


def _delete(conn: libvirt.virConnect, volume: Placed) -> None:
    """One that is gone, or that is another by now, is fine."""
    try:
        found = conn.storagePoolLookupByName(volume.pool).storageVolLookupByName(volume.volume)
        if volume.path in ("", found.path()):
            found.delete(0)
    except libvirt.libvirtError as error:
        gone = (libvirt.VIR_ERR_NO_STORAGE_VOL, libvirt.VIR_ERR_NO_STORAGE_POOL)
        if error.get_error_code() not in gone:
            raise
        _log.info("%s: %s", volume, reason_of(error))
