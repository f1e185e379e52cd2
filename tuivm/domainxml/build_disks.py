"""Disks and CD-ROM drives of a new definition, with the SCSI controllers and threads they need."""

from __future__ import annotations

from typing import NamedTuple

from tuivm.domainxml.build_boot import boot_number
from tuivm.domainxml.build_parts import Making, PlacedDisk, cdrom_bus, element
from tuivm.domainxml.parse import Element
from tuivm.model.creation import Placed
from tuivm.model.spec import SCSI_CONTROLLERS, DiskKind, PassKind

__all__ = ["PlacedDisk", "controllers", "disks", "iothreads"]

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_PREFIX = {"virtio": "vd", "ide": "hd", "fdc": "fd", "xen": "xvd"}


class _Slot(NamedTuple):
    """Where a disk is in its guest. scsi: the model of its controller, "" for another bus.
    thread: number of its I/O thread, 0 for none."""

    one: PlacedDisk
    bus: str
    target: str
    scsi: str = ""
    controller: int = 0
    unit: int = 0
    thread: int = 0


def iothreads(making: Making) -> int:
    """How many I/O threads the disks ask for."""
    return max((slot.thread for slot in _slots(making)), default=0)


def controllers(making: Making) -> list[Element]:
    """The SCSI controllers, in order; those of other buses libvirt adds by itself.

    virtio-scsi has as many queues as the guest has vCPUs unless told otherwise: QEMU's default.
    """
    made: dict[int, Element] = {}
    for slot in _slots(making):
        if slot.scsi and slot.controller not in made:
            # A virtio-scsi controller is what runs in a thread, not its disks.
            thread = element("driver", iothread=slot.thread) if slot.thread else None
            made[slot.controller] = element(
                "controller", thread, type="scsi", index=slot.controller, model=slot.scsi
            )
    if not made and any(one.kind is PassKind.SCSI for one in making.spec.passed):
        # For a disk of the host's, where libvirt would take the oldest model that there is.
        made[0] = element("controller", type="scsi", index=0, model="virtio-scsi")
    return [made[index] for index in sorted(made)]


def disks(making: Making) -> list[Element]:
    """All disks and drives; cloud-init's seed in the variant for the first start alone."""
    return [
        _disk(making, slot, number)
        for number, slot in enumerate(_slots(making))
        if making.first or not slot.one.seed
    ]


def _slots(making: Making) -> list[_Slot]:
    """Each disk's bus, name and place, in the order of the spec: a name is the guest's forever,
    so the seed counts in both variants."""
    slots: list[_Slot] = []
    names: dict[str, int] = {}
    threads = 0
    # (model, thread) -> index; a controller holds disks until its bus is full.
    scsi: list[tuple[str, int]] = []
    for one in making.disks:
        cdrom = one.disk.kind is DiskKind.CDROM
        default = cdrom_bus(making.arch, making.machine) if cdrom else "virtio"
        asked = one.disk.bus or default
        model = SCSI_CONTROLLERS.get(asked, "")
        bus = "scsi" if model else asked
        prefix = _PREFIX.get(bus, "sd")
        number = names[prefix] = names.get(prefix, -1) + 1
        threaded = one.disk.iothread and (bus == "virtio" or model == "virtio-scsi")
        threads += threaded
        thread = threads if threaded else 0
        slot = _Slot(one, bus, prefix + _letters(number), model, thread=thread)
        if bus == "nvme":
            slot = slot._replace(target=f"nvme{names.setdefault('nvme', 0)}n1")
            names["nvme"] += 1
            names[prefix] -= 1
        if model:
            free = [
                (index, used)
                for index, key in enumerate(scsi)
                if key == (model, thread)
                and (used := sum(s.bus == "scsi" and s.controller == index for s in slots))
                < _capacity(model)
            ]
            if not free:
                scsi.append((model, thread))
                free = [(len(scsi) - 1, 0)]
            slot = slot._replace(controller=free[0][0], unit=free[0][1])
        slots.append(slot)
    return slots


def _capacity(model: str) -> int:
    # Eight (or sixteen) targets with one for the adapter itself, on the parallel buses.
    return 256 if model == "virtio-scsi" else 7


def _letters(number: int) -> str:
    """ "a" … "z", "aa", …: as Linux counts disks."""
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, len(_LETTERS))
        letters = _LETTERS[rest] + letters
    return letters


def _disk(making: Making, slot: _Slot, number: int) -> Element:
    disk, placed = slot.one.disk, slot.one.placed
    cdrom = disk.kind is DiskKind.CDROM
    driver = element(
        "driver",
        name="qemu",
        type=(placed.format if placed else "") or "raw",
        cache=disk.cache,
        io=disk.io,
        discard=disk.discard,
        iothread=slot.thread if slot.thread and not slot.scsi else "",
    )
    order = boot_number(making, "disk", number)
    return element(
        "disk",
        driver,
        _source(placed) if placed else None,
        element("target", dev=slot.target, bus=slot.bus),
        element("readonly") if cdrom or disk.readonly else None,
        element("shareable") if disk.shareable else None,
        element("serial", disk.serial) if disk.serial else None,
        element("boot", order=order) if order else None,
        _address(slot) if slot.scsi else None,
        type=_type(placed),
        device="cdrom" if cdrom else "disk",
    )


def _address(slot: _Slot) -> Element:
    # virtio-scsi and lsilogic have their disks as units of the first target (libvirt refuses
    # another one on the latter); each disk of the other adapters is a target of its own.
    units = slot.scsi in ("virtio-scsi", "lsilogic", "ibmvscsi")
    target, unit = (0, slot.unit) if units else (slot.unit, 0)
    return element(
        "address", type="drive", controller=slot.controller, bus=0, target=target, unit=unit
    )


def _type(placed: Placed | None) -> str:
    if placed is None:
        return "file"
    if placed.by_volume:
        return "volume"
    return "block" if placed.block else "file"


def _source(placed: Placed) -> Element:
    if placed.by_volume:
        return element("source", pool=placed.pool, volume=placed.volume)
    if placed.block:
        return element("source", dev=placed.path)
    return element("source", file=placed.path)
