from __future__ import annotations

import csv
import io
import json
import math
import re
import string
from dataclasses import replace
from typing import Any
from unicodedata import category

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from tests.support import jsonschema_doc
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
    guest,
    ref,
    store_of,
    work,
)
from tuivm.model.comparing import compare
from tuivm.model.comparison import MEASURES, Comparison, DeviceRef, Figure, Row, Unfair
from tuivm.model.devices import Backing, DeviceClass, DeviceKind
from tuivm.model.guests import GuestKey
from tuivm.model.recorded import Recorded, record
from tuivm.reports import DocumentError, from_json, to_csv, to_json, to_markdown, to_svg

TABLES = jsonschema_doc.read(jsonschema_doc.COMPARISON)
TAKEN = 1_700_000_000.25
SVG = "{http://www.w3.org/2000/svg}"
EVIL = "=a|`<b>&\"']]>\x1b[31m\n\ud800\uffff日本\u202e"


def sample(name: str = "web", seconds: float = 60.0) -> Recorded:
    """A disk of each of two classes, an idle one, one that stopped, a NIC and a VF."""
    store = store_of(guest(WEB, name, [HDA, NIC, VF]), guest(DB, "db", [VDA, VDB]))
    work(store, WEB_HDA, reads=lambda at: 90.0 + at % 20, latency=500_000.0)
    cost(store, WEB, DeviceClass.EMULATED)
    work(store, DB_VDA, reads=lambda at: 200.0 + at % 7)
    work(store, ref(DB, VDB), seconds=range(20, 50))
    work(store, ref(WEB, NIC), reads=0.0)
    refs = [WEB_HDA, DB_VDA, ref(DB, VDB), ref(WEB, NIC), ref(WEB, VF)]
    return record(store, compare(store, refs, WEB_HDA, END, seconds), TAKEN)


def same(one: Recorded, other: Recorded) -> bool:
    """Equal, where a gap equals a gap."""
    lines = [{name: list(each) for name, each in kept.series.items()} for kept in (one, other)]
    bare = [replace(kept, series={}) for kept in (one, other)]
    return bare[0] == bare[1] and repr(lines[0]) == repr(lines[1])


def test_json_is_what_the_page_says() -> None:
    found = json.loads(to_json(sample()))
    assert jsonschema_doc.faults(found, "comparison", TABLES) == []
    assert found["taken"] == "2023-11-14T22:13:20.250Z"
    assert len(found["rows"][0]["series"]["iops"]) == 60
    assert found["rows"][2]["series"]["iops"][0] is None
    assert set(TABLES["figures"]) == {one.id for one in MEASURES}


@pytest.mark.parametrize(("seconds", "step"), [(60, 1), (300, 1), (900, 5), (3600, 10)])
def test_series_have_a_bounded_number_of_points(seconds: float, step: float) -> None:
    found = sample(seconds=seconds)
    assert found.step == step
    assert {len(line) for lines in found.series.values() for line in lines} == {seconds / step}


def test_json_round_trip() -> None:
    recorded = sample(EVIL)
    back = from_json(to_json(recorded))
    assert same(back, recorded)
    assert back.comparison.rows[0].guest == EVIL


numbers = st.floats(0.0, allow_nan=False, allow_infinity=False)
maybe = st.none() | numbers
texts = st.text()
ids = st.sampled_from([one.id for one in MEASURES])
figures = st.builds(Figure, maybe, maybe, maybe, texts)
refs = st.builds(DeviceRef, st.builds(GuestKey, texts, texts), st.sampled_from(DeviceKind), texts)
backings = st.builds(
    Backing, texts, texts, texts, texts, texts, texts, st.booleans(), texts, st.integers(0, 64)
)


@st.composite
def recordings(draw: st.DrawFn) -> Recorded:
    chosen = draw(st.lists(refs, max_size=4, unique=True))
    rows = tuple(
        Row(
            ref=one,
            guest=draw(texts),
            host=one.guest.host,
            model=draw(texts),
            cls=draw(st.sampled_from(DeviceClass)),
            note=draw(texts),
            backing=draw(st.none() | backings),
            figures=draw(st.dictionaries(ids, figures)),
            ratios=draw(st.dictionaries(ids, figures)),
            best=draw(st.frozensets(ids)),
            worst=draw(st.frozensets(ids)),
            seconds=draw(numbers),
            reading=draw(maybe),
            virt_type=draw(texts),
            vcpus=draw(st.integers(0, 512)),
            mac=draw(texts),
        )
        for one in chosen
    )
    some = st.lists(st.sampled_from(chosen), unique=True).map(tuple) if chosen else st.just(())
    comparison = Comparison(
        rows,
        baseline=draw(st.sampled_from(chosen)) if chosen else None,
        seconds=draw(st.floats(1, 1e6)),
        unfair=tuple(draw(st.lists(st.builds(Unfair, texts, some), max_size=3))),
    )
    line = st.lists(st.just(math.nan) | numbers, max_size=5).map(tuple)
    series = {one.id: tuple(draw(line) for _ in rows) for one in MEASURES}
    taken = draw(st.integers(0, 4_000_000_000_000)) / 1000
    return Recorded(comparison, taken, draw(st.floats(1, 100)), series, draw(texts))


@settings(deadline=None)
@given(recordings())
def test_whatever_is_recorded_comes_back(recorded: Recorded) -> None:
    back = from_json(to_json(recorded))
    assert same(back, recorded)


@settings(deadline=None)
@given(recordings())
def test_whatever_is_recorded_can_be_exported(recorded: Recorded) -> None:
    etree.fromstring(to_svg(recorded).encode())
    lines = list(csv.reader(io.StringIO(to_csv(recorded))))
    assert {len(line) for line in lines} == {len(lines[0])}
    assert len(lines) == 1 + len(recorded.comparison.rows)
    kinds = {category(char) for char in to_markdown(recorded) if char != "\n"}
    assert not kinds & {"Cc", "Cs"}


def foreign() -> list[tuple[str, str]]:
    good = json.loads(to_json(sample()))
    broken: list[tuple[Any, str]] = [
        ([], "no comparison of tuivm"),
        ({"kind": "other"}, "no comparison of tuivm"),
        ({**good, "schema": 2}, "its schema is 2; this version of tuivm reads 1"),
        ({**good, "baseline": 9}, "not as it should be"),
        ({**good, "baseline": -1}, "not as it should be: -1 is no whole number"),
        ({**good, "seconds": 0}, "not more than 0"),
        ({**good, "step": -1}, "-1 is less than 0"),
        ({**good, "seconds": "long"}, "'long' is no number"),
        ({**good, "taken": "yesterday"}, "not as it should be"),
        ({**good, "rows": {}}, "{} is no list"),
        ({**good, "rows": [None]}, "None is no object"),
        ({**good, "rows": [{**good["rows"][0], "class": "magic"}]}, "'magic'"),
        ({**good, "rows": [{**good["rows"][0], "guest": 7}]}, "7 is no text"),
        ({key: value for key, value in good.items() if key != "step"}, "it has no 'step'"),
    ]
    return [(json.dumps(one), why) for one, why in broken]


@pytest.mark.parametrize(
    ("text", "why"),
    [*foreign(), ("", "not JSON"), ("{", "not JSON"), ("[" * 100_000, "not JSON")],
)
def test_a_foreign_document_is_refused_in_words(text: str, why: str) -> None:
    with pytest.raises(DocumentError, match=re.escape(why)):
        from_json(text)


@settings(max_examples=30, deadline=None)
@given(
    st.recursive(maybe | texts | st.booleans(), lambda v: st.lists(v) | st.dictionaries(texts, v))
)
def test_any_value_in_any_place_is_read_or_refused(value: Any) -> None:
    good, refused = json.loads(to_json(sample())), set[str]()
    for where in (good, good["rows"][0]):
        for key in list(where):
            kept, where[key] = where[key], value
            try:
                from_json(json.dumps(good))
            except DocumentError:
                refused.add(key)
            where[key] = kept
    assert {"rows", "series", "figures"} & refused


def test_csv_has_units_and_empty_cells() -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(sample()))))
    assert float(rows[0]["latency_ns"]) == pytest.approx(500_000, rel=2e-3)
    assert float(rows[1]["latency_ratio"]) == pytest.approx(0.4, rel=2e-3)
    assert (rows[0]["baseline"], rows[1]["baseline"]) == ("yes", "no")
    assert (rows[1]["exits_per_io"], rows[1]["exits_per_io_note"]) == ("", "not reported")
    assert rows[4]["throughput_bytes_per_second_note"] == "bypasses the VMM"
    assert rows[0]["backing"] == "file qcow2, cache none, io native"
    assert "iops" in rows[1]["best"].split()


def test_csv_gives_a_spreadsheet_no_formula_and_a_terminal_no_escape() -> None:
    row = next(iter(csv.DictReader(io.StringIO(to_csv(sample(EVIL))))))
    assert row["guest"].startswith("'=a|")
    assert "\x1b" not in to_csv(sample(EVIL))


def test_markdown_has_a_table_the_reasons_and_the_method() -> None:
    recorded = sample()
    text = to_markdown(recorded)
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len(table) == 2 + 5
    assert {line.count("|") for line in table} == {len(["device", "class", "host", "backing"]) + 11}
    assert "**web hda** ide-hd | ▣ emulated | local | file qcow2, cache none, io native" in text
    assert " best | " in text
    for one in recorded.comparison.unfair:
        assert f"- {one.reason}" in text
    assert "batch means" in text
    bare = replace(recorded, comparison=replace(recorded.comparison, unfair=()))
    assert "unfair" not in to_markdown(bare)


def test_markdown_shows_names_as_text() -> None:
    lines = to_markdown(sample(EVIL)).splitlines()
    row = next(line for line in lines if "hda" in line)
    assert "=a\\|\\`\\<b\\>\\&" in row
    assert "␛\\[31m␊" in row
    assert len(re.findall(r"(?<!\\)\|", row)) == 15


def drawn(recorded: Recorded, *measures: str) -> Any:
    return etree.fromstring(to_svg(recorded, measures).encode())


def svg_texts(picture: Any) -> list[str]:
    return [text.text or "" for text in picture.iter(f"{SVG}text")]


def traces_of(picture: Any) -> list[Any]:
    return [path for path in picture.iter(f"{SVG}path") if "trace" in path.get("class", "")]


def test_the_picture_tells_devices_apart_by_colour_dash_and_shape() -> None:
    picture = drawn(sample(), "iops")
    legend = traces_of(picture)[:5]
    assert len({path.get("class") for path in legend}) == 5
    assert len({path.get("stroke-dasharray") for path in legend}) == 5
    words = svg_texts(picture)
    for word in ("web hda  ide-hd", "db vda", "worst", "best", "bypasses the VMM", "I/Os"):
        assert any(word in text for text in words), word
    assert any("What makes it unfair" in text for text in words)


def test_the_picture_brings_all_it_needs() -> None:
    text = to_svg(sample())
    assert not re.search(r"href|url\(|@import|<script|<image", text)
    assert "prefers-color-scheme:dark" in text
    width = float(drawn(sample()).get("width"))
    placed = re.findall(r"[ML]([\d.]+) ", text)
    assert all(0 <= float(x) <= width for x in placed)


def test_the_picture_leaves_gaps_open() -> None:
    stopped = sample()
    path = traces_of(drawn(stopped, "iops"))[7]
    assert path.get("d").count("L") == 29
    assert "nan" not in to_svg(stopped)
    broken = [100.0] * 5 + [math.nan] * 3 + [100.0] + [math.nan] + [50.0] * 2
    comparison = replace(stopped.comparison, rows=stopped.comparison.rows[:1], unfair=())
    line = traces_of(drawn(Recorded(comparison, TAKEN, 1.0, {"iops": (tuple(broken),)})))[1]
    assert [len(part.split("L")) for part in line.get("d").split("M")[1:]] == [5, 1, 2]


def test_charts_are_those_asked_for_or_all_that_have_values() -> None:
    def charts(*measures: str) -> list[str]:
        heads = {one.title for one in MEASURES}
        found = svg_texts(drawn(sample(), *measures))
        return [text for text in found[: found.index("device")] if text in heads]

    assert charts("latency") == ["latency"]
    assert charts() == ["throughput", "I/Os", "latency", "exits per I/O", "host CPU per I/O"]


def test_names_in_the_picture_are_text() -> None:
    picture = drawn(sample(EVIL))
    assert any("=a|`<b>&\"']]>␛[31m␊" in text for text in svg_texts(picture))
    assert not list(picture.iter(f"{SVG}b"))


def test_many_devices_are_all_in_the_table() -> None:
    one = sample()
    rows = tuple(
        replace(one.comparison.rows[0], ref=WEB_HDA._replace(target=f"sd{letter}"))
        for letter in string.ascii_lowercase
    )
    series = {name: lines[:1] * len(rows) for name, lines in one.series.items()}
    many = Recorded(Comparison(rows, rows[0].ref, 60.0), taken=TAKEN, step=1.0, series=series)
    words = svg_texts(drawn(many, "iops"))
    assert sum(text.startswith("web sd") and "ide" not in text for text in words) == 26
    assert "the charts leave out 14 more" in words
