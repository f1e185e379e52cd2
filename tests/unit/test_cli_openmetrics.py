"""What `tuivm stats --openmetrics` prints, as a real parser of the format reads it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from itertools import count
from typing import Any

import pytest
from prometheus_client import parser as older_parser
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import parser
from prometheus_client.samples import Sample

from tests.support.simhost import LEGACY, VIRTIO, Clock, SimHost, SimMaker
from tuivm.cli import Exit
from tuivm.headless import openmetrics
from tuivm.headless.openmetrics import FAMILIES, Scraped
from tuivm.headless.scrape import Scrape
from tuivm.model.devices import Device, DeviceClass, DeviceKind
from tuivm.model.guests import GuestState
from tuivm.model.hosts import HostSpec
from tuivm.model.ports import Groups, Sinks, View
from tuivm.model.samples import GuestSample
from tuivm.model.snapshot import HostSnapshot

ONE = HostSpec("local", "qemu:///system")
TWO = HostSpec("rack7", "qemu+ssh://rack7/system")
ALL = Groups.LIST | Groups.VCPU | Groups.COST
PASSED = Device(
    DeviceKind.HOSTDEV,
    DeviceClass.PHYSICAL,
    "nvme",
    "hostdev0",
    bus="pci",
    source="0000:41:00.0",
    note="VF, partitioned",
)
ODD = 'Büro "1"\\n\n\x1b[31m'


def fill(host: SimHost) -> None:
    host.add_guest("web-1", devices=(*VIRTIO, PASSED))
    host.add_guest(ODD, devices=LEGACY)
    host.add_guest("asleep", GuestState.OFF)


def snapshot(spec: HostSpec = ONE, prepare: Callable[[SimHost], object] = fill) -> HostSnapshot:
    seen: list[HostSnapshot] = []
    clock = Clock()
    host = SimHost(spec, Sinks(snapshot=seen.append), clock)
    prepare(host)
    host.start()
    host.watch(View(frozenset(host.guests), ALL))
    for _ in range(3):
        clock.now += 1.0
        host.tick()
    return seen[-1]


def families_of(text: str) -> list[Metric]:
    return list(parser.text_string_to_metric_families(text))  # type: ignore[no-untyped-call]


def samples(text: str) -> list[Sample]:
    return [one for family in families_of(text) for one in family.samples]


def find(text: str, name: str, **labels: str) -> list[float]:
    return [
        float(one.value)
        for one in samples(text)
        if one.name == name and labels.items() <= one.labels.items()
    ]


@pytest.fixture(scope="module")
def shot() -> HostSnapshot:
    return snapshot()


@pytest.fixture(scope="module")
def page(shot: HostSnapshot) -> str:
    return openmetrics.text([Scraped(ONE, shot, shot.samples)])


def sample_of(shot: HostSnapshot, name: str) -> tuple[str, GuestSample]:
    (uuid,) = [uuid for uuid, guest in shot.guests.items() if guest.name == name]
    return uuid, shot.samples[uuid]


def test_it_is_the_format_to_its_end(page: str) -> None:
    assert page.endswith("\n# EOF\n")
    assert page.count("# EOF") == 1
    families = families_of(page)
    assert {family.type for family in families} == {"counter", "gauge"}
    assert all(one.timestamp is None for family in families for one in family.samples)


def test_every_family_is_there_with_its_type_unit_and_help(page: str) -> None:
    found = {family.name: family for family in families_of(page)}
    assert set(found) == {family.family for family in FAMILIES}
    for family in FAMILIES:
        assert found[family.family].type == family.kind
        assert found[family.family].unit == family.unit
        assert found[family.family].documentation == family.text


def test_the_older_text_format_takes_it_too(page: str) -> None:
    """node_exporter's textfile collector refuses types that it does not know (info, stateset), and
    escapes that its HELP does not have."""
    types = {line.split()[-1] for line in page.splitlines() if line.startswith("# TYPE")}
    assert types == {"counter", "gauge"}
    helps = [line for line in page.splitlines() if line.startswith("# HELP")]
    assert not [line for line in helps if '"' in line or "\\" in line]
    families = older_parser.text_string_to_metric_families(page)
    older = [one for family in families for one in family.samples]
    assert [(one.name, one.labels, one.value) for one in older] == [
        (one.name, one.labels, one.value) for one in samples(page)
    ]


def test_counters_of_a_disk_are_those_of_the_sample(shot: HostSnapshot, page: str) -> None:
    uuid, sample = sample_of(shot, "web-1")
    (disk,) = sample.disks or ()
    expected = {
        "read_bytes_total": disk.rd_bytes,
        "write_bytes_total": disk.wr_bytes,
        "reads_total": disk.rd_reqs,
        "writes_total": disk.wr_reqs,
        "flushes_total": disk.fl_reqs,
        "read_seconds_total": (disk.rd_ns or 0) / 1e9,
        "write_seconds_total": (disk.wr_ns or 0) / 1e9,
        "flush_seconds_total": (disk.fl_ns or 0) / 1e9,
        "allocation_bytes": disk.allocation,
        "capacity_bytes": disk.capacity,
    }
    labels = {
        "host": "local",
        "guest": "web-1",
        "uuid": uuid,
        "device": "vda",
        "class": "paravirtual",
        "model": "virtio-blk",
    }
    for name, value in expected.items():
        assert value
        assert find(page, f"tuivm_disk_{name}", **labels) == [value]


def test_counters_of_a_nic_are_those_of_the_sample(shot: HostSnapshot, page: str) -> None:
    uuid, sample = sample_of(shot, ODD)
    (nic,) = sample.nics or ()
    labels = {"uuid": uuid, "device": "vnet1", "class": "emulated", "model": "e1000"}
    for name, value in {
        "rx_bytes": nic.rx_bytes,
        "tx_bytes": nic.tx_bytes,
        "rx_packets": nic.rx_pkts,
        "tx_packets": nic.tx_pkts,
        "rx_errors": nic.rx_errs,
        "tx_errors": nic.tx_errs,
        "rx_drops": nic.rx_drop,
        "tx_drops": nic.tx_drop,
    }.items():
        assert find(page, f"tuivm_nic_{name}_total", **labels) == [value]


def test_memory_and_vcpus(shot: HostSnapshot, page: str) -> None:
    uuid, sample = sample_of(shot, "web-1")
    assert sample.balloon is not None
    assert sample.cpu_ns is not None
    assert find(page, "tuivm_guest_cpu_seconds_total", uuid=uuid) == [sample.cpu_ns / 1e9]
    assert find(page, "tuivm_guest_memory_used_bytes", uuid=uuid, source="guest") == [512 << 20]
    assert find(page, "tuivm_guest_memory_balloon_bytes", uuid=uuid) == [1 << 30]
    swapped = (sample.balloon.swap_in or 0) * 1024
    assert find(page, "tuivm_guest_swap_in_bytes_total", uuid=uuid) == [swapped]
    for vcpu in sample.vcpus or ():
        one = {"uuid": uuid, "vcpu": str(vcpu.number)}
        assert find(page, "tuivm_vcpu_seconds_total", **one) == [(vcpu.time_ns or 0) / 1e9]
        assert find(page, "tuivm_vcpu_halted", **one) == [0]
        assert find(page, "tuivm_vcpu_all_exits_total", **one) == [vcpu.exits["exits"]]
        for kind in ("io", "mmio", "halt"):
            expected = [vcpu.exits[f"{kind}_exits"]]
            assert find(page, "tuivm_vcpu_exits_total", kind=kind, **one) == expected


def test_host_cost_by_thread_and_interrupts_of_what_was_passed_through(
    shot: HostSnapshot, page: str
) -> None:
    uuid, sample = sample_of(shot, "web-1")
    assert sample.cost is not None
    lasting = [one for one in sample.cost.threads or () if one.role.value != "worker"]
    assert len(lasting) < len(sample.cost.threads or ())
    for thread in lasting:
        labels = {"uuid": uuid, "role": thread.role.value, "tid": str(thread.tid)}
        expected = [thread.cpu_ns / 1e9]
        assert find(page, "tuivm_thread_cpu_seconds_total", **labels) == expected
    assert find(page, "tuivm_thread_cpu_seconds_total", role="worker") == []
    assert find(
        page, "tuivm_hostdev_interrupts_total", device="hostdev0", address=PASSED.source
    ) == [sample.cost.interrupts[PASSED.source]]


def test_what_libvirt_does_not_count_is_there_without_counters(page: str) -> None:
    labels = {"device": "hostdev0", "class": "physical", "counted": "false"}
    assert find(page, "tuivm_device_info", **labels) == [1]
    assert find(page, "tuivm_disk_reads_total", device="hostdev0") == []
    assert find(page, "tuivm_device_info", guest="web-1", device="vda", counted="true") == [1]
    balloons = [one for one in samples(page) if one.labels.get("device") == "balloon0"]
    assert balloons
    assert not [one for one in balloons if "counted" in one.labels]


def test_a_guest_that_is_off_has_its_state_and_no_counters(page: str) -> None:
    assert find(page, "tuivm_guest_state", guest="asleep", state="off") == [1]
    assert sum(find(page, "tuivm_guest_state", guest="asleep")) == 1
    assert find(page, "tuivm_guest_cpu_seconds_total", guest="asleep") == []


def test_what_is_not_reported_has_no_sample() -> None:
    shot = snapshot(prepare=lambda host: host.add_guest("bare"))
    bare = {uuid: GuestSample(at=1.0, cpu_ns=5) for uuid in shot.samples}
    names = {one.name for one in samples(openmetrics.text([Scraped(ONE, shot, bare)]))}
    assert "tuivm_guest_cpu_seconds_total" in names
    assert not [name for name in names if name.startswith(("tuivm_disk", "tuivm_nic"))]
    assert not [name for name in names if "memory" in name and name != "tuivm_host_memory_bytes"]


def test_names_survive_and_cannot_reach_the_terminal_raw(page: str) -> None:
    assert "\x1b" not in page
    assert find(page, "tuivm_guest_info", guest='Büro "1"\\n␊␛[31m') == [1]


class Ticking(SimMaker):
    """Hosts that sample a few times whenever they are told what to look at."""

    def __init__(self, prepare: Callable[[SimHost], Any]) -> None:
        self.clock = Clock()
        super().__init__(self.clock, prepare)

    def make(self, spec: HostSpec, sinks: Any) -> SimHost:
        host = super().make(spec, sinks)
        watch, start = host.watch, host.start

        def tick() -> None:
            for _ in range(4):
                self.clock.now += 1.0
                host.tick()

        def watch_and_tick(view: View) -> None:
            watch(view)
            tick()

        def start_and_tick() -> None:
            start()
            tick()

        host.watch = watch_and_tick  # type: ignore[method-assign]
        host.start = start_and_tick  # type: ignore[method-assign]
        return host


def scrape(
    prepare: Callable[[SimHost], Any],
    *specs: HostSpec,
    groups: Groups = ALL,
    timeout: float = 30.0,
) -> tuple[Exit, str, str, Ticking]:
    maker = Ticking(prepare)
    out, err = io.StringIO(), io.StringIO()
    done = Scrape(specs, maker, out, err, groups=groups, timeout=timeout).run()
    return done, out.getvalue(), err.getvalue(), maker


def guests_in(text: str, name: str) -> Iterable[str]:
    return {one.labels["guest"] for one in samples(text) if one.name == name}


def test_one_scrape_of_all_hosts() -> None:
    code, out, err, maker = scrape(fill, ONE, TWO)
    assert (code, err) == (Exit.FINE, "")
    assert find(out, "tuivm_host_up", host="local") == [1]
    assert find(out, "tuivm_host_up", host="rack7") == [1]
    # What the host's own /proc tells is told of the local host alone.
    assert find(out, "tuivm_thread_cpu_seconds_total", host="local")
    assert not find(out, "tuivm_thread_cpu_seconds_total", host="rack7")
    assert find(out, "tuivm_disk_reads_total", host="rack7", device="vda")
    assert all(host.closed for host in maker.hosts.values())


def test_in_brief_neither_vcpus_nor_host_cost_are_asked_for() -> None:
    code, out, _, maker = scrape(fill, ONE, groups=Groups.LIST)
    assert code is Exit.FINE
    assert maker.hosts["local"].view.groups == Groups.LIST
    assert find(out, "tuivm_disk_reads_total", device="vda")
    assert not [one for one in samples(out) if "_vcpu_" in one.name or "_thread_" in one.name]


def test_a_host_that_is_down_is_0_and_told() -> None:
    def prepare(host: SimHost) -> None:
        fill(host)
        if host.spec.name == "rack7":
            host.lose("no route to host")

    code, out, err, _ = scrape(prepare, ONE, TWO)
    assert code is Exit.UNREACHABLE
    assert find(out, "tuivm_host_up", host="rack7") == [0]
    assert {one.name for one in samples(out) if one.labels["host"] == "rack7"} == {"tuivm_host_up"}
    assert find(out, "tuivm_disk_reads_total", host="local", device="vda")
    assert err.count("no route to host") == 1


def test_a_host_that_never_answers_is_0_after_the_timeout() -> None:
    def prepare(host: SimHost) -> None:
        host.hung = True

    code, out, err, _ = scrape(prepare, ONE, timeout=0.05)
    assert code is Exit.UNREACHABLE
    assert find(out, "tuivm_host_up") == [0]
    assert "local did not answer" in err


def test_a_driver_that_reports_little_is_not_waited_for() -> None:
    def prepare(host: SimHost) -> None:
        host.add_guest("bare", devices=())
        for sim in host.guests.values():
            sim.sample = lambda at, **_: GuestSample(at=at, cpu_ns=7)  # type: ignore[method-assign]

    code, out, _, _ = scrape(prepare, TWO, timeout=600.0)
    assert code is Exit.FINE
    assert find(out, "tuivm_guest_cpu_seconds_total") == [7e-9]


def test_the_fullest_sample_of_a_busy_guest_is_taken() -> None:
    """Its monitor answers every other time: the answer with the disks' counters counts."""

    def prepare(host: SimHost) -> None:
        sim = host.guests[host.add_guest("busy").uuid]
        whole, times = sim.sample, count()

        def sample(at: float, **wishes: bool) -> GuestSample:
            full = whole(at, **wishes)
            return full if next(times) % 2 else full._replace(disks=None, balloon=None)

        sim.sample = sample  # type: ignore[method-assign]

    code, out, _, _ = scrape(prepare, TWO)
    assert code is Exit.FINE
    assert guests_in(out, "tuivm_disk_reads_total") == {"busy"}
