"""Which key runs which command: the commands' defaults, and what a person remapped.

Nothing silently changes what a key does. A remapping that would take a key from another command
in a place they share is refused as a whole: both commands are named, and both keep the keys they
had. To swap two keys, remap both commands.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Mapping
from itertools import combinations
from typing import NamedTuple

from textual.keys import KEY_NAME_REPLACEMENTS, REPLACED_KEYS, Keys, key_to_character

ANYWHERE = "*"
"""The place of a command that works everywhere; it shares a place with every other command."""

NO_KEY = "none"
"""In the config: this command has no key; the palette still runs it."""

_MODIFIERS = ("alt", "ctrl", "hyper", "meta", "shift", "super")
_NAMED = frozenset(key.value for key in Keys if re.fullmatch("[a-z]+[0-9]*", key.value)) | {"space"}


class Keymap(NamedTuple):
    """bindings: the keys of each command, as Textual names them, () for none."""

    bindings: Mapping[str, tuple[str, ...]]
    problems: tuple[str, ...] = ()


def normal(key: str) -> str:
    """One name a key, Textual's: "?" -> "question_mark", "shift+a" -> "A", "Ctrl+X" -> "ctrl+x"."""
    key = key.strip()
    if len(key) <= 1:
        return _character_name(key) if key else ""
    *modifiers, last = [*key[:-1].split("+"), key[-1]] if key.endswith("++") else key.split("+")
    held = sorted({modifier.strip().lower() for modifier in modifiers if modifier.strip()})
    last = last.strip()
    if len(last) != 1:
        last = last.lower()
    elif held == ["shift"] and last.isalpha():
        return last.upper()
    else:
        last = _character_name(last.lower() if held else last)
    return "+".join((*held, last))


def is_key(key: str) -> bool:
    """Whether a terminal can send this key, named as `normal` does."""
    *modifiers, last = key.split("+")
    if not last or len(set(modifiers)) != len(modifiers) or not set(modifiers) <= {*_MODIFIERS}:
        return False
    if last in _NAMED:
        return True
    character = key_to_character(REPLACED_KEYS.get(last, last))
    return character is not None and character.isprintable() and _character_name(character) == last


def resolve(
    defaults: Mapping[str, tuple[str, ...]],
    overrides: Mapping[str, str],
    places: Mapping[str, frozenset[str]],
    known: Callable[[str], bool] = is_key,
) -> Keymap:
    """The keys of every command.

    defaults: command id -> its keys. overrides: command id -> keys separated by commas, or
    "none". places: command id -> where it works; a command that is not listed works anywhere.
    known: whether such a key exists. Of two remappings that clash the earlier one stands.
    """
    problems: list[str] = []
    bindings = {command: tuple(map(normal, keys)) for command, keys in defaults.items()}
    wished: dict[str, tuple[str, ...]] = {}
    for command, text in overrides.items():
        if command not in defaults:
            close = difflib.get_close_matches(command, defaults, 1)
            hint = f', did you mean "{close[0]}"?' if close else ""
            problems.append(f'keys.{command}: there is no command "{command}"{hint}')
            continue
        keys = () if text.strip().lower() == NO_KEY else _split(text)
        wrong = [key for key in keys if not known(key)]
        if wrong or (not keys and text.strip().lower() != NO_KEY):
            said = ", ".join(f'"{key}"' for key in wrong) or f'"{text}"'
            problems.append(
                f"keys.{command}: {said} is not a key"
                f' (such as "x", "X", "ctrl+x", "f5", "space", or "{NO_KEY}")'
            )
            continue
        wished[command] = keys

    bindings.update(wished)
    while clash := _first_clash(bindings, places, wished):
        refused, other, key = clash
        problems.append(
            f'keys.{refused}: "{key}" is already the key of "{other}";'
            f' "{refused}" keeps {_said(defaults[refused])}'
        )
        del wished[refused]
        bindings[refused] = tuple(map(normal, defaults[refused]))
    return Keymap(bindings, tuple(problems))


def share_a_place(one: frozenset[str], other: frozenset[str]) -> bool:
    return ANYWHERE in one or ANYWHERE in other or bool(one & other)


def _first_clash(
    bindings: Mapping[str, tuple[str, ...]],
    places: Mapping[str, frozenset[str]],
    wished: Mapping[str, tuple[str, ...]],
) -> tuple[str, str, str] | None:
    """A remapped command, the command it clashes with, and the key; the latest remapping first.

    The latest goes first, so that of two remappings the earlier one stands.
    """
    order = {command: index for index, command in enumerate(wished)}
    anywhere = frozenset({ANYWHERE})
    found: list[tuple[int, str, str, str]] = []
    for one, other in combinations(bindings, 2):
        if one not in wished and other not in wished:
            continue
        shared = set(bindings[one]) & set(bindings[other])
        if shared and share_a_place(places.get(one, anywhere), places.get(other, anywhere)):
            late, early = sorted((one, other), key=lambda command: -order.get(command, -1))
            found.append((order[late], late, early, min(shared)))
    return max(found)[1:] if found else None


def _split(text: str) -> tuple[str, ...]:
    """Keys of a comma-separated list; the comma key itself is written "comma"."""
    if text.strip() == ",":
        return ("comma",)
    return tuple(dict.fromkeys(key for part in text.split(",") if (key := normal(part))))


def _character_name(character: str) -> str:
    """As Textual's drivers name the key of a character."""
    if character.isalnum():
        return character
    name = unicodedata.name(character, character)
    name = name.lower().replace("-", "_").replace(" ", "_")
    return KEY_NAME_REPLACEMENTS.get(name, name)


def _said(keys: tuple[str, ...]) -> str:
    return " and ".join(f'"{key}"' for key in keys) or "no key"
