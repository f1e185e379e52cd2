"""Definitions that get devices of the host's and lose them; nothing else of them changes."""

from __future__ import annotations

import pytest
from lxml import etree

from tuivm.domainxml.hostdevxml import hostdev, passed_of
from tuivm.domainxml.parse import child_attr, parse_domain
from tuivm.domainxml.passing_edit import found, needed_controller, with_devices, without_devices
from tuivm.model.offers import HostDevice
from tuivm.model.spec import Passed, PassKind

PLAIN = """<domain type='kvm'>
  <name>web</name>
  <metadata><x:x xmlns:x='http://example.com/x'>kept</x:x></metadata>
  <features>
    <acpi/>
    <hyperv mode='custom'><relaxed state='on'/></hyperv>
  </features>
  <devices>
    <disk type='file'><source file='/a'/></disk>
    <new-thing of='tomorrow'/>
  </devices>
</domain>"""
LEFT = HostDevice("usb", "usb_1_1", "1-1", ids="0781:5567", bus=1, device=4)
RIGHT = HostDevice("usb", "usb_1_2", "1-2", ids="0781:5567", bus=1, device=5)
BOTH = (LEFT, RIGHT)
NIC = Passed(PassKind.PCI, "0000:01:00.0")


def at(device: HostDevice) -> Passed:
    return Passed(PassKind.USB_PORT, device.address)


def test_what_is_given_is_there_and_all_else_too() -> None:
    xml = with_devices(PLAIN, [hostdev(NIC, None)])
    assert passed_of(parse_domain(xml)) == (NIC,)
    assert found(xml, NIC, ()) is not None
    assert without_devices(xml, [NIC], ()) == PLAIN.replace("'", '"')


def test_a_definition_without_devices_gets_some() -> None:
    xml = with_devices("<domain><name>a</name></domain>", [hostdev(NIC, None)])
    assert passed_of(parse_domain(xml)) == (NIC,)


def test_kvm_hides_and_hyperv_has_another_name() -> None:
    root = parse_domain(with_devices(PLAIN, [], hide_hypervisor=True, vendor_id="tuivm"))
    assert child_attr(root, "features/kvm/hidden", "state") == "on"
    vendor = root.find("features/hyperv/vendor_id")
    assert vendor is not None
    assert vendor.items() == [("state", "on"), ("value", "tuivm")]
    assert child_attr(root, "features/hyperv/relaxed", "state") == "on"
    assert len(root.findall("features/hyperv")) == 1


@pytest.mark.parametrize("which", BOTH)
def test_two_that_are_alike_are_told_apart(which: HostDevice) -> None:
    (other,) = (one for one in BOTH if one is not which)
    xml = with_devices(PLAIN, [hostdev(at(one), one) for one in BOTH])
    left = without_devices(xml, [at(which)], BOTH)
    assert found(left, at(which), BOTH) is None
    assert found(left, at(other), BOTH) is not None


def test_one_by_its_ids_is_found_where_it_runs() -> None:
    """libvirt notes there which of those that are alike it took."""
    by_ids = Passed(PassKind.USB, LEFT.ids)
    definition = with_devices(PLAIN, [hostdev(by_ids, LEFT)])
    runs = with_devices(PLAIN, [hostdev(at(LEFT), LEFT)])
    (has,) = passed_of(parse_domain(runs), BOTH)
    assert has == Passed(PassKind.USB, LEFT.ids, LEFT.nodedev)
    assert found(definition, has, BOTH) is not None
    assert found(runs, by_ids, BOTH) is not None
    assert found(runs, at(LEFT), BOTH) is not None
    assert found(runs, at(RIGHT), BOTH) is None


def test_numbers_that_are_nobodys_any_more_can_be_taken_out() -> None:
    xml = with_devices(PLAIN, [hostdev(at(LEFT), LEFT), hostdev(at(RIGHT), RIGHT)])
    others = [RIGHT._replace(address="1-3", nodedev="usb_1_3", device=9)]
    first, second = passed_of(parse_domain(xml), others)
    assert (first.device, second.device) == ("001/004", "001/005")
    left = parse_domain(without_devices(xml, [first], others))
    assert passed_of(left, others) == (second,)


def test_a_vf_is_a_pci_device() -> None:
    xml = with_devices(PLAIN, [hostdev(NIC, None)])
    assert found(xml, Passed(PassKind.VF, NIC.device), ()) is not None
    assert found(xml, Passed(PassKind.SCSI, NIC.device), ()) is None


def test_only_a_scsi_disk_needs_a_controller() -> None:
    disk = hostdev(Passed(PassKind.SCSI, "2:0:0:0"), None)
    assert needed_controller(PLAIN, [hostdev(NIC, None)]) is None
    made = needed_controller(PLAIN, [disk])
    assert made is not None
    assert made.get("model") == "virtio-scsi"
    again = with_devices(PLAIN, [made])
    assert needed_controller(again, [disk]) is None
    assert "virtio-scsi" in etree.tostring(parse_domain(again), encoding="unicode")
