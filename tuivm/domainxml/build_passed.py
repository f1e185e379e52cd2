"""Devices of the host's that a new guest gets, and the IOMMU that it sees itself."""

from __future__ import annotations

import re

from tuivm.domainxml.build_parts import Making, element
from tuivm.domainxml.parse import Element
from tuivm.model.offers import HostDevice
from tuivm.model.spec import Passed, PassKind

_PCI = re.compile(r"([0-9a-fA-F]{4,8}):([0-9a-fA-F]{2}):([0-9a-fA-F]{2})\.([0-7])")
_USB = re.compile(r"([0-9a-fA-F]{4}):([0-9a-fA-F]{4})")
_NETWORK_CLASS = "02"


def passed(making: Making) -> list[Element]:
    """A `<hostdev>` for each, and an `<interface type='hostdev'>` for a NIC's virtual function:
    so libvirt gives it its MAC. libvirt locks the guest's memory by itself where VFIO needs it.

    Raises ValueError for a device whose address is none, and for one that is named by its USB
    port where nothing is plugged in.
    """
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
    if one.kind in (PassKind.PCI, PassKind.VF):
        address = _pci_address(one.device)
        found = _host_device(making, one)
        if one.kind is PassKind.VF and found and found.class_.startswith(_NETWORK_CLASS):
            mac = making.mac("", number)
            address.set("type", "pci")
            return element(
                "interface",
                element("mac", address=mac) if mac else None,
                element("source", address),
                type="hostdev",
                managed="yes",
            )
        return _hostdev("pci", element("source", address), managed="yes")
    if one.kind is PassKind.MDEV:
        source = element("source", element("address", uuid=one.device))
        return _hostdev("mdev", source, model="vfio-ccw" if making.s390x else "vfio-pci")
    return _hostdev("usb", _usb_source(making, one), managed="yes")


def _hostdev(kind: str, source: Element, **attributes: str) -> Element:
    return element("hostdev", source, mode="subsystem", type=kind, **attributes)


def _pci_address(address: str) -> Element:
    match = _PCI.fullmatch(address)
    if match is None:
        raise ValueError(f"not a PCI address: {address}")
    domain, bus, slot, function = (int(part, 16) for part in match.groups())
    return element(
        "address",
        domain=f"{domain:#06x}",
        bus=f"{bus:#04x}",
        slot=f"{slot:#04x}",
        function=f"{function:#x}",
    )


def _usb_source(making: Making, one: Passed) -> Element:
    if one.kind is PassKind.USB:
        ids = _USB.fullmatch(one.device)
        if ids is None:
            raise ValueError(f"not vendor:product of a USB device: {one.device}")
        vendor, product = (f"0x{part.lower()}" for part in ids.groups())
        # The guest starts without what is not plugged in.
        return element(
            "source",
            element("vendor", id=vendor),
            element("product", id=product),
            startupPolicy="optional",
        )
    found = _host_device(making, one)
    if found is None or found.bus is None or found.device is None:
        raise ValueError(f"no USB device is known at port {one.device}")
    return element("source", element("address", bus=found.bus, device=found.device))


def _host_device(making: Making, one: Passed) -> HostDevice | None:
    for device in making.offer.devices:
        if device.address == one.device or (one.nodedev and device.nodedev == one.nodedev):
            return device
    return None
