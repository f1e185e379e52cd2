"""How often a guest left its own code, from the log that QEMU's trace events wrote. Pure.

Lines of QEMU's log backend (docs/devel/tracing.rst):
    57@1795434712.189498:memory_region_ops_write cpu 0 mr 0x5626 addr 0xfee000b0 value 0x0 size 4
        name 'apic-msi'                                         (one line)
    52@1795434712.199141:virtio_queue_notify vdev 0x5626293b8930 n 0 vq 0x7f51a8875010
"cpu -1" is an access that QEMU itself made for a device (an interrupt message, a fetch from the
script RAM): no guest left its code for it, and it is not counted.
"""

from __future__ import annotations

import re
from collections import Counter

from tuivm.lab import models
from tuivm.lab.ports import LabError
from tuivm.model.devices import DeviceClass
from tuivm.model.lab import Experiment, Subject, Tally

EVENTS = ("memory_region_ops_read", "memory_region_ops_write", "virtio_queue_notify")
"""What to switch on while counting."""

_ACCESS = re.compile(rb"memory_region_ops_(?:read|write) cpu (-?\d+) .*name '([^'\n]*)'")
_NOTIFY = re.compile(rb"virtio_queue_notify vdev (0x[0-9a-f]+) n (\d+)")
_REGISTERS = {
    "ide": ("ide", "piix-bmdma", "bmdma"),
    "ahci": ("ahci",),
    "nvme": ("nvme",),
    "lsi": ("lsi-mmio", "lsi-io"),
    "usb": ("capabilities", "operational", "runtime", "doorbell", "usb2 port", "usb3 port"),
    "e1000e": ("e1000e",),
    "e1000": ("e1000-",),
    "rtl8139": ("rtl8139",),
    "pcnet": ("pcnet",),
}
"""How the names of a device's regions begin (memory_region_init_io in QEMU's hw/). The xHCI's have
no name of their own; no other device of these guests is called so."""
_KINDS = {
    "interrupt controller": (
        *("apic", "ioapic", "pic", "elcr", "kvm-apic", "kvm-ioapic", "kvm-pic", "kvm-elcr"),
        *("msix-table", "msix-pba"),
    ),
    "timer": ("hpet", "pit", "kvm-pit", "rtc", "acpi-tmr"),
    "serial line": ("serial", "virtio-pci-common-virtio-serial", "virtio-pci-isr-virtio-serial"),
    "script RAM": ("lsi-ram",),
}
_OTHER = "other"
# With an ioeventfd the kick is no access at all, without it is one to this region; the event
# virtio_queue_notify is written in either case, and counted.
_KICKS = "virtio-pci-notify"
_TRANSMIT = 1
"""A NIC's transmit queue, with one pair of queues. Receive queues are refilled at any time."""


def tally(log: bytes | str, subject: Subject, requests: int, interrupts: int | None) -> Tally:
    """What the guest did to the subject's device while it made so many requests.

    log: of the events EVENTS, from the first request to the last. interrupts: as counted in the
    guest. Raises LabError for a subject that QEMU sees nothing of, or has not been seen to touch:
    then nothing is known, which is not the same as no access.
    """
    text = log.encode(errors="replace") if isinstance(log, str) else log
    _check_seen(subject)
    kind = _device(subject)
    own = _REGISTERS.get(kind, ())
    virtio = "" if own else kind
    registers: Counter[str] = Counter()
    apart: Counter[str] = Counter()
    for cpu, raw in _ACCESS.findall(text):
        name = raw.decode(errors="replace")
        if cpu == b"-1" or name.startswith(_KICKS):
            continue
        mine = name.endswith(f"-{virtio}") if virtio else name.startswith(own)
        if mine:
            registers[name] += 1
        else:
            apart[_kind(name)] += 1
    notified = Counter((vdev, int(queue)) for vdev, queue in _NOTIFY.findall(text))
    notifications = None
    if virtio:
        queue = _TRANSMIT if subject.experiment is Experiment.NETWORK else None
        device, notifications = _most_notified(notified, queue)
        for key in [key for key in notified if key[0] == device]:
            number = notified.pop(key)
            if queue is not None and key[1] != queue:
                apart[_OTHER] += number
    if not notifications and not registers:
        raise LabError(f"QEMU's trace shows no access to {subject.title}.")
    for (_, queue), number in notified.items():
        # The port's queues are 2 to 5; those that the peer of a NIC uses lie below.
        apart["serial line" if queue > _TRANSMIT else _OTHER] += number
    return Tally(subject.id, requests, dict(registers), notifications, dict(apart), interrupts)


def _check_seen(subject: Subject) -> None:
    if subject.id.startswith(models.PASSTHROUGH):
        raise LabError("The guest drives the silicon itself: QEMU sees none of its accesses.")
    if subject.id in models.BY_ID and models.BY_ID[subject.id].vhost:
        raise LabError("The host's kernel takes the kicks itself: QEMU sees none of them.")


def _device(subject: Subject) -> str:
    """What the subject's requests go to: a key of _REGISTERS, or QEMU's name of a virtio device."""
    if subject.id in _REGISTERS:
        return subject.id
    if subject.experiment is Experiment.MACHINE and subject.cls is DeviceClass.EMULATED:
        return "ahci"
    if subject.experiment is Experiment.NETWORK:
        return "virtio-net"
    return "virtio-scsi" if subject.id == "virtio-scsi" else "virtio-blk"


def _kind(name: str) -> str:
    return next((kind for kind, names in _KINDS.items() if name.startswith(names)), _OTHER)


def _most_notified(notified: Counter[tuple[bytes, int]], only: int | None) -> tuple[bytes, int]:
    """The device that got the most kicks, and how many. only: count those of this queue."""
    counted = Counter[bytes]()
    for (device, queue), number in notified.items():
        if only is None or queue == only:
            counted[device] += number
    return counted.most_common(1)[0] if counted else (b"", 0)
