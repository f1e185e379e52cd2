"""NUMA nodes of this machine, by /sys: libvirt may take a minute to tell of its capabilities.

The files are those of the kernel's ABI/stable/sysfs-devices-node.
"""

from __future__ import annotations

import re
from pathlib import Path

from tuivm.hypervisor import machine
from tuivm.model.offers import NumaNode

_NAME = re.compile(r"node(\d+)")
_TOTAL = re.compile(r"MemTotal:\s+(\d+) kB")
_HUGE = re.compile(r"hugepages-(\d+)kB")


def local_nodes(root: Path = machine.ROOT) -> tuple[NumaNode, ...]:
    """By number; () where the kernel tells of none."""
    found = []
    for place in (root / "sys/devices/system/node").glob("node*"):
        name = _NAME.fullmatch(place.name)
        if name is None:
            continue
        total = _TOTAL.search(machine.text(place / "meminfo") or "")
        pages = sorted(_pages(place))
        found.append(
            NumaNode(
                number=int(name[1]),
                memory_kib=int(total[1]) if total else 0,
                cpus=_cpus(machine.text(place / "cpulist") or ""),
                pages=tuple((size, count) for size, count, _ in pages),
                free_pages=tuple((size, free) for size, _, free in pages),
            )
        )
    return tuple(sorted(found))


def _pages(place: Path) -> list[tuple[int, int, int]]:
    """(size in KiB, how many, how many are free)."""
    found = []
    for folder in (place / "hugepages").glob("hugepages-*"):
        size = _HUGE.fullmatch(folder.name)
        counts = [machine.text(folder / name) for name in ("nr_hugepages", "free_hugepages")]
        if size is not None and all((one or "").strip().isdigit() for one in counts):
            count, free = (int(one or 0) for one in counts)
            found.append((int(size[1]), count, free))
    return found


def _cpus(listed: str) -> tuple[int, ...]:
    """Of "0-3,8"."""
    found: list[int] = []
    for part in listed.strip().split(","):
        first, _, last = part.partition("-")
        if first.isdigit():
            found += range(int(first), int(last or first) + 1)
    return tuple(found)
