"""Whether a host's IOMMU is there and in use: this machine's kernel and firmware, or libvirt."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable
from pathlib import Path

from tuivm.hypervisor import machine
from tuivm.hypervisor.nesting import local_nesting
from tuivm.model.offers import Capabilities, HostDevice, IommuFacts, IommuState

_TABLES = ("DMAR", "IVRS", "IORT", "VIOT")
"""ACPI's tables by which firmware tells of an IOMMU: Intel's, AMD's, ARM's, and virtio's."""
_OPTION = re.compile(r"iommu|smmu|pcie_acs_override")
_ARM = ("aarch64", "arm")
_RELEASES = ("etc/os-release", "usr/lib/os-release")


def local_iommu(root: Path = machine.ROOT, arch: str = "") -> IommuFacts:
    """Of this machine. root: where the file system begins; arch: its own where it is ""."""
    groups = machine.iommu_groups(root)
    vendor = local_nesting(root).vendor
    if not vendor and (arch or platform.machine()).startswith(_ARM):
        vendor = "ARM"
    return IommuFacts(
        state=_state(groups, vendor, root),
        groups=groups,
        vendor=vendor,
        distribution=_distribution(root),
        options=tuple(
            word
            for word in (machine.text(root / "proc/cmdline") or "").split()
            if _OPTION.search(word)
        ),
    )


def _state(groups: int | None, vendor: str, root: Path) -> IommuState:
    if groups:
        return IommuState.ON
    # Under Xen the hypervisor has the IOMMU, and its dom0 sees none.
    tables = None if (root / "proc/xen/capabilities").exists() else _tables(root)
    guest = machine.is_guest(root)
    if groups is None or tables is None:
        return IommuState.UNKNOWN
    if not tables.isdisjoint(_TABLES):
        return IommuState.OFF_KERNEL
    if guest is None:
        return IommuState.UNKNOWN
    real = not guest and vendor in ("Intel", "AMD")
    return IommuState.OFF_FIRMWARE if real else IommuState.ABSENT


def _tables(root: Path) -> set[str] | None:
    """Names of ACPI's tables; None where there are none to be seen (device tree, a container)."""
    try:
        return {one.name for one in (root / "sys/firmware/acpi/tables").iterdir()}
    except OSError:
        return None


def _distribution(root: Path) -> str:
    for name in _RELEASES:
        lines = machine.text(root / name)
        if lines is not None:
            said = dict(line.partition("=")[::2] for line in lines.splitlines())
            words = (said.get(key, "").strip().strip("\"'") for key in ("ID", "ID_LIKE"))
            return " ".join(word for word in words if word)
    return ""


def remote_iommu(capabilities: Capabilities, devices: Iterable[HostDevice] = ()) -> IommuFacts:
    """Of a host that only libvirt speaks for: groups are there or not, and why not is not told.

    devices: of the host; without any the groups are not counted.
    """
    numbers = {one.iommu_group for one in devices if one.iommu_group is not None}
    told = bool(numbers) or bool(capabilities.iommu)
    vendor = capabilities.cpu_vendor if capabilities.cpu_vendor in ("Intel", "AMD", "ARM") else ""
    if not vendor and capabilities.arch.startswith(_ARM):
        vendor = "ARM"
    return IommuFacts(
        state=IommuState.ON if told else IommuState.UNKNOWN,
        groups=len(numbers) or (0 if capabilities.iommu is False else None),
        vendor=vendor,
    )
