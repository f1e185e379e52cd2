"""Looking at a guest: its serial consoles and its displays."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from tuivm.model.hosts import Problem


class SerialPort(NamedTuple):
    """A serial port or console of a guest.

    device: what libvirt calls it ("serial0"), "" for the first one. model: of the device
    ("isa-serial", "virtconsole"). refusal: why it cannot be opened, "" if it can.
    """

    device: str
    model: str
    refusal: str = ""


class Display(NamedTuple):
    """kind: "vnc", "spice", … address: "127.0.0.1:5901", or the path of a socket; "" while the
    guest is off and the host chooses it at the start."""

    kind: str
    address: str = ""


class Views(NamedTuple):
    """Ways to look at a guest, the first serial port being the one to take."""

    ports: tuple[SerialPort, ...] = ()
    displays: tuple[Display, ...] = ()


class ConsoleSinks(NamedTuple):
    """Where a console delivers. Both are called on the host's threads and must not block.

    ended: once, with the reason in words; "" where the guest or the host closed it in good order.
    """

    got: Callable[[bytes], None]
    ended: Callable[[str], None]


class ConsoleLine(Protocol):
    """A console that is open."""

    def send(self, data: bytes) -> bool:
        """Type something. Comes back at once; False when so much waits that it was not taken."""

    def close(self) -> None:
        """Let go of it. Comes back at once; nothing is delivered any more."""


class ConsoleAnswer(NamedTuple):
    """line: None when it could not be opened. taken: perhaps because somebody else has it."""

    line: ConsoleLine | None = None
    problem: Problem | None = None
    taken: bool = False
