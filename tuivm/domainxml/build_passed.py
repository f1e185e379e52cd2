"""Devices of the host's that a new guest gets, and the IOMMU that it sees itself."""

from __future__ import annotations

from tuivm.domainxml.build_parts import Making, element
from tuivm.domainxml.hostdevxml import hostdev, mdev_model
from tuivm.domainxml.parse import Element
from tuivm.model.offers import HostDevice
from tuivm.model.spec import Passed, PassKind


def passed(making: Making) -> list[Element]:
    """One for each: see `hostdev`, which raises ValueError for what cannot be said."""
    return [
        _passed(making, one, len(making.nics) + number)
        for number, one in enumerate(making.spec.passed)
    ]


def viommu(making: Making) -> Element | None:
    """The guest's own IOMMU.

    caching_mode tells QEMU of each mapping, without which nothing real can be passed on. With KVM
    interrupts are remapped too, and for that the I/O APIC has to be QEMU's (`features`); without
    KVM it always is, and QEMU remaps by itself.
    """
    match making.spec.machine.viommu:
        case "":
            return None
        case "intel":
            remapped = "on" if making.virt_type == "kvm" else ""
            driver = element("driver", intremap=remapped, caching_mode="on", iotlb="on")
            return element("iommu", driver, model="intel")
        case model:
            return element("iommu", model=model)


def _passed(making: Making, one: Passed, number: int) -> Element:
    device = _host_device(making, one)
    return hostdev(
        one,
        device,
        mac=making.mac("", number) if one.kind is PassKind.VF else "",
        model=mdev_model(device, making.offer.devices) or ("vfio-ccw" if making.s390x else ""),
    )


def _host_device(making: Making, one: Passed) -> HostDevice | None:
    for device in making.offer.devices:
        if device.address == one.device or (one.nodedev and device.nodedev == one.nodedev):
            return device
    return None
