"""Nested virtualization: what it hangs on, one condition at a time, and what it costs.

The facts are those of the kernel's own documentation (Documentation/virt/kvm/x86/
running-nested-guests.rst) and of libvirt's CPU models.
"""

from __future__ import annotations

from typing import NamedTuple

from tuivm.model.offers import CpuMode, DomainCaps, HostOffer
from tuivm.model.oses import GENERIC, OsInfo
from tuivm.model.spec import CPU_MODES, Machine, Spec
from tuivm.preflight.default_machine import X86
from tuivm.preflight.drivers import windows

_FLAGS = {"Intel": "vmx", "AMD": "svm"}
_MODULES = {"Intel": "kvm_intel", "AMD": "kvm_amd"}
_WITH_SVM = ("EPYC", "Opteron", "phenom", "athlon")
"""Beginnings of the names of AMD's models, which have svm in them; no model of Intel's has vmx."""
_MIGRATES = (5, 3)
"""Linux, from which an Intel guest is migrated with its guests running; QEMU 4.2 with it."""
_MIGRATES_QEMU = 4_002_000


class Condition(NamedTuple):
    """met: None where it could not be found out. why: what speaks for the state, or what follows
    from it. remedy: "" where it is met."""

    id: str
    words: str
    met: bool | None
    why: str = ""
    remedy: str = ""


def conditions(spec: Spec, offer: HostOffer, caps: DomainCaps) -> tuple[Condition, ...]:
    """In the order in which they build on each other. spec: complete; whether it has the switch
    on or not, these are the conditions for it."""
    machine = spec.machine
    arch = machine.arch or offer.capabilities.arch
    if arch not in X86:
        return _elsewhere(arch, machine, offer)
    if machine.virt_type not in {"kvm", "hvf"}:
        return (_translated(machine, offer), _mode_translated(machine))
    if machine.virt_type == "hvf":
        words = "macOS's hypervisor passes its extensions on"
        why = "on Intel Macs it does not; QEMU has no nesting with it"
        return (Condition("type", words, False, why, "a host with KVM"),)
    return (
        Condition("type", "the guest is run by KVM", True, "its CPU runs on the host's own"),
        _cpu(offer, caps),
        _module(offer),
        _enabled(offer, caps),
        _mode(machine, offer, caps),
    )


def feature(offer: HostOffer, virt_type: str = "kvm") -> str:
    """ "vmx" or "svm", what the guest's CPU has to have; "" for not known. QEMU's own emulation
    knows svm alone."""
    if virt_type == "qemu":
        return "svm"
    vendor = offer.nesting.vendor or offer.capabilities.cpu_vendor
    return _FLAGS.get(vendor, "")


def depth_words(offer: HostOffer) -> str:
    """How deep the guests of this guest will be."""
    depth = offer.nesting.depth
    if depth is None:
        return "whether this host is a guest itself is not known"
    if depth == 0:
        return "this host is no guest: the guest's own guests will be at depth 2"
    return (
        f"this host is itself a guest, at depth {depth} or deeper: the guest's own guests will be "
        f"at depth {depth + 2} or deeper, each level slower than the one above it"
    )


def inside_check(os: OsInfo = GENERIC) -> str:
    """A line that tells, inside the guest, whether it can run guests."""
    if windows(os):
        return "powershell (Get-CimInstance Win32_Processor).VirtualizationFirmwareEnabled"
    return "grep -m1 -owE 'vmx|svm|sie' /proc/cpuinfo && ls -l /dev/kvm"


def costs(spec: Spec, offer: HostOffer) -> tuple[str, ...]:
    """What it costs, in sentences; none of it matters until the guest runs a guest."""
    machine = spec.machine
    if machine.virt_type == "qemu":
        return (
            "Speed: QEMU translates the guest, and emulates the SVM that its guests run on: some "
            "hundred times slower than hardware.",
        )
    found = [_migration(offer)]
    if machine.cpu == "host-passthrough":
        found.append(
            "Live migration: with host-passthrough, only to a host with the same CPU, microcode "
            "and kernel."
        )
    found.append(
        "Speed: each exit of an inner guest costs several of the outer one: CPU work stays near "
        "full speed, I/O and interrupts take twice as long and more."
    )
    found.append(
        "Attack surface: the guest can reach the host's emulation of vmx or svm, so do not give "
        "it to guests that you do not trust."
    )
    return tuple(found)


def _migration(offer: HostOffer) -> str:
    vendor = offer.nesting.vendor or offer.capabilities.cpu_vendor
    if vendor == "AMD":
        return (
            "Save and live migration: not while its own guests run; on AMD that ends in undefined "
            "behaviour."
        )
    if vendor != "Intel":
        return "Save and live migration while its own guests run: not everywhere, so try it first."
    kernel = _version(offer.nesting.kernel)
    old = kernel is not None and kernel < _MIGRATES
    old = old or 0 < offer.qemu_version < _MIGRATES_QEMU
    if old:
        return (
            "Save and live migration: not while its own guests run; that needs Linux 5.3 and QEMU "
            "4.2 on both hosts."
        )
    return (
        "Save and live migration: with its own guests running, to hosts with Linux 5.3 and QEMU "
        "4.2 or newer."
    )


def _version(kernel: str) -> tuple[int, int] | None:
    parts = kernel.split(".")
    if len(parts) < 2 or not (parts[0].isdigit() and parts[1].isdigit()):
        return None
    return int(parts[0]), int(parts[1])


def _translated(machine: Machine, offer: HostOffer) -> Condition:
    kvm = any("kvm" in guest.virt_types for guest in offer.capabilities.guests)
    if machine.virt_type == "xen":
        return Condition(
            "type",
            "the guest is run by KVM",
            False,
            "Xen's own nesting is an experiment, and libvirt does not switch it on by a CPU",
            "a host with KVM",
        )
    return Condition(
        "type",
        "the guest is run by KVM",
        False,
        "TCG translates it. It emulates SVM all the same: its guests run, very slowly",
        "choose KVM as the type" if kvm else "a host with KVM, for any speed",
    )


def _mode_translated(machine: Machine) -> Condition:
    words = "the CPU that was chosen has svm"
    if machine.cpu == "maximum":
        return Condition("cpu-mode", words, True, "maximum has all that QEMU emulates, svm too")
    if machine.cpu in {"", "host-passthrough"}:
        why = "the default CPU" if not machine.cpu else "host-passthrough is not to be had with TCG"
        return Condition("cpu-mode", words, False, why, "CPU maximum")
    why = f"{machine.cpu} is asked to have it, and QEMU can emulate it for any x86 CPU"
    return Condition("cpu-mode", words, True, why)


def _host_model(caps: DomainCaps) -> CpuMode | None:
    return next(
        (mode for mode in caps.cpu_modes if mode.name == "host-model" and mode.supported), None
    )


def _told_by_model(offer: HostOffer, caps: DomainCaps) -> bool | None:
    """What host-model says of the feature: libvirt asked KVM, which has it with nested on alone."""
    mode = _host_model(caps)
    if mode is None:
        return None
    flags = {feature(offer)} - {""} or set(_FLAGS.values())
    policies = {name: policy for name, policy in mode.features if name in flags}
    if policies:
        return all(policy == "require" for policy in policies.values())
    if mode.model.startswith(_WITH_SVM):
        return True
    return None


def _cpu(offer: HostOffer, caps: DomainCaps) -> Condition:
    flag = feature(offer) or "vmx or svm"
    words = f"the host's CPU has {flag}"
    met = offer.nesting.cpu_flag
    if met is None and _told_by_model(offer, caps):
        return Condition("cpu", words, True, "domain capabilities list it")
    if met is None and any("kvm" in guest.virt_types for guest in offer.capabilities.guests):
        return Condition("cpu", words, True, "KVM runs guests there")
    if met is not False:
        why = "" if met else "only a look at the host tells: lscpu"
        return Condition("cpu", words, met, why)
    if offer.nesting.depth:
        return Condition(
            "cpu",
            words,
            False,
            "the host is a guest itself, and the hypervisor below does not pass it on",
            "switch nested virtualization on there, and give this host's guest CPU the feature",
        )
    return Condition(
        "cpu",
        words,
        False,
        "the CPU is without it, or the firmware has it switched off",
        "switch virtualization (VT-x, AMD-V, SVM mode) on in the firmware's setup, and reboot",
    )


def _module(offer: HostOffer) -> Condition:
    vendor = offer.nesting.vendor or offer.capabilities.cpu_vendor
    name = _MODULES.get(vendor, "kvm_intel or kvm_amd")
    words = f"{name} is loaded"
    module = offer.nesting.module
    if module:
        return Condition("module", words, True, f"{module} is")
    if module is None:
        kvm = any("kvm" in guest.virt_types for guest in offer.capabilities.guests)
        if kvm:
            return Condition("module", words, True, "libvirt offers KVM there")
        return Condition("module", words, None, "only a look at the host tells: lsmod", "")
    return Condition(
        "module", words, False, "without it there is no KVM", f"modprobe {_MODULES.get(vendor, '')}"
    )


def _enabled(offer: HostOffer, caps: DomainCaps) -> Condition:
    vendor = offer.nesting.vendor or offer.capabilities.cpu_vendor
    module = offer.nesting.module or _MODULES.get(vendor, "kvm_intel")
    words = f"{module} has nested on"
    met = offer.nesting.enabled
    if met:
        return Condition("enabled", words, True, f"/sys/module/{module}/parameters/nested says so")
    if met is None:
        if _told_by_model(offer, caps):
            return Condition("enabled", words, True, "domain capabilities have it for guests")
        look = f"cat /sys/module/{module}/parameters/nested"
        return Condition("enabled", words, None, f"only a look at the host tells: {look}")
    return Condition(
        "enabled",
        words,
        False,
        f"/sys/module/{module}/parameters/nested says no",
        f"echo options {module} nested=1 > /etc/modprobe.d/kvm-nested.conf; then, with every guest "
        f"off, modprobe -r {module} && modprobe {module}, or reboot",
    )


def _mode(machine: Machine, offer: HostOffer, caps: DomainCaps) -> Condition:
    flag = feature(offer) or "vmx or svm"
    words = f"the CPU that was chosen passes {flag} on"
    told = _told_by_model(offer, caps)
    match machine.cpu:
        case "host-passthrough":
            return Condition("cpu-mode", words, True, "host-passthrough has all of the host's")
        case "maximum":
            return Condition("cpu-mode", words, True, "maximum has all that KVM can pass on")
        case "host-model":
            if told:
                return Condition("cpu-mode", words, True, "this host's host-model has it")
            why = "this host's host-model is without it"
            return Condition("cpu-mode", words, False, why, "CPU host-passthrough")
        case "":
            why = "libvirt's default CPU is without it"
            return Condition("cpu-mode", words, False, why, "CPU host-passthrough")
    met = True if told or offer.nesting.enabled else told
    why = f"{machine.cpu} is asked to have it by <feature policy='require'>"
    if offer.nesting.enabled is False:
        met, why = False, f"{machine.cpu} is asked to have it, but KVM does not offer it"
    remedy = "" if met else "CPU host-passthrough, once the other conditions are met"
    return Condition("cpu-mode", words, met, why, remedy)


def _elsewhere(arch: str, machine: Machine, offer: HostOffer) -> tuple[Condition, ...]:
    kvm = machine.virt_type == "kvm"
    if arch == "s390x":
        module = offer.nesting.enabled
        remedy = "" if module else "modprobe kvm nested=1, or kvm.nested=1 on the kernel's line"
        return (
            Condition("type", "the guest is run by KVM", kvm, remedy="" if kvm else "choose KVM"),
            Condition("enabled", "the module kvm has nested on", module, remedy=remedy),
            Condition(
                "cpu-mode",
                "the CPU that was chosen passes sie on",
                machine.cpu in CPU_MODES,
                "host-passthrough and host-model have it",
                "CPU host-passthrough",
            ),
        )
    if arch.startswith("ppc64"):
        return (
            Condition("type", "the guest is run by KVM", kvm, remedy="" if kvm else "choose KVM"),
            Condition(
                "enabled",
                "kvm_hv has nested on, on a POWER9 or newer",
                None,
                "only a look at the host tells: cat /sys/module/kvm_hv/parameters/nested",
            ),
        )
    return (
        Condition(
            "arch",
            f"guests of {arch} can run guests by way of libvirt",
            False,
            "QEMU and kernel only begin to, and libvirt has no setting for it",
            "an x86 host",
        ),
    )
