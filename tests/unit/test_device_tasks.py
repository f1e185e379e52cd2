"""How a host's devices are named in requests and commands, and which guests have them."""

from __future__ import annotations

import pytest

from tests.ui.device_support import (
    KEY,
    MDEV,
    NIC,
    PF,
    TAKEN,
    TWINS,
    VF1,
    WEB,
    definition,
    offer,
    pci,
)
from tuivm.devicescene import read
from tuivm.devicetasks import device_choices, passed_of_part, users_of
from tuivm.domainxml.read import read_details
from tuivm.model.devices import Device, DeviceKind
from tuivm.model.guests import Guest, GuestKey, GuestState
from tuivm.model.offers import HostDevice
from tuivm.model.requests import When
from tuivm.model.spec import Passed, PassKind
from tuivm.model.store import GuestView
from tuivm.screens.devicewords import (
    as_passed,
    by_hand,
    device_xml,
    options_by_hand,
    pool_xml,
    ways_to_name,
)
from tuivm.screens.dialogs.detach import alike

SCSI = HostDevice("scsi", "scsi_2_0_0_0", "2:0:0:0", "ACME", "Tape")
DEVICES = (NIC, PF, VF1, KEY, *TWINS, MDEV, SCSI)
HOSTDEV = """<hostdev mode='subsystem' type='{kind}' managed='{managed}'>
  <source>{source}</source>{alias}</hostdev>"""
_PCI = "<address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>"


@pytest.mark.parametrize(
    ("device", "passed"),
    [
        (NIC, Passed(PassKind.PCI, "0000:01:00.0", NIC.nodedev)),
        (VF1, Passed(PassKind.VF, "0000:02:00.1", VF1.nodedev)),
        (KEY, Passed(PassKind.USB, "1050:0407", KEY.nodedev)),
        (TWINS[0], Passed(PassKind.USB_PORT, "1-5", TWINS[0].nodedev)),
        (MDEV, Passed(PassKind.MDEV, MDEV.address, MDEV.nodedev)),
        (SCSI, Passed(PassKind.SCSI, "2:0:0:0", SCSI.nodedev)),
    ],
)
def test_how_a_request_names_it(device: HostDevice, passed: Passed) -> None:
    assert as_passed(device, DEVICES) == passed
    assert device_xml([(passed, device)]).startswith(("<hostdev", "<interface"))


def test_usb_may_be_named_by_its_port() -> None:
    assert as_passed(KEY, DEVICES, by_port=True).kind is PassKind.USB_PORT
    assert as_passed(NIC, DEVICES, by_port=True).kind is PassKind.PCI
    assert [by_port for by_port, _ in ways_to_name(KEY, DEVICES)] == [False, True]
    assert [by_port for by_port, _ in ways_to_name(TWINS[0], DEVICES)] == [True]


def test_the_command_is_quoted_for_a_shell() -> None:
    line = by_hand("qemu:///system", "attach-device", "a b'c", ["<hostdev/>"], When.BOTH)
    first = "virsh -c qemu:///system attach-device 'a b'\"'\"'c' /dev/stdin --live --config"
    assert line == f"{first} <<'EOF'\n<hostdev/>\nEOF"
    assert "--live" not in by_hand("", "attach-device", "g", ["<x/>"], When.NEXT_BOOT)
    assert "--config" not in by_hand("", "attach-device", "g", ["<x/>"], When.NOW)


def test_options_have_a_command_of_their_own() -> None:
    assert options_by_hand("g", hide=False, vendor_id="") == ""
    both = options_by_hand("g", hide=True, vendor_id="none", uri="qemu:///system")
    assert both == (
        "virt-xml --connect qemu:///system g --edit --features "
        "kvm.hidden.state=on,hyperv.vendor_id.state=on,hyperv.vendor_id.value=none"
    )


def test_a_network_of_vfs_names_the_interface() -> None:
    assert '<pf dev="eth2"/>' in pool_xml("a<b", PF)
    assert "a&lt;b" in pool_xml("a<b", PF)


def test_who_has_a_device() -> None:
    assert users_of(TAKEN, offer()) == [("web", WEB)]
    idle = TAKEN._replace(used_by=("guest off (off)", "interface eth0 is up"))
    assert [name for name, _ in users_of(idle, offer())] == ["off"]
    assert users_of(NIC, offer()) == []


def test_free_ones_come_first_and_impossible_ones_last() -> None:
    bridge = pci("0000:00:1c.0", "Root port", 4, class_="060400")
    found = device_choices(offer((bridge, TAKEN, NIC)), ascii_only=False).choices
    assert [one.id.split()[1] for one in found] == [NIC.address, TAKEN.address, bridge.address]
    assert [bool(one.refusal) for one in found] == [False, False, True]
    plain = device_choices(offer((bridge, TAKEN, NIC)), ascii_only=True)
    assert all(one.label.isascii() for one in plain.choices)


def part(xml: str) -> Device:
    details = read_details(xml)
    return next(one for one in details.devices if one.kind is DeviceKind.HOSTDEV)


@pytest.mark.parametrize("alias", ["", "<alias name='hostdev0'/>"])
def test_a_part_of_a_guest_is_found_in_its_definition(alias: str) -> None:
    hostdev = HOSTDEV.format(kind="pci", managed="yes", source=_PCI, alias=alias)
    xml = definition("web", WEB, hostdev)
    found = passed_of_part(xml, part(xml), DEVICES)
    assert found == Passed(PassKind.PCI, NIC.address, NIC.nodedev)
    assert passed_of_part(definition("web", WEB), part(xml), DEVICES) is None


def view(*, active: bool = True, persistent: bool = True) -> GuestView:
    state = GuestState.RUNNING if active else GuestState.OFF
    guest = Guest(
        GuestKey("local", WEB),
        "web",
        state,
        domain_id=1 if active else None,
        autostart=False,
        managed_save=False,
        persistent=persistent,
    )
    return GuestView(guest)


def test_both_sides_of_a_guest_are_read() -> None:
    hostdev = HOSTDEV.format(kind="pci", managed="no", source=_PCI, alias="")
    live, defined = definition("web", WEB, hostdev), definition("web", WEB)
    seen = read(view(), offer(DEVICES), live, defined)
    assert seen.live is not None
    assert [one.device for one in seen.live.passed] == [NIC.address]
    assert not seen.live.managed
    assert seen.defined is not None
    assert seen.defined.passed == ()
    assert seen.target is not None
    assert seen.target.running
    off = read(view(active=False), offer(DEVICES), "", defined)
    assert off.live is None
    assert off.target is not None
    assert not off.target.running
    gone = read(view(persistent=False, active=False), offer(DEVICES), "", "")
    assert gone.problem is not None
    with pytest.raises(ValueError, match="domain"):
        read(view(), offer(DEVICES), "<network/>", "")


def test_a_vf_is_a_pci_device_too() -> None:
    assert alike(Passed(PassKind.VF, "0000:02:00.1"), Passed(PassKind.PCI, "0000:02:00.1"))
    assert not alike(Passed(PassKind.USB, "0000:02:00.1"), Passed(PassKind.PCI, "0000:02:00.1"))
    assert not alike(Passed(PassKind.VF, "0000:02:00.2"), Passed(PassKind.PCI, "0000:02:00.1"))
