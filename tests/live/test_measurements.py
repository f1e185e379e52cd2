"""Figures agree with what a guest is known to do, and with what virsh says of it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import libvirt
import pytest
from lxml import etree

from tests.support.guests import GuestFactory
from tests.support.orders import DISKS, FRAME, NICS, REQUEST, Worker, worker
from tests.support.rig import Rig, wait_until
from tests.support.watching import Watched
from tuivm.domainxml.parse import parse_domain
from tuivm.model.guests import GuestKey
from tuivm.model.history import SeriesKey
from tuivm.model.hosts import HostSpec, HostState
from tuivm.model.ports import Groups, View
from tuivm.model.samples import GuestSample
from tuivm.model.snapshot import HostSnapshot
from tuivm.model.store import Store

EXACT = 0.02
"""The part by which a figure may differ from what is known."""
REQUESTS, FRAMES = 1500, 300
PACE = 200
"""Requests a second that a limited disk does."""
PACED_SECONDS = 12
SETTLING = 3
TIMEOUT = 60
UNPLUGGED = "usb"


class Measured:
    """A host, and the store that all its snapshots go into."""

    def __init__(self, rig: Rig, uuids: frozenset[str], interval: float = 0.2) -> None:
        view = View(guests=uuids, groups=Groups.LIST | Groups.VCPU, interval=interval)
        self.watched = Watched(rig.uri, view=view, interval=interval)
        self.store = Store()
        self.store.add_host(HostSpec("here", rig.uri, interval=interval))
        self._applied = 0

    def drain(self) -> None:
        snapshots = self.watched.snapshots
        while self._applied < len(snapshots):
            self.store.apply(snapshots[self._applied])
            self._applied += 1

    def until(self, condition: Callable[[], object], what: str) -> None:
        def drained() -> object:
            self.drain()
            return condition()

        wait_until(drained, TIMEOUT, what)

    def sample(self, uuid: str) -> GuestSample:
        """A sample that was begun after this call."""

        def complete(snapshot: HostSnapshot) -> bool:
            sample = snapshot.samples.get(uuid)
            return sample is not None and None not in (sample.disks, sample.nics)

        self.watched.next(lambda s: uuid in s.samples, "the tick under way to end")
        return self.watched.next(complete, "a sample").samples[uuid]

    def values(self, uuid: str, metric: str, device: str, seconds: int) -> list[float]:
        """One value a second up to the newest; NaN for a gap."""
        key = SeriesKey(GuestKey("here", uuid), metric, device)
        end = self.watched.last.at
        return [one.mean for one in self.store.history.buckets(key, end, 1.0, seconds)]

    def known(self, uuid: str, metric: str, device: str, seconds: int = 600) -> list[float]:
        return [v for v in self.values(uuid, metric, device, seconds) if not math.isnan(v)]


@pytest.fixture
def measure(rig: Rig) -> Iterator[Callable[..., Measured]]:
    begun: list[Measured] = []

    def begin(*workers: Worker) -> Measured:
        begun.append(Measured(rig, frozenset(one.uuid for one in workers)))
        return begun[-1]

    yield begin
    for one in begun:
        one.watched.close()


@pytest.fixture
def hire(guest_factory: GuestFactory) -> Iterator[Callable[..., Worker]]:
    hired: list[Worker] = []

    def begin(name: str = "worker", **wishes: object) -> Worker:
        hired.append(worker(guest_factory, name, **wishes))  # type: ignore[arg-type]
        return hired[-1]

    yield begin
    for one in hired:
        one.close()


def domstats(rig: Rig, uuid: str) -> dict[str, int]:
    lines = rig.virsh("domstats", uuid, "--block", "--interface").splitlines()
    pairs = (line.strip().split("=", 1) for line in lines if "=" in line)
    return {key: int(value) for key, value in pairs if value.isdigit()}


def virsh_of(stats: dict[str, int], names: dict[str, int], device: str, figure: str) -> int:
    group = "block" if device in DISKS.values() else "net"
    return stats[f"{group}.{names[device]}.{figure}"]


def positions(rig: Rig, uuid: str) -> dict[str, int]:
    """libvirt's number of each disk and NIC, by name."""
    lines = rig.virsh("domstats", uuid, "--block", "--interface").splitlines()
    found = {}
    for line in lines:
        key, _, value = line.strip().partition("=")
        if key.endswith(".name"):
            found[value] = int(key.split(".")[1])
    return found


def near(found: float, known: float) -> bool:
    return math.isclose(found, known, rel_tol=EXACT)


def test_one_guest_with_every_model_does_what_is_counted(
    rig: Rig, hire: Callable[..., Worker], measure: Callable[..., Measured]
) -> None:
    """Bytes and requests of known reads, writes and frames, on each device, by us and by virsh."""
    guest = hire()
    seen = measure(guest)
    names = positions(rig, guest.uuid)
    for target in guest.disks:
        guest.read(target, 1)
    before, virsh_before = seen.sample(guest.uuid), domstats(rig, guest.uuid)
    for target in guest.disks:
        guest.read(target, REQUESTS)
        guest.write(target, REQUESTS)
    for tap in guest.nics:
        guest.send(tap, FRAMES)
    after, virsh_after = seen.sample(guest.uuid), domstats(rig, guest.uuid)
    assert {*DISKS.values()} == set(guest.disks)
    assert len(guest.nics) == len(NICS)

    old_disks = {disk.name: disk for disk in before.disks or ()}
    for disk in after.disks or ():
        old = old_disks[disk.name]
        ours = {
            "rd.reqs": (disk.rd_reqs, old.rd_reqs, REQUESTS),
            "wr.reqs": (disk.wr_reqs, old.wr_reqs, REQUESTS),
            "rd.bytes": (disk.rd_bytes, old.rd_bytes, REQUESTS * REQUEST),
            "wr.bytes": (disk.wr_bytes, old.wr_bytes, REQUESTS * REQUEST),
        }
        for figure, (new, was, known) in ours.items():
            assert new is not None
            assert was is not None
            assert near(new - was, known), (disk.name, figure, new - was, known)
            virsh = virsh_of(virsh_after, names, disk.name, figure)
            virsh -= virsh_of(virsh_before, names, disk.name, figure)
            assert near(new - was, virsh), (disk.name, figure, new - was, virsh)

    old_nics = {nic.name: nic for nic in before.nics or ()}
    for nic in after.nics or ():
        was_nic = old_nics[nic.name]
        assert nic.tx_pkts is not None
        assert nic.tx_bytes is not None
        assert was_nic.tx_pkts is not None
        assert was_nic.tx_bytes is not None
        assert near(nic.tx_pkts - was_nic.tx_pkts, FRAMES), nic
        assert near(nic.tx_bytes - was_nic.tx_bytes, FRAMES * FRAME), nic
        virsh = virsh_of(virsh_after, names, nic.name, "tx.bytes")
        assert near(nic.tx_bytes, virsh), (nic, virsh)


def test_rates_of_a_known_pace(
    hire: Callable[..., Worker], measure: Callable[..., Measured]
) -> None:
    """Each disk of two guests does PACE requests a second, because QEMU lets it do no more."""
    limit = f"<total_iops_sec>{PACE}</total_iops_sec>"
    modern = hire("modern", disks=("virtio", "scsi"), nics=("virtio",), iotune=limit)
    legacy = hire("legacy", disks=("ide", "sata", "usb"), nics=("e1000e",), iotune=limit)
    seen = measure(modern, legacy)
    for guest in (modern, legacy):
        for target in guest.disks:
            guest.begin("read", target, PACE * PACED_SECONDS * 10)

    def mean(guest: Worker, metric: str, target: str) -> float:
        """Of the last seconds; the newest one is still being filled. Infinite at first: QEMU lets
        a burst through then."""
        values = [v for v in seen.values(guest.uuid, metric, target, 60)[:-1] if v > 0]
        if len(values) < SETTLING + PACED_SECONDS:
            return math.inf
        return sum(values[-PACED_SECONDS:]) / PACED_SECONDS

    for guest in (modern, legacy):
        for target in guest.disks:

            def paced(guest: Worker = guest, target: str = target) -> bool:
                # A busy machine may keep a guest from its pace for a while.
                reads = mean(guest, "disk.reads", target)
                read_bytes = mean(guest, "disk.read", target)
                return near(reads, PACE) and near(read_bytes, PACE * REQUEST)

            seen.until(paced, f"{target} to be seen reading at its pace for {PACED_SECONDS} s")
            assert all(ns > 0 for ns in seen.known(guest.uuid, "disk.read_ns", target))
        guest.stop()


def test_a_disk_and_a_nic_unplugged_while_they_work(
    rig: Rig,
    guest_factory: GuestFactory,
    hire: Callable[..., Worker],
    measure: Callable[..., Measured],
) -> None:
    guest = hire(disks=("virtio", UNPLUGGED), nics=("virtio", "rtl8139"))
    target, tap = DISKS[UNPLUGGED], next(tap for tap in guest.nics if "rtl" in tap)
    seen = measure(guest)
    for disk in guest.disks:
        guest.begin("read", disk, 8000)
    guest.begin("send", tap, 3000)
    seen.until(
        lambda: (
            any(seen.known(guest.uuid, "disk.reads", target))
            and any(seen.known(guest.uuid, "net.tx_pkts", tap))
        ),
        "the devices to work",
    )
    domain = guest_factory.domain(guest.uuid)
    for name in (target, tap):
        domain.detachDeviceFlags(_xml(rig, guest.uuid, name), libvirt.VIR_DOMAIN_AFFECT_LIVE)

    def gone() -> bool:
        view = seen.store.guest(GuestKey("here", guest.uuid))
        if view is None or view.rates is None or view.guest.details is None:
            return False
        names = {device.target for device in view.guest.details.devices}
        rated = {disk.name for disk in view.rates.disks or ()}
        rated |= {nic.name for nic in view.rates.nics or ()}
        return not names & {target, tap} and not rated & {target, tap}

    seen.until(gone, "the devices to be gone")
    left = len(seen.known(guest.uuid, "disk.reads", target))
    assert left, "what it did stays in the history"
    kept = len(seen.known(guest.uuid, "disk.reads", "vda"))
    seen.until(
        lambda: len(seen.known(guest.uuid, "disk.reads", "vda")) > kept + 3, "the other disk"
    )
    assert len(seen.known(guest.uuid, "disk.reads", target)) == left, "a gap, and no zeros"
    _no_spike(seen, guest.uuid, target)
    _no_spike(seen, guest.uuid, "vda")


def _xml(rig: Rig, uuid: str, target: str) -> str:
    """The element of the device that has this `<target dev>`."""
    for element in parse_domain(rig.virsh("dumpxml", uuid)).iterfind("devices/*"):
        if (found := element.find("target")) is not None and found.get("dev") == target:
            return etree.tostring(element, encoding="unicode")
    raise LookupError(target)


def _no_spike(seen: Measured, uuid: str, target: str) -> None:
    """Counters only ever grew by what was done: nothing stands out, nothing is negative."""
    values = seen.known(uuid, "disk.reads", target)
    assert min(values) >= 0
    assert max(values) < 1e6


def test_a_restart_is_a_gap(
    guest_factory: GuestFactory, hire: Callable[..., Worker], measure: Callable[..., Measured]
) -> None:
    guest = hire(disks=("virtio",), nics=())
    seen = measure(guest)
    guest.begin("read", "vda", 8000)
    seen.until(lambda: any(seen.known(guest.uuid, "disk.reads", "vda")), "it to read")
    domain = guest_factory.domain(guest.uuid)
    domain.destroy()
    seen.until(
        lambda: not seen.store.guests[GuestKey("here", guest.uuid)].guest.state.active, "it to end"
    )
    domain.create()
    since = len(seen.watched.snapshots)
    seen.watched.wait(lambda s: guest.uuid in s.samples, "samples of the new run", since=since)
    before = len(seen.known(guest.uuid, "cpu", ""))
    seen.until(lambda: len(seen.known(guest.uuid, "cpu", "")) > before + 2, "history to go on")
    _no_spike(seen, guest.uuid, "vda")
    assert max(seen.known(guest.uuid, "cpu", "")) < 400


def test_a_lost_host_is_a_gap_and_the_history_goes_on(fresh_rig: Rig) -> None:
    factory = GuestFactory(fresh_rig)
    guest = worker(factory, disks=("virtio",), nics=())
    seen = Measured(fresh_rig, frozenset({guest.uuid}))
    try:
        guest.begin("read", "vda", 8000)
        seen.until(lambda: len(seen.known(guest.uuid, "cpu", "")) > 3, "figures")
        fresh_rig.kill()
        seen.until(
            lambda: seen.watched.last.state in (HostState.LOST, HostState.FAILED), "it to be lost"
        )
        # Long enough that whole seconds of the chart have no value.
        lost_at = seen.watched.last.at
        wait_until(lambda: time.monotonic() > lost_at + 4, TIMEOUT, "a gap to be seen")
        fresh_rig.start()
        seen.until(lambda: seen.watched.last.state is HostState.UP, "it to be back")
        back_at = seen.watched.last.at
        seen.until(lambda: seen.watched.last.at > back_at + 4, "history to go on")
        values = seen.values(guest.uuid, "cpu", "", 600)
        shape = "".join("." if math.isnan(value) else "x" for value in values).strip(".")
        runs = [a for a, b in pairwise(shape + "?") if a != b]
        assert runs == ["x", ".", "x"], shape
        _no_spike(seen, guest.uuid, "vda")
    finally:
        seen.watched.close()
        guest.close()
        factory.clean()
