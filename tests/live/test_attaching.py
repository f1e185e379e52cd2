"""Devices of the host's given to guests and taken away, on real guests.

No machine of these tests has an IOMMU: what libvirt does with a definition is real, what it says to
a running guest is a refusal, after which nothing may be left.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import libvirt
import pytest

from tests.support.guests import GuestFactory, guest_xml
from tuivm.domainxml.hostdevxml import passed_of
from tuivm.domainxml.parse import child_attr, parse_domain
from tuivm.hypervisor import attaching, detaching
from tuivm.hypervisor.actions import perform
from tuivm.hypervisor.devicesurvey import devices as survey
from tuivm.model.hosts import HostSpec
from tuivm.model.offers import HostDevice, HostOffer
from tuivm.model.requests import AttachDevices, DetachDevices, Outcome, Step, When
from tuivm.model.spec import Passed, PassKind
from tuivm.preflight.attaching import accept_key, check_attach, read_target

WHOLE = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE
VNC = "<graphics type='vnc' passwd='secret'/>"
NOTE = "<metadata><x:x xmlns:x='http://example.com/x'>kept</x:x></metadata>"


def look() -> Callable[[libvirt.virConnect, HostSpec], HostOffer]:
    """What the code under test looks at the host with, which tests put something before."""
    found: Callable[[libvirt.virConnect, HostSpec], HostOffer] = vars(attaching)["devices"]
    return found


def looked(guests: GuestFactory) -> HostOffer:
    return look()(guests.conn, HostSpec("rig", guests.rig.uri))


def definition(guests: GuestFactory, uuid: str) -> str:
    return guests.domain(uuid).XMLDesc(WHOLE)


def has(guests: GuestFactory, uuid: str) -> set[str]:
    """Of its definition."""
    return {one.device for one in passed_of(parse_domain(definition(guests, uuid)))}


def ask(guests: GuestFactory, uuid: str, *passed: Passed, when: When, **more: Any) -> Outcome:
    """With each warning accepted that there is."""
    offer = looked(guests)
    domain = guests.domain(uuid)
    running = bool(domain.isActive())
    xml = domain.XMLDesc(0 if running else WHOLE)
    target = read_target(xml, running=running, persistent=bool(domain.isPersistent()))
    said = check_attach(passed, offer, target, when)
    accepted = frozenset(accept_key(one) for one in said.findings)
    return perform(
        guests.conn, uuid, AttachDevices(passed, when, accepted=accepted)._replace(**more)
    )


@pytest.fixture
def nic(guest_factory: GuestFactory, monkeypatch: pytest.MonkeyPatch) -> Passed:
    """A PCI device of this machine, which is said to be free and alone in an IOMMU group."""
    real = survey(guest_factory.conn, HostSpec("rig", guest_factory.rig.uri))
    device = [one for one in real.devices if one.kind == "pci"][-1]
    if device.iommu_group is not None:
        pytest.skip("this machine has an IOMMU: its own devices are not played with")

    def found(conn: libvirt.virConnect, spec: HostSpec) -> HostOffer:
        offer = survey(conn, spec)
        return offer._replace(devices=tuple(map(free, offer.devices)))

    def free(one: HostDevice) -> HostDevice:
        if one.nodedev != device.nodedev:
            return one
        return one._replace(
            class_="020000",
            iommu_group=7,
            group_members=(one.address,),
            used_by=tuple(use for use in one.used_by if use.startswith("guest ")),
            critical=(),
            unknown=(),
        )

    monkeypatch.setattr(attaching, "devices", found)
    monkeypatch.setattr(detaching, "devices", found)
    return Passed(PassKind.PCI, device.address, device.nodedev)


def test_without_an_iommu_it_is_refused(guest_factory: GuestFactory) -> None:
    offer = survey(guest_factory.conn, HostSpec("rig", guest_factory.rig.uri))
    device = next(one for one in offer.devices if one.kind == "pci")
    if device.iommu_group is not None:
        pytest.skip("this machine has an IOMMU: its own devices are not played with")
    uuid = guest_factory.define(guest_xml("none", machine="q35"))
    before = definition(guest_factory, uuid)
    for overridden in (frozenset[str](), frozenset({device.address})):
        outcome = ask(
            guest_factory,
            uuid,
            Passed(PassKind.PCI, device.address),
            when=When.NEXT_BOOT,
            overridden=overridden,
        )
        assert outcome.problem is not None
        assert device.address in outcome.problem.reason
        assert outcome.steps == ()
    assert definition(guest_factory, uuid) == before


def test_the_definition_gets_it_and_loses_it(guest_factory: GuestFactory, nic: Passed) -> None:
    uuid = guest_factory.define(guest_xml("off", machine="q35", devices=VNC, more=NOTE))
    before = definition(guest_factory, uuid)
    outcome = ask(guest_factory, uuid, nic._replace(rom_bar=False), when=When.NEXT_BOOT)
    assert outcome.problem is None
    assert outcome.steps == (Step(f"off has {nic.device} from its next start on"),)
    after = definition(guest_factory, uuid)
    (passed,) = passed_of(parse_domain(after))
    assert (passed.device, passed.rom_bar) == (nic.device, False)
    assert "passwd='secret'" in after
    assert "kept</x:x>" in after
    gone = perform(guest_factory.conn, uuid, DetachDevices((nic,), When.BOTH))
    assert gone.problem is None
    assert gone.steps == (Step(f"off starts without {nic.device} from now on"),)
    # The controllers that libvirt made for it stay.
    left = parse_domain(definition(guest_factory, uuid))
    assert passed_of(left) == ()
    assert child_attr(left, "devices/graphics", "passwd") == "secret"
    assert child_attr(parse_domain(before), "devices/graphics", "passwd") == "secret"


def test_a_guest_that_is_off_gets_both_at_its_next_start(
    guest_factory: GuestFactory, nic: Passed
) -> None:
    uuid = guest_factory.define(guest_xml("both", machine="q35"))
    assert ask(guest_factory, uuid, nic, when=When.BOTH).ok
    assert has(guest_factory, uuid) == {nic.device}


def test_a_guest_that_is_off_has_no_now(guest_factory: GuestFactory, nic: Passed) -> None:
    uuid = guest_factory.define(guest_xml("idle", machine="q35"))
    for request in (AttachDevices((nic,), When.NOW), DetachDevices((nic,), When.NOW)):
        outcome = perform(guest_factory.conn, uuid, request)
        assert outcome.problem is not None
        assert "idle is not running" in outcome.problem.reason
        assert outcome.steps == ()


def test_a_transient_guest_has_no_definition(guest_factory: GuestFactory, nic: Passed) -> None:
    uuid = guest_factory.start(guest_xml("brief", machine="q35"), transient=True)
    for request in (AttachDevices((nic,), When.BOTH), DetachDevices((nic,), When.NEXT_BOOT)):
        outcome = perform(guest_factory.conn, uuid, request)
        assert outcome.problem is not None
        assert "brief has no definition" in outcome.problem.reason
    assert not guest_factory.domain(uuid).isPersistent()


def test_what_drivers_of_gpus_want(guest_factory: GuestFactory, nic: Passed) -> None:
    uuid = guest_factory.define(guest_xml("gpu", machine="q35"))
    outcome = ask(
        guest_factory, uuid, nic, when=When.NEXT_BOOT, hide_hypervisor=True, vendor_id="tuivm"
    )
    assert outcome.problem is None
    root = parse_domain(definition(guest_factory, uuid))
    assert child_attr(root, "features/kvm/hidden", "state") == "on"
    assert child_attr(root, "features/hyperv/vendor_id", "value") == "tuivm"
    assert root.find("features/acpi") is not None


def test_what_libvirt_refuses_to_a_running_guest_leaves_nothing(
    guest_factory: GuestFactory, nic: Passed
) -> None:
    uuid = guest_factory.start(guest_xml("runs", machine="q35", devices=VNC))
    before = definition(guest_factory, uuid)
    live = guest_factory.domain(uuid).XMLDesc()
    outcome = ask(guest_factory, uuid, nic, when=When.BOTH)
    assert outcome.problem is not None
    assert outcome.problem.reason
    assert [(step.what, step.done) for step in outcome.steps] == [
        (f"runs has {nic.device} from its next start on", True),
        (f"give {nic.device} to the running guest", False),
        ("put the definition of runs back", True),
    ]
    assert definition(guest_factory, uuid) == before
    assert guest_factory.domain(uuid).XMLDesc() == live


def test_only_the_next_boot_of_a_running_guest(guest_factory: GuestFactory, nic: Passed) -> None:
    uuid = guest_factory.start(guest_xml("later", machine="q35"))
    live = guest_factory.domain(uuid).XMLDesc()
    assert ask(guest_factory, uuid, nic, when=When.NEXT_BOOT).ok
    assert has(guest_factory, uuid) == {nic.device}
    assert guest_factory.domain(uuid).XMLDesc() == live
    refused = perform(guest_factory.conn, uuid, DetachDevices((nic,), When.NOW))
    assert refused.problem is not None
    assert f"later has no {nic.device}" in refused.problem.reason
    # What runs has it not, so the definition is all that there is to change.
    assert perform(guest_factory.conn, uuid, DetachDevices((nic,), When.BOTH)).ok
    assert has(guest_factory, uuid) == set()


def test_a_device_that_another_guest_got_meanwhile(
    guest_factory: GuestFactory, nic: Passed
) -> None:
    """Between what the person accepted and the deed: the other guest is not what was accepted."""
    first = guest_factory.define(guest_xml("first", machine="q35"))
    second = guest_factory.define(guest_xml("second", machine="q35"))
    offer = looked(guest_factory)
    target = read_target(definition(guest_factory, second), running=False)
    seen = check_attach((nic,), offer, target, When.NEXT_BOOT)
    accepted = frozenset(accept_key(one) for one in seen.findings)
    assert ask(guest_factory, first, nic, when=When.NEXT_BOOT).ok
    outcome = perform(
        guest_factory.conn, second, AttachDevices((nic,), When.NEXT_BOOT, accepted=accepted)
    )
    assert outcome.problem is not None
    assert "first" in outcome.problem.reason
    assert has(guest_factory, second) == set()
    # A warning that is accepted does not stop: only one of them can run at a time.
    assert ask(guest_factory, second, nic, when=When.NEXT_BOOT).ok
    assert has(guest_factory, second) == {nic.device}


def meanwhile(monkeypatch: pytest.MonkeyPatch, deed: Callable[[], object]) -> None:
    """Something happens while the host is looked at."""
    found = look()

    def devices(conn: libvirt.virConnect, spec: HostSpec) -> HostOffer:
        offer = found(conn, spec)
        deed()
        return offer

    monkeypatch.setattr(attaching, "devices", devices)
    monkeypatch.setattr(detaching, "devices", devices)


def accepting(guests: GuestFactory, uuid: str, nic: Passed) -> AttachDevices:
    offer = looked(guests)
    target = read_target(definition(guests, uuid), running=False)
    seen = check_attach((nic,), offer, target, When.BOTH)
    return AttachDevices((nic,), accepted=frozenset(accept_key(one) for one in seen.findings))


def test_a_definition_that_somebody_else_changes_meanwhile(
    guest_factory: GuestFactory, nic: Passed, monkeypatch: pytest.MonkeyPatch
) -> None:
    uuid = guest_factory.define(guest_xml("busy", machine="q35"))
    request = accepting(guest_factory, uuid, nic)
    other = definition(guest_factory, uuid).replace("<name>", "<title>changed</title><name>")
    meanwhile(monkeypatch, lambda: guest_factory.conn.defineXML(other))
    outcome = perform(guest_factory.conn, uuid, request)
    assert outcome.problem is not None
    assert "changed by somebody else meanwhile" in outcome.problem.reason
    assert outcome.steps == ()
    assert has(guest_factory, uuid) == set()
    assert "<title>changed</title>" in definition(guest_factory, uuid)


@pytest.mark.parametrize("request_", [AttachDevices, DetachDevices])
def test_a_guest_that_is_undefined_meanwhile_does_not_come_back(
    guest_factory: GuestFactory,
    nic: Passed,
    monkeypatch: pytest.MonkeyPatch,
    request_: type[AttachDevices | DetachDevices],
) -> None:
    uuid = guest_factory.define(guest_xml("gone", machine="q35"))
    asked: AttachDevices | DetachDevices = accepting(guest_factory, uuid, nic)
    if request_ is DetachDevices:
        assert perform(guest_factory.conn, uuid, asked).ok
        asked = DetachDevices((nic,))
    meanwhile(monkeypatch, lambda: guest_factory.domain(uuid).undefine())
    outcome = perform(guest_factory.conn, uuid, asked)
    assert outcome.problem is not None
    assert outcome.steps == ()
    assert not guest_factory.exists(uuid)


def test_a_device_that_is_unplugged_meanwhile(
    guest_factory: GuestFactory, nic: Passed, monkeypatch: pytest.MonkeyPatch
) -> None:
    uuid = guest_factory.define(guest_xml("late", machine="q35"))
    request = accepting(guest_factory, uuid, nic)
    found = look()
    monkeypatch.setattr(
        attaching,
        "devices",
        lambda conn, spec: (offer := found(conn, spec))._replace(
            devices=tuple(one for one in offer.devices if one.nodedev != nic.nodedev)
        ),
    )
    outcome = perform(guest_factory.conn, uuid, request)
    assert outcome.problem is not None
    assert nic.device in outcome.problem.reason
    assert has(guest_factory, uuid) == set()


def test_no_guest_at_all(guest_factory: GuestFactory, nic: Passed) -> None:
    uuid = "00000000-0000-4000-8000-000000000000"
    for request in (AttachDevices((nic,)), DetachDevices((nic,))):
        outcome = perform(guest_factory.conn, uuid, request)
        assert outcome.problem is not None
        assert uuid in outcome.problem.what


def test_a_disk_of_the_hosts_gets_a_controller_that_is_fast(
    guest_factory: GuestFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = HostDevice("scsi", "scsi_2_0_0_0", "2:0:0:0", blocks=("/dev/sda",))
    passed = Passed(PassKind.SCSI, disk.address, disk.nodedev)
    for module in (attaching, detaching):
        monkeypatch.setattr(
            module,
            "devices",
            lambda conn, spec: survey(conn, spec)._replace(devices=(disk,)),
        )
    uuid = guest_factory.define(guest_xml("scsi", machine="q35"))
    outcome = ask(guest_factory, uuid, passed, when=When.NEXT_BOOT)
    assert outcome.problem is None
    root = parse_domain(definition(guest_factory, uuid))
    assert child_attr(root, "devices/controller[@type='scsi']", "model") == "virtio-scsi"
    assert has(guest_factory, uuid) == {"2:0:0:0"}
    assert perform(guest_factory.conn, uuid, DetachDevices((passed,))).ok
    assert has(guest_factory, uuid) == set()
