"""What the guest table shows of a guest, and how it sorts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuivm.model.columns import (
    COLUMNS,
    cells,
    natural_key,
    row_cells,
    sort_key,
    sort_views,
    state_role,
)
from tuivm.model.devices import Device, DeviceClass, DeviceKind
from tuivm.model.guests import Guest, GuestDetails, GuestKey, GuestState
from tuivm.model.rates import DiskRates, GuestRates, MemorySource, NicRates
from tuivm.model.store import GuestView

NOW = 1_000_000.0
GIB = 1024 * 1024

DEVICES = (
    *(Device(DeviceKind.DISK, DeviceClass.PARAVIRTUAL, "virtio-blk", f"vd{n}") for n in "abc"),
    Device(DeviceKind.VIDEO, DeviceClass.EMULATED, "VGA"),
    Device(DeviceKind.NIC, DeviceClass.PHYSICAL, "hostdev", note="VF, partitioned"),
)
RATES = GuestRates(
    at=5.0,
    seconds=1.0,
    cpu=0.682,
    memory_kib=int(1.2 * GIB),
    memory_total_kib=2 * GIB,
    memory_source=MemorySource.GUEST,
    disks=(DiskRates("vda", 1048576.0 * 12, 3 * 1048576.0), DiskRates("vdb", 0.0, 0.0)),
    nics=(NicRates("vnet0", 1024.0, None),),
)


def view(
    name: str = "web-1",
    state: GuestState = GuestState.RUNNING,
    rates: GuestRates | None = RATES,
    host: str = "local",
    **changes: object,
) -> GuestView:
    guest = Guest(
        GuestKey(host, f"uuid-{name}"),
        name,
        state,
        details=GuestDetails(vcpus=2, memory_kib=2 * GIB, devices=DEVICES),
        autostart=True,
        managed_save=False,
        started_at=NOW - 3700,
        addresses=("192.0.2.7", "2001:db8::7"),
    )
    return GuestView(guest._replace(**changes), rates if state.active else None, host_cpus=8)  # type: ignore[arg-type]


def text(
    guest: GuestView, column: str, *, letters: bool = False, busy: str = "", stale: bool = False
) -> str:
    cell = cells(guest, column, ascii=letters, now=NOW, busy=busy, stale=stale)
    return "".join(part for part, _ in cell)


@pytest.mark.parametrize(
    ("column", "shown"),
    [
        ("state", "▶ running"),
        ("state.short", "▶"),
        ("name", "web-1"),
        ("host", "local"),
        ("vcpus", "2"),
        ("cpu", "34.1"),
        ("host_cpu", "8.5"),
        ("memory", "1.2G/2.0G"),
        ("memory.short", "1.2G"),
        ("disk", "12M/3.0M"),
        ("disk.short", "15M"),
        ("net", "1.0K/-"),
        ("net.short", "1.0K"),
        ("devices", "◆3 ▣1 ▲1 VF"),
        ("uptime", "1h 1m"),
        ("ip", "192.0.2.7 +1"),
        ("autostart", "yes"),
        ("persistent", "yes"),
        ("saved", "no"),
    ],
)
def test_a_running_guest(column: str, shown: str) -> None:
    assert text(view(), column) == shown


@pytest.mark.parametrize("column", [c.id for c in COLUMNS])
def test_every_column_says_something_true_of_a_guest_of_which_little_is_known(column: str) -> None:
    bare = GuestView(Guest(GuestKey("h", "u"), "n", GuestState.RUNNING, persistent=False))
    fixed = {"state": "▶ running", "state.short": "▶", "name": "n", "host": "h", "persistent": "no"}
    assert text(bare, column) == fixed.get(column, "-")


@pytest.mark.parametrize("column", ["cpu", "host_cpu", "memory", "disk", "net", "uptime", "ip"])
def test_a_guest_without_a_process_shows_no_rates_at_all(column: str) -> None:
    off = view(state=GuestState.OFF, addresses=())
    assert text(off, column) == ""


def test_memory_from_the_host_is_marked() -> None:
    rates = RATES._replace(memory_source=MemorySource.RSS)
    assert text(view(rates=rates), "memory") == "~1.2G/2.0G"
    assert text(view(rates=rates), "memory.short") == "~1.2G"
    assert text(view(rates=RATES._replace(memory_kib=None)), "memory") == "-/2.0G"


def test_nothing_reported_is_not_zero() -> None:
    unknown = view(rates=RATES._replace(cpu=None, disks=None, nics=()))
    assert text(unknown, "cpu") == "-"
    assert text(unknown, "disk") == "-"
    assert text(unknown, "net") == "-"
    idle = view(rates=RATES._replace(cpu=0.0, disks=(DiskRates("vda", 0.0, 0.0),)))
    assert text(idle, "cpu") == "0.0"
    assert text(idle, "disk") == "0/0"


@pytest.mark.parametrize("state", list(GuestState))
def test_a_state_is_a_glyph_a_word_and_a_role(state: GuestState) -> None:
    ((glyph, role), (word, word_role)) = cells(view(state=state), "state", ascii=False, now=NOW)
    assert (glyph, word.strip()) == (state.glyph, state.value)
    assert role == word_role == state_role(view(state=state).guest)


def test_a_guest_that_is_off_with_its_memory_kept_is_saved() -> None:
    saved = view(state=GuestState.OFF, managed_save=True)
    assert text(saved, "state") == "◧ saved"
    assert text(saved, "state.short") == "◧"
    assert text(saved, "state", letters=True) == "s saved"
    assert text(saved, "state", stale=True) == "? saved"
    assert text(saved, "state", busy="starting") == "↻ starting"
    for other in (
        view(state=GuestState.OFF, managed_save=None),
        view(state=GuestState.OFF, managed_save=False),
        view(state=GuestState.RUNNING, managed_save=True),
    ):
        assert text(other, "state")[2:] == other.guest.state.value
    assert sort_views([view("a", GuestState.OFF), saved], "state")[0] is saved


def test_no_state_looks_like_another_in_one_cell() -> None:
    guests = [view(state=state).guest for state in GuestState]
    guests.append(view(state=GuestState.OFF, managed_save=True).guest)
    assert len({guest.state_glyph(ascii=False) for guest in guests}) == len(guests)


@pytest.mark.parametrize("state", list(GuestState))
@pytest.mark.parametrize("busy", ["", "starting"])
@pytest.mark.parametrize("stale", [False, True])
def test_ascii_means_ascii(state: GuestState, busy: str, stale: bool) -> None:
    row = row_cells(view(state=state), ascii=True, now=NOW, busy=busy, stale=stale)
    assert all(part.isascii() for cell in row for part, _ in cell)


def test_devices_in_ascii() -> None:
    assert text(view(), "devices", letters=True) == "V3 E1 P1 VF"
    roles = [role for _, role in cells(view(), "devices", ascii=False, now=NOW)]
    assert roles == ["paravirtual", "emulated", "physical", "physical"]


def test_what_is_being_done_stands_in_place_of_the_state() -> None:
    assert text(view(state=GuestState.OFF), "state", busy="starting") == "↻ starting"


def test_a_stale_host_is_told_by_a_mark_too() -> None:
    assert text(view(), "state", stale=True) == "? running"
    assert text(view(), "state.short", stale=True) == "?"
    assert cells(view(), "cpu", ascii=False, now=NOW, stale=True) == (("34.1", "dim"),)


def test_untrusted_text_is_made_visible() -> None:
    evil = view(
        "a\x1b[2J\u202eb",
        host="h\nh",
        details=GuestDetails(title="t\x07"),
        addresses=("1\r2",),
    )
    assert text(evil, "name") == "a␛[2J⁞b t␇"
    assert text(evil, "host") == "h␊h"
    assert text(evil, "ip") == "1␍2"


def test_a_column_that_does_not_exist() -> None:
    with pytest.raises(KeyError):
        cells(view(), "colour", ascii=False, now=NOW)
    with pytest.raises(KeyError):
        sort_key(view(), "colour")


def test_names_sort_as_people_count() -> None:
    names = ["vm10", "vm2", "VM1", "vm", "10", "9", "vm02", "vm2b", "é1"]
    assert sorted(names, key=natural_key) == [
        "9", "10", "vm", "VM1", "vm2", "vm02", "vm2b", "vm10", "é1",
    ]  # fmt: skip


@given(st.text("ab-é. ", max_size=4), st.integers(0, 10**30), st.integers(0, 10**30), st.text())
def test_numbers_in_names_sort_as_numbers(start: str, one: int, other: int, end: str) -> None:
    end = end.lstrip("0123456789")
    before = natural_key(f"{start}{one}{end}") < natural_key(f"{start}{other}{end}")
    assert before == (one < other)


def test_a_number_of_any_length_sorts() -> None:
    assert natural_key("9" * 5000) > natural_key("8" * 5000)


@pytest.mark.parametrize("column", [c.id for c in COLUMNS])
@pytest.mark.parametrize("descending", [False, True])
def test_every_column_sorts_and_missing_is_last(column: str, descending: bool) -> None:
    bare = GuestView(Guest(GuestKey("h", "u"), "aaa", GuestState.RUNNING, persistent=False))
    full = view("b")
    more = view(
        "c",
        rates=RATES._replace(cpu=1.0, memory_kib=1, disks=(DiskRates("vda", 1.0, 1.0),)),
    )
    ordered = sort_views([bare, more, full], column, descending=descending)
    present = {"state", "state.short", "name", "host", "persistent"}
    if column not in present:
        assert ordered[-1] is bare


def test_sorting_down_keeps_equals_by_name() -> None:
    views = [view(f"vm{n}") for n in (10, 2, 1)]
    for descending in (False, True):
        names = [v.guest.name for v in sort_views(views, "cpu", descending=descending)]
        assert names == ["vm1", "vm2", "vm10"]


def test_the_busiest_first() -> None:
    busy = view("z", rates=RATES._replace(cpu=1.9))
    assert sort_views([view("a"), busy], "cpu", descending=True)[0] is busy
    assert sort_views([busy, view("a")], "cpu.short")[1] is busy


def test_the_longest_uptime_is_the_highest() -> None:
    old = view("old", started_at=NOW - 99999)
    assert sort_views([view("new"), old], "uptime", descending=True)[0] is old
