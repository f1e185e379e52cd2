"""May this device of the host's be taken from its driver? Drawn for the dialog that asks, and
again just before it is done."""

from __future__ import annotations

from tuivm.model.offers import HostDevice, HostOffer
from tuivm.preflight.asking import error, shown
from tuivm.preflight.attaching import Attachment
from tuivm.preflight.passing import verdict

_OF_GUESTS = frozenset({"pass-gpu", "pass-group", "pass-migration"})
"""What a guest would have of it. The members of a group are taken one by one."""


def check_take(device: HostDevice, offer: HostOffer) -> Attachment:
    """All that speaks against taking it from the host, each with its address as its field."""
    if device.kind != "pci":
        found = error(
            "take-kind",
            device.address,
            f"{shown(device.address)} is no PCI device",
            "libvirt takes others from the host by itself when a guest gets them",
            "give it to a guest",
        )
        return Attachment((device,), (found,))
    said = verdict(device, offer)
    findings = tuple(
        one._replace(field=device.address) for one in said.findings if one.id not in _OF_GUESTS
    )
    return Attachment((device,), findings, (device.address,) if said.override else ())
