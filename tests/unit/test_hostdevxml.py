"""How devices of the host's are named in a guest's definition: written, and read back."""

from __future__ import annotations

import pytest
from lxml import etree

from tuivm.domainxml.build_parts import element
from tuivm.domainxml.hostdevxml import hostdev, mdev_model, passed_of
from tuivm.domainxml.nodedevs import named_devices
from tuivm.domainxml.parse import Element, parse_domain
from tuivm.model.offers import HostDevice, MdevType
from tuivm.model.spec import Passed, PassKind

UUID = "c60c6e1f-2b7c-4d5c-9e0e-0d4a1d3c7a11"
NIC_VF = HostDevice("pci", "pci_0000_01_10_0", "0000:01:10.0", class_="020000")
NVME_VF = HostDevice("pci", "pci_0000_02_00_1", "0000:02:00.1", class_="010802")
STICK = HostDevice("usb", "usb_1_1_4", "1-1.4", ids="0781:5567", bus=1, device=7)

WRITTEN = [
    (
        Passed(PassKind.PCI, "0000:01:00.0"),
        None,
        "<hostdev mode='subsystem' type='pci' managed='yes'><source>"
        "<address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/></source></hostdev>",
    ),
    (
        Passed(PassKind.PCI, "0000:0a:00.1", rom_file="/roms/a.rom"),
        None,
        "<hostdev mode='subsystem' type='pci' managed='yes'><source>"
        "<address domain='0x0000' bus='0x0a' slot='0x00' function='0x1'/></source>"
        "<rom file='/roms/a.rom'/></hostdev>",
    ),
    (
        Passed(PassKind.PCI, "0000:01:00.0", rom_bar=False),
        None,
        "<hostdev mode='subsystem' type='pci' managed='yes'><source>"
        "<address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/></source>"
        "<rom bar='off'/></hostdev>",
    ),
    (
        Passed(PassKind.VF, "0000:01:10.0"),
        NIC_VF,
        "<interface type='hostdev' managed='yes'><mac address='52:54:00:00:00:01'/><source>"
        "<address domain='0x0000' bus='0x01' slot='0x10' function='0x0' type='pci'/></source>"
        "</interface>",
    ),
    (
        Passed(PassKind.VF, "0000:02:00.1"),
        NVME_VF,
        "<hostdev mode='subsystem' type='pci' managed='yes'><source>"
        "<address domain='0x0000' bus='0x02' slot='0x00' function='0x1'/></source></hostdev>",
    ),
    (
        Passed(PassKind.USB, "0781:5567"),
        STICK,
        "<hostdev mode='subsystem' type='usb' managed='yes'><source startupPolicy='optional'>"
        "<vendor id='0x0781'/><product id='0x5567'/></source></hostdev>",
    ),
    (
        Passed(PassKind.USB_PORT, "1-1.4"),
        STICK,
        "<hostdev mode='subsystem' type='usb' managed='yes'><source startupPolicy='optional'>"
        "<vendor id='0x0781'/><product id='0x5567'/><address bus='1' device='7'/>"
        "</source></hostdev>",
    ),
    (
        Passed(PassKind.MDEV, UUID),
        None,
        "<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source>"
        f"<address uuid='{UUID}'/></source></hostdev>",
    ),
    (
        Passed(PassKind.SCSI, "2:0:3:1"),
        None,
        "<hostdev mode='subsystem' type='scsi'><source><adapter name='scsi_host2'/>"
        "<address bus='0' target='3' unit='1'/></source></hostdev>",
    ),
]


def canonical(one: Element) -> bytes:
    return bytes(etree.tostring(one, method="c14n"))


def in_domain(*devices: Element) -> Element:
    return element("domain", element("devices", *devices))


@pytest.mark.parametrize(("passed", "device", "xml"), WRITTEN)
def test_written(passed: Passed, device: HostDevice | None, xml: str) -> None:
    made = hostdev(passed, device, mac="52:54:00:00:00:01")
    assert canonical(made) == canonical(etree.fromstring(xml))


@pytest.mark.parametrize(("passed", "device", "xml"), WRITTEN)
def test_read_back(passed: Passed, device: HostDevice | None, xml: str) -> None:
    (found,) = passed_of(in_domain(etree.fromstring(xml)), [STICK, NIC_VF])
    if passed.kind is PassKind.USB_PORT:
        # As a guest that runs has one that was named by its ids.
        assert found == Passed(PassKind.USB, STICK.ids, STICK.nodedev)
        return
    # A VF that is no NIC's is given as any PCI device is.
    kind = PassKind.PCI if device is NVME_VF else passed.kind
    assert found._replace(nodedev="") == passed._replace(kind=kind)
    named = named_devices(in_domain(hostdev(passed, device)))
    if passed.kind is not PassKind.SCSI:
        assert named


def test_a_vf_whose_kind_is_not_known_is_no_interface() -> None:
    assert hostdev(Passed(PassKind.VF, "0000:01:10.0"), None).tag == "hostdev"


def test_a_mediated_device_is_what_its_parents_type_says() -> None:
    parent = HostDevice(
        "pci", "css_0_0_0024", "0.0.0024", mdev_types=(MdevType("vfio_ccw-io", api="vfio-ccw"),)
    )
    device = HostDevice("mdev", "mdev_x", UUID, product="vfio_ccw-io", parent=parent.nodedev)
    assert mdev_model(device, [parent, device]) == "vfio-ccw"
    assert mdev_model(device._replace(product="other"), [parent, device]) == ""
    assert mdev_model(None, [parent]) == ""
    made = hostdev(Passed(PassKind.MDEV, UUID), device, model="vfio-ccw")
    assert made.get("model") == "vfio-ccw"


def test_names_of_libvirt_are_found_where_the_host_is_known() -> None:
    definition = in_domain(*(etree.fromstring(xml) for _, _, xml in WRITTEN))
    found = {one.device: one.nodedev for one in passed_of(definition, [STICK, NIC_VF])}
    assert found["0000:01:10.0"] == "pci_0000_01_10_0"
    bare = STICK._replace(ids="")
    (port,) = passed_of(in_domain(hostdev(Passed(PassKind.USB_PORT, "1-1.4"), bare)), [STICK])
    assert port == Passed(PassKind.USB_PORT, "1-1.4", "usb_1_1_4")
    assert found["0000:01:00.0"] == ""


def test_a_usb_device_that_is_not_plugged_in_has_the_name_of_its_numbers() -> None:
    there = hostdev(Passed(PassKind.USB_PORT, "1-1.4"), STICK)
    assert passed_of(in_domain(there), [NIC_VF]) == (Passed(PassKind.USB_PORT, "001/007"),)
    assert passed_of(in_domain(there)) == (Passed(PassKind.USB, STICK.ids),)


def test_what_is_not_the_hosts_is_left_out() -> None:
    domain = parse_domain(
        """<domain><devices>
          <disk type='file'><source file='/a'/></disk>
          <interface type='network'><source network='default'/></interface>
          <hostdev mode='capabilities' type='misc'><source><char>/dev/x</char></source></hostdev>
          <hostdev mode='subsystem' type='scsi_host'>
            <source protocol='vhost' wwpn='naa.5'/></hostdev>
          <hostdev mode='subsystem' type='scsi'>
            <source protocol='iscsi' name='iqn.1992-01.com:disk/1'><host name='a'/></source>
          </hostdev>
          <hostdev mode='subsystem' type='pci'/>
        </devices></domain>"""
    )
    assert passed_of(domain) == ()


@pytest.mark.parametrize(
    ("passed", "message"),
    [
        (Passed(PassKind.PCI, "01:00.0"), "not a PCI address: 01:00.0"),
        (Passed(PassKind.USB, "stick"), "not vendor:product of a USB device: stick"),
        (Passed(PassKind.USB_PORT, "1-9"), "no USB device is known at port 1-9"),
        (Passed(PassKind.SCSI, "2:0:0"), "not host:bus:target:unit of a SCSI device: 2:0:0"),
    ],
)
def test_an_address_that_is_none(passed: Passed, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        hostdev(passed, None)
