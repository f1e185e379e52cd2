"""The table of a comparison as text, and how often its figures are computed."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.simhost import LEGACY, VIRTIO, Clock, SimMaker
from tuivm.fleet import Fleet
from tuivm.model.comparison import MEASURES, Comparison, DeviceRef, Figure, Row
from tuivm.model.devices import DeviceClass, DeviceKind
from tuivm.model.guests import GuestKey
from tuivm.model.hosts import HostSpec
from tuivm.model.recorded import Recorded
from tuivm.model.steps import finish
from tuivm.model.table import Cell, fit_columns
from tuivm.screens.comparechart import recorded_chart, recorded_window
from tuivm.screens.compared import Compared, Lines, of_guests
from tuivm.screens.comparetable import (
    BAR,
    Look,
    bar,
    columns,
    figure_text,
    margin_text,
    measure_of,
    ratio_text,
    rows,
)
from tuivm.screens.comparewords import marks, unfair_notes
from tuivm.widgets.window import pick_window


def ref(target: str = "vda", kind: DeviceKind = DeviceKind.DISK) -> DeviceRef:
    return DeviceRef(GuestKey("local", "1"), kind, target)


def row(target: str = "vda", note: str = "", **figures: Figure) -> Row:
    return Row(
        ref(target),
        guest="web",
        host="local",
        model="virtio-blk",
        cls=DeviceClass.PARAVIRTUAL,
        note=note,
        figures={measure.id: figures.get(measure.id, Figure()) for measure in MEASURES},
        ratios={measure.id: Figure() for measure in MEASURES},
    )


def text(cell: Cell) -> str:
    return "".join(part for part, _ in cell)


def cells(one: Row, look: Look) -> dict[str, str]:
    comparison = Comparison((one,), one.ref)
    found = columns(comparison, look)
    made = rows(comparison, found, look)[0].cells
    assert not callable(made)
    return {column.id: text(cell) for column, cell in zip(found, made, strict=True)}


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (None, "B/s", "-"),
        (12.1 * 1024 * 1024, "B/s", "12M"),
        (85_300.0, "ns", "85.3µs"),
        (1234.0, "/s", "1.2k"),
        (26.04, "", "26"),
        (0.0985, "", "0.099"),
        (0.0, "", "0"),
        (12_000.0, "", "12.0k"),
    ],
)
def test_figures(value: float | None, unit: str, shown: str) -> None:
    assert figure_text(value, unit) == shown


@pytest.mark.parametrize(
    ("ratio", "shown"),
    [
        (None, ""),
        (Figure(note="mixed"), ""),
        (Figure(2.14), "2.14×"),
        (Figure(2.14, 2.0, 2.3), "2.14×"),
        (Figure(1.04, 0.9, 1.2), "1.04×?"),
        (Figure(12.34, 12.0, 13.0), "12.3×"),
        (Figure(123.4, 120.0, 130.0), "123×"),
        (Figure(0.001, 0.0009, 0.002), "<.01×"),
    ],
)
def test_ratios(ratio: Figure | None, shown: str) -> None:
    assert ratio_text(ratio) == shown
    assert ratio_text(ratio, ascii_only=True) == shown.replace("×", "x")


@pytest.mark.parametrize(
    ("figure", "shown"),
    [
        (Figure(100.0), ""),
        (Figure(100.0, 96.0, 104.0), "±4%"),
        (Figure(100.0, 0.0, 130.0), "±100%"),
        (Figure(100.0, 99.9, 100.1), "±<1%"),
        (Figure(0.0, 0.0, 1.0), ""),
    ],
)
def test_margins(figure: Figure, shown: str) -> None:
    assert margin_text(figure) == shown


@given(st.floats(0, 2), st.integers(1, 30), st.booleans())
def test_a_bar_fits_and_grows(share: float, width: int, ascii_only: bool) -> None:
    drawn = bar(share, width, ascii_only=ascii_only)
    assert len(drawn) <= width
    assert bool(drawn) == (share > 0)
    assert len(bar(share / 2, width, ascii_only=ascii_only)) <= len(drawn)
    assert not ascii_only or drawn.isascii()


@pytest.mark.parametrize("measure", [measure.id for measure in MEASURES])
def test_what_80_and_160_columns_show(measure: str) -> None:
    found = columns(Comparison((row(),), ref()), Look(measure))
    small = {placed.column.id for placed in fit_columns(found, 77)}
    needed = {"mark", "target", "guest", "model", *(f"{x}:{measure}" for x in ("value", "ratio"))}
    assert needed | {f"rank:{measure}", f"bar:{measure}"} <= small
    wide = {placed.column.id for placed in fit_columns(found, 157)}
    for other in MEASURES:
        assert {f"value:{other.id}", f"short:{other.id}"} & wide, other.id
    assert sum(column.startswith("ratio:") for column in wide) >= 4


def test_columns_know_their_measure() -> None:
    assert measure_of("value:latency") == "latency"
    assert measure_of("guest") == ""


@pytest.mark.parametrize(
    ("note", "full", "short"),
    [
        ("not reported", "not reported", "n/r"),
        ("bypasses the VMM", "bypasses VMM", "bypass"),
        ("mixed", "mixed", "mixed"),
        ("no data yet", "no data yet", "-"),
    ],
)
def test_what_is_missing_is_said_and_never_0(note: str, full: str, short: str) -> None:
    one = row(latency=Figure(note=note))
    assert cells(one, Look("latency"))["value:latency"] == full
    assert cells(one, Look("iops"))["short:latency"] == short
    assert cells(one, Look("latency"))["bar:latency"] == ""


def test_a_mean_of_the_class_and_an_idle_device_are_marked() -> None:
    one = row(exits=Figure(26.0, 25.0, 27.0, "class mean"), iops=Figure(0.2, note="idle"))
    assert cells(one, Look("exits"))["value:exits"] == "~26 ±4%"
    assert cells(one, Look("exits"))["value:iops"] == "0.2 idle"


@pytest.mark.parametrize(
    ("note", "shown"),
    [
        ("", "virtio-blk"),
        ("VF, partitioned", "virtio-blk"),
        ("it is gone", "gone"),
        ("its guest is gone", "gone"),
        ("its host is not open here", "not open"),
        ("guest is off", "off"),
        ("LUN, guest is paused", "paused"),
    ],
)
def test_what_is_away_says_so_in_place_of_its_model(note: str, shown: str) -> None:
    assert cells(row(note=note), Look("iops"))["model"] == shown


def test_names_from_outside_cannot_do_anything() -> None:
    one = row("vd\x1b[2Ja")
    assert cells(one, Look("iops"))["target"] == "vd␛[2Ja"


def test_reasons_name_rows_by_their_marks() -> None:
    both = Comparison((row("vda"), row("vdb")), ref("vda"))
    assert marks(both, [ref("vdb")]) == "+"
    assert marks(both, [ref("vdb"), ref("vda")]) == "all"
    assert unfair_notes(both, "e", ascii_only=True) == []


def test_a_recording_is_thinned_to_the_columns_and_keeps_its_gaps() -> None:
    comparison = Comparison((row(),), ref(), seconds=10.0)
    line = (math.nan, *map(float, range(1, 10)))
    recorded = Recorded(comparison, 1_700_000_000.0, 1.0, {"throughput": (line,)})
    window = recorded_window(recorded, 5, 1000.0)
    assert window.step == 2.0
    data = recorded_chart(recorded, "throughput", window, taken="then", ascii_only=False)
    assert list(data.series[0].values) == [1.0, 2.5, 4.5, 6.5, 8.5]
    wide = recorded_chart(
        recorded, "throughput", recorded_window(recorded, 12, 1000.0), taken="", ascii_only=False
    )
    assert [math.isnan(value) for value in wide.series[0].values] == [True] * 3 + [False] * 9


class Desk:
    """A store that is fed by a simulated host."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.maker = SimMaker(self.clock)
        self.fleet = Fleet(self.maker, wake=lambda: None, ask=lambda request: None)
        self.fleet.add(HostSpec("local", "test+sim:///local"))
        host = self.maker.hosts["local"]
        self.guests = [host.add_guest("new", devices=VIRTIO), host.add_guest("old", devices=LEGACY)]
        self.compared = Compared(self.fleet.store)

    def tick(self, times: int = 1) -> None:
        for _ in range(times):
            self.maker.tick()
            self.fleet.drain()

    def compute(self, seconds: float, *, ago: float = 0.0) -> Comparison:
        return self.compute_at(self.clock() - ago, seconds, held=ago > 0)

    def compute_at(self, end: float, seconds: float, *, held: bool) -> Comparison:
        work = self.compared.due(self.clock(), end, seconds, held=held)
        if work is not None:
            finish(work)
        return self.compared.figures


def test_figures_are_computed_as_often_as_they_can_change() -> None:
    desk = Desk()
    desk.tick(10)
    desk.compared.choose(of_guests(desk.fleet.store, desk.guests))
    first = desk.compute(60)
    assert desk.compute(60) is first, "in the same second"
    desk.tick()
    assert desk.compute(60) is not first
    wide = desk.compute(900)
    desk.tick(5)
    assert desk.compute(900) is wide, "a hundredth of the window has not gone by"
    desk.compared.set_baseline(wide.rows[0].ref)
    changed = desk.compute(900)
    assert changed is not wide, "another question is answered at once"
    desk.maker.hosts["local"].remove_guest(desk.guests[0].uuid)
    desk.tick()
    assert desk.compute(900).rows[0].note == "its guest is gone", "and so is what goes"


def test_what_is_held_stays() -> None:
    desk = Desk()
    desk.tick(20)
    desk.compared.choose(of_guests(desk.fleet.store, desk.guests))
    held = desk.compute(60, ago=5.0)
    assert held.end == desk.clock() - 5.0
    desk.tick(10)
    again = desk.compute_at(held.end, 60, held=True)
    assert again is held


def test_figures_of_a_choice_that_changed_meanwhile_are_dropped() -> None:
    desk = Desk()
    desk.tick(10)
    first, *others = of_guests(desk.fleet.store, desk.guests)
    desk.compared.choose([first])
    late = desk.compared.due(desk.clock(), desk.clock(), 900, held=False)
    assert late is not None
    next(late)
    assert desk.compared.pending
    desk.compared.choose(others)
    assert [one.ref for one in desk.compute(900).rows] == others
    finish(late)
    assert [one.ref for one in desk.compared.figures.rows] == others
    assert not desk.compared.pending


def test_lines_of_many_devices_are_read_in_steps_once_a_bucket() -> None:
    desk = Desk()
    desk.tick(10)
    desk.compared.choose(of_guests(desk.fleet.store, desk.guests))
    shown = desk.compute(900)
    many = replace(shown, rows=shown.rows * 10)
    lines, now = Lines(desk.fleet.store), desk.clock()
    window = pick_window(900, now, 300, 2)
    assert lines.get(shown, "iops", window) is not None, "few are read at once"
    assert lines.due(shown, "iops", window, now) is None
    work = lines.due(many, "iops", window, now)
    assert work is not None
    next(work)
    assert lines.get(many, "iops", window) is None
    assert lines.due(many, "iops", window, now + window.step) is None, "it is under way"
    finish(work)
    read = lines.get(many, "iops", window)
    assert read is not None
    assert len(read) == len(many.rows)
    assert lines.due(many, "iops", window, now) is None, "nothing new"
    later = pick_window(900, now + 60, 300, 2)
    assert lines.window(many, "iops", later) == window, "a little old until the new ones are read"
    newer = lines.due(many, "iops", later, now + 60)
    assert newer is not None
    finish(newer)
    assert lines.window(many, "iops", later) == later
    other = lines.due(many, "latency", later, now + 60)
    assert other is not None
    assert lines.get(many, "latency", later) is None, "never the lines of another measure"


def test_the_last_one_taken_out_hands_the_choice_back() -> None:
    desk = Desk()
    desk.tick(3)
    assert desk.compute(60).rows
    assert desk.compared.automatic
    desk.compared.choose([ref()])
    assert not desk.compared.automatic
    desk.compared.take_out(ref())
    assert desk.compared.automatic
    assert len(desk.compute(60).rows) == 2


def test_the_bar_is_as_wide_as_its_column() -> None:
    found = columns(Comparison((row(),), ref()), Look("iops"))
    assert next(column.width for column in found if column.id == "bar:iops") == BAR
