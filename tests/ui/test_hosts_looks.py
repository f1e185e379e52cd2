"""How the pages of the hosts place with devices look: pictures, themes, and no colour at all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.support.devicehosts import RICH
from tests.support.simhost import SimHost
from tests.ui.support import Rig, make_app, running
from tuivm.options import Options
from tuivm.screens.hosts import HostsScreen

PAGES = {
    "pci": ("0000:00:1f.2", "pci"),
    "usb": ("1-5", "usb"),
    "mdev": ("4b20d080-1b54-4048-85b3-a6a62d165c01", "mdev"),
    "net": ("eth0", "net"),
}
"""Each with what is highlighted there."""


def rich(host: SimHost) -> None:
    host.add_guest("web")
    host.device_port.offer = RICH


async def show(rig: Rig, page: str) -> None:
    await rig.press("3")
    screen = rig.app.screen
    assert isinstance(screen, HostsScreen)
    screen.action_page(page)
    await rig.until(lambda: screen.page.is_mounted and bool(screen.page.summary()))
    await rig.settle()
    address, kind = PAGES[page]
    assert screen.page.table.move_to((kind, address))  # type: ignore[attr-defined]
    await rig.settle()


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])
@pytest.mark.parametrize("page", PAGES)
def test_picture(  # type: ignore[no-untyped-def]
    snap_compare, tmp_path: Path, page: str, size: tuple[int, int]
) -> None:
    app, maker = make_app(tmp_path, rich, hosts=("local", "rack7"))

    async def act(pilot: Pilot[int]) -> None:
        rig = Rig(app, pilot, maker)
        await rig.tick(3)
        await show(rig, page)
        await rig.tick(2)

    run_before: Callable[[Pilot[int]], Awaitable[None]] = act
    assert snap_compare(app, terminal_size=size, run_before=run_before)


async def test_without_any_colour_it_says_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with running(tmp_path, rich, size=(80, 40), options=Options(theme="monochrome")) as rig:
        await show(rig, "pci")
        for words in ("■ in use", "✖ hurts host", "● free", "? not known", "- impossible"):
            assert words in rig.text, "glyph and word"
