"""What becomes of a running guest when its host refuses half of what it was to get: with a double
of libvirt, as no machine of the tests can give anything away."""

from __future__ import annotations

from typing import Any, cast

import libvirt
import pytest
from lxml import etree

from tuivm.domainxml.editing import remove
from tuivm.domainxml.hostdevxml import passed_of
from tuivm.domainxml.parse import parse_domain, parse_xml
from tuivm.domainxml.passing_edit import with_devices
from tuivm.hypervisor import attaching, detaching, liveparts
from tuivm.model.offers import HostDevice, HostOffer
from tuivm.model.requests import AttachDevices, DetachDevices, Outcome, Step, When
from tuivm.model.spec import Passed, PassKind
from tuivm.preflight.attaching import accept_key, check_attach, read_target

UUID = "c60c6e1f-2b7c-4d5c-9e0e-0d4a1d3c7a11"
XML = f"""<domain type='kvm'><name>web</name><uuid>{UUID}</uuid>
<memory unit='MiB'>64</memory><os><type machine='q35'>hvm</type></os><devices>
<controller type='pci' model='pcie-root' index='0'/>{
    "".join(f"<controller type='pci' model='pcie-root-port' index='{n}'/>" for n in (1, 2, 3, 4))
}</devices></domain>"""
LIVE = libvirt.VIR_DOMAIN_AFFECT_LIVE


def pci(address: str, group: int, *members: str, driver: str = "e1000e") -> HostDevice:
    name = "pci_" + address.replace(":", "_").replace(".", "_")
    return HostDevice(
        "pci",
        name,
        address,
        class_="020000",
        driver=driver,
        iommu_group=group,
        group_members=(address, *members),
        resets=("flr",),
    )


ONE, TWO = "0000:01:00.0", "0000:02:00.0"
LEFT, RIGHT = "0000:03:00.0", "0000:03:00.1"
HOST = (pci(ONE, 1), pci(TWO, 2), pci(LEFT, 3, RIGHT), pci(RIGHT, 3, LEFT))


def refusal(words: str, code: int = libvirt.VIR_ERR_OPERATION_FAILED) -> libvirt.libvirtError:
    error = libvirt.libvirtError(words)
    error.err = (code, 0, words, 2, None, None, None, -1, -1)
    return error


class Host:
    """A connection, its one guest, and the drivers of the host's devices.

    refused: addresses that cannot be plugged in. keeps: what the guest does not let go of."""

    def __init__(self) -> None:
        self.xml, self.live = XML, XML
        self.persistent = self.running = True
        self.paused = False
        self.drivers = {one.nodedev: one.driver for one in HOST}
        self.refused: set[str] = set()
        self.keeps: set[str] = set()
        self.told: list[str] = []

    # as a connection

    def getURI(self) -> str:  # noqa: N802 - libvirt's name
        return "qemu:///system"

    def lookupByUUIDString(self, _uuid: str) -> Host:  # noqa: N802 - libvirt's name
        return self

    def nodeDeviceLookupByName(self, name: str) -> Node:  # noqa: N802 - libvirt's name
        return Node(self, name)

    def defineXMLFlags(self, xml: str, _flags: int) -> None:  # noqa: N802 - libvirt's name
        self.told.append("define")
        self.xml = xml

    def defineXML(self, xml: str) -> None:  # noqa: N802 - libvirt's name
        self.defineXMLFlags(xml, 0)

    # as the guest

    def name(self) -> str:
        return "web"

    def isActive(self) -> int:  # noqa: N802 - libvirt's name
        return int(self.running)

    def state(self) -> list[int]:
        return [libvirt.VIR_DOMAIN_PAUSED if self.paused else libvirt.VIR_DOMAIN_RUNNING, 0]

    def isPersistent(self) -> int:  # noqa: N802 - libvirt's name
        return int(self.persistent)

    def hasManagedSaveImage(self) -> int:  # noqa: N802 - libvirt's name
        return 0

    def XMLDesc(self, flags: int = 0) -> str:  # noqa: N802 - libvirt's name
        return self.xml if flags & libvirt.VIR_DOMAIN_XML_INACTIVE else self.live

    def attachDeviceFlags(self, xml: str, flags: int) -> None:  # noqa: N802 - libvirt's name
        assert flags == LIVE
        (passed,) = passed_of(parse_domain(f"<domain><devices>{xml}</devices></domain>"))
        if passed.device in self.refused:
            raise refusal(f"Requested operation is not valid: {passed.device} is in use")
        self.told.append(f"attach {passed.device}")
        self.live = with_devices(self.live, [etree.fromstring(xml)])
        self.drivers[self._nodedev(passed)] = "vfio-pci"

    def detachDeviceFlags(self, xml: str, flags: int) -> None:  # noqa: N802 - libvirt's name
        assert flags == LIVE
        (passed,) = passed_of(parse_domain(f"<domain><devices>{xml}</devices></domain>"))
        self.told.append(f"detach {passed.device}")
        if passed.device in self.keeps:
            return
        root = parse_domain(self.live)
        for one in root.findall("devices/hostdev"):
            if passed_of(parse_domain(f"<domain><devices>{text(one)}</devices></domain>")) == (
                passed,
            ):
                remove(one)
        self.live = text(root)
        self.drivers[self._nodedev(passed)] = "e1000e"

    def _nodedev(self, passed: Passed) -> str:
        return next(one.nodedev for one in HOST if one.address == passed.device)

    def has(self, *, now: bool) -> list[str]:
        return [one.device for one in passed_of(parse_domain(self.live if now else self.xml))]


class Node:
    def __init__(self, host: Host, name: str) -> None:
        self._host, self._name = host, name

    def XMLDesc(self) -> str:  # noqa: N802 - libvirt's name
        driver = self._host.drivers[self._name]
        parse_xml(xml := f"<device><driver><name>{driver}</name></driver></device>", "device")
        return xml

    def detachFlags(self, _driver: str | None) -> None:  # noqa: N802 - libvirt's name
        self._host.told.append(f"free {self._name}")
        self._host.drivers[self._name] = "vfio-pci"

    def reAttach(self) -> None:  # noqa: N802 - libvirt's name
        self._host.told.append(f"return {self._name}")
        self._host.drivers[self._name] = "e1000e"


def text(element: Any) -> str:
    return str(etree.tostring(element, encoding="unicode"))


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    offer = HostOffer("rack", "qemu:///system", devices=HOST, guests=(("web", UUID, True),))
    for module in (attaching, detaching):
        monkeypatch.setattr(module, "devices", lambda _conn, _spec: offer)
    monkeypatch.setattr(liveparts, "_UNDO_SECONDS", 0.0)
    return Host()


def attach(host: Host, *addresses: str, when: When = When.BOTH) -> Outcome:
    passed = tuple(Passed(PassKind.PCI, one) for one in addresses)
    offer = HostOffer("rack", devices=HOST)
    target = read_target(host.live, running=host.running, persistent=host.persistent)
    found = check_attach(passed, offer, target, when).findings
    accepted = frozenset(accept_key(one) for one in found)
    return attaching.attach(cast("Any", host), UUID, AttachDevices(passed, when, accepted))


def detach(host: Host, *addresses: str, when: When = When.BOTH) -> Outcome:
    passed = tuple(Passed(PassKind.PCI, one) for one in addresses)
    return detaching.detach(cast("Any", host), UUID, DetachDevices(passed, when), patience=0.0)


def test_now_and_at_each_boot(host: Host) -> None:
    outcome = attach(host, ONE, TWO)
    assert outcome.problem is None
    assert host.has(now=True) == host.has(now=False) == [ONE, TWO]
    assert host.told == ["define", f"attach {ONE}", f"attach {TWO}"]
    again = attach(host, ONE, TWO)
    assert again.problem is not None
    assert host.told == ["define", f"attach {ONE}", f"attach {TWO}"]


def test_the_second_is_refused_so_the_first_goes_again(host: Host) -> None:
    host.refused = {TWO}
    outcome = attach(host, ONE, TWO)
    assert outcome.problem is not None
    assert TWO in outcome.problem.reason
    assert (host.xml, host.has(now=True)) == (XML, [])
    assert host.drivers["pci_0000_01_00_0"] == "e1000e"
    assert [(step.what, step.done) for step in outcome.steps] == [
        (f"web has {ONE}, {TWO} from its next start on", True),
        (f"web has {ONE} now", True),
        (f"give {ONE}, {TWO} to the running guest", False),
        (f"take {ONE} out of web again", True),
        ("put the definition of web back", True),
    ]


def test_what_cannot_be_undone_is_told(host: Host) -> None:
    host.refused, host.keeps = {TWO}, {ONE}
    outcome = attach(host, ONE, TWO)
    assert outcome.problem is not None
    kept = Step(
        f"take {ONE} out of web again", done=False, reason="the guest does not let go of it"
    )
    assert kept in outcome.steps
    assert host.has(now=True) == [ONE]
    assert host.xml == XML


def test_a_definition_that_changed_since_is_not_overwritten(host: Host) -> None:
    host.refused = {ONE}
    plug = host.attachDeviceFlags

    def attach_device(xml: str, flags: int) -> None:
        host.xml = host.xml.replace("<name>", "<title>other</title><name>")
        plug(xml, flags)

    host.attachDeviceFlags = attach_device  # type: ignore[method-assign]
    outcome = attach(host, ONE)
    assert outcome.problem is not None
    assert "<title>other</title>" in host.xml
    assert host.has(now=False) == []
    assert "somebody else has changed" in outcome.steps[-1].reason


def test_a_group_is_freed_before_its_first_member_goes(host: Host) -> None:
    outcome = attach(host, LEFT, RIGHT, when=When.NOW)
    assert outcome.problem is None
    assert outcome.steps[0].what == f"took {LEFT} from e1000e, as its IOMMU group goes at once"
    assert host.told == [
        "free pci_0000_03_00_0",
        "free pci_0000_03_00_1",
        f"attach {LEFT}",
        f"attach {RIGHT}",
    ]
    assert host.xml == XML


def test_a_group_that_is_refused_is_the_hosts_again(host: Host) -> None:
    host.refused = {RIGHT}
    assert not attach(host, LEFT, RIGHT, when=When.NOW).ok
    assert host.has(now=True) == []
    assert {host.drivers[one.nodedev] for one in HOST} == {"e1000e"}


def test_half_a_group_is_refused(host: Host) -> None:
    outcome = attach(host, LEFT)
    assert outcome.problem is not None
    assert RIGHT in outcome.problem.reason + outcome.problem.cause
    assert host.told == []


def test_what_was_taken_away_is_the_hosts_again(host: Host) -> None:
    assert attach(host, ONE).ok
    outcome = detach(host, ONE)
    assert outcome.problem is None
    assert outcome.steps == (
        Step(f"web starts without {ONE} from now on"),
        Step(f"web has let go of {ONE}"),
        Step(f"{ONE} is back with the host: e1000e has it"),
    )
    assert host.has(now=True) == host.has(now=False) == []


def test_what_was_taken_by_hand_is_not_given_back(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As libvirt does it; nobody who took it for a guest wants it to be the host's in between."""
    monkeypatch.setattr(detaching, "RETURN_SECONDS", 0.0)
    host.nodeDeviceLookupByName("pci_0000_01_00_0").detachFlags(None)
    assert attach(host, ONE, when=When.NOW).ok
    let_go = host.detachDeviceFlags

    def detach_device(xml: str, flags: int) -> None:
        let_go(xml, flags)
        host.drivers["pci_0000_01_00_0"] = "vfio-pci"

    host.detachDeviceFlags = detach_device  # type: ignore[method-assign]
    outcome = detach(host, ONE, when=When.NOW)
    assert outcome.problem is None
    assert outcome.steps[-1].what == f"{ONE} stays with vfio-pci until it is returned"


def test_a_guest_that_does_not_let_go_has_lost_it_from_its_definition(host: Host) -> None:
    assert attach(host, ONE, TWO).ok
    host.keeps = {TWO}
    outcome = detach(host, ONE, TWO)
    assert outcome.problem is not None
    assert f"did not let go of {TWO}" in outcome.problem.reason
    assert f"web has let go of {ONE}" in [step.what for step in outcome.steps]
    assert host.has(now=True) == [TWO]
    assert host.has(now=False) == []
    assert "hot-unplug" in outcome.problem.cause
    host.paused = True
    still = detach(host, TWO).problem
    assert still is not None
    assert "paused" in still.cause
    host.paused = False
    # Asked once more, as it is still there.
    host.keeps = set()
    assert detach(host, TWO).ok
    assert host.has(now=True) == []


def test_one_that_is_asked_already_is_waited_for(host: Host) -> None:
    assert attach(host, ONE, when=When.NOW).ok
    let_go = host.detachDeviceFlags

    def detach_device(xml: str, flags: int) -> None:
        let_go(xml, flags)
        raise refusal("Device hostdev0 is already in the process of unplug")

    host.detachDeviceFlags = detach_device  # type: ignore[method-assign]
    assert detach(host, ONE).ok


def test_a_guest_that_stops_meanwhile_has_let_go(host: Host) -> None:
    assert attach(host, ONE).ok
    host.keeps = {ONE}
    asked = host.detachDeviceFlags

    def detach_device(xml: str, flags: int) -> None:
        asked(xml, flags)
        host.running = False
        host.drivers["pci_0000_01_00_0"] = "e1000e"

    host.detachDeviceFlags = detach_device  # type: ignore[method-assign]
    assert detach(host, ONE).ok


def test_what_it_has_not_stops_all(host: Host) -> None:
    assert attach(host, ONE).ok
    told = list(host.told)
    outcome = detach(host, ONE, TWO)
    assert outcome.problem is not None
    assert outcome.problem.reason == f"web has no {TWO}"
    assert host.told == told
