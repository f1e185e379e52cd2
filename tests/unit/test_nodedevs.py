"""Node devices of a real host (the virtual one), and of libvirt's own documents."""

from __future__ import annotations

import pytest

from tuivm.domainxml.nodedevs import Named, named_devices, read_node_device
from tuivm.domainxml.parse import parse_domain
from tuivm.model.offers import HostDevice, MdevType, PciLink

_PCI = """<device>
  <name>{name}</name>
  <path>/sys/devices/pci0000:00/0000:00:04.0/{address}</path>
  <parent>pci_0000_00_04_0</parent>
  {driver}
  <capability type='pci'>
    <class>0x010802</class>
    <domain>0</domain>
    <bus>2</bus>
    <slot>0</slot>
    <function>{function}</function>
    <product id='0x0010'>QEMU NVM Express Controller</product>
    <vendor id='0x1b36'>Red Hat, Inc.</vendor>
    {capability}
    <iommuGroup number='{group}'>
      <address domain='0x0000' bus='0x02' slot='0x00' function='0x{function}'/>
    </iommuGroup>
    <numa node='1'/>
    <pci-express>
      <link validity='cap' port='0' speed='16' width='32'/>
      <link validity='sta' speed='2.5' width='1'/>
    </pci-express>
  </capability>
</device>"""
_TWO = """<capability type='virt_functions' maxCount='4'>
      <address domain='0x0000' bus='0x02' slot='0x00' function='0x1'/>
      <address domain='0x0000' bus='0x02' slot='0x00' function='0x2'/>
    </capability>"""
_OF = """<capability type='phys_function'>
      <address domain='0x0000' bus='0x02' slot='0x00' function='0x0'/>
    </capability>"""


def _device(xml: str) -> HostDevice:
    device = read_node_device(xml).device
    assert device is not None
    return device


def _pf(capability: str) -> HostDevice:
    driver = "<driver><name>nvme</name></driver>"
    return _device(
        _PCI.format(
            name="pci_0000_02_00_0",
            address="0000:02:00.0",
            driver=driver,
            function=0,
            capability=capability,
            group=9,
        )
    )


def test_a_pf_without_and_with_vfs() -> None:
    none = _pf("<capability type='virt_functions' maxCount='4'/>")
    assert (none.virtual_functions, none.max_functions) == ((), 4)
    two = _pf(_TWO)
    assert two == none._replace(virtual_functions=("0000:02:00.1", "0000:02:00.2"))
    assert (two.parent, two.numa_node, two.driver) == ("pci_0000_00_04_0", 1, "nvme")
    assert two.link == PciLink(speed=2.5, width=1, max_speed=16.0, max_width=32)
    assert two.resets is None, "XML does not tell"


def test_a_vf() -> None:
    vf = _device(
        _PCI.format(
            name="pci_0000_02_00_1",
            address="0000:02:00.1",
            driver="",
            function=1,
            capability=_OF,
            group=10,
        )
    )
    assert (vf.physical_function, vf.max_functions, vf.driver) == ("0000:02:00.0", 0, "")
    assert (vf.iommu_group, vf.group_members) == (10, ("0000:02:00.1",))


_NET = """<device>
  <name>net_eth0_52_54_00_12_34_56</name>
  <path>/sys/devices/pci0000:00/0000:00:02.0/virtio0/net/eth0</path>
  <parent>pci_0000_00_02_0</parent>
  <capability type='net'>
    <interface>{name}</interface>
    <address>52:54:00:12:34:56</address>
    <link {link}/>
    <feature name='rx'/>
    <capability type='80203'/>
  </capability>
</device>"""


@pytest.mark.parametrize(
    ("link", "speed", "active"),
    [
        ("speed='4294967295' state='up'", None, True),
        ("speed='10000' state='up'", 10000.0, True),
        ("state='down'", None, False),
        ("", None, None),
    ],
)
def test_a_network_interface(link: str, speed: float | None, active: bool | None) -> None:
    device = _device(_NET.format(name="eth0", link=link))
    assert (device.kind, device.address, device.mac) == ("net", "eth0", "52:54:00:12:34:56")
    assert (device.speed, device.active) == (speed, active)
    assert (device.interfaces, device.parent) == (("eth0",), "pci_0000_00_02_0")


@pytest.mark.parametrize("name", ["lo", "vnet12", "macvtap0"])
def test_what_is_no_device_of_the_hosts(name: str) -> None:
    node = read_node_device(_NET.format(name=name, link=""))
    assert node.device is None
    assert node.interface is not None


def test_a_scsi_device() -> None:
    device = _device(
        """<device><name>scsi_6_0_0_0</name>
  <path>/sys/devices/pci0000:00/0000:00:05.0/usb2/2-1/2-1:1.0/host6/target6:0:0/6:0:0:0</path>
  <parent>scsi_target6_0_0</parent><driver><name>sd</name></driver>
  <capability type='scsi'><host>6</host><bus>0</bus><target>0</target><lun>0</lun>
    <type>disk</type></capability></device>"""
    )
    assert (device.kind, device.address, device.class_) == ("scsi", "6:0:0:0", "disk")
    assert (device.driver, device.parent) == ("sd", "scsi_target6_0_0")


_DISK = """<device><name>block_x</name>
  <path>/sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1</path>
  <devnode type='dev'>/dev/nvme0n1</devnode>
  <devnode type='link'>/dev/disk/by-id/nvme-QEMU_NVMe_Ctrl_NVME1_1</devnode>
  <devnode type='link'>{link}</devnode>
  <parent>computer</parent>
  <capability type='storage'><block>/dev/nvme0n1</block><drive_type>disk</drive_type>
    <model>QEMU NVMe Ctrl</model><serial>S1</serial></capability></device>"""


@pytest.mark.parametrize(
    ("link", "on_pci", "filled"),
    [
        ("/dev/disk/by-path/pci-0000:02:00.0-nvme-1", "0000:02:00.0", False),
        ("/dev/disk/by-path/virtio-pci-0000:00:06.0", "0000:00:06.0", False),
        ("/dev/disk/by-uuid/6f217c6a-6eb6-46cd-b654-6597252c264b", "", True),
        ("/dev/disk/by-id/lvm-pv-uuid-x", "", True),
    ],
)
def test_a_disk(link: str, on_pci: str, filled: bool) -> None:
    node = read_node_device(_DISK.format(link=link))
    assert (node.block, node.on_pci, node.filled) == ("/dev/nvme0n1", on_pci, filled)
    assert node.disk == ("", "QEMU NVMe Ctrl", "S1")
    assert link in node.links
    assert node.device is None


def test_what_a_card_can_make_mediated_devices_of() -> None:
    """As in libvirt's formatnode page."""
    device = _device(
        """<device><name>pci_0000_02_00_0</name><parent>pci_0000_00_02_0</parent>
  <capability type='pci'><domain>0</domain><bus>2</bus><slot>0</slot><function>0</function>
    <capability type='mdev_types'>
      <type id='nvidia-11'><name>GRID M60-0B</name><deviceAPI>vfio-pci</deviceAPI>
        <availableInstances>16</availableInstances></type>
      <type id='nvidia-22'><deviceAPI>vfio-pci</deviceAPI></type>
    </capability></capability></device>"""
    )
    assert device.mdev_types == (
        MdevType("nvidia-11", "GRID M60-0B", "vfio-pci", 16),
        MdevType("nvidia-22", "", "vfio-pci", 0),
    )


def test_a_guest_names_scsi_devices_disks_and_interfaces_of_the_host() -> None:
    domain = parse_domain(
        """<domain><devices>
  <hostdev mode='subsystem' type='scsi'><source><adapter name='scsi_host6'/>
    <address bus='0' target='0' unit='1'/></source></hostdev>
  <hostdev mode='subsystem' type='scsi'><source protocol='iscsi' name='iqn.x/1'/></hostdev>
  <disk type='block'><source dev='/dev/sdb2'/></disk>
  <interface type='direct'><source dev='eth1' mode='bridge'/></interface>
</devices></domain>"""
    )
    named = named_devices(domain)
    assert named == (Named(scsi="6:0:0:1"), Named(block="/dev/sdb2"), Named(net="eth1"))
    assert named[0].means(HostDevice("scsi", "scsi_6_0_0_1", "6:0:0:1"))
    assert not named[0].means(HostDevice("scsi", "scsi_6_0_0_0", "6:0:0:0"))
    assert named[2].means(HostDevice("net", "net_eth1", "eth1"))
    assert not Named(usb_ids="1:2").means(HostDevice("scsi", "x", "6:0:0:0"))
