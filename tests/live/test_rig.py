"""The rig itself: what other live tests stand on."""

from __future__ import annotations

from pathlib import Path

import libvirt

from tests.support.guests import GuestFactory, guest_xml
from tests.support.rig import Rig, wait_until


def test_guests_survive_a_killed_and_a_stopped_libvirtd(fresh_rig: Rig) -> None:
    factory = GuestFactory(fresh_rig)
    uuid = factory.start(guest_xml("survivor"))
    first = fresh_rig.pid
    fresh_rig.kill()
    assert not fresh_rig.running
    fresh_rig.start()
    assert fresh_rig.pid != first
    assert factory.domain(uuid).isActive()
    fresh_rig.restart()
    assert factory.domain(uuid).isActive()


def test_a_paused_libvirtd_is_stopped_and_goes_on(fresh_rig: Rig) -> None:
    stat = Path(f"/proc/{fresh_rig.pid}/stat")

    def state() -> str:
        return stat.read_text().rsplit(")", 1)[1].split()[0]

    fresh_rig.pause()
    wait_until(lambda: state() == "T", 10, "libvirtd to stop")
    fresh_rig.resume()
    fresh_rig.wait_answering()
    assert state() != "T"


def test_nothing_of_a_closed_rig_is_left() -> None:
    with Rig() as rig:
        state, libvirtd = rig.state, rig.pid
        GuestFactory(rig).start(guest_xml("left-over"))
        emulator = int((state / "run/qemu/left-over.pid").read_text())
        assert emulator
        guests = [
            int(entry.name)
            for entry in Path("/proc").glob("[0-9]*")
            if f"{state}".encode() in _command_line(entry) or b"left-over" in _command_line(entry)
        ]
    assert guests
    assert not state.exists()
    assert not any(Path(f"/proc/{pid}").exists() for pid in (libvirtd, *guests))


def test_the_rig_has_no_kvm_and_its_own_network(rig: Rig, guest_factory: GuestFactory) -> None:
    capabilities = guest_factory.conn.getCapabilities()
    assert "<domain type='qemu'/>" in capabilities
    assert "<domain type='kvm'/>" not in capabilities
    assert Path(f"/proc/{rig.pid}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()


def test_the_factory_cleans_up(rig: Rig) -> None:
    factory = GuestFactory(rig)
    factory.define(guest_xml("off"))
    factory.start(guest_xml("transient"), transient=True)
    factory.clean()
    assert libvirt.open(rig.uri).listAllDomains() == []


def _command_line(entry: Path) -> bytes:
    try:
        return (entry / "cmdline").read_bytes()
    except OSError:
        return b""
