"""What the kernel of this machine says of virtualization, in /sys and /proc.

What cannot be looked at is None, never a guess. root: where the file system begins.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

ROOT = Path("/")


class Functions(NamedTuple):
    """PCI devices that can split themselves (PFs), and the VFs that they have split into."""

    physical: int
    virtual: int


def text(path: Path) -> str | None:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return None


def entries(folder: Path) -> int | None:
    try:
        return sum(1 for _ in folder.iterdir())
    except OSError:
        return None


def cpuinfo(root: Path = ROOT) -> dict[str, str] | None:
    """The first processor's lines of /proc/cpuinfo; on s390x they come before any processor."""
    lines = text(root / "proc/cpuinfo")
    if lines is None:
        return None
    found: dict[str, str] = {}
    for line in lines.splitlines():
        key, colon, value = line.partition(":")
        if colon:
            found.setdefault(key.strip(), value.strip())
    return found


def cpu_flags(cpu: dict[str, str]) -> frozenset[str]:
    words = cpu.get("flags") or cpu.get("features") or cpu.get("Features") or ""
    return frozenset(words.split())


def iommu_groups(root: Path = ROOT) -> int | None:
    return entries(root / "sys/kernel/iommu_groups")


def nested_setting(root: Path = ROOT) -> str | None:
    """The parameter "nested" of KVM's module as it stands there: "Y", "1", "N" or "0"."""
    for module in ("kvm_intel", "kvm_amd", "kvm"):
        setting = text(root / "sys/module" / module / "parameters/nested")
        if setting is not None:
            return setting.strip()
    return None


def is_guest(root: Path = ROOT) -> bool | None:
    """Whether this machine has a hypervisor under it."""
    if "control_d" in (text(root / "proc/xen/capabilities") or ""):
        # Xen's dom0 runs on the hypervisor too, but it is the host.
        return False
    if (root / "proc/device-tree/hypervisor").exists():
        return True
    cpu = cpuinfo(root)
    if cpu is not None and "flags" in cpu:
        return "hypervisor" in cpu_flags(cpu)
    return None


def functions(root: Path = ROOT) -> Functions | None:
    """By `sriov_totalvfs` and `sriov_numvfs` of the kernel's ABI/testing/sysfs-bus-pci."""
    devices = root / "sys/bus/pci/devices"
    if not devices.is_dir():
        return None
    totals = [text(path) or "0" for path in devices.glob("*/sriov_totalvfs")]
    numbers = [text(path) or "0" for path in devices.glob("*/sriov_numvfs")]
    return Functions(
        physical=sum(int(total) > 0 for total in totals),
        virtual=sum(int(number) for number in numbers),
    )
