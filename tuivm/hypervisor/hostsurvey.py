"""What a host is made of, its storage and its networks, each asked in one go."""

from __future__ import annotations

import libvirt

from tuivm.hypervisor.offers import gather
from tuivm.model.hosts import HostSpec
from tuivm.model.offers import HostOffer


def overview(conn: libvirt.virConnect, spec: HostSpec) -> HostOffer:
    return gather(conn, spec)


def storage(conn: libvirt.virConnect, spec: HostSpec) -> HostOffer:
    return gather(conn, spec)


def networks(conn: libvirt.virConnect, spec: HostSpec) -> HostOffer:
    return gather(conn, spec)
