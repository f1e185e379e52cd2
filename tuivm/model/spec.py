"""What is to be created: a guest's spec, as the wizard fills it and as a TOML file says it.

Empty means "by its default": `preflight.defaults` fills it in for a host, and nothing else does.
Sizes are in bytes, memory in KiB. Nothing in here is checked: `preflight.creating` judges it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple


class SourceKind(StrEnum):
    ISO = "iso"
    """An installer's image in a CD-ROM drive."""
    IMPORT = "import"
    """An existing disk image, as it is."""
    OVERLAY = "overlay"
    """A copy-on-write overlay over an existing disk image, which stays as it is."""
    CLOUD = "cloud"
    """An overlay over a cloud image, configured by cloud-init."""
    TREE = "tree"
    """A network install tree: its kernel and initrd are fetched and started once."""
    PXE = "pxe"
    KERNEL = "kernel"
    """A kernel started directly, always."""
    EMPTY = "empty"
    """Empty disks, nothing to boot."""
    COPY = "copy"
    """Another guest: its definition with new identity, its disks copied."""


class FileRef(NamedTuple):
    """A file: one of the host's, by pool and volume or by path, or one of this machine's (local),
    which is uploaded into `pool` (the default pool when that is "") under its own name."""

    path: str = ""
    pool: str = ""
    volume: str = ""
    local: str = ""


class CloudNetwork(NamedTuple):
    """The guest's network configuration. address with prefix length; "" for DHCP."""

    address: str = ""
    gateway: str = ""
    dns: tuple[str, ...] = ()


class CloudInit(NamedTuple):
    """What the seed says. password: plain or hashed (it begins with "$"); it is hashed in the seed.
    ssh_keys: public keys. user_data: a whole document of the person's own, instead of the rest."""

    user: str = ""
    password: str = ""
    ssh_keys: tuple[str, ...] = ()
    hostname: str = ""
    packages: tuple[str, ...] = ()
    network: CloudNetwork = CloudNetwork()
    user_data: str = ""


class Source(NamedTuple):
    """file: the ISO or image. url: of the tree. kernel, initrd, cmdline: of a direct boot.
    guest: name or UUID of the guest to be copied."""

    kind: SourceKind = SourceKind.EMPTY
    file: FileRef = FileRef()
    url: str = ""
    kernel: FileRef = FileRef()
    initrd: FileRef = FileRef()
    cmdline: str = ""
    guest: str = ""
    cloud: CloudInit = CloudInit()


class Firmware(StrEnum):
    DEFAULT = ""
    BIOS = "bios"
    UEFI = "uefi"
    UEFI_SECURE = "uefi-secure"


class Topology(NamedTuple):
    """0: one socket a vCPU is what QEMU does, and what is left out is filled so that they match."""

    sockets: int = 0
    cores: int = 0
    threads: int = 0


class NumaCell(NamedTuple):
    """A node that the guest sees. cpus as libvirt writes them ("0-3,6"). host_node: where its
    memory is bound to, "" for anywhere."""

    cpus: str
    memory_kib: int
    host_node: str = ""


class Machine(NamedTuple):
    """virt_type: "kvm", "qemu", "xen", "hvf". cpu: "host-model", "host-passthrough", "maximum" or
    a model's name. nested: the guest shall run guests of its own. viommu: "", "intel", "virtio".
    pins: the host's CPUs for each vCPU ("2-3"), () for none; emulator_pin the same for QEMU's own
    threads. page_kib: size of hugepages, 0 for the host's default. hide_hypervisor: the guest does
    not see KVM's signature; vendor_id: what it sees as Hyper-V's, 12 characters at most. Drivers of
    some GPUs refuse to work in a guest otherwise."""

    virt_type: str = ""
    arch: str = ""
    machine: str = ""
    firmware: Firmware = Firmware.DEFAULT
    tpm: bool | None = None
    cpu: str = ""
    nested: bool | None = None
    viommu: str = ""
    hugepages: bool = False
    page_kib: int = 0
    topology: Topology = Topology()
    numa: tuple[NumaCell, ...] = ()
    pins: tuple[str, ...] = ()
    emulator_pin: str = ""
    hide_hypervisor: bool = False
    vendor_id: str = ""


CPU_MODES = ("host-passthrough", "host-model", "maximum")
"""What a machine's cpu may say besides a model's name."""


class DiskKind(StrEnum):
    DISK = "disk"
    CDROM = "cdrom"


class NewVolume(NamedTuple):
    """size: bytes; 0 is the OS's recommendation. format: "qcow2", "raw". preallocation: "off",
    "metadata" or "full"."""

    pool: str = ""
    name: str = ""
    size: int = 0
    format: str = ""
    preallocation: str = ""


class Disk(NamedTuple):
    """new, unless `file` says which existing one (or, with `overlay`, what a new one lies over).
    bus: "virtio", "scsi" (with virtio-scsi), "sata", "ide", "usb", "nvme", "lsilogic" ….
    io, cache, discard, as libvirt's. iothread: a thread of its own. file and new both empty: an
    empty drive (CD-ROM)."""

    kind: DiskKind = DiskKind.DISK
    file: FileRef = FileRef()
    new: NewVolume | None = None
    overlay: bool = False
    bus: str = ""
    cache: str = ""
    io: str = ""
    discard: str = ""
    iothread: bool = False
    readonly: bool = False
    shareable: bool = False
    serial: str = ""


SCSI_CONTROLLERS: Mapping[str, str] = MappingProxyType(
    {"scsi": "virtio-scsi"}
    | {
        model: model
        for model in (
            *("virtio-scsi", "lsilogic", "lsisas1068", "lsisas1078", "buslogic", "am53c974"),
            *("dc390", "vmpvscsi", "ibmvscsi"),
        )
    }
)
"""What a disk's bus may say for SCSI, with libvirt's model of the controller that it is then on."""


class NicKind(StrEnum):
    DEFAULT = ""
    NETWORK = "network"
    """A virtual network of the host's, a pool of VFs among them."""
    BRIDGE = "bridge"
    MACVTAP = "macvtap"
    """Straight on one of the host's interfaces."""
    USER = "user"
    PASST = "passt"
    NONE = "none"


class Forward(NamedTuple):
    """A port of the host's that leads into the guest; for user-mode networking."""

    host_port: int
    guest_port: int
    protocol: str = "tcp"
    host_address: str = ""


class Nic(NamedTuple):
    """source: name of the network, bridge or interface. model: "virtio", "e1000e", …"""

    kind: NicKind = NicKind.DEFAULT
    source: str = ""
    model: str = ""
    mac: str = ""
    forwards: tuple[Forward, ...] = ()


class PassKind(StrEnum):
    PCI = "pci"
    USB = "usb"
    """By vendor:product."""
    USB_PORT = "usb-port"
    """By bus and device number that the port has now, when two devices are alike."""
    VF = "vf"
    MDEV = "mdev"
    SCSI = "scsi"


class Passed(NamedTuple):
    """device: "0000:01:00.0" (PCI, VF), "046d:c52b" (USB), "1-1.4" (a USB port: bus and path), a
    UUID (mdev), "2:0:0:0" (SCSI: host, bus, target, unit). nodedev: libvirt's name for it, if
    known. rom_file: on the host, for a PCI device that is to show another ROM; rom_bar: show it at
    all, None for libvirt's default. override: the device's address, typed by somebody who knows
    better than a verdict that may be overridden."""

    kind: PassKind
    device: str
    nodedev: str = ""
    rom_file: str = ""
    rom_bar: bool | None = None
    override: str = ""


class Preset(StrEnum):
    """How the devices are chosen where nothing is said."""

    PARAVIRTUAL = "paravirtual"
    EMULATED = "emulated"
    PASSTHROUGH = "passthrough"
    ONE_OF_EACH = "one-of-each"


class Graphics(StrEnum):
    DEFAULT = ""
    VNC = "vnc"
    SPICE = "spice"
    NONE = "none"
    """A serial console alone."""


class Spec(NamedTuple):
    """os: libosinfo's id or short id ("debian12"), "" for unknown. vcpus, memory_kib: 0 for the
    OS's recommendation. memory_max_kib: 0 for memory_kib. disks, nics: None for the default ones
    (those that the source brings are always there besides)."""

    name: str = ""
    source: Source = Source()
    title: str = ""
    description: str = ""
    os: str = ""
    vcpus: int = 0
    memory_kib: int = 0
    memory_max_kib: int = 0
    autostart: bool = False
    preset: Preset = Preset.PARAVIRTUAL
    machine: Machine = Machine()
    disks: tuple[Disk, ...] | None = None
    nics: tuple[Nic, ...] | None = None
    passed: tuple[Passed, ...] = ()
    graphics: Graphics = Graphics.DEFAULT
    start: bool = True
    uuid: str = ""
