"""Pictures of the Lab place: its pages, both sizes, in colour, without, and in ASCII."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.support.labrun import lab_run
from tests.support.simhost import SimHost
from tests.support.simlab import SimLab
from tests.ui.support import Rig, make_app
from tests.ui.test_lab import finished, place, run_of, to
from tuivm.model.lab import Experiment
from tuivm.options import Options
from tuivm.screens.labpages import Page


def web(host: SimHost) -> None:
    host.add_guest("web")


COLOUR, MONOCHROME, ASCII = Options(), Options(theme="monochrome"), Options(ascii=True)
SMALL, WIDE = (80, 24), (160, 48)
PICTURES: dict[str, tuple[str, tuple[int, int], Options]] = {
    "choose-small": ("choose", SMALL, COLOUR),
    "choose-wide": ("choose", WIDE, COLOUR),
    "choose-small-ascii": ("choose", SMALL, ASCII),
    "lesson-small": ("lesson", SMALL, COLOUR),
    "lesson-wide": ("lesson", WIDE, COLOUR),
    "run-small": ("run", SMALL, COLOUR),
    "run-wide": ("run", WIDE, COLOUR),
    "run-small-monochrome": ("run", SMALL, MONOCHROME),
    "run-small-ascii": ("run", SMALL, ASCII),
    "result-small": ("result", SMALL, COLOUR),
    "result-wide": ("result", WIDE, COLOUR),
    "result-small-monochrome": ("result", SMALL, MONOCHROME),
    "result-small-ascii": ("result", SMALL, ASCII),
    "pair-small": ("pair", SMALL, COLOUR),
    "pair-wide": ("pair", WIDE, COLOUR),
}
"""name: page, size, options."""


@pytest.fixture(autouse=True)
def local_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock on the wall is the same wherever the tests run."""
    monkeypatch.setattr("tuivm.screens.labplan.when", lambda at: "2026-11-23 12:00")
    monkeypatch.setattr("tuivm.screens.labresult.when", lambda at: "2026-11-23 12:00")
    monkeypatch.setattr("tuivm.screens.labpair.when", lambda at: "2026-11-23 12:00")
    monkeypatch.setattr("tuivm.screens.labexplain.when", lambda at: "2026-11-23 12:00")


async def show(rig: Rig, lab: SimLab, page: str) -> None:
    """Go to a page, with something on it."""
    if page == "lesson":
        await to(rig, "lesson", "iothread")
        await rig.press("enter")
        await rig.until(lambda: "1 of " in rig.text or "main loop" in rig.text)
    elif page == "pair":
        await to(rig, "kept", "before")
        await rig.press("space", "down", "percent_sign")
        await rig.until(lambda: place(rig).page is Page.PAIR)
        await rig.press("tab", "tab")
    elif page in ("run", "result"):
        await rig.press("s")
        for _ in range(60):
            rig.maker.tick(0.5)
            run_of(lab).step()
        await rig.settle()
        if page == "result":
            await finished(rig, lab)
            await rig.press("tab", "tab", "tab")


@pytest.mark.parametrize("name", PICTURES)
def test_picture(snap_compare, tmp_path: Path, name: str) -> None:  # type: ignore[no-untyped-def]
    page, size, options = PICTURES[name]
    lab = SimLab()
    threads = lab_run(Experiment.IOTHREAD, name="threads")
    lab.kept_runs = [
        lab_run(name="after", accelerator="kvm", seed=2)._replace(taken=1_795_600_000.0),
        lab_run(name="before"),
        threads._replace(host=threads.host._replace(name="local")),
    ]
    app, maker = make_app(tmp_path, web, options=options, lab=lab)

    async def act(pilot: Pilot[int]) -> None:
        rig = Rig(app, pilot, maker)
        await rig.tick(2)
        await rig.press("L")
        await rig.until(lambda: "Kept runs" in rig.text or "start      " in rig.text)
        await show(rig, lab, page)
        await rig.tick(1)
        await rig.settle()

    assert snap_compare(app, terminal_size=size, run_before=act)
