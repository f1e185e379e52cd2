"""The program as its commands and screens know it: hosts, actions, notices, settings."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from textual.screen import ModalScreen

from tuivm.background import off_the_loop
from tuivm.commands import COMMANDS
from tuivm.commands.base import CommandType, Place
from tuivm.config import Config, ConfigError, Loaded
from tuivm.fleet import Fleet
from tuivm.jobs import Jobs, problem_text
from tuivm.keymap import resolve
from tuivm.keynames import key_name
from tuivm.keyorder import OrderedKeys
from tuivm.model.activities import Activities
from tuivm.model.guests import GuestKey
from tuivm.model.notices import Notice
from tuivm.model.ports import HostPort, Trial, View
from tuivm.model.requests import Outcome, Request
from tuivm.model.store import GuestView, Store
from tuivm.model.units import visible
from tuivm.options import Options
from tuivm.targets import SLOW_INTERVAL
from tuivm.widgets.raster import ChartStyle

if TYPE_CHECKING:
    from tuivm.model.createports import CreationRun
    from tuivm.model.hostrequests import HostRequest
    from tuivm.screens.dialogs.progress import BulkProgress

T = TypeVar("T")

KEPT_NOTICES = 200
MOVING = "moving in lists"
MOVING_KEYS = ("up", "k", "down", "j", "pageup", "pagedown", "home", "g", "end", "G")
"""Keys of the lists themselves: they come before any command, so no command may have them."""


class DeskApp(OrderedKeys):
    """What `commands.base.Desk` asks for. Subclasses make the fleet and paint."""

    fleet: Fleet

    def __init__(
        self,
        options: Options,
        loaded: Loaded,
        *,
        clock: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        super().__init__()
        self.options = options
        self.now = clock
        self.wall = wall
        self.activities = Activities()
        self.jobs = Jobs(self.host, self.now, self.activities)
        self._creations: list[CreationRun] = []
        self.lent = False
        """The terminal is somebody else's at present: nothing may be painted."""
        self.notices: deque[Notice] = deque(maxlen=KEPT_NOTICES)
        self._loaded = loaded
        self._saving = asyncio.Lock()
        self._saved_hosts = {spec.name for spec in loaded.config.hosts}
        self._keys = resolve(
            {MOVING: MOVING_KEYS, **{command.id: command.keys for command in COMMANDS}},
            self.config.keys,
            {command.id: command.places for command in COMMANDS},
        )

    def began(self, run: CreationRun) -> None:
        self._creations = [*self.creations, run]

    @property
    def creations(self) -> list[CreationRun]:
        """Those of guests that are under way."""
        return [run for run in self._creations if not run.result.done()]

    def paint_now(self) -> None:
        """Show what is known now."""
        raise NotImplementedError

    def compare(self, guests: Sequence[GuestKey]) -> None:
        """Go to the compare place with the devices of these guests."""
        raise NotImplementedError

    def show_guest(self, key: GuestKey, *, console: bool = False) -> None:
        """Go to a guest, and open its console there."""
        raise NotImplementedError

    def perform(self, name: str) -> None:
        """Do something that the program itself does: `do_<name, with _ for .>`."""
        getattr(self, f"do_{name.replace('.', '_')}")()

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

    def footer_rank(self, command: CommandType) -> int:
        """Where it stands in the footer, as `Command.footer`."""
        return command.footer

    def keys_of(self, command_id: str) -> tuple[str, ...]:
        return self._keys.bindings.get(command_id, ())

    async def ask(self, dialog: ModalScreen[T]) -> T | None:
        return await self.push_screen_wait(dialog)

    # notices and the config file

    def say(self, text: str, *, bad: bool = False, about: GuestView | None = None) -> None:
        """A notice that shows for a few seconds, and stays among the last notices."""
        self.note(text, bad=bad, about=about)
        lines = "\n".join(visible(line) for line in text.splitlines())
        name = f"{visible(about.guest.name)}: " if about else ""
        self.notify(name + lines, severity="error" if bad else "information", markup=False)

    def note(self, text: str, *, bad: bool, about: GuestView | None) -> None:
        """Only keep it among the last notices."""
        host, guest = (about.key.host, about.guest.name) if about else ("", "")
        self.notices.append(Notice(self.wall(), text, host, guest, bad))

    def keep(self, key: str, value: str | bool | float | tuple[str, ...]) -> None:
        """Write a setting to the config file, in the background."""

        def change() -> None:
            from tuivm.configfile import set_value  # noqa: PLC0415 - not for the first picture

            set_value(self._loaded.path, key, value)

        self._save(change)

    def _save(self, change: Callable[[], None]) -> None:
        async def save() -> None:
            try:
                # One at a time: each reads the file, changes it and writes it back.
                async with self._saving:
                    await off_the_loop(change)
            except ConfigError as error:
                self.say(str(error), bad=True)

        self.run_worker(save(), group="config")

    # hosts

    async def add_host(self) -> None:
        async def trial(uri: str, readonly: bool) -> Trial:
            maker, sinks = self.fleet.maker, self.fleet.sinks
            return await asyncio.wrap_future(maker.try_out(uri, readonly=readonly, sinks=sinks))

        from tuivm.screens.dialogs.add_host import AddHost  # noqa: PLC0415 - when it opens

        spec = await self.ask(AddHost(trial, self.store.host_names))
        if spec is None or spec.name in self.fleet.hosts:
            return
        self.fleet.add(
            spec._replace(
                interval=SLOW_INTERVAL if self.slow else self.config.interval,
                readonly=spec.readonly or self.options.readonly,
            )
        )
        self._saved_hosts.add(spec.name)

        def change() -> None:
            from tuivm.configfile import add_host  # noqa: PLC0415 - not for the first picture

            add_host(self._loaded.path, spec)

        self._save(change)
        self.paint_now()

    def remove_host(self, name: str) -> None:
        def change() -> None:
            from tuivm.configfile import remove_host  # noqa: PLC0415 - not for the first picture

            remove_host(self._loaded.path, name)

        self.fleet.remove(name)
        if name in self._saved_hosts:
            self._saved_hosts.remove(name)
            self._save(change)
        self.paint_now()

    # actions on guests

    async def act(
        self,
        label: str,
        orders: Sequence[tuple[GuestView, Request]],
        patience: float | None = None,
    ) -> tuple[Outcome, ...]:
        progress: BulkProgress | None = None
        outcomes: list[Outcome] = []
        if len(orders) > 1:
            from tuivm.screens.dialogs.progress import BulkProgress  # noqa: PLC0415 - when it opens

            guests = [(view.key, view.guest.label) for view, _ in orders]
            progress = BulkProgress(label.capitalize(), guests, running=[key for key, _ in guests])
            self.push_screen(progress)

        def ended(view: GuestView, outcome: Outcome) -> None:
            text = problem_text(outcome) if outcome.problem else f"{label}: done"
            bad = not outcome.ok
            outcomes.append(outcome)
            if progress is not None:
                progress.set_result(view.key, outcome)
            if bad and progress is None:
                self.say(text, bad=True, about=view)
            else:
                self.note(text, bad=bad, about=view)

        await self.jobs.run(label, orders, patience, began=self.paint_now, ended=ended)
        self.paint_now()
        return tuple(outcomes)

    async def act_on_host(self, host: str, label: str, request: HostRequest) -> Outcome:
        from tuivm.devicedesk import act_on_host  # noqa: PLC0415 - when one acts

        return await act_on_host(self, host, label, request)

    async def open_console(self, guest: GuestView) -> None:
        from tuivm.consoledesk import Consoles  # noqa: PLC0415 - when it opens

        await Consoles(self).open(guest)

    async def explain(self, place: Place) -> None:
        from tuivm.explainer import Explainer  # noqa: PLC0415 - when it opens

        await Explainer(self).explain(place)
