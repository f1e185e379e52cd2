"""Hosts with devices of every sort, as HostOffer: one to read, one that is as large as they get."""

from __future__ import annotations

from tuivm.model.offers import (
    HostDevice,
    HostOffer,
    IommuFacts,
    IommuState,
    MdevType,
    PciLink,
)

GEN3_X4 = PciLink(8.0, 4, 8.0, 4)
RESTING = PciLink(2.5, 8, 16.0, 16)


def pci(
    address: str,
    class_: str,
    vendor: str,
    product: str,
    driver: str = "",
    group: tuple[int, *tuple[str, ...]] | None = None,
    *,
    ids: str = "",
    parent: str = "computer",
    used_by: tuple[str, ...] = (),
    critical: tuple[str, ...] = (),
    unknown: tuple[str, ...] = (),
    overridable: tuple[str, ...] = (),
    pf: str = "",
    vfs: tuple[str, ...] = (),
    most: int = 0,
    link: PciLink | None = None,
    numa: int | None = 0,
    resets: tuple[str, ...] | None = ("flr", "bus"),
    interfaces: tuple[str, ...] = (),
    blocks: tuple[str, ...] = (),
    mdev_types: tuple[MdevType, ...] = (),
) -> HostDevice:
    """group: its number, then the other members' addresses."""
    return HostDevice(
        "pci",
        nodedev(address),
        address,
        vendor,
        product,
        ids,
        class_,
        driver,
        None if group is None else group[0],
        () if group is None else (address, *group[1:]),
        pf,
        vfs,
        used_by,
        critical,
        unknown,
        overridable=overridable,
        parent=parent,
        numa_node=numa,
        link=link,
        resets=resets,
        max_functions=most,
        interfaces=interfaces,
        blocks=blocks,
        mdev_types=mdev_types,
    )


def nodedev(address: str) -> str:
    """libvirt's name of a PCI device."""
    return "pci_" + address.replace(":", "_").replace(".", "_")


_PORT = nodedev("0000:00:01.0")
_NIC_PORT = nodedev("0000:00:1c.0")
VFS = tuple(f"0000:03:{2 + number // 8:02x}.{number % 8}" for number in range(16))
TYPES = (
    MdevType("nvidia-35", "GRID M60-0B", "vfio-pci", 0),
    MdevType("nvidia-36", "GRID M60-0Q", "vfio-pci", 6),
)
GPU = pci(
    "0000:01:00.0",
    "030000",
    "NVIDIA Corporation",
    "GP104 [GeForce GTX 1080]",
    "vfio-pci",
    (1, "0000:00:01.0", "0000:01:00.1"),
    ids="10de:1b80",
    parent=_PORT,
    used_by=("guest gamer (running)",),
    link=RESTING,
)
SATA = pci(
    "0000:00:1f.2",
    "010601",
    "Intel Corporation",
    "82801IR/IO/IH (ICH9R/DO/DH) 6 port SATA Controller [AHCI mode]",
    "ahci",
    (8, "0000:00:1f.0", "0000:00:1f.3"),
    ids="8086:2922",
    used_by=("mounted on /",),
    critical=("it has / on it (/dev/sda1)",),
    resets=(),
    blocks=("/dev/sda",),
)
NVME = pci(
    "0000:02:00.0",
    "010802",
    "Samsung Electronics Co Ltd",
    "NVMe SSD Controller PM173X",
    "nvme",
    (12,),
    ids="144d:a824",
    vfs=("0000:02:00.1", "0000:02:00.2"),
    most=4,
    link=GEN3_X4,
    numa=1,
    blocks=("/dev/nvme0n1",),
)
NVME_VF = pci(
    "0000:02:00.1",
    "010802",
    "Samsung Electronics Co Ltd",
    "NVMe SSD Controller PM173X VF",
    "",
    (13,),
    ids="144d:a824",
    pf="0000:02:00.0",
    numa=1,
)
CARRIER = pci(
    "0000:04:00.0",
    "020000",
    "Intel Corporation",
    "I210 Gigabit Network Connection",
    "igb",
    (38,),
    ids="8086:1533",
    critical=("it carries this connection (eth0)",),
    overridable=("it carries this connection (eth0)",),
    link=PciLink(2.5, 1, 2.5, 1),
    interfaces=("eth0",),
)
FREE = pci(
    "0000:05:00.0",
    "020000",
    "Intel Corporation",
    "82574L Gigabit Network Connection",
    "e1000e",
    (40,),
    ids="8086:10d3",
    link=PciLink(2.5, 1, 2.5, 1),
    interfaces=("eth1",),
)
MDEV_PARENT = pci(
    "0000:07:00.0",
    "030200",
    "NVIDIA Corporation",
    "GM204GL [Tesla M60]",
    "nvidia",
    (50,),
    ids="10de:13f2",
    numa=1,
    mdev_types=TYPES,
)


def _function(number: int) -> HostDevice:
    return pci(
        VFS[number],
        "020000",
        "Intel Corporation",
        "Ethernet Virtual Function 700 Series",
        "vfio-pci" if number == 3 else "iavf",
        (21 + number,),
        ids="8086:154c",
        parent=_NIC_PORT,
        used_by=("guest web (running)",) if number == 3 else (),
        pf="0000:03:00.0",
        resets=("flr",),
    )


PCI = (
    pci("0000:00:00.0", "060000", "Intel Corporation", "82G33 DRAM Controller", "", (0,)),
    pci(
        "0000:00:01.0",
        "060400",
        "Intel Corporation",
        "Xeon E3-1200 PCI Express Root Port",
        "pcieport",
        (1, "0000:01:00.0", "0000:01:00.1"),
    ),
    pci("0000:00:1c.0", "060400", "Intel Corporation", "PCI Express Root Port", "pcieport", (5,)),
    pci(
        "0000:00:1f.0",
        "060100",
        "Intel Corporation",
        "82801IB (ICH9) LPC Interface Controller",
        "lpc_ich",
        (8, "0000:00:1f.2", "0000:00:1f.3"),
    ),
    SATA,
    pci(
        "0000:00:1f.3",
        "0c0500",
        "Intel Corporation",
        "82801I (ICH9 Family) SMBus Controller",
        "i801_smbus",
        (8, "0000:00:1f.0", "0000:00:1f.2"),
    ),
    GPU,
    pci(
        "0000:01:00.1",
        "040300",
        "NVIDIA Corporation",
        "GP104 High Definition Audio Controller",
        "snd_hda_intel",
        (1, "0000:00:01.0", "0000:01:00.0"),
        ids="10de:10f0",
        parent=_PORT,
    ),
    NVME,
    NVME_VF,
    NVME_VF._replace(
        address="0000:02:00.2",
        nodedev=nodedev("0000:02:00.2"),
        iommu_group=14,
        group_members=("0000:02:00.2",),
    ),
    pci(
        "0000:03:00.0",
        "020000",
        "Intel Corporation",
        "Ethernet Controller X710 for 10GbE SFP+",
        "i40e",
        (20,),
        ids="8086:1572",
        parent=_NIC_PORT,
        vfs=VFS,
        most=64,
        link=PciLink(8.0, 8, 8.0, 8),
        interfaces=("ens3f0",),
    ),
    *(_function(number) for number in range(16)),
    CARRIER,
    FREE,
    pci(
        "0000:06:00.0",
        "0c0330",
        "Renesas Technology Corp.",
        "uPD720201 USB 3.0 Host Controller",
        "xhci_hcd",
        (41,),
        unknown=("whether a keyboard hangs on it: lsusb -t",),
        resets=None,
        numa=None,
    ),
    MDEV_PARENT,
    pci("0000:0a:00.0", "ff0000", "", "", "", None, ids="1af4:10ff", resets=None, numa=None),
    pci("0001:00:00.0", "028000", "Broadcom Inc.", "BCM4360", "wl", (60,), ids="14e4:43a0"),
)


def usb(port: str, vendor: str, product: str, ids: str, class_: str, number: int) -> HostDevice:
    return HostDevice(
        "usb",
        f"usb_{port.replace('-', '_').replace('.', '_')}",
        port,
        vendor,
        product,
        ids,
        class_,
        "usb",
        bus=int(port.partition("-")[0]),
        device=number,
        speed=480.0,
    )


STICK = usb("1-5", "SanDisk Corp.", "Ultra", "0781:5581", "08", 8)
OTHER_STICK = usb("1-6", "SanDisk Corp.", "Ultra", "0781:5581", "08", 9)
USB = (
    usb("1-1", "Genesys Logic, Inc.", "Hub", "05e3:0608", "09", 2),
    usb("1-1.4", "Yubico.com", "Yubikey 4/5 OTP+U2F+CCID", "1050:0407", "03", 7),
    usb("1-2", "Logitech, Inc.", "Keyboard K120", "046d:c31c", "03", 3)._replace(
        critical=("it is the only keyboard",), speed=1.5
    ),
    STICK,
    OTHER_STICK,
    usb("2-1", "Realtek", "RTL8153 Gigabit Ethernet Adapter", "0bda:8153", "ff", 2)._replace(
        speed=5000.0
    ),
)
MDEV = HostDevice(
    "mdev",
    "mdev_4b20d080_1b54_4048_85b3_a6a62d165c01_0000_07_00_0",
    "4b20d080-1b54-4048-85b3-a6a62d165c01",
    product="nvidia-35",
    iommu_group=51,
    group_members=("4b20d080-1b54-4048-85b3-a6a62d165c01",),
    parent=MDEV_PARENT.nodedev,
    active=True,
    defined=True,
    autostart=False,
)
SCSI = (
    HostDevice(
        "scsi",
        "scsi_2_0_0_0",
        "2:0:0:0",
        "ATA",
        "WDC WD40EFRX",
        driver="sd",
        used_by=("mounted on /",),
        critical=("it has / on it (/dev/sda1)",),
        blocks=("/dev/sda",),
    ),
    HostDevice("scsi", "scsi_10_0_0_0", "10:0:0:0", "HP", "Ultrium 6-SCSI", driver="st"),
)
NET = (
    HostDevice(
        "net",
        "net_eth0",
        "eth0",
        parent=CARRIER.nodedev,
        mac="52:54:00:00:00:01",
        active=True,
        speed=1000.0,
        used_by=("the default route", "this connection"),
    ),
    HostDevice(
        "net", "net_eth1", "eth1", parent=FREE.nodedev, mac="52:54:00:00:00:02", active=False
    ),
    HostDevice("net", "net_br0", "br0", parent="computer", mac="52:54:00:00:00:01", active=True),
)
RICH = HostOffer(
    host="local",
    uri="qemu:///system",
    driver="QEMU",
    local=True,
    libvirt_version=10000000,
    qemu_version=8002000,
    devices=(*PCI, *USB, MDEV, *SCSI, *NET),
    guests=(
        ("gamer", "11111111-1111-4111-8111-111111111111", True),
        ("web", "22222222-2222-4222-8222-222222222222", True),
    ),
    iommu=IommuFacts(IommuState.ON, 40, "Intel"),
)
"""Groups, PFs with VFs, devices in use, without which the host would lose something, and unknown
ones, at a machine where it all is."""


def without(offer: HostOffer, *addresses: str) -> HostOffer:
    """The same host when these have gone."""
    return offer._replace(
        devices=tuple(one for one in offer.devices if one.address not in addresses)
    )


def changed(offer: HostOffer, address: str, **fields: object) -> HostOffer:
    """The same host, where one device is different now."""
    return offer._replace(
        devices=tuple(
            one._replace(**fields) if one.address == address else one  # type: ignore[arg-type]
            for one in offer.devices
        )
    )


def large(cards: int = 400, functions: int = 256, sticks: int = 64) -> HostOffer:
    """A server as large as they get: PCI devices behind bridges, every tenth in a group of two,
    one of them a PF with all the VFs; and USB devices on four buses."""
    devices: list[HostDevice] = []
    for number in range(cards):
        bus, slot = 1 + number // 16, number % 16
        group = number // 2 if number % 20 < 2 else 1000 + number
        other = f"0000:{bus:02x}:{slot ^ 1:02x}.0"
        devices.append(
            pci(
                f"0000:{bus:02x}:{slot:02x}.0",
                ("020000", "010802", "030000", "060400")[number % 4],
                "Intel Corporation",
                f"Sample Controller {number}",
                ("e1000e", "nvme", "", "pcieport")[number % 4],
                (group, other) if number % 20 < 2 else (group,),
                ids="8086:1572",
                used_by=(f"guest g{number} (running)",) if number % 7 == 0 else (),
                critical=("it has / on it",) if number == 5 else (),
                link=GEN3_X4,
            )
        )
    names = tuple(f"0000:f0:{number // 8:02x}.{number % 8}" for number in range(functions))
    devices.append(
        pci(
            "0000:ef:00.0",
            "020000",
            "Mellanox Technologies",
            "MT28908 Family [ConnectX-6]",
            "mlx5_core",
            (2000,),
            vfs=names,
            most=functions,
        )
    )
    devices += [
        pci(
            name,
            "020000",
            "Mellanox Technologies",
            "MT28908 Family [ConnectX-6 Virtual Function]",
            "mlx5_core",
            (3000 + number,),
            pf="0000:ef:00.0",
        )
        for number, name in enumerate(names)
    ]
    devices += [
        usb(
            f"{1 + number // 16}-{1 + number % 16}",
            "SanDisk",
            f"Ultra {number}",
            f"0781:{0x5000 + number // 2:04x}",
            "08",
            number + 2,
        )
        for number in range(sticks)
    ]
    return RICH._replace(devices=tuple(devices))
