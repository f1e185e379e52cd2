"""A shell on the serial console of an appliance (`load=shell`), over libvirt's stream."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from tests.support.rig import RigError, wait_until
from tuivm.hypervisor.connect import Asker, Link, open_link
from tuivm.hypervisor.console import Console, open_console
from tuivm.model.consoles import ConsoleSinks

_TYPED = 4
"""Times that a line is typed until the shell takes it."""
BOOT = 120
"""Seconds that a boot may take on a machine that is busy with other tests."""


class Shell:
    """What a guest says and is told on its console. A context manager: its end closes it.

    patience: seconds for its boot, and for each answer.
    """

    def __init__(self, uri: str, uuid: str, *, force: bool = False, patience: float = BOOT) -> None:
        self._patience = patience
        self._lock = threading.Lock()
        self._heard = bytearray()
        self.ended: list[str] = []
        self.link: Link | None = None
        self._runs = 0

        def opener(on_close: Callable[[], None]) -> Link:
            asker = Asker("rig", lambda request: request.answer(None))
            self.link = open_link(uri, readonly=False, asker=asker, on_close=on_close)
            return self.link

        sinks = ConsoleSinks(self._got, self.ended.append)
        self.console: Console = open_console(opener, uuid, "", sinks, force=force)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.console.close()

    def _got(self, data: bytes) -> None:
        with self._lock:
            self._heard += data

    @property
    def heard(self) -> str:
        with self._lock:
            return self._heard.decode(errors="replace")

    def wait(self, words: str, seconds: float = BOOT) -> None:
        wait_until(lambda: words in self.heard, seconds, f"{words!r} in {self.heard[-500:]!r}")

    def ready(self) -> None:
        """Wait until the shell answers: what is typed before it listens is lost."""
        for _ in range(int(self._patience)):
            self.console.send(b"echo an''swers\n")
            try:
                self.wait("\nanswers", 1)
            except RigError:
                continue
            return
        raise RigError(f"the shell does not answer: {self.heard[-500:]!r}")

    def run(self, command: str) -> str:
        """Output of a command, without the echo of it."""
        for _ in range(_TYPED):
            self._runs += 1
            run = self._runs
            # The quotes keep the echo of what is typed from looking like the answer.
            self.console.send(f"echo BE''GIN{run}; {command}; echo E''ND{run}\n".encode())
            try:
                self._found(
                    f"BEGIN{run}\n", self._patience / _TYPED, f"the shell to take {command}"
                )
            except RigError:
                # Its 8250 loses characters under load; the shell waits for the rest of the line.
                self.console.send(b"\x03")
                continue
            answer = f"BEGIN{run}\n(.*?)END{run}\n"
            return self._found(answer, self._patience, f"the output of {command}").strip()
        raise RigError(f"the shell does not take {command}: {self.heard[-500:]!r}")

    def _found(self, pattern: str, seconds: float, what: str) -> str:
        """The last group of the first match in what was heard."""
        words = re.compile(pattern, re.DOTALL)
        found = wait_until(lambda: words.search(self.heard.replace("\r", "")), seconds, what)
        return str(found[found.re.groups])
