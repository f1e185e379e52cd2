"""The review by keys: where the focus is while it waits, and after a creation that failed."""

from __future__ import annotations

from pathlib import Path

from tests.ui.support import running
from tests.ui.wizard_support import (
    at,
    begun,
    creation,
    opened,
    put,
    settled,
    turn,
    web,
    with_iso,
    wizard,
)
from tuivm.model.findings import Finding
from tuivm.model.hosts import Problem
from tuivm.screens.create.progress import CreateProgress
from tuivm.screens.create.step_review import ReviewList


async def test_enter_creates_as_soon_as_the_plan_is_there(tmp_path: Path) -> None:
    async with running(tmp_path, web) as rig:
        shown = await opened(rig)
        await with_iso(rig)
        await rig.press("ctrl+r")
        await at(rig, "Review")
        # As when it is come to before the plan: the list has the focus until there is one.
        shown._again = True
        shown.show_draft()
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


async def test_a_number_beyond_all_limits_is_called_so(tmp_path: Path) -> None:
    async with running(tmp_path, web) as rig:
        await opened(rig)
        await rig.press("pagedown")
        await at(rig, "System")
        await put(rig, "guest.vcpus", "9" * 30)
        assert "at most" in rig.words
        assert "whole number" not in rig.words


async def test_a_new_error_has_the_cursor_after_the_wait(tmp_path: Path) -> None:
    async with running(tmp_path, web) as rig:
        shown = await opened(rig)
        # Of an empty guest there is a note, which the cursor then is on.
        await turn(rig, "source.kind", "empty")
        await rig.press("pagedown")
        await at(rig, "System")
        await put(rig, "guest.name", "mine")
        run = await begun(rig)
        sim = creation(rig)
        # Somebody else makes a guest of this name meanwhile.
        run.fail(Problem("cannot define it", "it exists"))
        await rig.until(lambda: "failed" in rig.text)
        sim.offered = sim.offered._replace(guests=(("mine", "1", False),))
        await rig.press("enter")
        await rig.until(lambda: not isinstance(rig.app.screen, CreateProgress))
        await settled(rig)
        assert "to mend" in rig.text
        item = shown.step.query_one(ReviewList).item
        assert isinstance(item, Finding)
        assert item.id == "name-taken"
