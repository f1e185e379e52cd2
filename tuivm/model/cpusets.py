"""Sets of CPUs as libvirt writes them: "0-3,6", with "^" for what is taken out again."""

from __future__ import annotations

import re

_PART = re.compile(r"(\^?)(\d{1,5})(?:-(\d{1,5}))?")
MOST = 1 << 14
"""libvirt's own limit of a bitmap of CPUs (VIR_DOMAIN_CPUMASK_LEN)."""


def parse_cpus(text: str) -> frozenset[int]:
    """Raises ValueError, with the reason, for what is no set of CPUs."""
    cpus: set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part.strip())
        if match is None:
            raise ValueError(f"{part.strip()!r} is neither a CPU nor a range such as 0-3")
        first, last = int(match[2]), int(match[3] or match[2])
        if first > last or last >= MOST:
            raise ValueError(f"{part.strip()} is no range of CPUs")
        if match[1]:
            cpus.difference_update(range(first, last + 1))
        else:
            cpus.update(range(first, last + 1))
    if not cpus:
        raise ValueError("no CPU is left in it")
    return frozenset(cpus)
