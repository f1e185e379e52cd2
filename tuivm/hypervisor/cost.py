"""What guests cost the host that tuivm itself runs on."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable

from tuivm.hypervisor.interrupts import read_interrupts
from tuivm.hypervisor.process import GuestProcess
from tuivm.hypervisor.threads import PROC, kernel_vhosts, read_threads
from tuivm.model.devices import DeviceClass, DeviceKind
from tuivm.model.guests import Guest
from tuivm.model.samples import HostCost, ThreadCounters

VHOSTS_EVERY = 30.0
"""Seconds between two searches for kernel threads of vhost: a NIC that is plugged in has new
ones."""


class CostReader:
    """Belongs to one session and its thread: it reads a few files a guest and waits for nobody."""

    def __init__(self, proc: str = PROC) -> None:
        self._proc = proc
        self._processes: dict[str, tuple[int | None, GuestProcess | None]] = {}
        self._vhosts: dict[int, tuple[int, ...]] = {}
        self._vhosts_at: float | None = None

    def found(self, uuid: str, domain_id: int | None, process: GuestProcess | None) -> None:
        """The process of one run of a guest, or None: it was looked for and is not there."""
        self._processes[uuid] = domain_id, process
        self._vhosts_at = None

    def keep(self, uuids: Collection[str]) -> None:
        """Forget all other guests."""
        for uuid in self._processes.keys() - set(uuids):
            del self._processes[uuid]

    def read(self, guests: Iterable[Guest]) -> dict[str, HostCost]:
        """By UUID. A guest whose process has not been looked for yet is not in it."""
        known = [guest for guest in guests if self._sought(guest)]
        wanted = {guest.key.uuid: passed_through(guest) for guest in known}
        addresses = frozenset[str]().union(*wanted.values())
        counts = read_interrupts(addresses, f"{self._proc}/interrupts") if addresses else {}
        return {
            guest.key.uuid: HostCost(
                at=time.monotonic(),
                threads=self._threads(guest.key.uuid),
                interrupts={
                    address: counts[address]
                    for address in wanted[guest.key.uuid]
                    if address in counts
                },
            )
            for guest in known
        }

    def _sought(self, guest: Guest) -> bool:
        """For this run of the guest, not an earlier one."""
        entry = self._processes.get(guest.key.uuid)
        return entry is not None and entry[0] == guest.domain_id

    def _threads(self, uuid: str) -> tuple[ThreadCounters, ...] | None:
        process = self._processes[uuid][1]
        if process is None or process.start_ticks is None:
            return None
        return read_threads(
            process.pid,
            process.start_ticks,
            kvm=process.accelerator == "kvm",
            vhosts=self._find_vhosts().get(process.pid, ()),
            proc=self._proc,
        )

    def _find_vhosts(self) -> dict[int, tuple[int, ...]]:
        now = time.monotonic()
        if self._vhosts_at is None or now - self._vhosts_at >= VHOSTS_EVERY:
            self._vhosts_at = now
            self._vhosts = kernel_vhosts(self._proc)
        return self._vhosts


def passed_through(guest: Guest) -> frozenset[str]:
    """Addresses on the host of the PCI devices that a guest was given, as lspci writes them."""
    devices = guest.details.devices if guest.details else ()
    return frozenset(
        device.source
        for device in devices
        if device.source
        and device.bus == "pci"
        and device.cls is DeviceClass.PHYSICAL
        and device.kind in (DeviceKind.HOSTDEV, DeviceKind.NIC)
    )
