"""How it looks: pictures of each place, all themes, a person's own, and no colour at all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from rich.color import ColorType
from rich.segment import Segment
from textual.pilot import Pilot

from tests.support.simhost import LEGACY, VIRTIO, SimHost
from tests.ui.support import WALL, Rig, make_app, running
from tuivm.config import Config
from tuivm.model.devices import Device, DeviceClass, DeviceKind
from tuivm.model.guests import GuestState
from tuivm.options import Options
from tuivm.themes import load_themes

THEMES = tuple(theme.name for theme in load_themes().themes)
SHIPPED = {"dark", "light", "high-contrast", "colour-blind-safe", "ansi", "monochrome"}
VF = Device(
    DeviceKind.HOSTDEV,
    DeviceClass.PHYSICAL,
    "vfio-pci",
    "hostdev0",
    source="0000:01:10.0",
    note="VF, physical, partitioned",
)


def fleet(host: SimHost) -> None:
    """A bit of everything, always the same."""
    if host.spec.name == "lab2":
        host.lose("ssh: connect to host lab2 port 22: No route to host")
        return
    for name, state, devices in (
        ("web-1", GuestState.RUNNING, VIRTIO),
        ("db-1", GuestState.RUNNING, (*VIRTIO, VF)),
        ("build", GuestState.PAUSED, VIRTIO),
        ("win11", GuestState.OFF, LEGACY),
        ("edge-3", GuestState.CRASHED, (*LEGACY, VF)),
        ("sleepy", GuestState.SUSPENDED, VIRTIO),
    ):
        key = host.add_guest(name, state, devices)
        started = WALL + 10_000 - 93_784 if state.active else None
        host.change(key.uuid, started_at=started, addresses=("192.0.2.7",) if started else ())


def all_segments(rig: Rig) -> Iterator[Segment]:
    for strip in rig.app.screen._compositor.render_strips():
        yield from strip


PLACES: dict[str, tuple[str, ...]] = {
    "guests": (),
    "guest": ("g", "enter"),
    "compare": ("2",),
    "hosts": ("3",),
}


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])
@pytest.mark.parametrize("place", PLACES)
def test_picture(  # type: ignore[no-untyped-def]
    snap_compare, tmp_path: Path, place: str, size: tuple[int, int]
) -> None:
    app, maker = make_app(tmp_path, fleet, hosts=("local", "rack7", "lab2"))

    async def act(pilot: Pilot[int]) -> None:
        rig = Rig(app, pilot, maker)
        await rig.tick(20)
        await rig.press(*PLACES[place])
        await rig.tick(2)

    run_before: Callable[[Pilot[int]], Awaitable[None]] = act
    assert snap_compare(app, terminal_size=size, run_before=run_before)


def test_the_shipped_themes_are_all_there() -> None:
    assert set(THEMES) >= SHIPPED


@pytest.mark.parametrize("theme", sorted(SHIPPED))
async def test_every_theme_in_every_place(tmp_path: Path, theme: str) -> None:
    """What is on the screen can be read: nothing is written in the colour of its ground."""
    options = Options(theme=theme)
    hosts = ("local", "lab2")
    async with running(tmp_path, fleet, hosts=hosts, size=(120, 30), options=options) as rig:
        assert rig.app.theme == theme
        assert rig.notices == []
        for keys in ((), ("enter",), ("escape", "2"), ("3",), ("1", "x"), ("escape", "?")):
            await rig.press(*keys)
            for segment in all_segments(rig):
                style = segment.style
                if not segment.text.strip() or not style or not style.color:
                    continue
                if not style.color.is_default and not style.reverse:
                    assert style.color != style.bgcolor, (theme, keys, segment)
        await rig.press("escape")
        for words in ("▶ running", "‖ paused", "■ off", "✖ crashed", "☾ suspen"):
            assert words in rig.text, "the state is a word, whatever the colours"


@pytest.mark.parametrize("theme", sorted(SHIPPED))
async def test_the_cursor_can_be_seen_in_every_theme(tmp_path: Path, theme: str) -> None:
    """Two rows change their colours or attributes when it moves, wherever it is."""
    options = Options(theme=theme)
    hosts = ("local", "rack7")
    async with running(tmp_path, fleet, hosts=hosts, size=(120, 30), options=options) as rig:

        def looks() -> list[list[tuple[object, ...]]]:
            """Colours and attributes cell by cell, without words."""
            return [
                [
                    (style.color, style.bgcolor, style.reverse, style.bold)
                    for segment in strip
                    if (style := segment.style)
                    for _ in segment.text
                ]
                for strip in rig.app.screen._compositor.render_strips()[1:16]
            ]

        for place in ((), ("enter",), ("escape", "h"), ("3",)):
            await rig.press(*place)
            before = looks()
            await rig.press("down")
            moved = [a for a, b in zip(before, looks(), strict=True) if a != b]
            assert len(moved) >= 2, place
        focused = looks()
        await rig.press("l")
        local, rack7 = (
            next(y for y, line in enumerate(rig.text.splitlines()[1:]) if line.startswith(name))
            for name in ("● local", "● rack7")
        )
        blurred = looks()
        assert blurred[rack7][:10] != focused[rack7][:10], "it shows who has the focus"
        grounds = [[look[1:3] for look in blurred[row][6:10]] for row in (local, rack7)]
        assert grounds[0] != grounds[1], "and still where the cursor is"


async def test_ansi_uses_the_terminals_own_colours_alone(tmp_path: Path) -> None:
    async with running(tmp_path, fleet, options=Options(theme="ansi"), size=(120, 30)) as rig:
        for keys in ((), ("enter",), ("escape", "2"), ("3",), ("1", "t")):
            await rig.press(*keys)
            for segment in all_segments(rig):
                for colour in (segment.style.color, segment.style.bgcolor) if segment.style else ():
                    plain = colour is None or colour.type in (ColorType.DEFAULT, ColorType.STANDARD)
                    assert plain, (keys, segment)


def is_grey(rig: Rig) -> bool:
    colours = {
        colour.get_truecolor()
        for segment in all_segments(rig)
        if segment.style
        for colour in (segment.style.color, segment.style.bgcolor)
        if colour is not None and not colour.is_default
    }
    return all(max(colour) - min(colour) <= 1 for colour in colours)


async def test_monochrome_has_no_hue(tmp_path: Path) -> None:
    async with running(tmp_path, fleet, options=Options(theme="monochrome")) as rig:
        for keys in ((), ("enter",), ("escape", "2"), ("3",), ("1", "x"), ("y",)):
            await rig.press(*keys)
            assert is_grey(rig), keys


async def test_no_color(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(tmp_path, fleet) as rig:
        assert not is_grey(rig)
    monkeypatch.setenv("NO_COLOR", "1")
    async with running(tmp_path, fleet, hosts=("local", "lab2"), size=(120, 30)) as rig:
        for keys in ((), ("enter",), ("escape", "2"), ("3",), ("1", "x"), ("escape", "s")):
            await rig.press(*keys)
            assert is_grey(rig), keys
        for words in ("▶ running", "■ off", "✖ lab2", "◆"):
            assert words in rig.text


OWN = """
name = "mine"
dark = true
[colours]
primary = "#123456"
foreground = "#abcdef"
background = "#010203"
[roles]
state-running = "#fedcba"
"""


async def test_a_persons_own_theme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    themes = tmp_path / "tuivm" / "themes"
    themes.mkdir(parents=True)
    (themes / "mine.toml").write_text(OWN)
    (themes / "bad.toml").write_text(OWN.replace("mine", "bad").replace("#abcdef", "purplish"))
    async with running(tmp_path, fleet, config=Config(theme="mine")) as rig:
        assert rig.app.theme == "mine"
        assert len(rig.notices) == 1
        assert "bad.toml" in rig.notices[0]
        assert "purplish" in rig.notices[0]
        running_style = next(s.style for s in all_segments(rig) if "▶ running" in s.text)
        assert running_style is not None
        assert running_style.color is not None
        assert running_style.color.get_truecolor() == (0xFE, 0xDC, 0xBA)
        await rig.press("T")
        assert "mine" in rig.text
        assert "bad" not in {line.strip(" │") for line in rig.text.splitlines()}


async def test_a_theme_that_does_not_exist_is_reported(tmp_path: Path) -> None:
    async with running(tmp_path, fleet, options=Options(theme="drak")) as rig:
        assert rig.app.theme == "dark"
        assert len(rig.notices) == 1
        assert 'there is no theme "drak"' in rig.notices[0]
        assert "colour-blind-safe" in rig.notices[0]


async def test_a_theme_changes_all_at_once(tmp_path: Path) -> None:
    async with running(tmp_path, fleet) as rig:
        before = {str(s.style.bgcolor) for s in all_segments(rig) if s.style}
        rig.app.theme = "light"
        await rig.settle()
        await rig.tick()
        after = {str(s.style.bgcolor) for s in all_segments(rig) if s.style}
        assert not before & after, "no part keeps the old ground"
