"""Giving a guest devices of its host's, and taking them away again."""

from __future__ import annotations

import libvirt

from tuivm.model.hosts import Problem
from tuivm.model.requests import AttachDevices, DetachDevices, Outcome


def attach(conn: libvirt.virConnect, uuid: str, request: AttachDevices) -> Outcome:
    """All of them or none: what was done is undone when a later one fails."""
    del conn, request
    return Outcome(Problem(f"cannot attach devices to {uuid}", "not built yet"))


def detach(conn: libvirt.virConnect, uuid: str, request: DetachDevices) -> Outcome:
    """Waits until the guest has let go."""
    del conn, request
    return Outcome(Problem(f"cannot detach devices from {uuid}", "not built yet"))
