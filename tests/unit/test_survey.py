"""What every question about a host begins with, asked of a libvirt that is played."""

from __future__ import annotations

import libvirt
import pytest

from tuivm.domainxml.nodedevs import Named, NodeDevice
from tuivm.hypervisor.devicesurvey import devices
from tuivm.hypervisor.hostdevices import host_devices
from tuivm.hypervisor.survey import Asked, place_of, read_guests
from tuivm.model.hosts import HostSpec
from tuivm.model.offers import HostDevice, Network

LIVE = """<domain type='kvm' id='1'><name>{0}</name><devices>
  <hostdev mode='subsystem' type='pci'><source><address bus='3' slot='0' function='0'/></source>
  </hostdev>
  <interface type='network'><mac address='52:54:00:00:00:01'/><source network='default'/>
  </interface></devices></domain>"""
LATER = """<domain type='kvm'><name>{0}</name><devices>
  <interface type='network'><mac address='52:54:00:00:00:01'/><source network='default'/>
  </interface>
  <interface type='network'><mac address='52:54:00:00:00:02'/><source network='lan'/></interface>
  </devices></domain>"""


def failure(code: int) -> libvirt.libvirtError:
    error = libvirt.libvirtError("refused")
    error.err = (code, 0, "refused", 2, None, None, None, 0, 0)
    return error


class Domain:
    """A virDomain, as far as it is asked here."""

    def __init__(self, name: str, *, active: bool = False, code: int = 0, xml: str = "") -> None:
        self._name = name
        self._active = active
        self._code = code
        self._xml = xml

    def name(self) -> str:
        return self._name

    def UUIDString(self) -> str:  # noqa: N802 - libvirt's name
        return f"uuid-{self._name}"

    def ID(self) -> int:  # noqa: N802 - libvirt's name
        return 1 if self._active else -1

    def XMLDesc(self, flags: int = 0) -> str:  # noqa: N802 - libvirt's name
        if self._code:
            raise failure(self._code)
        inactive = flags == libvirt.VIR_DOMAIN_XML_INACTIVE or not self._active
        return self._xml or (LATER if inactive else LIVE).format(self._name)


class Conn:
    def __init__(self, *domains: Domain, uri: str = "qemu:///system", hostname: str = "") -> None:
        self._domains = list(domains)
        self._uri = uri
        self._hostname = hostname

    def listAllDomains(self) -> list[Domain]:  # noqa: N802 - libvirt's name
        return self._domains

    def getURI(self) -> str:  # noqa: N802 - libvirt's name
        return self._uri

    def getHostname(self) -> str:  # noqa: N802 - libvirt's name
        if not self._hostname:
            raise failure(libvirt.VIR_ERR_NO_SUPPORT)
        return self._hostname


def test_what_a_running_guest_has_now_and_at_its_next_start() -> None:
    guests = read_guests(Conn(Domain("web", active=True)), Asked())  # type: ignore[arg-type]
    assert guests.known == (("web", "uuid-web", True),)
    assert guests.named == {"guest web": (Named(pci="0000:03:00.0"),)}
    assert [(nic.mac, nic.network, nic.running) for nic in guests.nics["web"]] == [
        ("52:54:00:00:00:01", "default", True),
        ("52:54:00:00:00:02", "lan", False),
    ]
    assert guests.unread == ()


def test_a_guest_that_is_off() -> None:
    xml = LIVE.format("db")
    guests = read_guests(Conn(Domain("db", xml=xml)), Asked())  # type: ignore[arg-type]
    assert guests.named == {"guest db (off)": (Named(pci="0000:03:00.0"),)}
    assert [nic.running for nic in guests.nics["db"]] == [False]


def test_a_guest_that_cannot_be_read_may_have_any_device() -> None:
    asked = Asked()
    guests = read_guests(
        Conn(  # type: ignore[arg-type]
            Domain("denied", code=libvirt.VIR_ERR_ACCESS_DENIED),
            Domain("broken", active=True, xml="<network/>"),
            Domain("gone", code=libvirt.VIR_ERR_NO_DOMAIN),
        ),
        asked,
    )
    assert guests.unread == ("broken", "denied")
    assert [name for name, _, _ in guests.known] == ["broken", "denied"]
    assert len(asked.remarks) == 2
    card = HostDevice("pci", "pci_x", "0000:03:00.0", class_="020000")
    (told,) = host_devices(
        [NodeDevice("pci_x", device=card)], guests.named, None, unread=guests.unread
    )
    assert told.unknown == (
        "what guest broken takes: virsh dumpxml broken",
        "what guest denied takes: virsh dumpxml denied",
    )


@pytest.mark.parametrize(
    ("uri", "local", "session", "over_network"),
    [
        ("qemu:///system", True, False, False),
        ("qemu:///session", True, True, False),
        ("qemu+ssh://root@far/system", False, False, True),
        ("test:///default", False, False, False),
    ],
)
def test_where_a_host_is(uri: str, local: bool, session: bool, over_network: bool) -> None:
    place = place_of(Conn(uri=uri))  # type: ignore[arg-type]
    assert (place.local, place.session, place.over_network) == (local, session, over_network)


class Pool:
    def __init__(self, kind: str) -> None:
        self._kind = kind

    def XMLDesc(self) -> str:  # noqa: N802 - libvirt's name
        return f"<pool type='{self._kind}'/>"

    def storageVolLookupByName(self, name: str) -> Pool:  # noqa: N802 - libvirt's name
        assert self._kind == "disk", "volumes in pools of files are not asked for"
        self._name = name
        return self

    def path(self) -> str:
        return f"/dev/{self._name}"


class Pools(Conn):
    def storagePoolLookupByName(self, name: str) -> Pool:  # noqa: N802 - libvirt's name
        if name == "gone":
            raise failure(libvirt.VIR_ERR_NO_STORAGE_POOL)
        return Pool(name)


def test_a_disk_that_a_guest_names_by_pool_and_volume() -> None:
    disks = "".join(
        f"<disk type='volume'><source pool='{pool}' volume='sdb1'/></disk>"
        for pool in ("disk", "dir", "gone")
    )
    xml = f"<domain type='kvm'><name>db</name><devices>{disks}</devices></domain>"
    guests = read_guests(Pools(Domain("db", active=True, xml=xml)), Asked())  # type: ignore[arg-type]
    assert guests.named == {"guest db": (Named(block="/dev/sdb1"),)}
    assert guests.unread == ()


@pytest.mark.parametrize(
    ("hostname", "local"), [("desk.example.org", True), ("Desk", True), ("far", False), ("", False)]
)
def test_a_socket_may_lead_to_another_machine(
    monkeypatch: pytest.MonkeyPatch, hostname: str, local: bool
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "desk")
    conn = Conn(uri="qemu+unix:///system?socket=/tmp/far.sock", hostname=hostname)
    assert place_of(conn).local is local  # type: ignore[arg-type]


def test_a_vf_that_a_network_gives_out_is_told_with_the_devices() -> None:
    conn = libvirt.open("test:///default")
    network = conn.networkCreateXML(
        "<network><name>vfs</name><forward mode='hostdev'>"
        "<address type='pci' domain='0' bus='3' slot='16' function='0'/></forward></network>"
    )
    try:
        found = devices(conn, HostSpec("rack", "test:///default"))
    finally:
        network.destroy()
        conn.close()
    pool = Network("vfs", active=True, forward="hostdev", devices=("0000:03:10.0",))
    assert found.networks == (pool,)
    assert not found.remarks
