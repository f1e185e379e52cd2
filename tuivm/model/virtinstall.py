"""The command of virt-install (of virt-clone for a copy) that creates the same guest.

Options are those of virt-install 4. What it chooses by itself (USB controllers, channels, a sound
card with graphics) is left to it; what it cannot say is in `remarks`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tuivm.model.creation import CreationPlan
from tuivm.model.offers import HostOffer
from tuivm.model.spec import (
    CloudNetwork,
    FileRef,
    Firmware,
    Machine,
    Nic,
    NicKind,
    Passed,
    PassKind,
    Preset,
    SourceKind,
    Spec,
)
from tuivm.model.virtinstalldisks import disk_options, installer, path_of
from tuivm.model.virtinstalltext import option, said

_MIB = 1024
_TPM_MODEL = re.compile(r'<tpm model="([\w-]+)"')
_NESTING = re.compile(r'<feature policy="(require|disable)" name="(vmx|svm)"')
_PASSWORD_IN_URL = re.compile(r"(?<=://)([^/@:]*):[^/@]*@")


def command(plan: CreationPlan, offer: HostOffer) -> tuple[str, ...]:
    """An argument a string, for a person to read: passwords in URLs are masked, and cloud-init's
    documents are files that are still to be written."""
    spec = plan.spec
    connect = ("--connect", offer.uri) if offer.uri else ()
    if spec.source.kind is SourceKind.COPY:
        original = ("--original", spec.source.guest)
        return ("virt-clone", *connect, *original, "--name", spec.name, "--auto-clone")
    about = {"title": spec.title, "description": spec.description, "uuid": spec.uuid}
    return (
        *("virt-install", *connect, "--name", spec.name),
        *option("--metadata", about),
        *("--osinfo", _osinfo(plan)),
        *_system(spec),
        *_machine(plan),
        *_cpu(plan),
        *_places(spec.machine),
        *_source(plan, offer),
        *disk_options(plan, offer),
        *_networks(spec),
        *option("--graphics", {"": spec.graphics}),
        *(arg for one in spec.passed for arg in _hostdev(one, offer)),
        *(("--rng", "none", "--memballoon", "none") if spec.preset is Preset.EMULATED else ()),
        *(("--autostart",) if spec.autostart else ()),
        "--noautoconsole",
    )


def remarks(plan: CreationPlan) -> tuple[str, ...]:
    """What the command does not do, or needs first: a sentence each."""
    return tuple(_remarks(plan))


def _remarks(plan: CreationPlan) -> Iterator[str]:
    spec = plan.spec
    for order in plan.volumes:
        if order.upload:
            where = f"volume {order.placed.volume} of pool {order.placed.pool}"
            yield f"{order.upload} has to be on the host first, as {where} (virsh vol-upload)."
    if spec.source.kind is SourceKind.COPY:
        yield "virt-clone wants the guest to be off or paused."
        return
    if plan.os.like:
        yield f"virt-install does not know {plan.os.name} here: {plan.os.like} stands for it."
    if spec.source.kind is SourceKind.CLOUD:
        yield "The files for --cloud-init are what the seed has: write them first."
    if not spec.start:
        yield "virt-install starts the guest; with --print-xml 1, for virsh define, it does not."
    if any(nic.forwards for nic in spec.nics or ()):
        yield "Port forwards are for virt-install 5 (--network passt,portForward=…), or an edit."
    for one in spec.passed:
        if one.kind is PassKind.VF:
            yield f"The VF {one.device} is passed as any PCI device: libvirt sets no MAC on it."
        if one.kind is PassKind.USB_PORT:
            yield f"The USB device at port {one.device} is named by the number it has now."
    if spec.memory_kib % _MIB or spec.memory_max_kib % _MIB:
        yield "virt-install counts memory in whole MiB."


def _osinfo(plan: CreationPlan) -> str:
    if not plan.os.known:
        return "generic"
    return plan.os.like or plan.os.short_id or said({"id": plan.os.id})


def _system(spec: Spec) -> Iterator[str]:
    memory, most = spec.memory_kib // _MIB, max(spec.memory_kib, spec.memory_max_kib) // _MIB
    yield from option("--memory", {"": memory, "maxmemory": most if most > memory else ""})
    topology = spec.machine.topology
    places = max(topology.sockets, 1) * max(topology.cores, 1) * max(topology.threads, 1)
    vcpus = {
        "": spec.vcpus,
        "maxvcpus": places if places > spec.vcpus else "",
        "sockets": topology.sockets or "",
        "cores": topology.cores or "",
        "threads": topology.threads or "",
    }
    yield from option("--vcpus", vcpus)


def _machine(plan: CreationPlan) -> Iterator[str]:
    machine = plan.spec.machine
    yield from option("--virt-type", {"": machine.virt_type})
    yield from option("--arch", {"": machine.arch})
    yield from option("--machine", {"": machine.machine})
    if machine.firmware is Firmware.UEFI:
        yield from ("--boot", "uefi")
    elif machine.firmware is Firmware.UEFI_SECURE:
        features = [
            f"firmware.feature{number}.name={name},firmware.feature{number}.enabled=yes"
            for number, name in enumerate(("secure-boot", "enrolled-keys"))
        ]
        yield from ("--boot", ",".join(["firmware=efi", *features]))
        yield from ("--features", "smm.state=on")
    if machine.tpm:
        model = _TPM_MODEL.search(plan.xml)
        backend = {"backend.type": "emulator", "backend.version": "2.0"}
        yield from option("--tpm", {"model": model[1] if model else "", **backend})
    elif machine.tpm is not None:
        yield from ("--tpm", "none")
    if machine.viommu == "intel":
        kvm = machine.virt_type == "kvm"
        driver = {"driver.caching_mode": "on", "driver.iotlb": "on"}
        driver |= {"driver.intremap": "on"} if kvm else {}
        yield from option("--iommu", {"model": "intel", **driver})
        yield from ("--features", "ioapic.driver=qemu") if kvm else ()
    else:
        yield from option("--iommu", {"model": machine.viommu})
    if machine.hide_hypervisor:
        yield from ("--features", "kvm.hidden.state=on")
    if machine.vendor_id:
        # It has no option of its own.
        parts = {"xpath0.set": "./hyperv/vendor_id/@state", "xpath0.value": "on"}
        parts |= {"xpath1.set": "./hyperv/vendor_id/@value", "xpath1.value": machine.vendor_id}
        yield from option("--features", parts)
    if machine.hugepages:
        page = machine.page_kib or ""
        size = {"hugepages.page0.size": page, "hugepages.page0.unit": "KiB" if page else ""}
        yield from option("--memorybacking", {"hugepages": True, **size})


def _cpu(plan: CreationPlan) -> Iterator[str]:
    parts: dict[str, object] = {"": plan.spec.machine.cpu}
    # What nesting needs of the CPU hangs on its vendor: the definition has settled it.
    if feature := _NESTING.search(plan.xml):
        parts[feature[1]] = feature[2]
    for number, cell in enumerate(plan.spec.machine.numa):
        key = f"numa.cell{number}"
        parts |= {f"{key}.id": number, f"{key}.cpus": cell.cpus}
        parts |= {f"{key}.memory": cell.memory_kib, f"{key}.unit": "KiB"}
    yield from option("--cpu", parts)


def _places(machine: Machine) -> Iterator[str]:
    """Where vCPUs run and memory lies on the host."""
    pins: dict[str, object] = {}
    for number, cpus in enumerate(machine.pins):
        if cpus:
            pins |= {f"vcpupin{number}.vcpu": number, f"vcpupin{number}.cpuset": cpus}
    yield from option("--cputune", pins | {"emulatorpin.cpuset": machine.emulator_pin})
    nodes: dict[str, object] = {}
    for number, cell in enumerate(machine.numa):
        if cell.host_node:
            key = f"memnode{number}"
            nodes |= {f"{key}.cellid": number, f"{key}.mode": "strict"}
            nodes[f"{key}.nodeset"] = cell.host_node
    yield from option("--numatune", nodes)


def _source(plan: CreationPlan, offer: HostOffer) -> Iterator[str]:
    source = plan.spec.source

    def where(file: FileRef) -> str:
        return path_of(file, plan, offer) or f"{file.pool}/{file.volume}".strip("/")

    match source.kind:
        case SourceKind.ISO if installer(plan, offer):
            yield from ("--cdrom", where(source.file))
        case SourceKind.ISO:
            yield from ("--install", "bootdev=cdrom")
        case SourceKind.IMPORT | SourceKind.OVERLAY:
            yield "--import"
        case SourceKind.CLOUD:
            yield "--import"
            network = "" if source.cloud.network == CloudNetwork() else "network-config"
            files = {"user-data": "user-data", "meta-data": "meta-data", "network-config": network}
            yield from option("--cloud-init", files)
        case SourceKind.TREE:
            yield from ("--location", said({"": _PASSWORD_IN_URL.sub(r"\1:****@", source.url)}))
            if source.cmdline:
                yield from ("--extra-args", source.cmdline)
        case SourceKind.PXE:
            yield "--pxe"
        case SourceKind.KERNEL:
            files = {"kernel": where(source.kernel), "initrd": where(source.initrd)}
            yield from option("--boot", {**files, "kernel_args": source.cmdline})
        case _:
            yield from ("--install", "no_install=yes")


def _networks(spec: Spec) -> Iterator[str]:
    nics = [nic for nic in spec.nics or () if nic.kind is not NicKind.NONE]
    for nic in nics:
        yield from option("--network", _network(nic, iommu=bool(spec.machine.viommu)))
    if not nics:
        yield from ("--network", "none")


def _network(nic: Nic, *, iommu: bool) -> dict[str, object]:
    parts: dict[str, object]
    match nic.kind:
        case NicKind.BRIDGE:
            parts = {"bridge": nic.source}
        case NicKind.MACVTAP:
            parts = {"type": "direct", "source": nic.source, "source.mode": "bridge"}
        case NicKind.USER:
            parts = {"type": "user"}
        case NicKind.PASST:
            # Of its own option virt-install knows from version 5 on; this works in 4 too.
            parts = {"type": "user", "xpath0.set": "./backend/@type", "xpath0.value": "passt"}
        case _:
            parts = {"network": nic.source or "default"}
    parts |= {"model": nic.model, "mac": nic.mac}
    if iommu and nic.model == "virtio":
        parts |= {"driver.iommu": "on", "driver.ats": "on"}
    return parts


def _hostdev(one: Passed, offer: HostOffer) -> Iterable[str]:
    found = next((each for each in offer.devices if each.address == one.device), None)
    match one.kind:
        case PassKind.USB:
            vendor, _, product = one.device.partition(":")
            name = f"0x{vendor}:0x{product}"
        case PassKind.USB_PORT if found and found.bus is not None and found.device is not None:
            name = f"{found.bus}.{found.device}"
        case _ if said := one.nodedev or (found.nodedev if found else ""):
            name = said
        case PassKind.MDEV:
            name = f"mdev_{one.device.replace('-', '_')}"
        case PassKind.SCSI:
            name = f"scsi_{one.device.replace(':', '_')}"
        case _:
            name = "pci_" + re.sub(r"[:.]", "_", one.device)
    bar = {None: "", True: "on", False: "off"}[one.rom_bar]
    parts = {"": name, "rom.bar": bar}
    if one.rom_file:
        # It has no option of its own.
        parts |= {"xpath0.set": "./rom/@file", "xpath0.value": one.rom_file}
    return option("--hostdev", parts)
