"""What is written to terminals of different kinds, and the mouse."""

from __future__ import annotations

import re

import pytest

from tests.support.terminal import Terminal
from tests.tty.conftest import OpenProgram

HOST = "test:///default"
"""libvirt's test driver: it begins with one guest, "test", which runs."""

_SGR = re.compile(rb"\x1b\[([0-9;:]*)m")
_RGB = re.compile(r"[34]8;2;(\d+);(\d+);(\d+)")
_PALETTE = re.compile(r"(?:^|;)(?:(?:3|4|9|10)[0-7]|[34]8;5;\d+)(?=;|$)")


def renditions(output: bytes) -> list[str]:
    """The parameters of every "select graphic rendition" in it."""
    return [match.decode() for match in _SGR.findall(output)]


def has_hue(rendition: str) -> bool:
    """It sets a colour of the palette, whose hue is the terminal's, or one that is no grey."""
    greys = all(len(set(rgb.groups())) == 1 for rgb in _RGB.finditer(rendition))
    return not greys or _PALETTE.search(_RGB.sub("", rendition)) is not None


def look_round(terminal: Terminal) -> bytes:
    """Everything that is drawn in a style of its own: the places, a guest, dialogs, a notice.

    Returns all that was written.
    """
    output = bytearray()
    seen = 0

    def step(key: str, text: str) -> None:
        nonlocal seen
        terminal.keys(key)
        terminal.wait_text(text)
        new = terminal.received - seen
        assert new <= len(terminal.raw), "more arrived than was kept to look at"
        output.extend(terminal.raw[len(terminal.raw) - new :])
        seen += new

    step("", "running  test")
    step("?", "Keys: guests")
    step("\x1b", "1 guests")
    terminal.wait_gone("Keys: guests")
    step("x", "without warning")
    step("n", "1 guests")
    terminal.wait_gone("without warning")
    step("\r", "persistent")
    step("2", "throughput")
    step("3", "guests may be")
    step("r", "every host is up")
    step(":", "a command, or")
    return bytes(output)


def test_no_color_sets_no_hue(program: OpenProgram) -> None:
    found = renditions(look_round(program("-c", HOST, env={"NO_COLOR": "1"})))
    assert found
    assert [rendition for rendition in found if has_hue(rendition)] == []
    coloured = renditions(look_round(program("-c", HOST)))
    assert any(has_hue(rendition) for rendition in coloured)


def test_the_linux_console_gets_ascii_only(program: OpenProgram) -> None:
    terminal = program("-c", HOST, env={"TERM": "linux", "COLORTERM": None})
    assert look_round(terminal).isascii()


@pytest.mark.parametrize("announced", ["", "truecolor"])
def test_true_colour_only_where_it_is_announced(program: OpenProgram, announced: str) -> None:
    found = renditions(look_round(program("-c", HOST, env={"COLORTERM": announced or None})))
    assert any(re.search(r"[34]8;2;", rendition) for rendition in found) == bool(announced)
    assert any(re.search(r"[34]8;5;", rendition) for rendition in found) != bool(announced)


def test_the_mouse(program: OpenProgram) -> None:
    """A row, a key of the footer, and the names of the places."""
    terminal = program("-c", HOST, "-c", "test:///default?second")

    def click(text: str) -> None:
        # A picture arrives in several reads.
        terminal.wait_text(text)
        place = terminal.find(text)
        assert place is not None, terminal.text
        terminal.click(*place)

    terminal.wait_text("guests 2/2")

    def rows_of_guests() -> list[int]:
        return [row for row, line in enumerate(terminal.lines) if " test " in line and "◆2" in line]

    terminal.wait(lambda t: len(rows_of_guests()) == 2, "both guests")
    rows = rows_of_guests()

    def under_cursor(row: int) -> bool:
        buffer = terminal.screen.buffer
        other = rows[0] if row == rows[1] else rows[1]
        return buffer[row][8].bg != buffer[0][70].bg and buffer[row][8].bg != buffer[other][8].bg

    terminal.wait(lambda t: under_cursor(rows[0]), "the cursor on the first row")
    terminal.click(rows[1], 10)
    terminal.wait(lambda t: under_cursor(rows[1]), "the cursor on the row that was clicked")
    click("? help")
    terminal.wait_text("Keys: guests")
    terminal.keys("\x1b")
    terminal.wait_gone("Keys: guests")
    click("3 hosts")
    terminal.wait_text("guests may be")
    # Clicking aims by what is on the screen: it has to be all there.
    terminal.wait(lambda t: "/ filter" not in t.line(-1), "the keys of the hosts")
    click("2 compare")
    terminal.wait_text("throughput")
    click("1 guests")
    terminal.wait(lambda t: rows_of_guests() == rows and "/ filter" in t.line(-1), "the guests")
    click("q quit")
    assert terminal.wait_end() == 0
