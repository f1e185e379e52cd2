"""Links that are thin, stand still, or cannot be made without asking; terminals that are mute."""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import libvirt
import pytest

from tests.support.guests import GuestFactory, guest_xml
from tests.support.rig import Rig
from tests.support.terminal import DEADLINE, Terminal
from tests.tty.conftest import OpenProgram
from tuivm.flow import PATIENCE, SILENT_AFTER
from tuivm.sshcommand import ssh_command

CROWD = 8
THIN = 4096.0
"""Bytes a second."""
STIRRED = 3.0
"""Seconds in which a queue, if there were one, would grow."""
MANY_TICKS = 8192
"""Bytes of ticks in which the whole crowd changes."""
EFFECT = 8192
"""Bytes that may arrive from a key to its effect: a screen and what was under way, no queue."""

HIDES = pytest.mark.parametrize(
    "held",
    [
        pytest.param(0, id="writes-wait"),
        # A socket and ssh hold hundreds of KB that the program does not see waiting.
        pytest.param(1 << 20, id="link-holds"),
    ],
)


@pytest.fixture(scope="module")
def herd(rig: Rig) -> Iterator[list[libvirt.virDomain]]:
    factory = GuestFactory(rig)
    uuids = [factory.start(guest_xml(f"guest-{number:02}")) for number in range(CROWD)]
    yield [factory.domain(uuid) for uuid in uuids]
    factory.clean()


@pytest.fixture
def crowd(herd: list[libvirt.virDomain]) -> list[libvirt.virDomain]:
    """Guests that can all change at once, paused."""
    for domain in herd:
        if domain.state()[0] != libvirt.VIR_DOMAIN_PAUSED:
            domain.suspend()
    return herd


def stir(crowd: list[libvirt.virDomain], enough: Callable[[], bool]) -> float:
    """Let all guests change again and again until it is enough; how many seconds that took.

    It leaves them all paused.
    """
    began = time.monotonic()
    while not enough():
        for domain in crowd:
            domain.resume()
        for domain in crowd:
            domain.suspend()
    return time.monotonic() - began


def stir_for(crowd: list[libvirt.virDomain], seconds: float) -> None:
    end = time.monotonic() + seconds
    stir(crowd, lambda: time.monotonic() > end)


def wait_all(terminal: Terminal, word: str) -> None:
    terminal.wait(lambda t: t.text.count(word) == CROWD, f"every guest to be {word}")


def wait_started(terminal: Terminal) -> None:
    """Until the pictures of the start have arrived, and a few ticks after them."""
    wait_all(terminal, "paused")
    terminal.wait_text("guest-00 · ")
    terminal.wait(lambda t: t.questions > 2, "ticks")


@HIDES
def test_ticks_are_skipped_while_nothing_is_read(
    program: OpenProgram, rig: Rig, crowd: list[libvirt.virDomain], held: int
) -> None:
    terminal = program("-c", rig.uri, held=held)
    wait_started(terminal)
    before = terminal.written
    seconds = stir(crowd, lambda: terminal.written - before > MANY_TICKS)
    terminal.rate = 0.0
    before = terminal.written
    # For longer, the program thinks an answer is lost, and paints again.
    stir_for(crowd, min(seconds, 0.8 * PATIENCE))
    # One may have been under way; a queue of them would be as long as what was free.
    assert (terminal.written - before) * 3 < MANY_TICKS
    for domain in crowd:
        domain.resume()
    received = terminal.received
    terminal.rate = None
    wait_all(terminal, "running")
    assert terminal.received - received < EFFECT
    terminal.keys("q")
    assert terminal.wait_end() == 0


@HIDES
def test_keys_are_answered_on_a_thin_link(
    program: OpenProgram, rig: Rig, crowd: list[libvirt.virDomain], held: int
) -> None:
    terminal = program("-c", rig.uri, held=held, rows=50, columns=200)
    wait_started(terminal)
    terminal.rate = THIN
    stir_for(crowd, STIRRED)
    for key, effect in (("j", "guest-01 · "), ("j", "guest-02 · "), ("2", "throughput")):
        before = terminal.received
        terminal.keys(key)
        terminal.wait_text(effect)
        assert terminal.received - before < EFFECT, key
    terminal.keys("1")
    for domain in crowd:
        domain.resume()
    terminal.rate = None
    wait_all(terminal, "running")
    terminal.keys("q")
    assert terminal.wait_end() == 0


def test_a_terminal_that_never_answers(
    program: OpenProgram, rig: Rig, crowd: list[libvirt.virDomain]
) -> None:
    """It is asked a few times, then left alone, and gets every tick."""
    terminal = program("-c", rig.uri, silent=True)
    asked = SILENT_AFTER + 1
    wait_all(terminal, "paused")
    for act, word in (
        (libvirt.virDomain.resume, "running"),
        (libvirt.virDomain.suspend, "paused"),
    ) * (asked // 2 + 1):
        for domain in crowd:
            act(domain)
        wait_all(terminal, word)
    assert terminal.questions == asked
    terminal.keys("j")
    terminal.wait_text("guest-01 · ")
    terminal.keys("q")
    assert terminal.wait_end() == 0


# What OpenSSH does: with BatchMode it fails, without it asks on the controlling terminal.
_SSH = """#!/bin/sh
echo "$*" >> '{log}'
case "$*" in *BatchMode=yes*) echo '{reason}' >&2; exit 255;; esac
exec < /dev/tty > /dev/tty
printf '\\033[2J\\033[1;1HPassword for nobody: '
read -r answer
exit 255
"""


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ("nobody@far: Permission denied (publickey,password).", "ssh-copy-id"),
        ("Host key verification failed.", "connect once by hand"),
    ],
)
@pytest.mark.parametrize("asks", ["", "?no_tty=0"])
def test_ssh_never_asks_on_the_screen(
    program: OpenProgram, tmp_path: Path, reason: str, remedy: str, asks: str
) -> None:
    log, ssh = tmp_path / "ssh.log", tmp_path / "bin/ssh"
    ssh.parent.mkdir()
    ssh.write_text(_SSH.format(log=log, reason=reason))
    ssh.chmod(0o755)
    path = f"{ssh.parent}{os.pathsep}{os.environ['PATH']}"
    uri = f"qemu+ssh://nobody@far/system{asks}"
    terminal = program("-c", uri, "-c", "test:///default", env={"PATH": path})
    # The other host is not held up, and the table is what it always is.
    terminal.wait_text("far failed")
    terminal.wait(lambda t: any("▶" in line and " test " in line for line in t.lines), "the guest")
    terminal.keys("3", "g")
    terminal.wait_text("cannot connect to far")
    last_word = reason.rsplit(maxsplit=1)[-1]
    for words in (last_word, "remedy ", remedy):
        terminal.wait_text(words)
    assert b"Password" not in terminal.raw
    assert terminal.line(0).startswith(" tuivm ")
    for called in log.read_text().splitlines():
        assert "-o BatchMode=yes" in called
        assert "nobody" in called
    terminal.keys("q")
    assert terminal.wait_end() == 0


# What OpenSSH does with a jump host: the ssh that it starts for it is told nothing of BatchMode, so
# it asks on the terminal, or in a window, or else fails for the want of both.
_JUMPING_SSH = """#!/bin/sh
if (exec < /dev/tty) 2> /dev/null; then
    exec < /dev/tty > /dev/tty
    printf '\\033[2J\\033[1;1HPassword for nobody@jump: '
    read -r answer
elif [ "$SSH_ASKPASS_REQUIRE" != never ] || [ "$SSH_ASKPASS" = '{window}' ]; then
    '{window}'
fi
echo 'nobody@jump: Permission denied (publickey,password).' >&2
echo 'Connection closed by UNKNOWN port 65535' >&2
exit 255
"""


def test_nor_does_the_ssh_that_ssh_starts_for_a_jump_host(
    program: OpenProgram, tmp_path: Path
) -> None:
    window, opened = tmp_path / "askpass", tmp_path / "window"
    window.write_text(f"#!/bin/sh\ntouch '{opened}'\n")
    ssh = tmp_path / "bin/ssh"
    ssh.parent.mkdir()
    ssh.write_text(_JUMPING_SSH.format(window=window))
    for script in (window, ssh):
        script.chmod(0o755)
    terminal = program(
        *("-c", "qemu+ssh://nobody@far/system", "-c", "test:///default"),
        env={
            "PATH": f"{ssh.parent}{os.pathsep}{os.environ['PATH']}",
            "SSH_ASKPASS": str(window),
            "DISPLAY": ":0",
        },
    )
    terminal.wait_text("far failed")
    terminal.keys("3", "g")
    for words in ("cannot connect to far", "nobody@jump", "remedy ", "ssh-copy-id"):
        terminal.wait_text(words)
    assert b"Password" not in terminal.raw
    assert not opened.exists()
    assert terminal.line(0).startswith(" tuivm ")
    terminal.keys("q")
    assert terminal.wait_end() == 0


@pytest.mark.parametrize(
    "lead",
    [
        pytest.param([], id="of-a-session"),
        # An interactive shell makes a process group of every command.
        pytest.param(["bash", "-m", "-c", '"$@"; echo code=$?', "bash"], id="of-a-group"),
    ],
)
def test_a_leader_too_leaves_the_terminal(tmp_path: Path, lead: list[str]) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text("#!/bin/sh\n(exec < /dev/tty) || echo 'alone'\n")
    ssh.chmod(0o755)
    env = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    script = ssh_command()
    assert script is not None
    with Terminal([*lead, script], env=env) as terminal:
        assert terminal.wait_end() == 0
        assert "alone" in terminal.text
        assert ("code=0" in terminal.text) is bool(lead)


# As far as libvirt sees, ssh carries bytes to a socket there and back, until its input ends.
_CARRYING_SSH = """#!{python}
import os, socket, threading

with open({pids!r}, "a") as file:
    print(os.getpid(), file=file)
far = socket.socket(socket.AF_UNIX)
far.connect({socket!r})

def back():
    while data := far.recv(65536):
        os.write(1, data)
    os._exit(0)

threading.Thread(target=back, daemon=True).start()
while data := os.read(0, 65536):
    far.sendall(data)
"""


def test_ssh_ends_with_the_program(program: OpenProgram, rig: Rig, tmp_path: Path) -> None:
    """It has left the terminal and the session, so nothing but the closed link ends it."""
    pids, ssh = tmp_path / "ssh.pids", tmp_path / "bin/ssh"
    ssh.parent.mkdir()
    (socket,) = parse_qs(urlsplit(rig.uri).query)["socket"]
    ssh.write_text(_CARRYING_SSH.format(python=sys.executable, pids=str(pids), socket=socket))
    ssh.chmod(0o755)
    terminal = program(
        *("-c", "qemu+ssh://far/system"),
        env={"PATH": f"{ssh.parent}{os.pathsep}{os.environ['PATH']}"},
    )
    terminal.wait_text("1 up")
    started = [int(pid) for pid in pids.read_text().split()]
    assert {os.getsid(pid) for pid in started} == set(started)
    ends = [os.pidfd_open(pid) for pid in started]
    terminal.keys("q")
    assert terminal.wait_end() == 0
    try:
        for end in ends:
            assert select.select([end], [], [], DEADLINE)[0]
    finally:
        for end in ends:
            os.close(end)
