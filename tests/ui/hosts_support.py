"""The hosts place on a simulated host that has what a test wants."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.simhost import SimHost
from tests.ui.support import Rig
from tuivm.model.guests import GuestState
from tuivm.model.offers import HostOffer
from tuivm.options import Options
from tuivm.screens.hostpages.partspage import PartsPage
from tuivm.screens.hosts import HostsScreen

PAGES = ("overview", "pci", "usb", "mdev", "scsi", "net", "storage", "networks")
SMALL, WIDE = (80, 24), (160, 48)
PICTURES = {
    "small": (SMALL, Options()),
    "wide": (WIDE, Options()),
    "small-ascii": (SMALL, Options(ascii=True)),
    "wide-monochrome": (WIDE, Options(theme="monochrome")),
}
"""Each: a terminal's size, and how the program is started."""


def having(offer: HostOffer) -> Callable[[SimHost], None]:
    """Every host has this, and two guests."""

    def prepare(host: SimHost) -> None:
        host.add_guest("web")
        host.add_guest("db", GuestState.OFF)
        host.device_port.offer = offer._replace(host=host.spec.name)

    return prepare


async def go(rig: Rig, page: str) -> None:
    """To a page, by the keys that lead there, with the keys on it."""
    await rig.press("3")
    for _ in range(10):
        if screen(rig).page.page == page:
            break
        await rig.press("shift+tab")
    assert screen(rig).page.page == page
    await rig.tick()
    if page != "overview" and rig.app.size.width >= 110:
        await rig.press("l")


def screen(rig: Rig) -> HostsScreen:
    found = rig.app.screen
    assert isinstance(found, HostsScreen)
    return found


def row(rig: Rig, name: str) -> str:
    """The row of this name, as it is on the screen."""
    lines = (line.rpartition("│")[2].strip(" ▾▸") for line in rig.text.splitlines()[3:])
    return next(line for line in lines if line.startswith(name))


def change(rig: Rig, offer: HostOffer, host: str = "local") -> None:
    """The host has something else from now on, and tells so with its next tick."""
    sim = rig.host(host)
    sim.device_port.offer = offer._replace(host=host)
    old = sim.revisions
    sim.revisions = old._replace(storage=old.storage + 1, networks=old.networks + 1)


async def laid_out(rig: Rig, *, beside: bool) -> None:
    """Until a page with parts has its details where there is room for them, and rows that fit."""
    page = screen(rig).page
    assert isinstance(page, PartsPage)

    def fits() -> bool:
        width = page.list.scrollable_content_region.width
        return page.has_class("-beside") == beside and page._drawn[1:2] == (width,)

    await rig.until(fits)
    await rig.settle()
    await rig.until(fits)
