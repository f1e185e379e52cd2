"""Dialogs about a device of a host's: what they speak of may change or vanish while they are open,
so it is looked at again as soon as the host tells that something is different."""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar, NamedTuple, Protocol, TypeVar

from textual.binding import Binding, BindingType
from textual.widgets import Button

from tuivm.domainxml.target import Target
from tuivm.model.hosts import Problem
from tuivm.model.offers import HostDevice, HostOffer
from tuivm.model.spec import Passed
from tuivm.model.store import GuestView
from tuivm.screens.dialogs.base import Dialog

T = TypeVar("T")
BEAT = 0.5
"""Seconds between two looks at whether something has changed."""
RETRY = 5.0
"""Seconds after which a host that could not tell is asked again, though nothing has changed."""


class Side(NamedTuple):
    """What a guest has of its host's devices, as it runs or as it is defined; managed: those that
    libvirt gives back to the host's driver by itself."""

    passed: tuple[Passed, ...] = ()
    managed: frozenset[Passed] = frozenset()


class Seen(NamedTuple):
    """target: what matters of the guest; None where there is no guest in question. live: None for
    one that is off; defined: None for a transient one. problem: why there is less than was asked
    for."""

    offer: HostOffer | None = None
    target: Target | None = None
    live: Side | None = None
    defined: Side | None = None
    problem: Problem | None = None


class Scene(Protocol):
    """What a dialog can see of the world. Nothing here blocks."""

    @property
    def uri(self) -> str: ...

    def guest(self) -> GuestView | None:
        """As it is now; None where it is gone, or where none is in question."""

    def refusal(self) -> str:
        """Why nothing can be done now: the host does not answer, the guest is gone."""

    def stamp(self) -> Hashable:
        """Another value as soon as what was seen may be no longer so."""

    async def look(self) -> Seen:
        """Ask the host anew."""


class Watching(Dialog[T]):
    """Subclasses give `stand`: show what is `seen`, which is None until the host has answered.

    Those that show the same as a command have it in `command`, from where it can be copied."""

    note_rows = 1
    command = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        # Where something is typed, a letter is a letter.
        Binding("y,ctrl+y", "copy", "Copy the command", show=False),
    ]

    def __init__(self, scene: Scene) -> None:
        super().__init__()
        self.scene = scene
        self.seen: Seen | None = None
        self._stamp: Hashable = None
        self._looking = False

    def on_mount(self) -> None:
        self.set_interval(BEAT, self._beat)
        self._beat()

    def stand(self) -> None:
        raise NotImplementedError

    def device_now(self, device: HostDevice) -> HostDevice | None:
        """As the host has it now; None where it is gone, or nothing was heard yet."""
        offer = self.seen.offer if self.seen else None
        return next((one for one in offer.devices if same(one, device)), None) if offer else None

    def trouble(self) -> str:
        """Why nothing can be done now that is no finding, "" when it can."""
        if refusal := self.scene.refusal():
            return refusal
        if self.seen is None:
            return "Not yet: the host is being asked."
        if self.seen.problem is not None:
            problem = self.seen.problem
            return f"{problem.what}: {problem.reason}" if problem.reason else problem.what
        return ""

    def off(self, button_id: str, words: str) -> None:
        """Say what is missing, and have the button say it too; "" for nothing."""
        self.note(words)
        which = self.query_one(f"#{button_id}", Button)
        if words and self.focused is which:
            # A button that goes grey hands the focus to the one beside it, which nobody asked for.
            self.set_focus(None)
        which.disabled = bool(words)

    def _beat(self) -> None:
        stamp = self.scene.stamp()
        if stamp != self._stamp and not self._looking:
            self._stamp, self._looking = stamp, True
            self.run_worker(self._look())
        self.stand()

    async def _look(self) -> None:
        try:
            self.seen = await self.scene.look()
        finally:
            self._looking = False
        if self.is_attached:
            if self.seen.problem is not None:
                self.set_timer(RETRY, self._look_again)
            self.stand()

    def _look_again(self) -> None:
        """With the next beat."""
        self._stamp = None

    def action_copy(self) -> None:
        """Hand the command to the terminal's clipboard (OSC 52)."""
        if self.command:
            self.app.copy_to_clipboard(self.command)
            self.notify("The command was handed to the terminal's clipboard.", markup=False)


def same(one: HostDevice, other: HostDevice) -> bool:
    """The same device at two moments. A USB device that was plugged out and in is another one for
    libvirt, and the same one for a person."""
    return one.kind == other.kind and one.address == other.address and one.ids == other.ids
