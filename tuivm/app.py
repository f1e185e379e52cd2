"""The Textual app: places, themes, keys and the wiring. No libvirt, no rules."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.message import Message
from textual.screen import ModalScreen, Screen
from textual.scrollbar import ScrollBar, ScrollBarRender

from tuivm import config as configuration
from tuivm._compat import paint_changed_spans_only, waiting_writes, write_control
from tuivm.commands import BY_ID, COMMANDS
from tuivm.commands.base import Command, remapped
from tuivm.config import Config, Loaded
from tuivm.fleet import Fleet
from tuivm.flow import QUESTION, Flow
from tuivm.labdesk import LabDesk, laboratory
from tuivm.model.guests import GuestKey
from tuivm.model.hosts import HostSpec
from tuivm.model.ports import CredentialRequest, HostMaker
from tuivm.options import Options
from tuivm.owndialogs import OwnDialogs
from tuivm.patience import Patience
from tuivm.screens.guests import GuestsScreen
from tuivm.screens.palette import CommandHits
from tuivm.screens.place import PlaceScreen
from tuivm.targets import SLOW_INTERVAL
from tuivm.themes import DEFAULT_THEME, VARIABLE_DEFAULTS, Themes, load_themes
from tuivm.widgets.scrollbars import PlainScrollBar

if TYPE_CHECKING:
    from tuivm.labdesk import LabMaker
    from tuivm.model.labports import LabPort


def _compare() -> Screen[None]:
    from tuivm.screens.compare import CompareScreen  # noqa: PLC0415 - when it is first gone to

    return CompareScreen()


def _hosts() -> Screen[None]:
    from tuivm.screens.hosts import HostsScreen  # noqa: PLC0415 - when it is first gone to

    return HostsScreen()


def _lab() -> Screen[None]:
    from tuivm.screens.lab import LabScreen  # noqa: PLC0415 - when it is first gone to

    return LabScreen()


CONSOLE = "guest.console"
"""The command that opens a guest's console."""
HEARTBEAT = 1.0
"""Seconds between two repaints of what changes with time alone (countdowns, ages)."""
SETTLE = 0.05
"""Seconds to wait for the snapshots of other hosts, so that one repaint serves them all."""
SPACING = 0.45
"""Least seconds between two repaints, however many hosts deliver."""


class TuivmApp(OwnDialogs):
    """maker: makes the hosts. specs: those to open at once. clock, wall: for the tests.
    themes: those to choose from, None to read them here. laboratory: makes the Lab."""

    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {
        "compare": _compare,
        "hosts": _hosts,
        "lab": _lab,
    }
    DEFAULT_MODE = "guests"
    COMMANDS: ClassVar[set[Any]] = {CommandHits}
    ENABLE_COMMAND_PALETTE = False
    """Textual's own binding, which no remapping reaches and which works over dialogs too."""
    TITLE = "tuivm"
    CSS = """
    TimeChart > .timechart--series-1 { color: $series-1; }
    TimeChart > .timechart--series-2 { color: $series-2; }
    TimeChart > .timechart--series-3 { color: $series-3; }
    TimeChart > .timechart--series-4 { color: $series-4; }
    TimeChart > .timechart--series-5 { color: $series-5; }
    TimeChart > .timechart--series-6 { color: $series-6; }
    TimeChart > .timechart--paravirtual { color: $class-paravirtual; }
    TimeChart > .timechart--paravirtual-2 { color: $class-paravirtual 78%; }
    TimeChart > .timechart--paravirtual-3 { color: $class-paravirtual 58%; }
    TimeChart > .timechart--emulated { color: $class-emulated; }
    TimeChart > .timechart--emulated-2 { color: $class-emulated 78%; }
    TimeChart > .timechart--emulated-3 { color: $class-emulated 58%; }
    TimeChart > .timechart--physical { color: $class-physical; }
    TimeChart > .timechart--physical-2 { color: $class-physical 78%; }
    TimeChart > .timechart--physical-3 { color: $class-physical 58%; }
    .-ascii PlaceScreen #hosts { border-right: ascii $panel; }
    .-ascii Toast { border-left: ascii $primary; }
    .-ascii Toast.-error { border-left: ascii $error; }
    .-ascii CommandPalette #--input { border: ascii $primary; }
    .-ascii CommandPalette CommandList { border: none; }
    .-ascii CommandPalette SearchIcon { display: none; }
    """

    class Arrived(Message):
        """Snapshots wait in the fleet's mailbox."""

    class Asked(Message):
        """libvirt asks for credentials."""

        def __init__(self, request: CredentialRequest) -> None:
            super().__init__()
            self.request = request

    def __init__(
        self,
        maker: HostMaker,
        specs: Sequence[HostSpec],
        options: Options | None = None,
        loaded: Loaded | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        problems: Sequence[str] = (),
        themes: Themes | None = None,
        laboratory: LabMaker = laboratory,
    ) -> None:
        super().__init__(
            options or Options(),
            loaded or Loaded(Config(), configuration.default_path()),
            themes or load_themes(),
            clock=clock,
            wall=wall,
        )
        self._specs = tuple(specs)
        self.flow = Flow()
        self.lab_desk = LabDesk(laboratory)
        self.fleet = Fleet(maker, wake=self._wake, ask=self._ask_on_screen)
        self.patience = Patience(self, self.activities)
        self.startup_problems = [
            *problems,
            *self._loaded.problems,
            *self._themes.problems,
            *self._keys.problems,
        ]
        self._leaving = False
        self._painted = 0.0
        self._due: float | None = None
        for theme in self._themes.themes:
            self.register_theme(theme)
        self._begin_with_theme(self.options.theme or self.config.theme or DEFAULT_THEME)

    # start and end

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return VARIABLE_DEFAULTS

    def get_default_screen(self) -> Screen[Any]:
        """The first place. Were it among `MODES`, Textual would read each stylesheet three times
        before the first picture."""
        return GuestsScreen()

    def on_mount(self) -> None:
        self.add_mode("guests", GuestsScreen)
        paint_changed_spans_only()
        self.theme = self._first_theme
        self.set_class(self.ascii_only, "-ascii")
        ScrollBar.renderer = PlainScrollBar if self.ascii_only else ScrollBarRender
        self.set_keymap(remapped(COMMANDS, self.keys_of))
        for spec in self._specs:
            self.fleet.add(spec)
        self.set_interval(SLOW_INTERVAL if self.slow else HEARTBEAT, self._beat)
        # Back in the foreground the terminal is empty, and nothing but changes would be painted.
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))
        for problem in self.startup_problems:
            self.say(problem, bad=True)
        # What hosts said before there was a screen belongs on the first picture of it.
        if self.fleet.drain() and (place := self.place_in_front()) is not None:
            place.show_now()

    def _begin_with_theme(self, name: str) -> None:
        """Have the stylesheets read with this theme at once, where Textual's own start allows it.

        To change the theme of an app that runs has all stylesheets read again: a tenth of the
        time to the first picture.
        """
        theme = self.get_theme(name)
        if theme is None:
            known = ", ".join(theme.name for theme in self._themes.themes)
            self.startup_problems.append(f'there is no theme "{name}"; themes: {known}')
            name, theme = DEFAULT_THEME, self.get_theme(DEFAULT_THEME)
        self._first_theme = name
        # The rest of what a change of theme does is to choose filters by `dark` and `ansi`.
        if theme is not None and theme.dark and not theme.ansi:
            self.set_reactive(TuivmApp.theme, name)
            self.set_class(True, f"-theme-{name}", update=False)
            self.stylesheet.set_variables(self.get_css_variables())

    def on_unmount(self) -> None:
        self.lab_desk.close()
        self.fleet.close()

    # snapshots in, pictures out

    def _wake(self) -> None:
        self.post_message(self.Arrived())

    def _ask_on_screen(self, request: CredentialRequest) -> None:
        self.post_message(self.Asked(request))

    def on_tuivm_app_arrived(self) -> None:
        changes = self.fleet.drain()
        self.patience.notice_ends()
        now = self.now()
        at = max(now + SETTLE, self._painted + SPACING)
        if any(change.added for change in changes):
            # Guests that were not there before: a person may be waiting for them.
            at = now + SETTLE if self._painted else now
        if self._due is None or at < self._due:
            self._paint_at(at, now)

    def _paint_at(self, at: float, now: float) -> None:
        self._due = at
        if at > now:
            self.set_timer(at - now, self._paint_due)
        else:
            self.call_later(self._paint_due)

    def _paint_due(self) -> None:
        """Unless a timer that was set later, for an earlier time, has seen to it."""
        if self._due is not None:
            self.paint_now()

    def _beat(self) -> None:
        # While the program ends its timers still run, without any screen.
        asking = not self.screen_stack or isinstance(self.screen, ModalScreen)
        if not asking and (key := self.patience.next_overdue()):
            self.run_worker(self.patience.ask_about(key), group="patience")
        if self._due is None and self.now() - self._painted >= HEARTBEAT * 0.9:
            self.paint_now()

    def paint_now(self) -> None:
        """Show the store on the present place, unless the terminal still chews on the last one."""
        now = self.now()
        self._due = None
        # While the program ends, messages still come, and its places lose their parts one by one.
        if self.lent or self.return_code is not None:
            return
        if not self.flow.clear(waiting_writes(self), now):
            self._paint_at(now + SETTLE, now)
            return
        place = self.place_in_front()
        if place is None:
            return
        self._painted = now
        place.show_now()
        if self.flow.wants_to_ask():
            self.flow.asked(now)
            self.call_after_refresh(write_control, self, QUESTION)

    def on_cursor_position(self, event: events.CursorPosition) -> None:
        """The terminal answers: everything painted before the question has arrived."""
        del event
        self.flow.answered()

    # commands

    def run_command(self, command_id: str, place: PlaceScreen) -> None:
        """Carry a command out, or say why it is off."""
        if self._leaving:
            return
        command = BY_ID[command_id]()
        self.run_worker(self._carry_out(command, place), group=command_id, exit_on_error=True)

    async def _carry_out(self, command: Command, place: PlaceScreen) -> None:
        # Looked at here and not before: a guest may go while the worker waits for its turn, and
        # what is typed behind the key that quits must neither act nor open anything.
        if self._leaving:
            return
        if refusal := command.refusal(self, place):
            # A key pressed again and again must not cover the screen with the same words.
            self.clear_notifications()
            self.say(f"{command.label}: {refusal}", bad=True)
        else:
            await command.run(self, place)

    def do_program_quit(self) -> None:
        self._leaving = True
        self.lab_desk.close()
        self.fleet.close()
        self.exit(0)

    def do_place_guests(self) -> None:
        from tuivm.screens.guest import GuestScreen  # noqa: PLC0415 - when it opens

        self.switch_mode("guests")
        if isinstance(self.screen, GuestScreen):
            self.screen.do_back()

    def do_place_compare(self) -> None:
        self.switch_mode("compare")

    def compare(self, guests: Sequence[GuestKey]) -> None:
        from tuivm.screens.compare import CompareScreen  # noqa: PLC0415 - when it is first gone to

        self.switch_mode("compare")
        for screen in self.screen_stack:
            if isinstance(screen, CompareScreen):
                screen.compare_guests(guests)

    def show_guest(self, key: GuestKey, *, console: bool = False) -> None:
        from tuivm.screens.guest import GuestScreen  # noqa: PLC0415 - when it opens

        self.do_place_guests()
        screen = GuestScreen(key)
        self.push_screen(screen)
        if console and CONSOLE in BY_ID:
            self.call_after_refresh(self.run_command, CONSOLE, screen)

    def do_place_hosts(self) -> None:
        self.switch_mode("hosts")

    def do_place_lab(self) -> None:
        from tuivm.screens.lab import LabScreen  # noqa: PLC0415 - when it is first gone to

        self.switch_mode("lab")
        for screen in self.screen_stack:
            if isinstance(screen, LabScreen) and screen.is_mounted:
                screen.arrive()

    def lab(self) -> LabPort:
        """The Lab, on the hosts there are now."""
        return self.lab_desk.port(host.spec for host in self.fleet.hosts.values())

    @property
    def lab_done(self) -> float | None:
        """How far the Lab's run is, 0 to 1; None when none goes on."""
        return self.lab_desk.done

    @property
    def owns_guests(self) -> bool:
        """Guests of tuivm's own run, which are removed when it ends."""
        return self.lab_done is not None

    def do_program_tour(self) -> None:
        from tuivm.screens.tour import Tour  # noqa: PLC0415 - when it begins

        self.run_worker(Tour(self).run(), group="tour", exclusive=True)

    def on_tuivm_app_asked(self, message: Asked) -> None:
        request = message.request

        def answer(values: tuple[str, ...] | None) -> None:
            request.answer(values)

        from tuivm.screens.dialogs.credentials import Credentials  # noqa: PLC0415 - when it opens

        self.push_screen(Credentials(request), answer)
