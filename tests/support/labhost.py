"""A host for the Lab as the tests have it: what it offers, said instead of asked."""

from __future__ import annotations

from itertools import chain, count
from types import SimpleNamespace

from tuivm.lab import models
from tuivm.lab.domain import Files
from tuivm.lab.ports import HostAbilities, MachineCaps
from tuivm.model.lab import LabHostRecord, Plan

BUSES = frozenset({"fdc", "scsi", "virtio", "usb", "sata"})
TYPES = frozenset(chain.from_iterable(model.needs for model in models.CATALOGUE))
"""All of QEMU's device types that the Lab can use."""
APPLIANCE = SimpleNamespace(memory_mib=256, cmdline="console=ttyS0 quiet <&>")


def abilities(**changes: object) -> HostAbilities:
    """A machine of today under the system's libvirt, without KVM: Debian 12's versions."""
    made = HostAbilities(
        record=LabHostRecord("rack7", "qemu:///system", arch="x86_64"),
        local=True,
        session=False,
        accelerators=("qemu",),
        emulator="/usr/bin/qemu-system-x86_64",
        machines=frozenset({"pc", "q35"}),
        caps={
            (accelerator, machine): MachineCaps(
                BUSES | {"ide"} if machine == "pc" else BUSES, pci_hostdev=True
            )
            for accelerator in ("kvm", "qemu")
            for machine in ("pc", "q35")
        },
        models=TYPES,
        qemu_version=(7, 2, 22),
        libvirt_version=(9, 0, 0),
        tap=True,
        vhost_net=True,
    )
    return made._replace(**changes)  # type: ignore[arg-type]


def files(plan: Plan, kernel: str = "/k", initrd: str = "/i", home: str = "/pool") -> Files:
    """Where everything lies that a plan may need; ports from 50000 on."""
    ids = [subject.id for subject in plan.subjects]
    return Files(
        kernel,
        initrd,
        {one: f"{home}/{one}.raw" for one in ids},
        {one: f"tuivm-lab-{one}" for one in ids},
        count(50000),
    )
