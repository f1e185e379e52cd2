"""Pictures of the dialogs about a host's devices."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.ui.device_support import (
    AHCI,
    GPU,
    NIC,
    PF,
    SPLIT,
    TAKEN,
    TYPE,
    VIA,
    WEB,
    offer,
    prepare,
)
from tests.ui.support import Rig, make_app
from tuivm.app import TuivmApp
from tuivm.devicescene import DeviceScene
from tuivm.devicetasks import attach_to_some_guest, detach_from_its_guest
from tuivm.hostdevicetasks import (
    create_mdev,
    make_function_pool,
    return_to_host,
    set_functions,
    take_from_host,
)
from tuivm.model.deviceports import HostItem, MdevKind
from tuivm.model.guests import GuestKey
from tuivm.model.offers import HostDevice
from tuivm.options import Options
from tuivm.screens.dialogs.attach import AttachDevice
from tuivm.screens.dialogs.watching import Watching

Task = Callable[[TuivmApp], Coroutine[Any, Any, None]]
COLOUR, MONOCHROME, ASCII = Options(), Options(theme="monochrome"), Options(ascii=True)
SMALL, WIDE = (80, 24), (160, 48)
_THERE = offer(local=False)


def attach(*devices: HostDevice) -> Task:
    async def task(app: TuivmApp) -> None:
        scene = DeviceScene(app, "local", GuestKey("local", WEB))
        await app.ask(AttachDevice(scene, devices, offer()))

    return task


TASKS: dict[str, Task] = {
    "which-guest": lambda app: attach_to_some_guest(app, [NIC], offer()),
    "attach": attach(NIC),
    "group": attach(AHCI),
    "display": attach(GPU),
    "override": attach(VIA),
    "detach": lambda app: detach_from_its_guest(app, TAKEN, offer()),
    "take": lambda app: take_from_host(app, VIA, offer()),
    "return": lambda app: return_to_host(app, TAKEN, offer()),
    "vfs": lambda app: set_functions(app, PF, offer()),
    "vfs-remote": lambda app: set_functions(app, PF, _THERE),
    "pool": lambda app: make_function_pool(app, PF, offer()),
    "mdev": lambda app: create_mdev(app, HostItem(MdevKind(SPLIT, TYPE), offer())),
}
PICTURES: dict[str, tuple[str, tuple[int, int], Options]] = {
    **{f"{name}-small": (name, SMALL, COLOUR) for name in TASKS},
    "attach-wide": ("attach", WIDE, COLOUR),
    "override-wide": ("override", WIDE, COLOUR),
    "detach-wide": ("detach", WIDE, COLOUR),
    "override-small-monochrome": ("override", SMALL, MONOCHROME),
    "display-small-ascii": ("display", SMALL, ASCII),
    "take-small-ascii": ("take", SMALL, ASCII),
}
"""name: what is shown, size, options."""


@pytest.mark.parametrize("name", PICTURES)
def test_picture(snap_compare, tmp_path: Path, name: str) -> None:  # type: ignore[no-untyped-def]
    what, size, options = PICTURES[name]
    app, maker = make_app(tmp_path, prepare, options=options)

    async def act(pilot: Pilot[int]) -> None:
        rig = Rig(app, pilot, maker)
        await rig.tick(2)
        app.run_worker(TASKS[what](app))
        await rig.until(lambda: len(app.screen_stack) > 1)
        await rig.settle()
        dialog = app.screen
        if isinstance(dialog, Watching):
            await rig.until(lambda: dialog.seen is not None)
        # The cursor blinks, and would be in the picture or not as it happens.
        for entry in dialog.query(Input):
            entry.cursor_blink = False
        await rig.settle()

    assert snap_compare(app, terminal_size=size, run_before=act)
