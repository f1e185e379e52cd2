"""Whether a KVM guest that says nothing is slow, or gets nowhere.

/dev/kvm can exist and be of no use: on some hosts that are guests themselves nothing comes of it
but CPU time. A host whose exits are dear takes a minute over the same boot, and burns as much. What
tells them apart is what the guest makes KVM do.
"""

from __future__ import annotations

from tuivm.lab.ports import LabError, LabGuest
from tuivm.model.samples import ThreadRole

STALLED = 20.0
"""Seconds in which a guest that gets somewhere says hello or does something that KVM counts."""
BURNT = 0.5
"""Share of them that its vCPU has spent when it does run, but nowhere."""
LOOK = 2.0
"""Seconds between two looks: each is a call to the host."""
_MOVES = ("io_exits", "mmio_exits", "halt_exits", "irq_injections")
"""What a booting guest causes all the time (KVM's names). Other exits are the host's own: a guest
in an endless loop has one at each tick of the host's timer."""
_FEW = 5
"""Moves between two looks that are no sign of life: a timer left on."""
_SLOW = 1.5
"""How much longer all takes on a host that is itself a guest: every exit is dear there."""
_EMULATED = "insn_emulation"
_MUCH = 200_000
_EACH = 20
"""Instructions emulated at all, and for each exit, past which KVM runs no code of the guest. One
that it runs has fewer of them than exits; a guest's firmware may have more for a moment."""


def patience(guests: int, cpus: int | None, *, virtualized: bool | None) -> float:
    """How many times as long as elsewhere so many guests may take that boot side by side."""
    return max(1.0, guests / max(1, cpus or 1)) * (_SLOW if virtualized else 1.0)


class Watch:
    """Of one guest that has been started and has said nothing yet."""

    def __init__(self, guest: LabGuest, now: float, patience: float = 1.0) -> None:
        """now: monotonic s. patience: how many times as long as elsewhere it may take."""
        self._guest = guest
        self._stalled = STALLED * patience
        self._next = now
        self._since = now
        self._used = 0.0
        self._moves = 0

    def verdict(self, now: float) -> str:
        """Why nothing will come of it; "" while something may."""
        if now < self._next:
            return ""
        self._next = now + LOOK
        try:
            usage = self._guest.usage()
        except LabError:
            # A guest that hangs may hang its monitor too; what it does is then not known.
            return ""
        exits = usage.exits
        emulated, all_exits = exits.get(_EMULATED, 0), exits.get("exits", 0)
        if emulated > max(_MUCH, _EACH * all_exits):
            return (
                f"it does not run the guest's code but emulates it, {emulated} instructions at "
                f"{all_exits} exits"
            )
        used = usage.threads.get(ThreadRole.VCPU.value, 0) / 1e9
        moves = sum(exits.get(name, 0) for name in _MOVES)
        moved, self._moves = moves - self._moves, moves
        if moved > _FEW:
            self._since, self._used = now, used
        still = now - self._since
        if still > self._stalled and used - self._used > BURNT * still:
            return (
                f"the vCPU used {used - self._used:.0f} s of CPU time in {still:.0f} s, and the "
                "guest did and said nothing"
            )
        return ""
