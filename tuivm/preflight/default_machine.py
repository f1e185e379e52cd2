"""A machine's defaults: the fastest type, the machine, firmware and CPU that fit a host and an OS.

What virt-manager and libvirt's own documentation recommend is the model.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tuivm.model.offers import Capabilities, DomainCaps, GuestArch, HostOffer, MachineType
from tuivm.model.oses import GENERIC, OsInfo
from tuivm.model.spec import Firmware, Machine, SourceKind, Spec, Topology
from tuivm.preflight.drivers import knows_q35, needs_tpm, needs_uefi, windows

FASTEST_FIRST = ("kvm", "hvf", "xen", "qemu")
X86 = ("x86_64", "i686")
_PREFERRED = {
    "x86_64": ("q35", "pc"),
    "i686": ("q35", "pc"),
    "aarch64": ("virt",),
    "armv7l": ("virt",),
    "riscv64": ("virt",),
    "riscv32": ("virt",),
    "loongarch64": ("virt",),
    "ppc64": ("pseries",),
    "ppc64le": ("pseries",),
    "s390x": ("s390-ccw-virtio",),
}
_UEFI_ALONE = ("aarch64", "loongarch64")
_UEFI_WHERE_OFFERED = ("riscv64",)
_COMPATIBLE = {"x86_64": ("i686",), "ppc64le": ("ppc64",), "aarch64": ("armv7l",)}


class CapsChoice(NamedTuple):
    """What to ask domain capabilities for; "" leaves it to the host."""

    virt_type: str
    arch: str
    machine: str


def choose_caps(spec: Spec, offer: HostOffer, os: OsInfo = GENERIC) -> CapsChoice:
    """The type, architecture and machine that this spec means on this host."""
    capabilities = offer.capabilities
    said = spec.machine
    arch = said.arch or _default_arch(capabilities, said.virt_type)
    guest = _guest(capabilities, arch, said.virt_type)
    virt_type = said.virt_type or fastest(guest.virt_types if guest else ())
    machine = said.machine or default_machine(guest, os)
    return CapsChoice(virt_type, arch, machine)


def fastest(virt_types: Iterable[str]) -> str:
    """ "" where there is none that is known."""
    offered = tuple(virt_types)
    return next((each for each in FASTEST_FIRST if each in offered), offered[0] if offered else "")


def default_machine(guest: GuestArch | None, os: OsInfo) -> str:
    """ "" leaves it to libvirt (an architecture that has no usual machine, or Xen's own)."""
    if guest is None:
        return ""
    for name in _PREFERRED.get(guest.arch, ()):
        if name == "q35" and knows_q35(os) is False:
            continue
        if has_machine(guest.machines, name):
            return name
    return ""


def has_machine(machines: tuple[MachineType, ...], name: str) -> bool:
    return any(name in (machine.name, machine.canonical) for machine in machines)


def find_guest(spec: Spec, offer: HostOffer) -> GuestArch | None:
    """What of the capabilities a spec with its arch and type filled in is run by."""
    return _guest(offer.capabilities, spec.machine.arch, spec.machine.virt_type)


def is_q35(machine: str) -> bool:
    return machine == "q35" or machine.startswith("pc-q35")


def is_i440fx(machine: str) -> bool:
    return machine in {"pc", "isapc"} or (machine.startswith("pc-") and not is_q35(machine))


def is_express(arch: str, machine: str) -> bool:
    """Its devices sit on PCI Express, so virtio is 1.0 and nothing else."""
    return (
        is_q35(machine)
        or (machine == "virt" or machine.startswith("virt-"))
        or (arch in {"aarch64", "riscv64", "loongarch64"})
    )


def complete_machine(
    spec: Spec, offer: HostOffer, caps: DomainCaps, os: OsInfo, vcpus: int
) -> Machine:
    said = spec.machine
    choice = choose_caps(spec, offer, os)
    filled = said._replace(
        virt_type=choice.virt_type or caps.virt_type,
        arch=choice.arch or caps.arch,
        machine=choice.machine or caps.machine,
    )
    filled = filled._replace(
        firmware=said.firmware or _firmware(spec.source.kind, filled, caps, os)
    )
    return filled._replace(
        tpm=_tpm(filled, caps, os) if said.tpm is None else said.tpm,
        cpu=said.cpu or _cpu(filled, caps),
        topology=complete_topology(said.topology, vcpus, os),
    )


def complete_topology(said: Topology, vcpus: int, os: OsInfo) -> Topology:
    """Fills what is left out so that there are at least as many places as vCPUs.

    Nothing said stays so (a socket a vCPU), but for Windows, whose desktop editions use two sockets
    at most.
    """
    if said == Topology():
        return Topology(1, vcpus, 1) if windows(os) and vcpus > 1 else said
    product = 1
    for number in said:
        product *= max(number, 1)
    rest = max(1, -(-vcpus // product))
    filled: dict[str, int] = {}
    parts = (("cores", said.cores), ("sockets", said.sockets), ("threads", said.threads))
    for name, number in parts:
        filled[name] = number or rest
        if not number:
            rest = 1
    return Topology(**filled)


def _default_arch(capabilities: Capabilities, virt_type: str) -> str:
    arches = [
        guest.arch
        for guest in capabilities.guests
        if not virt_type or virt_type in guest.virt_types
    ]
    host = capabilities.arch
    compatible: tuple[str, ...] = _COMPATIBLE.get(host, ())
    for arch in (host, *compatible):
        if arch in arches:
            return arch
    return arches[0] if arches else host


def _guest(capabilities: Capabilities, arch: str, virt_type: str) -> GuestArch | None:
    """Xen lists an architecture twice, for "hvm" and for "xen" (paravirtual guests): hvm first,
    because any OS runs there."""
    fitting = [
        guest
        for guest in capabilities.guests
        if guest.arch == arch and (not virt_type or virt_type in guest.virt_types)
    ]
    hvm = [guest for guest in fitting if guest.os_type == "hvm"]
    return next(iter(hvm + fitting), None)


def _firmware(kind: SourceKind, machine: Machine, caps: DomainCaps, os: OsInfo) -> Firmware:
    offered = offers_uefi(caps)
    if machine.arch in X86:
        if not needs_uefi(os):
            return Firmware.BIOS
        secure = needs_tpm(os) and is_q35(machine.machine) and caps.secure_boot
        return Firmware.UEFI_SECURE if secure else Firmware.UEFI
    if machine.arch in _UEFI_ALONE:
        # A kernel that is started directly needs no firmware to find it.
        bare = kind is SourceKind.KERNEL and not offered
        return Firmware.DEFAULT if bare else Firmware.UEFI
    if machine.arch in _UEFI_WHERE_OFFERED and offered:
        return Firmware.UEFI
    return Firmware.DEFAULT


def offers_uefi(caps: DomainCaps) -> bool:
    return "efi" in caps.firmware or any(is_uefi_image(path) for path in caps.loaders)


def is_uefi_image(path: str) -> bool:
    """By the names that edk2's packages give them: OVMF, AAVMF, QEMU_EFI, edk2-…, RISCV_VIRT."""
    name = path.upper()
    return any(part in name for part in ("OVMF", "AAVMF", "EFI", "EDK2", "RISCV_VIRT"))


def _tpm(machine: Machine, caps: DomainCaps, os: OsInfo) -> bool:
    if needs_tpm(os):
        return True
    uefi = machine.firmware in (Firmware.UEFI, Firmware.UEFI_SECURE)
    return uefi and machine.arch in X86 and "emulator" in caps.tpm_backends


def _cpu(machine: Machine, caps: DomainCaps) -> str:
    modes = {mode.name for mode in caps.cpu_modes if mode.supported}
    wanted: tuple[str, ...] = ()
    fallback = ""
    if machine.virt_type in {"kvm", "hvf"}:
        wanted = ("host-passthrough", "host-model", "maximum")
        fallback = "" if caps.cpu_modes else "host-passthrough"
    elif machine.virt_type == "qemu":
        wanted = ("maximum",)
        # Without it "virt" has a 32-bit CPU.
        fallback = "cortex-a57" if machine.arch == "aarch64" else ""
        if machine.nested and machine.arch in X86:
            # A model that can be told to have svm, which QEMU emulates for all of them.
            fallback = "qemu64"
    for mode in wanted:
        if mode in modes:
            return mode
    return fallback
