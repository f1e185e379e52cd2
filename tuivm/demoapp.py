"""The app as `tuivm demo` opens it: on the comparison of its guests, with the tour one key away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Input

from tuivm.app import TuivmApp
from tuivm.commands.base import CommandType
from tuivm.model.guests import GuestKey

TOUR = "program.tour"
TOUR_KEY = "g"


class DemoApp(TuivmApp):
    """See `tuivm.demo`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # Lists take the key too (first row), and are asked first.
        Binding(TOUR_KEY, "demo_tour", "Guided tour", show=False, priority=True),
    ]

    def __init__(self, guests: Sequence[GuestKey], /, *hosts: Any, **settings: Any) -> None:
        """guests: what it compares, as soon as it knows them. The rest as `TuivmApp` takes it."""
        super().__init__(*hosts, **settings)
        self._guests = guests
        self._compared = False

    @property
    def owns_guests(self) -> bool:
        return True

    def keys_of(self, command_id: str) -> tuple[str, ...]:
        keys = super().keys_of(command_id)
        return (TOUR_KEY, *keys) if command_id == TOUR else keys

    def footer_rank(self, command: CommandType) -> int:
        return 1 if command.id == TOUR else super().footer_rank(command)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "demo_tour":
            return not isinstance(self.screen, ModalScreen) and not isinstance(self.focused, Input)
        return super().check_action(action, parameters)

    def action_demo_tour(self) -> None:
        self.perform(TOUR)

    def paint_now(self) -> None:
        if not self._compared and self._known():
            self._compared = True
            self.compare(self._guests)
            self.say(f"{TOUR_KEY}: a guided tour of what is on the screen")
        super().paint_now()

    def _known(self) -> bool:
        """Their devices are, so that there is something to compare."""
        views = [self.store.guest(key) for key in self._guests]
        return bool(views) and all(
            view is not None and view.guest.details is not None for view in views
        )
