"""What the agent in a guest tells: a real qemu-guest-agent, in a guest of a known OS."""

from __future__ import annotations

import time
from collections.abc import Iterator

import libvirt
import pytest

from tests.support.appliance import MEMORY_MIB, appliance
from tests.support.guestagent import CHANNEL, OS
from tests.support.guests import GuestFactory, guest_xml
from tests.support.orders import Worker, worker
from tests.support.rig import Rig, wait_until
from tests.support.watching import TIMEOUT, Watched
from tuivm.domainxml.read import read_details
from tuivm.hypervisor import listing
from tuivm.hypervisor.agent import read_figures
from tuivm.model.devices import DeviceClass, DeviceKind
from tuivm.model.guests import GuestDetails
from tuivm.model.meter import GuestMeter
from tuivm.model.ports import Groups, View
from tuivm.model.snapshot import HostSnapshot

ASKED = Groups.LIST | Groups.AGENT
TAINT = "custom guest agent control commands issued"
FRAMES = 200


@pytest.fixture
def closing() -> Iterator[list[Watched]]:
    started: list[Watched] = []
    yield started
    for one in started:
        one.close()


@pytest.fixture
def agented(guest_factory: GuestFactory) -> Iterator[Worker]:
    """A guest with one NIC, whose agent answers and which sends what it is told to."""
    made = worker(guest_factory, "agented", disks=(), nics=("virtio",), agent=True)
    domain = guest_factory.domain(made.uuid)
    connected = "name='org.qemu.guest_agent.0' state='connected'"
    wait_until(lambda: connected in domain.XMLDesc(), TIMEOUT, "the agent to answer")
    yield made
    made.close()


@pytest.fixture
def handed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each NIC pass for one that was passed through: here is none that could be."""

    def as_passed_through(xml: str) -> GuestDetails:
        details = read_details(xml)
        devices = [
            device._replace(cls=DeviceClass.PHYSICAL, target="hostdev0", counted=False)
            if device.kind is DeviceKind.NIC
            else device
            for device in details.devices
        ]
        return details._replace(devices=tuple(devices))

    monkeypatch.setattr(listing, "read_details", as_passed_through)


def tainted(rig: Rig, uuid: str) -> bool:
    return TAINT in rig.virsh("dominfo", uuid)


def counted(domain: libvirt.virDomain, tap: str) -> tuple[int, int]:
    """Bytes and frames that the guest has sent, as libvirt counts on the host."""
    figures = domain.interfaceStats(tap)
    return figures[4], figures[5]


def test_what_it_runs_is_asked_of_the_agent_and_leaves_no_trace(
    rig: Rig, guest_factory: GuestFactory, agented: Worker, closing: list[Watched]
) -> None:
    seen = Watched(rig.uri, view=View(frozenset({agented.uuid}), ASKED))
    closing.append(seen)
    seen.wait_guest(agented.uuid, lambda g: g.agent_os == OS, "what it runs")
    samples = [sample for s in seen.snapshots for sample in s.samples.values()]
    assert {sample.agent for sample in samples} == {None}
    assert not tainted(rig, agented.uuid), "it has no device to ask about"
    guest_factory.domain(agented.uuid).destroy()
    seen.wait_guest(agented.uuid, lambda g: not g.state.active, "it to be off")
    assert seen.guest(agented.uuid).agent_os == ""


def test_whether_it_can_run_guests_is_told_from_inside(
    rig: Rig, agented: Worker, closing: list[Watched]
) -> None:
    seen = Watched(rig.uri)
    closing.append(seen)
    seen.wait_guest(agented.uuid, lambda g: g.agent_os == OS, "its agent to answer")
    inside = seen.host.nested_inside(agented.uuid).result(TIMEOUT)
    assert inside.problem is None
    assert inside.flag == "svm", "QEMU's default CPU has it"
    assert inside.kvm is False, "the appliance has no module of KVM's"
    assert tainted(rig, agented.uuid)


def test_who_may_only_read_is_not_told(rig: Rig, agented: Worker, closing: list[Watched]) -> None:
    seen = Watched(rig.uri, readonly=True, view=View(frozenset({agented.uuid}), ASKED))
    closing.append(seen)
    seen.wait(lambda s: seen.host.settled and agented.uuid in s.samples, "a sample")
    seen.next(lambda s: agented.uuid in s.samples, "another")
    assert seen.guest(agented.uuid).agent_os == ""
    assert not seen.host.agents.waiting
    refused = seen.host.nested_inside(agented.uuid).result(TIMEOUT).problem
    assert refused is not None
    assert "read-only" in refused.reason


def test_counters_of_a_nic_agree_with_those_of_its_tap(
    rig: Rig, guest_factory: GuestFactory, agented: Worker
) -> None:
    domain = guest_factory.domain(agented.uuid)
    (tap, mac) = next(iter(agented.nics.items()))
    agented.send(tap, 1)
    before, host_before = read_figures(domain, {mac: "hostdev0"}), counted(domain, tap)
    agented.send(tap, FRAMES)
    after, host_after = read_figures(domain, {mac: "hostdev0"}), counted(domain, tap)
    assert after.at > before.at
    (old,), (new,) = before.nics, after.nics
    assert new.name == "hostdev0"
    assert None not in (*old, *new)
    sent = (new.tx_bytes or 0) - (old.tx_bytes or 0), (new.tx_pkts or 0) - (old.tx_pkts or 0)
    assert sent == (host_after[0] - host_before[0], host_after[1] - host_before[1])
    assert sent[1] == FRAMES
    assert read_figures(domain, {"52:54:00:00:00:01": "hostdev1"}).nics == ()
    assert tainted(rig, agented.uuid)


def test_figures_of_what_was_passed_through_come_with_the_samples(
    rig: Rig, handed_over: None, agented: Worker, closing: list[Watched]
) -> None:
    uuid, tap = agented.uuid, next(iter(agented.nics))
    agented.send(tap, 1)
    seen = Watched(rig.uri, view=View(frozenset({uuid}), Groups.LIST))
    closing.append(seen)
    seen.wait_guest(uuid, lambda g: g.agent_os == OS, "what it runs")
    assert not tainted(rig, uuid), "nobody has asked for figures"

    def sent(snapshot: HostSnapshot) -> int | None:
        """Frames, as the agent has counted them."""
        sample = snapshot.samples.get(uuid)
        if sample is None or sample.agent is None:
            return None
        (nic,) = sample.agent.nics
        return nic.tx_pkts

    seen.host.watch(View(frozenset({uuid}), ASKED))
    first = seen.wait(lambda s: sent(s) is not None, "an answer")
    goal = (sent(first) or 0) + FRAMES
    agented.send(tap, FRAMES)
    later = seen.next(lambda s: sent(s) == goal, "all frames to be counted")
    meter = GuestMeter()
    meter.add(first.samples[uuid])
    rates = meter.add(later.samples[uuid])
    assert rates.agent is not None
    (nic,) = rates.agent.nics
    assert nic.name == "hostdev0"
    assert nic.tx_pkts == pytest.approx(FRAMES / rates.agent_span)
    assert tainted(rig, uuid)

    seen.host.watch(View(frozenset({uuid}), Groups.LIST))
    seen.next(
        lambda s: uuid in s.samples and s.samples[uuid].agent is None,
        "samples without what nobody looks at",
    )


def test_an_agent_that_hangs_delays_nothing(
    rig: Rig, guest_factory: GuestFactory, closing: list[Watched]
) -> None:
    xml = guest_xml("mute", memory_mib=MEMORY_MIB, os=appliance().os_xml("mute"), devices=CHANNEL)
    uuid = guest_factory.start(xml, paused=False)
    seen = Watched(rig.uri, view=View(frozenset({uuid}), ASKED))
    closing.append(seen)
    seen.wait_guest(uuid, lambda g: g.details and g.details.agent_connected, "the agent's port")
    wait_until(lambda: seen.host.agents.busy, TIMEOUT, "the agent to be asked")
    asked = time.monotonic()

    def sampled_meanwhile(snapshot: HostSnapshot) -> bool:
        sample = snapshot.samples.get(uuid)
        return seen.host.agents.busy and sample is not None and sample.at > asked

    seen.next(sampled_meanwhile, "a sample while the agent is silent")
    wait_until(lambda: not seen.host.agents.busy, TIMEOUT, "the question to be given up")
    assert seen.guest(uuid).agent_os == ""
    asked_inside = seen.host.nested_inside(uuid)
    assert seen.host.domain_xml(uuid).result(TIMEOUT).problem is None
    assert not asked_inside.done(), "on a lane of its own"
    assert asked_inside.result(TIMEOUT).problem is not None
