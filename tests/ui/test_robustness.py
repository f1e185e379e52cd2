"""What comes from outside, and what is done to the terminal, breaks nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.screen import ModalScreen

from tests.support.simhost import LEGACY, SimHost
from tests.ui.support import Rig, running
from tuivm.config import Config
from tuivm.model.devices import Device, DeviceClass, DeviceKind
from tuivm.model.guests import GuestKey, GuestStack, GuestState
from tuivm.model.hosts import HostFacts, HostSpec, Problem
from tuivm.model.requests import Start
from tuivm.options import Options
from tuivm.screens.dialogs.explain import Explain
from tuivm.screens.guest import GuestScreen
from tuivm.screens.guests import GuestsScreen

ESCAPE = "\x1b[2J\x1b]0;gotcha\x07\x9b31m"
MARKUP = "[bold red]x[/] [/nope] [@click=app.quit()]y[/] [$primary] \\[b]a\\"
NAMES = {
    "markup": MARKUP,
    "control": f"a{ESCAPE}b\r\nc\td\0e\x7f \u2028b\u2029c\u0085d \udcff",
    "bidi": "abc\u202edef\u2066ghi\u2069\u200f שרת-חדש خادم",
    "wide": "🦊👩\u200d👩\u200d👧\u200d👦🇩🇪️" + "名前" * 20 + "e\u0301" * 30 + "\u0300" * 5,
    "long": "n" * 255,
    "blank": "   ",
}


def hostile(host: SimHost) -> None:
    for number, name in enumerate(NAMES.values()):
        key = host.add_guest(
            name,
            GuestState.OFF if number % 3 else GuestState.RUNNING,
            devices=(
                *LEGACY,
                Device(DeviceKind.DISK, DeviceClass.EMULATED, name, name, source=name, note=name),
            ),
            title=f"title of\n{name}",
            description=name,
            stack=GuestStack(name, name, name, name, name, name),
        )
        host.change(key.uuid, reason=name, addresses=(name,))
    host.facts = HostFacts(*[MARKUP] * 6, cpus=2)


def is_sound(rig: Rig) -> None:
    """Every row is as wide as the screen, and nothing in it could move the cursor."""
    width, height = rig.app.size
    strips = rig.app.screen._compositor.render_strips()
    assert len(strips) == height
    for strip in strips:
        text = strip.text
        assert strip.cell_length == width, repr(text)
        assert cell_len(text) == width, repr(text)
        assert not [c for c in text if ord(c) < 32 or 0x7F <= ord(c) < 0xA0], repr(text)
        assert not set(text) & set("\u202e\u2066\u2069\u2028\u2029"), repr(text)


def key_of(rig: Rig, name: str) -> GuestKey:
    return next(v.key for v in rig.app.store.guests.values() if v.guest.name == name)


DIALOGS = ("d", "x", "X", "R", "e", "o", "C", "T", "A", "!", "?", ":", "-")


@pytest.mark.parametrize("kind", ["markup", "control", "bidi", "wide", "long"])
async def test_names_of_every_kind_in_every_place_and_dialog(tmp_path: Path, kind: str) -> None:
    name = NAMES[kind]
    problem = Problem(f"cannot start {name}", name, name, name)
    async with running(tmp_path, hostile, size=(100, 24)) as rig:
        key = key_of(rig, name)
        await rig.go_to(key)
        is_sound(rig)
        rig.host().refuse = problem
        for way in ("x", "X", "R", "e", ":", "!"):
            await rig.press(way)
            is_sound(rig)
            if isinstance(rig.app.screen, ModalScreen):
                await rig.press("escape")
            if way == ":":
                await rig.press("escape")
            assert isinstance(rig.app.screen, GuestsScreen), way
        await rig.press("s", "a")
        is_sound(rig)
        await rig.press("enter")
        assert isinstance(rig.app.screen, GuestScreen)
        for _ in range(6):
            is_sound(rig)
            await rig.press("down")
        for keys in (("escape", "2"), ("3",), ("l", "G"), ("1", "t"), ("*",)):
            await rig.press(*keys)
            is_sound(rig)
        await rig.press("x")
        is_sound(rig)


async def test_markup_is_shown_as_it_is_written(tmp_path: Path) -> None:
    name = MARKUP

    def prepare(host: SimHost) -> None:
        host.add_guest(name)
        host.fail(Problem("w", name, name, name))
        host.state = host.state.UP

    async with running(tmp_path, prepare, size=(200, 40), config=Config(sort="name")) as rig:
        assert f"{name} · CPU" in rig.text
        await rig.press("x")
        assert f"{name} on local" in rig.words
        await rig.press("escape", "s")
        assert rig.notices[-1] == f"start: {name} is running already"
        await rig.until(lambda: f"start: {name}"[:40] in rig.text)
        await rig.press("e")
        await rig.until(lambda: isinstance(rig.app.screen, Explain))
        assert f"{name} is a guest" in rig.words
        await rig.press("escape", "enter")
        assert f"│ {name}" in rig.text


async def test_a_title_of_several_lines_takes_one(tmp_path: Path) -> None:
    def prepare(host: SimHost) -> None:
        host.add_guest("a", title="first\nsecond\r\nthird")
        host.add_guest("b")

    async with running(tmp_path, prepare, size=(200, 30)) as rig:
        rows = [line for line in rig.text.splitlines() if "▶ running" in line]
        assert len(rows) == 2
        assert "first␊second␍␊third" in rows[0]


async def test_names_of_hosts_are_untrusted_too(tmp_path: Path) -> None:
    name = MARKUP + ESCAPE

    def prepare(host: SimHost) -> None:
        host.add_guest("web")

    async with running(tmp_path, prepare, hosts=(name, "other"), size=(140, 40)) as rig:
        is_sound(rig)
        for keys in (("t",), ("3",), ("e",), ("escape", "-"), ("escape", "1", "x"), ("escape",)):
            await rig.press(*keys)
            is_sound(rig)
        rig.host(name).lose(name)
        await rig.tick()
        is_sound(rig)
        await rig.go_to(next(iter(rig.app.store.guests_of(name))).key)
        await rig.press("x", "r", "3")
        is_sound(rig)


def header(rig: Rig) -> str:
    return next(line for line in rig.text.splitlines() if "NAME" in line)


SIZES = ((1, 1), (40, 12), (3, 30), (80, 2), (80, 24))
OPENED: dict[str, tuple[str, ...]] = {
    "guests": (),
    "grouped": ("t",),
    "guest": ("enter",),
    "compare": ("2",),
    "hosts": ("3",),
    "palette": (":",),
    "confirm": ("x",),
    "progress": ("*", "a"),
}


def several(host: SimHost) -> None:
    for number in range(30):
        host.add_guest(f"web{number:02}", devices=LEGACY)


@pytest.mark.parametrize("what", OPENED)
async def test_resized_to_nothing_and_back(tmp_path: Path, what: str) -> None:
    async with running(tmp_path, several, hosts=("local", "rack7")) as rig:
        await rig.press(*OPENED[what])
        await rig.tick()
        screen, before = type(rig.app.screen), rig.text.splitlines()
        for width, height in SIZES:
            await rig.resize(width, height)
            await rig.tick()
            is_sound(rig)
            await rig.press("down", "up")
        assert type(rig.app.screen) is screen
        after = rig.text.splitlines()
        same = [a for a, b in zip(before, after, strict=True) if a == b]
        assert len(same) >= 3, "it looks as it did, but for the figures"


async def test_it_starts_on_the_smallest_terminal(tmp_path: Path) -> None:
    async with running(tmp_path, several, size=(1, 1)) as rig:
        for keys in ((), ("enter",), ("2",), ("3",), ("1", "x"), ("escape", "?")):
            await rig.press(*keys)
            await rig.tick()
            is_sound(rig)
        await rig.press("escape")
        await rig.resize(80, 24)
        await rig.tick()
        is_sound(rig)
        assert "web00" in rig.text


async def test_a_very_large_terminal(tmp_path: Path) -> None:
    async with running(tmp_path, several) as rig:
        await rig.resize(300, 100)
        await rig.tick()
        is_sound(rig)
        assert "UPTIME" in header(rig)
        await rig.press("enter")
        is_sound(rig)


async def test_40x12_is_usable(tmp_path: Path) -> None:
    async with running(tmp_path, several, size=(40, 12)) as rig:
        assert "web00" in rig.text
        assert "? help" in rig.text
        await rig.press("x")
        assert "web00  on local" in rig.text
        assert "Force off" in rig.text
        await rig.press("n", "G", "enter")
        assert "web29" in rig.text


async def test_the_cursor_is_on_the_screen_at_any_height(tmp_path: Path) -> None:
    async with running(tmp_path, several) as rig:
        await rig.press("G")
        for height in (10, 4, 40, 5, 24):
            await rig.resize(80, height)
            assert rig.table.cursor in rig.table.keys_in_view


def all_ways(rig_check: Callable[[Rig], None]) -> Callable[[Rig], object]:
    """Go through every place and dialog and check each."""

    async def walk(rig: Rig) -> None:
        for keys in (
            (),
            ("tab",),
            ("enter",),
            ("tab", "tab"),
            ("escape", "2"),
            ("3",),
            ("tab",),
            ("?",),
            ("escape", "!"),
            ("escape", ":"),
            ("escape", "escape", "1", "s"),
            *((way, "wait", "escape") for way in DIALOGS if way not in "!?:dbxTA-"),
            ("/", "x", "y"),
            ("escape", "t"),
            ("*", "p"),
        ):
            for key in keys:
                if key == "wait":
                    await rig.tick()
                    rig_check(rig)
                else:
                    await rig.press(key)
            await rig.tick()
            rig_check(rig)

    return walk


def ascii_only(rig: Rig) -> None:
    assert rig.text.isascii(), sorted({c for c in rig.text if not c.isascii()})


async def test_ascii_means_ascii(tmp_path: Path) -> None:
    def prepare(host: SimHost) -> None:
        several(host)
        host.add_guest("starting", GuestState.OFF)
        host.add_guest("paused", GuestState.PAUSED)
        host.add_guest("crashed", GuestState.CRASHED)
        key = host.add_guest("bare")
        host.change(key.uuid, details=None)
        if host.spec.name == "lost":
            host.lose()
        if host.spec.name == "hung":
            host.hung = True

    config = Config(ascii=True)
    hosts = ("local", "lost", "hung")
    async with running(tmp_path, prepare, hosts=hosts, size=(110, 30), config=config) as rig:
        await all_ways(ascii_only)(rig)  # type: ignore[misc]
        await rig.press("escape")
        rig.host().hold = True
        await rig.press("escape", "escape", "s")
        ascii_only(rig)


async def test_ascii_where_there_is_nothing(tmp_path: Path) -> None:
    options = Options(ascii=True)
    for hosts in ((), ("local",)):
        async with running(tmp_path, lambda host: None, hosts=hosts, options=options) as rig:
            for key in "123":
                await rig.press(key)
                ascii_only(rig)


async def test_one_program_after_another_in_ascii_and_not(tmp_path: Path) -> None:
    """Nothing of the one stays in the other."""
    async with running(tmp_path, several, options=Options(ascii=True), size=(80, 12)) as rig:
        ascii_only(rig)
    async with running(tmp_path, several, size=(80, 30)) as rig:
        assert "│" in rig.text
        await rig.press("?")
        assert not rig.text.isascii()


async def test_a_snapshot_of_a_host_that_was_never_added_is_ignored(tmp_path: Path) -> None:
    async with running(tmp_path, several) as rig:
        ghost = SimHost(HostSpec("ghost", "test+sim:///ghost"), rig.app.fleet.sinks, rig.app.now)  # type: ignore[arg-type]
        ghost.add_guest("boo")
        ghost.start()
        ghost.tick()
        await rig.tick()
        assert "boo" not in rig.text
        assert rig.app.store.host_names == ("local",)


async def test_a_thousand_guests(tmp_path: Path) -> None:
    def prepare(host: SimHost) -> None:
        for number in range(1000):
            host.add_guest(f"g{number:04}", GuestState.OFF if number % 2 else GuestState.RUNNING)

    async with running(tmp_path, prepare) as rig:
        assert "guests 500/1000" in rig.text
        await rig.press("G")
        assert rig.cursor == "g0999"
        assert "g0999" in rig.text
        await rig.press("s")
        assert rig.requests[0][1:] == (key_of(rig, "g0999").uuid, Start())
        await rig.press("/")
        await rig.type("g05 is:off")
        assert len(rig.names) == 50
        assert len(rig.host().view.guests) < 30, "what is on the screen, not all"


async def test_nothing_is_painted_while_the_program_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a lab or a host still tells then finds places that have lost their parts."""
    async with running(tmp_path, hostile) as rig:
        painted: list[bool] = []
        monkeypatch.setattr(GuestsScreen, "show_now", lambda _place: painted.append(True))
        rig.app.paint_now()
        assert painted
        painted.clear()
        rig.app.exit(0)
        rig.app.paint_now()
        assert not painted
