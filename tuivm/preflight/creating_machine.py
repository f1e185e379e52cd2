"""The checks of a guest's machine: type, architecture, firmware, TPM, IOMMU, screen."""

from __future__ import annotations

from collections.abc import Iterator

from tuivm.model.creation import CreationPlan
from tuivm.model.findings import Finding
from tuivm.model.offers import DomainCaps, HostOffer
from tuivm.model.oses import OsInfo
from tuivm.model.spec import Disk, Firmware, Graphics, Machine, NicKind, SourceKind, Spec
from tuivm.preflight.asking import error, note, shown, warning
from tuivm.preflight.default_machine import (
    X86,
    find_guest,
    has_machine,
    is_i440fx,
    is_q35,
    offers_uefi,
)
from tuivm.preflight.defaults import NO_SCREEN
from tuivm.preflight.drivers import knows_q35, needs_tpm, needs_uefi
from tuivm.preflight.hiding import vendor_id_fault
from tuivm.preflight.since import VIRTIO_IOMMU, too_old

_UEFI = (Firmware.UEFI, Firmware.UEFI_SECURE)
_UEFI_PACKAGES = {
    "x86_64": "ovmf (Debian, Ubuntu), edk2-ovmf (Fedora, RHEL)",
    "i686": "ovmf-ia32 (Debian, Ubuntu)",
    "aarch64": "qemu-efi-aarch64 (Debian, Ubuntu), edk2-aarch64 (Fedora, RHEL)",
    "riscv64": "qemu-efi-riscv64 (Debian, Ubuntu), edk2-riscv64 (Fedora)",
    "loongarch64": "edk2-loongarch64, or what your distribution calls it",
}
_WITHOUT_BIOS = ("aarch64", "riscv64", "loongarch64")
_TPM_TOLD = 8_000_000
"""libvirt from which domain capabilities tell whether swtpm is there."""
_SLOTS = 31
_OWN_SLOTS = 8
"""Of i440fx's one PCI bus: slots, and those that bridge, VGA, USB, balloon, rng … take."""


def check_machine(plan: CreationPlan, offer: HostOffer, caps: DomainCaps) -> Iterator[Finding]:
    spec = plan.spec
    yield from _offered(spec, offer)
    yield from _firmware(spec, offer, caps, plan.os)
    yield from _tpm(spec.machine, offer, caps, plan.os)
    yield from _viommu(spec.machine, offer)
    yield from _hiding(spec.machine)
    yield from _slots(spec)
    yield from _graphics(spec, caps)
    if is_q35(spec.machine.machine) and knows_q35(plan.os) is False:
        yield warning(
            "os-q35",
            "machine.machine",
            f"{plan.os.name} is not known to run on q35",
            "it is from before PCI Express and AHCI were usual",
            "the machine pc",
        )


def _offered(spec: Spec, offer: HostOffer) -> Iterator[Finding]:
    machine, guests = spec.machine, offer.capabilities.guests
    if not guests:
        return
    arches = sorted({guest.arch for guest in guests})
    if machine.arch not in arches:
        yield error(
            "arch-offered",
            "machine.arch",
            f"{shown(offer.host)} runs no guests of {shown(machine.arch) or 'no architecture'}",
            f"it has emulators for {', '.join(arches[:8])}",
            "install QEMU for it (qemu-system-…), or choose another one",
        )
        return
    guest = find_guest(spec, offer)
    types = sorted({each for one in guests if one.arch == machine.arch for each in one.virt_types})
    if guest is None or machine.virt_type not in types:
        yield error(
            "type-offered",
            "machine.virt_type",
            f"{shown(offer.host)} does not run {machine.arch} with {shown(machine.virt_type)}",
            f"it offers {', '.join(types)}",
            "choose one of those"
            + ("; for KVM see tuivm check" if machine.virt_type == "kvm" else ""),
        )
        return
    if machine.machine and guest.machines and not has_machine(guest.machines, machine.machine):
        # Xen lists a machine for each of its kinds of guests.
        every = [one for one in guests if one.arch == machine.arch]
        if not any(has_machine(one.machines, machine.machine) for one in every):
            yield error(
                "machine-offered",
                "machine.machine",
                f"{shown(offer.host)} has no machine {shown(machine.machine)}",
                "its QEMU does not know it for this architecture",
                "choose one that it lists",
            )
    if any(one.deprecated and one.name == machine.machine for one in guest.machines):
        yield warning(
            "machine-deprecated",
            "machine.machine",
            f"{shown(machine.machine)} is deprecated",
            "a later QEMU will be without it, and the guest then does not start",
            "a newer version, or the alias",
        )
    if machine.virt_type == "qemu":
        kvm = "kvm" in types
        yield (warning if kvm else note)(
            "tcg",
            "machine.virt_type",
            "the guest will be translated (TCG), 10 to 100 times slower",
            "KVM is there and not chosen" if kvm else "the host offers nothing faster for it",
            "choose KVM" if kvm else "",
        )


def _firmware(spec: Spec, offer: HostOffer, caps: DomainCaps, os: OsInfo) -> Iterator[Finding]:
    machine, field = spec.machine, "machine.firmware"
    uefi = machine.firmware in _UEFI
    if uefi and not offers_uefi(caps):
        packages = _UEFI_PACKAGES.get(machine.arch, "")
        yield error(
            "uefi-missing",
            field,
            f"{shown(offer.host)} has no UEFI firmware for {shown(machine.arch)}",
            "libvirt lists none, so the guest could not even be defined",
            f"install {packages}" if packages else "",
        )
    if uefi and machine.arch in X86 and machine.machine == "isapc":
        yield error("uefi-machine", field, "isapc has no UEFI", remedy="q35")
    if machine.firmware is Firmware.UEFI_SECURE:
        yield from _secure(machine, caps)
    if machine.firmware is Firmware.BIOS and machine.arch not in X86:
        yield error(
            "bios-arch",
            field,
            f"{shown(machine.arch)} has no BIOS",
            remedy="leave it empty, or UEFI",
        )
    kernel = spec.source.kind is SourceKind.KERNEL
    if not uefi and not kernel and machine.arch in _WITHOUT_BIOS:
        yield warning(
            "firmware-none",
            field,
            f"without UEFI, a guest of {machine.arch} finds no boot loader on its disks",
            "its machine starts a kernel that it is given, and nothing else",
            f"UEFI; install {_UEFI_PACKAGES[machine.arch]}",
        )
    if not uefi and needs_uefi(os) and machine.arch in X86:
        yield warning(
            "os-uefi",
            field,
            f"{os.name} needs UEFI",
            "its installer refuses a BIOS",
            "UEFI with Secure Boot" if needs_tpm(os) else "UEFI",
        )
    if uefi and os.uefi is False:
        yield warning("os-bios", field, f"{os.name} is not known to boot from UEFI", "", "BIOS")
    if machine.virt_type == "xen" and uefi:
        yield warning(
            "uefi-xen", field, "UEFI on Xen needs OVMF built for it", "", "BIOS where it will do"
        )


def _secure(machine: Machine, caps: DomainCaps) -> Iterator[Finding]:
    field = "machine.firmware"
    if machine.arch in X86 and not is_q35(machine.machine):
        yield error(
            "secure-machine",
            field,
            f"Secure Boot needs q35, not {shown(machine.machine)}",
            "its variables are kept by SMM, which i440fx does not have",
            "the machine q35",
        )
    elif machine.arch not in X86:
        yield warning(
            "secure-arch",
            field,
            f"Secure Boot on {shown(machine.arch)} does not protect its variables",
            "there is no SMM there; few builds of the firmware have it at all",
            "UEFI",
        )
    if offers_uefi(caps) and not caps.secure_boot:
        yield error(
            "secure-missing",
            field,
            "the host has no firmware with Secure Boot",
            "libvirt lists UEFI images, none of them with it",
            "install a build with Secure Boot (ovmf with .secboot or .ms files)",
        )
    if machine.virt_type == "qemu" and machine.arch == "i686":
        yield warning("secure-i686", field, "Secure Boot on i686 is hardly ever built")


def _tpm(machine: Machine, offer: HostOffer, caps: DomainCaps, os: OsInfo) -> Iterator[Finding]:
    field = "machine.tpm"
    if not machine.tpm:
        if needs_tpm(os):
            yield warning(
                "os-tpm", field, f"{os.name} needs a TPM 2.0", "its installer refuses", "a TPM"
            )
        return
    if "emulator" in caps.tpm_backends:
        return
    told = not 0 < offer.libvirt_version < _TPM_TOLD
    yield (error if told else warning)(
        "tpm-missing",
        field,
        "the host has no swtpm"
        if told
        else "it is not known whether the host has swtpm: its libvirt is too old to say",
        "an emulated TPM is a program of its own, which libvirt starts",
        "install swtpm and swtpm-tools, then restart libvirt's daemon",
    )


def _viommu(machine: Machine, offer: HostOffer) -> Iterator[Finding]:
    field, kind = "machine.viommu", machine.viommu
    if not kind:
        return
    if kind not in {"intel", "virtio"}:
        yield error("viommu-unknown", field, f"{shown(kind)} is neither intel nor virtio")
    elif kind == "intel" and not is_q35(machine.machine):
        yield error(
            "viommu-machine",
            field,
            f"intel-iommu needs q35, not {shown(machine.machine)}",
            "its tables are in q35's ACPI alone",
            "the machine q35",
        )
    elif kind == "virtio" and is_i440fx(machine.machine):
        yield error(
            "viommu-machine",
            field,
            f"virtio-iommu needs PCI Express, which {shown(machine.machine)} has not",
            remedy="the machine q35 or virt",
        )
    elif kind == "virtio" and too_old(offer, VIRTIO_IOMMU):
        yield error("viommu-old", field, "virtio-iommu needs libvirt 8.3 and QEMU 6.2")
    elif kind == "intel":
        yield note(
            "viommu-guest",
            field,
            "the guest has to switch it on: intel_iommu=on on its kernel's command line",
            "passthrough inside the guest works then; I/O costs more",
        )


def _hiding(machine: Machine) -> Iterator[Finding]:
    if fault := vendor_id_fault(machine.vendor_id):
        field, vendor = "machine.vendor_id", shown(machine.vendor_id)
        yield error("vendor-id", field, f"{vendor} cannot be a vendor id", remedy=fault)
    hides = machine.hide_hypervisor or machine.vendor_id
    if hides and machine.virt_type != "kvm":
        yield note(
            "hiding-tcg",
            "machine.hide_hypervisor" if machine.hide_hypervisor else "machine.vendor_id",
            "only KVM shows a hypervisor's signature: there is nothing to hide or to change",
        )


def _slots(spec: Spec) -> Iterator[Finding]:
    """i440fx has one PCI bus; each virtio disk, NIC and passed device takes a slot of it."""
    if not is_i440fx(spec.machine.machine):
        return
    taken = _OWN_SLOTS + len(spec.passed)
    taken += sum(1 for disk in spec.disks or () if _has_slot(disk))
    taken += sum(1 for nic in spec.nics or () if nic.kind is not NicKind.NONE)
    if taken > _SLOTS:
        yield warning(
            "slots",
            "machine.machine",
            f"about {taken} devices for the {_SLOTS} slots of i440fx",
            "libvirt adds PCI bridges for the rest, behind which hotplug and old systems fail",
            "q35; or disks on one virtio-scsi controller",
        )
    if any(passed.kind.value in {"pci", "vf"} for passed in spec.passed):
        yield warning(
            "passed-express",
            "machine.machine",
            "a PCI Express device is passed through to a machine without PCI Express",
            "drivers that look for its extended capabilities fail",
            "the machine q35",
        )


def _has_slot(disk: Disk) -> bool:
    return disk.bus in {"virtio", "nvme"}


def _graphics(spec: Spec, caps: DomainCaps) -> Iterator[Finding]:
    field = "guest.graphics"
    if spec.graphics in (Graphics.VNC, Graphics.SPICE):
        if caps.graphics and spec.graphics.value not in caps.graphics:
            yield error(
                "graphics-offered",
                field,
                f"the host's QEMU has no {spec.graphics.value}",
                f"it has {', '.join(caps.graphics)}",
                "choose another, or none: a serial console",
            )
    elif spec.source.kind is SourceKind.ISO and spec.machine.arch not in NO_SCREEN:
        yield warning(
            "graphics-none",
            field,
            "an installer without a screen",
            "most write to a screen alone; some can be told to use the serial console",
            "VNC",
        )
