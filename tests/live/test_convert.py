"""Devices changed to another model: libvirt takes each definition, and a guest finds its data."""

from __future__ import annotations

from pathlib import Path

import libvirt
import pytest

from tests.support.appliance import MEMORY_MIB, appliance
from tests.support.guests import GuestFactory, disk_xml, guest_xml, sparse_file
from tests.support.rig import Rig
from tests.support.shell import Shell
from tuivm.domainxml.convert import convert
from tuivm.domainxml.read import read_details
from tuivm.hypervisor.actions import perform
from tuivm.hypervisor.definition import look_up
from tuivm.model.conversion import Change, Conversion
from tuivm.model.devices import DeviceClass, DeviceKind
from tuivm.model.requests import Redefine, Rename
from tuivm.preflight.converting_options import convertibles, suggested

SERIAL = "<serial>TUIVM-0042</serial>"
USER = "<interface type='user'><mac address='52:54:00:12:34:56'/><model type='{}'/></interface>"
PTY = "<serial type='pty'/>"


def to_virtio(factory: GuestFactory, uuid: str) -> Conversion:
    """Change all that is suggested, and have libvirt take it."""
    definition = look_up(factory.conn, uuid)
    assert definition.caps_xml, "the host told what it offers"
    assert definition.snapshots == ()
    changes = [
        Change(one.device, option.to)
        for one in convertibles(definition)
        if (option := suggested(one)) is not None
    ]
    conversion = convert(definition.xml, changes)
    outcome = perform(factory.conn, uuid, Redefine(conversion.xml, conversion.was))
    assert outcome.problem is None, outcome.problem
    return conversion


def classes(factory: GuestFactory, uuid: str) -> dict[str, DeviceClass]:
    """Of disks, NICs and video, by model, as libvirt now has them."""
    xml = factory.domain(uuid).XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    kinds = (DeviceKind.DISK, DeviceKind.NIC, DeviceKind.VIDEO)
    return {one.model: one.cls for one in read_details(xml).devices if one.kind in kinds}


@pytest.mark.parametrize(
    ("machine", "bus", "target", "model"),
    [
        ("pc", "ide", "hda", "virtio-blk"),
        ("pc", "sata", "sda", "virtio-blk"),
        ("q35", "sata", "sda", "virtio-blk"),
        ("q35", "usb", "sda", "virtio-blk"),
        ("pc", "scsi", "sda", "virtio-blk"),
    ],
)
def test_libvirt_takes_disks_of_every_bus(
    guest_factory: GuestFactory, tmp_path: Path, machine: str, bus: str, target: str, model: str
) -> None:
    disk = disk_xml(sparse_file(tmp_path / "a.raw"), target, bus=bus, more=SERIAL)
    uuid = guest_factory.define(guest_xml(f"{machine}-{bus}", machine=machine, devices=disk))
    before = len(classes(guest_factory, uuid))
    to_virtio(guest_factory, uuid)
    assert classes(guest_factory, uuid) == {model: DeviceClass.PARAVIRTUAL}
    assert before == 1
    # It is not only a definition: QEMU takes it too.
    guest_factory.domain(uuid).createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)


@pytest.mark.parametrize("bus", ["sata", "usb", "ide"])
def test_and_back(guest_factory: GuestFactory, tmp_path: Path, bus: str) -> None:
    disk = disk_xml(sparse_file(tmp_path / "a.raw"), more=SERIAL)
    uuid = guest_factory.define(guest_xml("back", devices=disk + USER.format("virtio")))
    definition = look_up(guest_factory.conn, uuid)
    devices = {one.device.kind: one.device for one in convertibles(definition)}
    changes = [Change(devices[DeviceKind.DISK], bus), Change(devices[DeviceKind.NIC], "e1000")]
    conversion = convert(definition.xml, changes)
    outcome = perform(guest_factory.conn, uuid, Redefine(conversion.xml, conversion.was))
    assert outcome.problem is None, outcome.problem
    assert set(classes(guest_factory, uuid).values()) == {DeviceClass.EMULATED}
    guest_factory.domain(uuid).createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)


@pytest.mark.parametrize("machine", ["pc", "q35"])
def test_virtio_scsi_nics_and_video(
    guest_factory: GuestFactory, tmp_path: Path, machine: str
) -> None:
    drive = "<disk type='file' device='cdrom'><target dev='sdb' bus='sata'/></disk>"
    disk = disk_xml(sparse_file(tmp_path / "a.raw"), "sda", bus="sata")
    video = "<graphics type='vnc'/><video><model type='cirrus'/></video>"
    nics = USER.format("e1000") + USER.format("rtl8139").replace("34:56", "34:57")
    uuid = guest_factory.define(
        guest_xml(machine, machine=machine, devices=disk + drive + nics + video)
    )
    conversion = to_virtio(guest_factory, uuid)
    assert set(classes(guest_factory, uuid).values()) == {DeviceClass.PARAVIRTUAL}
    assert "virtio-scsi" in classes(guest_factory, uuid), "a drive goes there"
    moved = {one.before.model: one.moved for one in conversion.changed}
    assert moved["e1000"] == (machine == "q35"), "i440fx has PCI alone: it stays where it is"
    guest_factory.domain(uuid).createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)


def test_what_changed_meanwhile_is_not_overwritten(
    guest_factory: GuestFactory, tmp_path: Path
) -> None:
    disk = disk_xml(sparse_file(tmp_path / "a.raw"), "hda", bus="ide")
    uuid = guest_factory.define(guest_xml("busy", devices=disk))
    definition = look_up(guest_factory.conn, uuid)
    assert perform(guest_factory.conn, uuid, Rename("other")).problem is None
    conversion = convert(definition.xml, [Change(convertibles(definition)[0].device, "virtio")])
    outcome = perform(guest_factory.conn, uuid, Redefine(conversion.xml, conversion.was))
    assert outcome.problem is not None
    assert "meanwhile" in outcome.problem.reason
    assert guest_factory.domain(uuid).name() == "other"
    assert set(classes(guest_factory, uuid)) == {"ide-hd"}


def test_a_definition_that_libvirt_refuses_leaves_the_old_one(
    guest_factory: GuestFactory,
) -> None:
    uuid = guest_factory.define(guest_xml("kept"))
    was = look_up(guest_factory.conn, uuid).xml
    outcome = perform(guest_factory.conn, uuid, Redefine(was.replace("<devices>", "<no/>"), was))
    assert outcome.problem is not None
    assert look_up(guest_factory.conn, uuid).xml == was


def test_the_guest_finds_its_data_on_the_new_devices(
    rig: Rig, guest_factory: GuestFactory, tmp_path: Path
) -> None:
    image = sparse_file(tmp_path / "a.raw")
    with image.open("r+b") as file:
        file.write(b"the same data\n")
    devices = disk_xml(image, "hda", bus="ide", more=SERIAL) + USER.format("e1000") + PTY
    uuid = guest_factory.define(
        guest_xml("moves", memory_mib=MEMORY_MIB, os=appliance().os_xml("shell"), devices=devices)
    )
    to_virtio(guest_factory, uuid)
    guest_factory.domain(uuid).create()
    with Shell(rig.uri, uuid) as shell:
        shell.ready()
        shell.run("until [ -b /dev/vda ] && [ -d /sys/class/net/eth0 ]; do usleep 100000; done")
        assert shell.run("cat /sys/block/vda/serial") == "TUIVM-0042"
        assert shell.run("head -c 13 /dev/vda; echo") == "the same data"
        assert "virtio" in shell.run("readlink -f /sys/class/net/eth0/device/driver")
        assert shell.run("cat /sys/class/net/eth0/address") == "52:54:00:12:34:56"
        assert shell.run("ls /sys/block").split() == ["vda"]
