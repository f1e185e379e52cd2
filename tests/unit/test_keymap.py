"""Remapping keys: what is taken over, what is refused, and what is said about it."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.binding import Binding

from tuivm.commands import COMMANDS
from tuivm.keymap import ANYWHERE, is_key, normal, resolve, share_a_place

DEFAULTS = {
    "start": ("s",),
    "shutdown": ("d",),
    "force-off": ("D",),
    "filter": ("/",),
    "retry": ("r",),
    "reboot": ("r",),
    "quit": ("q", "ctrl+q"),
}
PLACES = {
    "start": frozenset({"guests", "guest"}),
    "shutdown": frozenset({"guests", "guest"}),
    "force-off": frozenset({"guests", "guest"}),
    "filter": frozenset({"guests", "hosts"}),
    "retry": frozenset({"hosts"}),
    "reboot": frozenset({"guests"}),
    "quit": frozenset({ANYWHERE}),
}


def test_defaults_as_they_are() -> None:
    keymap = resolve(DEFAULTS, {}, PLACES)
    assert keymap.problems == ()
    assert keymap.bindings["filter"] == ("slash",)
    assert keymap.bindings["quit"] == ("q", "ctrl+q")


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("?", "question_mark"),
        ("/", "slash"),
        ("+", "plus"),
        ("ctrl++", "ctrl+plus"),
        ("*", "asterisk"),
        (":", "colon"),
        ("_", "underscore"),
        ("@", "at"),
        ("é", "é"),
        ("Shift+a", "A"),
        ("Ctrl+X", "ctrl+x"),
        ("shift+ctrl+UP", "ctrl+shift+up"),
        ("F5", "f5"),
        ("Space", "space"),
        ("PageUp", "pageup"),
    ],
)
def test_one_name_a_key(written: str, named: str) -> None:
    assert normal(written) == named
    assert is_key(named)


@pytest.mark.parametrize("character", [chr(code) for code in range(33, 127) if chr(code) != ","])
def test_characters_are_named_as_textual_binds_them(character: str) -> None:
    (binding,) = Binding.make_bindings([Binding(character, "x")])
    assert normal(character) == binding.key
    assert is_key(binding.key)


@pytest.mark.parametrize("key", ["", "crtl+x", "f99", "pageupp", "x y", "ctrl+"])
def test_what_is_not_a_key(key: str) -> None:
    assert not is_key(normal(key))


def test_a_free_key_is_taken_over() -> None:
    keymap = resolve(DEFAULTS, {"start": "F5, ctrl+s"}, PLACES)
    assert keymap.problems == ()
    assert keymap.bindings["start"] == ("f5", "ctrl+s")


def test_a_clash_names_both_and_changes_neither() -> None:
    keymap = resolve(DEFAULTS, {"force-off": "s"}, PLACES)
    (problem,) = keymap.problems
    assert '"start"' in problem
    assert "force-off" in problem
    assert keymap.bindings["force-off"] == ("D",)
    assert keymap.bindings["start"] == ("s",)


def test_one_clashing_key_refuses_the_whole_remapping() -> None:
    keymap = resolve(DEFAULTS, {"force-off": "f9,s"}, PLACES)
    assert keymap.bindings["force-off"] == ("D",)
    assert len(keymap.problems) == 1


def test_same_key_in_other_places_is_no_clash() -> None:
    keymap = resolve(DEFAULTS, {"retry": "d"}, PLACES)
    assert keymap.problems == ()
    assert keymap.bindings["retry"] == ("d",)


def test_a_key_that_works_anywhere_clashes_everywhere() -> None:
    keymap = resolve(DEFAULTS, {"retry": "q"}, PLACES)
    assert keymap.bindings["retry"] == ("r",)
    assert '"quit"' in keymap.problems[0]


def test_a_swap_is_no_clash() -> None:
    keymap = resolve(DEFAULTS, {"start": "d", "shutdown": "s"}, PLACES)
    assert keymap.problems == ()
    assert keymap.bindings["start"] == ("d",)
    assert keymap.bindings["shutdown"] == ("s",)


def test_of_two_remappings_to_one_key_the_first_stands() -> None:
    keymap = resolve(DEFAULTS, {"start": "x", "shutdown": "x"}, PLACES)
    assert keymap.bindings["start"] == ("x",)
    assert keymap.bindings["shutdown"] == ("d",)
    assert len(keymap.problems) == 1


def test_a_refusal_that_gives_a_key_back_refuses_what_took_it() -> None:
    overrides = {"shutdown": "s", "start": "q"}
    keymap = resolve(DEFAULTS, overrides, PLACES)
    assert keymap.bindings["start"] == ("s",)
    assert keymap.bindings["shutdown"] == ("d",)
    assert len(keymap.problems) == 2


def test_no_key() -> None:
    keymap = resolve(DEFAULTS, {"force-off": "none"}, PLACES)
    assert keymap.problems == ()
    assert keymap.bindings["force-off"] == ()


@pytest.mark.parametrize("text", ["", "crtl+x", "s,,hello world", ", ,"])
def test_what_is_no_key_is_said(text: str) -> None:
    keymap = resolve(DEFAULTS, {"force-off": text}, PLACES)
    assert keymap.bindings["force-off"] == ("D",)
    assert "is not a key" in keymap.problems[0]


def test_unknown_command_with_suggestion() -> None:
    keymap = resolve(DEFAULTS, {"forceoff": "x"}, PLACES)
    assert keymap.bindings == resolve(DEFAULTS, {}, PLACES).bindings
    assert 'did you mean "force-off"?' in keymap.problems[0]


@given(
    st.dictionaries(
        st.sampled_from([*DEFAULTS, "nonsense"]),
        st.lists(st.sampled_from(["s", "d", "D", "/", "r", "q", "x", "f5"]), max_size=3).map(
            ",".join
        ),
    )
)
def test_no_two_commands_ever_share_a_key_where_both_work(overrides: dict[str, str]) -> None:
    keymap = resolve(DEFAULTS, overrides, PLACES)
    assert set(keymap.bindings) == set(DEFAULTS)
    taken: dict[tuple[str, str], str] = {}
    for command, keys in keymap.bindings.items():
        for key in keys:
            for place in ("guests", "guest", "hosts"):
                if PLACES[command] & {place, ANYWHERE}:
                    assert (place, key) not in taken, (command, taken[place, key], key)
                    taken[place, key] = command


def test_the_keys_that_the_commands_have_exist_and_do_not_clash() -> None:
    """Two commands without a remapping are not looked at by `resolve`: a clash is our mistake."""
    for command in COMMANDS:
        assert all(is_key(normal(key)) for key in command.keys), command.id
    for one, other in combinations(COMMANDS, 2):
        if share_a_place(one.places, other.places):
            shared = set(map(normal, one.keys)) & set(map(normal, other.keys))
            assert not shared, (one.id, other.id, shared)
