"""Changing the model of devices in a definition: golden before and after, and what must survive."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from lxml import etree

from tuivm.domainxml.convert import convert, convertible
from tuivm.domainxml.parse import parse_domain
from tuivm.domainxml.read import read_details
from tuivm.model.conversion import Change, Conversion
from tuivm.model.devices import DeviceClass

GOLDEN = Path(__file__).parent / "golden/convert"

CASES: dict[str, dict[str, str]] = {
    "ide": {"hda": "virtio"},
    "sata": {"sda": "virtio", "sdb": "virtio-scsi"},
    "usb": {"sda": "virtio"},
    "lsi": {"sda": "virtio-scsi"},
    "second": {"sda": "virtio"},
    "order": {"hda": "virtio"},
    "kernel": {"hda": "virtio"},
    "e1000": {"0000:00:03.0": "virtio"},
    "rtl8139": {"0000:02:01.0": "virtio"},
    "video": {"0000:00:01.0": "virtio"},
    "back": {"vda": "ide", "0000:00:03.0": "e1000"},
}
"""Name of the golden file -> what becomes of which target."""


def definition(name: str) -> str:
    return (GOLDEN / f"{name}.xml").read_text()


def change(xml: str, wanted: dict[str, str]) -> Conversion:
    devices = {device.target: device for device in convertible(xml)}
    return convert(xml, [Change(devices[target], to) for target, to in wanted.items()])


@pytest.mark.parametrize("name", CASES)
def test_golden(name: str) -> None:
    found = change(definition(name), CASES[name])
    golden = GOLDEN / f"{name}.diff"
    text = "\n".join(found.diff) + "\n"
    if os.environ.get("TUIVM_UPDATE_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text()


@pytest.mark.parametrize("name", CASES)
def test_what_is_not_known_survives_and_the_classes_change(name: str) -> None:
    xml = definition(name)
    found = change(xml, CASES[name])
    for path in ("devices/nobody-knows", "metadata"):
        before, after = parse_domain(xml).find(path), parse_domain(found.xml).find(path)
        assert before is not None
        assert after is not None
        assert etree.tostring(after) == etree.tostring(before)
    wanted = DeviceClass.EMULATED if name == "back" else DeviceClass.PARAVIRTUAL
    assert [one.after.cls for one in found.changed] == [wanted] * len(CASES[name])
    assert found.was == xml
    inside = [line[1:].strip() for line in found.diff if line.startswith("-")]
    assert "<nobody-knows" not in "".join(inside)


@pytest.mark.parametrize("name", CASES)
def test_targets_and_addresses_never_clash(name: str) -> None:
    domain = parse_domain(change(definition(name), CASES[name]).xml)
    names = [target.get("dev") for target in domain.iterfind("devices/disk/target")]
    assert len(names) == len(set(names))
    addresses = [etree.tostring(address) for address in domain.iter("address")]
    assert len(addresses) == len(set(addresses))


def test_serial_and_boot_order_stay() -> None:
    disk = parse_domain(change(definition("ide"), {"hda": "virtio"}).xml).find("devices/disk")
    assert disk is not None
    assert disk.findtext("serial") == "ABC-123"
    assert disk.find("nobody-knows") is not None
    ordered = change(definition("order"), {"hda": "virtio"})
    assert parse_domain(ordered.xml).find("devices/disk/boot[@order='1']") is not None
    assert not ordered.boot_order
    assert ordered.changed[0].boots


def test_the_guest_boots_from_the_same_disk() -> None:
    """Of two virtio disks libvirt would take vda, which holds data."""
    found = change(definition("second"), {"sda": "virtio"})
    assert found.boot_order
    domain = parse_domain(found.xml)
    assert not domain.findall("os/boot")
    orders = {
        disk.find("source").get("file"): disk.find("boot")  # type: ignore[union-attr]
        for disk in domain.iterfind("devices/disk")
    }
    assert orders["/images/data.qcow2"] is None
    boot = orders["/images/a.qcow2"]
    assert boot is not None
    assert boot.get("order") == "2"
    assert domain.find("devices/interface/boot[@order='1']") is not None


def test_data_of_a_second_disk_is_not_what_it_boots_from() -> None:
    found = change(definition("sata"), {"sdb": "virtio"})
    assert not found.changed[0].boots
    assert not found.boot_order


def test_a_name_in_the_command_line_is_told() -> None:
    found = change(definition("kernel"), {"hda": "virtio"})
    assert found.command_line == ("/dev/hda",)
    assert not found.changed[0].boots


def test_passwords_are_not_shown_and_not_lost() -> None:
    found = change(definition("video"), {"0000:00:01.0": "virtio"})
    assert "s3cret" not in "\n".join(found.diff)
    assert "s3cret" in found.xml


def test_a_nic_keeps_its_address_where_it_fits() -> None:
    assert not change(definition("e1000"), CASES["e1000"]).changed[0].moved
    assert change(definition("rtl8139"), CASES["rtl8139"]).changed[0].moved


def test_a_controller_that_somebody_chose_stays() -> None:
    xml = definition("lsi").replace("model='lsilogic'", "model='lsisas1068'")
    kept = parse_domain(change(xml, {"sda": "virtio"}).xml)
    assert [one.get("model") for one in kept.iterfind("devices/controller[@type='scsi']")] == [
        "lsisas1068"
    ]
    both = parse_domain(change(xml, {"sda": "virtio-scsi"}).xml)
    found = {one.get("index"): one.get("model") for one in both.iterfind("devices/controller")}
    assert found["1"] == "virtio-scsi"
    assert both.find("devices/disk/address[@controller='1']") is not None


def test_there_and_back() -> None:
    there = change(definition("ide"), {"hda": "virtio"})
    back = change(there.xml, {"vda": "ide"})
    before, after = read_details(definition("ide")), read_details(back.xml)
    assert after.devices == before.devices


def test_a_full_bus_is_refused() -> None:
    disks = "".join(
        f"<disk type='file' device='disk'><source file='/{bus}{unit}'/>"
        f"<target dev='hd{letter}' bus='ide'/>"
        f"<address type='drive' controller='0' bus='{bus}' target='0' unit='{unit}'/></disk>"
        for letter, (bus, unit) in zip("abcd", ((0, 0), (0, 1), (1, 0), (1, 1)), strict=True)
    )
    xml = definition("back").replace("<emulator>", disks + "<emulator>")
    with pytest.raises(ValueError, match="no free place"):
        change(xml, {"vda": "ide"})


def test_a_device_that_went_is_refused() -> None:
    device = convertible(definition("ide"))[0]
    with pytest.raises(ValueError, match="no device hda"):
        convert(definition("e1000"), [Change(device, "virtio")])


def test_other_hypervisors_and_passed_through_devices_are_left_alone() -> None:
    assert convertible(definition("ide").replace("type='kvm'", "type='xen'", 1)) == ()
    lun = definition("lsi").replace("device='disk'", "device='lun'")
    assert convertible(lun) == ()
    vf = definition("e1000").replace("interface type='network'", "interface type='hostdev'")
    assert convertible(vf) == ()


@pytest.mark.parametrize("xml", ["", "<pool/>", "<domain>", "<!DOCTYPE a []><domain/>"])
def test_what_is_no_definition_is_refused(xml: str) -> None:
    with pytest.raises(ValueError, match=r"not|document type"):
        convertible(xml)
