"""Pieces of an SVG picture, every text in it escaped. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from unicodedata import east_asian_width

from tuivm.model.devices import DeviceClass
from tuivm.model.units import visible

_ILLEGAL = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 forbids even when it is escaped."""
SHADES = 3
"""Lines of one class come in so many shades."""
_LIGHT = {
    DeviceClass.PARAVIRTUAL: ("#00695c", "#1d9484", "#003d36"),
    DeviceClass.EMULATED: ("#8a4b00", "#c07a1f", "#512c00"),
    DeviceClass.PHYSICAL: ("#6b2fb3", "#9a6bd6", "#3f1675"),
}
_DARK = {
    DeviceClass.PARAVIRTUAL: ("#4fc9b4", "#a3ecdf", "#2f9e8b"),
    DeviceClass.EMULATED: ("#e6b45c", "#f6deb2", "#b98631"),
    DeviceClass.PHYSICAL: ("#c79bf0", "#e6d4fb", "#a06fd8"),
}
_FONT = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace"


class Canvas:
    """Elements in the order they are drawn. Lengths are px; x to the right, y down."""

    def __init__(self) -> None:
        self.elements: list[str] = []

    def text(self, x: float, y: float, text: str, style: str = "", anchor: str = "start") -> None:
        self.elements.append(
            f'<text x="{x:.1f}" y="{y:.1f}" class="{style}" text-anchor="{anchor}">'
            f"{escaped(text)}</text>"
        )

    def rule(self, x: float, y: float, end: float, style: str, dash: str = "") -> None:
        """A level line from (x, y) to where x is end."""
        self.path(f"M{x:.1f} {y:.1f}H{end:.1f}", style, dash)

    def path(self, data: str, style: str, dash: str = "") -> None:
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self.elements.append(f'<path d="{data}" class="{style}"{dashes}/>')

    def box(self, x: float, y: float, width: float, height: float, style: str) -> None:
        self.elements.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
            f'class="{style}"/>'
        )

    def glyph(self, x: float, y: float, cls: DeviceClass, shade: int) -> None:
        """The class as a shape around (x, y): drawn, as not every font has the characters."""
        if cls is DeviceClass.PARAVIRTUAL:
            data = f"M{x:.1f} {y - 6:.1f}l6 6l-6 6l-6 -6z"
        elif cls is DeviceClass.EMULATED:
            data = f"M{x - 5:.1f} {y - 5:.1f}h10v10h-10zM{x - 3:.1f} {y - 3:.1f}v6h6v-6z"
        else:
            data = f"M{x:.1f} {y - 6:.1f}l6 11h-12z"
        if cls is DeviceClass.EMULATED:
            data += f"M{x - 1.5:.1f} {y - 1.5:.1f}h3v3h-3z"
        self.path(data, f"fill-{cls.value}-{shade}")

    def drawn(self, width: float, height: float, title: str) -> str:
        """The whole picture, which brings its own ground: light, or dark where that is asked."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
            f'width="{width:.0f}" height="{height:.0f}" role="img" font-family="{_FONT}">'
        )
        ground = '<rect width="100%" height="100%" class="ground"/>'
        parts = [head, f"<title>{escaped(title)}</title>", f"<style>{_style()}</style>", ground]
        return "\n".join([*parts, *self.elements, "</svg>"]) + "\n"


def escaped(text: str) -> str:
    """Untrusted text for an element: control characters visible, nothing in it is markup."""
    return escape(_ILLEGAL.sub("\ufffd", visible(text)))


def cut(text: str, cells: int) -> str:
    """At most so many cells wide, with "…" where something was left out."""
    text = visible(text)
    if sum(_cells(char) for char in text) <= cells:
        return text
    kept, used = "", 1
    for char in text:
        used += _cells(char)
        if used > cells:
            break
        kept += char
    return kept + "…"


def _cells(char: str) -> int:
    return 2 if east_asian_width(char) in "WF" else 1


def _style() -> str:
    light = _rules(_LIGHT, ground="#ffffff", ink="#1f2328", quiet="#59636e", rule="#d0d7de")
    dark = _rules(_DARK, ground="#11151b", ink="#d9dee6", quiet="#9aa4b2", rule="#343d4a")
    fixed = (
        "text{font-size:12px}.title{font-size:18px;font-weight:bold}.head{font-size:13px;"
        "font-weight:bold}.strong{font-weight:bold}.small{font-size:11px}"
        "path{fill:none}.trace{stroke-width:1.8;stroke-linejoin:round}"
    )
    return f"{fixed}{light}@media(prefers-color-scheme:dark){{{dark}}}"


def _rules(
    colours: Mapping[DeviceClass, tuple[str, ...]], *, ground: str, ink: str, quiet: str, rule: str
) -> str:
    rules = [
        f".ground{{fill:{ground}}}text{{fill:{ink}}}text.quiet{{fill:{quiet}}}",
        f".grid{{stroke:{rule}}}.axis{{stroke:{quiet}}}",
    ]
    for cls, shades in colours.items():
        for shade, colour in enumerate(shades):
            rules.append(f".line-{cls.value}-{shade}{{stroke:{colour}}}")
            rules.append(f".fill-{cls.value}-{shade}{{fill:{colour}}}")
    return "".join(rules)
