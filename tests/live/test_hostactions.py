"""What is asked of a host itself, on a real libvirt: read back from it, not from the outcome."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import libvirt
import pytest

from tests.support.guests import GuestFactory, disk_xml, guest_xml, sparse_file
from tests.support.rig import Rig
from tuivm.hypervisor import hostactions
from tuivm.hypervisor.devicesurvey import devices as survey
from tuivm.hypervisor.hostactions import perform
from tuivm.hypervisor.hostsurvey import storage
from tuivm.model.hostrequests import (
    DetachFromHost,
    HostRequest,
    RefreshPool,
    ReturnToHost,
    SetFunctions,
    SetNetworkAutostart,
    SetPoolAutostart,
    StartNetwork,
    StartPool,
    StopNetwork,
    StopPool,
)
from tuivm.model.hosts import HostSpec, Problem
from tuivm.model.offers import HostOffer

NETWORK = "<network><name>h2</name><bridge name='h2br0' stp='off'/></network>"
ON_IT = "<interface type='network'><source network='h2'/><model type='virtio'/></interface>"


@pytest.fixture
def conn(guest_factory: GuestFactory) -> Iterator[libvirt.virConnect]:
    yield guest_factory.conn
    for network in guest_factory.conn.listAllNetworks():
        if network.isActive():
            network.destroy()
        network.undefine()


def spec(rig: Rig) -> HostSpec:
    return HostSpec("rig", rig.uri)


def done(conn: libvirt.virConnect, rig: Rig, request: HostRequest) -> None:
    outcome = perform(conn, spec(rig), request)
    assert outcome.problem is None, outcome
    assert outcome.steps
    assert all(step.done for step in outcome.steps)


def refused(conn: libvirt.virConnect, rig: Rig, request: HostRequest) -> Problem:
    outcome = perform(conn, spec(rig), request)
    assert outcome.problem is not None
    assert not outcome.steps
    return outcome.problem


def test_a_pools_life(
    conn: libvirt.virConnect, rig: Rig, guest_factory: GuestFactory, tmp_path: Path
) -> None:
    pool = guest_factory.pool("h2", tmp_path)
    done(conn, rig, StopPool("h2"))
    assert not pool.isActive()
    done(conn, rig, StartPool("h2"))
    assert pool.isActive()
    sparse_file(tmp_path / "new.img")
    assert pool.listAllVolumes() == []
    done(conn, rig, RefreshPool("h2"))
    assert [one.name() for one in pool.listAllVolumes()] == ["new.img"]
    done(conn, rig, SetPoolAutostart("h2", on=True))
    assert pool.autostart()
    done(conn, rig, SetPoolAutostart("h2", on=False))
    assert not pool.autostart()


def test_a_pool_that_a_running_guest_has_a_disk_in(
    conn: libvirt.virConnect,
    rig: Rig,
    guest_factory: GuestFactory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    disk = sparse_file(tmp_path / "disk.img")
    pool = guest_factory.pool("h2", tmp_path)
    uuid = guest_factory.start(guest_xml("user", devices=disk_xml(disk)))

    def taken_down(conn: libvirt.virConnect, spec: HostSpec) -> HostOffer:
        """The rig has no disks of its own to mount or log in to."""
        offer = storage(conn, spec)
        return offer._replace(pools=tuple(one._replace(kind="netfs") for one in offer.pools))

    with monkeypatch.context() as patched:
        patched.setattr(hostactions, "storage", taken_down)
        assert "user" in refused(conn, rig, StopPool("h2")).reason
        assert pool.isActive()
        guest_factory.domain(uuid).destroy()
        done(conn, rig, StopPool("h2"))
    done(conn, rig, StartPool("h2"))
    guest_factory.domain(uuid).create()
    # A directory stays where it is.
    done(conn, rig, StopPool("h2"))
    assert guest_factory.domain(uuid).isActive()


def test_a_networks_life(conn: libvirt.virConnect, rig: Rig) -> None:
    network = conn.networkDefineXML(NETWORK)
    done(conn, rig, StartNetwork("h2"))
    assert network.isActive()
    done(conn, rig, SetNetworkAutostart("h2", on=True))
    assert network.autostart()
    done(conn, rig, SetNetworkAutostart("h2", on=False))
    assert not network.autostart()
    done(conn, rig, StopNetwork("h2"))
    assert not network.isActive()


def test_a_network_with_running_guests_on_it(
    conn: libvirt.virConnect, rig: Rig, guest_factory: GuestFactory
) -> None:
    network = conn.networkDefineXML(NETWORK)
    network.create()
    guest_factory.define(guest_xml("idle", devices=ON_IT))
    guest_factory.start(guest_xml("web", devices=ON_IT))
    assert "web" in refused(conn, rig, StopNetwork("h2")).reason
    assert network.isActive()
    assert "web" in refused(conn, rig, StopNetwork("h2", frozenset({"idle"}))).reason
    assert network.isActive()
    done(conn, rig, StopNetwork("h2", frozenset({"web"})))
    assert not network.isActive()


@pytest.mark.parametrize(
    "request_", [StartPool("no-such"), StopPool("no-such"), StartNetwork("no-such")]
)
def test_what_is_not_there(conn: libvirt.virConnect, rig: Rig, request_: HostRequest) -> None:
    problem = refused(conn, rig, request_)
    assert "no-such" in problem.what
    assert "no-such" in problem.reason


def test_devices_that_are_not_there(conn: libvirt.virConnect, rig: Rig) -> None:
    for request in (
        DetachFromHost("pci_ffff_ff_1f_7"),
        ReturnToHost("pci_ffff_ff_1f_7"),
        SetFunctions("ffff:ff:1f.7", 2),
    ):
        assert refused(conn, rig, request).reason


def test_a_device_that_is_in_no_group_stays(conn: libvirt.virConnect, rig: Rig) -> None:
    offer = survey(conn, spec(rig))
    pci = [one for one in offer.devices if one.kind == "pci"]
    device = next((one for one in pci if one.iommu_group is None), None)
    if device is None:
        pytest.skip("this machine has an IOMMU: its own devices are not played with")
    problem = refused(conn, rig, DetachFromHost(device.nodedev))
    assert device.address in problem.reason
    everything = frozenset({device.address})
    refused(conn, rig, DetachFromHost(device.nodedev, overridden=everything))
    now = survey(conn, spec(rig)).devices
    assert [one.driver for one in now if one.nodedev == device.nodedev] == [device.driver]
