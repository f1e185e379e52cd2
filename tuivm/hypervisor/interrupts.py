"""Interrupts of passed-through PCI devices, from /proc/interrupts. Nothing here raises."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

PATH = "/proc/interrupts"
_VFIO = r"vfio-(?:intx|msi|msix)(?:\[\d+\])?\(([0-9a-f:.]+)\)"


def vfio_interrupts(text: str, addresses: Collection[str]) -> dict[str, int]:
    """Interrupts so far by PCI address ("0000:01:00.0"), over all vectors and CPUs.

    Only of these addresses; one that has no vector at present is not in it. The kernel's
    vfio-pci calls its vectors "vfio-intx(ADDRESS)", "vfio-msi[N](ADDRESS)" and
    "vfio-msix[N](ADDRESS)". A line that several drivers share tells nothing of one device.
    """
    lines = iter(text.splitlines())
    cpus = len(next(lines, "").split())
    found: dict[str, int] = {}
    for line in lines:
        if "vfio-" not in line:
            continue
        words = line.split()
        counts, actions = words[1 : cpus + 1], " ".join(words[cpus + 1 :])
        names = re.findall(_VFIO, actions)
        shared = "," in actions
        if shared or not names or names[0] not in addresses:
            continue
        if len(counts) == cpus and all(word.isdigit() for word in counts):
            found[names[0]] = found.get(names[0], 0) + sum(map(int, counts))
    return found


def read_interrupts(addresses: Collection[str], path: str = PATH) -> dict[str, int]:
    """The same of this machine now. {} where it cannot be read."""
    try:
        return vfio_interrupts(Path(path).read_text(errors="replace"), addresses)
    except OSError:
        return {}
