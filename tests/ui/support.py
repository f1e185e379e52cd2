"""The program on simulated hosts, driven by a pilot."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from textual import events
from textual.keys import key_to_character
from textual.pilot import Pilot

from tests.support.simhost import Clock, SimHost, SimMaker
from tests.support.simlab import SimLab
from tuivm.app import TuivmApp
from tuivm.config import Config, Loaded
from tuivm.keymap import normal
from tuivm.model.guests import GuestKey
from tuivm.model.hosts import HostSpec
from tuivm.model.requests import Request
from tuivm.options import Options
from tuivm.screens.guests import GuestsScreen
from tuivm.widgets.livetable import LiveTable

WALL = 1_700_000_000.0
ROUNDS = 5
"""Rounds in which a key becomes an action, a worker, a dialog, and a picture."""
DEADLINE = 30
"""Seconds; a slow disk or a busy machine may need some of them."""


class Rig:
    """app, pilot and the simulated hosts of one test."""

    def __init__(self, app: TuivmApp, pilot: Pilot[int], maker: SimMaker) -> None:
        self.app = app
        self.pilot = pilot
        self.maker = maker

    async def tick(self, times: int = 1, seconds: float = 1.0) -> None:
        """Let all hosts sample, and paint what they delivered."""
        for _ in range(times):
            self.maker.tick(seconds)
            await self.pilot.pause(0)
            self.app.paint_now()
            await self.settle()

    async def settle(self) -> None:
        """Until every widget has handled what waited for it, and what came of that.

        Not `pilot.pause()`, which waits for the processor to be idle: slow, and on a busy machine
        it takes a process that gets no turn for an idle one.
        """
        typing = True
        while typing:
            typing = self.app.typing and self.app.is_running
            for _ in range(ROUNDS):
                await self.pilot.pause(0)

    async def press(self, *keys: str) -> None:
        """Press keys, named by Textual or by the character that is on them."""
        for key in keys:
            name = normal(key)
            self.app.post_message(events.Key(name, key_to_character(name)))
            await self.settle()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition that the event loop, or a thread, will bring about."""
        end = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < end, "the condition did not come true"
            await self.pilot.pause(0.01)

    async def type(self, text: str) -> None:
        """Type text as a person does, whatever the keys are called."""
        for char in text:
            self.app.post_message(events.Key(normal(char) if char != " " else "space", char))
            await self.pilot.pause(0)
        await self.settle()

    async def beat(self) -> None:
        """The second's heartbeat, which a test does not wait for."""
        self.app._beat()
        await self.settle()

    async def resize(self, width: int, height: int) -> None:
        await self.pilot.resize_terminal(width, height)
        await self.until(lambda: self.app.screen.size == (width, height))
        await self.settle()

    def host(self, name: str = "local") -> SimHost:
        return self.maker.hosts[name]

    @property
    def words(self) -> str:
        """What is on the screen without frames and line breaks, for text that may have wrapped."""
        rows = (line.strip(" │|") for line in self.text.splitlines())
        return " ".join(" ".join(rows).split())

    @property
    def table(self) -> LiveTable:
        """The guests in their place, whatever is in front of it."""
        screen = next(s for s in self.app.screen_stack if isinstance(s, GuestsScreen))
        return screen.table

    @property
    def names(self) -> list[str]:
        """Guests as the table lists them; headings by their host's name."""
        guests = self.app.store.guests
        return [
            row.key.host if row.heading else guests[row.key].guest.name for row in self.table.rows
        ]

    @property
    def cursor(self) -> str:
        """The name of the highlighted guest, "" for none."""
        view = self.app.store.guest(self.table.cursor) if self.table.cursor else None
        return view.guest.name if view else ""

    async def go_to(self, key: GuestKey) -> None:
        assert self.table.move_to(key)
        await self.settle()

    @property
    def notices(self) -> list[str]:
        return [f"{notice.guest}: {notice.text}".lstrip(": ") for notice in self.app.notices]

    @property
    def requests(self) -> list[tuple[str, str, Request]]:
        """(host, UUID, request) in the order they reached the hosts, host by host."""
        return [
            (name, uuid, request)
            for name, host in self.maker.hosts.items()
            for uuid, request in host.requests
        ]

    @property
    def text(self) -> str:
        """What is on the screen, line by line."""
        width = self.app.size.width
        strips = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text[:width].rstrip() for strip in strips)


def make_app(
    tmp_path: Path,
    prepare: Callable[[SimHost], None],
    *,
    hosts: tuple[str, ...] = ("local",),
    options: Options | None = None,
    config: Config | None = None,
    readonly: bool = False,
    problems: tuple[str, ...] = (),
    lab: SimLab | None = None,
) -> tuple[TuivmApp, SimMaker]:
    """The program on simulated hosts, not yet running; its settings go to `tmp_path`."""
    clock = Clock()
    maker = SimMaker(clock, prepare)
    laboratory = lab or SimLab()
    laboratory.clock = lambda: clock.now
    specs = [HostSpec(name, f"test+sim:///{name}", readonly=readonly) for name in hosts]
    app = TuivmApp(
        maker,
        specs,
        options or Options(),
        Loaded(config or Config(), tmp_path / "config.toml"),
        clock=clock,
        wall=lambda: WALL + clock.now,
        problems=problems,
        laboratory=lambda specs: laboratory,
    )
    return app, maker


@asynccontextmanager
async def running(
    tmp_path: Path,
    prepare: Callable[[SimHost], None],
    *,
    hosts: tuple[str, ...] = ("local",),
    size: tuple[int, int] = (80, 24),
    options: Options | None = None,
    config: Config | None = None,
    readonly: bool = False,
    problems: tuple[str, ...] = (),
    lab: SimLab | None = None,
) -> AsyncIterator[Rig]:
    app, maker = make_app(
        tmp_path,
        prepare,
        hosts=hosts,
        options=options,
        config=config,
        readonly=readonly,
        problems=problems,
        lab=lab,
    )
    async with app.run_test(size=size, notifications=True) as pilot:
        rig = Rig(app, pilot, maker)
        await rig.tick(2)
        yield rig
