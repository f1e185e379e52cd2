"""A real host: what virsh does shows, and what breaks is said, survived and mended."""

from __future__ import annotations

import gc
import socket
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.guests import GuestFactory, guest_xml
from tests.support.rig import Rig, wait_until
from tests.support.watching import TIMEOUT, Watched
from tuivm.hypervisor import connect, runner
from tuivm.hypervisor.maker import LibvirtHosts
from tuivm.model.guests import GuestState
from tuivm.model.hosts import HostState
from tuivm.model.ports import CredentialRequest, Sinks, View
from tuivm.model.requests import ForceOff, Rename, Start

Watch = Callable[..., Watched]


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Starts hosts, and closes them after the test."""
    started: list[Watched] = []

    def start(uri: str, **options: Any) -> Watched:
        started.append(Watched(uri, **options))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture
def deaf_uri(tmp_path: Path) -> Iterator[str]:
    """A daemon that accepts connections and never says a word."""
    path = tmp_path / "deaf"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(16)
        yield f"qemu+unix:///system?socket={path}"


def test_what_virsh_does_shows(rig: Rig, guest_factory: GuestFactory, watch: Watch) -> None:
    other = guest_factory.define(guest_xml("other"))
    # So long between two ticks that only events can be what shows the changes.
    seen = watch(rig.uri, interval=3600.0)
    seen.wait_guest(other, lambda g: g.details is not None, "the details of the first guest")
    seen.wait(lambda s: s.load is not None, "the first tick")
    untouched = seen.guest(other)
    uuid = guest_factory.define(guest_xml("web"))
    seen.wait_guest(uuid, lambda g: g.name == "web" and g.details, "the defined guest")
    assert seen.guest(uuid).state is GuestState.OFF
    rig.virsh("start", "--paused", "web")
    seen.wait_guest(uuid, lambda g: g.state is GuestState.PAUSED, "the start")
    rig.virsh("resume", "web")
    seen.wait_guest(
        uuid, lambda g: (g.state, g.reason) == (GuestState.RUNNING, "unpaused"), "the resume"
    )
    rig.virsh("destroy", "web")
    seen.wait_guest(uuid, lambda g: (g.state, g.reason) == (GuestState.OFF, "destroyed"), "the end")
    rig.virsh("domrename", "web", "shop")
    seen.wait_guest(uuid, lambda g: g.name == "shop", "the new name")
    rig.virsh("desc", "shop", "--title", "The shop")
    seen.wait_guest(uuid, lambda g: g.details and g.details.title == "The shop", "the title")
    number = len(seen.snapshots)
    rig.virsh("undefine", "shop")
    gone = seen.wait(lambda s: uuid not in s.guests, "the guest to be gone", since=number)
    assert gone.guests[other] is untouched, "a guest to which nothing happened stays as it is"


def test_autostart_and_managed_save_are_told(
    rig: Rig, guest_factory: GuestFactory, watch: Watch
) -> None:
    uuid = guest_factory.start(guest_xml("saved"))
    rig.virsh("autostart", "saved")
    seen = watch(rig.uri)
    seen.wait_guest(uuid, lambda g: g.autostart and g.managed_save is False, "autostart")
    rig.virsh("managedsave", "saved")
    guest = seen.wait_guest(uuid, lambda g: g.managed_save, "the managed save").guests[uuid]
    assert (guest.state, guest.reason) == (GuestState.OFF, "saved")
    transient = guest_factory.start(guest_xml("fleeting"), transient=True)
    seen.wait_guest(transient, lambda g: not g.persistent, "a transient guest")


def test_host_facts_and_load(rig: Rig, watch: Watch) -> None:
    seen = watch(rig.uri)
    snapshot = seen.wait(
        lambda s: s.facts and s.facts.hypervisor_version and s.load and s.load.cpu_percent,
        "facts and load",
    )
    assert snapshot.facts is not None
    assert snapshot.facts.driver == "QEMU"
    assert "qemu" in snapshot.facts.virt_types
    assert snapshot.facts.local
    assert snapshot.load is not None
    assert snapshot.load.memory_total_kib


def test_actions_and_their_effect(rig: Rig, guest_factory: GuestFactory, watch: Watch) -> None:
    uuid = guest_factory.define(guest_xml("acted"))
    seen = watch(rig.uri)
    seen.wait_guest(uuid, lambda g: g.state is GuestState.OFF, "the guest")
    assert seen.host.act(uuid, Start(paused=True)).result(TIMEOUT).ok
    seen.wait_guest(uuid, lambda g: g.state is GuestState.PAUSED, "the start")
    assert "<name>acted</name>" in seen.host.domain_xml(uuid).result(TIMEOUT).text
    refused = seen.host.act(uuid, Rename("other")).result(TIMEOUT)
    assert refused.problem is not None
    assert refused.problem.reason
    assert seen.host.act(uuid, ForceOff()).result(TIMEOUT).ok
    assert seen.host.deletion_facts(uuid).result(TIMEOUT).facts is not None
    missing = seen.host.domain_xml("00000000-0000-0000-0000-000000000000").result(TIMEOUT)
    assert missing.problem is not None


def test_read_only_changes_nothing(rig: Rig, guest_factory: GuestFactory, watch: Watch) -> None:
    uuid = guest_factory.define(guest_xml("looked-at"))
    seen = watch(rig.uri, readonly=True)
    seen.wait_guest(uuid, lambda g: g.details, "the guest")
    outcome = seen.host.act(uuid, Start()).result(TIMEOUT)
    assert outcome.problem is not None
    assert "read-only" in outcome.problem.reason
    assert "<name>looked-at</name>" in seen.host.domain_xml(uuid).result(TIMEOUT).text
    assert not guest_factory.domain(uuid).isActive()


def test_a_stopped_daemon_holds_nothing_up_and_goes_on_by_itself(
    fresh_rig: Rig, watch: Watch
) -> None:
    uuid = GuestFactory(fresh_rig).start(guest_xml("steady"))
    seen = watch(fresh_rig.uri)
    seen.wait_guest(uuid, lambda g: g.details, "the guest")
    fresh_rig.pause()
    wait_until(lambda: seen.host.busy and _silent_for(seen, 2.0), 30, "the sampler to hang")
    assert seen.last.state is HostState.UP, "the store tells by the age that it is stale"
    hanging = seen.host.domain_xml(uuid)
    assert not hanging.done()
    number = len(seen.snapshots)
    fresh_rig.resume()
    back = seen.wait(lambda s: s.state is HostState.UP, "the host to go on", since=number)
    assert back.guests[uuid].state is GuestState.PAUSED
    assert "steady" in hanging.result(TIMEOUT).text


def _silent_for(seen: Watched, seconds: float) -> bool:
    return time.monotonic() - seen.last.at > seconds


def test_closing_waits_for_no_hanging_call(fresh_rig: Rig, watch: Watch) -> None:
    seen = watch(fresh_rig.uri)
    seen.wait_up()
    fresh_rig.pause()
    wait_until(lambda: seen.host.busy and _silent_for(seen, 1.0), 30, "the sampler to hang")
    closer = threading.Thread(target=seen.close)
    closer.start()
    closer.join(TIMEOUT)
    assert not closer.is_alive()
    assert seen.host.busy, "what hangs is known, so that the program can end past it"
    number = len(seen.snapshots)
    fresh_rig.resume()
    wait_until(lambda: not seen.host.busy, 30, "the hanging call to come back")
    assert len(seen.snapshots) == number, "a closed host says nothing any more"


def test_a_daemon_that_stays_silent_is_lost_and_found_again(
    fresh_rig: Rig, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "KEEPALIVE_INTERVAL", 1)
    monkeypatch.setattr(connect, "KEEPALIVE_COUNT", 1)
    monkeypatch.setattr(runner, "OPEN_DEADLINE", 1.0)
    uuid = GuestFactory(fresh_rig).start(guest_xml("patient"))
    seen = watch(fresh_rig.uri)
    first = seen.wait_guest(uuid, lambda g: g.details, "the guest")
    seen.wait(lambda s: seen.host.settled, "the look-ups beside it to end")
    assert "patient" in seen.host.domain_xml(uuid).result(TIMEOUT).text
    fresh_rig.pause()
    hanging = seen.host.domain_xml(uuid)
    seen.next(lambda s: s.state is HostState.LOST, "the connection to be given up")
    ended = hanging.result(TIMEOUT / 2).problem
    assert ended is not None
    assert "keepalive" in ended.reason, "a call beside it ends too, long before its deadline"
    silent = seen.next(
        lambda s: s.state is HostState.LOST and s.problem and "does not answer" in s.problem.reason,
        "the new attempt to be late",
    )
    assert set(silent.guests) == {uuid}, "the last that is known stays"
    fresh_rig.resume()
    again = seen.next(lambda s: s.state is HostState.UP, "the host to come back")
    assert again.generation > first.generation
    assert set(again.guests) == {uuid}


def test_a_killed_daemon_comes_back_with_the_same_guests(fresh_rig: Rig, watch: Watch) -> None:
    factory = GuestFactory(fresh_rig)
    running, off = factory.start(guest_xml("up")), factory.define(guest_xml("down"))
    seen = watch(fresh_rig.uri)
    seen.wait(lambda s: seen.host.settled, "everything to be read")
    seen.wait_guest(running, lambda g: g.accelerator and g.started_at, "its process to be found")
    before = seen.last
    fresh_rig.kill()
    lost = seen.next(lambda s: s.state in (HostState.LOST, HostState.FAILED), "the loss")
    assert lost.problem is not None
    assert lost.retry_at is not None
    assert dict(lost.guests) == dict(before.guests)
    refused = seen.host.act(running, ForceOff()).result(TIMEOUT)
    assert refused.problem is not None
    number = len(seen.snapshots)
    fresh_rig.start()
    back = seen.wait(lambda s: s.state is HostState.UP and s.samples, "samples again", since=number)
    assert back.generation == before.generation + 1
    assert set(back.guests) == {running, off}
    assert back.guests[off].details == before.guests[off].details
    assert all({running, off} == set(s.guests) for s in seen.snapshots[number:]), "none is lost"


def test_nothing_keeps_a_lost_connection(fresh_rig: Rig, watch: Watch) -> None:
    seen = watch(fresh_rig.uri)
    seen.wait(lambda s: seen.host.settled, "everything to be read")
    link = seen.host._link
    assert link is not None
    # It must go by itself: garbage collection may run on any thread, and closing may hang there.
    gc.disable()
    try:
        conn = weakref.ref(link.conn)
        del link
        fresh_rig.restart()
        seen.wait(lambda s: s.generation > 1 and s.state is HostState.UP, "the new connection")
        wait_until(lambda: conn() is None, 30, "the old connection to be freed")
    finally:
        gc.enable()


def test_a_call_that_hangs_past_keep_alive_is_given_up(
    fresh_rig: Rig, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "DEAD_AFTER", 0.5)
    monkeypatch.setattr(runner, "WATCH_EVERY", 0.1)
    monkeypatch.setattr(runner, "OPEN_DEADLINE", 0.5)
    seen = watch(fresh_rig.uri)
    seen.wait_up()
    fresh_rig.pause()
    wait_until(lambda: seen.last.state is HostState.LOST, 30, "the call to be given up")
    fresh_rig.resume()
    wait_until(lambda: seen.last.state is HostState.UP, 30, "the host to come back")
    assert seen.last.generation == 2


def test_no_daemon_is_said_with_a_remedy_and_tried_again(tmp_path: Path, watch: Watch) -> None:
    seen = watch(f"qemu+unix:///system?socket={tmp_path}/none")
    failed = seen.wait(lambda s: s.state is HostState.FAILED, "the failure")
    assert failed.problem is not None
    assert "No such file or directory" in failed.problem.reason
    assert failed.problem.remedy
    assert failed.retry_at is not None
    number = len(seen.snapshots)
    seen.host.watch(View(guests=frozenset({"x"})))
    seen.host.retry()
    seen.wait(lambda s: s.state is HostState.CONNECTING, "a new attempt", since=number)


def test_a_deaf_daemon_is_late_and_a_retry_starts_afresh(
    deaf_uri: str, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "OPEN_DEADLINE", 0.2)
    monkeypatch.setattr(runner, "HUNG_AFTER", 0.1)
    seen = watch(deaf_uri)
    late = seen.wait(lambda s: s.state is HostState.LOST, "the attempt to be late")
    assert late.problem is not None
    assert "does not answer" in late.problem.reason
    number = len(seen.snapshots)
    seen.host.retry()
    seen.wait(lambda s: s.state is HostState.CONNECTING, "a fresh attempt", since=number)
    seen.wait(lambda s: s.state is HostState.LOST, "that to be late too", since=number)
    seen.close()
    assert seen.host.busy


def test_dead_hosts_delay_no_other(
    rig: Rig, deaf_uri: str, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "OPEN_DEADLINE", 300.0)
    dead = [watch(deaf_uri, name=f"dead{number}") for number in range(10)]
    alive = [watch(rig.uri, name=f"alive{number}") for number in range(10)]
    for one in alive:
        one.wait_up()
    assert {one.last.state for one in dead} == {HostState.CONNECTING}


def test_a_trial_connection(rig: Rig, deaf_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuivm.hypervisor.maker.TRIAL_DEADLINE", 5.0)
    hosts, sinks = LibvirtHosts(), Sinks(snapshot=lambda _snapshot: None)
    good = hosts.try_out(rig.uri, readonly=True, sinks=sinks).result(TIMEOUT)
    assert good.problem is None
    assert good.facts is not None
    assert good.facts.driver == "QEMU"
    bad = hosts.try_out("test:///no/such/file", readonly=False, sinks=sinks).result(TIMEOUT)
    assert bad.problem is not None
    assert bad.problem.reason
    deaf = hosts.try_out(deaf_uri, readonly=False, sinks=sinks).result(TIMEOUT)
    assert deaf.problem is not None
    assert "no answer" in deaf.problem.reason


@pytest.fixture
def guarded_uri(tmp_path: Path) -> str:
    """A test driver that asks for a user and a password."""
    path = tmp_path / "guarded.xml"
    path.write_text(
        "<node><auth><user password='secret'>bob</user></auth><domain type='test'>"
        "<name>inside</name><memory>8192</memory><os><type>hvm</type></os></domain></node>"
    )
    return f"test://{path}"


def test_credentials_are_asked_for_and_used(guarded_uri: str, watch: Watch) -> None:
    asked: list[CredentialRequest] = []

    def answer(request: CredentialRequest) -> None:
        asked.append(request)
        given = tuple("secret" if prompt.secret else "bob" for prompt in request.prompts)
        threading.Thread(target=request.answer, args=(given,)).start()

    seen = watch(guarded_uri, credentials=answer)
    seen.wait(lambda s: s.state is HostState.UP and len(s.guests) == 1, "the guarded host")
    assert asked[0].host == "here"
    assert any(prompt.secret for request in asked for prompt in request.prompts)


def test_credentials_are_asked_for_once(guarded_uri: str, watch: Watch) -> None:
    asked: list[CredentialRequest] = []

    def answer(request: CredentialRequest) -> None:
        asked.append(request)
        request.answer(tuple("secret" if prompt.secret else "bob" for prompt in request.prompts))

    seen = watch(guarded_uri, credentials=answer)
    seen.wait_up()
    once = len(asked)
    again = connect.Asker("here", answer, seen.host.known)
    link = connect.open_link(guarded_uri, readonly=False, asker=again)
    assert len(link.conn.listAllDomains()) == 1
    assert len(asked) == once
    again.refused()
    connect.open_link(guarded_uri, readonly=False, asker=again)
    assert len(asked) > once, "answers that were refused are not used again"


def test_declined_credentials_are_a_failure_with_the_reason(guarded_uri: str, watch: Watch) -> None:
    seen = watch(guarded_uri)
    failed = seen.wait(lambda s: s.state is HostState.FAILED, "the refusal")
    assert failed.problem is not None
    assert failed.problem.reason


def test_closing_ends_a_question_that_waits(guarded_uri: str, watch: Watch) -> None:
    asked = threading.Event()
    seen = watch(guarded_uri, credentials=lambda _request: asked.set())
    assert asked.wait(TIMEOUT)
    assert seen.host.busy
    seen.close()
    wait_until(lambda: not seen.host.busy, 30, "the thread to end")
