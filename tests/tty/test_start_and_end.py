"""How the program comes onto a terminal, and that it leaves it as it was, whatever ends it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.guests import GuestFactory, guest_xml
from tests.support.terminal import ALT_SCREEN, FOCUS, MOUSE, PASTE, REPO, Terminal
from tests.tty.conftest import OpenProgram

HOST = "test:///default"
CTRL_Z = "\x1a"
MODES = (ALT_SCREEN, FOCUS, MOUSE, PASTE, 1000, 1006)

CRASHING = """
import sys
from tuivm import __main__
from tuivm.desk import DeskApp

def crash(self):
    secret = "a local variable that is nobody's business"
    raise RuntimeError("[b]crashed on purpose")

DeskApp.perform = lambda self, name: crash(self)
sys.argv = ["tuivm", *sys.argv[1:]]
__main__.main()
"""


def assert_restored(terminal: Terminal) -> None:
    """What a shell needs to go on: modes off, cursor on, typing echoed, keyboard protocol as it
    was."""
    assert [mode for mode in MODES if terminal.mode(mode)] == []
    assert terminal.cursor_shown
    assert terminal.cooked
    pushed, popped = terminal.raw.rfind(b"\x1b[>1u"), terminal.raw.rfind(b"\x1b[<u")
    assert pushed <= popped


def test_a_real_guest_is_shown_and_q_leaves_the_terminal_as_it_was(
    program: OpenProgram, guest_factory: GuestFactory
) -> None:
    guest_factory.start(guest_xml("real"), paused=False)
    terminal = program("-c", guest_factory.rig.uri)
    terminal.wait(lambda t: "▶ running  real" in t.text, "the guest")
    assert terminal.mode(ALT_SCREEN)
    assert not terminal.cursor_shown
    assert not terminal.cooked
    terminal.keys("q")
    assert terminal.wait_end() == 0
    assert_restored(terminal)


def test_sigterm_leaves_the_terminal_as_it_was(program: OpenProgram) -> None:
    terminal = program("-c", HOST)
    terminal.wait_text("running  test")
    terminal.process.terminate()
    assert terminal.wait_end() == 128 + signal.SIGTERM
    assert_restored(terminal)


def test_a_closed_terminal_ends_the_program(program: OpenProgram, home: Path) -> None:
    terminal = program("-c", HOST)
    terminal.wait_text("running  test")
    terminal.close()
    assert terminal.wait_end() == 128 + signal.SIGHUP
    log = (home / ".local/state/tuivm/tuivm.log").read_text()
    assert "ended by SIGHUP" in log
    assert "Traceback" not in log
    assert "ERROR" not in log


def test_one_cell_and_back(program: OpenProgram) -> None:
    terminal = program("-c", HOST)
    terminal.wait_text("running  test")
    for rows, columns in ((1, 1), (2, 200), (100, 1), (3, 3)):
        before = terminal.received
        terminal.resize(rows, columns)
        terminal.wait(lambda t, b=before: t.received > b, f"a picture of {columns}x{rows}")
    # A dialog too must bear it.
    terminal.keys("?")
    terminal.resize(1, 1)
    terminal.resize(24, 80)
    terminal.wait_text("Keys: guests")
    terminal.keys("\x1b")
    terminal.wait_gone("Keys: guests")
    terminal.wait_text("running  test")
    terminal.wait(lambda t: "q quit" in t.line(-1), "the line of keys")
    assert "tuivm" in terminal.line(0)
    terminal.keys("q")
    assert terminal.wait_end() == 0


def test_ctrl_z_gives_the_shell_back_and_fg_paints_anew(home: Path) -> None:
    own = {"HOME": str(home), "PS1": "shell> ", "XDG_CONFIG_HOME": None, "XDG_STATE_HOME": None}
    own["HISTFILE"] = None
    with Terminal(["bash", "--norc", "--noprofile", "-i"], env=own) as terminal:
        terminal.wait_text("shell>")
        terminal.keys(f"{sys.executable} -m tuivm -c {HOST}\r")
        terminal.wait_text("running  test")
        terminal.wait(lambda t: t.mode(ALT_SCREEN), "the alternative screen")
        terminal.keys(CTRL_Z)
        terminal.wait_text("Stopped")
        assert not terminal.mode(ALT_SCREEN)
        assert not terminal.mode(MOUSE)
        assert terminal.cursor_shown
        # Bash keeps the line editing of an interactive terminal to itself: ask a program.
        terminal.keys("clear; stty -a | tr ' ;' '\\n\\n' | grep -xE -- '-?(echo|icanon)'\r")
        terminal.wait(lambda t: {"echo", "icanon"} <= set(t.lines), "echo and line editing")
        terminal.raw.clear()
        terminal.keys("fg\r")
        # The terminal shows an empty screen then: what has not changed has to be painted as well.
        terminal.wait(lambda t: b"DEVICES" in t.raw, "all of the screen")
        terminal.wait_text("running  test")
        assert terminal.mode(ALT_SCREEN)
        terminal.keys("3")
        terminal.wait_text("guests may be")
        terminal.keys("q")
        terminal.wait(lambda t: not t.mode(ALT_SCREEN), "the end of the program")
        terminal.keys("echo code=$?\r")
        terminal.wait_text("code=0")


@pytest.fixture
def crashed(tmp_path: Path, home: Path) -> Terminal:
    script = tmp_path / "crashing.py"
    script.write_text(CRASHING)
    own = {"HOME": str(home), "XDG_STATE_HOME": str(home / "state"), "XDG_CONFIG_HOME": str(home)}
    own["PYTHONPATH"] = str(REPO)
    with Terminal([sys.executable, str(script), "-c", HOST], env=own) as terminal:
        terminal.wait_text("running  test")
        terminal.keys("?")
        terminal.wait_end()
    return terminal


def test_a_crash_leaves_the_terminal_usable_and_the_traceback_in_the_log(
    crashed: Terminal, home: Path
) -> None:
    assert crashed.process.returncode == 1
    assert [mode for mode in MODES if crashed.mode(mode)] == []
    assert crashed.cursor_shown
    shown = crashed.raw[crashed.raw.rfind(b"\x1b[?1049l") :].decode()
    assert "unexpected error" in shown
    assert "Traceback" not in crashed.text
    assert "nobody's business" not in crashed.raw.decode(errors="replace")
    log = (home / "state/tuivm/tuivm.log").read_text()
    assert "Traceback" in log
    assert "crashed on purpose" in log


@pytest.mark.parametrize("end", ["stdin", "stdout"])
def test_without_a_terminal_there_is_a_hint(end: str, home: Path) -> None:
    master, slave = os.openpty()
    pipes: dict[str, int] = {"stdin": slave, "stdout": slave}
    pipes[end] = subprocess.DEVNULL
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tuivm", "-c", HOST],
            check=False,
            **pipes,
            stderr=subprocess.PIPE,
            text=True,
            cwd=REPO,
            env={**os.environ, "HOME": str(home)},
            timeout=60,
        )
    finally:
        os.close(master)
        os.close(slave)
    assert done.returncode == 2
    assert "needs a terminal" in done.stderr
    assert "tuivm list" in done.stderr
