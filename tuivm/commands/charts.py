"""Commands on the time charts of a place."""

from __future__ import annotations

from tuivm.commands.base import COMPARE, GUEST, GUESTS, HOSTS, LAB, ScreenCommand

CHARTS = frozenset({GUESTS, GUEST, COMPARE, HOSTS})
TURNED = CHARTS - {HOSTS}
"""Places with a series of charts: in the hosts place the same keys turn its pages."""
CLOSE_UP = frozenset({GUEST, COMPARE})
"""Places that are there for their charts."""


class NextChart(ScreenCommand):
    """Show the next chart: CPU, memory, disks, network."""

    id = "screen.next_chart"
    label = "chart"
    keys = ("tab",)
    places = TURNED
    group = "chart"
    footer = 24


class PreviousChart(ScreenCommand):
    """Show the chart before this one."""

    id = "screen.previous_chart"
    label = "previous chart"
    keys = ("shift+tab",)
    places = TURNED
    group = "chart"


class LongerWindow(ScreenCommand):
    """Show more time in the chart: 1, 5, 15, 60 minutes."""

    id = "screen.longer"
    label = "more time"
    keys = ("right_square_bracket",)
    places = CHARTS
    group = "chart"


class ShorterWindow(ScreenCommand):
    """Show less time in the chart."""

    id = "screen.shorter"
    label = "less time"
    keys = ("left_square_bracket",)
    places = CHARTS
    group = "chart"


class HoldCharts(ScreenCommand):
    """Let the charts stand still, or run on; what is measured is kept meanwhile."""

    id = "screen.hold"
    label = "hold"
    keys = ("space",)
    places = CLOSE_UP
    group = "chart"
    footer = 25


class ScrollBack(ScreenCommand):
    """Show what was half a window before, up to 6 hours back."""

    id = "screen.scroll_back"
    label = "earlier"
    keys = ("less_than_sign", "comma")
    places = CLOSE_UP
    group = "chart"


class ScrollOn(ScreenCommand):
    """Show what came half a window later; at the end the charts run on."""

    id = "screen.scroll_on"
    label = "later"
    keys = ("greater_than_sign", "full_stop")
    places = CLOSE_UP
    group = "chart"


class CursorLeft(ScreenCommand):
    """Read out all values at one moment: the one before. Esc takes the cursor away."""

    id = "screen.cursor_left"
    label = "cursor left"
    keys = ("left", "h")
    places = CLOSE_UP
    group = "chart"


class CursorRight(ScreenCommand):
    """Read out all values at one moment: the next one."""

    id = "screen.cursor_right"
    label = "cursor right"
    keys = ("right", "l")
    places = CLOSE_UP
    group = "chart"


class CursorFarLeft(ScreenCommand):
    """Move the cursor ten steps to the left."""

    id = "screen.cursor_far_left"
    label = "cursor far left"
    keys = ("shift+left", "left_parenthesis")
    places = CLOSE_UP
    group = "chart"


class CursorFarRight(ScreenCommand):
    """Move the cursor ten steps to the right."""

    id = "screen.cursor_far_right"
    label = "cursor far right"
    keys = ("shift+right", "right_parenthesis")
    places = CLOSE_UP
    group = "chart"


class LogScale(ScreenCommand):
    """Draw the y axis logarithmic, or linear: small values can be seen beside large ones."""

    id = "screen.logarithmic"
    label = "log scale"
    keys = ("y",)
    places = CLOSE_UP | {LAB}
    group = "chart"


class FixedAxis(ScreenCommand):
    """Keep the y axis as it is (percentages: 0 to 100), or let it fit what is shown."""

    id = "screen.fixed_axis"
    label = "fixed axis"
    keys = ("Y",)
    places = CLOSE_UP
    group = "chart"


class Performance(ScreenCommand):
    """A guest's performance: charts of its CPU, memory, disks, NICs, exits and what it costs."""

    id = "screen.performance"
    label = "performance"
    keys = ("m",)
    places = frozenset({GUESTS, GUEST})
    group = "chart"
    footer = 23


class Split(ScreenCommand):
    """Draw a chart for each device (or vCPU), or one for all of them together."""

    id = "screen.split"
    label = "split"
    keys = ("w",)
    places = frozenset({GUEST})
    group = "chart"


CHART_COMMANDS = (
    Performance,
    Split,
    NextChart,
    PreviousChart,
    LongerWindow,
    ShorterWindow,
    HoldCharts,
    ScrollBack,
    ScrollOn,
    CursorLeft,
    CursorRight,
    CursorFarLeft,
    CursorFarRight,
    LogScale,
    FixedAxis,
)
