"""What can be asked of a guest, and what comes back. Each request is one frozen value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tuivm.model.deletion import DeletionOrder
from tuivm.model.hosts import Problem


class ShutdownMode(StrEnum):
    """How the guest is asked to stop."""

    DEFAULT = "default"
    """libvirt chooses: the agent where one answers, else ACPI."""
    ACPI = "acpi"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class Start:
    """Start, or restore from the managed save where there is one (unless it is discarded)."""

    paused: bool = False
    discard_saved: bool = False


@dataclass(frozen=True, slots=True)
class Shutdown:
    mode: ShutdownMode = ShutdownMode.DEFAULT


@dataclass(frozen=True, slots=True)
class Reboot:
    mode: ShutdownMode = ShutdownMode.DEFAULT


@dataclass(frozen=True, slots=True)
class Reset:
    """The reset button: no warning to the guest."""


@dataclass(frozen=True, slots=True)
class ForceOff:
    """Pull the plug."""


@dataclass(frozen=True, slots=True)
class Suspend:
    """Stop its vCPUs; it stays in memory."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Let the vCPUs go on; wakes a guest that put itself to sleep (S3) too."""


@dataclass(frozen=True, slots=True)
class Save:
    """Write memory to disk and stop (managed save); the next start restores it."""


@dataclass(frozen=True, slots=True)
class DiscardSave:
    """Throw the managed save away; the next start boots afresh."""


@dataclass(frozen=True, slots=True)
class SetAutostart:
    on: bool


@dataclass(frozen=True, slots=True)
class Rename:
    name: str


@dataclass(frozen=True, slots=True)
class Delete:
    order: DeletionOrder


Request = (
    Start
    | Shutdown
    | Reboot
    | Reset
    | ForceOff
    | Suspend
    | Resume
    | Save
    | DiscardSave
    | SetAutostart
    | Rename
    | Delete
)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that an action did, or tried: "undefined web-1", "deleted /…/web-1.qcow2"."""

    what: str
    done: bool = True
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an action ended. problem is None when it was carried out whole."""

    problem: Problem | None = None
    steps: tuple[Step, ...] = ()

    @property
    def ok(self) -> bool:
        return self.problem is None
