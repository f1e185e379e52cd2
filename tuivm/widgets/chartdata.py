"""What a time chart is given, and the pieces of text that it is drawn with. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

from tuivm.model.units import visible
from tuivm.widgets.raster import ChartStyle
from tuivm.widgets.tabletext import plain_width

SHADES = 3
"""Shades of a class colour, for several series of one class."""

CLASS_ROLES = ("paravirtual", "emulated", "physical")

ROLES = (
    *(f"series-{number}" for number in range(1, 7)),
    *CLASS_ROLES,
    *(f"{role}-{shade}" for role in CLASS_ROLES for shade in range(2, SHADES + 1)),
)
"""Colours that a series may have: "paravirtual-2" is a shade of "paravirtual"."""

LOOKS = ("title", "axis", "label", "note", "cursor", "paused")
"""How the rest of a chart is drawn."""


class ChartSeries(NamedTuple):
    """One line of a chart.

    label: untrusted text. values: one for each bucket, oldest first; NaN is a gap. role: one
    of ROLES, anything else gets a colour by position; several series of one class role get its
    shades in turn. glyph: in front of the label. value: the latest figure as text, or the one
    under the cursor. group: index into ChartData.groups, -1 for none.
    """

    label: str
    values: Sequence[float]
    role: str
    glyph: str = ""
    value: str = ""
    group: int = -1


class ChartGroup(NamedTuple):
    """Series that belong together in the legend, with their sum; role and glyph as of a series."""

    label: str
    role: str
    glyph: str = ""
    value: str = ""


class ChartData(NamedTuple):
    """What a chart shows.

    title: untrusted text. unit: "%", "B", "B/s", "ns", or what is counted. step: seconds in a
    bucket. end_bucket: number of the last bucket; wide: dot columns that each takes (see
    window.Window). y_max: top of the axis, None for one that fits itself. note: why there is
    nothing to see, when there is nothing to see. log: logarithmic axis. cursor: the bucket, from
    the left, whose values the legend shows; None for none. ends_ago: seconds that the right edge
    lies in the past, 0 for a live chart. paused: it stands still. groups: headings of the legend,
    see ChartSeries.group. cursor_label: what the time axis says under the cursor, "" for how long
    ago that was. marks: each line carries its mark even where colour tells them apart (something
    else on the screen goes by the marks).
    """

    title: str
    unit: str
    step: float
    end_bucket: int
    series: tuple[ChartSeries, ...]
    y_max: float | None = None
    note: str = ""
    log: bool = False
    cursor: int | None = None
    ends_ago: float = 0.0
    paused: bool = False
    groups: tuple[ChartGroup, ...] = ()
    cursor_label: str = ""
    marks: bool = False
    current: bool = False
    wide: int = 1


def widened(data: ChartData) -> ChartData:
    """The same with a bucket for each dot column."""
    wide = data.wide
    if wide == 1:
        return data
    series = tuple(
        one._replace(values=[value for value in one.values for _ in range(wide)])
        for one in data.series
    )
    return data._replace(
        series=series,
        step=data.step / wide,
        end_bucket=(data.end_bucket + 1) * wide - 1,
        cursor=None if data.cursor is None else data.cursor * wide + wide // 2,
        wide=1,
    )


class Piece(NamedTuple):
    """Text drawn alike. role: one of ROLES or LOOKS, or "" for plain; under: role whose colour is
    behind it."""

    text: str
    role: str = ""
    under: str = ""


Line = tuple[Piece, ...]


def role_at(role: str, index: int) -> str:
    """The role, or a colour by position in place of one that is not known."""
    return role if role in ROLES else ROLES[index % 6]


def series_roles(data: ChartData) -> list[str]:
    """The role each series is drawn in: of those of one class every one has the next shade."""
    roles: list[str] = []
    seen: dict[str, int] = {}
    for index, series in enumerate(data.series):
        role = role_at(series.role, index)
        if role in CLASS_ROLES:
            shade = seen.get(role, 0) % SHADES
            seen[role] = shade + 1
            role = f"{role}-{shade + 1}" if shade else role
        roles.append(role)
    return roles


def class_of(role: str) -> str:
    """The role without its shade."""
    base = role.rpartition("-")[0]
    return base if base in CLASS_ROLES else role


def fit(text: str, width: int, style: ChartStyle) -> str:
    """Untrusted text in at most `width` cells, with a sign when it had to be cut."""
    text = plain_width(visible(text))
    if cell_len(text) <= width:
        return text
    if width <= 0:
        return ""
    return set_cell_size(text, width - 1).rstrip() + ("~" if style == "ascii" else "…")


def in_ascii(figure: str) -> str:
    """A figure with its unit: "60µs" -> "60us"."""
    return figure.replace("µ", "u")


def pad(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))
