"""Hosts to create guests on, as HostOffer and DomainCaps: each like one that exists."""

from __future__ import annotations

from tuivm.model.offers import (
    Capabilities,
    CpuMode,
    CpuModel,
    DomainCaps,
    GuestArch,
    HostDevice,
    HostInterface,
    HostOffer,
    MachineType,
    NestingFacts,
    Network,
    NumaNode,
    Pool,
    Volume,
)
from tuivm.model.oses import OsInfo

GIB = 1 << 30
MIB_KIB = 1024
GIB_KIB = 1024 * 1024

DEBIAN12 = OsInfo(
    id="http://debian.org/debian/12",
    short_id="debian12",
    name="Debian 12",
    family="linux",
    vcpus_min=1,
    vcpus=2,
    memory_min_kib=780 * MIB_KIB,
    memory_kib=2 * GIB_KIB,
    storage_min=4 * GIB,
    storage=20 * GIB,
    devices=(
        "e1000e",
        "qemu-x86-q35",
        "virtio-block",
        "virtio-net",
        "virtio1.0-block",
        "virtio1.0-net",
        "virtio1.0-rng",
        "virtio1.0-scsi",
        "virtio1.0-gpu",
    ),
    uefi=True,
    bios=True,
    cloud_init=True,
)
WINDOWS11 = OsInfo(
    id="http://microsoft.com/win/11",
    short_id="win11",
    name="Microsoft Windows 11",
    family="winnt",
    vcpus_min=2,
    vcpus=2,
    memory_min_kib=4 * GIB_KIB,
    memory_kib=4 * GIB_KIB,
    storage_min=64 * GIB,
    storage=64 * GIB,
    devices=("e1000", "e1000e", "ich9-hda", "qemu-x86-q35", "qemu-xhci"),
    uefi=True,
    bios=False,
)
RHEL5 = OsInfo(
    id="http://redhat.com/rhel/5.0",
    short_id="rhel5.0",
    name="Red Hat Enterprise Linux 5.0",
    family="linux",
    memory_min_kib=512 * MIB_KIB,
    memory_kib=512 * MIB_KIB,
    storage=10 * GIB,
    devices=("e1000", "rtl8139", "pcnet"),
    ended=True,
)

_X86_MACHINES = (
    MachineType("pc-i440fx-8.2", max_cpus=255),
    MachineType("pc", "pc-i440fx-8.2", 255),
    MachineType("pc-q35-8.2", max_cpus=288),
    MachineType("q35", "pc-q35-8.2", 288),
)
_PASSTHROUGH = CpuMode("host-passthrough", True)
_MAXIMUM = CpuMode("maximum", True)


def x86_caps(
    virt_type: str = "kvm", machine: str = "q35", *, efi: bool = True, swtpm: bool = True
) -> DomainCaps:
    """libvirt 10 with QEMU 8.2 on an Intel desktop."""
    kvm = virt_type == "kvm"
    return DomainCaps(
        emulator="/usr/bin/qemu-system-x86_64",
        virt_type=virt_type,
        arch="x86_64",
        machine=machine,
        max_vcpus=288 if machine == "q35" else 255,
        iothreads=True,
        firmware=("bios", "efi") if efi else ("bios",),
        loaders=("/usr/share/OVMF/OVMF_CODE_4M.ms.fd",) if efi else (),
        secure_boot=efi,
        cpu_modes=(
            CpuMode("host-passthrough", kvm),
            _MAXIMUM,
            CpuMode(
                "host-model",
                True,
                "Skylake-Client-IBRS" if kvm else "EPYC",
                (("vmx", "require"),) if kvm else (("svm", "require"),),
            ),
            CpuMode("custom", True),
        ),
        cpu_models=(
            CpuModel("qemu64", True),
            CpuModel("Skylake-Client-IBRS", kvm, "Intel"),
            CpuModel("EPYC-Genoa", False, "AMD"),
        ),
        disk_devices=("disk", "cdrom", "floppy", "lun"),
        disk_buses=("fdc", "scsi", "virtio", "usb", "sata")
        if machine == "q35"
        else ("ide", "fdc", "scsi", "virtio", "usb", "sata"),
        graphics=("sdl", "vnc", "spice", "egl-headless", "dbus"),
        videos=("vga", "cirrus", "qxl", "virtio", "none", "bochs"),
        hostdev_types=("usb", "pci", "scsi"),
        rng_models=("virtio", "virtio-transitional", "virtio-non-transitional"),
        tpm_models=("tpm-tis", "tpm-crb") if swtpm else (),
        tpm_backends=("passthrough", "emulator") if swtpm else (),
        channels=("pty", "unix"),
        memory_backings=("file", "anonymous", "memfd"),
    )


def aarch64_caps(virt_type: str = "kvm") -> DomainCaps:
    return DomainCaps(
        emulator="/usr/bin/qemu-system-aarch64",
        virt_type=virt_type,
        arch="aarch64",
        machine="virt",
        max_vcpus=512,
        iothreads=True,
        firmware=("efi",),
        loaders=("/usr/share/AAVMF/AAVMF_CODE.fd",),
        cpu_modes=(
            CpuMode("host-passthrough", virt_type == "kvm"),
            _MAXIMUM,
            CpuMode("host-model", False),
        ),
        disk_buses=("fdc", "scsi", "virtio", "usb", "sata"),
        graphics=("vnc",),
        hostdev_types=("usb", "pci"),
    )


def old_caps() -> DomainCaps:
    """libvirt 4.0: no modes of firmware, no maximum, no list of graphics."""
    return DomainCaps(
        emulator="/usr/bin/kvm",
        virt_type="kvm",
        arch="x86_64",
        machine="pc",
        max_vcpus=255,
        cpu_modes=(_PASSTHROUGH, CpuMode("host-model", True, "Haswell-noTSX")),
        disk_devices=("disk", "cdrom", "floppy", "lun"),
        disk_buses=("ide", "fdc", "scsi", "virtio", "usb"),
        hostdev_types=("usb", "pci", "scsi"),
    )


def xen_caps() -> DomainCaps:
    return DomainCaps(
        emulator="/usr/lib/xen/bin/qemu-system-i386",
        virt_type="xen",
        arch="x86_64",
        machine="xenfv",
        max_vcpus=128,
        disk_devices=("disk", "cdrom"),
        disk_buses=("ide", "scsi", "xen"),
        graphics=("sdl", "vnc", "spice"),
        hostdev_types=("usb", "pci"),
    )


DEBIAN_ISO = Volume("debian-12.iso", "/var/lib/libvirt/images/debian-12.iso", GIB, GIB, "iso")
CLOUD_IMAGE = Volume(
    "debian-12-cloud.qcow2",
    "/var/lib/libvirt/images/debian-12-cloud.qcow2",
    2 * GIB,
    400 << 20,
    "qcow2",
)
WEB_DISK = Volume(
    "web.qcow2",
    "/var/lib/libvirt/images/web.qcow2",
    20 * GIB,
    9 * GIB,
    "qcow2",
    used_by=("web",),
)
DEFAULT_POOL = Pool(
    "default",
    "dir",
    True,
    "/var/lib/libvirt/images",
    400 * GIB,
    100 * GIB,
    (DEBIAN_ISO, CLOUD_IMAGE, WEB_DISK),
)
LVM_POOL = Pool("vg0", "logical", True, "/dev/vg0", 900 * GIB, 30 * GIB)
OFF_POOL = Pool("backup", "dir", False, "/srv/backup")
RBD_POOL = Pool(
    "ceph",
    "rbd",
    True,
    "libvirt-pool",
    9000 * GIB,
    5000 * GIB,
    (Volume("disk1", "libvirt-pool/disk1", 9 * GIB, 9 * GIB, "raw"),),
)

NIC = HostDevice(
    "pci",
    "pci_0000_03_00_0",
    "0000:03:00.0",
    "Intel",
    "82599ES",
    "8086:10fb",
    "020000",
    "ixgbe",
    20,
    ("0000:03:00.0",),
    virtual_functions=("0000:03:10.0",),
    critical=("it carries this connection (eth0)",),
)
VF = HostDevice(
    "pci",
    "pci_0000_03_10_0",
    "0000:03:10.0",
    "Intel",
    "82599 VF",
    "8086:10ed",
    "020000",
    "ixgbevf",
    21,
    ("0000:03:10.0",),
    physical_function="0000:03:00.0",
)
GPU = HostDevice(
    "pci",
    "pci_0000_01_00_0",
    "0000:01:00.0",
    "NVIDIA",
    "GP104",
    "10de:1b80",
    "030000",
    "vfio-pci",
    1,
    ("0000:00:01.0", "0000:01:00.0", "0000:01:00.1"),
)
GPU_AUDIO = HostDevice(
    "pci",
    "pci_0000_01_00_1",
    "0000:01:00.1",
    "NVIDIA",
    "GP104 audio",
    "10de:10f0",
    "040300",
    "snd_hda_intel",
    1,
    ("0000:00:01.0", "0000:01:00.0", "0000:01:00.1"),
)
ROOT_PORT = HostDevice(
    "pci",
    "pci_0000_00_01_0",
    "0000:00:01.0",
    "Intel",
    "PCIe root port",
    "8086:1901",
    "060400",
    "pcieport",
    1,
    ("0000:00:01.0", "0000:01:00.0", "0000:01:00.1"),
)
NVME = HostDevice(
    "pci",
    "pci_0000_04_00_0",
    "0000:04:00.0",
    "Samsung",
    "PM981",
    "144d:a808",
    "010802",
    "nvme",
    22,
    ("0000:04:00.0",),
    used_by=("mounted on /srv",),
    critical=("it has / on it",),
)
SATA = HostDevice(
    "pci",
    "pci_0000_00_17_0",
    "0000:00:17.0",
    "Intel",
    "SATA",
    "8086:a102",
    "010601",
    "ahci",
    9,
    ("0000:00:17.0", "0000:00:17.2"),
)
LEFT_ALONE = HostDevice(
    "pci",
    "pci_0000_05_00_0",
    "0000:05:00.0",
    "Realtek",
    "RTL8111",
    "10ec:8168",
    "020000",
    "r8169",
    23,
    ("0000:05:00.0",),
)
USB_KEY = HostDevice("usb", "usb_1_4", "1-4", "Yubico", "YubiKey", "1050:0407", bus=1, device=7)
USB_STICK_A = HostDevice("usb", "usb_1_5", "1-5", "SanDisk", "Ultra", "0781:5581", bus=1, device=8)
USB_STICK_B = HostDevice("usb", "usb_1_6", "1-6", "SanDisk", "Ultra", "0781:5581", bus=1, device=9)
USB_HUB = HostDevice(
    "usb", "usb_usb1", "usb1", "Linux Foundation", "2.0 root hub", "1d6b:0002", bus=1, device=1
)
MDEV = HostDevice(
    "mdev",
    "mdev_1",
    "4b20d080-1b54-4048-85b3-a6a62d165c01",
    "Intel",
    "GVTg",
    iommu_group=30,
    group_members=("4b20d080-1b54-4048-85b3-a6a62d165c01",),
)
DEVICES = (
    NIC,
    VF,
    GPU,
    GPU_AUDIO,
    ROOT_PORT,
    NVME,
    SATA,
    LEFT_ALONE,
    USB_KEY,
    USB_STICK_A,
    USB_STICK_B,
    USB_HUB,
    MDEV,
)

DESKTOP = HostOffer(
    host="desktop",
    uri="qemu:///system",
    driver="QEMU",
    local=True,
    libvirt_version=10000000,
    qemu_version=8002000,
    cpus=8,
    memory_kib=16 * GIB_KIB,
    memory_free_kib=10 * GIB_KIB,
    capabilities=Capabilities(
        arch="x86_64",
        cpu_model="Skylake-Client-IBRS",
        cpu_vendor="Intel",
        cpu_features=("vmx", "aes"),
        guests=(
            GuestArch(
                "x86_64", "hvm", "/usr/bin/qemu-system-x86_64", ("qemu", "kvm"), _X86_MACHINES
            ),
            GuestArch("i686", "hvm", "/usr/bin/qemu-system-i386", ("qemu", "kvm"), _X86_MACHINES),
            GuestArch(
                "aarch64",
                "hvm",
                "/usr/bin/qemu-system-aarch64",
                ("qemu",),
                (MachineType("virt-8.2"), MachineType("virt", "virt-8.2")),
            ),
        ),
        numa=(NumaNode(0, 16 * GIB_KIB, tuple(range(8)), ((2048, 0), (1048576, 2))),),
        security=("apparmor", "dac"),
        qemu_user="+64055:+64055",
    ),
    pools=(DEFAULT_POOL, LVM_POOL, OFF_POOL, RBD_POOL),
    networks=(
        Network("default", True, "nat", "virbr0", True),
        Network("lab", False, "nat", "virbr1", True),
        Network("vfs", True, "hostdev"),
        Network("boot", True, "nat", "virbr2", True, tftp=True),
    ),
    interfaces=(
        HostInterface("eth0", "ethernet", True),
        HostInterface("br0", "bridge", True),
        HostInterface("virbr0", "bridge", True),
    ),
    devices=DEVICES,
    guests=(
        ("web", "11111111-1111-4111-8111-111111111111", True),
        ("debian12", "22222222-2222-4222-8222-222222222222", False),
    ),
    nesting=NestingFacts("Intel", True, "kvm_intel", True, 0, "6.1.0"),
    passt=True,
    images_path="/var/lib/libvirt/images",
)

SESSION = HostOffer(
    host="session",
    uri="qemu:///session",
    driver="QEMU",
    session=True,
    local=True,
    libvirt_version=9000000,
    qemu_version=7002000,
    cpus=2,
    memory_kib=4 * GIB_KIB,
    memory_free_kib=3 * GIB_KIB,
    capabilities=Capabilities(
        arch="x86_64",
        guests=(
            GuestArch("x86_64", "hvm", "/usr/bin/qemu-system-x86_64", ("qemu",), _X86_MACHINES),
        ),
    ),
    passt=False,
    nesting=NestingFacts("Intel", False, "", None, 1, "6.1.0"),
    images_path="/home/ann/.local/share/libvirt/images",
)
"""Without KVM, without any pool, as a first start finds it."""

ARM = HostOffer(
    host="arm",
    uri="qemu+ssh://arm/system",
    driver="QEMU",
    libvirt_version=10000000,
    qemu_version=8002000,
    cpus=64,
    memory_kib=128 * GIB_KIB,
    memory_free_kib=100 * GIB_KIB,
    capabilities=Capabilities(
        arch="aarch64",
        cpu_model="Neoverse-N1",
        guests=(
            GuestArch(
                "aarch64",
                "hvm",
                "/usr/bin/qemu-system-aarch64",
                ("qemu", "kvm"),
                (MachineType("virt-8.2"), MachineType("virt", "virt-8.2")),
            ),
        ),
    ),
    pools=(LVM_POOL,),
    networks=(Network("default", False, "nat", "virbr0", True),),
    interfaces=(HostInterface("br0", "bridge", True), HostInterface("eno1", "ethernet", True)),
    images_path="/var/lib/libvirt/images",
)

OLD = HostOffer(
    host="old",
    uri="qemu+ssh://old/system",
    driver="QEMU",
    libvirt_version=4000000,
    qemu_version=2011000,
    cpus=4,
    memory_kib=8 * GIB_KIB,
    capabilities=Capabilities(
        arch="x86_64",
        guests=(
            GuestArch(
                "x86_64",
                "hvm",
                "/usr/bin/qemu-system-x86_64",
                ("qemu", "kvm"),
                (MachineType("pc-i440fx-2.11"), MachineType("pc", "pc-i440fx-2.11")),
            ),
        ),
    ),
    pools=(Pool("default", "dir", True, "/var/lib/libvirt/images", 100 * GIB, 12 * GIB),),
    networks=(Network("default", True, "nat", "virbr0", True),),
    images_path="/var/lib/libvirt/images",
)

XEN = HostOffer(
    host="xen",
    uri="xen:///system",
    driver="Xen",
    libvirt_version=9000000,
    cpus=8,
    memory_kib=32 * GIB_KIB,
    capabilities=Capabilities(
        arch="x86_64",
        guests=(
            GuestArch(
                "x86_64",
                "xen",
                "/usr/lib/xen/bin/qemu-system-i386",
                ("xen",),
                (MachineType("xenpv"),),
            ),
            GuestArch(
                "x86_64",
                "hvm",
                "/usr/lib/xen/bin/qemu-system-i386",
                ("xen",),
                (MachineType("xenfv"),),
            ),
        ),
    ),
    pools=(Pool("default", "dir", True, "/var/lib/libvirt/images", 100 * GIB, 60 * GIB),),
    networks=(Network("default", True, "nat", "virbr0", True),),
)

HOSTS: dict[str, tuple[HostOffer, DomainCaps]] = {
    "desktop": (DESKTOP, x86_caps()),
    "session": (SESSION, x86_caps("qemu", efi=False, swtpm=False)),
    "arm": (ARM, aarch64_caps()),
    "old": (OLD, old_caps()),
    "xen": (XEN, xen_caps()),
}
