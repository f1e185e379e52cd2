"""What a real libvirt offers to those who create guests on it."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.test_deletion import qcow2
from tests.support.guests import GuestFactory, disk_xml, guest_xml, sparse_file
from tests.support.rig import Rig, wait_until
from tests.support.watching import TIMEOUT
from tuivm.hypervisor.createhost import LibvirtCreateHost
from tuivm.hypervisor.host import LibvirtHost
from tuivm.model.createports import CreationRun
from tuivm.model.creation import CreationPlan, CreationProgress
from tuivm.model.hosts import HostSpec
from tuivm.model.offers import DomainCaps, HostOffer, Pool, Volume
from tuivm.model.ports import Sinks
from tuivm.model.spec import FileRef, Spec

TCG = ("qemu", "x86_64")


@pytest.fixture
def host(rig: Rig) -> Iterator[LibvirtHost]:
    made = LibvirtHost(HostSpec("rig", rig.uri), Sinks(snapshot=lambda _: None))
    yield made
    made.close()


@pytest.fixture
def port(host: LibvirtHost) -> LibvirtCreateHost:
    return host.creating()


@pytest.fixture
def images(guest_factory: GuestFactory, tmp_path: Path) -> Path:
    """The directory of a running pool."""
    directory = tmp_path / "images"
    directory.mkdir()
    guest_factory.pool("images", directory)
    return directory


def offered(port: LibvirtCreateHost) -> HostOffer:
    answer = port.offer().result(TIMEOUT)
    assert answer.problem is None
    assert answer.offer is not None
    return answer.offer


def pool(offer: HostOffer, name: str = "images") -> Pool:
    return next(pool for pool in offer.pools if pool.name == name)


def volume(offer: HostOffer, name: str) -> Volume:
    return next(volume for volume in pool(offer).volumes if volume.name == name)


def caps(port: LibvirtCreateHost, machine: str) -> DomainCaps:
    answer = port.domain_caps(*TCG, machine).result(TIMEOUT)
    assert answer.problem is None
    assert answer.caps is not None
    return answer.caps


def test_the_host_itself(port: LibvirtCreateHost) -> None:
    offer = offered(port)
    assert (offer.host, offer.driver, offer.local, offer.session) == ("rig", "QEMU", True, False)
    assert offer.libvirt_version >= 9_000_000
    assert offer.qemu_version >= 7_000_000
    assert offer.cpus == os.cpu_count()
    assert 0 < offer.memory_free_kib < offer.memory_kib
    assert offer.images_path == "/var/lib/libvirt/images"
    assert offer.capabilities.arch == "x86_64"
    assert any(guest.arch == "x86_64" for guest in offer.capabilities.guests)
    assert offer.capabilities.qemu_user == "+0:+0", "the rig's QEMU runs as root"
    assert offer.nesting.kernel == os.uname().release
    assert offer.nesting.module is not None
    assert offer.remarks == ()


def test_pools_and_their_volumes(port: LibvirtCreateHost, images: Path) -> None:
    sparse_file(images / "plain.raw", 3)
    qcow2(images / "base.qcow2")
    qcow2(images / "over.qcow2", images / "base.qcow2")
    (images / "directory").mkdir()
    found = pool(offered(port))
    assert (found.kind, found.active, found.path, found.problem) == ("dir", True, str(images), "")
    assert 0 < found.available < found.capacity
    assert [one.name for one in found.volumes] == ["base.qcow2", "over.qcow2", "plain.raw"]
    base, over, plain = found.volumes
    assert (plain.format, plain.capacity, plain.backing) == ("raw", 3 * 1024 * 1024, "")
    assert (over.format, over.capacity, over.backing) == ("qcow2", 1024 * 1024, base.path)
    assert over.path == str(images / "over.qcow2")
    assert all(one.used_by == () for one in found.volumes)


def test_who_has_which_image(
    port: LibvirtCreateHost, images: Path, guest_factory: GuestFactory
) -> None:
    qcow2(images / "base.qcow2")
    over = qcow2(images / "over.qcow2", images / "base.qcow2")
    free, shared = sparse_file(images / "free.raw"), sparse_file(images / "shared.raw")
    both = disk_xml(shared, "vdb", more="<shareable/>")
    running = guest_xml("running", devices=disk_xml(over, fmt="qcow2") + both)
    guest_factory.start(running)
    guest_factory.define(guest_xml("off", devices=both))
    offer = offered(port)
    assert volume(offer, "over.qcow2").used_by == ("running",)
    assert volume(offer, "base.qcow2").used_by == ("running",), "through what lies over it"
    assert volume(offer, "free.raw").used_by == ()
    assert volume(offer, "shared.raw").used_by == ("off", "running")
    assert volume(offer, "shared.raw").shareable
    assert not volume(offer, "over.qcow2").shareable
    assert not volume(offer, free.name).shareable, "nobody has said so"
    assert [(name, active) for name, _, active in offer.guests] == [
        ("off", False),
        ("running", True),
    ]


def test_a_pool_that_does_not_run_says_so(
    port: LibvirtCreateHost, images: Path, guest_factory: GuestFactory
) -> None:
    guest_factory.conn.storagePoolLookupByName("images").destroy()
    offer = offered(port)
    found = pool(offer)
    assert not found.active
    assert "not running" in found.problem
    assert found.volumes == ()
    assert any("images" in remark for remark in offer.remarks)


def test_networks(port: LibvirtCreateHost, guest_factory: GuestFactory) -> None:
    network = guest_factory.conn.networkDefineXML(
        "<network><name>booting</name><bridge name='virbrboot'/>"
        "<ip address='192.168.231.1' netmask='255.255.255.0'><tftp root='/srv'/>"
        "<dhcp><range start='192.168.231.2' end='192.168.231.9'/><bootp file='pxe'/></dhcp></ip>"
        "</network>"
    )
    try:
        found = next(one for one in offered(port).networks if one.name == "booting")
    finally:
        network.undefine()
    assert (found.active, found.forward, found.bridge) == (False, "", "virbrboot")
    assert found.dhcp
    assert found.tftp


def test_interfaces_and_devices_of_this_machine(port: LibvirtCreateHost) -> None:
    offer = offered(port)
    assert "lo" not in [one.name for one in offer.interfaces]
    addresses = {path.name for path in Path("/sys/bus/pci/devices").iterdir()}
    assert {one.address for one in offer.devices if one.kind == "pci"} == addresses
    for device in offer.devices:
        assert device.nodedev
        assert device.class_ or device.kind != "pci"


def test_domain_capabilities_are_asked_once(port: LibvirtCreateHost) -> None:
    q35 = caps(port, "q35")
    assert q35.machine.startswith("pc-q35-")
    assert "sata" in q35.disk_buses
    assert "ide" not in q35.disk_buses
    assert any(model.name == "qemu64" and model.usable for model in q35.cpu_models)
    assert "ide" in caps(port, "pc").disk_buses
    assert port.domain_caps(*TCG, "q35").result(TIMEOUT).caps is q35, "kept"
    default = port.domain_caps("", "", "").result(TIMEOUT).caps
    assert default is not None
    assert default.arch == "x86_64"


def test_what_cannot_be_is_refused_in_libvirts_words_and_asked_again(
    port: LibvirtCreateHost,
) -> None:
    first = port.domain_caps("qemu", "x86_64", "no-such-machine")
    problem = first.result(TIMEOUT).problem
    assert problem is not None
    assert "no-such-machine" in problem.reason
    assert port.domain_caps("qemu", "x86_64", "no-such-machine") is not first


def test_heads(port: LibvirtCreateHost, images: Path, tmp_path: Path) -> None:
    image = images / "small.iso"
    image.write_bytes(b"0123456789" * 100)
    offered(port)
    by_volume = port.head(FileRef(pool="images", volume="small.iso"), 15).result(TIMEOUT)
    assert (by_volume.data, by_volume.size) == (b"012345678901234", 1000)
    by_path = port.head(FileRef(path=str(image)), 4096).result(TIMEOUT)
    assert by_path.data == image.read_bytes(), "a file may be shorter"
    assert port.head(FileRef(local=str(image)), 2).result(TIMEOUT).data == b"01"
    outside = tmp_path / "outside"
    outside.write_bytes(b"x")
    assert port.head(FileRef(path=str(outside)), 9).result(TIMEOUT).data == b"x"


def test_a_volume_is_read_through_libvirt_where_it_cannot_be_opened(
    port: LibvirtCreateHost, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = images / "there.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", image, "64M"], check=True)
    content = image.read_bytes()
    offered(port)
    # As it is for a host that is elsewhere.
    monkeypatch.setattr("tuivm.hypervisor.heads.runs_here", lambda uri: False)
    for file in (FileRef(pool="images", volume="there.qcow2"), FileRef(path=str(image))):
        assert port.head(file, 70_000).result(TIMEOUT).data == content[:70_000]
        whole = port.head(file, 10_000_000).result(TIMEOUT)
        assert whole.problem is None
        assert whole.data == content
    missing = port.head(FileRef(path="/not/there"), 10).result(TIMEOUT).problem
    assert missing is not None
    assert "no running pool" in missing.reason


@pytest.mark.parametrize("path", ["/etc", "/not/there", "/dev/zero", "/etc/passwd/x", "a\0b"])
def test_what_is_no_file_is_said(port: LibvirtCreateHost, path: str) -> None:
    for file in (FileRef(path=path), FileRef(local=path)):
        head = port.head(file, 10).result(TIMEOUT)
        assert head.data == b""
        assert head.problem is not None
        assert head.problem.reason


def test_a_missing_volume_or_pool_is_said(port: LibvirtCreateHost, images: Path) -> None:
    for file in (FileRef(pool="images", volume="none"), FileRef(pool="none", volume="none")):
        problem = port.head(file, 10).result(TIMEOUT).problem
        assert problem is not None
        assert "none" in problem.reason


def test_the_definition_of_a_guest(port: LibvirtCreateHost, guest_factory: GuestFactory) -> None:
    graphics = "<graphics type='vnc' port='-1' autoport='yes' passwd='secret'/>"
    uuid = guest_factory.define(guest_xml("original", devices=graphics))
    for guest in ("original", uuid):
        head = port.domain_xml(guest).result(TIMEOUT)
        assert head.problem is None
        assert b"<name>original</name>" in head.data
        assert b"secret" in head.data
    problem = port.domain_xml("nobody").result(TIMEOUT).problem
    assert problem is not None
    assert "nobody" in problem.reason


def test_definitions_are_checked_against_libvirts_schema(
    port: LibvirtCreateHost, guest_factory: GuestFactory
) -> None:
    assert port.validate(guest_xml("good")).result(TIMEOUT) == ()
    bad = port.validate(guest_xml("bad", devices="<nonsense/>")).result(TIMEOUT)
    assert [finding.id for finding in bad] == ["xml-schema"]


def test_a_host_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    uri = f"qemu+unix:///system?socket={tmp_path}/none"
    host = LibvirtHost(HostSpec("gone", uri), Sinks(snapshot=lambda _: None))
    problem = host.creating().offer().result(TIMEOUT).problem
    host.close()
    assert problem is not None
    assert "No such file or directory" in problem.reason
    assert problem.remedy


def test_nothing_waits_for_domain_capabilities(fresh_rig: Rig) -> None:
    host = LibvirtHost(HostSpec("slow", fresh_rig.uri), Sinks(snapshot=lambda _: None))
    port = host.creating()
    offered(port)
    fresh_rig.pause()
    hanging = [port.domain_caps(*TCG, machine) for machine in ("q35", "pc", "isapc")]
    try:
        wait_until(lambda: port.busy, TIMEOUT, "the calls to hang")
        assert port.head(FileRef(local="/etc/passwd"), 1).result(TIMEOUT).data
        assert port.validate(guest_xml("x")).result(TIMEOUT) == ()
        closer = threading.Thread(target=host.close)
        closer.start()
        closer.join(TIMEOUT)
        assert not closer.is_alive()
        assert host.busy, "so that the program can end past it"
        refused = port.offer().result(TIMEOUT).problem
        assert refused is not None
        assert "closed" in refused.reason
    finally:
        fresh_rig.resume()
    assert [one.result(TIMEOUT).caps is not None for one in hanging] == [True, True, False]
    wait_until(lambda: not host.busy, TIMEOUT, "the calls to come back")


ELSEWHERE = """<node><device><name>pci_0000_03_00_0</name>
  <path>/sys/devices/pci0000:00/0000:03:00.0</path><parent>computer</parent>
  <driver><name>igb</name></driver>
  <capability type='pci'><class>0x020000</class><domain>0</domain><bus>3</bus><slot>0</slot>
  <function>0</function><product id='0x1521'>I350</product><vendor id='0x8086'>Intel</vendor>
  <capability type='virt_functions' maxCount='7'>
    <address domain='0x0000' bus='0x03' slot='0x10' function='0x0'/></capability>
  <iommuGroup number='15'>
    <address domain='0x0000' bus='0x03' slot='0x00' function='0x0'/></iommuGroup>
  </capability></device>
  <device><name>net_eth7</name><path>/sys/devices/pci0000:00/0000:03:00.0/net/eth7</path>
  <parent>pci_0000_03_00_0</parent><capability type='net'><interface>eth7</interface>
  <address>02:00:00:00:00:01</address><link state='up'/><capability type='80203'/></capability>
  </device>
  <domain type='test'><name>has-it</name><memory>8192</memory><os><type>hvm</type></os>
  <devices><hostdev mode='subsystem' type='pci'><source>
    <address domain='0x0000' bus='0x03' slot='0x00' function='0x0'/></source></hostdev></devices>
  </domain></node>"""


def test_a_host_that_is_not_this_machine(tmp_path: Path) -> None:
    path = tmp_path / "elsewhere.xml"
    path.write_text(ELSEWHERE)
    host = LibvirtHost(HostSpec("far", f"test://{path}"), Sinks(snapshot=lambda _: None))
    offer = offered(host.creating())
    host.close()
    assert (offer.driver, offer.local, offer.passt) == ("TEST", False, None)
    device, nic = offer.devices
    assert (nic.kind, nic.address, nic.used_by) == ("net", "eth7", ("interface eth7 is up",))
    assert (device.address, device.iommu_group) == ("0000:03:00.0", 15)
    assert device.virtual_functions == ("0000:03:10.0",)
    assert device.used_by == ("guest has-it", "interface eth7 is up")
    assert device.unknown == ("whether the host needs interface eth7: ip route",)
    assert [one.name for one in offer.interfaces] == ["eth7"]
    assert offer.nesting.enabled is None
    assert offer.nesting.kernel == ""


def test_creating_goes_on_beside_all_else(
    port: LibvirtCreateHost, guest_factory: GuestFactory
) -> None:
    xml = guest_xml("made")
    plan = CreationPlan(spec=Spec(name="made", start=False), xml=xml)
    told: list[CreationProgress] = []
    run = port.create(plan, told.append)
    created = run.result.result(TIMEOUT)
    assert created.problem is None
    assert created.name == "made"
    assert guest_factory.exists(created.uuid)
    assert told
    assert not port.busy
    again = port.create(plan._replace(xml=guest_xml("made")), told.append).result.result(TIMEOUT)
    assert again.problem is not None, "the name is taken"
    assert guest_factory.exists(created.uuid), "what was there stays"


def test_a_cancelled_creation_leaves_nothing(
    port: LibvirtCreateHost, guest_factory: GuestFactory
) -> None:
    plan = CreationPlan(spec=Spec(name="never"), xml=guest_xml("never"))
    asked = threading.Event()
    run: list[CreationRun] = []

    def told(_: CreationProgress) -> None:
        asked.wait(TIMEOUT)
        run[0].cancel()

    run.append(port.create(plan, told))
    assert port.busy
    asked.set()
    created = run[0].result.result(TIMEOUT)
    assert created.problem is not None
    assert guest_factory.conn.listAllDomains() == []


def test_nothing_is_created_on_a_host_that_is_read_only(rig: Rig) -> None:
    host = LibvirtHost(HostSpec("ro", rig.uri, readonly=True), Sinks(snapshot=lambda _: None))
    port = host.creating()
    plan = CreationPlan(spec=Spec(name="never"), xml=guest_xml("never"))
    created = port.create(plan, lambda _: None).result.result(TIMEOUT)
    assert created.problem is not None
    assert "read-only" in created.problem.reason
    assert offered(port).driver == "QEMU", "what it offers can be looked at all the same"
    host.close()


def test_a_fault_of_the_programs_own_leaves_nobody_waiting(
    port: LibvirtCreateHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("tuivm.hypervisor.creating.run", broken)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    run = port.create(CreationPlan(spec=Spec(name="x")), lambda _: None)
    with pytest.raises(RuntimeError, match="internal error"):
        run.result.result(TIMEOUT)
