"""What speaks against changing a device's model, by OS, place and state of the guest."""

from __future__ import annotations

import pytest

from tests.unit.test_convert import change, definition
from tuivm.domainxml.read import read_details
from tuivm.model.conversion import Conversion, Convertible, Definition, Option
from tuivm.model.devices import DeviceClass
from tuivm.model.findings import Finding, Severity
from tuivm.model.guests import Guest, GuestKey, GuestState
from tuivm.model.oses import GENERIC, OsInfo
from tuivm.preflight.converting import check
from tuivm.preflight.converting_options import convertibles, suggested

CAPS = """<domainCapabilities><path>/usr/bin/qemu</path><domain>kvm</domain>
<machine>pc-q35-7.2</machine><arch>x86_64</arch><devices>
<disk supported='yes'><enum name='bus'><value>virtio</value><value>scsi</value><value>sata</value>
<value>usb</value></enum></disk>
<video supported='yes'><enum name='modelType'><value>vga</value><value>bochs</value></enum></video>
</devices></domainCapabilities>"""
ASKED = Definition(snapshots=())
"""No snapshots, and that is known."""
LINUX = OsInfo(
    "http://debian.org/debian/12", "debian12", "Debian 12", "linux", devices=("virtio1.0-block",)
)


def guest(xml: str, state: GuestState = GuestState.OFF, agent_os: str = "") -> Guest:
    return Guest(GuestKey("h", "u"), "old", state, details=read_details(xml), agent_os=agent_os)


def found(
    name: str,
    wanted: dict[str, str],
    os: str = "debian 12",
    *,
    more: Definition = ASKED,
    state: GuestState = GuestState.OFF,
    info: OsInfo = GENERIC,
) -> tuple[Conversion, dict[str, Finding]]:
    xml = definition(name)
    conversion = change(xml, wanted)
    findings = check(conversion, guest(xml, state, os), more._replace(xml=xml), info)
    order = [list(Severity).index(one.severity) for one in findings]
    assert order == sorted(order)
    assert len({one.id for one in findings}) == len(findings)
    return conversion, {one.id: one for one in findings}


def options(name: str, target: str, caps: str = "") -> tuple[Convertible, dict[str, Option]]:
    every = convertibles(Definition(definition(name), caps))
    one = next(one for one in every if one.device.target == target)
    return one, {option.to: option for option in one.options}


def test_a_linux_guest_that_boots_from_the_disk() -> None:
    _, ids = found("ide", {"hda": "virtio"})
    assert set(ids) == {"boots-from-it", "disk-names"}
    assert "lsinitrd | grep virtio_blk" in ids["boots-from-it"].remedy
    assert ids["boots-from-it"].severity is Severity.WARNING
    assert "/dev/hdX is called /dev/vdX" in ids["disk-names"].what
    assert "UUID=" in ids["disk-names"].remedy


def test_virtio_scsi_keeps_the_names() -> None:
    _, ids = found("sata", {"sda": "virtio-scsi"})
    assert set(ids) == {"boots-from-it"}
    assert "virtio_scsi" in ids["boots-from-it"].what


def test_a_data_disk_of_linux_only_changes_its_name() -> None:
    _, ids = found("sata", {"sdb": "virtio"})
    assert set(ids) == {"disk-names", "settings-dropped"}
    assert "wwn" in ids["settings-dropped"].what


def test_windows_needs_its_driver_first() -> None:
    _, ids = found("ide", {"hda": "virtio"}, "mswindows 10")
    assert set(ids) == {"drivers-to-install"}
    one = ids["drivers-to-install"]
    assert "second, small virtio-blk disk" in one.remedy
    assert "viostor" in one.remedy
    assert one.severity is Severity.WARNING


def test_windows_that_has_a_virtio_disk_already_can_show_that_it_works() -> None:
    _, ids = found("second", {"sda": "virtio"}, "mswindows 10")
    assert "vda" in ids["drivers-to-check"].what
    assert ids["drivers-to-check"].severity is Severity.WARNING


def test_an_os_without_drivers_stops_it() -> None:
    _, ids = found("ide", {"hda": "virtio"}, "reactos 0.4")
    assert ids["no-drivers"].severity is Severity.ERROR


def test_an_unknown_os_is_a_matter_of_looking() -> None:
    _, ids = found("e1000", {"0000:00:03.0": "virtio"}, "")
    assert ids["drivers-unknown"].severity is Severity.WARNING
    assert "modinfo virtio_net" in ids["drivers-unknown"].remedy
    assert "NetKVM" in ids["drivers-unknown"].remedy
    _, ids = found("ide", {"hda": "virtio"}, "")
    assert set(ids) == {"drivers-unknown", "boots-from-it", "disk-names"}


def test_osinfo_knows_better_than_a_name() -> None:
    _, ids = found("ide", {"hda": "virtio"}, "reactos 0.4", info=LINUX)
    assert "no-drivers" not in ids
    old = LINUX._replace(name="Debian 3", devices=("ide",))
    _, ids = found("ide", {"hda": "virtio"}, "debian 12", info=old)
    assert "Debian 3" in ids["no-drivers"].what
    win = OsInfo("http://microsoft.com/win/10", "win10", "Windows 10", "winnt", devices=("ahci",))
    _, ids = found("ide", {"hda": "virtio"}, info=win)
    assert "drivers-to-install" in ids


def test_a_nic_and_its_name() -> None:
    _, ids = found("e1000", {"0000:00:03.0": "virtio"})
    assert ids["nic-name-stays"].severity is Severity.NOTE
    assert "52:54:00:00:00:01" in ids["nic-name-stays"].what
    _, ids = found("rtl8139", {"0000:02:01.0": "virtio"})
    assert ids["nic-name"].severity is Severity.WARNING


def test_what_the_guest_is_doing() -> None:
    more = Definition(snapshots=("one", "two", "three", "four"), saved=True)
    _, ids = found("ide", {"hda": "virtio"}, more=more, state=GuestState.RUNNING)
    assert ids["next-boot"].severity is Severity.NOTE
    assert "reboot inside the guest is not enough" in ids["next-boot"].why
    assert "one, two, three and 1 more" in ids["snapshots"].what
    assert ids["saved-memory"].severity is Severity.WARNING
    _, ids = found("ide", {"hda": "virtio"}, more=Definition())
    assert "snapshots-unknown" in ids


def test_what_the_definition_itself_says() -> None:
    _, ids = found("kernel", {"hda": "virtio"})
    assert "/dev/hda" in ids["command-line"].what
    assert "boots-from-it" not in ids
    _, ids = found("second", {"sda": "virtio"})
    assert "boot-order" in ids


def test_a_long_serial_number_is_cut() -> None:
    xml = definition("ide").replace("ABC-123", "S" * 21)
    ids = {one.id for one in check(change(xml, {"hda": "virtio"}), guest(xml), Definition(xml))}
    assert "serial-cut" in ids


def test_the_way_back_needs_no_driver_of_virtio() -> None:
    conversion, ids = found("back", {"vda": "ide"}, "")
    assert "drivers-unknown" not in ids
    assert "iothread" in ids["settings-dropped"].what
    assert ids["boots-from-it"].severity is Severity.WARNING
    assert conversion.changed[0].after.cls is DeviceClass.EMULATED


def test_only_what_the_host_offers_can_be_chosen() -> None:
    _, picks = options("sata", "sda", CAPS)
    assert not picks["virtio"].refusal
    assert not picks["virtio-scsi"].refusal
    assert "IDE" in picks["ide"].refusal
    assert "sata" not in picks, "it is that already"
    _, picks = options("sata", "sda", CAPS.replace("<value>scsi</value>", ""))
    assert "does not offer" in picks["virtio-scsi"].refusal
    video, picks = options("video", "0000:00:01.0", CAPS)
    assert "does not offer" in picks["virtio"].refusal
    assert suggested(video) is None
    _, picks = options("video", "0000:00:01.0")
    assert not picks["virtio"].refusal, "a host that does not say is not taken for one that has not"


def test_pci_express_wants_a_board_that_has_it() -> None:
    _, picks = options("e1000", "0000:00:03.0")
    assert "PCI only" in picks["e1000e"].refusal
    _, picks = options("rtl8139", "0000:02:01.0")
    assert not picks["e1000e"].refusal


def test_a_drive_cannot_be_virtio_blk() -> None:
    xml = definition("ide").replace("device='disk'", "device='cdrom'")
    one = convertibles(Definition(xml))[0]
    assert "medium" in next(option.refusal for option in one.options if option.to == "virtio")
    choice = suggested(one)
    assert choice is not None
    assert choice.to == "virtio-scsi"


@pytest.mark.parametrize(
    ("name", "target", "to"),
    [
        ("ide", "hda", "virtio"),
        ("lsi", "sda", "virtio"),
        ("usb", "sda", "virtio"),
        ("e1000", "0000:00:03.0", "virtio"),
        ("back", "vda", None),
    ],
)
def test_what_is_suggested(name: str, target: str, to: str | None) -> None:
    choice = suggested(options(name, target)[0])
    assert (choice.to if choice else None) == to


def test_what_two_disks_say_alike_is_said_once() -> None:
    xml = definition("sata")
    conversion = change(xml, {"sda": "virtio", "sdb": "virtio"})
    ids = [one.id for one in check(conversion, guest(xml, agent_os="debian 12"), ASKED)]
    assert ids.count("disk-names") == 1
    assert ids.count("boots-from-it") == 1
