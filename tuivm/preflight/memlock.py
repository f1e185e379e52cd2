"""How much memory a guest with passthrough locks, and what libvirt lets it lock.

The rules are those of libvirt's qemuDomainGetMemLockLimitBytes: hard_limit where it is given, else
no limit for `<locked/>`, else the guest's memory and 1 GiB for registers that are mapped, the
memory once a device where the guest has an IOMMU of its own (each is then mapped by itself; since
libvirt 8.7).
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import NamedTuple

from tuivm.domainxml.target import Target
from tuivm.model.findings import Finding
from tuivm.model.offers import HostOffer
from tuivm.model.units import visible
from tuivm.preflight.asking import counted, error, note, shown, warning

GIB_KIB = 1 << 20
_BIG_PAGES = frozenset({"aarch64", "ppc64", "ppc64le"})
"""Whose kernels may have pages of 64 KiB."""
_MAPPINGS = 65_535
"""vfio_iommu_type1's dma_entry_limit, where it was not changed."""


class Lock(NamedTuple):
    """limit_kib: what may be locked, None for no limit. wanted_kib: what has to be. words: the
    arithmetic."""

    limit_kib: int | None
    wanted_kib: int
    words: str


def lock_of(target: Target, more: int) -> Lock:
    """more: devices by VFIO that it is to get."""
    times = target.vfio + more if target.viommu else 1
    wanted = target.memory_kib * times
    memory = size(target.memory_kib)
    sum_words = f"{counted(times, 'device')} x {memory}" if times > 1 else memory
    if target.hard_limit_kib is not None:
        words = f"{sum_words} of memory, hard_limit {size(target.hard_limit_kib)}"
        return Lock(target.hard_limit_kib, wanted, words)
    if target.memory_locked:
        return Lock(None, wanted, f"{sum_words} of memory, and no limit, as <locked/> says")
    limit = wanted + GIB_KIB
    words = f"{sum_words} of memory + 1 GiB for mapped registers = {size(limit)}"
    return Lock(limit, wanted, words)


def memory_findings(target: Target, more: int, offer: HostOffer) -> Iterator[Finding]:
    """more: devices by VFIO that it is to get, at least one."""
    lock = lock_of(target, more)
    yield from _limits(target, lock, offer)
    if not target.vfio:
        yield from _locked(target, lock, offer)
    if target.viommu:
        yield note(
            "attach-mappings",
            "",
            f"VFIO keeps at most {_MAPPINGS:,} mappings of a guest's memory",
            "a guest's own IOMMU makes one for each buffer that its driver maps: a busy one can "
            "run out of them (VFIO_MAP_DMA: No space left on device)",
            "iommu=pt inside the guest; or on the host: dma_entry_limit of the module "
            "vfio_iommu_type1",
        )
    if target.arch in _BIG_PAGES:
        yield note(
            "attach-pages",
            "",
            "VFIO maps and locks memory by the host's pages, which may be 64 KiB here",
            "memory and registers that do not begin and end with one are mapped by QEMU instead, "
            "slowly, and limits count whole pages",
            "getconf PAGESIZE on the host tells",
        )


def _limits(target: Target, lock: Lock, offer: HostOffer) -> Iterator[Finding]:
    hard = target.hard_limit_kib
    if hard is not None:
        enough = lock.wanted_kib + GIB_KIB
        name = shlex.quote(visible(target.name))
        raised = f"virsh memtune {name} --hard-limit {enough} --config, or without it"
        if hard < lock.wanted_kib:
            yield error(
                "attach-hard-limit",
                "",
                f"hard_limit {size(hard)} is less than what has to be locked",
                f"{lock.words}: VFIO could not map it (Cannot allocate memory), or the kernel "
                "would end QEMU without a word",
                raised,
            )
        elif hard < enough:
            yield warning(
                "attach-hard-limit",
                "",
                f"hard_limit {size(hard)} leaves little for QEMU itself",
                f"{lock.words}; it bounds both what may be locked and all that QEMU uses: past it "
                "the kernel ends the guest",
                raised,
            )
    if offer.session and lock.limit_kib is not None:
        yield warning(
            "attach-ulimit",
            "",
            f"{size(lock.limit_kib)} have to be lockable for an ordinary user",
            f"{lock.words}; a session's libvirt cannot raise its own limit",
            f'see ulimit -l (KiB); to raise it: a line "USER - memlock {lock.limit_kib}" in '
            "/etc/security/limits.d, then log in anew",
        )


def _locked(target: Target, lock: Lock, offer: HostOffer) -> Iterator[Finding]:
    """What the first device by VFIO does to the guest's memory."""
    memory = size(target.memory_kib)
    if target.hugepages:
        yield note(
            "attach-memory",
            "",
            f"all {memory} of {shown(target.name)}'s memory are in huge pages",
            f"those are never swapped: the device changes nothing. May be locked: {lock.words}",
        )
        return
    free = "how much the host has free is not known: check with `free -h`"
    if offer.memory_free_kib:
        free = f"the host has {size(offer.memory_free_kib)} free"
    yield warning(
        "attach-memory",
        "",
        f"all {memory} of {shown(target.name)}'s memory will be locked",
        "the device may write to any of it, so it is not swapped, not shared (KSM), and "
        f"ballooning gives none of it back. May be locked: {lock.words}; {free}",
    )
    if offer.memory_kib and target.memory_kib > offer.memory_kib:
        yield error(
            "attach-memory-over",
            "",
            f"the host has no {memory} at all",
            f"it has {size(offer.memory_kib)}",
            "give the guest less memory",
        )
    elif offer.memory_free_kib and target.memory_kib > offer.memory_free_kib:
        partly = "; a part of it has it already" if target.running else ""
        yield warning(
            "attach-memory-short",
            "",
            f"the host may not have {memory} free to lock",
            f"{size(offer.memory_free_kib)} are free now{partly}",
            "give the guest less memory, or stop another one",
        )


def size(kib: int) -> str:
    """In GiB or MiB, as memory is bought."""
    if kib >= GIB_KIB:
        return f"{kib / GIB_KIB:.4g} GiB"
    return f"{kib / 1024:.4g} MiB"
