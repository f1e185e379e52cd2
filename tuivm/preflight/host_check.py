"""Can this host virtualize: the judgement over raw facts that somebody else gathered."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tuivm.model.hosts import Problem
from tuivm.model.units import visible
from tuivm.preflight.remedies import explain


class CheckState(StrEnum):
    OK = "ok"
    WARN = "warn"
    """Guests run, but something is missing that many will want."""
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Check:
    """One judgement. remedy is "" when there is nothing to mend or nothing known that would."""

    name: str
    state: CheckState
    reason: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class DaemonFacts:
    """One connection tried. problem is None when it worked."""

    uri: str
    problem: Problem | None = None
    driver: str = ""
    version: str = ""
    """libvirt's version at the far end ("9.0.0")."""


@dataclass(frozen=True, slots=True)
class EmulatorFacts:
    """A QEMU binary. arch as in its name ("x86_64"); version "" when it did not say."""

    path: str
    arch: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class HostCheckFacts:
    """What was found on this machine, unjudged. None means: could not be looked at.

    arch: `uname -m`. cpu_flags: of the first processor in /proc/cpuinfo ("flags" on x86,
    "features" on s390x). kvm_present: /dev/kvm exists. kvm_open_error: why it could not be opened
    for reading and writing, "" when it could. kvm_create_error: why KVM_CREATE_VM failed, "" when
    it did not. kvm_modules: those of /proc/modules or /sys/module that begin with "kvm". nested:
    text of /sys/module/kvm_intel (or kvm_amd, kvm)/parameters/nested. iommu_groups: entries in
    /sys/kernel/iommu_groups. iommu_table: the firmware's ACPI table, "DMAR", "IVRS" or "IORT" as
    in /sys/firmware/acpi/tables, "" when there is none. is_guest: this machine has itself a
    hypervisor under it. emulators: qemu-system-* found. firmware: UEFI images found. systemd: it
    is the init, which decides how a daemon is started.
    """

    arch: str = ""
    cpu_vendor: str = ""
    cpu_flags: frozenset[str] | None = None
    kvm_present: bool | None = None
    kvm_open_error: str | None = None
    kvm_create_error: str | None = None
    kvm_modules: tuple[str, ...] | None = None
    nested: str | None = None
    iommu_groups: int | None = None
    iommu_table: str | None = None
    kernel_cmdline: str | None = None
    is_guest: bool | None = None
    daemons: tuple[DaemonFacts, ...] = ()
    emulators: tuple[EmulatorFacts, ...] | None = None
    firmware: tuple[str, ...] | None = None
    user: str = ""
    root: bool = False
    groups: tuple[str, ...] | None = None
    systemd: bool | None = None


_X86 = ("x86_64", "i386", "i486", "i586", "i686")
_EXTENSIONS = {"vmx": "Intel VT-x", "svm": "AMD-V", "sie": "the z/Architecture SIE instruction"}
_OFF_SWITCHES = ("intel_iommu=off", "amd_iommu=off", "iommu=off")


def checks(facts: HostCheckFacts) -> tuple[Check, ...]:
    """Every judgement, in the order in which they build on each other."""
    return (
        _machine(facts),
        _cpu(facts),
        _kvm(facts),
        _nested(facts),
        _iommu(facts),
        *(_daemon(daemon, facts) for daemon in facts.daemons),
        _permission(facts),
        _emulator(facts),
        _firmware(facts),
    )


def _machine(facts: HostCheckFacts) -> Check:
    name = "machine"
    if facts.is_guest is None:
        return Check(name, CheckState.UNKNOWN, "not known whether this machine is itself a guest")
    if facts.is_guest:
        reason = "this machine is itself a guest: KVM here is nested, and slower"
        return Check(name, CheckState.WARN, reason)
    return Check(name, CheckState.OK, "no hypervisor below this machine")


def _extension(facts: HostCheckFacts) -> str:
    flags = facts.cpu_flags or frozenset()
    return next((flag for flag in _EXTENSIONS if flag in flags), "")


def _cpu(facts: HostCheckFacts) -> Check:
    name = "CPU extensions"
    found = _extension(facts)
    if found:
        return Check(name, CheckState.OK, f"{_EXTENSIONS[found]} ({found})")
    if facts.cpu_flags is None or facts.arch not in (*_X86, "s390x"):
        if facts.kvm_create_error == "":
            return Check(name, CheckState.OK, "KVM works, so the CPU has them")
        return Check(name, CheckState.UNKNOWN, f"not told by the CPU flags on {facts.arch or '?'}")
    reason = "the CPU shows none: guests run translated (TCG), many times slower"
    if facts.is_guest:
        remedy = (
            "let the hypervisor below pass them on: on a KVM host nested=1 for kvm_intel or "
            "kvm_amd, and <cpu mode='host-passthrough'/> for this machine"
        )
    else:
        remedy = "turn on VT-x (Intel) or SVM (AMD) in the firmware set-up of this machine"
    return Check(name, CheckState.FAIL, reason, remedy)


def _kvm(facts: HostCheckFacts) -> Check:
    name = "/dev/kvm"
    if facts.kvm_present is None:
        return Check(name, CheckState.UNKNOWN, "could not be looked at")
    if not facts.kvm_present:
        return Check(name, CheckState.FAIL, "there is none", _load_kvm(facts))
    if facts.kvm_open_error:
        state = CheckState.WARN if "ermission" in facts.kvm_open_error else CheckState.FAIL
        user = facts.user or "this user"
        reason = f"{visible(user)} cannot open it: {visible(facts.kvm_open_error)}"
        remedy = ""
        if state is CheckState.WARN:
            reason += "; guests of qemu:///system are not affected, those of qemu:///session are"
            remedy = f"sudo usermod -aG kvm {visible(facts.user) or '$USER'}, then log in anew"
        return Check(name, state, reason, remedy)
    if facts.kvm_create_error:
        return Check(
            name,
            CheckState.FAIL,
            f"it opens, but makes no virtual machine: {visible(facts.kvm_create_error)}",
            "stop another hypervisor that holds the CPU (VirtualBox, VMware); see dmesg for kvm",
        )
    if facts.kvm_open_error is None or facts.kvm_create_error is None:
        return Check(name, CheckState.UNKNOWN, "there is one; whether it works was not tried")
    return Check(name, CheckState.OK, "opens, and makes virtual machines")


def _load_kvm(facts: HostCheckFacts) -> str:
    module = {"vmx": "kvm_intel", "svm": "kvm_amd"}.get(_extension(facts))
    if module and module not in (facts.kvm_modules or ()):
        return f"sudo modprobe {module}; if that is refused, see dmesg for kvm"
    if module:
        return f"{module} is loaded: a container has to be given the device (--device /dev/kvm)"
    return "see the CPU extensions above"


def _nested(facts: HostCheckFacts) -> Check:
    name = "nested"
    if facts.nested is None:
        return Check(name, CheckState.UNKNOWN, "KVM does not say (is its module loaded?)")
    value = facts.nested.strip()
    if value in ("Y", "y", "1"):
        return Check(name, CheckState.OK, "guests can be given the CPU's extensions themselves")
    module = "kvm_amd" if _extension(facts) == "svm" else "kvm_intel"
    module = module if _extension(facts) in ("svm", "vmx") else "kvm"
    return Check(
        name,
        CheckState.WARN,
        f"off ({visible(value)}): guests cannot run guests of their own with KVM",
        f"with all guests off: sudo modprobe -r {module}; sudo modprobe {module} nested=1; to keep "
        f"it: echo 'options {module} nested=1' | sudo tee /etc/modprobe.d/kvm-nested.conf",
    )


def _iommu(facts: HostCheckFacts) -> Check:
    name = "IOMMU"
    if facts.iommu_groups is None:
        return Check(name, CheckState.UNKNOWN, "could not be looked at")
    if facts.iommu_groups:
        noun = "group" if facts.iommu_groups == 1 else "groups"
        return Check(name, CheckState.OK, f"on, {facts.iommu_groups} {noun}")
    words = (facts.kernel_cmdline or "").split()
    off = next((word for word in words if word in _OFF_SWITCHES), "")
    reason, remedy = "no groups: host devices cannot be assigned to guests", ""
    if off:
        reason += f"; the kernel was started with {off}"
        remedy = f"take {off} off the kernel command line and restart"
    elif facts.iommu_table == "DMAR":
        reason += "; the firmware has one (DMAR)"
        remedy = "add intel_iommu=on to the kernel command line and restart"
    elif facts.iommu_table:
        reason += f"; the firmware has one ({visible(facts.iommu_table)})"
        remedy = "see dmesg for why the kernel left it off"
    elif facts.is_guest:
        reason += "; this machine is a guest without a virtual IOMMU"
        remedy = "give this machine an <iommu> in its definition"
    elif facts.iommu_table == "":
        reason += "; the firmware shows none"
        remedy = "turn on VT-d (Intel) or AMD-Vi in the firmware set-up, where the machine has it"
    return Check(name, CheckState.WARN, reason, remedy)


def _daemon(daemon: DaemonFacts, facts: HostCheckFacts) -> Check:
    name = f"libvirt {visible(daemon.uri)}".strip()
    problem = daemon.problem
    if problem is None:
        words = [visible(daemon.driver), f"libvirt {visible(daemon.version)}"]
        said = ", ".join(word for word in words if word.strip() not in ("", "libvirt"))
        return Check(name, CheckState.OK, f"reachable ({said})" if said else "reachable")
    reason = problem.reason or problem.what
    cause, remedy = explain(reason, uri=daemon.uri, systemd=facts.systemd)
    cause = problem.cause or cause
    shown = f"{reason} ({cause})" if cause else reason
    return Check(name, CheckState.FAIL, visible(shown), remedy or problem.remedy)


def _permission(facts: HostCheckFacts) -> Check:
    name = "permission"
    user = visible(facts.user) or "this user"
    if facts.root:
        return Check(name, CheckState.OK, "root may use the system's libvirt")
    system = [daemon for daemon in facts.daemons if daemon.uri == "qemu:///system"]
    if any(daemon.problem is None for daemon in system):
        return Check(name, CheckState.OK, f"{user} may use the system's libvirt")
    if facts.groups is None:
        return Check(name, CheckState.UNKNOWN, "the groups could not be read")
    if "libvirt" in facts.groups:
        return Check(name, CheckState.OK, f"{user} is in the group libvirt")
    return Check(
        name,
        CheckState.WARN,
        f"{user} is not in the group libvirt: only qemu:///session without being asked",
        f"sudo usermod -aG libvirt {visible(facts.user) or '$USER'}, then log in anew",
    )


def _emulator(facts: HostCheckFacts) -> Check:
    name = "QEMU"
    if facts.emulators is None:
        return Check(name, CheckState.UNKNOWN, "could not be looked for")
    native = [item for item in facts.emulators if _same_arch(item.arch, facts.arch)]
    remedy = (
        "install it: qemu-system-x86 (Debian, Ubuntu), qemu-kvm (Fedora), qemu (openSUSE), "
        "qemu-base (Arch)"
    )
    if not facts.emulators:
        return Check(name, CheckState.FAIL, "no qemu-system binary found", remedy)
    if facts.arch and not native:
        others = ", ".join(sorted({visible(item.arch) for item in facts.emulators}))
        reason = f"none for {visible(facts.arch)}, only for {others}: no KVM"
        return Check(name, CheckState.WARN, reason, remedy)
    first = (native or list(facts.emulators))[0]
    version = visible(first.version) or "version not told"
    return Check(name, CheckState.OK, f"{version}, {visible(first.path)}")


def _same_arch(emulator: str, machine: str) -> bool:
    if machine in _X86:
        return emulator in ("x86_64", "i386", "")
    return emulator in (machine, "")


def _firmware(facts: HostCheckFacts) -> Check:
    name = "UEFI firmware"
    if facts.firmware is None:
        return Check(name, CheckState.UNKNOWN, "could not be looked for")
    if facts.firmware:
        more = f" and {len(facts.firmware) - 1} more" if len(facts.firmware) > 1 else ""
        return Check(name, CheckState.OK, visible(facts.firmware[0]) + more)
    arm = facts.arch == "aarch64"
    debian, elsewhere = ("qemu-efi-aarch64", "edk2-aarch64") if arm else ("ovmf", "edk2-ovmf")
    return Check(
        name,
        CheckState.WARN,
        "none found: guests boot with BIOS only",
        f"install it: {debian} (Debian, Ubuntu), {elsewhere} elsewhere",
    )
