"""Hosts that begin before the user interface is there."""

from __future__ import annotations

from tests.support.simhost import Clock, SimMaker
from tuivm.early import EarlyHosts
from tuivm.model.hosts import HostSpec
from tuivm.model.ports import CredentialPrompt, CredentialRequest, Sinks
from tuivm.model.snapshot import HostSnapshot

SPEC = HostSpec("rack7", "test+sim:///rack7")


def test_what_came_before_anybody_listened_is_handed_over_in_order() -> None:
    maker = SimMaker(Clock())
    early = EarlyHosts(maker, [SPEC])
    assert maker.hosts["rack7"].started
    maker.tick()
    maker.tick()
    answers = maker.hosts["rack7"].ask(CredentialPrompt("Password", secret=True))
    snapshots: list[HostSnapshot] = []
    requests: list[CredentialRequest] = []
    host = early.make(SPEC, Sinks(snapshots.append, requests.append))
    assert host is maker.hosts["rack7"]
    maker.tick()
    assert [snapshot.at for snapshot in snapshots] == [10_001.0, 10_002.0, 10_003.0]
    requests[0].answer(("s3cret",))
    assert answers == [("s3cret",)]


def test_a_host_is_handed_out_once() -> None:
    maker = SimMaker(Clock())
    early = EarlyHosts(maker, [SPEC])
    first = early.make(SPEC, Sinks(lambda snapshot: None))
    assert early.make(SPEC, Sinks(lambda snapshot: None)) is not first


def test_a_host_that_was_not_begun_is_made() -> None:
    maker = SimMaker(Clock())
    early = EarlyHosts(maker, [SPEC])
    other = early.make(HostSpec("lab", "test+sim:///lab"), Sinks(lambda snapshot: None))
    assert other.spec.name == "lab"
    assert not maker.hosts["lab"].started
