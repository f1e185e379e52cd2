"""What a creation that failed removes: all that it made, and nothing else. On a played libvirt."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import libvirt
import pytest

from tuivm.hypervisor import creating_undo
from tuivm.hypervisor.creating import run
from tuivm.model.creation import Created, CreationPlan, Placed, VolumeOrder
from tuivm.model.spec import Spec

UUID = "7b1f6c1e-5a0c-4a57-8a5e-3c1f0d4d8f11"


def error(code: int, words: str = "refused") -> libvirt.libvirtError:
    made = libvirt.libvirtError(words)
    made.err = (code, 0, words, 2, None, None, None, 0, 0)
    return made


class Volume:
    def __init__(self, host: Host, pool: str, name: str) -> None:
        self.host, self.pool, self.name = host, pool, name

    def path(self) -> str:
        return f"/{self.pool}/{self.name}"

    def delete(self, _flags: int) -> None:
        self.host.call("delete")
        if self.host.busy:
            self.host.busy -= 1
            raise error(libvirt.VIR_ERR_OPERATION_INVALID, "volume is still in use")
        del self.host.volumes[self.pool][self.name]


class Pool:
    def __init__(self, host: Host, name: str) -> None:
        self.host, self.name = host, name

    def isActive(self) -> int:  # noqa: N802 - libvirt's name
        return int(self.name not in self.host.stopped)

    def XMLDesc(self, _flags: int = 0) -> str:  # noqa: N802 - libvirt's name
        return f"<pool type='{self.host.kind}'/>"

    def create(self, _flags: int) -> None:
        self.host.stopped.remove(self.name)

    def destroy(self) -> None:
        self.host.stopped.add(self.name)

    def storageVolLookupByName(self, name: str) -> Volume:  # noqa: N802 - libvirt's name
        self.host.call("volume")
        if name not in self.host.volumes[self.name]:
            raise error(libvirt.VIR_ERR_NO_STORAGE_VOL)
        return self.host.volumes[self.name][name]

    def createXML(self, xml: str, _flags: int) -> Volume:  # noqa: N802 - libvirt's name
        name = xml.partition("<name>")[2].partition("<")[0]
        if name in self.host.volumes[self.name]:
            raise error(libvirt.VIR_ERR_STORAGE_VOL_EXIST, f"{name} exists already")
        made = Volume(self.host, self.name, name)
        self.host.volumes[self.name][name] = made
        self.host.call("make")
        return made


class Domain:
    def __init__(self, host: Host, uuid: str) -> None:
        self.host, self.uuid, self.active = host, uuid, False

    def isActive(self) -> int:  # noqa: N802 - libvirt's name
        return int(self.active)

    def XMLDesc(self, _flags: int = 0) -> str:  # noqa: N802 - libvirt's name
        return "<domain/>"

    def create(self) -> None:
        self.active = True
        self.host.call("start")

    def destroy(self) -> None:
        if self.host.stuck:
            raise error(libvirt.VIR_ERR_INTERNAL_ERROR, "device or resource busy")
        self.active = False

    def undefineFlags(self, flags: int) -> None:  # noqa: N802 - libvirt's name
        self.host.undefined.append(flags)
        del self.host.guests[self.uuid]


class Host:
    """Two volumes and a guest of other people's, and what a run adds. fail: called at each call."""

    def __init__(self) -> None:
        self.volumes: dict[str, dict[str, Volume]] = {"p": {}, "q": {}}
        for pool in self.volumes:
            self.volumes[pool]["foreign"] = Volume(self, pool, "foreign")
        self.guests: dict[str, Domain] = {"other": Domain(self, "other")}
        self.kind = "dir"
        self.stopped: set[str] = set()
        self.busy = 0
        self.undefined: list[int] = []
        self.fail: Callable[[str], None] = lambda _what: None
        self.alive = True
        self.opened = 0
        self.comes_back = True
        self.stuck = False
        self.hangs: threading.Event | None = None

    def call(self, what: str) -> None:
        self.fail(what)
        if not self.alive:
            raise error(libvirt.VIR_ERR_RPC, "connection reset")

    def isAlive(self) -> int:  # noqa: N802 - libvirt's name
        return int(self.alive)

    def storagePoolLookupByName(self, name: str) -> Pool:  # noqa: N802 - libvirt's name
        self.call("pool")
        return Pool(self, name)

    def lookupByName(self, _name: str) -> Domain:  # noqa: N802 - libvirt's name
        raise error(libvirt.VIR_ERR_NO_DOMAIN)

    def lookupByUUIDString(self, uuid: str) -> Domain:  # noqa: N802 - libvirt's name
        self.call("guest")
        if uuid not in self.guests:
            raise error(libvirt.VIR_ERR_NO_DOMAIN)
        return self.guests[uuid]

    def defineXML(self, _xml: str) -> Domain:  # noqa: N802 - libvirt's name
        self.call("define")
        self.guests[UUID] = Domain(self, UUID)
        self.call("defined")
        return self.guests[UUID]

    @contextmanager
    def open(self) -> Iterator[libvirt.virConnect]:
        self.opened += 1
        if self.hangs is not None:
            self.hangs.wait(60)
        if self.opened > 1 and not self.comes_back:
            raise error(libvirt.VIR_ERR_NO_CONNECT, "no route to host")
        self.alive = True
        yield cast(libvirt.virConnect, self)

    @property
    def left(self) -> dict[str, set[str]]:
        return {name: set(volumes) for name, volumes in self.volumes.items()}


NOTHING: dict[str, set[str]] = {"p": {"foreign"}, "q": {"foreign"}}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(creating_undo, "_AGAIN", 0.0)


def create(
    host: Host,
    *names: str,
    start: bool = True,
    patience: float = 5.0,
    cancelled: Callable[[], bool] = lambda: False,
) -> Created:
    orders = [
        VolumeOrder(Placed(pool=pool, volume=name), 1 << 20)
        for pool, _, name in (one.partition("/") for one in names or ("p/a", "q/b"))
    ]
    xml = f"<domain><name>new</name><uuid>{UUID}</uuid></domain>"
    plan = CreationPlan(Spec(name="new", start=start), volumes=tuple(orders), xml=xml)
    return run(
        host.open,
        plan,
        lambda _progress: None,
        cancelled,
        host="h",
        uri="test:///x",
        local=False,
        patience=patience,
    )


def failing(what: str, number: int = 1, then: Callable[[], Any] | None = None) -> Any:
    """At the so-manieth call of a kind."""
    count = 0

    def fail(now: str) -> None:
        nonlocal count
        if now == what:
            count += 1
            if count == number:
                if then is None:
                    raise error(libvirt.VIR_ERR_INTERNAL_ERROR, f"{what} failed")
                then()

    return fail


def test_all_goes_well() -> None:
    host = Host()
    created = create(host)
    assert (created.problem, created.started, created.uuid) == (None, True, UUID)
    assert host.left == {"p": {"foreign", "a"}, "q": {"foreign", "b"}}
    assert host.guests[UUID].active


@pytest.mark.parametrize("what", ["define", "start"])
def test_what_is_refused_takes_all_with_it(what: str) -> None:
    host = Host()
    host.fail = failing(what)
    created = create(host)
    assert created.problem is not None
    assert f"{what} failed" in created.problem.reason
    assert host.guests.keys() == {"other"}
    assert host.left == NOTHING
    assert created.left == ()


def test_uefi_variables_that_no_start_of_this_run_made_stay() -> None:
    host = Host()
    created = create(host, cancelled=lambda: UUID in host.guests)
    assert created.problem is not None
    assert host.guests.keys() == {"other"}
    (flags,) = host.undefined
    assert flags & libvirt.VIR_DOMAIN_UNDEFINE_KEEP_NVRAM
    assert not flags & libvirt.VIR_DOMAIN_UNDEFINE_NVRAM


def test_uefi_variables_of_a_start_that_failed_go() -> None:
    host = Host()
    host.fail = failing("start")
    create(host)
    (flags,) = host.undefined
    assert flags & libvirt.VIR_DOMAIN_UNDEFINE_NVRAM


def test_a_name_that_is_taken_is_not_removed() -> None:
    host = Host()
    created = create(host, "p/a", "q/foreign", "q/b")
    assert created.problem is not None
    assert (host.left, created.left) == (NOTHING, ())
    assert [step.what for step in created.steps if step.done][-1] == "removed /p/a"


@pytest.mark.parametrize("what", ["define", "defined", "start"])
def test_a_lost_connection_is_opened_again(what: str) -> None:
    host = Host()
    host.fail = failing(what, then=lambda: setattr(host, "alive", False))
    created = create(host)
    assert created.problem is not None
    assert (host.left, created.left) == (NOTHING, ())
    assert host.guests.keys() == {"other"}
    assert host.opened == 2


def test_a_volume_that_may_be_anybodys_stays_and_is_named() -> None:
    host = Host()
    host.fail = failing("make", 2, then=lambda: setattr(host, "alive", False))
    created = create(host)
    assert host.left == {"p": {"foreign"}, "q": {"foreign", "b"}}
    (words,) = created.left
    assert words.startswith("q/b: there is one")


def test_one_that_was_not_made_is_not_named() -> None:
    host = Host()

    def lose() -> None:
        host.alive = False
        del host.volumes["q"]["b"]

    host.fail = failing("make", 2, then=lose)
    created = create(host)
    assert (host.left, created.left) == (NOTHING, ())


def test_a_volume_in_use_is_tried_again() -> None:
    host = Host()
    host.busy = 3
    host.fail = failing("start")
    created = create(host)
    assert (host.left, created.left, host.busy) == (NOTHING, (), 0)


@pytest.mark.parametrize(("kind", "stays"), [("dir", False), ("netfs", True)])
def test_a_pool_that_was_stopped(kind: str, *, stays: bool) -> None:
    host = Host()
    host.kind = kind

    def then() -> None:
        host.stopped.add("q")
        raise error(libvirt.VIR_ERR_INTERNAL_ERROR)

    host.fail = failing("start", then=then)
    created = create(host)
    assert host.left == {"p": {"foreign"}, "q": {"foreign", *(["b"] if stays else [])}}
    assert host.stopped == {"q"}
    assert bool(created.left) == stays


def test_a_fault_of_the_program_leaves_nothing_either() -> None:
    host = Host()

    def then() -> None:
        raise ZeroDivisionError

    host.fail = failing("start", then=then)
    with pytest.raises(ZeroDivisionError):
        create(host)
    assert host.left == NOTHING
    assert host.guests.keys() == {"other"}


def test_a_host_that_stays_away() -> None:
    host = Host()
    host.comes_back = False
    host.fail = failing("start", then=lambda: setattr(host, "alive", False))
    created = create(host, "p/a", patience=0.0)
    assert [words.partition(",")[0] for words in created.left] == ["new", "/p/a"]
    assert "no route to host" in created.left[0]
    assert [step.what for step in created.steps if not step.done][1:] == [
        "remove new",
        "remove /p/a",
    ]


def test_a_guest_that_stays_keeps_its_disks() -> None:
    host = Host()

    def then() -> None:
        host.stuck = True
        raise error(libvirt.VIR_ERR_INTERNAL_ERROR)

    host.fail = failing("start", then=then)
    created = create(host)
    assert host.left == {"p": {"foreign", "a"}, "q": {"foreign", "b"}}
    assert [words.partition(":")[0] for words in created.left] == ["new", "/q/b", "/p/a"]


def test_a_host_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(creating_undo, "_SILENT", 0.2)
    host = Host()
    wakes = threading.Event()

    def then() -> None:
        host.hangs = wakes
        host.alive = False

    host.fail = failing("start", then=then)
    created = create(host, patience=0.0)
    assert [words.partition(",")[0] for words in created.left] == ["new", "/q/b", "/p/a"]
    assert "does not answer" in created.left[0]
    wakes.set()


def test_the_variables_of_uefi_go_with_the_guest() -> None:
    host = Host()
    host.fail = failing("start")
    create(host)
    (flags,) = host.undefined
    assert flags & libvirt.VIR_DOMAIN_UNDEFINE_NVRAM
    assert not flags & libvirt.VIR_DOMAIN_UNDEFINE_KEEP_NVRAM


@pytest.mark.parametrize(
    "xml", ["", "<domain/>", "<x/>", "<domain><name>n</name><uuid>z</uuid></domain>"]
)
def test_what_is_no_definition_touches_nothing(xml: str) -> None:
    host = Host()
    plan = CreationPlan(Spec(name="new"), xml=xml)
    created = run(host.open, plan, lambda _: None, lambda: False, host="h", uri="", local=False)
    assert created.problem is not None
    assert host.opened == 0
