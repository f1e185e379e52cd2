"""A host: what it is, how it is doing, and what is wrong with it when it is not doing well."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class HostState(StrEnum):
    """Where a connection is in its life."""

    CONNECTING = "connecting"
    UP = "up"
    STALE = "stale"
    """A call has passed its deadline: the last data stay on the screen, actions are off."""
    LOST = "lost"
    """It was up, or may come up: another try follows by itself at `HostSnapshot.retry_at`."""
    FAILED = "failed"
    """Refused for a reason that a person has to mend; still retried, slowly."""


class Problem(NamedTuple):
    """Something that failed, said so that a person can act on it.

    what: what was tried, in tuivm's words ("cannot connect to rack7").
    reason: the other side's own words, as they came (libvirt's message, ssh's stderr).
    cause: the likely cause, or "" where none is known.
    remedy: what to do, or "" where nothing is known.
    """

    what: str
    reason: str = ""
    cause: str = ""
    remedy: str = ""


class HostSpec(NamedTuple):
    """A host as the person names it: `name` is unique and is the first half of a `GuestKey`."""

    name: str
    uri: str
    readonly: bool = False
    interval: float = 1.0
    """Seconds between two samples."""


class HostFacts(NamedTuple):
    """What a host says of itself once, at connecting. None and "" mean: not reported."""

    hostname: str = ""
    driver: str = ""
    """libvirt's driver: "QEMU", "Xen", "LXC", "TEST", …"""
    hypervisor_version: str = ""
    libvirt_version: str = ""
    arch: str = ""
    cpu_model: str = ""
    cpus: int | None = None
    sockets: int | None = None
    cores: int | None = None
    threads: int | None = None
    numa_nodes: int | None = None
    mhz: int | None = None
    memory_kib: int | None = None
    virt_types: tuple[str, ...] = ()
    """What guests may be defined as: "kvm", "qemu", "xen", … as the capabilities say."""
    uri: str = ""
    """What libvirt says it is connected to; tells what it picked when it was left to pick."""
    local: bool = False
    """The hypervisor runs on this very machine, so /proc and psutil speak of it."""
    virtualized: bool | None = None
    """The host is itself a guest. This and the rest are read on the host: None if it is remote."""
    nested: bool | None = None
    """KVM lets its guests be hosts with KVM of their own."""
    iommu_groups: int | None = None
    """0 where no IOMMU is in use: nothing can be passed through."""
    physical_functions: int | None = None
    """PCI devices that can split themselves into VFs (SR-IOV)."""
    virtual_functions: int | None = None
    """VFs that there are now."""


class HostLoad(NamedTuple):
    """How busy a host is. cpu_percent is of all its CPUs together, 0 to 100."""

    cpu_percent: float | None = None
    memory_used_kib: int | None = None
    memory_total_kib: int | None = None
