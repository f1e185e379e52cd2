from __future__ import annotations

import math
from typing import Any

import pytest

from tests.support.compared import (
    DB,
    DB_VDA,
    END,
    HDA,
    NIC,
    VDA,
    VDB,
    VF,
    WEB,
    WEB_HDA,
    cost,
    disk,
    fill,
    guest,
    pair,
    ref,
    store_of,
    work,
)
from tuivm.model.comparing import compare, traces
from tuivm.model.comparison import MEASURES, Comparison, DeviceRef, Figure
from tuivm.model.devices import DeviceClass, DeviceKind
from tuivm.model.guests import GuestState
from tuivm.model.history import SeriesKey
from tuivm.model.hosts import HostState
from tuivm.model.samples import GuestSample
from tuivm.model.snapshot import HostSnapshot
from tuivm.model.store import Store

EMULATED, PARAVIRTUAL = DeviceClass.EMULATED, DeviceClass.PARAVIRTUAL
PAIR = (WEB_HDA, DB_VDA)


def near(value: float) -> Any:
    """As exact as the history keeps values."""
    return pytest.approx(value, rel=2e-3)


def figures(found: Comparison, place: int) -> dict[str, Figure]:
    return dict(found.rows[place].figures)


def notes(found: Comparison, place: int) -> dict[str, str]:
    return {name: figure.note for name, figure in found.rows[place].figures.items()}


def minute(store: Store, *refs: DeviceRef, baseline: DeviceRef | None = None) -> Comparison:
    return compare(store, refs, baseline, END, 60.0)


def busy_pair() -> Store:
    store = pair()
    work(store, WEB_HDA, reads=100.0, latency=500_000.0)
    work(store, DB_VDA, reads=lambda at: 200.0 + at % 7, latency=250_000.0)
    cost(store, WEB, EMULATED, exits=26.0)
    cost(store, DB, PARAVIRTUAL, exits=1.0)
    return store


def test_means_and_ratios_to_the_baseline() -> None:
    found = minute(busy_pair(), *PAIR, baseline=WEB_HDA)
    slow, fast = figures(found, 0), figures(found, 1)
    assert slow["throughput"].mean == near(100 * 4096)
    assert (slow["iops"].low, slow["iops"].high) == (near(100), near(100))
    assert slow["latency"].mean == near(500_000)
    assert slow["exits"].mean == near(26)
    assert slow["cpu"].mean == near(9_000)
    ratios = found.rows[1].ratios
    assert ratios["iops"].mean == pytest.approx((fast["iops"].mean or 0) / (slow["iops"].mean or 0))
    assert (ratios["iops"].low or 9) < (ratios["iops"].mean or 0) < (ratios["iops"].high or 0)
    assert ratios["latency"].mean == near(0.5)
    assert ratios["exits"].mean == near(1 / 26)
    assert found.rows[0].ratios["iops"] == Figure(1.0, note="baseline")
    assert (found.rows[1].seconds, found.rows[1].reading) == (60.0, 1.0)


def test_best_and_worst_where_intervals_do_not_overlap() -> None:
    found = minute(busy_pair(), *PAIR)
    assert found.rows[1].best == {"throughput", "iops", "latency", "exits"}
    assert found.rows[0].worst == {"throughput", "iops", "latency", "exits"}
    assert found.rows[0].best == found.rows[1].worst == frozenset()


def test_nothing_is_best_by_chance() -> None:
    store = pair()
    work(store, WEB_HDA, reads=lambda at: 100.0 + 40 * (at // 5 % 2))
    work(store, DB_VDA, reads=lambda at: 105.0 + 40 * (at // 5 % 2))
    found = minute(store, *PAIR)
    assert all("iops" not in row.best | row.worst for row in found.rows)


def test_the_baseline_is_one_of_the_rows() -> None:
    store = busy_pair()
    assert minute(store, *PAIR, baseline=ref(WEB, VDB)).baseline == WEB_HDA
    assert minute(store, *PAIR, baseline=DB_VDA).baseline == DB_VDA
    assert minute(store) == Comparison(end=END)
    assert len(minute(store, WEB_HDA, WEB_HDA).rows) == 1


def test_latency_is_weighted_by_requests_and_both_ways() -> None:
    store = pair()
    work(store, WEB_HDA, reads=300.0, writes=100.0, latency=100_000.0)
    fill(store, SeriesKey(WEB, "disk.write_ns", "hda"), 500_000.0)
    found = minute(store, WEB_HDA)
    assert figures(found, 0)["latency"].mean == near(200_000)
    assert figures(found, 0)["iops"].mean == near(400)
    assert found.rows[0].reading == near(0.75)


def test_a_gap_is_not_counted_and_no_request_has_no_latency() -> None:
    store = pair()
    work(store, WEB_HDA, reads=100.0, seconds=range(30))
    work(store, DB_VDA, reads=lambda at: 100.0 * (at % 2), latency=None)
    fill(store, SeriesKey(DB, "disk.read_ns", "vda"), 7_000.0, range(1, 60, 2))
    found = minute(store, *PAIR)
    assert figures(found, 0)["iops"].mean == near(100)
    assert found.rows[0].seconds == 30.0
    assert figures(found, 1)["iops"].mean == near(50)
    assert figures(found, 1)["latency"].mean == near(7_000)
    line = traces(store, found, "latency", END, 1.0, 4)[1]
    assert line == pytest.approx([7_000.0, math.nan, 7_000.0, math.nan], rel=2e-3, nan_ok=True)


def test_too_short_for_an_interval() -> None:
    store = pair()
    work(store, WEB_HDA, seconds=range(15))
    found = figures(minute(store, WEB_HDA), 0)["iops"]
    assert (found.mean, found.low, found.note) == (near(100), None, "")


def test_a_host_sampled_slowly_has_fewer_and_longer_batches() -> None:
    store = store_of(guest(WEB, "web", [HDA]), interval=10.0)
    work(store, WEB_HDA, reads=lambda at: 100.0 + at // 10)
    assert figures(minute(store, WEB_HDA), 0)["iops"].low is None
    assert figures(compare(store, [WEB_HDA], None, END, 300.0), 0)["iops"].low is None


def test_an_hour_is_of_the_ten_second_means() -> None:
    store = pair()
    work(store, WEB_HDA, reads=lambda at: 100.0 + 20 * (at // 600 % 2), seconds=range(3600))
    found = compare(store, [WEB_HDA], None, END, 3600.0)
    assert figures(found, 0)["iops"].mean == pytest.approx(110.0, rel=0.01)
    assert figures(found, 0)["iops"].low is not None
    assert found.rows[0].seconds == pytest.approx(3600, abs=10)


def test_an_idle_device_says_so_and_has_no_ratio() -> None:
    store = pair()
    work(store, WEB_HDA, reads=0.0, latency=None)
    work(store, DB_VDA)
    found = minute(store, *PAIR, baseline=DB_VDA)
    assert figures(found, 0)["iops"].mean == 0.0
    assert set(notes(found, 0).values()) == {"idle"}
    assert all(one == Figure(note="idle") for one in found.rows[0].ratios.values())
    assert found.rows[1].best == frozenset()
    other = minute(store, *PAIR, baseline=WEB_HDA)
    assert other.rows[1].ratios["iops"] == Figure(note="baseline: idle")


def test_costs_are_of_a_class_when_several_devices_of_it_do_the_io() -> None:
    store = store_of(guest(WEB, "web", [VDA, VDB]))
    vda, vdb = ref(WEB, VDA), ref(WEB, VDB)
    work(store, vda)
    work(store, vdb, seconds=range(20))
    cost(store, WEB, PARAVIRTUAL, exits=1.0)
    found = minute(store, vda, vdb)
    assert notes(found, 0)["exits"] == notes(found, 1)["cpu"] == "class mean"
    assert figures(found, 1)["exits"].mean == near(1)
    assert notes(found, 0)["iops"] == ""
    alone = store_of(guest(WEB, "web", [VDA, VDB]))
    work(alone, vda)
    work(alone, vdb, reads=0.0)
    cost(alone, WEB, PARAVIRTUAL)
    found = minute(alone, vda, vdb)
    assert (notes(found, 0)["exits"], notes(found, 1)["exits"]) == ("", "idle")


@pytest.mark.parametrize(("flushing", "note"), [("vda", ""), ("vdb", "class mean")])
def test_the_flushes_of_a_disk_are_its_own_ios(flushing: str, note: str) -> None:
    store = store_of(guest(WEB, "web", [VDA, VDB]))
    work(store, ref(WEB, VDA))
    fill(store, SeriesKey(WEB, "disk.flushes", flushing), 50.0)
    cost(store, WEB, PARAVIRTUAL)
    found = minute(store, ref(WEB, VDA))
    assert (notes(found, 0)["exits"], notes(found, 0)["cpu"]) == (note, note)


def test_mixed_io_has_no_costs() -> None:
    store = store_of(guest(WEB, "web", [VDA, HDA]))
    vda, hda = ref(WEB, VDA), ref(WEB, HDA)
    work(store, vda)
    work(store, hda)
    fill(store, SeriesKey(WEB, "io.mixed"), 1.0)
    found = minute(store, vda, hda)
    assert {notes(found, place)[name] for place in (0, 1) for name in ("exits", "cpu")} == {"mixed"}
    assert found.rows[1].ratios["exits"] == Figure(note="mixed")


@pytest.mark.parametrize(("alone", "note"), [(2, "mixed"), (4, "mixed"), (6, "")])
def test_a_moment_alone_is_no_measurement(alone: int, note: str) -> None:
    store = store_of(guest(WEB, "web", [VDA, HDA]))
    vda, hda = ref(WEB, VDA), ref(WEB, HDA)
    work(store, vda)
    work(store, hda)
    fill(store, SeriesKey(WEB, "io.mixed"), 1.0, range(60 - alone))
    cost(store, WEB, PARAVIRTUAL, seconds=range(60 - alone, 60))
    found = minute(store, hda, vda)
    assert (notes(found, 1)["cpu"] == "mixed") == (figures(found, 1)["cpu"].mean is None)
    assert (notes(found, 1)["cpu"] == "mixed") == (note == "mixed")
    assert notes(found, 0)["cpu"] == "mixed"


def test_only_the_unmixed_part_of_the_window_has_costs() -> None:
    store = store_of(guest(WEB, "web", [VDA, HDA]))
    vda = ref(WEB, VDA)
    work(store, vda)
    fill(store, SeriesKey(WEB, "io.mixed"), 1.0, range(30))
    cost(store, WEB, PARAVIRTUAL, exits=2.0, seconds=range(30, 60))
    found = figures(minute(store, vda), 0)["exits"]
    assert (found.mean, found.note) == (near(2), "")


def test_what_is_not_reported_is_said() -> None:
    store = store_of(guest(WEB, "web", [HDA, NIC, disk("sdx", EMULATED, counted=False), VF]))
    work(store, WEB_HDA, latency=None)
    work(store, ref(WEB, NIC))
    uncounted = DeviceRef(WEB, DeviceKind.DISK, "sdx")
    found = minute(store, WEB_HDA, ref(WEB, NIC), uncounted, ref(WEB, VF))
    assert notes(found, 0)["latency"] == notes(found, 0)["exits"] == "not reported"
    assert notes(found, 1)["latency"] == "not reported"
    assert set(notes(found, 2).values()) == {"not reported"}
    assert set(notes(found, 3).values()) == {"bypasses the VMM"}
    assert found.rows[3].note == "VF, partitioned"
    empty = minute(pair(), WEB_HDA)
    assert set(notes(empty, 0).values()) == {"no data yet"}


def test_a_driver_that_tells_nothing_of_devices_does_not_report_them() -> None:
    web = guest(WEB, "web", [HDA, NIC])
    store = store_of(web)
    for later in (1.0, 2.0):
        samples = {WEB.uuid: GuestSample(END + later, cpu_ns=int(later * 1e9))}
        store.apply(
            HostSnapshot(
                "local", END + later, HostState.UP, 1, guests={WEB.uuid: web}, samples=samples
            )
        )
    found = minute(store, WEB_HDA, ref(WEB, NIC))
    assert {*notes(found, 0).values(), *notes(found, 1).values()} == {"not reported"}


def test_the_figures_of_a_guest_that_is_gone_age_out() -> None:
    store = busy_pair()
    before = minute(store, *PAIR)
    left = store.guests[DB].guest
    store.apply(HostSnapshot("local", END, HostState.UP, 1, guests={DB.uuid: left}))
    soon = compare(store, PAIR, None, END + 30, 60.0, known=before.rows)
    assert soon.rows[0].note == "its guest is gone"
    assert figures(soon, 0)["iops"].mean == near(100)
    assert figures(soon, 0)["exits"].mean == near(26)
    assert soon.rows[0].seconds == 30.0
    late = compare(store, PAIR, None, END + 70, 60.0, known=before.rows)
    assert set(notes(late, 0).values()) == {"gone"}


def test_what_is_gone_keeps_its_name() -> None:
    store = busy_pair()
    before = minute(store, *PAIR)
    rest = store_of(guest(DB, "db", []))
    found = compare(rest, PAIR, None, END, 60.0, known=before.rows)
    assert [(row.guest, row.note) for row in found.rows] == [
        ("web", "its guest is gone"),
        ("db", "it is gone"),
    ]
    assert set(notes(found, 0).values()) == {"gone"}
    assert compare(Store(), PAIR, None, END, 60.0).rows[0].note == "its host is not open here"
    off = store_of(guest(WEB, "web", [HDA], state=GuestState.OFF))
    assert minute(off, WEB_HDA).rows[0].note == "guest is off"


def test_traces_are_in_the_units_of_the_measures() -> None:
    store = busy_pair()
    found = minute(store, *PAIR)
    lines = {one.id: traces(store, found, one.id, END, 10.0, 6)[0] for one in MEASURES}
    assert lines["throughput"] == [near(409_600)] * 6
    assert lines["iops"] == [near(100)] * 6
    assert lines["latency"] == [near(500_000)] * 6
    assert lines["exits"] == [near(26)] * 6
    assert lines["cpu"] == [near(9_000)] * 6
    hostdev = DeviceRef(WEB, DeviceKind.HOSTDEV, "hostdev1")
    passed = minute(store, hostdev)
    assert all(math.isnan(value) for value in traces(store, passed, "iops", END, 1.0, 5)[0])
