"""Guests that run a real kernel: they move counters, and they react to what is asked of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import libvirt

from tests.support import sample_guests
from tests.support.appliance import MEMORY_MIB, READY, appliance
from tests.support.guests import GuestFactory, guest_xml, serial_xml
from tests.support.rig import Rig, wait_until
from tuivm.hypervisor.actions import perform
from tuivm.model.requests import Reboot, Request, Resume, Shutdown, ShutdownMode

BOOT = 60
"""Seconds that a boot may take on a machine that is busy with other tests."""
SLEEPS = "<pm><suspend-to-mem enabled='yes'/></pm>"


def boot(factory: GuestFactory, log: Path, load: str = "none", more: str = "") -> str:
    """Start an appliance without disks; it says on its serial port what it does."""
    xml = guest_xml(
        log.stem,
        memory_mib=MEMORY_MIB,
        os=appliance().os_xml(load),
        devices=serial_xml(log),
        more=more,
    )
    return factory.start(xml, paused=False)


def says(log: Path, words: str, times: int = 1) -> None:
    wait_until(lambda: log.exists() and log.read_text().count(words) >= times, BOOT, words)


def ask(factory: GuestFactory, uuid: str, request: Request) -> None:
    assert perform(factory.conn, uuid, request).problem is None


def off(factory: GuestFactory, uuid: str) -> Callable[[], bool]:
    return lambda: not factory.domain(uuid).isActive()


def test_the_power_button_is_heard_unless_the_guest_is_deaf(
    guest_factory: GuestFactory, tmp_path: Path
) -> None:
    deaf, hearing = tmp_path / "deaf.log", tmp_path / "hearing.log"
    deaf_uuid = boot(guest_factory, deaf, "deaf")
    uuid = boot(guest_factory, hearing)
    says(deaf, READY)
    says(hearing, READY)
    ask(guest_factory, deaf_uuid, Shutdown(ShutdownMode.ACPI))
    ask(guest_factory, uuid, Shutdown())
    wait_until(off(guest_factory, uuid), BOOT, "the guest to shut down")
    assert "power button" in hearing.read_text()
    assert guest_factory.domain(uuid).state() == [
        libvirt.VIR_DOMAIN_SHUTOFF,
        libvirt.VIR_DOMAIN_SHUTOFF_SHUTDOWN,
    ]
    assert guest_factory.domain(deaf_uuid).isActive()


def test_a_reboot_boots_again(guest_factory: GuestFactory, tmp_path: Path) -> None:
    log = tmp_path / "reboots.log"
    uuid = boot(guest_factory, log)
    says(log, READY)
    domain_id = guest_factory.domain(uuid).ID()
    ask(guest_factory, uuid, Reboot(ShutdownMode.ACPI))
    says(log, READY, times=2)
    assert guest_factory.domain(uuid).ID() == domain_id


def test_resume_wakes_a_guest_that_put_itself_to_sleep(
    guest_factory: GuestFactory, tmp_path: Path
) -> None:
    log = tmp_path / "sleeps.log"
    uuid = boot(guest_factory, log, "sleep", more=SLEEPS)

    def state() -> int:
        return guest_factory.domain(uuid).state()[0]

    wait_until(lambda: state() == libvirt.VIR_DOMAIN_PMSUSPENDED, BOOT, "the guest to sleep")
    ask(guest_factory, uuid, Resume())
    wait_until(lambda: state() == libvirt.VIR_DOMAIN_RUNNING, BOOT, "the guest to wake up")


def test_the_sample_guests_move_every_counter(fresh_rig: Rig, tmp_path: Path) -> None:
    conn = libvirt.open(fresh_rig.uri)
    directory = tmp_path / "samples"
    groups = (
        libvirt.VIR_DOMAIN_STATS_BLOCK
        | libvirt.VIR_DOMAIN_STATS_INTERFACE
        | libvirt.VIR_DOMAIN_STATS_CPU_TOTAL
    )

    def all_move() -> bool:
        stats = [found for _, found in conn.getAllDomainStats(groups)]
        wanted = ["cpu.time", "net.0.rx.bytes", "net.0.tx.bytes"]
        wanted += [f"block.{disk}.{way}.reqs" for disk in (0, 1) for way in ("rd", "wr")]
        return len(stats) == 2 and all(found.get(name) for found in stats for name in wanted)

    sample_guests.start(conn, directory)
    wait_until(all_move, BOOT, "every disk and NIC to do something")
    sample_guests.start(conn, directory)
    names = {domain.name() for domain in conn.listAllDomains()}
    assert names == {sample_guests.PARAVIRTUAL, sample_guests.EMULATED}
    sample_guests.stop(conn, directory)
    assert conn.listAllDomains() == []
    assert not directory.exists()
