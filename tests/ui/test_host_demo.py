"""The program as `tuivm demo --host` opens it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.simhost import Clock, SimHost, SimMaker
from tests.ui.support import WALL, Rig
from tuivm.config import Config, Loaded
from tuivm.hostdemoapp import HostDemoApp
from tuivm.model.hosts import HostSpec
from tuivm.options import Options
from tuivm.screens.dialogs.explain import Explain
from tuivm.screens.guests import GuestsScreen
from tuivm.screens.hosts import HostsScreen
from tuivm.widgets.hostlist import HostList


def guest(host: SimHost) -> None:
    host.add_guest("guest")


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])
async def test_it_opens_on_the_devices_of_its_host(tmp_path: Path, size: tuple[int, int]) -> None:
    clock = Clock()
    maker = SimMaker(clock, guest)
    specs = [HostSpec("virtual-host", "test+sim:///v"), HostSpec("local", "test+sim:///local")]
    app = HostDemoApp(
        "virtual-host",
        maker,
        specs,
        Options(),
        Loaded(Config(), tmp_path / "config.toml"),
        clock=clock,
        wall=lambda: WALL + clock.now,
    )
    async with app.run_test(size=size, notifications=True) as pilot:
        rig = Rig(app, pilot, maker)
        assert isinstance(app.screen, GuestsScreen)
        assert app.owns_guests, "a signal leaves time to end it"
        await rig.tick(2)
        await rig.until(
            lambda: isinstance(app.screen, HostsScreen) and app.screen.page.page == "pci"
        )
        assert app.screen.query_one(HostList).highlighted == "virtual-host"
        assert "g: what can be shown on this host" in rig.text
        await rig.press("g")
        assert isinstance(app.screen, Explain)
        assert "What can be shown on virtual-host" in rig.text
        await rig.press("escape")
        # It is gone to once: who leaves it is not brought back.
        await rig.press("1")
        await rig.tick(2)
        assert isinstance(app.screen, GuestsScreen)
