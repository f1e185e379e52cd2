"""How busy a host is: from this machine's own counters, or from libvirt's where it is remote."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import libvirt

from tuivm.model.hosts import HostLoad
from tuivm.model.uris import is_local, parse_uri

_ELSEWHERE = frozenset({"test", "esx", "vpx", "gsx", "hyperv", "phyp"})
"""Drivers without a hypervisor on the machine that the client runs on."""


class LoadMeter(Protocol):
    def read(self) -> HostLoad:
        """The CPU figure is a mean since the last reading, so the first has none."""


def runs_here(uri: str) -> bool:
    """The hypervisor runs on this machine, judged by the URI: no server, and a real driver."""
    parts = parse_uri(uri)
    return parts is not None and is_local(uri) and parts.driver not in _ELSEWHERE


class _Busy:
    """Busy share of all CPUs together between two readings of (busy, total)."""

    def __init__(self) -> None:
        self._last: tuple[float, float] | None = None

    def percent(self, busy: float, total: float) -> float | None:
        last, self._last = self._last, (busy, total)
        if last is None or total <= last[1]:
            return None
        return min(100.0, max(0.0, 100.0 * (busy - last[0]) / (total - last[1])))


class LocalLoad:
    """psutil's view of this machine. Memory in use is what is not available."""

    def __init__(self) -> None:
        self._busy = _Busy()

    def read(self) -> HostLoad:
        import psutil  # noqa: PLC0415 - the first list of guests need not wait for it

        times = psutil.cpu_times()
        # user and nice hold the time of guests already.
        total = times.user + times.nice + times.system + times.idle + times.iowait
        total += times.irq + times.softirq + times.steal
        memory = psutil.virtual_memory()
        return HostLoad(
            cpu_percent=self._busy.percent(total - times.idle - times.iowait, total),
            memory_used_kib=(memory.total - memory.available) // 1024,
            memory_total_kib=memory.total // 1024,
        )


class RemoteLoad:
    """virNodeGetCPUStats (ns) and virNodeGetMemoryStats (KiB). Raises nothing.

    Memory in use is total - free - buffers - cached, as `free` counts it.
    """

    def __init__(self, conn: libvirt.virConnect) -> None:
        self._conn = conn
        self._busy = _Busy()

    def read(self) -> HostLoad:
        cpu = _tolerant(lambda: self._conn.getCPUStats(libvirt.VIR_NODE_CPU_STATS_ALL_CPUS))
        memory = _tolerant(
            lambda: self._conn.getMemoryStats(libvirt.VIR_NODE_MEMORY_STATS_ALL_CELLS)
        )
        total = memory.get("total")
        free = memory.get("free")
        used = None
        if total is not None and free is not None:
            used = max(0, total - free - memory.get("buffers", 0) - memory.get("cached", 0))
        return HostLoad(self._percent(cpu), used, total)

    def _percent(self, cpu: dict[str, int]) -> float | None:
        if "utilization" in cpu:
            return float(cpu["utilization"])
        if "idle" not in cpu:
            return None
        busy = sum(cpu.get(name, 0) for name in ("kernel", "user", "intr"))
        return self._busy.percent(busy, busy + cpu["idle"] + cpu.get("iowait", 0))


class NoLoad:
    """For a driver that has neither."""

    def read(self) -> HostLoad:
        return HostLoad()


def meter_for(uri: str, conn: libvirt.virConnect) -> LoadMeter:
    if runs_here(uri):
        return LocalLoad()
    if not _tolerant(lambda: conn.getMemoryStats(libvirt.VIR_NODE_MEMORY_STATS_ALL_CELLS)) and (
        not _tolerant(lambda: conn.getCPUStats(libvirt.VIR_NODE_CPU_STATS_ALL_CPUS))
    ):
        return NoLoad()
    return RemoteLoad(conn)


def _tolerant(call: Callable[[], dict[str, int]]) -> dict[str, int]:
    try:
        return call()
    except libvirt.libvirtError:
        return {}
