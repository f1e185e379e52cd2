"""What this machine's /sys and /proc tell those who create guests on it, each in its own tree."""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from pathlib import Path

import pytest

from tuivm.domainxml.nodedevs import Named, NodeDevice, UsbFunction
from tuivm.hypervisor import hostuse, reach
from tuivm.hypervisor.hostdevices import host_devices
from tuivm.hypervisor.hostinterfaces import local_interfaces
from tuivm.hypervisor.hostuse import HostUses, Use
from tuivm.hypervisor.nesting import local_nesting, remote_nesting
from tuivm.model.offers import Capabilities, HostDevice, HostInterface, NestingFacts

SATA = "/sys/devices/pci0000:00/0000:00:1f.2"
SDA = f"{SATA}/ata1/host0/target0:0:0/0:0:0:0/block/sda"
NIC = "/sys/devices/pci0000:00/0000:00:1c.0/0000:03:00.0"
OTHER_NIC = "/sys/devices/pci0000:00/0000:00:1d.0/0000:04:00.0"
ETH0, ETH1 = f"{NIC}/net/eth0", f"{OTHER_NIC}/net/eth1"


class Tree:
    """A file system with a /sys and a /proc."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.file("proc/self/mountinfo")
        self.file("proc/swaps", "Filename Type Size Used Priority\n")
        self.file("proc/net/route", "Iface Destination Gateway Flags RefCnt Use Metric Mask\n")

    def file(self, path: str, text: str = "") -> Path:
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return target

    def link(self, path: str, target: str) -> None:
        link = self.root / path.lstrip("/")
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(self.root / target.lstrip("/"))

    def block(self, path: str, number: str, *, slaves: tuple[str, ...] = ()) -> None:
        name = path.rpartition("/")[2]
        self.file(f"{path}/dev", number)
        self.link(f"sys/class/block/{name}", path)
        self.link(f"sys/dev/block/{number}", path)
        for slave in slaves:
            self.file(f"{path}/slaves/{slave}")
            self.file(f"sys/class/block/{slave}/holders/{name}")

    def mount(self, number: str, where: str, source: str, kind: str = "ext4") -> None:
        with (self.root / "proc/self/mountinfo").open("a") as file:
            file.write(f"22 1 {number} / {where} rw,relatime shared:1 - {kind} {source} rw\n")

    def swap(self, name: str) -> None:
        with (self.root / "proc/swaps").open("a") as file:
            file.write(f"{name} partition 1048572 0 -2\n")

    def interface(self, name: str, device: str = "", state: str = "up") -> str:
        place = f"{device or '/sys/devices/virtual'}/net/{name}"
        self.file(f"{place}/operstate", f"{state}\n")
        self.file(f"{place}/type", "1\n")
        if device:
            (self.root / place.lstrip("/") / "device").symlink_to(self.root / device.lstrip("/"))
        self.link(f"sys/class/net/{name}", place)
        return place

    def default_route(self, interface: str) -> None:
        with (self.root / "proc/net/route").open("a") as file:
            file.write(f"{interface} 00000000 0100A8C0 0003 0 0 100 00000000 0 0 0\n")

    def uses(self, **environ: str) -> tuple[Use, ...]:
        found = hostuse.look(
            self.root,
            environ=environ,
            addresses=lambda: {"eth0": ["192.0.2.7"], "eth1": ["fe80::1%eth1", "192.0.2.8"]},
        )
        assert found.unknown == ()
        return found.uses


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_a_mounted_partition(tree: Tree) -> None:
    tree.block(SDA, "8:0")
    tree.block(f"{SDA}/sda1", "8:1")
    tree.mount("8:1", "/", "/dev/sda1")
    tree.mount("8:1", "/with\\040blank", "/dev/sda1")
    assert tree.uses() == (Use(f"{SDA}/sda1", "/ is on it", critical=True),)


def test_root_on_lvm_on_raid_leads_to_every_disk(tree: Tree) -> None:
    other = SDA.replace("sda", "sdb").replace("ata1", "ata2")
    tree.block(SDA, "8:0")
    tree.block(other, "8:16")
    tree.block("/sys/devices/virtual/block/md0", "9:0", slaves=("sda", "sdb"))
    tree.block("/sys/devices/virtual/block/dm-0", "253:0", slaves=("md0",))
    tree.file("/sys/devices/virtual/block/dm-0/dm/name", "vg-root\n")
    tree.mount("253:0", "/", "/dev/mapper/vg-root")
    uses = tree.uses()
    assert Use(SDA, "/ is on it", critical=True) in uses
    assert Use(other, "/ is on it", critical=True) in uses
    assert Use(SDA, "md0 is built on it (sda)", critical=True) in uses
    assert not any("virtual" in use.path for use in uses)


def test_a_disk_that_volumes_are_built_on_is_critical_though_none_is_mounted(tree: Tree) -> None:
    tree.block(SDA, "8:0")
    tree.block("/sys/devices/virtual/block/dm-3", "253:3", slaves=("sda",))
    tree.file("/sys/devices/virtual/block/dm-3/dm/name", "guests-pool\n")
    assert tree.uses() == (Use(SDA, "guests-pool is built on it (sda)", critical=True),)


def test_btrfs_and_swap_are_found_by_name(tree: Tree) -> None:
    tree.block(SDA, "8:0")
    tree.block(f"{SDA}/sda2", "8:2")
    tree.file("dev/sda2")
    tree.link("dev/disk/by-uuid/1-2", "dev/sda2")
    tree.mount("0:31", "/home", "/dev/sda2", "btrfs")
    tree.swap("/dev/disk/by-uuid/1-2")
    assert [use.words for use in tree.uses()] == ["/home is on it", "swap is on it"]


def test_a_disk_with_several_paths_leads_to_its_controllers(tree: Tree) -> None:
    controller = "/sys/devices/pci0000:00/0000:00:06.0/nvme/nvme0"
    subsystem = "/sys/devices/virtual/nvme-subsystem/nvme-subsys0"
    tree.file(f"{controller}/state", "live")
    tree.block(f"{subsystem}/nvme0n1", "259:0")
    tree.link(f"{subsystem}/nvme0", controller)
    tree.mount("259:0", "/", "/dev/nvme0n1")
    assert tree.uses() == (Use(controller, "/ is on it", critical=True),)


def test_so_does_a_partition_of_it(tree: Tree) -> None:
    controller = "/sys/devices/pci0000:00/0000:00:06.0/nvme/nvme0"
    subsystem = "/sys/devices/virtual/nvme-subsystem/nvme-subsys0"
    tree.file(f"{controller}/state", "live")
    tree.block(f"{subsystem}/nvme0n1", "259:0")
    tree.block(f"{subsystem}/nvme0n1/nvme0n1p2", "259:2")
    tree.link(f"{subsystem}/nvme0", controller)
    tree.mount("259:2", "/", "/dev/nvme0n1p2")
    assert tree.uses() == (Use(controller, "/ is on it", critical=True),)


def test_what_zfs_has_is_not_known(tree: Tree) -> None:
    tree.mount("0:40", "/tank", "tank", "zfs")
    assert hostuse.look(tree.root, environ={}).unknown == ("which disks ZFS has: zpool status -P",)


def test_disks_of_zfs_pools_are_known_by_udev(tree: Tree) -> None:
    tree.mount("0:40", "/tank", "tank", "zfs")
    tree.block(SDA, "8:0")
    tree.block(f"{SDA}/sda1", "8:1")
    tree.file("run/udev/data/b8:1", "S:disk/by-id/x\nE:ID_FS_TYPE=zfs_member\n")
    assert tree.uses() == (), "the module is not there: an old pool"
    tree.file("sys/module/zfs/refcnt")
    assert tree.uses() == (Use(f"{SDA}/sda1", "ZFS is on it (sda1)", critical=True),)


def test_every_disk_of_a_btrfs_is_critical(tree: Tree) -> None:
    other = SDA.replace("sda", "sdb").replace("ata1", "ata2")
    tree.block(SDA, "8:0")
    tree.block(other, "8:16")
    tree.mount("0:31", "/data", "/dev/sda", "btrfs")
    tree.file("dev/sda")
    for name in ("sda", "sdb"):
        tree.link(f"sys/fs/btrfs/1-2-3/devices/{name}", f"/sys/class/block/{name}")
    assert Use(other, "a mounted btrfs is on it (sdb)", critical=True) in tree.uses()


def test_bcachefs_names_all_its_disks(tree: Tree) -> None:
    other = SDA.replace("sda", "sdb").replace("ata1", "ata2")
    for path, number in ((SDA, "8:0"), (other, "8:16")):
        tree.block(path, number)
        tree.file(f"dev/{path[-3:]}")
    tree.mount("0:33", "/srv", "/dev/sda:/dev/sdb", "bcachefs")
    assert [use.path for use in tree.uses()] == [SDA, other]


def test_what_the_host_mounts_outside_of_this_programs_name_space(tree: Tree) -> None:
    tree.block(SDA, "8:0")
    tree.file("proc/1/mountinfo", "22 1 8:0 / /srv rw - ext4 /dev/sda rw\n")
    assert tree.uses() == (Use(SDA, "/srv is on it", critical=True),)


def test_what_cannot_be_read_is_not_known(tmp_path: Path) -> None:
    found = hostuse.look(tmp_path / "none", environ={})
    assert found.uses == ()
    assert [words.rpartition(": ")[2] for words in found.unknown] == [
        "findmnt",
        "swapon --show",
        "ip route show default",
    ]


def test_the_default_route_through_a_bridge_over_a_bond(tree: Tree) -> None:
    tree.interface("eth0", NIC)
    bond = tree.interface("bond0")
    bridge = tree.interface("br0")
    tree.file(f"{bond}/lower_eth0")
    tree.file(f"{bridge}/lower_bond0")
    tree.default_route("br0")
    words = "the default route goes through it (eth0, under br0)"
    assert Use(ETH0, words, critical=True, overridable=True) in tree.uses()


def test_the_session_of_ssh_comes_through_an_interface(tree: Tree) -> None:
    tree.interface("eth0", NIC)
    tree.interface("eth1", OTHER_NIC, "down")
    session = {"SSH_CONNECTION": "192.0.2.1 5000 192.0.2.8 22"}
    words = "your SSH session comes through it (eth1)"
    expected = Use(ETH1, words, critical=True, overridable=True)
    assert expected in tree.uses(**session)
    assert expected in tree.uses(SSH_CONNECTION="fe80::9%eth1 5000 fe80::1%eth1 22")
    assert tree.uses() == (Use(ETH0, "interface eth0 is up", overridable=True),)


@pytest.mark.parametrize(
    ("table", "local"),
    [("tcp", "080200C0:0016"), ("tcp6", "0000000000000000FFFF0000080200C0:0016")],
)
def test_a_session_that_the_environment_does_not_tell_of(
    tree: Tree, table: str, local: str
) -> None:
    tree.interface("eth1", OTHER_NIC, "down")
    head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
    line = "   0: {} 010200C0:C350 {} 00000000:00000000 00:00000000 00000000     0\n"
    words = "an SSH session comes through it (eth1)"
    expected = (Use(ETH1, words, critical=True, overridable=True),)
    tree.file(f"proc/net/{table}", head + line.format(local, "0A"))
    assert tree.uses() == (), "it only listens"
    tree.file(f"proc/net/{table}", head + line.format(local, "01"))
    assert tree.uses() == expected
    tree.file(f"proc/net/{table}", head + line.format(local.replace(":0016", ":01BB"), "01"))
    assert tree.uses() == (), "another service's"


def test_the_default_route_of_ipv6(tree: Tree) -> None:
    tree.interface("eth0", NIC, "down")
    zeros = "0" * 32
    tree.file(
        "proc/net/ipv6_route",
        f"{zeros} 00 {zeros} 00 fe80{'0' * 27}1 00000400 1 0 00000003     eth0\n"
        f"{zeros} 00 {zeros} 00 {zeros} ffffffff 1 0 00200200       lo\n",
    )
    words = "the default route goes through it (eth0)"
    assert tree.uses() == (Use(ETH0, words, critical=True, overridable=True),)


def test_a_port_of_a_bridge_is_in_use(tree: Tree) -> None:
    port = tree.interface("eth1", OTHER_NIC)
    tree.interface("br1")
    tree.link(f"{port}/master", "/sys/devices/virtual/net/br1")
    assert tree.uses() == (Use(ETH1, "interface eth1 is part of br1", overridable=True),)


@pytest.mark.parametrize(
    ("state", "up"), [("up", True), ("unknown", True), ("dormant", True), ("down", False)]
)
def test_an_interface_that_does_not_tell_of_its_link_is_in_use(
    tree: Tree, state: str, up: bool
) -> None:
    place = tree.interface("wwan0", NIC, state)
    use = Use(place, "interface wwan0 is up", overridable=True)
    assert tree.uses() == ((use,) if up else ())


def test_an_interface_in_another_name_space_is_in_use(tree: Tree) -> None:
    tree.interface("eth0", NIC, "down")
    tree.link("sys/bus/pci/devices/0000:03:00.0", NIC)
    (tree.root / OTHER_NIC.lstrip("/") / "net").mkdir(parents=True)
    tree.link("sys/bus/pci/devices/0000:04:00.0", OTHER_NIC)
    words = "its interface is in another network name space (a container's?)"
    assert tree.uses() == (Use(f"{OTHER_NIC}/net", words, overridable=True),)


def test_the_boot_display(tree: Tree) -> None:
    tree.file("sys/bus/pci/devices/0000:00:02.0/boot_vga", "1\n")
    tree.file("sys/bus/pci/devices/0000:01:00.0/boot_vga", "0\n")
    assert hostuse.boot_display("0000:00:02.0", tree.root) is True
    assert hostuse.boot_display("0000:01:00.0", tree.root) is False
    assert hostuse.boot_display("0000:03:00.0", tree.root) is None


def test_a_screen_that_shows_something(tree: Tree) -> None:
    card = "/sys/devices/pci0000:00/0000:01:00.0/drm/card1"
    for name, state in (("card1-HDMI-A-1", "enabled"), ("card1-DP-1", "disabled")):
        tree.file(f"{card}/{name}/enabled", f"{state}\n")
        tree.link(f"sys/class/drm/{name}", f"{card}/{name}")
    words = "a screen is in use on it (card1-HDMI-A-1)"
    assert tree.uses() == (Use(f"{card}/card1-HDMI-A-1", words, overridable=True),)


def test_interfaces_of_this_machine(tree: Tree) -> None:
    tree.interface("eth0", NIC)
    tree.file(f"{tree.interface('br0', state='down')}/bridge/bridge_id")
    tree.file(f"{tree.interface('bond0', state='unknown')}/bonding/slaves")
    tree.file(f"{tree.interface('eth0.7')}/uevent", "DEVTYPE=vlan\nINTERFACE=eth0.7\n")
    tree.file(f"{tree.interface('wlan0', OTHER_NIC)}/uevent", "DEVTYPE=wlan\n")
    tree.file(f"{tree.interface('vnet3')}/tun_flags", "0x1002")
    tree.file(f"{tree.interface('lo')}/type", "772\n")
    assert local_interfaces(tree.root) == (
        HostInterface("bond0", "bond", up=None),
        HostInterface("br0", "bridge", up=False),
        HostInterface("eth0", "ethernet", up=True),
        HostInterface("eth0.7", "vlan", up=True),
        HostInterface("wlan0", "wifi", up=True),
    )


def node(path: str, device: HostDevice | None = None, **more: object) -> NodeDevice:
    name = device.nodedev if device else path.rpartition("/")[2]
    return NodeDevice(name, path=path, device=device)._replace(**more)  # type: ignore[arg-type]


def pci(address: str, class_: str = "020000") -> HostDevice:
    return HostDevice("pci", f"pci_{address}", address, class_=class_)


SATA_NODE = node(SATA, pci("0000:00:1f.2", "010601"))
NIC_NODE = node(NIC, pci("0000:03:00.0"))
USB_AT = "/sys/devices/pci0000:00/0000:00:14.0/usb1"


def devices(
    *nodes: NodeDevice,
    guests: Mapping[str, tuple[Named, ...]] | None = None,
    uses: HostUses | None = None,
) -> dict[str, HostDevice]:
    return {one.address: one for one in host_devices(nodes, guests or {}, uses)}


def test_a_use_counts_for_all_devices_on_the_way_to_it() -> None:
    uses = HostUses((Use(f"{SDA}/sda1", "/ is on it", critical=True), Use(NIC, "eth0 is up")))
    bridge = node(NIC.rpartition("/")[0], pci("0000:00:1c.0", "060400"))
    found = devices(SATA_NODE, NIC_NODE, bridge, uses=uses)
    assert found["0000:00:1f.2"].critical == ("/ is on it",)
    assert found["0000:03:00.0"].used_by == ("eth0 is up",)
    assert found["0000:00:1c.0"].used_by == ("eth0 is up",), "the bridge that leads to it"
    assert found["0000:03:00.0"].critical == ()


def test_a_device_with_a_like_beginning_is_another() -> None:
    uses = HostUses((Use(f"{SATA}1/x", "/ is on it", critical=True),))
    assert devices(SATA_NODE, uses=uses)["0000:00:1f.2"].critical == ()


def test_what_is_not_known_of_disks_matters_to_those_with_disks() -> None:
    uses = HostUses(unknown=("which disks ZFS has: zpool status -P",))
    bare = node("/sys/devices/pci0000:00/0000:02:00.0", pci("0000:02:00.0", "010802"))
    found = devices(SATA_NODE, NIC_NODE, bare, node(SDA, block="/dev/sda"), uses=uses)
    assert found["0000:00:1f.2"].unknown == uses.unknown
    assert found["0000:02:00.0"].unknown == uses.unknown, "its disks may be told of elsewhere"
    assert found["0000:03:00.0"].unknown == ()


def test_guests_that_have_a_device() -> None:
    taken = (Named(pci="0000:03:00.0"),)
    found = devices(NIC_NODE, SATA_NODE, guests={"guest web (off)": taken}, uses=HostUses())
    assert found["0000:03:00.0"].used_by == ("guest web (off)",)
    assert found["0000:00:1f.2"].used_by == ()


def usb(port: str, bus: int, device: int, parent: str = "usb_usb1") -> NodeDevice:
    made = HostDevice("usb", f"usb_{port}", port, ids="046d:c52b", bus=bus, device=device)
    return node(f"{USB_AT}/{port}", made, parent=parent)


def test_a_keyboard_is_critical_and_so_is_its_controller() -> None:
    controller = node(USB_AT.rpartition("/")[0], pci("0000:00:14.0", "0c0330"))
    keyboard, camera = usb("1-1", 1, 2), usb("1-2", 1, 3)
    function = node(f"{USB_AT}/1-1/1-1:1.0", usb=UsbFunction(3, 1, 1), parent="usb_1-1")
    found = devices(controller, keyboard, camera, function)
    assert found["1-1"].critical == ("the host's only keyboard is on it",)
    assert found["0000:00:14.0"].critical == ("the host's only keyboard is on it",)
    assert found["1-2"].critical == ()


def test_one_of_two_keyboards_may_go_but_not_their_controller() -> None:
    controller = node(USB_AT.rpartition("/")[0], pci("0000:00:14.0", "0c0330"))
    keyboards = [
        (
            usb(port, 1, 2),
            node(f"{USB_AT}/{port}/x", usb=UsbFunction(3, 1, 1), parent=f"usb_{port}"),
        )
        for port in ("1-1", "1-2")
    ]
    found = devices(controller, *(one for pair in keyboards for one in pair))
    assert found["1-1"].critical == ()
    assert found["0000:00:14.0"].critical == ("the host's only keyboards are on it",)
    assert found["0000:00:14.0"].overridable == found["0000:00:14.0"].critical


def test_a_keyboard_beside_those_on_usb(tree: Tree) -> None:
    tree.file("sys/bus/serio/drivers/atkbd/bind")
    assert not hostuse.built_in_keyboard(tree.root)
    tree.link("sys/bus/serio/drivers/atkbd/serio0", "sys/devices/platform/i8042/serio0")
    assert hostuse.built_in_keyboard(tree.root)


def test_what_hangs_on_a_device_is_told_with_it() -> None:
    eth = node(f"{NIC}/net/eth0", interface=HostInterface("eth0", "ethernet", up=False))
    disk = node(SDA, block="/dev/sda", disk=("ATA", "Fast", "S1"))
    lun = node(SDA.rpartition("/block")[0], HostDevice("scsi", "scsi_0", "0:0:0:0"))
    found = devices(NIC_NODE, eth, SATA_NODE, lun, disk)
    assert found["0000:03:00.0"].interfaces == ("eth0",)
    assert found["0000:00:1f.2"].blocks == found["0:0:0:0"].blocks == ("/dev/sda",)
    lun_ = found["0:0:0:0"]
    assert (lun_.vendor, lun_.product, lun_.serial) == ("ATA", "Fast", "S1")


def test_without_paths_the_parents_tell() -> None:
    """So it is with libvirt's test driver."""
    eth = NodeDevice(
        "net_eth0", NIC_NODE.name, interface=HostInterface("eth0", "ethernet", up=False)
    )
    assert devices(NIC_NODE, eth)["0000:03:00.0"].interfaces == ("eth0",)


def test_a_disk_of_several_paths_is_on_the_controller_that_udev_tells() -> None:
    at = "/sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1"
    card = node("/sys/devices/pci0000:00/0000:02:00.0", pci("0000:02:00.0", "010802"))
    told = devices(card, node(at, block="/dev/nvme0n1", on_pci="0000:02:00.0"))["0000:02:00.0"]
    assert told.unknown == ("whether the host uses /dev/nvme0n1: lsblk /dev/nvme0n1",)
    bound = card.device._replace(driver="nvme") if card.device else None
    silent = devices(card._replace(device=bound), node(at, block="/dev/nvme0n1"))["0000:02:00.0"]
    assert "which disks it has" in silent.unknown[0]


@pytest.mark.parametrize(
    "taken", ["/dev/sda", "/dev/sda3", "/dev/disk/by-id/ata-X", "/dev/disk/by-id/ata-X-part1"]
)
def test_a_guest_whose_disk_is_a_disk_of_the_hosts(taken: str) -> None:
    disk = node(SDA, block="/dev/sda", links=("/dev/disk/by-id/ata-X",))
    nvme = node("/sys/devices/pci0/nvme1n1", block="/dev/nvme1n1")
    guests = {"guest db": (Named(block=taken), Named(block="/dev/nvme1n1p2"))}
    found = devices(SATA_NODE, disk, nvme, NIC_NODE, guests=guests, uses=HostUses())
    assert found["0000:00:1f.2"].used_by == ("guest db",)
    assert found["0000:03:00.0"].used_by == ()


def test_a_guest_uses_all_that_its_device_hangs_on() -> None:
    controller = node(USB_AT.rpartition("/")[0], pci("0000:00:14.0", "0c0330"))
    eth = node(f"{NIC}/net/eth0", interface=HostInterface("eth0", "ethernet", up=False))
    eth = eth._replace(device=HostDevice("net", "net_eth0", "eth0", interfaces=("eth0",)))
    guests = {"guest web": (Named(usb_bus=1, usb_device=2), Named(net="eth0"))}
    found = devices(controller, usb("1-1", 1, 2), NIC_NODE, eth, guests=guests, uses=HostUses())
    for address in ("0000:00:14.0", "1-1", "0000:03:00.0", "eth0"):
        assert found[address].used_by == ("guest web",), address


def test_the_only_interface_that_is_up_carries_the_connection() -> None:
    eth0 = node(f"{NIC}/net/eth0", interface=HostInterface("eth0", "ethernet", up=True))
    bridge = node(
        "/sys/devices/virtual/net/br0", interface=HostInterface("br0", "virtual", up=True)
    )
    eth1 = node(f"{OTHER_NIC}/net/eth1", interface=HostInterface("eth1", "ethernet", up=False))
    other = node(OTHER_NIC, pci("0000:04:00.0"))
    nodes = (NIC_NODE, other, eth0, bridge, eth1)
    found = {one.address: one for one in host_devices(nodes, {}, None, over_network=True)}
    words = "this connection comes through it (eth0 is the only interface that is up)"
    assert found["0000:03:00.0"].critical == (words,)
    assert words in found["0000:03:00.0"].overridable
    assert (found["0000:04:00.0"].critical, found["0000:04:00.0"].unknown) == ((), ())
    assert devices(*nodes)["0000:03:00.0"].critical == (), "not over the network"


def test_with_two_interfaces_up_either_may_carry_the_connection() -> None:
    eth0 = node(f"{NIC}/net/eth0", interface=HostInterface("eth0", "ethernet", up=True))
    eth1 = node(f"{OTHER_NIC}/net/eth1", interface=HostInterface("eth1", "ethernet", up=None))
    nodes = (NIC_NODE, node(OTHER_NIC, pci("0000:04:00.0")), eth0, eth1)
    for one in host_devices(nodes, {}, None, over_network=True):
        assert one.critical == ()
        assert any("ip route get" in words for words in one.unknown)


def test_hubs_are_left_out() -> None:
    hub, behind = usb("1-3", 1, 4), usb("1-3.1", 1, 5, parent="usb_1-3")
    empty = usb("1-4", 1, 6)
    function = node(f"{USB_AT}/1-4/1-4:1.0", usb=UsbFunction(9, 0, 0), parent="usb_1-4")
    assert set(devices(hub, behind, empty, function)) == {"1-3.1"}


def test_what_a_remote_host_does_not_tell_is_unknown_with_the_command() -> None:
    disk = node(SDA, block="/dev/sda")
    eth = node(f"{NIC}/net/eth0", interface=HostInterface("eth0", "ethernet", up=True))
    display = node("/sys/devices/pci0000:00/0000:00:02.0", pci("0000:00:02.0", "030000"))
    found = devices(SATA_NODE, NIC_NODE, display, disk, eth, uses=None)
    assert found["0000:00:1f.2"].unknown == ("whether the host uses /dev/sda: lsblk /dev/sda",)
    assert found["0000:03:00.0"].used_by == ("interface eth0 is up",)
    assert found["0000:03:00.0"].unknown == ("whether the host needs interface eth0: ip route",)
    assert "boot_vga" in found["0000:00:02.0"].unknown[0]
    assert found["0000:00:02.0"].critical == ()


def test_a_device_that_mediated_devices_are_made_of_is_in_use() -> None:
    uuid = "4b20d080-1b54-4048-85b3-a6a62d165c01"
    gpu = node("/sys/devices/pci0000:00/0000:00:02.0", pci("0000:00:02.0", "030000"))
    mdev = node(f"{gpu.path}/{uuid}", HostDevice("mdev", "mdev_x", uuid))
    found = devices(gpu, mdev, uses=HostUses())
    assert found["0000:00:02.0"].used_by == (f"mediated device {uuid} is made of it",)
    assert found[uuid].used_by == ()
    assert list(found) == ["0000:00:02.0", uuid]


CPUINFO = "processor\t: 0\nvendor_id\t: {}\nflags\t\t: fpu {}\n"


def test_nesting_on_intel_hardware(tree: Tree) -> None:
    tree.file("proc/cpuinfo", CPUINFO.format("GenuineIntel", "vmx"))
    tree.file("sys/module/kvm_intel/parameters/nested", "Y\n")
    assert local_nesting(tree.root) == NestingFacts("Intel", True, "kvm_intel", True, 0)


def test_nesting_in_a_guest_of_amds(tree: Tree) -> None:
    tree.file("proc/cpuinfo", CPUINFO.format("HygonGenuine", "svm hypervisor"))
    tree.file("sys/module/kvm_amd/parameters/nested", "0\n")
    assert local_nesting(tree.root) == NestingFacts("AMD", True, "kvm_amd", False, 1)


def test_nesting_without_the_flag_or_the_module(tree: Tree) -> None:
    tree.file("proc/cpuinfo", CPUINFO.format("AuthenticAMD", ""))
    tree.file("sys/module/loop/refcnt")
    assert local_nesting(tree.root) == NestingFacts("AMD", False, "", None, 0)


def test_nesting_on_s390x(tree: Tree) -> None:
    tree.file("proc/cpuinfo", "vendor_id : IBM/S390\nfeatures : esan3 zarch sie\n")
    tree.file("sys/module/kvm/parameters/nested", "1\n")
    assert local_nesting(tree.root) == NestingFacts("", True, "kvm", True, None)


def test_nesting_where_nothing_can_be_read(tmp_path: Path) -> None:
    assert local_nesting(tmp_path / "none") == NestingFacts()


def test_nesting_on_a_remote_host() -> None:
    told = Capabilities(cpu_vendor="Intel", cpu_features=("vmx", "hypervisor"))
    assert remote_nesting(told) == NestingFacts("Intel", cpu_flag=True, depth=1)
    silent = Capabilities(cpu_vendor="AMD", cpu_features=("aes",))
    assert remote_nesting(silent) == NestingFacts("AMD"), "its model may have svm"
    assert remote_nesting(Capabilities(cpu_vendor="ARM")).vendor == ""


STRANGER = reach.Identity(54321, frozenset({54321}))


@pytest.fixture
def nested(tmp_path: Path) -> Path:
    """A path that a stranger is kept from by one directory."""
    directory = tmp_path / "closed/open"
    directory.mkdir(parents=True)
    for parent in (directory, *directory.parents):
        if parent.is_relative_to(tmp_path.parent.parent) and parent.stat().st_uid == os.geteuid():
            parent.chmod(0o755)
    (tmp_path / "closed").chmod(0o750)
    return directory / "disk.qcow2"


def test_directories_that_keep_qemu_out(nested: Path, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    assert reach.closed_directories(str(nested), STRANGER) == (str(closed),)
    group = reach.Identity(54321, frozenset({closed.stat().st_gid}))
    assert reach.closed_directories(str(nested), group) == ()
    owner = reach.Identity(closed.stat().st_uid, frozenset())
    assert reach.closed_directories(str(nested), owner) == ()
    assert reach.closed_directories(str(nested), None) == ()
    assert reach.closed_directories("pool/image", STRANGER) == ()


def test_access_control_lists_let_qemu_in_or_keep_it_out(
    nested: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = str(nested.parent.parent)

    def acl(*entries: tuple[int, int, int]) -> None:
        data = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *one) for one in entries)

        def read(path: os.PathLike[str], name: str) -> bytes:
            if str(path) != closed:
                raise OSError
            assert name == "system.posix_acl_access"
            return data

        monkeypatch.setattr(os, "getxattr", read)

    acl((0x02, 1, 54321), (0x10, 7, 0xFFFFFFFF))
    assert reach.closed_directories(str(nested), STRANGER) == ()
    acl((0x02, 1, 54321), (0x10, 4, 0xFFFFFFFF))
    assert reach.closed_directories(str(nested), STRANGER) == (closed,), "the mask takes it away"
    acl((0x02, 7, 1), (0x08, 1, 54321))
    assert reach.closed_directories(str(nested), STRANGER) == ()
    Path(closed).chmod(0o755)
    acl((0x02, 4, 54321))
    assert reach.closed_directories(str(nested), STRANGER) == (closed,), "named, so not others"


def test_who_qemu_runs_as() -> None:
    assert reach.qemu_identity("+54321:+54322", session=False) == reach.Identity(
        54321, frozenset({54322})
    )
    root = reach.qemu_identity("+0:+0", session=False)
    assert root is not None
    assert root.user == 0
    assert reach.qemu_identity("", session=False) is None
    mine = reach.qemu_identity("", session=True)
    assert mine is not None
    assert mine.user == os.geteuid()
