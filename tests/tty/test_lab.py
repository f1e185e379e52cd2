"""The Lab on a real terminal: models are ticked, measured and read by keys, and nothing is left."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.support.rig import Rig
from tests.support.terminal import Terminal
from tests.tty.conftest import OpenProgram
from tuivm.reports.lab import lab_from_json

MEASURED = 120.0
"""Seconds in which two models are measured on a machine that has much else to do."""
ENDED = 10.0
"""Seconds in which the program gives the terminal back, though a run goes on."""


def left_by_a_lab(rig: Rig) -> list[str]:
    """Names of what is on the host and is the Lab's."""
    named = rig.virsh("list", "--all", "--name"), rig.virsh("pool-list", "--all", "--name")
    return [name for names in named for name in names.split() if name.startswith("tuivm-lab")]


def kept(home: Path) -> list[Path]:
    return sorted((home / ".local/share/tuivm/lab").glob("*.json"))


def open_lab(program: OpenProgram, rig: Rig) -> Terminal:
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    # The appliance is built once for all tests.
    terminal = program("-c", rig.uri, env={"XDG_CACHE_HOME": cache}, rows=40, columns=100)
    terminal.wait_text("hosts 1 up")
    terminal.keys("L")
    return terminal


def choose(terminal: Terminal, *titles: str) -> None:
    """Tick off all other models."""
    terminal.wait_text(" start      ", MEASURED)
    models = [line.partition("] ")[2][2:] for line in terminal.lines if line.startswith("  [x] ")]
    assert len(models) > len(titles)
    # The lines above: host, what, backing, length.
    terminal.keys("\x1b[H", *(["j"] * 4))
    for model in models:
        if not model.startswith(tuple(f"{title}  " for title in titles)):
            terminal.keys(" ")
        terminal.keys("j")
    terminal.wait_text(f" start      {len(titles)} models")


def row(terminal: Terminal, title: str) -> str:
    return next((line for line in terminal.lines if f" {title} " in line), "")


def begin(terminal: Terminal, rig: Rig) -> None:
    """Start, and wait for a guest."""
    terminal.wait_text(" start      ", MEASURED)
    terminal.keys("s")
    terminal.wait_text(" boots (", MEASURED)
    assert any("storage" in name for name in left_by_a_lab(rig))


@pytest.mark.timeout(300)
def test_two_models_are_measured_and_nothing_is_left(
    rig: Rig, program: OpenProgram, home: Path
) -> None:
    terminal = open_lab(program, rig)
    choose(terminal, "virtio-blk", "IDE")
    terminal.keys("s")
    terminal.wait_text("they take turns")
    terminal.wait_text("traps per I/O", MEASURED)
    terminal.wait(lambda t: "baseline" in row(t, "virtio-blk"), "the bar of virtio-blk")
    terminal.wait(lambda t: row(t, "IDE").count("█") > 5, "the bar of IDE")
    terminal.keys("q")
    assert terminal.wait_end(ENDED) == 0
    assert terminal.cooked
    assert left_by_a_lab(rig) == []
    (file,) = kept(home)
    run = lab_from_json(file.read_text())
    assert run.complete
    counts = {one.subject: one.traps for one in run.tallies}
    assert counts == {"virtio-blk": pytest.approx(1, rel=0.15), "ide": pytest.approx(26, rel=0.15)}
    assert f" {counts['ide']:.3g} " in row(terminal, "IDE")


@pytest.mark.timeout(300)
def test_q_ends_a_run_and_leaves_nothing(rig: Rig, program: OpenProgram, home: Path) -> None:
    terminal = open_lab(program, rig)
    begin(terminal, rig)
    terminal.keys("1")
    terminal.wait(lambda t: re.search(r" lab \d+ ?%", t.line(0)), "the run in the top line")
    terminal.keys("q")
    assert terminal.wait_end(ENDED) == 0
    assert terminal.cooked
    assert left_by_a_lab(rig) == []
    assert "Traceback" not in (home / ".local/state/tuivm/tuivm.log").read_text()


@pytest.mark.timeout(300)
def test_what_a_kill_left_is_offered_and_removed(rig: Rig, program: OpenProgram) -> None:
    terminal = open_lab(program, rig)
    begin(terminal, rig)
    terminal.process.kill()
    terminal.wait_end()
    assert left_by_a_lab(rig)
    terminal = open_lab(program, rig)
    terminal.wait_text("Remove what an earlier lab left?")
    terminal.keys("y")
    terminal.wait_text("removed what an earlier lab left")
    # Once the host has said what it can do, the guest that was asked for it is gone too.
    terminal.wait_text(" start      ", MEASURED)
    assert left_by_a_lab(rig) == []
