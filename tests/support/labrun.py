"""Runs of the Lab, made up but plausible: figures of the order that the design's facts name."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import NamedTuple

from tuivm.model.devices import DeviceClass
from tuivm.model.lab import (
    Backing,
    Experiment,
    LabHostRecord,
    LabRun,
    Length,
    Method,
    Omitted,
    Percentiles,
    Plan,
    Subject,
    Tally,
    Trial,
    Workload,
)
from tuivm.model.samples import ThreadRole

TAKEN = 1_795_428_000.25
PARAVIRTUAL, EMULATED = DeviceClass.PARAVIRTUAL, DeviceClass.EMULATED


class Made(NamedTuple):
    """A subject and what is true of it. slow: how many times the baseline's time a request takes
    under KVM. registers: accesses a request. exits: of KVM, all, a request."""

    subject: Subject
    slow: float
    registers: Mapping[str, int] = {}
    notifications: int | None = None
    exits: float = 5.4
    interrupts: float = 1.0
    apart: Mapping[str, int] = {}


def _disk(name: str, title: str, cls: DeviceClass, model: str, baseline: bool = False) -> Subject:
    return Subject(name, Experiment.STORAGE, title, cls, model, baseline=baseline)


def _nic(name: str, title: str, cls: DeviceClass, model: str, baseline: bool = False) -> Subject:
    return Subject(name, Experiment.NETWORK, title, cls, model, baseline=baseline)


STORAGE = (
    Made(_disk("virtio-blk", "virtio-blk", PARAVIRTUAL, "virtio-blk-pci", True), 1.0, {}, 1),
    Made(
        _disk("virtio-blk-iothread", "virtio-blk, I/O thread", PARAVIRTUAL, "virtio-blk-pci"),
        0.95,
        {},
        1,
    ),
    Made(_disk("virtio-scsi", "virtio-scsi", PARAVIRTUAL, "scsi-hd"), 1.08, {}, 1),
    Made(_disk("nvme", "NVMe", EMULATED, "nvme"), 1.04, {"nvme": 2}, exits=6.6),
    Made(_disk("ahci", "SATA (AHCI)", EMULATED, "ide-hd"), 1.15, {"ahci": 7}, exits=12.5),
    Made(_disk("usb", "USB storage (xHCI)", EMULATED, "usb-storage"), 3.1, {"xhci": 24}, exits=31),
    Made(_disk("ide", "IDE", EMULATED, "ide-hd"), 2.08, {"ide": 22, "piix-bmdma": 4}, exits=33.4),
    Made(
        _disk("lsi", "LSI 53C895A", EMULATED, "lsi53c895a"),
        1.9,
        {"lsi-mmio": 4},
        exits=18,
        apart={"script RAM": 7},
    ),
)
NETWORK = (
    Made(
        _nic("virtio-net", "virtio-net", PARAVIRTUAL, "virtio-net-pci", True),
        1.0,
        notifications=1,
        interrupts=0.04,
    ),
    Made(_nic("e1000e", "e1000e", EMULATED, "e1000e"), 1.9, {"e1000e-mmio": 2}, interrupts=0.25),
    Made(_nic("e1000", "e1000", EMULATED, "e1000"), 2.1, {"e1000-mmio": 3}, interrupts=0.1),
    Made(_nic("rtl8139", "RTL8139", EMULATED, "rtl8139"), 3.4, {"rtl8139": 6}),
    Made(_nic("pcnet", "PCnet", EMULATED, "pcnet"), 3.0, {"pcnet-io": 5}),
)
NESTED = (
    Made(Subject("kvm", Experiment.NESTED, "KVM", PARAVIRTUAL, baseline=True), 1.0),
    Made(Subject("tcg", Experiment.NESTED, "TCG", EMULATED), 14.0),
)
MACHINE = (
    Made(Subject("q35", Experiment.MACHINE, "q35", EMULATED, "q35", baseline=True), 1.0, {}, 1),
    Made(Subject("i440fx", Experiment.MACHINE, "i440fx", EMULATED, "pc"), 1.02, {}, 1),
)
IOTHREAD = (
    Made(
        Subject("iothread-off", Experiment.IOTHREAD, "main loop", PARAVIRTUAL, baseline=True),
        1.0,
        {},
        1,
    ),
    Made(Subject("iothread-on", Experiment.IOTHREAD, "I/O thread", PARAVIRTUAL), 0.9, {}, 1),
)
MADE = {
    Experiment.STORAGE: STORAGE,
    Experiment.NETWORK: NETWORK,
    Experiment.NESTED: NESTED,
    Experiment.MACHINE: MACHINE,
    Experiment.IOTHREAD: IOTHREAD,
}
_LARGE = Workload("large", "256 KiB reads, depth 8", 262144, 8, 500)
_D1 = Workload("d1", "4 KiB reads, depth 1", 4096, 1, 2000)
_D32 = Workload("d32", "4 KiB reads, depth 32", 4096, 32, 8000)
_COUNT = Workload("count", "4 KiB reads, counted", 4096, 1, 500)
WORKLOADS = {
    Experiment.STORAGE: (_LARGE, _D1, _D32, _COUNT),
    Experiment.NETWORK: (
        Workload("stream", "frames of 1514 bytes", 1514, 1, 20000),
        Workload("small", "frames of 64 bytes", 64, 1, 30000),
        Workload("pingpong", "one frame there and back", 64, 1, 3000),
        Workload("count", "frames, counted", 1514, 1, 1000),
    ),
    Experiment.NESTED: (
        Workload("compute", "SHA-256 over 64 KiB", 65536, 1, 4000),
        Workload("faults", "first touches of a page", 4096, 1, 20000),
        Workload("exits", "reads of an I/O port", 1, 1, 20000),
        _D1,
    ),
    Experiment.MACHINE: (_D1, _D32, _COUNT),
    Experiment.IOTHREAD: (_D1, _D32, _COUNT),
}
_TIMES = {
    "large": 120_000.0,
    "d1": 52_000.0,
    "d32": 9_000.0,
    "stream": 4_000.0,
    "small": 3_000.0,
    "pingpong": 90_000.0,
    "compute": 180_000.0,
    "faults": 1_500.0,
    "exits": 2_800.0,
}
"""ns a request on the baseline, under KVM."""
_LATENCY = ("d1", "d32", "large", "pingpong")


def lab_run(
    *experiments: Experiment,
    accelerator: str = "qemu",
    rounds: int = 5,
    seed: int = 1,
    name: str = "lab-2026-11-23-1",
    noise: float = 0.01,
    faster: float = 1.0,
    complete: bool = True,
) -> LabRun:
    """A run of these experiments (storage and network when none is named), warm-up included.

    accelerator: "kvm", with exits and the ratios of KVM; "qemu", where times hardly differ. noise:
    of each trial, as a share. faster: than usual, this host.
    """
    asked = experiments or (Experiment.STORAGE, Experiment.NETWORK)
    chance = random.Random(seed)
    made = [one for experiment in asked for one in MADE[experiment]]
    trials = [
        _trial(one, workload, round_, accelerator, chance.gauss(1.0, noise) / faster)
        for one in made
        for workload in WORKLOADS[one.subject.experiment]
        if workload.id != "count"
        for round_ in range(rounds + 1)
    ]
    virtual = accelerator == "qemu"
    return LabRun(
        name=name,
        taken=TAKEN,
        host=LabHostRecord(
            "rack7",
            "qemu:///session",
            hypervisor="QEMU 7.2.11",
            libvirt="9.0.0",
            kernel="6.1.0-18-amd64",
            cpu="AMD EPYC 7313",
            cpus=4,
            arch="x86_64",
            accelerator=accelerator,
            virtualized=virtual,
        ),
        plan=Plan(
            experiments=tuple(asked),
            length=Length.QUICK,
            subjects=tuple(one.subject for one in made),
            workloads={one: WORKLOADS[one] for one in asked},
            backings={
                one: Backing.SOCKET if one is Experiment.NETWORK else Backing.NULL for one in asked
            },
            rounds=rounds,
            seed=seed,
            seconds=62.0,
            accelerator=accelerator,
            omitted=(Omitted("megasas", "this QEMU does not have it"),),
        ),
        method=Method("fio 3.33", "6.1.0-18-amd64", "pc", 2, 256),
        trials=tuple(trials),
        tallies=tuple(_tally(one) for one in made if one.notifications or one.registers),
        caveats=("TCG: times say nothing about hardware virtualization",) if virtual else (),
        remarks=(),
        seconds=71.5,
        complete=complete,
    )


def _trial(made: Made, workload: Workload, round_: int, accelerator: str, factor: float) -> Trial:
    kvm = accelerator == "kvm"
    # Under TCG a trap costs no more than any other access: times lie close together.
    slow = made.slow if kvm else 2.0 * (1.0 + (made.slow - 1.0) * 0.04)
    each = _TIMES[workload.id] * slow * max(factor, 0.01) * (1.5 if round_ == 0 else 1.0)
    requests = workload.requests
    whole = each * requests
    cpu = {ThreadRole.VCPU.value: int(whole * 0.7), ThreadRole.MAIN.value: int(whole * 0.25)}
    if "iothread" in made.subject.id and made.subject.id != "iothread-off":
        cpu[ThreadRole.IOTHREAD.value] = int(whole * 0.1)
    latency = each * workload.depth
    return Trial(
        subject=made.subject.id,
        workload=workload.id,
        round=round_,
        requests=requests,
        bytes=0 if made.subject.experiment is Experiment.NESTED else requests * workload.size,
        seconds=whole / 1e9,
        latency=Percentiles(latency * 0.95, latency * 1.4, latency * 2.2)
        if workload.id in _LATENCY
        else None,
        cpu_ns=cpu,
        exits={
            "exits": int(made.exits * requests),
            "io_exits": requests * sum(made.registers.values()),
            "mmio_exits": 0,
        }
        if kvm
        else {},
        interrupts=int(made.interrupts * requests),
        steal=0.004,
    )


def _tally(made: Made) -> Tally:
    count = next(one for one in WORKLOADS[made.subject.experiment] if one.id == "count").requests
    return Tally(
        subject=made.subject.id,
        requests=count,
        registers={name: each * count for name, each in made.registers.items()},
        notifications=None if made.notifications is None else made.notifications * count,
        apart={
            "interrupt controller": 3 * count,
            "timer": count // 10,
            **{name: each * count for name, each in made.apart.items()},
        },
        interrupts=int(made.interrupts * count),
    )
