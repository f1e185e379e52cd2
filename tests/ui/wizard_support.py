"""The wizard in the program, on a simulated host, with an osinfo-db of the tests' own."""

from __future__ import annotations

from pathlib import Path

from tests.support.simcreate import SimCreate, SimCreation
from tests.support.simhost import SimHost
from tests.ui.support import Rig
from tuivm.screens.create.cycler import Cycler
from tuivm.screens.create.fields import Field
from tuivm.screens.create.progress import CreateProgress
from tuivm.screens.create.wizard import Wizard

OSINFO = Path(__file__).parents[1] / "unit" / "data" / "osinfo"


def web(host: SimHost) -> None:
    host.add_guest("web")


def creation(rig: Rig, host: str = "local") -> SimCreate:
    return rig.host(host).create


def wizard(rig: Rig) -> Wizard:
    return next(one for one in rig.app.screen_stack if isinstance(one, Wizard))


async def opened(rig: Rig) -> Wizard:
    """Press n, and wait until the host has answered and the first draft is there."""
    await rig.press("n")
    await rig.until(lambda: any(isinstance(one, Wizard) for one in rig.app.screen_stack))
    await settled(rig)
    return wizard(rig)


async def settled(rig: Rig) -> None:
    await rig.until(lambda: wizard(rig).settled)
    await rig.settle()


async def at(rig: Rig, title: str) -> None:
    """The step of this title is in front, with something in it that has the focus."""
    await rig.until(lambda: wizard(rig).step.title == title and wizard(rig).focused is not None)
    await rig.settle()


def field(rig: Rig, key: str) -> Field:
    return next(one for one in wizard(rig).step.fields if one.key == key)


async def to(rig: Rig, key: str) -> Field:
    """Move the focus to a field of the step in front, by keys."""
    for _ in range(60):
        focused = rig.app.focused
        inside = [] if focused is None else focused.ancestors_with_self
        if any(isinstance(one, Field) and one.key == key for one in inside):
            return field(rig, key)
        await rig.press("tab")
    raise AssertionError(f"no field {key} can be reached")


async def put(rig: Rig, key: str, text: str) -> None:
    """Replace what is in a text field, by keys, and wait for what follows."""
    await to(rig, key)
    await rig.press("end", "ctrl+u")
    await rig.type(text)
    await settled(rig)


async def turn(rig: Rig, key: str, wanted: str) -> None:
    """Turn a field of choices until it shows this."""
    found = await to(rig, key)
    for _ in range(40):
        if f" {wanted} " in found.query_one(Cycler).plain:
            return
        await rig.press("right")
        await settled(rig)
    raise AssertionError(f"{key} never showed {wanted}")


async def with_iso(rig: Rig) -> None:
    """Choose the one ISO that the host has."""
    await turn(rig, "source.volume", "debian-12.iso")


async def begun(rig: Rig) -> SimCreation:
    """From anywhere: review, Create; the creation that is then under way."""
    await rig.press("ctrl+r")
    await at(rig, "Review")
    before = len(creation(rig).runs)
    # A button that was just pressed takes no key for a moment.
    await rig.until(lambda: not rig.app.screen.query("Button.-active"))
    await rig.press("enter")
    await rig.until(lambda: len(creation(rig).runs) > before)
    await rig.until(lambda: isinstance(rig.app.screen, CreateProgress))
    await rig.settle()
    return creation(rig).runs[-1]
