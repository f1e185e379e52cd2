"""A real guest's serial console on a real terminal: type, see the answer, come back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.appliance import MEMORY_MIB, READY, appliance
from tests.support.guests import GuestFactory, guest_xml
from tests.support.rig import Rig, wait_until
from tests.support.shell import Shell
from tests.support.terminal import ALT_SCREEN, FOCUS, MOUSE, PASTE, Terminal, TerminalError
from tests.tty.conftest import OpenProgram

ENTER, LEAVE = "\r", "\x1d"
BOOT = 90
TRIES = 30
"""Seconds too: one each."""
PTY = "<serial type='pty'/>"


def xml(name: str, devices: str = PTY) -> str:
    os = appliance().os_xml("shell")
    return guest_xml(name, memory_mib=MEMORY_MIB, os=os, devices=devices)


def open_console(terminal: Terminal, name: str) -> None:
    terminal.wait_text(name)
    terminal.keys("c")
    terminal.wait_text(f"Look at {name}")
    terminal.keys(ENTER)


def wait_open(terminal: Terminal, name: str) -> None:
    terminal.wait_text(f"Console of {name} on ")


def until_answered(terminal: Terminal, typed: str, answer: str) -> None:
    """Type it until it is answered: what comes before the guest listens is lost."""
    for _ in range(TRIES):
        terminal.keys(typed)
        try:
            terminal.wait_text(answer, 1)
        except TerminalError:
            continue
        return
    raise TerminalError(f"{typed!r} was never answered:\n{terminal.text}")


def wait_shell(terminal: Terminal, word: str = "ready") -> None:
    until_answered(terminal, f"echo is-''{word}\r", f"\nis-{word}")


def is_back(terminal: Terminal) -> None:
    """The user interface is there, in order, and alive."""
    terminal.wait(lambda t: t.mode(ALT_SCREEN) and "DEVICES" in t.text, "the user interface")
    terminal.wait(lambda t: all(map(t.mode, (MOUSE, PASTE, FOCUS))), "the terminal's modes")
    assert not terminal.cursor_shown
    terminal.keys("?")
    terminal.wait_text("Keys: guests")
    terminal.keys("\x1b")
    terminal.wait_gone("Keys: guests")


def quits(terminal: Terminal) -> None:
    terminal.keys("q")
    assert terminal.wait_end() == 0
    assert terminal.cooked
    assert terminal.cursor_shown
    assert not any(map(terminal.mode, (ALT_SCREEN, MOUSE, PASTE, FOCUS)))


def test_type_see_the_answer_and_come_back(
    program: OpenProgram, rig: Rig, guest_factory: GuestFactory
) -> None:
    uuid = guest_factory.start(xml("talks"), paused=False)
    with Shell(rig.uri, uuid) as shell:
        shell.ready()
    terminal = program("-c", rig.uri)
    open_console(terminal, "talks")
    wait_open(terminal, "talks")
    assert not terminal.mode(ALT_SCREEN)
    wait_shell(terminal)
    terminal.keys("echo answer-$((6 * 7))\r")
    # Before its prompt the shell does not read yet, and ^C is the kernel's, which drops the q.
    terminal.wait(lambda t: re.search(r"answer-42\s+/ #", t.text) is not None, "the prompt")
    # Keys that mean something to terminals and to tuivm are the guest's.
    terminal.keys("q\x03")
    terminal.wait_text("q^C")
    wait_shell(terminal, "still-there")
    # All that can go wrong with a terminal, at once; the string at the end is never ended.
    terminal.keys(
        r"printf '\033[?1049h\033[?1003h\033[?1000h\033[?2004h\033[?25l\033[31;7m\033[5;9r\033[?6h"
        r"\033[4h\033[?7l\033(0\016\033[?5h\033[?1h\033=\033]2;evil'",
        ENTER,
    )
    terminal.wait(lambda t: t.mode(1000), "the guest's mess")
    terminal.keys(LEAVE)
    is_back(terminal)
    # And once more, from the guest's own place.
    terminal.keys(ENTER)
    terminal.wait_text("esc back")
    open_console(terminal, "talks")
    wait_open(terminal, "talks")
    wait_shell(terminal)
    terminal.keys(LEAVE)
    terminal.wait(lambda t: t.mode(MOUSE) and "esc back" in t.text, "the guest's place")
    quits(terminal)


def test_a_guest_that_is_off_is_started_and_nothing_it_says_is_lost(
    program: OpenProgram, rig: Rig, guest_factory: GuestFactory
) -> None:
    uuid = guest_factory.define(xml("sleeps"))
    terminal = program("-c", rig.uri)
    terminal.wait_text("sleeps")
    terminal.keys("c")
    terminal.wait_text("It is off")
    terminal.keys(ENTER)
    wait_open(terminal, "sleeps")
    terminal.wait_text(READY, BOOT)
    assert guest_factory.domain(uuid).isActive()
    terminal.keys(LEAVE)
    is_back(terminal)
    quits(terminal)


def test_a_guest_that_goes_away_gives_the_terminal_back(
    program: OpenProgram, rig: Rig, guest_factory: GuestFactory
) -> None:
    uuid = guest_factory.start(xml("goes"), paused=False)
    terminal = program("-c", rig.uri)
    open_console(terminal, "goes")
    wait_open(terminal, "goes")
    guest_factory.domain(uuid).destroy()
    terminal.wait_text("its console was closed")
    is_back(terminal)
    quits(terminal)


def test_a_console_that_somebody_has_is_taken_only_when_asked_for(
    program: OpenProgram, rig: Rig, guest_factory: GuestFactory
) -> None:
    uuid = guest_factory.start(xml("shared"), paused=False)
    with Shell(rig.uri, uuid) as other:
        other.ready()
        terminal = program("-c", rig.uri)
        open_console(terminal, "shared")
        terminal.wait_text("Take the console?")
        terminal.keys("n")
        is_back(terminal)
        assert other.run("echo here") == "here"
        open_console(terminal, "shared")
        terminal.wait_text("Take the console?")
        terminal.keys("y")
        wait_open(terminal, "shared")
        wait_shell(terminal)
        wait_until(lambda: other.ended, 30, "the other one to be thrown out")
        terminal.keys(LEAVE)
        is_back(terminal)
        quits(terminal)


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_a_host_that_is_lost_gives_the_terminal_back(
    program: OpenProgram, fresh_rig: Rig, how: str
) -> None:
    factory = GuestFactory(fresh_rig)
    factory.start(xml("lost"), paused=False)
    terminal = program("-c", fresh_rig.uri)
    open_console(terminal, "lost")
    wait_open(terminal, "lost")
    getattr(fresh_rig, how)()
    terminal.wait_text("its console was closed")
    terminal.wait(lambda t: t.mode(ALT_SCREEN), "the user interface")
    quits(terminal)


def test_a_host_that_hangs_does_not_hold_the_terminal(program: OpenProgram, fresh_rig: Rig) -> None:
    GuestFactory(fresh_rig).start(xml("hangs"), paused=False)
    terminal = program("-c", fresh_rig.uri)
    open_console(terminal, "hangs")
    wait_open(terminal, "hangs")
    fresh_rig.pause()
    terminal.keys("into the void\r" * 10, LEAVE)
    is_back(terminal)
    quits(terminal)
    fresh_rig.resume()


def test_a_guest_without_a_console_says_what_else_there_is(
    program: OpenProgram, rig: Rig, guest_factory: GuestFactory, tmp_path: Path
) -> None:
    log = f"<serial type='file'><source path='{tmp_path}/log'/></serial>"
    uuid = guest_factory.start(guest_xml("blind", devices=log + "<graphics type='vnc'/>"))
    terminal = program("-c", rig.uri)
    terminal.wait_text("blind")
    terminal.keys("c")
    terminal.wait_text("Esc close")
    assert "no serial console" in terminal.text
    assert "it is written to a file" in terminal.text
    assert "VNC  127.0.0.1:59" in terminal.text, terminal.text
    assert "virt-viewer" in terminal.text
    assert uuid in terminal.text.replace("\n", "").replace("│", "").replace(" ", "")
    terminal.keys("\x1b")
    is_back(terminal)
    quits(terminal)


def test_a_terminal_that_is_closed_ends_the_program(
    program: OpenProgram, rig: Rig, guest_factory: GuestFactory
) -> None:
    guest_factory.start(xml("closed"), paused=False)
    terminal = program("-c", rig.uri)
    open_console(terminal, "closed")
    wait_open(terminal, "closed")
    terminal.close()
    assert terminal.process.wait(30) != 0
