"""What is asked of a host, where no machine of the tests could do it: by files and by doubles."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import libvirt
import pytest

from tuivm.domainxml.parse import attr, parse_xml, text
from tuivm.hypervisor import hostactions_devices, hostactions_mdev
from tuivm.hypervisor.hostactions import intent, perform
from tuivm.hypervisor.hostactions_devices import set_functions
from tuivm.hypervisor.refusal import RefusalError
from tuivm.model.hostrequests import (
    CreateMdev,
    DetachFromHost,
    HostRequest,
    MakeFunctionPool,
    SetFunctions,
    SetMdevAutostart,
    SetPoolAutostart,
    StartMdev,
    StopMdev,
    UndefineMdev,
)
from tuivm.model.hosts import HostSpec
from tuivm.model.offers import HostDevice, HostOffer
from tuivm.model.requests import Outcome, Step

HOST = HostSpec("rack", "qemu:///system")
ADDRESS = "0000:02:00.0"
VFS = ("0000:02:00.1", "0000:02:00.2")
UUID = "c60c6e1f-2b7c-4d5c-9e0e-0d4a1d3c7a11"
MDEV = f"mdev_{UUID.replace('-', '_')}_0000_06_00_0"
PARENT = "pci_0000_06_00_0"
PARENT_XML = f"""<device><name>{PARENT}</name><capability type='pci'>
  <capability type='mdev_types'>
    <type id='nvidia-11'><deviceAPI>vfio-pci</deviceAPI>
      <availableInstances>2</availableInstances></type>
    <type id='nvidia-12'><deviceAPI>vfio-pci</deviceAPI>
      <availableInstances>0</availableInstances></type>
  </capability></capability></device>"""
TOO_OLD = libvirt.VIR_ERR_NO_SUPPORT
FAILED = libvirt.VIR_ERR_INTERNAL_ERROR


def fault(code: int, message: str) -> libvirt.libvirtError:
    error = libvirt.libvirtError(message)
    error.err = (code, 0, message, 2, None, None, None, -1, -1)
    return error


class Node:
    """A node device that notes what it is told. fails: what libvirt says to a call."""

    def __init__(self, name: str, xml: str, fails: dict[str, Exception]) -> None:
        self._name, self._xml, self._fails = name, xml, fails
        self.told: list[object] = []

    def name(self) -> str:
        return self._name

    def XMLDesc(self) -> str:  # noqa: N802 - libvirt's name
        return self._xml

    def isActive(self) -> int:  # noqa: N802 - libvirt's name
        return 0

    def _do(self, what: str, *more: object) -> int:
        if what in self._fails:
            raise self._fails[what]
        self.told.append((what, *more) if more else what)
        return 0

    def create(self) -> int:
        return self._do("create")

    def destroy(self) -> int:
        return self._do("destroy")

    def undefine(self) -> int:
        return self._do("undefine")

    def setAutostart(self, on: int) -> int:  # noqa: N802 - libvirt's name
        return self._do("autostart", on)

    def detachFlags(self, driver: str | None) -> int:  # noqa: N802 - libvirt's name
        return self._do("detach", driver)


class Conn:
    """The few calls of a connection that mediated devices need."""

    def __init__(self, **fails: Exception) -> None:
        self._fails = fails
        self.node = Node(MDEV, "", fails)
        self.xml = ""

    def nodeDeviceLookupByName(self, name: str) -> Node:  # noqa: N802 - libvirt's name
        return self.node if name == MDEV else Node(name, PARENT_XML, {})

    def nodeDeviceDefineXML(self, xml: str) -> Node:  # noqa: N802 - libvirt's name
        if "define" in self._fails:
            raise self._fails["define"]
        self.xml = xml
        return self.node

    def nodeDeviceCreateXML(self, xml: str) -> Node:  # noqa: N802 - libvirt's name
        self.node.told.append("created")
        return self.nodeDeviceDefineXML(xml)


def ask(conn: Conn, request: HostRequest) -> Outcome:
    return perform(cast("Any", conn), HOST, request)


def asking(monkeypatch: pytest.MonkeyPatch, *devices: HostDevice, **offer: Any) -> None:
    """What a look at the host finds."""
    found = HostOffer("rack", "qemu:///system", local=True, devices=devices)._replace(**offer)
    for module in (hostactions_devices, hostactions_mdev):
        monkeypatch.setattr(module, "devices", lambda _conn, _spec: found)


def pf(**more: Any) -> HostDevice:
    return HostDevice(
        "pci", "pci_0000_02_00_0", ADDRESS, class_="020000", max_functions=4
    )._replace(**more)


def vf(address: str, **more: Any) -> HostDevice:
    return HostDevice("pci", "", address, physical_function=ADDRESS)._replace(**more)


def sysfs(root: Path, now: str = "0") -> Path:
    folder = root / "sys/bus/pci/devices" / ADDRESS
    folder.mkdir(parents=True)
    file = folder / "sriov_numvfs"
    file.write_text(now)
    return file


def set_to(root: Path, number: int) -> list[Step]:
    steps: list[Step] = []
    set_functions(cast("Any", None), HOST, SetFunctions(ADDRESS, number), steps, root)
    return steps


def test_functions_are_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = sysfs(tmp_path)
    asking(monkeypatch, pf())
    assert set_to(tmp_path, 2) == [Step(f"gave {ADDRESS} 2 VFs")]
    assert file.read_text() == "2\n"


def test_another_number_goes_by_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = sysfs(tmp_path, "2\n")
    asking(monkeypatch, pf(virtual_functions=VFS), *map(vf, VFS))
    assert set_to(tmp_path, 4) == [
        Step(f"took all VFs of {ADDRESS} away"),
        Step(f"gave {ADDRESS} 4 VFs"),
    ]
    assert file.read_text() == "4\n"


def test_the_number_that_it_has_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = sysfs(tmp_path, "untouched")
    asking(monkeypatch, pf(virtual_functions=VFS), *map(vf, VFS))
    assert set_to(tmp_path, 2) == [Step(f"{ADDRESS} has 2 VFs already")]
    assert file.read_text() == "untouched"


@pytest.mark.parametrize(
    ("use", "words"),
    [({"used_by": ("guest web",)}, "guest web"), ({"critical": ("a route",)}, "a route")],
)
def test_a_vf_in_use_keeps_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, use: dict[str, Any], words: str
) -> None:
    file = sysfs(tmp_path, "2")
    asking(monkeypatch, pf(virtual_functions=VFS), vf(VFS[0]), vf(VFS[1], **use))
    with pytest.raises(RefusalError, match=f"in use: {VFS[1]}: {words}"):
        set_to(tmp_path, 0)
    assert file.read_text() == "2"


@pytest.mark.parametrize("number", [0, 3, 4])
def test_vfs_that_libvirt_does_not_tell_of_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    file = sysfs(tmp_path, "4\n")
    asking(monkeypatch, pf(virtual_functions=VFS), *map(vf, VFS))
    with pytest.raises(RefusalError, match="has 4 VFs, and libvirt tells of 2"):
        set_to(tmp_path, number)
    assert file.read_text() == "4\n"


def test_more_than_it_can_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sysfs(tmp_path)
    asking(monkeypatch, pf())
    with pytest.raises(RefusalError, match="4 at most"):
        set_to(tmp_path, 5)


def test_another_machine_is_told_by_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = sysfs(tmp_path)
    asking(monkeypatch, pf(), local=False, uri="qemu+ssh://root@rack:22/system")
    with pytest.raises(RefusalError, match="another machine") as caught:
        set_to(tmp_path, 2)
    assert caught.value.remedy == (
        f"ssh -p 22 root@rack 'echo 2 | tee /sys/bus/pci/devices/{ADDRESS}/sriov_numvfs'"
    )
    assert file.read_text() == "0"


def failing(monkeypatch: pytest.MonkeyPatch, *codes: int) -> None:
    """The first writes end so; 0 lets one through."""
    left, write = list(codes), Path.write_text

    def write_text(self: Path, data: str, encoding: str | None = None) -> int:
        if self.name == "sriov_numvfs" and left and (code := left.pop(0)):
            raise OSError(code, f"error {code}")
        return write(self, data, encoding)

    monkeypatch.setattr(Path, "write_text", write_text)


def test_without_permission_the_command_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sysfs(tmp_path)
    asking(monkeypatch, pf())
    failing(monkeypatch, errno.EACCES)
    with pytest.raises(RefusalError, match=f"error {errno.EACCES}") as caught:
        set_to(tmp_path, 2)
    command = f"echo 2 | sudo tee /sys/bus/pci/devices/{ADDRESS}/sriov_numvfs"
    assert caught.value.remedy == command


def test_what_there_was_comes_back_when_more_has_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = sysfs(tmp_path, "2\n")
    asking(monkeypatch, pf(virtual_functions=VFS), *map(vf, VFS))
    failing(monkeypatch, 0, errno.ENOMEM)
    steps: list[Step] = []
    with pytest.raises(RefusalError) as caught:
        set_functions(cast("Any", None), HOST, SetFunctions(ADDRESS, 4), steps, tmp_path)
    assert "no room" in caught.value.cause
    assert steps[-1] == Step("gave it its 2 VFs again")
    assert file.read_text() == "2\n"


def test_a_device_without_functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asking(monkeypatch, pf(max_functions=0))
    with pytest.raises(RefusalError, match="is no PF"):
        set_to(tmp_path, 2)
    # One that has the capability, with a driver that does nothing with it.
    asking(monkeypatch, pf())
    with pytest.raises(RefusalError, match="sriov_numvfs"):
        set_to(tmp_path, 2)


@pytest.mark.parametrize(
    ("device", "reason"),
    [
        (pf(class_="010802"), f"{ADDRESS} is no NIC"),
        (pf(max_functions=0), "is no PF"),
        (pf(), "has no VFs yet"),
        (pf(virtual_functions=VFS), "has no network interface"),
    ],
)
def test_no_pool_without_a_nic_that_has_vfs(
    monkeypatch: pytest.MonkeyPatch, device: HostDevice, reason: str
) -> None:
    asking(monkeypatch, device)
    with libvirt_test_driver() as conn:
        outcome = perform(conn, HOST, MakeFunctionPool("vfs", ADDRESS))
        assert outcome.problem is not None
        assert reason in outcome.problem.reason
        assert [one.name() for one in conn.listAllNetworks()] == ["default"]


@contextmanager
def libvirt_test_driver() -> Iterator[libvirt.virConnect]:
    """test:///default is shared in a process: what was made on it goes."""
    conn = libvirt.open("test:///default")
    try:
        yield conn
    finally:
        for network in conn.listAllNetworks():
            if network.name() != "default":
                if network.isActive():
                    network.destroy()
                network.undefine()
        conn.close()


def test_a_pool_of_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    asking(monkeypatch, pf(virtual_functions=VFS, interfaces=("eth1",)))
    with libvirt_test_driver() as conn:
        outcome = perform(conn, HOST, MakeFunctionPool("vfs", ADDRESS))
        assert outcome.problem is None
        network = conn.networkLookupByName("vfs")
        assert network.isActive()
        assert network.autostart()
        forward = parse_xml(network.XMLDesc(), "network").find("forward")
        assert forward is not None
        assert (attr(forward, "mode"), attr(forward, "managed")) == ("hostdev", "yes")
        assert attr(forward.find("pf"), "dev") == "eth1"
        again = perform(conn, HOST, MakeFunctionPool("vfs", ADDRESS))
        assert again.problem is not None
        assert "a network vfs already" in again.problem.reason
        assert conn.networkLookupByName("vfs").isActive()
        other = perform(conn, HOST, MakeFunctionPool("more", ADDRESS))
        assert other.problem is not None
        assert "network vfs gives out the VFs of eth1 already" in other.problem.reason


def test_no_pool_takes_a_vf_that_the_host_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    needs = vf(VFS[1], critical=("the default route goes through it (eth3)",))
    asking(monkeypatch, pf(virtual_functions=VFS, interfaces=("eth1",)), vf(VFS[0]), needs)
    with libvirt_test_driver() as conn:
        outcome = perform(conn, HOST, MakeFunctionPool("vfs", ADDRESS))
        assert outcome.problem is not None
        assert f"{VFS[1]}: the default route goes through it" in outcome.problem.reason
        assert [one.name() for one in conn.listAllNetworks()] == ["default"]


def test_a_pool_that_does_not_start_is_not_left(monkeypatch: pytest.MonkeyPatch) -> None:
    asking(monkeypatch, pf(virtual_functions=VFS, interfaces=("eth1",)))

    def fail(_self: libvirt.virNetwork) -> int:
        raise fault(FAILED, "no VFs on eth1")

    monkeypatch.setattr(libvirt.virNetwork, "create", fail)
    with libvirt_test_driver() as conn:
        outcome = perform(conn, HOST, MakeFunctionPool("vfs", ADDRESS))
        assert outcome.problem is not None
        assert outcome.problem.reason == "no VFs on eth1"
        assert outcome.steps[-1] == Step("removed network vfs again")
        assert [one.name() for one in conn.listAllNetworks()] == ["default"]


def test_a_device_is_taken_when_nothing_speaks_against_it(monkeypatch: pytest.MonkeyPatch) -> None:
    conn = Conn()
    free = HostDevice(
        "pci",
        MDEV,
        ADDRESS,
        class_="010802",
        driver="nvme",
        iommu_group=3,
        group_members=(ADDRESS,),
        resets=("flr",),
    )
    asking(monkeypatch, free)
    outcome = ask(conn, DetachFromHost(MDEV))
    assert outcome.problem is None
    assert outcome.steps == (Step(f"took {ADDRESS} from nvme"),)
    assert conn.node.told == [("detach", None)]


def test_the_members_of_a_group_are_taken_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    conn = Conn()
    other = "0000:02:00.7"
    both = (ADDRESS, other)
    device = HostDevice(
        "pci", MDEV, ADDRESS, class_="010802", iommu_group=3, group_members=both, resets=("flr",)
    )
    member = device._replace(nodedev="pci_0000_02_00_7", address=other, driver="nvme")
    asking(monkeypatch, device, member)
    outcome = ask(conn, DetachFromHost(MDEV))
    assert outcome.problem is None
    assert conn.node.told == [("detach", None)]
    # What the other one holds up goes with it, once a guest gets them.
    asking(monkeypatch, device, member._replace(critical=("/ is on it",)))
    assert not ask(conn, DetachFromHost(MDEV)).ok
    assert conn.node.told == [("detach", None)]


def test_the_verdict_is_drawn_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    conn = Conn()
    root = HostDevice(
        "pci",
        MDEV,
        ADDRESS,
        class_="010802",
        driver="nvme",
        iommu_group=3,
        group_members=(ADDRESS,),
        critical=("/ is on it",),
    )
    asking(monkeypatch, root)
    for request in (DetachFromHost(MDEV), DetachFromHost(MDEV, overridden=frozenset({ADDRESS}))):
        outcome = ask(conn, request)
        assert outcome.problem is not None
        assert "/ is on it" in outcome.problem.reason
    assert conn.node.told == []


def test_a_device_that_went_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    conn = Conn()
    asking(monkeypatch)
    outcome = ask(conn, DetachFromHost(MDEV))
    assert outcome.problem is not None
    assert outcome.problem.reason == f"rack has no device {MDEV}"
    assert conn.node.told == []


def test_what_is_no_pci_device_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    conn = Conn()
    asking(monkeypatch, HostDevice("usb", MDEV, "1-1"))
    outcome = ask(conn, DetachFromHost(MDEV))
    assert outcome.problem is not None
    assert outcome.problem.reason == "1-1 is no PCI device"
    assert conn.node.told == []


def test_a_mediated_device_is_defined_and_started() -> None:
    conn = Conn()
    outcome = ask(conn, CreateMdev(PARENT, "nvidia-11", uuid=UUID, autostart=True))
    assert outcome.problem is None
    assert conn.node.told == ["create", ("autostart", 1)]
    root = parse_xml(conn.xml, "device")
    assert text(root, "parent") == PARENT
    assert text(root, "capability[@type='mdev']/uuid") == UUID
    assert attr(root.find("capability/type"), "id") == "nvidia-11"


def test_a_transient_one_gets_a_uuid() -> None:
    conn = Conn()
    assert ask(conn, CreateMdev(PARENT, "nvidia-11", defined=False)).ok
    assert conn.node.told == ["created"]
    assert len(text(parse_xml(conn.xml, "device"), "capability/uuid")) == len(UUID)


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (CreateMdev(PARENT, "i915-1"), "makes no i915-1"),
        (CreateMdev(PARENT, "nvidia-12", defined=False), "has no nvidia-12 left"),
        (CreateMdev(PARENT, "nvidia-11", uuid="x"), "x is no UUID"),
        (CreateMdev(PARENT, "nvidia-11", defined=False, autostart=True), "cannot start with"),
    ],
)
def test_no_mediated_device(request_: CreateMdev, reason: str) -> None:
    conn = Conn()
    outcome = ask(conn, request_)
    assert outcome.problem is not None
    assert reason in outcome.problem.reason
    assert conn.xml == ""


@pytest.mark.parametrize("step", ["create", "autostart"])
def test_a_mediated_device_that_does_not_come_up_is_not_left(step: str) -> None:
    conn = Conn(**{step: fault(FAILED, "no room")})
    outcome = ask(conn, CreateMdev(PARENT, "nvidia-11", autostart=True))
    assert outcome.problem is not None
    assert outcome.problem.reason == "no room"
    assert conn.node.told[-1] == "undefine"
    assert outcome.steps[-1] == Step(f"removed {MDEV} again")


def test_the_rest_of_a_mediated_devices_life(monkeypatch: pytest.MonkeyPatch) -> None:
    asking(monkeypatch, HostDevice("mdev", MDEV, UUID))
    conn = Conn()
    for request in (StartMdev(MDEV), SetMdevAutostart(MDEV, on=False), StopMdev(MDEV)):
        assert ask(conn, request).ok
    assert ask(conn, UndefineMdev(MDEV)).ok
    assert conn.node.told == ["create", ("autostart", 0), "destroy", "undefine"]


def test_one_that_a_guest_runs_with_is_not_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    used = HostDevice("mdev", MDEV, UUID, used_by=("guest web",))
    asking(monkeypatch, used, guests=(("web", "u", True),))
    conn = Conn()
    outcome = ask(conn, StopMdev(MDEV))
    assert outcome.problem is not None
    assert outcome.problem.reason == "it is in use by guest web"
    assert conn.node.told == []


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (fault(FAILED, "Cannot find 'mdevctl' in path: No such file"), "package mdevctl"),
        (fault(TOO_OLD, "this function is not supported by the connection driver"), "7.3.0"),
    ],
)
def test_a_host_that_cannot_is_explained(error: libvirt.libvirtError, remedy: str) -> None:
    outcome = ask(Conn(define=error), CreateMdev(PARENT, "nvidia-11"))
    assert outcome.problem is not None
    assert remedy in outcome.problem.remedy
    assert outcome.problem.reason == error.get_error_message()


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (SetFunctions(ADDRESS, 2), f"give {ADDRESS} 2 VFs"),
        (SetPoolAutostart("{x}", on=False), "turn autostart off for pool {x}"),
        (StartMdev(MDEV), f"start {MDEV}"),
    ],
)
def test_what_is_tried_has_a_name(request_: HostRequest, words: str) -> None:
    assert intent(request_) == words
