"""The rows of the pages on storage and networks, and what is told of each."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from tests.support import hostparts as sample
from tuivm.model.offers import Lease, NetworkUser, Pool, Volume
from tuivm.screens.hostpages import networkrows, storagerows
from tuivm.screens.hostpages.networkrows import Networks, network_rows, part_details, until_words
from tuivm.screens.hostpages.partexplain import explain_network, explain_pool, explain_volume
from tuivm.screens.hostpages.partrows import Col, Detail, Row, Words, detail_content, lay
from tuivm.screens.hostpages.storagerows import Storage, pool_details, storage_rows, volume_details

STORAGE = Storage.of(sample.STORAGE)
NETWORKS = Networks.of(sample.NETWORKS, sample.FUNCTIONS)


def storage_lines(
    storage: Storage = STORAGE,
    width: int = 200,
    filter_text: str = "",
    folds: dict[str, bool] | None = None,
    *,
    ascii_only: bool = False,
) -> list[str]:
    rows = storage_rows(storage, folds or {}, filter_text, ascii_only=ascii_only)
    return [line.content.plain for line in lay(rows, width, ascii_only=ascii_only)]


def network_lines(
    networks: Networks = NETWORKS,
    width: int = 200,
    filter_text: str = "",
    *,
    ascii_only: bool = False,
) -> list[str]:
    rows = network_rows(networks, {}, sample.NOW, filter_text, ascii_only=ascii_only)
    return [line.content.plain for line in lay(rows, width, ascii_only=ascii_only)]


def line(lines: list[str], name: str) -> str:
    """The row of this name."""
    return next(one for one in lines if name_of(one) == name)


def name_of(row: str) -> str:
    """What a row is of: its first words, without indent and arrow."""
    return row.strip(" ▾▸>").split("  ")[0]


def told(details: list[Detail]) -> dict[str, str]:
    return {one.label: one.text for one in details if one.text}


def test_pools_with_their_space_and_what_is_unused() -> None:
    lines = storage_lines()
    default = line(lines, "default")
    for words in ("● active", "dir", "75%", "100G free of 400G", "autostart", "6 vol", "2 unused"):
        assert words in default
    assert "■ off" in line(lines, "backup")
    assert "0 vol" not in line(lines, "backup"), "of a pool that is off they are not known"


def test_volumes_with_owners_chains_and_orphans() -> None:
    lines = storage_lines()
    assert line(lines, "web.qcow2").split() == [
        "web.qcow2", "qcow2", "20G", "9.0G", "web", "→", "middle.qcow2", "→", "base.qcow2",
    ]  # fmt: skip
    assert "under spare.qcow2" in line(lines, "golden.qcow2")
    assert "used by nothing" in line(lines, "spare.qcow2")
    assert "used by nothing" in line(lines, "old [b]disk[/b]␛.img")
    assert "→ /mnt/gone/a.qcow2" in line(lines, "away.qcow2"), "it is in no pool: the whole path"


def test_a_pool_with_a_problem_says_it_in_its_row() -> None:
    ill = sample.DEFAULT._replace(problem="its directory is gone")
    lines = storage_lines(Storage.of(sample.STORAGE._replace(pools=(ill,))))
    assert "✖ active" in lines[0]
    assert "its directory is gone" in lines[0]
    off = sample.OFF._replace(problem="it is not running")
    lines = storage_lines(Storage.of(sample.STORAGE._replace(pools=(off,))))
    assert "■ off" in lines[0]
    assert "not running" not in lines[0], "that it is off is said"


def test_a_chain_that_goes_round_ends() -> None:
    first = Volume("a", "/a", 1, 1, "qcow2", backing="/b")
    second = Volume("b", "/b", 1, 1, "qcow2", backing="/a")
    selfish = Volume("c", "/c", 1, 1, "qcow2", backing="/c")
    pool = Pool("p", "dir", True, "/", 10, 5, (first, second, selfish))
    storage = Storage.of(sample.STORAGE._replace(pools=(pool,)))
    assert storage.chain(first) == ("/b",)
    assert storage.chain(second) == ("/a",)
    assert storage.chain(selfish) == ()


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("web", ["default", "base.qcow2", "middle.qcow2", "web.qcow2"]),
        ("nothing", ["default", "old [b]disk[/b]␛.img", "spare.qcow2", "fast", "away.qcow2"]),
        ("LOGICAL", ["fast", "away.qcow2"]),
        ("off", ["backup"]),
        ("qcow2 -web -spare -away", ["default", "golden.qcow2"]),
        ("nosuch", []),
    ],
)
def test_a_filter_shows_what_matches_and_where_it_is(words: str, names: list[str]) -> None:
    assert list(map(name_of, storage_lines(filter_text=words))) == names


def test_a_pool_that_is_closed_shows_none_of_its_volumes() -> None:
    lines = storage_lines(folds={"default": False})
    assert not any("web.qcow2" in one for one in lines)
    assert line(lines, "default").startswith("▸ ")
    assert any(
        "web.qcow2" in one for one in storage_lines(folds={"default": False}, filter_text="web.q")
    )


def test_many_volumes_are_folded_at_first() -> None:
    few, many = sample.many_volumes(100), sample.many_volumes(101)
    assert len(storage_lines(Storage.of(few))) == 101
    assert len(storage_lines(Storage.of(many))) == 1
    assert len(storage_lines(Storage.of(many), folds={"default": True})) == 102


@pytest.mark.parametrize("width", [20, 40, 51, 78, 131, 158])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_every_line_fits_and_begins_with_its_name(width: int, ascii_only: bool) -> None:
    for lines in (
        storage_lines(width=width, ascii_only=ascii_only),
        network_lines(width=width, ascii_only=ascii_only),
    ):
        assert max(map(cell_len, lines)) <= width
    if width >= 40:
        assert "base.qcow2" in line(storage_lines(width=width), "base.qcow2")
        assert "used by nothing" in line(storage_lines(width=width), "spare.qcow2")
        assert "active" in line(network_lines(width=width), "default")
    text = "".join(
        storage_lines(width=width, ascii_only=True) + network_lines(width=width, ascii_only=True)
    )
    assert text.replace("␛", "").isascii()


def test_what_is_told_of_a_pool() -> None:
    found = told(pool_details(STORAGE, sample.DEFAULT))
    assert found["state"] == "active, autostart on"
    assert found["kind"].startswith("dir: a directory")
    assert found["space"] == "100G free of 400G, 75% taken"
    assert found["promised"].startswith("480G, 1.2 × its capacity")
    assert found["unused"] == "2 used by nothing, 31G on disk"
    off = told(pool_details(STORAGE, sample.OFF))
    assert "cannot be seen" in off["volumes"]
    assert "space" not in off
    assert (
        "transient" in told(pool_details(STORAGE, sample.OFF._replace(persistent=False)))["state"]
    )


def test_what_is_told_of_a_volume() -> None:
    web = told(volume_details(STORAGE, "default", sample.WEB))
    assert web["used by"] == "web (running)"
    assert web["backing"].splitlines() == [
        sample.WEB.path,
        f"→ {sample.MIDDLE.path}",
        f"→ {sample.BASE.path}",
    ]
    golden = told(volume_details(STORAGE, "default", sample.GOLDEN))
    assert golden["under"] == "spare.qcow2"
    assert "used by" not in golden
    away = told(volume_details(STORAGE, "fast", sample.AWAY))
    assert "(in no active pool)" in away["backing"]
    assert away["used by"].startswith("used by nothing")
    shared = sample.WEB._replace(used_by=("db", "web"))
    assert told(volume_details(STORAGE, "default", shared))["used by"] == "db (off), web (running)"


def test_networks_with_their_way_out_and_who_is_on_them() -> None:
    lines = network_lines()
    nat = line(lines, "default")
    for words in (
        "● active",
        "NAT",
        "virbr0",
        "192.168.122.1/24",
        "1/2 up",
        "3 leases",
        "autostart",
    ):
        assert words in nat
    assert "isolated" in line(lines, "lab")
    assert "by br0" in line(lines, "lan")
    assert "■ not running" in line(lines, "old [b]")
    assert "192.168.122.45" in line(lines, "web"), "a guest's lease stands beside it"
    assert "43 min left" in line(lines, "192.168.122.45")
    assert "ended 5 min ago" in line(lines, "192.168.122.90")
    assert "without end" in line(lines, "192.168.122.91")


def test_whose_the_functions_of_a_pool_are() -> None:
    lines = network_lines()
    assert "guest edge" in line(lines, "0000:03:10.0")
    assert "● free" in line(lines, "0000:03:10.2")
    assert "not on this host now" in line(lines, "0000:03:10.4")
    unasked = network_lines(Networks.of(sample.NETWORKS))
    assert "free" not in line(unasked, "0000:03:10.2"), "what is not known is not free"
    assert "not known" in line(unasked, "0000:03:10.2")


@pytest.mark.parametrize(
    ("until", "words"),
    [
        (None, "without end"),
        (0, "less than 1 min left"),
        (59, "less than 1 min left"),
        (60, "1 min left"),
        (3_599, "59 min left"),
        (7_500, "2 h 5 min left"),
        (180_000, "2 d 2 h left"),
        (-1, "ended less than 1 min ago"),
        (-3_700, "ended 1 h 1 min ago"),
    ],
)
def test_until_when_a_lease_is(until: int | None, words: str) -> None:
    now = 1_000_000
    assert until_words(None if until is None else now + until, now) == words


def test_a_filter_on_networks() -> None:
    assert list(map(name_of, network_lines(filter_text="printer"))) == [
        "default", "DHCP leases", "192.168.122.91",
    ]  # fmt: skip
    assert len(network_lines(filter_text="isolated")) == 1
    assert network_lines(filter_text="nosuch") == []


def test_what_is_told_of_networks_and_their_parts() -> None:
    def of(name: str, part: networkrows.Part | None = None) -> dict[str, str]:
        network = next(one for one in sample.NETWORKS.networks if one.name == name)
        return told(part_details(NETWORKS, network, part or network, sample.NOW))

    assert of("default")["forward"].startswith("NAT: ")
    assert of("default")["running"] == "web"
    assert of("default")["off"] == "old [b]"
    assert of("vfs")["VFs"] == "1 of 3 free"
    assert of("lan")["DHCP"].startswith("none")
    lease = Lease("52:54:00:00:00:01", "192.168.122.45", "", None)
    assert of("default", lease)["guest"] == "web"
    assert "no guest" in of("default", lease._replace(mac="x"))["guest"]
    assert of("default", NetworkUser("web", "52:54:00:00:00:01", True))["lease"].startswith("192.")
    assert of("vfs", sample.FUNCTIONS[0])["has it"] == "guest edge"
    assert of("vfs", "0000:03:10.4")["has it"] == "not on this host now"


def test_details_are_wrapped_under_their_label() -> None:
    details = [Detail("kind", "word " * 12), Detail("state", "off", state="off")]
    text = detail_content("[b]x\x1b", details, 30, ascii_only=True).plain
    lines = text.splitlines()
    assert lines[0] == "[b]x␛"
    assert lines[1].startswith("kind       word")
    assert lines[2].startswith("           word")
    assert lines[-1] == "state      . off"
    assert max(map(len, lines)) <= 30


def test_the_least_important_columns_go_first() -> None:
    row = Row("a", "name", 1, (Col("first"), Col("second", rank=2), Col("third", rank=1)))
    (wide,) = lay([row], 60, ascii_only=True)
    (narrow,) = lay([row], 28, ascii_only=True)
    assert wide.content.plain.split() == ["name", "first", "second", "third"]
    assert narrow.content.plain.split() == ["name", "first", "third"]


def test_words_of_a_filter() -> None:
    words = Words.of("Web -old")
    assert words.match("a web", "x")
    assert not words.match("web", "older")
    assert not words.name("web"), "what must not be there is looked for in each part"
    assert Words.of("").name("anything")


def test_explanations_say_what_it_is_and_how_to_see_it_otherwise() -> None:
    pool = explain_pool(sample.DEFAULT, sample.STORAGE)
    assert "storage pool" in pool.text
    assert pool.command == "virsh -c qemu:///system pool-dumpxml default"
    volume = explain_volume(sample.WEB, "default", STORAGE.chain(sample.WEB), (), sample.STORAGE)
    assert "overlay" in volume.text
    assert "vol-dumpxml --pool default web.qcow2" in volume.command
    nat = explain_network(sample.NAT, sample.NAT, sample.NETWORKS)
    assert "NAT" in nat.text
    assert "net-dumpxml default" in nat.command
    lease = explain_network(sample.NAT, sample.NAT.leases[0], sample.NETWORKS)
    assert "net-dhcp-leases default" in lease.command
    for network in sample.NETWORKS.networks:
        assert network.name in explain_network(network, network, sample.NETWORKS).text


def test_what_could_not_be_asked_is_said_above() -> None:
    rows = storagerows.remark_rows(("pool x\x1b: refused",), ascii_only=False)
    (shown,) = lay(rows, 60, ascii_only=False)
    assert shown.content.plain.strip() == "? pool x␛: refused"
    assert shown.item is None
