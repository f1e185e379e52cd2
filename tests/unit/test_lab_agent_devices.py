"""How the agent knows devices, from a /sys of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tuivm.lab.guest import devices
from tuivm.lab.guest.devices import disks, find_disk, find_nic, nics
from tuivm.lab.guest.interrupts import Counter, irqs, since
from tuivm.lab.guest.orders import OrderError

PCI = "sys/devices/pci0000:00"

INTERRUPTS = """\
            CPU0       CPU1
   0:        120          0   IO-APIC   2-edge      timer
  11:          7          3   IO-APIC  11-fasteoi   sym53c8xx, eth1
  15:         40          2   IO-APIC  15-edge      ata_piix
  24:          1          0   PCI-MSI 81920-edge      virtio1-config
  25:         10         20   PCI-MSI 81921-edge      virtio1-req.0
 NMI:          5          5   Non-maskable interrupts
 ERR:          9
"""


class Tree:
    """A root directory with sysfs as Linux 6.1 lays it out."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.put("proc/interrupts", INTERRUPTS)

    def put(self, path: str, content: str | bytes) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())

    def link(self, path: str, target: str) -> None:
        link = self.root / path
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(self.root / target)

    def function(self, address: str, driver: str, irq: str = "0", code: str = "0x010000") -> str:
        path = f"{PCI}/{address}"
        self.put(f"{path}/irq", f"{irq}\n")
        self.put(f"{path}/class", f"{code}\n")
        self.drive(path, driver)
        return path

    def drive(self, path: str, driver: str) -> None:
        (self.root / f"sys/bus/drivers/{driver}").mkdir(parents=True, exist_ok=True)
        self.link(f"{path}/driver", f"sys/bus/drivers/{driver}")

    def disk(self, name: str, device: str) -> None:
        (self.root / device).mkdir(parents=True, exist_ok=True)
        self.link(f"sys/block/{name}/device", device)
        self.put(f"sys/block/{name}/size", "2048\n")
        self.put(f"sys/block/{name}/queue/logical_block_size", "512\n")

    def scsi_disk(self, name: str, device: str, page: bytes | None) -> None:
        self.disk(name, device)
        self.drive(device, "sd")
        self.put(f"{device}/type", "0\n")
        self.put(f"{device}/model", "QEMU HARDDISK   \n")
        if page is not None:
            self.put(f"{device}/vpd_pg80", page)

    def nic(self, name: str, mac: str, device: str) -> None:
        self.put(f"sys/class/net/{name}/address", f"{mac}\n")
        self.put(f"sys/class/net/{name}/type", "1\n")
        self.link(f"sys/class/net/{name}/device", device)


def page_80(serial: bytes) -> bytes:
    return b"\0\x80\0" + bytes([len(serial)]) + serial


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_a_virtio_disk(tree: Tree) -> None:
    function = tree.function("0000:00:05.0", "virtio-pci", irq="11")
    tree.drive(f"{function}/virtio1", "virtio_blk")
    tree.disk("vda", f"{function}/virtio1")
    tree.put("sys/block/vda/serial", "LAB-1")
    for number in ("24", "25"):
        tree.put(f"{function}/msi_irqs/{number}", "msix\n")
    root = str(tree.root)
    [disk] = disks(root)
    assert disk.told() == {
        "serial": "LAB-1",
        "name": "vda",
        "size": 1 << 20,
        "driver": "virtio_blk",
        "model": "",
        "address": "0000:00:05.0",
    }
    assert disk.node == f"{root}/dev/vda"
    assert Counter(disk.path, root).read() == 31


def test_a_scsi_disk_names_the_driver_of_its_controller_and_shares_a_line(tree: Tree) -> None:
    function = tree.function("0000:00:07.0", "sym53c8xx", irq="11")
    tree.scsi_disk("sda", f"{function}/host0/target0:0:0/0:0:0:0", page_80(b"LAB-2   "))
    [disk] = disks(str(tree.root))
    assert (disk.serial, disk.driver, disk.model) == ("LAB-2", "sym53c8xx", "QEMU HARDDISK")
    assert disk.address == "0000:00:07.0"
    assert Counter(disk.path, str(tree.root)).read() == 10


@pytest.mark.parametrize(
    ("port", "code", "expected"),
    [
        ("ata3", "0x010180", {"14"}),
        ("ata10", "0x010180", {"15"}),
        ("ata10", "0x010184", {"11"}),
        ("ata10", "0x010601", {"11"}),
    ],
)
def test_a_channel_of_ide_in_compatibility_mode_has_a_line_of_its_own(
    tree: Tree, port: str, code: str, expected: set[str]
) -> None:
    function = tree.function("0000:00:01.1", "ata_piix", irq="11", code=code)
    for each in ("ata3", "ata10"):
        (tree.root / function / each).mkdir()
    path = f"{function}/{port}/host1/target1:0:0/1:0:0:0"
    assert irqs(str(tree.root / path)) == expected


def test_an_nvme_disk_at_its_controller_and_behind_a_subsystem(tree: Tree) -> None:
    function = tree.function("0000:00:04.0", "nvme")
    controller = f"{function}/nvme/nvme0"
    tree.put(f"{controller}/serial", "LAB-3   \n")
    tree.put(f"{controller}/model", "QEMU NVMe Ctrl  \n")
    tree.disk("nvme0n1", controller)
    subsystem = "sys/devices/virtual/nvme-subsystem/nvme-subsys1"
    other = f"{tree.function('0000:00:06.0', 'nvme')}/nvme/nvme1"
    tree.put(f"{other}/serial", "LAB-4\n")
    tree.link(f"{subsystem}/nvme1", other)
    tree.disk("nvme1n1", subsystem)
    # Linux 6.1 with multipath: each way to the disk is there too, and cannot be opened.
    tree.disk("nvme1c1n1", other)
    tree.put("sys/block/nvme1c1n1/hidden", "1\n")
    tree.put("sys/block/nvme1n1/hidden", "0\n")
    told = [(disk.serial, disk.driver, disk.address) for disk in disks(str(tree.root))]
    assert told == [("LAB-3", "nvme", "0000:00:04.0"), ("LAB-4", "nvme", "0000:00:06.0")]
    for path in (controller, other):
        tree.put(f"{path}/reset_controller", "")
    devices.set_up_anew(find_disk("LAB-4", str(tree.root)))
    assert (tree.root / other / "reset_controller").read_text() == "1"
    assert (tree.root / controller / "reset_controller").read_text() == ""


def test_a_disk_that_is_no_nvme_disk_is_not_reset(tree: Tree) -> None:
    function = tree.function("0000:00:05.0", "virtio-pci")
    tree.drive(f"{function}/virtio1", "virtio_blk")
    tree.disk("vda", f"{function}/virtio1")
    tree.put("sys/block/vda/serial", "LAB-1")
    devices.set_up_anew(find_disk("LAB-1", str(tree.root)))
    assert not (tree.root / function / "virtio1/reset_controller").exists()


def test_a_usb_disk_is_asked_once(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    function = tree.function("0000:00:08.0", "xhci_hcd")
    interface = f"{function}/usb1/1-1/1-1:1.0"
    tree.drive(interface, "usb-storage")
    tree.scsi_disk("sdb", f"{interface}/host2/target2:0:0/2:0:0:0", None)
    asked = []

    def ask(node: str) -> str:
        asked.append(node)
        return "LAB-5"

    monkeypatch.setattr(devices, "_ask", ask)
    root = str(tree.root)
    for _ in range(2):
        [disk] = disks(root)
        assert (disk.serial, disk.driver) == ("LAB-5", "usb-storage")
    assert asked == [f"{root}/dev/sdb"]


@pytest.mark.parametrize("page", [b"", b"\0\x80", page_80(b""), page_80(b"    ")])
def test_a_disk_without_a_serial_number_is_none_of_the_lab(tree: Tree, page: bytes) -> None:
    function = tree.function("0000:00:07.0", "ahci")
    tree.scsi_disk("sda", f"{function}/ata1/host0/target0:0:0/0:0:0:0", page)
    (tree.root / "sys/block/loop0").mkdir()
    assert disks(str(tree.root)) == []
    with pytest.raises(OrderError, match="serial number LAB-9"):
        find_disk("LAB-9", str(tree.root))


def test_nics_by_mac_in_any_case_without_the_loopback(tree: Tree) -> None:
    function = tree.function("0000:00:09.0", "virtio-pci")
    tree.drive(f"{function}/virtio4", "virtio_net")
    tree.nic("eth0", "52:54:00:aa:00:01", f"{function}/virtio4")
    tree.nic("eth1", "52:54:00:aa:00:02", tree.function("0000:00:0a.0", "e1000", irq="11"))
    tree.put("sys/class/net/lo/type", "772\n")
    tree.put("sys/class/net/lo/address", "00:00:00:00:00:00\n")
    root = str(tree.root)
    assert [nic.told() for nic in nics(root)] == [
        {
            "mac": "52:54:00:aa:00:01",
            "name": "eth0",
            "driver": "virtio_net",
            "address": "0000:00:09.0",
        },
        {"mac": "52:54:00:aa:00:02", "name": "eth1", "driver": "e1000", "address": "0000:00:0a.0"},
    ]
    assert find_nic("52:54:00:AA:00:02", root).name == "eth1"
    with pytest.raises(OrderError):
        find_nic("52:54:00:aa:00:03", root)


def test_interrupts_that_are_not_known_are_none(tree: Tree) -> None:
    function = tree.function("0000:00:0b.0", "something")
    counter = Counter(str(tree.root / function), str(tree.root))
    assert counter.read() is None
    assert since(None, 3) is None
    assert since(3, None) is None
    assert since(3, 5) == 2


def test_a_line_that_is_not_in_the_table_is_not_zero(tree: Tree) -> None:
    function = tree.function("0000:00:0c.0", "e1000", irq="10")
    assert Counter(str(tree.root / function), str(tree.root)).read() is None
