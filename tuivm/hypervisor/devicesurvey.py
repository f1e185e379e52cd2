"""The devices of a host and all that verdicts on them are drawn from, asked in one go."""

from __future__ import annotations

import libvirt

from tuivm.hypervisor.offers import gather
from tuivm.model.hosts import HostSpec
from tuivm.model.offers import HostOffer


def devices(conn: libvirt.virConnect, spec: HostSpec) -> HostOffer:
    """Raises libvirtError when the host does not even list its guests."""
    return gather(conn, spec)
