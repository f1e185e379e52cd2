"""What a person says to a run that goes on: pause, go on, stop. Thread-safe."""

from __future__ import annotations

import threading

from tuivm.lab.ports import LabStoppedError


class Control:
    """All calls return at once, except `rest`."""

    def __init__(self) -> None:
        self._change = threading.Condition()
        self._paused = False
        self._stopping = False

    @property
    def paused(self) -> bool:
        return self._paused

    @property
    def stopping(self) -> bool:
        return self._stopping

    def pause(self) -> None:
        """Rest after the trial that runs now."""
        self._set(paused=True)

    def resume(self) -> None:
        self._set(paused=False)

    def stop(self) -> None:
        """End the run; also one that is paused. Cannot be undone."""
        self._set(paused=False, stopping=True)

    def check(self) -> None:
        """Raises LabStoppedError once the person has stopped the run."""
        if self._stopping:
            raise LabStoppedError

    def rest(self, seconds: float) -> bool:
        """Wait while paused, `seconds` at most; True when it is time to go on."""
        with self._change:
            return self._change.wait_for(lambda: not self._paused, seconds)

    def _set(self, *, paused: bool, stopping: bool = False) -> None:
        with self._change:
            self._paused = paused
            self._stopping = self._stopping or stopping
            self._change.notify_all()
