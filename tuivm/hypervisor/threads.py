"""The threads of a guest's VMM, as Linux accounts them under /proc. Nothing here raises.

proc: where that file system is. Fields are those of proc(5); schedstat is described in the
kernel's Documentation/scheduler/sched-stats.rst.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from tuivm.model.samples import ThreadCounters, ThreadRole

PROC = "/proc"
_ENDED = frozenset("ZXx")
_CGROUP = r"(?m)/(vcpu|iothread)(\d+)$"
_VHOST = "vhost-"
# Compiled when first used: most starts of the program never come here.
_NAMES = (
    (r"CPU (\d+)/", ThreadRole.VCPU, "vCPU {}"),
    # TCG with thread=single has one for all of them.
    (r"ALL CPUs/", ThreadRole.VCPU, "all vCPUs"),
    (r"IO mon_iothread$", ThreadRole.OTHER, "monitor"),
    (r"IO (.+)", ThreadRole.IOTHREAD, "{}"),
    (rf"({_VHOST}.+)", ThreadRole.VHOST, "{}"),
    # QEMU's pool, which does blocking I/O, and the kernel's for io_uring, which does the same.
    (r"(worker.*|iou-wrk-.+)", ThreadRole.WORKER, "{}"),
)


class TaskStat(NamedTuple):
    """/proc/PID/stat or that of one thread. Times in clock ticks, the start since boot."""

    comm: str
    state: str
    cpu: int
    start: int
    guest: int


def parse_stat(text: str) -> TaskStat | None:
    """None for what is no such line. A name may hold blanks and brackets."""
    name, closing, rest = text.partition("(")[2].rpartition(")")
    fields = rest.split()
    try:
        # Fields 3 (state), 14 and 15 (utime, stime), 22 (starttime) and 43 (guest_time).
        cpu = int(fields[11]) + int(fields[12])
        return TaskStat(name, fields[0], cpu, int(fields[19]), int(fields[40])) if closing else None
    except (IndexError, ValueError):
        return None


def role_of(comm: str) -> tuple[ThreadRole, str]:
    """What a thread does and what to call it, by the name that QEMU or the kernel gave it.

    QEMU's names with `-name …,debug-threads=on`, which libvirt sets. OTHER for any other name.
    """
    for pattern, role, name in _NAMES:
        if match := re.match(pattern, comm):
            return role, name.format(*match.groups())
    return ThreadRole.OTHER, comm


def role_in_cgroup(text: str, comm: str) -> tuple[ThreadRole, str]:
    """The same by /proc/PID/task/TID/cgroup: libvirt makes a group a vCPU and an I/O thread.

    Their names end in vcpuN and iothreadN, in either version of control groups. The rest, its
    helpers among it, is in one called emulator.
    """
    found = re.search(_CGROUP, text)
    if found is None:
        return ThreadRole.OTHER, comm
    kind, number = found.groups()
    if kind == "vcpu":
        return ThreadRole.VCPU, f"vCPU {number}"
    return ThreadRole.IOTHREAD, kind + number


def start_ticks(pid: int, proc: str = PROC) -> int | None:
    """When a process started, in clock ticks since boot; None when it has ended or is hidden.

    No two processes have both id and start in common.
    """
    stat = _stat(f"{proc}/{pid}")
    return None if stat is None or stat.state in _ENDED else stat.start


def read_threads(
    pid: int, start: int, *, kvm: bool, vhosts: tuple[int, ...] = (), proc: str = PROC
) -> tuple[ThreadCounters, ...] | None:
    """CPU time of every thread of a process; None when it has ended or may not be looked at.

    start: its `start_ticks`. kvm: the time of its vCPU threads in the guest's own code can be
    told. vhosts: kernel threads outside the process that may work for it (see `kernel_vhosts`).
    """
    tasks = f"{proc}/{pid}/task"
    main = _stat(f"{proc}/{pid}")
    ids = _numbers(tasks)
    if main is None or not ids:
        return None
    threads = []
    for tid in ids:
        task = f"{tasks}/{tid}"
        stat = _stat(task)
        if stat is None:
            continue
        role, name = role_of(stat.comm)
        if tid == pid:
            role, name = ThreadRole.MAIN, ThreadRole.MAIN.value
        elif stat.comm == main.comm:
            # Nobody named it, so it has the name of the thread that made it.
            role, name = role_in_cgroup(_text(f"{task}/cgroup") or "", stat.comm)
        guest = _ns(stat.guest) if kvm and role is ThreadRole.VCPU else None
        threads.append(ThreadCounters(tid, role, name, _cpu_ns(task, stat), guest))
    # What has ended meanwhile, or was another process all along, is not what was asked for.
    if start_ticks(pid, proc) != start:
        return None
    for tid in vhosts:
        task = f"{proc}/{tid}"
        stat = _stat(task)
        if stat is not None and stat.comm.startswith(_VHOST):
            threads.append(ThreadCounters(tid, ThreadRole.VHOST, stat.comm, _cpu_ns(task, stat)))
    return tuple(threads)


def kernel_vhosts(proc: str = PROC) -> dict[int, tuple[int, ...]]:
    """vhost workers that are kernel threads, by the process that they work for: a pass over /proc.

    Linux before 6.4 has them all so, and names each after the id of who opened the device. Later
    ones are threads of the process itself.
    """
    found: dict[int, tuple[int, ...]] = {}
    for tid in _numbers(proc):
        comm = (_text(f"{proc}/{tid}/comm") or "").strip()
        owner = comm.removeprefix(_VHOST)
        if owner != comm and owner.isdigit():
            found[int(owner)] = (*found.get(int(owner), ()), tid)
    return found


def _stat(task: str) -> TaskStat | None:
    text = _text(f"{task}/stat")
    return None if text is None else parse_stat(text)


def _cpu_ns(task: str, stat: TaskStat) -> int:
    """The scheduler's own count; in clock ticks (1/100 s) where the kernel does not show it.

    One that keeps no such statistics may have the file all the same, with zeros.
    """
    words = (_text(f"{task}/schedstat") or "").split()
    return (int(words[0]) if words and words[0].isdigit() else 0) or _ns(stat.cpu)


def _ns(ticks: int) -> int:
    return ticks * 1_000_000_000 // os.sysconf("SC_CLK_TCK")


def _numbers(directory: str) -> list[int]:
    try:
        return [int(path.name) for path in Path(directory).iterdir() if path.name.isdigit()]
    except OSError:
        return []


def _text(path: str) -> str | None:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return None
