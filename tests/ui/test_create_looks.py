"""Pictures of the wizard: its own steps, both sizes, in colour, without, and in ASCII."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from tests.support.simcreate import LOST
from tests.ui.support import Rig, make_app
from tests.ui.wizard_support import (
    OSINFO,
    at,
    begun,
    creation,
    opened,
    put,
    to,
    turn,
    web,
    with_iso,
)
from tuivm.options import Options

COLOUR, MONOCHROME, ASCII = Options(), Options(theme="monochrome"), Options(ascii=True)
SMALL, WIDE = (80, 24), (160, 48)
PICTURES: dict[str, tuple[str, tuple[int, int], Options]] = {
    "source-small": ("source", SMALL, COLOUR),
    "source-wide": ("source", WIDE, COLOUR),
    "source-small-ascii": ("source", SMALL, ASCII),
    "waiting-small": ("waiting", SMALL, COLOUR),
    "lost-small": ("lost", SMALL, COLOUR),
    "cloud-small": ("cloud", SMALL, COLOUR),
    "cloud-wide": ("cloud", WIDE, COLOUR),
    "system-small": ("system", SMALL, COLOUR),
    "system-wide": ("system", WIDE, COLOUR),
    "system-small-monochrome": ("system", SMALL, MONOCHROME),
    "faulty-small": ("faulty", SMALL, COLOUR),
    "review-small": ("review", SMALL, COLOUR),
    "review-wide": ("review", WIDE, COLOUR),
    "review-small-ascii": ("review", SMALL, ASCII),
    "review-small-monochrome": ("review", SMALL, MONOCHROME),
    "xml-wide": ("xml", WIDE, COLOUR),
    "progress-small": ("progress", SMALL, COLOUR),
    "failed-small": ("failed", SMALL, COLOUR),
    "done-small": ("done", SMALL, COLOUR),
}
"""name: what is shown, size, options."""


@pytest.fixture(autouse=True)
def same_everywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The same operating systems and the same guest wherever the tests run."""
    monkeypatch.setenv("OSINFO_SYSTEM_DIR", str(OSINFO))
    for name in ("OSINFO_LOCAL_DIR", "OSINFO_USER_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "nothing"))
    monkeypatch.setattr("tuivm.screens.create.drafting.uuid4", lambda: UUID(int=7, version=4))


async def show(rig: Rig, what: str) -> None:
    sim = creation(rig)
    if what == "waiting":
        sim.hold = True
        await rig.press("n")
        await rig.until(lambda: "asking local" in rig.text)
        return
    await opened(rig)
    if what == "lost":
        sim.lost = LOST
        await rig.press("f5")
        await rig.until(lambda: "likely" in rig.text)
        return
    if what == "cloud":
        await turn(rig, "source.kind", "cloud image")
        await turn(rig, "source.volume", "base.qcow2")
        await put(rig, "source.cloud.user", "ada")
        return
    await with_iso(rig)
    if what in ("system", "faulty"):
        await rig.press("pagedown")
        await at(rig, "System")
        await put(rig, "guest.name", "db-1" if what == "faulty" else "db-2")
        if what == "faulty":
            await put(rig, "guest.vcpus", "many")
            await to(rig, "guest.name")
        return
    if what in ("review", "xml"):
        await rig.press("ctrl+r")
        await at(rig, "Review")
        if what == "xml":
            await rig.press("right", "enter")
            await rig.until(lambda: "accepts it" in rig.text)
        return
    if what in ("progress", "failed", "done"):
        run = await begun(rig)
        run.step("made debian12.qcow2 in default")
        run.tell("uploading debian-12.iso", 3 << 28, 1 << 30)
        if what == "failed":
            run.fail(LOST, "debian12.qcow2", left=("debian-12.iso in default",))
        elif what == "done":
            run.succeed()
        await rig.settle()


@pytest.mark.parametrize("name", PICTURES)
def test_picture(snap_compare, tmp_path: Path, name: str) -> None:  # type: ignore[no-untyped-def]
    what, size, options = PICTURES[name]
    app, maker = make_app(tmp_path, web, options=options)

    async def act(pilot: Pilot[int]) -> None:
        rig = Rig(app, pilot, maker)
        await rig.tick(2)
        await show(rig, what)
        # The cursor blinks, and would be in the picture or not as it happens.
        for entry in (*app.screen.query(Input), *app.screen.query(TextArea)):
            entry.cursor_blink = False
        # A button that was pressed looks so for a moment.
        await rig.until(
            lambda: not any(screen.query("Button.-active") for screen in app.screen_stack)
        )
        await rig.settle()

    assert snap_compare(app, terminal_size=size, run_before=act)
