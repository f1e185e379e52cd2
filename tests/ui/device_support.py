"""A host with a device of each kind, and guests to give them to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.simhost import SimHost
from tests.ui.support import Rig, running
from tuivm.domainxml.read import read_details
from tuivm.model.conversion import Definition
from tuivm.model.guests import GuestState
from tuivm.model.offers import HostDevice, HostOffer, IommuFacts, IommuState, MdevType


def pci(address: str, product: str, group: int, **more: object) -> HostDevice:
    name = f"pci_{address.replace(':', '_').replace('.', '_')}"
    made = HostDevice("pci", name, address, "ACME", product, "8086:10d3", iommu_group=group)
    made = made._replace(group_members=(address,), class_="020000", resets=("flr",))
    return made._replace(**more)  # type: ignore[arg-type]


NIC = pci("0000:01:00.0", "Gigabit NIC", 5, driver="e1000e", interfaces=("eth1",))
VIA = pci(
    "0000:00:02.0",
    "Uplink",
    2,
    driver="virtio-pci",
    critical=("it carries this connection",),
    overridable=("it carries this connection",),
)
DISK = pci("0000:00:03.0", "Disk", 3, class_="010000", critical=("it has /",), driver="virtio-pci")
_GROUP = ("0000:00:1f.2", "0000:00:1f.3")
AHCI = pci(_GROUP[0], "AHCI", 8, class_="010601", driver="ahci", group_members=_GROUP)
SMBUS = pci(_GROUP[1], "SMBus", 8, class_="0c0500", driver="i801_smbus", group_members=_GROUP)
_VFS = ("0000:02:00.1", "0000:02:00.2")
PF = pci(
    "0000:02:00.0",
    "Split NIC",
    9,
    driver="ixgbe",
    interfaces=("eth2",),
    max_functions=4,
    virtual_functions=_VFS,
)
VF1 = pci(_VFS[0], "VF", 10, physical_function=PF.address, driver="ixgbevf")
VF2 = pci(_VFS[1], "VF", 11, physical_function=PF.address)
GPU = pci("0000:03:00.0", "Display", 12, class_="030000")
TAKEN = pci("0000:04:00.0", "Taken", 13, driver="vfio-pci", used_by=("guest web",))
KEY = HostDevice("usb", "usb_1_1", "1-1", "Key", "Maker", "1050:0407", bus=1, device=4)
TWINS = tuple(
    HostDevice(
        "usb", f"usb_1_{port}", f"1-{port}", "Twin", "Stick", "0951:1666", bus=1, device=port
    )
    for port in (5, 6)
)
TYPE = MdevType("nvidia-63", "GRID P4-1Q", "vfio-pci", 3)
SPLIT = pci("0000:05:00.0", "Splitter", 14, class_="030200", mdev_types=(TYPE,), driver="nvidia")
MDEV = HostDevice(
    "mdev",
    "mdev_c0",
    "c0b0f6a2-0c1c-4f6b-8f1e-5a6d0c0b0f6a",
    product="nvidia-63",
    active=True,
    defined=True,
    autostart=False,
    iommu_group=20,
    parent=SPLIT.nodedev,
)
DEVICES = (NIC, VIA, DISK, AHCI, SMBUS, PF, VF1, VF2, GPU, TAKEN, KEY, *TWINS, SPLIT, MDEV)

WEB = "11111111-1111-4111-8111-111111111111"
OFF = "22222222-2222-4222-8222-222222222222"
GOING = "33333333-3333-4333-8333-333333333333"
_HOSTDEV = """
  <hostdev mode='subsystem' type='pci' managed='yes'>
    <source><address domain='0x0000' bus='0x04' slot='0x00' function='0x0'/></source>
    {alias}
  </hostdev>"""


def definition(name: str, uuid: str, devices: str = "") -> str:
    return f"""<domain type='kvm'><name>{name}</name><uuid>{uuid}</uuid>
  <memory unit='KiB'>1048576</memory><vcpu>2</vcpu>
  <os firmware='efi'><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>
  <devices>{devices}
    <controller type='pci' index='0' model='pcie-root'/>
    <controller type='pci' index='1' model='pcie-root-port'/>
    <controller type='pci' index='2' model='pcie-root-port'/>
    <memballoon model='virtio'/>
  </devices></domain>"""


def offer(devices: tuple[HostDevice, ...] = DEVICES, **more: object) -> HostOffer:
    made = HostOffer(
        "local",
        "qemu:///system",
        "QEMU",
        local=True,
        libvirt_version=9_000_000,
        devices=devices,
        guests=(("web", WEB, True), ("off", OFF, False), ("going", GOING, True)),
        iommu=IommuFacts(IommuState.ON, 15, "Intel", "debian"),
    )
    return made._replace(**more)  # type: ignore[arg-type]


def prepare(host: SimHost) -> None:
    """web runs and has a device, off is off, going is transient."""
    live = definition("web", WEB, _HOSTDEV.format(alias="<alias name='hostdev0'/>"))
    host.add_guest_as(WEB, "web", GuestState.RUNNING)
    host.add_guest_as(OFF, "off", GuestState.OFF)
    host.add_guest_as(GOING, "going", GuestState.RUNNING)
    host.change(GOING, persistent=False)
    host.xml = {
        WEB: live,
        OFF: definition("off", OFF),
        GOING: definition("going", GOING),
    }
    host.definitions[WEB] = Definition(live)
    host.change(WEB, details=read_details(live))
    host.device_port.offer = offer()


@asynccontextmanager
async def devices_shown(
    tmp_path: Path,
    more: Callable[[SimHost], None] = lambda host: None,
    *,
    size: tuple[int, int] = (100, 50),
    readonly: bool = False,
) -> AsyncIterator[Rig]:
    def fill(host: SimHost) -> None:
        prepare(host)
        more(host)

    async with running(tmp_path, fill, size=size, readonly=readonly) as rig:
        yield rig
