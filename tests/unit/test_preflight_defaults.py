"""What a guest gets when nothing is said, on several hosts and for several operating systems."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.offers import (
    ARM,
    CLOUD_IMAGE,
    DEBIAN12,
    DESKTOP,
    DEVICES,
    GIB,
    GIB_KIB,
    HOSTS,
    OLD,
    RHEL5,
    SESSION,
    VF,
    WINDOWS11,
    XEN,
    aarch64_caps,
    old_caps,
    x86_caps,
)
from tuivm.model.offers import DomainCaps, Network
from tuivm.model.oses import GENERIC, OsInfo
from tuivm.model.spec import (
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
    Passed,
    PassKind,
    Preset,
    Source,
    SourceKind,
    Spec,
    Topology,
)
from tuivm.preflight.defaults import choose_caps, complete

ISO = Source(SourceKind.ISO, FileRef(pool="default", volume="debian-12.iso"))
CLOUD = Source(SourceKind.CLOUD, FileRef(pool="default", volume=CLOUD_IMAGE.name))


@pytest.mark.parametrize(
    ("host", "os", "said", "expected"),
    [
        ("desktop", GENERIC, Machine(), ("kvm", "x86_64", "q35")),
        ("desktop", DEBIAN12, Machine(), ("kvm", "x86_64", "q35")),
        ("desktop", RHEL5, Machine(), ("kvm", "x86_64", "pc")),
        ("desktop", GENERIC, Machine(arch="aarch64"), ("qemu", "aarch64", "virt")),
        ("desktop", GENERIC, Machine(virt_type="qemu"), ("qemu", "x86_64", "q35")),
        ("desktop", GENERIC, Machine(machine="pc-i440fx-8.2"), ("kvm", "x86_64", "pc-i440fx-8.2")),
        ("session", GENERIC, Machine(), ("qemu", "x86_64", "q35")),
        ("arm", GENERIC, Machine(), ("kvm", "aarch64", "virt")),
        ("old", GENERIC, Machine(), ("kvm", "x86_64", "pc")),
        ("xen", GENERIC, Machine(), ("xen", "x86_64", "")),
    ],
)
def test_what_to_ask_domain_capabilities_for(
    host: str, os: OsInfo, said: Machine, expected: tuple[str, str, str]
) -> None:
    assert choose_caps(Spec(machine=said), HOSTS[host][0], os) == expected


def test_a_debian_on_a_desktop() -> None:
    spec = complete(Spec(source=ISO), DESKTOP, x86_caps(), DEBIAN12)

    assert spec.name == "debian12-2"  # debian12 is a guest already
    assert (spec.os, spec.vcpus, spec.memory_kib) == ("debian12", 2, 2 * GIB_KIB)
    assert spec.machine == Machine(
        virt_type="kvm",
        arch="x86_64",
        machine="q35",
        firmware=Firmware.BIOS,
        tpm=False,
        cpu="host-passthrough",
    )
    volume = NewVolume("default", "debian12-2.qcow2", 20 * GIB, "qcow2", "off")
    assert spec.disks == (
        Disk(new=volume, bus="virtio", discard="unmap"),
        Disk(DiskKind.CDROM, ISO.file, bus="sata", readonly=True),
    )
    assert spec.nics == (Nic(NicKind.NETWORK, "default", "virtio"),)
    assert spec.graphics is Graphics.VNC


def test_windows_11_gets_what_it_asks_for_and_no_virtio() -> None:
    spec = complete(Spec(source=ISO), DESKTOP, x86_caps(), WINDOWS11)

    assert spec.machine.firmware is Firmware.UEFI_SECURE
    assert spec.machine.tpm is True
    assert spec.machine.topology == Topology(1, 2, 1)
    assert spec.disks is not None
    assert [disk.bus for disk in spec.disks] == ["sata", "sata"]
    assert spec.nics == (Nic(NicKind.NETWORK, "default", "e1000e"),)


def test_an_os_from_before_virtio_gets_i440fx_with_ide() -> None:
    spec = complete(Spec(source=ISO), DESKTOP, x86_caps(machine="pc"), RHEL5)

    assert spec.machine.machine == "pc"
    assert spec.disks is not None
    assert [disk.bus for disk in spec.disks] == ["ide", "ide"]
    assert spec.nics is not None
    assert spec.nics[0].model == "e1000"


def test_a_session_without_kvm_and_without_a_pool() -> None:
    caps = HOSTS["session"][1]
    spec = complete(Spec(source=ISO), SESSION, caps, DEBIAN12)

    assert (spec.machine.virt_type, spec.machine.cpu) == ("qemu", "maximum")
    assert spec.nics == (Nic(NicKind.USER, "", "virtio"),)
    assert spec.disks is not None
    assert spec.disks[0].new is not None
    assert spec.disks[0].new.pool == "default"
    newer = SESSION._replace(passt=True, libvirt_version=9_001_000)
    assert complete(Spec(source=ISO), newer, caps).nics == (Nic(NicKind.PASST, "", "virtio"),)
    # 9.0.0 refuses it, installed or not.
    refusing = SESSION._replace(passt=True)
    assert complete(Spec(source=ISO), refusing, caps).nics == spec.nics


def test_arm_has_uefi_a_scsi_cdrom_logical_volumes_and_a_bridge() -> None:
    spec = complete(Spec(source=ISO), ARM, aarch64_caps(), DEBIAN12)

    assert spec.machine.firmware is Firmware.UEFI
    assert spec.disks is not None
    assert spec.disks[0].new == NewVolume("vg0", "debian12", 20 * GIB, "raw", "full")
    assert [disk.bus for disk in spec.disks] == ["virtio", "scsi"]
    assert spec.nics == (Nic(NicKind.BRIDGE, "br0", "virtio"),)


def test_aarch64_under_tcg_never_gets_the_32_bit_cpu() -> None:
    caps = aarch64_caps("qemu")
    spec = Spec(machine=Machine(virt_type="qemu"))
    assert complete(spec, ARM, caps).machine.cpu == "maximum"
    assert complete(spec, ARM, caps._replace(cpu_modes=())).machine.cpu == "cortex-a57"


def test_an_old_host_gets_what_it_can_and_a_disk_that_fits() -> None:
    spec = complete(Spec(source=ISO), OLD, old_caps(), GENERIC)

    assert spec.machine.machine == "pc"
    assert spec.disks is not None
    assert spec.disks[0].new is not None
    assert spec.disks[0].new.size == 12 * GIB
    assert [disk.bus for disk in spec.disks] == ["virtio", "ide"]


def test_xen_gets_its_own_disks_and_nics() -> None:
    spec = complete(Spec(source=ISO), XEN, HOSTS["xen"][1], GENERIC)

    assert (spec.machine.virt_type, spec.machine.machine) == ("xen", "xenfv")
    assert spec.disks is not None
    assert [disk.bus for disk in spec.disks] == ["xen", "ide"]
    assert spec.nics == (Nic(NicKind.NETWORK, "default", "netfront"),)


def test_s390x_has_neither_screen_nor_cdrom_but_virtio() -> None:
    machine = Machine("kvm", "s390x", "s390-ccw-virtio")
    caps = DomainCaps(disk_buses=("fdc", "scsi", "virtio"), graphics=("vnc",))
    spec = complete(Spec(source=ISO, machine=machine), DESKTOP, caps, GENERIC)

    assert spec.graphics is Graphics.NONE
    assert spec.machine.firmware is Firmware.DEFAULT
    assert spec.disks is not None
    assert [disk.bus for disk in spec.disks] == ["virtio", "scsi"]


def test_a_cloud_image_is_overlaid_with_room_to_grow_and_needs_no_screen() -> None:
    spec = complete(Spec(source=CLOUD), DESKTOP, x86_caps(), DEBIAN12)

    volume = NewVolume("default", "debian12-2.qcow2", 20 * GIB, "qcow2", "off")
    assert spec.disks == (
        Disk(file=CLOUD.file, new=volume, overlay=True, bus="virtio", discard="unmap"),
    )
    assert spec.graphics is Graphics.NONE


def test_any_other_overlay_is_as_large_as_its_image() -> None:
    spec = Spec(source=CLOUD._replace(kind=SourceKind.OVERLAY))
    disks = complete(spec, DESKTOP, x86_caps(), DEBIAN12).disks
    assert disks is not None
    assert disks[0].new is not None
    assert disks[0].new.size == CLOUD_IMAGE.capacity


def test_the_disk_of_the_source_can_be_said_with_its_own_bus() -> None:
    mine = Disk(file=CLOUD.file, bus="scsi")
    spec = Spec(source=CLOUD._replace(kind=SourceKind.IMPORT), disks=(mine,))
    assert complete(spec, DESKTOP, x86_caps()).disks == (mine,)


def test_a_local_file_goes_to_the_default_pool() -> None:
    local = FileRef(local="/home/ann/alpine.iso")
    spec = complete(Spec(source=Source(SourceKind.ISO, local)), DESKTOP, x86_caps())
    assert spec.source.file == local._replace(pool="default")
    assert spec.name == "alpine"
    assert spec.disks is not None
    assert [disk.file for disk in spec.disks] == [FileRef(), local._replace(pool="default")]


def test_a_direct_kernel_speaks_on_the_serial_console() -> None:
    source = Source(SourceKind.KERNEL, kernel=FileRef(path="/boot/vmlinuz"))
    spec = complete(Spec(source=source), DESKTOP, x86_caps())
    assert spec.source.cmdline == "console=ttyS0"
    assert spec.disks == ()
    assert complete(Spec(source=source), ARM, aarch64_caps()).source.cmdline == "console=ttyAMA0"


def test_memory_is_no_more_than_half_of_a_small_host() -> None:
    small = SESSION._replace(memory_kib=3 * GIB_KIB)
    caps = HOSTS["session"][1]
    assert complete(Spec(), small, caps, GENERIC).memory_kib == 3 * GIB_KIB // 2
    # … unless the OS would not run in that.
    tiny = SESSION._replace(memory_kib=GIB_KIB)
    assert complete(Spec(), tiny, caps, DEBIAN12).memory_kib == 780 * 1024


@pytest.mark.parametrize(
    ("said", "vcpus", "expected"),
    [
        (Topology(), 4, Topology()),
        (Topology(threads=2), 4, Topology(1, 2, 2)),
        (Topology(sockets=2), 4, Topology(2, 2, 1)),
        (Topology(cores=2), 4, Topology(2, 2, 1)),
        (Topology(1, 2, 1), 0, Topology(1, 2, 1)),
        (Topology(cores=3), 4, Topology(2, 3, 1)),
        (Topology(2, 1, 1), 4, Topology(2, 1, 1)),
    ],
)
def test_a_topology_is_filled_so_that_every_vcpu_has_a_place(
    said: Topology, vcpus: int, expected: Topology
) -> None:
    spec = complete(Spec(vcpus=vcpus, machine=Machine(topology=said)), DESKTOP, x86_caps())
    assert spec.machine.topology == expected
    if not vcpus:
        assert spec.vcpus == 2


def test_presets() -> None:
    def classes(preset: Preset) -> tuple[list[str], list[str]]:
        spec = complete(Spec(preset=preset), DESKTOP, x86_caps(), DEBIAN12)
        return [disk.bus for disk in spec.disks or ()], [nic.model for nic in spec.nics or ()]

    assert classes(Preset.PARAVIRTUAL) == (["virtio"], ["virtio"])
    assert classes(Preset.EMULATED) == (["sata"], ["e1000e"])
    # The NIC without a model is a VF of the host's pool of VFs: it is the silicon's own.
    assert classes(Preset.ONE_OF_EACH) == (["virtio", "sata"], ["virtio", "e1000e", ""])
    assert classes(Preset.PASSTHROUGH) == (["virtio"], [""])


def test_passthrough_takes_a_free_vf_and_nothing_else() -> None:
    offer = DESKTOP._replace(networks=())
    spec = complete(Spec(preset=Preset.PASSTHROUGH), offer, x86_caps(), DEBIAN12)
    assert spec.nics == ()
    assert spec.passed == (Passed(PassKind.VF, VF.address, VF.nodedev),)
    used = VF._replace(used_by=("guest web",))
    others = tuple(device for device in DEVICES if device != VF)
    spec = complete(
        Spec(preset=Preset.PASSTHROUGH), offer._replace(devices=(*others, used)), x86_caps()
    )
    assert spec.passed == ()
    assert [nic.model for nic in spec.nics or ()] == ["virtio"]


def _from(source: str) -> Nic:
    return Nic(source=source)


def test_a_nic_that_names_a_source_alone() -> None:
    nics = (
        Nic(source="lab"),
        Nic(source="br0"),
        Nic(source="eth0"),
        Nic(forwards=(Forward(1, 2),)),
    )
    spec = complete(Spec(nics=nics), DESKTOP, x86_caps(), DEBIAN12)
    assert [(nic.kind, nic.source) for nic in spec.nics or ()] == [
        (NicKind.NETWORK, "lab"),
        (NicKind.BRIDGE, "br0"),
        (NicKind.MACVTAP, "eth0"),
        (NicKind.PASST, ""),
    ]


def test_without_a_default_network_another_that_leads_out() -> None:
    networks = (Network("cut", True), Network("office", True, "route"))
    spec = complete(Spec(), DESKTOP._replace(networks=networks), x86_caps())
    assert (spec.nics or ())[0].source == "office"


def test_a_copy_keeps_what_its_source_has() -> None:
    spec = Spec(source=Source(SourceKind.COPY, guest="web"))
    assert complete(spec, DESKTOP, x86_caps()) == spec._replace(name="web-copy")


def test_a_name_that_nothing_can_be_made_of() -> None:
    source = Source(SourceKind.ISO, FileRef(path="/x/\x1b[2J/ /☃.iso"))
    assert complete(Spec(source=source), DESKTOP, x86_caps()).name == "guest"


_files = st.sampled_from(
    [
        FileRef(),
        FileRef(pool="default", volume="debian-12.iso"),
        FileRef(path="/var/lib/libvirt/images/web.qcow2"),
        FileRef(local="/tmp/x.iso"),
        FileRef(pool="gone", volume="x"),
    ]
)
_volumes = st.none() | st.builds(
    NewVolume,
    pool=st.sampled_from(["", "default", "vg0", "gone"]),
    name=st.sampled_from(["", "a.qcow2"]),
    size=st.integers(-1, 1 << 62),
    format=st.sampled_from(["", "raw", "qcow2"]),
    preallocation=st.sampled_from(["", "full"]),
)
_disks = st.builds(
    Disk,
    kind=st.sampled_from(DiskKind),
    file=_files,
    new=_volumes,
    overlay=st.booleans(),
    bus=st.sampled_from(["", "virtio", "ide", "nonsense"]),
)
_nics = st.builds(
    Nic,
    kind=st.sampled_from(NicKind),
    source=st.sampled_from(["", "default", "br0", "eth0", "gone", "vfs"]),
    model=st.sampled_from(["", "virtio", "e1000"]),
)
_machines = st.builds(
    Machine,
    virt_type=st.sampled_from(["", "kvm", "qemu", "xen", "hvf", "odd"]),
    arch=st.sampled_from(["", "x86_64", "aarch64", "s390x", "ppc64le", "riscv64", "odd"]),
    machine=st.sampled_from(["", "q35", "pc", "virt", "odd"]),
    firmware=st.sampled_from(Firmware),
    tpm=st.none() | st.booleans(),
    cpu=st.sampled_from(["", "host-model", "qemu64"]),
    nested=st.none() | st.booleans(),
    topology=st.builds(Topology, st.integers(-1, 9), st.integers(-1, 9), st.integers(-1, 9)),
)
specs = st.builds(
    Spec,
    name=st.sampled_from(["", "web", "new", "a/b"]),
    source=st.builds(
        Source,
        kind=st.sampled_from(SourceKind),
        file=_files,
        kernel=_files,
        initrd=_files,
        guest=st.sampled_from(["", "web"]),
    ),
    vcpus=st.integers(-1, 10000),
    memory_kib=st.integers(-1, 1 << 60),
    memory_max_kib=st.integers(-1, 1 << 60),
    preset=st.sampled_from(Preset),
    machine=_machines,
    disks=st.none() | st.lists(_disks, max_size=4).map(tuple),
    nics=st.none() | st.lists(_nics, max_size=3).map(tuple),
    graphics=st.sampled_from(Graphics),
)
hosts = st.sampled_from(sorted(HOSTS))
oses = st.sampled_from([GENERIC, DEBIAN12, WINDOWS11, RHEL5])


@given(specs, hosts, oses)
def test_completing_twice_changes_nothing(spec: Spec, host: str, os: OsInfo) -> None:
    offer, caps = HOSTS[host]
    once = complete(spec, offer, caps, os)
    assert complete(once, offer, caps, os) == once


@given(specs, hosts, oses)
def test_what_was_said_is_left_untouched(spec: Spec, host: str, os: OsInfo) -> None:
    offer, caps = HOSTS[host]
    done = complete(spec, offer, caps, os)
    for field in ("name", "vcpus", "memory_kib", "memory_max_kib", "graphics"):
        if getattr(spec, field):
            assert getattr(done, field) == getattr(spec, field)
    for field in ("virt_type", "arch", "machine", "firmware", "tpm", "cpu", "nested"):
        said = getattr(spec.machine, field)
        if said not in ("", None):
            assert getattr(done.machine, field) == said
    if spec.disks is None or done.disks is None:
        return
    for disk in spec.disks:
        assert any(_keeps(disk, filled) for filled in done.disks)


def _keeps(said: Disk, filled: Disk) -> bool:
    same = (filled.kind, filled.overlay) == (said.kind, said.overlay)
    where = (filled.file.path, filled.file.volume, filled.file.local)
    bus = not said.bus or filled.bus == said.bus
    return same and where == (said.file.path, said.file.volume, said.file.local) and bus


@given(hosts, oses, st.integers(1, 64), st.integers(1, 1 << 27))
def test_defaults_never_ask_for_more_than_the_host_has(
    host: str, os: OsInfo, cpus: int, memory: int
) -> None:
    offer, caps = HOSTS[host]
    offer = offer._replace(cpus=cpus, memory_kib=max(memory, 1024))
    done = complete(Spec(), offer, caps, os)
    assert 1 <= done.vcpus <= cpus
    assert 0 < done.memory_kib <= offer.memory_kib
