"""The program on simulated hosts, driven by a pilot."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot

from tests.support.simhost import Clock, SimHost, SimMaker
from tuivm.app import TuivmApp
from tuivm.config import Config, Loaded
from tuivm.model.hosts import HostSpec
from tuivm.options import Options

WALL = 1_700_000_000.0


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
            await self.pilot.pause()
            self.app.paint_now()
            await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition that the event loop will bring about."""
        for _ in range(200):
            if condition():
                return
            await self.pilot.pause(0.01)
        raise AssertionError("the condition did not come true")

    def host(self, name: str = "local") -> SimHost:
        return self.maker.hosts[name]

    @property
    def text(self) -> str:
        """What is on the screen, line by line."""
        width = self.app.size.width
        strips = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text[:width].rstrip() for strip in strips)


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
) -> AsyncIterator[Rig]:
    clock = Clock()
    maker = SimMaker(clock, prepare)
    specs = [HostSpec(name, f"test+sim:///{name}", readonly=readonly) for name in hosts]
    app = TuivmApp(
        maker,
        specs,
        options or Options(),
        Loaded(config or Config(), tmp_path / "config.toml"),
        clock=clock,
        wall=lambda: WALL + clock.now,
    )
    async with app.run_test(size=size) as pilot:
        rig = Rig(app, pilot, maker)
        await rig.tick(2)
        yield rig
