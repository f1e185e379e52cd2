"""What is printed is what docs/json.md says, key for key."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support import jsonschema_doc
from tests.unit.test_cli_show import DOWN, UP, down, guests, hosts, up
from tests.unit.test_cli_stats import detailed, two_guests
from tuivm.headless import documents
from tuivm.model.devices import DeviceClass, DeviceKind
from tuivm.model.guests import Guest, GuestKey, GuestState
from tuivm.model.hosts import HostState
from tuivm.model.rates import GuestRates, MemorySource
from tuivm.model.samples import ThreadRole
from tuivm.model.store import GuestView

TABLES = jsonschema_doc.read()
PAGE = jsonschema_doc.DOCUMENT.read_text("utf-8")


def assert_fits(value: Any, kind: str) -> None:
    assert jsonschema_doc.faults(value, kind, TABLES) == []


def test_hosts() -> None:
    assert_fits(json.loads(hosts([(UP, up()), (DOWN, down())], as_json=True).out), "tuivm hosts")


def test_list() -> None:
    found = [(UP, up()), (DOWN, down())]
    assert_fits(json.loads(guests(found, as_json=True).out), "tuivm list")


def test_list_of_a_guest_that_is_hardly_known() -> None:
    assert_fits(documents.guest(Guest(GuestKey("local", "u"), "bare")), "guest")


def test_stats() -> None:
    lines = detailed(two_guests)
    assert len(lines) == 2
    for line in lines:
        assert_fits(line, "stats line")
        assert line["vcpus"]
        assert line["exits"]
        assert line["host_cost"]["threads"]


def test_stats_of_a_driver_that_reports_nothing() -> None:
    view = GuestView(Guest(GuestKey("local", "u"), "bare"))
    line = documents.stats(view, GuestRates(at=1.0, seconds=1.0), 1.0)
    assert_fits(line, "stats line")
    reported = {"schema", "time", "seconds", "host", "uuid", "name", "state", "spans"}
    assert {key for key, value in line.items() if value is not None} == reported


def test_times_are_utc_with_milliseconds() -> None:
    assert documents.timestamp(1_700_000_000.25) == "2023-11-14T22:13:20.250Z"


@pytest.mark.parametrize(
    "words",
    [DeviceKind, DeviceClass, GuestState, HostState, MemorySource, ThreadRole],
    ids=str,
)
def test_every_word_is_documented(words: Any) -> None:
    assert [word.value for word in words if f"`{word.value}`" not in PAGE] == []


def test_the_check_itself_finds_what_differs() -> None:
    good = documents.problem(down().problem)
    assert good is not None
    missing = {key: value for key, value in good.items() if key != "remedy"}
    assert jsonschema_doc.faults(missing, "problem", TABLES) == ["$: remedy is missing"]
    extra = {**good, "new": 1}
    assert jsonschema_doc.faults(extra, "problem", TABLES) == ["$: new is not documented"]
    wrong = {**good, "what": None}
    assert jsonschema_doc.faults(wrong, "problem", TABLES) == ["$.what: None is no string"]
    assert jsonschema_doc.faults(True, "number", TABLES) == ["$: True is no number"]
