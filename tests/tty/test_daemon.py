"""libvirtd hangs, dies, comes back, or is told things by others, while the screen is looked at."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.guests import GuestFactory, guest_xml
from tests.support.rig import Rig
from tests.support.terminal import Terminal
from tests.tty.conftest import OpenProgram

PROMPTLY = 5.0
"""Seconds: far more than it takes, far less than any deadline of a call to libvirt."""


def rows_of(terminal: Terminal, name: str) -> list[str]:
    """The guest's lines in the table (rows 2 to 13 of 24)."""
    return [line for line in terminal.lines[2:14] if f" {name} " in f"{line} "]


def wait_row(terminal: Terminal, name: str, *words: str) -> None:
    def there(shown: Terminal) -> bool:
        rows = rows_of(shown, name)
        return len(rows) == 1 and all(word in rows[0] for word in words)

    terminal.wait(there, f"one row of {name} that says {' '.join(words)}")


@pytest.fixture
def two_guests(fresh_rig: Rig) -> GuestFactory:
    factory = GuestFactory(fresh_rig)
    factory.start(guest_xml("alpha"), paused=False)
    factory.define(guest_xml("beta"))
    return factory


@pytest.fixture
def watching(two_guests: GuestFactory, program: OpenProgram) -> Terminal:
    """The program, with both guests on the screen and alpha highlighted."""
    terminal = program("-c", two_guests.rig.uri)
    wait_row(terminal, "alpha", "running")
    wait_row(terminal, "beta", "off")
    terminal.keys("g")
    terminal.wait_text("alpha · CPU")
    return terminal


def test_a_hung_daemon_holds_neither_keys_nor_the_end(
    fresh_rig: Rig, watching: Terminal, home: Path
) -> None:
    fresh_rig.pause()
    # At once, while nobody can know yet that it hangs, and when it is known.
    for _ in range(2):
        watching.keys("j")
        watching.wait_text("beta · CPU", PROMPTLY)
        watching.keys("\t")
        watching.wait_text("beta · memory", PROMPTLY)
        watching.keys("\x1b[Z", "k")
        watching.wait_text("alpha · CPU", PROMPTLY)
        watching.keys("?")
        watching.wait_text("Keys: guests", PROMPTLY)
        watching.keys("\x1b")
        watching.wait_gone("Keys: guests", PROMPTLY)
        # Its keep-alive may give the link up before the second round is over.
        watching.wait(lambda t: re.search("local (stale|lost)", t.text), "it to be known")
    wait_row(watching, "alpha", "? running")
    for key, action in (("x", "force off"), ("X", "delete")):
        watching.keys(key)
        refused = re.compile(f"{action}: local (does not answer|is lost|is connecting)")
        watching.wait(lambda t, r=refused: r.search(t.text), f"{action} to be refused", PROMPTLY)  # type: ignore[misc]
    watching.keys("q")
    assert watching.wait_end(PROMPTLY) == 0
    assert watching.cooked
    assert "Traceback" not in (home / ".local/state/tuivm/tuivm.log").read_text()


def test_an_action_under_way_in_a_hung_daemon_does_not_hold_the_end(
    fresh_rig: Rig, watching: Terminal
) -> None:
    fresh_rig.pause()
    watching.keys("p")
    wait_row(watching, "alpha", "pausing")
    watching.keys("q")
    assert watching.wait_end(PROMPTLY) == 0


def test_a_daemon_that_goes_on_is_back_by_itself(fresh_rig: Rig, watching: Terminal) -> None:
    fresh_rig.pause()
    watching.wait_text("local stale")
    fresh_rig.resume()
    watching.wait_text("hosts 1 up")
    wait_row(watching, "alpha", "running ")
    # Actions are on again.
    watching.keys("p")
    wait_row(watching, "alpha", "paused")


def test_a_daemon_that_was_killed_and_started_again_shows_each_guest_once(
    fresh_rig: Rig, watching: Terminal
) -> None:
    fresh_rig.kill()
    watching.wait_text("local lost")
    wait_row(watching, "alpha", "? running")
    watching.keys("s")
    # It tries again and again.
    watching.wait(lambda t: re.search("start: local is (lost|connecting)", t.text), "a refusal")
    fresh_rig.start()
    watching.wait_text("hosts 1 up", 60)
    wait_row(watching, "alpha", "running ")
    wait_row(watching, "beta", "off")
    watching.wait_text("guests 1/2")


def test_what_virsh_does_is_seen(
    program: OpenProgram, guest_factory: GuestFactory, tmp_path: Path
) -> None:
    rig = guest_factory.rig
    guest_factory.define(guest_xml("other"))
    terminal = program("-c", rig.uri)
    wait_row(terminal, "other", "off")
    file = tmp_path / "guest.xml"
    file.write_text(guest_xml("newcomer"))
    rig.virsh("define", str(file))
    wait_row(terminal, "newcomer", "off")
    rig.virsh("start", "--paused", "newcomer")
    wait_row(terminal, "newcomer", "paused")
    rig.virsh("resume", "newcomer")
    wait_row(terminal, "newcomer", "running")
    rig.virsh("destroy", "newcomer")
    wait_row(terminal, "newcomer", "off")
    rig.virsh("domrename", "newcomer", "settler")
    wait_row(terminal, "settler", "off")
    assert not rows_of(terminal, "newcomer")
    rig.virsh("undefine", "settler")
    terminal.wait(lambda t: not rows_of(t, "settler"), "the guest to go")
    wait_row(terminal, "other", "off")
