"""What every dialog has to stand, of those on a host's devices."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import pytest

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
    definition,
    offer,
)
from tests.ui.dialog_support import (
    NASTY,
    NASTY_SHOWN,
    DialogApp,
    all_ascii,
    fits_small,
    full_text,
    stands_resizing,
    until,
)
from tuivm.devicescene import read
from tuivm.model.deviceports import MdevKind
from tuivm.model.guests import Guest, GuestKey, GuestState
from tuivm.model.spec import Passed, PassKind
from tuivm.model.store import GuestView
from tuivm.screens.dialogs.attach import AttachDevice
from tuivm.screens.dialogs.base import Dialog
from tuivm.screens.dialogs.choose import Choice
from tuivm.screens.dialogs.detach import DetachDevice
from tuivm.screens.dialogs.find import Choices, FindOne
from tuivm.screens.dialogs.functions import MakeVfPool, SetVfs
from tuivm.screens.dialogs.hostdriver import GiveBack, TakeFromHost
from tuivm.screens.dialogs.mdev import MakeMdev
from tuivm.screens.dialogs.watching import Seen, Watching


class Still:
    """A world in which nothing changes."""

    uri = "qemu:///system"

    def __init__(self, name: str = "web") -> None:
        guest = Guest(
            GuestKey("local", WEB),
            name,
            GuestState.RUNNING,
            domain_id=1,
            autostart=False,
            managed_save=False,
        )
        self._view = GuestView(guest)

    def guest(self) -> GuestView | None:
        return self._view

    def refusal(self) -> str:
        return ""

    def stamp(self) -> Hashable:
        return 1

    async def look(self) -> Seen:
        xml = definition("web", WEB)
        return read(self._view, offer(), xml, xml)


CHOICES = Choices(tuple(Choice(str(one), f"choice {one}", "words") for one in range(5)))
MAKERS: dict[str, Callable[[], Dialog[Any]]] = {
    "find": lambda: FindOne("Which", lambda _ascii_only: CHOICES),
    "attach": lambda: AttachDevice(Still(), [NIC], offer()),
    "group": lambda: AttachDevice(Still(), [AHCI], offer()),
    "display": lambda: AttachDevice(Still(), [GPU], offer()),
    "override": lambda: AttachDevice(Still(), [VIA], offer()),
    "detach": lambda: DetachDevice(Still(), Passed(PassKind.PCI, TAKEN.address), TAKEN),
    "take": lambda: TakeFromHost(Still(), VIA, "local"),
    "return": lambda: GiveBack(Still(), TAKEN, "local"),
    "vfs": lambda: SetVfs(Still(), PF, "local", local=True),
    "pool": lambda: MakeVfPool(Still(), PF, "local", lambda name: ""),
    "mdev": lambda: MakeMdev(Still(), MdevKind(SPLIT, TYPE), "local"),
}


@pytest.mark.parametrize("name", MAKERS)
async def test_it_stands_every_size(name: str) -> None:
    await stands_resizing(MAKERS[name])


@pytest.mark.parametrize("name", MAKERS)
async def test_all_can_be_reached_on_a_small_terminal(name: str) -> None:
    await fits_small(MAKERS[name])


@pytest.mark.parametrize("name", MAKERS)
async def test_a_plain_terminal_gets_plain_characters(name: str) -> None:
    await all_ascii(MAKERS[name])


@pytest.mark.parametrize("name", ["attach", "take", "detach"])
async def test_what_comes_from_outside_is_shown_as_it_is(name: str) -> None:
    nasty = NIC._replace(vendor="", product=NASTY)
    scene = Still(NASTY)
    dialogs: dict[str, Watching[Any]] = {
        "attach": AttachDevice(scene, [nasty], offer((nasty,))),
        "take": TakeFromHost(scene, nasty, "local"),
        "detach": DetachDevice(scene, Passed(PassKind.PCI, nasty.address), nasty),
    }
    dialog = dialogs[name]
    app = DialogApp(dialog)
    async with app.run_test(size=(120, 50)) as pilot:
        await until(pilot, lambda: dialog.seen is not None)
        await pilot.pause()
        assert NASTY_SHOWN in full_text(app)
