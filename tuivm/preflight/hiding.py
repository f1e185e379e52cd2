"""What some GPUs and their drivers want: not to see KVM, and a copy of their ROM."""

from __future__ import annotations

import re

_VENDOR_ID = re.compile(r"[ -+\--~]{1,12}")
"""Printable, no comma."""


def vendor_id_fault(text: str) -> str:
    """What is wrong with a vendor id of Hyper-V's, "" for nothing; "" is libvirt's default."""
    if not text or _VENDOR_ID.fullmatch(text):
        return ""
    return "up to 12 letters and digits: CPUID has no room for more, and a comma ends it for QEMU"


def rom_fault(text: str) -> str:
    """What is wrong with the path of a ROM file, "" for nothing; "" is the card's own."""
    return "" if not text or text.startswith("/") else "a whole path on the host, from / on"
