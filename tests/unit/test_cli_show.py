from __future__ import annotations

import io
import json
from dataclasses import dataclass

import pytest

from tests.support.simhost import LEGACY, VIRTIO, Clock, SimHost
from tuivm.cli import Exit
from tuivm.headless import show
from tuivm.model.guests import GuestState
from tuivm.model.hosts import HostSpec, HostState, Problem
from tuivm.model.ports import Sinks
from tuivm.model.snapshot import HostSnapshot

UP = HostSpec("local", "qemu:///system")
DOWN = HostSpec("rack7", "qemu+ssh://rack7/system")


def up(spec: HostSpec = UP) -> HostSnapshot:
    seen: list[HostSnapshot] = []
    host = SimHost(spec, Sinks(snapshot=seen.append), Clock())
    host.add_guest("web-1", title="the web")
    host.add_guest("Alt\x1b[31m", GuestState.OFF, LEGACY + VIRTIO[:1])
    host.start()
    host.tick()
    return seen[0]


def down() -> HostSnapshot:
    problem = Problem(
        "cannot connect", "ssh: no route to host\nsecond line", "it is off", "switch it on"
    )
    return HostSnapshot("rack7", 1.0, HostState.LOST, problem=problem)


@dataclass
class Printed:
    code: Exit
    out: str
    err: str


def guests(found: show.Hosts, *, as_json: bool = False, brief: bool = False) -> Printed:
    out, err = io.StringIO(), io.StringIO()
    code = show.guests(found, out, err, as_json=as_json, brief=brief, ascii_only=True)
    return Printed(code, out.getvalue(), err.getvalue())


def hosts(found: show.Hosts, *, as_json: bool = False) -> Printed:
    out, err = io.StringIO(), io.StringIO()
    code = show.hosts(found, out, err, as_json=as_json)
    return Printed(code, out.getvalue(), err.getvalue())


def test_in_brief_one_line_a_guest_by_name() -> None:
    printed = guests([(UP, up())], brief=True)
    heading, first, second = printed.out.splitlines()
    assert heading.split() == ["NAME", "HOST", "STATE", "VCPUS", "MEMORY", "DEVICES"]
    assert first.split() == ["Alt␛[31m", "local", "off", "2", "1.0G", "V1", "E3"]
    assert second.split() == ["web-1", "local", "running", "2", "1.0G", "V3"]
    assert (printed.code, printed.err) == (Exit.FINE, "")


def test_a_line_for_each_device_under_its_guest() -> None:
    lines = guests([(UP, up())]).out.splitlines()
    assert len(lines) == 2 + 2 + 4 + 3
    assert lines[1].split() == ["KIND", "TARGET", "MODEL", "CLASS", "SOURCE"]
    assert lines[3].split() == ["disk", "hda", "ide-hd", "E", "emulated"]
    assert lines[7].startswith("web-1 ")
    assert lines[8].split() == ["disk", "vda", "virtio-blk", "V", "paravirtual"]
    assert lines[1].index("CLASS") == lines[3].index("E em") == lines[8].index("V para")
    assert all(line.startswith("  ") for line in lines[3:7])


def test_json_has_the_devices_in_brief_too() -> None:
    found = [(UP, up())]
    assert guests(found, as_json=True, brief=True).out == guests(found, as_json=True).out


def test_where_no_device_is_known_there_is_no_heading_for_them() -> None:
    found = [(DOWN, down())]
    assert guests(found).out == guests(found, brief=True).out


def test_a_dead_host_is_told_on_stderr_and_the_others_are_printed() -> None:
    for printed in (
        guests([(UP, up()), (DOWN, down())]),
        guests([(UP, up()), (DOWN, down())], as_json=True),
        hosts([(UP, up()), (DOWN, down())]),
        hosts([(UP, up()), (DOWN, down())], as_json=True),
    ):
        assert printed.code is Exit.UNREACHABLE
        assert "local" in printed.out
        assert printed.err.splitlines() == [
            "tuivm: rack7 (qemu+ssh://rack7/system): cannot connect",
            "  reason: ssh: no route to host",
            "    second line",
            "  cause: it is off",
            "  remedy: switch it on",
        ]


def test_hosts_table_shows_what_is_known_and_dashes_for_the_rest() -> None:
    _, first, second = hosts([(UP, up()), (DOWN, down())]).out.splitlines()
    assert first.split() == (
        [
            "local",
            "up",
            "QEMU",
            "7.2.22",
            "9.0.0",
            "x86_64",
            "8",
            "25.0",
            "4.0G",
            "16G",
            "1/2",
            "qemu:///system",
        ]
    )
    assert second.split() == ["rack7", "lost", *"--------", "qemu+ssh://rack7/system"]


def test_a_guest_whose_xml_was_not_read_is_not_said_to_have_no_devices() -> None:
    snapshot = up()
    bare = {uuid: guest._replace(details=None) for uuid, guest in snapshot.guests.items()}
    found = [(UP, snapshot._replace(guests=bare))]
    for guest in json.loads(guests(found, as_json=True).out)["guests"]:
        assert guest["devices"] is guest["classes"] is guest["vcpus"] is guest["memory"] is None
    assert guests(found).out.splitlines()[1].split()[3:] == ["-"] * 3


def test_json_is_ascii_so_that_no_name_can_reach_the_terminal_raw() -> None:
    printed = guests([(UP, up())], as_json=True)
    assert printed.out.isascii()
    assert "\x1b" not in printed.out
    assert json.loads(printed.out)["guests"][0]["name"] == "Alt\x1b[31m"


@pytest.mark.parametrize("state", [HostState.STALE, HostState.FAILED, HostState.CONNECTING])
def test_any_host_that_is_not_up_counts_as_unreachable(state: HostState) -> None:
    printed = hosts([(UP, HostSnapshot("local", 1.0, state))])
    assert printed.code is Exit.UNREACHABLE
    assert f"local is {state.value}" in printed.err
