"""Keys, help, palette and key map; and that keys stay quick when the terminal is slow."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual import events
from textual.command import CommandPalette
from textual.geometry import Size
from textual.widgets import Input, OptionList

from tests.support.simhost import SimHost
from tests.ui.support import Rig, running
from tuivm import app as program
from tuivm.commands import COMMANDS
from tuivm.config import Config
from tuivm.keynames import key_name
from tuivm.model.guests import GuestState
from tuivm.model.requests import Start, Suspend
from tuivm.options import Options
from tuivm.screens.dialogs.help import Help
from tuivm.screens.dialogs.notices import Notices
from tuivm.screens.guests import GuestsScreen

NASTY = "[bold red]x[/] [/nope] [@click=app.quit]y"


def two(host: SimHost) -> None:
    host.add_guest("web")
    host.add_guest("xoff", GuestState.OFF)


WAYS = {"guests": (), "guest": ("enter",), "compare": ("2",), "hosts": ("3",), "lab": ("L",)}


async def test_help_lists_every_command_of_the_place(tmp_path: Path) -> None:
    async with running(tmp_path, two, size=(120, 120)) as rig:
        for place, way in WAYS.items():
            await rig.press(*way, "?")
            assert isinstance(rig.app.screen, Help)
            await rig.until(lambda: "quit" in rig.words)
            assert f"Keys: {place}" in rig.text
            words = rig.words
            for command in COMMANDS:
                keys = " ".join(key_name(key) for key in command.keys)
                # The first words are enough: the rest is wrapped under them.
                row = f"{keys} {command.label} {command.help()[:20]}"
                assert (row in words) is (place in command.places), (place, row)
            await rig.press("escape")
            assert not isinstance(rig.app.screen, Help)


async def test_help_narrows_as_one_types(tmp_path: Path) -> None:
    async with running(tmp_path, two, size=(100, 40)) as rig:
        await rig.press("f1")
        await rig.type("unplug plug")
        await rig.until(lambda: "Nothing matches." in rig.text)
        rig.app.screen.query_one("#filter", Input).value = "pull the plug"
        await rig.until(lambda: "force off" in rig.text)
        assert "rename" not in rig.text


async def palette(rig: Rig, text: str) -> None:
    await rig.press(":")
    assert isinstance(rig.app.screen, CommandPalette)
    await rig.type(text)
    await rig.until(lambda: len(hits(rig)) > 0)


def hits(rig: Rig) -> list[str]:
    options = rig.app.screen.query_one(OptionList)
    return [str(options.get_option_at_index(i).prompt) for i in range(options.option_count)]


async def test_the_palette_finds_a_command_and_runs_it(tmp_path: Path) -> None:
    async with running(tmp_path, two) as rig:
        await palette(rig, "stop the vcpus")
        await rig.until(lambda: hits(rig)[0].startswith("guests: pause  (p)"))
        assert "Stop the vCPUs of a guest" in hits(rig)[0]
        await rig.press("enter", "enter")
        await rig.until(lambda: bool(rig.requests))
        web = next(v.key.uuid for v in rig.app.store.guests.values() if v.guest.name == "web")
        assert rig.requests == [("local", web, Suspend())]


async def test_the_palette_says_why_a_command_is_off(tmp_path: Path) -> None:
    def prepare(host: SimHost) -> None:
        host.add_guest(NASTY)

    async with running(tmp_path, prepare) as rig:
        await palette(rig, "start")
        await rig.until(lambda: any("is running already" in hit for hit in hits(rig)))
        assert any(f"off: {NASTY} is running already" in hit for hit in hits(rig))
        await rig.press("enter", "enter")
        await rig.until(lambda: bool(rig.notices))
        assert rig.notices == [f"start: {NASTY} is running already"]
        assert rig.requests == []


async def test_the_palette_has_the_commands_of_its_place(tmp_path: Path) -> None:
    async with running(tmp_path, two) as rig:
        for place, way in WAYS.items():
            await rig.press(*way, "ctrl+p")
            await rig.until(lambda: isinstance(rig.app.screen, CommandPalette))
            here = {c.label for c in COMMANDS if place in c.places and c.id != "program.palette"}
            await rig.until(lambda here=here: len(hits(rig)) >= len(here))  # type: ignore[misc]
            found = {hit.split("\n")[0].split(": ", 1)[1].split("  (")[0] for hit in hits(rig)}
            assert found == here
            await rig.press("escape")
            await rig.until(lambda: not isinstance(rig.app.screen, CommandPalette))


async def test_the_palette_does_not_open_over_a_question(tmp_path: Path) -> None:
    """It would have nothing to offer there."""
    async with running(tmp_path, two) as rig:
        await rig.press("x", "ctrl+p")
        assert not isinstance(rig.app.screen, CommandPalette)


async def test_a_remapped_key_works_everywhere(tmp_path: Path) -> None:
    config = Config(keys={"guest.start": "f9", "program.quit": "Q", "guest.delete": "none"})
    async with running(tmp_path, two, config=config, size=(120, 60)) as rig:
        await rig.press("down", "s", "q", "X")
        assert rig.requests == []
        assert rig.app.is_running
        assert isinstance(rig.app.screen, GuestsScreen)
        await rig.press("f9")
        assert [request for _, _, request in rig.requests] == [Start()]
        bar = rig.text.splitlines()[-1]
        assert "f9 start" in bar
        assert "Q quit" in bar
        await rig.press("?")
        await rig.until(lambda: "f9 start Start" in rig.words)
        assert "(no key) delete" in rig.words
        await rig.press("escape")
        await palette(rig, "delete")
        assert any(hit.startswith("guests: delete\n") for hit in hits(rig)), "still there"
        await rig.press("escape", "escape", "Q")
        await rig.until(lambda: rig.app.return_code == 0)


async def test_two_keys_can_be_swapped(tmp_path: Path) -> None:
    config = Config(keys={"guest.start": "p", "guest.pause": "s"})
    async with running(tmp_path, two, config=config) as rig:
        assert rig.notices == []
        await rig.press("s")
        assert [request for _, _, request in rig.requests] == [Suspend()]


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"guest.start": "x"}, ('"x" is already the key of "guest.force-off"', 'keeps "s"')),
        ({"guest.start": "j"}, ('"j" is already the key of "moving in lists"',)),
        ({"guest.start": "1"}, ('"1" is already the key of "place.guests"',)),
        ({"guest.begin": "s"}, ('there is no command "guest.begin"',)),
        ({"guest.start": "nokey"}, ('"nokey" is not a key',)),
    ],
)
async def test_a_clash_is_reported_and_nothing_changes(
    tmp_path: Path, keys: dict[str, str], words: tuple[str, ...]
) -> None:
    async with running(tmp_path, two, config=Config(keys=keys)) as rig:
        assert len(rig.notices) == 1
        for part in words:
            assert part in rig.notices[0]
        await rig.press("G", "s")
        assert [request for _, _, request in rig.requests] == [Start()]


async def test_hjkl_move_like_the_arrows(tmp_path: Path) -> None:
    async with running(tmp_path, two, size=(120, 30)) as rig:
        for down, up in (("down", "up"), ("j", "k"), ("G", "g"), ("end", "home")):
            await rig.press(down)
            assert rig.cursor == "xoff"
            await rig.press(up)
            assert rig.cursor == "web"
        for left, right in (("left", "right"), ("h", "l")):
            await rig.press(left)
            assert not rig.table.has_focus
            await rig.press(right)
            assert rig.table.has_focus


async def test_the_footer_shows_what_is_off_and_its_hints_can_be_clicked(tmp_path: Path) -> None:
    async with running(tmp_path, two, size=(160, 30)) as rig:

        def on() -> dict[str, bool]:
            return {hint.label: hint.on for hint in rig.app.screen.hints()}  # type: ignore[attr-defined]

        assert on()["shut down"]
        assert not on()["start"]
        await rig.press("down")
        assert on()["start"]
        assert not on()["shut down"]
        bar = rig.text.splitlines()[-1]
        for words in ("enter open", "s start", "? help", "q quit"):
            assert words in bar
        await rig.pilot.click(offset=(bar.index("s start") + 1, 29))
        await rig.settle()
        assert [request for _, _, request in rig.requests] == [Start()]


async def test_help_and_quit_stay_in_the_footer(tmp_path: Path) -> None:
    async with running(tmp_path, two) as rig:
        for width in (20, 40, 80, 300):
            await rig.resize(width, 24)
            bar = rig.text.splitlines()[-1]
            assert "? help" in bar
            assert "q quit" in bar


async def test_quit_at_once_whatever_hangs(tmp_path: Path) -> None:
    async with running(tmp_path, two, hosts=("local", "rack7")) as rig:
        rig.host("local").hung = True
        rig.host("rack7").hung = True
        await rig.press("x", "y", "down", "s", "q")
        await rig.until(lambda: rig.app.return_code == 0)
        assert rig.host("local").closed
        assert rig.host("rack7").closed


async def test_what_is_typed_behind_quit_does_nothing(tmp_path: Path) -> None:
    async with running(tmp_path, two) as rig:
        for key in "qpps:p":
            rig.app.post_message(events.Key({":": "colon"}.get(key, key), key))
        await rig.until(lambda: rig.app.return_code == 0)
        assert not rig.host().requests
        assert not any("off" in notice.text for notice in rig.app.notices)


async def test_notices_are_kept(tmp_path: Path) -> None:
    async with running(tmp_path, two) as rig:
        await rig.press("p", "G", "x")
        await rig.tick()
        await rig.press("s", "!")
        await rig.until(lambda: isinstance(rig.app.screen, Notices))
        words = rig.words
        newest_first = ("xoff on local: starting: done", "force off: xoff is off")
        assert words.index(newest_first[0]) < words.index(newest_first[1])
        assert "web on local: pausing: done" in words


async def test_the_theme_is_chosen_and_kept(tmp_path: Path) -> None:
    async with running(tmp_path, two) as rig:
        assert rig.app.theme == "dark"
        await rig.press("T", "down", "enter")
        assert rig.app.theme != "dark"
        kept = tmp_path / "config.toml"
        await rig.until(kept.exists)
        assert f'theme = "{rig.app.theme}"' in kept.read_text()


async def test_a_picture_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(tmp_path, two) as rig:
        await rig.press("ctrl+s")
        await rig.until(lambda: bool(rig.notices))
        (picture,) = tmp_path.glob("tuivm-*.svg")
        assert rig.notices[-1].endswith(picture.name)
        assert "web" in picture.read_text()


async def test_a_terminal_that_is_behind_skips_ticks_and_not_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = 0
    monkeypatch.setattr(program, "waiting_writes", lambda app: waiting)
    async with running(tmp_path, two) as rig:

        def row() -> str:
            return next(line for line in rig.text.splitlines() if " web " in line)

        before = row()
        await rig.tick()
        assert row() != before
        waiting = 3
        before, skipped = row(), rig.app.flow.skipped
        await rig.tick(5)
        assert row() == before
        assert rig.app.flow.skipped > skipped
        await rig.press("down")
        assert rig.cursor == "xoff", "keys are not ticks"
        await rig.press("s")
        assert [request for _, _, request in rig.requests] == [Start()]
        waiting = 0
        await rig.tick()
        assert row() != before


async def test_a_terminal_that_has_not_answered_yet_is_behind(tmp_path: Path) -> None:
    async with running(tmp_path, two) as rig:
        flow = rig.app.flow
        flow.answered()
        flow.asked(rig.app.now())
        shown = rig.text
        await rig.tick()
        assert rig.text == shown
        flow.answered()
        await rig.tick()
        assert rig.text != shown


async def test_many_hosts_cost_one_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    painted = 0
    original = GuestsScreen.tick

    def counting(self: GuestsScreen) -> None:
        nonlocal painted
        painted += 1
        original(self)

    names = tuple(f"h{number}" for number in range(12))
    async with running(tmp_path, two, hosts=names) as rig:
        monkeypatch.setattr(GuestsScreen, "tick", counting)
        rig.maker.tick()
        await rig.until(lambda: painted > 0)
        await rig.settle()
        assert painted == 1


async def test_slow_asks_less_often(tmp_path: Path) -> None:
    async with running(tmp_path, two, options=Options(slow=True)) as rig:
        assert rig.app.slow
        await rig.press("A")
        await rig.type("qemu:///system")
        await rig.press("enter")
        await rig.until(lambda: "Connected" in rig.text)
        await rig.press("enter")
        added = next(h for name, h in rig.maker.hosts.items() if name != "local")
        assert added.spec.interval > rig.host("local").spec.interval


async def test_a_timer_that_fires_while_the_program_ends(tmp_path: Path) -> None:
    async with running(tmp_path, two) as rig:
        await rig.press("d", "enter")
    assert rig.app.screen_stack == []
    rig.maker._clock.now += 100
    rig.app._beat()
    rig.app.paint_now()


async def test_a_size_of_before_does_not_stay(tmp_path: Path) -> None:
    """As when the terminal grows while a dialog opens, and its own first size comes in later."""
    async with running(tmp_path, two) as rig:
        await rig.press("?")
        await rig.until(lambda: "Keys: guests" in rig.text)
        small = Size(3, 3)
        handled: list[bool] = []
        rig.app.screen.post_message(events.Resize(small, small))
        rig.app.screen.call_later(handled.append, True)
        await rig.until(lambda: bool(handled))
        await rig.until(lambda: rig.app.screen.size == rig.app.size)
        await rig.until(lambda: "Keys: guests" in rig.text)
