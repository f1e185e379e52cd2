"""A new guest: which hosts there are to make it on, and where to go when it is made."""

from __future__ import annotations

import asyncio

from tuivm.commands.base import Desk, Place
from tuivm.model.createports import CreatePort
from tuivm.model.deviceports import DevicePort
from tuivm.model.guests import GuestKey
from tuivm.screens.create.drafting import DeviceNews
from tuivm.screens.create.progress import CONSOLE, OVERVIEW
from tuivm.screens.create.wizard import Wizard

PATIENCE = 10.0
"""Seconds that a host may take to tell of a guest that was just made on it."""
_STEP = 0.05


async def create_guest(desk: Desk, place: Place) -> None:
    """Ask for a new guest, have it made, and go where the person wants to go then."""

    def port(name: str) -> CreatePort | None:
        host = desk.host(name)
        return None if host is None else host.creating()

    def revision(name: str) -> object:
        snapshot = desk.store.snapshot(name)
        # What is not heard now is not news.
        return None if snapshot is None else (snapshot.generation, snapshot.revisions.devices)

    def devices(name: str) -> DevicePort | None:
        host = desk.host(name)
        return None if host is None else host.devices()

    news = DeviceNews(revision, devices)
    wizard = Wizard(hosts_for(desk, place), port, clock=desk.now, began=desk.began, news=news)
    ending = await desk.ask(wizard)
    if ending is None or ending.then not in (OVERVIEW, CONSOLE):
        return
    key = GuestKey(ending.host, ending.uuid)
    if await told_of(desk, key):
        desk.show_guest(key, console=ending.then == CONSOLE)


async def told_of(desk: Desk, key: GuestKey) -> bool:
    """Wait until the host's list has a guest that was just made; False when it takes too long."""
    for _ in range(round(PATIENCE / _STEP)):
        if desk.store.guest(key) is not None:
            return True
        await asyncio.sleep(_STEP)
    desk.say(f"the new guest is not in the list of {key.host} yet", bad=True)
    return False


def hosts_for(desk: Desk, place: Place) -> tuple[str, ...]:
    """Those that guests can be made on: the one that is chosen, then those that answer."""
    statuses = [desk.store.status(name, desk.now()) for name in desk.store.host_names]
    chosen = place.target_host()
    fit = [one for one in statuses if not one.readonly]
    fit.sort(
        key=lambda one: (chosen is None or one.spec.name != chosen.spec.name, one.refusal != "")
    )
    return tuple(one.spec.name for one in fit)
