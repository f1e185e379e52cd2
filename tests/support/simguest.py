"""A simulated guest: seeded counters that differ by device and by class of device."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from tuivm.model.devices import Device, DeviceClass, DeviceKind
from tuivm.model.guests import Guest
from tuivm.model.samples import (
    BalloonFigures,
    DiskCounters,
    GuestSample,
    HostCost,
    NicCounters,
    ThreadCounters,
    ThreadRole,
    VcpuCounters,
)

BYTES, TRANSFERS, BYTES_OUT, TRANSFERS_OUT = range(4)
"""What the places of `SimGuest.counters` hold: reads or rx, then writes or tx. Bytes, and
thousandths of a request or packet."""
FLUSH_EVERY = 50
CAPACITY = 20 << 30
ALLOCATED = 4 << 30


@dataclass(frozen=True)
class Price:
    """What one I/O costs by class: exits to the VMM, all exits, ns of latency, ns of host CPU."""

    vmm_exits: float
    exits: float
    latency_ns: int
    cpu_ns: int
    bad_every: int
    """One packet of so many is dropped; one of ten times as many has an error."""


PRICES = {
    DeviceClass.PARAVIRTUAL: Price(0.1, 2.0, 60_000, 8_000, 10_000),
    DeviceClass.EMULATED: Price(26.0, 33.0, 130_000, 60_000, 1_000),
    DeviceClass.PHYSICAL: Price(0.0, 0.1, 20_000, 0, 100_000),
}


@dataclass
class SimVcpu:
    """Counters of one vCPU since it was plugged in."""

    time_ns: int = 0
    guest_ns: int = 0
    wait_ns: int = 0
    delay_ns: int = 0
    exits: dict[str, int] = field(default_factory=dict)

    def grow(self, name: str, by: float) -> None:
        self.exits[name] = self.exits.get(name, 0) + int(by)


@dataclass
class SimGuest:
    """A guest whose counters grow by seeded, different amounts a device.

    load: by target, what its I/O is multiplied with (0.0: idle). counters: by target, see BYTES.
    """

    guest: Guest
    random: random.Random
    cpu_ns: int = 0
    counters: dict[str, list[int]] = field(default_factory=dict)
    load: dict[str, float] = field(default_factory=dict)
    times: dict[str, list[int]] = field(default_factory=dict)
    vcpus: dict[int, SimVcpu] = field(default_factory=dict)
    vmm_ns: dict[ThreadRole, int] = field(default_factory=dict)
    interrupts: dict[str, int] = field(default_factory=dict)

    def restart(self) -> None:
        """All counters begin again, as those of a new process do."""
        self.cpu_ns = 0
        for counters in (self.counters, self.times, self.vcpus, self.vmm_ns, self.interrupts):
            counters.clear()

    def step(self, seconds: float) -> None:
        spent = int(self.random.uniform(0.1, 0.9) * seconds * 1e9)
        self.cpu_ns += spent
        exits, port, mmio, busy = 500.0 * seconds, 0.0, 0.0, 0.0
        for device in self._devices():
            if device.counted:
                ios, price = self._step_device(device, seconds), PRICES[device.cls]
                exits += ios * price.exits
                busy += ios * price.cpu_ns
                if device.kind is DeviceKind.DISK:
                    port += ios * price.vmm_exits
                else:
                    mmio += ios * price.vmm_exits
            elif device.cls is DeviceClass.PHYSICAL and device.source:
                so_far = self.interrupts.get(device.source, 0)
                self.interrupts[device.source] = so_far + int(2000 * seconds)
        busy = min(busy, 0.8 * spent)
        self._step_host(spent, busy)
        for vcpu in self.vcpus.values():
            each = 1 / len(self.vcpus)
            vcpu.grow("exits", (exits + port + mmio) * each)
            vcpu.grow("io_exits", port * each)
            vcpu.grow("mmio_exits", mmio * each)
            vcpu.grow("halt_exits", 250 * seconds * each)
            vcpu.grow("irq_injections", exits * 0.3 * each)
            vcpu.wait_ns += int(seconds * 5e6)
            vcpu.delay_ns += int(seconds * 1e7)

    def _step_device(self, device: Device, seconds: float) -> float:
        """Grow the counters of a device; its I/Os in this step."""
        grown = self.counters.setdefault(device.target, [0, 0, 0, 0])
        times = self.times.setdefault(device.target, [0, 0])
        load, price, before = self.load.get(device.target, 1.0), PRICES[device.cls], list(grown)
        for index in range(4):
            share = self.random.uniform(1e3, 1e6)
            grown[index] += int(share * seconds * load)
            if index in (TRANSFERS, TRANSFERS_OUT):
                done = grown[index] // 1000 - before[index] // 1000
                slower = 1 + share / 1e6
                times[index == TRANSFERS_OUT] += int(done * price.latency_ns * slower)
        return sum(grown[i] // 1000 - before[i] // 1000 for i in (TRANSFERS, TRANSFERS_OUT))

    def _step_host(self, spent: int, busy: float) -> None:
        """Share the CPU time out among the threads: a part of the VMM's in its main loop."""
        details = self.guest.details
        count = details.vcpus if details else 1
        self.vcpus = {number: self.vcpus.get(number, SimVcpu()) for number in range(count)}
        self.vmm_ns[ThreadRole.MAIN] = self.vmm_ns.get(ThreadRole.MAIN, 0) + int(busy * 0.5)
        role = ThreadRole.VHOST if self._with_vhost() else ThreadRole.WORKER
        self.vmm_ns[role] = self.vmm_ns.get(role, 0) + int(busy * 0.1)
        for vcpu in self.vcpus.values():
            vcpu.time_ns += int((spent - busy * 0.6) / count)
            vcpu.guest_ns += int((spent - busy) / count)

    def sample(self, at: float, *, vcpus: bool = False, cost: bool = False) -> GuestSample:
        return GuestSample(
            at=at,
            cpu_ns=self.cpu_ns,
            balloon=BalloonFigures(
                current=1 << 20,
                maximum=1 << 20,
                available=1 << 20,
                unused=1 << 19,
                rss=1 << 18,
                swap_in=self.cpu_ns // 10**7,
                swap_out=self.cpu_ns // 10**6,
                major_faults=self.cpu_ns // 10**8,
                minor_faults=self.cpu_ns // 10**5,
            ),
            vcpus=tuple(self._vcpus()) if vcpus else None,
            disks=tuple(self._disk(device) for device in self._counted(DeviceKind.DISK)),
            nics=tuple(self._nic(device) for device in self._counted(DeviceKind.NIC)),
            cost=self._cost(at) if cost else None,
        )

    def _devices(self) -> tuple[Device, ...]:
        return self.guest.details.devices if self.guest.details else ()

    def _counted(self, kind: DeviceKind) -> Iterator[Device]:
        return (device for device in self._devices() if device.kind is kind and device.counted)

    def _with_vhost(self) -> bool:
        return any(device.backing and device.backing.vhost == "on" for device in self._devices())

    def _disk(self, device: Device) -> DiskCounters:
        counted = self.counters.get(device.target, [0, 0, 0, 0])
        reads, writes = self.times.get(device.target, (0, 0))
        flushes = counted[TRANSFERS_OUT] // 1000 // FLUSH_EVERY
        return DiskCounters(
            device.target,
            rd_bytes=counted[BYTES],
            rd_reqs=counted[TRANSFERS] // 1000,
            rd_ns=reads,
            wr_bytes=counted[BYTES_OUT],
            wr_reqs=counted[TRANSFERS_OUT] // 1000,
            wr_ns=writes,
            fl_reqs=flushes,
            fl_ns=flushes * 10 * PRICES[device.cls].latency_ns,
            errors=0,
            allocation=min(CAPACITY, ALLOCATED + counted[BYTES_OUT]),
            capacity=CAPACITY,
            physical=min(CAPACITY, ALLOCATED + counted[BYTES_OUT]),
        )

    def _nic(self, device: Device) -> NicCounters:
        counted = self.counters.get(device.target, [0, 0, 0, 0])
        bad = PRICES[device.cls].bad_every
        received, sent = counted[TRANSFERS] // 1000, counted[TRANSFERS_OUT] // 1000
        return NicCounters(
            device.target,
            rx_bytes=counted[BYTES],
            rx_pkts=received,
            rx_errs=received // (10 * bad),
            rx_drop=received // bad,
            tx_bytes=counted[BYTES_OUT],
            tx_pkts=sent,
            tx_errs=0,
            tx_drop=0,
        )

    def _vcpus(self) -> Iterator[VcpuCounters]:
        """Exits are the hypervisor's to count: without one (TCG) there are none."""
        for number, vcpu in self.vcpus.items():
            yield VcpuCounters(
                number,
                state=1,
                time_ns=vcpu.time_ns,
                wait_ns=vcpu.wait_ns,
                delay_ns=vcpu.delay_ns,
                halted=False,
                exits={} if self._translated else dict(vcpu.exits),
            )

    @property
    def _translated(self) -> bool:
        return self.guest.virt_type == "qemu"

    def _cost(self, at: float) -> HostCost:
        threads = [
            ThreadCounters(100 + index, role, role.value, self.vmm_ns[role])
            for index, role in enumerate(ThreadRole)
            if role in self.vmm_ns
        ]
        threads += [
            ThreadCounters(
                200 + number,
                ThreadRole.VCPU,
                f"vCPU {number}",
                vcpu.time_ns,
                None if self._translated else vcpu.guest_ns,
            )
            for number, vcpu in self.vcpus.items()
        ]
        return HostCost(at, tuple(threads), dict(self.interrupts))
