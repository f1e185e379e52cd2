"""A terminal lent to a console: a played console at one end, a pty at the other."""

from __future__ import annotations

import os
import pty
import select
import termios
import threading
from collections.abc import Iterator

import pytest

from tuivm.terminal import Ended, TerminalLoan

ASKED = b"\x1b[6n"
ANSWER = b"\x1b[5;1R"
DEADLINE = 20.0


class Play:
    """The person's end of a pty, and a console that remembers what it was sent."""

    def __init__(self, *, linux: bool = False, answers: bool = True) -> None:
        self.person, self.terminal = pty.openpty()
        self.loan = TerminalLoan(self.terminal, self.terminal, linux=linux)
        self.sent = bytearray()
        self.takes = True
        self.shown = bytearray()
        self.result: list[Ended] = []
        self._answers = answers
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        self.result.append(self.loan.run("Hello", self._send))

    def _send(self, data: bytes) -> bool:
        if self.takes:
            self.sent += data
        return self.takes

    def start(self) -> None:
        self._thread.start()
        self.see(b"Hello")

    def see(self, words: bytes) -> None:
        """Read what the terminal shows until the words are there, answering what it asks."""
        while words not in self.shown:
            self._read()

    def _read(self) -> bool:
        if not select.select([self.person], [], [], DEADLINE)[0]:
            raise AssertionError(f"nothing comes any more: {bytes(self.shown[-200:])!r}")
        data = os.read(self.person, 65536)
        self.shown += data
        if self._answers and ASKED in data:
            os.write(self.person, ANSWER)
        return bool(data)

    def type(self, data: bytes) -> None:
        os.write(self.person, data)

    def until_sent(self, data: bytes) -> None:
        done = threading.Event()
        for _ in range(2000):
            if bytes(self.sent) == data:
                return
            done.wait(0.01)
        raise AssertionError(bytes(self.sent))

    def end(self) -> Ended:
        """Read on until it is over: its last words ask the terminal something too."""
        while self._thread.is_alive():
            if select.select([self.person], [], [], 0.05)[0]:
                self._read()
            self._thread.join(0.01)
        while select.select([self.person], [], [], 0)[0]:
            self._read()
        return self.result[0]

    @property
    def cooked(self) -> bool:
        flags = termios.tcgetattr(self.terminal)[3]
        return bool(flags & termios.ECHO and flags & termios.ICANON and flags & termios.ISIG)

    def close(self) -> None:
        self.loan.stop()
        self._thread.join(DEADLINE)
        self.loan.close()
        for fd in (self.person, self.terminal):
            os.close(fd)


@pytest.fixture
def play() -> Iterator[Play]:
    made = Play()
    yield made
    made.close()


def test_keys_there_and_output_here(play: Play) -> None:
    play.start()
    play.loan.got(b"login: \xff\x00")
    play.see(b"login: \xff\x00")
    assert not play.cooked, "keys go over one by one, and unechoed"
    play.type(b"root\r\x03\x1a\x1b[A")
    play.until_sent(b"root\r\x03\x1a\x1b[A")
    play.type(b"bye\x1d")
    assert play.end() == Ended(left=True)
    assert bytes(play.sent).endswith(b"bye"), "what was typed before it arrives, the key does not"
    assert play.cooked


@pytest.mark.parametrize("key", [b"\x1d", b"\x1b[93;5u", b"\x1b[93;5:1u", b"\x1b[27;5;93~"])
def test_the_key_however_the_terminal_sends_it(play: Play, key: bytes) -> None:
    play.start()
    play.type(key + b"for nobody")
    assert play.end() == Ended(left=True)
    assert not play.sent


def test_answers_to_what_was_asked_before_are_not_for_the_guest() -> None:
    play = Play(answers=False)
    play._thread.start()
    play.see(ASKED)
    play.type(b"typed \x1b[?2026;2$y" + ANSWER + b"early")
    play.until_sent(b"typed early")
    play.close()


def test_a_terminal_that_never_answers(play: Play) -> None:
    play._answers = False
    play.start()
    play.type(b"x")
    play.until_sent(b"x")
    play.type(b"\x1d")
    assert play.end().left


def test_all_output_is_shown_before_the_end_is_told(play: Play) -> None:
    play.start()
    play.loan.got(b"x" * 100_000 + b"last words")
    play.loan.ended("the guest is gone")
    play.see(b"last words")
    assert play.end() == Ended(left=False, why="the guest is gone")


def test_an_end_that_came_before_the_beginning(play: Play) -> None:
    play.loan.got(b"early")
    play.loan.ended("")
    play._thread.start()
    assert play.end() == Ended(left=False)
    assert b"early" in play.shown


def test_the_first_end_counts(play: Play) -> None:
    play.loan.ended("lost")
    play.loan.stop()
    play._thread.start()
    assert play.end().why == "lost"


@pytest.mark.parametrize(
    "undone",
    [
        *(b"\x1b[?%dl" % mode for mode in (1, 5, 6, 1000, 1003, 1006, 2004, 2026)),
        *(b"\x1b[?7h", b"\x1b[?25h", b"\x1b[0m", b"\x1b(B", b"\x0f", b"\x1b[r", b"\x1b[4l"),
        *(b"\x18", b"\x1b\\", b"\x1b[<99u", b"\x1b]104"),
    ],
)
def test_the_terminal_is_put_in_order(play: Play, undone: bytes) -> None:
    play.start()
    play.loan.got(b"\x1b]2;never ended")
    play.see(b"never ended")
    play.type(b"\x1d")
    play.end()
    after = bytes(play.shown).partition(b"never ended")[2]
    assert undone in after
    assert after.startswith(b"\x18\x1b\\"), "an unfinished string would swallow the rest"


@pytest.mark.parametrize("pieces", [[b"\x1b[?1049h"], [b"a\x1b[?10", b"49hb"], [b"\x1b[?1;47h"]])
def test_the_alternate_screen_is_left_only_where_it_was_entered(
    play: Play, pieces: list[bytes]
) -> None:
    play.start()
    for piece in pieces:
        play.loan.got(piece)
    play.see(pieces[-1])
    play.type(b"\x1d")
    play.end()
    assert b"\x1b[?1049l" in play.shown


def test_or_not(play: Play) -> None:
    play.start()
    play.loan.got(b"1049h plainly")
    play.see(b"plainly")
    play.type(b"\x1d")
    play.end()
    assert b"\x1b[?1049l" not in play.shown


def test_a_guest_that_takes_no_more_rings_the_bell(play: Play) -> None:
    play.start()
    play.takes = False
    play.type(b"lost")
    play.see(b"\x07")


def test_a_terminal_that_is_too_slow_is_told_what_it_missed(play: Play) -> None:
    """Nobody reads at this end while the guest floods it: memory does not grow with it."""
    play.start()
    for _ in range(40):
        play.loan.got(b"y" * 65536)
    play.see(b"of output left out: slow terminal")
    assert play.loan._waiting <= 1 << 20
    play.type(b"\x1d")
    assert play.end().left, "the key works all the time"
    assert len(play.shown) < 40 * 65536


def test_a_terminal_that_is_gone_ends_it() -> None:
    play = Play()
    play.start()
    os.close(play.person)
    play._thread.join(DEADLINE)
    assert play.result
    assert play.result[0].why == "the terminal is gone"
    play.loan.close()
    os.close(play.terminal)


def test_nothing_that_comes_late_does_harm(play: Play) -> None:
    play.start()
    play.type(b"\x1d")
    play.end()
    play.loan.close()
    play.loan.got(b"late")
    play.loan.ended("late")
    play.loan.restore()
    play.loan.close()
