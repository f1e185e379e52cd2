"""The Lab as the program has it: made when it is first wanted, closed when the program ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from tuivm.model.hosts import HostSpec

if TYPE_CHECKING:
    # Whatever is of the Lab is imported when the Lab is gone to, not at the program's start.
    from tuivm.model.labports import LabPort

    LabMaker = Callable[[tuple[HostSpec, ...]], LabPort]


def laboratory(specs: tuple[HostSpec, ...]) -> LabPort:
    """The real one."""
    from tuivm.laboratory import Laboratory  # noqa: PLC0415 - when the Lab is first gone to

    return Laboratory(specs)


class LabDesk:
    """Holds the one Lab; made anew for other hosts as long as nothing runs."""

    def __init__(self, maker: LabMaker = laboratory) -> None:
        self._maker = maker
        self._port: LabPort | None = None
        self._specs: tuple[HostSpec, ...] = ()
        self._closing: threading.Thread | None = None

    def port(self, specs: Iterable[HostSpec]) -> LabPort:
        wanted = tuple(specs)
        if self._port is None or (wanted != self._specs and self._port.running is None):
            self._port, self._specs = self._maker(wanted), wanted
        return self._port

    @property
    def done(self) -> float | None:
        """How far the run is that goes on, 0 to 1; None when none does."""
        running = self._port.running if self._port is not None else None
        return None if running is None else running.last.done

    def close(self) -> None:
        """Begin to end it: what runs is stopped and what it made removed. Does not wait."""
        if self._port is not None and self._closing is None:
            self._closing = threading.Thread(target=self._port.close, name="lab-close", daemon=True)
            self._closing.start()

    def wait(self, seconds: float) -> bool:
        """Wait for what `close` began; False when it is still under way after so many seconds."""
        if self._closing is not None:
            self._closing.join(seconds)
            return not self._closing.is_alive()
        return True
