"""What a real libvirt tells of its host's devices, storage and networks, and of changes to them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import libvirt
import pytest

from tests.support.guests import GuestFactory, disk_xml, guest_xml, sparse_file
from tests.support.rig import Rig
from tests.support.watching import TIMEOUT, Watched
from tuivm.model.createports import Offered
from tuivm.model.offers import HostOffer, Lease, NetworkUser, Pool
from tuivm.model.snapshot import Revisions


@pytest.fixture
def watched(rig: Rig, guest_factory: GuestFactory) -> Iterator[Watched]:
    """A host whose devices are looked at."""
    host = Watched(rig.uri)
    host.wait(lambda one: host.host.settled, "the host to be known")
    host.host.devices()
    yield host
    host.close()


def answered(question: Callable[[], Future[Offered]]) -> HostOffer:
    answer = question().result(TIMEOUT)
    assert answer.problem is None, answer.problem
    assert answer.offer is not None
    return answer.offer


def pool(offer: HostOffer, name: str) -> Pool:
    return next(one for one in offer.pools if one.name == name)


NETWORK = """<network><name>apart</name><bridge name='virbrapart'/>
  <ip address='192.168.233.1' netmask='255.255.255.0'/></network>"""
NIC = """<interface type='network'><mac address='52:54:00:00:aa:01'/>
  <source network='apart'/><model type='virtio'/></interface>"""


def test_devices_of_this_machine(watched: Watched, guest_factory: GuestFactory) -> None:
    address = sorted(one.name for one in Path("/sys/bus/pci/devices").iterdir())[0]
    domain, bus, slot = address.partition(".")[0].split(":")
    function = address.partition(".")[2]
    taken = (
        f"<hostdev mode='subsystem' type='pci' managed='no'><source><address domain='0x{domain}' "
        f"bus='0x{bus}' slot='0x{slot}' function='0x{function}'/></source></hostdev>"
    )
    uuid = guest_factory.define(guest_xml("taker", devices=taken))
    offer = answered(watched.host.devices().devices)
    assert ("taker", uuid, False) in offer.guests
    assert (offer.local, offer.session, offer.driver) == (True, False, "QEMU")
    assert offer.libvirt_version >= 9_000_000
    assert not offer.pools
    assert not offer.networks
    device = next(one for one in offer.devices if one.address == address)
    assert "guest taker (off)" in device.used_by
    assert device.parent
    assert offer.nesting.kernel


def test_what_a_host_is_made_of(watched: Watched) -> None:
    offer = answered(watched.host.devices().overview)
    assert offer.cpus > 0
    assert offer.memory_kib >= offer.memory_free_kib > 0
    assert offer.capabilities.guests
    for node in offer.capabilities.numa:
        assert {size for size, _ in node.free_pages} == {size for size, _ in node.pages}
    assert offer.devices == ()


def test_storage_with_owners_and_pools_that_do_not_run(
    watched: Watched, guest_factory: GuestFactory, tmp_path: Path
) -> None:
    directory = tmp_path / "running"
    directory.mkdir()
    disk = sparse_file(directory / "own.raw")
    guest_factory.pool("running", directory).setAutostart(1)
    guest_factory.define(guest_xml("owner", devices=disk_xml(disk)))
    guest_factory.conn.storagePoolDefineXML(
        "<pool type='dir'><name>still</name><target><path>/nowhere</path></target></pool>"
    )
    offer = answered(watched.host.devices().storage)
    running, still = pool(offer, "running"), pool(offer, "still")
    assert (running.active, running.autostart, running.persistent) == (True, True, True)
    (volume,) = running.volumes
    assert (volume.name, volume.used_by, volume.capacity) == ("own.raw", ("owner",), 1 << 20)
    assert (still.active, still.autostart, still.volumes) == (False, False, ())
    assert "virsh pool-start" in still.problem


def test_networks_with_those_who_are_on_them(watched: Watched, guest_factory: GuestFactory) -> None:
    network = guest_factory.conn.networkDefineXML(NETWORK)
    try:
        guest_factory.define(guest_xml("off", devices=NIC))
        offer = answered(watched.host.devices().networks)
        found = next(one for one in offer.networks if one.name == "apart")
        assert (found.active, found.autostart, found.persistent) == (False, False, True)
        assert found.addresses == ("192.168.233.1/24",)
        assert found.users == (NetworkUser("off", "52:54:00:00:aa:01", running=False),)
    finally:
        network.undefine()


def test_looking_at_storage_refreshes_no_pool(
    watched: Watched, guest_factory: GuestFactory, tmp_path: Path
) -> None:
    """A refresh is an event, which would be the reason for the next look."""
    made = guest_factory.pool("looked-at", tmp_path)
    sparse_file(tmp_path / "late.raw")
    storage = watched.host.devices().storage
    assert pool(answered(storage), "looked-at").volumes == ()
    made.refresh()
    (late,) = pool(answered(storage), "looked-at").volumes
    assert late.name == "late.raw"


def test_the_xml_of_parts(watched: Watched, guest_factory: GuestFactory, tmp_path: Path) -> None:
    sparse_file(tmp_path / "own.raw")
    guest_factory.pool("parts", tmp_path)
    port = watched.host.devices()
    found = pool(answered(port.storage), "parts")
    assert "<name>parts</name>" in port.xml(found).result(60).text
    assert "<name>own.raw</name>" in port.xml(found.volumes[0]).result(60).text
    device = answered(port.devices).devices[0]
    assert f"<name>{device.nodedev}</name>" in port.xml(device).result(60).text
    gone = port.xml(found._replace(name="gone")).result(60)
    assert gone.text == ""
    assert gone.problem is not None
    assert "gone" in gone.problem.reason


def test_leases_of_a_network_and_a_guest_that_runs_on_it(
    watched: Watched, rig: Rig, guest_factory: GuestFactory
) -> None:
    dhcp = "<dhcp><range start='192.168.233.2' end='192.168.233.9'/></dhcp></ip>"
    xml = NETWORK.replace("netmask='255.255.255.0'/>", f"netmask='255.255.255.0'>{dhcp}")
    network = guest_factory.conn.networkDefineXML(xml)
    try:
        network.create()
        lease = {
            "ip-address": "192.168.233.5",
            "mac-address": "52:54:00:00:aa:01",
            "hostname": "on",
            "expiry-time": 4102444800,
        }
        # What dnsmasq's helper writes, and libvirt reads.
        (rig.state / "lib/dnsmasq/virbrapart.status").write_text(json.dumps([lease]))
        guest_factory.start(guest_xml("on", devices=NIC))
        offer = answered(watched.host.devices().networks)
        found = next(one for one in offer.networks if one.name == "apart")
        until = 4102444800
        assert found.leases == (Lease("52:54:00:00:aa:01", "192.168.233.5/24", "on", until),)
        assert found.users == (NetworkUser("on", "52:54:00:00:aa:01", running=True),)
        assert found.active
        assert not any(one.name.startswith("vnet") for one in offer.interfaces)
    finally:
        network.destroy()
        network.undefine()


def grown(watched: Watched, field: str, act: Callable[[], object]) -> Revisions:
    """The revisions when `field` has grown by what is done."""
    before = getattr(watched.last.revisions, field)
    act()
    return watched.wait(
        lambda one: getattr(one.revisions, field) > before, f"news of {field}"
    ).revisions


def subscribed(watched: Watched, conn: libvirt.virConnect) -> None:
    """Events that come before the registration are not heard: wait until one of a network is, which
    tells nothing of devices and storage."""

    def heard() -> bool:
        conn.networkDefineXML(NETWORK).undefine()
        return watched.last.revisions.networks > 0

    watched.wait(lambda _: heard(), "the registration of events")


def test_pools_and_guests_that_change_are_told(
    watched: Watched, guest_factory: GuestFactory, tmp_path: Path
) -> None:
    subscribed(watched, guest_factory.conn)
    assert (watched.last.revisions.devices, watched.last.revisions.storage) == (0, 0)
    made = grown(watched, "storage", lambda: guest_factory.pool("new", tmp_path))
    assert made.devices == 0
    changed = grown(watched, "devices", lambda: guest_factory.define(guest_xml("another")))
    assert changed.storage > made.storage, "it may use volumes"


def test_a_host_that_was_gone_may_have_changed(fresh_rig: Rig) -> None:
    watched = Watched(fresh_rig.uri)
    try:
        watched.wait(lambda one: watched.host.settled, "the host to be known")
        watched.host.devices()
        conn = libvirt.open(fresh_rig.uri)
        subscribed(watched, conn)
        conn.close()
        before = watched.last
        fresh_rig.restart()
        after = watched.wait(
            lambda one: one.revisions.devices > before.revisions.devices, "news after the pause"
        )
        assert after.generation > before.generation
        assert after.revisions.storage > before.revisions.storage
    finally:
        watched.close()


def test_nobody_looks_and_nothing_is_told(rig: Rig, guest_factory: GuestFactory) -> None:
    host = Watched(rig.uri)
    try:
        host.wait(lambda one: host.host.settled, "the host to be known")
        uuid = guest_factory.define(guest_xml("unseen"))
        seen = host.wait(lambda one: uuid in one.guests, "the guest")
        assert seen.revisions == Revisions()
    finally:
        host.close()


VPORT = """<device><parent>scsi_host1</parent><capability type='scsi_host'>
  <capability type='fc_host'><wwnn>2000000012341234</wwnn><wwpn>1000000012341234</wwpn>
  </capability></capability></device>"""


def test_node_devices_that_come_and_go_are_told() -> None:
    """libvirt's test driver, which is one for the whole process, makes ports of a card."""
    host = Watched("test:///default")
    conn = libvirt.open("test:///default")
    try:
        host.wait(lambda one: host.host.settled, "the host to be known")
        assert answered(host.host.devices().devices).local is False
        made: list[libvirt.virNodeDevice] = []

        def heard() -> bool:
            if made:
                made.pop().destroy()
            else:
                made.append(conn.nodeDeviceCreateXML(VPORT))
            return host.last.revisions.devices > 0

        host.wait(lambda _: heard(), "the registration of events")
        if not made:
            made.append(conn.nodeDeviceCreateXML(VPORT))
        assert grown(host, "devices", made.pop().destroy).devices
        network = conn.networkLookupByName("default")
        assert grown(host, "networks", network.destroy).networks
        assert grown(host, "networks", network.create).networks
    finally:
        host.close()
        conn.close()


MACHINE = """<node>{devices}</node>"""
FUNCTION = """<device><name>pci_{name}</name>
  <path>/sys/devices/pci0000:00/{address}</path><parent>computer</parent>
  <capability type='pci'><class>0x020000</class><domain>0</domain><bus>{bus}</bus>
  <slot>{slot}</slot><function>{function}</function><product id='0x10ca'>VF</product>
  <vendor id='0x8086'>Intel</vendor><iommuGroup number='{group}'>
  <address domain='0' bus='{bus}' slot='{slot}' function='{function}'/></iommuGroup>
  </capability></device>"""


def test_many_devices_of_the_test_driver(tmp_path: Path) -> None:
    functions = []
    for number in range(656):
        bus, rest = 1 + number // 256, number % 256
        slot, function = rest // 8, rest % 8
        address = f"0000:{bus:02x}:{slot:02x}.{function}"
        functions.append(
            FUNCTION.format(
                name=address.replace(":", "_").replace(".", "_"),
                address=address,
                bus=bus,
                slot=slot,
                function=function,
                group=number // 2,
            )
        )
    path = tmp_path / "many.xml"
    path.write_text(MACHINE.format(devices="".join(functions)))
    host = Watched(f"test://{path}")
    try:
        host.wait(lambda one: host.host.settled, "the host to be known")
        offer = answered(host.host.devices().devices)
        assert len(offer.devices) == 656
        assert offer.iommu.groups == 328
    finally:
        host.close()


def test_all_is_told_to_those_who_may_only_read(
    rig: Rig, guest_factory: GuestFactory, tmp_path: Path
) -> None:
    guest_factory.pool("read", tmp_path)
    host = Watched(rig.uri, readonly=True)
    try:
        host.wait(lambda one: host.host.settled, "the host to be known")
        port = host.host.devices()
        for question in (port.devices, port.storage, port.networks, port.overview):
            offer = answered(question)
            assert offer.remarks == (), question
        assert answered(port.devices).devices
        assert pool(answered(port.storage), "read").active
        assert answered(port.overview).cpus
    finally:
        host.close()
