"""Every default of a guest's spec, for one host: what is empty is filled, what is said stays."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from tuivm.model.offers import DomainCaps, HostOffer
from tuivm.model.oses import GENERIC, OsInfo
from tuivm.model.spec import Graphics, Machine, SourceKind, Spec
from tuivm.preflight.default_disks import (
    complete_disks,
    default_pool,
    file_name,
    free_name,
    uploaded,
)
from tuivm.preflight.default_machine import choose_caps, complete_machine
from tuivm.preflight.default_nics import complete_nics

__all__ = ["choose_caps", "complete", "default_name"]

_MIB = 1024
_GENERIC_KIB = 2 * 1024 * _MIB
_GENERIC_VCPUS = 2
_LONGEST_NAME = 50
_UNFIT = re.compile(r"[^A-Za-z0-9._+-]+")
_IMAGE_SUFFIXES = {".iso", ".img", ".qcow2", ".raw", ".vmdk", ".vdi", ".vhdx"}
_SCREEN = (
    SourceKind.ISO,
    SourceKind.IMPORT,
    SourceKind.OVERLAY,
    SourceKind.PXE,
    SourceKind.EMPTY,
)
"""Sources that may want a screen; the others are told to use the serial console."""
NO_SCREEN = ("s390x",)
"""Architectures whose operating systems expect a console, not a screen."""
_CONSOLES = {
    "x86_64": "ttyS0",
    "i686": "ttyS0",
    "aarch64": "ttyAMA0",
    "armv7l": "ttyAMA0",
    "riscv64": "ttyS0",
    "loongarch64": "ttyS0",
    "ppc64": "hvc0",
    "ppc64le": "hvc0",
    "s390x": "ttysclp0",
}


def complete(spec: Spec, offer: HostOffer, caps: DomainCaps, os: OsInfo = GENERIC) -> Spec:
    """The spec with every empty field filled for this host; complete(complete(x)) == complete(x).

    uuid and MAC addresses stay empty: `planning.plan` gives them. A copy keeps what its source has,
    so only its name is filled. What a host cannot offer stays empty, and the preflight tells.
    """
    named = spec._replace(
        name=spec.name or default_name(spec, offer, os),
        os=spec.os or (os.short_id if os.known else ""),
    )
    if spec.source.kind is SourceKind.COPY:
        return named
    vcpus = spec.vcpus or _vcpus(spec, offer, caps, os)
    machine = complete_machine(named, offer, caps, os, vcpus)
    memory = spec.memory_kib or _memory(spec, offer, os)
    graphics = spec.graphics or _graphics(named, machine, caps)
    pool = default_pool(offer)
    source = spec.source._replace(
        file=uploaded(spec.source.file, pool),
        kernel=uploaded(spec.source.kernel, pool),
        initrd=uploaded(spec.source.initrd, pool),
        cmdline=spec.source.cmdline or _cmdline(spec, machine, graphics),
    )
    named = named._replace(source=source)
    connected = complete_nics(named, machine, offer, os)
    return named._replace(
        vcpus=vcpus,
        memory_kib=memory,
        memory_max_kib=spec.memory_max_kib or memory,
        machine=machine,
        disks=complete_disks(named, machine, offer, caps, os),
        nics=connected.nics,
        passed=connected.passed,
        graphics=graphics,
    )


def default_name(spec: Spec, offer: HostOffer, os: OsInfo = GENERIC) -> str:
    """A free name, by the OS, else by the source's file or guest."""
    source = spec.source
    base = os.short_id if os.known else ""
    if source.kind is SourceKind.COPY and source.guest:
        base = f"{source.guest}-copy"
    elif not base:
        base = _stem(file_name(source.file) or file_name(source.kernel))
    base = _UNFIT.sub("-", base).strip("-.")[:_LONGEST_NAME].strip("-.")
    return free_name(base or "guest", (name for name, _uuid, _active in offer.guests))


def _stem(name: str) -> str:
    path = PurePosixPath(name)
    return path.stem if path.suffix.lower() in _IMAGE_SUFFIXES else path.name


def _vcpus(spec: Spec, offer: HostOffer, caps: DomainCaps, os: OsInfo) -> int:
    """What a topology or NUMA says, else the OS's recommendation; never more than the host has."""
    topology = spec.machine.topology
    if any(topology):
        product = 1
        for number in topology:
            product *= max(number, 1)
        return product
    wanted = max(os.vcpus or _GENERIC_VCPUS, os.vcpus_min, len(spec.machine.pins))
    limits = [limit for limit in (offer.cpus, caps.max_vcpus) if limit > 0]
    return max(1, min([wanted, *limits]))


def _memory(spec: Spec, offer: HostOffer, os: OsInfo) -> int:
    """KiB, whole MiB. At most half of the host's, unless the OS's minimum asks for more."""
    cells = sum(cell.memory_kib for cell in spec.machine.numa)
    if cells > 0:
        return cells
    wanted = os.memory_kib or max(_GENERIC_KIB, os.memory_min_kib)
    if spec.memory_max_kib > 0:
        wanted = min(wanted, spec.memory_max_kib)
    if offer.memory_kib > 0:
        wanted = min(wanted, max(offer.memory_kib // 2, os.memory_min_kib), offer.memory_kib)
    return max(wanted // _MIB * _MIB, _MIB)


def _graphics(spec: Spec, machine: Machine, caps: DomainCaps) -> Graphics:
    if spec.source.kind not in _SCREEN or machine.arch in NO_SCREEN:
        return Graphics.NONE
    if not caps.graphics or "vnc" in caps.graphics:
        return Graphics.VNC
    return Graphics.SPICE if "spice" in caps.graphics else Graphics.NONE


def _cmdline(spec: Spec, machine: Machine, graphics: Graphics) -> str:
    """A kernel started directly says nothing on a console that it is not told of."""
    direct = spec.source.kind in (SourceKind.KERNEL, SourceKind.TREE)
    console = _CONSOLES.get(machine.arch, "")
    if machine.virt_type == "xen":
        console = "hvc0"
    return f"console={console}" if direct and graphics is Graphics.NONE and console else ""
