from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.simhost import LEGACY, Clock, SimHost, SimMaker
from tuivm.cli import Exit
from tuivm.headless.stats import JsonLines, StatsRun, TableLines
from tuivm.model.guests import GuestState
from tuivm.model.hosts import HostSpec

ONE = HostSpec("local", "qemu:///system")
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
) -> tuple[Exit, str, str]:
    out, err = io.StringIO(), io.StringIO()
    lines = TableLines(out) if table else JsonLines(out)
    done = StatsRun(specs, maker, lines, err, interval=0.1, count=count, timeout=timeout).run()
    return done, out.getvalue(), err.getvalue()


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
    row = lines[1].split()
    assert row[1:4] == ["local", "old", "-"]


def test_a_driver_without_statistics_is_told_and_is_no_failure() -> None:
    def play(host: SimHost, clock: Clock) -> None:
        # Paused in the simulation means: listed as active, and never sampled.
        host.add_guest("web-1", GuestState.PAUSED)
        ticks(1)(host, clock)

    code, out, err = run(Script(play), ONE, count=1, timeout=0.3)
    assert (code, out) == (Exit.FINE, "")
    assert "no statistics" in err
