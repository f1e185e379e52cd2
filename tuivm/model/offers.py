"""What a host offers to those who create guests on it: nothing here is assumed, all was asked."""

from __future__ import annotations

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


class Network(NamedTuple):
    """forward: "nat", "route", "open", "bridge", "hostdev" (a pool of VFs), "" for isolated."""

    name: str
    active: bool
    forward: str = ""
    bridge: str = ""
    dhcp: bool = False
    tftp: bool = False
    """It serves files to those who boot from the network."""


class HostInterface(NamedTuple):
    """kind: "ethernet", "bridge", "bond", "vlan" … up: None when not told."""

    name: str
    kind: str
    up: bool | None = None


class HostDevice(NamedTuple):
    """A device of the host's, as node device XML (and sysfs on this machine) tells of it.

    kind: "pci", "usb", "mdev". address: "0000:01:00.0", "1-1.4" (bus and port path), a UUID.
    used_by: what of the host's or which guest has it, in words; () for nothing known. unknown:
    what could not be looked at, with the command that tells. physical_function: of a VF."""

    kind: str
    nodedev: str
    address: str
    vendor: str = ""
    product: str = ""
    ids: str = ""
    """"vendor:product" in hex digits."""
    class_: str = ""
    """PCI's class, six hex digits."""
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
    passt: bool | None = None
    images_path: str = ""
    """Where libvirt's own default pool belongs (/var/lib/libvirt/images, or the user's data
    directory in a session); "" when that is not known (a session on another machine)."""
    remarks: tuple[str, ...] = ()
    """What could not be asked, in words."""
