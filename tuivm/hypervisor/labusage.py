"""What lab guests and their host have used so far."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

import libvirt

from tuivm.hypervisor.bulkstats import sample_of
from tuivm.hypervisor.labcalls import tolerated
from tuivm.hypervisor.process import GuestProcess, guest_processes
from tuivm.hypervisor.threads import PROC, kernel_vhosts, read_threads
from tuivm.lab.ports import HostUse, Usage
from tuivm.model.samples import GuestSample, ThreadRole

GOVERNOR = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
OTHER = "other"
"""Of a host that tells only the time of vCPUs and of the whole guest: the rest."""


class GuestMeter:
    """Counters of one guest. local: its process is one of this machine."""

    def __init__(self, uuid: str, *, local: bool, kvm: bool) -> None:
        self._uuid = uuid
        self._local = local
        self._kvm = kvm
        self._sought = False
        self._process: GuestProcess | None = None
        self._vhosts: tuple[int, ...] = ()

    @property
    def asks_host(self) -> bool:
        """It needs the bulk statistics too: not under TCG where /proc tells the rest."""
        self._seek()
        return self._kvm or self._process is None

    def read(self, record: Mapping[str, int | float | bool | str]) -> Usage:
        """record: the guest's bulk statistics of vCPUs and CPU time; empty where not needed."""
        self._seek()
        at = time.monotonic()
        sample = sample_of(record, at) if record else None
        exits = exits_of(sample)
        threads = self._by_role()
        if threads is not None:
            return Usage(at, threads, exits, precise=True)
        return Usage(at, from_statistics(sample), exits)

    def _seek(self) -> None:
        if self._local and not self._sought:
            self._sought = True
            self._process = guest_processes([self._uuid]).get(self._uuid)
            if self._process is not None:
                # They are there as soon as QEMU is, and the Lab plugs nothing in later.
                self._vhosts = kernel_vhosts().get(self._process.pid, ())

    def _by_role(self) -> dict[str, int] | None:
        process = self._process
        if process is None or process.start_ticks is None:
            return None
        threads = read_threads(process.pid, process.start_ticks, kvm=self._kvm, vhosts=self._vhosts)
        if threads is None:
            return None
        roles: dict[str, int] = {}
        for thread in threads:
            roles[thread.role.value] = roles.get(thread.role.value, 0) + thread.cpu_ns
        return roles


def exits_of(sample: GuestSample | None) -> dict[str, int]:
    """KVM's counters summed over vCPUs, by name without ".sum"."""
    exits: dict[str, int] = {}
    for vcpu in (sample.vcpus if sample else None) or ():
        for name, count in vcpu.exits.items():
            exits[name] = exits.get(name, 0) + count
    return exits


def from_statistics(sample: GuestSample | None) -> dict[str, int]:
    """CPU ns of the vCPUs, and of all else; what is not told is not in it."""
    if sample is None:
        return {}
    times = [vcpu.time_ns for vcpu in sample.vcpus or ()]
    vcpus = sum(time for time in times if time is not None)
    if not times or None in times:
        return {} if sample.cpu_ns is None else {OTHER: sample.cpu_ns}
    threads = {ThreadRole.VCPU.value: vcpus}
    if sample.cpu_ns is not None:
        threads[OTHER] = max(0, sample.cpu_ns - vcpus)
    return threads


def read_proc_stat(text: str, ticks: int) -> tuple[int, int, int] | None:
    """(total, busy, steal) in ns out of /proc/stat's first line, whose fields proc(5) describes.

    ticks: a second. Busy is neither idle nor waiting for I/O nor stolen; the time of guests is in
    user and nice already.
    """
    words = text.partition("\n")[0].split()
    if len(words) < 9 or words[0] != "cpu" or not all(word.isdigit() for word in words[1:9]):
        return None
    times = [int(word) * 1_000_000_000 // ticks for word in words[1:9]]
    idle, iowait, steal = times[3], times[4], times[7]
    total = sum(times)
    return total, total - idle - iowait - steal, steal


def local_use(others: Mapping[str, int]) -> HostUse:
    """This machine's, from /proc and /sys."""
    at = time.monotonic()
    read = read_proc_stat(_text(f"{PROC}/stat"), os.sysconf("SC_CLK_TCK"))
    total, busy, steal = read or (None, None, None)
    return HostUse(at, total, busy, steal, others, _text(GOVERNOR).strip())


def remote_use(conn: libvirt.virConnect, others: Mapping[str, int]) -> HostUse:
    """virNodeGetCPUStats (ns), which knows no stolen time."""
    no_stats: dict[str, int] = {}
    stats = tolerated(lambda: conn.getCPUStats(libvirt.VIR_NODE_CPU_STATS_ALL_CPUS), no_stats)
    at = time.monotonic()
    if "idle" not in stats:
        return HostUse(at, others=others)
    busy = sum(stats.get(name, 0) for name in ("kernel", "user", "intr"))
    return HostUse(at, busy + stats["idle"] + stats.get("iowait", 0), busy, others=others)


def others_use(conn: libvirt.virConnect, own: frozenset[str]) -> dict[str, int]:
    """CPU ns of every running guest whose UUID is not in `own`, by name. Raises libvirtError."""
    flags = libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE
    flags |= libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT
    found = {}
    for domain, record in conn.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_CPU_TOTAL, flags):
        used = record.get("cpu.time")
        if domain.UUIDString() not in own and isinstance(used, int):
            found[domain.name()] = used
    return found


def _text(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""
