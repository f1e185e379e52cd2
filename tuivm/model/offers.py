"""What a host offers to those who create guests on it: nothing here is assumed, all was asked."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class MachineType(NamedTuple):
    """canonical: what an alias such as "q35" stands for; "" for one that is no alias."""

    name: str
    canonical: str = ""
    max_cpus: int = 0
    deprecated: bool = False


class GuestArch(NamedTuple):
    """What one architecture of guests is run by. virt_types: as the capabilities list them;
    machines: of each type, () where it has those of all."""

    arch: str
    os_type: str
    """"hvm" or "xen"."""
    emulator: str
    virt_types: tuple[str, ...]
    machines: tuple[MachineType, ...]


class NumaNode(NamedTuple):
    number: int
    memory_kib: int
    cpus: tuple[int, ...]
    pages: tuple[tuple[int, int], ...] = ()
    """Of hugepages: (size in KiB, how many)."""
    free_pages: tuple[tuple[int, int], ...] = ()
    """(size in KiB, how many are free now); () where it was not asked."""


class Capabilities(NamedTuple):
    """Of a host, from virConnectGetCapabilities."""

    arch: str = ""
    cpu_model: str = ""
    cpu_vendor: str = ""
    cpu_features: tuple[str, ...] = ()
    guests: tuple[GuestArch, ...] = ()
    numa: tuple[NumaNode, ...] = ()
    security: tuple[str, ...] = ()
    """Models of confinement: "selinux", "apparmor", "dac"."""
    qemu_user: str = ""
    """Who QEMU runs as ("+64055:+64055"); "" when not told or in a session."""
    iommu: bool | None = None
    """The host has IOMMU groups; None when not told."""


class CpuModel(NamedTuple):
    name: str
    usable: bool | None
    """None: the host does not say."""
    vendor: str = ""
    deprecated: bool = False


class CpuMode(NamedTuple):
    """ "host-passthrough", "maximum", "host-model" or "custom"."""

    name: str
    supported: bool
    model: str = ""
    """What host-model stands for here."""
    features: tuple[tuple[str, str], ...] = ()
    """(name, policy) that host-model adds ("require") or takes away ("disable")."""


class DomainCaps(NamedTuple):
    """Of one emulator, virtualization type, architecture and machine, from
    virConnectGetDomainCapabilities. An empty tuple: none, or the host is too old to say."""

    emulator: str = ""
    virt_type: str = ""
    arch: str = ""
    machine: str = ""
    max_vcpus: int = 0
    iothreads: bool = False
    firmware: tuple[str, ...] = ()
    """What `<os firmware=…>` may say: "bios", "efi"."""
    loaders: tuple[str, ...] = ()
    """Paths of firmware images on the host."""
    secure_boot: bool = False
    cpu_modes: tuple[CpuMode, ...] = ()
    cpu_models: tuple[CpuModel, ...] = ()
    disk_devices: tuple[str, ...] = ()
    disk_buses: tuple[str, ...] = ()
    disk_models: tuple[str, ...] = ()
    graphics: tuple[str, ...] = ()
    videos: tuple[str, ...] = ()
    hostdev_types: tuple[str, ...] = ()
    """Sub-systems that can be passed through: "pci", "usb", "scsi", "mdev"."""
    rng_models: tuple[str, ...] = ()
    tpm_models: tuple[str, ...] = ()
    tpm_backends: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    filesystems: tuple[str, ...] = ()
    memory_backings: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    """Of the section of features, those with supported='yes': "sev", "gic", "backup" …"""
    launch_security: tuple[str, ...] = ()
    """Kinds of `<launchSecurity>`: "sev", "sev-snp", "tdx" …; older ones tell of SEV among the
    features alone."""
    sev_es_guests: int = 0
    """Guests with SEV-ES that can run at a time."""
    net_backends: tuple[str, ...] = ()
    """Of user-mode networking: "default" (slirp), "passt"."""


class Volume(NamedTuple):
    """Bytes. used_by: names of guests whose definition has it, or has what lies over it."""

    name: str
    path: str
    capacity: int
    allocation: int
    format: str = ""
    backing: str = ""
    used_by: tuple[str, ...] = ()
    shareable: bool = False
    """All that use it say that it may be shared."""
    readable: bool | None = None
    """QEMU's user can read it as it is. None: not known, or libvirt gives it to that user."""


class Pool(NamedTuple):
    """Bytes; kind is libvirt's type ("dir", "logical", …). problem: why it cannot be used."""

    name: str
    kind: str
    active: bool
    path: str = ""
    capacity: int = 0
    available: int = 0
    volumes: tuple[Volume, ...] = ()
    problem: str = ""
    closed: tuple[str, ...] = ()
    """Directories on the way to it that QEMU's user cannot enter, as far as this machine can
    tell."""
    autostart: bool | None = None
    persistent: bool = True


class Lease(NamedTuple):
    """One of a network's DHCP server. until: seconds since 1970, None for one without an end."""

    mac: str
    address: str
    hostname: str = ""
    until: int | None = None


class NetworkUser(NamedTuple):
    """A guest on a network. running: what it runs with has the NIC, not its definition alone."""

    guest: str
    mac: str = ""
    running: bool = False


class Network(NamedTuple):
    """forward: "nat", "route", "open", "bridge", "hostdev" (a pool of VFs), "" for isolated."""

    name: str
    active: bool
    forward: str = ""
    bridge: str = ""
    dhcp: bool = False
    tftp: bool = False
    """It serves files to those who boot from the network."""
    autostart: bool | None = None
    persistent: bool = True
    addresses: tuple[str, ...] = ()
    """Of the host on it: "192.168.122.1/24"."""
    devices: tuple[str, ...] = ()
    """What it goes through: the NIC it forwards to, or the addresses of its pool of VFs."""
    leases: tuple[Lease, ...] = ()
    users: tuple[NetworkUser, ...] = ()


class HostInterface(NamedTuple):
    """kind: "ethernet", "bridge", "bond", "vlan" … up: None when not told."""

    name: str
    kind: str
    up: bool | None = None


class PciLink(NamedTuple):
    """GT/s and lanes: as it is now and at most; None where it is not told."""

    speed: float | None = None
    width: int | None = None
    max_speed: float | None = None
    max_width: int | None = None


class MdevType(NamedTuple):
    """What a parent can make. available: instances that are left; api: "vfio-pci", "vfio-ap" …"""

    id: str
    name: str = ""
    api: str = ""
    available: int = 0


class HostDevice(NamedTuple):
    """A device of the host's, as node device XML (and sysfs on this machine) tells of it.

    kind: "pci", "usb", "mdev", "scsi", "net". address: "0000:01:00.0", "1-1.4" (bus and port path),
    a UUID, "2:0:0:0" (SCSI: host, bus, target, unit), a network interface's name. used_by: what of
    the host's or which guest has it, in words; () for nothing known. unknown: what could not be
    looked at, with the command that tells. physical_function: of a VF. "", (), None: does not
    apply, or is not told."""

    kind: str
    nodedev: str
    address: str
    vendor: str = ""
    product: str = ""
    ids: str = ""
    """"vendor:product" in hex digits."""
    class_: str = ""
    """PCI's class, six hex digits; USB's, two; of SCSI devices "disk", "cdrom" …; of interfaces
    "ethernet", "wifi" or "virtual"."""
    driver: str = ""
    iommu_group: int | None = None
    group_members: tuple[str, ...] = ()
    physical_function: str = ""
    virtual_functions: tuple[str, ...] = ()
    used_by: tuple[str, ...] = ()
    critical: tuple[str, ...] = ()
    """What the host would lose, in words: "it has / on it", "it carries this connection"."""
    unknown: tuple[str, ...] = ()
    bus: int | None = None
    device: int | None = None
    """Of USB: the numbers that libvirt's address wants."""
    overridable: tuple[str, ...] = ()
    """Those of `critical` that a person who knows better may do without: a way in, a display."""
    parent: str = ""
    """libvirt's name of the node that it hangs on."""
    numa_node: int | None = None
    link: PciLink | None = None
    resets: tuple[str, ...] | None = None
    """How it can be reset ("flr", "bus", "pm" …), () for not at all; None: not known."""
    max_functions: int = 0
    """VFs that a PF can have at most."""
    interfaces: tuple[str, ...] = ()
    """Network interfaces on it."""
    blocks: tuple[str, ...] = ()
    """Disks on it: "/dev/sda"."""
    mdev_types: tuple[MdevType, ...] = ()
    speed: float | None = None
    """Of USB and of network interfaces: Mbit/s."""
    serial: str = ""
    mac: str = ""
    active: bool | None = None
    """Of a mediated device: it is started; of an interface: its link is up."""
    defined: bool | None = None
    """Of a mediated device: it stays when it is stopped."""
    autostart: bool | None = None
    """Of a mediated device: it starts with the host."""


class NestingFacts(NamedTuple):
    """What nested virtualization hangs on. None: could not be looked at (a remote host).

    vendor: "Intel", "AMD", "". cpu_flag: the host's CPU has vmx or svm. module: "kvm_intel",
    "kvm_amd", "" when none is loaded. enabled: its parameter nested. depth: how many hypervisors
    the host itself runs in, 0 for bare metal."""

    vendor: str = ""
    cpu_flag: bool | None = None
    module: str | None = None
    enabled: bool | None = None
    depth: int | None = None
    kernel: str = ""


class IommuState(StrEnum):
    ON = "on"
    OFF_KERNEL = "off in the kernel"
    """The firmware tells of one, and the kernel does not use it."""
    OFF_FIRMWARE = "off in the firmware"
    """The CPU and its vendor have one, and the firmware does not tell of it."""
    ABSENT = "absent"
    """A machine that has none: a guest that was given none, or hardware without."""
    UNKNOWN = "unknown"


class IommuFacts(NamedTuple):
    """vendor: of the CPU, "Intel", "AMD", "ARM", "". distribution: ID and ID_LIKE of os-release,
    "" for a remote host. options: what the kernel was started with that concerns it."""

    state: IommuState = IommuState.UNKNOWN
    groups: int | None = None
    vendor: str = ""
    distribution: str = ""
    options: tuple[str, ...] = ()


class SecureGuests(NamedTuple):
    """One way to keep a guest's memory from its host: "SEV", "SEV-ES", "SEV-SNP", "TDX", "SEL".
    on: None where it could not be looked at. why: in words."""

    name: str
    on: bool | None
    why: str = ""


class HostOffer(NamedTuple):
    """All that a host offers. guests: (name, UUID, is it active). cpus, memory_kib: the host's.
    session: an ordinary user's daemon. local: on this very machine."""

    host: str
    uri: str = ""
    driver: str = ""
    session: bool = False
    local: bool = False
    libvirt_version: int = 0
    """libvirt's own number: 9000000 is 9.0.0."""
    qemu_version: int = 0
    cpus: int = 0
    memory_kib: int = 0
    memory_free_kib: int = 0
    capabilities: Capabilities = Capabilities()
    pools: tuple[Pool, ...] = ()
    networks: tuple[Network, ...] = ()
    interfaces: tuple[HostInterface, ...] = ()
    devices: tuple[HostDevice, ...] = ()
    guests: tuple[tuple[str, str, bool], ...] = ()
    nesting: NestingFacts = NestingFacts()
    iommu: IommuFacts = IommuFacts()
    secure: tuple[SecureGuests, ...] = ()
    passt: bool | None = None
    images_path: str = ""
    """Where libvirt's own default pool belongs (/var/lib/libvirt/images, or the user's data
    directory in a session); "" when that is not known (a session on another machine)."""
    remarks: tuple[str, ...] = ()
    """What could not be asked, in words."""
