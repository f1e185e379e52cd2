"""Sets of CPUs as libvirt writes them: "0-3,6", "^2" takes one out again."""

from __future__ import annotations

import re

_PART = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?|\^(\d{1,5})", re.ASCII)


def cpuset_fault(text: str, cpus: int = 0) -> str:
    """What is wrong with a set of CPUs, "" for nothing. cpus: how many there are, 0 if unknown."""
    chosen: set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part.strip())
        if match is None:
            return "a set of CPUs is written 0-3,6"
        if match[3]:
            chosen.discard(int(match[3]))
            continue
        low, high = int(match[1]), int(match[2] or match[1])
        if high < low:
            return f"{part.strip()} goes backwards"
        if cpus and high >= cpus:
            return f"the last of the host's CPUs is {cpus - 1}"
        chosen.update(range(low, high + 1))
    return "" if chosen else "nothing is left of it"


def pins_fault(text: str, cpus: int = 0) -> str:
    """The same for several sets with blanks between them."""
    for number, part in enumerate(text.split()):
        if fault := cpuset_fault(part, cpus):
            return f"vCPU {number}: {fault}"
    return ""
