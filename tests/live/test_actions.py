"""Every request on real guests: the effect is read back from libvirt, not from the outcome."""

from __future__ import annotations

import uuid as uuids
from pathlib import Path

import libvirt
import pytest

from tests.support.guests import GuestFactory, disk_xml, guest_xml, sparse_file
from tests.support.rig import Rig
from tuivm.hypervisor.actions import perform
from tuivm.model.deletion import DeletionOrder
from tuivm.model.requests import (
    Delete,
    DiscardSave,
    ForceOff,
    Reboot,
    Rename,
    Request,
    Reset,
    Resume,
    Save,
    SetAutostart,
    Shutdown,
    ShutdownMode,
    Start,
    Suspend,
)

TEST_DRIVER_GUEST = """
  <domain type='test'><name>{name}</name><uuid>{uuid}</uuid><memory unit='MiB'>64</memory>
  <vcpu>1</vcpu><os><type>hvm</type></os></domain>
"""


def do(factory: GuestFactory, uuid: str, request: Request) -> None:
    outcome = perform(factory.conn, uuid, request)
    assert outcome.problem is None
    assert outcome.steps
    assert all(step.done for step in outcome.steps)


def state(factory: GuestFactory, uuid: str) -> int:
    return factory.domain(uuid).state()[0]


def test_start_suspend_resume_reset_force_off(guest_factory: GuestFactory) -> None:
    uuid = guest_factory.define(guest_xml("plain"))
    do(guest_factory, uuid, Start(paused=True))
    assert state(guest_factory, uuid) == libvirt.VIR_DOMAIN_PAUSED
    do(guest_factory, uuid, Resume())
    assert state(guest_factory, uuid) == libvirt.VIR_DOMAIN_RUNNING
    do(guest_factory, uuid, Suspend())
    assert state(guest_factory, uuid) == libvirt.VIR_DOMAIN_PAUSED
    do(guest_factory, uuid, Reset())
    do(guest_factory, uuid, Resume())
    do(guest_factory, uuid, ForceOff())
    assert state(guest_factory, uuid) == libvirt.VIR_DOMAIN_SHUTOFF


def test_start_without_flags_runs(guest_factory: GuestFactory) -> None:
    uuid = guest_factory.define(guest_xml("runs"))
    do(guest_factory, uuid, Start())
    assert state(guest_factory, uuid) == libvirt.VIR_DOMAIN_RUNNING


def test_a_saved_guest_is_restored_by_start(guest_factory: GuestFactory) -> None:
    uuid = guest_factory.start(guest_xml("saved"))
    do(guest_factory, uuid, Save())
    domain = guest_factory.domain(uuid)
    assert domain.hasManagedSaveImage()
    assert not domain.isActive()
    do(guest_factory, uuid, Start())
    assert not domain.hasManagedSaveImage()
    # It was paused when it was saved: a boot afresh would run.
    assert state(guest_factory, uuid) == libvirt.VIR_DOMAIN_PAUSED


def test_a_saved_guest_can_be_started_afresh(guest_factory: GuestFactory) -> None:
    uuid = guest_factory.start(guest_xml("afresh"))
    do(guest_factory, uuid, Save())
    do(guest_factory, uuid, Start(discard_saved=True))
    assert state(guest_factory, uuid) == libvirt.VIR_DOMAIN_RUNNING
    assert not guest_factory.domain(uuid).hasManagedSaveImage()


def test_saved_memory_is_discarded(guest_factory: GuestFactory) -> None:
    uuid = guest_factory.start(guest_xml("discarded"))
    do(guest_factory, uuid, Save())
    do(guest_factory, uuid, DiscardSave())
    assert not guest_factory.domain(uuid).hasManagedSaveImage()


def test_autostart(guest_factory: GuestFactory) -> None:
    uuid = guest_factory.define(guest_xml("auto"))
    do(guest_factory, uuid, SetAutostart(on=True))
    assert guest_factory.domain(uuid).autostart() == 1
    do(guest_factory, uuid, SetAutostart(on=False))
    assert guest_factory.domain(uuid).autostart() == 0


@pytest.mark.parametrize("name", ["new name", "[red]web[-]", "Über-öffentlich", "💾"])
def test_rename_keeps_the_uuid(guest_factory: GuestFactory, name: str) -> None:
    uuid = guest_factory.define(guest_xml("old"))
    do(guest_factory, uuid, Rename(name))
    assert guest_factory.domain(uuid).name() == name


def test_a_running_guest_is_not_renamed(guest_factory: GuestFactory) -> None:
    uuid = guest_factory.start(guest_xml("busy"))
    problem = perform(guest_factory.conn, uuid, Rename("other")).problem
    assert problem is not None
    assert problem.what == "cannot rename busy"
    assert "active" in problem.reason
    assert "running" in problem.cause
    assert problem.remedy
    assert guest_factory.domain(uuid).name() == "busy"


def test_a_taken_name_is_refused_in_libvirts_words(guest_factory: GuestFactory) -> None:
    guest_factory.define(guest_xml("taken"))
    uuid = guest_factory.define(guest_xml("wants"))
    problem = perform(guest_factory.conn, uuid, Rename("taken")).problem
    assert problem is not None
    assert "already exists" in problem.reason


def test_the_agent_that_is_not_there_is_said(guest_factory: GuestFactory) -> None:
    uuid = guest_factory.start(guest_xml("deaf"), paused=False)
    problem = perform(guest_factory.conn, uuid, Shutdown(ShutdownMode.AGENT)).problem
    assert problem is not None
    assert "agent" in problem.reason.lower()
    assert problem.remedy
    assert guest_factory.domain(uuid).isActive()


def test_a_start_that_fails_says_what_libvirt_said(
    guest_factory: GuestFactory, tmp_path: Path
) -> None:
    disk = sparse_file(tmp_path / "gone.raw")
    uuid = guest_factory.define(guest_xml("diskless", devices=disk_xml(disk)))
    disk.unlink()
    problem = perform(guest_factory.conn, uuid, Start()).problem
    assert problem is not None
    assert problem.what == "cannot start diskless"
    assert str(disk) in problem.reason


REQUESTS: tuple[Request, ...] = (
    Start(),
    Start(paused=True, discard_saved=True),
    Shutdown(),
    Reboot(),
    Reset(),
    ForceOff(),
    Suspend(),
    Resume(),
    Save(),
    DiscardSave(),
    SetAutostart(on=True),
    Rename("x"),
    Delete(DeletionOrder()),
)


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: type(request).__name__)
def test_a_guest_that_vanished(guest_factory: GuestFactory, request_: Request) -> None:
    problem = perform(guest_factory.conn, str(uuids.uuid4()), request_).problem
    assert problem is not None
    assert "gone" in problem.cause


def test_a_guest_of_the_same_name_is_not_taken_for_one_that_vanished(
    guest_factory: GuestFactory,
) -> None:
    first = guest_factory.define(guest_xml("same"))
    guest_factory.domain(first).undefine()
    second = guest_factory.start(guest_xml("same"))
    assert perform(guest_factory.conn, first, ForceOff()).problem is not None
    assert guest_factory.domain(second).isActive()


def test_a_killed_libvirtd_is_a_problem_and_no_exception(fresh_rig: Rig) -> None:
    factory = GuestFactory(fresh_rig)
    conn = factory.conn
    uuid = factory.define(guest_xml("cut-off"))
    fresh_rig.kill()
    assert perform(conn, uuid, Start()).problem is not None
    assert perform(conn, uuid, Delete(DeletionOrder())).problem is not None


def test_the_test_driver(tmp_path: Path) -> None:
    """What a partial driver can, it does; what it cannot is a problem that says so."""
    config = tmp_path / "node.xml"
    uuid = str(uuids.uuid4())
    config.write_text(f"<node>{TEST_DRIVER_GUEST.format(name='one', uuid=uuid)}</node>")
    conn = libvirt.open(f"test://{config}")
    for request in (Suspend(), Resume(), Reboot(), SetAutostart(on=True), Save(), Start()):
        assert perform(conn, uuid, request).problem is None, request
    assert conn.lookupByUUIDString(uuid).isActive()
    assert perform(conn, uuid, Shutdown()).problem is None
    assert not conn.lookupByUUIDString(uuid).isActive()
    assert perform(conn, uuid, Rename("two")).problem is None
    assert conn.lookupByUUIDString(uuid).name() == "two"
    assert perform(conn, uuid, Delete(DeletionOrder())).problem is None
    assert conn.listAllDomains() == []
