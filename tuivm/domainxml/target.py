"""What matters of a guest that is to be given devices of its host's, read from its definition."""

from __future__ import annotations

from typing import NamedTuple

from tuivm.domainxml.nodedevs import Named, named_devices
from tuivm.domainxml.parse import (
    Element,
    attr,
    child_attr,
    children,
    number,
    parse_domain,
    size_kib,
    text,
)
from tuivm.domainxml.read import is_uefi
from tuivm.model.cpusets import parse_cpus

_MACHINES = (("q35", "q35"), ("i440fx", "i440fx"), ("pc-0", "i440fx"), ("pc-1", "i440fx"))
_FAMILIES = ("virt", "pseries", "s390-ccw-virtio", "microvm", "xenfv", "xenpv", "isapc")
_UNLIMITED_KIB = 9007199254740991
"""VIR_DOMAIN_MEMORY_PARAM_UNLIMITED: libvirt writes it for no limit."""


class Target(NamedTuple):
    """machine: "q35", "i440fx" or the family of another one ("virt", "pseries"); "" for one that
    is not told. memory_kib: all that it can take without memory being plugged in. hard_limit_kib:
    None without one. numa_nodes: of the host, that its memory is bound to; () for any. named: what
    it has of the host now; defined: what its definition has, where that is another. vfio: how many
    of those go by VFIO (PCI and mediated devices). free_ports: PCIe root ports without a device,
    None where the definition does not tell (another machine, or ports that libvirt places at the
    start). hidden: KVM does not show itself. viommu: "" for none; caching_mode: it tells QEMU of
    each mapping."""

    name: str = ""
    running: bool = False
    persistent: bool = True
    virt_type: str = ""
    arch: str = ""
    machine: str = ""
    uefi: bool = False
    memory_kib: int = 0
    hard_limit_kib: int | None = None
    memory_locked: bool = False
    hugepages: bool = False
    numa_nodes: tuple[int, ...] = ()
    named: tuple[Named, ...] = ()
    defined: tuple[Named, ...] = ()
    vfio: int = 0
    free_ports: int | None = None
    usb: bool = True
    """It has a USB controller, or libvirt adds one."""
    hidden: bool = False
    vendor_id: str = ""
    viommu: str = ""
    caching_mode: bool = False


def read_target(
    xml: str, *, running: bool, persistent: bool = True, definition: str = ""
) -> Target:
    """xml: the live definition of a running guest, which has all its ports; else the inactive one.
    definition: the inactive one of a running guest, "" where it has none or is not known.

    Raises ValueError, with the reason, for what is no `<domain>`."""
    root = parse_domain(xml)
    iommu = root.find("devices/iommu")
    hyperv_vendor = root.find("features/hyperv/vendor_id")
    machine = _machine(child_attr(root, "os/type", "machine"))
    named = named_devices(root)
    return Target(
        name=text(root, "name"),
        running=running,
        persistent=persistent,
        virt_type=attr(root, "type"),
        arch=child_attr(root, "os/type", "arch"),
        machine=machine,
        uefi=is_uefi(root),
        memory_kib=_memory(root),
        hard_limit_kib=_hard_limit(root),
        memory_locked=root.find("memoryBacking/locked") is not None,
        hugepages=root.find("memoryBacking/hugepages") is not None,
        numa_nodes=_nodes(root),
        named=named,
        defined=named_devices(parse_domain(definition)) if definition else named,
        vfio=_vfio(root),
        free_ports=_free_ports(root) if machine in {"q35", "virt"} else None,
        usb=root.find("devices/controller[@type='usb'][@model='none']") is None,
        hidden=child_attr(root, "features/kvm/hidden", "state") == "on",
        vendor_id=attr(hyperv_vendor, "value") if attr(hyperv_vendor, "state") == "on" else "",
        viommu=attr(iommu, "model"),
        caching_mode=iommu is not None and child_attr(iommu, "driver", "caching_mode") == "on",
    )


def _machine(machine: str) -> str:
    if machine == "pc":
        return "i440fx"
    for part, family in _MACHINES:
        if part in machine:
            return family
    for family in _FAMILIES:
        if machine == family or machine.startswith(f"{family}-"):
            return family
    return machine


def _memory(root: Element) -> int:
    """KiB. `<memory>` counts the modules that are plugged in; `<maxMemory>` those that may be."""
    return size_kib(root.find("memory")) or 0


def _hard_limit(root: Element) -> int | None:
    limit = size_kib(root.find("memtune/hard_limit"))
    return None if limit is None or limit >= _UNLIMITED_KIB else limit


def _nodes(root: Element) -> tuple[int, ...]:
    """Of the host, where all memory has to come from: `<numatune>`, strict unless it says
    otherwise."""
    memory = root.find("numatune/memory")
    if memory is None or memory.get("mode", "strict") not in {"strict", "restrictive"}:
        return ()
    try:
        return tuple(sorted(parse_cpus(attr(memory, "nodeset"))))
    except ValueError:
        return ()


def _vfio(root: Element) -> int:
    """PCI and mediated devices, VFs of NICs, NVMe disks of QEMU's own driver."""
    hostdevs = [
        one for one in root.iterfind("devices/hostdev") if attr(one, "type") in {"pci", "mdev"}
    ]
    nics = root.findall("devices/interface[@type='hostdev']")
    nvme = root.findall("devices/disk[@type='nvme']")
    return len(hostdevs) + len(nics) + len(nvme)


def _free_ports(root: Element) -> int | None:
    """PCIe root ports, and downstream ports of switches, that no device is in."""
    ports = {
        number(attr(one, "index"))
        for one in root.iterfind("devices/controller[@type='pci']")
        if attr(one, "model") in {"pcie-root-port", "pcie-switch-downstream-port"}
    }
    if not ports or None in ports:
        return None
    taken = set()
    for device in children(root.find("devices")):
        address = device.find("address")
        if attr(address, "type") == "pci":
            taken.add(number(attr(address, "bus")))
    return len(ports - taken)
