"""What nested virtualization hangs on: this machine's kernel, or what a remote host tells."""

from __future__ import annotations

import platform
from pathlib import Path

from tuivm.hypervisor import machine
from tuivm.model.offers import Capabilities, NestingFacts

_MODULES = ("kvm_intel", "kvm_amd")
_VENDORS = {
    "GenuineIntel": "Intel",
    "CentaurHauls": "Intel",
    "Shanghai": "Intel",
    "AuthenticAMD": "AMD",
    "HygonGenuine": "AMD",
}
"""By whose extensions the CPU has: Zhaoxin's are Intel's, Hygon's are AMD's."""
_FLAGS = frozenset({"vmx", "svm"})


def local_nesting(root: Path = machine.ROOT) -> NestingFacts:
    """Of this machine. root: where the file system begins.

    depth is 1 for every guest: how many more hypervisors there are below cannot be seen from
    inside. On s390x the CPU's flag is "sie" and the parameter is that of the module kvm.
    """
    cpu = machine.cpuinfo(root)
    guest = machine.is_guest(root)
    setting = machine.nested_setting(root)
    flag = None
    vendor = ""
    if cpu is not None:
        flags = machine.cpu_flags(cpu)
        vendor = _VENDORS.get(cpu.get("vendor_id", ""), "")
        if vendor:
            flag = bool(_FLAGS & flags)
        elif "sie" in flags:
            flag = True
    return NestingFacts(
        vendor=vendor,
        cpu_flag=flag,
        module=_module(root),
        enabled=None if setting is None else setting in ("Y", "1"),
        depth=None if guest is None else int(guest),
        kernel=platform.release() if root == machine.ROOT else "",
    )


def _module(root: Path) -> str | None:
    modules = root / "sys/module"
    if not modules.is_dir():
        return None
    names = (*_MODULES, "kvm") if (modules / "kvm/parameters/nested").exists() else _MODULES
    return next((name for name in names if (modules / name).is_dir()), "")


def remote_nesting(host: Capabilities) -> NestingFacts:
    """Of a host that only libvirt speaks for.

    A feature that is not listed may yet be part of the CPU model that is named, so its absence
    says nothing. What a guest gets, domain capabilities tell.
    """
    features = set(host.cpu_features)
    return NestingFacts(
        vendor=host.cpu_vendor if host.cpu_vendor in ("Intel", "AMD") else "",
        cpu_flag=True if _FLAGS & features else None,
        depth=1 if "hypervisor" in features else None,
    )
