"""What it costs to pass a device through that may be passed through."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tuivm.model.findings import Finding
from tuivm.model.offers import HostDevice, HostOffer
from tuivm.preflight.asking import note, shown, warning
from tuivm.preflight.groups import PCI, is_vfio

_DISPLAY = "03"
"""PCI's base class: 0300 VGA, 0302 3D, 0380 others."""


def is_gpu(device: HostDevice) -> bool:
    return device.kind == PCI and device.class_.startswith(_DISPLAY)


def by_vfio(device: HostDevice) -> bool:
    """It reads and writes the guest's memory by itself, so that all of it has to stay in place."""
    return device.kind in {PCI, "mdev"}


def costs(
    device: HostDevice, functions: Sequence[HostDevice], offer: HostOffer
) -> Iterator[Finding]:
    """functions: its VFs."""
    name = shown(device.address)
    if device.kind == PCI:
        yield from _reset(device, name, offer)
        if device.virtual_functions or functions:
            yield warning(
                "pass-functions",
                "",
                f"{name} has virtual functions, which go with it",
                "they belong to the host's driver of the physical function",
                "pass one of them through instead",
            )
        for network in offer.networks:
            if network.forward == "hostdev" and device.address in network.devices:
                pool = shown(network.name)
                yield warning(
                    "pass-pool",
                    "",
                    f"{name} is of the pool of network {pool}",
                    "libvirt may give it to the next guest with a NIC on that network, or has",
                    "connect the guest to the network, and it gets one that is free",
                )
        if is_vfio(device.driver):
            yield note(
                "pass-vfio",
                "",
                f"{name} has been taken from the host's driver already",
                f"{shown(device.driver)} has it: the host itself does not use it",
            )
    if device.kind == "scsi":
        yield note(
            "pass-scsi",
            "",
            f"{name} takes the guest's SCSI commands as they are",
            "so the guest sees the drive itself (sense data, tapes, reservations); the host's "
            "driver stays on it, and the host can still write to it",
        )
    if by_vfio(device) or device.kind == "scsi":
        yield note(
            "pass-migration",
            "",
            f"with {name}: no migration, no save, no snapshot with memory",
            "a part of its state is in silicon"
            + ("; and all of its memory is locked" if by_vfio(device) else ""),
        )
    if is_gpu(device):
        yield note(
            "pass-gpu",
            "",
            f"{name} is a GPU, which wants UEFI, and often a copy of its ROM",
            "its driver may also refuse to work where it finds a hypervisor",
        )


def _reset(device: HostDevice, name: str, offer: HostOffer) -> Iterator[Finding]:
    if device.resets == ():
        yield warning(
            "pass-reset",
            "",
            f"{name} cannot be reset",
            "it has no FLR and no other way: what one guest leaves in it, the next one or the host "
            "finds; after the guest has stopped it may not work until the host reboots",
            "do without handing it on, or reboot the host in between",
        )
    elif device.resets is not None and not set(device.resets) - {"bus"}:
        yield note(
            "pass-reset-bus",
            "",
            f"{name} is reset with its whole bus",
            "it has no FLR: VFIO can reset it only where the same guest has all that is on the bus",
        )
    elif device.resets is None and not device.physical_function:
        # A VF has FLR: SR-IOV demands it.
        place = f"/sys/bus/pci/devices/{device.address}/reset_method"
        there = "" if offer.local else "on the host: "
        yield note(
            "pass-reset-unknown",
            "",
            f"not known how {name} can be reset",
            "without a reset, what one guest leaves in it is still there for the next",
            f"{there}cat {place}",
        )
