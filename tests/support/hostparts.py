"""Hosts as the pages on storage, on networks and the overview are told of them."""

from __future__ import annotations

from tests.support.offers import DESKTOP, GIB, GIB_KIB
from tuivm.model.offers import (
    Capabilities,
    HostDevice,
    HostOffer,
    IommuFacts,
    IommuState,
    Lease,
    NestingFacts,
    Network,
    NetworkUser,
    NumaNode,
    Pool,
    SecureGuests,
    Volume,
)

NOW = 1_700_010_000.0
IMAGES = "/var/lib/libvirt/images"

BASE = Volume("base.qcow2", f"{IMAGES}/base.qcow2", 20 * GIB, 2 * GIB, "qcow2", used_by=("web",))
MIDDLE = Volume(
    "middle.qcow2", f"{IMAGES}/middle.qcow2", 20 * GIB, GIB, "qcow2", BASE.path, ("web",)
)
WEB = Volume("web.qcow2", f"{IMAGES}/web.qcow2", 20 * GIB, 9 * GIB, "qcow2", MIDDLE.path, ("web",))
GOLDEN = Volume("golden.qcow2", f"{IMAGES}/golden.qcow2", 10 * GIB, 3 * GIB, "qcow2")
SPARE = Volume("spare.qcow2", f"{IMAGES}/spare.qcow2", 10 * GIB, GIB, "qcow2", GOLDEN.path)
LOST = Volume("old [b]disk[/b]\x1b.img", f"{IMAGES}/old.img", 400 * GIB, 30 * GIB, "raw")
AWAY = Volume("away.qcow2", "/srv/fast/away.qcow2", 8 * GIB, GIB, "qcow2", "/mnt/gone/a.qcow2")
DEFAULT = Pool(
    "default",
    "dir",
    True,
    IMAGES,
    400 * GIB,
    100 * GIB,
    (BASE, MIDDLE, WEB, GOLDEN, SPARE, LOST),
    autostart=True,
)
FAST = Pool("fast", "logical", True, "/dev/vg0", 900 * GIB, 30 * GIB, (AWAY,), autostart=False)
OFF = Pool("backup", "netfs", False, "/srv/backup", autostart=False)
STORAGE = HostOffer(
    "local",
    "qemu:///system",
    "QEMU",
    local=True,
    pools=(DEFAULT, FAST, OFF),
    guests=(("web", "11111111-1111-4111-8111-111111111111", True),),
)

NAT = Network(
    "default",
    True,
    "nat",
    "virbr0",
    dhcp=True,
    autostart=True,
    addresses=("192.168.122.1/24",),
    leases=(
        Lease("52:54:00:00:00:01", "192.168.122.45", "web", int(NOW) + 2_610),
        Lease("52:54:00:00:00:09", "192.168.122.90", "", int(NOW) - 300),
        Lease("52:54:00:00:00:0a", "192.168.122.91", "printer", None),
    ),
    users=(
        NetworkUser("web", "52:54:00:00:00:01", True),
        NetworkUser("old [b]", "52:54:00:00:00:02", False),
    ),
)
ISOLATED = Network("lab", False, "", "virbr1", autostart=False, persistent=True)
BRIDGED = Network("lan", True, "bridge", "br0", autostart=True, devices=("br0",))
VFS = Network(
    "vfs",
    True,
    "hostdev",
    autostart=True,
    devices=("0000:03:10.0", "0000:03:10.2", "0000:03:10.4"),
    users=(NetworkUser("edge", "52:54:00:00:00:03", True),),
)
FUNCTIONS = tuple(
    HostDevice(
        "pci",
        f"pci_0000_03_10_{number}",
        f"0000:03:10.{number}",
        "Intel",
        "82599 VF",
        "8086:10ed",
        "020000",
        "vfio-pci" if number == 0 else "ixgbevf",
        physical_function="0000:03:00.0",
        used_by=("guest edge",) if number == 0 else (),
    )
    for number in (0, 2)
)
NETWORKS = HostOffer(
    "local",
    "qemu:///system",
    "QEMU",
    local=True,
    networks=(VFS, NAT, ISOLATED, BRIDGED),
    guests=(("web", "11111111-1111-4111-8111-111111111111", True),),
)

OVERVIEW = DESKTOP._replace(
    host="local",
    uri="qemu:///system",
    devices=(),
    pools=(),
    networks=(),
    capabilities=Capabilities(
        arch="x86_64",
        cpu_model="EPYC-Rome",
        cpu_vendor="AMD",
        cpu_features=("aes", "svm", "npt", "avic", "x2apic", "pdpe1gb", "sha-ni", "vaes"),
        guests=DESKTOP.capabilities.guests,
        numa=(
            NumaNode(0, 8 * GIB_KIB, (0, 1, 2, 3), ((2048, 512), (1 << 20, 2)), ((2048, 100),)),
            NumaNode(1, 8 * GIB_KIB, (4, 5, 6, 7), ((2048, 0), (1 << 20, 0)), ((2048, 0),)),
        ),
    ),
    nesting=NestingFacts("AMD", True, "kvm_amd", False, 0, "6.1.0"),
    iommu=IommuFacts(IommuState.OFF_KERNEL, 0, "Intel", "debian", ()),
    secure=(
        SecureGuests("SEV", False, "the module kvm_amd has sev off"),
        SecureGuests("SEV-SNP", None, "could not be looked at"),
    ),
)
"""An AMD host whose nesting and IOMMU are off."""


def many_volumes(count: int) -> HostOffer:
    volumes = tuple(
        Volume(
            f"disk{number:04}.qcow2",
            f"{IMAGES}/disk{number:04}.qcow2",
            20 * GIB,
            GIB,
            "qcow2",
            f"{IMAGES}/disk0000.qcow2" if number % 3 == 1 else "",
            (f"guest{number}",) if number % 4 else (),
        )
        for number in range(count)
    )
    return STORAGE._replace(pools=(DEFAULT._replace(volumes=volumes),))


def many_leases(count: int) -> HostOffer:
    leases = tuple(
        Lease(
            f"52:54:00:00:{number // 256:02x}:{number % 256:02x}",
            f"10.0.{number // 200}.{number % 200}",
        )
        for number in range(count)
    )
    return NETWORKS._replace(networks=(NAT._replace(leases=leases),))
