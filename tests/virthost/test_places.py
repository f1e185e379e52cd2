"""The place of hosts on a real terminal, 80x24, by keys alone: what a person sees of the virtual
host's devices, and one of them given to a guest and taken back."""

from __future__ import annotations

import re

import pytest

from tests.support.terminal import Terminal
from tests.tty.conftest import OpenProgram
from tests.virthost.site import CALL, E1000E, NIC, Seer, Site, passed

# The first test builds the disk and boots, which has deadlines of its own.
pytestmark = pytest.mark.timeout(3600)

ENTER, ESC, TAB, RIGHT, SPACE = "\r", "\x1b", "\t", "\x1b[C", " "


def opened(program: OpenProgram, site: Site) -> Terminal:
    """On the page of PCI devices, once the host has told of them."""
    terminal = program("-c", site.virthost.uri)
    terminal.wait_text("hosts 1 up", CALL)
    terminal.keys("3")
    terminal.wait_text("overview  PCI")
    terminal.keys(TAB)
    terminal.wait_text("IOMMU groups", CALL)
    return terminal


def row(terminal: Terminal, start: str) -> str:
    """The line of the tree that begins with it; "" for none on the screen."""
    found = (line.strip() for line in terminal.lines)
    return next((line for line in found if line.startswith(start)), "")


def wait_verdict(terminal: Terminal, address: str, words: str) -> None:
    terminal.wait(lambda t: words in row(t, address), f"{words!r} in the row of {address}", CALL)


def test_groups_and_verdicts_are_seen(program: OpenProgram, site: Site) -> None:
    terminal = opened(program, site)
    terminal.wait_text("12 devices in 10 IOMMU groups")
    wait_verdict(terminal, "00:02.0", "hurts host")
    wait_verdict(terminal, "00:06.0", "not known")
    wait_verdict(terminal, "01:00.0", "free")
    assert "Red Hat Virtio network" in row(terminal, "00:02.0")
    assert "3 devices" in row(terminal, "group 7")
    for member in ("00:1f.2", "00:1f.3"):
        assert "free" not in row(terminal, member)
    # The rest is below; each line has its verdict within the 80 columns.
    terminal.keys("G")
    last = re.compile("PF .*NVM.* nvme .*not known")
    terminal.wait(lambda t: last.search(row(t, "02:00.0")), "the last device")
    terminal.keys("t")
    terminal.wait_text("by bus")


def test_a_nic_is_given_to_a_guest_and_taken_back(
    program: OpenProgram, site: Site, seer: Seer
) -> None:
    terminal = opened(program, site)
    terminal.keys("/")
    terminal.keys("82574L", ENTER)
    terminal.wait_text("1 match")
    wait_verdict(terminal, "01:00.0", "free")
    terminal.wait_text("hosts 1 up", CALL)
    terminal.keys("P")
    terminal.wait_text("to which guest")
    terminal.wait_text(f"{seer.name}  ▶ running", CALL)
    terminal.keys(ENTER)
    terminal.wait_text("2 warnings are not accepted yet", CALL)
    terminal.wait_text("cannot be migrated, saved")
    terminal.keys(TAB)
    terminal.keys(RIGHT)
    terminal.wait_text("now alone: gone when it stops")
    # Neither is taken for granted: each is accepted by itself.
    terminal.keys(TAB, SPACE)
    terminal.wait_text("1 warning is not accepted yet")
    terminal.keys(TAB, SPACE)
    # A host that is slow to tell what it has is asked no thing.
    terminal.wait(
        lambda t: "accepted yet" not in t.text and "does not answer" not in t.text,
        "both to be accepted, and the host to answer",
        CALL,
    )
    terminal.keys(TAB, TAB, ENTER)
    wait_verdict(terminal, "01:00.0", "in use")
    seer.wait_sees(E1000E)
    assert [one.device for one in passed(seer.guest)] == [NIC]
    terminal.wait_text("hosts 1 up", CALL)
    terminal.keys("D")
    terminal.wait_text(f"Detach from {seer.name}", CALL)
    # Its button is off until the host has been asked.
    terminal.wait(
        lambda t: (
            "asked to let go" in t.text
            and "Not yet" not in t.text
            and "does not answer" not in t.text
        ),
        "the dialog",
        CALL,
    )
    terminal.keys(TAB, ENTER)
    wait_verdict(terminal, "01:00.0", "free")
    assert passed(seer.guest) == ()
    site.wait_driver(NIC, "e1000e")
