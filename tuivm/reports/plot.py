"""One chart of a picture: a line a device over the window. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tuivm.model.comparison import Measure
from tuivm.model.devices import DeviceClass
from tuivm.reports.canvas import Canvas
from tuivm.reports.words import amount

HEIGHT = 190.0
"""px of a chart with its title and axis."""
DASHES = ("", "9 4", "2 3", "12 3 2 3", "5 3", "9 3 2 3 2 3")
_GUTTER = 92.0
_ROUND = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


@dataclass(frozen=True, slots=True)
class Look:
    """How a device is drawn: by class, shade within the class, and its own dash pattern."""

    cls: DeviceClass
    shade: int
    dash: str

    @property
    def line(self) -> str:
        return f"trace line-{self.cls.value}-{self.shade}"


def draw_plot(
    canvas: Canvas,
    top: float,
    width: float,
    measure: Measure,
    *,
    lines: Sequence[tuple[Look, Sequence[float]]],
    times: tuple[str, str],
) -> None:
    """From `top` down, between the same margins left and right; HEIGHT high.

    lines: values over the window, NaN a gap. times: what the left and the right end are called.
    """
    left, right = 24 + _GUTTER, width - 24
    ceiling, floor = top + 28, top + HEIGHT - 34
    highest = max((v for _, values in lines for v in values if not math.isnan(v)), default=0.0)
    scale = _round_top(highest, measure.unit)
    canvas.text(24, top + 14, measure.title, "head")
    better = "more is better" if measure.more else "less is better"
    canvas.text(right, top + 14, better, "small quiet", "end")
    for part in range(5):
        y = floor - (floor - ceiling) * part / 4
        canvas.rule(left, y, right, "axis" if part == 0 else "grid")
        if part % 2 == 0:
            label = amount(scale * part / 4, measure) if part else "0"
            canvas.text(left - 8, y + 4, label, "small quiet", "end")
    canvas.text(left, floor + 16, times[0], "small quiet")
    canvas.text(right, floor + 16, times[1], "small quiet", "end")
    for look, values in lines:
        points = [
            (
                left + (right - left) * (place + 0.5) / len(values),
                # A gap stays NaN, which min() would take for the top.
                floor - (floor - ceiling) * value / scale,
            )
            for place, value in enumerate(values)
        ]
        _draw_line(canvas, points, look)


def _draw_line(canvas: Canvas, points: Sequence[tuple[float, float]], look: Look) -> None:
    """Broken at gaps; a value between two gaps is a dot. The class stands at its newest value."""
    data, pen_down, last = "", False, None
    for x, y in points:
        if math.isnan(y):
            pen_down = False
            continue
        alone = "h0.1" if not pen_down else ""
        data += f"{'L' if pen_down else 'M'}{x:.1f} {y:.1f}{alone}"
        pen_down, last = True, (x, y)
    if last is not None:
        canvas.path(data, look.line, look.dash)
        canvas.glyph(*last, look.cls, look.shade)


def _round_top(highest: float, unit: str) -> float:
    """The next round number: of binary steps for bytes."""
    if not highest > 0:
        return 1.0
    base = 1024.0 if unit == "B/s" else 1000.0
    step = base ** math.floor(math.log(highest, base))
    mantissa = highest / step
    ten = 10.0 ** math.floor(math.log10(mantissa))
    return step * ten * next(one for one in _ROUND if one * ten >= mantissa * (1 - 1e-9))
