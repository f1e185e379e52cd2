"""c on a guest: what is asked, what is opened, and what comes back."""

from __future__ import annotations

import os
import pty
import select
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.simhost import SimHost
from tests.ui.support import Rig, running
from tuivm import consoledesk
from tuivm.background import off_the_loop
from tuivm.desk import DeskApp
from tuivm.model.consoles import ConsoleAnswer
from tuivm.model.guests import GuestState
from tuivm.model.hosts import Problem
from tuivm.model.requests import Resume, Start
from tuivm.screens.dialogs.confirm import Confirm
from tuivm.screens.dialogs.look_at import LookAt
from tuivm.screens.guests import GuestsScreen
from tuivm.terminal import Ended

XML = """<domain type='kvm'><name>web</name><os><type arch='x86_64'>hvm</type></os><devices>
<serial type='pty'><alias name='serial0'/></serial>
<console type='pty'><target type='virtio'/><alias name='console1'/></console>
<graphics type='vnc' port='5901' listen='127.0.0.1'/></devices></domain>"""


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The person's end of a terminal that stands in for the one under the program."""
    person, terminal = pty.openpty()

    async def lend(_app: DeskApp, use: Callable[[], Ended]) -> Ended:
        return await off_the_loop(use)

    monkeypatch.setattr(consoledesk, "terminal_fds", lambda: (terminal, terminal))
    monkeypatch.setattr(consoledesk, "lend_terminal", lend)
    yield person
    os.close(person)
    os.close(terminal)


def shown(person: int, seen: bytearray) -> bytes:
    while select.select([person], [], [], 0)[0]:
        data = os.read(person, 65536)
        seen += data
        if b"\x1b[6n" in data:
            os.write(person, b"\x1b[1;1R")
    return bytes(seen)


def web(state: GuestState = GuestState.RUNNING, xml: str = XML) -> Callable[[SimHost], None]:
    def prepare(host: SimHost) -> None:
        key = host.add_guest("web", state)
        host.xml[key.uuid] = xml

    return prepare


async def talk(rig: Rig, person: int) -> None:
    """Type on the console that is open, see it come back in capitals, and leave."""
    seen = bytearray()
    await rig.until(lambda: b"Console of web on local" in shown(person, seen))
    os.write(person, b"hello")
    await rig.until(lambda: b"HELLO" in shown(person, seen))
    os.write(person, b"\x1d")
    await rig.until(lambda: b"\x1b[23;0t" in shown(person, seen))
    await rig.settle()


async def test_ways_to_look_at_a_guest(tmp_path: Path) -> None:
    async with running(tmp_path, web(), size=(100, 30)) as rig:
        await rig.press("c")
        assert isinstance(rig.app.screen, LookAt)
        assert "serial console serial0  isa-serial" in rig.text
        assert "serial console console1  virtconsole" in rig.text
        assert "VNC  127.0.0.1:5901" in rig.text
        uuid = next(iter(rig.host().guests))
        assert f"virt-viewer --connect test+sim:///local {uuid}" in rig.words
        assert f"virsh -c test+sim:///local console {uuid}" in rig.words
        await rig.press("escape")
        assert not rig.host().opened_consoles


async def test_typing_and_coming_back(tmp_path: Path, person: int) -> None:
    async with running(tmp_path, web(), size=(100, 30)) as rig:
        await rig.press("c", "down", "enter")
        await talk(rig, person)
        assert [one[1:] for one in rig.host().opened_consoles] == [("console1", False)]
        assert isinstance(rig.app.screen, GuestsScreen)
        assert not rig.app.lent
        assert not rig.requests


async def test_a_guest_that_is_off_is_started_with_its_console_open(
    tmp_path: Path, person: int
) -> None:
    async with running(tmp_path, web(GuestState.OFF), size=(100, 30)) as rig:
        await rig.press("c")
        assert "It is off" in rig.words
        await rig.press("enter")
        await talk(rig, person)
        assert [request for _, _, request in rig.requests] == [Start(paused=True), Resume()]


async def test_a_console_that_is_taken(tmp_path: Path, person: int) -> None:
    async with running(tmp_path, web(), size=(100, 30)) as rig:
        uuid = next(iter(rig.host().guests))
        taken = ConsoleAnswer(problem=Problem("cannot open", "Active console session"), taken=True)
        rig.host().consoles[uuid] = [taken, taken]
        await rig.press("c", "enter")
        await rig.until(lambda: isinstance(rig.app.screen, Confirm))
        assert "Active console session" in rig.words
        await rig.press("n")
        assert [one[2] for one in rig.host().opened_consoles] == [False]
        assert not rig.notices, "the person has just said so"
        await rig.press("c", "enter")
        await rig.until(lambda: isinstance(rig.app.screen, Confirm))
        await rig.press("y")
        await talk(rig, person)
        assert [one[2] for one in rig.host().opened_consoles] == [False, False, True]


async def test_what_the_host_refuses_is_told(tmp_path: Path) -> None:
    async with running(tmp_path, web(), size=(100, 30)) as rig:
        uuid = next(iter(rig.host().guests))
        problem = Problem("cannot open the console", "no such device", remedy="look again")
        rig.host().consoles[uuid] = [ConsoleAnswer(problem=problem)]
        await rig.press("c", "enter")
        await rig.until(lambda: any("no such device" in line for line in rig.notices))
        assert any("look again" in line for line in rig.notices)


async def test_without_a_terminal_it_says_so(tmp_path: Path) -> None:
    async with running(tmp_path, web(), size=(100, 30)) as rig:
        await rig.press("c", "enter")
        await rig.until(lambda: any("needs a terminal" in line for line in rig.notices))
        assert not rig.app.lent
        await rig.tick()
        assert "web" in rig.text


async def test_a_guest_without_a_console(tmp_path: Path) -> None:
    bare = "<domain type='kvm'><name>web</name><devices/></domain>"
    async with running(tmp_path, web(xml=bare), size=(100, 30)) as rig:
        await rig.press("c")
        assert "no serial console that can be opened" in rig.words
        assert "virt-xml --connect test+sim:///local" in rig.words
        assert "It has no display" in rig.words
        await rig.press("enter")
        assert isinstance(rig.app.screen, GuestsScreen)


async def test_nothing_is_painted_while_the_terminal_is_lent(tmp_path: Path) -> None:
    async with running(tmp_path, web(), size=(100, 30)) as rig:
        rig.app.lent = True
        uuid = next(iter(rig.host().guests))
        rig.host().change(uuid, name="renamed")
        await rig.tick()
        assert "renamed" not in rig.text
        rig.app.lent = False
        await rig.tick()
        assert "renamed" in rig.text
