"""`tuivm demo --host` on a terminal: from the first line to nothing left."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from platformdirs import user_cache_path

from tests.support.rig import wait_until
from tests.support.terminal import ALT_SCREEN, REPO, Terminal
from tests.virthost.conftest import report
from tuivm.virthost.host import PLACE

# The first one may build the disk; a boot is tried twice.
pytestmark = pytest.mark.timeout(3600)

UP = 1500.0
"""Seconds for a boot and its repetition, and libvirtd's first answers."""
ANSWER = 240.0
"""Seconds for any one answer of an emulated host on a busy machine."""
END = 60.0
CACHE = str(user_cache_path("tuivm").parent)
NIC = "01:00.0"
CTRL_C = "\x03"


def qemus() -> dict[Path, tuple[int, int]]:
    """Every virtual host's directory -> its QEMU and the process that started that."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode(errors="replace")
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
        named = re.search(rf"file=({re.escape(str(PLACE))}/tuivm-virthost-\w+)/", words)
        if named:
            found[Path(named[1])] = (int(process.name), int(parent))
    return found


class Demo:
    """One on a terminal of its own, and what it has made."""

    def __init__(self, home: Path) -> None:
        self.terminal = Terminal(
            [sys.executable, "-m", "tuivm", "demo", "--host", "-c", "test:///default"],
            rows=30,
            columns=110,
            env={
                "HOME": str(home),
                "XDG_CACHE_HOME": CACHE,
                "XDG_CONFIG_HOME": str(home),
                "XDG_STATE_HOME": str(home),
                "LC_ALL": "C.UTF-8",
            },
        )

    def state(self) -> Path:
        """Its directory, once QEMU runs on it."""
        self.terminal.wait_text("booting the virtual host", UP)
        mine: list[Path] = []

        def runs() -> bool:
            ran = qemus().items()
            mine[:] = [path for path, (_, by) in ran if by == self.terminal.process.pid]
            return bool(mine)

        wait_until(runs, END, "QEMU")
        return mine[0]

    def shown(self) -> None:
        """Its PCI devices are on the screen."""
        self.terminal.wait(lambda t: t.mode(ALT_SCREEN) and NIC in t.text, "its devices", UP)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    one = Demo(tmp_path)
    with one.terminal:
        yield one


def gone(state: Path) -> None:
    """At the end of the program, or just after it."""
    wait_until(lambda: not state.exists() and state not in qemus(), END, "the end of the host")


def test_its_devices_are_shown_and_nothing_is_left(demo: Demo) -> None:
    terminal = demo.terminal
    state = demo.state()
    demo.shown()
    assert "virtual-host" in terminal.text
    terminal.keys("g")
    terminal.wait_text("What can be shown on virtual-host")
    terminal.keys("\x1b")
    terminal.wait_gone("What can be shown on virtual-host")
    terminal.keys("1")
    terminal.wait(lambda t: any("guest" in line and "off" in line for line in t.lines), "its guest")
    terminal.keys("q")
    assert terminal.wait_end(END) == 0
    assert not terminal.mode(ALT_SCREEN)
    assert "Traceback" not in terminal.text
    gone(state)


def test_a_closed_terminal_leaves_nothing(demo: Demo) -> None:
    state = demo.state()
    demo.shown()
    demo.terminal.close()
    assert demo.terminal.wait_end(END) == 128 + signal.SIGHUP
    gone(state)


def test_ctrl_c_while_it_boots_leaves_nothing(demo: Demo) -> None:
    state = demo.state()
    demo.terminal.keys(CTRL_C)
    assert demo.terminal.wait_end(END) == 130
    assert "Traceback" not in demo.terminal.text
    gone(state)


def test_a_kill_leaves_nothing(demo: Demo) -> None:
    state = demo.state()
    demo.terminal.process.kill()
    demo.terminal.wait_end(END)
    gone(state)


def test_without_a_terminal_its_devices_are_printed(tmp_path: Path) -> None:
    before = set(PLACE.glob("tuivm-virthost-*"))
    done = subprocess.run(
        [sys.executable, "-m", "tuivm", "demo", "--host"],
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=REPO,
        env={**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": CACHE, "LC_ALL": "C.UTF-8"},
        timeout=UP + ANSWER,
    )
    assert done.returncode == 0, done.stderr
    for line in done.stderr.splitlines():
        if "once more" in line:
            report(line)
    rows = {line.split()[1]: line for line in done.stdout.splitlines()}
    assert "e1000e" in rows["0000:01:00.0"]
    assert rows["0000:01:00.0"].endswith("free")
    assert "would hurt the host" in rows["0000:00:1f.2"]
    # Other hosts may come and go meanwhile.
    left = set(PLACE.glob("tuivm-virthost-*")) - before
    assert left <= set(qemus())
