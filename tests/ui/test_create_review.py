"""The review by keys: where the focus is while it waits, and after a creation that failed."""

from __future__ import annotations

from pathlib import Path

from tests.ui.support import running
from tests.ui.wizard_support import at, begun, creation, opened, settled, web, with_iso, wizard
from tuivm.model.hosts import Problem
from tuivm.screens.create.progress import CreateProgress


async def test_enter_creates_as_soon_as_the_plan_is_there(tmp_path: Path) -> None:
    async with running(tmp_path, web) as rig:
        shown = await opened(rig)
        await with_iso(rig)
        await rig.press("ctrl+r")
        await at(rig, "Review")
        # As when it is come to before the plan: the list has the focus until there is one.
        shown._again = True
        shown._show()
        await rig.settle()
        assert "worked out" in rig.text
        assert rig.app.focused is not None
        assert rig.app.focused.id != "create"
        shown.work_out()
        await settled(rig)
        await rig.press("enter")
        await rig.until(lambda: bool(creation(rig).runs))


async def test_after_a_failure_the_focus_is_on_create_again(tmp_path: Path) -> None:
    async with running(tmp_path, web) as rig:
        await opened(rig)
        await with_iso(rig)
        run = await begun(rig)
        run.fail(Problem("cannot define it", "no reason"))
        await rig.until(lambda: "failed" in rig.text)
        await rig.press("enter")
        await rig.until(lambda: not isinstance(rig.app.screen, CreateProgress))
        await settled(rig)
        focused = wizard(rig).focused
        assert focused is not None
        assert focused.id == "create"
