"""The filter language: what matches, what does not, and what is said to be not understood."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuivm.model.devices import Device, DeviceClass, DeviceKind
from tuivm.model.filters import Filter, parse_filter
from tuivm.model.guests import Guest, GuestDetails, GuestKey, GuestState
from tuivm.model.store import GuestView


def view(name: str = "web-1", host: str = "rack7", **changes) -> GuestView:
    classes = changes.pop("classes", ())
    title = changes.pop("title", "")
    devices = tuple(Device(DeviceKind.DISK, cls, "m", str(n)) for n, cls in enumerate(classes))
    details = changes.pop("details", GuestDetails(title=title, devices=devices))
    return GuestView(Guest(GuestKey(host, "u"), name, details=details, **changes))


WEB = view(
    state=GuestState.RUNNING,
    title="Front End",
    classes=(DeviceClass.PARAVIRTUAL, DeviceClass.EMULATED),
    addresses=("192.168.122.7", "fe80::5054:ff:fe00:1"),
    autostart=True,
    managed_save=False,
)
DB = view(
    "DB main",
    "local",
    state=GuestState.OFF,
    classes=(DeviceClass.PHYSICAL,),
    autostart=False,
    managed_save=True,
    persistent=True,
)


@pytest.mark.parametrize(
    ("text", "web", "db"),
    [
        ("", True, True),
        ("   ", True, True),
        ("web", True, False),
        ("WEB", True, False),
        ("front", True, False),
        ("rack", True, False),
        ("running", True, False),
        ("off", False, True),
        ("saved", False, True),
        ("122.7", True, False),
        ("fe80::5054", True, False),
        ("-fe80::5054", False, True),
        ("web rack7", True, False),
        ("web local", False, False),
        ("-web", False, True),
        ("!web", False, True),
        ("-web -db", False, False),
        ('"db main"', False, True),
        ('"front end"', True, False),
        ('-"db main"', True, False),
        ('name:"b m"', False, True),
        ("name:web", True, False),
        ("name:rack", False, False),
        ("host:rack7", True, False),
        ("HOST:RACK", True, False),
        ("-host:rack7", False, True),
        ("class:emulated", True, False),
        ("class:virtio", True, False),
        ("class:paravirtual", True, False),
        ("class:physical", False, True),
        ("class:passthrough", False, True),
        ("-class:emulated", False, True),
        ("is:running", True, False),
        ("is:off", False, True),
        ("is:active", True, False),
        ("is:inactive", False, True),
        ("is:saved", False, True),
        ("is:autostart", True, False),
        ("-is:autostart", False, True),
        ("is:transient", False, False),
        ("is:persistent", True, True),
        ("is:running class:emulated host:rack", True, False),
        ('"web', True, False),
        ("-", True, True),
        ('""', True, True),
    ],
)
def test_matches(text: str, web: bool, db: bool) -> None:
    found = parse_filter(text)
    assert found.problem == ""
    assert found.text == text
    assert (found.matches(WEB), found.matches(DB)) == (web, db)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("class:", "emulated"),
        ("class:virtual", "paravirtual"),
        ("is:", "running"),
        ("is:on", "autostart"),
        ("name:", "needs a word"),
        ("owner:me", "owner"),
        ("x:b:c", "'x'"),
        ("a:b", "'a'"),
    ],
)
def test_what_is_not_understood_is_said_and_the_rest_applies(text: str, says: str) -> None:
    found = parse_filter(f"web {text}")
    assert says in found.problem
    assert found.matches(WEB)
    assert not found.matches(DB)


def test_quotes_take_the_meaning_from_colons_and_minus() -> None:
    assert parse_filter('"is:off"').problem == ""
    assert not parse_filter('"is:off"').matches(DB)
    assert parse_filter('"a:b"').matches(view("a:b"))
    assert parse_filter('"-x"').matches(view("-x"))
    assert not parse_filter('"-x"').matches(view("web"))


@pytest.mark.parametrize("text", ["class:emulated", "-class:emulated", "is:saved", "-is:saved"])
def test_what_is_not_known_matches_neither_way(text: str) -> None:
    assert not parse_filter(text).matches(view(details=None, managed_save=None))


def test_a_guest_that_waits_for_io_is_running() -> None:
    assert parse_filter("is:running").matches(view(state=GuestState.BLOCKED))


def test_the_default_filter_matches_everything() -> None:
    assert Filter().matches(WEB)
    assert Filter().matches(view(details=None))


@given(st.text())
def test_any_text_is_a_filter(text: str) -> None:
    found = parse_filter(text)
    assert found.text == text
    assert found.matches(WEB) in (True, False)


@given(st.text(alphabet=st.characters(exclude_characters='"'), min_size=1))
def test_a_quoted_name_finds_its_guest(name: str) -> None:
    assert parse_filter(f'"{name}"').matches(view(name))
