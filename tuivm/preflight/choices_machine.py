"""What can be chosen for a new guest's machine, from what its host offers: pure, nothing assumed.

What a host does not offer is listed too, with the reason: a choice that is missing without a word
looks like a fault of the program.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tuivm.model.devices import DeviceClass
from tuivm.model.offers import CpuMode, DomainCaps, GuestArch, HostOffer, MachineType
from tuivm.model.spec import Firmware, Machine, Preset, Spec
from tuivm.preflight.default_machine import X86, is_q35
from tuivm.preflight.default_nics import free_function, vf_pool
from tuivm.preflight.since import VIRTIO_IOMMU, too_old

PARAVIRTUAL, EMULATED, PHYSICAL = (
    DeviceClass.PARAVIRTUAL,
    DeviceClass.EMULATED,
    DeviceClass.PHYSICAL,
)


class Pick(NamedTuple):
    """value: what goes into the spec. note: what the choice means. cls: the class of the device
    that it makes, None for what is no device. refusal: why it cannot be chosen, "" if it can."""

    value: str
    label: str
    note: str = ""
    cls: DeviceClass | None = None
    refusal: str = ""


_VIRT_TYPES = {
    "kvm": ("KVM", "the CPU runs the guest's code itself: near the speed of the bare machine"),
    "xen": ("Xen", "the Xen hypervisor under the host runs it"),
    "hvf": ("HVF", "macOS's hypervisor: the CPU runs the guest's code itself"),
    "bhyve": ("bhyve", "FreeBSD's hypervisor: the CPU runs the guest's code itself"),
    "vmware": ("VMware", "VMware's hypervisor runs it"),
    "qemu": ("TCG", "QEMU translates every instruction: runs anywhere, 10 to 100 times slower"),
}
"""libvirt's names, fastest first."""


def archs(offer: HostOffer) -> tuple[Pick, ...]:
    """Architectures of guests, the host's own first."""
    own = offer.capabilities.arch
    found = {guest.arch: _virts_of(offer, guest.arch) for guest in offer.capabilities.guests}
    order = sorted(found, key=lambda arch: (arch != own, arch))
    return tuple(Pick(arch, arch, _arch_note(arch, own, found[arch])) for arch in order)


def _arch_note(arch: str, own: str, virts: Sequence[str]) -> str:
    if arch == own:
        return "the host's own"
    if any(virt != "qemu" for virt in virts):
        return "the host's CPU can run it too"
    return "foreign to this host: translated (TCG)"


def _virts_of(offer: HostOffer, arch: str) -> list[str]:
    found = {
        virt
        for guest in offer.capabilities.guests
        if arch in ("", guest.arch)
        for virt in guest.virt_types
    }
    known = list(_VIRT_TYPES)
    return sorted(found, key=lambda virt: (known.index(virt) if virt in known else 99, virt))


def virt_types(offer: HostOffer, arch: str = "") -> tuple[Pick, ...]:
    """Types of virtualization for an architecture, fastest first; KVM also where it is not to be
    had, with the reason."""
    arch = arch or offer.capabilities.arch
    picks = []
    found = _virts_of(offer, arch)
    if "kvm" not in found and offer.driver.upper() in ("QEMU", "KVM"):
        picks.append(Pick("kvm", "KVM", _VIRT_TYPES["kvm"][1], refusal=_why_no_kvm(offer, arch)))
    for virt in found:
        label, note = _VIRT_TYPES.get(virt, (virt, ""))
        picks.append(Pick(virt, label, note))
    return tuple(picks)


def _why_no_kvm(offer: HostOffer, arch: str) -> str:
    own = offer.capabilities.arch
    if own and arch != own:
        return f"KVM runs guests of the host's own architecture ({own}) only"
    nesting = offer.nesting
    if nesting.cpu_flag is False:
        return "the host's CPU has neither vmx nor svm, or its firmware keeps them off"
    if nesting.module == "":
        return "the host has not loaded kvm_intel or kvm_amd"
    return "libvirt does not offer it: /dev/kvm is missing, or QEMU may not open it"


_MACHINES = (
    ("q35", "PCI Express, AHCI, IOMMU; the one for today's x86 guests"),
    ("pc-q35", "PCI Express, AHCI, IOMMU"),
    ("microvm", "no PCI, no firmware to speak of: for direct kernels"),
    ("isapc", "a PC of the ISA age"),
    ("pc", "i440fx: PCI and IDE, for guests from before PCI Express"),
    ("virt", "a board of virtio and PCI Express that never existed in silicon"),
    ("pseries", "IBM POWER under a hypervisor"),
    ("powernv", "IBM POWER without a hypervisor"),
    ("s390-ccw-virtio", "IBM Z, virtio on channel I/O"),
    ("xenfv", "Xen, fully virtualized"),
    ("xenpvh", "Xen, PVH"),
    ("xenpv", "Xen, paravirtualized: the kernel has to know Xen"),
    ("raspi", "a Raspberry Pi"),
    ("sbsa-ref", "Arm's server reference board"),
)
"""(start of the name, what it is), the first that fits."""


def machines(offer: HostOffer, virt: str, arch: str = "") -> tuple[Pick, ...]:
    """Machine types, aliases first: the newest of its family each; deprecated ones last."""
    arch = arch or offer.capabilities.arch
    found: dict[str, MachineType] = {}
    for guest in _guests(offer, virt, arch):
        for machine in guest.machines:
            found.setdefault(machine.name, machine)
    order = sorted(found.values(), key=_machine_order)
    return tuple(Pick(machine.name, machine.name, _machine_note(machine)) for machine in order)


def _guests(offer: HostOffer, virt: str, arch: str) -> Iterable[GuestArch]:
    for guest in offer.capabilities.guests:
        if guest.arch == arch and (not virt or virt in guest.virt_types):
            yield guest


def _machine_order(machine: MachineType) -> tuple[object, ...]:
    families = [name for name, _ in _MACHINES]
    family = next((i for i, name in enumerate(families) if machine.name.startswith(name)), 99)
    digits = "".join(char if char.isdigit() else " " for char in machine.name).split()
    newest_first = tuple(-int(number[:9]) for number in digits)
    return (machine.deprecated, not machine.canonical, family, newest_first, machine.name)


def _machine_note(machine: MachineType) -> str:
    parts = [next((note for name, note in _MACHINES if machine.name.startswith(name)), "")]
    if machine.canonical:
        parts.insert(0, f"now {machine.canonical}, which libvirt writes down")
    if machine.deprecated:
        parts.append("deprecated: a later QEMU will not have it")
    return "; ".join(part for part in parts if part)


def firmwares(caps: DomainCaps) -> tuple[Pick, ...]:
    """BIOS, UEFI, UEFI with Secure Boot. A host too old to tell: by its firmware images."""
    told = bool(caps.firmware)
    efi = "efi" in caps.firmware or (not told and any(map(_is_efi, caps.loaders)))
    # Some distributions tell of UEFI alone (Debian): SeaBIOS comes with QEMU all the same.
    bios = "bios" in caps.firmware or caps.arch in X86
    files = "the host has no UEFI firmware for this machine"
    package = _firmware_package(caps.arch)
    remedy = f"{files} (package {package})" if package else files
    secure = remedy
    if efi:
        secure = (
            "no firmware here that Secure Boot works with (x86: q35, whose SMM guards the keys)"
        )
    return (
        Pick(
            Firmware.BIOS,
            "BIOS",
            "SeaBIOS: boots everything old, and most of what is new" if caps.arch in X86 else "",
            refusal="" if bios else "this machine type has none",
        ),
        Pick(
            Firmware.UEFI,
            "UEFI",
            "what today's machines have; needs an EFI partition on the disk",
            refusal="" if efi else remedy,
        ),
        Pick(
            Firmware.UEFI_SECURE,
            "UEFI with Secure Boot",
            "starts signed loaders and kernels only; Windows 11 asks for it",
            refusal="" if efi and caps.secure_boot else secure,
        ),
    )


def _is_efi(loader: str) -> bool:
    """By its path: Xen lists its hvmloader among them too."""
    return any(name in loader.lower() for name in ("ovmf", "aavmf", "edk2", "efi"))


def _firmware_package(arch: str) -> str:
    return {
        "x86_64": "ovmf or edk2-ovmf",
        "i686": "ovmf-ia32",
        "aarch64": "qemu-efi-aarch64 or edk2-aarch64",
        "armv7l": "qemu-efi-arm or edk2-arm",
        "riscv64": "qemu-efi-riscv64 or edk2-riscv64",
    }.get(arch, "")


def tpm_refusal(caps: DomainCaps) -> str:
    """Why the guest cannot have an emulated TPM, "" if it can."""
    if "emulator" in caps.tpm_backends:
        return ""
    if not caps.tpm_models and not caps.tpm_backends:
        return "the host offers no TPM (swtpm and swtpm-tools are not installed, or it is too old)"
    return "the host cannot emulate one: swtpm and swtpm-tools are not installed"


_CPU_MODES = {
    "host-passthrough": "the host's own CPU, all of it: fastest; migrates to the same CPU only",
    "host-model": "the named model nearest to the host's CPU, with its features: can migrate",
    "maximum": "all that QEMU can do here: for trying out, not to be migrated",
}


def cpu_choices(caps: DomainCaps) -> tuple[Pick, ...]:
    """Modes, then named models; those that this host cannot run are refused, and stand last."""
    modes = {mode.name: mode for mode in caps.cpu_modes}
    picks = [
        Pick(
            name,
            name,
            _cpu_note(name, note, modes.get(name)),
            refusal=_cpu_refusal(name, modes),
        )
        for name, note in _CPU_MODES.items()
    ]
    custom = modes.get("custom")
    if custom is None or not custom.supported:
        return tuple(picks)
    order = sorted(caps.cpu_models, key=lambda one: (one.usable is False, one.deprecated, one.name))
    for model in order:
        words = [model.vendor] if model.vendor and model.vendor != "unknown" else []
        if model.deprecated:
            words.append("deprecated")
        if model.usable is None:
            words.append("the host does not say whether it can run it")
        refusal = "" if model.usable is not False else "this host's CPU lacks features of it"
        picks.append(Pick(model.name, model.name, ", ".join(words), refusal=refusal))
    return tuple(picks)


def _cpu_note(name: str, note: str, mode: CpuMode | None) -> str:
    if name == "host-model" and mode is not None and mode.model:
        return f"{note}; here {mode.model}"
    return note


def _cpu_refusal(name: str, modes: dict[str, CpuMode]) -> str:
    mode = modes.get(name)
    if not modes:
        return ""
    if mode is None:
        return "this libvirt does not know it"
    return "" if mode.supported else "not with this type of virtualization and machine"


def viommus(chosen: Machine, offer: HostOffer) -> tuple[Pick, ...]:
    """Virtual IOMMUs. intel-iommu is in QEMU's x86 targets and wants q35; virtio-iommu is
    for q35 and the Arm board virt (formatdomain, "IOMMU devices")."""
    q35 = is_q35(chosen.machine)
    arm = chosen.arch in ("aarch64", "armv7l") and chosen.machine.startswith("virt")
    intel = virtio = ""
    if chosen.arch not in X86:
        intel = "x86 guests only"
    elif not q35:
        intel = "needs machine type q35"
    if not (q35 or arm):
        virtio = "needs machine type q35 or virt"
    elif too_old(offer, VIRTIO_IOMMU):
        virtio = "needs libvirt 8.3 and QEMU 6.2 or later on the host"
    needs = "q35, the I/O APIC in QEMU (irqchip split), caching mode"
    return (
        Pick("", "none", "the guest cannot pass devices on to guests of its own"),
        Pick("intel", "intel-iommu", f"needs {needs}: all of it is set", EMULATED, intel),
        Pick(
            "virtio", "virtio-iommu", "fewer traps; the guest needs Linux 5.3", PARAVIRTUAL, virtio
        ),
    )


def presets(offer: HostOffer) -> tuple[Pick, ...]:
    """How devices are chosen where nothing is said."""
    none = ""
    if not vf_pool(offer) and free_function(offer, Spec()) is None:
        none = "the host has no free VF; single devices are chosen in the step Passthrough"
    return (
        Pick(
            Preset.PARAVIRTUAL,
            "Paravirtual (recommended)",
            "virtio everywhere the OS has drivers: least work for the host",
            PARAVIRTUAL,
        ),
        Pick(
            Preset.EMULATED,
            "Emulated: works with any OS",
            "devices that once were built: slower, drivers everywhere",
            EMULATED,
        ),
        Pick(
            Preset.PASSTHROUGH,
            "Passthrough where possible",
            "its NIC is a part of a real one (a VF); the rest is paravirtual",
            PHYSICAL,
            none,
        ),
        Pick(
            Preset.ONE_OF_EACH,
            "One of each, for comparing",
            "a paravirtual and an emulated disk and NIC side by side, and a VF if one is free",
        ),
    )


def hugepage_sizes(offer: HostOffer) -> tuple[Pick, ...]:
    """Sizes in KiB of the host's hugepages, with how many there are; "0" is its default size."""
    totals: dict[int, int] = {}
    for node in offer.capabilities.numa:
        for size, many in node.pages:
            totals[size] = totals.get(size, 0) + many
    picks = [Pick("0", "the host's default size")]
    for size, many in sorted(totals.items()):
        label = f"{size // 1024} MiB" if size < 1 << 20 else f"{size >> 20} GiB"
        refusal = "" if many else "the host has reserved none (vm.nr_hugepages)"
        picks.append(Pick(str(size), label, f"{many} reserved", refusal=refusal))
    return tuple(picks)
