"""The guests place: the table over all hosts, its filter, its order, its columns, its chart."""

from __future__ import annotations

import tomllib
from pathlib import Path

from textual.widgets import Input

from tests.support.simhost import LEGACY, SimHost
from tests.ui.support import Rig, running
from tuivm.config import Config
from tuivm.model.guests import GuestState
from tuivm.model.hosts import HostSpec
from tuivm.screens.dialogs.choose import Choose
from tuivm.screens.dialogs.columns import ChooseColumns
from tuivm.widgets.hostlist import HostList


def three(host: SimHost) -> None:
    host.add_guest("web")
    host.add_guest("db", GuestState.OFF, LEGACY)
    host.add_guest("mail", GuestState.PAUSED)


def named(rig: Rig, name: str, host: str = "local") -> str:
    """The UUID of the guest of that name."""
    return next(u for u, sim in rig.host(host).guests.items() if sim.guest.name == name)


def header(rig: Rig) -> str:
    return next(line for line in rig.text.splitlines() if "NAME" in line)


async def test_it_shows_every_guest_of_every_host(tmp_path: Path) -> None:
    async with running(tmp_path, three, hosts=("local", "rack7"), size=(120, 30)) as rig:
        assert rig.names == ["db", "db", "mail", "mail", "web", "web"]
        assert rig.text.count("running") == 2
        assert rig.text.count("‖ paused") == 2
        assert "guests 4/6" in rig.text
        assert "hosts 2 up" in rig.text
        row = next(line for line in rig.text.splitlines() if "web" in line and "rack7" in line)
        # 2 vCPUs and counters that moved between two ticks.
        assert "◆3" in row
        assert "512M/1.0G" in row


async def test_rates_are_what_the_counters_did(tmp_path: Path) -> None:
    def prepare(host: SimHost) -> None:
        host.add_guest("web")

    async with running(tmp_path, prepare, size=(120, 30)) as rig:
        sim = rig.host().guests[named(rig, "web")]
        rig.maker.tick()
        before = sim.cpu_ns, list(sim.counters["vda"])
        await rig.tick(seconds=2.0)
        spent = (sim.cpu_ns - before[0]) / 2e9
        read = (sim.counters["vda"][0] - before[1][0]) / 2
        row = next(line for line in rig.text.splitlines() if "web" in line and "512M" in line)
        assert f"{100 * spent / 2:.1f}" in row, "CPU % is of its two vCPUs"
        assert f"{read / 1024:.0f}K/" in row


async def test_the_cursor_stays_on_its_guest(tmp_path: Path) -> None:
    async with running(tmp_path, three) as rig:
        await rig.press("down")
        assert rig.cursor == "mail"
        host = rig.host()
        host.add_guest("aaa")
        await rig.tick()
        assert rig.names == ["aaa", "db", "mail", "web"]
        assert rig.cursor == "mail"
        host.change(named(rig, "mail"), name="zmail")
        await rig.tick()
        assert rig.names == ["aaa", "db", "web", "zmail"]
        assert rig.cursor == "zmail"
        host.remove_guest(named(rig, "aaa"))
        await rig.tick()
        assert rig.cursor == "zmail"
        host.remove_guest(named(rig, "zmail"))
        await rig.tick()
        assert rig.cursor == "web", "the nearest that is left"


async def test_a_guest_that_comes_starts_and_goes_shows_within_a_tick(tmp_path: Path) -> None:
    async with running(tmp_path, three) as rig:
        key = rig.host().add_guest("new", GuestState.OFF)
        await rig.tick()
        assert "■ off new" in rig.words
        rig.host().change(key.uuid, state=GuestState.RUNNING)
        await rig.tick()
        assert "▶ running new" in rig.words
        rig.host().change(key.uuid, name="newer")
        await rig.tick()
        assert "▶ running newer" in rig.words
        rig.host().remove_guest(key.uuid)
        await rig.tick()
        assert "newer" not in rig.text


async def test_a_guest_that_was_saved_reads_saved_at_80_columns_with_any_number_of_hosts(
    tmp_path: Path,
) -> None:
    for hosts in (("local",), ("local", "rack7")):
        async with running(tmp_path, three, hosts=hosts) as rig:
            rig.host().change(named(rig, "web"), state=GuestState.OFF, managed_save=True)
            await rig.tick()
            assert "◧ saved web" in rig.words
            rig.host().change(named(rig, "web"), managed_save=False)
            await rig.tick()
            assert "■ off web" in rig.words


async def test_a_long_name_gets_room_and_moves_no_row(tmp_path: Path) -> None:
    def many(host: SimHost) -> None:
        for number in range(40):
            host.add_guest(f"vm{number}")

    async with running(tmp_path, many) as rig:
        assert "NET rx/tx" in header(rig)
        await rig.press(*["down"] * 30)
        top = rig.table.scroll_offset.y
        assert top
        key = rig.table.cursor
        rig.host().change(key.uuid, name="vm30-with-20-letters")
        await rig.tick()
        assert "vm30-with-20-letters" in rig.text
        assert "NET rx/tx" not in header(rig)
        assert (rig.table.cursor, rig.table.scroll_offset.y) == (key, top)


FILTERS = {
    "web": ["web", "web"],
    "WE": ["web", "web"],
    "rack7": ["db", "mail", "web"],
    "paused": ["mail", "mail"],
    "is:running": ["web", "web"],
    "class:emulated": ["db", "db"],
    "-class:emulated": ["mail", "mail", "web", "web"],
    "host:local name:a": ["mail"],
    "nobody": [],
}


async def test_filter(tmp_path: Path) -> None:
    async with running(tmp_path, three, hosts=("local", "rack7")) as rig:
        for text, kept in FILTERS.items():
            await rig.press("slash")
            await rig.type(text)
            assert rig.names == kept, text
            assert ("no guest matches nobody" in rig.text) is (not kept)
            await rig.press("escape")
            assert len(rig.names) == 6


async def test_the_filter_applies_at_each_key_and_to_what_comes(tmp_path: Path) -> None:
    async with running(tmp_path, three) as rig:
        await rig.press("slash", "w")
        assert rig.names == ["web"]
        await rig.press("backspace", "m")
        assert rig.names == ["mail"]
        await rig.press("enter")
        rig.host().add_guest("mars")
        rig.host().add_guest("venus")
        await rig.tick()
        assert rig.names == ["mail", "mars"]
        # Keys are commands again, and the filter stays until Esc.
        await rig.press("down")
        assert rig.cursor == "mars"
        await rig.press("slash", "v")
        assert rig.names == ["venus"], "what is typed now replaces it"
        await rig.press("escape")
        assert rig.names == ["db", "mail", "mars", "venus", "web"]
        assert not rig.app.screen.query_one("#filter", Input).display
        await rig.press("down")
        assert rig.table.has_focus


async def test_a_filter_that_is_not_understood_is_reported(tmp_path: Path) -> None:
    async with running(tmp_path, three) as rig:
        await rig.press("slash")
        await rig.type("[/x]:y web")
        assert "no key '[/x]'" in rig.text
        assert rig.names == ["web"], "the rest applies"
        await rig.press("enter")
        assert any("no key '[/x]'" in notice for notice in rig.notices)
        await rig.press("escape")
        assert "no key" not in rig.text.splitlines()[1]
        assert len(rig.names) == 3


async def test_group_by_host(tmp_path: Path) -> None:
    async with running(tmp_path, three, hosts=("local", "rack7")) as rig:
        await rig.go_to(next(r.key for r in rig.table.rows if r.key.host == "rack7"))
        key = rig.table.cursor
        await rig.press("t")
        assert rig.names == ["local", "db", "mail", "web", "rack7", "db", "mail", "web"]
        assert rig.table.cursor == key
        assert "● local  2/3 up" in rig.text
        # Headings are passed over, and nothing is ever aimed at one.
        await rig.press("home", "down", "down", "down")
        assert rig.table.cursor.host == "rack7"
        assert rig.cursor == "db"
        await rig.press("slash")
        await rig.type("host:rack7")
        assert rig.names == ["rack7", "db", "mail", "web"]
        await rig.press("escape", "t")
        assert rig.names == ["db", "db", "mail", "mail", "web", "web"]
        kept = tmp_path / "config.toml"
        await rig.until(lambda: kept.exists() and "group_by_host = false" in kept.read_text())


async def test_groups_as_the_config_says(tmp_path: Path) -> None:
    config = Config(group_by_host=True, sort="-name", columns=("name", "cpu"))
    async with running(tmp_path, three, config=config) as rig:
        assert rig.names == ["local", "web", "mail", "db"]
        assert rig.table.shown_columns == ("name", "cpu")


SORTED = {
    "name": (["a2", "a10", "off"], ["off", "a10", "a2"]),
    "vcpus": (["a10", "a2", "off"], ["off", "a2", "a10"]),
    "state": (["a2", "a10", "off"], ["off", "a2", "a10"]),
    "devices": (["a10", "a2", "off"], ["a2", "off", "a10"]),
    "uptime": (["a10", "a2", "off"], ["a2", "a10", "off"]),
    "autostart": (["off", "a2", "a10"], ["a2", "a10", "off"]),
}


async def test_sort(tmp_path: Path) -> None:
    """By its column, then by name; the same column again turns it round."""

    def prepare(host: SimHost) -> None:
        ten = host.add_guest("a10", vcpus=8, devices=(*LEGACY, *LEGACY))
        two = host.add_guest("a2", vcpus=4)
        off = host.add_guest("off", GuestState.OFF, vcpus=1)
        host.change(ten.uuid, started_at=1000.0)
        host.change(two.uuid, started_at=2000.0)
        host.change(off.uuid, autostart=True)

    async with running(tmp_path, prepare, config=Config(sort="cpu"), size=(180, 24)) as rig:
        for column, orders in SORTED.items():
            for expected in orders:
                await rig.press("o")
                dialog = rig.app.screen
                assert isinstance(dialog, Choose)
                dialog.dismiss(column)
                await rig.tick()
                assert rig.names == expected, column
            assert ("▼" in header(rig)) != ("▲" in header(rig))


async def test_the_cursor_stays_while_figures_reorder_the_rows(tmp_path: Path) -> None:
    def prepare(host: SimHost) -> None:
        for number in range(6):
            host.add_guest(f"g{number}")

    async with running(tmp_path, prepare, config=Config(sort="-cpu")) as rig:
        await rig.press("down", "down")
        name, orders = rig.cursor, set()
        for _ in range(8):
            await rig.tick()
            orders.add(tuple(rig.names))
            assert rig.cursor == name
            shares = [rig.app.store.guests[row.key].cpu_percent or 0 for row in rig.table.rows]
            assert shares == sorted(shares, reverse=True)
        assert len(orders) > 1, "the rows did not move: this shows nothing"


async def test_sort_by_a_click_on_the_header(tmp_path: Path) -> None:
    async with running(tmp_path, three, size=(100, 30)) as rig:
        y = next(i for i, line in enumerate(rig.text.splitlines()) if "NAME" in line)
        x = header(rig).index("NAME")
        await rig.pilot.click(offset=(x, y))
        await rig.tick()
        assert rig.names == ["web", "mail", "db"]
        assert "NAME▼" in header(rig)


async def test_columns_are_chosen_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("# mine\ntheme = 'dark'\n")
    async with running(tmp_path, three, size=(120, 30)) as rig:
        assert "DEVICES" in header(rig)
        await rig.press("G", "C")
        dialog = rig.app.screen
        assert isinstance(dialog, ChooseColumns)
        # The first is the state: hide it, then move the name behind the host.
        await rig.press("space", "down", "J", "enter")
        shown = rig.table.shown_columns
        assert "state" not in shown
        assert "state.short" not in shown
        await rig.until(lambda: "columns" in tomllib.loads(path.read_text()))
        assert path.read_text().startswith("# mine\n"), "comments survive"
        assert rig.cursor == "web"
        columns = tomllib.loads(path.read_text())["columns"]
        assert columns[:2] == ["host", "name"]
        assert "state" not in columns
        assert "cpu" in columns


async def test_the_hosts_pane_shows_where_there_is_room(tmp_path: Path) -> None:
    async with running(tmp_path, three) as rig:
        hosts = rig.app.screen.query_one(HostList)
        for width in (80, 99, 100, 160):
            await rig.resize(width, 24)
            assert hosts.display is (width >= 100), width
        await rig.press("backslash")
        assert not hosts.display
        await rig.resize(80, 24)
        await rig.press("backslash")
        assert hosts.display


async def test_the_hosts_pane_follows_the_width_and_gives_the_focus_back(tmp_path: Path) -> None:
    async with running(tmp_path, three, hosts=("local", "rack7"), size=(120, 24)) as rig:
        hosts = rig.app.screen.query_one(HostList)
        await rig.press("h", "down")
        assert hosts.has_focus
        assert hosts.highlighted == "rack7"
        await rig.resize(80, 24)
        await rig.until(lambda: not hosts.display)
        assert rig.table.has_focus
        await rig.resize(120, 24)
        await rig.until(lambda: bool(hosts.display))
        await rig.press("h", "l", "down")
        assert rig.table.has_focus


async def test_the_host_is_a_column_where_there_are_several(tmp_path: Path) -> None:
    async with running(tmp_path, three) as rig:
        assert "HOST" not in header(rig)
    async with running(tmp_path, three, hosts=("local", "rack7")) as rig:
        assert "HOST" in header(rig), "at 80 columns too: two guests of one name look alike"
        await rig.press("t")
        assert "HOST" not in header(rig), "the heading says it"


async def test_a_second_host_does_not_move_the_cursor(tmp_path: Path) -> None:
    """The HOST column comes with it."""
    async with running(tmp_path, three) as rig:
        await rig.press("G", "space")
        key = rig.table.cursor
        rig.app.fleet.add(HostSpec("rack7", "test+sim:///rack7"))
        await rig.tick()
        assert "HOST" in header(rig)
        assert rig.table.cursor == key
        assert rig.table.selected == {key}
        rig.app.remove_host("rack7")
        await rig.tick()
        assert "HOST" not in header(rig)
        assert rig.table.cursor == key


async def test_charts_turn_and_their_window_widens(tmp_path: Path) -> None:
    async with running(tmp_path, three) as rig:
        await rig.go_to(next(k for k, v in rig.app.store.guests.items() if v.guest.name == "web"))

        def title() -> str:
            return next(line for line in rig.text.splitlines() if " min" in line)

        seen = []
        for _ in range(5):
            seen.append(title().split(" · ")[1])
            await rig.press("tab")
        assert seen == ["CPU", "memory", "disks", "network", "CPU"]
        await rig.press("shift+tab", "shift+tab")
        assert title().split(" · ")[1] == "network"
        spans = []
        for key in ("left_square_bracket", *["right_square_bracket"] * 4):
            await rig.press(key)
            spans.append(int(title().split(" min")[0].split()[-1]))
        assert spans == sorted(spans)
        assert spans[0] < 3
        assert spans[1] >= 5
        assert spans[-1] == spans[-2] >= 60, "an hour is the end"


async def test_the_chart_is_of_the_highlighted_guest(tmp_path: Path) -> None:
    async with running(tmp_path, three) as rig:
        assert "db · CPU" in rig.text
        assert "db is off" in rig.text
        await rig.press("G")
        assert "web · CPU" in rig.text
        await rig.press("tab", "tab")
        assert "◆ vda read" in rig.text
        assert "◆ vda write" in rig.text


async def test_no_room_no_chart(tmp_path: Path) -> None:
    async with running(tmp_path, three, size=(80, 15)) as rig:
        assert not rig.app.screen.query_one("#chart").display
        await rig.resize(80, 16)
        await rig.until(lambda: bool(rig.app.screen.query_one("#chart").display))


async def test_only_what_is_seen_is_asked_for(tmp_path: Path) -> None:
    def many(host: SimHost) -> None:
        for number in range(60):
            host.add_guest(f"g{number:02}")

    async with running(tmp_path, many, hosts=("local", "rack7")) as rig:
        seen = {name: rig.host(name).view.guests for name in ("local", "rack7")}
        rows = rig.table.size.height - 1
        assert 0 < sum(map(len, seen.values())) <= rows
        assert all(uuid in rig.host("local").guests for uuid in seen["local"])
        await rig.press("G")
        await rig.tick()
        after = rig.host("rack7").view.guests
        assert after
        assert not after & seen["rack7"]
        assert named(rig, "g59", "rack7") in after
        await rig.press("3")
        await rig.tick()
        assert rig.host("local").view.guests == frozenset(), "nobody looks at guests there"


async def test_a_host_without_a_guest(tmp_path: Path) -> None:
    async with running(tmp_path, lambda host: None) as rig:
        assert "local  test+sim:///local" in rig.text
        assert "is up and has no guest yet" in rig.text
        assert "A  add a host" in rig.text
        assert "?  all keys" in rig.text
        await rig.press("s")
        assert rig.notices[-1] == "start: no guest is highlighted"


async def test_enter_and_double_click_open_and_esc_comes_back(tmp_path: Path) -> None:
    async with running(tmp_path, three) as rig:
        await rig.press("G", "enter")
        assert rig.app.screen.place == "guest"  # type: ignore[attr-defined]
        await rig.press("escape")
        assert rig.table.has_focus
        assert rig.cursor == "web"
        y = next(i for i, line in enumerate(rig.text.splitlines()) if " mail " in line)
        await rig.pilot.click(offset=(12, y), times=2)
        await rig.tick()
        assert rig.app.screen.place == "guest"  # type: ignore[attr-defined]
        assert "mail" in rig.text
