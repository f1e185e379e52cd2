"""Guests whose memory their host cannot read: what the CPU, the kernel and QEMU of a host can do.

The kernel's parameters are those of kvm_amd and kvm_intel; SEL (Secure Execution for Linux) is in
/sys/firmware/uv of s390x.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tuivm.hypervisor import machine
from tuivm.model.offers import Capabilities, DomainCaps, SecureGuests

_ON = ("Y", "1")
_AMD = (("SEV", "sev"), ("SEV-ES", "sev_es"), ("SEV-SNP", "sev_snp"))
"""Each with its flag in /proc/cpuinfo, which is its parameter of kvm_amd too."""
_UNTOLD = "libvirt does not tell"


def local_secure(
    host: Capabilities, caps: DomainCaps | None, root: Path = machine.ROOT
) -> tuple[SecureGuests, ...]:
    """Of this machine. caps: of QEMU with KVM, None where they could not be asked."""
    found = tuple(_kernel(host, root))
    if caps is None:
        return found
    offered = {one.name: one for one in _offered(host, caps)}
    return tuple(_with_qemu(one, offered.get(one.name)) for one in found)


def remote_secure(host: Capabilities, caps: DomainCaps | None) -> tuple[SecureGuests, ...]:
    """Of a host that only libvirt speaks for."""
    if caps is not None:
        return tuple(_offered(host, caps))
    return tuple(one._replace(on=None, why=_UNTOLD) for one in _offered(host, DomainCaps()))


def _with_qemu(kernel: SecureGuests, qemu: SecureGuests | None) -> SecureGuests:
    if kernel.on and qemu is not None and qemu.on is False:
        return kernel._replace(on=False, why="the kernel has it; QEMU or libvirt does not")
    return kernel


def _kernel(host: Capabilities, root: Path) -> Iterator[SecureGuests]:
    cpu = machine.cpuinfo(root)
    flags = machine.cpu_flags(cpu) if cpu is not None else None
    if host.arch == "s390x":
        yield _execution(root)
    elif host.arch == "x86_64" and host.cpu_vendor == "AMD":
        for name, flag in _AMD:
            yield _amd(name, flag, flags, root)
    elif host.arch == "x86_64" and host.cpu_vendor == "Intel":
        yield _tdx(flags, root)


def _execution(root: Path) -> SecureGuests:
    said = machine.text(root / "sys/firmware/uv/prot_virt_host")
    if said is not None and said.strip() == "1":
        return SecureGuests("SEL", on=True, why="the kernel says so")
    if not (root / "sys/firmware").is_dir():
        return SecureGuests("SEL", on=None, why="/sys cannot be read")
    return SecureGuests("SEL", on=False, why="off: boot with prot_virt=1, where the CPU has it")


def _amd(name: str, flag: str, flags: frozenset[str] | None, root: Path) -> SecureGuests:
    setting = machine.text(root / "sys/module/kvm_amd/parameters" / flag)
    if setting is not None and setting.strip() in _ON:
        return SecureGuests(name, on=True, why=f"kvm_amd says {flag}={setting.strip()}")
    if flags is None:
        return SecureGuests(name, on=None, why="/proc/cpuinfo cannot be read")
    if flag not in flags:
        return SecureGuests(
            name, on=False, why="the CPU has it not, or the firmware has it turned off"
        )
    if setting is None:
        if (root / "sys/module/kvm_amd").is_dir():
            return SecureGuests(name, on=False, why="the CPU has it; this kernel is too old for it")
        return SecureGuests(name, on=None, why="kvm_amd is not loaded: modprobe kvm_amd")
    return SecureGuests(
        name, on=False, why=f"the CPU has it; off in kvm_amd: options kvm_amd {flag}=1"
    )


def _tdx(flags: frozenset[str] | None, root: Path) -> SecureGuests:
    setting = machine.text(root / "sys/module/kvm_intel/parameters/tdx")
    if setting is not None and setting.strip() in _ON:
        return SecureGuests("TDX", on=True, why=f"kvm_intel says tdx={setting.strip()}")
    if flags is None:
        return SecureGuests("TDX", on=None, why="/proc/cpuinfo cannot be read")
    if "tdx_host_platform" not in flags:
        why = "the CPU has it not, the firmware has it turned off, or this kernel is too old for it"
        return SecureGuests("TDX", on=False, why=why)
    return SecureGuests(
        "TDX", on=False, why="the CPU has it; off in kvm_intel: options kvm_intel tdx=1"
    )


def _offered(host: Capabilities, caps: DomainCaps) -> Iterator[SecureGuests]:
    """As libvirt's domain capabilities have it."""
    kinds = frozenset((*caps.features, *caps.launch_security))
    if host.arch == "s390x":
        yield _told("SEL", on="s390-pv" in kinds)
    elif host.arch == "x86_64" and host.cpu_vendor == "AMD":
        yield _told("SEV", on="sev" in kinds)
        yield _told("SEV-ES", on=caps.sev_es_guests > 0)
        yield _told("SEV-SNP", on="sev-snp" in kinds)
    elif host.arch == "x86_64" and host.cpu_vendor == "Intel":
        yield _told("TDX", on="tdx" in kinds)


def _told(name: str, *, on: bool) -> SecureGuests:
    does = "offers it" if on else "does not offer it"
    return SecureGuests(name, on=on, why=f"libvirt {does} to guests")
