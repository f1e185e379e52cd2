"""What can be chosen for a new guest: from the host's answers alone, the reason at what cannot."""

from __future__ import annotations

import random
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.ui.create_support import CAPS, DEBIAN, OFFER, TCG, TCG_CAPS, WINDOWS
from tuivm.domainxml.domcaps import read_domain_caps
from tuivm.domainxml.hostcaps import read_capabilities
from tuivm.model.devices import DeviceClass
from tuivm.model.offers import (
    Capabilities,
    CpuMode,
    CpuModel,
    DomainCaps,
    GuestArch,
    HostOffer,
    MachineType,
)
from tuivm.model.oses import GENERIC
from tuivm.model.spec import DiskKind, Firmware, Forward, Machine, Nic, NicKind, Preset, Spec
from tuivm.preflight.choices_disk import (
    disk_buses,
    formats,
    ios,
    iothread_refusal,
    new_volume_refusal,
    pools,
    preallocations,
)
from tuivm.preflight.choices_machine import (
    Pick,
    archs,
    cpu_choices,
    firmwares,
    hugepage_sizes,
    machines,
    presets,
    tpm_refusal,
    viommus,
    virt_types,
)
from tuivm.preflight.choices_nic import (
    connection_of,
    connection_value,
    connections,
    forward_text,
    forwards_fault,
    mac_fault,
    model_class,
    nic_models,
    parse_forward,
    random_mac,
)
from tuivm.preflight.defaults import complete

DATA = Path(__file__).parent / "data" / "create"

Q35 = Machine("kvm", "x86_64", "q35")
PC = Machine("kvm", "x86_64", "pc")
VIRT = Machine("kvm", "aarch64", "virt")
S390 = Machine("kvm", "s390x", "s390-ccw-virtio")
S390_OFFER = HostOffer(
    "z",
    driver="QEMU",
    capabilities=Capabilities(
        arch="s390x",
        guests=(
            GuestArch(
                "s390x",
                "hvm",
                "/usr/bin/qemu-system-s390x",
                ("kvm", "qemu"),
                (MachineType("s390-ccw-virtio", "s390-ccw-virtio-8.2"),),
            ),
        ),
    ),
)


def can(picks: tuple[Pick, ...]) -> list[str]:
    return [pick.value for pick in picks if not pick.refusal]


def refusals(picks: tuple[Pick, ...]) -> dict[str, str]:
    return {pick.value: pick.refusal for pick in picks if pick.refusal}


def test_types_of_virtualization_come_fastest_first() -> None:
    assert can(virt_types(OFFER)) == ["kvm", "qemu"]
    assert can(virt_types(TCG)) == ["qemu"]
    assert "neither vmx nor svm" in refusals(virt_types(TCG))["kvm"]
    assert "own architecture (x86_64)" in refusals(virt_types(OFFER, "aarch64"))["kvm"]


def test_kvm_is_no_word_on_a_xen_host() -> None:
    guests = (GuestArch("x86_64", "xen", "/usr/bin/qemu", ("xen",), ()),)
    xen = HostOffer("x", driver="Xen", capabilities=Capabilities(arch="x86_64", guests=guests))
    assert [pick.value for pick in virt_types(xen)] == ["xen"]


def test_a_host_that_says_nothing_offers_nothing() -> None:
    nothing = HostOffer("")
    assert virt_types(nothing) == ()
    assert archs(nothing) == ()
    assert machines(nothing, "kvm") == ()
    assert pools(nothing) == ()


def test_architectures_begin_with_the_hosts_own() -> None:
    assert [pick.value for pick in archs(OFFER)] == ["x86_64", "aarch64"]
    assert "translated" in archs(OFFER)[1].note


def test_machines_aliases_first_deprecated_last() -> None:
    names = [pick.value for pick in machines(OFFER, "kvm", "x86_64")]
    assert names[:2] == ["q35", "pc"]
    assert names[-1] == "pc-q35-2.12"
    notes = {pick.value: pick.note for pick in machines(OFFER, "kvm", "x86_64")}
    assert "now pc-q35-7.2" in notes["q35"]
    assert "deprecated" in notes["pc-q35-2.12"]
    assert machines(OFFER, "xen", "x86_64") == ()


@pytest.mark.parametrize(
    ("caps", "able"),
    [
        (CAPS, ["bios", "uefi", "uefi-secure"]),
        (CAPS._replace(secure_boot=False), ["bios", "uefi"]),
        (TCG_CAPS, ["bios"]),
        (CAPS._replace(arch="aarch64", firmware=("efi",), secure_boot=False), ["uefi"]),
        (DomainCaps(arch="x86_64", loaders=("/usr/share/OVMF/OVMF_CODE.fd",)), ["bios", "uefi"]),
        (DomainCaps(arch="s390x"), []),
    ],
)
def test_firmware(caps: DomainCaps, able: list[str]) -> None:
    assert can(firmwares(caps)) == able


def test_missing_firmware_names_its_package() -> None:
    assert "ovmf" in refusals(firmwares(TCG_CAPS))[Firmware.UEFI]
    assert "q35" in refusals(firmwares(CAPS._replace(secure_boot=False)))[Firmware.UEFI_SECURE]


def test_tpm_needs_swtpm() -> None:
    assert tpm_refusal(CAPS) == ""
    assert "swtpm" in tpm_refusal(TCG_CAPS)
    assert "swtpm" in tpm_refusal(CAPS._replace(tpm_backends=("passthrough",)))


def test_cpu_models_that_the_host_cannot_run_stand_last_with_the_reason() -> None:
    picks = cpu_choices(CAPS)
    assert can(picks) == [
        "host-passthrough",
        "host-model",
        "maximum",
        "Skylake-Client",
        "qemu64",
        "486",
    ]
    assert "lacks features" in refusals(picks)["EPYC"]
    assert "Skylake-Client-IBRS" in picks[1].note
    assert "host-passthrough" in refusals(cpu_choices(TCG_CAPS))
    unsure = CAPS._replace(cpu_models=(CpuModel("EPYC", None),))
    assert "does not say" in cpu_choices(unsure)[-1].note
    old = CAPS._replace(cpu_modes=(CpuMode("host-model", True),))
    assert can(cpu_choices(old)) == ["host-model"]


def test_virtual_iommus() -> None:
    assert can(viommus(Q35, OFFER)) == ["", "intel", "virtio"]
    assert can(viommus(PC, OFFER)) == [""]
    assert can(viommus(VIRT, OFFER)) == ["", "virtio"]
    assert can(viommus(Q35, OFFER._replace(libvirt_version=8_000_000))) == ["", "intel"]
    assert can(viommus(Q35, OFFER._replace(qemu_version=6_001_000))) == ["", "intel"]


def test_presets_have_their_class_and_passthrough_needs_vfs() -> None:
    classes = {pick.value: pick.cls for pick in presets(OFFER)}
    assert classes[Preset.PARAVIRTUAL] is DeviceClass.PARAVIRTUAL
    assert classes[Preset.EMULATED] is DeviceClass.EMULATED
    assert refusals(presets(OFFER)) == {}
    assert "no free VF" in refusals(presets(TCG))[Preset.PASSTHROUGH]


def test_hugepages_by_size() -> None:
    picks = hugepage_sizes(OFFER)
    assert [(pick.value, pick.label) for pick in picks[1:]] == [
        ("2048", "2 MiB"),
        ("1048576", "1 GiB"),
    ]
    assert "1024 reserved" in picks[1].note
    assert "reserved none" in picks[2].refusal


def test_buses_paravirtual_first_and_only_what_the_machine_has() -> None:
    assert can(disk_buses(Q35, CAPS, DEBIAN)) == ["virtio", "scsi", "sata", "usb", "lsilogic"]
    refused = refusals(disk_buses(Q35, CAPS, DEBIAN))
    assert "q35 has no IDE" in refused["ide"]
    assert "do not offer it" in refused["nvme"]
    newer = CAPS._replace(disk_buses=(*CAPS.disk_buses, "nvme", "ide"), machine="pc-i440fx-9.0")
    assert can(disk_buses(PC, newer, DEBIAN))[2:5] == ["nvme", "sata", "ide"]
    only = DomainCaps(arch="s390x", disk_buses=("virtio", "scsi"))
    assert can(disk_buses(S390, only, GENERIC)) == ["virtio", "scsi"]


def test_a_bus_without_a_driver_comes_after_those_with_one() -> None:
    picks = disk_buses(Q35, CAPS, WINDOWS)
    assert can(picks)[:2] == ["sata", "usb"]
    virtio = next(pick for pick in picks if pick.value == "virtio")
    assert virtio.note.startswith("Microsoft Windows 10 brings no driver")
    assert virtio.refusal == ""


def test_a_cdrom_is_never_on_virtio_blk() -> None:
    picks = disk_buses(Q35, CAPS, DEBIAN, DiskKind.CDROM)
    assert can(picks) == ["scsi", "sata", "usb"]
    assert "CD-ROM" in refusals(picks)["virtio"]


def test_a_host_that_lists_no_buses_is_not_told_that_it_has_none() -> None:
    assert "virtio" in can(disk_buses(PC, DomainCaps(arch="x86_64"), GENERIC))
    assert "nvme" not in can(disk_buses(PC, DomainCaps(arch="x86_64"), GENERIC))


def test_pools_say_what_is_free_and_why_not() -> None:
    picks = pools(OFFER)
    assert [pick.value for pick in picks] == ["default", "fast", "nas"]
    assert picks[0].note.startswith("104G free of 500G")
    assert "not active" in picks[2].refusal
    assert "no volumes" in new_volume_refusal(OFFER.pools[0]._replace(kind="iscsi"))
    # As the preflight has it: no guest's definition can name a volume there.
    assert "no volumes" in new_volume_refusal(OFFER.pools[0]._replace(kind="rbd"))
    assert new_volume_refusal(OFFER.pools[0]) == ""


def test_formats_follow_the_pool() -> None:
    assert can(formats(OFFER.pools[0])) == ["qcow2", "raw"]
    assert can(formats(OFFER.pools[1])) == ["raw"]
    assert can(formats(None)) == ["qcow2", "raw"]
    assert can(preallocations("qcow2", OFFER.pools[0])) == ["off", "metadata", "full"]
    assert can(preallocations("raw", OFFER.pools[0])) == ["off", "full"]
    assert can(preallocations("raw", OFFER.pools[1])) == ["full"]


def test_native_io_needs_a_cache_mode_that_goes_past_the_page_cache() -> None:
    assert "native" in can(ios("none", OFFER))
    assert "native" in refusals(ios("", OFFER))
    assert "io_uring" in refusals(ios("", OFFER._replace(libvirt_version=6_000_000)))


def test_io_threads_serve_virtio_alone() -> None:
    assert iothread_refusal(CAPS, "virtio") == ""
    assert iothread_refusal(CAPS, "sata")
    assert iothread_refusal(CAPS._replace(iothreads=False), "virtio")


def test_models_of_nics() -> None:
    assert can(nic_models(Q35, OFFER, DEBIAN))[:3] == ["virtio", "vmxnet3", "e1000e"]
    assert "PCI only" in refusals(nic_models(PC, OFFER, DEBIAN))["e1000e"]
    assert "libvirt 9.3" in refusals(nic_models(Q35, OFFER, DEBIAN))["igb"]
    newer = OFFER._replace(libvirt_version=10_000_000, qemu_version=8_002_000)
    assert "igb" in can(nic_models(Q35, newer, DEBIAN))
    assert can(nic_models(S390, S390_OFFER, GENERIC)) == ["virtio"]
    assert can(nic_models(Machine("xen", "x86_64", "xenpv"), OFFER, GENERIC)) == ["netfront"]
    assert can(nic_models(Q35, OFFER, WINDOWS))[-1] == "virtio"


def test_connections_of_a_system_host() -> None:
    picks = connections(OFFER)
    assert can(picks) == [
        "",
        "network:default",
        "network:vfs",
        "bridge:br0",
        "macvtap:eno1",
        "passt",
        "user",
        "none",
    ]
    assert "inactive" in refusals(picks)["network:lab"]


def test_the_first_libvirt_with_passt_refuses_it() -> None:
    old = OFFER._replace(libvirt_version=9_000_000)
    assert "later than 9.0.0" in refusals(connections(old))["passt"]


def test_connections_of_a_session() -> None:
    picks = connections(TCG)
    assert "macvtap:eno1" in refusals(picks)
    assert "not installed" in refusals(picks)["passt"]
    assert "user" in can(picks)


@pytest.mark.parametrize("value", ["", "user", "none", "network:default", "bridge:br:0"])
def test_connections_read_back(value: str) -> None:
    kind, source = connection_of(value)
    assert connection_value(Nic(kind, source)) == value


def test_a_nic_of_a_vf_pool_is_physical() -> None:
    assert model_class(Nic(NicKind.NETWORK, "vfs", "virtio"), OFFER) is DeviceClass.PHYSICAL
    assert model_class(Nic(NicKind.NETWORK, "default", "virtio"), OFFER) is DeviceClass.PARAVIRTUAL
    assert model_class(Nic(model="e1000"), OFFER) is DeviceClass.EMULATED
    assert model_class(Nic(), OFFER) is None


def test_random_macs_are_of_the_drivers_range_and_good() -> None:
    rng = random.Random(1)
    macs = {random_mac("QEMU", rng) for _ in range(50)}
    assert len(macs) == 50
    assert all(mac.startswith("52:54:00:") and not mac_fault(mac) for mac in macs)
    assert random_mac("Xen").startswith("00:16:3e:")


@pytest.mark.parametrize(
    ("mac", "fault"),
    [
        ("", ""),
        ("52:54:00:12:34:56", ""),
        ("52-54-00-12-34-AB", ""),
        ("53:54:00:12:34:56", "multicast"),
        ("00:00:00:00:00:00", "says nothing"),
        ("52:54:00:12:34", "six pairs"),
        ("٥٢:54:00:12:34:56", "six pairs"),
        ("x" * 100_000, "six pairs"),
    ],
)
def test_macs(mac: str, fault: str) -> None:
    assert (fault in mac_fault(mac)) if fault else mac_fault(mac) == ""


@pytest.mark.parametrize(
    ("text", "forward"),
    [
        ("2222:22", Forward(2222, 22)),
        ("udp 53:53", Forward(53, 53, "udp")),
        ("8080:80/udp", Forward(8080, 80, "udp")),
        ("127.0.0.1:2222:22", Forward(2222, 22, host_address="127.0.0.1")),
        ("[::1]:2222:22", Forward(2222, 22, host_address="::1")),
    ],
)
def test_forwards(text: str, forward: Forward) -> None:
    assert parse_forward(text) == forward
    assert parse_forward(forward_text(forward)) == forward


@pytest.mark.parametrize(
    "text",
    ["", "22", "x:22", "0:22", "22:65536", "-1:22", "22:22/icmp", "²:22", ":22", "9" * 50 + ":1"],
)
def test_what_is_no_forward(text: str) -> None:
    assert isinstance(parse_forward(text), str)
    assert forwards_fault(text)


def test_a_port_is_forwarded_once() -> None:
    assert "twice" in forwards_fault("2222:22, 2222:80")
    assert forwards_fault("2222:22, 2222:22/udp") == ""


class Seen(NamedTuple):
    """What a host's own documents come to."""

    driver: str
    virts: list[str]
    machine: str
    firmware: list[str]
    disks: list[str]
    cdroms: list[str]
    nics: list[str]


_X86_NICS = ["virtio", "vmxnet3", "e1000e", "e1000", "rtl8139", "pcnet", "ne2k_pci"]
_PCI_NICS = ["e1000e", "e1000", "rtl8139", "pcnet", "ne2k_pci"]
HOSTS = {
    ("aarch64-kvm", "aarch64-virt-tcg"): Seen(
        "QEMU",
        ["kvm", "qemu"],
        "virt",
        [],
        ["virtio", "scsi", "sata", "usb"],
        ["scsi", "sata", "usb"],
        ["virtio", *_PCI_NICS],
    ),
    ("ppc64le-kvm", "ppc64-pseries-tcg"): Seen(
        "QEMU",
        ["kvm", "qemu"],
        "pseries",
        [],
        ["virtio", "scsi", "sata", "usb"],
        ["scsi", "sata", "usb"],
        ["virtio", "spapr-vlan", *_PCI_NICS],
    ),
    ("riscv64-kvm", "riscv64-virt-tcg"): Seen(
        "QEMU",
        ["kvm", "qemu"],
        "virt",
        [],
        ["virtio", "scsi", "sata", "usb"],
        ["scsi", "sata", "usb"],
        ["virtio", *_PCI_NICS],
    ),
    ("s390x-kvm", "s390x-tcg"): Seen(
        "QEMU",
        ["kvm", "qemu"],
        "s390-ccw-virtio",
        [],
        ["virtio", "scsi"],
        ["scsi"],
        ["virtio"],
    ),
    ("xen", "xen-hvm"): Seen(
        "Xen",
        ["xen"],
        "xenfv",
        ["bios", "uefi"],
        ["xen", "ide"],
        ["xen", "ide"],
        ["netfront", "e1000", "rtl8139"],
    ),
    ("x86-tcg", "x86-q35-tcg"): Seen(
        "QEMU",
        ["qemu"],
        "q35",
        ["bios"],
        ["virtio", "scsi", "sata", "usb", "lsilogic"],
        ["scsi", "sata", "usb"],
        _X86_NICS,
    ),
    ("intel-kvm", "x86-q35-intel-kvm"): Seen(
        "QEMU",
        ["kvm", "qemu"],
        "q35",
        ["bios", "uefi", "uefi-secure"],
        ["virtio", "scsi", "nvme", "sata", "usb", "lsilogic"],
        ["scsi", "sata", "usb"],
        _X86_NICS,
    ),
}


@pytest.mark.parametrize("names", HOSTS, ids=" ".join)
def test_captured_documents(names: tuple[str, str]) -> None:
    seen = HOSTS[names]
    capabilities, told = (
        (DATA / f"{kind}-{name}.xml").read_text()
        for kind, name in zip(("capabilities", "domcaps"), names, strict=True)
    )
    caps = read_domain_caps(told)
    offer = HostOffer(
        "h",
        driver=seen.driver,
        libvirt_version=9_001_000,
        qemu_version=7_002_000,
        capabilities=read_capabilities(capabilities),
    )
    machine = complete(Spec(name="x"), offer, caps).machine
    assert can(virt_types(offer)) == seen.virts
    assert machine.machine == seen.machine
    assert can(machines(offer, machine.virt_type, machine.arch))[0] == seen.machine
    assert can(firmwares(caps)) == seen.firmware
    assert can(disk_buses(machine, caps, GENERIC)) == seen.disks
    assert can(disk_buses(machine, caps, GENERIC, DiskKind.CDROM)) == seen.cdroms
    assert can(nic_models(machine, offer, GENERIC)) == seen.nics
    assert all(pick.refusal for pick in cpu_choices(caps) if pick.value not in usable(caps))


def usable(caps: DomainCaps) -> set[str]:
    modes = {mode.name for mode in caps.cpu_modes if mode.supported}
    return modes | {model.name for model in caps.cpu_models if model.usable is not False}
