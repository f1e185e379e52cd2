"""Saves, reads and exports comparisons: works on files off the event loop, asks before it
replaces or deletes one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tuivm import comparisons, reports
from tuivm.background import off_the_loop
from tuivm.commands.base import Desk
from tuivm.comparisons import ComparisonError, Saved
from tuivm.model.recorded import Recorded
from tuivm.screens.dialogs.comparisons import Export
from tuivm.screens.dialogs.confirm import Confirm

_WRITERS: dict[str, Callable[[Recorded], str]] = {
    "json": reports.to_json,
    "csv": reports.to_csv,
    "md": reports.to_markdown,
    "svg": reports.to_svg,
}


class Opened(NamedTuple):
    name: str
    recorded: Recorded


async def save(desk: Desk, name: str, recorded: Recorded) -> bool:
    """Save under a name; asks before it replaces one. Did it?"""
    try:
        # Only the one file: a broken one beside it is no obstacle.
        taken = await off_the_loop(partial(_is_saved, name))
        if taken and not await _replace(desk, f"the comparison {name}"):
            return False
        path = await off_the_loop(partial(comparisons.save, name, recorded, replace=taken))
    except ComparisonError as error:
        desk.say(str(error), bad=True)
        return False
    desk.say(f"saved: {path}")
    return True


async def listed() -> list[Saved]:
    """All that are saved. Raises ComparisonError."""
    return await off_the_loop(comparisons.listed)


async def load(desk: Desk, name: str) -> Opened | None:
    """Read one; None, and said why, when it cannot be read."""
    try:
        return Opened(name, await off_the_loop(partial(comparisons.load, name)))
    except ComparisonError as error:
        desk.say(str(error), bad=True)
        return None


async def remove(desk: Desk, name: str) -> None:
    """Delete one, after asking."""
    lines = (name, "", "The file is deleted; no guest is touched.")
    if not await desk.ask(Confirm("Delete the comparison", lines, "Delete", dangerous=True)):
        return
    try:
        await off_the_loop(partial(comparisons.remove, name))
    except ComparisonError as error:
        desk.say(str(error), bad=True)


async def export(desk: Desk, wanted: Export, recorded: Recorded) -> None:
    """Write it to a file; asks before it replaces one."""
    path = wanted.path.absolute()
    try:
        there = await off_the_loop(path.exists)
        if there and not await _replace(desk, str(path)):
            return
        await off_the_loop(partial(_write, wanted, path, recorded))
    except OSError as error:
        desk.say(f"cannot write {path}: {error.strerror or error}", bad=True)
    else:
        desk.say(f"exported: {path}")


def _is_saved(name: str) -> bool:
    return (comparisons.directory() / f"{comparisons.file_name(name)}.json").exists()


def _write(wanted: Export, path: Path, recorded: Recorded) -> None:
    path.write_text(_WRITERS[wanted.suffix](recorded), encoding="utf-8", newline="")


async def _replace(desk: Desk, what: str) -> bool:
    lines = (f"There is already {what}.",)
    answer = await desk.ask(Confirm("Replace it?", lines, "Replace", dangerous=True))
    return answer is True
