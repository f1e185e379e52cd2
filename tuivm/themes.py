"""Themes are data: TOML files, ours and a person's own, read and checked into Textual themes.

The format is described in docs/themes.md. Nothing here raises for what a file says: a bad theme
is left out and a sentence tells which file, which key, and why.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import platformdirs
from textual.color import Color, ColorParseError
from textual.design import ColorSystem
from textual.theme import Theme

DEFAULT_THEME = "dark"

COLOURS = (
    "primary",
    "secondary",
    "accent",
    "foreground",
    "background",
    "surface",
    "panel",
    "success",
    "warning",
    "error",
)
REQUIRED_COLOURS = ("primary", "foreground", "background")

ROLES: Mapping[str, str] = {
    "class-paravirtual": "success",
    "class-emulated": "warning",
    "class-physical": "accent",
    "state-running": "success",
    "state-paused": "warning",
    "state-changing": "primary",
    "state-off": "foreground",
    "state-bad": "error",
    "series-1": "primary",
    "series-2": "warning",
    "series-3": "success",
    "series-4": "accent",
    "series-5": "secondary",
    "series-6": "error",
    "quiet": "foreground",
}
"""tuivm's own CSS variables, each with the theme colour that stands in where a theme has none."""

VARIABLE_DEFAULTS: dict[str, str] = {
    "class-paravirtual": "#4fc9b4",
    "class-emulated": "#e6b45c",
    "class-physical": "#c79bf0",
    "state-running": "#74c98f",
    "state-paused": "#e6c062",
    "state-changing": "#6cb0f0",
    "state-off": "#8b95a3",
    "state-bad": "#f27d84",
    "series-1": "#6cb0f0",
    "series-2": "#e8a35c",
    "series-3": "#74c98f",
    "series-4": "#c79bf0",
    "series-5": "#e8d36c",
    "series-6": "#f08bb4",
    "quiet": "#8b95a3",
}
"""For `App.get_theme_variable_defaults`: stylesheets resolve under Textual's own themes too."""

_ANSI_GAPS = ("ansi-background", "ansi-foreground", "surface-active", "foreground-disabled")
"""What Textual's stylesheets use and its generator leaves out for a theme in terminal colours."""

_STYLE_WORDS = frozenset(
    {"none", "not", "bold", "b", "dim", "d", "italic", "i", "underline", "u", "reverse", "strike"}
)


class Themes(NamedTuple):
    """The themes that can be used, ours first, and a sentence for each one that cannot."""

    themes: tuple[Theme, ...]
    problems: tuple[str, ...] = ()


def shipped_directory() -> Path:
    """Where our theme files are: in the wheel beside this module, in a checkout at the top."""
    here = Path(__file__).resolve().parent
    inside = here / "themes"
    return inside if inside.is_dir() else here.parent / "themes"


def own_directory() -> Path:
    """Where a person's own theme files are looked for."""
    return platformdirs.user_config_path("tuivm") / "themes"


def load_themes(own: Path | None = None) -> Themes:
    """Read all themes. own: the person's directory; None means `own_directory()`.

    A person's theme replaces one of ours that has the same name; of two of their own with the
    same name the first file (by file name) is taken.
    """
    found: dict[str, Theme] = {}
    problems: list[str] = []
    for theme, _ in _read_directory(shipped_directory(), problems):
        found[theme.name] = theme
    mine: dict[str, Path] = {}
    for theme, path in _read_directory(own or own_directory(), problems):
        if theme.name in mine:
            problems.append(
                f'{path}: name: "{theme.name}" is already the name of {mine[theme.name].name}'
            )
            continue
        mine[theme.name] = path
        found[theme.name] = theme
    return Themes(tuple(found.values()), tuple(problems))


def _read_directory(directory: Path, problems: list[str]) -> Iterable[tuple[Theme, Path]]:
    try:
        paths = sorted(directory.glob("*.toml"))
    except OSError as error:
        problems.append(f"{directory}: cannot be listed: {error.strerror}")
        return
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            problems.append(f"{path}: cannot be read: {error.strerror}")
            continue
        except UnicodeDecodeError:
            problems.append(f"{path}: is not UTF-8 text")
            continue
        theme, faults = parse_theme(text)
        problems.extend(f"{path}: {fault}" for fault in faults)
        if theme is not None:
            yield theme, path


def parse_theme(text: str) -> tuple[Theme | None, tuple[str, ...]]:
    """A theme from the text of its file, or None and every fault as "key: why"."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return None, (f"is not valid TOML: {error}",)
    faults: list[str] = []
    _unknown(table, ("name", "dark", "ansi", "colours", "roles", "variables"), "", faults)
    name = table.get("name")
    if not isinstance(name, str) or not name.strip() or not name.isprintable() or "," in name:
        faults.append("name: a word or two is needed, without a comma")
    flags = {key: table.get(key, key == "dark") for key in ("dark", "ansi")}
    faults += [
        f"{key}: must be true or false" for key, flag in flags.items() if not isinstance(flag, bool)
    ]
    colours = _strings(table, "colours", COLOURS, faults)
    roles = _strings(table, "roles", ROLES, faults)
    variables = _strings(table, "variables", _textual_variables(), faults)
    faults += [
        f"colours.{key}: is missing"
        for key in REQUIRED_COLOURS
        if key not in colours and not any(fault.startswith(f"colours.{key}:") for fault in faults)
    ]
    faults += [f"colours.{key}: {why}" for key, value in colours.items() if (why := _solid(value))]
    faults += [f"roles.{key}: {why}" for key, value in roles.items() if (why := _solid(value))]
    faults += [
        f"variables.{key}: {why}"
        for key, value in variables.items()
        if (why := _style(value) if key.endswith("-style") else _colour(value))
    ]
    if faults:
        return None, tuple(faults)
    for role, stand_in in ROLES.items():
        roles.setdefault(role, colours.get(stand_in, colours["primary"]))
    if flags["ansi"]:
        for gap in _ANSI_GAPS:
            variables.setdefault(gap, "ansi_default")
    theme = Theme(
        name=str(name),
        primary=colours["primary"],
        dark=flags["dark"],
        ansi=flags["ansi"],
        variables={**variables, **roles},
    )
    for key, value in colours.items():
        setattr(theme, key, value)
    return theme, ()


def _strings(
    table: Mapping[str, object], section: str, known: Collection[str], faults: list[str]
) -> dict[str, str]:
    """The strings of one section; what is unknown or not a string becomes a fault."""
    found = table.get(section, {})
    if not isinstance(found, dict):
        faults.append(f"{section}: must be a table")
        return {}
    _unknown(found, known, f"{section}.", faults)
    values: dict[str, str] = {}
    for key, value in found.items():
        if key not in known:
            continue
        if isinstance(value, str):
            values[key] = value.strip()
        else:
            faults.append(f"{section}.{key}: must be a string")
    return values


def _unknown(
    table: Mapping[str, object], known: Collection[str], prefix: str, faults: list[str]
) -> None:
    for key in table:
        if key not in known:
            close = difflib.get_close_matches(key, known, 1)
            hint = f', did you mean "{prefix}{close[0]}"?' if close else ""
            faults.append(f"{prefix}{key}: is not known{hint}")


@cache
def _textual_variables() -> frozenset[str]:
    """The CSS variables that Textual itself derives from a theme."""
    plain = ColorSystem(primary="#000000").generate()
    ansi = ColorSystem(primary="ansi_blue", ansi=True).generate()
    return frozenset({*plain, *ansi})


def _solid(value: str) -> str:
    """Why this cannot be the colour of text or of an area, "" when it can."""
    if value == "auto" or value.startswith("auto "):
        return f'"{value}" is not a colour'
    try:
        colour = Color.parse(value)
    except ColorParseError:
        return f'"{value}" is not a colour ("#rrggbb", a name such as "teal", or "ansi_blue")'
    return "" if colour.a == 1 else f'"{value}" must not be transparent'


def _colour(value: str) -> str:
    """As `_solid`, for the variables that may be see-through, with or without a percentage."""
    base, _, alpha = value.rpartition(" ")
    if not base:
        base, alpha = value, "100%"
    if not (alpha.endswith("%") and alpha[:-1].isascii() and alpha[:-1].isdigit()):
        return f'"{value}" is not a colour, nor a colour and a percentage'
    if base in {"auto", "transparent"}:
        return ""
    try:
        Color.parse(base)
    except ColorParseError:
        return f'"{base}" is not a colour ("#rrggbb", a name such as "teal", or "ansi_blue")'
    return ""


def _style(value: str) -> str:
    if value and set(value.split()) <= _STYLE_WORDS:
        return ""
    return f'"{value}" is not a text style (such as "bold", "reverse" or "none")'
