"""What can be chosen for a new guest's disks, from what its host offers and its OS drives. Pure."""

from __future__ import annotations

from tuivm.model.devices import DeviceClass
from tuivm.model.offers import DomainCaps, HostOffer, Pool, Volume
from tuivm.model.oses import OsInfo
from tuivm.model.spec import DiskKind, Machine
from tuivm.model.units import byte_count
from tuivm.preflight.choices_machine import EMULATED, PARAVIRTUAL, Pick
from tuivm.preflight.default_disks import CREATING, DIRECTORIES
from tuivm.preflight.default_machine import X86, is_express
from tuivm.preflight.default_models import refused_bus
from tuivm.preflight.drivers import drives
from tuivm.preflight.since import IO_URING, too_old

_BUSES: tuple[tuple[str, str, str, DeviceClass, str], ...] = (
    ("virtio", "virtio-blk", "least work for the host", PARAVIRTUAL, "block"),
    ("scsi", "SCSI on virtio-scsi", "many disks on one controller", PARAVIRTUAL, "scsi"),
    ("xen", "Xen block device", "blkfront", PARAVIRTUAL, ""),
    ("nvme", "NVMe", "an NVMe controller: few traps for a real design", EMULATED, ""),
    ("sata", "SATA (AHCI)", "drivers in every OS since 2006", EMULATED, ""),
    ("ide", "IDE (PIIX)", "drivers everywhere; slow, four drives at most", EMULATED, ""),
    ("usb", "USB storage", "slow; for what has to be removable", EMULATED, ""),
    ("sd", "SD card", "for boards that have nothing else", EMULATED, ""),
)
"""libvirt's bus, name, what it means, class, function of virtio that its driver is of."""
_LSI = Pick("lsilogic", "SCSI on LSI 53C895A", "a controller of 2000; for comparing", EMULATED)
_RARE = ("xen", "sd")
"""Buses not worth a line where the host does not offer them."""
_NOT_OLD = (*_RARE, "nvme")
"""And those that a host which does not list its buses is too old for."""


def disk_buses(
    machine: Machine, caps: DomainCaps, os: OsInfo, kind: DiskKind = DiskKind.DISK
) -> tuple[Pick, ...]:
    """Paravirtual first, then emulated, then those without a driver in the OS, then those that
    are refused. A host that does not list its buses is too old to say: few are refused then."""
    usable, driverless, refused = [], [], []
    modern = is_express(machine.arch, machine.machine)
    for bus, label, note, cls, function in _BUSES:
        if bus not in caps.disk_buses and bus in (_RARE if caps.disk_buses else _NOT_OLD):
            continue
        pick = Pick(bus, label, note, cls)
        if refusal := _bus_refusal(machine, caps, kind, bus):
            refused.append(pick._replace(refusal=refusal))
        elif function and drives(os, function, modern=modern) is False:
            driverless.append(pick._replace(note=no_driver(os)))
        else:
            usable.append(pick)
    xen = machine.virt_type == "xen"
    scsi = "scsi" in caps.disk_buses and machine.arch in X86 and not xen
    if kind is DiskKind.DISK and scsi:
        usable.append(_LSI)
    return (*usable, *driverless, *refused)


def no_driver(os: OsInfo) -> str:
    return f"{os.name} brings no driver for it: load one while installing"


def _bus_refusal(machine: Machine, caps: DomainCaps, kind: DiskKind, bus: str) -> str:
    if kind is DiskKind.CDROM and bus in ("virtio", "nvme", "sd"):
        return "a CD-ROM drive cannot be on it"
    if bus == "scsi" and machine.virt_type == "xen":
        return "libvirt's Xen driver has no virtio-scsi"
    if why := refused_bus(bus, machine):
        return why
    if caps.disk_buses and bus not in caps.disk_buses:
        if bus == "nvme":
            return "libvirt and QEMU of this host do not offer it"
        return f"machine type {caps.machine or machine.machine or 'chosen'} has none"
    return ""


def pools(offer: HostOffer) -> tuple[Pick, ...]:
    """Storage pools with their free space, those with most of it first."""
    order = sorted(offer.pools, key=lambda pool: (bool(_pool_refusal(pool)), -pool.available))
    return tuple(
        Pick(pool.name, pool.name, _pool_note(pool), refusal=_pool_refusal(pool)) for pool in order
    )


def _pool_note(pool: Pool) -> str:
    room = f"{byte_count(pool.available)} free of {byte_count(pool.capacity)}"
    return "  ".join(part for part in (room, pool.kind, pool.path) if part)


def _pool_refusal(pool: Pool) -> str:
    if pool.problem:
        return pool.problem
    return "" if pool.active else "not active: start it first"


def new_volume_refusal(pool: Pool) -> str:
    """Why no volume can be made in a pool, "" if one can."""
    if pool.kind not in CREATING:
        return f"libvirt makes no volumes for guests in a pool of type {pool.kind}: take another"
    return _pool_refusal(pool)


def volume_note(volume: Volume) -> str:
    """Size, format, what it lies over and who uses it."""
    parts = [byte_count(volume.capacity)]
    if volume.format:
        parts.append(volume.format)
    if volume.used_by:
        shared = " (shareable)" if volume.shareable else ""
        parts.append(f"used by {', '.join(volume.used_by)}{shared}")
    if volume.backing:
        parts.append(f"over {volume.backing}")
    return "  ".join(parts)


def formats(pool: Pool | None) -> tuple[Pick, ...]:
    """Formats of a new volume in a pool (None: the default one, not known yet)."""
    only_raw = pool is not None and pool.kind not in DIRECTORIES
    why = f"volumes of a pool of type {pool.kind} are raw" if only_raw and pool else ""
    return (
        Pick("qcow2", "qcow2", "grows as it is written; snapshots, overlays", refusal=why),
        Pick("raw", "raw", "no format at all: fastest, no snapshots in it"),
    )


def preallocations(format: str, pool: Pool | None) -> tuple[Pick, ...]:  # noqa: A002 - libvirt's name for it
    block = pool is not None and pool.kind not in DIRECTORIES
    not_raw = "" if format != "raw" else "raw has no metadata"
    of_block = "a volume of this pool has its space from the start" if block else ""
    return (
        Pick("off", "off", "takes space as it is written", refusal=of_block),
        Pick("metadata", "metadata", "its tables at once, data later", refusal=of_block or not_raw),
        Pick("full", "full", "all of its space now: no surprise when the pool is full"),
    )


CACHES = (
    Pick("", "default", "QEMU's own: writeback"),
    Pick("none", "none", "past the host's page cache; live migration is safe"),
    Pick("writeback", "writeback", "host's page cache; the guest flushes when it must"),
    Pick("writethrough", "writethrough", "each write waits for the disk: safe, slow"),
    Pick("directsync", "directsync", "past the cache, and each write waits"),
    Pick("unsafe", "unsafe", "ignores the guest's flushes: a crash of the host loses data"),
)


def ios(cache: str, offer: HostOffer) -> tuple[Pick, ...]:
    """How QEMU does its I/O. native needs O_DIRECT (formatdomain, "driver")."""
    direct = "" if cache in ("none", "directsync") else "needs cache none or directsync"
    uring = "needs libvirt 6.3 and QEMU 5.0" if too_old(offer, IO_URING) else ""
    return (
        Pick("", "default", "QEMU's own: threads"),
        Pick("threads", "threads", "a pool of threads; any cache mode"),
        Pick("native", "native", "Linux AIO: low overhead on fast disks", refusal=direct),
        Pick(
            "io_uring",
            "io_uring",
            "the newest way; the host's kernel has to have it",
            refusal=uring,
        ),
    )


DISCARDS = (
    Pick("", "default", "unmap for qcow2, else QEMU's own: ignore"),
    Pick("unmap", "unmap", "what the guest trims becomes free on the host"),
    Pick("ignore", "ignore", "what the guest trims stays taken"),
)


def iothread_refusal(caps: DomainCaps, bus: str) -> str:
    """Why a disk cannot have an I/O thread of its own, "" if it can."""
    if bus and bus not in ("virtio", "scsi", "virtio-scsi"):
        return "only virtio-blk and virtio-scsi can be served by one"
    return "" if caps.iothreads else "not with this QEMU and type of virtualization"


def bus_class(bus: str) -> DeviceClass | None:
    """The class of a disk on this bus; None for what is not known."""
    if bus == _LSI.value:
        return EMULATED
    return next((cls for name, _, _, cls, _ in _BUSES if name == bus), None)


def bus_label(bus: str) -> str:
    """What a bus is called on the screen; its own name where it is not known."""
    if bus == _LSI.value:
        return _LSI.label
    return next((label for name, label, _, _, _ in _BUSES if name == bus), bus)
