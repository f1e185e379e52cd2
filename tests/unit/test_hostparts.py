"""What is done with pools and networks: when it is refused, when it asks, and what it asks of the
host."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from tests.support import offers
from tuivm.commands import hostparts
from tuivm.commands.base import Desk
from tuivm.model.deviceports import HostItem
from tuivm.model.hostrequests import (
    HostRequest,
    RefreshPool,
    SetNetworkAutostart,
    SetPoolAutostart,
    StartNetwork,
    StartPool,
    StopNetwork,
    StopPool,
)
from tuivm.model.offers import HostDevice, HostOffer, Network, NetworkUser, Pool, Volume
from tuivm.model.requests import Outcome
from tuivm.screens.dialogs.confirm import Confirm

NAT = Network("default", True, "nat", "virbr0", autostart=True)
USED = NAT._replace(users=(NetworkUser("web", "52:54:00:00:00:01", True), NetworkUser("old")))
VFS = Network("vfs", True, "hostdev", users=(NetworkUser("edge", running=True),))
OFF = Network("lab", False, autostart=False)


class FakeDesk:
    """Answers questions with `yes`; notes what was asked and what was ordered."""

    def __init__(self, *, yes: bool = True) -> None:
        self.yes = yes
        self.dialogs: list[Confirm] = []
        self.orders: list[tuple[str, str, HostRequest]] = []

    async def ask(self, dialog: Confirm) -> bool:
        self.dialogs.append(dialog)
        return self.yes

    async def act_on_host(self, host: str, label: str, request: HostRequest) -> Outcome:
        self.orders.append((host, label, request))
        return Outcome()


def held(item: Pool | Volume | Network | HostDevice, offer: HostOffer = offers.DESKTOP) -> HostItem:
    return HostItem(item, offer)


def done(
    what: str, item: Pool | Volume | Network, *, yes: bool = True, offer: HostOffer = offers.DESKTOP
) -> FakeDesk:
    desk = FakeDesk(yes=yes)
    asyncio.run(getattr(hostparts, what)(cast(Desk, desk), held(item, offer)))
    return desk


@pytest.mark.parametrize(
    ("what", "item", "words"),
    [
        ("start", offers.DEFAULT_POOL, "pool default is active already"),
        ("start", offers.OFF_POOL, ""),
        ("start", OFF, ""),
        ("start", NAT, "network default is active already"),
        ("start", offers.WEB_DISK, "web.qcow2 is a volume: only its pool can be started"),
        ("start", offers.NIC, "only pools and networks are started here"),
        ("stop", offers.OFF_POOL, "pool backup is off already"),
        ("stop", offers.DEFAULT_POOL, ""),
        ("stop", OFF, "network lab is off already"),
        ("stop", NAT, ""),
        ("autostart", NAT, ""),
        ("autostart", NAT._replace(persistent=False), "is transient"),
        ("autostart", offers.DEFAULT_POOL._replace(persistent=False), "is transient"),
        ("refresh", offers.DEFAULT_POOL, ""),
        ("refresh", offers.OFF_POOL, "is off"),
        ("refresh", offers.WEB_DISK, ""),
        ("refresh", offers.WEB_DISK._replace(name="elsewhere"), "only storage pools"),
        ("refresh", NAT, "only storage pools"),
    ],
)
def test_refusals(what: str, item: Pool | Volume | Network | HostDevice, words: str) -> None:
    refusal = getattr(hostparts, f"{what}_refusal")(held(item))
    assert words in refusal
    assert bool(refusal) is bool(words)


@pytest.mark.parametrize(
    ("what", "item", "label", "request_"),
    [
        ("start", offers.OFF_POOL, "starting pool backup", StartPool("backup")),
        ("start", OFF, "starting network lab", StartNetwork("lab")),
        ("stop", offers.LVM_POOL, "stopping pool vg0", StopPool("vg0")),
        ("stop", NAT, "stopping network default", StopNetwork("default")),
        ("autostart", OFF, "autostart on for network lab", SetNetworkAutostart("lab", True)),
        (
            "autostart",
            NAT,
            "autostart off for network default",
            SetNetworkAutostart("default", False),
        ),
        (
            "autostart",
            offers.OFF_POOL,
            "autostart on for pool backup",
            SetPoolAutostart("backup", True),
        ),
        ("refresh", offers.DEFAULT_POOL, "refreshing pool default", RefreshPool("default")),
        ("refresh", offers.WEB_DISK, "refreshing pool default", RefreshPool("default")),
    ],
)
def test_nobody_feels_it_so_it_is_done_at_once(
    what: str, item: Pool | Volume | Network, label: str, request_: HostRequest
) -> None:
    desk = done(what, item)
    assert desk.dialogs == []
    assert desk.orders == [("desktop", label, request_)]


def asked(desk: FakeDesk) -> str:
    (dialog,) = desk.dialogs
    return " ".join((dialog.title_text, *dialog._lines))


def test_a_network_with_running_guests_names_them_and_asks() -> None:
    desk = done("stop", USED)
    words = asked(desk)
    assert "Stop network default on desktop" in words
    assert "web  is running" in words
    assert "old" not in words.split("Its bridge")[0], "one that is off does not feel it"
    assert "lose their link" in words
    assert desk.orders == [
        ("desktop", "stopping network default", StopNetwork("default", frozenset({"web"})))
    ]


def test_no_is_no() -> None:
    assert done("stop", USED, yes=False).orders == []


def test_a_network_without_a_bridge_of_its_own_says_that_guests_keep_their_nics() -> None:
    words = asked(done("stop", VFS))
    assert "keep their NICs" in words
    assert "lose" not in words


def test_what_is_transient_is_gone_once_stopped() -> None:
    words = asked(done("stop", NAT._replace(persistent=False)))
    assert "transient" in words
    assert "gone" in words


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("dir", "keep the disks that they have open"),
        ("netfs", "unmounted"),
        ("logical", "deactivated"),
        ("iscsi", "lose their disks"),
        ("rbd", "keep the disks that they have open"),
    ],
)
def test_a_pool_with_running_guests_says_what_follows(kind: str, words: str) -> None:
    desk = done("stop", offers.DEFAULT_POOL._replace(kind=kind))
    assert "web  is running" in asked(desk)
    assert words in asked(desk)
    assert desk.orders == [("desktop", "stopping pool default", StopPool("default"))]


def test_many_guests_are_counted() -> None:
    users = tuple(NetworkUser(f"guest{number:02}", running=True) for number in range(12))
    words = asked(done("stop", NAT._replace(users=users)))
    assert "guest07" in words
    assert "guest08" not in words
    assert "and 4 more" in words
