"""The shipped themes are readable, and a person's own theme is checked before it is used."""

from __future__ import annotations

import itertools
import tomllib
from pathlib import Path

import pytest
from textual.app import App, ComposeResult
from textual.color import Color, rgb_to_lab
from textual.theme import Theme
from textual.widgets import Static

from tuivm import themes
from tuivm.themes import ROLES, VARIABLE_DEFAULTS, load_themes, parse_theme

SHIPPED = ("ansi", "colour-blind-safe", "dark", "high-contrast", "light", "monochrome")
IN_RGB = tuple(name for name in SHIPPED if name != "ansi")

GOOD = """
name = "mine"
[colours]
primary = "#6cb0f0"
foreground = "#ffffff"
background = "#000000"
"""


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Theme]:
    loaded = load_themes(tmp_path_factory.mktemp("none"))
    assert loaded.problems == ()
    return {theme.name: theme for theme in loaded.themes}


def luminance(colour: Color) -> float:
    """WCAG 2.1 relative luminance of an opaque colour."""
    channels = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in colour.normalized
    ]
    return 0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2]


def contrast(one: str | None, other: str | None) -> float:
    assert one is not None
    assert other is not None
    light, dark = sorted((luminance(Color.parse(one)), luminance(Color.parse(other))), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_formula() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_six_themes_are_shipped(shipped: dict[str, Theme]) -> None:
    assert tuple(sorted(shipped)) == SHIPPED


def test_each_shipped_file_is_called_after_its_theme_and_says_every_role() -> None:
    for path in themes.shipped_directory().glob("*.toml"):
        table = tomllib.loads(path.read_text())
        assert table["name"] == path.stem
        assert set(table["roles"]) == set(ROLES), path.name
        assert set(table["colours"]) == set(themes.COLOURS), path.name


def test_defaults_cover_every_role_as_the_dark_theme_has_it(shipped: dict[str, Theme]) -> None:
    variables = shipped["dark"].variables
    assert {role: variables[role] for role in ROLES} == VARIABLE_DEFAULTS


@pytest.mark.parametrize("name", IN_RGB)
def test_text_and_roles_can_be_read(shipped: dict[str, Theme], name: str) -> None:
    theme = shipped[name]
    strict = name == "high-contrast"
    grounds = {"background": theme.background, "surface": theme.surface}
    for where, ground in {**grounds, "panel": theme.panel}.items():
        assert contrast(theme.foreground, ground) >= (7 if strict else 4.5), where
    for where, ground in grounds.items():
        for role in ROLES:
            got = contrast(theme.variables[role], ground)
            assert got >= (7 if strict else 3), f"{role} on {where}: {got:.2f}"
        for key in ("primary", "accent", "success", "warning", "error"):
            got = contrast(getattr(theme, key), ground)
            assert got >= (7 if strict else 3), f"{key} on {where}: {got:.2f}"
        muted = contrast(theme.variables["text-muted"], ground)
        assert muted >= (7 if strict else 4.5), f"text-muted on {where}: {muted:.2f}"
    for cursor in ("block-cursor", "block-cursor-blurred"):
        got = contrast(
            theme.variables[f"{cursor}-foreground"], theme.variables[f"{cursor}-background"]
        )
        assert got >= (7 if strict else 4.5), f"{cursor}: {got:.2f}"


# Machado, Oliveira and Fernandes 2009, severity 1.0, in linear RGB.
DEFICIENCIES = {
    "none": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


def seen_as(colour: str, deficiency: str) -> Color:
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in Color.parse(colour).normalized
    ]
    mixed = [
        min(1.0, max(0.0, sum(factor * value for factor, value in zip(row, linear, strict=True))))
        for row in DEFICIENCIES[deficiency]
    ]
    encoded = [
        value * 12.92 if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055
        for value in mixed
    ]
    red, green, blue = (round(value * 255) for value in encoded)
    return Color(red, green, blue)


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
@pytest.mark.parametrize(
    "roles",
    [
        ("class-paravirtual", "class-emulated", "class-physical"),
        ("state-running", "state-paused", "state-off", "state-bad"),
        ("series-1", "series-2", "series-3"),
    ],
)
def test_colour_blind_safe_colours_stay_apart(
    shipped: dict[str, Theme], deficiency: str, roles: tuple[str, ...]
) -> None:
    variables = shipped["colour-blind-safe"].variables
    for one, other in itertools.combinations(roles, 2):
        first, second = (rgb_to_lab(seen_as(variables[role], deficiency)) for role in (one, other))
        distance = (
            (first.L - second.L) ** 2 + (first.a - second.a) ** 2 + (first.b - second.b) ** 2
        ) ** 0.5
        assert distance >= 20, f"{one} and {other}: {distance:.1f}"


def test_ansi_theme_uses_the_terminals_colours_only(shipped: dict[str, Theme]) -> None:
    theme = shipped["ansi"]
    assert theme.ansi
    values = [getattr(theme, key) for key in themes.COLOURS] + list(theme.variables.values())
    assert all(str(value).startswith("ansi_") for value in values), values


def test_monochrome_has_no_hue(shipped: dict[str, Theme]) -> None:
    theme = shipped["monochrome"]
    values = [getattr(theme, key) for key in themes.COLOURS] + list(theme.variables.values())
    assert all(Color.parse(str(value)).hsl.s == 0 for value in values)


ROLE_RULES = "".join(f".{role} {{ color: ${role}; }}\n" for role in ROLES)


class Styled(App[None]):
    CSS = ROLE_RULES

    def __init__(self, extra: tuple[Theme, ...], name: str) -> None:
        super().__init__()
        for theme in extra:
            self.register_theme(theme)
        self.theme = name

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return VARIABLE_DEFAULTS

    def compose(self) -> ComposeResult:
        for role in ROLES:
            yield Static(role, id=role, classes=role)


@pytest.mark.parametrize("name", [*SHIPPED, "nord"])
async def test_every_theme_resolves_every_role_in_a_stylesheet(
    shipped: dict[str, Theme], name: str
) -> None:
    app = Styled(tuple(shipped.values()), name)
    expected = shipped[name].variables if name in shipped else VARIABLE_DEFAULTS
    async with app.run_test():
        for role in ROLES:
            colour = app.query_one(f"#{role}").styles.color
            assert colour == Color.parse(expected[role]), role


def test_a_small_theme_gets_its_roles_from_its_own_colours() -> None:
    theme, faults = parse_theme(GOOD + 'error = "red"\n')
    assert faults == ()
    assert theme is not None
    assert theme.dark
    assert set(ROLES) <= set(theme.variables)
    assert theme.variables["state-bad"] == "red"
    assert theme.variables["class-physical"] == "#6cb0f0"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("name = [", "is not valid TOML"),
        (GOOD.replace('name = "mine"', ""), "name:"),
        (GOOD.replace('"mine"', '"a,b"'), "name:"),
        (GOOD.replace('"mine"', '"a\\u001b[2J"'), "name:"),
        (
            GOOD.replace("primary", "primry"),
            'colours.primry: is not known, did you mean "colours.p',
        ),
        (GOOD.replace("primary", "primry"), "colours.primary: is missing"),
        (GOOD.replace('"#000000"', '"blackish"'), 'colours.background: "blackish" is not a colour'),
        (GOOD.replace('"#000000"', '"auto"'), "colours.background:"),
        (GOOD.replace('"#000000"', '"#00000080"'), "must not be transparent"),
        (GOOD.replace('"#000000"', "3"), "colours.background: must be a string"),
        ("dark = 1\n" + GOOD, "dark: must be true or false"),
        ("colours = 1\nname = 'x'", "colours: must be a table"),
        (GOOD + "[roles]\nclass-emulatd = 'red'", 'did you mean "roles.class-emulated"'),
        (GOOD + "[variables]\nborder = 'red; color: blue'", "variables.border:"),
        (GOOD + "[variables]\nborder = 'red 50'", "variables.border:"),
        (GOOD + "[variables]\nblock-cursor-text-style = 'blink'", "is not a text style"),
        (GOOD + "[variables]\nno-such-thing = 'red'", "variables.no-such-thing: is not known"),
    ],
)
def test_a_bad_theme_is_refused_with_key_and_reason(text: str, fault: str) -> None:
    theme, faults = parse_theme(text)
    assert theme is None
    assert any(fault in found for found in faults), faults


def test_own_themes_are_found_and_bad_ones_skipped(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(GOOD)
    (tmp_path / "b.toml").write_text(GOOD)
    (tmp_path / "c.toml").write_text("name = 3")
    (tmp_path / "d.toml").write_bytes(b"\xff\xfe")
    (tmp_path / "e.toml").mkdir()
    (tmp_path / "f.toml").write_text(GOOD.replace("mine", "dark").replace("#6cb0f0", "#123456"))
    (tmp_path / "notes.txt").write_text("not a theme")
    loaded = load_themes(tmp_path)
    names = [theme.name for theme in loaded.themes]
    assert sorted(names) == sorted((*SHIPPED, "mine"))
    assert next(theme for theme in loaded.themes if theme.name == "dark").primary == "#123456"
    for file in ("b", "c", "d", "e"):
        assert any(f"{file}.toml" in problem for problem in loaded.problems), file
    assert not any("a.toml:" in problem or "notes" in problem for problem in loaded.problems)


async def test_a_checked_theme_cannot_break_the_stylesheet(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(
        GOOD
        + "[roles]\nquiet = 'ansi_blue'\n"
        + "[variables]\nborder = 'auto 50%'\nblock-cursor-text-style = 'not bold'\n"
        + "input-selection-background = 'transparent'\nlink-color = 'rgb(1,2,3)'\n"
    )
    loaded = load_themes(tmp_path)
    assert loaded.problems == ()
    app = Styled(loaded.themes, "mine")
    async with app.run_test():
        assert app.query_one("#quiet").styles.color == Color.parse("ansi_blue")


def test_themes_are_found_beside_the_module_in_a_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site-packages" / "tuivm"
    (package / "themes").mkdir(parents=True)
    monkeypatch.setattr(themes, "__file__", str(package / "themes.py"))
    assert themes.shipped_directory() == package / "themes"


def test_the_documented_example_is_right() -> None:
    page = Path(__file__).parents[2] / "docs" / "themes.md"
    theme, faults = parse_theme(page.read_text().split("```toml\n")[1].split("```")[0])
    assert faults == ()
    assert theme is not None
    assert theme.variables["class-physical"] == "#c79bf0"
