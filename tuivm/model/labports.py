"""The one way from the user interface to the Lab. Nothing here blocks.

A future's exception is a `LabPortError`, whose text is for a person.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Protocol

from tuivm.model.lab import KeptRun, LabOffer, LabRequest, LabRun, Leftover, Plan, Progress


class LabPortError(Exception):
    """Something did not work; the text is a sentence or two for a person."""


class UnreachableError(LabPortError):
    """The host could not be reached."""


class RunPort(Protocol):
    """A run that goes on. All calls may come from any thread and return at once."""

    @property
    def host(self) -> str: ...

    @property
    def last(self) -> Progress: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def stop(self) -> None:
        """End it after what runs now; what was measured is kept, guests are removed."""


class LabPort(Protocol):
    """The Lab. host: name of a configured host (`HostSpec.name`)."""

    def offer(self, host: str) -> Future[LabOffer]: ...

    def plan(self, offer: LabOffer, request: LabRequest) -> Plan:
        """Computed at once. Raises LabPortError where nothing is left to measure."""

    def begin(self, offer: LabOffer, plan: Plan, sink: Callable[[Progress], None]) -> RunPort:
        """Start it on a thread of its own; the result is kept by itself at the end. sink is called
        on that thread."""

    @property
    def running(self) -> RunPort | None:
        """The run that goes on; there is one at a time."""

    def kept(self) -> Future[list[KeptRun]]:
        """All runs that were kept, newest first."""

    def load(self, name: str) -> Future[LabRun]: ...

    def remove(self, name: str) -> Future[None]: ...

    def export(self, run: LabRun, form: str, path: Path) -> Future[Path]:
        """form: "json", "md" or "svg". Refuses to replace a file."""

    def export_pair(self, first: LabRun, second: LabRun, path: Path) -> Future[Path]:
        """Both beside each other, as Markdown. Refuses to replace a file."""

    def adopt(self, path: Path) -> Future[LabRun]:
        """Keep what was exported as JSON, here or on another host; the run as it is kept."""

    def leftovers(self, host: str) -> Future[tuple[Leftover, ...]]: ...

    def clean(self, leftovers: tuple[Leftover, ...]) -> Future[None]: ...

    def close(self) -> None:
        """The program ends: stop the run and remove what it made, within a few seconds."""
