"""The host's devices as a tree of rows, and which of them a spec passes through. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tuivm.model.offers import HostDevice
from tuivm.model.spec import Passed, PassKind

_BY_ADDRESS = {"mdev": PassKind.MDEV, "scsi": PassKind.SCSI}


class Branch(NamedTuple):
    """device: None for a heading, whose words are in `text`. depth: 1 for a VF under its PF.
    gone: of what was ticked and is not on the host."""

    text: str = ""
    device: HostDevice | None = None
    depth: int = 0
    gone: Passed | None = None


def tree(devices: Sequence[HostDevice], passed: Sequence[Passed] = ()) -> list[Branch]:
    """PCI by IOMMU group with VFs under their PF, USB by port, mdevs, SCSI; then what is gone."""
    pci = [device for device in devices if device.kind == "pci"]
    functions = {device.address for device in pci}
    below: dict[str, list[HostDevice]] = {}
    for device in pci:
        if device.physical_function in functions:
            below.setdefault(device.physical_function, []).append(device)
    rows = []
    heading = ""
    for device in sorted(pci, key=_pci_order):
        if device.physical_function in functions:
            continue
        if heading != (heading := _group_heading(device)):
            rows.append(Branch(heading))
        rows.append(Branch(device=device))
        rows += [
            Branch(device=one, depth=1)
            for one in sorted(below.get(device.address, ()), key=lambda one: one.address)
        ]
    for kind, words in (("usb", "USB"), ("mdev", "mediated devices (mdev)"), ("scsi", "SCSI")):
        some = sorted(
            (device for device in devices if device.kind == kind), key=lambda one: one.address
        )
        rows += [Branch(words)] if some else []
        rows += [Branch(device=device) for device in some]
    gone = [one for one in passed if not any(is_of(one, device, devices) for device in devices)]
    rows += [Branch("not on this host now")] if gone else []
    rows += [Branch(f"{one.kind} {one.device}", gone=one) for one in gone]
    return rows


def _pci_order(device: HostDevice) -> tuple[bool, int, str]:
    group = device.iommu_group
    return (group is None, group or 0, device.address)


def _group_heading(device: HostDevice) -> str:
    if device.iommu_group is None:
        return "PCI, in no IOMMU group"
    return f"PCI, IOMMU group {device.iommu_group}"


def alike(device: HostDevice, devices: Iterable[HostDevice]) -> bool:
    """There is another USB device with the same vendor:product, so that only the port tells."""
    many = Counter(one.ids for one in devices if one.kind == "usb")
    return device.kind == "usb" and (not device.ids or many[device.ids] > 1)


def passed_of(device: HostDevice, devices: Iterable[HostDevice]) -> Passed:
    """How a spec says it."""
    if device.kind == "usb":
        if alike(device, devices):
            return Passed(PassKind.USB_PORT, device.address, device.nodedev)
        return Passed(PassKind.USB, device.ids, device.nodedev)
    if device.kind in _BY_ADDRESS:
        return Passed(_BY_ADDRESS[device.kind], device.address, device.nodedev)
    kind = PassKind.VF if device.physical_function else PassKind.PCI
    return Passed(kind, device.address, device.nodedev)


def is_of(passed: Passed, device: HostDevice, devices: Iterable[HostDevice]) -> bool:
    """This device is the one that is meant."""
    if passed.kind is PassKind.USB:
        if device.kind != "usb" or device.ids != passed.device:
            return False
        return not alike(device, devices) or passed.nodedev == device.nodedev
    kinds = {PassKind.USB_PORT: "usb", PassKind.MDEV: "mdev", PassKind.SCSI: "scsi"}
    return device.kind == kinds.get(passed.kind, "pci") and device.address == passed.device


def is_ticked(passed: Sequence[Passed], device: HostDevice, devices: Sequence[HostDevice]) -> bool:
    return any(is_of(one, device, devices) for one in passed)


def turned(
    passed: Sequence[Passed],
    device: HostDevice,
    devices: Sequence[HostDevice],
    together: Sequence[HostDevice] = (),
) -> tuple[Passed, ...]:
    """With the device ticked or unticked. together: those that come and go with it."""
    group = (device, *(one for one in together if one.address != device.address))
    on_now = is_ticked(passed, device, devices)
    rest = [one for one in passed if not any(is_of(one, each, devices) for each in group)]
    added = () if on_now else tuple(passed_of(each, devices) for each in group)
    return (*rest, *added)


def overridden(passed: Passed, over: Iterable[HostDevice], devices: Sequence[HostDevice]) -> Passed:
    """With the address typed, where it means one of these."""
    for device in over:
        if is_of(passed, device, devices):
            return passed._replace(override=device.address)
    return passed


def group_of(device: HostDevice, devices: Iterable[HostDevice]) -> list[HostDevice]:
    """The other members of its IOMMU group."""
    if device.iommu_group is None or device.kind != "pci":
        return []
    return [
        one
        for one in devices
        if one.kind == "pci"
        and one.iommu_group == device.iommu_group
        and one.address != device.address
    ]


def named(device: HostDevice) -> str:
    """Vendor and product as people read them, else the numbers."""
    words = " ".join(part for part in (device.vendor, device.product) if part)
    return words or device.ids or device.nodedev


def short_address(device: HostDevice) -> str:
    """Without PCI's domain where that is the first one."""
    return device.address.removeprefix("0000:") if device.kind == "pci" else device.address
