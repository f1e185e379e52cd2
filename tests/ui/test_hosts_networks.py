"""The page of a host's networks: who is on them, their leases, whose their VFs are."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.support import hostparts as sample
from tests.ui.hosts_support import PICTURES, SMALL, WIDE, change, go, having, laid_out, row, screen
from tests.ui.support import Rig, make_app, running
from tuivm.model.deviceports import HostItem
from tuivm.model.hostrequests import HostRequest, SetNetworkAutostart, StartNetwork, StopNetwork
from tuivm.model.offers import Network, NetworkUser
from tuivm.screens.dialogs.confirm import Confirm
from tuivm.screens.dialogs.explain import Explain

OFFER = sample.NETWORKS._replace(devices=sample.FUNCTIONS)
NETWORKS = having(OFFER)


def requests(rig: Rig) -> list[HostRequest]:
    return rig.host().device_port.requests


def network(rig: Rig) -> str:
    held = screen(rig).target_item()
    assert isinstance(held, HostItem)
    assert isinstance(held.item, Network)
    return held.item.name


async def test_networks_with_what_is_on_them(tmp_path: Path) -> None:
    async with running(tmp_path, NETWORKS) as rig:
        await go(rig, "networks")
        assert "4 networks, 3 active  2 guests running on them  3 leases" in rig.text
        assert "NAT" in row(rig, "default")
        assert "■ off     isolated" in row(rig, "lab")
        assert "■ not running" in row(rig, "old [b]")
        assert "43 min left" in rig.text
        assert "ended 5 min ago" in rig.text
        await rig.press("G", "k")
        await rig.until(lambda: "● free" in rig.text)
        assert "guest edge" in row(rig, "0000:03:10.0")
        assert "82599 VF" in rig.text


async def test_leases_grow_old_while_one_looks(tmp_path: Path) -> None:
    async with running(tmp_path, NETWORKS) as rig:
        await go(rig, "networks")
        await rig.tick(seconds=180)
        assert "40 min left" in rig.text
        assert "ended 8 min ago" in rig.text


async def test_stopping_a_network_names_the_guests_that_run_on_it(tmp_path: Path) -> None:
    async with running(tmp_path, NETWORKS) as rig:
        await go(rig, "networks")
        await rig.press("d")
        assert isinstance(rig.app.screen, Confirm)
        assert "web" in rig.words
        assert "lose their link" in rig.words
        await rig.press("escape")
        assert requests(rig) == []
        await rig.press("d", "y")
        assert requests(rig) == [StopNetwork("default", frozenset({"web"}))]


async def test_starting_and_autostart(tmp_path: Path) -> None:
    async with running(tmp_path, NETWORKS) as rig:
        await go(rig, "networks")
        await rig.press("left", "j")
        assert network(rig) == "lab"
        await rig.press("s", "a", "j", "a", "s")
        assert requests(rig) == [
            StartNetwork("lab"),
            SetNetworkAutostart("lab", True),
            SetNetworkAutostart("lan", False),
        ]
        assert "network lan is active already" in rig.notices[-1]
        await rig.press("d")
        assert requests(rig)[-1] == StopNetwork("lan"), "nobody is on it: not asked"


async def test_what_is_inside_a_network_stands_for_it(tmp_path: Path) -> None:
    async with running(tmp_path, NETWORKS) as rig:
        await go(rig, "networks")
        await rig.press("j", "j", "j")
        assert network(rig) == "default"
        assert "192.168.122.45" in rig.text.splitlines()[16]
        await rig.press("e")
        assert isinstance(rig.app.screen, Explain)
        assert "net-dhcp-leases default" in rig.words
        await rig.press("escape", "left")
        assert "NAT: guests reach out" in rig.text


async def test_a_guest_that_comes_is_seen(tmp_path: Path) -> None:
    async with running(tmp_path, NETWORKS) as rig:
        await go(rig, "networks")
        new = sample.ISOLATED._replace(users=(NetworkUser("fresh", "52:54:00:00:00:77", True),))
        change(rig, OFFER._replace(networks=(new,)))
        await rig.tick(2)
        assert "fresh" in rig.text
        assert "1/1 up" in rig.text
        assert "0000:03" not in rig.text


async def test_a_filter_goes_through_leases_and_guests(tmp_path: Path) -> None:
    async with running(tmp_path, NETWORKS) as rig:
        await go(rig, "networks")
        await rig.press("slash")
        await rig.type("printer")
        assert "192.168.122.91" in rig.text
        assert "192.168.122.90" not in rig.text
        assert "lan " not in rig.text


async def test_many_leases_are_folded_and_can_be_reached(tmp_path: Path) -> None:
    async with running(tmp_path, having(sample.many_leases(200))) as rig:
        await go(rig, "networks")
        assert "▸ default" in rig.text
        await rig.press("enter", "G")
        assert "10.0.0.199" in rig.text


async def test_no_network_at_all(tmp_path: Path) -> None:
    async with running(tmp_path, having(sample.NETWORKS._replace(networks=()))) as rig:
        await go(rig, "networks")
        assert "no network is defined on this host" in rig.text


async def test_rows_fit_each_size_before_the_next_second(tmp_path: Path) -> None:
    async with running(tmp_path, NETWORKS) as rig:
        await go(rig, "networks")
        for width, height in (WIDE, SMALL, WIDE):
            await rig.resize(width, height)
            await laid_out(rig, beside=(width, height) == WIDE)


@pytest.mark.parametrize("name", PICTURES)
def test_picture(snap_compare, tmp_path: Path, name: str) -> None:  # type: ignore[no-untyped-def]
    size, options = PICTURES[name]
    app, maker = make_app(tmp_path, NETWORKS, options=options)

    async def act(pilot: Pilot[int]) -> None:
        rig = Rig(app, pilot, maker)
        await rig.tick(2)
        await go(rig, "networks")
        await rig.press("j", "j")
        await rig.until(lambda: "192.168.122.45, 43 min left" in rig.text)
        await laid_out(rig, beside=size == WIDE)

    assert snap_compare(app, terminal_size=size, run_before=act)
