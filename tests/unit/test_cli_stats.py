from __future__ import annotations

import io
import json
import math
from collections.abc import Callable
from typing import Any

import pytest

from tests.support import jsonschema_doc
from tests.support.simhost import LEGACY, VIRTIO, Clock, SimHost, SimMaker
from tuivm.cli import Exit
from tuivm.headless.stats import JsonLines, Lines, StatsRun, TableLines
from tuivm.model.devices import Device, DeviceClass, DeviceKind
from tuivm.model.guests import GuestState
from tuivm.model.history import SeriesKey
from tuivm.model.hosts import HostSpec
from tuivm.model.ports import Groups, Sinks, View
from tuivm.model.samples import AgentFigures, GuestSample, NicCounters
from tuivm.model.snapshot import HostSnapshot
from tuivm.model.store import Store

ONE = HostSpec("local", "qemu:///system")
EVERYTHING = Groups.LIST | Groups.VCPU | Groups.COST
PASSED = Device(
    *(DeviceKind.HOSTDEV, DeviceClass.PHYSICAL, "nvme", "hostdev0"),
    *("pci", "0000:41:00.0", "", "VF, partitioned"),
)
TWO = HostSpec("rack7", "qemu+ssh://rack7/system")


class Script(SimMaker):
    """Hosts that play a script of ticks as soon as they are started."""

    def __init__(
        self,
        play: Callable[[SimHost, Clock], None],
        prepare: Callable[[SimHost], None] = lambda host: None,
    ) -> None:
        self.clock = Clock()
        super().__init__(self.clock, prepare)
        self._play = play

    def make(self, spec: HostSpec, sinks: Any) -> SimHost:
        host = super().make(spec, sinks)
        start = host.start

        def start_and_play() -> None:
            start()
            self._play(host, self.clock)

        host.start = start_and_play  # type: ignore[method-assign]
        return host


def ticks(number: int) -> Callable[[SimHost, Clock], None]:
    def play(host: SimHost, clock: Clock) -> None:
        for _ in range(number):
            clock.now += 1.0
            host.tick()

    return play


def two_guests(host: SimHost) -> None:
    host.add_guest("web-1")
    host.add_guest("old", devices=LEGACY)
    host.add_guest("asleep", GuestState.OFF)


def run(
    maker: Script,
    *specs: HostSpec,
    count: int | None = 2,
    timeout: float = 30.0,
    table: bool = False,
    brief: bool = False,
    groups: Groups = Groups.LIST,
) -> tuple[Exit, str, str]:
    out, err = io.StringIO(), io.StringIO()
    lines: Lines = JsonLines(out)
    if table:
        lines = TableLines(out, by_host=len(specs) > 1, brief=brief, ascii_only=True)
    done = StatsRun(
        specs, maker, lines, err, groups=groups, interval=0.1, count=count, timeout=timeout
    ).run()
    return done, out.getvalue(), err.getvalue()


def detailed(
    prepare: Callable[[SimHost], object], spec: HostSpec = ONE, number: int = 3
) -> list[dict[str, Any]]:
    """The newest JSON line of each guest, with everything asked for."""

    def play(host: SimHost, clock: Clock) -> None:
        host.watch(View(frozenset(host.guests), EVERYTHING))
        ticks(number)(host, clock)

    def fill(host: SimHost) -> None:
        prepare(host)

    maker = Script(play, fill)
    _, out, _ = run(maker, spec, count=number - 1, groups=EVERYTHING)
    lines = [json.loads(line) for line in out.splitlines()]
    return list({line["uuid"]: line for line in lines}.values())


def test_a_line_for_each_running_guest_and_tick() -> None:
    maker = Script(ticks(5), two_guests)
    code, out, err = run(maker, ONE, count=3)
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["name"] for line in lines] == ["old", "web-1"] * 3
    assert (code, err) == (Exit.FINE, "")
    for line in lines:
        assert line["seconds"] == 1.0
        assert 0.1 <= line["cpus_busy"] <= 0.9
        assert line["cpu_percent"] == pytest.approx(line["cpus_busy"] * 100 / 2, abs=0.01)
        assert line["host_cpu_percent"] == pytest.approx(line["cpus_busy"] * 100 / 8, abs=0.01)
        assert line["memory_used"] == 512 << 20
        assert line["memory_source"] == "guest"
        assert line["disk_read"] == sum(disk["read"] for disk in line["disks"])
        assert line["net_tx"] == sum(nic["tx"] for nic in line["nics"])
    assert [disk["target"] for disk in lines[0]["disks"]] == ["hda"]
    assert maker.hosts["local"].closed


def test_all_running_guests_are_in_view_at_the_interval_asked_for() -> None:
    maker = Script(ticks(4), two_guests)
    run(maker, ONE)
    host = maker.hosts["local"]
    running = {u for u, sim in host.guests.items() if sim.guest.state is GuestState.RUNNING}
    assert host.view.guests == running
    assert host.view.interval == host.spec.interval == 0.1


def test_a_dead_host_is_told_once_and_the_other_is_printed() -> None:
    def play(host: SimHost, clock: Clock) -> None:
        if host.spec.name == "rack7":
            host.lose("no route to host")
        ticks(4)(host, clock)

    code, out, err = run(Script(play, two_guests), ONE, TWO)
    assert code is Exit.UNREACHABLE
    assert {json.loads(line)["host"] for line in out.splitlines()} == {"local"}
    assert err.count("no route to host") == 1


def test_for_ever_ends_when_no_host_can_be_reached() -> None:
    def play(host: SimHost, clock: Clock) -> None:
        host.lose()
        host.tick()

    code, out, _ = run(Script(play), ONE, TWO, count=None)
    assert (code, out) == (Exit.UNREACHABLE, "")


def test_a_host_that_never_answers_is_given_up_after_the_timeout() -> None:
    code, out, err = run(Script(lambda host, clock: None), ONE, timeout=0.01)
    assert (code, out) == (Exit.UNREACHABLE, "")
    assert "local did not answer" in err


def test_a_host_without_running_guests_ends_too() -> None:
    code, out, err = run(Script(ticks(1), lambda host: None), ONE, count=1)
    assert (code, out, err) == (Exit.FINE, "", "")


def test_rates_are_not_joined_over_a_lost_connection() -> None:
    def play(host: SimHost, clock: Clock) -> None:
        ticks(2)(host, clock)
        host.find()
        ticks(2)(host, clock)

    _, out, _ = run(Script(play, lambda host: host.add_guest("web-1") and None), ONE)
    assert [json.loads(line)["seconds"] for line in out.splitlines()] == [1.0, 1.0]


def test_plain_rows_stay_aligned_and_the_heading_comes_back() -> None:
    _, out, _ = run(Script(ticks(40), two_guests), ONE, count=30, table=True)
    lines = out.splitlines()
    headings = [line for line in lines if line.startswith("TIME")]
    assert len(headings) > 1
    assert len(set(headings)) == 1
    assert {len(line) for line in lines} == {len(headings[0])}
    assert lines[1].split()[1] == "old"
    assert [line.split()[1:3] for line in lines[2:4]] == [["E", "hda"], ["E", "vnet1"]]
    assert lines[4].split()[1] == "web-1"
    assert lines[5].split()[1:3] == ["V", "vda"]


def test_rows_name_their_host_where_there_are_several() -> None:
    _, out, _ = run(Script(ticks(4), two_guests), ONE, TWO, table=True)
    heading, *rows = [line.split() for line in out.splitlines()]
    assert heading[:2] == ["TIME", "HOST"]
    assert {row[1] for row in rows if row != heading} == {"local", "rack7"}


def test_one_host_fits_into_80_columns() -> None:
    _, out, _ = run(
        Script(ticks(9), lambda host: host.add_guest("a-long-name-12") and None),
        ONE,
        count=8,
        table=True,
    )
    assert max(map(len, out.splitlines())) <= 80


def test_requests_and_latency_stand_with_each_device() -> None:
    _, out, _ = run(
        Script(ticks(4), lambda host: host.add_guest("web-1") and None), ONE, count=1, table=True
    )
    _, guest, disk, nic = [line.split() for line in out.splitlines()]
    assert guest[-2:] == ["-", "-"]
    assert disk[-2].endswith("k")
    assert disk[-1].endswith("µs")
    assert nic[-2].endswith("k")
    assert nic[-1] == "-"


def test_in_brief_one_row_a_guest() -> None:
    _, out, _ = run(Script(ticks(4), two_guests), ONE, count=1, table=True, brief=True)
    assert [line.split()[1] for line in out.splitlines()] == ["NAME", "old", "web-1"]


def test_a_driver_without_statistics_is_told_and_is_no_failure() -> None:
    def play(host: SimHost, clock: Clock) -> None:
        # Paused in the simulation means: listed as active, and never sampled.
        host.add_guest("web-1", GuestState.PAUSED)
        ticks(1)(host, clock)

    code, out, err = run(Script(play), ONE, count=1, timeout=0.3)
    assert (code, out) == (Exit.FINE, "")
    assert "no statistics" in err


def passing(host: SimHost) -> None:
    host.add_guest("mixed", devices=(*VIRTIO[:1], *LEGACY[:1], PASSED))


def test_each_device_has_its_class_and_all_its_figures() -> None:
    (line,) = detailed(passing)
    vda, hda = line["disks"]
    assert (vda["class"], vda["model"]) == ("paravirtual", "virtio-blk")
    assert (hda["class"], hda["model"]) == ("emulated", "ide-hd")
    for disk in (vda, hda):
        assert disk["read_size"] == pytest.approx(disk["read"] / disk["reads"], rel=0.01)
        assert disk["write_size"] == pytest.approx(disk["write"] / disk["writes"], rel=0.01)
        assert disk["capacity"] == 20 << 30
        assert disk["errors"] == 0


def test_what_libvirt_does_not_count_is_listed_with_the_reason() -> None:
    (line,) = detailed(passing)
    (one,) = line["uncounted"]
    assert (one["target"], one["class"], one["counted"]) == ("hostdev0", "physical", False)
    assert one["why"] == "bypasses the VMM"
    assert one["interrupts"] == 2000
    assert line["io"]["ios"]["physical"] is None, "not reported is not 0"


def with_agent(host: SimHost) -> None:
    """A VF, and an agent that counts 10 packets of 1000 bytes a second each way."""
    vf = Device(DeviceKind.NIC, DeviceClass.PHYSICAL, "igbvf", "hostdev1", mac="52:54:00:00:00:01")
    sim = host.guests[host.add_guest("vf", devices=(vf,)).uuid]
    whole = sim.sample

    def sample(at: float, **wishes: bool) -> GuestSample:
        sent = int(at) * 10
        nic = NicCounters("hostdev1", sent * 1000, sent, 0, 0, sent * 1000, sent, 0, 0)
        return whole(at, **wishes)._replace(agent=AgentFigures(at, (nic,)))

    sim.sample = sample  # type: ignore[method-assign]


def test_what_the_agent_tells_of_a_passed_through_nic() -> None:
    (line,) = detailed(with_agent)
    assert jsonschema_doc.faults(line, "stats line", jsonschema_doc.read()) == []
    (one,) = line["uncounted"]
    assert (one["agent"]["tx"], one["agent"]["rx_packets"]) == (10_000, 10)
    assert one["agent"]["class"] == "physical"
    assert (line["nics"], line["net_tx"]) == ([], None), "it is not in sums of what libvirt counts"
    _, out, _ = run(Script(ticks(3), with_agent), ONE, count=1, table=True)
    row = " ".join(out.splitlines()[-1].split()[1:])
    assert row == "P hostdev1 - - - - 9.8K 9.8K 20 -"


def test_a_remote_host_has_no_host_cost() -> None:
    (line,) = detailed(passing, TWO)
    assert line["host_cost"] is None
    assert line["uncounted"][0]["interrupts"] is None
    assert line["exits"], "exits are libvirt's"


def test_per_io_only_while_one_class_does_it_alone() -> None:
    (line,) = detailed(passing)
    assert line["io"]["mixed"] is True
    assert (line["io"]["class"], line["io"]["exits_per_io"]) == (None, None)
    (line,) = detailed(lambda host: host.add_guest("old", devices=LEGACY))
    assert line["io"]["class"] == "emulated"
    assert line["io"]["devices"] == ["hda", "vnet1"]
    exits = line["exits"]["io_exits"] + line["exits"]["mmio_exits"]
    done = line["io"]["ios"]["emulated"]
    assert line["io"]["exits_per_io"] == pytest.approx(exits / done, rel=0.01)
    assert line["io"]["cpu_ns_per_io"] > 0


def test_vcpus_threads_and_memory() -> None:
    (line,) = detailed(lambda host: host.add_guest("web-1"))
    assert [vcpu["number"] for vcpu in line["vcpus"]] == [0, 1]
    for name, total in line["exits"].items():
        assert total == pytest.approx(sum(one["exits"][name] for one in line["vcpus"]), abs=0.05)
    cost = line["host_cost"]
    for role in cost["roles"]:
        cpus = sum(one["cpus"] for one in cost["threads"] if one["role"] == role["role"])
        assert role["cpus"] == pytest.approx(cpus, abs=0.001)
    assert {one["role"] for one in cost["roles"]} == {"vCPU", "main loop", "worker"}
    assert line["memory"]["rss"] == 256 << 20
    assert line["memory"]["major_faults"] > 0
    assert line["spans"] == {**dict.fromkeys(line["spans"], 1.0), "agent": 0.0}


def test_the_figures_are_those_of_the_charts() -> None:
    """The history that the screens draw from, filled with the same snapshots."""
    seen: list[HostSnapshot] = []

    def prepare(host: SimHost) -> None:
        host.add_guest("old", devices=LEGACY)
        deliver = host._sinks.snapshot

        def see(snapshot: HostSnapshot) -> None:
            seen.append(snapshot._replace(interval=1.0))
            deliver(snapshot)

        host._sinks = Sinks(snapshot=see)

    (line,) = detailed(prepare, number=3)
    store = Store()
    store.add_host(ONE)
    for snapshot in seen:
        store.apply(snapshot)
    (key,) = store.guests

    def charted(metric: str, device: str = "") -> float:
        series = SeriesKey(key, metric, device)
        means = [one.mean for one in store.history.buckets(series, seen[-1].at, 1.0, 3)]
        return [mean for mean in means if not math.isnan(mean)][-1]

    disk, nic = line["disks"][0], line["nics"][0]
    for value, metric, device in (
        (disk["read"], "disk.read", "hda"),
        (disk["writes"], "disk.writes", "hda"),
        (disk["read_ns"], "disk.read_ns", "hda"),
        (nic["tx_packets"], "net.tx_pkts", "vnet1"),
        (line["exits"]["io_exits"], "exits.io", ""),
        (line["io"]["exits_per_io"], "io.exits", "emulated"),
        (line["io"]["cpu_ns_per_io"], "io.cpu", "emulated"),
        (line["vcpus"][1]["delay_percent"], "vcpu.delay", "1"),
        (line["memory"]["rss"], "memory.rss", ""),
    ):
        assert value == pytest.approx(charted(metric, device), rel=0.001), metric
