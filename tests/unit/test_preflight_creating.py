"""Each check of the preflight once: what is asked for, the finding, and the field that it is at."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from tests.support.offers import (
    ARM,
    CLOUD_IMAGE,
    DEBIAN12,
    DEFAULT_POOL,
    DESKTOP,
    GIB,
    GIB_KIB,
    HOSTS,
    LEFT_ALONE,
    LVM_POOL,
    OLD,
    RHEL5,
    SESSION,
    WEB_DISK,
    WINDOWS11,
    aarch64_caps,
    old_caps,
    x86_caps,
)
from tests.unit.test_preflight_defaults import hosts, oses, specs
from tuivm.model.findings import Finding, Severity
from tuivm.model.offers import CpuMode, DomainCaps, HostOffer, NumaNode, Volume
from tuivm.model.oses import OsInfo
from tuivm.model.spec import (
    CloudInit,
    CloudNetwork,
    Disk,
    DiskKind,
    FileRef,
    Firmware,
    Forward,
    Graphics,
    Machine,
    NewVolume,
    Nic,
    NicKind,
    NumaCell,
    Passed,
    PassKind,
    Source,
    SourceKind,
    Spec,
    Topology,
)
from tuivm.model.units import visible
from tuivm.preflight.images import FileFacts
from tuivm.preflight.planning import TreeFiles, plan

ISO = Source(SourceKind.ISO, FileRef(pool="default", volume="debian-12.iso"))
CLOUD_FILE = FileRef(pool="default", volume=CLOUD_IMAGE.name)
WEB_FILE = FileRef(pool="default", volume=WEB_DISK.name)
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGMDhVfLIzl2nSzlDB7hk0TGVMxMgFXSVRrZoDuVdSqa ann@home"
CLOUD = CloudInit(user="ann", ssh_keys=(KEY,))
GOOD = Spec(name="new", source=ISO)


def findings(
    spec: Spec,
    offer: HostOffer = DESKTOP,
    caps: DomainCaps | None = None,
    os: OsInfo = DEBIAN12,
    files: dict[FileRef, FileFacts] | None = None,
) -> tuple[Finding, ...]:
    return plan(spec, offer, caps or x86_caps(), os, files=files or {}).findings


def serious(spec: Spec, offer: HostOffer = DESKTOP, **more: object) -> dict[str, tuple[str, str]]:
    """id -> (severity, field) of errors and warnings."""
    return {
        one.id: (one.severity.value, one.field)
        for one in findings(spec, offer, **more)  # type: ignore[arg-type]
        if one.severity is not Severity.NOTE
    }


def cloud(**more: object) -> Spec:
    init = CLOUD._replace(**more)  # type: ignore[arg-type]
    return Spec(name="new", source=Source(SourceKind.CLOUD, CLOUD_FILE, cloud=init))


def disk(**more: object) -> Spec:
    return GOOD._replace(disks=(Disk(**more),))  # type: ignore[arg-type]


def volume(**more: object) -> Spec:
    return disk(new=NewVolume(**more))  # type: ignore[arg-type]


def nic(**more: object) -> Spec:
    return GOOD._replace(nics=(Nic(**more),))  # type: ignore[arg-type]


def machine(**more: object) -> Spec:
    return GOOD._replace(machine=Machine(**more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("spec", "host", "os"),
    [
        (GOOD, "desktop", DEBIAN12),
        (GOOD._replace(memory_kib=8 * GIB_KIB, vcpus=8), "desktop", DEBIAN12),
        (Spec(name="new"), "session", DEBIAN12),
        (Spec(name="new", source=Source(SourceKind.PXE)), "arm", DEBIAN12),
        (cloud(), "desktop", DEBIAN12),
        (machine(machine="pc"), "desktop", DEBIAN12),
        (machine(firmware=Firmware.UEFI_SECURE), "desktop", DEBIAN12),
        (machine(nested=True), "desktop", DEBIAN12),
        (machine(viommu="intel"), "desktop", DEBIAN12),
        (GOOD, "desktop", WINDOWS11),
    ],
)
def test_defaults_give_no_reason_for_complaint(spec: Spec, host: str, os: OsInfo) -> None:
    offer, caps = HOSTS[host]
    found = serious(spec, offer, caps=caps, os=os)
    assert found == {}


ERROR, WARNING, NOTE = "error", "warning", "note"
NO_UEFI = x86_caps(efi=False)
SYSTEM = [
    (GOOD._replace(name=" "), "name-empty", ERROR, "guest.name"),
    (GOOD._replace(name="a/b"), "name-slash", ERROR, "guest.name"),
    (GOOD._replace(name=".."), "name-slash", ERROR, "guest.name"),
    (GOOD._replace(name="a\nb"), "name-control", ERROR, "guest.name"),
    (GOOD._replace(name="a\x1b[2J"), "name-control", ERROR, "guest.name"),
    (GOOD._replace(name="a\u202eb"), "name-invisible", WARNING, "guest.name"),
    (GOOD._replace(name="é" * 101), "name-long", ERROR, "guest.name"),
    (GOOD._replace(name="a "), "name-spaces", WARNING, "guest.name"),
    (GOOD._replace(name="web"), "name-taken", ERROR, "guest.name"),
    (GOOD._replace(uuid="x"), "uuid-invalid", ERROR, "guest.uuid"),
    (GOOD._replace(uuid=DESKTOP.guests[0][1].upper()), "uuid-taken", ERROR, "guest.uuid"),
    (GOOD._replace(title="a\nb"), "title-lines", ERROR, "guest.title"),
    (GOOD._replace(description="\x00"), "text-control", ERROR, "guest.description"),
    (GOOD._replace(memory_kib=-1), "memory-range", ERROR, "guest.memory"),
    (GOOD._replace(memory_kib=1 << 60), "memory-range", ERROR, "guest.memory"),
    (GOOD._replace(memory_kib=17 * GIB_KIB), "memory-host", ERROR, "guest.memory"),
    (GOOD._replace(memory_kib=11 * GIB_KIB), "memory-free", WARNING, "guest.memory"),
    (GOOD._replace(memory_max_kib=99 * GIB_KIB), "memory-max-host", WARNING, "guest.memory_max"),
    (
        GOOD._replace(memory_kib=2 * GIB_KIB, memory_max_kib=GIB_KIB),
        "memory-max",
        ERROR,
        "guest.memory_max",
    ),
    (GOOD._replace(memory_kib=500 * 1024), "memory-os", WARNING, "guest.memory"),
    (GOOD._replace(vcpus=-2), "vcpus-range", ERROR, "guest.vcpus"),
    (GOOD._replace(vcpus=9), "vcpus-host", WARNING, "guest.vcpus"),
    (GOOD._replace(vcpus=999), "vcpus-max", ERROR, "guest.vcpus"),
    (
        GOOD._replace(vcpus=4, machine=Machine(topology=Topology(1, 2, 1))),
        "topology",
        ERROR,
        "machine.topology",
    ),
    (machine(topology=Topology(-1, 1, 1)), "topology-range", ERROR, "machine.topology"),
]
MACHINE = [
    (machine(arch="sparc"), "arch-offered", ERROR, "machine.arch"),
    (machine(virt_type="hvf"), "type-offered", ERROR, "machine.virt_type"),
    (machine(arch="aarch64", virt_type="kvm"), "type-offered", ERROR, "machine.virt_type"),
    (machine(machine="virt"), "machine-offered", ERROR, "machine.machine"),
    (machine(virt_type="qemu", cpu="maximum"), "tcg", WARNING, "machine.virt_type"),
    (
        machine(firmware=Firmware.UEFI_SECURE, machine="pc"),
        "secure-machine",
        ERROR,
        "machine.firmware",
    ),
    (machine(viommu="amd"), "viommu-unknown", ERROR, "machine.viommu"),
    (machine(viommu="intel", machine="pc"), "viommu-machine", ERROR, "machine.viommu"),
    (machine(viommu="virtio", machine="pc"), "viommu-machine", ERROR, "machine.viommu"),
    (GOOD._replace(graphics=Graphics.NONE), "graphics-none", WARNING, "guest.graphics"),
    (machine(vendor_id="a,b"), "vendor-id", ERROR, "machine.vendor_id"),
    (machine(vendor_id="thirteen char"), "vendor-id", ERROR, "machine.vendor_id"),
    (
        machine(virt_type="qemu", cpu="maximum", hide_hypervisor=True),
        "hiding-tcg",
        NOTE,
        "machine.hide_hypervisor",
    ),
    (machine(cpu="EPYC-Genoa"), "cpu-unusable", ERROR, "machine.cpu"),
    (machine(cpu="Z80"), "cpu-unknown", ERROR, "machine.cpu"),
    (machine(hugepages=True, page_kib=2048), "pages-few", ERROR, "machine.hugepages"),
    (machine(hugepages=True, page_kib=16384), "page-size", ERROR, "machine.page_size"),
    (
        GOOD._replace(
            memory_kib=3 * GIB_KIB // 2, machine=Machine(hugepages=True, page_kib=GIB_KIB)
        ),
        "pages-multiple",
        ERROR,
        "guest.memory",
    ),
    (machine(page_kib=2048), "pages-unused", WARNING, "machine.page_size"),
    (machine(numa=(NumaCell("0-x", GIB_KIB),)), "numa-cpus", ERROR, "machine.numa.0.cpus"),
    (machine(numa=(NumaCell("0", GIB_KIB),)), "numa-cover", ERROR, "machine.numa"),
    (machine(numa=(NumaCell("0-7", GIB_KIB),)), "numa-beyond", ERROR, "machine.numa"),
    (
        machine(numa=(NumaCell("0-1", GIB_KIB),))._replace(vcpus=20_000),
        "numa-cover",
        ERROR,
        "machine.numa",
    ),
    (
        machine(numa=(NumaCell("0-1", GIB_KIB), NumaCell("1", GIB_KIB))),
        "numa-twice",
        ERROR,
        "machine.numa.1.cpus",
    ),
    (
        GOOD._replace(
            memory_kib=3 * GIB_KIB, machine=Machine(numa=(NumaCell("0-1", 2 * GIB_KIB),))
        ),
        "numa-sum",
        ERROR,
        "machine.numa",
    ),
    (
        machine(numa=(NumaCell("0-1", GIB_KIB, "3"),)),
        "numa-host",
        ERROR,
        "machine.numa.0.host_node",
    ),
    (machine(numa=(NumaCell("0-1", 0),)), "numa-memory", ERROR, "machine.numa.0.memory"),
    (machine(pins=("0", "8")), "pin-beyond", ERROR, "machine.pins.1"),
    (machine(pins=("0", "4-2")), "pin-invalid", ERROR, "machine.pins.1"),
    (
        GOOD._replace(vcpus=1, machine=Machine(pins=("0", "1"))),
        "pins-many",
        ERROR,
        "machine.pins.1",
    ),
    (machine(emulator_pin="99"), "pin-beyond", ERROR, "machine.emulator_pin"),
]
DISKS = [
    (volume(name="web.qcow2"), "volume-taken", ERROR, "disk.0.new.name"),
    (volume(name="../x"), "volume-name", ERROR, "disk.0.new.name"),
    (volume(name="-x"), "volume-name", ERROR, "disk.0.new.name"),
    (volume(name="x" * 300), "volume-long", ERROR, "disk.0.new.name"),
    (volume(pool="gone"), "pool-gone", ERROR, "disk.0.new.pool"),
    (volume(pool="backup"), "pool-inactive", ERROR, "disk.0.new.pool"),
    (volume(pool="ceph"), "pool-kind", ERROR, "disk.0.new.pool"),
    (volume(size=-1), "size-range", ERROR, "disk.0.new.size"),
    (volume(size=1 << 63), "size-range", ERROR, "disk.0.new.size"),
    (volume(size=GIB), "size-os", WARNING, "disk.0.new.size"),
    (volume(size=200 * GIB), "pool-overcommitted", WARNING, "disk.0.new.size"),
    (volume(size=200 * GIB, preallocation="full"), "pool-full", ERROR, "disk.0.new.size"),
    (volume(pool="vg0", size=31 * GIB), "pool-full", ERROR, "disk.0.new.size"),
    (volume(pool="vg0", format="qcow2"), "format-pool", ERROR, "disk.0.new.format"),
    (volume(format="ntfs"), "format-unknown", ERROR, "disk.0.new.format"),
    (volume(preallocation="some"), "preallocation-unknown", ERROR, "disk.0.new.preallocation"),
    (
        volume(format="raw", preallocation="metadata"),
        "preallocation-raw",
        ERROR,
        "disk.0.new.preallocation",
    ),
    (
        GOOD._replace(disks=(Disk(new=NewVolume(name="a")), Disk(new=NewVolume(name="a")))),
        "volume-twice",
        ERROR,
        "disk.0.new",
    ),
    (
        disk(file=CLOUD_FILE, overlay=True, new=NewVolume(size=GIB)),
        "overlay-small",
        ERROR,
        "disk.0.new.size",
    ),
    (
        disk(file=CLOUD_FILE, overlay=True, new=NewVolume(format="raw")),
        "overlay-format",
        ERROR,
        "disk.0.new.format",
    ),
    (
        disk(file=CLOUD_FILE, overlay=True, new=NewVolume(pool="vg0")),
        "overlay-format",
        ERROR,
        "disk.0.new.pool",
    ),
    (disk(file=WEB_FILE), "file-used", ERROR, "disk.0.volume"),
    (disk(file=WEB_FILE, overlay=True), "base-used", ERROR, "disk.0.volume"),
    (disk(file=FileRef(path="x.qcow2")), "path-absolute", ERROR, "disk.0.path"),
    (disk(file=FileRef(pool="default", volume="gone")), "volume-gone", ERROR, "disk.0.volume"),
    (disk(file=FileRef(pool="backup", volume="x")), "pool-inactive", ERROR, "disk.0.pool"),
    (disk(file=FileRef(pool="ceph", volume="disk1")), "pool-kind", ERROR, "disk.0.pool"),
    (disk(file=FileRef(path="/srv/x.img")), "format-guessed", WARNING, "disk.0.path"),
    (
        GOOD._replace(disks=(Disk(file=CLOUD_FILE), Disk(file=CLOUD_FILE))),
        "file-twice",
        ERROR,
        "disk.1",
    ),
    (disk(file=ISO.file), "image-iso", WARNING, "source.volume"),
    (
        GOOD._replace(source=Source(SourceKind.ISO, CLOUD_FILE)),
        "iso-format",
        WARNING,
        "source.volume",
    ),
    (disk(bus="ide"), "bus-machine", ERROR, "disk.0.bus"),
    (disk(bus="sd"), "bus-offered", ERROR, "disk.0.bus"),
    (disk(kind=DiskKind.CDROM, bus="virtio"), "bus-cdrom", ERROR, "disk.0.bus"),
    (disk(cache="fast"), "disk-cache", ERROR, "disk.0.cache"),
    (disk(io="fast"), "disk-io", ERROR, "disk.0.io"),
    (disk(io="native"), "io-native", ERROR, "disk.0.io"),
    (disk(discard="always"), "disk-discard", ERROR, "disk.0.discard"),
    (disk(cache="unsafe"), "cache-unsafe", WARNING, "disk.0.cache"),
    (disk(bus="sata", iothread=True), "iothread-bus", ERROR, "disk.0.iothread"),
    (disk(bus="sata", readonly=True), "readonly-bus", ERROR, "disk.0.readonly"),
    (disk(shareable=True, cache="none"), "shareable-format", ERROR, "disk.0.shareable"),
    (
        disk(shareable=True, new=NewVolume(format="raw")),
        "shareable-cache",
        WARNING,
        "disk.0.cache",
    ),
    (disk(serial="a/b"), "serial-characters", ERROR, "disk.0.serial"),
    (disk(serial="x" * 21), "serial-long", ERROR, "disk.0.serial"),
    (
        GOOD._replace(
            machine=Machine(machine="pc"), disks=tuple(Disk(bus="ide") for _ in range(5))
        ),
        "ide-many",
        ERROR,
        "disk.4.bus",
    ),
    (
        GOOD._replace(disks=tuple(Disk(DiskKind.CDROM, bus="fdc") for _ in range(3))),
        "fdc-many",
        ERROR,
        "disk.2.bus",
    ),
    (Spec(name="new"), "boots-nothing", NOTE, "source.kind"),
    (
        GOOD._replace(machine=Machine(machine="pc"), disks=tuple(Disk() for _ in range(25))),
        "slots",
        WARNING,
        "machine.machine",
    ),
]
NICS = [
    (nic(kind=NicKind.NETWORK, source="x"), "network-gone", ERROR, "nic.0.source"),
    (nic(kind=NicKind.NETWORK, source="lab"), "network-inactive", ERROR, "nic.0.source"),
    (
        nic(kind=NicKind.NETWORK, source="lab")._replace(start=False),
        "network-inactive",
        WARNING,
        "nic.0.source",
    ),
    (nic(kind=NicKind.BRIDGE, source="br7"), "interface-gone", ERROR, "nic.0.source"),
    (nic(kind=NicKind.BRIDGE, source="eth0"), "bridge-kind", ERROR, "nic.0.source"),
    (nic(model="ne9000"), "model-unknown", ERROR, "nic.0.model"),
    (
        nic(model="e1000e")._replace(machine=Machine(machine="pc")),
        "model-express",
        ERROR,
        "nic.0.model",
    ),
    (nic(mac="12:34"), "mac-invalid", ERROR, "nic.0.mac"),
    (nic(mac="53:54:00:00:00:01"), "mac-multicast", ERROR, "nic.0.mac"),
    (nic(mac="00:00:00:00:00:00"), "mac-zero", ERROR, "nic.0.mac"),
    (nic(mac="FE:54:00:00:00:01"), "mac-reserved", ERROR, "nic.0.mac"),
    (
        GOOD._replace(nics=(Nic(mac="52:54:00:00:00:0a"), Nic(mac="52:54:00:00:00:0A"))),
        "mac-twice",
        ERROR,
        "nic.1.mac",
    ),
    (nic(kind=NicKind.USER, forwards=(Forward(1, 2),)), "forward-kind", ERROR, "nic.0.forwards"),
    (nic(forwards=(Forward(0, 22),)), "forward-port", ERROR, "nic.0.forwards.0"),
    (nic(forwards=(Forward(99, 22, "sctp"),)), "forward-protocol", ERROR, "nic.0.forwards.0"),
    (
        nic(forwards=(Forward(99, 22, host_address="host"),)),
        "forward-address",
        ERROR,
        "nic.0.forwards.0",
    ),
    (
        nic(forwards=(Forward(2222, 22), Forward(2222, 80, host_address="127.0.0.1"))),
        "forward-twice",
        ERROR,
        "nic.0.forwards.1",
    ),
    (
        Spec(name="new", source=Source(SourceKind.PXE), nics=()),
        "network-none",
        ERROR,
        "nic",
    ),
    (Spec(name="new", source=Source(SourceKind.PXE)), "pxe-nothing", WARNING, "nic.0"),
]
SOURCES = [
    (Spec(name="new", source=Source(SourceKind.ISO)), "source-file", ERROR, "source.path"),
    (Spec(name="new", source=Source(SourceKind.TREE)), "url-none", ERROR, "source.url"),
    (
        Spec(name="new", source=Source(SourceKind.TREE, url="file:///etc")),
        "url-scheme",
        ERROR,
        "source.url",
    ),
    (
        Spec(name="new", source=Source(SourceKind.TREE, url="https://[x")),
        "url-invalid",
        ERROR,
        "source.url",
    ),
    (
        Spec(name="new", source=Source(SourceKind.TREE, url="https://a b/")),
        "url-invalid",
        ERROR,
        "source.url",
    ),
    (
        Spec(name="new", source=Source(SourceKind.TREE, url="https://mirror/x")),
        "tree-unread",
        ERROR,
        "source.url",
    ),
    (
        Spec(name="new", source=Source(SourceKind.KERNEL)),
        "kernel-none",
        ERROR,
        "source.kernel.path",
    ),
    (
        Spec(name="new", source=Source(SourceKind.KERNEL, kernel=FileRef(path="vmlinuz"))),
        "path-absolute",
        ERROR,
        "source.kernel.path",
    ),
    (
        Spec(
            name="new",
            source=Source(SourceKind.KERNEL, kernel=FileRef(path="/boot/k"), cmdline="a\nb"),
        ),
        "cmdline-control",
        ERROR,
        "source.cmdline",
    ),
    (
        Spec(
            name="new",
            source=Source(SourceKind.KERNEL, kernel=FileRef(path="/boot/k"), cmdline="x" * 2048),
        ),
        "cmdline-long",
        WARNING,
        "source.cmdline",
    ),
    (cloud(ssh_keys=()), "cloud-login", WARNING, "source.cloud.ssh_keys"),
    (cloud(ssh_keys=("hello",)), "ssh-key", ERROR, "source.cloud.ssh_keys.0"),
    (cloud(ssh_keys=(KEY[:60],)), "ssh-key", ERROR, "source.cloud.ssh_keys.0"),
    (cloud(ssh_keys=(KEY.replace("ed25519 ", "rsa "),)), "ssh-key", ERROR, None),
    (
        cloud(ssh_keys=("-----BEGIN OPENSSH PRIVATE KEY-----",)),
        "ssh-private",
        ERROR,
        "source.cloud.ssh_keys.0",
    ),
    (cloud(user="Ann B"), "user-name", ERROR, "source.cloud.user"),
    (cloud(hostname="a_b"), "hostname", ERROR, "source.cloud.hostname"),
    (cloud(packages=("vim; rm",)), "package", ERROR, "source.cloud.packages"),
    (cloud(password="a\nb"), "password", ERROR, "source.cloud.password"),
    (cloud(user_data="users: []"), "user-data", WARNING, "source.cloud.user_data"),
    (
        cloud(network=CloudNetwork("192.168.1.5")),
        "address",
        ERROR,
        "source.cloud.network.address",
    ),
    (
        cloud(network=CloudNetwork("192.168.1.5/24", "10.0.0.1")),
        "gateway-far",
        WARNING,
        "source.cloud.network.gateway",
    ),
    (
        cloud(network=CloudNetwork("192.168.1.5/24")),
        "gateway-none",
        WARNING,
        "source.cloud.network.gateway",
    ),
    (cloud(network=CloudNetwork(dns=("x",))), "dns", ERROR, "source.cloud.network.dns"),
]
PASSED = [
    (Passed(PassKind.PCI, "01:00"), "pass-form", ERROR, "passthrough.0.device"),
    (Passed(PassKind.PCI, "0000:77:00.0"), "pass-gone", ERROR, "passthrough.0.device"),
    (Passed(PassKind.USB, "dead:beef"), "pass-gone", WARNING, "passthrough.0.device"),
    (Passed(PassKind.USB, "0781:5581"), "usb-alike", ERROR, "passthrough.0.device"),
    (Passed(PassKind.USB_PORT, "1-5"), "usb-port", WARNING, "passthrough.0.device"),
    (Passed(PassKind.VF, "0000:05:00.0"), "pass-vf", ERROR, "passthrough.0.device"),
    (Passed(PassKind.PCI, "0000:04:00.0"), "pass-critical", ERROR, "passthrough.0"),
    (Passed(PassKind.PCI, "0000:01:00.0"), "pass-group", ERROR, "passthrough.0"),
]


@pytest.mark.parametrize(
    ("spec", "id_", "severity", "field"),
    [*SYSTEM, *MACHINE, *DISKS, *NICS, *SOURCES]
    + [(GOOD._replace(passed=(one,)), *rest) for one, *rest in PASSED],
)
def test_each_finding(spec: Spec, id_: str, severity: str, field: str | None) -> None:
    found = {one.id: one for one in findings(spec)}
    assert id_ in found, found
    assert found[id_].severity.value == severity
    if field is not None:
        assert found[id_].field == field
    assert found[id_].what


@pytest.mark.parametrize(
    ("typed", "severity"),
    [("", ERROR), ("0000:05:00.1", ERROR), ("0000:05:00.0", WARNING)],
)
def test_a_verdict_is_overridden_by_the_address_of_its_device(typed: str, severity: str) -> None:
    route = "the default route goes through it (eth0)"
    nic = LEFT_ALONE._replace(critical=(route,), overridable=(route,))
    passed = Passed(PassKind.PCI, nic.address, override=typed)
    others = tuple(one for one in DESKTOP.devices if one.address != nic.address)
    offer = DESKTOP._replace(devices=(*others, nic))
    found = {one.id: one for one in findings(GOOD._replace(passed=(passed,)), offer)}
    assert found["pass-critical"].severity.value == severity


@pytest.mark.parametrize("typed", ["", "0000:04:00.0"])
def test_nobody_overrides_the_root_disk(typed: str) -> None:
    passed = Passed(PassKind.PCI, "0000:04:00.0", override=typed)
    found = {one.id: one for one in findings(GOOD._replace(passed=(passed,)))}
    assert found["pass-critical"].severity.value == ERROR


@pytest.mark.parametrize(
    ("spec", "offer", "caps", "os", "id_", "severity"),
    [
        (
            machine(firmware=Firmware.UEFI),
            DESKTOP,
            x86_caps(efi=False),
            DEBIAN12,
            "uefi-missing",
            ERROR,
        ),
        (GOOD, DESKTOP, x86_caps(efi=False), WINDOWS11, "uefi-missing", ERROR),
        (
            machine(firmware=Firmware.UEFI_SECURE),
            DESKTOP,
            x86_caps()._replace(secure_boot=False),
            DEBIAN12,
            "secure-missing",
            ERROR,
        ),
        (machine(tpm=True), DESKTOP, x86_caps(swtpm=False), DEBIAN12, "tpm-missing", ERROR),
        (machine(tpm=True), OLD, old_caps(), DEBIAN12, "tpm-missing", WARNING),
        (machine(tpm=False), DESKTOP, x86_caps(), WINDOWS11, "os-tpm", WARNING),
        (machine(firmware=Firmware.BIOS), DESKTOP, x86_caps(), WINDOWS11, "os-uefi", WARNING),
        (machine(firmware=Firmware.BIOS), ARM, aarch64_caps(), DEBIAN12, "bios-arch", ERROR),
        (machine(machine="q35"), DESKTOP, x86_caps(), RHEL5, "os-q35", WARNING),
        (disk(bus="virtio"), DESKTOP, x86_caps(), WINDOWS11, "bus-driver", WARNING),
        (nic(model="virtio"), DESKTOP, x86_caps(), WINDOWS11, "model-driver", WARNING),
        (nic(model="igb"), OLD, old_caps(), DEBIAN12, "model-old", ERROR),
        (nic(kind=NicKind.PASST), OLD, old_caps(), DEBIAN12, "passt-libvirt", ERROR),
        (nic(kind=NicKind.PASST), SESSION, None, DEBIAN12, "passt-libvirt", ERROR),
        (
            nic(kind=NicKind.PASST),
            SESSION._replace(libvirt_version=9_001_000),
            None,
            DEBIAN12,
            "passt-missing",
            ERROR,
        ),
        (nic(kind=NicKind.PASST), ARM, aarch64_caps(), DEBIAN12, "passt-unknown", WARNING),
        (
            nic(kind=NicKind.BRIDGE, source="br0"),
            SESSION,
            None,
            DEBIAN12,
            "session-bridge",
            WARNING,
        ),
        (
            nic(kind=NicKind.MACVTAP, source="eth0"),
            SESSION,
            None,
            DEBIAN12,
            "session-macvtap",
            ERROR,
        ),
        (
            nic(kind=NicKind.PASST, forwards=(Forward(80, 80),)),
            SESSION,
            None,
            DEBIAN12,
            "forward-privileged",
            WARNING,
        ),
        (disk(io="io_uring"), OLD, old_caps(), DEBIAN12, "io-uring", ERROR),
        (disk(iothread=True), OLD, old_caps(), DEBIAN12, "iothread-offered", ERROR),
        (
            GOOD._replace(graphics=Graphics.SPICE),
            DESKTOP,
            x86_caps()._replace(graphics=("vnc",)),
            DEBIAN12,
            "graphics-offered",
            ERROR,
        ),
        (machine(cpu="host-passthrough"), SESSION, None, DEBIAN12, "cpu-mode", ERROR),
        (machine(viommu="virtio"), OLD, old_caps(), DEBIAN12, "viommu-machine", ERROR),
        (
            machine(hugepages=True),
            DESKTOP._replace(
                capabilities=DESKTOP.capabilities._replace(
                    numa=(NumaNode(0, GIB_KIB, (0,), ((4, 99),)),)
                )
            ),
            x86_caps(),
            DEBIAN12,
            "pages-unknown",
            WARNING,
        ),
        (
            GOOD._replace(passed=(Passed(PassKind.PCI, "0000:03:10.0"),)),
            DESKTOP,
            x86_caps()._replace(hostdev_types=("usb",)),
            DEBIAN12,
            "pass-offered",
            ERROR,
        ),
        (
            GOOD._replace(passed=(Passed(PassKind.USB, "1050:0407"),)),
            SESSION._replace(devices=DESKTOP.devices),
            None,
            DEBIAN12,
            "usb-session",
            WARNING,
        ),
        (Spec(name="new"), SESSION._replace(images_path=""), None, DEBIAN12, "pool-none", ERROR),
    ],
)
def test_findings_of_other_hosts(
    spec: Spec,
    offer: HostOffer,
    caps: DomainCaps | None,
    os: OsInfo,
    id_: str,
    severity: str,
) -> None:
    found = {
        one.id: one.severity.value for one in findings(spec, offer, caps or HOSTS["session"][1], os)
    }
    assert found.get(id_) == severity, found


def pool(**more: object) -> HostOffer:
    changed = DEFAULT_POOL._replace(**more)  # type: ignore[arg-type]
    return DESKTOP._replace(pools=(changed, LVM_POOL))


def test_an_image_below_others_is_not_to_be_written() -> None:
    over = Volume("o.qcow2", "/x/o.qcow2", GIB, GIB, "qcow2", CLOUD_IMAGE.path, ("web",))
    base = CLOUD_IMAGE._replace(used_by=("web",))
    offer = pool(volumes=(base, over))
    source = Source(SourceKind.IMPORT, CLOUD_FILE)
    assert serious(Spec(name="new", source=source), offer) == {
        "file-backs": ("error", "source.volume")
    }
    # Another overlay over it does no harm.
    assert serious(cloud(), offer) == {}


def test_a_disk_that_all_mark_shareable_may_be_shared() -> None:
    shared = WEB_DISK._replace(format="raw", shareable=True)
    offer = pool(volumes=(*DEFAULT_POOL.volumes[:2], shared))
    spec = disk(file=WEB_FILE, shareable=True, cache="none")
    assert serious(spec, offer) == {}
    assert "file-used" in serious(disk(file=WEB_FILE), offer)
    # Read-only use of what another guest writes is its own affair.
    assert "file-used" not in serious(disk(file=WEB_FILE, readonly=True), offer)


def test_storage_that_qemu_cannot_reach_names_the_fix() -> None:
    closed = pool(closed=("/home/ann", "/home/ann/vm"))
    found = {one.id: one for one in findings(GOOD, closed)}
    assert found["storage-closed"].remedy == (
        "setfacl -m u:64055:x /home/ann; setfacl -m u:64055:x /home/ann/vm"
    )
    unread = CLOUD_IMAGE._replace(readable=False)
    assert "storage-unreadable" in serious(disk(file=CLOUD_FILE), pool(volumes=(unread,)))
    file = FileRef(path="/home/ann/x.qcow2")
    facts = {file: FileFacts(9, "qcow2", GIB, closed=("/home/ann",))}
    assert "storage-closed" in serious(disk(file=file), files=facts)


def test_files_that_could_not_be_looked_at() -> None:
    local, path = FileRef(local="/tmp"), FileRef(path="/tmp")
    remote = DESKTOP._replace(local=False)
    told = FileFacts(problem="cannot read /tmp: it is a directory")
    denied = FileFacts(problem="cannot read /tmp: Permission denied")
    for file, facts, offer, severity in (
        (local, told, DESKTOP, ERROR),
        (local, denied, DESKTOP, ERROR),
        (path, told, DESKTOP, ERROR),
        # libvirt and QEMU may be allowed what this user is not.
        (path, denied, DESKTOP, WARNING),
        (path, told, remote, WARNING),
    ):
        found = serious(disk(file=file), offer, files={file: facts})
        assert found["file-unread"][0] == severity
        assert ("format-guessed" in found) is (severity == WARNING)
    packed = {local: FileFacts(9, packed="xz")}
    assert serious(disk(file=local), files=packed)["image-packed"] == ("error", "disk.0.local")


def test_a_tree_that_was_read_is_fine() -> None:
    spec = Spec(name="new", source=Source(SourceKind.TREE, url="https://mirror/x"))
    made = plan(spec, DESKTOP, x86_caps(), DEBIAN12, tree=TreeFiles("https://m/k", "https://m/i"))
    assert [one.id for one in made.findings if one.severity is not Severity.NOTE] == []


def test_a_device_with_its_whole_group_is_fine() -> None:
    both = (Passed(PassKind.PCI, "0000:01:00.0"), Passed(PassKind.PCI, "0000:01:00.1"))
    uefi = machine(firmware=Firmware.UEFI)
    assert serious(uefi._replace(passed=both)) == {}
    twice = (*both, Passed(PassKind.PCI, "0000:01:00.0", "pci_0000_01_00_0"))
    assert serious(uefi._replace(passed=twice)) == {"pass-twice": ("error", "passthrough.2")}


def test_what_devices_mean_for_the_very_guest_is_told_too() -> None:
    both = (Passed(PassKind.PCI, "0000:01:00.0"), Passed(PassKind.PCI, "0000:01:00.1"))
    bios = {one.id: one for one in findings(GOOD._replace(passed=both))}
    assert (bios["gpu-uefi"].severity, bios["gpu-uefi"].field) == (WARNING, "passthrough.0")
    assert bios["attach-memory"].severity.value == "note"
    assert "+ 1 GiB for mapped registers" in bios["attach-memory"].why
    assert bios["attach-migration"].severity.value == "note"
    assert not {"pass-migration", "pass-gpu"} & set(bios)
    old = machine(machine="pc")._replace(passed=(Passed(PassKind.VF, "0000:03:10.0"),))
    assert "attach-i440fx" in {one.id for one in findings(old)}


def test_a_pool_that_vanishes_between_steps_is_told_at_its_field() -> None:
    spec = volume(pool="default")
    offer = DESKTOP._replace(pools=(LVM_POOL,), images_path="")
    found = [one.field for one in findings(spec, offer) if one.id == "pool-none"]
    assert set(found) == {"source.pool", "disk.0.new.pool"}


def test_a_named_model_without_nesting_on_the_host_does_not_start() -> None:
    nesting = DESKTOP.nesting._replace(enabled=False)
    offer = DESKTOP._replace(nesting=nesting)
    spec = machine(cpu="Skylake-Client-IBRS", nested=True)
    assert serious(spec, offer) == {
        "nested-cpu-mode": ("error", "machine.cpu"),
        "nested-enabled": ("warning", "machine.nested"),
    }


def test_a_note_that_is_true_of_several_fields_is_said_once() -> None:
    local = FileRef(local="/tmp/x.iso")
    spec = Spec(name="new", source=Source(SourceKind.ISO, local))
    found = findings(spec, SESSION, HOSTS["session"][1])
    assert [one.id for one in found].count("pool-made") == 1


def test_errors_come_first() -> None:
    found = findings(GOOD._replace(name="web", memory_kib=11 * GIB_KIB))
    order = [one.severity for one in found]
    assert order == sorted(order, key=list(Severity).index)


def test_modes_of_hosts_that_say_none_are_left_alone() -> None:
    caps = x86_caps()._replace(cpu_modes=(), cpu_models=())
    assert serious(machine(cpu="host-model"), caps=caps) == {}
    caps = x86_caps()._replace(cpu_modes=(CpuMode("host-model", False),))
    assert "cpu-mode" in serious(machine(cpu="host-model"), caps=caps)


@settings(max_examples=300, deadline=None)
@given(specs, hosts, oses)
def test_no_spec_breaks_the_plan(spec: Spec, host: str, os: OsInfo) -> None:
    offer, caps = HOSTS[host]
    made = plan(spec, offer, caps, os)
    errors = [one for one in made.findings if one.severity is Severity.ERROR]
    # Without an error there is something to define.
    assert made.xml or errors
    for finding in made.findings:
        assert finding.id
        assert finding.what == visible(finding.what)
