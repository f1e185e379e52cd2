"""Hosts: their states and countdowns, what they say when they fail, adding and removing them."""

from __future__ import annotations

import itertools
import tomllib
from pathlib import Path

import pytest
from textual.widgets import Button, Input

from tests.support.simhost import SimHost
from tests.ui.support import Rig, running
from tuivm.config import Config
from tuivm.model.guests import GuestState
from tuivm.model.hosts import HostFacts, HostSpec, HostState, Problem
from tuivm.model.ports import CredentialPrompt, Trial
from tuivm.model.requests import Start, Suspend
from tuivm.screens.dialogs.add_host import AddHost
from tuivm.screens.dialogs.base import Tick
from tuivm.screens.dialogs.confirm import Confirm
from tuivm.screens.dialogs.credentials import Credentials
from tuivm.screens.guests import GuestsScreen
from tuivm.widgets.hostlist import HostList

DENIED = Problem(
    "cannot connect to qemu:///system",
    "authentication unavailable: no polkit agent available",
    "you are not in the group libvirt",
    "sudo usermod -aG libvirt $USER",
)


def two(host: SimHost) -> None:
    host.add_guest("web")
    host.add_guest("db", GuestState.OFF)


async def ticks_of(rig: Rig, name: str, seconds: float) -> None:
    """Time passes, and only that host answers."""
    rig.maker._clock.now += seconds
    rig.host(name).tick()
    await rig.settle()
    rig.app.paint_now()
    await rig.settle()


async def test_a_host_that_does_not_answer_is_stale_and_the_others_run_on(tmp_path: Path) -> None:
    async with running(tmp_path, two, hosts=("local", "rack7"), size=(140, 30)) as rig:
        rig.host("rack7").hung = True
        for _ in range(5):
            await ticks_of(rig, "local", 1)
        assert "stale" not in rig.text, "it has some seconds"
        before = rig.text
        for _ in range(3):
            await ticks_of(rig, "local", 1)
        assert "rack7  stale 8 s" in rig.text, "the hosts pane counts"
        assert "hosts 1 up, rack7 stale 8 s" in rig.text.splitlines()[0]
        await ticks_of(rig, "local", 1)
        assert "stale 9 s" in rig.text
        assert "? running" in rig.text, "its last data stay, marked as such"
        assert rig.names == ["db", "db", "web", "web"]
        local = [line for line in rig.text.splitlines() if "web" in line and " local " in line]
        assert local[0] not in before, "the others' figures move on"

        stale = next(v.key for v in rig.app.store.guests_of("rack7") if v.guest.name == "web")
        await rig.go_to(stale)
        await rig.press("p")
        assert rig.notices[-1] == "pause: rack7 does not answer (stale 9 s)"
        await rig.press("up", "down")
        assert rig.table.cursor == stale
        fresh = next(v.key for v in rig.app.store.guests_of("local") if v.guest.name == "web")
        await rig.go_to(fresh)
        await rig.press("p")
        assert rig.requests == [("local", fresh.uuid, Suspend())]

        rig.host("rack7").hung = False
        await rig.tick(2)
        assert "? running" not in rig.text
        assert "hosts 2 up" in rig.text
        await rig.go_to(stale)
        await rig.press("p")
        assert rig.requests[1:] == [("rack7", stale.uuid, Suspend())]


async def test_a_gap_stays_a_gap_in_the_chart(tmp_path: Path) -> None:
    def prepare(host: SimHost) -> None:
        host.add_guest("web")

    config = Config(chart_window=60.0)
    async with running(tmp_path, prepare, size=(120, 30), config=config) as rig:
        await rig.tick(10)
        rig.host().hung = True
        await rig.tick(20)
        rig.host().hung = False
        await rig.tick(8)
        chart = rig.app.screen.query_one("#chart")
        data = rig.app.screen.chart_data(chart.window(60.0, rig.app.now()))  # type: ignore[attr-defined]
        values = data.series[0].values
        known = [index for index, value in enumerate(values) if value == value]
        holes = [b - a for a, b in itertools.pairwise(known) if b - a > 1]
        assert len(holes) == 1
        assert holes[0] * data.step >= 15


async def test_a_lost_host_counts_down_keeps_its_guests_and_comes_back(tmp_path: Path) -> None:
    async with running(tmp_path, two, hosts=("local", "rack7"), size=(140, 30)) as rig:
        keys = set(rig.app.store.guests)
        rig.host("rack7").lose()
        await rig.tick()
        assert "hosts 1 up, rack7 lost, retry 5 s" in rig.text.splitlines()[0]
        assert "the daemon is not" in rig.text, "the likely cause"
        await ticks_of(rig, "local", 2)
        assert "retry 3 s" in rig.text
        assert set(rig.app.store.guests) == keys
        lost = next(v.key for v in rig.app.store.guests_of("rack7") if v.guest.name == "db")
        await rig.go_to(lost)
        await rig.press("s")
        assert rig.notices[-1] == "start: rack7 is lost"
        assert rig.host("rack7").requests == []
        await rig.press("r")
        assert rig.host("rack7").retries == 1
        assert rig.host("local").retries == 0
        assert rig.notices[-1] == "trying rack7 again"
        rig.host("rack7").find()
        await rig.tick()
        assert "hosts 2 up" in rig.text
        assert set(rig.app.store.guests) == keys
        assert len(rig.table.rows) == 4, "no duplicate, none lost"
        await rig.press("r")
        assert rig.notices[-1] == "every host is up"


async def test_counters_of_a_new_connection_are_not_joined_to_the_old_ones(tmp_path: Path) -> None:
    async with running(tmp_path, two, size=(120, 30)) as rig:
        rig.host().lose()
        await rig.tick()
        rig.host().find()
        for sim in rig.host().guests.values():
            sim.cpu_ns = 0
        await rig.tick()
        view = next(v for v in rig.app.store.guests.values() if v.guest.name == "web")
        assert view.cpu_percent is None, "the first sample has nothing to be compared with"
        await rig.tick()
        view = rig.app.store.guests[view.key]
        assert view.cpu_percent is not None
        assert 0 <= view.cpu_percent <= 100


async def test_retry_goes_to_all_in_trouble_when_the_highlighted_one_is_not(tmp_path: Path) -> None:
    async with running(tmp_path, two, hosts=("a", "b", "c")) as rig:
        rig.host("b").lose()
        rig.host("c").fail(DENIED)
        await rig.tick()
        await rig.press("r")
        assert [rig.host(name).retries for name in "abc"] == [0, 1, 1]
        await rig.press("3", "j", "r")
        assert [rig.host(name).retries for name in "abc"] == [0, 2, 1]


@pytest.mark.parametrize("place", ["1", "3"])
async def test_a_host_that_fails_says_why_and_what_to_do(tmp_path: Path, place: str) -> None:
    async with running(tmp_path, lambda host: host.fail(DENIED)) as rig:
        await rig.press(place)
        assert "failed" in rig.text
        assert DENIED.reason in rig.words
        assert DENIED.cause in rig.words
        assert DENIED.remedy in rig.words
        if place == "1":
            assert "r  try again now" in rig.text


async def test_before_it_answers_it_is_connecting(tmp_path: Path) -> None:
    def hang(host: SimHost) -> None:
        host.hung = True

    async with running(tmp_path, hang) as rig:
        assert "connecting" in rig.text
        assert "hosts 0 up, local connecting" in rig.text
        await rig.press("3")
        assert "connecting" in rig.text
        rig.host("local").hung = False
        await rig.tick()
        assert "hosts 1 up" in rig.text


async def test_no_host_at_all(tmp_path: Path) -> None:
    problem = "rack7 is no usable URI: [b]it\x1b names no driver\nwrite qemu+ssh://rack7/system"
    async with running(tmp_path, two, hosts=(), problems=(problem,)) as rig:
        for place in "13":
            await rig.press(place)
            assert "No host is known." in rig.text
            assert "[b]it␛ names no driver write qemu+ssh://rack7/system" in rig.words
            assert "A  add a host by its libvirt URI" in rig.text
        await rig.press("1", "e")
        assert "nothing is highlighted" in rig.notices[-1]
        await rig.press("2", "e")
        assert "throughput (more is better)" in rig.words
        await rig.press("escape", "r")
        assert rig.notices[-1] == "retry: no host is known"
        await rig.press("1", "A")
        assert isinstance(rig.app.screen, AddHost)


async def test_twenty_hosts_of_which_ten_are_dead(tmp_path: Path) -> None:
    def prepare(host: SimHost) -> None:
        two(host)
        if int(host.spec.name[1:]) % 2:
            host.fail(DENIED) if host.spec.name.endswith("1") else host.lose()

    names = tuple(f"h{number:02}" for number in range(20))
    async with running(tmp_path, prepare, hosts=names, size=(120, 40)) as rig:
        assert "hosts 10 up, 10 not (next try 5 s)" in rig.text
        rig.host("h00").hung = True
        await rig.tick(8)
        assert "hosts 9 up, 11 not" in rig.text
        assert "h00  stale 8 s" in rig.text
        await rig.press("3")
        hosts = rig.app.screen.query_one(HostList)
        for name in names:
            assert hosts.highlighted == name
            line = rig.text.splitlines()[2]
            assert f" {name}" in line, "the one that is highlighted is shown in full"
            await rig.press("down")
        alive = next(v.key for v in rig.app.store.guests_of("h02") if v.guest.name == "db")
        await rig.press("1")
        await rig.go_to(alive)
        await rig.press("s")
        assert rig.requests == [("h02", alive.uuid, Start())]


async def test_the_hosts_place_tells_what_is_reported_and_what_is_not(tmp_path: Path) -> None:
    def prepare(host: SimHost) -> None:
        two(host)
        if host.spec.name == "bare":
            host.facts = HostFacts()
            host.device_port.hold = True

    async with running(tmp_path, prepare, hosts=("local", "bare"), size=(120, 40)) as rig:
        await rig.press("3")
        for words in (
            "Simulated CPU",
            "QEMU 7.2.22",
            "9.0.0",
            "kvm, qemu",
            "CPU 25 %",
            "1 up of 2",
        ):
            assert words in rig.text
        await rig.press("down")
        assert rig.text.splitlines()[2].startswith(" ● bare")
        assert rig.text.count("not reported") >= 6
        assert "Simulated" not in rig.text
        assert " 0 socket" not in rig.text


async def test_what_does_not_fit_can_be_scrolled_by_keyboard(tmp_path: Path) -> None:
    long = Problem("cannot connect", "\n".join(f"line {number}" for number in range(40)))
    async with running(tmp_path, lambda host: host.fail(long)) as rig:
        await rig.press("3")
        assert "line 1" in rig.text
        assert "access" not in rig.text
        await rig.press("l", "G")
        await rig.until(lambda: "access        full" in rig.text)
        await rig.press("g")
        await rig.until(lambda: "line 1" in rig.text and "access" not in rig.text)
        await rig.press("h", "j", "k")
        assert rig.app.screen.query_one(HostList).has_focus


def typed(rig: Rig, field: str) -> Input:
    return rig.app.screen.query_one(field, Input)


async def test_a_host_is_added_tried_out_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("# my hosts\ntheme = 'dark'  # not light\n")
    async with running(tmp_path, two) as rig:
        await rig.press("A")
        dialog = rig.app.screen
        assert isinstance(dialog, AddHost)
        await rig.type("qemu+ssh://root@rack7/system")
        assert dialog.query_one("#add", Button).disabled, "not before it was tried"
        await rig.press("enter")
        await rig.until(lambda: "Connected. 3 guests." in rig.text)
        assert rig.maker.tried == [("qemu+ssh://root@rack7/system", False)]
        assert "rack7" not in rig.maker.hosts
        await rig.press("enter")
        assert isinstance(rig.app.screen, GuestsScreen)
        await rig.tick()
        assert rig.host("rack7").started
        assert {key.host for key in rig.app.store.guests} == {"local", "rack7"}
        await rig.until(lambda: "rack7" in path.read_text())
        text = path.read_text()
        assert text.startswith("# my hosts\ntheme = 'dark'  # not light\n")
        kept = tomllib.loads(text)["host"]
        assert kept == [{"name": "rack7", "uri": "qemu+ssh://root@rack7/system"}]

        rack = next(iter(rig.app.store.guests_of("rack7"))).key
        await rig.go_to(rack)
        await rig.press("-")
        assert isinstance(rig.app.screen, Confirm)
        assert "Nothing changes on the host itself" in rig.text
        await rig.press("y")
        await rig.tick()
        assert {key.host for key in rig.app.store.guests} == {"local"}
        assert rig.host("rack7").closed
        assert not rig.host("local").closed
        await rig.until(lambda: "rack7" not in path.read_text())
        assert path.read_text().startswith("# my hosts\ntheme = 'dark'  # not light\n")


async def test_a_trial_that_fails_tells_why_and_a_host_can_still_be_added(tmp_path: Path) -> None:
    async with running(tmp_path, two, size=(100, 30)) as rig:
        rig.maker.trial = Trial(problem=DENIED)
        await rig.press("+")
        await rig.type("qemu+ssh://rack7/system")
        await rig.press("enter")
        await rig.until(lambda: "cannot connect" in rig.text)
        for words in (DENIED.reason, DENIED.cause, DENIED.remedy):
            assert words in rig.words
        button = rig.app.screen.query_one("#add", Button)
        assert str(button.label) == "Add anyway"
        button.press()
        await rig.settle()
        await rig.tick()
        assert "rack7" in rig.app.store.host_names


async def test_a_uri_that_is_not_one_is_not_even_tried(tmp_path: Path) -> None:
    async with running(tmp_path, two) as rig:
        await rig.press("A")
        await rig.type("qemu+shh://rack7/system")
        await rig.press("enter")
        assert rig.maker.tried == []
        assert rig.app.screen.query_one("#try", Button).disabled
        typed(rig, "#uri").value = "qemu:///system"
        typed(rig, "#name").value = "local"
        await rig.press("enter")
        assert "There is a host named local already" in rig.text
        assert rig.maker.tried == []
        await rig.press("escape")
        assert rig.app.store.host_names == ("local",)


async def test_a_host_added_read_only(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    async with running(tmp_path, two, hosts=()) as rig:
        await rig.press("A")
        await rig.type("qemu:///system")
        rig.app.screen.query_one("#readonly", Tick).value = True
        await rig.settle()
        await rig.press("enter")
        await rig.until(lambda: "Connected" in rig.text)
        assert rig.maker.tried == [("qemu:///system", True)]
        rig.app.screen.query_one("#add", Button).press()
        await rig.settle()
        await rig.tick()
        (name,) = rig.app.store.host_names
        assert rig.host(name).spec.readonly
        await rig.until(path.exists)
        assert tomllib.loads(path.read_text())["host"][0]["readonly"] is True
        await rig.press("s")
        assert "is opened read-only" in rig.notices[-1]


async def test_a_config_that_cannot_be_written_is_told_and_the_host_stays(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("host = [ this is not TOML\n")
    async with running(tmp_path, two, hosts=()) as rig:
        await rig.press("A")
        await rig.type("qemu:///system")
        await rig.press("enter")
        await rig.until(lambda: "Connected" in rig.text)
        rig.app.screen.query_one("#add", Button).press()
        await rig.until(lambda: any(str(path) in notice for notice in rig.notices))
        await rig.tick()
        assert len(rig.app.store.host_names) == 1
        assert path.read_text() == "host = [ this is not TOML\n"


async def test_read_only_shows_every_change_as_off(tmp_path: Path) -> None:
    async with running(tmp_path, two, readonly=True, size=(100, 30)) as rig:
        for key, label in {
            "s": "start",
            "d": "shut down",
            "x": "force off",
            "X": "delete",
            "R": "rename",
            "a": "autostart",
            "v": "save state",
        }.items():
            await rig.press(key)
            assert rig.notices[-1] == f"{label}: local is opened read-only"
            assert isinstance(rig.app.screen, GuestsScreen)
        assert rig.requests == []
        await rig.until(lambda: rig.text.count("is opened read-only") == 1)
        await rig.press("3")
        assert "access        read-only" in rig.text


async def test_credentials_are_asked_in_a_dialog(tmp_path: Path) -> None:
    async with running(tmp_path, two, hosts=("local", "rack7")) as rig:
        await rig.press("s")
        answers = rig.host("rack7").ask(
            CredentialPrompt("user on [b]rack7[/b]", secret=False, default="root"),
            CredentialPrompt("password", secret=True),
        )
        await rig.until(lambda: isinstance(rig.app.screen, Credentials))
        assert "rack7 asks" in rig.text
        assert "user on [b]rack7[/b]" in rig.text
        await rig.press("enter")
        await rig.type("s3cret!")
        assert "s3cret!" not in rig.text
        assert answers == []
        await rig.press("enter")
        assert answers == [("root", "s3cret!")]
        assert not any("s3cret" in notice for notice in rig.notices)


@pytest.mark.parametrize("how", ["escape", "cancel"])
async def test_credentials_declined(tmp_path: Path, how: str) -> None:
    async with running(tmp_path, two) as rig:
        answers = rig.host().ask(CredentialPrompt("password", secret=True))
        await rig.until(lambda: isinstance(rig.app.screen, Credentials))
        await rig.type("half")
        if how == "escape":
            await rig.press("escape")
        else:
            rig.app.screen.query_one("#cancel", Button).press()
            await rig.settle()
        assert answers == [None]


async def test_two_hosts_may_ask_at_once(tmp_path: Path) -> None:
    async with running(tmp_path, two, hosts=("local", "rack7")) as rig:
        first = rig.host("local").ask(CredentialPrompt("password", secret=True))
        second = rig.host("rack7").ask(CredentialPrompt("password", secret=True))
        await rig.until(lambda: len(rig.app.screen_stack) == 3)
        for _ in range(2):
            name = "local" if "local asks" in rig.text else "rack7"
            await rig.type(f"for {name}")
            await rig.press("enter")
        assert first == [("for local",)]
        assert second == [("for rack7",)]


async def test_a_trial_may_ask_too(tmp_path: Path) -> None:
    async with running(tmp_path, two) as rig:
        await rig.press("A")
        await rig.type("qemu+tcp://rack7/system")
        answers = rig.host().ask(CredentialPrompt("password", secret=True))
        await rig.until(lambda: isinstance(rig.app.screen, Credentials))
        await rig.type("x")
        await rig.press("enter")
        assert answers == [("x",)]
        assert isinstance(rig.app.screen, AddHost)
        assert typed(rig, "#uri").value == "qemu+tcp://rack7/system"


async def test_the_last_host_can_be_removed_and_another_added(tmp_path: Path) -> None:
    config = Config(hosts=(HostSpec("local", "test+sim:///local"),))
    path = tmp_path / "config.toml"
    path.write_text('[[host]]\nname = "local"\nuri = "test+sim:///local"\n')
    async with running(tmp_path, two, config=config) as rig:
        await rig.press("3", "-", "y")
        await rig.tick()
        assert "No host is known." in rig.text
        await rig.until(lambda: "local" not in path.read_text())
        await rig.press("1")
        assert rig.names == []
        assert "No host is known." in rig.text
        await rig.press("-")
        assert rig.notices[-1] == "remove host: no host is highlighted"


async def test_load_is_charted_a_host(tmp_path: Path) -> None:
    async with running(tmp_path, two, hosts=("local", "rack7"), size=(100, 40)) as rig:
        await rig.press("3")
        assert "local · CPU" in rig.text
        await rig.press("down", "m")
        assert "rack7 · memory" in rig.text
        await rig.press("m")
        assert "rack7 · CPU" in rig.text
        statuses = rig.app.store.statuses(rig.app.now())
        assert {status.state for status in statuses} == {HostState.UP}


async def test_a_click_highlights_a_host(tmp_path: Path) -> None:
    async with running(tmp_path, two, hosts=("local", "rack7"), size=(100, 40)) as rig:
        await rig.press("3")
        y = next(i for i, line in enumerate(rig.text.splitlines()) if "● rack7" in line)
        await rig.pilot.click(offset=(5, y))
        await rig.settle()
        assert rig.text.splitlines()[2].startswith(" ● rack7")
