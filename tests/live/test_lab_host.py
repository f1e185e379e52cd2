"""The Lab's host on a real libvirt."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest

from tests.support.guests import GuestFactory
from tests.support.labecho import SAYS, echo_appliance, echo_os, lab_xml
from tests.support.rig import Rig, wait_until
from tuivm.hypervisor.labhost import LibvirtLabHost, open_lab_host
from tuivm.lab.mark import Mark, directory_name, mark_xml
from tuivm.lab.ports import LabError, LabGuest, LabHost
from tuivm.model.hosts import HostSpec
from tuivm.model.lab import Leftover

BOOT = 90.0
DEAD = Mark("old", 2**22 + 1, os.uname().nodename, 1_000_000_000)
"""Of a process that cannot be: Linux has no greater id than 2**22."""


@pytest.fixture
def lab(rig: Rig, guest_factory: GuestFactory) -> Iterator[LibvirtLabHost]:
    host = open_lab_host(HostSpec("rig", rig.uri))
    yield host
    host.close()


@pytest.fixture
def echo(lab: LibvirtLabHost, tmp_path: Path) -> LabGuest:
    guest = lab.start(lab_xml("tuivm-lab-echo", echo_os(echo_appliance(tmp_path))))
    assert guest.receive(BOOT) == {"type": "hello"}
    return guest


def names(rig: Rig) -> set[str]:
    return set(rig.virsh("list", "--all", "--name").split())


def test_it_is_a_lab_host(lab: LibvirtLabHost) -> None:
    as_port: LabHost = lab
    assert as_port.leftovers() == ()


def test_abilities(lab: LibvirtLabHost, rig: Rig) -> None:
    found = lab.abilities()
    assert found.accelerators == ("qemu",)
    assert found.local
    assert not found.session
    assert found.tap
    assert {"pc", "q35"} <= found.machines
    assert "ide" in found.caps["qemu", "pc"].disk_buses
    assert "ide" not in found.caps["qemu", "q35"].disk_buses
    assert found.models is not None
    assert {"virtio-blk-pci", "ide-hd", "e1000", "iothread"} <= found.models
    assert found.qemu_version > (2, 0, 0)
    assert found.libvirt_version >= (9, 0, 0)
    assert found.record.cpus == os.cpu_count()
    assert found.record.hypervisor.startswith("QEMU ")
    assert not names(rig)


def test_a_line_carries_messages_of_any_size(echo: LabGuest) -> None:
    for size in (0, 1, 100_000, 1_000_000):
        message = {"number": size, "text": "ä" + "x" * size}
        echo.send(message)
        assert echo.receive(BOOT) == {"number": size, "text": "ä" + "x" * size}
    assert echo.receive(0.0) is None


def test_many_messages_keep_their_order(echo: LabGuest) -> None:
    for number in range(200):
        echo.send({"number": number})
    heard = [echo.receive(BOOT) for _ in range(200)]
    assert heard == [{"number": number} for number in range(200)]


def test_nonsense_on_the_line_is_an_error(lab: LibvirtLabHost, echo: LabGuest) -> None:
    intake = lab._guests[0]._line
    lab._calls("send", lambda _conn: intake.send(b"no json\n[1]\n"))
    with pytest.raises(LabError, match="no JSON: no json"):
        echo.receive(BOOT)
    with pytest.raises(LabError, match="no object"):
        echo.receive(BOOT)
    with pytest.raises(LabError, match="1 MB"):
        echo.send({"text": "x" * 1_100_000})


def test_a_guest_that_vanishes_is_told_with_its_last_words(echo: LabGuest, rig: Rig) -> None:
    heard: list[LabError] = []

    def wait() -> None:
        try:
            echo.receive(BOOT)
        except LabError as error:
            heard.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    rig.virsh("destroy", echo.name)
    waiting.join(BOOT)
    assert "gone" in heard[0].what
    assert SAYS in heard[0].reason
    assert not echo.alive()
    with pytest.raises(LabError, match="gone"):
        echo.send({})
    echo.destroy()


def test_monitor(echo: LabGuest) -> None:
    status = cast("dict[str, object]", echo.monitor("query-status"))
    assert status["status"] == "running"
    assert echo.monitor("stop") == {}
    assert "paused" in echo.human_monitor("info status")
    with pytest.raises(LabError, match="not been found"):
        echo.monitor("no-such-command")


def test_usage_is_by_role_and_grows(lab: LibvirtLabHost, echo: LabGuest) -> None:
    before = echo.usage()
    assert before.precise
    assert {"vCPU", "main loop"} <= before.threads.keys()
    assert before.exits == {}
    wait_until(
        lambda: echo.usage().threads["vCPU"] > before.threads["vCPU"], BOOT, "the vCPU to run"
    )


def test_use_of_the_host(lab: LibvirtLabHost, echo: LabGuest, guest_factory: GuestFactory) -> None:
    other = guest_factory.start(lab_xml("other", mark=""))
    use = lab.use([echo.uuid])
    assert set(use.others) == {"other"}
    assert use.total is not None
    assert use.busy is not None
    assert use.steal is not None
    assert use.busy + use.steal <= use.total
    assert lab.use([other]).others.keys() == {"tuivm-lab-echo"}


def test_destroy_and_close_leave_nothing(lab: LibvirtLabHost, rig: Rig) -> None:
    one = lab.start(lab_xml("tuivm-lab-one"), paused=True)
    lab.start(lab_xml("tuivm-lab-two"), paused=True)
    assert one.alive()
    one.destroy()
    one.destroy()
    assert names(rig) == {"tuivm-lab-two"}
    place = lab.workplace("r")
    place.disk("d", 1 << 20)
    place.network("n")
    lab.close()
    lab.close()
    assert not names(rig)
    assert not rig.virsh("pool-list", "--all", "--name").split()
    assert not rig.virsh("net-list", "--all", "--name").split()


@pytest.mark.parametrize("xml", [lab_xml("tuivm-lab-x", mark=""), lab_xml("web")])
def test_only_guests_of_the_lab_are_started(lab: LibvirtLabHost, rig: Rig, xml: str) -> None:
    with pytest.raises(LabError, match="cannot be started"):
        lab.start(xml)
    assert not names(rig)


def test_a_name_that_is_taken_stays_with_its_guest(
    lab: LibvirtLabHost, rig: Rig, guest_factory: GuestFactory
) -> None:
    uuid = guest_factory.start(lab_xml("tuivm-lab-x", mark=""))
    with pytest.raises(LabError, match="already exists"):
        lab.start(lab_xml("tuivm-lab-x"))
    lab.close()
    assert guest_factory.exists(uuid)


def test_qemus_own_words_when_it_does_not_start(lab: LibvirtLabHost, rig: Rig) -> None:
    command = (
        "<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"
        "<qemu:arg value='-device'/><qemu:arg value='no-such-device'/></qemu:commandline></domain>"
    )
    with pytest.raises(LabError, match="no-such-device"):
        lab.start(lab_xml("tuivm-lab-x").replace("</domain>", command))
    assert not names(rig)


def test_a_guest_without_the_line_is_not_left_running(lab: LibvirtLabHost, rig: Rig) -> None:
    with pytest.raises(LabError, match="cannot start tuivm-lab-x"):
        lab.start(lab_xml("tuivm-lab-x").replace("tuivm.lab'", "another'"))
    assert not names(rig)


def test_files(lab: LibvirtLabHost, rig: Rig, tmp_path: Path, guest_factory: GuestFactory) -> None:
    place = lab.workplace("r1")
    content = os.urandom(700_000)
    (tmp_path / "file").write_bytes(content)
    path = place.upload(tmp_path / "file", "kernel")
    assert path.endswith("/kernel")
    assert place.read("kernel") == content
    disk = place.disk("disk", 3 << 20)
    assert disk.endswith("/disk")
    pool = guest_factory.conn.storagePoolLookupByName("tuivm-lab-r1")
    _kind, capacity, allocation = pool.storageVolLookupByName("disk").info()
    assert capacity == 3 << 20
    assert allocation >= capacity
    place.log_file("log")
    assert place.read("log") == b""
    # As QEMU does it, which knows nothing of volumes.
    source = f"<source path='{place.path}/log'/><target port='1'/>"
    guest = lab.start(lab_xml("tuivm-lab-x", devices=f"<serial type='file'>{source}</serial>"))
    assert guest.alive()
    guest.destroy()
    assert place.read("log") == b""
    with pytest.raises(LabError, match="cannot read nothing"):
        place.read("nothing")
    place.remove()
    place.remove()
    assert not rig.virsh("pool-list", "--all", "--name").split()
    with pytest.raises(LabError, match="tuivm-lab-r1"):
        place.read("log")


def test_a_disk_that_does_not_fit_leaves_nothing(
    lab: LibvirtLabHost, guest_factory: GuestFactory
) -> None:
    place = lab.workplace("r1")
    with pytest.raises(LabError, match="cannot make a disk") as caught:
        place.disk("huge", 1 << 50)
    assert caught.value.reason
    pool = guest_factory.conn.storagePoolLookupByName("tuivm-lab-r1")
    pool.refresh(0)
    assert pool.listAllVolumes(0) == []


def test_a_file_that_is_not_there(lab: LibvirtLabHost, tmp_path: Path) -> None:
    with pytest.raises(LabError, match="No such file"):
        lab.workplace("r1").upload(tmp_path / "nothing", "x")


def test_a_network_is_isolated(lab: LibvirtLabHost, guest_factory: GuestFactory) -> None:
    name = lab.workplace("r1").network("nic0")
    xml = guest_factory.conn.networkLookupByName(name).XMLDesc(0)
    assert "<forward" not in xml
    assert "<ip" not in xml
    assert "<dns enable='no'/>" in xml


HOLDER = """
import sys, pathlib
from tuivm.hypervisor.labhost import open_lab_host
from tuivm.model.hosts import HostSpec
host = open_lab_host(HostSpec("rig", sys.argv[1]))
place = host.workplace("killed")
place.disk("d", 1 << 20)
place.network("n")
host.start(pathlib.Path(sys.argv[2]).read_text(), paused=True)
print("there", flush=True)
sys.stdin.read()
"""


def test_after_sigkill_the_guest_goes_and_the_rest_is_found(
    lab: LibvirtLabHost, rig: Rig, tmp_path: Path, guest_factory: GuestFactory
) -> None:
    guest = tmp_path / "guest.xml"
    guest.write_text(lab_xml("tuivm-lab-killed"))
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, rig.uri, str(guest)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdin is not None
    assert holder.stdout.readline() == "there\n"
    assert names(rig) == {"tuivm-lab-killed"}
    assert lab.leftovers() == ()
    holder.send_signal(signal.SIGKILL)
    holder.wait(30)
    holder.stdin.close()
    holder.stdout.close()
    wait_until(lambda: not names(rig), 30, "the guest to end with its connection")
    found = lab.leftovers()
    assert {(one.kind, one.name) for one in found} == {
        ("pool", "tuivm-lab-killed"),
        ("network", "tuivm-lab-killed-n"),
    }
    lab.clean(found)
    assert lab.leftovers() == ()
    assert not rig.virsh("pool-list", "--all", "--name").split()
    assert not rig.virsh("net-list", "--all", "--name").split()


def test_a_guest_that_outlived_its_lab_is_found_and_ended(
    lab: LibvirtLabHost, rig: Rig, guest_factory: GuestFactory
) -> None:
    # As on a host whose libvirt did not end it with the connection.
    mark = mark_xml(DEAD.run, DEAD)
    guest_factory.start(lab_xml("tuivm-lab-old", mark=mark), transient=True)
    found = lab.leftovers()
    assert [(one.kind, one.name) for one in found] == [("guest", "tuivm-lab-old")]
    lab.clean(found)
    assert not names(rig)


def test_what_is_not_the_labs_is_never_touched(
    lab: LibvirtLabHost, rig: Rig, guest_factory: GuestFactory, tmp_path: Path
) -> None:
    mark = mark_xml(DEAD.run, DEAD)
    living = mark_xml("test")
    kept = [
        guest_factory.start(lab_xml("tuivm-lab-unmarked", mark=""), transient=True),
        guest_factory.start(lab_xml("marked-otherwise-named", mark=mark), transient=True),
        guest_factory.start(lab_xml("tuivm-lab-defined", mark=mark)),
        guest_factory.start(lab_xml("tuivm-lab-living", mark=living), transient=True),
    ]
    directory = tmp_path / "pool"
    directory.mkdir()
    (directory / "precious").write_text("data")
    guest_factory.pool("tuivm-lab-old", directory)
    marked = tmp_path / directory_name(DEAD)
    marked.mkdir()
    (marked / "precious").write_text("data")
    guest_factory.pool("otherwise-named", marked)
    network = "<network><name>tuivm-lab-net</name><bridge/></network>"
    foreign = guest_factory.conn.networkCreateXML(network)
    try:
        assert lab.leftovers() == ()
        wished = [
            *(("guest", name) for name in names(rig)),
            ("pool", "tuivm-lab-old"),
            ("pool", "otherwise-named"),
            ("network", "tuivm-lab-net"),
            ("files", str(marked)),
            ("files", str(directory)),
            ("guest", "tuivm-lab-gone"),
        ]
        lab.clean(Leftover("rig", kind, name) for kind, name in wished)
        assert all(guest_factory.exists(uuid) for uuid in kept)
        assert (directory / "precious").exists()
        assert (marked / "precious").exists()
        assert foreign.isActive()
    finally:
        foreign.destroy()


def test_a_pool_whose_name_is_taken(
    lab: LibvirtLabHost, guest_factory: GuestFactory, tmp_path: Path
) -> None:
    guest_factory.pool("tuivm-lab-r1", tmp_path)
    with pytest.raises(LabError, match="already exists"):
        lab.workplace("r1")
    lab.close()
    assert guest_factory.conn.storagePoolLookupByName("tuivm-lab-r1").isActive()


def fails_in_time(call: Callable[[], object]) -> LabError:
    """What it raises; a test that waits for ever is ended by its own deadline."""
    with pytest.raises(LabError) as caught:
        call()
    return caught.value


def test_a_daemon_that_is_killed(fresh_rig: Rig) -> None:
    host = open_lab_host(HostSpec("rig", fresh_rig.uri))
    guest = host.start(lab_xml("tuivm-lab-x"), paused=True)
    place = host.workplace("r1")
    fresh_rig.kill()
    assert "gone" in fails_in_time(lambda: guest.receive(BOOT)).what
    fails_in_time(lambda: guest.send({}))
    fails_in_time(lambda: guest.monitor("query-status"))
    fails_in_time(lambda: place.disk("d", 1 << 20))
    fails_in_time(host.abilities)
    assert not guest.alive()
    guest.destroy()
    host.close()
    fresh_rig.start()
    # This process lives, so what it left counts as in use; its own clean-up could not be done.
    with_guest = open_lab_host(HostSpec("rig", fresh_rig.uri))
    assert with_guest.leftovers() == ()
    with_guest.close()


def test_a_daemon_that_comes_back_is_cleaned_up_at_close(fresh_rig: Rig) -> None:
    host = open_lab_host(HostSpec("rig", fresh_rig.uri))
    guest = host.start(lab_xml("tuivm-lab-x"), paused=True)
    host.workplace("r1")
    fresh_rig.kill()
    fails_in_time(lambda: guest.receive(BOOT))
    fresh_rig.start()
    host.close()
    assert not names(fresh_rig)
    assert not fresh_rig.virsh("pool-list", "--all", "--name").split()


def test_a_daemon_that_hangs_does_not_hang_the_lab(
    fresh_rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = open_lab_host(HostSpec("rig", fresh_rig.uri))
    guest = host.start(lab_xml("tuivm-lab-x"), paused=True)
    monkeypatch.setattr("tuivm.hypervisor.labguest.MONITOR", 0.5)
    fresh_rig.pause()
    assert "no answer" in str(fails_in_time(lambda: guest.monitor("query-status")))
    assert "does not answer" in str(fails_in_time(lambda: guest.receive(BOOT)))
    monkeypatch.setattr("tuivm.hypervisor.labhost.CLOSE", 0.5)
    host.close()
    fresh_rig.resume()
    fresh_rig.wait_answering()
    wait_until(lambda: not names(fresh_rig), 60, "the guest to end with its connection")


def test_close_does_not_wait_for_a_call_of_another_thread(
    fresh_rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuivm.hypervisor.labhost.CLOSE", 0.5)
    host = open_lab_host(HostSpec("rig", fresh_rig.uri))
    fresh_rig.pause()
    starting = threading.Thread(
        target=lambda: fails_in_time(lambda: host.start(lab_xml("tuivm-lab-x"), paused=True))
    )
    starting.start()
    wait_until(lambda: host._calls._using, 60, "the call to be on its way")
    host.close()
    assert starting.is_alive()
    fresh_rig.resume()
    starting.join(BOOT)
    wait_until(lambda: not names(fresh_rig), 60, "the guest to end with its connection")


def test_a_host_that_is_not_this_machine(
    rig: Rig, guest_factory: GuestFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuivm.hypervisor.labhost.runs_here", lambda _uri: False)
    host = open_lab_host(HostSpec("rig", rig.uri))
    try:
        found = host.abilities()
        assert not found.local
        assert found.vhost_net is None
        assert found.record.kernel == ""
        place = host.workplace("far")
        made = echo_appliance(tmp_path)
        system = echo_os(
            made, place.upload(made.kernel, "kernel"), place.upload(made.initrd, "initrd")
        )
        guest = host.start(lab_xml("tuivm-lab-far", system))
        assert guest.receive(BOOT) == {"type": "hello"}
        usage = guest.usage()
        assert usage.threads.keys() == {"vCPU", "other"}
        assert not usage.precise
        use = host.use([guest.uuid])
        assert use.steal is None
        assert use.busy is not None
        assert use.others == {}
    finally:
        host.close()
    assert not names(rig)


def test_hosts_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="cannot connect to nowhere"):
        open_lab_host(HostSpec("nowhere", f"qemu+unix:///system?socket={tmp_path}/none"))
    with pytest.raises(LabError, match="read-only"):
        open_lab_host(HostSpec("ro", "qemu:///system", readonly=True))
    other = open_lab_host(HostSpec("test", "test:///default"))
    with pytest.raises(LabError, match="needs QEMU"):
        other.abilities()
    other.close()


def test_the_connection_is_not_kept_after_close(lab: LibvirtLabHost, rig: Rig) -> None:
    """By its autodestroy: libvirt ends the guest only when nothing holds the connection."""
    guest = lab.start(lab_xml("tuivm-lab-x"), paused=True)
    calls = lab._calls
    lab._names.clear()
    lab._guests.clear()
    guest.forget()
    calls.close()
    wait_until(lambda: not names(rig), 60, "the guest to end with its connection")
