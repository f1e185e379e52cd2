"""`tuivm demo` with its two real guests, on a terminal: from the first line to nothing left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest
from platformdirs import user_cache_path

from tests.support.rig import Rig, wait_until
from tests.support.terminal import ALT_SCREEN, REPO, Terminal
from tests.tty.conftest import OpenProgram

pytestmark = pytest.mark.timeout(600)
BOOTED = 240.0
"""Seconds in which two guests are there, the first time after their appliance was built."""
CACHE = str(user_cache_path("tuivm").parent)
"""Where the appliance is kept: to build it takes a minute, and the network."""
VIRTIO, EMULATED = "tuivm-lab-paravirtual", "tuivm-lab-emulated"
TITLES = (
    "Host and guest",
    "Hypervisor and VMM",
    "Machine and firmware",
    "Emulated devices",
    "Paravirtual devices",
    "Passthrough, IOMMU groups",
    "VFs: a device in parts",
    "Nested virtualization",
)
CTRL_C = "\x03"

Open = Callable[[], Terminal]


@pytest.fixture
def demo(program: OpenProgram, rig: Rig) -> Open:
    def start() -> Terminal:
        terminal = program("demo", "-c", rig.uri, env={"XDG_CACHE_HOME": CACHE}, columns=120)
        # Its words before the first picture are for who reads the shell.
        terminal.wait(
            lambda t: "booting" in t.text or "y/N" in t.text or t.mode(ALT_SCREEN),
            "its guests",
            BOOTED,
        )
        return terminal

    return start


def things(rig: Rig) -> list[str]:
    """What the host has of any demo: guests, volumes, networks and files."""
    found = []
    for kind in ("list", "pool-list", "net-list"):
        names = rig.virsh(kind, "--all", "--name").split()
        found += [f"{kind}: {name}" for name in names if name.startswith("tuivm-lab-")]
    return found + [str(path) for path in (rig.state / "lib").rglob("tuivm-lab-*")]


def compared(terminal: Terminal) -> None:
    """Both are on the screen, side by side and at work."""

    def both(t: Terminal) -> bool:
        rows = [line for line in t.lines if "×" in line or "baseline" in line]
        disks = [line for line in rows if "hda" in line or "vda" in line]
        return len({"hda" in line for line in disks}) == 2 and "2 compare" in t.line(0)

    terminal.wait(both, "both disks in one table, with a ratio", BOOTED)


def test_two_live_guests_the_tour_and_nothing_left(demo: Open, rig: Rig) -> None:
    terminal = demo()
    compared(terminal)
    names = rig.virsh("list", "--name", "--state-running").split()
    assert {VIRTIO, EMULATED} <= set(names)
    terminal.keys("g")
    for number, title in enumerate(TITLES, start=1):
        terminal.wait_text(f"{number}/{len(TITLES)}  {title}")
        terminal.wait_text("◀━━")
        terminal.keys("\x1b[C")
    terminal.wait_gone("◀━━")
    terminal.keys("q")
    assert terminal.wait_end(60) == 0
    assert not terminal.mode(ALT_SCREEN)
    assert "removing the guests" in terminal.text
    assert things(rig) == []


def test_what_a_kill_leaves_is_offered_and_a_signal_leaves_nothing(demo: Open, rig: Rig) -> None:
    killed = demo()
    compared(killed)
    killed.process.kill()
    killed.wait_end()
    # libvirt ends the guests with the connection; their files have nobody.
    wait_until(
        lambda: {VIRTIO, EMULATED}.isdisjoint(rig.virsh("list", "--all", "--name").split()),
        60,
        "the guests' end",
    )
    left = things(rig)
    assert left != []
    terminal = demo()
    terminal.wait_text("[y/N]", 60)
    assert "an earlier run that was killed left" in terminal.text
    terminal.keys("y\r")
    terminal.wait_text("tuivm demo: removed")
    compared(terminal)
    assert set(left).isdisjoint(things(rig))
    rig.virsh("destroy", EMULATED)
    terminal.wait_text("gone")
    terminal.process.terminate()
    assert terminal.wait_end(60) == 128 + signal.SIGTERM
    assert things(rig) == []


def test_a_closed_terminal_leaves_nothing(demo: Open, rig: Rig) -> None:
    terminal = demo()
    compared(terminal)
    terminal.close()
    assert terminal.wait_end(60) == 128 + signal.SIGHUP
    assert things(rig) == []


def test_ctrl_c_while_they_boot_leaves_nothing(demo: Open, rig: Rig) -> None:
    terminal = demo()
    terminal.wait(lambda t: f"booting {EMULATED}" in t.text, "the second guest", BOOTED)
    terminal.keys(CTRL_C)
    assert terminal.wait_end(60) == 130
    assert "Traceback" not in terminal.text
    assert things(rig) == []


def test_without_a_terminal_figures_are_printed_and_nothing_is_asked(
    rig: Rig, home: os.PathLike[str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tuivm", "demo", "-c", rig.uri],
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=REPO,
        env={**os.environ, "HOME": str(home), "XDG_CACHE_HOME": CACHE, "LC_ALL": "C.UTF-8"},
        timeout=BOOTED,
    )
    assert done.returncode == 0, done.stderr
    assert VIRTIO in done.stdout
    assert EMULATED in done.stdout
    assert "◆ vda" in done.stdout
    assert "▣ hda" in done.stdout
    assert things(rig) == []


def test_a_host_that_is_not_there(home: os.PathLike[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tuivm", "demo", "-c", "qemu+unix:///system?socket=/nobody"],
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=REPO,
        env={**os.environ, "HOME": str(home), "LC_ALL": "C.UTF-8"},
        timeout=60,
    )
    assert done.returncode == 3
    assert "cannot connect" in done.stderr
    assert "removing" not in done.stderr, "nothing was made"
