"""The Textual app: places, themes, keys and the wiring. No libvirt, no rules."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from textual import events
from textual.command import CommandPalette
from textual.message import Message
from textual.screen import ModalScreen, Screen
from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.theme import Theme

from tuivm import config as configuration
from tuivm._compat import QuietCrash, waiting_writes, write_control
from tuivm.background import off_the_loop
from tuivm.commands import BY_ID, COMMANDS
from tuivm.commands.base import Command, Place
from tuivm.config import Config, ConfigError, Loaded
from tuivm.explainer import Explainer
from tuivm.fleet import Fleet
from tuivm.flow import QUESTION, Flow
from tuivm.jobs import Jobs, problem_text
from tuivm.keymap import resolve
from tuivm.keynames import key_name
from tuivm.model.activities import Activities
from tuivm.model.hosts import HostSpec
from tuivm.model.ports import CredentialRequest, HostMaker, HostPort, Trial, View
from tuivm.model.requests import Outcome, Request
from tuivm.model.store import GuestView, Store
from tuivm.model.units import visible
from tuivm.options import Options
from tuivm.patience import Patience
from tuivm.screens.compare import CompareScreen
from tuivm.screens.dialogs.add_host import AddHost
from tuivm.screens.dialogs.choose import Choose
from tuivm.screens.dialogs.credentials import Credentials
from tuivm.screens.dialogs.help import Help
from tuivm.screens.dialogs.notices import Notice, Notices
from tuivm.screens.dialogs.progress import BulkProgress
from tuivm.screens.guest import GuestScreen
from tuivm.screens.guests import GuestsScreen
from tuivm.screens.hosts import HostsScreen
from tuivm.screens.palette import CommandHits
from tuivm.screens.place import PlaceScreen
from tuivm.targets import SLOW_INTERVAL
from tuivm.themes import DEFAULT_THEME, VARIABLE_DEFAULTS, load_themes
from tuivm.widgets.raster import ChartStyle
from tuivm.widgets.scrollbars import PlainScrollBar

T = TypeVar("T")

HEARTBEAT = 1.0
"""Seconds between two repaints of what changes with time alone (countdowns, ages)."""
SETTLE = 0.05
"""Seconds to wait for the snapshots of other hosts, so that one repaint serves them all."""
SPACING = 0.45
"""Least seconds between two repaints, however many hosts deliver."""
KEPT_NOTICES = 200
MOVING = "moving in lists"
MOVING_KEYS = ("up", "k", "down", "j", "pageup", "pagedown", "home", "g", "end", "G")
"""Keys of the lists themselves: they come before any command, so no command may have them."""


class TuivmApp(QuietCrash):
    """maker: makes the hosts. specs: those to open at once. clock, wall: for the tests."""

    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {
        "guests": GuestsScreen,
        "compare": CompareScreen,
        "hosts": HostsScreen,
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
    TimeChart > .timechart--emulated { color: $class-emulated; }
    TimeChart > .timechart--physical { color: $class-physical; }
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
    ) -> None:
        self._themes = load_themes()
        super().__init__()
        self.options = options or Options()
        self._loaded = loaded or Loaded(Config(), configuration.default_path())
        self._specs = tuple(specs)
        self.now = clock
        self.wall = wall
        self.flow = Flow()
        self.activities = Activities()
        self.fleet = Fleet(
            maker,
            wake=self._wake,
            ask=self._ask_on_screen,
        )
        self.jobs = Jobs(self.host, self.now, self.activities)
        self.patience = Patience(self, self.activities)
        self.explainer = Explainer(self)
        self.notices: deque[Notice] = deque(maxlen=KEPT_NOTICES)
        self._startup_problems = [*problems, *self._loaded.problems, *self._themes.problems]
        self._keys = resolve(
            {MOVING: MOVING_KEYS, **{command.id: command.keys for command in COMMANDS}},
            self.config.keys,
            {command.id: command.places for command in COMMANDS},
        )
        self._startup_problems += self._keys.problems
        self._painted = 0.0
        self._due = False

    # what screens and commands see

    @property
    def store(self) -> Store:
        return self.fleet.store

    @property
    def config(self) -> Config:
        return self._loaded.config

    @property
    def ascii_only(self) -> bool:
        return self.options.ascii or self.config.ascii

    @property
    def chart_style(self) -> ChartStyle:
        return "ascii" if self.ascii_only else "braille"

    @property
    def slow(self) -> bool:
        return self.options.slow or self.config.slow

    def host(self, name: str) -> HostPort | None:
        return self.fleet.hosts.get(name)

    def retry(self, host: str) -> None:
        self.fleet.retry(host)

    def look_at(self, host: str, view: View) -> None:
        """Tell a host what the present screen shows of it."""
        self.fleet.watch(host, view)

    def key_text(self, command_id: str) -> str:
        """The first key of a command as people write it, "" when it has none."""
        keys = self.keys_of(command_id)
        return key_name(keys[0]) if keys else ""

    def keys_of(self, command_id: str) -> tuple[str, ...]:
        return self._keys.bindings.get(command_id, ())

    # start and end

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return VARIABLE_DEFAULTS

    def on_mount(self) -> None:
        for theme in self._themes.themes:
            self.register_theme(theme)
        self._choose_theme(self.options.theme or self.config.theme or DEFAULT_THEME)
        self.set_class(self.ascii_only, "-ascii")
        ScrollBar.renderer = PlainScrollBar if self.ascii_only else ScrollBarRender
        self.set_keymap(
            {
                command.id: ",".join(self.keys_of(command.id))
                for command in COMMANDS
                if self.keys_of(command.id) != command.keys
            }
        )
        for spec in self._specs:
            self.fleet.add(spec)
        self.set_interval(SLOW_INTERVAL if self.slow else HEARTBEAT, self._beat)
        for problem in self._startup_problems:
            self.say(problem, bad=True)

    def _choose_theme(self, name: str) -> None:
        known: dict[str, Theme] = self.available_themes
        if name in known:
            self.theme = name
            return
        self.theme = DEFAULT_THEME
        self._startup_problems.append(
            f'there is no theme "{name}"; themes: {", ".join(t.name for t in self._themes.themes)}'
        )

    def on_unmount(self) -> None:
        self.fleet.close()

    # snapshots in, pictures out

    def _wake(self) -> None:
        self.post_message(self.Arrived())

    def _ask_on_screen(self, request: CredentialRequest) -> None:
        self.post_message(self.Asked(request))

    def on_tuivm_app_arrived(self) -> None:
        self.fleet.drain()
        self.patience.notice_ends()
        if not self._due:
            self._due = True
            wait = max(SETTLE, SPACING - (self.now() - self._painted))
            self.set_timer(wait, self.paint_now)

    def _beat(self) -> None:
        if not isinstance(self.screen, ModalScreen) and (key := self.patience.next_overdue()):
            self.run_worker(self.patience.ask_about(key), group="patience")
        if not self._due and self.now() - self._painted >= HEARTBEAT * 0.9:
            self.paint_now()

    def paint_now(self) -> None:
        """Show the store on the present place, unless the terminal still chews on the last one."""
        now = self.now()
        self._due = False
        if not self.flow.clear(waiting_writes(self), now):
            return
        place = self._place()
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

    def _place(self) -> PlaceScreen | None:
        """The place in front, or behind the dialog that is in front."""
        return next((s for s in reversed(self.screen_stack) if isinstance(s, PlaceScreen)), None)

    # commands

    def run_command(self, command_id: str, place: PlaceScreen) -> None:
        """Carry a command out, or say why it is off."""
        command = BY_ID[command_id]()
        self.run_worker(self._carry_out(command, place), group=command_id, exit_on_error=True)

    async def _carry_out(self, command: Command, place: PlaceScreen) -> None:
        # Looked at here and not before: a guest may go while the worker waits for its turn.
        if refusal := command.refusal(self, place):
            self.say(f"{command.label}: {refusal}", bad=True)
        else:
            await command.run(self, place)

    async def ask(self, dialog: ModalScreen[T]) -> T | None:
        return await self.push_screen_wait(dialog)

    def perform(self, name: str) -> None:
        getattr(self, f"do_{name.replace('.', '_')}")()

    def do_program_quit(self) -> None:
        self.fleet.close()
        self.exit(0)

    def do_place_guests(self) -> None:
        self.switch_mode("guests")
        if isinstance(self.screen, GuestScreen):
            self.screen.do_back()

    def do_place_compare(self) -> None:
        self.switch_mode("compare")

    def do_place_hosts(self) -> None:
        self.switch_mode("hosts")

    def do_program_palette(self) -> None:
        self.push_screen(CommandPalette(placeholder="a command, or a word of its help"))

    def do_program_suspend(self) -> None:
        self.action_suspend_process()

    def do_program_help(self) -> None:
        place = self._place()
        if place is None:
            return
        groups: dict[str, list[tuple[str, str, str]]] = {}
        for command in COMMANDS:
            if place.place in command.places:
                keys = " ".join(key_name(key) for key in self.keys_of(command.id))
                groups.setdefault(command.group, []).append((keys, command.label, command.help()))
        self.push_screen(Help(f"Keys: {place.place}", list(groups.items())))

    def do_program_notices(self) -> None:
        self.push_screen(Notices(list(self.notices)))

    def do_program_theme(self) -> None:
        options = [(theme.name, theme.name, "", "") for theme in self._themes.themes]

        def change(name: str | None) -> None:
            if name is not None:
                self.theme = name
                self.keep("theme", name)

        self.push_screen(Choose("Theme", options, self.theme), change)

    def do_program_picture(self) -> None:
        svg = self.export_screenshot(title="tuivm")
        path = Path.cwd() / time.strftime("tuivm-%Y%m%d-%H%M%S.svg")
        self.run_worker(self._write_picture(path, svg), group="picture")

    async def _write_picture(self, path: Path, svg: str) -> None:
        try:
            await off_the_loop(partial(path.write_text, svg, encoding="utf-8"))
        except OSError as error:
            self.say(f"cannot write {path}: {error.strerror}", bad=True)
        else:
            self.say(f"picture written to {path}")

    # notices and the config file

    def say(self, text: str, *, bad: bool = False, about: GuestView | None = None) -> None:
        host, guest = (about.key.host, about.guest.name) if about else ("", "")
        self.notices.append(Notice(self.wall(), text, host, guest, bad))
        lines = "\n".join(visible(line) for line in text.splitlines())
        name = f"{visible(guest)}: " if guest else ""
        self.notify(name + lines, severity="error" if bad else "information", markup=False)

    def keep(self, key: str, value: str | bool | float | tuple[str, ...]) -> None:
        """Write a setting to the config file, in the background."""
        self._save(lambda: configuration.set_value(self._loaded.path, key, value))

    def _save(self, change: Callable[[], None]) -> None:
        async def save() -> None:
            try:
                await off_the_loop(change)
            except ConfigError as error:
                self.say(str(error), bad=True)

        self.run_worker(save(), group="config")

    # hosts

    async def add_host(self) -> None:
        async def trial(uri: str, readonly: bool) -> Trial:
            maker, sinks = self.fleet.maker, self.fleet.sinks
            return await asyncio.wrap_future(maker.try_out(uri, readonly=readonly, sinks=sinks))

        spec = await self.ask(AddHost(trial, self.store.host_names))
        if spec is None or spec.name in self.fleet.hosts:
            return
        self.fleet.add(replace(spec, interval=SLOW_INTERVAL) if self.slow else spec)
        self._save(lambda: configuration.add_host(self._loaded.path, spec))
        self.paint_now()

    def remove_host(self, name: str) -> None:
        self.fleet.remove(name)
        if any(spec.name == name for spec in self.config.hosts):
            self._save(lambda: configuration.remove_host(self._loaded.path, name))
        self.paint_now()

    def on_tuivm_app_asked(self, message: Asked) -> None:
        request = message.request

        def answer(values: tuple[str, ...] | None) -> None:
            request.answer(values)

        self.push_screen(Credentials(request), answer)

    # actions on guests

    async def act(
        self,
        label: str,
        orders: Sequence[tuple[GuestView, Request]],
        patience: float | None = None,
    ) -> None:
        progress: BulkProgress | None = None
        if len(orders) > 1:
            guests = [(view.key, view.guest.label) for view, _ in orders]
            progress = BulkProgress(label.capitalize(), guests, running=[key for key, _ in guests])
            self.push_screen(progress)

        def ended(view: GuestView, outcome: Outcome) -> None:
            if progress is not None:
                progress.set_result(view.key, outcome)
            self._tell(label, view, outcome, loud=progress is None)

        self.paint_now()
        await self.jobs.run(label, orders, patience, ended)
        self.paint_now()

    def _tell(self, label: str, view: GuestView, outcome: Outcome, *, loud: bool) -> None:
        if outcome.problem is None:
            notice = Notice(self.wall(), f"{label}: done", view.key.host, view.guest.name)
            self.notices.append(notice)
            return
        text = problem_text(outcome)
        if loud:
            self.say(text, bad=True, about=view)
        else:
            self.notices.append(Notice(self.wall(), text, view.key.host, view.guest.name, bad=True))

    async def explain(self, place: Place) -> None:
        await self.explainer.explain(place)
