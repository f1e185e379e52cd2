"""Guests as processes of this machine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tuivm.hypervisor.threads import start_ticks


class GuestProcess(NamedTuple):
    """started_at: wall clock, s since the epoch. accelerator: see `accelerator`.

    start_ticks: with the pid, which process it is (see `threads`); None where there is no /proc.
    """

    pid: int
    started_at: float
    start_ticks: int | None
    accelerator: str


def guest_processes(uuids: Iterable[str]) -> dict[str, GuestProcess]:
    """Each guest's QEMU process, where found.

    One pass over /proc for all of them. libvirt passes `-uuid UUID` to every QEMU.
    """
    import psutil  # noqa: PLC0415 - the first list of guests need not wait for it

    wanted = frozenset(uuids)
    found: dict[str, GuestProcess] = {}
    if not wanted:
        return found
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            uuid = words[words.index("-uuid") + 1] if "-uuid" in words else ""
            if uuid in wanted:
                found[uuid] = GuestProcess(
                    pid=process.pid,
                    started_at=process.create_time(),
                    start_ticks=start_ticks(process.pid),
                    accelerator=accelerator(words),
                )
        except (psutil.Error, IndexError):
            # It ended while it was looked at, or belongs to somebody else.
            continue
        if len(found) == len(wanted):
            break
    return found


def accelerator(words: Sequence[str]) -> str:
    """What QEMU was started with: "kvm", "tcg", …; "" where its command line leaves that open.

    `-accel NAME[,…]`, `-machine …,accel=NAME[:NAME…]` and `-enable-kvm`, as qemu(1) has them. Of
    several names QEMU takes the first that works, which is not said.
    """
    names: list[str] = []
    for option, value in zip(words, (*words[1:], ""), strict=True):
        parts = value.split(",")
        if option == "-enable-kvm":
            names.append("kvm")
        elif option == "-accel":
            names.append(parts[0].removeprefix("accel="))
        elif option in ("-machine", "-M"):
            chosen = [part.removeprefix("accel=") for part in parts if part.startswith("accel=")]
            names += [name for value in chosen for name in value.split(":")]
    return names[0] if len(set(names)) == 1 else ""
