"""Guests as processes of this machine."""

from __future__ import annotations

from collections.abc import Iterable


def started_at(uuids: Iterable[str]) -> dict[str, float]:
    """Wall clock (s since the epoch) of the start of each guest's QEMU process, where found.

    One pass over /proc for all of them. libvirt passes `-uuid UUID` to every QEMU.
    """
    import psutil  # noqa: PLC0415 - the first list of guests need not wait for it

    wanted = frozenset(uuids)
    found: dict[str, float] = {}
    if not wanted:
        return found
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            uuid = words[words.index("-uuid") + 1] if "-uuid" in words else ""
            if uuid in wanted:
                found[uuid] = process.create_time()
        except (psutil.Error, IndexError):
            # It ended while it was looked at, or belongs to somebody else.
            continue
        if len(found) == len(wanted):
            break
    return found
