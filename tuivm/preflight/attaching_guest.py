"""What giving devices to this very guest means: its memory, machine, NUMA node, GPU."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tuivm.domainxml.target import Target
from tuivm.model.findings import Finding
from tuivm.model.offers import HostDevice, HostOffer
from tuivm.model.requests import When
from tuivm.preflight.asking import counted, error, note, shown, warning
from tuivm.preflight.groups import PCI
from tuivm.preflight.memlock import memory_findings
from tuivm.preflight.passing_costs import by_vfio, is_gpu

FOR_ANY = frozenset({"pass-migration", "pass-gpu"})
"""What is told of a device before its guest is known: here it is told of this very guest."""
_NO_PCI = frozenset({"isapc", "microvm", "xenpv"})
_NVIDIA = "10de:"
_INTEL = "8086:"
_WITHOUT_VFIO = frozenset({"amd", "smmuv3"})
"""IOMMUs of QEMU's that cannot tell VFIO of a mapping, or only since lately."""


def guest_findings(
    devices: Sequence[HostDevice], offer: HostOffer, target: Target, when: When
) -> Iterator[Finding]:
    """field: a device's address, "" for the guest as a whole."""
    vfio = [device for device in devices if by_vfio(device)]
    if vfio or any(device.kind == "scsi" for device in devices):
        yield from _migration(target)
    if vfio:
        yield from _machine(target)
        yield from _viommu(target)
        yield from memory_findings(target, len(vfio), offer)
    live = target.running and when is not When.NEXT_BOOT
    if live and vfio and target.free_ports is not None and target.free_ports < len(vfio):
        yield error(
            "attach-ports",
            "",
            f"{shown(target.name)} has {counted(target.free_ports, 'free PCIe port')}, and "
            f"{len(vfio)} are needed",
            "a running guest cannot get more ports (No more available PCI slots)",
            "at the next boot: libvirt adds ports to the definition then",
        )
    if not target.usb and any(device.kind == "usb" for device in devices):
        yield error(
            "attach-usb",
            "",
            f"{shown(target.name)} has no USB controller",
            "its definition says model='none'",
            "a controller, such as qemu-xhci, in place of it",
        )
    for device in devices:
        yield from _about(device, devices, offer, target)


def _migration(target: Target) -> Iterator[Finding]:
    what = f"{shown(target.name)} cannot be migrated, saved, or snapshotted with memory"
    why = "a part of its state is in silicon of this host, where nobody can read it"
    remedy = "detach the device first; snapshots of its disks alone still work"
    if target.vfio:
        yield note("attach-migration", "", what, f"{why}; so it is already", remedy)
    else:
        yield warning("attach-migration", "", what, why, remedy)


def _machine(target: Target) -> Iterator[Finding]:
    if target.machine in _NO_PCI:
        yield error(
            "attach-no-pci",
            "",
            f"the machine {target.machine} has no PCI bus for it",
            "",
            "machine q35",
        )
    elif target.machine == "i440fx":
        yield warning(
            "attach-i440fx",
            "",
            "the machine i440fx has no PCI Express",
            "a PCIe device shows itself there as one of plain PCI: without its extended "
            "configuration (AER, ATS, resizable BARs), and some drivers, of GPUs above all, do "
            "not take it",
            "machine q35: for an installed Windows that is a move to prepare",
        )


def _viommu(target: Target) -> Iterator[Finding]:
    if target.viommu == "intel" and not target.caching_mode:
        yield error(
            "attach-caching-mode",
            "",
            f"{shown(target.name)}'s own IOMMU does not tell of its mappings",
            "QEMU refuses to pass a device on behind it (we need to set caching-mode=on)",
            "<driver caching_mode='on'/> in its <iommu>",
        )
    elif target.viommu in _WITHOUT_VFIO:
        yield warning(
            "attach-viommu",
            "",
            f"few versions of QEMU pass devices on behind an IOMMU of model {target.viommu}",
            "it has to tell VFIO of each mapping that the guest makes",
            "model intel with caching_mode, or virtio; or a guest without an IOMMU of its own",
        )


def _about(
    device: HostDevice, devices: Sequence[HostDevice], offer: HostOffer, target: Target
) -> Iterator[Finding]:
    yield from _numa(device, offer, target)
    if is_gpu(device):
        yield from _gpu(device, target)
    siblings = [
        one
        for one in offer.devices
        if one.kind == PCI == device.kind
        and one.address.rpartition(".")[0] == device.address.rpartition(".")[0]
        and one not in devices
        and one.iommu_group != device.iommu_group
        and not device.physical_function
    ]
    if is_gpu(device) and siblings:
        words = ", ".join(one.address for one in siblings)
        yield note(
            "gpu-functions",
            device.address,
            f"{device.address} has other functions: {words}",
            "sound over HDMI and USB-C are functions of a GPU's own",
            "pass them through too, for the card to work as a whole",
        )


def _numa(device: HostDevice, offer: HostOffer, target: Target) -> Iterator[Finding]:
    node = device.numa_node
    if node is None or node < 0:
        return
    if target.numa_nodes and node not in target.numa_nodes:
        nodes = ", ".join(map(str, target.numa_nodes))
        yield warning(
            "attach-numa",
            device.address,
            f"{device.address} is at NUMA node {node}, the guest's memory at {nodes}",
            "each transfer crosses from one processor to the other: slower, and it loads the link",
            f"bind the guest to node {node}: its memory (numatune), and its vCPUs (cputune)",
        )
    elif not target.numa_nodes and _nodes(offer) > 1:
        yield note(
            "attach-numa",
            device.address,
            f"{device.address} is at NUMA node {node}, and the guest may run at any",
            "where its memory and vCPUs are at another node, each transfer crosses over",
            f"numatune and cputune bind it to node {node}",
        )


def _nodes(offer: HostOffer) -> int:
    if offer.capabilities.numa:
        return len(offer.capabilities.numa)
    told = {one.numa_node for one in offer.devices if one.numa_node is not None}
    return len({node for node in told if node >= 0})


def _gpu(device: HostDevice, target: Target) -> Iterator[Finding]:
    address = device.address
    if not target.uefi:
        yield warning(
            "gpu-uefi",
            address,
            f"{address} is a GPU, and the guest starts by BIOS",
            "a BIOS shows itself through the VGA registers, of which the host has one set for all "
            "its displays; by UEFI a GPU needs none of them, and large BARs find room",
            "UEFI (an installed system does not start by it without being prepared)",
        )
    yield note(
        "gpu-rom",
        address,
        f"{address} may need a copy of its ROM",
        "a GPU that the host started with has its ROM covered by what the firmware left there; "
        "without a good one the screen stays black until the guest's driver starts",
        "the device's option ROM file, with a dump or one of its vendor's; or no ROM at all, for a "
        "GPU that only computes",
    )
    if device.ids.startswith(_NVIDIA) and not (target.hidden and target.vendor_id):
        lacks = [
            words
            for words, there in (
                ("hide the hypervisor", target.hidden),
                ("another vendor id", bool(target.vendor_id)),
            )
            if not there
        ]
        yield note(
            "gpu-hidden",
            address,
            f"{address}: NVIDIA's drivers before 465 refuse to work in a guest (code 43)",
            "they look for KVM's signature and for Hyper-V's vendor id",
            f"with such a driver: {' and '.join(lacks)} (both are options)",
        )
    if device.ids.startswith(_INTEL) and address.endswith(":00:02.0"):
        yield note(
            "gpu-igd",
            address,
            f"{address} is the processor's own graphics",
            "its screens stay black in most guests: it wants the host's OpRegion and its own place "
            "(slot 2), which only the legacy mode on i440fx has",
            "for computing it works; for a screen, look at the guest by VNC or SPICE",
        )
