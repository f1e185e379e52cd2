"""A host's devices in words: names that fit a column, links, speeds, classes. Pure.

Vendors, products and names are text from outside; what comes back has passed `units.visible`.
"""

from __future__ import annotations

import re

from tuivm.model.devicetree import short_address
from tuivm.model.offers import HostDevice, PciLink
from tuivm.model.pciclasses import ClassWords, pci_class, usb_class
from tuivm.model.units import visible

_BRACKETS = re.compile(r"\[([^\]/]+)[^\]]*\]")
_SUFFIX = re.compile(
    r"(ag|co|company|corp|corporation|electronics|foundation|gmbh|group|inc|international|limited"
    r"|llc|ltd|semiconductors?|systems|technolog(y|ies))\.?",
    re.IGNORECASE,
)
KINDS = {
    "pci": "PCI device",
    "usb": "USB device",
    "mdev": "mediated device",
    "scsi": "SCSI device",
    "net": "network interface",
}


def vendor_name(vendor: str) -> str:
    """As people say it: "Advanced Micro Devices, Inc. [AMD]" -> "AMD", "Intel Corporation" ->
    "Intel"."""
    found = _BRACKETS.search(vendor)
    if found is not None:
        return visible(found[1].strip())
    words = vendor.partition(",")[0].split()
    while len(words) > 1 and _SUFFIX.fullmatch(words[-1]):
        words.pop()
    return visible(" ".join(words))


def device_name(device: HostDevice) -> str:
    """Vendor and product, with the vendor named once; the ids, or what it is, where neither is
    told."""
    vendor, product = vendor_name(device.vendor), visible(device.product.strip())
    if vendor and product.lower().startswith(vendor.lower()):
        vendor = ""
    return f"{vendor} {product}".strip() or visible(device.ids) or KINDS.get(device.kind, "")


def device_label(device: HostDevice) -> str:
    """Address and name: "01:00.0 Intel 82574L"."""
    return f"{visible(short_address(device.address))} {device_name(device)}"


def class_words(device: HostDevice) -> ClassWords:
    if device.kind == "pci":
        return pci_class(device.class_)
    if device.kind == "usb":
        return usb_class(device.class_)
    word = visible(device.class_)
    return ClassWords(word, word or KINDS.get(device.kind, ""))


def link_words(link: PciLink | None) -> str:
    """As it is now: "8 GT/s x4"; "" where it is not told."""
    return "" if link is None else _link(link.speed, link.width)


def link_most(link: PciLink | None) -> str:
    return "" if link is None else _link(link.max_speed, link.max_width)


def _link(speed: float | None, width: int | None) -> str:
    parts = [f"{speed:g} GT/s" if speed else "", f"x{width}" if width else ""]
    return " ".join(part for part in parts if part)


def link_is_less(link: PciLink | None) -> bool:
    """It is slower or narrower now than it can be."""
    if link is None:
        return False
    pairs = ((link.speed, link.max_speed), (link.width, link.max_width))
    return any(now is not None and most is not None and now < most for now, most in pairs)


def speed_words(megabits: float | None) -> str:
    """1000.0 -> "1 Gbit/s", 1.5 -> "1.5 Mbit/s"; "" where it is not told."""
    if megabits is None:
        return ""
    return f"{megabits / 1000:g} Gbit/s" if megabits >= 1000 else f"{megabits:g} Mbit/s"


def reset_words(device: HostDevice) -> str:
    """For a column: the way that would be taken; "none"; "?" where it is not known."""
    if device.resets is None:
        return "?"
    return visible(device.resets[0]) if device.resets else "none"


def users_words(device: HostDevice) -> str:
    return visible(", ".join(device.used_by))


def searched(device: HostDevice) -> str:
    """All that a filter looks at, in lower case."""
    group = "" if device.iommu_group is None else f"group:{device.iommu_group}"
    node = "" if device.numa_node is None else f"node:{device.numa_node}"
    words = class_words(device)
    parts = (
        device.address,
        device.vendor,
        vendor_name(device.vendor),
        device.product,
        device.ids,
        device.driver,
        words.short,
        words.full,
        group,
        node,
        "vf" if device.physical_function else "",
        "pf" if device.virtual_functions or device.max_functions else "",
        device.mac,
        device.serial,
        *device.used_by,
        *device.critical,
        *device.interfaces,
        *device.blocks,
    )
    return "\n".join(parts).lower()
