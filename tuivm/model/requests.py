"""What can be asked of a guest, and what comes back. Each request is one frozen value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from tuivm.model.hosts import Problem

if TYPE_CHECKING:
    from tuivm.model.deletion import DeletionOrder
    from tuivm.model.spec import Passed


class ShutdownMode(StrEnum):
    """How the guest is asked to stop."""

    DEFAULT = "default"
    """libvirt chooses: the agent where one answers, else ACPI."""
    ACPI = "acpi"
    AGENT = "agent"


# Each class that `dataclass` makes costs the start of the program time: requests that hold
# something of their own are named tuples, those that hold the same share a class. Requests of two
# kinds are never equal.


@dataclass(frozen=True, slots=True)
class _Bare:
    """A request that needs no more than a guest."""


@dataclass(frozen=True, slots=True)
class _Asking:
    """A request that the guest is asked to fulfil."""

    mode: ShutdownMode = ShutdownMode.DEFAULT


class Start(NamedTuple):
    """Start, or restore from the managed save where there is one (unless it is discarded)."""

    paused: bool = False
    discard_saved: bool = False


class Shutdown(_Asking):
    """Ask the guest to shut down; it may refuse."""

    __slots__ = ()


class Reboot(_Asking):
    """Ask the guest to reboot; it may refuse."""

    __slots__ = ()


class Reset(_Bare):
    """The reset button: no warning to the guest."""

    __slots__ = ()


class ForceOff(_Bare):
    """Pull the plug."""

    __slots__ = ()


class Suspend(_Bare):
    """Stop its vCPUs; it stays in memory."""

    __slots__ = ()


class Resume(_Bare):
    """Let the vCPUs go on; wakes a guest that put itself to sleep (S3) too."""

    __slots__ = ()


class Save(_Bare):
    """Write memory to disk and stop (managed save); the next start restores it."""

    __slots__ = ()


class DiscardSave(_Bare):
    """Throw the managed save away; the next start boots afresh."""

    __slots__ = ()


class SetAutostart(NamedTuple):
    """Whether the guest starts with its host."""

    on: bool


class Rename(NamedTuple):
    """Give the guest another name."""

    name: str


class Delete(NamedTuple):
    """Remove the guest, with what was ordered."""

    order: DeletionOrder


class Redefine(NamedTuple):
    """Give the guest another definition, which takes effect at its next start.

    was: the one that the new one was made from (inactive, secrets included): refused when it has
    changed meanwhile.
    """

    xml: str
    was: str


class When(StrEnum):
    """What of a guest is changed."""

    NOW = "now"
    """The running guest alone: gone when it stops."""
    NEXT_BOOT = "at the next boot"
    """Its definition alone."""
    BOTH = "now and at each boot"


class AttachDevices(NamedTuple):
    """Give the guest devices of its host's: all of them or none.

    accepted: ids of the warnings that the person has seen. overridden: addresses of devices that
    the person typed, so as to give away what the host would miss. The verdicts are drawn anew just
    before: refused when they say more than was accepted. hide_hypervisor, vendor_id: for drivers
    of GPUs; they change the definition alone.
    """

    devices: tuple[Passed, ...]
    when: When = When.BOTH
    accepted: frozenset[str] = frozenset()
    overridden: frozenset[str] = frozenset()
    hide_hypervisor: bool = False
    vendor_id: str = ""


class DetachDevices(NamedTuple):
    """Take devices of its host's from the guest; a running one is asked to let go, and this waits
    until it has, or says that it does not."""

    devices: tuple[Passed, ...]
    when: When = When.BOTH


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
    | Redefine
    | AttachDevices
    | DetachDevices
)


class Step(NamedTuple):
    """One thing that an action did, or tried: "undefined web-1", "deleted /…/web-1.qcow2"."""

    what: str
    done: bool = True
    reason: str = ""


class Outcome(NamedTuple):
    """How an action ended. problem is None when it was carried out whole."""

    problem: Problem | None = None
    steps: tuple[Step, ...] = ()

    @property
    def ok(self) -> bool:
        return self.problem is None
