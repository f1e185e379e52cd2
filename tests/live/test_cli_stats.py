"""`tuivm stats` against what virsh says of a guest that does known I/O."""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics import parser

from tests.live.test_cli import DEAD, TABLES, Cli, environ
from tests.support import jsonschema_doc
from tests.support.guests import GuestFactory
from tests.support.orders import DISKS, REQUEST, Worker, worker
from tests.support.rig import Rig

EXACT = 0.02
"""The part by which a figure may differ from what is known."""
READS, WRITES, FRAMES = 300, 200, 50
CLASSES = {DISKS["virtio"]: "paravirtual", DISKS["ide"]: "emulated"}
OF_DISKS = {
    "rd.reqs": "reads_total",
    "rd.bytes": "read_bytes_total",
    "rd.times": "read_seconds_total",
    "wr.reqs": "writes_total",
    "wr.bytes": "write_bytes_total",
    "wr.times": "write_seconds_total",
    "fl.reqs": "flushes_total",
    "fl.times": "flush_seconds_total",
    "allocation": "allocation_bytes",
    "capacity": "capacity_bytes",
}
OF_NICS = {
    f"{way}.{ours}": f"{way}_{theirs}_total"
    for way in ("rx", "tx")
    for ours, theirs in (
        ("bytes", "bytes"),
        ("pkts", "packets"),
        ("errs", "errors"),
        ("drop", "drops"),
    )
}


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path)


@pytest.fixture(scope="module")
def guest(rig: Rig) -> Iterator[Worker]:
    """One for all tests here: it takes its time to boot."""
    factory = GuestFactory(rig)
    hired = worker(factory, "scraped", disks=("virtio", "ide"), nics=("virtio", "rtl8139"))
    # The first opening reads more than it is told to.
    for target in hired.disks:
        hired.read(target, 1)
    yield hired
    hired.close()
    factory.clean()


def domstats(rig: Rig, uuid: str) -> dict[str, str]:
    lines = rig.virsh("domstats", uuid).splitlines()
    return dict(line.strip().split("=", 1) for line in lines if "=" in line)


def by_name(stats: dict[str, str], group: str) -> dict[str, dict[str, int]]:
    """Figures of each disk ("block") or NIC ("net"), by its name."""
    found = {}
    for number in range(int(stats[f"{group}.count"])):
        prefix = f"{group}.{number}."
        mine = {key.removeprefix(prefix): value for key, value in stats.items() if prefix in key}
        found[mine["name"]] = {key: int(value) for key, value in mine.items() if value.isdigit()}
    return found


class Scraped:
    """One scrape, of one guest."""

    def __init__(self, text: str, uuid: str) -> None:
        families = parser.text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
        every = [one for family in families for one in family.samples]
        self.samples = [one for one in every if one.labels.get("uuid") == uuid]

    def value(self, name: str, **labels: str) -> float:
        (found,) = [
            one
            for one in self.samples
            if one.name == f"tuivm_{name}" and labels.items() <= one.labels.items()
        ]
        return float(found.value)


def scrape(cli: Cli, rig: Rig, uuid: str) -> Scraped:
    done = cli("-c", rig.uri, "stats", "--openmetrics", "--timeout", "60")
    assert (done.returncode, done.stderr) == (0, "")
    return Scraped(done.stdout, uuid)


def test_a_scrape_has_the_counters_that_virsh_has(cli: Cli, rig: Rig, guest: Worker) -> None:
    def work() -> None:
        for target in guest.disks:
            guest.read(target, READS)
            guest.write(target, WRITES)
        for tap in guest.nics:
            guest.send(tap, FRAMES)

    work()
    first = scrape(cli, rig, guest.uuid)
    work()
    before = domstats(rig, guest.uuid)
    second = scrape(cli, rig, guest.uuid)
    after = domstats(rig, guest.uuid)

    for target, figures in by_name(before, "block").items():
        later = by_name(after, "block")[target]
        for theirs, ours in OF_DISKS.items():
            unit = 1e9 if theirs.endswith("times") else 1
            found = second.value(f"disk_{ours}", device=target)
            assert figures[theirs] / unit <= found <= later[theirs] / unit, (target, theirs)
        name = {"device": target, "class": CLASSES[target]}
        done = [
            second.value(f"disk_{what}_total", **name) - first.value(f"disk_{what}_total", **name)
            for what in ("reads", "writes", "read_bytes", "write_bytes")
        ]
        assert done == [READS, WRITES, READS * REQUEST, WRITES * REQUEST]
    nics = by_name(before, "net")
    assert set(nics) == set(guest.nics)
    for tap, figures in nics.items():
        later = by_name(after, "net")[tap]
        for theirs, ours in OF_NICS.items():
            found = second.value(f"nic_{ours}", device=tap)
            assert figures[theirs] <= found <= later[theirs], (tap, theirs)

    ran = second.value("guest_cpu_seconds_total")
    assert int(before["cpu.time"]) / 1e9 <= ran <= int(after["cpu.time"]) / 1e9
    assert second.value("guest_memory_balloon_bytes") == int(before["balloon.current"]) * 1024
    vcpu = second.value("vcpu_seconds_total", vcpu="0")
    assert int(before["vcpu.0.time"]) / 1e9 <= vcpu <= int(after["vcpu.0.time"]) / 1e9
    assert second.value("guest_state", state="running") == 1
    main = second.value("thread_cpu_seconds_total", role="main loop")
    assert first.value("thread_cpu_seconds_total", role="main loop") < main < ran


def test_rates_in_json_add_up_to_what_was_done(cli: Cli, rig: Rig, guest: Worker) -> None:
    """Rate times seconds, over all lines, is what the guest did, and what virsh counts of it."""
    before = domstats(rig, guest.uuid)
    command = cli.command("-c", rig.uri, "stats", "--json", "--interval", "0.5")
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, env=environ(cli.home), text=True
    ) as process:
        assert process.stdout is not None
        every = map(json.loads, process.stdout)
        lines = (line for line in every if line["uuid"] == guest.uuid)
        next(lines)
        for target in guest.disks:
            guest.read(target, READS)
            guest.write(target, WRITES)
        for tap in guest.nics:
            guest.send(tap, FRAMES)
        wanted = (*((target, "writes", WRITES) for target in guest.disks),)
        wanted += (*((tap, "tx_packets", FRAMES) for tap in guest.nics),)
        seen: list[dict[str, Any]] = []
        while not seen or any(total(seen, *one[:2]) < one[2] - 0.5 for one in wanted):
            seen.append(next(lines))
        seen.append(next(lines))
        process.terminate()
    after = domstats(rig, guest.uuid)

    assert [
        fault for line in seen for fault in jsonschema_doc.faults(line, "stats line", TABLES)
    ] == []
    for target, cls in CLASSES.items():
        grown = {
            key: by_name(after, "block")[target][key] - by_name(before, "block")[target][key]
            for key in ("rd.reqs", "rd.bytes", "wr.reqs", "wr.bytes")
        }
        for key, done, name in (
            ("rd.reqs", READS, "reads"),
            ("rd.bytes", READS * REQUEST, "read"),
            ("wr.reqs", WRITES, "writes"),
            ("wr.bytes", WRITES * REQUEST, "write"),
        ):
            assert grown[key] == done
            assert math.isclose(total(seen, target, name), done, rel_tol=EXACT), (target, name)
        rates = [of(line, target) for line in seen]
        assert {rate["class"] for rate in rates} == {cls}
        assert {rate["read_size"] for rate in rates if rate["read_size"]} == {REQUEST}
        assert any(rate["read_ns"] for rate in rates)
        assert {rate["capacity"] for rate in rates} == {by_name(after, "block")[target]["capacity"]}
    for tap in guest.nics:
        assert math.isclose(total(seen, tap, "tx_packets"), FRAMES, rel_tol=EXACT)
    last = seen[-1]
    assert last["exits"] is None, "there is no hypervisor to count them"
    assert {one["role"] for one in last["host_cost"]["roles"]} >= {"vCPU", "main loop"}


def of(line: dict[str, Any], device: str) -> dict[str, Any]:
    (found,) = [one for one in line["disks"] + line["nics"] if one["target"] == device]
    return dict(found)


def total(lines: list[dict[str, Any]], device: str, name: str) -> float:
    """A line whose figures are those of an earlier one has a span of 0."""
    group = "disks" if device in CLASSES else "nics"
    return float(sum(of(line, device)[name] * line["spans"][group] for line in lines))


def test_a_dead_host_in_a_scrape(cli: Cli, rig: Rig) -> None:
    done = cli("-c", rig.uri, "-c", DEAD, "stats", "--openmetrics", LC_ALL="POSIX")
    assert done.returncode == 3
    lines = [line for line in done.stdout.splitlines() if line.startswith("tuivm_host_up")]
    assert [line.split()[-1] for line in lines] == ["1", "0"]
    assert done.stdout.endswith("# EOF\n")
    assert done.stderr.count("Connection refused") == 1
